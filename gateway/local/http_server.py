"""The HTTP server of `serve`: one asyncio loop that reads requests whole, and threads that answer them.

No sender can block the others: a request has `REQUEST_SECONDS` from its first byte to
its last, all unfinished requests share one budget of memory, and where a limit is
reached, the oldest connection that waits for its sender makes room. h11 parses the
head; the function answers over WSGI (PEP 3333).
"""

import asyncio
import logging
import resource
import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.local.http_connection import Connection
from gateway.local.http_threads import Threads
from gateway.rate_limited import RateLimited
from gateway.texts import os_problem, say

App = Callable[..., Iterable[bytes]]
Unjudged = Callable[[Mapping[str, Any], int], None]
"""Called for a request that broke off and is not judged, with its environ and how much of its body came."""

# How many requests may wait for a stalled queue at the same time, each for its own 3 s.
THREADS = 256
# From a request's first byte to its last.
REQUEST_SECONDS = 20.0
# Longer than the minute for which nginx and Node keep a connection.
IDLE_SECONDS = 75.0
# How long requests in flight may take after SIGTERM.
STOP_SECONDS = 7.0
MAX_CONNECTIONS = 4096
# Bytes of all requests that are not answered yet.
MAX_UNFINISHED = 64 * 1024 * 1024
# As much of a dropped body as the journal keeps.
KEPT_OF_DROPPED = 16 * 1024
ACCEPTED_AT_ONCE = 512
# Bytes of one connection before the next connection's turn.
READ_AT_ONCE = 64 * 1024
# Descriptors that connections may not use: each thread may open the queue, and the log needs one.
DESCRIPTORS = 2 * THREADS + 64
# Seconds that a connection gets at least before it must have sent something.
PATIENCE = 0.25
# Requests that were cut off and are not judged yet; further ones are answered unjudged.
MAX_WAITING = 64
_TICK = 0.25
_ACCEPT_PAUSE = 0.02

log = logging.getLogger("gateway.http")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that one server sets its senders."""

    connections: int = MAX_CONNECTIONS
    unfinished: int = MAX_UNFINISHED
    request_seconds: float = REQUEST_SECONDS
    idle_seconds: float = IDLE_SECONDS


def raise_descriptor_limit() -> int:
    """Allow as many descriptors as the system does; return how many of them connections may use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = MAX_CONNECTIONS + DESCRIPTORS
    allowed = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(16, min(MAX_CONNECTIONS, soft - DESCRIPTORS))


class HttpServer:
    """Answers at `listener` with the WSGI application `app` until it is told to stop."""

    def __init__(
        self,
        app: App,
        listener: socket.socket,
        language: str = "en",
        limits: Limits | None = None,
        unjudged: Unjudged = lambda _environ, _size: None,
    ) -> None:
        self.app = app
        self.unjudged = unjudged
        self.language = language
        self.limits = limits or Limits(connections=raise_descriptor_limit())
        self.threads = Threads(THREADS, lambda: self.report("THREADS"))
        # Connections by what they wait for, each with its deadline: for the rest of a request, for a
        # request, or for the sender to read the answer.
        self.unfinished: OrderedDict[Connection, float] = OrderedDict()
        self.idle: OrderedDict[Connection, float] = OrderedDict()
        self.closing: OrderedDict[Connection, float] = OrderedDict()
        self.connections: set[Connection] = set()
        # Those with more chunks to read than one turn takes.
        self._turns: deque[Connection] = deque()
        # How many are accepted, but not yet a connection.
        self._opening = 0
        self._tasks: set[asyncio.Task[None]] = set()
        # The loop reads one connection at a time.
        self.read_buffer = bytearray(READ_AT_ONCE)
        # How many requests that were cut off wait to be judged.
        self._waiting_unfinished = 0
        self.unfinished_threads = Threads(2, lambda: self.report("THREADS"))
        # Bytes of all requests that are not answered yet.
        self.buffered = 0
        self.stopping = False
        self._listener = listener
        self._reports = RateLimited(log, 60.0)

    def run(self, stop: threading.Event) -> float:
        """Serve until `stop`; return the moment (of `time.monotonic()`) by which all must have ended."""
        return asyncio.run(self._serve(stop))

    def report(self, kind: str, **facts: object) -> None:
        """Log an error, each kind once a minute: a flood of errors must not become a flood of lines."""
        self._reports.warning(kind, say(f"HTTP_{kind}", self.language, **facts))

    async def _serve(self, stop: threading.Event) -> float:
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(self._loop_failed)
        self._listener.setblocking(False)
        self._listener.listen(1024)
        self._listen()
        while not stop.is_set():
            await asyncio.sleep(_TICK)
            self._end_late_connections(time.monotonic())
        self.stopping = True
        self.loop.remove_reader(self._listener)
        self._listener.close()
        deadline = time.monotonic() + STOP_SECONDS
        for connection in list(self.idle):
            connection.close()
        # A request that has half arrived gets a second for the rest.
        reading_deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline and self._busy(with_unfinished=time.monotonic() < reading_deadline):
            await asyncio.sleep(0.05)
            self._end_late_connections(time.monotonic())
        for connection in list(self.connections):
            connection.abort()
        return deadline

    def _listen(self) -> None:
        if not self.stopping:
            self.loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Accept waiting connections; at the limit the longest silent ones are closed for them."""
        for _ in range(ACCEPTED_AT_ONCE):
            if not self._make_room():
                self._pause_accepting()
                return
            try:
                accepted, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self.report("FAILED", problem=os_problem(error, self.language))
                self._pause_accepting()
                return
            accepted.setblocking(False)
            self._opening += 1
            task = self.loop.create_task(self._open(accepted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _pause_accepting(self) -> None:
        """Leave new connections waiting in the system's queue for a moment."""
        self.loop.remove_reader(self._listener)
        self.loop.call_later(_ACCEPT_PAUSE, self._listen)

    async def _open(self, accepted: socket.socket) -> None:
        try:
            await self.loop.connect_accepted_socket(lambda: Connection(self), accepted)
        except OSError:
            accepted.close()
        finally:
            self._opening -= 1

    def _busy(self, with_unfinished: bool) -> bool:
        waiting = len(self.idle) + (0 if with_unfinished else len(self.unfinished))
        return len(self.connections) > waiting

    def _end_late_connections(self, now: float) -> None:
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

    def _make_room(self) -> bool:
        """Whether one more connection is allowed; at the limit, one that waits for its sender is closed.

        Each connection first gets time to send something, or a flood would sweep good senders away.
        """
        if len(self.connections) + self._opening < self.limits.connections:
            return True
        self.report("CONNECTIONS", limit=self.limits.connections)
        old_enough = time.monotonic() - PATIENCE
        for queue in (self.closing, self.idle, self.unfinished):
            oldest = next(iter(queue), None)
            if oldest is not None and oldest.since <= old_enough:
                oldest.abort()
                return True
        return False

    def wait_for_turn(self, connection: Connection) -> None:
        """Let `connection` go on with its chunks later; one does so each time all others were read."""
        self._turns.append(connection)
        if len(self._turns) == 1:
            self.loop.call_soon(self._give_turn)

    def _give_turn(self) -> None:
        try:
            self._turns[0].take_turn()
        finally:
            # Whatever fails in one connection, the others get their turns.
            self._turns.popleft()
            if self._turns:
                self.loop.call_soon(self._give_turn)

    def judge_unfinished(self, work: Callable[[], None]) -> bool:
        """Have a request that was cut off judged; False if too many already wait for that.

        Two threads do it, so that a flood of such requests delays no whole one.
        """
        if self._waiting_unfinished >= MAX_WAITING:
            self.report("UNFINISHED")
            return False

        def count_down() -> None:
            self._waiting_unfinished -= 1

        def judge_and_count() -> None:
            work()
            # The loop has ended if the process is stopping.
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(count_down)

        self._waiting_unfinished += 1
        self.unfinished_threads.submit(judge_and_count)
        return True

    def free_memory(self, newest: Connection) -> None:
        """Over the budget, end the oldest unfinished requests, which are judged with what came."""
        while self.buffered > self.limits.unfinished:
            self.report("MEMORY", limit=self.limits.unfinished // 1024**2)
            if not self.unfinished:
                newest.forget_what_follows()
                return
            self.unfinished.popitem(last=False)[0].end_unfinished(KEPT_OF_DROPPED)
