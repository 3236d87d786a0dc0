"""The line that the inspector's page of a request offers, as a shell reads it."""

import re
import subprocess
from pathlib import Path

import pytest

from gateway.journal import Journal
from gateway.local.inspector.frame import Parts
from gateway.local.recorder import Recorder
from gateway.settings import Settings
from tests.support.deliveries import OTHER_TOKEN, TOKEN, form
from tests.support.inspector import Browser, curl_line, record_request


@pytest.mark.parametrize("accepted", [True, False])
def test_a_curl_line_sends_the_same_with_the_readers_token(
    settings: Settings, journal: Journal, accepted: bool
) -> None:
    recorder = Recorder(settings, journal)
    browser = Browser(settings, journal, Parts(recorder=recorder))
    data = {"ID": "12", "UF_USR_TELEGRAM": 'it\'s "$HOME" `id` \\ ю'}
    name = record_request(recorder, form(data=data, token=TOKEN if accepted else OTHER_TOKEN))
    line = curl_line(browser, name)
    assert line.startswith("curl ")
    echoed = 'curl() { for one in "$@"; do printf "%s\\n" "$one"; done; }\n' + line
    process = subprocess.run(
        ["sh", "-c", echoed],
        env={"TOKEN": "Ttt", "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    assert "http://127.0.0.1:8080/api/bitrix/webhook" in process
    body = process[process.index("--data-raw") + 1]
    assert "auth%5Bapplication_token%5D=Ttt" in body
    assert "data%5BUF_USR_TELEGRAM%5D=it%27s+%22%24HOME%22+%60id%60+%5C+%D1%8E" in body


@pytest.mark.parametrize(
    "body",
    [
        "a='\"; touch made #",
        "a='\"'; touch made; '\"'",
        "a=''\"\"''$(touch made)`touch made`",
        "a=\"''; touch made; ''\"",
        "a=\\'; touch made #",
        "a=\x03\rtouch made\r\x1b[201~'\\x27; touch made #",
        "a=!!\n!touch\\\n",
        f"a='\"; touch made #&token={OTHER_TOKEN}&b='; touch made #",
    ],
)
def test_nothing_in_a_copied_line_is_the_senders_command(
    settings: Settings, journal: Journal, tmp_path: Path, body: str
) -> None:
    """Whoever copies it pastes into a shell what a stranger wrote."""
    recorder = Recorder(settings, journal)
    browser = Browser(settings, journal, Parts(recorder=recorder))
    name = record_request(recorder, body.encode(), query=b"a='\"'';touch${IFS}made;&[1-9]{a,b}")
    line = curl_line(browser, name)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", line)
    echoed = 'curl() { for one in "$@"; do printf "%s\\0" "$one"; done; }\n' + line
    process = subprocess.run(
        ["bash", "-c", echoed], env={"TOKEN": OTHER_TOKEN}, cwd=tmp_path, capture_output=True, check=True
    )
    arguments = process.stdout.decode().split("\0")
    assert arguments[arguments.index("--data-raw") + 1] == body
    assert "-g" in arguments
    assert list(tmp_path.glob("made*")) == []
