"""Puts load on one port over kept connections, from one thread that does as little as possible.

Without a rate, each connection sends its next request when it has its answer. With
one, requests are due at even intervals, and waiting counts from when a request was
due, so that a stall also shows in the requests that it delayed.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.instances import EventLost, is_whole


@dataclass
class Load:
    """How long the whole load took, and how long each request waited, in seconds."""

    seconds: float
    waits: list[float] = field(repr=False)

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds

    def percentile(self, share: float) -> float:
        return sorted(self.waits)[min(len(self.waits) - 1, int(len(self.waits) * share))]


@dataclass(eq=False)
class _Connection:
    socket: socket.socket
    due: float = 0.0
    received: bytes = b""


def run(port: int, requests: Sequence[bytes], connections: int = 32, rate: float | None = None) -> Load:
    """Send all `requests`; raises `EventLost` at the first answer that is not a 200."""
    selector = selectors.DefaultSelector()
    idle: deque[_Connection] = deque()
    for _ in range(connections):
        line = _Connection(socket.create_connection(("127.0.0.1", port), timeout=30))
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(line.socket, selectors.EVENT_READ, line)
        idle.append(line)
    waits: list[float] = []
    sent_count, started_at = 0, time.perf_counter()
    try:
        while len(waits) < len(requests):
            now = time.perf_counter()
            while (
                idle
                and sent_count < len(requests)
                and (due := started_at + sent_count / rate if rate else now) <= now
            ):
                line = idle.popleft()
                line.due = due
                line.socket.sendall(requests[sent_count])
                sent_count += 1
            for key, _ in selector.select(_pause(started_at, sent_count, len(requests), rate)):
                if (wait := _receive(key.data)) is not None:
                    waits.append(wait)
                    idle.append(key.data)
        return Load(time.perf_counter() - started_at, waits)
    finally:
        for key in list(selector.get_map().values()):
            key.data.socket.close()
        selector.close()


def _pause(started: float, sent_count: int, total: int, rate: float | None) -> float:
    if rate is None or sent_count == total:
        return 10.0
    return max(0.0, started + sent_count / rate - time.perf_counter())


def _receive(line: _Connection) -> float | None:
    """How long the request waited, once its answer is complete."""
    chunk = line.socket.recv(65536)
    line.received += chunk
    if not chunk or not line.received.startswith(b"HTTP/1.1 200"):
        raise EventLost(line.received.decode(errors="replace") or "no answer")
    if not is_whole(line.received):
        return None
    line.received = b""
    return time.perf_counter() - line.due
