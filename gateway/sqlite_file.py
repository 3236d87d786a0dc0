"""The files of one machine: readable only by their owner, and what SQLite says of a broken one.

The queue, the journal and the links each keep one open. Whoever moves such a file away
while it is open leaves a program that goes on writing to what nobody will read.
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

File = tuple[int, int]
"""Device and inode."""

_CORRUPT = re.compile("malformed|not a database", re.IGNORECASE)
_FULL = re.compile("disk is full|no space left|file too large|quota", re.IGNORECASE)
_LEAST_FREE = (
    1024 * 1024
)  # bytes; with less, SQLite's "disk I/O error" means that there is no room for its log


def make_private(path: Path) -> None:
    """Create the file where there is none, and let nobody but its owner read it and SQLite's beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with suppress(OSError):  # another's file, or none
            if one.stat().st_mode & 0o077:
                one.chmod(0o600)


def file_at(path: Path) -> File | None:
    """The identity of the file at `path`; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def kind_of_problem(problem: str, path: Path) -> str:
    """`CORRUPT`, `FULL` or `FAILED`, from SQLite's own words or the system's."""
    if _CORRUPT.search(problem):
        return "CORRUPT"
    if _FULL.search(problem):
        return "FULL"
    if "disk I/O error" in problem or "unable to open database file" in problem:
        with suppress(OSError):
            if shutil.disk_usage(path.parent).free < _LEAST_FREE:
                return "FULL"
    return "FAILED"
