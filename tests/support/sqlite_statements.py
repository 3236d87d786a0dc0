"""Records every statement that the process sends to SQLite, by whatever library and on whatever thread."""

import re
import sqlite3
import sqlite3.dbapi2
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

connect = sqlite3.connect


@contextmanager
def recorded() -> Iterator[list[tuple[str, str]]]:
    """(file, statement with its values) of all connections that are opened inside, as long as they live."""
    statements: list[tuple[str, str]] = []

    def opened(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        [file] = [row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"]
        connection.set_trace_callback(lambda statement: statements.append((file, statement)))
        return connection

    with patch.object(sqlite3, "connect", opened), patch.object(sqlite3.dbapi2, "connect", opened):
        yield statements


def shape_of(statement: str) -> str:
    """A statement without its values: lists of them count as one."""
    text = re.sub(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b", "?", " ".join(statement.split()))
    return re.sub(r"\?(?:, ?\?)+", "?", text)


def plan_of(file: str | Path, statement: str) -> list[str]:
    """The steps by which SQLite answers a statement."""
    with closing(connect(file)) as connection:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
