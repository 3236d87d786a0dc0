"""Writes requests, outcomes and rounds inside one transaction; equal requests share one record."""

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.journal.model import FAILURES, REQUEUED, TAGS, Fold, NewRequest

# An equal request that comes later gets a new record.
FOLD_SECONDS = 86_400.0
# Records an hour of one sender's rejected requests; further ones are counted in one record.
FLOOD_ROWS = 200
# The same for all senders: behind a proxy that adds no address they choose their own.
FLOOD_ROWS_IN_ALL = 1000
# Characters of a reason.
KEPT_TEXT = 2000
# The newest of one event.
KEPT_RESENDS = 20

log = logging.getLogger("gateway.journal")
Write = Callable[[sqlite3.Connection], None]
# What is raised by a value that SQLite can't hold: half a surrogate pair, a number over 64 bits.
ODD_VALUES = (ValueError, OverflowError)
ODD_RECORDS = (
    *ODD_VALUES,
    TypeError,
    LookupError,
    RecursionError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)

_INSERT = """
INSERT INTO requests (changed, request_id, at, first_at, count, kind, share, tag, code, status, cause, event,
                      event_id, portal, fold, bytes, record)
VALUES (:changed, :request_id, :at, :at, :count, :kind, :share, :kind, :code, :status, :cause, :event,
        :event_id, :portal, :fold, :bytes, :record)
"""
_INSERT_OUTCOME = """
INSERT INTO outcomes (at, event_id, subscription, code, reason, attempts, ms, portal, bitrix_user_id, facts)
VALUES (:at, :event_id, :subscription, :code, :reason, :attempts, :ms, :portal, :bitrix_user_id, :facts)
"""
_encode = json.JSONEncoder(ensure_ascii=False, default=str, check_circular=False).encode
_RANK = {tag: rank for rank, tag in enumerate(TAGS.values())}


def write_together(connection: sqlite3.Connection, steps: Sequence[Write]) -> None:
    """Write everything in one transaction, or nothing."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for step in steps:
            step(connection)


def with_savepoint(step: Write) -> Write:
    """The same write, of which only its own part is undone if it fails. It takes twice the time."""

    def write(connection: sqlite3.Connection) -> None:
        connection.execute("SAVEPOINT record")
        try:
            step(connection)
        except ODD_RECORDS as error:
            connection.execute("ROLLBACK TO record")
            log.error("a record was left out of the journal: %s", type(error).__name__)
        connection.execute("RELEASE record")

    return write


class Floods:
    """Counts the records of this hour, of each sender and of all of them."""

    def __init__(self) -> None:
        self._hour = 0
        self._total = 0
        self._counts: dict[str, int] = {}

    def over(self, sender: str, at: float) -> str:
        """Count a record; return the fold to count it in if it is over the limit, else ""."""
        if int(at // 3600) != self._hour:
            self._hour, self._total, self._counts = int(at // 3600), 0, {}
        if self._total >= FLOOD_ROWS_IN_ALL:
            return "flood"
        self._counts[sender] = count = self._counts.get(sender, 0) + 1
        if count > FLOOD_ROWS:
            return f"flood {sender}"
        self._total += 1
        return ""


def fold_of(connection: sqlite3.Connection, floods: Floods, key: str, sender: str, at: float) -> Fold:
    """The fold that a request is counted in: one for all requests of a sender who floods."""
    if _known(connection, key, at) is not None:
        return Fold(key, True)
    if flood := floods.over(sender, at):
        return Fold(flood, _known(connection, flood, at) is not None)
    return Fold(key, False)


def add_request(connection: sqlite3.Connection, new: NewRequest) -> None:
    """A new record, or one more of a record that is there."""
    equal_record = _known(connection, new.fold, new.at) if new.fold is not None else None
    if equal_record is not None:
        count_hour(connection, new.at, new.kind, equal_record.cause, new.count)
        _count_into(connection, equal_record.n, new)
        return
    count_hour(connection, new.at, new.kind, new.cause, new.count)
    record, whole = _json(new.record), _whole_json(new)
    share = "stranger" if new.kind == "refused" and not new.event else new.kind
    values = {
        "changed": _next_change(connection),
        "request_id": new.request_id,
        "at": new.at,
        "count": new.count,
        "kind": new.kind,
        "share": share,
        "code": new.code,
        "status": new.status,
        "cause": new.cause,
        "event": new.event,
        "event_id": new.event_id,
        "portal": new.portal,
        "fold": new.fold,
        "bytes": len(record) + len(whole),
        "record": record,
    }
    n = connection.execute(_INSERT, values).lastrowid or 0
    if whole:
        connection.execute("INSERT INTO wholes VALUES (?, ?)", (n, whole))
    terms = {term[:100].lower() for term in (*new.terms, new.request_id, new.event_id, new.event, new.portal)}
    connection.executemany("INSERT INTO terms VALUES (?, ?)", [(term, n) for term in terms if term])
    people = [(new.portal, int(user), new.at, name) for user, name in new.record.get("names", {}).items()]
    connection.executemany("INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?)", people)
    if new.event_id:
        _update_tags(connection, new.event_id)


def _whole_json(new: NewRequest) -> str:
    whole = _json(new.whole) if new.whole else ""
    if not new.message:
        return whole
    # It is JSON already: reading it and writing it again would take as long as the rest of the record.
    return f'{{"message": {new.message.decode()}' + (f", {whole[1:]}" if whole else "}")


class _Known(NamedTuple):
    """The record of a fold: its number, and the cause it was diagnosed with."""

    n: int
    cause: str


def _known(connection: sqlite3.Connection, fold: str, at: float) -> _Known | None:
    statement = "SELECT n, cause FROM requests WHERE fold = ? AND first_at > ? ORDER BY n DESC LIMIT 1"
    row = connection.execute(statement, (fold, at - FOLD_SECONDS)).fetchone()
    return _Known(*row) if row else None


def _count_into(connection: sqlite3.Connection, n: int, new: NewRequest) -> None:
    """Count a request in record `n`, which moves to the top of the list under a new number."""
    connection.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'requests'")
    [new_n] = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'requests'").fetchone()
    connection.execute(
        "UPDATE requests SET n = ?, changed = ?, at = ?, count = count + ? WHERE n = ?",
        (new_n, _next_change(connection), new.at, new.count, n),
    )
    for table in ("wholes", "terms"):
        connection.execute(f"UPDATE {table} SET n = ? WHERE n = ?", (new_n, n))  # noqa: S608
    connection.execute(
        "INSERT OR REPLACE INTO aliases SELECT ?, request_id FROM requests WHERE n = ?",
        (new.request_id, new_n),
    )


def _next_change(connection: sqlite3.Connection) -> int:
    [newest] = connection.execute("SELECT max(changed) FROM requests").fetchone()
    return (newest or 0) + 1


def count_hour(connection: sqlite3.Connection, at: float, kind: str, cause: str, by: int) -> None:
    """Add `by` to the count of one hour, kind and cause."""
    connection.execute(
        "INSERT INTO hours VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
        (int(at // 3600), kind, cause, by),
    )


def add_outcome(connection: sqlite3.Connection, at: float, fields: Mapping[str, Any]) -> None:
    """Record a consumer's report of an event; a further attempt replaces the one that failed."""
    event_id, subscription = _text(fields, "event_id"), _text(fields, "subscription")
    # The `+` keeps SQLite from using the subscription's index, which would read all of its outcomes.
    connection.execute(
        "DELETE FROM outcomes WHERE event_id = ? AND +subscription = ? AND code = 'EVENT_FAILED'",
        (event_id, subscription),
    )
    user = fields.get("bitrix_user_id")
    columns = ("code", "event_id", "subscription", "reason", "attempt", "ms", "portal", "bitrix_user_id")
    facts = {name: value for name, value in fields.items() if name not in columns and value is not None}
    ms, attempt = fields.get("ms"), fields.get("attempt")
    values = {
        "at": at,
        "event_id": event_id,
        "subscription": subscription,
        "code": _text(fields, "code"),
        "reason": _text(fields, "reason"),
        "attempts": attempt if isinstance(attempt, int) else 1,
        "ms": int(ms) if isinstance(ms, int | float) else None,
        "portal": _text(fields, "portal"),
        "bitrix_user_id": user if isinstance(user, int) else None,
        "facts": _json(facts),
    }
    connection.execute(_INSERT_OUTCOME, values)
    if event_id:
        _update_tags(connection, event_id)


def add_resend(connection: sqlite3.Connection, n: int, at: float, event_id: str, to: str) -> None:
    """Note in a request's record that its event was published again, so that the new id finds it too."""
    row = connection.execute("SELECT request_id, record FROM requests WHERE n = ?", (n,)).fetchone()
    if row is None:
        return
    request_id, text = row
    record = json.loads(text)
    resent = [*record.get("resent", []), {"at": at, "event_id": event_id, "to": to}]
    record["resent"] = resent[-KEPT_RESENDS:]
    connection.execute(
        "UPDATE requests SET record = ?, changed = ? WHERE n = ?",
        (_json(record), _next_change(connection), n),
    )
    connection.execute("INSERT OR REPLACE INTO aliases VALUES (?, ?)", (event_id, request_id))


def _update_tags(connection: sqlite3.Connection, event_id: str) -> None:
    """Update the event's records with what came of it, whichever of the two was written first."""
    rows = connection.execute("SELECT code, at FROM outcomes WHERE event_id = ?", (event_id,)).fetchall()
    requeued = max((at for code, at in rows if code == REQUEUED), default=0.0)
    tags = [TAGS[code] for code, at in rows if code in TAGS and not (code in FAILURES and at < requeued)]
    if not tags and not requeued:
        return
    tag = min(tags, key=_RANK.__getitem__, default="accepted")
    kind = "aside" if tag in ("dead", "aside") else "accepted"
    # The condition of the partial index is repeated, or SQLite would read all records of these kinds.
    rows = connection.execute(
        "SELECT n, at, kind, tag, cause FROM requests WHERE event_id = ? AND event_id <> '' "
        "AND kind IN ('accepted', 'aside', 'not_queued') ORDER BY n DESC LIMIT 20",
        (event_id,),
    ).fetchall()
    for n, at, was_kind, was_tag, cause in rows:
        if (kind, tag) == (was_kind, was_tag):
            continue
        if kind != was_kind:
            count_hour(connection, at, was_kind, cause, -1)
            count_hour(connection, at, kind, cause, 1)
        connection.execute(
            "UPDATE requests SET kind = ?, tag = ?, changed = ? WHERE n = ?",
            (kind, tag, _next_change(connection), n),
        )


def add_round(connection: sqlite3.Connection, at: float, fields: Mapping[str, Any]) -> None:
    """Record a round of polling."""
    facts = {name: value for name, value in fields.items() if name != "code"}
    connection.execute(
        "INSERT INTO rounds (at, code, facts) VALUES (?, ?, ?)", (at, _text(fields, "code"), _json(facts))
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return "" if value is None else str(value)[:KEPT_TEXT]


def _json(value: Any) -> str:
    # A lone surrogate becomes its JSON escape: SQLite takes UTF-8 only.
    return _encode(value).encode("utf-8", "backslashreplace").decode()
