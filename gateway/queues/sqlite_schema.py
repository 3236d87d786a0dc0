"""Creates the embedded queue's tables, or upgrades the earlier editions' with the messages in them."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from gateway.sqlite_file import expect_own_file

LONGEST_LEASE = 3600.0  # seconds
# A clock that was set back by less delays messages too little to be worth moving them all.
CLOCK_SECONDS = 5.0
# Seconds before a destination's next attempt.
LONGEST_PAUSE = 86_400.0

Wanting = Callable[[bytes, Mapping[str, str]], tuple[list[str], str | None]]
"""The subscriptions that want a message (its data, its attributes), and the object it is about."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused
    message_id INTEGER,  -- the same for all subscriptions, null where it is `id`
    subscription TEXT NOT NULL DEFAULT '',
    data BLOB NOT NULL, attributes TEXT NOT NULL, published_at REAL NOT NULL,
    due_at REAL NOT NULL,  -- until then it is leased, or waits for its next attempt
    attempts INTEGER NOT NULL DEFAULT 0, lease TEXT, reason TEXT,
    owner INTEGER,  -- the process that leased it
    object TEXT);  -- what it is about, where order counts
CREATE TABLE IF NOT EXISTS dead_letters (
    id INTEGER PRIMARY KEY, data BLOB NOT NULL, attributes TEXT NOT NULL, published_at REAL NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT NOT NULL, recorded_at REAL NOT NULL,
    subscription TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS clock (
    id INTEGER PRIMARY KEY, boot TEXT NOT NULL,  -- one row, of the machine's last run
    ahead REAL NOT NULL);  -- seconds by which the clock is ahead of the steady one
"""
# The value of PRAGMA user_version. The first edition wrote none; the second had no table `clock`.
_VERSION = 3
# What the first edition's tables lack.
_COLUMNS = {
    "messages": {
        "message_id": "INTEGER",
        "subscription": "TEXT NOT NULL DEFAULT ''",
        "owner": "INTEGER",
        "object": "TEXT",
    },
    "dead_letters": {"subscription": "TEXT NOT NULL DEFAULT ''"},
}
_INDEXES = """
CREATE INDEX IF NOT EXISTS messages_next ON messages (subscription, due_at, id, object);
CREATE INDEX IF NOT EXISTS messages_owned ON messages (owner, subscription, object) WHERE owner IS NOT NULL;
DROP INDEX IF EXISTS messages_due;
"""

# By the index, one subscription after another, so that a million waiting messages are not read one by one.
_MAKE_DUE = """
WITH RECURSIVE names (name) AS (
    SELECT min(subscription) FROM messages UNION ALL
    SELECT (SELECT min(subscription) FROM messages WHERE subscription > name)
    FROM names WHERE name IS NOT NULL)
UPDATE messages SET due_at = :now WHERE id IN (
    SELECT id FROM names JOIN messages ON subscription = name AND due_at > :now + :lease
    WHERE due_at - :now > CASE WHEN owner IS NULL AND reason IS NOT NULL THEN :pause ELSE :lease END)"""


def prepare(connection: sqlite3.Connection, now: float, wanting: Wanting) -> None:
    """Create the tables, or upgrade those of an earlier edition."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version >= _VERSION:
        return
    expect_own_file(connection, "QUEUE_URL")
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        for table, columns in _COLUMNS.items():
            existing = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for name, kind in columns.items():
                if name not in existing:
                    connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
        for statement in _INDEXES.split(";"):
            connection.execute(statement)
        _assign(connection, now, wanting)
        connection.execute(f"PRAGMA user_version = {_VERSION}")


def undo_wrong_clock(connection: sqlite3.Connection, now: float) -> None:
    """Make due the messages that would be due later than any lease or pause could make them.

    Such a time means that the clock has been set back since it was written.
    """
    values = {"now": now, "lease": LONGEST_LEASE, "pause": LONGEST_PAUSE}
    connection.execute(_MAKE_DUE, values)


def follow_clock(
    connection: sqlite3.Connection, clock: Callable[[], float], steady: Callable[[], float]
) -> None:
    """If the clock was set back, move what waits back by as much: otherwise it would wait that much longer.

    How far the clock is ahead of the steady one is kept in the file, and changed in the commit that moves
    the messages. So of several processes one moves them, and a move that fails is made the next time.
    What is leased is not touched: whoever holds it renews it by the new time.
    """
    if not _was_clock_set(_ahead_before(connection), clock() - steady()):
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        # The clock is read again: another process may have moved them while this one waited.
        now = clock()
        before, ahead = _ahead_before(connection), now - steady()
        if not _was_clock_set(before, ahead):
            return
        if before is not None and before > ahead:
            move = "UPDATE messages SET due_at = due_at - ? WHERE due_at > ? AND owner IS NULL"
            connection.execute(move, (before - ahead, now))
        connection.execute("REPLACE INTO clock (id, boot, ahead) VALUES (1, ?, ?)", (_boot(), ahead))


def _ahead_before(connection: sqlite3.Connection) -> float | None:
    """By how much the clock was ahead when last looked at; None if not since the machine was started."""
    row = connection.execute("SELECT ahead FROM clock WHERE boot = ?", (_boot(),)).fetchone()
    return None if row is None else float(row[0])


def _was_clock_set(before: float | None, ahead: float) -> bool:
    return before is None or abs(before - ahead) >= CLOCK_SECONDS


@cache
def _boot() -> str:
    """A name for the time since the machine was started: the steady clock begins anew at each start."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        # Where this is not Linux, a clock that begins anew only seems to be set forward, and nothing is
        # moved.
        return ""


def _assign(connection: sqlite3.Connection, now: float, wanting: Wanting) -> None:
    """Assign messages from before there were subscriptions to those that want them, in their old order."""
    rows = connection.execute("SELECT id, data, attributes FROM messages WHERE subscription = ''").fetchall()
    for key, data, attributes in rows:
        names, object_key = wanting(data, json.loads(attributes))
        for name in names:
            connection.execute(
                "INSERT INTO messages (message_id, subscription, data, attributes, published_at, due_at,"
                " attempts, reason, object) SELECT id, ?, data, attributes, published_at,"
                " min(published_at, ?), attempts, reason, ? FROM messages WHERE id = ?",
                (name, now, object_key, key),
            )
        connection.execute("DELETE FROM messages WHERE id = ?", (key,))
