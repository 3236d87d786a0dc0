"""The embedded queue: one SQLite file on one machine, for any number of threads and processes.

`publish` returns when the message is on the disk: write-ahead log, `synchronous=FULL`. It
is stored once for each subscription that wants it, each with its own lease, attempts and
dead letters: a subscription that fails delays no other. A worker leases messages, does the work and
settles them; what a dead worker had leased is taken back at once, or when its lease runs out.
Messages are leased in the order in which they became due, so failing ones hold up nobody.
"""

import json
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.queues import statements
from gateway.queues.model import DeadMessage, Delivery
from gateway.queues.owners import Owner
from gateway.queues.queue_file import QueueFile
from gateway.queues.sqlite_schema import LONGEST_LEASE, follow_clock, prepare, undo_wrong_clock
from gateway.queues.subscriptions import Subscription, object_of

# In seconds, as the contract says.
LONGEST_DELAY = 60.0
# Seconds that a worker or a tool waits for its turn at the file.
WORKER_TIMEOUT = 10.0
# A message that no subscription wants is inserted under this name, to get an id, and deleted at once.
NOBODY = "-"
EVERYTHING = Subscription("messages", lambda _event: True)

Failed = tuple[Delivery, str, float | None]
"""A delivery that failed, why, and in how many seconds it is tried again: None makes it a dead letter."""


@dataclass(slots=True, eq=False)
class _WaitingMessage:
    """A message whose publisher waits for the commit it will be part of."""

    data: bytes
    attributes: str
    subscriptions: list[str]
    object: str | None
    message_id: int | None = None
    # Why it could not be stored.
    problem: str | None = None


class EmbeddedQueue:
    """A publisher, and what a worker needs. Any method raises `QueueUnavailable` where the file fails."""

    kind = "local"

    def __init__(
        self,
        path: str | Path,
        max_attempts: int = 10,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] | None = None,
        subscriptions: Sequence[Subscription] = (EVERYTHING,),
    ) -> None:
        """`path` is created at the first use, with its directories; `clock` gives seconds since 1970.

        `steady` gives seconds of a clock that nobody sets, which shows that the other one was set back.
        """
        self.path = Path(path)
        self.subscriptions = tuple(subscriptions)
        self._max_attempts = max_attempts
        self._clock = clock
        self._steady = steady
        self._file = QueueFile(self.path, self._prepare)
        self._owner = Owner(self.path)
        self._waiting: deque[_WaitingMessage] = deque()
        # Called after each commit of messages.
        self.on_publish: Callable[[], None] = lambda: None
        # Called when `lease` finds a message out of attempts: subscription, attributes, attempts, reason.
        self.on_dead: Callable[[str, Mapping[str, str], int, str], None] = lambda *_: None

    def wants(self, event: str) -> bool:
        """Whether any subscription gets this event."""
        return any(subscription.wants(event) for subscription in self.subscriptions)

    def publish(
        self, data: bytes, attributes: Mapping[str, str], timeout: float, to: str | None = None
    ) -> str:
        """Store a message and return its id; it survives a crash from then on.

        Whoever's turn it is stores the messages of all who wait: one commit, one wait for the disk.
        `to` names the only subscription that gets it, where not all that want it should.
        """
        wanting, object_key = self._wanting(data, attributes)
        text = json.dumps(dict(attributes), ensure_ascii=False)
        try:
            # Half a surrogate pair would fail the whole commit.
            (text + (object_key or "")).encode()
        except UnicodeEncodeError as error:
            raise self._file.failure(str(error)) from None
        message = _WaitingMessage(data, text, wanting if to is None else [to], object_key)
        self._waiting.append(message)
        has_stored = False
        try:
            with self._file.locked(timeout) as deadline:
                if message.message_id is None and message.problem is None:
                    with self._file.opened("FULL", deadline) as connection:
                        self._store_waiting(connection)
                    has_stored = True
        finally:
            with suppress(ValueError):
                # The publisher gave up before anybody took it.
                self._waiting.remove(message)
        if message.problem is not None or message.message_id is None:
            raise self._file.failure(message.problem or "not stored")
        if has_stored:
            self.on_publish()
        return str(message.message_id)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        prepare(connection, self._clock(), self._wanting)
        self._follow_clock(connection)
        undo_wrong_clock(connection, self._clock())

    def _follow_clock(self, connection: sqlite3.Connection) -> None:
        if self._steady is not None:
            follow_clock(connection, self._clock, self._steady)

    def _wanting(self, data: bytes, attributes: Mapping[str, str]) -> tuple[list[str], str | None]:
        """The subscriptions that want a message, and the object it is about if one of them keeps order."""
        event = attributes.get("event", "")
        wanting = [subscription for subscription in self.subscriptions if subscription.wants(event)]
        object_key = None
        if any(subscription.ordered for subscription in wanting):
            with suppress(ValueError, AttributeError):
                object_key = object_of(attributes.get("portal", ""), event, json.loads(data).get("data"))
        return [subscription.name for subscription in wanting], object_key

    def _store_waiting(self, connection: sqlite3.Connection) -> None:
        batch: list[_WaitingMessage] = []
        # A publisher that gives up may remove its own meanwhile.
        with suppress(IndexError):
            while True:
                batch.append(self._waiting.popleft())
        now = self._clock()
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                ids = [self._insert(connection, message, now) for message in batch]
        except sqlite3.Error as error:
            for message in batch:
                message.problem = str(error)
            raise
        for message, message_id in zip(batch, ids, strict=True):
            message.message_id = message_id

    def _insert(self, connection: sqlite3.Connection, message: _WaitingMessage, now: float) -> int:
        """Insert a row for each subscription; a message that nobody wants only uses up an id."""
        insert = (
            "INSERT INTO messages (message_id, subscription, data, attributes, published_at, due_at, object)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        message_id: int | None = None
        for name in message.subscriptions or [NOBODY]:
            values = (message_id, name, message.data, message.attributes, now, now, message.object)
            row = connection.execute(insert, values).lastrowid
            message_id = message_id or row
        if not message.subscriptions:
            connection.execute("DELETE FROM messages WHERE id = ?", (message_id,))
        return message_id or 0

    def lease(self, subscription: str, seconds: float, count: int = 1) -> list[Delivery]:
        """Lease the next due messages of a subscription to this caller for `seconds`; at most `count`.

        Messages of one object, where their order counts, are leased together or not at all: whoever
        gets them handles them one after another, in the order in which they come here.
        """
        with self._file.turn("NORMAL", WORKER_TIMEOUT) as connection:
            now = self._clock()
            until, leased = now + min(seconds, LONGEST_LEASE), list[Delivery]()
            spent: list[tuple[dict[str, str], int, str]] = []
            parameters = {"name": subscription, "now": now, "count": count}
            # This reads without a write lock, so that it delays no publisher.
            while not leased and (ids := [key for (key,) in connection.execute(statements.NEXT, parameters)]):
                lease_owner = os.urandom(8).hex(), self._owner.take()
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    with_ids = parameters | {"ids": json.dumps(ids)}
                    for row in connection.execute(statements.ROWS, with_ids).fetchall():
                        # It is out of attempts: the worker of the last one died while handling it.
                        if self._is_spent(subscription, row[4]):
                            reason = row[7] or "REASON_NO_WORKER"
                            self._bury(connection, row[0], reason)
                            spent.append((json.loads(row[3]), row[4], reason))
                        else:
                            leased.append(self._lease_row(connection, subscription, row, until, lease_owner))
        for attributes, attempts, reason in spent:
            self.on_dead(subscription, attributes, attempts, reason)
        return leased

    def _lease_row(
        self,
        connection: sqlite3.Connection,
        subscription: str,
        row: Sequence[Any],
        until: float,
        lease_owner: tuple[str, int],
    ) -> Delivery:
        key, message_id, data, attributes, attempts, published_at, object_key, _ = row
        update = "UPDATE messages SET due_at = ?, attempts = attempts + 1, lease = ?, owner = ? WHERE id = ?"
        connection.execute(update, (until, *lease_owner, key))
        return Delivery(
            message_id=str(message_id or key),
            data=data,
            attributes=json.loads(attributes),
            attempt=attempts + 1,
            published_at=published_at,
            lease=lease_owner[0],
            key=key,
            subscription=subscription,
            object=object_key,
        )

    def _is_spent(self, subscription: str, attempts: int) -> bool:
        ordered = any(candidate.ordered for candidate in self.subscriptions if candidate.name == subscription)
        # A destination's attempts end by time.
        return not ordered and attempts >= self._max_attempts

    def take_back(self) -> int:
        """Make due the messages that ended processes had leased, and return how many there were."""
        with self._file.turn("NORMAL", WORKER_TIMEOUT) as connection:
            leasing = "SELECT DISTINCT owner FROM messages WHERE owner IS NOT NULL"
            owners = connection.execute(leasing).fetchall()
            self._owner.take()
            self._follow_clock(connection)
            dead_owners = [owner for (owner,) in owners if self._owner.is_gone(owner)]
            # Usually there are none, and then no publisher has to wait for a write lock.
            if not dead_owners:
                return 0
            count = 0
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for owner in dead_owners:
                    release = "UPDATE messages SET due_at = ?, owner = NULL, lease = NULL WHERE owner = ?"
                    count += connection.execute(release, (self._clock(), owner)).rowcount
            return count

    def settle(
        self, handled: Sequence[Delivery], failed: Sequence[Failed] = (), put_off: Sequence[Failed] = ()
    ) -> int:
        """Acknowledge the handled and put back the failed, in one commit; return how many were still ours.

        What is put off has not been tried: it comes again without losing an attempt, and keeps its reason if
        "" is given. A lease that has run out is not touched, because it may be another worker's by now.
        """
        with self._file.turn("NORMAL", WORKER_TIMEOUT) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            settled = 0
            for delivery in handled:
                delete = "DELETE FROM messages WHERE id = ? AND lease = ?"
                settled += connection.execute(delete, (delivery.key, delivery.lease)).rowcount
            for untried, (delivery, reason, delay) in (
                *((0, failure) for failure in failed),
                *((1, failure) for failure in put_off),
            ):
                values = (self._clock() + (delay or 0.0), reason, untried, delivery.key, delivery.lease)
                changed = connection.execute(statements.PUT_BACK, values).rowcount
                if changed and delay is None:
                    self._bury(connection, delivery.key, reason)
                settled += changed
            return settled

    def extend(self, deliveries: Sequence[Delivery], seconds: float) -> None:
        """Extend the leases to `seconds` from now, except where another worker leases a message meanwhile."""
        with self._file.turn("NORMAL", WORKER_TIMEOUT) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            until = self._clock() + min(seconds, LONGEST_LEASE)
            connection.executemany(statements.EXTEND, [(until, item.key, item.lease) for item in deliveries])

    def delay_of(self, delivery: Delivery) -> float | None:
        """Seconds until a consumer's next attempt: 1, doubling, 60 at most; None when none is left."""
        if delivery.attempt >= self._max_attempts:
            return None
        return float(min(LONGEST_DELAY, 2.0 ** min(delivery.attempt - 1, 10)))

    def _bury(self, connection: sqlite3.Connection, key: int, reason: str) -> None:
        connection.execute(statements.BURY, (reason, self._clock(), key))
        connection.execute("DELETE FROM messages WHERE id = ?", (key,))

    def waiting(self) -> Iterator[tuple[int, bytes]]:
        """Key and data of every message that waits or is leased, for tools; read in pages."""
        after = 0
        while page := self._rows("SELECT id, data FROM messages WHERE id > ? ORDER BY id LIMIT 100", after):
            for after, data in page:
                yield after, data

    def remove(self, keys: Sequence[int]) -> None:
        """Drop messages that wait: a person is being forgotten."""
        with self._file.turn("FULL", WORKER_TIMEOUT) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            for key in keys:
                connection.execute("DELETE FROM messages WHERE id = ?", (key,))

    def dead_letters(self) -> Iterator[DeadMessage]:
        """Dead letters, oldest first, read in pages."""
        after = 0
        select = (
            "SELECT id, data, attributes, attempts, reason, recorded_at, subscription"
            " FROM dead_letters WHERE id > ? ORDER BY id LIMIT 100"
        )
        while page := self._rows(select, after):
            for after, data, attributes, attempts, reason, recorded_at, subscription in page:
                decoded = json.loads(attributes)
                yield DeadMessage(str(after), data, decoded, attempts, reason, recorded_at, subscription)

    def remove_dead_letter(self, dead_letter_id: str) -> None:
        """Remove one dead letter."""
        with self._file.turn("FULL", WORKER_TIMEOUT) as connection:
            connection.execute("DELETE FROM dead_letters WHERE id = ?", (int(dead_letter_id),))

    def depth(self) -> int:
        """How many messages are neither acknowledged nor dead, summed over the subscriptions."""
        return int(self._rows("SELECT count(*) FROM messages")[0][0])

    def depths(self) -> dict[str, int]:
        """How many messages are neither acknowledged nor dead, by subscription."""
        return dict(self._rows("SELECT subscription, count(*) FROM messages GROUP BY subscription"))

    def failing(self) -> dict[str, tuple[int, str]]:
        """By subscription: how many messages wait for another attempt, and why the newest of them failed."""
        return {name: (count, reason) for name, count, reason, _ in self._rows(statements.FAILING)}

    def oldest_age(self) -> float:
        """Seconds since the oldest waiting message was published; 0 when none waits."""
        oldest = self._rows("SELECT published_at FROM messages ORDER BY id LIMIT 1")
        return max(0.0, self._clock() - float(oldest[0][0])) if oldest else 0.0

    def close(self) -> None:
        """Close the file and give up this process's leases."""
        self._file.close()
        self._owner.close()

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._file.turn("NORMAL", WORKER_TIMEOUT) as connection:
            return connection.execute(statement, values).fetchall()
