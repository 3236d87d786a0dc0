"""Load on one port over kept connections, from one thread that does as little as it can.

Without a rate, each connection sends its next request when it has its answer. With
one, requests are due at even times, and each one's waiting counts from when it was
due: a stall is not hidden by the requests that it held up.
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
    """`seconds` the whole took, and each request's waiting in seconds."""

    seconds: float
    waits: list[float] = field(repr=False)

    @property
    def rate(self) -> float:
        return len(self.waits) / self.seconds

    def percentile(self, share: float) -> float:
        return sorted(self.waits)[min(len(self.waits) - 1, int(len(self.waits) * share))]


@dataclass(eq=False)
class _Line:
    socket: socket.socket
    due: float = 0.0
    received: bytes = b""


def run(port: int, requests: Sequence[bytes], connections: int = 32, rate: float | None = None) -> Load:
    """Send all `requests`; raises `EventLost` at the first answer that is not a 200."""
    selector = selectors.DefaultSelector()
    idle: deque[_Line] = deque()
    for _ in range(connections):
        line = _Line(socket.create_connection(("127.0.0.1", port), timeout=30))
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(line.socket, selectors.EVENT_READ, line)
        idle.append(line)
    waits: list[float] = []
    sent, begun = 0, time.perf_counter()
    try:
        while len(waits) < len(requests):
            now = time.perf_counter()
            while idle and sent < len(requests) and (due := begun + sent / rate if rate else now) <= now:
                line = idle.popleft()
                line.due = due
                line.socket.sendall(requests[sent])
                sent += 1
            for key, _ in selector.select(_pause(begun, sent, len(requests), rate)):
                if (wait := _receive(key.data)) is not None:
                    waits.append(wait)
                    idle.append(key.data)
        return Load(time.perf_counter() - begun, waits)
    finally:
        for key in list(selector.get_map().values()):
            key.data.socket.close()
        selector.close()


def _pause(begun: float, sent: int, total: int, rate: float | None) -> float:
    if rate is None or sent == total:
        return 10.0
    return max(0.0, begun + sent / rate - time.perf_counter())


def _receive(line: _Line) -> float | None:
    """The waiting, once the answer is whole."""
    chunk = line.socket.recv(65536)
    line.received += chunk
    if not chunk or not line.received.startswith(b"HTTP/1.1 200"):
        raise EventLost(line.received.decode(errors="replace") or "no answer")
    if not is_whole(line.received):
        return None
    line.received = b""
    return time.perf_counter() - line.due
