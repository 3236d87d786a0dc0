"""Hostile requests: written by Hypothesis, at the limits, over raw sockets, and slow ones.

`make hostile` is the long run, of a million inputs: see hostile/.
"""

import http.client
import json
import logging
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import hostile
from gateway.ingest.decision import STATUS
from gateway.ingest.incoming import MAX_BODY, MAX_QUERY
from gateway.setting_values import WEBHOOK_PATH
from tests.support.deliveries import FORM, OTHER_TOKEN, TOKEN, form
from tests.support.processes import Running, Start

# For each target; always the same ones.
INPUTS = 120
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hostile.Function]:
    """The HTTP function in this process; what it changes of the process is put back."""
    before = dict(os.environ)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hostile_function = hostile.Function(tmp_path_factory.mktemp("hostile"))
    yield hostile_function
    hostile_function.close()
    root.handlers[:], root.level = handlers, level
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("target", ["http", "decoder", "verify", "diagnosis"])
def test_no_input_raises_or_hangs(target: str, function: hostile.Function) -> None:
    check, inputs = hostile.targets(function)[target]
    hostile.attack(check, inputs, INPUTS, seed=20261124)


def _filled(piece: bytes, size: int = MAX_BODY) -> bytes:
    return (piece * (size // len(piece) + 1))[:size]


# A run that is nearly the token, over and over.
LONG = TOKEN[:31]
AT_THE_LIMITS: dict[str, bytes] = {
    "ampersands": _filled(b"&"),
    "equals": _filled(b"="),
    "pairs of nothing": _filled(b"=&"),
    "brackets": _filled(b"a[") + b"=1",
    "closed brackets": b"a" + _filled(b"[b]")[:-2] + b"=1",
    "encoded brackets": _filled(b"%5B") + b"=1",
    "percent signs": b"a=" + _filled(b"%"),
    "percent twice": b"a=" + _filled(b"%2525"),
    "a thousand long names": b"&".join(b"n%d%s=%s" % (n, b"x" * 200, b"y" * 200) for n in range(1000)),
    "a thousand names of 32 levels": b"&".join(b"a%d%s=1" % (n, b"[b]" * 31) for n in range(1000)),
    "one name that is given a thousand times": b"&".join([b"auth[application_token]=x"] * 1000),
    "appended indexes": b"&".join([b"a[]=1"] * 1000),
    "one token-like run": b"a=" + _filled(b"aB3_"),
    "runs that nearly are the token": b"a=" + _filled(LONG.encode() + b" "),
    "a thousand near tokens": b"&".join(b"k%d=%s%d" % (n, LONG.encode(), n % 10) for n in range(1000)),
    "near tokens in letters of another alphabet": "&".join(
        f"k{n}={quote(TOKEN.replace('o', 'о'))}" for n in range(1000)
    ).encode(),
    "cyrillic": b"data=" + _filled(quote("Привет").encode()),
    "open lists": _filled(b"["),
    "open objects": _filled(b'{"a":'),
    "a list of lists": b"[" * 30 + _filled(b"[],", 100_000)[:-1] + b"]" * 30,
    "one long number": b'{"ts":' + _filled(b"9", 400_000) + b"}",
    "one long string": b'{"a":"' + _filled(b"x", 500_000) + b'"}',
    "escapes": b'{"a":"' + _filled(b"\\u0442", 499_998) + b'"}',
    "quotes": _filled(b'"'),
    "backslashes": b'{"a":"' + _filled(b"\\"),
    "a form in JSON in a form": b"a=" + quote(json.dumps({"b": "c=" + "%257B" * 50_000})).encode(),
    "parts": _filled(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'),
    "boundaries": _filled(b"--x\r\n"),
    "dashes": _filled(b"-"),
    "headers of a part": b"--x\r\n" + _filled(b"Content-Disposition: form-data;\r\n"),
    "zeros": _filled(b"\0"),
    "no UTF-8": _filled(b"\xff"),
    "spaces": _filled(b" "),
    "line ends": _filled(b"\r\n"),
    "base64": b"a=" + _filled(b"dG9rZW4="),
}
KINDS = {
    "a form": FORM,
    "JSON": "application/json",
    "multipart": "multipart/form-data; boundary=x",
    "nothing": "",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", AT_THE_LIMITS)
def test_no_body_at_the_limits_takes_a_second(body: str, kind: str, function: hostile.Function) -> None:
    """Once as a stranger's, so that it is explained; once with the token, so that it is published."""
    whole = AT_THE_LIMITS[body][:MAX_BODY]
    for headers in ({}, {"X-Bitrix-Token": TOKEN}):
        function.check("POST", WEBHOOK_PATH, b"", whole, KINDS[kind], headers)


@pytest.mark.parametrize("piece", ["a", "aB3_", "a=", "%5B", ";", " ", ",", "Bearer ", TOKEN[:31] + ";", "ÿ"])
def test_no_header_or_query_at_the_limits_takes_a_second(piece: str, function: hostile.Function) -> None:
    raw = _filled(piece.encode("latin-1"), 60_000).decode("latin-1")
    for name in ("Cookie", "Authorization", "X-Bitrix-Token", "X-Other", "User-Agent", "Content-Type"):
        kind = raw if name == "Content-Type" else FORM
        headers = {} if name == "Content-Type" else {name: raw}
        function.check(
            "POST", WEBHOOK_PATH, raw[:MAX_QUERY].encode("latin-1"), form(token=None), kind, headers
        )
    many = {f"X-{n}": raw[:600] for n in range(90)}
    function.check("POST", "/" + raw[:5000], b"", form(token=OTHER_TOKEN), FORM, many)


@pytest.fixture(scope="module", params=["serve", "functions-framework"])
def gateway(
    request: pytest.FixtureRequest, start_module_serve: Start, start_module_function: Start
) -> Running:
    return start_module_serve() if request.param == "serve" else start_module_function("bitrix_webhook")


LINES = st.sampled_from(
    [b"POST / HTTP/1.1", b"POST http://localhost HTTP/1.1", b"POST ?a HTTP/1.1"]
) | st.builds(
    b"%s %s HTTP/%s".__mod__,
    st.tuples(
        st.sampled_from([b"POST", b"GET", b"get", b"PO ST", b"CONNECT", b""]) | st.binary(max_size=5),
        st.sampled_from([b"/", b"*", b"//", b"/..", b"http://[", b"/%", b"/a b"]) | st.binary(max_size=9),
        st.sampled_from([b"1.1", b"1.0", b"0.9", b"2.0", b"1.11", b"x"]),
    ),
)
FIELDS = st.lists(
    st.sampled_from(
        (
            *(b"Host: a", b"Host: a\r\nHost: b", b"Content-Length: 1", b"Content-Length: -1", b": x", b"x"),
            *(
                b"Content-Length: 1, 1",
                b"Content-Length: 99999999999999999999",
                b"Transfer-Encoding: chunked",
            ),
            *(b"Transfer-Encoding: x, chunked", b"Expect: 100-continue", b" folded: 1", b"X: \xff\x00"),
            *(
                b"Connection: upgrade",
                b"Content-Length: 0x1",
                b"Content-Type: \xff",
                b"Content-Encoding: gzip",
            ),
        )
    ),
    max_size=5,
)
CHUNKS = st.sampled_from(
    [b"", b"a=b", b"3\r\na=b\r\n0\r\n\r\n", b"z\r\n", b"-1\r\n", b"3;x=y\r\na=b\r\n0\r\n\r\n"]
)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(line=LINES, fields=FIELDS, body=CHUNKS | st.binary(max_size=40))
@example(b"POST http://localhost HTTP/1.1", [b"Host: a", b"Content-Length: 0"], b"")
@example(b"POST ?token=x HTTP/1.1", [b"Host: a", b"Content-Length: 0"], b"")
def test_no_bytes_make_a_server_fail_or_redirect(
    gateway: Running, line: bytes, fields: list[bytes], body: bytes
) -> None:
    """What is no HTTP may get its connection closed; nothing gets a redirect or a 500."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        connection.sendall(b"\r\n".join([line, *fields, b"", body]))
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                answer += chunk
    for status in re.findall(rb"(?m)^HTTP/1\.[01] (\d+)", answer):
        assert int(status) in {*STATUS.values(), 100, 408, 417, 431, 501, 505}, answer
        assert int(status) != 503
    assert gateway.process.poll() is None


def test_the_gateway_still_works_after_the_attacks(gateway: Running) -> None:
    assert gateway.post(form()).status == 200
    assert "Traceback" not in gateway.log()


@pytest.fixture
def serve(start_serve: Start) -> Running:
    return start_serve()


def _drip(connection: socket.socket, data: bytes, stop: threading.Event) -> None:
    with suppress(OSError):
        for index in range(len(data)):
            if stop.wait(0.2):
                return
            connection.sendall(data[index : index + 1])


@pytest.mark.parametrize("kind", ["bodies", "headers"])
def test_three_hundred_slow_senders_hold_nobody(kind: str, serve: Running) -> None:
    body = form()
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n"
    start, rest = (head + "\r\n", body) if kind == "bodies" else (head[:30], head[30:].encode())
    stop = threading.Event()
    with ExitStack() as opened, ThreadPoolExecutor(300) as drips:
        opened.callback(stop.set)
        for _ in range(300):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", serve.port), 10))
            connection.sendall(start.encode())
            drips.submit(_drip, connection, rest, stop)
        for number in range(20):
            assert serve.post(form(ts=1_750_000_000 + number)).status == 200
        stop.set()


def _memory(gateway: Running) -> int:
    """The most resident memory that the process and its children ever had, in bytes."""
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text().split()
    status = [Path(f"/proc/{pid}/status").read_text() for pid in (gateway.process.pid, *children)]
    return sum(int(match[1]) * 1024 for text in status if (match := re.search(r"VmHWM:\s+(\d+) kB", text)))


def _unfinished(connection: socket.socket) -> None:
    connection.sendall(b"Content-Length: 100000000\r\n\r\n" + form())


def _chunked(connection: socket.socket) -> None:
    """300 MB, as far as the server takes them."""
    connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with suppress(OSError):
        for _ in range(300 * MEGABYTE // 0x10000):
            connection.sendall(chunk)
        connection.sendall(b"0\r\n\r\n")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc")
@pytest.mark.parametrize("send", [_unfinished, _chunked])
def test_a_body_without_end_is_refused_at_once_in_little_memory(
    gateway: Running, send: Callable[[socket.socket], None]
) -> None:
    gateway.post(form())
    before = _memory(gateway)
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\n".encode())
        sender = threading.Thread(target=send, args=(connection,), daemon=True)
        sender.start()
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, json.loads(answer.read())["code"]) == (413, "BODY_TOO_LARGE")
    sender.join(20)
    assert not sender.is_alive()
    assert gateway.post(form()).status == 200
    assert _memory(gateway) - before < 30 * MEGABYTE
