"""A refusal before somebody's eyes: on lines of its own and in colour; anywhere else one line, or JSON."""

import io
import json
import logging
import os
import pty
import re
import sys
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import logs
from gateway.cli import main
from gateway.receiver.refusals import log_refusal
from gateway.settings import Settings
from tests.support.refusals import Request, event, form

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
Wrote = Callable[..., str]


@pytest.fixture
def wrote(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wrote]:
    """What one refusal writes to a terminal, or to a pipe."""
    root = logging.getLogger()
    root_state = root.handlers[:], root.level

    def write(request: Request, terminal: bool = True, **settings: str) -> str:
        reader, writer = pty.openpty() if terminal else os.pipe()
        if terminal:
            # The terminal adds no carriage returns of its own.
            tty.setraw(writer)
        root.handlers.clear()
        with os.fdopen(writer, "w") as stream, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            logs.setup(Settings(language="en", **settings))  # type: ignore[arg-type]
            judgement, config = request.judge()
            log_refusal(judgement, config, "r1")
            logging.getLogger("gateway.receiver").warning("the end")
            output = b""
            while b"the end" not in output:
                output += os.read(reader, 65536)
        os.close(reader)
        return output.decode()

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    yield write
    root.handlers[:], root.level = root_state


def refused(**changes: Any) -> Request:
    return Request(body=form(event(None)), env={"LOG_LANGUAGE": "en"}, **changes)


def test_cause_action_and_guide_are_on_separate_lines(wrote: Wrote) -> None:
    lines = COLOUR.sub("", wrote(refused())).splitlines()
    assert lines[0].endswith("WARNING ⚠️ Wrong outgoing webhook token. Received: None")
    assert lines[1].startswith("    The event came with auth, but without application_token")
    assert lines[2].startswith("  → If the portal is in the cloud")
    assert lines[3] == (
        "    More about it: docs/token-not-found.md#auth_missing [TOKEN_NOT_FOUND: AUTH_MISSING]"
    )
    assert len(lines) == 4 + 1


def test_refusals_are_coloured_unless_colours_are_off(wrote: Wrote, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[33m⚠️ Wrong outgoing webhook token" in wrote(refused())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in wrote(refused())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in wrote(refused())


def test_a_pipe_gets_one_line_and_json_stays_json(wrote: Wrote) -> None:
    output = wrote(refused(), terminal=False)
    assert "\x1b" not in output
    assert len(output.splitlines()) == 1 + 1
    assert "More about it" in output.splitlines()[0]
    first = json.loads(wrote(refused(), log_format="json").splitlines()[0])
    assert first["code"] == "TOKEN_NOT_FOUND"
    assert "\n" not in first["message"]
    assert "lines" not in first


def test_text_from_a_sender_stays_on_its_line(wrote: Wrote) -> None:
    output = wrote(refused(agent="x\x1b[31m\n2026-01-01T00:00:00Z INFO all is well\x9b"))
    assert len(output.splitlines()) == 4 + 1
    assert set(COLOUR.findall(output)) <= {"\x1b[33m", "\x1b[1m", "\x1b[0m"}
    assert "\x9b" not in output


def test_explain_reads_what_a_terminal_showed(
    wrote: Wrote, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    block = "\n".join(wrote(refused()).splitlines()[:4])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    for pasted in (block, COLOUR.sub("", block)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(pasted.encode())))
        assert main(["explain", "--json"]) == 1
        explanation = json.loads(capsys.readouterr().out)
        assert explanation["code"] == "TOKEN_NOT_FOUND"
        assert explanation["causes"][0]["code"] == "AUTH_MISSING"
        assert explanation["causes"][0]["says"].startswith(
            "The event came with auth, but without application_token"
        )
