"""`./b24 links`, as people and scripts run it."""

import csv
import io
import json
import re
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.errors import SettingError, StoreUnavailable
from gateway.links import open_links, open_store
from gateway.links.model import NO_ACCOUNT, Account, DeadLetter, Moment, Observation
from gateway.locations import store_location
from gateway.portal.polled import Polled
from gateway.queues import open_embedded
from gateway.settings import load
from gateway.tools.forgetting import forget_person
from tests.support.errors import raises

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
P = "p.bitrix24.ru"
LINK = {"portal", "bitrix_user_id", "telegram_id", "telegram_username", "active", "observed_at", "updated_at"}
HISTORY = {
    "portal", "bitrix_user_id", "change", "telegram_id", "telegram_username", "previous_telegram_id",
    "previous_telegram_username", "event_id", "observed_at", "recorded_at",
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    monkeypatch.setenv("BITRIX24_DOMAIN", P)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return tmp_path


@pytest.fixture
def filled(own_directory: Path) -> None:
    store = open_store(store_location("sqlite:///var/links.db"))
    steps = [(1, Account(5)), (2, Account(None, "Ivan_P")), (3, Account(6)), (3, NO_ACCOUNT), (1, Account(7))]
    for seconds, (user, account) in enumerate(steps):
        at = Moment(EPOCH + timedelta(seconds=seconds), EPOCH + timedelta(seconds=seconds))
        store.apply(P, f"e{seconds}", [Observation(user, account, at, True, at)])
    at = Moment(EPOCH, EPOCH)
    store.apply("other.ru", "o1", [Observation(1, Account(5), at, None, None)])
    message = {"portal": {"domain": P}, "data": {"ID": "1"}}
    store.add_dead_letter(DeadLetter("ONUSERADD", "d1", "why", 1, message, EPOCH))
    store.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["links", *arguments]) == 0
    return capsys.readouterr().out


def test_a_store_that_is_not_there_yet_is_an_empty_list_and_stays_absent(
    own_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert json.loads(run(capsys, "--json")) == []
    assert json.loads(run(capsys, "--history", "--json")) == []
    assert len(run(capsys, "--csv").splitlines()) == 1
    assert run(capsys) == ""
    run(capsys, "forget", P, "1", "--yes")
    assert list(own_directory.iterdir()) == []


@pytest.mark.parametrize(
    ("event", "waits"), [("ONUSERADD", True), ("ONTASKADD", False), (None, False)], ids=str
)
def test_without_links_it_tells_that_events_still_wait(
    event: str | None, waits: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORWARD_TO", "https://bot.example.com/")
    if event:
        open_embedded(load()).publish(b"{}", {"event": event, "event_id": "e1"}, 10)
    assert main(["links"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert (
        "No such links yet, but events about users are still waiting on the queue: 1." in printed.err
    ) is waits
    assert ("No such links. If you expected some" in printed.err) is not waits


@pytest.mark.usefixtures("filled")
def test_links_are_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(run(capsys, "--json"))
    assert [(row["portal"], row["bitrix_user_id"]) for row in rows] == [
        ("other.ru", 1),
        (P, 1),
        (P, 2),
        (P, 3),
    ]
    assert all(set(row) == LINK for row in rows)
    first = rows[1]
    assert first["telegram_id"] == 7
    assert first["telegram_username"] is None
    assert first["active"] is True
    assert first["observed_at"] == "2026-01-01T00:00:04Z"
    assert rows[3]["telegram_id"] is None


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("filters", "users"),
    [
        (["--portal", P.upper()], [1, 2, 3]),
        (["--portal", f"https://{P}:443/"], [1, 2, 3]),
        (["--user", "2"], [2]),
        (["--portal", P, "--user", "3"], [3]),
        (["--telegram", "@ivan_p"], [2]),
        (["--telegram", "https://t.me/IVAN_P"], [2]),
        (["--telegram", "7"], [1]),
        (["--telegram", "999"], []),
    ],
)
def test_links_can_be_filtered(
    capsys: pytest.CaptureFixture[str], filters: list[str], users: list[int]
) -> None:
    assert [row["bitrix_user_id"] for row in json.loads(run(capsys, "--json", *filters))] == users


@pytest.mark.usefixtures("filled")
def test_history_is_printed_as_json_and_csv(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(run(capsys, "--history", "--json", "--portal", P))
    assert [row["change"] for row in rows] == ["linked", "linked", "linked", "unlinked", "replaced"]
    assert all(set(row) == HISTORY for row in rows)
    assert (rows[4]["telegram_id"], rows[4]["previous_telegram_id"]) == (7, 5)
    [row] = json.loads(run(capsys, "--history", "--json", "--portal", P, "--telegram", "5", "--user", "1"))[
        1:
    ]
    assert row == rows[4]
    table = list(csv.DictReader(io.StringIO(run(capsys, "--history", "--csv", "--portal", P))))
    assert [line["event_id"] for line in table] == [row["event_id"] for row in rows]
    [line] = csv.DictReader(io.StringIO(run(capsys, "--csv", "--portal", P, "--user", "2")))
    assert (line["telegram_id"], line["telegram_username"], line["active"]) == ("", "Ivan_P", "true")


@pytest.mark.usefixtures("filled")
def test_a_terminal_gets_tables(capsys: pytest.CaptureFixture[str]) -> None:
    table = run(capsys)
    assert "@Ivan_P" in table
    assert "2026-01-01 00:00:04Z" in table
    table = run(capsys, "--history")
    assert "replaced" in table


@pytest.mark.usefixtures("filled")
def test_the_table_is_in_russian(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LANGUAGE", "ru")
    monkeypatch.setenv("COLUMNS", "200")
    assert "пользователь" in run(capsys)
    table = run(capsys, "--history")
    assert "изменение" in table
    assert "аккаунт заменён" in table
    assert "replaced" not in table


@pytest.mark.parametrize("columns", ["20", "80"])
def test_no_row_of_the_table_is_cut_or_broken_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    portal = "-".join(["a-long-name"] * 6) + ".bitrix24.ru"
    name = "a" * 32
    at = Moment(EPOCH, EPOCH)
    with closing(open_store(store_location("sqlite:///var/links.db"))) as store:
        store.apply(portal, "e", [Observation(12, Account(None, name), at, True, at)])
    assert re.search(rf"{portal} +12 +@{name}", run(capsys))
    assert re.search(rf"{portal} +12 +linked +– +@{name}", run(capsys, "--history"))


@pytest.mark.usefixtures("filled")
def test_forgetting_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "forget", P, "1", "--yes")
    assert [row["bitrix_user_id"] for row in json.loads(run(capsys, "--json"))] == [1, 2, 3]
    assert json.loads(run(capsys, "--history", "--json", "--portal", P, "--user", "1")) == []
    store = open_store(store_location("sqlite:///var/links.db"))
    assert list(store.dead_letters()) == []
    store.close()


@pytest.mark.usefixtures("filled")
def test_a_forgotten_person_is_in_no_file_even_while_the_store_is_in_use(
    own_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A server's: with it open, SQLite keeps its log.
    store = open_store(store_location("sqlite:///var/links.db"))
    assert store.get(P, 2) is not None
    at = Moment(EPOCH + timedelta(hours=1), EPOCH + timedelta(hours=1))
    store.apply(P, "late", [Observation(2, Account(None, "canary_of_user_2"), at, True, at)])
    run(capsys, "forget", P, "2", "--yes")
    for file in (own_directory / "var").iterdir():
        assert b"canary_of_user_2" not in file.read_bytes(), file.name
    store.close()


@pytest.mark.usefixtures("filled")
def test_wrong_use_is_exit_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["links", "--telegram", "+79991234567"]) == 2
    assert main(["links", "--json", "--csv"]) == 2
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2hunter2@127.0.0.1:1/x")
    assert main(["links"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "hunter2" not in output.err


@pytest.mark.usefixtures("filled")
def test_a_bot_asks_by_account_and_by_user() -> None:
    people = open_links()
    link = people.of_telegram(7, "somebody")
    assert link is not None
    assert (link.bitrix_user_id, link.by_name_only) == (1, False)
    link = people.of_telegram(999, "IVAN_P")
    assert link is not None
    assert (link.bitrix_user_id, link.by_name_only) == (2, True)
    # It was replaced; the other portal's user 1 is not looked at.
    assert people.of_telegram(5) is None
    assert people.of_telegram() is None
    link = people.of_user(3)
    assert link is not None
    assert link.telegram_id is None
    assert [row.change for row in people.changes(datetime.now(UTC) - timedelta(minutes=5))][-1] == "replaced"
    people.close()
    other = open_links("OTHER.ru")
    assert other.of_telegram(5) is not None
    other.close()


@pytest.mark.parametrize("url", ["sqlite:///var/links.db", "sqlite:///links.db"])
def test_a_bot_in_another_directory_gets_the_path_of_the_missing_file(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    with raises(StoreUnavailable, match=re.escape(str(tmp_path / url.removeprefix("sqlite:///")))):
        open_links()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("filled")
def test_a_bot_reads_its_own_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORWARD_TO", "RESYNC_EVERY", "QUEUE_URL", "PORT"):
        monkeypatch.setenv(name, "what the gateway could not start with")
    open_links().close()


@pytest.mark.usefixtures("filled")
def test_a_bot_is_never_answered_from_the_wrong_portal(monkeypatch: pytest.MonkeyPatch) -> None:
    with raises(SettingError, match=r"other\.ru"):
        open_links("renamed.bitrix24.ru")
    monkeypatch.delenv("BITRIX24_DOMAIN", raising=False)
    with raises(SettingError, match=r"other\.ru"):
        open_links()


def test_the_only_portal_needs_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/one.db"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.delenv("BITRIX24_DOMAIN", raising=False)
    with closing(open_store(store_location(url))) as store:
        with raises(SettingError, match="BITRIX24_DOMAIN"):
            open_links()
        at = Moment(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
        store.apply("one.ru", "e1", [Observation(1, Account(telegram_id=7), at, True, at)])
    with closing(open_links()) as people:
        assert people.portal == "one.ru"
        assert people.of_telegram(7) is not None


def test_only_the_chosen_store_is_imported() -> None:
    heavy = ("sqlalchemy", "google.cloud.firestore", "grpc", "pydantic")
    code = f"import sys, gateway.links; print([m for m in {heavy} if m in sys.modules])"
    process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout.strip() == "[]"


@pytest.mark.usefixtures("filled")
def test_forgetting_asks_first_and_includes_the_queue_and_pollings_state(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is there to answer, or says no.
    for answer in ("", "n\n"):
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        assert main(["links", "forget", P, "1"]) == 1
        assert "Nothing was erased" in capsys.readouterr().err
    queue = open_embedded(load())
    for user in ("1", "2"):
        message = {"portal": {"domain": P}, "data": {"ID": user}}
        queue.publish(json.dumps(message).encode(), {"event": "ONUSERUPDATE"}, 5)
    store = open_store(store_location("sqlite:///var/links.db"))
    assert store.get(P, 1) is not None
    assert "clear the field" in run(capsys, "forget", P, "1", "--yes")
    assert "nothing was erased" in run(capsys, "forget", P, "1", "--yes")
    # A walk that has seen the person has left a mark, too.
    polled = Polled(store, P)
    polled.add([1])
    polled.keep()
    assert "clear the field" in run(capsys, "forget", P, "1", "--yes")
    assert [json.loads(data)["data"]["ID"] for _, data in queue.waiting()] == ["2"]
    assert store.get(P, 1) is None
    store.close()
    queue.close()


@pytest.mark.parametrize(
    ("missing", "pending", "domain", "erased"),
    [
        ([7], [], P, True),
        ([], ["7"], P, True),
        ([], ["8", "7"], P, True),
        ([8], ["8", "77"], P, False),
        ([7], ["7"], "another.bitrix24.ru", False),
    ],
)
def test_forgetting_erases_a_round_that_knows_the_user(
    tmp_path: Path, missing: list[int], pending: list[str], domain: str, erased: bool
) -> None:
    settings = load({"DATABASE_URL": f"sqlite:///{tmp_path}/links.db"}, dotenv=None)
    with closing(open_store(settings.database)) as store:
        changes = [
            {"asked_at": 1_750_000_000, "data": {"ID": user, "UF_USR_TELEGRAM": "123"}, "ends": True}
            for user in pending
        ]
        state = {"of": [domain, "UF_USR_TELEGRAM"], "missing": missing, "changes": changes}
        store.write_state("resync_state", state)
        forget_person(settings, P, 7)
        assert store.read_state("resync_state") == (None if erased else state)
        # User 1 is not the `True` of a change that ends a link.
        store.write_state("resync_state", state)
        forget_person(settings, P, 1)
        assert store.read_state("resync_state") == state
