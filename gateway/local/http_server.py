"""The HTTP server of `serve`: one asyncio loop that reads requests whole, and threads that answer them.

Nobody can hold the door: a request has `REQUEST_SECONDS` from its first byte to its
last, all that is unfinished shares one budget of memory, and where a limit is
reached the oldest connection that waits for its sender makes room. h11 parses the
head; the function answers over WSGI (PEP 3333).
"""

import asyncio
import json
import logging
import resource
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from gateway.local.http_request import (
    MAX_HEAD,
    BadRequest,
    Request,
    find_request_line,
    long_query,
    parse_head,
)
from gateway.local.http_threads import Threads, answer_in_thread
from gateway.logs import RateLimited
from gateway.redaction import clean
from gateway.texts import say

App = Callable[..., Iterable[bytes]]

THREADS = 256  # as many requests may wait for a stalled queue at once, each its own 3 s
REQUEST_SECONDS = 20.0  # from a request's first byte to its last
IDLE_SECONDS = 75.0  # longer than the minute that nginx and Node keep a connection for
WRITE_SECONDS = 20.0  # for whoever does not read the answer
LINGER_SECONDS = 2.0  # an answer to an unread body is read only if the connection outlives it
STOP_SECONDS = 7.0  # what is in flight gets this long after SIGTERM
MAX_CONNECTIONS = 4096
MAX_UNFINISHED = 64 * 1024 * 1024  # bytes of all requests that are not answered yet
KEPT_OF_DROPPED = 16 * 1024  # of a body that was dropped: as much as the journal keeps
ACCEPTED_AT_ONCE = 64
DESCRIPTORS = 2 * THREADS + ACCEPTED_AT_ONCE + 32  # kept free: each thread may open the queue, the log is one
_TICK = 0.25

log = logging.getLogger("gateway.http")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server holds its senders to."""

    connections: int = MAX_CONNECTIONS
    unfinished: int = MAX_UNFINISHED
    request_seconds: float = REQUEST_SECONDS
    idle_seconds: float = IDLE_SECONDS


def raise_descriptor_limit() -> int:
    """As many descriptors as the system allows; how many connections then leave enough for the rest."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + DESCRIPTORS
    allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(16, min(MAX_CONNECTIONS, soft - DESCRIPTORS))


class HttpServer:
    """Answers at `listener` by the WSGI application `app` until it is told to stop."""

    def __init__(
        self, app: App, listener: socket.socket, language: str = "en", limits: Limits | None = None
    ) -> None:
        self.app = app
        self.language = language
        self.limits = limits or Limits(connections=raise_descriptor_limit())
        self.threads = Threads(THREADS, lambda: self.report("THREADS"))
        self.unfinished: OrderedDict[Connection, float] = OrderedDict()  # with the deadline of each
        self.idle: OrderedDict[Connection, float] = OrderedDict()
        self.closing: OrderedDict[Connection, float] = OrderedDict()  # those that only write, or linger
        self.connections: set[Connection] = set()
        self.buffered = 0  # bytes of all requests that are not answered yet
        self.stopping = False
        self._listener = listener
        self._reports = RateLimited(log, 60.0)

    def run(self, stop: threading.Event) -> float:
        """Serve until `stop`; then the moment (of `time.monotonic()`) by which all must have ended."""
        return asyncio.run(self._serve(stop))

    def report(self, kind: str, **facts: object) -> None:
        """Errors of one kind are logged once a minute: a flood of them must not become one of lines."""
        self._reports.warning(kind, say(f"HTTP_{kind}", self.language, **facts))

    async def _serve(self, stop: threading.Event) -> float:
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(self._loop_failed)
        # asyncio accepts as many at once as its backlog says; the system may keep more waiting.
        server = await self.loop.create_server(
            lambda: Connection(self), sock=self._listener, backlog=ACCEPTED_AT_ONCE
        )
        self._listener.listen(1024)
        while not stop.is_set():
            await asyncio.sleep(_TICK)
            self._end_late_ones(time.monotonic())
        server.close()
        self.stopping = True
        ends = time.monotonic() + STOP_SECONDS
        for connection in list(self.idle):
            connection.close()
        unread = time.monotonic() + 1.0  # a request that is half here gets a second for its rest
        while time.monotonic() < ends and self._busy(with_unfinished=time.monotonic() < unread):
            await asyncio.sleep(0.05)
        for connection in list(self.connections):
            connection.abort()
        return ends

    def _busy(self, with_unfinished: bool) -> bool:
        waiting = len(self.idle) + (0 if with_unfinished else len(self.unfinished))
        return len(self.connections) > waiting

    def _end_late_ones(self, now: float) -> None:
        for queue, end in (
            (self.unfinished, Connection.end_unfinished),
            (self.idle, Connection.close),
            (self.closing, Connection.abort),
        ):
            while queue and (oldest := next(iter(queue.items())))[1] <= now:
                queue.pop(oldest[0])
                end(oldest[0])

    def _loop_failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        problem = type(context["exception"]).__name__ if "exception" in context else "?"
        self.report("FAILED", problem=problem)

    def make_room(self, newcomer: "Connection") -> None:
        """At the limit the connection goes that has waited longest for its sender."""
        if len(self.connections) <= self.limits.connections:
            return
        self.report("CONNECTIONS", limit=self.limits.connections)
        for queue in (self.closing, self.idle, self.unfinished):
            for oldest in queue:
                if oldest is not newcomer:
                    oldest.abort()
                    return
        newcomer.abort()

    def free_memory(self, newest: "Connection") -> None:
        """Over the budget the oldest unfinished requests end, and are judged with what came."""
        while self.buffered > self.limits.unfinished:
            self.report("MEMORY", limit=self.limits.unfinished // 1024**2)
            if not self.unfinished:
                newest.forget_what_follows()
                return
            self.unfinished.popitem(last=False)[0].end_unfinished(KEPT_OF_DROPPED)


class Connection(asyncio.Protocol):
    """One connection: requests in, one after another, each read whole; answers out."""

    transport: asyncio.Transport

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.buffer = bytearray()
        self.request: Request | None = None
        self.answering = False
        self.ending = False  # nothing more is read
        self.gone = False
        self.writable = threading.Event()
        self.writable.set()
        self._counted = 0
        self._searched = 0
        self._answered_one = False
        self._paused = False
        self._no_more = False  # the sender has said that nothing follows

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.server.connections.add(self)
        self._wait_for_request()
        self.server.make_room(self)

    def data_received(self, data: bytes) -> None:
        if self.ending:
            return
        self.buffer += data
        if self.answering:
            self._paused = True
            self.transport.pause_reading()
        else:
            self._advance(data)
        self._count()

    def eof_received(self) -> bool:
        """A sender that is done may still wait for its answer."""
        self._no_more = True
        if self.request is not None and not self.answering:
            self.request.ended = "gone"
            self._dispatch(self.request)
        return self.answering

    def connection_lost(self, error: Exception | None) -> None:
        self.gone = True
        self.writable.set()
        self.server.connections.discard(self)
        for queue in (self.server.unfinished, self.server.idle, self.server.closing):
            queue.pop(self, None)
        if self.request is not None and not self.answering and not self.ending:
            self.request.ended = "gone"
            self._dispatch(self.request)
        if not self.answering:
            self.buffer.clear()
            self._count()

    def pause_writing(self) -> None:
        self.writable.clear()
        self.server.closing[self] = time.monotonic() + WRITE_SECONDS

    def resume_writing(self) -> None:
        self.writable.set()
        if not self.ending:
            self.server.closing.pop(self, None)

    # reading

    def _advance(self, data: bytes) -> None:
        """Go as far in the current request as its bytes allow."""
        try:
            if self.request is None:
                self._read_head()
            else:
                self.request.feed(self.buffer, data)
        except BadRequest as problem:
            self.server.report("REFUSED", problem=clean(problem.reason))
            self._refuse(problem.status, problem.code)
            return
        if self.request is not None and self.request.complete:
            self._dispatch(self.request)
        elif self.request is not None and self.request.wants_continue:
            self.request.wants_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _read_head(self) -> None:
        self._skip_line_ends()
        if not self.buffer:
            return
        if self in self.server.idle:
            del self.server.idle[self]
            self.server.unfinished[self] = time.monotonic() + self.server.limits.request_seconds
        end = self.buffer.find(b"\r\n\r\n", self._searched)
        if end < 0 and len(self.buffer) <= MAX_HEAD:
            self._searched = max(0, len(self.buffer) - 3)
            return
        self._searched = 0
        if end < 0 or end > MAX_HEAD:
            self.request = long_query(bytes(self.buffer[:MAX_HEAD]), self.transport)
            return
        head = bytes(self.buffer[: end + 4])
        if self._answered_one and (skipped := find_request_line(head)):
            # What an earlier Content-Length left out: the request behind it is a whole one.
            self.server.report("SURPLUS", bytes=skipped)
            head = head[skipped:]
        del self.buffer[: end + 4]
        self.request = parse_head(head, self.transport)
        self.request.feed(self.buffer, bytes(self.buffer))

    def _skip_line_ends(self) -> None:
        """Some clients send a line end behind a body; RFC 9112 lets servers ignore it."""
        while self.buffer[:2] == b"\r\n":
            del self.buffer[:2]

    def _count(self) -> None:
        """Tell the server how much of its budget this connection takes."""
        now = len(self.buffer) + (self.request.size if self.request else 0)
        self.server.buffered += now - self._counted
        grew = now > self._counted
        self._counted = now
        if grew and self.server.buffered > self.server.limits.unfinished:
            self.server.free_memory(self)

    def forget_what_follows(self) -> None:
        """Drop what is behind the request that is being answered, and the connection after it."""
        self.buffer.clear()
        if self.request:
            self.request.close = True
        self._count()

    def end_unfinished(self, keep: int | None = None) -> None:
        """Its time is over, or its memory is needed: judge what came; 408 where not even a head did."""
        if self.request is None:
            self._refuse(408, "BODY_INCOMPLETE")
            return
        self.request.ended = "late"
        if keep is not None:
            self.request.cut(keep)
        self._dispatch(self.request)
        self._count()

    # answering

    def _dispatch(self, request: Request) -> None:
        self.answering = True
        self.server.unfinished.pop(self, None)
        self._skip_line_ends()
        if self.buffer and not request.close and not request.ended and not self._request_follows():
            request.surplus = len(self.buffer)
            request.close = True
        request.close = request.close or self.server.stopping or request.ended in ("gone", "late", "broken")
        self.server.threads.submit(lambda: answer_in_thread(self, request))

    def _request_follows(self) -> bool:
        line = bytes(self.buffer[:MAX_HEAD])
        return find_request_line(line) is not None or (b"\n" not in line and line[:1].isalpha())

    def finished(self, last: bytes, close: bool) -> None:
        """Write the answer's last bytes: on to the next request, or to the end."""
        if last and not self.gone:
            self.transport.write(last)
        self.request = None
        self.answering = False
        self._answered_one = True
        if close or self.gone:
            self._end()
            return
        self._wait_for_request()
        if self.buffer:
            self._advance(bytes(self.buffer))
        if self._no_more and not self.answering and not self.ending:
            self._end()
        if self._paused and not self.answering and not self.ending:
            self._paused = False
            self.transport.resume_reading()
        self._count()

    def _wait_for_request(self) -> None:
        self.server.idle[self] = time.monotonic() + self.server.limits.idle_seconds

    def _refuse(self, status: int, code: str) -> None:
        """Answer what is no HTTP request: there is nothing that the function could judge."""
        message = say(f"ANSWER_{code}", self.server.language)
        body = json.dumps({"status": "error", "code": code, "message": message}, ensure_ascii=False).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self._end()

    def _end(self) -> None:
        """Close, but let the answer arrive: a close over unread bytes would reset the connection."""
        self.ending = True
        self.request = None
        self.buffer.clear()
        self._count()
        for queue in (self.server.unfinished, self.server.idle):
            queue.pop(self, None)
        if self.gone or self.transport.is_closing():
            return
        self.server.closing[self] = time.monotonic() + LINGER_SECONDS
        with suppress(OSError, RuntimeError):
            self.transport.write_eof()
        if self._paused:
            self._paused = False
            self.transport.resume_reading()

    def close(self) -> None:
        """End a connection that waits for a request."""
        self.ending = True
        self.transport.close()

    def abort(self) -> None:
        """End it at once, whatever it was at."""
        self.ending = True
        self.server.connections.discard(self)
        for queue in (self.server.unfinished, self.server.idle, self.server.closing):
            queue.pop(self, None)
        self.transport.abort()
