"""Handles one connection to `serve`: it reads requests one after another, each whole, and writes answers."""

import asyncio
import json
import re
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from gateway.ingest.incoming import MAX_BODY
from gateway.local.http_request import (
    MAX_HEAD,
    BadRequest,
    Request,
    find_request_line,
    long_query,
    parse_head,
)
from gateway.local.http_threads import answer_in_thread
from gateway.receiver.answers import new_request_id
from gateway.texts import say

if TYPE_CHECKING:
    from gateway.local.http_server import HttpServer

# How long a sender that does not read the answer may take.
WRITE_SECONDS = 20.0
# Bytes of answers that wait for their reader.
MAX_UNREAD = 16 * 1024
# An answer to an unread body is read only if the connection outlives it.
LINGER_SECONDS = 2.0

_LINE_ENDS = re.compile(rb"[\r\n]+")


class Connection(asyncio.BufferedProtocol):
    """Reads a connection's requests one after another, each whole, and writes the answers."""

    transport: asyncio.Transport

    def __init__(self, server: "HttpServer") -> None:
        self.server = server
        self.buffer = bytearray()
        self.request: Request | None = None
        self.answering = False
        # Whether nothing more is read.
        self.ending = False
        # Whether the connection is closed already.
        self.gone = False
        # When it began to wait for its sender.
        self.since = 0.0
        self.writable = threading.Event()
        self.writable.set()
        # Its bytes that are counted in the server's budget.
        self._counted = 0
        # How far the buffer was searched for the end of a head.
        self._searched = 0
        self._answered_one = False
        self._paused = False
        # Its last answer waits to be written before its next request is begun.
        self._reads_no_answers = False
        # Whether the sender has closed its side: nothing follows.
        self._sender_finished = False

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=MAX_UNREAD)
        self.server.connections.add(self)
        self._wait_for_request()

    def get_buffer(self, _hint: int) -> bytearray:
        """The buffer that asyncio reads into, shared by all connections."""
        return self.server.read_buffer

    def buffer_updated(self, size: int) -> None:
        """Take `size` bytes that came, and go on with the request."""
        if self.ending:
            return
        data = bytes(memoryview(self.server.read_buffer)[:size])
        self.buffer += data
        if self.answering:
            self._paused = True
            self.transport.pause_reading()
        else:
            self._advance()
        self._count()

    def eof_received(self) -> bool:
        """Note that nothing more will come; the sender may still wait for its answer."""
        self._sender_finished = True
        if self.request is not None and not self.answering:
            self.request.ended = "gone"
            self._dispatch(self.request)
        return self.answering

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection; what came of an unfinished request is judged all the same."""
        self.gone = True
        self.writable.set()
        self.server.connections.discard(self)
        for queue in (self.server.unfinished, self.server.idle, self.server.closing):
            queue.pop(self, None)
        if self.request is not None and not self.answering and not self.ending:
            self.request.ended = "gone"
            self._dispatch(self.request)
        if not self.answering or self._reads_no_answers:
            self.buffer.clear()
            self._count()

    def pause_writing(self) -> None:
        """Hold the writing thread back: the sender does not read its answer."""
        self.writable.clear()
        self.server.closing[self] = time.monotonic() + WRITE_SECONDS

    def resume_writing(self) -> None:
        """Let the writing thread go on."""
        self.writable.set()
        if not self.ending:
            self.server.closing.pop(self, None)
        if self._reads_no_answers:
            self._reads_no_answers = False
            self.finished(b"", close=False)

    # reading

    def _advance(self) -> None:
        """Go as far in the current request as its bytes allow."""
        try:
            if self.request is None:
                self._read_head()
            else:
                self.request.feed(self.buffer)
        except BadRequest as problem:
            self.server.report("REFUSED", problem=problem.reason)
            self._refuse(problem.status, problem.code)
            return
        if self.request is not None and self.request.complete:
            self._dispatch(self.request)
        elif self._waits_for_turn():
            self._paused = True
            self.transport.pause_reading()
            self.server.wait_for_turn(self)
        elif self.request is not None and self.request.wants_continue:
            self.request.wants_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def take_turn(self) -> None:
        """Go on with a body of many chunks, unless the request has ended in the meantime."""
        if self.answering or self.ending or not self._waits_for_turn():
            return
        self._advance()
        if (
            self._sender_finished
            and self.request is not None
            and not self.answering
            and not self._waits_for_turn()
        ):
            self.request.ended = "gone"
            self._dispatch(self.request)
        self._read_on()
        self._count()

    def _waits_for_turn(self) -> bool:
        return self.request is not None and self.request.wants_turn

    def _read_on(self) -> None:
        """Read again what was left unread while an answer, or a turn, was waited for."""
        if self._paused and not self.answering and not self.ending and not self._waits_for_turn():
            self._paused = False
            self.transport.resume_reading()

    def _read_head(self) -> None:
        self._skip_line_ends()
        if not self.buffer:
            return
        if self in self.server.idle:
            del self.server.idle[self]
            self.since = time.monotonic()
            self.server.unfinished[self] = time.monotonic() + self.server.limits.request_seconds
        end = self.buffer.find(b"\r\n\r\n", self._searched)
        if end < 0 and len(self.buffer) <= MAX_HEAD:
            self._searched = max(0, len(self.buffer) - 3)
            return
        self._searched = 0
        if end < 0 or end > MAX_HEAD:
            self.request = long_query(bytes(self.buffer[:MAX_BODY]), self.transport)
            return
        head = bytes(self.buffer[: end + 4])
        if self._answered_one and (skipped := find_request_line(head)):
            # An earlier Content-Length was too small: after the surplus bytes a whole request follows.
            self.server.report("SURPLUS", bytes=skipped)
            head = head[skipped:]
        del self.buffer[: end + 4]
        self.request = parse_head(head, self.transport)
        self.request.feed(self.buffer)

    def _skip_line_ends(self) -> None:
        """Skip line ends before a request: a file sent as a body may end in one, and RFC 9112 allows it."""
        if line_ends := _LINE_ENDS.match(self.buffer):
            del self.buffer[: line_ends.end()]

    def _count(self) -> None:
        """Tell the server how much of its memory budget this connection uses."""
        size = len(self.buffer) + (self.request.size if self.request else 0)
        self.server.buffered += size - self._counted
        grew = size > self._counted
        self._counted = size
        if grew and self.server.buffered > self.server.limits.unfinished:
            self.server.free_memory(self)

    def forget_what_follows(self) -> None:
        """Drop what follows the request that is being answered, and close the connection after the answer."""
        self.buffer.clear()
        if self.request:
            self.request.close = True
        self._count()

    def end_unfinished(self, keep: int | None = None) -> None:
        """End a request that is out of time or memory: judge what came; 408 if not even a head did."""
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
        # Nothing is answered after an incomplete request: a proxy may have framed it differently, and would
        # give the second answer to the next sender.
        request.close = request.close or self.server.stopping or bool(request.ended)
        if not request.ended:
            self.server.threads.submit(lambda: answer_in_thread(self, request))
        elif not self.server.judge_unfinished(lambda: answer_in_thread(self, request)):
            self.answering = False
            self.server.unjudged(request.environ, len(request.body))
            self._refuse(408, "BODY_INCOMPLETE")

    def _request_follows(self) -> bool:
        line = bytes(self.buffer[:MAX_HEAD])
        return find_request_line(line) is not None or (b"\n" not in line and line[:1].isalpha())

    def finished(self, last: bytes, close: bool) -> None:
        """Write the answer's last bytes, then go on to the next request or close."""
        if last and not self.gone:
            self.transport.write(last)
        self.request = None
        self.answering = False
        self._answered_one = True
        if close or self.gone:
            self._end()
            return
        if not self.writable.is_set():
            # Whoever sends requests and reads no answers would fill the memory with these.
            self.answering = self._reads_no_answers = True
            self._count()
            return
        self._wait_for_request()
        if self.buffer:
            self._advance()
        if self._sender_finished and not self.answering and not self.ending and not self._waits_for_turn():
            self._end()
        self._read_on()
        self._count()

    def _wait_for_request(self) -> None:
        self.since = time.monotonic()
        self.server.idle[self] = time.monotonic() + self.server.limits.idle_seconds

    def _refuse(self, status: int, code: str) -> None:
        """Answer something that is not an HTTP request, so that the function could not judge it."""
        message = say(f"ANSWER_{code}", self.server.language)
        fields = {"status": "error", "code": code, "message": message, "request_id": new_request_id()}
        body = json.dumps(fields, ensure_ascii=False).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self._end()

    def _end(self) -> None:
        """Close, but let the answer arrive: closing with bytes unread would reset the connection."""
        self.ending = True
        self.request = None
        self.buffer.clear()
        self._count()
        for queue in (self.server.unfinished, self.server.idle):
            queue.pop(self, None)
        if self.gone or self.transport.is_closing():
            return
        self.server.closing[self] = time.monotonic() + LINGER_SECONDS
        # Everything was read, so nothing would report that the sender is gone.
        if self._sender_finished:
            self.transport.close()
            return
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
        """End the connection at once, whatever it was doing."""
        self.ending = True
        self.server.connections.discard(self)
        for queue in (self.server.unfinished, self.server.idle, self.server.closing):
            queue.pop(self, None)
        self.transport.abort()
