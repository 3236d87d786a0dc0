"""Gives a body 20 s on a host that sets no deadline: gunicorn waits for a slow sender for ever.

At its deadline a connection is shut for reading; the host then reads what came, and
the answer can still be written. One thread watches all that are being read.
"""

import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

SECONDS = 20.0
# Where these hosts put the connection into the environ.
_HOSTS = ("gunicorn.socket", "werkzeug.socket")

# Requests enter and leave it without a lock, because each change of a dict is atomic: threads that wait for a
# lock also wait for the interpreter's, which cost an instance a tenth of its rate.
_watched: dict[int, tuple[float, socket.socket]] = {}
# Locked by the thread that watches, and never released.
_watching = threading.Lock()


class BodyDeadline:
    """Bounds the reading in its block to `SECONDS`; does nothing if the host itself reads requests whole."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._connection = next((environ[name] for name in _HOSTS if name in environ), None)

    def __enter__(self) -> None:
        if self._connection is not None:
            _watched[id(self)] = time.monotonic() + SECONDS, self._connection
            if not _watching.locked():
                _watch()

    def __exit__(self, *_: object) -> None:
        _watched.pop(id(self), None)


def _watch() -> None:
    if not _watching.acquire(blocking=False):
        return
    try:
        threading.Thread(target=_shut_late_connections, name="body-deadline", daemon=True).start()
    except RuntimeError:
        # Without a thread there is no deadline, which is no reason to fail a request.
        _watching.release()


def _shut_late_connections() -> None:
    while True:
        time.sleep(0.25)
        now = time.monotonic()
        for key, watched in _watched.copy().items():
            deadline, connection = watched
            # The body may have been read meanwhile, and the key may be another request's by now.
            if deadline <= now and _watched.get(key) is watched:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)
