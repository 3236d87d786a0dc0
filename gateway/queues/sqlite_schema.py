"""Creates the embedded queue's tables, or upgrades the first edition's with the messages in them."""

import json
import sqlite3
import time
from collections.abc import Callable, Mapping

LONGEST_LEASE = 3600.0  # seconds
CLOCK_SECONDS = 5.0  # a clock set back by less delays nothing that is worth a look at all messages
LONGEST_PAUSE = 86_400.0  # seconds before a destination's next attempt

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
"""
_VERSION = 2  # PRAGMA user_version; the first edition wrote none
_COLUMNS = {  # what the first edition's tables lack
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
    """Create the tables, or upgrade the first edition's."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version >= _VERSION:
        _undo_wrong_clock(connection, now)
        return
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


def _undo_wrong_clock(connection: sqlite3.Connection, now: float) -> None:
    """Make due the messages that would be due later than any lease or pause could make them.

    Such a time means that the clock has been set back since it was written.
    """
    values = {"now": now, "lease": LONGEST_LEASE, "pause": LONGEST_PAUSE}
    connection.execute(_MAKE_DUE, values)


class ClockWatch:
    """Says by how many seconds the system's clock was set back since it was last asked."""

    def __init__(
        self, clock: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock, self._steady = clock, steady
        self._ahead = clock() - steady()

    def __call__(self) -> float:
        before, self._ahead = self._ahead, self._clock() - self._steady()
        return max(0.0, before - self._ahead)


def follow_clock(connection: sqlite3.Connection, seconds: float, now: float) -> None:
    """Where the clock was set back, set back what waits, too: it would wait for so much longer.

    What is leased is not touched: whoever holds it renews it by the new time.
    """
    if seconds < CLOCK_SECONDS:
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        move = "UPDATE messages SET due_at = due_at - ? WHERE due_at > ? AND owner IS NULL"
        connection.execute(move, (seconds, now))


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
