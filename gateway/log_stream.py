"""Writes to standard error without ever blocking: lines for a slow reader wait in a bounded queue.

While the reader keeps up, which is nearly always, a line goes out at once: no thread is
started for it, and it is written before the answer is. A pipe whose reader pauses would
block every request, and SIGTERM with them; so from then on one thread writes, and lines
that do not fit are only counted, and their number is logged.
"""

import atexit
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

MAX_WAITING = 4 * 1024 * 1024  # bytes
# PIPE_BUF: a pipe that is ready accepts this much without blocking.
_AT_ONCE = 4096
# How long the end of the process waits for lines that are not written yet.
_LAST_SECONDS = 1.0


class Stderr:
    """A text stream in front of standard error; `write` never waits for the reader."""

    def __init__(self, dropped_line: Callable[[int], str]) -> None:
        self._dropped_line = dropped_line
        self._begin()
        # A fork copies no threads: the parent writes the waiting lines, and the copied lock may be locked.
        os.register_at_fork(after_in_child=self._begin)
        atexit.register(self._finish)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._writer: threading.Thread | None = None

    def write(self, text: str) -> int:
        """Write `text` now or later; only count it if too much waits already."""
        descriptor = _descriptor()
        # This is a test's own stream.
        if descriptor is None:
            sys.stderr.write(text)
            return len(text)
        data = text.encode("utf-8", "backslashreplace")
        with self._lock:
            if self._writer is None:
                data = _write_ready(descriptor, data)
            if data:
                self._keep(data)
        return len(text)

    def is_terminal(self) -> bool:
        """Whether it is a terminal, for which lines may be coloured and broken."""
        descriptor = _descriptor()
        return descriptor is not None and os.isatty(descriptor)

    def flush(self) -> None:
        """Do nothing: everything that could be written has been."""

    def _keep(self, data: bytes) -> None:
        if self._size + len(data) > MAX_WAITING:
            self._dropped += 1
            return
        self._waiting.append(data)
        self._size += len(data)
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_waiting, name="log-writer", daemon=True)
            self._writer.start()

    def _write_waiting(self) -> None:
        while True:
            with self._lock:
                if not self._waiting and self._dropped:
                    self._waiting.append((self._dropped_line(self._dropped) + "\n").encode())
                    self._dropped = 0
                if not self._waiting:
                    self._size = 0
                    self._writer = None
                    return
                data = self._waiting[0]
            _write_whole(_descriptor() or 2, data)
            with self._lock:
                self._size -= len(self._waiting.popleft())

    def _finish(self) -> None:
        deadline = time.monotonic() + _LAST_SECONDS
        while self._writer is not None and time.monotonic() < deadline:
            time.sleep(0.01)


def _descriptor() -> int | None:
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def _write_ready(descriptor: int, data: bytes) -> bytes:
    """Write as much as the reader accepts at once, and return the rest."""
    ready = select.poll()
    ready.register(descriptor, select.POLLOUT)
    while data and any(event & select.POLLOUT for _, event in ready.poll(0)):
        try:
            data = data[os.write(descriptor, data[:_AT_ONCE]) :]
        except BlockingIOError:
            return data
        except OSError:
            # The reader is gone, so nobody can be told.
            return b""
    return data


def _write_whole(descriptor: int, data: bytes) -> None:
    """Write all of it, however long the reader pauses."""
    ready = select.poll()
    ready.register(descriptor, select.POLLOUT)
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            # Node and tmux make a pipe non-blocking for everybody who has it.
            ready.poll()
        except OSError:
            # The reader is gone, so nobody can be told.
            return
