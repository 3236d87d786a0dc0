"""Opens many slow connections: two thousand sockets that never finish, and a good sender beside them.

Only the good sender counts: every one of its events must be answered within
three seconds, whatever the others do. What the others send is valid HTTP that does
not end, which harms no other software.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

HEAD = b"POST /api/bitrix/webhook HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
# In seconds, by the contract.
ANSWERED_WITHIN = 3.0


@dataclass
class Outcome:
    """What the good sender was answered during the attack."""

    seconds: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether the attack succeeded: an answer was not 200, or came late."""
        return set(self.statuses) != {200} or max(self.seconds) > ANSWERED_WITHIN


# What is sent at once, and what again and again.
KINDS = {
    "heads": (HEAD, b"X"),
    "bodies": (HEAD + b"Content-Length: 400000\r\n\r\n", b"x"),
    "large bodies": (HEAD + b"Content-Length: 500000\r\n\r\n" + b"x" * 499_000, b""),  # memory, not time
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "silence": (b"", b""),
}


def hold(port: int, kind: str, sockets: int, post: Callable[[], int], seconds: float) -> Outcome:
    """Hold `sockets` connections for `seconds`, opened anew as they are closed, while `post` is called."""
    stop = threading.Event()
    holders = [
        threading.Thread(target=_hold_sockets, args=(port, kind, sockets // 8, stop), daemon=True)
        for _ in range(8)
    ]
    for holder in holders:
        holder.start()
    outcome = Outcome()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
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


def _hold_sockets(port: int, kind: str, count: int, stop: threading.Event) -> None:
    first, next_bytes = KINDS[kind]
    open_sockets: list[socket.socket] = []
    while not stop.is_set():
        new: list[socket.socket] = []
        while len(open_sockets) + len(new) < count and not stop.is_set():
            with suppress(OSError):
                new.append(socket.create_connection(("127.0.0.1", port), 5))
                new[-1].setblocking(False)
        open_sockets = [connection for connection in open_sockets if _sent(connection, next_bytes)] + [
            connection for connection in new if _sent(connection, first)
        ]
        stop.wait(1.0)
    for connection in open_sockets:
        connection.close()


def _sent(connection: socket.socket, piece: bytes) -> bool:
    """Send what fits; return False if the server has closed the connection."""
    try:
        if piece:
            connection.send(piece)
        if connection.recv(4096):
            return True
    except BlockingIOError:
        return True
    except OSError:
        pass
    connection.close()
    return False
