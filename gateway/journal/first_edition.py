"""Upgrades the journal of the first edition: one table `records`, of deliveries, refusals and captures."""

import json
import sqlite3
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from gateway.destinations import PROBE_EVENT
from gateway.journal.model import FIRST_EDITION, NewRequest
from gateway.journal.writing import add_request

# The statuses that the first edition answered, which its records do not hold; any other was 400.
_STATUS = {
    "NOT_FOUND": 404,
    "METHOD_GET": 200,
    "METHOD_NOT_ALLOWED": 405,
    "QUERY_TOO_LONG": 414,
    "BODY_TOO_LARGE": 413,
    "TOKEN_NOT_CONFIGURED": 503,
    "TOKEN_NOT_FOUND": 401,
    "TOKEN_MISMATCH": 403,
}


def take_over(connection: sqlite3.Connection, kind: str, at: float, record: Mapping[str, Any]) -> None:
    """Write a first-edition record as this edition would; its causes keep their sentences."""
    text = json.dumps(record, ensure_ascii=False)
    if kind == "not_queued":
        connection.execute("INSERT INTO unqueued (at, record) VALUES (?, ?)", (at, text))
        return
    request_id = str(record.get("request_id") or sha256(text.encode()).hexdigest()[:16])
    if kind == "capture":
        _capture(connection, request_id, record)
        return
    if connection.execute("SELECT 1 FROM requests WHERE request_id = ?", (request_id,)).fetchone():
        return
    accepted = kind == "delivery"
    causes = record.get("causes") or []
    code = str(record.get("code", ""))
    new = NewRequest(
        request_id=request_id,
        at=at,
        kind="probe" if record.get("event") == PROBE_EVENT else "accepted" if accepted else "refused",
        code=code,
        status=200 if accepted else _STATUS.get(code, 400),
        cause=str(causes[0].get("code", "")) if causes else "",
        event=str(record.get("event", "")),
        event_id=str(record.get("event_id", "")),
        portal=str(record.get("portal", "")),
        record={
            name: value
            for name, value in record.items()
            if name not in ("code", "event", "event_id", "portal", "request_id", "message", "guide")
        }
        | {FIRST_EDITION: True},
    )
    add_request(connection, new)


def _capture(connection: sqlite3.Connection, request_id: str, record: Mapping[str, Any]) -> None:
    """Add a capture to its request, which was written before it or is gone."""
    row = connection.execute("SELECT n FROM requests WHERE request_id = ?", (request_id,)).fetchone()
    if row is None:
        return
    whole = {name: record[name] for name in ("headers", "query", "body", "body_cut") if name in record}
    text = json.dumps(whole, ensure_ascii=False)
    connection.execute("INSERT OR REPLACE INTO wholes VALUES (?, ?)", (row[0], text))
