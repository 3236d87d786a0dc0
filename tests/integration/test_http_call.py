"""A tool's request ends in time, though the far side always sends one more byte.

The far side would finish its answer after a minute: a call whose deadline does not hold
gets that answer, and the test fails without measuring time.
"""

import socket
import threading
import time
from contextlib import suppress

import pytest

from gateway.tools.http_call import ask


@pytest.mark.parametrize(
    ("at_once", "dripped"),
    [
        (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 40 + b"\r\nContent-Length: 0\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n", b"x" * 40),
    ],
)
def test_a_server_that_drips_its_answer_holds_nobody(at_once: bytes, dripped: bytes) -> None:
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(at_once)
            ends = time.monotonic() + 60
            for byte in dripped:
                connection.sendall(bytes([byte]))
                if over.wait(max(0.0, (ends - time.monotonic()) / len(dripped))):
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        with pytest.raises(TimeoutError):
            ask("GET", f"http://127.0.0.1:{listener.getsockname()[1]}/", seconds=2.5)
        over.set()
        server.join(10)


def test_a_failed_call_raises_the_systems_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        ask("GET", f"http://127.0.0.1:{port}/", seconds=10.0)
