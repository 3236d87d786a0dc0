"""The inspector as `serve` mounts it, opened by an admitted reader, without a server or a browser."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import flask
import pytest
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.test import Client, TestResponse

from gateway.ingest.decision import judge
from gateway.ingest.incoming import Incoming
from gateway.journal import Journal
from gateway.local.inspector import beside
from gateway.local.inspector.access import PATH, Access
from gateway.local.inspector.frame import Parts
from gateway.local.recorder import Recorder
from gateway.receiver import Answered
from gateway.settings import Settings, load
from tests.support.deliveries import AGENT, FORM, TOKEN
from tests.support.processes import STARTS_WITHIN, Running

# The page's text without what it quotes. It takes that out of the page.
OWN_WORDS = (
    "(() => { const data = 'code, pre, select, .value, .what, .det h1'; "
    "document.querySelectorAll(data).forEach((one) => one.remove()); "
    "return document.body.innerText; })()"
)


class _Compiled(BytecodeCache):
    """Compiled templates, by name and source: each test makes an inspector, `serve` one in its life."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if compiled := self._compiled.get(bucket.key):
            bucket.bytecode_from_string(compiled)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


flask.Flask.jinja_options = {"bytecode_cache": _Compiled()}


def page_settings(directory: Path, **more: str) -> Settings:
    """The settings of a gateway whose files are in `directory`, and whose operator reads English."""
    files = {"JOURNAL_URL": "j", "DATABASE_URL": "l", "QUEUE_URL": "q"}
    urls = {name: f"sqlite:///{directory}/{file}.db" for name, file in files.items()}
    return load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "LOG_LANGUAGE": "en", **urls, **more}, None)


class Browser:
    """`get` and `post` as the page's own forms do it: with the session, the page's token and the Origin."""

    def __init__(self, settings: Settings, journal: Journal, parts: Parts | None = None) -> None:
        self.access = Access(settings)
        webhook = parts.webhook if parts and parts.webhook else _not_the_page
        self.client = Client(beside(webhook, settings, journal, self.access, parts))
        self.client.get(self.access.link)

    def get(self, path: str = "", **headers: str) -> TestResponse:
        return self.client.get(
            PATH + path, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )

    def post(self, path: str, **form: str) -> TestResponse:
        form = {"token": self.token(), **form}
        return self.client.post(PATH + path, data=form, headers={"Origin": "http://localhost"})

    def token(self) -> str:
        match = re.search(r'name="token" value="([0-9a-f]{64})"', self.get("/nowhere").text)
        assert match is not None
        return match[1]

    def speak(self, language: str) -> None:
        self.client.set_cookie("inspector_language", language, path=PATH)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """What the tests of a view need no more of; a module that does has its own."""
    return page_settings(tmp_path)


@pytest.fixture
def journal(settings: Settings) -> Iterator[Journal]:
    journal = Journal(settings.journal.path)
    yield journal
    journal.close()


@pytest.fixture
def browser(settings: Settings, journal: Journal) -> Browser:
    return Browser(settings, journal)


def _not_the_page(_: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("404 Not Found", [])
    return [b"not the page"]


def link(server: Running) -> str:
    """The address that a server printed at its start, with the key that opens the inspector."""
    ends = time.monotonic() + STARTS_WITHIN
    while not (match := re.search(r"http://\S+/inspector\?key=[\w-]+", server.log())):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return match[0]


_numbers = iter(range(1_000_000))


def record_request(
    recorder: Recorder, body: bytes, at: float | None = None, headers: Mapping[str, str] = {}, **more: Any
) -> str:
    """A request, answered and recorded; its request_id."""
    http_headers = {"content-type": FORM, "user-agent": AGENT, **headers}
    incoming = Incoming(
        more.pop("method", "POST"),
        more.pop("path", "/api/bitrix/webhook"),
        headers={name: value.encode() for name, value in http_headers.items()},
        read=BytesIO(body).read,
        declared_length=len(body),
        **more,
    )
    judgement = judge(incoming, recorder._settings, datetime.now(UTC))
    request_id = f"{next(_numbers):016x}"
    environ = {"REMOTE_ADDR": "185.26.122.10"}
    answer = Answered(judgement, request_id, judgement.status, environ, 0.0)
    recorder._journal.add_requests([recorder._new_request(at or time.time(), answer, 0.003)])
    return request_id


def curl_line(browser: Browser, name: str) -> str:
    """The line by which the page of this request sends it once more."""
    match = re.search(r'<pre id="curl" hidden>(.*?)</pre>', browser.get(f"/r/{name}").text, re.DOTALL)
    assert match is not None
    return unescape(match[1])
