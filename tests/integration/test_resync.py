"""A round as it is run: by hand as a process of its own, and as the function that Cloud Scheduler calls."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask
import pytest

from gateway import startup
from gateway.errors import PassingFailure
from gateway.events import read_message
from gateway.links import open_store
from gateway.links.model import Account, Moment, Observation
from gateway.portal import resync
from gateway.portal.resync import AlreadyRunning, run
from gateway.portal.walk_state import STATE
from gateway.queues.sqlite import EmbeddedQueue
from gateway.settings import Settings, load
from tests.support.commands import Process, run_command, start_command
from tests.support.portal import FIELD, HANG_UP, HTML, SECRET, Call, PortalSimulator, Reply, always, error
from tests.support.queues import acknowledge, leased

ROOT = Path(__file__).parents[2]


class Place:
    """A directory with the settings of a gateway; what a round leaves there."""

    def __init__(self, path: Path, portal: PortalSimulator) -> None:
        self.path, self.portal = path, portal

    def environ(self, **more: str) -> dict[str, str]:
        urls = {
            "QUEUE_URL": f"sqlite:///{self.path}/queue.db",
            "DATABASE_URL": f"sqlite:///{self.path}/links.db",
        }
        return self.portal.environ() | urls | more

    def settings(self, **more: str) -> Settings:
        return load(self.environ(**more), dotenv=None)

    def process_environ(self, **more: str) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), **self.environ(**more)}

    def start(self, output: Path, *arguments: str, **more: str) -> Process:
        """A round in a process of its own, which writes to `output`."""
        env = self.process_environ(**more)
        with output.open("wb") as sink, open(os.devnull, "r+b") as devnull:
            return start_command(
                "resync", *arguments, env=env, cwd=self.path, stdin=devnull, stdout=sink, stderr=devnull
            )

    def cli(self, *arguments: str, **more: str) -> tuple[int, str, str]:
        process = run_command("resync", *arguments, env=self.process_environ(**more), cwd=self.path)
        assert SECRET not in process.stdout + process.stderr
        return process.returncode, process.stdout, process.stderr

    def queued(self) -> list[dict[str, Any]]:
        """The data of what waits on the queue."""
        queue = EmbeddedQueue(f"{self.path}/queue.db", 10)
        messages = []
        while (delivery := leased(queue, 60.0)) is not None:
            messages.append(read_message(delivery.data).data)
            acknowledge(queue, delivery)
        queue.close()
        return messages

    def state(self) -> dict[str, Any] | None:
        store = open_store(self.settings().database)
        value = store.read_state(STATE)
        store.close()
        return value


@pytest.fixture
def place(tmp_path: Path, portal: PortalSimulator) -> Place:
    return Place(tmp_path, portal)


def fill(portal: PortalSimulator, count: int) -> None:
    for number in range(1, count + 1):
        portal.add(number, 1000 + number)


def test_a_round_by_hand_publishes_and_reports(place: Place) -> None:
    fill(place.portal, 60)
    code, out, err = place.cli("--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "portal": place.portal.domain,
        "users": 60,
        "published": 60,
        "unlinked": 0,
        "unreadable": 0,
        "requests": 2,
        "continued_after": 0,
        "dry_run": False,
        "unreadable_users": [],
    }
    assert sorted(int(data["ID"]) for data in place.queued()) == list(range(1, 61))


def test_a_dry_run_by_hand_changes_nothing(place: Place) -> None:
    fill(place.portal, 3)
    code, out, _ = place.cli("--dry-run", "--since", "24h")
    assert code == 0
    assert "Users: 0" in out
    code, out, _ = place.cli("--dry-run", "--since", "2020-01-01T00:00:00Z")
    assert "would be queued: 3" in out
    assert place.queued() == []


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (HTML, 1),
        (error("insufficient_scope", 401), 1),
        (error("INVALID_CREDENTIALS", 401), 1),
        (Reply(500, b"<html></html>", "text/html"), 1),
        (HANG_UP, 2),
        (Reply(502, b"<html></html>", "text/html"), 2),
    ],
)
def test_exit_codes(place: Place, reply: Reply, code: int) -> None:
    """1: the portal's answer is wrong; 2: it could not be reached."""
    fill(place.portal, 3)
    place.portal.faults.append(always(reply))
    exit_code, out, err = place.cli("--json")
    assert (exit_code, out) == (code, "")
    assert len(err.strip().splitlines()) == 1
    assert place.queued() == []


def test_an_absent_field_is_exit_code_1(place: Place) -> None:
    fill(place.portal, 3)
    code, _, err = place.cli(BITRIX24_TELEGRAM_FIELD_NAME="UF_USR_OTHER")
    assert code == 1
    assert "UF_USR_OTHER" in err
    assert FIELD not in err


@pytest.mark.parametrize("since", ["yesterday", "2026-01-31", "2026-01-31T12:00:00", "-1h"])
def test_a_wrong_time_is_exit_code_2(place: Place, since: str) -> None:
    assert place.cli(f"--since={since}")[0] == 2
    assert place.portal.calls == []


def test_without_an_incoming_webhook_it_is_exit_code_2(place: Place) -> None:
    code, _, err = place.cli(BITRIX24_WEBHOOK_TOKEN="")
    assert code == 2
    assert "BITRIX24_WEBHOOK_TOKEN" in err


def wait_for(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends, "it never came to that"
        time.sleep(0.01)


@pytest.fixture
def portal_resumes(place: Place) -> Iterator[threading.Event]:
    """The portal answers no request above id 50 before this is set."""
    fill(place.portal, 120)
    go = threading.Event()

    def hold(call: Call) -> None:
        if (call.after or 0) >= 50:
            go.wait(60)

    place.portal.faults.append(hold)
    yield go
    go.set()


def test_two_rounds_never_run_at_once(place: Place, portal_resumes: threading.Event, tmp_path: Path) -> None:
    first = place.start(tmp_path / "output", "--json")
    wait_for(lambda: 50 in place.portal.pages_asked())
    code, _, err = place.cli()
    assert code == 2
    assert "already running" in err
    with pytest.raises(AlreadyRunning):
        run(place.settings())
    portal_resumes.set()
    assert first.wait(60) == 0
    assert json.loads((tmp_path / "output").read_text())["published"] == 120
    assert run(place.settings()).users == 120


def test_a_killed_round_is_taken_up_at_once(
    place: Place, portal_resumes: threading.Event, tmp_path: Path
) -> None:
    first = place.start(tmp_path / "output")
    wait_for(lambda: 50 in place.portal.pages_asked())
    first.kill()
    first.wait(60)
    assert place.queued() == []
    portal_resumes.set()
    place.portal.calls.clear()
    code, out, _ = place.cli("--json")
    assert code == 0
    assert json.loads(out)["continued_after"] == 50
    assert 0 not in place.portal.pages_asked()
    assert sorted(int(data["ID"]) for data in place.queued()) == list(range(1, 121))
    assert place.state() is None


def test_two_temporary_directories_are_still_one_lock(
    place: Place, portal_resumes: threading.Event, tmp_path: Path
) -> None:
    """Under systemd's `PrivateTmp`, the service and whoever runs a round by hand see different ones."""
    (tmp_path / "private").mkdir()
    first = place.start(tmp_path / "output", "--json", TMPDIR=f"{tmp_path}/private")
    wait_for(lambda: 50 in place.portal.pages_asked())
    with pytest.raises(AlreadyRunning):
        run(place.settings())
    portal_resumes.set()
    assert first.wait(60) == 0
    [lock] = tmp_path.glob("resync-*.lock")
    assert lock.stat().st_mode & 0o777 == 0o600
    assert list((tmp_path / "private").iterdir()) == []


def test_a_round_that_root_runs_leaves_the_lock_to_the_directorys_owner(place: Place, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 65534, 65534)
    with resync._only_round(place.settings()):
        [lock] = tmp_path.glob("resync-*.lock")
        assert lock.stat().st_uid == tmp_path.stat().st_uid


def test_the_lock_follows_no_link_and_says_why(place: Place, tmp_path: Path) -> None:
    fill(place.portal, 3)
    run(place.settings())
    [lock] = tmp_path.glob("resync-*.lock")
    for target in (tmp_path / "elsewhere", None):
        lock.unlink()
        if target is None:
            lock.mkdir()
        else:
            lock.symlink_to(target)
        code, out, err = place.cli()
        assert (code, out) == (2, "")
        assert "lock file cannot be opened" in err
        assert "Traceback" not in err
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("database", ["postgresql://u@127.0.0.1:1/d", "firestore://project/links"])
def test_without_a_links_file_the_lock_is_beside_the_queue(
    place: Place, tmp_path: Path, database: str
) -> None:
    with resync._only_round(place.settings(DATABASE_URL=database)):
        assert len(list(tmp_path.glob("resync-*.lock"))) == 1
    journal = f"sqlite:///{tmp_path}/data/journal.db"
    away = {"QUEUE_URL": "pubsub://project/topic", "JOURNAL_URL": journal}
    with resync._only_round(place.settings(DATABASE_URL=database, **away)):
        assert len(list((tmp_path / "data").glob("resync-*.lock"))) == 1


def test_one_process_runs_one_round(place: Place, portal_resumes: threading.Event) -> None:
    results: list[object] = []

    def attempt() -> None:
        try:
            results.append(run(place.settings()))
        except AlreadyRunning as running:
            results.append(running)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(results) == 3)
    portal_resumes.set()
    for thread in threads:
        thread.join(60)
    assert sum(isinstance(result, AlreadyRunning) for result in results) == 3


# ---- the function --------------------------------------------------------------


@pytest.fixture
def respond(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    monkeypatch.setattr(resync, "host_settings", place.settings)
    app = flask.Flask("resync")
    app.add_url_rule("/", view_func=lambda: resync.respond(flask.request), methods=["POST"])
    yield lambda: app.test_client().post("/")
    startup.settings.cache_clear()


def test_the_function_walks_and_logs_its_summary(place: Place, respond: Callable[[], Any]) -> None:
    fill(place.portal, 3)
    answer = respond()
    assert answer.status_code == 200
    assert answer.json["status"] == "ok"
    assert answer.json["published"] == 3


def test_links_at_risk_by_itself_and_by_hand(
    place: Place, respond: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The owner of the webhook lost rights: most users are not shown any more."""
    at = Moment(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    store = open_store(place.settings().database)
    for user in range(1, 21):
        observation = Observation(user, Account(1000 + user), at, True, at)
        store.apply(place.portal.domain, f"event-{user}", [observation])
    store.close()
    fill(place.portal, 20)
    run(place.settings())
    for user in range(1, 9):
        del place.portal.users[user]
    answer = respond()
    assert (answer.status_code, answer.json["code"]) == (502, "LINKS_AT_RISK")
    record = caplog.records[-1].__dict__
    assert (record["levelname"], record["json_fields"]) == ("ERROR", {"code": "LINKS_AT_RISK", "count": 8})
    code, out, err = place.cli("--json")
    assert (code, out) == (1, "")
    assert "8 of 20 links" in err
    assert "resync --confirm 8" in err
    assert place.queued() == []
    code, out, _ = place.cli("--json", "--confirm", "8")
    assert (code, json.loads(out)["unlinked"]) == (0, 8)


@pytest.mark.parametrize(
    ("reply", "status"), [(HTML, 502), (error("insufficient_scope", 401), 502), (HANG_UP, 503)]
)
def test_the_function_logs_what_failed(
    place: Place, respond: Callable[[], Any], caplog: pytest.LogCaptureFixture, reply: Reply, status: int
) -> None:
    place.portal.faults.append(always(reply))
    answer = respond()
    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert answer.json["code"] == "RESYNC_FAILED"
    assert SECRET not in answer.text + caplog.text
    assert "RESYNC_FAILED" in str(caplog.records[-1].__dict__)


def test_the_function_answers_409_while_a_round_runs(
    place: Place, respond: Callable[[], Any], portal_resumes: threading.Event
) -> None:
    thread = threading.Thread(target=run, args=(place.settings(),))
    thread.start()
    wait_for(lambda: 50 in place.portal.pages_asked())
    answer = respond()
    portal_resumes.set()
    thread.join(60)
    assert answer.status_code == 409
    assert answer.json["code"] == "RESYNC_RUNNING"


def test_a_round_ends_in_time_and_goes_on_next_time(place: Place) -> None:
    """Google ends a request after half an hour; what a limit delays beyond it waits for the next."""
    fill(place.portal, 120)
    place.portal.operating_cost, place.portal.reset_after = 480.0, 300.0
    with pytest.raises(PassingFailure) as raised:
        run(place.settings(), seconds=20)
    assert raised.value.retry_after is not None
    state = place.state()
    assert state is not None
    assert state["after"] == 50
