"""A body on its way in: what is searched in it, and how often."""

import asyncio
import io
import time
from datetime import UTC, datetime

import flask
import pytest

from gateway.diagnosis import findings
from gateway.ingest.decision import judge
from gateway.local.http_chunks import CHUNKS_A_TURN, Chunks
from gateway.local.http_request import BadRequest, Request, parse_head
from gateway.receiver.wsgi import incoming_of
from gateway.settings import load
from gateway.texts import say
from tests.support.deliveries import TOKEN

FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
LINE = b"POST /b24?token=x HTTP/1.1\r\n"
# Times the CPU for twice the text; 4 is a square.
LINEAR = 2.9


def fed(text: bytes, size: int, length: int | None = None) -> Request:
    """The request after `text` came in packets of `size` bytes."""
    request = Request(dict(FORM), length or len(text))
    buffer = bytearray()
    for start in range(0, len(text), size):
        buffer += text[start : start + size]
        request.feed(buffer)
        if request.complete:
            break
    return request


def cpu(text: bytes, size: int) -> float:
    def once() -> float:
        start = time.process_time()
        fed(text, size)
        return time.process_time() - start

    return min(once() for _ in range(3))


@pytest.mark.parametrize("part", [b"a=b HTTP/1.", b" HTTP/1.1\r\n", b"POST /", b"x" * 40 + b" HTTP/1.0\r\n"])
def test_a_body_in_small_packets_costs_its_length(part: bytes) -> None:
    text = (part * (128 * 1024 // len(part)))[: 64 * 1024]
    # One interrupted measurement is no square.
    for _ in range(5):
        once, twice = cpu(text, 64), cpu(text * 2, 64)
        if twice < LINEAR * once:
            return
    raise AssertionError(f"{once:.3f} s, and {twice:.3f} s for twice the text")


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("before", [b"", b"a=1", b"a=1 HTTP/1.1\r\n", b"GET / HTTP/1.2\r\n" * 30])
def test_the_next_request_ends_the_body_however_it_is_cut(size: int, before: bytes) -> None:
    request = fed(before + LINE + b"Host: x\r\n\r\n", size, length=10_000)
    assert (request.ended, bytes(request.body)) == ("next", before)


@pytest.mark.parametrize(("characters", "rest_of_line"), [(16384, "next"), (16385, "")])
def test_a_request_line_is_looked_for_as_far_back_as_it_may_begin(characters: int, rest_of_line: str) -> None:
    request = fed(b"a=1\n" + b"POST /" + b"x" * characters + b" HTTP/1.1\r\n", 500, length=100_000)
    assert request.ended == rest_of_line


def test_a_line_that_goes_on_behind_the_body_ends_it_where_the_line_begins() -> None:
    request = Request(dict(FORM), 3 + 10)
    request.feed(bytearray(b"a=1" + LINE))
    assert (request.ended, bytes(request.body)) == ("next", b"a=1")


def test_a_line_behind_the_body_is_another_request() -> None:
    request, buffer = Request(dict(FORM), 3), bytearray(b"a=1" + LINE)
    request.feed(buffer)
    assert (request.ended, bytes(request.body), bytes(buffer)) == ("", b"a=1", LINE)


def test_one_turn_reads_a_limited_number_of_chunks() -> None:
    chunks, body = Chunks(), bytearray()
    buffer = bytearray(b"1\r\nx\r\n" * (3 * CHUNKS_A_TURN) + b"0\r\n\r\n")
    sizes = []
    while not chunks.complete:
        chunks.take(buffer, body, 10_000)
        sizes.append(len(body))
        assert chunks.has_more != chunks.complete
    assert sizes == [CHUNKS_A_TURN, 2 * CHUNKS_A_TURN, 3 * CHUNKS_A_TURN, 3 * CHUNKS_A_TURN]


@pytest.mark.parametrize(
    ("line", "headers", "key"),
    [
        (b"GARBAGE", b"Host: a\r\n", "HTTP_REASON_LINE"),
        (b"POST /a b HTTP/1.1", b"Host: a\r\n", "HTTP_REASON_LINE"),
        (b"POST / HTTP/1.1", b"", "HTTP_REASON_NO_HOST"),
        (b"POST / HTTP/1.1", b"Host: a\r\nHost: b\r\n", "HTTP_REASON_HOSTS"),
        (b"POST / HTTP/1.1", b"Host: a\r\nno colon hunter2\r\n", "HTTP_REASON_HEADER"),
        (b"POST / HTTP/1.1", b"Host: a\r\nX: \x00hunter2\r\n", "HTTP_REASON_HEADER"),
        (b"POST / HTTP/1.1", b" Host: a\r\n", "HTTP_REASON_HEADER"),
        (b"POST / HTTP/1.1", b"Host: a\r\nContent-Length: hunter2\r\n", "HTTP_REASON_LENGTH"),
        (b"POST / HTTP/1.1", b"Host: a\r\nContent-Length: 1, 2\r\n", "HTTP_REASON_LENGTH"),
        (b"POST / HTTP/1.1", b"Host: a\r\nTransfer-Encoding: hunter2\r\n", "HTTP_REASON_ENCODING"),
        (b"POST / HTTP/1.1", b"Host: a\r\n" + b"Transfer-Encoding: chunked\r\n" * 2, "HTTP_REASON_ENCODING"),
        (b"POST / HTTP/1.1", b"Host: a\n\nGET / HTTP/1.1\r\n", "HTTP_REASON_LINE_ENDS"),
        (b"POST / HTTP/1.1", b"Host: a\r\n" + b"a:b\r\n" * 200, "HTTP_REASON_HEADERS"),
    ],
)
def test_a_bad_head_is_described_in_our_own_words(line: bytes, headers: bytes, key: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_head(line + b"\r\n" + headers + b"\r\n", asyncio.Transport())
    assert caught.value.reason.key == key
    for language in ("ru", "en"):
        assert "hunter2" not in say("HTTP_REFUSED", language, problem=caught.value.reason)


class _Peer(asyncio.Transport):
    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("127.0.0.1", 8080)


@pytest.mark.parametrize("name", ["X_Bitrix_Token", "x_bitrix_token", "X-Auth-Token"])
def test_a_token_in_a_header_with_underscores_is_found_but_never_counts(name: str) -> None:
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n{name}: {TOKEN}\r\n\r\n"
    environ = parse_head(head.encode(), _Peer()).environ | {"wsgi.input": io.BytesIO()}
    settings = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN}, None)
    judgement = judge(incoming_of(flask.Request(environ)), settings, datetime.now(UTC))
    [*_, cause] = findings(judgement, settings)
    assert (judgement.code, cause.code) == ("TOKEN_NOT_FOUND", "TOKEN_ELSEWHERE")
    assert cause.detail.lower() == f"header:{name.lower()}"
