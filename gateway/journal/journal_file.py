"""The journal's file: the connection that writes to it, and what is wrong with it."""

import logging
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.errors import PassingFailure
from gateway.journal import schema
from gateway.sqlite_file import FileIdentity, denied, file_at, is_there, kind_of_problem, make_private

# The longest wait for another process that opens the file.
OPEN_SECONDS = 0.4

log = logging.getLogger("gateway.journal")


class JournalUnavailable(PassingFailure):
    """The journal could not be read or changed by a tool."""


class JournalFile:
    """One file, for any number of threads: whoever writes holds `lock`.

    `failure` is why the last record could not be written; None if it was.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.failure: JournalUnavailable | None = None
        self._connection: sqlite3.Connection | None = None
        # The file that the connection is open on.
        self._file: FileIdentity | None = None

    def opened(self) -> sqlite3.Connection:
        """The connection to the file that is at the path now."""
        if self._connection is not None and self._file != file_at(self.path):
            log.error(JournalUnavailable("JOURNAL_REPLACED", path=self.path))
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = self.open()
            self._file = file_at(self.path)
        return self._connection

    def open(self, timeout: float = OPEN_SECONDS, writes: bool = True) -> sqlite3.Connection:
        """A new connection; missing tables are made, and those of an earlier edition are upgraded."""
        if writes:
            make_private(self.path)
        connection = sqlite3.connect(
            self.path, timeout=timeout, isolation_level=None, check_same_thread=False
        )
        try:
            # What is erased is gone from the file.
            connection.execute("PRAGMA secure_delete = ON")
            if writes:
                connection.execute("PRAGMA journal_mode = WAL")
            schema.prepare(connection, _take_over)
        except (sqlite3.Error, ValueError):
            connection.close()
            raise
        return connection

    def failed(self, problem: str) -> bool:
        """Note that a record could not be written, and log the first of several failures; returns False."""
        reported, self.failure = self.failure, self.unavailable(problem)
        if reported is None:
            log.error(self.failure)
        return False

    def unavailable(self, problem: str) -> JournalUnavailable:
        """What to raise or log for SQLite's `problem`, or the system's."""
        if owner := denied(self.path):
            return JournalUnavailable("FILE_DENIED", **owner)
        key = f"JOURNAL_{kind_of_problem(problem, self.path)}"
        return JournalUnavailable(key, path=self.path, problem=problem)

    def is_written(self) -> bool:
        """Whether the file has any record: an empty file's writer ended before its first one."""
        return is_there(self.path) and self.path.stat().st_size > 0

    def close(self) -> None:
        """Close the connection; `opened` opens it again."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None


def _take_over(connection: sqlite3.Connection, kind: str, at: float, record: Mapping[str, Any]) -> None:
    from gateway.journal.first_edition import take_over  # cold start

    take_over(connection, kind, at, record)
