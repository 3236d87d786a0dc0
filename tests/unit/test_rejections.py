"""`./b24 rejections`: from the journal and from Cloud Logging, grouped by cause."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.errors import PassingFailure
from gateway.journal import Journal, NewRequest
from gateway.tools.rejections import Refusal, grouped, of_cloud
from tests.support.cloud_logging import CloudLogging
from tests.support.errors import raises

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CAUSE = {"code": "TOKEN_OTHER_WEBHOOK", "detail": "d", "says": "Seen.", "do": "Change it."}


def fields(cause: str | None = "TOKEN_OTHER_WEBHOOK", request_id: str = "r") -> dict[str, Any]:
    places = [
        {"place": "query:token", "state": "absent", "length": None, "fingerprint": None},
        {"place": "body:token", "state": "mismatch", "length": 32.0, "fingerprint": "0badcafe"},
    ]
    causes = [{**CAUSE, "code": cause}] if cause else []
    return {"code": "TOKEN_MISMATCH", "places": places, "causes": causes, "request_id": request_id}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    monkeypatch.setenv("JOURNAL_URL", f"sqlite:///{tmp_path}/journal.db")
    return tmp_path


def test_rejections_are_grouped_by_their_first_cause() -> None:
    refusals = [
        Refusal(NOW, fields("A", "1")),
        Refusal(NOW + timedelta(seconds=2), fields("A", "3")),
        Refusal(NOW + timedelta(seconds=1), fields("A", "2")),
        Refusal(NOW + timedelta(seconds=5), fields(None, "4")),
    ]
    groups = [group.to_json() for group in grouped(refusals)]
    assert [(group["cause"], group["count"], group["newest"], group["request_id"]) for group in groups] == [
        ("TOKEN_MISMATCH", 1, "2026-11-24T09:00:05Z", "4"),
        ("A", 3, "2026-11-24T09:00:02Z", "3"),
    ]
    assert groups[1]["do"] == "Change it."
    assert groups[1]["places"][1]["length"] == 32


def test_a_missing_journal_is_an_empty_list(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rejections", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["rejections"]) == 0
    assert "--since" in capsys.readouterr().out
    assert not (settings / "journal.db").exists()


def test_the_journal_since_a_time(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC).timestamp()
    for hours, cause in ((30, "OLD"), (2, "YOUNG"), (0, "YOUNG")):
        journal = Journal(settings / "journal.db", clock=lambda hours=hours: now - hours * 3600)  # type: ignore[misc]
        refused = NewRequest(
            request_id=f"{hours}", at=now - hours * 3600, kind="refused", code="TOKEN_MISMATCH", status=403,
            cause=cause, record={name: fields(cause)[name] for name in ("places", "causes")},
        )  # fmt: skip
        accepted = NewRequest(
            request_id=f"a{hours}", at=now - hours * 3600, kind="accepted", code="EVENT_QUEUED", status=200
        )
        journal.add_requests([refused, accepted])
        journal.close()
    counts = {}
    for since in ("1h", "180m", "10800s", "2d"):
        assert main(["rejections", "--since", since, "--json"]) == 0
        counts[since] = {group["cause"]: group["count"] for group in json.loads(capsys.readouterr().out)}
    assert counts == {
        "1h": {"YOUNG": 1},
        "180m": {"YOUNG": 2},
        "10800s": {"YOUNG": 2},
        "2d": {"YOUNG": 2, "OLD": 1},
    }
    assert main(["rejections", "--since", "2d"]) == 0
    output = capsys.readouterr().out
    assert "2 × YOUNG" in output
    assert "→ Change it." in output
    assert "body:token another value 32 0badcafe" in output


@pytest.mark.parametrize("since", ["5", "h", "0h", "1w", ""])
def test_an_invalid_time_is_wrong_use(since: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rejections", "--since", since]) == 2
    assert "--since" in capsys.readouterr().err


def entry(number: int) -> dict[str, Any]:
    return {
        "logName": "projects/p-1234/logs/stderr",
        "insertId": f"i{number}",
        "timestamp": f"2026-11-24T09:00:0{number}Z",
        "severity": "WARNING",
        "jsonPayload": {**fields(request_id=str(number)), "message": "⚠️"},
    }


def test_cloud_logging(logging_api: tuple[type[CloudLogging], Any]) -> None:
    far_side, client = logging_api
    far_side.entries = [entry(1), entry(2)]
    groups = grouped(of_cloud("p-1234", NOW, client=client))
    assert [(group.count, group.newest.to_json()["request_id"]) for group in groups] == [(2, "2")]
    log_filter = far_side.asked[0]["filter"]
    assert 'timestamp>="2026-11-24T09:00:00Z"' in log_filter
    assert "jsonPayload.places:*" in log_filter


def test_cloud_logging_followed(logging_api: tuple[type[CloudLogging], Any]) -> None:
    far_side, client = logging_api
    far_side.entries = [entry(1)]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        far_side.entries = [entry(1), *[entry(number) for number in range(2, len(waits) + 1)]]

    coming = of_cloud("p-1234", NOW, follow=True, client=client, sleep=sleep)
    assert [next(coming).to_json()["request_id"] for _ in range(3)] == ["1", "2", "3"]


def test_a_log_that_cannot_be_read(logging_api: tuple[type[CloudLogging], Any]) -> None:
    far_side, client = logging_api
    far_side.status = 403
    with raises(PassingFailure, match=r"roles/logging\.viewer"):
        list(of_cloud("p-1234", NOW, client=client))
