"""The embedded queue: one SQLite file on one machine, for any number of threads and processes.

`publish` returns when the message is on the disk: write-ahead log, `synchronous=FULL`.
A worker leases a message, does the work and acknowledges it; a worker that dies loses
nothing, as its lease runs out. What fails comes again after 1 s, then 2, 4, … 60, and
becomes a dead letter when its attempts are used up. Due messages come in the order in
which they became due, so failing ones hold up nobody.
"""

import json
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.errors import QueueUnavailable
from gateway.queues.model import Dead, Delivery
from gateway.texts import say

LONGEST_DELAY = 60.0  # seconds, as the contract says
WORKER_TIMEOUT = 10.0  # seconds a worker or a tool waits for its turn at the file
LONGEST_LEASE = 3600.0  # seconds; a message due later than that was written under a wrong clock

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: it is the message id
    data BLOB NOT NULL, attributes TEXT NOT NULL, published_at REAL NOT NULL,
    due_at REAL NOT NULL,  -- until then it is leased, or waits for its next attempt
    attempts INTEGER NOT NULL DEFAULT 0, lease TEXT, reason TEXT);
CREATE INDEX IF NOT EXISTS messages_due ON messages (due_at, id);
CREATE TABLE IF NOT EXISTS dead_letters (
    id INTEGER PRIMARY KEY, data BLOB NOT NULL, attributes TEXT NOT NULL, published_at REAL NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT NOT NULL, recorded_at REAL NOT NULL);
"""
_DUE = "SELECT id, data, attributes, attempts, published_at, reason FROM messages WHERE due_at <= ? ORDER BY due_at, id LIMIT 1"  # noqa: E501
_BURY = "INSERT OR REPLACE INTO dead_letters SELECT id, data, attributes, published_at, attempts, ?, ? FROM messages WHERE id = ?"  # noqa: E501


@dataclass(slots=True, eq=False)
class _Waiting:
    """A message whose publisher waits for the commit it will be part of."""

    data: bytes
    attributes: str
    message_id: int | None = None
    failed: str | None = None


class EmbeddedQueue:
    """A publisher, and what a worker needs. Any method raises `QueueUnavailable` where the file fails."""

    kind = "local"

    def __init__(
        self,
        path: str | Path,
        max_attempts: int = 10,
        language: str = "ru",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`path` is created at the first use, with its directories; `clock` gives seconds since 1970."""
        self.path = Path(path)
        self._max_attempts = max_attempts
        self._language = language
        self._clock = clock
        self._lock = threading.Lock()
        self._connections: dict[str, sqlite3.Connection] = {}
        self._waiting: deque[_Waiting] = deque()
        self._published = threading.Event()

    def publish(self, data: bytes, attributes: Mapping[str, str], timeout: float) -> str:
        """Store a message and return its id; it survives a crash from then on.

        Whoever's turn it is stores the messages of all who wait: one commit, one wait for the disk.
        """
        mine = _Waiting(data, json.dumps(dict(attributes), ensure_ascii=False))
        self._waiting.append(mine)
        try:
            with self._turn("FULL", timeout) as connection:
                if mine.message_id is None and mine.failed is None:
                    self._store_waiting(connection)
        finally:
            with suppress(ValueError):
                self._waiting.remove(mine)  # gave up before anybody took it
        if mine.failed is not None or mine.message_id is None:
            raise QueueUnavailable(self._sentence(mine.failed or "not stored"))
        self._published.set()
        return str(mine.message_id)

    def _store_waiting(self, connection: sqlite3.Connection) -> None:
        batch: list[_Waiting] = []
        with suppress(IndexError):  # a publisher that gives up may take its own out meanwhile
            while True:
                batch.append(self._waiting.popleft())
        now = self._clock()
        insert = "INSERT INTO messages (data, attributes, published_at, due_at) VALUES (?, ?, ?, ?)"
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                ids = [connection.execute(insert, (m.data, m.attributes, now, now)).lastrowid for m in batch]
        except sqlite3.Error as error:
            for message in batch:
                message.failed = str(error)
            raise
        for message, message_id in zip(batch, ids, strict=True):
            message.message_id = message_id

    def lease(self, seconds: float) -> Delivery | None:
        """The next due message, this caller's alone for `seconds`; None when none is due."""
        with self._turn("NORMAL", WORKER_TIMEOUT) as connection:
            now = self._clock()
            if connection.execute(_DUE, (now,)).fetchone() is None:
                return None  # without a write lock: an idle worker disturbs no publisher
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                while (row := connection.execute(_DUE, (now,)).fetchone()) is not None:
                    message_id, data, attributes, attempts, published_at, reason = row
                    if attempts >= self._max_attempts:  # its last worker died over it
                        self._bury(connection, message_id, reason or "no worker finished it")
                        continue
                    lease = os.urandom(8).hex()
                    connection.execute(
                        "UPDATE messages SET due_at = ?, attempts = attempts + 1, lease = ? WHERE id = ?",
                        (now + min(seconds, LONGEST_LEASE), lease, message_id),
                    )
                    return Delivery(
                        str(message_id), data, json.loads(attributes), attempts + 1, published_at, lease
                    )
        return None

    def acknowledge(self, delivery: Delivery) -> bool:
        """The work is done. False when the lease had run out and the message was another's by then."""
        with self._turn("NORMAL", WORKER_TIMEOUT) as connection:
            done = connection.execute(
                "DELETE FROM messages WHERE id = ? AND lease = ?", (int(delivery.message_id), delivery.lease)
            )
            return done.rowcount == 1

    def retry(self, delivery: Delivery, reason: str) -> bool:
        """The work failed for now: once more later, or a dead letter. False as in `acknowledge`."""
        delay = min(LONGEST_DELAY, 2.0 ** min(delivery.attempt - 1, 10))
        message_id = int(delivery.message_id)
        with self._turn("NORMAL", WORKER_TIMEOUT) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            ours = connection.execute(
                "UPDATE messages SET due_at = ?, lease = NULL, reason = ? WHERE id = ? AND lease = ?",
                (self._clock() + delay, reason, message_id, delivery.lease),
            )
            if ours.rowcount == 1 and delivery.attempt >= self._max_attempts:
                self._bury(connection, message_id, reason)
            return ours.rowcount == 1

    def _bury(self, connection: sqlite3.Connection, message_id: int, reason: str) -> None:
        connection.execute(_BURY, (reason, self._clock(), message_id))
        connection.execute("DELETE FROM messages WHERE id = ?", (message_id,))

    def wait(self, seconds: float) -> None:
        """Sleep until something is published in this process, at most `seconds`.

        What other processes publish, and what becomes due, is found by asking again.
        """
        if self._published.wait(seconds):
            self._published.clear()

    def dead_letters(self) -> Iterator[Dead]:
        """Dead letters, oldest first, read in pages."""
        after = 0
        while page := self._rows("SELECT * FROM dead_letters WHERE id > ? ORDER BY id LIMIT 100", after):
            for after, data, attributes, _, attempts, reason, recorded_at in page:
                yield Dead(str(after), data, json.loads(attributes), attempts, reason, recorded_at)

    def remove_dead_letter(self, dead_letter_id: str) -> None:
        with self._turn("FULL", WORKER_TIMEOUT) as connection:
            connection.execute("DELETE FROM dead_letters WHERE id = ?", (int(dead_letter_id),))

    def depth(self) -> int:
        """How many messages are neither acknowledged nor dead."""
        return int(self._rows("SELECT count(*) FROM messages")[0][0])

    def oldest_age(self) -> float:
        """Seconds since the oldest of them was published; 0 when there are none."""
        oldest = self._rows("SELECT min(published_at) FROM messages")[0][0]
        return 0.0 if oldest is None else max(0.0, self._clock() - float(oldest))

    def close(self) -> None:
        with self._lock:
            self._close()

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._turn("NORMAL", WORKER_TIMEOUT) as connection:
            return connection.execute(statement, values).fetchall()

    @contextmanager
    def _turn(self, synchronous: str, timeout: float) -> Iterator[sqlite3.Connection]:
        """One thread at a time; other processes are waited for as long as `timeout` leaves.

        A worker's connection is `NORMAL`: the lease or acknowledgement that a power cut takes
        back only makes a message come again. Publishing is `FULL`.
        """
        deadline = time.monotonic() + timeout
        if not self._lock.acquire(timeout=max(0.0, timeout)):
            raise QueueUnavailable(self._sentence("busy"))
        try:
            connection = self._connections.get(synchronous) or self._open(synchronous, deadline)
            left = max(0, int((deadline - time.monotonic()) * 1000))
            connection.execute(f"PRAGMA busy_timeout = {left}")
            yield connection
        except (sqlite3.Error, OSError) as error:
            self._close()
            raise QueueUnavailable(self._sentence(str(error))) from None
        finally:
            self._lock.release()

    def _open(self, synchronous: str, deadline: float) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=0.1, isolation_level=None, check_same_thread=False)
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA synchronous = {synchronous}")
                connection.executescript(_SCHEMA)
                now = self._clock()
                connection.execute(
                    "UPDATE messages SET due_at = ? WHERE due_at > ?", (now, now + LONGEST_LEASE)
                )
                break
            except (
                sqlite3.OperationalError
            ) as error:  # two processes that create it: the wait is not SQLite's
                if "locked" not in str(error) or time.monotonic() > deadline:
                    connection.close()
                    raise
                time.sleep(0.01)
        self._connections[synchronous] = connection
        return connection

    def _close(self) -> None:
        for connection in self._connections.values():
            with suppress(sqlite3.Error):
                connection.close()
        self._connections.clear()

    def _sentence(self, problem: str) -> str:
        return say("QUEUE_FILE_FAILED", self._language, path=self.path, problem=problem)
