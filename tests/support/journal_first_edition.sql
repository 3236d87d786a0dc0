-- A journal as the first edition wrote it: a delivery, a refusal with its capture, a probe, an event not queued.
BEGIN TRANSACTION;
CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, at REAL NOT NULL, bytes INTEGER NOT NULL,
    record TEXT NOT NULL);
INSERT INTO "records" VALUES(1,'delivery',1800000000.0,230,'{"code": "EVENT_QUEUED", "event": "ONUSERUPDATE", "event_id": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "portal": "p.bitrix24.ru", "place": "body:auth.application_token", "request_id": "00000000000000a1"}');
INSERT INTO "records" VALUES(2,'refusal',1800000060.0,634,'{"code": "TOKEN_MISMATCH", "places": [{"place": "body:auth.application_token", "state": "mismatch", "length": 32, "fingerprint": "653bb124"}], "causes": [{"code": "TOKEN_OTHER_WEBHOOK", "detail": "body:auth.application_token", "says": "Another webhook''s token.", "do": "Compare the tokens."}], "guide": "docs/token-not-found.md#token_other_webhook", "method": "POST", "path": "/api/bitrix/webhook", "content_type": "application/x-www-form-urlencoded", "body_bytes": 414, "decoded_as": "form", "top_level_keys": ["event", "data", "ts", "auth"], "user_agent": "Bitrix24 Webhook Engine", "request_id": "00000000000000b2", "message": "x"}');
INSERT INTO "records" VALUES(3,'capture',1800000061.0,197,'{"code": "CAPTURE", "answer": "TOKEN_MISMATCH", "headers": {"user-agent": "Bitrix24 Webhook Engine"}, "query": "", "body": "event=ONUSERUPDATE", "body_cut": false, "request_id": "00000000000000b2"}');
INSERT INTO "records" VALUES(4,'delivery',1800000121.0,193,'{"code": "EVENT_QUEUED", "event": "ONGATEWAYPROBE", "event_id": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", "portal": "doctor.invalid", "request_id": "00000000000000c3"}');
INSERT INTO "records" VALUES(5,'not_queued',1800000181.0,289,'{"code": "EVENT_NOT_QUEUED", "event": "ONUSERADD", "event_id": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd", "attributes": {"event": "ONUSERADD", "event_id": "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"}, "payload": "{\"event\": \"ONUSERADD\"}"}');
CREATE INDEX records_kind ON records (kind, id, at, bytes);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('records',5);
COMMIT;
