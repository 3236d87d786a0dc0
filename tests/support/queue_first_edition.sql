-- A queue as the first edition left it: two events wait, one of them leased by a process that was killed.
PRAGMA journal_mode = WAL;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    data BLOB NOT NULL, attributes TEXT NOT NULL, published_at REAL NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, lease TEXT, reason TEXT);
CREATE INDEX messages_due ON messages (due_at, id);
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY, data BLOB NOT NULL, attributes TEXT NOT NULL, published_at REAL NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT NOT NULL, recorded_at REAL NOT NULL);
INSERT INTO messages VALUES
    (7, CAST('{"event": "ONUSERADD", "data": {"ID": "5"}}' AS BLOB), '{"event": "ONUSERADD"}',
     1767225600.0, 1767225660.0, 2, '0123456789abcdef', 'the store does not answer'),
    (8, CAST('{"event": "ONTASKADD", "data": {"FIELDS_AFTER": {"ID": "9"}}}' AS BLOB), '{"event": "ONTASKADD"}',
     1767225601.0, 1767225601.0, 0, NULL, NULL);
INSERT INTO dead_letters VALUES
    (5, CAST('{"event": "ONUSERADD", "data": {"ID": "4"}}' AS BLOB), '{"event": "ONUSERADD"}',
     1767225500.0, 10, 'the store does not answer', 1767226000.0);
