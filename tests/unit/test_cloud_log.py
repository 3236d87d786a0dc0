"""The inspector over Cloud Logging: what the functions logged, on the same page."""

import http.client
import os
import signal
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.errors import PassingFailure, SettingError
from gateway.journal import Filters, Journal
from gateway.local.cloud_inspector import serve_page
from gateway.locations import FirestoreDatabase, PubSubTopic
from gateway.settings import Settings, load
from gateway.tools.cloud_log import CloudLog
from gateway.tools.deployment import Deployment, find_deployment
from tests.support.cloud_logging import CloudLogging
from tests.support.errors import raises
from tests.support.inspector import Browser
from tests.support.processes import wait_for

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
DEPLOYED = Deployment("p-1234", "b24")
EVENT_ID = "ab" * 32
CAUSE = {"code": "TOKEN_OTHER_WEBHOOK", "detail": "d", "says": "Another webhook's.", "do": "Compare them."}
REFUSAL = {
    "code": "TOKEN_MISMATCH",
    "places": [
        {"place": "query:token", "state": "absent", "length": None, "fingerprint": None},
        {"place": "body:token", "state": "mismatch", "length": 32.0, "fingerprint": "0badcafe"},
        {"odd": "a stranger's"},
    ],
    "causes": [CAUSE],
    "method": "POST",
    "path": "/<script>alert(1)</script>",
    "body_bytes": 414.0,
    "request_id": "00000000000000aa",
}
OUTCOME = {
    "code": "LINK_SYNCED",
    "event": "ONUSERUPDATE",
    "event_id": EVENT_ID,
    "portal": "p.bitrix24.ru",
    "bitrix_user_id": 12.0,
    "subscription": "b24-on-user-update",
    "account": "@ivan_petrov",
}
ROUND = {"code": "RESYNC_DONE", "users": 5000.0, "published": 3.0, "unlinked": 0.0, "unreadable": 0.0}


def entry(number: int, payload: dict[str, Any], severity: str = "INFO") -> dict[str, Any]:
    return {
        "logName": "projects/p-1234/logs/stderr",
        "insertId": f"i{number}",
        "timestamp": f"2026-11-27T09:00:0{number}Z",
        "severity": severity,
        "jsonPayload": payload,
    }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"JOURNAL_URL": f"sqlite:///{tmp_path}/j.db", "LOG_LANGUAGE": "en"}, None)


@pytest.fixture
def journal(settings: Settings) -> Iterator[Journal]:
    journal = Journal(settings.journal.path, clock=lambda: NOW.timestamp() + 60)
    yield journal
    journal.close()


def test_the_log_becomes_requests_outcomes_and_rounds(
    logging_api: tuple[type[CloudLogging], Any], journal: Journal, settings: Settings
) -> None:
    far_side, client = logging_api
    far_side.entries = [entry(1, REFUSAL, "WARNING"), entry(2, OUTCOME), entry(3, ROUND)]
    cloud = CloudLog(DEPLOYED, NOW, client)
    assert cloud.copy_into(journal) == 3
    # The same entries once more.
    assert cloud.copy_into(journal) == 0
    log_filter = far_side.asked[0]["filter"]
    assert 'timestamp>="2026-11-27T09:00:00Z"' in log_filter
    assert "cloud_run_revision" in log_filter
    [refused] = journal.page(Filters(kinds=("refused",))).requests
    assert (refused.status, refused.cause, refused.record["body_bytes"]) == (403, "TOKEN_OTHER_WEBHOOK", 414)
    accepted = journal.request(EVENT_ID)
    assert accepted is not None
    assert (accepted.tag, accepted.record["users"]) == ("linked", [12])
    assert journal.outcomes([EVENT_ID])[EVENT_ID][0].bitrix_user_id == 12
    assert journal.rounds()[0].facts["users"] == 5000
    browser = Browser(settings, journal)
    page = browser.get("/r/00000000000000aa").text
    assert "Compare them." in page
    assert "0badcafe" in page
    assert "<script>alert" not in page
    for language in ("ru", "en"):
        browser.speak(language)
        assert browser.get(f"/r/{EVENT_ID}").status_code == 200
        assert "ONUSERUPDATE" in browser.get("/requests?period=7d").text


def test_a_log_that_cannot_be_read(logging_api: tuple[type[CloudLogging], Any], journal: Journal) -> None:
    far_side, client = logging_api
    far_side.status = 403
    with raises(PassingFailure, match=r"roles/logging\.viewer"):
        CloudLog(DEPLOYED, NOW, client).copy_into(journal)


def test_the_page_is_served_here_and_takes_no_events(
    logging_api: tuple[type[CloudLogging], Any], settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    _, client = logging_api
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    statuses: list[int] = []

    def status(method: str, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path)
        response_status = connection.getresponse().status
        connection.close()
        return response_status

    def visit() -> None:
        statuses.append(wait_for(lambda: status("GET", "/inspector"), 60))
        statuses.append(status("POST", "/api/bitrix/webhook"))
        os.kill(os.getpid(), signal.SIGTERM)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    visitor = threading.Thread(target=visit)
    visitor.start()
    try:
        serve_page(settings, listener, DEPLOYED, NOW, client)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    visitor.join()
    assert statuses == [401, 404]
    assert f"http://127.0.0.1:{port}/inspector?key=" in capsys.readouterr().out


def test_a_projects_queue_and_links_stand_in_for_those_of_one_machine(settings: Settings) -> None:
    cloud_settings = Deployment("p-1234", "acme").settings(settings)
    assert cloud_settings.queue == PubSubTopic("p-1234", "acme-events")
    assert cloud_settings.database == FirestoreDatabase("p-1234", "acme-links")
    own = load({"QUEUE_URL": "pubsub://p-1234/acme-events", "DATABASE_URL": "postgresql://db/links"}, None)
    assert Deployment("p-1234", "acme").settings(own) == own
    assert Deployment("q-1234", "acme").settings(own).database == FirestoreDatabase("q-1234", "acme-links")


def test_only_the_deployments_own_services_are_asked_for(
    logging_api: tuple[type[CloudLogging], Any], journal: Journal
) -> None:
    far_side, client = logging_api
    far_side.entries = []
    CloudLog(Deployment("p-1234", "acme"), NOW, client).copy_into(journal)
    log_filter = far_side.asked[0]["filter"]
    assert 'resource.labels.service_name=("acme-' in log_filter
    for name in ("acme-bitrix-webhook", "acme-on-user-update", "acme-forward-event", "acme-resync-users"):
        assert f'"{name}"' in log_filter
    assert "b24-" not in log_filter


@pytest.mark.parametrize(
    ("arguments", "environ", "file", "expected"),
    [
        ((None, None), {}, "", None),
        (("p-1234", None), {}, "", ("p-1234", "b24")),
        ((None, None), {}, "PROJECT=f-1234\nPREFIX='acme'\n", ("f-1234", "acme")),
        ((None, None), {"PREFIX": "env"}, "PROJECT=f-1234\nPREFIX=acme\n", ("f-1234", "env")),
        (("p-1234", "flag"), {"PROJECT": "e-1234", "PREFIX": "env"}, "PREFIX=acme\n", ("p-1234", "flag")),
        ((None, None), {"QUEUE_URL": "pubsub://q-1234/mine-events"}, "PREFIX=acme\n", ("q-1234", "mine")),
        (
            ("p-1234", None),
            {"QUEUE_URL": "pubsub://q-1234/mine-events"},
            "PREFIX=acme\n",
            ("p-1234", "acme"),
        ),
    ],
)
def test_the_project_and_the_prefix_are_found_where_deploy_sh_finds_them(
    arguments: tuple[str | None, str | None],
    environ: dict[str, str],
    file: str,
    expected: tuple[str, str] | None,
    tmp_path: Path,
) -> None:
    (tmp_path / "deploy.env").write_text(file)
    deployed = find_deployment(load(environ, None), *arguments, environ, tmp_path / "deploy.env")
    assert (deployed and (deployed.project, deployed.prefix)) == expected


def test_a_prefix_that_deploy_sh_would_not_take(settings: Settings, tmp_path: Path) -> None:
    for prefix in ("B24", "2b", "a" * 13, 'x") OR ("y'):
        with pytest.raises(SettingError, match="PREFIX"):
            find_deployment(settings, "p-1234", prefix, {}, tmp_path / "none")


def test_without_a_project_it_is_wrong_use(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # No deploy.env is there.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    assert main(["inspector"]) == 2
    assert "--project" in capsys.readouterr().err
