"""The embedded queue's longer SQL statements."""

_LEASABLE = """
subscription = :name AND due_at <= :now AND (object IS NULL OR object NOT IN (
    SELECT object FROM messages WHERE owner IS NOT NULL AND subscription = :name
    AND object IS NOT NULL AND due_at > :now))"""
# It reads only the index, so events of a leased object are skipped quickly, however many come first.
NEXT = f"SELECT id FROM messages WHERE {_LEASABLE} ORDER BY due_at, id LIMIT :count"  # noqa: S608 — a constant
ROWS = f"""
SELECT id, message_id, data, attributes, attempts, published_at, object, reason FROM messages NOT INDEXED
WHERE id IN (SELECT value FROM json_each(:ids)) AND {_LEASABLE} ORDER BY due_at, id"""  # noqa: S608 — a constant
PUT_BACK = """
UPDATE messages SET due_at = ?, lease = NULL, owner = NULL,
    reason = coalesce(nullif(?, ''), reason), attempts = attempts - ?
WHERE id = ? AND lease = ?"""
BURY = """
INSERT OR REPLACE INTO dead_letters
    (id, data, attributes, published_at, attempts, reason, recorded_at, subscription)
SELECT id, data, attributes, published_at, attempts, ?, ?, subscription FROM messages WHERE id = ?"""
EXTEND = "UPDATE messages SET due_at = ? WHERE id = ? AND lease = ?"
# SQLite takes `reason` from the row that has the greatest id: the newest message that failed.
FAILING = """
SELECT subscription, count(*), reason, max(id) FROM messages
WHERE attempts > 0 AND reason IS NOT NULL GROUP BY subscription"""
