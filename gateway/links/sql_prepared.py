"""The transaction of an event, its statements compiled once.

Executing a Core statement costs a tenth of a millisecond of Python each time:
four of them take longer than SQLite needs for the transaction. So these are
compiled when the store is opened, and run on the driver's own cursor.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from gateway.links.decide import Decision, Known, Row, decide
from gateway.links.model import Account, Changes, HistoryRow, Observation, repeated
from gateway.links.sql_schema import Utc, link_history, links, processed_events

_portal: sa.BindParameter[str] = sa.bindparam("p", type_=sa.Text)
_user: sa.BindParameter[int] = sa.bindparam("u", type_=sa.BigInteger)
by_user = sa.and_(links.c.portal == _portal, links.c.bitrix_user_id == _user)
by_id = sa.and_(links.c.portal == _portal, links.c.telegram_id == sa.bindparam("t", type_=sa.BigInteger))
by_name = sa.and_(
    links.c.portal == _portal,
    sa.func.lower(links.c.telegram_username) == sa.bindparam("n", type_=sa.Text),
)
# Each branch is a unique index's one row; as one WHERE with OR, PostgreSQL reads the whole portal at times.
_concerned = sa.union_all(
    sa.select(_user),
    sa.select(links.c.bitrix_user_id).where(by_id).correlate(None),
    sa.select(links.c.bitrix_user_id).where(by_name).correlate(None),
)
_ROW = (
    links.c.bitrix_user_id,
    links.c.telegram_id,
    links.c.telegram_username,
    links.c.observed_at,
    links.c.updated_at,
    links.c.known,
)
READ_ROWS = (
    sa.select(*_ROW)
    .where(links.c.portal == _portal, links.c.bitrix_user_id.in_(_concerned))
    .with_for_update()
)
_VALUES = {c: sa.bindparam(c.name, type_=c.type) for c in links.c if not c.primary_key}
_KEY = {links.c.portal: _portal, links.c.bitrix_user_id: _user}
_HISTORY = {c: sa.bindparam(c.name, type_=c.type) for c in link_history.c if not c.primary_key}


def insert_of(dialect: sa.Dialect) -> Any:
    """The `insert` that knows ON CONFLICT; each dialect has its own, and only one is worth importing."""
    if dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert
    from sqlalchemy.dialects import sqlite

    return sqlite.insert


class Prepared:
    """One statement, compiled for one kind of database."""

    def __init__(self, statement: sa.Executable, dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self._text = str(compiled)
        self._names: Sequence[str] | None = compiled.positiontup  # None: the driver takes names
        self._times = [name for name, bind in compiled.binds.items() if isinstance(bind.type, Utc)]
        self._bind: Any = Utc().dialect_impl(dialect).bind_processor(dialect)

    def run(self, cursor: Any, values: Mapping[str, Any]) -> None:
        values = {**values, **{name: self._bind(values[name]) for name in self._times}}
        cursor.execute(self._text, values if self._names is None else [values[name] for name in self._names])


class EventTransaction:
    """What is read and written for one event, on a cursor whose transaction has begun."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._mark = Prepared(insert_of(dialect)(processed_events).on_conflict_do_nothing(), dialect)
        self._read = Prepared(READ_ROWS, dialect)
        self._insert = Prepared(sa.insert(links).values(_KEY | _VALUES), dialect)
        self._update = Prepared(sa.update(links).where(by_user).values(_VALUES), dialect)
        no_account = {links.c.telegram_id: sa.null(), links.c.telegram_username: sa.null()}
        self._clear = Prepared(sa.update(links).where(by_user).values(no_account), dialect)
        self._record = Prepared(sa.insert(link_history).values(_HISTORY).inline(), dialect)
        self._time: Any = Utc().dialect_impl(dialect).result_processor(dialect, None)

    def apply(self, cursor: Any, portal: str, event_id: str, observations: Sequence[Observation]) -> Changes:
        """Decide and write; nothing where the event was processed before."""
        self._mark.run(cursor, {"event_id": event_id, "processed_at": datetime.now(UTC)})
        if cursor.rowcount != 1:
            return repeated()

        def read(user: int, account: Account) -> Iterator[Row]:
            name = account.telegram_username
            values = {"p": portal, "u": user, "t": account.telegram_id, "n": name and name.lower()}
            self._read.run(cursor, values)
            return map(self._row, cursor.fetchall())

        decision = decide(portal, event_id, observations, read)
        self._write(cursor, portal, decision)
        return Changes(decision.told)

    def _row(self, found: Sequence[Any]) -> Row:
        user, telegram_id, name, observed_at, updated_at, known = found
        account = Account(telegram_id, name)
        return Row(user, account, self._time(observed_at), self._time(updated_at), Known.from_json(known))

    def _write(self, cursor: Any, portal: str, decision: Decision) -> None:
        rows = sorted(
            decision.rows.values(), key=lambda row: bool(row.account)
        )  # who gives one up goes first
        if len(rows) > 1:
            for row in rows:
                if row.account and decision.before[row.bitrix_user_id]:  # two may swap
                    self._clear.run(cursor, {"p": portal, "u": row.bitrix_user_id})
        for row in rows:
            statement = self._update if decision.before[row.bitrix_user_id] else self._insert
            values = {
                "p": portal,
                "u": row.bitrix_user_id,
                "telegram_id": row.account.telegram_id,
                "telegram_username": row.account.telegram_username,
                "active": row.known.active,
                "observed_at": row.observed_at,
                "updated_at": row.updated_at,
                "known": row.known.to_json(),
            }
            statement.run(cursor, values)
        for change in decision.history:
            self._record.run(cursor, {name: getattr(change, name) for name in HistoryRow.__slots__})
