"""The journal of one machine: what arrived, what was refused and why, what could not be queued.

One SQLite file for people and their tools. It may fail without harm: a request never
fails for its sake, and the first failure is logged. Deliveries, refusals and captures are
trimmed; an event that could not be queued stays until it is replayed.
"""

import json
import logging
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from gateway.errors import PassingFailure
from gateway.settings import Settings
from gateway.texts import say

Kind = Literal["delivery", "refusal", "capture", "not_queued"]

KEPT_ROWS = 10_000  # of each kind
KEPT_BYTES = 80_000_000  # of records, so that the file with its indexes and log stays under 100 MB
KEPT_SECONDS = 7 * 86_400.0
TRIM_ROWS, TRIM_BYTES = 200, 5_000_000  # trimming costs a walk over the index: not at every record
WRITE_SECONDS = 0.4  # a request does not wait longer for the file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, at REAL NOT NULL, bytes INTEGER NOT NULL,
    record TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS records_kind ON records (kind, id, at, bytes);
"""
_TRIM = """
DELETE FROM records WHERE id IN (
    SELECT id FROM (
        SELECT id, at, row_number() OVER (PARTITION BY kind ORDER BY id DESC) AS place,
               sum(bytes) OVER (ORDER BY id DESC) AS total
        FROM records WHERE kind <> 'not_queued')
    WHERE place > ? OR total > ? OR at < ?)
"""

log = logging.getLogger("gateway.journal")


class JournalUnavailable(PassingFailure):
    """The journal could not be read or changed by a tool."""


@dataclass(frozen=True, slots=True)
class Record:
    """A row: `record` is JSON values, as they were added."""

    id: int
    kind: Kind
    at: datetime
    record: dict[str, Any]


class Journal:
    """Safe across threads and processes. Reading a file that is not there yields nothing."""

    def __init__(self, url: str, language: str = "ru", clock: Callable[[], float] = time.time) -> None:
        """`url` is `sqlite:///PATH`; the file and its directories are created by the first `add`."""
        self.path = Path(url.removeprefix("sqlite:///"))
        self._language = language
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._failed = False
        self._rows = TRIM_ROWS  # what a stopped process left untrimmed goes at the first record
        self._bytes = 0

    def add(self, kind: Kind, record: Mapping[str, Any]) -> bool:
        """Write one record, without secrets (the caller's duty). False where that failed; it never raises.

        An event not queued is on the disk then (`synchronous=FULL`); a power cut may take the newest others.
        """
        text = json.dumps(record, ensure_ascii=False, default=str)
        row = (kind, self._clock(), len(text), text)
        deadline = time.monotonic() + WRITE_SECONDS
        if not self._lock.acquire(timeout=WRITE_SECONDS):
            return self._failure("busy")
        try:
            connection = self._connection = self._connection or self._open()
            left = max(0, int((deadline - time.monotonic()) * 1000))
            connection.execute(f"PRAGMA busy_timeout = {left}")
            connection.execute(f"PRAGMA synchronous = {'FULL' if kind == 'not_queued' else 'NORMAL'}")
            connection.execute("INSERT INTO records (kind, at, bytes, record) VALUES (?, ?, ?, ?)", row)
            self._trim(connection, len(text))
        except (sqlite3.Error, OSError, UnicodeError) as error:
            return self._failure(str(error))
        finally:
            self._lock.release()
        self._failed = False
        return True

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=WRITE_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _trim(self, connection: sqlite3.Connection, added: int) -> None:
        self._rows, self._bytes = self._rows + 1, self._bytes + added
        if self._rows < TRIM_ROWS and self._bytes < TRIM_BYTES:
            return
        self._rows = self._bytes = 0
        with suppress(sqlite3.Error):  # the record itself is written
            connection.execute(_TRIM, (KEPT_ROWS, KEPT_BYTES, self._clock() - KEPT_SECONDS))

    def _failure(self, problem: str) -> bool:
        if not self._failed:
            self._failed = True
            log.error(say("JOURNAL_FAILED", self._language, path=self.path, problem=problem))
        return False

    def records(
        self, kind: Kind | None = None, *, since: datetime | None = None, after: int = 0, limit: int = -1
    ) -> Iterator[Record]:
        """Records with ids above `after`, not older than `since`, oldest first; all of them by default."""
        since_seconds = since.timestamp() if since else 0.0
        while limit != 0 and (
            page := self._page(kind, since_seconds, after, 100 if limit < 0 else min(100, limit))
        ):
            yield from page
            after, limit = page[-1].id, limit - len(page) if limit > 0 else limit

    def newest(self, kind: Kind | None, limit: int) -> list[Record]:
        """The last `limit` records of a kind, or of all, newest first."""
        chosen, values = (" WHERE kind = ?", (kind,)) if kind else ("", ())
        statement = f"SELECT id, kind, at, record FROM records{chosen} ORDER BY id DESC LIMIT ?"  # noqa: S608
        return self._read(statement, *values, limit)

    def follow(
        self, kind: Kind | None = None, *, after: int = 0, sleep: Callable[[float], None] = time.sleep
    ) -> Iterator[Record]:
        """Records as they come, without end."""
        while True:
            for record in self.records(kind, after=after):
                after = record.id
                yield record
            sleep(0.5)

    def latest_delivery(self) -> datetime | None:
        """When the last verified event came; None where none is kept."""
        newest = self.newest("delivery", 1)
        return newest[0].at if newest else None

    def remove(self, record_id: int) -> None:
        """Drop a record: an event that is back on the queue."""
        self._write("DELETE FROM records WHERE id = ?", [(record_id,)])

    def forget(self, portal: str, bitrix_user_id: int) -> int:
        """Erase what is kept of a person: user events of this portal with this id; how many records went."""
        about = re.compile(
            rf"(?:%5B|\b)ID(?:%5D|\]|\\?[\"'])*\s*[=:]\s*\\?[\"']?{bitrix_user_id}(?!\d)", re.IGNORECASE
        )
        found = []
        for record in self.records():
            text = json.dumps(record.record, ensure_ascii=False)
            if portal in text and "onuser" in text.lower() and about.search(text):
                found.append((record.id,))
        self._write("DELETE FROM records WHERE id = ?", found)
        return len(found)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _page(self, kind: Kind | None, since: float, after: int, limit: int) -> list[Record]:
        where = "id > ? AND at >= ?" + (" AND kind = ?" if kind else "")
        values = (after, since) + ((kind,) if kind else ())
        statement = f"SELECT id, kind, at, record FROM records WHERE {where} ORDER BY id LIMIT ?"  # noqa: S608
        return self._read(statement, *values, limit)

    def _read(self, statement: str, *values: object) -> list[Record]:
        """Rows by a connection of their own: a reader never waits for a request, nor a request for it."""
        if not self._is_written():
            return []
        try:
            with closing(sqlite3.connect(self.path, timeout=10.0)) as connection:
                rows = connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise JournalUnavailable(
                say("JOURNAL_FAILED", self._language, path=self.path, problem=error)
            ) from None
        return [
            Record(id_, kind, datetime.fromtimestamp(at, UTC), json.loads(text))
            for id_, kind, at, text in rows
        ]

    def _is_written(self) -> bool:
        """A file of no bytes is one whose writer ended before its first record."""
        return self.path.exists() and self.path.stat().st_size > 0

    def _write(self, statement: str, rows: list[tuple[int]]) -> None:
        if not self._is_written():
            return
        try:
            with closing(sqlite3.connect(self.path, timeout=10.0)) as connection, connection:
                connection.executemany(statement, rows)
        except sqlite3.Error as error:
            raise JournalUnavailable(
                say("JOURNAL_FAILED", self._language, path=self.path, problem=error)
            ) from None


def open_journal(settings: Settings) -> Journal:
    """The journal of `JOURNAL_URL`, one object a process."""
    key = settings.journal_url
    return _journals.setdefault(key, Journal(key, settings.language))


_journals: dict[str, Journal] = {}
