"""The journal's tables, how they are kept small, and how a file of the first edition is upgraded."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from gateway.sqlite_file import expect_own_file

VERSION = 3

KEPT_ROWS = 10_000  # of each share
KEPT_SECONDS = 7 * 86_400.0
# Each share has its own rows and bytes, so that a flood of one does not push out another. Together they
# stay far enough below 100 MB to leave room for the indexes and the write-ahead log.
KEPT_BYTES = {
    "accepted": 30_000_000,
    "refused": 25_000_000,
    "stranger": 4_000_000,
    "not_queued": 4_000_000,
    "probe": 2_000_000,
}
# Rows of requests that name no event: scanners, monitors, browsers.
KEPT_STRANGERS = 2_000
KEPT_ALIASES = 20_000
KEPT_ROUNDS = 1_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    n INTEGER PRIMARY KEY AUTOINCREMENT,  -- grows with each new and each repeated request: the order of time
    changed INTEGER NOT NULL,             -- grows with each change: what a page has not seen yet
    request_id TEXT NOT NULL UNIQUE, at REAL NOT NULL, first_at REAL NOT NULL, count INTEGER NOT NULL,
    kind TEXT NOT NULL, share TEXT NOT NULL, tag TEXT NOT NULL, code TEXT NOT NULL, status INTEGER NOT NULL,
    cause TEXT NOT NULL, event TEXT NOT NULL, event_id TEXT NOT NULL, portal TEXT NOT NULL,
    fold TEXT, bytes INTEGER NOT NULL, record TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS requests_changed ON requests (changed);
CREATE INDEX IF NOT EXISTS requests_kind ON requests (kind, n);
CREATE INDEX IF NOT EXISTS requests_share ON requests (share, n, at, bytes);
CREATE INDEX IF NOT EXISTS requests_cause ON requests (cause, n) WHERE cause <> '';
CREATE INDEX IF NOT EXISTS requests_event ON requests (event, n) WHERE event <> '';
CREATE INDEX IF NOT EXISTS requests_portal ON requests (portal, n) WHERE portal <> '';
CREATE INDEX IF NOT EXISTS requests_event_id ON requests (event_id) WHERE event_id <> '';
CREATE INDEX IF NOT EXISTS requests_fold ON requests (fold, n) WHERE fold IS NOT NULL;
CREATE TABLE IF NOT EXISTS wholes (n INTEGER PRIMARY KEY, whole TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS aliases (  -- a request that is counted in the record of another one
    request_id TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS aliases_record ON aliases (record);
CREATE TABLE IF NOT EXISTS terms (
    term TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (term, n)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS terms_n ON terms (n);
CREATE TABLE IF NOT EXISTS outcomes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, event_id TEXT NOT NULL,
    subscription TEXT NOT NULL,
    code TEXT NOT NULL, reason TEXT NOT NULL, attempts INTEGER NOT NULL, ms INTEGER, portal TEXT NOT NULL,
    bitrix_user_id INTEGER, facts TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS outcomes_event ON outcomes (event_id, id);
CREATE INDEX IF NOT EXISTS outcomes_subscription ON outcomes (subscription, id);
CREATE INDEX IF NOT EXISTS outcomes_user ON outcomes (bitrix_user_id, portal)
    WHERE bitrix_user_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS rounds (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, code TEXT NOT NULL, facts TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS hours (
    hour INTEGER NOT NULL, kind TEXT NOT NULL, cause TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (hour, kind, cause)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS people (  -- what accepted events called a user
    portal TEXT NOT NULL, bitrix_user_id INTEGER NOT NULL, at REAL NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (portal, bitrix_user_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS people_at ON people (at);
CREATE TABLE IF NOT EXISTS unqueued (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, record TEXT NOT NULL);
"""

_OVER_ROWS = "SELECT n FROM requests WHERE share = ? ORDER BY n DESC LIMIT 1 OFFSET ?"
_OVER_BYTES = """
SELECT n FROM (SELECT n, sum(bytes) OVER (ORDER BY n DESC) AS total FROM requests WHERE share = ?)
WHERE total > ? ORDER BY n DESC LIMIT 1
"""
_OVER_AGE = "SELECT n FROM requests WHERE share = ? AND at < ? ORDER BY n DESC LIMIT 1"


def trim(connection: sqlite3.Connection, now: float, rows: int = KEPT_ROWS) -> None:
    """Delete what is over the limits of rows, bytes and age; events that were not queued always stay."""
    for share, most_bytes in KEPT_BYTES.items():
        most_rows = min(rows, KEPT_STRANGERS) if share == "stranger" else rows
        scale = max(1, rows // KEPT_ROWS)
        bounds = (
            connection.execute(_OVER_ROWS, (share, most_rows)).fetchone(),
            _over_bytes(connection, share, most_bytes * scale),
            connection.execute(_OVER_AGE, (share, now - KEPT_SECONDS)).fetchone(),
        )
        below = max((bound[0] for bound in bounds if bound), default=0)
        if below:
            delete_requests(connection, "share = ? AND n <= ?", (share, below))
    for table, most in (("outcomes", 3 * rows), ("rounds", KEPT_ROUNDS), ("aliases", KEPT_ALIASES)):
        connection.execute(
            f"DELETE FROM {table} WHERE rowid <= (SELECT max(rowid) FROM {table}) - ?",  # noqa: S608
            (most,),
        )
        if table != "aliases":
            connection.execute(f"DELETE FROM {table} WHERE at < ?", (now - KEPT_SECONDS,))  # noqa: S608
    newest = "SELECT at FROM people ORDER BY at DESC LIMIT 1 OFFSET ?"
    over = connection.execute(newest, (rows,)).fetchone()
    connection.execute("DELETE FROM people WHERE at < ?", (max(now - KEPT_SECONDS, over[0] if over else 0),))
    connection.execute("DELETE FROM hours WHERE hour < ?", (int((now - KEPT_SECONDS) // 3600),))


def _over_bytes(connection: sqlite3.Connection, share: str, most: int) -> tuple[int] | None:
    """The newest record over the limit of bytes. The running sums are computed only if there is one."""
    [total] = connection.execute("SELECT sum(bytes) FROM requests WHERE share = ?", (share,)).fetchone()
    over = (total or 0) > most
    row: tuple[int] | None = connection.execute(_OVER_BYTES, (share, most)).fetchone() if over else None
    return row


def delete_requests(connection: sqlite3.Connection, condition: str, values: tuple[object, ...]) -> int:
    """Delete records with everything that depends on them; return how many were deleted."""
    chosen = f"SELECT n FROM requests WHERE {condition}"  # noqa: S608
    for table in ("wholes", "terms"):
        connection.execute(f"DELETE FROM {table} WHERE n IN ({chosen})", values)  # noqa: S608
    names = f"SELECT request_id FROM requests WHERE {condition}"  # noqa: S608
    connection.execute(f"DELETE FROM aliases WHERE record IN ({names})", values)  # noqa: S608
    return connection.execute(f"DELETE FROM requests WHERE {condition}", values).rowcount  # noqa: S608


TakeOver = Callable[[sqlite3.Connection, str, float, Mapping[str, Any]], None]
"""Writes a first-edition record, of this kind and time, as this edition would."""


def prepare(connection: sqlite3.Connection, take_over: TakeOver) -> None:
    """Create the tables; a first-edition file's records go through `take_over`, in one transaction."""
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    expect_own_file(connection, "JOURNAL_URL")
    connection.executescript(SCHEMA)
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchone():
            rows = connection.execute("SELECT kind, at, record FROM records ORDER BY id").fetchall()
            for kind, at, text in rows:
                take_over(connection, kind, at, json.loads(text))
            connection.execute("DROP TABLE records")
        connection.execute(f"PRAGMA user_version = {VERSION}")
