"""The inspector: what it shows, live in a browser, and to whom it shows nothing."""

import urllib.request
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.journal import Journal
from gateway.locations import sqlite_file
from gateway.tools.sample_delivery import is_loopback
from tests.support.inspector import link
from tests.support.processes import Answer, Running, Start, wait_for

WRONG = "z9y8x7w6v5u4t3s2r1q0p9o8n7m6l5k4"


@pytest.fixture(scope="module")
def server(start_module_serve: Start) -> Running:
    return start_module_serve(LOG_LANGUAGE="en")


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


def post(server: Running, body: bytes) -> Answer:
    """A webhook's POST, once its record stands in the journal: it is written behind the answer."""
    answer = server.post(body)
    journal = Journal(sqlite_file("JOURNAL_URL", server.env["JOURNAL_URL"]).path)
    wait_for(lambda: journal.request(answer.json["request_id"]))
    return answer


@pytest.mark.parametrize("host", ["127.0.0.1", "127.200.0.1", "::1", "::ffff:127.0.0.1", "localhost"])
def test_addresses_of_this_machine_are_recognised(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["::ffff:203.0.113.7", "203.0.113.7", "::", "", "localhost.example.com", "127.0.0.1.example.com"]
)
def test_addresses_of_other_machines_are_recognised(host: str) -> None:
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
    assert look(server, method="POST").status == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])  # noqa: S104 — what HOST may hold
def test_the_server_says_where_a_browser_here_finds_it(start_serve: Start, host: str) -> None:
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    assert browser.open(link(start_serve(HOST=host)), timeout=30).status == 200
