"""Keeps the links in SQLite or PostgreSQL, on SQLAlchemy Core.

SQLite's transactions begin with `BEGIN IMMEDIATE`: with the driver's default, two
writers that select and then update lose one update without an error. PostgreSQL
locks the rows a decision rests on; what could not be locked because it was not
there yet ends in a unique violation, and the decision is made again.
"""

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.links import user_record
from gateway.links.dead_letters import letter_handle, letter_id, read_handle, to_json
from gateway.links.decide import Row
from gateway.links.facts import Known
from gateway.links.model import Account, Changes, DeadLetter, HistoryRow, Link, Observation
from gateway.links.sql_engine import failures, open_engine, unavailable
from gateway.links.sql_prepared import EventTransaction, by_id, by_name, by_user, insert_of
from gateway.links.sql_schema import (
    claims,
    dead_letters,
    link_history,
    links,
    processed_events,
    replayed_events,
    state,
)
from gateway.locations import SqlLocation
from gateway.retry import retry

T = TypeVar("T")

# How long processed event ids are remembered.
KEPT = timedelta(days=30)
_PURGE_EVERY = timedelta(hours=1)
_ATTEMPTS = 20
# How many of the attempts may end in a lost connection.
_LOSSES = 2
_PAGE = 500
# As many links as a screen shows.
_FIRST_PAGE = 100
# Serialization failure, deadlock, unique violation.
_REPEATABLE = {"40001", "40P01", "23505"}
# Classes of errors: connection exception, operator intervention.
_LOST = {"08", "57"}

# One index step per portal: most of a hundred thousand links belong to the same one.
_PORTALS = sa.text(
    "WITH RECURSIVE portals (portal) AS (SELECT min(portal) FROM links UNION ALL "
    "SELECT (SELECT min(portal) FROM links WHERE links.portal > portals.portal) FROM portals "
    "WHERE portals.portal IS NOT NULL) SELECT portal FROM portals WHERE portal IS NOT NULL"
)
_GET = sa.select(links).where(by_user)
_FIND_BY_ID = sa.select(links).where(by_id)
_FIND_BY_NAME = sa.select(links).where(by_name)


@dataclass(slots=True, eq=False)
class _WaitingEvent:
    """An event whose consumer waits for the commit it will be part of."""

    portal: str
    event_id: str
    observations: Sequence[Observation]
    changes: Changes | None = None


class SqlStore:
    """A `Store` in SQLite or PostgreSQL; safe to share between threads."""

    def __init__(self, location: SqlLocation) -> None:
        """Raises what `open_engine` raises."""
        self._engine = engine = open_engine(location)
        self._reading = engine.execution_options(sqlite_begin="BEGIN")
        self._insert = insert_of(engine.dialect)
        self._driver: Any = engine.dialect.loaded_dbapi
        self._event = EventTransaction(engine.dialect)
        self._purge_after = datetime.now(UTC)
        self._waiting: list[_WaitingEvent] = []
        self._turn = threading.Lock()

    def apply(self, portal: str, event_id: str, observations: Sequence[Observation]) -> Changes:
        now = datetime.now(UTC)

        event = _WaitingEvent(portal, event_id, observations)
        if self._engine.dialect.name == "sqlite":
            self._commit_together(event)
        if (changes := event.changes) is None:
            changes = self._with_retries(lambda: self._apply([event])[0])
        if now >= self._purge_after:
            self._purge_after = now + _PURGE_EVERY
            self.purge_processed(now - KEPT)
        return changes

    def get(self, portal: str, bitrix_user_id: int) -> Link | None:
        return self._one_link(_GET, portal, u=bitrix_user_id)

    def find(
        self, portal: str, *, telegram_id: int | None = None, telegram_username: str | None = None
    ) -> Link | None:
        if telegram_id is not None and (link := self._one_link(_FIND_BY_ID, portal, t=telegram_id)):
            return link
        if telegram_username is None:
            return None
        return self._one_link(_FIND_BY_NAME, portal, n=telegram_username.lower())

    def links(self, portal: str | None = None, after: int = 0) -> Iterator[Link]:
        at = (portal or "", after)
        size = _FIRST_PAGE
        while True:
            page = sa.select(links).order_by(links.c.portal, links.c.bitrix_user_id).limit(size)
            if portal is None:
                beyond = sa.and_(links.c.portal == at[0], links.c.bitrix_user_id > at[1])
                page = page.where(sa.or_(links.c.portal > at[0], beyond), links.c.bitrix_user_id > after)
            else:
                page = page.where(links.c.portal == portal, links.c.bitrix_user_id > at[1])
            rows = self._rows(page)
            for row in rows:
                yield _row(row).link(row.portal)
            if len(rows) < size:
                return
            size = _PAGE
            at = (rows[-1].portal, rows[-1].bitrix_user_id)

    def portals(self) -> list[str]:
        return [row.portal for row in self._rows(_PORTALS)]

    def history(
        self, portal: str | None = None, *, bitrix_user_id: int | None = None, since: datetime | None = None
    ) -> Iterator[HistoryRow]:
        h = link_history.c
        query = sa.select(link_history).order_by(h.recorded_at, h.id).limit(_PAGE)
        if portal is not None:
            query = query.where(h.portal == portal)
        if bitrix_user_id is not None:
            query = query.where(h.bitrix_user_id == bitrix_user_id)
        page = query if since is None else query.where(h.recorded_at >= since)
        while rows := self._rows(page):
            for row in rows:
                values = row._asdict()
                values.pop("id")
                yield HistoryRow(**values)
            if len(rows) < _PAGE:
                return
            last = rows[-1]
            same_moment = sa.and_(h.recorded_at == last.recorded_at, h.id > last.id)
            page = query.where(sa.or_(h.recorded_at > last.recorded_at, same_moment))

    def forget(self, portal: str, bitrix_user_id: int) -> int:
        letters = [
            letter.id
            for letter in self.dead_letters()
            if user_record.is_about(letter.message, portal, bitrix_user_id)
        ]

        def work(connection: sa.Connection) -> int:
            cursor = connection.connection.cursor()
            returned = self._event.forget(cursor, portal, bitrix_user_id)
            erased = connection.execute(
                sa.delete(links).where(by_user), {"p": portal, "u": bitrix_user_id}
            ).rowcount
            c = claims.c
            claimed = sa.and_(c.portal == portal, c.bitrix_user_id == bitrix_user_id)
            connection.execute(sa.delete(claims).where(claimed))
            h = link_history.c
            of_user = sa.and_(h.portal == portal, h.bitrix_user_id == bitrix_user_id)
            erased += connection.execute(sa.delete(link_history).where(of_user)).rowcount
            for letter in letters:
                erased += connection.execute(_remove(letter)).rowcount
            self._event.write(cursor, portal, returned)
            return erased

        return self._transact(work)

    def add_dead_letter(self, letter: DeadLetter) -> None:
        message = to_json(letter.message)
        values = {
            "id": letter_id(letter.event_id, message, letter.subscription),
            "event": letter.event,
            "event_id": letter.event_id,
            "reason": letter.reason,
            "attempts": letter.attempts,
            "message": message,
            "recorded_at": letter.recorded_at,
            "subscription": letter.subscription,
        }
        updated = {name: values[name] for name in ("reason", "attempts", "recorded_at")}
        query = self._insert(dead_letters).on_conflict_do_update(index_elements=["id"], set_=updated)
        self._transact(lambda connection: connection.execute(query, values))

    def dead_letters(self) -> Iterator[DeadLetter]:
        d = dead_letters.c
        query = page = sa.select(dead_letters).order_by(d.recorded_at, d.id).limit(_PAGE)
        while rows := self._rows(page):
            for row in rows:
                message, name = json.loads(row.message), letter_handle(row.id, row.recorded_at)
                yield DeadLetter(**row._asdict() | {"message": message, "id": name})
            last = rows[-1]
            later = sa.or_(d.recorded_at > last.recorded_at, d.id > last.id)
            page = query.where(d.recorded_at >= last.recorded_at, later)

    def remove_dead_letter(self, letter_id: str) -> None:
        self._transact(lambda connection: connection.execute(_remove(letter_id)))

    def was_replayed(self, event_id: str) -> bool:
        query = sa.select(replayed_events.c.event_id).where(replayed_events.c.event_id == event_id)
        return bool(self._rows(query))

    def mark_replayed(self, event_id: str) -> None:
        values = {"event_id": event_id, "replayed_at": datetime.now(UTC)}
        query = self._insert(replayed_events).on_conflict_do_nothing()
        self._transact(lambda connection: connection.execute(query, values))

    def read_state(self, name: str) -> dict[str, Any] | None:
        rows = self._rows(sa.select(state.c.value).where(state.c.name == name))
        value: dict[str, Any] | None = json.loads(rows[0].value) if rows else None
        return value

    def write_state(self, name: str, value: dict[str, Any] | None) -> None:
        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(state).where(state.c.name == name))
            if value is not None:
                connection.execute(sa.insert(state), {"name": name, "value": to_json(value)})

        self._transact(work)

    def purge_processed(self, before: datetime) -> int:
        query = sa.delete(processed_events).where(processed_events.c.processed_at < before)
        return self._transact(lambda connection: connection.execute(query).rowcount)

    def check(self) -> None:
        """Write and roll back: a read-only database would answer questions while every event fails."""
        with failures(self._engine), self._engine.connect() as connection:
            connection.execute(sa.insert(state), {"name": f"check {uuid4()}", "value": "{}"})
            connection.rollback()

    def close(self) -> None:
        self._engine.dispose()

    def _one_link(self, query: sa.Select[Any], portal: str, **values: object) -> Link | None:
        rows = self._rows(query, {"p": portal, **values})
        return _row(rows[0]).link(portal) if rows else None

    def _rows(self, query: sa.Executable, values: dict[str, object] | None = None) -> Sequence[Any]:
        """All rows of a short query; no connection is held while a caller looks at them."""
        with failures(self._engine), self._reading.connect() as connection:
            return connection.execute(query, values or {}).all()

    def _commit_together(self, event: "_WaitingEvent") -> None:
        """Commit the events of all waiting callers at once, since each commit waits for the disk.

        If that fails, each of them is tried by itself: no caller gets another's failure.
        """
        self._waiting.append(event)
        with self._turn:
            batch = list(self._waiting)
            if event not in batch:
                return
            self._waiting.clear()
            with suppress(Exception):
                for waiting, changes in zip(batch, self._apply(batch), strict=True):
                    waiting.changes = changes

    def _apply(self, events: Sequence["_WaitingEvent"]) -> list[Changes]:
        """Run a transaction of events on the driver's own connection: see `gateway.links.sql_prepared`."""
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            if self._engine.dialect.name == "sqlite":
                # psycopg begins a transaction by itself; SQLite has to be told.
                cursor.execute("BEGIN IMMEDIATE")
            changes = [
                self._event.apply(cursor, event.portal, event.event_id, event.observations)
                for event in events
            ]
            connection.commit()
        except BaseException as error:
            if self._is_lost(error):
                connection.invalidate()
            else:
                connection.rollback()
            raise
        finally:
            connection.close()
        return changes

    def _transact(self, work: Callable[[sa.Connection], T]) -> T:
        def once() -> T:
            with self._engine.begin() as connection:
                return work(connection)

        return self._with_retries(once)

    def _with_retries(self, transaction: Callable[[], T]) -> T:
        """Run a whole transaction, and again if the database asks for that."""
        losses = itertools.count(1)

        def is_passing(error: Exception) -> bool:
            driver = error.orig if isinstance(error, DBAPIError) else error
            if getattr(driver, "sqlstate", None) in _REPEATABLE:
                return True
            if not self._is_lost(driver) or next(losses) > _LOSSES:
                return False
            # If the commit went through after all, the event's id makes the repetition harmless.
            # The pool's other connections are lost with this one.
            self._engine.dispose()
            return True

        try:
            return retry(transaction, is_passing, attempts=_ATTEMPTS, first=0.01, longest=0.5)
        except (SQLAlchemyError, self._driver.Error) as error:
            raise unavailable(error, self._engine) from None

    def _is_lost(self, error: object) -> bool:
        """Whether the connection was lost, or none could be made; never true of a file."""
        state = getattr(error, "sqlstate", None)
        network = self._engine.dialect.name != "sqlite" and isinstance(error, self._driver.OperationalError)
        return network and (state is None or state[:2] in _LOST)


def _remove(letter: str) -> sa.Delete:
    """Remove a dead letter as it was read: see `DeadLetter.id`."""
    name, recorded_at = read_handle(letter)
    return sa.delete(dead_letters).where(dead_letters.c.id == name, dead_letters.c.recorded_at == recorded_at)


def _row(row: Any) -> Row:
    account = Account(row.telegram_id, row.telegram_username)
    known = Known.from_json(row.known, account, row.observed_at)
    return Row(row.bitrix_user_id, account, row.observed_at, row.updated_at, known)
