"""Keeps events that the queue did not accept, until `replay` has put them back."""

import json
import sqlite3
from typing import Any

from gateway.journal.model import Unqueued
from gateway.journal.rows import moment_of

PAGE = 100


def add(connection: sqlite3.Connection, at: float, record: str) -> None:
    connection.execute("INSERT INTO unqueued (at, record) VALUES (?, ?)", (at, record))


def page(connection: sqlite3.Connection, after: int, since: float) -> list[Unqueued]:
    """The next events with ids above `after`, oldest first."""
    statement = "SELECT id, at, record FROM unqueued WHERE id > ? AND at >= ? ORDER BY id LIMIT ?"
    rows = connection.execute(statement, (after, since, PAGE))
    return [Unqueued(unqueued_id, moment_of(at), _record(text)) for unqueued_id, at, text in rows]


def remove(connection: sqlite3.Connection, unqueued_id: int) -> int:
    return connection.execute("DELETE FROM unqueued WHERE id = ?", (unqueued_id,)).rowcount


def _record(text: str) -> dict[str, Any]:
    """The kept event; {} for a damaged one."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError, TypeError):
        return {}
    return record if isinstance(record, dict) else {}
