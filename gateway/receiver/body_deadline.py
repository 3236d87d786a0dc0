"""Gives a body 20 s on a host that sets no deadline: gunicorn waits for a slow sender for ever.

At its deadline a connection is shut for reading; the host then reads what came, and
the answer can still be written. One thread watches all that are being read.
"""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

SECONDS = 20.0
_HOSTS = ("gunicorn.socket", "werkzeug.socket")  # where they put the connection into the environ

_watched: dict[int, tuple[float, socket.socket]] = {}
_lock = threading.Lock()
_running = False


@contextmanager
def body_deadline(environ: Mapping[str, Any], seconds: float = SECONDS) -> Iterator[None]:
    """Give whatever is read inside `seconds`; nothing where the host reads requests whole itself."""
    connection = next((environ[name] for name in _HOSTS if name in environ), None)
    if connection is None:
        yield
        return
    key = id(connection)
    with _lock:
        _watched[key] = (time.monotonic() + seconds, connection)
        _watch()
    try:
        yield
    finally:
        with _lock:
            _watched.pop(key, None)


def _watch() -> None:
    global _running
    if _running:
        return
    # Without a thread the body has no deadline, which is no reason to fail a request.
    with suppress(RuntimeError):
        threading.Thread(target=_shut_late_connections, name="body-deadline", daemon=True).start()
        _running = True


def _shut_late_connections() -> None:
    global _running
    while True:
        with _lock:
            now = time.monotonic()
            late = [key for key, (deadline, _) in _watched.items() if deadline <= now]
            for key in late:
                with suppress(OSError):
                    _watched.pop(key)[1].shutdown(socket.SHUT_RD)
            if not _watched:
                _running = False
                return
        time.sleep(0.25)
