BEGIN TRANSACTION;
CREATE TABLE dead_letters (
	id TEXT NOT NULL, 
	event TEXT NOT NULL, 
	event_id TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	message TEXT NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "dead_letters" VALUES('bd3bc315d958a3407859e059a0e3cd9ad53d810ad33c6c4742d2fc6746a3327b','ONUSERUPDATE','poison','no user in data',1,'{"portal": {"domain": "p.bitrix24.ru"}, "data": {}}','2026-01-01 00:00:00.000000');
CREATE TABLE link_history (
	id INTEGER NOT NULL, 
	portal TEXT NOT NULL, 
	bitrix_user_id BIGINT NOT NULL, 
	change TEXT NOT NULL, 
	telegram_id BIGINT, 
	telegram_username TEXT, 
	previous_telegram_id BIGINT, 
	previous_telegram_username TEXT, 
	event_id TEXT NOT NULL, 
	observed_at DATETIME NOT NULL, 
	recorded_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "link_history" VALUES(1,'p.bitrix24.ru',2,'linked',501,NULL,NULL,NULL,'linked','2026-01-01 00:00:01.000000','2026-11-27 09:31:05.507474');
INSERT INTO "link_history" VALUES(2,'p.bitrix24.ru',2,'conflict',NULL,NULL,501,NULL,'took','2026-01-01 00:00:05.000000','2026-11-27 09:31:05.521426');
INSERT INTO "link_history" VALUES(3,'p.bitrix24.ru',1,'linked',501,NULL,NULL,NULL,'took','2026-01-01 00:00:05.000000','2026-11-27 09:31:05.521426');
INSERT INTO "link_history" VALUES(4,'p.bitrix24.ru',3,'linked',503,NULL,NULL,NULL,'three','2026-01-01 00:00:03.000000','2026-11-27 09:31:05.527098');
INSERT INTO "link_history" VALUES(5,'p.bitrix24.ru',3,'unlinked',NULL,NULL,503,NULL,'three left','2026-01-01 00:00:04.000000','2026-11-27 09:31:05.535480');
INSERT INTO "link_history" VALUES(6,'p.bitrix24.ru',5,'linked',NULL,'Ivan_P',NULL,NULL,'five','2026-01-01 00:00:01.000000','2026-11-27 09:31:05.548270');
INSERT INTO "link_history" VALUES(7,'p.bitrix24.ru',6,'linked',506,NULL,NULL,NULL,'six','2026-01-01 00:00:01.000000','2026-11-27 09:31:05.552263');
INSERT INTO "link_history" VALUES(8,'p.bitrix24.ru',6,'unlinked',NULL,NULL,506,NULL,'six empty','2026-01-01 00:00:09.000000','2026-11-27 09:31:05.564314');
INSERT INTO "link_history" VALUES(9,'p.bitrix24.ru',7,'linked',507,NULL,NULL,NULL,'seven','2026-01-01 00:00:01.000000','2026-11-27 09:31:05.570584');
INSERT INTO "link_history" VALUES(10,'p.bitrix24.ru',7,'replaced',508,NULL,507,NULL,'seven moved','2026-01-01 00:00:06.000000','2026-11-27 09:31:05.584353');
INSERT INTO "link_history" VALUES(11,'p.bitrix24.ru',8,'linked',509,NULL,NULL,NULL,'eight','2026-01-01 00:00:07.000000','2026-11-27 09:31:05.592232');
INSERT INTO "link_history" VALUES(12,'other.bitrix24.ru',1,'linked',501,NULL,NULL,NULL,'other','2026-01-01 00:00:02.000000','2026-11-27 09:31:05.608253');
CREATE TABLE links (
	portal TEXT NOT NULL, 
	bitrix_user_id BIGINT NOT NULL, 
	telegram_id BIGINT, 
	telegram_username TEXT, 
	active BOOLEAN NOT NULL, 
	observed_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	known TEXT DEFAULT '[null, null, null, null, null, null]' NOT NULL, 
	PRIMARY KEY (portal, bitrix_user_id)
);
INSERT INTO "links" VALUES('p.bitrix24.ru',2,NULL,NULL,1,'2026-01-01 00:00:05.000000','2026-11-27 09:31:05.521426','[[1767225601, "2026-01-01T00:00:01+00:00"], null, [1767225601, "2026-01-01T00:00:01+00:00"], [1767225601, "2026-01-01T00:00:01+00:00"], null, null]');
INSERT INTO "links" VALUES('p.bitrix24.ru',1,501,NULL,1,'2026-01-01 00:00:05.000000','2026-11-27 09:31:05.521426','[[1767225605, "2026-01-01T00:00:05+00:00"], null, null, null, null, null]');
INSERT INTO "links" VALUES('p.bitrix24.ru',3,NULL,NULL,0,'2026-01-01 00:00:04.000000','2026-11-27 09:31:05.535480','[[1767225603, "2026-01-01T00:00:03+00:00"], [1767225604, "2026-01-01T00:00:04+00:00"], null, null, null, null]');
INSERT INTO "links" VALUES('p.bitrix24.ru',4,NULL,NULL,0,'2026-01-01 00:00:08.000000','2026-11-27 09:31:05.537027','[[1767225608, "2026-01-01T00:00:08+00:00"], [1767225604, "2026-01-01T00:00:04+00:00"], null, null, 504, null]');
INSERT INTO "links" VALUES('p.bitrix24.ru',5,NULL,'Ivan_P',1,'2026-01-01 00:00:01.000000','2026-11-27 09:31:05.548270','[[1767225601, "2026-01-01T00:00:01+00:00"], null, [1767225601, "2026-01-01T00:00:01+00:00"], [1767225601, "2026-01-01T00:00:01+00:00"], null, null]');
INSERT INTO "links" VALUES('p.bitrix24.ru',6,NULL,NULL,1,'2026-01-01 00:00:09.000000','2026-11-27 09:31:05.564314','[[1767225609, "2026-01-01T00:00:09+00:00"], null, null, null, null, null]');
INSERT INTO "links" VALUES('p.bitrix24.ru',7,508,NULL,1,'2026-01-01 00:00:06.000000','2026-11-27 09:31:05.584353','[[1767225606, "2026-01-01T00:00:06+00:00"], null, null, null, null, null]');
INSERT INTO "links" VALUES('p.bitrix24.ru',8,509,NULL,1,'2026-01-01 00:00:07.000000','2026-11-27 09:31:05.592232','[[1767225607, "2026-01-01T00:00:07+00:00"], null, null, null, null, null]');
INSERT INTO "links" VALUES('p.bitrix24.ru',9,NULL,NULL,1,'2026-01-01 00:00:02.000000','2026-11-27 09:31:05.596277','[[1767225602, "2026-01-01T00:00:02+00:00"], null, null, null, null, null]');
INSERT INTO "links" VALUES('other.bitrix24.ru',1,501,NULL,1,'2026-01-01 00:00:02.000000','2026-11-27 09:31:05.608253','[[1767225602, "2026-01-01T00:00:02+00:00"], null, null, null, null, null]');
CREATE TABLE processed_events (
	event_id TEXT NOT NULL, 
	processed_at DATETIME NOT NULL, 
	PRIMARY KEY (event_id)
);
INSERT INTO "processed_events" VALUES('linked','2026-11-27 09:31:05.507301');
INSERT INTO "processed_events" VALUES('took','2026-11-27 09:31:05.521308');
INSERT INTO "processed_events" VALUES('three','2026-11-27 09:31:05.527026');
INSERT INTO "processed_events" VALUES('three left','2026-11-27 09:31:05.535371');
INSERT INTO "processed_events" VALUES('four left','2026-11-27 09:31:05.536980');
INSERT INTO "processed_events" VALUES('four waits','2026-11-27 09:31:05.537961');
INSERT INTO "processed_events" VALUES('five','2026-11-27 09:31:05.548199');
INSERT INTO "processed_events" VALUES('six','2026-11-27 09:31:05.552203');
INSERT INTO "processed_events" VALUES('six empty','2026-11-27 09:31:05.564198');
INSERT INTO "processed_events" VALUES('seven','2026-11-27 09:31:05.570523');
INSERT INTO "processed_events" VALUES('seven moved','2026-11-27 09:31:05.584225');
INSERT INTO "processed_events" VALUES('eight','2026-11-27 09:31:05.592175');
INSERT INTO "processed_events" VALUES('nine late','2026-11-27 09:31:05.596157');
INSERT INTO "processed_events" VALUES('other','2026-11-27 09:31:05.608197');
CREATE TABLE replayed_events (
	event_id TEXT NOT NULL, 
	replayed_at DATETIME NOT NULL, 
	PRIMARY KEY (event_id)
);
INSERT INTO "replayed_events" VALUES('replayed','2026-11-27 09:31:05.644937');
CREATE TABLE schema_version (
	version INTEGER NOT NULL
);
INSERT INTO "schema_version" VALUES(1);
CREATE TABLE state (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "state" VALUES('resync/p.bitrix24.ru','{"seen": [1]}');
CREATE UNIQUE INDEX links_telegram_name ON links (portal, lower(telegram_username));
CREATE UNIQUE INDEX links_telegram_id ON links (portal, telegram_id);
CREATE INDEX link_history_time ON link_history (recorded_at, id);
CREATE INDEX link_history_user ON link_history (portal, bitrix_user_id);
CREATE INDEX ix_processed_events_processed_at ON processed_events (processed_at);
COMMIT;
