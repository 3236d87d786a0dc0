"""The queries on the journal: each uses an index, and none walks through all of it."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from gateway.journal.model import BY_HAND, Filters, Hour, OutcomeRecord, Page, Request, Round
from gateway.journal.rows import (
    OUTCOME_COLUMNS,
    REQUEST_COLUMNS,
    ROUND_COLUMNS,
    outcome_of,
    request_of,
    round_of,
)

# How many records one page looks at; rare combinations continue with "older".
MOST_SCANNED = 3000
# Up to so many outcomes of one destination are looked up by id; beyond that, records are scanned.
FEW_OUTCOMES = 500
# The kinds of records whose event may reach somebody.
WITH_OUTCOMES = ("accepted", "aside", "not_queued")
# How many texts one beginning may match.
MAX_TERMS = 20
# A search of at least so many characters finds ids and fingerprints by their beginnings.
MIN_PREFIX = 6

EVERYTHING = Filters()
_NO_END = 1e12  # seconds since 1970


def page(connection: sqlite3.Connection, filters: Filters, below: int | None, limit: int) -> Page:
    """The newest records that `filters` let through, below the number `below`."""
    requests: list[Request] = []
    scanned = 0
    if filters.until:
        below = min(below or 2**62, _first_from(connection, filters.until))
    while scanned < MOST_SCANNED:
        numbers = _candidates(connection, filters, below, 200 if scanned else limit)
        if not numbers:
            return Page(requests, None)
        scanned += len(numbers)
        for request in by_numbers(connection, numbers, filters):
            if _reached(connection, request, filters.destination):
                requests.append(request)
                if len(requests) == limit:
                    older = request.n if _candidates(connection, filters, request.n, 1) else None
                    return Page(requests, older)
        if filters.since and _at(connection, numbers[-1]) < filters.since:
            return Page(requests, None)
        below = numbers[-1]
    return Page(requests, below)


def _first_from(connection: sqlite3.Connection, at: float) -> int:
    """A number above all records before `at`, found by bisection, since numbers grow with time."""
    newest = connection.execute("SELECT n FROM requests ORDER BY n DESC LIMIT 1").fetchone()
    # `low` is before `at`, and `high` is not.
    low, high = 0, (newest[0] if newest else 0) + 1
    while high - low > 1:
        middle = (low + high) // 2
        row = connection.execute(
            "SELECT n, at FROM requests WHERE n <= ? AND n > ? ORDER BY n DESC LIMIT 1", (middle, low)
        ).fetchone()
        if row is None or row[1] < at:
            low = middle
        else:
            high = row[0]
    return high


def _candidates(connection: sqlite3.Connection, filters: Filters, below: int | None, limit: int) -> list[int]:
    """Numbers of records that pass the one filter that an index answers best, newest first."""
    top = below if below is not None else 2**62
    if filters.term:
        return _of_term(connection, filters.term.lower(), top, limit)
    if filters.destination:
        numbers = _of_few_outcomes(connection, filters.destination, top, limit)
        if numbers is not None:
            return numbers
    for name in ("cause", "event", "portal"):
        if value := getattr(filters, name):
            # The condition of the partial index is repeated, or SQLite would not use it.
            statement = (
                f"SELECT n FROM requests WHERE {name} = ? AND {name} <> '' AND n < ? ORDER BY n DESC LIMIT ?"  # noqa: S608
            )
            return [row[0] for row in connection.execute(statement, (value, top, limit))]
    kinds = filters.kinds or (WITH_OUTCOMES if filters.destination else ())
    if kinds:
        rows_of = [
            connection.execute(
                "SELECT n FROM requests WHERE kind = ? AND n < ? ORDER BY n DESC LIMIT ?", (kind, top, limit)
            ).fetchall()
            for kind in kinds
        ]
        return sorted((row[0] for rows in rows_of for row in rows), reverse=True)[:limit]
    statement = "SELECT n FROM requests WHERE n < ? ORDER BY n DESC LIMIT ?"
    return [row[0] for row in connection.execute(statement, (top, limit))]


def _of_few_outcomes(
    connection: sqlite3.Connection, destination: str, top: int, limit: int
) -> list[int] | None:
    """Numbers of the records that this destination got, newest first; None if there are many outcomes.

    Outcomes come in any order, most of all after an outage, and pages go by the records' numbers:
    so either all outcomes are looked up, or the records are scanned by number.
    """
    statement = "SELECT event_id FROM outcomes WHERE subscription = ? LIMIT ?"
    rows = connection.execute(statement, (destination, FEW_OUTCOMES + 1)).fetchall()
    if len(rows) > FEW_OUTCOMES:
        return None
    statement = "SELECT n FROM requests WHERE event_id = ? AND event_id <> '' AND n < ?"
    numbers = {n for (event_id,) in rows for (n,) in connection.execute(statement, (event_id, top))}
    return sorted(numbers, reverse=True)[:limit]


def _of_term(connection: sqlite3.Connection, term: str, top: int, limit: int) -> list[int]:
    terms = [term]
    if len(term) >= MIN_PREFIX:
        last = term
        while len(terms) < MAX_TERMS:
            row = connection.execute(
                "SELECT term FROM terms WHERE term > ? AND term < ? ORDER BY term LIMIT 1",
                (last, term + "\U0010ffff"),
            ).fetchone()
            if row is None:
                break
            last = row[0]
            terms.append(last)
    numbers: set[int] = set()
    for matching_term in terms:
        statement = "SELECT n FROM terms WHERE term = ? AND n < ? ORDER BY n DESC LIMIT ?"
        numbers.update(row[0] for row in connection.execute(statement, (matching_term, top, limit)))
    if len(term) >= MIN_PREFIX:
        alias = connection.execute(
            "SELECT r.n FROM aliases a JOIN requests r ON r.request_id = a.record "
            "WHERE a.request_id = ? AND r.n < ?",
            (term, top),
        )
        numbers.update(row[0] for row in alias)
    return sorted(numbers, reverse=True)[:limit]


def _at(connection: sqlite3.Connection, n: int) -> float:
    row = connection.execute("SELECT at FROM requests WHERE n = ?", (n,)).fetchone()
    return float(row[0]) if row else 0.0


def _reached(connection: sqlite3.Connection, request: Request, destination: str) -> bool:
    """Whether the request's event reached this destination; True if none is named."""
    if not destination:
        return True
    statement = "SELECT 1 FROM outcomes WHERE event_id = ? AND +subscription = ?"
    return connection.execute(statement, (request.event_id, destination)).fetchone() is not None


def by_numbers(
    connection: sqlite3.Connection, numbers: Sequence[int], filters: Filters = EVERYTHING
) -> Iterator[Request]:
    """Those of these records that pass `filters` except its term and destination, newest first.

    They are read one by one, as a page is often full before the last one.
    """
    conditions, values = _conditions(filters)
    for start in range(0, len(numbers), 500):
        chunk = list(numbers[start : start + 500])
        marks = ",".join("?" * len(chunk))
        statement = f"SELECT {REQUEST_COLUMNS} FROM requests WHERE n IN ({marks}){conditions} ORDER BY n DESC"  # noqa: S608
        yield from map(request_of, connection.execute(statement, [*chunk, *values]))


def _conditions(filters: Filters) -> tuple[str, list[object]]:
    """The filters by columns as SQL and its values, for records that are found by their numbers.

    The `+` keeps SQLite from using the columns' indexes: the records are few, and all are numbered.
    """
    pairs: list[tuple[str, object]] = [
        (f"+{name} = ?", getattr(filters, name))
        for name in ("cause", "event", "portal")
        if getattr(filters, name)
    ]
    pairs += [("at >= ?", filters.since)] if filters.since else []
    pairs += [("at < ?", filters.until)] if filters.until else []
    conditions = "".join(f" AND {condition}" for condition, _ in pairs)
    if filters.kinds:
        conditions += f" AND +kind IN ({','.join('?' * len(filters.kinds))})"
    return conditions, [*(value for _, value in pairs), *filters.kinds]


def changed(connection: sqlite3.Connection, after: int, limit: int) -> tuple[list[Request], int]:
    """Records that changed after `after`, and the number of the newest change."""
    statement = f"SELECT {REQUEST_COLUMNS} FROM requests WHERE changed > ? ORDER BY changed DESC LIMIT ?"  # noqa: S608
    rows = connection.execute(statement, (after, limit)).fetchall()
    [newest] = connection.execute("SELECT max(changed) FROM requests").fetchone()
    return [request_of(row) for row in rows], newest or 0


def count_newer(connection: sqlite3.Connection, filters: Filters, after: int, limit: int) -> int:
    """How many requests numbered above `after` pass the filters; `limit` means `limit` or more.

    With any filter other than kinds, records are counted instead: the rows that a list would show.
    """
    # Open pages ask this every two seconds.
    if filters.kinds and filters == Filters(kinds=filters.kinds):
        seen_row = connection.execute(
            "SELECT at FROM requests WHERE n <= ? ORDER BY n DESC LIMIT 1", (after,)
        )
        [seen_at] = seen_row.fetchone() or (0.0,)
        # A record that began earlier has at least one new request, because each request takes a number.
        statement = """
            SELECT coalesce(sum(CASE WHEN first_at > ? THEN min(count, n - ?) ELSE 1 END), 0)
            FROM (SELECT first_at, count, n FROM requests WHERE kind = ? AND n > ? LIMIT ?)"""
        newer: list[int] = [
            connection.execute(statement, (seen_at, after, kind, after, limit)).fetchone()[0]
            for kind in filters.kinds
        ]
        return min(limit, sum(newer))
    rows = connection.execute(
        "SELECT n FROM requests WHERE n > ? ORDER BY n DESC LIMIT ?", (after, limit)
    ).fetchall()
    term, of_term = filters.term.lower(), "SELECT 1 FROM terms WHERE n = ? AND term >= ? AND term < ?"
    count = 0
    for request in by_numbers(connection, [row[0] for row in rows], filters):
        if not _reached(connection, request, filters.destination):
            continue
        if not term or connection.execute(of_term, (request.n, term, term + "\U0010ffff")).fetchone():
            count += 1
    return count


def find_request(connection: sqlite3.Connection, name: str) -> Request | None:
    """The record of a request_id, also of one counted in another's record, or of an event_id."""
    name = name.lower()
    statements = (
        "SELECT n FROM requests WHERE request_id = ?",
        "SELECT r.n FROM aliases a JOIN requests r ON r.request_id = a.record WHERE a.request_id = ?",
        "SELECT n FROM requests WHERE event_id = ? AND event_id <> '' ORDER BY n DESC LIMIT 1",
    )
    for statement in statements:
        if row := connection.execute(statement, (name,)).fetchone():
            return next(by_numbers(connection, [row[0]]), None)
    if len(name) >= MIN_PREFIX and (numbers := _of_term(connection, name, 2**62, 2)):
        matches = [
            request
            for request in by_numbers(connection, numbers)
            if request.request_id.startswith(name) or request.event_id.startswith(name)
        ]
        return (
            matches[0] if len({request.event_id or request.request_id for request in matches}) == 1 else None
        )
    return None


def whole(connection: sqlite3.Connection, n: int) -> dict[str, Any]:
    """What only the request's own page shows."""
    row = connection.execute("SELECT whole FROM wholes WHERE n = ?", (n,)).fetchone()
    return dict(json.loads(row[0])) if row else {}


def outcomes(connection: sqlite3.Connection, event_ids: Sequence[str]) -> dict[str, list[OutcomeRecord]]:
    """What came of these events, oldest first."""
    by_event: dict[str, list[OutcomeRecord]] = {}
    ids = [event_id for event_id in dict.fromkeys(event_ids) if event_id]
    for start in range(0, len(ids), 500):
        chunk = ids[start : start + 500]
        marks = ",".join("?" * len(chunk))
        statement = (
            f"SELECT {OUTCOME_COLUMNS} FROM outcomes WHERE event_id IN ({marks}) ORDER BY id LIMIT 2000"  # noqa: S608
        )
        for row in connection.execute(statement, chunk):
            outcome = outcome_of(row)
            by_event.setdefault(outcome.event_id, []).append(outcome)
    return by_event


def names(connection: sqlite3.Connection, portal: str, users: Sequence[int]) -> dict[int, str]:
    """The names that events gave these users, if any."""
    ids = list(dict.fromkeys(users))[:500]
    marks = ",".join("?" * len(ids))
    statement = f"SELECT bitrix_user_id, name FROM people WHERE portal = ? AND bitrix_user_id IN ({marks})"  # noqa: S608
    return dict(connection.execute(statement, (portal, *ids)))


def users_named(connection: sqlite3.Connection, portal: str, name: str, after: int, limit: int) -> list[int]:
    """Users above `after` in whose names each word of `name` begins a word. Few names are kept."""
    words = name.casefold().split()
    statement = "SELECT bitrix_user_id, name FROM people WHERE portal = ? AND bitrix_user_id > ?"
    users: list[int] = []
    for user, full_name in connection.execute(f"{statement} ORDER BY bitrix_user_id", (portal, after)):
        parts = full_name.casefold().split()
        if all(any(part.startswith(word) for part in parts) for word in words):
            users.append(user)
            if len(users) == limit:
                break
    return users


def latest_outcome(
    connection: sqlite3.Connection, subscription: str
) -> tuple[OutcomeRecord | None, datetime | None]:
    """A subscription's newest outcome, and when it last delivered an event."""
    statement = f"SELECT {OUTCOME_COLUMNS} FROM outcomes WHERE subscription = ? ORDER BY id DESC LIMIT 200"  # noqa: S608
    outcomes = [outcome_of(row) for row in connection.execute(statement, (subscription,))]
    delivered = next((outcome.at for outcome in outcomes if outcome.code == "EVENT_FORWARDED"), None)
    return (outcomes[0] if outcomes else None), delivered


def count_tagged(connection: sqlite3.Connection, tag: str, since: float) -> int:
    """How many of the newest accepted records have this tag."""
    newest = "SELECT tag, at FROM requests WHERE kind = 'accepted' ORDER BY n DESC LIMIT 1000"
    statement = f"SELECT count(*) FROM ({newest}) WHERE tag = ? AND at >= ?"  # noqa: S608
    [count] = connection.execute(statement, (tag, since)).fetchone()
    return int(count)


def conflicts(connection: sqlite3.Connection, limit: int) -> list[OutcomeRecord]:
    """Users who lost a link to another, the newest first, among the last `MOST_SCANNED` outcomes."""
    newest = f"SELECT {OUTCOME_COLUMNS} FROM outcomes ORDER BY id DESC LIMIT {MOST_SCANNED}"  # noqa: S608
    statement = f"SELECT * FROM ({newest}) WHERE code = 'LINK_CONFLICT' LIMIT ?"  # noqa: S608
    return [outcome_of(row) for row in connection.execute(statement, (limit,))]


def requeued(connection: sqlite3.Connection, limit: int) -> list[OutcomeRecord]:
    """What people put back on the queue, the newest first."""
    statement = f"SELECT {OUTCOME_COLUMNS} FROM outcomes WHERE subscription = ? ORDER BY id DESC LIMIT ?"  # noqa: S608
    return [outcome_of(row) for row in connection.execute(statement, (BY_HAND, limit))]


def choices(connection: sqlite3.Connection) -> tuple[list[str], list[str], list[str]]:
    """The events, portals and subscriptions there are."""
    columns = (("requests", "event"), ("requests", "portal"), ("outcomes", "subscription"))
    events, portals, subscriptions = (_distinct(connection, table, column) for table, column in columns)
    return events, portals, subscriptions


def _distinct(connection: sqlite3.Connection, table: str, column: str, limit: int = 60) -> list[str]:
    """The values of an indexed column, each found by one step through the index."""
    values: list[str] = []
    statement = f"SELECT min({column}) FROM {table} WHERE {column} > ? AND {column} <> ''"  # noqa: S608
    while len(values) < limit:
        [value] = connection.execute(statement, (values[-1] if values else "",)).fetchone()
        if value is None:
            break
        values.append(value)
    return values


def hours(connection: sqlite3.Connection, since: float) -> list[Hour]:
    """How many requests came in each hour, oldest hour first."""
    statement = "SELECT hour, kind, cause, count FROM hours WHERE hour >= ? AND count > 0 ORDER BY hour"
    return [Hour(*row) for row in connection.execute(statement, (int(since // 3600),))]


def rounds(connection: sqlite3.Connection, limit: int, since: float = 0.0, until: float = 0.0) -> list[Round]:
    """Rounds of polling from `since` to `until`, which is outside; newest first."""
    statement = f"SELECT {ROUND_COLUMNS} FROM rounds WHERE at >= ? AND at < ? ORDER BY id DESC LIMIT ?"  # noqa: S608
    return [round_of(row) for row in connection.execute(statement, (since, until or _NO_END, limit))]


def round_(connection: sqlite3.Connection, round_id: int) -> Round | None:
    """The round with this number; None if there is none."""
    row = connection.execute(f"SELECT {ROUND_COLUMNS} FROM rounds WHERE id = ?", (round_id,)).fetchone()  # noqa: S608
    return round_of(row) if row else None


def count_rounds(connection: sqlite3.Connection, after: int) -> int:
    """How many rounds came after the one with this number."""
    [count] = connection.execute("SELECT count(*) FROM rounds WHERE id > ?", (after,)).fetchone()
    return int(count)
