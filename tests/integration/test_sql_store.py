"""What belongs to the SQL stores alone: versions of the schema, settings of SQLite, failures."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from gateway.errors import SettingError, StoreUnavailable
from gateway.links import open_store, sql_schema
from gateway.links import sql_engine as opening
from gateway.links.model import Account, Moment, Observation
from gateway.links.sql_prepared import READ_ROWS
from gateway.links.sql_store import SqlStore
from gateway.locations import store_location
from tests.support.commands import start_command
from tests.support.errors import raises

AT = Moment(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
P = "p.bitrix24.ru"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def observed(user: int, telegram_id: int) -> Observation:
    return Observation(user, Account(telegram_id), AT, None, None)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deeper/links.db"
    address: str = request.getfixturevalue("postgres_url")
    return address


def execute(store: SqlStore, *statements: str) -> None:
    with store._engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def open_sql(url: str) -> SqlStore:
    store = open_store(store_location(url))
    assert isinstance(store, SqlStore)
    return store


def test_an_older_schema_is_migrated_in_one_transaction(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_sql(url)
    store.apply(P, "e1", [observed(1, 5)])
    store.close()
    now = sql_schema.VERSION
    monkeypatch.setattr(opening, "VERSION", now + 2)
    steps = {
        now: ("ALTER TABLE links ADD COLUMN note TEXT", "UPDATE links SET note = 'one'"),
        now + 1: ("UPDATE links SET note = note || ' two'",),
    }
    monkeypatch.setattr(opening, "MIGRATIONS", steps | {now + 1: ("UPDATE nowhere SET a = 1",)})
    with pytest.raises(StoreUnavailable):
        open_store(store_location(url))
    monkeypatch.setattr(opening, "MIGRATIONS", steps)
    # Nothing of the failed attempt is left; of four, one migrates.
    with ThreadPoolExecutor(4) as pool:
        for opened in pool.map(open_sql, [url] * 4):
            opened.close()
    store = open_sql(url)
    with store._engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT note FROM links")) == "one two"
        assert connection.scalar(sa.text("SELECT version FROM schema_version")) == now + 2
    assert store.get(P, 1) is not None
    store.close()


def test_a_newer_schema_stops_the_start(url: str) -> None:
    store = open_sql(url)
    execute(store, f"UPDATE schema_version SET version = {sql_schema.VERSION + 1}")
    store.close()
    with raises(SettingError, match=rf"DATABASE_URL.*version {sql_schema.VERSION + 1}"):
        open_store(store_location(url))


def test_processed_events_go_after_thirty_days_by_themselves(url: str) -> None:
    store = open_sql(url)
    old = datetime.now(UTC) - timedelta(days=31)
    insert = sa.insert(sql_schema.processed_events)
    with store._engine.begin() as connection:
        connection.execute(insert, [{"event_id": "old", "processed_at": old}])
        recent = {"event_id": "recent", "processed_at": old + timedelta(days=2)}
        connection.execute(insert, [recent])
    store.apply(P, "e1", [observed(1, 5)])
    with store._engine.connect() as connection:
        ids = set(connection.scalars(sa.select(sql_schema.processed_events.c.event_id)))
    assert ids == {"recent", "e1"}
    store.close()


def test_the_database_itself_keeps_an_account_to_one_user(url: str) -> None:
    store = open_sql(url)
    store.apply(P, "e1", [observed(1, 5)])
    store.apply(P, "e2", [Observation(2, Account(None, "Ivan_P"), AT, None, None)])
    for values in ("7, 5, NULL", "7, NULL, 'iVAN_p'"):
        with pytest.raises(sa.exc.IntegrityError):
            execute(
                store,
                "INSERT INTO links (portal, bitrix_user_id, telegram_id, telegram_username, active,"
                " observed_at, updated_at, known)"
                f" VALUES ('{P}', {values}, true, '2026-01-01', '2026-01-01', '')",
            )
    store.close()


def test_the_look_up_of_a_decision_uses_its_indexes_even_before_statistics(url: str) -> None:
    store = open_sql(url)
    sqlite_like = store._engine.dialect.name == "sqlite"
    columns = sa.insert(sql_schema.links)
    row = {"portal": P, "active": True, "observed_at": AT.at, "updated_at": AT.at, "known": ""}
    with store._engine.begin() as connection:
        connection.execute(columns, [row | {"bitrix_user_id": n, "telegram_id": n} for n in range(2000)])
    query = READ_ROWS.params(p=P, u=1, t=5, n="ivan", by_id="5", by_name="@ivan", claimers=3).compile(
        store._engine, compile_kwargs={"literal_binds": True}
    )
    with store._engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN" if sqlite_like else "EXPLAIN"
        plan = "\n".join(str(line) for line in connection.exec_driver_sql(f"{explain} {query}"))
    store.close()
    assert "links_telegram_id" in plan
    assert "links_telegram_name" in plan
    assert "claims_newest" in plan
    assert "SCAN links" not in plan
    assert "Seq Scan" not in plan


def test_sqlite_is_as_safe_as_the_contract_says(tmp_path: Path) -> None:
    store = open_sql(f"sqlite:///{tmp_path}/links.db")
    with store._engine.connect() as connection:
        pragma = connection.exec_driver_sql
        assert pragma("PRAGMA journal_mode").scalar() == "wal"
        assert pragma("PRAGMA synchronous").scalar() == 2  # FULL
        assert pragma("PRAGMA secure_delete").scalar() == 1
        assert int(pragma("PRAGMA busy_timeout").scalar() or 0) >= 10_000
    raw = sqlite3.connect(tmp_path / "links.db", timeout=0)
    with store._engine.begin(), pytest.raises(sqlite3.OperationalError, match="locked"):
        # The store's transaction holds the write lock from its beginning.
        raw.execute("BEGIN IMMEDIATE")
    raw.close()
    statements: list[str] = []
    pooled = store._engine.raw_connection()
    pooled.driver_connection.set_trace_callback(statements.append)  # type: ignore[union-attr]
    pooled.close()
    store.apply(P, "e", [observed(1, 1)])
    assert next(line for line in statements if not line.startswith("PRAGMA")) == "BEGIN IMMEDIATE"
    store.close()


def test_a_sqlite_file_that_cannot_be_used_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database, but long enough to be looked at as one" * 100)
    for path in ("file", "file/links.db", "."):
        with pytest.raises(StoreUnavailable) as caught:
            open_store(store_location(f"sqlite:///{tmp_path}/{path}"))
        assert caught.value.__suppress_context__


def test_no_server_is_unavailable_and_the_password_stays_secret() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_store(store_location("postgresql://someone:hunter2hunter2@127.0.0.1:1/links"))
    assert "hunter2" not in repr(caught.value)
    assert "127.0.0.1" not in repr(caught.value)
    assert (caught.value.__cause__, caught.value.__suppress_context__) == (None, True)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_every_address_that_settings_accept_opens(postgres_url: str, scheme: str) -> None:
    from gateway.settings import load

    environ = {"DATABASE_URL": postgres_url.replace("postgresql", scheme, 1)}
    store = open_store(load(environ, None).database)
    store.check()
    store.close()
    assert urlsplit(postgres_url).path


WRITER = """
import sys
from datetime import UTC, datetime
from gateway.links import open_store
from gateway.links.model import Account, Moment, Observation
from gateway.locations import store_location
store = open_store(store_location(sys.argv[1]))
at = Moment(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
for number in range(1, 100_000):
    store.apply("p", f"e{number}", [Observation(number, Account(number), at, None, None)])
    print(number, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_whole_transactions(url: str, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with open(reader) as lines:
        with open(writer, "wb") as sink, open(os.devnull, "r+b") as devnull:
            process = start_command(
                *("-c", WRITER, url),
                env=os.environ,
                cwd=tmp_path,
                stdin=devnull,
                stdout=sink,
                stderr=devnull,
            )
        for _ in range(25):
            highest = int(lines.readline())
        process.kill()
        highest = max([highest, *(int(line) for line in lines.read().split())])
    process.wait(60)
    store = open_sql(url)
    users = [link.bitrix_user_id for link in store.links("p")]
    # Everything that was reported is there.
    assert users[:highest] == list(range(1, highest + 1))
    assert [row.bitrix_user_id for row in store.history("p")] == users
    for user in users:
        assert store.apply("p", f"e{user}", [observed(user, user + 10**6)]) == []
    store.close()


def test_a_link_imported_with_plain_sql_is_a_link_like_any_other(url: str) -> None:
    store = open_sql(url)
    columns = "portal, bitrix_user_id, telegram_id, telegram_username, active, observed_at, updated_at"
    moments = "'2025-01-01 00:00:00', '2025-01-01 00:00:00'"
    execute(store, f"INSERT INTO links ({columns}) VALUES ('{P}', 1, 5, NULL, true, {moments})")
    link = store.find(P, telegram_id=5)
    assert link is not None
    assert (link.bitrix_user_id, link.active) == (1, True)
    [change] = store.apply(P, "e1", [observed(1, 6)])
    assert (change.change, change.telegram_id, change.previous_telegram_id) == ("replaced", 6, 5)
    store.close()


def test_a_first_editions_store_keeps_its_links_and_revives_none(url: str) -> None:
    """Rows as the first edition wrote them: linked, lost to another, dismissed, waiting, imported."""
    store = open_sql(url)
    execute(store, "DROP TABLE claims")
    execute(store, "DROP INDEX dead_letters_time")
    execute(store, "ALTER TABLE dead_letters DROP COLUMN subscription")
    execute(store, "UPDATE schema_version SET version = 1")
    day = "2026-01-01T00:00:"
    rows = {
        1: (501, f'[[1767225605, "{day}05+00:00"], null, null, null, null, null]'),
        2: (None, f'[[1767225604, "{day}04+00:00"], null, null, null, null, null]'),
        3: (None, f'[[1767225603, "{day}03+00:00"], [1767225604, "{day}04+00:00"], null, null, null, null]'),
        4: (None, f'[[1767225608, "{day}08+00:00"], [1767225604, "{day}04+00:00"], null, null, 504, null]'),
        5: (505, "[null, null, null, null, null, null]"),
    }
    insert = sa.insert(sql_schema.links)
    with store._engine.begin() as connection:
        for user, (number, known_json) in rows.items():
            values = {"portal": P, "bitrix_user_id": user, "telegram_id": number, "known": known_json}
            values |= {"active": user not in (3, 4), "observed_at": EPOCH, "updated_at": EPOCH}
            connection.execute(insert, values)
    store.close()
    store = open_sql(url)

    def links() -> dict[int, int | None]:
        return {link.bitrix_user_id: link.telegram_id for link in store.links(P) if link.telegram_id}

    assert links() == {1: 501, 5: 505}
    active_at = Moment(EPOCH + timedelta(seconds=6), EPOCH + timedelta(seconds=6))
    for user in rows:
        store.apply(P, f"active {user}", [Observation(user, None, None, True, active_at)])
    assert links() == {1: 501, 4: 504, 5: 505}
    late, newer = (Moment(EPOCH + timedelta(seconds=at), EPOCH) for at in (2, 9))
    store.apply(P, "late", [Observation(2, Account(501), late, None, None)])
    assert links() == {1: 501, 4: 504, 5: 505}
    store.apply(P, "newer", [Observation(2, Account(501), newer, None, None)])
    assert links() == {2: 501, 4: 504, 5: 505}
    dismissed = Moment(EPOCH + timedelta(seconds=8), EPOCH)
    [back, unlinked] = store.apply(P, "dismissed", [Observation(2, None, None, False, dismissed)])
    assert {(back.bitrix_user_id, back.change), (unlinked.bitrix_user_id, unlinked.change)} == {
        (1, "corrected"),
        (2, "unlinked"),
    }
    assert links() == {1: 501, 4: 504, 5: 505}
    store.close()
