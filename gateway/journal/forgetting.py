"""Erases a person from the journal, wherever it may hold something about them."""

import json
import re
import sqlite3

from gateway.journal.schema import delete_requests

_PAGE = 500


def forget(connection: sqlite3.Connection, portal: str, bitrix_user_id: int) -> int:
    """Erase this portal's events about this user, what came of them, and the user's name in polling.

    A refused body was never read as an event, so it is searched as text.
    """
    erased = _erase_requests(connection, portal, bitrix_user_id) + _erase_unqueued(
        connection, portal, bitrix_user_id
    )
    for table in ("outcomes", "people"):
        statement = f"DELETE FROM {table} WHERE bitrix_user_id = ? AND portal = ?"  # noqa: S608 — constants
        erased += connection.execute(statement, (bitrix_user_id, portal)).rowcount
    _erase_from_rounds(connection, bitrix_user_id)
    return erased


def _is_about(portal: str, bitrix_user_id: int, text: str) -> bool:
    """Whether a text is a user event of this portal with this user's id."""
    user_id_pattern = re.compile(
        rf"(?:%5B|\b)ID(?:%5D|\]|\\*[\"'])*\s*[=:]\s*\\*[\"']?{bitrix_user_id}(?!\d)", re.IGNORECASE
    )
    return portal in text and "onuser" in text.lower() and bool(user_id_pattern.search(text))


def _erase_requests(connection: sqlite3.Connection, portal: str, bitrix_user_id: int) -> int:
    after, matching = 0, []
    event_ids_of_user = (
        "SELECT event_id FROM outcomes WHERE bitrix_user_id = ? AND portal = ? AND event_id <> ''"
    )
    # An event may have named nobody until somebody mended it; its consumer knew whom it was about.
    theirs_by_outcome = {row[0] for row in connection.execute(event_ids_of_user, (bitrix_user_id, portal))}
    statement = (
        "SELECT r.n, r.event, r.portal, r.record, w.whole, r.event_id FROM requests r "
        "LEFT JOIN wholes w ON w.n = r.n WHERE r.n > ? ORDER BY r.n LIMIT ?"
    )
    while rows := connection.execute(statement, (after, _PAGE)).fetchall():
        for n, event, of_portal, record, whole, event_id in rows:
            users = json.loads(record).get("users", [])
            is_theirs = of_portal == portal and bitrix_user_id in users
            is_theirs = is_theirs or (not users and event_id in theirs_by_outcome)
            text = f"{event} {of_portal} {record} {whole or ''}"
            if is_theirs or _is_about(portal, bitrix_user_id, text):
                matching.append(n)
        after = rows[-1][0]
    for n in matching:
        connection.execute(
            "DELETE FROM outcomes "
            "WHERE event_id IN (SELECT event_id FROM requests WHERE n = ? AND event_id <> '')",
            (n,),
        )
        delete_requests(connection, "n = ?", (n,))
    return len(matching)


def _erase_unqueued(connection: sqlite3.Connection, portal: str, bitrix_user_id: int) -> int:
    rows = connection.execute("SELECT id, record FROM unqueued").fetchall()
    matching = [(id_,) for id_, text in rows if _is_about(portal, bitrix_user_id, text)]
    connection.executemany("DELETE FROM unqueued WHERE id = ?", matching)
    return len(matching)


def _erase_from_rounds(connection: sqlite3.Connection, bitrix_user_id: int) -> None:
    for id_, text in connection.execute("SELECT id, facts FROM rounds").fetchall():
        facts = json.loads(text)
        cleaned = {name: _without(value, bitrix_user_id) for name, value in facts.items()}
        if cleaned != facts:
            text = json.dumps(cleaned, ensure_ascii=False)
            connection.execute("UPDATE rounds SET facts = ? WHERE id = ?", (text, id_))


def _without(value: object, bitrix_user_id: int) -> object:
    """A list of users without this one; an entry is an id, or an object with one."""
    if not isinstance(value, list):
        return value
    return [
        entry
        for entry in value
        if bitrix_user_id != (entry.get("bitrix_user_id") if isinstance(entry, dict) else entry)
    ]
