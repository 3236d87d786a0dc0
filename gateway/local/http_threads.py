"""The threads that call the WSGI application and write its answer to the connection."""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from functools import lru_cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from gateway.local.http_request import Request

if TYPE_CHECKING:
    from gateway.local.http_connection import Connection

# The headers that the server itself writes.
_OWN_HEADERS = ("cache-control", "connection", "date")


class Threads:
    """At most `limit` daemon threads, each started when none is free; a hung one stops no exit."""

    def __init__(self, limit: int, refused: Callable[[], None]) -> None:
        self._limit = limit
        # Called where the system starts no more threads.
        self._refused = refused
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        # One entry for each thread that is free: a semaphore would take a lock of its own twice a request.
        self._free: deque[None] = deque()
        # For each thread that could not be started there is one entry too many: another did its work as well.
        self._not_started = 0
        self._started = 0
        self._start()
        self._free.append(None)

    def submit(self, work: Callable[[], None]) -> None:
        """Have `work` done by a free thread, or by the next that is free. For the loop's thread only."""
        self._work.put(work)
        if len(self._free) > self._not_started:
            self._free.pop()
            return
        if self._started >= self._limit:
            return
        try:
            self._start()
        except RuntimeError:
            # The system allows no more threads, so the running ones do the work.
            self._not_started += 1
            self._refused()

    def _start(self) -> None:
        threading.Thread(target=self._run, name=f"http-{self._started}", daemon=True).start()
        self._started += 1

    def _run(self) -> None:
        while True:
            self._work.get()()
            self._free.append(None)


class _Answer:
    """What the application passed to `start_response`."""

    status = "500 Internal Server Error"
    # Whether a part of the answer is written.
    begun = False

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []

    def start_response(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
        self.status, self.headers = status, headers
        return lambda _data: None


def answer_in_thread(connection: "Connection", request: Request) -> None:
    """Call the application and write its answer; if it raises, a 500 without details."""
    answer = _Answer()
    try:
        body = connection.server.app(request.to_wsgi(), answer.start_response)
        try:
            last, close = _write_answer(connection, request, answer, body)
        finally:
            if hasattr(body, "close"):
                body.close()
    except Exception as error:  # noqa: BLE001 — the last line of defence: one request never ends the server
        connection.server.report("FAILED", problem=type(error).__name__)
        failed = _head("500 Internal Server Error", [("Content-Length", "0")], True)
        last, close = b"" if answer.begun else failed, True
    _call(connection, connection.finished, last, close)


def _call(connection: "Connection", function: Callable[..., None], *arguments: Any) -> None:
    # The loop has ended if the process is stopping.
    with suppress(RuntimeError):
        connection.server.loop.call_soon_threadsafe(function, *arguments)


def _write_answer(
    connection: "Connection", request: Request, answer: _Answer, body: Any
) -> tuple[bytes, bool]:
    """Write all but the last bytes; return those, and whether the connection closes after them."""
    chunks = iter(body)
    first = next(chunks, b"")
    no_body = request.environ["REQUEST_METHOD"] == "HEAD" or answer.status[:3] in ("204", "304")
    has_length = no_body or any(name.lower() == "content-length" for name, _ in answer.headers)
    is_http_1_0 = request.environ["SERVER_PROTOCOL"] == "HTTP/1.0"
    close = request.close or (is_http_1_0 and not has_length)
    if has_length:
        content = b"" if no_body else b"".join([first, *chunks])
        return _head(answer.status, answer.headers, close) + content, close
    headers = answer.headers if is_http_1_0 else [*answer.headers, ("Transfer-Encoding", "chunked")]
    send = connection.transport.write
    answer.begun = True
    _call(connection, send, _head(answer.status, headers, close) + _framed(first, is_http_1_0))
    for chunk in chunks:
        # A slow reader stops the writer here, and WRITE_SECONDS ends it.
        connection.writable.wait()
        if connection.gone:
            return b"", True
        _call(connection, send, _framed(chunk, is_http_1_0))
    return b"" if is_http_1_0 else b"0\r\n\r\n", close


def _framed(chunk: bytes, is_http_1_0: bool) -> bytes:
    if is_http_1_0 or not chunk:
        return chunk
    return b"%x\r\n%b\r\n" % (len(chunk), chunk)


def _head(status: str, headers: list[tuple[str, str]], close: bool) -> bytes:
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in _OWN_HEADERS]
    # No cache may keep an answer: one served /health for minutes after the gateway had died.
    lines += ["Cache-Control: no-store", f"Date: {_date(int(time.time()))}"]
    lines.append("Connection: close" if close else "Connection: keep-alive")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
