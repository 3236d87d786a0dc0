"""The files of one machine: readable only by their owner, and what SQLite says of a broken one.

The queue, the journal and the links each keep one open. Whoever moves such a file away
while it is open leaves a program that goes on writing to what nobody will read.
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from gateway.errors import StoreUnavailable

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
    os.close(open_private(path))
    for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with suppress(OSError):  # another's file, or none
            if one.stat().st_mode & 0o077:
                one.chmod(0o600)


def open_private(path: Path) -> int:
    """A descriptor of the file, which is created where there is none.

    What root creates belongs to the owner of the folder: a command that an administrator runs before
    the service's first start must not lock the service out of its own files. SQLite does so too.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    folder = path.parent.stat()
    if os.geteuid() == 0 and folder.st_uid != 0:
        with suppress(OSError):  # a folder of another system, which keeps no owners
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def is_there(path: Path) -> bool:
    """Whether the file exists. Raises `StoreUnavailable` where this user may not know: that is no "no"."""
    try:
        path.stat()
    except PermissionError:
        raise StoreUnavailable("FILE_DENIED", **(denied(path) or {})) from None
    except OSError:
        return False
    return True


def denied(path: Path) -> dict[str, Any] | None:
    """Which of the file, SQLite's beside it and the folders above this user may not use, as it is another's.

    The facts of the sentence `FILE_DENIED`, or None.
    """
    path = path.absolute()
    beside = (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))
    for one in (*reversed(path.parents), path, *beside):
        needed = os.X_OK if one in path.parents else os.R_OK | os.W_OK
        if one == path.parent:
            needed |= os.R_OK | os.W_OK
        with suppress(OSError):
            owner = one.stat().st_uid
            if owner != os.geteuid() and not _may(one, needed):
                return {"path": one, "owner": user_name(owner), "user": user_name(os.geteuid())}
    return None


def _may(path: Path, needed: int) -> bool:
    return os.access(path, needed, effective_ids=os.access in os.supports_effective_ids)


def user_name(number: int) -> str:
    import pwd  # not on Windows

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # in a container
        return str(number)


def file_at(path: Path) -> File | None:
    """The identity of the file at `path`; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_locked(failure: Exception) -> bool:
    """Whether SQLite failed because another connection is in its way, where it does not wait for that."""
    return "locked" in str(failure)


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
