"""Keeps the connections that the journal is read by: opening one takes as long as a query."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gateway.sqlite_file import FileIdentity, file_at

# How many connections wait for the next query.
KEPT = 4


class Readers:
    """Gives each query a connection for itself, to the file that is at the path then."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._waiting: deque[tuple[FileIdentity | None, sqlite3.Connection]] = deque()

    @contextmanager
    def one(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses; one on which a query failed is not used again."""
        file = file_at(self._path)
        connection = self._waiting_on(file) or self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if len(self._waiting) < KEPT:
            self._waiting.append((file, connection))
        else:
            connection.close()

    def _waiting_on(self, file: FileIdentity | None) -> sqlite3.Connection | None:
        with suppress(IndexError):
            while True:
                opened_on, connection = self._waiting.pop()
                if opened_on == file:
                    return connection
                # The file was moved away.
                connection.close()
        return None

    def close(self) -> None:
        """Close those that wait."""
        with suppress(IndexError):
            while True:
                self._waiting.pop()[1].close()

    def __del__(self) -> None:
        self.close()
