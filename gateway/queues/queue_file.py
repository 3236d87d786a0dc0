"""Opens the embedded queue's file, gives each thread its turn at it, and says what is wrong with it."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.errors import QueueUnavailable
from gateway.retry import retry
from gateway.sqlite_file import FileIdentity, denied, file_at, is_locked, kind_of_problem, make_private

log = logging.getLogger("gateway.queues")


class QueueFile:
    """One file, for any number of threads; `prepare` makes its tables on a new connection."""

    def __init__(self, path: Path, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.connections: dict[str, sqlite3.Connection] = {}
        self._prepare = prepare
        # What the connections are open on.
        self._file: FileIdentity | None = None

    @contextmanager
    def turn(self, synchronous: str, timeout: float) -> Iterator[sqlite3.Connection]:
        """One thread at a time; other processes are waited for as long as `timeout` leaves.

        A worker's connection is `NORMAL`: the lease or acknowledgement that a power cut takes
        back only makes a message come again. Publishing is `FULL`.
        """
        with self.locked(timeout) as deadline, self.opened(synchronous, deadline) as connection:
            yield connection

    @contextmanager
    def locked(self, timeout: float) -> Iterator[float]:
        """This thread's turn among those of the process; gives the deadline, of `time.monotonic()`."""
        deadline = time.monotonic() + timeout
        if not self.lock.acquire(timeout=max(0.0, timeout)):
            raise self.failure("busy")
        try:
            yield deadline
        finally:
            self.lock.release()

    @contextmanager
    def opened(self, synchronous: str, deadline: float) -> Iterator[sqlite3.Connection]:
        """The connection to the file that is at the path now, for whoever has the turn."""
        try:
            if self._file is not None and self._file != file_at(self.path):
                log.error(QueueUnavailable("QUEUE_FILE_REPLACED", path=self.path))
                # Nobody would read what is written to the old file.
                self._close()
            connection = self.connections.get(synchronous) or self._open(synchronous, deadline)
            milliseconds = max(0, int((deadline - time.monotonic()) * 1000))
            connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
            yield connection
        except (sqlite3.Error, OSError) as error:
            self._close()
            raise self.failure(str(error)) from None

    def close(self) -> None:
        with self.lock:
            self._close()

    def failure(self, problem: str) -> QueueUnavailable:
        """What to raise for SQLite's `problem`, or the system's."""
        return failure_of(self.path, problem)

    def _open(self, synchronous: str, deadline: float) -> sqlite3.Connection:
        make_private(self.path)
        connection = sqlite3.connect(self.path, timeout=0.1, isolation_level=None, check_same_thread=False)

        def begin() -> None:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute("PRAGMA secure_delete = ON")
            self._prepare(connection)

        try:
            # Two processes may create it at once, and SQLite does not wait for that.
            retry(begin, is_locked, first=0.02, longest=0.02, until=deadline)
        except sqlite3.Error:
            connection.close()
            raise
        self.connections[synchronous] = connection
        self._file = file_at(self.path)
        return connection

    def _close(self) -> None:
        for connection in self.connections.values():
            with suppress(sqlite3.Error):
                connection.close()
        self.connections.clear()
        self._file = None


def failure_of(path: Path, problem: str) -> QueueUnavailable:
    """What to raise, or to say, for the `problem` that SQLite or the system has with the queue's file."""
    if owner := denied(path):
        return QueueUnavailable("FILE_DENIED", **owner)
    return QueueUnavailable(f"QUEUE_FILE_{kind_of_problem(problem, path)}", path=path, problem=problem)
