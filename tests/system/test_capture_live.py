"""The capture of a running function: logged while it lasts, without a secret, and read back by `explain`."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.events import rfc3339
from tests.support.deliveries import OTHER_TOKEN, TOKEN, form
from tests.support.processes import Running, Start

UNTIL = rfc3339(datetime.now(UTC) + timedelta(minutes=50))
PAST = rfc3339(datetime.now(UTC) - timedelta(minutes=1))


def explained(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    path = tmp_path / "line.txt"
    path.write_text(line)
    assert main(["explain", str(path), "--json"]) in (0, 1)
    explanation: dict[str, Any] = json.loads(capsys.readouterr().out)
    return explanation


def lines(server: Running, code: str) -> list[str]:
    return [line for line in server.log().splitlines() if code in line]


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_what_is_captured_is_explained_alike(
    log_format: str,
    start_function: Start,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = start_function(
        "bitrix_webhook", LOG_FORMAT=log_format, LOG_LANGUAGE="en", WEBHOOK_CAPTURE_UNTIL=UNTIL
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", TOKEN)
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    assert server.post(form("ONUSERADD")).status == 200
    assert server.post(form(token=OTHER_TOKEN), X_Bitrix_Token=TOKEN[:20]).status == 403
    server.stop()
    assert TOKEN not in server.log()
    assert OTHER_TOKEN not in server.log()
    assert TOKEN[:20] not in server.log()
    passed, refused = (explained(line, tmp_path, capsys) for line in lines(server, "CAPTURE"))
    assert (passed["code"], passed["verified"], passed["event"]["event"]) == (
        "EVENT_QUEUED",
        True,
        "ONUSERADD",
    )
    [logged] = [
        explained(line, tmp_path, capsys) for line in lines(server, "TOKEN_MISMATCH") if "CAPTURE" not in line
    ]
    assert refused["code"] == logged["code"] == "TOKEN_MISMATCH"
    assert [c["code"] for c in refused["causes"]] == [c["code"] for c in logged["causes"]]
    if log_format == "json":
        assert refused["causes"] == logged["causes"]
        assert refused["places"] == logged["places"]


def test_it_is_off_after_its_time(start_function: Start) -> None:
    server = start_function("bitrix_webhook", WEBHOOK_CAPTURE_UNTIL=PAST)
    assert server.post(form()).status == 200
    server.stop()
    assert lines(server, "CAPTURE") == []
