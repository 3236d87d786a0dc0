"""The transaction of one event, with statements that are compiled only once.

Executing a Core statement costs a tenth of a millisecond of Python each time:
four of them take longer than SQLite needs for the transaction. So these are
compiled when the store is opened, and run on the driver's own cursor.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from gateway.links.decide import NEWEST_CLAIMERS, Decision, Read, Row, decide, forget
from gateway.links.facts import Known, names_of
from gateway.links.model import Account, Changes, HistoryRow, Observation, repeated
from gateway.links.sql_schema import Utc, claims, link_history, links, processed_events

_portal: sa.BindParameter[str] = sa.bindparam("p", type_=sa.Text)
_user: sa.BindParameter[int] = sa.bindparam("u", type_=sa.BigInteger)
by_user = sa.and_(links.c.portal == _portal, links.c.bitrix_user_id == _user)
by_id = sa.and_(links.c.portal == _portal, links.c.telegram_id == sa.bindparam("t", type_=sa.BigInteger))
by_name = sa.and_(
    links.c.portal == _portal,
    sa.func.lower(links.c.telegram_username) == sa.bindparam("n", type_=sa.Text),
)


def _newest_claimers(account: str) -> sa.Select[Any]:
    of_account = sa.and_(claims.c.portal == _portal, claims.c.account == sa.bindparam(account, type_=sa.Text))
    newest_first = (claims.c.at.desc(), claims.c.received_at.desc(), claims.c.bitrix_user_id.desc())
    limit = sa.bindparam("claimers", type_=sa.Integer)
    newest = sa.select(claims.c.bitrix_user_id).where(of_account).order_by(*newest_first).limit(limit)
    return sa.select(newest.correlate(None).subquery().c.bitrix_user_id)


# Each branch reads a few rows of an index; for one WHERE with OR PostgreSQL may read the whole portal.
_concerned = sa.union_all(
    sa.select(_user),
    sa.select(links.c.bitrix_user_id).where(by_id).correlate(None),
    sa.select(links.c.bitrix_user_id).where(by_name).correlate(None),
    _newest_claimers("by_id"),
    _newest_claimers("by_name"),
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
_CLAIM = {c.name: sa.bindparam(c.name, type_=c.type) for c in claims.c}
_LOCK_ACCOUNT = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_HISTORY = {c: sa.bindparam(c.name, type_=c.type) for c in link_history.c if not c.primary_key}


def insert_of(dialect: sa.Dialect) -> Any:
    """The dialect's own `insert`, which knows ON CONFLICT; only the one that is used gets imported."""
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
        # The order of the values; None if the driver expects them by name.
        self._names: Sequence[str] | None = compiled.positiontup
        # For SQLite, LIMIT also compiles to an OFFSET.
        self._defaults = {name: value for name, value in compiled.params.items() if value is not None}
        self._times = [name for name, bind in compiled.binds.items() if isinstance(bind.type, Utc)]
        self._bind: Any = Utc().dialect_impl(dialect).bind_processor(dialect)

    def run(self, cursor: Any, values: Mapping[str, Any]) -> None:
        """Execute the statement on the driver's cursor."""
        values = {**self._defaults, **values, **{name: self._bind(values[name]) for name in self._times}}
        cursor.execute(self._text, values if self._names is None else [values[name] for name in self._names])


class EventTransaction:
    """Reads and writes for one event, on a cursor whose transaction has begun."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._mark = Prepared(insert_of(dialect)(processed_events).on_conflict_do_nothing(), dialect)
        self._read = Prepared(READ_ROWS, dialect)
        self._insert = Prepared(sa.insert(links).values(_KEY | _VALUES), dialect)
        self._update = Prepared(sa.update(links).where(by_user).values(_VALUES), dialect)
        claim = insert_of(dialect)(claims).values(_CLAIM)
        moment = {"at": claim.excluded.at, "received_at": claim.excluded.received_at}
        key = ["portal", "bitrix_user_id", "account"]
        self._claim = Prepared(claim.on_conflict_do_update(index_elements=key, set_=moment), dialect)
        same_claim = sa.and_(*(claims.c[name] == _CLAIM[name] for name in key))
        self._withdraw = Prepared(sa.delete(claims).where(same_claim), dialect)
        # A file has one writer at a time; elsewhere whoever claims an account waits for its other claimers.
        self._lock = _LOCK_ACCOUNT if dialect.name == "postgresql" else None
        no_account = {links.c.telegram_id: sa.null(), links.c.telegram_username: sa.null()}
        self._clear = Prepared(sa.update(links).where(by_user).values(no_account), dialect)
        self._record = Prepared(sa.insert(link_history).values(_HISTORY).inline(), dialect)
        self._time: Any = Utc().dialect_impl(dialect).result_processor(dialect, None)

    def apply(self, cursor: Any, portal: str, event_id: str, observations: Sequence[Observation]) -> Changes:
        """Decide and write; do nothing if the event was processed before."""
        self._mark.run(cursor, {"event_id": event_id, "processed_at": datetime.now(UTC)})
        if cursor.rowcount != 1:
            return repeated()

        newest = NEWEST_CLAIMERS + len(observations) - 1
        decision = decide(portal, event_id, observations, self._reader(cursor, portal, newest))
        self.write(cursor, portal, decision)
        return Changes(decision.reported)

    def forget(self, cursor: Any, portal: str, user: int) -> Decision:
        """Decide what others get back; the caller erases this user, then writes the decision."""
        return forget(portal, f"forget-{uuid4()}", user, self._reader(cursor, portal, NEWEST_CLAIMERS))

    def _reader(self, cursor: Any, portal: str, newest: int) -> Read:
        def read(user: int, account: Account) -> Iterator[Row]:
            name = account.telegram_username and account.telegram_username.lower()
            for account_name in names_of(account) if self._lock else ():
                cursor.execute(self._lock, [f"{portal} {account_name}"])
            values = {"p": portal, "u": user, "t": account.telegram_id, "n": name}
            values["by_id"] = None if account.telegram_id is None else str(account.telegram_id)
            values["by_name"] = name and f"@{name}"
            values["claimers"] = newest
            self._read.run(cursor, values)
            return map(self._row, cursor.fetchall())

        return read

    def _row(self, columns: Sequence[Any]) -> Row:
        user, telegram_id, name, observed_at, updated_at, known = columns
        account = Account(telegram_id, name)
        observed_at = self._time(observed_at)
        facts = Known.from_json(known, account, observed_at)
        return Row(user, account, observed_at, self._time(updated_at), facts)

    def write(self, cursor: Any, portal: str, decision: Decision) -> None:
        """Write what was decided: links, claims and the history."""
        # Whoever gives an account up goes first.
        rows = sorted(decision.rows.values(), key=lambda row: bool(row.account))
        if len(rows) > 1:
            for row in rows:
                # Two users may swap accounts.
                if row.account and decision.before[row.bitrix_user_id]:
                    self._clear.run(cursor, {"p": portal, "u": row.bitrix_user_id})
        for row in rows:
            statement = self._update if decision.before[row.bitrix_user_id] else self._insert
            statement.run(cursor, {"p": portal, "u": row.bitrix_user_id, **row.stored()})
        for user in decision.rows:
            for account, at in decision.claims(user).items():
                claim = {"portal": portal, "bitrix_user_id": user, "account": account}
                if at is None:
                    self._withdraw.run(cursor, claim)
                else:
                    self._claim.run(cursor, claim | {"at": at[0], "received_at": at[1]})
        for change in decision.history:
            self._record.run(cursor, {name: getattr(change, name) for name in HistoryRow.__slots__})
