"""A body on its way in: what is searched in it, and how often."""

import time

import pytest

from gateway.local.http_request import Request

FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
LINE = b"POST /b24?token=x HTTP/1.1\r\n"
LINEAR = 2.9  # times the CPU for twice the text; 4 is a square


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
    for _ in range(5):  # one interrupted measurement is no square
        once, twice = cpu(text, 64), cpu(text * 2, 64)
        if twice < LINEAR * once:
            return
    raise AssertionError(f"{once:.3f} s, and {twice:.3f} s for twice the text")


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize("before", [b"", b"a=1", b"a=1 HTTP/1.1\r\n", b"GET / HTTP/1.2\r\n" * 30])
def test_the_next_request_ends_the_body_however_it_is_cut(size: int, before: bytes) -> None:
    request = fed(before + LINE + b"Host: x\r\n\r\n", size, length=10_000)
    assert (request.ended, bytes(request.body)) == ("next", before)


@pytest.mark.parametrize(("characters", "ended"), [(16384, "next"), (16385, "")])
def test_a_request_line_is_looked_for_as_far_back_as_it_may_begin(characters: int, ended: str) -> None:
    request = fed(b"a=1\n" + b"POST /" + b"x" * characters + b" HTTP/1.1\r\n", 500, length=100_000)
    assert request.ended == ended


def test_a_line_that_goes_on_behind_the_body_ends_it_where_the_line_begins() -> None:
    request = Request(dict(FORM), 3 + 10)
    request.feed(bytearray(b"a=1" + LINE))
    assert (request.ended, bytes(request.body)) == ("next", b"a=1")


def test_a_line_behind_the_body_is_another_request() -> None:
    request, buffer = Request(dict(FORM), 3), bytearray(b"a=1" + LINE)
    request.feed(buffer)
    assert (request.ended, bytes(request.body), bytes(buffer)) == ("", b"a=1", LINE)
