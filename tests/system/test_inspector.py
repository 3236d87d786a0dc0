"""The inspector: what it shows, live in a browser, and to whom it shows nothing."""

import re
import secrets
import threading
import time
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from flask.testing import FlaskClient

from gateway.journal import Journal
from gateway.local.inspector import NEWEST, create_inspector
from gateway.local.inspector.door import Door
from gateway.settings import Settings
from gateway.tools.sample_delivery import is_loopback
from tests.support.browser import Browse
from tests.support.deliveries import TOKEN, form
from tests.support.processes import STARTS_WITHIN, Answer, Running, Start, wait_for

WRONG = "z9y8x7w6v5u4t3s2r1q0p9o8n7m6l5k4"


@pytest.fixture(scope="module")
def server(start_module_serve: Start) -> Running:
    return start_module_serve(LOG_LANGUAGE="en")


def link(server: Running) -> str:
    """The address that the server printed at its start, with the key that opens the inspector."""
    ends = time.monotonic() + STARTS_WITHIN
    while not (found := re.search(r"http://\S+/inspector\?key=[\w-]+", server.log())):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return found[0]


@cache
def cookie(port: int, path: str) -> str:
    """What the link answers, once a server."""
    answer = urllib.request.build_opener(_Stay()).open(f"http://127.0.0.1:{port}{path}", timeout=30)
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


class _Stay(urllib.request.HTTPRedirectHandler):
    def http_error_303(self, _request: Any, answer: Any, *_: Any) -> Any:
        return answer


def look(server: Running, path: str = "/inspector", method: str = "GET", **headers: str) -> Answer:
    """A request by whoever opened the link before."""
    headers.setdefault(
        "Cookie", cookie(server.port, urlsplit(link(server))._replace(scheme="", netloc="").geturl())
    )
    return server.request(method, path, headers={name.replace("_", "-"): v for name, v in headers.items()})


def records(answer: Answer) -> list[int]:
    return [int(number) for number in re.findall(rb'<details id="record-(\d+)"', answer.body)]


def post(server: Running, body: bytes) -> Answer:
    """A webhook's POST, once its record stands in the journal: it is written behind the answer."""
    answer = server.post(body)
    journal = Journal(server.env["JOURNAL_URL"])
    wait_for(lambda: journal.request(answer.json["request_id"]))
    return answer


def test_a_refusal_is_shown_with_its_places_its_cause_and_what_to_do(server: Running) -> None:
    assert post(server, form(token=WRONG)).status == 403
    page = look(server)
    shown = page.body.decode()
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<b>TOKEN_MISMATCH</b>" in shown
    assert "<h2>TOKEN_OTHER_WEBHOOK</h2>" in shown
    assert "→ " in shown
    assert '<tr class="mismatch">\n      <td>body:auth.application_token</td><td>another value</td>' in shown
    assert WRONG not in shown
    assert TOKEN not in shown


def test_a_blank_place_is_called_blank(server: Running) -> None:
    post(server, form(token=" "))
    assert "<td>blank</td>" in look(server).body.decode()


def test_a_delivery_is_shown_by_event_and_place(server: Running) -> None:
    data = {"FIELDS": {"ID": "canary-of-a-deal"}}
    assert post(server, form(event="ONCRMDEALADD", data=data)).status == 200
    shown = look(server).body.decode()
    assert re.search(r"✅ <b>EVENT_QUEUED</b> ONCRMDEALADD · \S+ · body:auth\.application_token", shown)
    assert "canary-of-a-deal" not in shown
    assert "ONCRMDEALADD" not in look(server, "/inspector?kind=refusal").body.decode()


def test_what_a_sender_writes_stays_text(server: Running) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    server.request("POST", "/%3Cscript%3Ealert(3)%3C/script%3E", b"a=b", {"User-Agent": f"Bitrix24 {attack}"})
    shown = wait_for(lambda: text if "PATH_WRONG" in (text := look(server).body.decode()) else "")
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert" not in shown
    assert "<img" not in shown


def test_only_what_is_newer_comes_after_the_page(server: Running) -> None:
    post(server, form(token=WRONG))
    newest = records(look(server))[0]
    assert look(server, f"/inspector/newer?after={newest}").status == 204
    post(server, form(token=WRONG))
    post(server, form())
    found = look(server, f"/inspector/newer?after={newest}")
    assert records(found) == [newest + 2, newest + 1]
    assert f'hx-get="/inspector/newer?after={newest + 2}"'.encode() in found.body
    refused = look(server, f"/inspector/newer?after={newest}&kind=refusal")
    assert records(refused) == [newest + 1]
    assert f'hx-get="/inspector/newer?after={newest + 1}&amp;kind=refusal"'.encode() in refused.body


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 30, "9" * 5000, "%00", "1.5", "²"])
def test_an_odd_look_for_newer_records_shows_the_first_ones(server: Running, after: str) -> None:
    post(server, form(token=WRONG))
    first = records(look(server, "/inspector/newer?after=0"))[-1]
    assert records(look(server, f"/inspector/newer?after={quote(after, safe='%')}"))[-1] == first


def test_a_browser_sees_refusals_as_they_come(server: Running, browse: Browse) -> None:
    for _ in range(NEWEST):
        post(server, form(token=secrets.token_hex(16)))
    assert len(records(look(server))) == NEWEST  # what comes above that came while the page was open
    done = threading.Event()

    def refuse() -> None:
        while not done.wait(0.02):
            server.post(form(token=secrets.token_hex(16)))

    sender = threading.Thread(target=refuse)
    sender.start()
    try:
        shown = browse(link(server))
    finally:
        done.set()
        sender.join()
    seen = [int(number) for number in re.findall(r'<details id="record-(\d+)"', shown)]
    assert len(seen) > NEWEST
    assert seen == sorted(set(seen), reverse=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.200.0.1", "::1", "::ffff:127.0.0.1", "localhost"])
def test_what_this_machine_is(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["::ffff:203.0.113.7", "203.0.113.7", "::", "", "localhost.example.com", "127.0.0.1.example.com"]
)
def test_what_this_machine_is_not(host: str) -> None:
    assert not is_loopback(host)


def test_every_answer_forbids_scripts_of_others_frames_and_keeping(server: Running) -> None:
    for answer in (look(server), look(server, Cookie=""), look(server, "/inspector/none")):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
    assert b"<style" not in look(server).body
    assert b" style=" not in look(server).body


def test_it_only_answers_at_its_own_path_and_changes_nothing(server: Running) -> None:
    assert look(server, "/inspectors").json["code"] == "NOT_FOUND"
    assert look(server, "/api/bitrix/webhook/inspector").json["code"] == "NOT_FOUND"
    assert look(server, "/inspector/").status == 200
    assert look(server, method="POST").status == 405


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])  # noqa: S104 — what HOST may hold
def test_the_server_says_where_a_browser_here_finds_it(start_serve: Start, host: str) -> None:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    assert browser.open(link(start_serve(HOST=host)), timeout=30).status == 200


def test_a_journal_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    settings = Settings()

    def opened(journal: str) -> FlaskClient:
        door = Door(settings)
        client = create_inspector(settings, Journal(f"sqlite:///{tmp_path}/{journal}"), door).test_client()
        client.get(f"/?{door.link.partition('?')[2]}")
        client.set_cookie("inspector", client.get_cookie("inspector", path="/inspector").value)  # type: ignore[union-attr]
        return client

    assert opened("none.db").get("/").status_code == 200
    (tmp_path / "journal.db").write_bytes(b"this is no database, and long enough to be looked at" * 100)
    answer = opened("journal.db").get("/")
    assert (answer.status_code, "journal.db" in answer.text) == (503, True)
