"""Links in SQLite or PostgreSQL, on SQLAlchemy Core.

SQLite's transactions begin with `BEGIN IMMEDIATE`: with the driver's default, two
writers that select and then update lose one update without an error. PostgreSQL
locks the rows a decision rests on; what could not be locked because it was not
there yet ends in a unique violation, and the decision is made again.
"""

import json
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gateway.links import facts
from gateway.links.decide import Decision, Known, Row, decide
from gateway.links.engine import failures, open_engine, unavailable
from gateway.links.letters import handle, letter_id, read_handle, to_json
from gateway.links.model import Account, DeadLetter, HistoryRow, Link, Observation
from gateway.links.schema import (
    dead_letters,
    link_history,
    links,
    processed_events,
    replayed_events,
    state,
)

T = TypeVar("T")

KEPT = timedelta(days=30)  # how long processed event ids are remembered
_PURGE_EVERY = timedelta(hours=1)
_ATTEMPTS = 20
_PAGE = 500
_REPEATABLE = {"40001", "40P01", "23505"}  # serialization failure, deadlock, unique violation

_portal: sa.BindParameter[str] = sa.bindparam("p", type_=sa.Text)
_user: sa.BindParameter[int] = sa.bindparam("u", type_=sa.BigInteger)
_by_user = sa.and_(links.c.portal == _portal, links.c.bitrix_user_id == _user)
_by_id = sa.and_(links.c.portal == _portal, links.c.telegram_id == sa.bindparam("t", type_=sa.BigInteger))
_by_name = sa.and_(
    links.c.portal == _portal,
    sa.func.lower(links.c.telegram_username) == sa.bindparam("n", type_=sa.Text),
)
# Each branch is a unique index's one row; as one WHERE with OR, PostgreSQL reads the whole portal at times.
_concerned = sa.union_all(
    sa.select(_user),
    sa.select(links.c.bitrix_user_id).where(_by_id).correlate(None),
    sa.select(links.c.bitrix_user_id).where(_by_name).correlate(None),
)
_READ_ROWS = (
    sa.select(links)
    .where(links.c.portal == _portal, links.c.bitrix_user_id.in_(_concerned))
    .with_for_update()
)
_GET = sa.select(links).where(_by_user)
_FIND_BY_ID = sa.select(links).where(_by_id)
_FIND_BY_NAME = sa.select(links).where(_by_name)
_INSERT_ROW = sa.insert(links)
_UPDATE_ROW = (
    sa.update(links)
    .where(_by_user)
    .values({c: sa.bindparam(c.name) for c in links.c if c.name not in ("portal", "bitrix_user_id")})
)
_CLEAR_ACCOUNT = sa.update(links).where(_by_user).values(telegram_id=None, telegram_username=None)
_INSERT_HISTORY = sa.insert(link_history)


class SqlStore:
    """A `Store` at `sqlite:///PATH` or `postgresql://…`; safe to share between threads."""

    def __init__(self, database_url: str) -> None:
        """Raises what `open_engine` raises."""
        self._engine = engine = open_engine(database_url)
        self._reading = engine.execution_options(sqlite_begin="BEGIN")
        self._insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        mark = self._insert(processed_events).on_conflict_do_nothing()
        self._mark = mark.execution_options(preserve_rowcount=True)  # an insert's is not kept otherwise
        self._purge_after = datetime.now(UTC)

    def apply(self, portal: str, event_id: str, observations: Sequence[Observation]) -> list[HistoryRow]:
        now = datetime.now(UTC)

        def work(connection: sa.Connection) -> list[HistoryRow]:
            marked = connection.execute(self._mark, {"event_id": event_id, "processed_at": now})
            if marked.rowcount != 1:
                return []

            def read(user: int, account: Account) -> Iterator[Row]:
                name = account.telegram_username
                values = {"p": portal, "u": user, "t": account.telegram_id, "n": name and name.lower()}
                return map(_row, connection.execute(_READ_ROWS, values))

            decision = decide(portal, event_id, observations, read)
            _write(connection, portal, decision)
            return decision.history

        changes = self._transact(work)
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
        while True:
            page = sa.select(links).order_by(links.c.portal, links.c.bitrix_user_id).limit(_PAGE)
            if portal is None:
                beyond = sa.and_(links.c.portal == at[0], links.c.bitrix_user_id > at[1])
                page = page.where(sa.or_(links.c.portal > at[0], beyond), links.c.bitrix_user_id > after)
            else:
                page = page.where(links.c.portal == portal, links.c.bitrix_user_id > at[1])
            rows = self._rows(page)
            for row in rows:
                yield _row(row).link(row.portal)
            if len(rows) < _PAGE:
                return
            at = (rows[-1].portal, rows[-1].bitrix_user_id)

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
            last = rows[-1]
            same_moment = sa.and_(h.recorded_at == last.recorded_at, h.id > last.id)
            page = query.where(sa.or_(h.recorded_at > last.recorded_at, same_moment))

    def forget(self, portal: str, bitrix_user_id: int) -> int:
        letters = [
            letter.id
            for letter in self.dead_letters()
            if facts.speaks_of(letter.message, portal, bitrix_user_id)
        ]

        def work(connection: sa.Connection) -> int:
            gone = connection.execute(
                sa.delete(links).where(_by_user), {"p": portal, "u": bitrix_user_id}
            ).rowcount
            h = link_history.c
            theirs = sa.and_(h.portal == portal, h.bitrix_user_id == bitrix_user_id)
            gone += connection.execute(sa.delete(link_history).where(theirs)).rowcount
            for letter in letters:
                gone += connection.execute(_remove(letter)).rowcount
            return gone

        return self._transact(work)

    def add_dead_letter(self, letter: DeadLetter) -> None:
        message = to_json(letter.message)
        values = {
            "id": letter_id(letter.event_id, message),
            "event": letter.event,
            "event_id": letter.event_id,
            "reason": letter.reason,
            "attempts": letter.attempts,
            "message": message,
            "recorded_at": letter.recorded_at,
        }
        again = {name: values[name] for name in ("reason", "attempts", "recorded_at")}
        query = self._insert(dead_letters).on_conflict_do_update(index_elements=["id"], set_=again)
        self._transact(lambda connection: connection.execute(query, values))

    def dead_letters(self) -> Iterator[DeadLetter]:
        d = dead_letters.c
        query = page = sa.select(dead_letters).order_by(d.recorded_at, d.id).limit(_PAGE)
        while rows := self._rows(page):
            for row in rows:
                message, name = json.loads(row.message), handle(row.id, row.recorded_at)
                yield DeadLetter(**row._asdict() | {"message": message, "id": name})
            last = rows[-1]
            same_moment = sa.and_(d.recorded_at == last.recorded_at, d.id > last.id)
            page = query.where(sa.or_(d.recorded_at > last.recorded_at, same_moment))

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
        self._rows(sa.select(sa.literal(1)))

    def close(self) -> None:
        self._engine.dispose()

    def _one_link(self, query: sa.Select[Any], portal: str, **values: object) -> Link | None:
        rows = self._rows(query, {"p": portal, **values})
        return _row(rows[0]).link(portal) if rows else None

    def _rows(self, query: sa.Select[Any], values: dict[str, object] | None = None) -> Sequence[Any]:
        """All rows of a short query; no connection is held while a caller looks at them."""
        with failures(), self._reading.connect() as connection:
            return connection.execute(query, values or {}).all()

    def _transact(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in one transaction, again where the database asks for that."""
        for attempt in range(_ATTEMPTS):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                # After a lost connection too: had the commit gone through, the event's id stops the second.
                again = error.connection_invalidated or getattr(error.orig, "sqlstate", "") in _REPEATABLE
                if not again or attempt == _ATTEMPTS - 1:
                    raise unavailable(error) from None
            except (SQLAlchemyError, sqlite3.Error) as error:
                raise unavailable(error) from None
            time.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.5)))  # noqa: S311 — jitter
        raise AssertionError  # pragma: no cover — the loop returns or raises


def _remove(letter: str) -> sa.Delete:
    """Remove a dead letter as it was read: see `DeadLetter.id`."""
    name, recorded_at = read_handle(letter)
    return sa.delete(dead_letters).where(dead_letters.c.id == name, dead_letters.c.recorded_at == recorded_at)


def _row(row: Any) -> Row:
    account = Account(row.telegram_id, row.telegram_username)
    return Row(row.bitrix_user_id, account, row.observed_at, row.updated_at, Known.from_json(row.known))


def _write(connection: sa.Connection, portal: str, decision: Decision) -> None:
    rows = sorted(
        decision.rows.values(), key=lambda row: bool(row.account)
    )  # who gives up an account goes first
    if len(rows) > 1:
        swapped = [row for row in rows if row.account and decision.before[row.bitrix_user_id]]
        for row in swapped:
            connection.execute(_CLEAR_ACCOUNT, {"p": portal, "u": row.bitrix_user_id})
    for row in rows:
        values = {
            "telegram_id": row.account.telegram_id,
            "telegram_username": row.account.telegram_username,
            "active": row.known.active,
            "observed_at": row.observed_at,
            "updated_at": row.updated_at,
            "known": row.known.to_json(),
        }
        if decision.before[row.bitrix_user_id] is None:
            connection.execute(
                _INSERT_ROW, {"portal": portal, "bitrix_user_id": row.bitrix_user_id, **values}
            )
        else:
            connection.execute(_UPDATE_ROW, {"p": portal, "u": row.bitrix_user_id, **values})
    for change in decision.history:
        connection.execute(_INSERT_HISTORY, {name: getattr(change, name) for name in HistoryRow.__slots__})
