"""Slow and many: two thousand sockets that never finish, and a good sender beside them.

The yardstick is the good sender alone: every one of its events is answered within
three seconds, whatever the others do. What the others send is valid HTTP that does
not end, which harms no other software.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

HEAD = b"POST /api/bitrix/webhook HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
ANSWERED_WITHIN = 3.0  # seconds, by the contract


@dataclass
class Outcome:
    """What the good sender saw meanwhile."""

    seconds: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether the door was held: anything but 200, or an answer that came late."""
        return set(self.statuses) != {200} or max(self.seconds) > ANSWERED_WITHIN


def slow_head(_number: int) -> Iterator[bytes]:
    """A head of which a byte comes now and then."""
    yield HEAD
    while True:
        yield b"X"


def slow_body(_number: int) -> Iterator[bytes]:
    """A body of which a byte comes now and then."""
    yield HEAD + b"Content-Length: 400000\r\n\r\n"
    while True:
        yield b"x"


def large_body(_number: int) -> Iterator[bytes]:
    """A body that is all but whole at once: memory, not time."""
    yield HEAD + b"Content-Length: 500000\r\n\r\n" + b"x" * 499_000
    while True:
        yield b""


def slow_chunks(_number: int) -> Iterator[bytes]:
    """A chunked body in chunks of a byte."""
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"1\r\nx\r\n"


def silent(_number: int) -> Iterator[bytes]:
    """A connection on which nothing ever comes."""
    while True:
        yield b""


KINDS: dict[str, Callable[[int], Iterator[bytes]]] = {
    "heads": slow_head,
    "bodies": slow_body,
    "large bodies": large_body,
    "chunks": slow_chunks,
    "silence": silent,
}


def hold(port: int, kind: str, sockets: int, post: Callable[[], int], seconds: float) -> Outcome:
    """Hold `sockets` connections for `seconds`, opened anew as they are closed, while `post` is called."""
    stop = threading.Event()
    holders = [
        threading.Thread(target=_hold_some, args=(port, kind, sockets // 8, stop), daemon=True)
        for _ in range(8)
    ]
    for holder in holders:
        holder.start()
    outcome = Outcome()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.monotonic()
        try:
            outcome.statuses.append(post())
        except OSError:
            outcome.statuses.append(0)
        outcome.seconds.append(time.monotonic() - began)
        time.sleep(0.05)
    stop.set()
    for holder in holders:
        holder.join(10)
    return outcome


def _hold_some(port: int, kind: str, count: int, stop: threading.Event) -> None:
    held: list[tuple[socket.socket, Iterator[bytes]]] = []
    number = 0
    while not stop.is_set():
        while len(held) < count and not stop.is_set():
            with suppress(OSError):
                held.append((socket.create_connection(("127.0.0.1", port), 5), KINDS[kind](number)))
                held[-1][0].setblocking(False)
            number += 1
        held = [(one, pieces) for one, pieces in held if _sent(one, next(pieces))]
        stop.wait(1.0)
    for one, _ in held:
        one.close()


def _sent(one: socket.socket, piece: bytes) -> bool:
    """Send what fits; False where the far side has closed."""
    try:
        if piece:
            one.send(piece)
        if one.recv(4096):
            return True
    except BlockingIOError:
        return True
    except OSError:
        pass
    one.close()
    return False
