"""Keeps one machine's journal: each request, what came of it, polling's rounds, what could not be queued.

One SQLite file for people and their tools. It may fail without harm: no request fails
because of it, and the first failure is logged. It holds keys and facts, which are put
into words when they are shown. Everything is trimmed by rows, bytes and days, except
events that could not be queued: those stay until they are replayed.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from gateway.journal import reading, schema, unqueued, writing
from gateway.journal.journal_file import JournalFile, JournalUnavailable
from gateway.journal.model import (
    BY_HAND,
    FAILURES,
    FIRST_EDITION,
    KINDS,
    REQUEUED,
    TAGS,
    Filters,
    Fold,
    Hour,
    NewRequest,
    OutcomeRecord,
    Page,
    Report,
    Request,
    Round,
    Unqueued,
)
from gateway.journal.readers import Readers
from gateway.settings import Settings

__all__ = [
    "FAILURES",
    "FIRST_EDITION",
    "KINDS",
    "REQUEUED",
    "TAGS",
    "Filters",
    "Journal",
    "JournalUnavailable",
    "NewRequest",
    "OutcomeRecord",
    "Page",
    "Report",
    "Request",
    "Round",
    "Unqueued",
    "open_journal",
]

# The longest wait for the file; only a request whose event was not queued waits for it.
WRITE_SECONDS = 0.4
# Records between two trims, each of which walks over an index.
TRIM_EVERY = 200

EVERYTHING = Filters()
T = TypeVar("T")


class Journal:
    """The journal, safe across threads and processes. Reading a file that does not exist yields nothing."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float] = time.time,
        kept_rows: int = schema.KEPT_ROWS,
    ) -> None:
        """The file at `path` and its directories are created by the first record."""
        self.path = path
        self._clock = clock
        self._kept_rows = kept_rows
        self._file = JournalFile(path)
        # The first records trim what an earlier process left.
        self._written = TRIM_EVERY
        self._floods = writing.Floods()
        self._readers = Readers(path, lambda: self._file.open(10.0, writes=False))

    @property
    def failure(self) -> JournalUnavailable | None:
        """Why the last record could not be written; None if it was."""
        return self._file.failure

    # Writing: nothing here raises; a failure is logged once.

    def add_requests(self, requests: Sequence[NewRequest]) -> bool:
        """Write requests, which must hold no secrets; return False if that failed."""

        def write(connection: sqlite3.Connection) -> None:
            for request in requests:
                writing.add_request(connection, request)

        return self._write([write])

    def add_outcome(self, fields: Mapping[str, Any]) -> bool:
        """Write what came of an event at one subscription; fields are named as in the log records."""
        now = self._clock()
        return self._write([lambda connection: writing.add_outcome(connection, now, fields)])

    def add_round(self, fields: Mapping[str, Any]) -> bool:
        """Write a round of polling; its fields are named as in its log record."""
        now = self._clock()
        return self._write([lambda connection: writing.add_round(connection, now, fields)])

    def add_resend(self, request: Request, event_id: str, to: str = "") -> bool:
        """Note that a request's event was published again as `event_id`, to one subscription or to all."""
        now = self._clock()
        return self._write([lambda c: writing.add_resend(c, request.n, now, event_id, to)])

    def add_requeued(self, event: str, event_id: str, at: float, reason: str = "") -> bool:
        """Note that a person put a dead letter back on the queue; `at` is a moment before that."""
        fields = {"code": REQUEUED, "subscription": BY_HAND, "event": event, "event_id": event_id}
        return self.write([Report("outcome", at, fields | {"reason": reason})])

    def write(self, items: Sequence[NewRequest | Report]) -> bool:
        """Write records in one transaction, except those that SQLite can't hold; False if that failed."""
        return self._write([self._write_step(item) for item in items], skip_odd=True)

    def _write_step(self, item: NewRequest | Report) -> writing.Write:
        if isinstance(item, NewRequest):
            return lambda connection: writing.add_request(connection, item)
        add = writing.add_outcome if item.kind == "outcome" else writing.add_round
        return lambda connection: add(connection, item.at, item.fields)

    def fold_of(self, key: str, sender: str, at: float) -> Fold:
        """The fold that a rejected request is counted in.

        A request of a known fold needs no details. A flood is counted by its `sender`.
        """
        with self._file.lock:
            try:
                return writing.fold_of(self._file.opened(), self._floods, key, sender, at)
            except (sqlite3.Error, OSError, ValueError) as error:
                problem = str(error)
        self._file.failed(problem)
        return Fold(key, False)

    def add_unqueued(self, record: Mapping[str, Any]) -> bool:
        """Keep an event that the queue did not accept; once this returns True, it is on the disk."""
        text = json.dumps(record, ensure_ascii=False, default=str)
        now = self._clock()
        return self._write([lambda c: unqueued.add(c, now, text)], durable=True)

    def _write(self, steps: Sequence[writing.Write], durable: bool = False, skip_odd: bool = False) -> bool:
        deadline = time.monotonic() + WRITE_SECONDS
        if not self._file.lock.acquire(timeout=WRITE_SECONDS):
            return self._file.failed("busy")
        try:
            connection = self._file.opened()
            remaining_ms = max(0, int((deadline - time.monotonic()) * 1000))
            connection.execute(f"PRAGMA busy_timeout = {remaining_ms}")
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            try:
                writing.write_together(connection, steps)
            except writing.ODD_RECORDS:
                if not skip_odd:
                    raise
                writing.write_together(connection, [writing.with_savepoint(step) for step in steps])
            self._trim(connection, len(steps))
        except (sqlite3.Error, OSError, *writing.ODD_VALUES) as error:
            return self._file.failed(str(error))
        finally:
            self._file.lock.release()
        self._file.failure = None
        return True

    def _trim(self, connection: sqlite3.Connection, added: int) -> None:
        self._written += added
        if self._written < TRIM_EVERY:
            return
        self._written = 0
        with suppress(sqlite3.Error), connection:
            connection.execute("BEGIN IMMEDIATE")
            schema.trim(connection, self._clock(), self._kept_rows)

    # Reading: on connections of its own, so that no reader waits for a request, nor a request for it.

    def page(self, filters: Filters = EVERYTHING, below: int | None = None, limit: int = 50) -> Page:
        """The newest records that `filters` let through, below the number `below`."""
        return self._read(lambda c: reading.page(c, filters, below, limit), Page([], None))

    def requests(
        self, filters: Filters = EVERYTHING, *, after: int = 0, limit: int = -1
    ) -> Iterator[Request]:
        """Records with numbers above `after`, oldest first."""
        records: list[Request] = []
        below: int | None = None
        while True:
            page = self.page(filters, below, 200)
            records += [request for request in page.requests if request.n > after]
            below = page.older
            if below is None or below <= after:
                break
            if page.requests and page.requests[-1].at.timestamp() < filters.since:
                break
        records.reverse()
        yield from records if limit < 0 else records[:limit]

    def follow(
        self, filters: Filters = EVERYTHING, *, after: int = 0, sleep: Callable[[float], None] = time.sleep
    ) -> Iterator[Request]:
        """Records as they come, without end; a record comes again when an equal request is added to it."""
        while True:
            for request in self.requests(filters, after=after):
                after = request.n
                yield request
            sleep(0.5)

    def request(self, name: str) -> Request | None:
        """The record with this request_id or event_id, or the beginning of one; None if there is none."""
        return self._read(lambda c: reading.find_request(c, name), None)

    def whole(self, request: Request) -> dict[str, Any]:
        """What only the request's own page shows: headers, query, body, the message."""
        return self._read(lambda c: reading.whole(c, request.n), {})

    def outcomes(self, event_ids: Sequence[str]) -> dict[str, list[OutcomeRecord]]:
        """What came of these events at each subscription, oldest first."""
        return self._read(lambda c: reading.outcomes(c, event_ids), {})

    def names(self, portal: str, users: Sequence[int]) -> dict[int, str]:
        """The names of these users of a portal, as far as accepted events gave them."""
        return self._read(lambda c: reading.names(c, portal, users), {}) if users else {}

    def users_named(self, portal: str, name: str, after: int = 0, limit: int = 50) -> list[int]:
        """Users of a portal with an id above `after` whose names from accepted events begin like `name`."""
        if not name.split():
            return []
        return self._read(lambda c: reading.users_named(c, portal, name, after, limit), [])

    def changed(self, after: int, limit: int = 100) -> tuple[list[Request], int]:
        """Records that changed after the change `after`, and the newest change's number."""
        unchanged: tuple[list[Request], int] = ([], after)
        return self._read(lambda c: reading.changed(c, after, limit), unchanged)

    def count_newer(self, filters: Filters, after: int, limit: int = 200) -> int:
        """How many records numbered above `after` pass the filters; `limit` means `limit` or more."""
        return self._read(lambda c: reading.count_newer(c, filters, after, limit), 0)

    def hours(self, since: float) -> list[Hour]:
        """How many requests came, oldest hour first; equal ones counted each."""
        return self._read(lambda c: reading.hours(c, since), [])

    def requeued(self, limit: int = 50) -> list[OutcomeRecord]:
        """What people put back on the queue, the newest first; `reason` is why it had been a dead letter."""
        return self._read(lambda c: reading.requeued(c, limit), [])

    def conflicts(self, limit: int = 50) -> list[OutcomeRecord]:
        """Users who lost a link to another, the newest first."""
        return self._read(lambda c: reading.conflicts(c, limit), [])

    def rounds(self, limit: int = 50, since: float = 0.0, until: float = 0.0) -> list[Round]:
        """Rounds of polling, the newest first."""
        return self._read(lambda c: reading.rounds(c, limit, since, until), [])

    def round(self, round_id: int) -> Round | None:
        """The round with this number."""
        return self._read(lambda c: reading.round_(c, round_id), None)

    def count_rounds(self, after: int) -> int:
        """How many rounds came after the one with this number."""
        return self._read(lambda c: reading.count_rounds(c, after), 0)

    def latest_outcome(self, subscription: str) -> tuple[OutcomeRecord | None, datetime | None]:
        """A subscription's newest outcome, and when it last delivered an event."""
        no_outcome: tuple[OutcomeRecord | None, datetime | None] = (None, None)
        return self._read(lambda c: reading.latest_outcome(c, subscription), no_outcome)

    def count_tagged(self, tag: str, since: float) -> int:
        """How many of the newest 1,000 accepted records have this tag and are not older than `since`."""
        return self._read(lambda c: reading.count_tagged(c, tag, since), 0)

    def choices(self) -> tuple[list[str], list[str], list[str]]:
        """The events, portals and subscriptions there are, for the filters."""
        no_choices: tuple[list[str], list[str], list[str]] = ([], [], [])
        return self._read(reading.choices, no_choices)

    def latest_accepted(self) -> Request | None:
        """The last event that was accepted; probes do not count."""
        newest = self.page(Filters(kinds=("accepted", "aside")), limit=1).requests
        return newest[0] if newest else None

    def unqueued(self, since: datetime | None = None) -> Iterator[Unqueued]:
        """Events that the queue did not accept since `since`, oldest first; {} for a damaged record."""
        after, since_at = 0, since.timestamp() if since else 0.0
        no_events: list[Unqueued] = []
        while events := self._read(lambda c: unqueued.page(c, after, since_at), no_events):  # noqa: B023
            yield from events
            after = events[-1].id

    # Changing: a failure is raised, as it is in reading.

    def remove(self, unqueued_id: int) -> None:
        """Drop an event that is back on the queue."""
        self._change(lambda c: unqueued.remove(c, unqueued_id))

    def forget(self, portal: str, bitrix_user_id: int) -> int:
        """Erase what is kept of a person; return how many records were erased."""
        from gateway.journal.forgetting import forget  # cold start

        return self._change(lambda connection: forget(connection, portal, bitrix_user_id))

    def close(self) -> None:
        """Close the connections; the next record opens one again."""
        self._file.close()
        self._readers.close()

    def _read(self, query: Callable[[sqlite3.Connection], T], default: T) -> T:
        if not self._file.is_written():
            return default
        try:
            with self._readers.one() as connection:
                return query(connection)
        except (sqlite3.Error, *writing.ODD_VALUES) as error:
            problem = str(error)
        raise self._file.unavailable(problem)

    def _change(self, change: Callable[[sqlite3.Connection], int]) -> int:
        def in_transaction(connection: sqlite3.Connection) -> int:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                return change(connection)

        return self._read(in_transaction, 0)


def open_journal(settings: Settings) -> Journal:
    """The journal of `JOURNAL_URL`, one object per process."""
    path = settings.journal.path
    return _journals.setdefault(path, Journal(path))


_journals: dict[Path, Journal] = {}
