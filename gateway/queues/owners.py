"""Tells which leasing processes are alive: each holds a lock on one byte of a file beside the queue.

The kernel drops a lock with its process, however that ends. So a restarted worker knows at once
which leases are nobody's, and never takes one from a process that still works.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from gateway.sqlite_file import open_private

try:
    import fcntl
except ImportError:
    # On Windows leases end only by time.
    fcntl = None  # type: ignore[assignment]


class Owner:
    """Holds the number of this process among those that lease; `is_gone` tells whether another has ended."""

    def __init__(self, queue: Path) -> None:
        self._path = queue.with_name(f"{queue.name}.owners")
        self._descriptor: int | None = None
        self.number = 0

    def take(self) -> int:
        """Take a number and hold its byte until the process ends; closing any descriptor would release it."""
        if self._descriptor is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = open_private(self._path)
            self.number = secrets.randbelow(2**40) + 1
            if fcntl is not None:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self.number)
        return self.number

    def is_gone(self, number: int) -> bool:
        """Whether the process with this number has ended."""
        if number == self.number or fcntl is None or self._descriptor is None:
            return False
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, number)
        return True

    def close(self) -> None:
        """Give the number back: from now on nobody owns this process's leases."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = None
