"""Reads the table `functions` beside main.py: which functions there are, and which event each one wants."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

# pip puts main.py, the table and the documents here, where there is no repository.
_INSTALLED = Path(__file__).with_name("installed")
MAIN = (_INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[1]) / "main.py"
TABLE = MAIN.with_name("functions")
DOCS = MAIN.with_name("docs")
IS_INSTALLED = _INSTALLED.is_dir()


class Function(NamedTuple):
    """A line of the table; `event` and `subscription` are "" where the function has none."""

    name: str
    kind: str
    event: str
    subscription: str


@cache
def functions() -> tuple[Function, ...]:
    """All functions, in the order in which they are deployed: consumers before the receiver."""
    lines = (line.split() for line in TABLE.read_text("utf-8").splitlines() if not line.startswith("#"))
    return tuple(Function(*("" if word == "-" else word for word in line)) for line in lines if line)


def of_kind(kind: str) -> tuple[Function, ...]:
    """The functions of one kind, in the table's order."""
    return tuple(function for function in functions() if function.kind == kind)
