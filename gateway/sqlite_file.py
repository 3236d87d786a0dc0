"""Makes the files of one machine private, and classifies what SQLite says of a broken one.

The queue, the journal and the links each keep one open. A program whose open file is moved
away goes on writing to a file that nobody will read.
"""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.errors import StoreUnavailable

if TYPE_CHECKING:
    import sqlite3

FileIdentity = tuple[int, int]
"""Device and inode."""

_CORRUPT = re.compile("malformed|not a database", re.IGNORECASE)
_FULL = re.compile("disk is full|no space left|file too large|quota", re.IGNORECASE)
_BEGINNING = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html
# Tables by which a file is known, those of the first edition too.
_TABLES = {
    "QUEUE_URL": {"messages"},
    "DATABASE_URL": {"schema_version"},
    "JOURNAL_URL": {"requests", "records"},
}
# In bytes; with less, SQLite's "disk I/O error" means that there is no room for its log.
_LEAST_FREE = 1024 * 1024


def make_private(path: Path) -> None:
    """Create the file if there is none, and let only its owner read it and SQLite's files beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(open_private(path))
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        # Somebody else's file stays as it is.
        with suppress(OSError):
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def open_private(path: Path) -> int:
    """Open the file, creating it if there is none; return its descriptor.

    What root creates belongs to the owner of the folder: a command that an administrator runs before
    the service's first start must not lock the service out of its own files. SQLite does so too.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    folder = path.parent.stat()
    if os.geteuid() == 0 and folder.st_uid != 0:
        # A folder of another system may keep no owners.
        with suppress(OSError):
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
    return descriptor


def is_there(path: Path) -> bool:
    """Whether the file exists. Raises `StoreUnavailable` if this user is not allowed to see that."""
    try:
        path.stat()
    except PermissionError:
        raise StoreUnavailable("FILE_DENIED", **(denied(path) or {})) from None
    except OSError:
        return False
    return True


def unwritable_folder(path: Path) -> Path | None:
    """The nearest existing folder above a missing file if the file can't be created there; else None.

    Raises `StoreUnavailable` as `is_there` does.
    """
    if is_there(path):
        return None
    parent = next(ancestor for ancestor in path.absolute().parents if is_there(ancestor))
    return None if parent.is_dir() and _may(parent, os.W_OK | os.X_OK) else parent


def denied(path: Path) -> dict[str, Any] | None:
    """The facts of the sentence `FILE_DENIED` if this user may not use the file; else None.

    They name what belongs to another user: a folder above it, the file, or one of SQLite's beside it.
    """
    path = path.absolute()
    beside = (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"))
    for needed_path in (*reversed(path.parents), path, *beside):
        access = os.X_OK if needed_path in path.parents else os.R_OK | os.W_OK
        if needed_path == path.parent:
            access |= os.R_OK | os.W_OK
        with suppress(OSError):
            owner = needed_path.stat().st_uid
            if owner != os.geteuid() and not _may(needed_path, access):
                return {"path": needed_path, "owner": user_name(owner), "user": user_name(os.geteuid())}
    return None


def _may(path: Path, access: int) -> bool:
    return os.access(path, access, effective_ids=os.access in os.supports_effective_ids)


def user_name(number: int) -> str:
    """The name of the user with this number, or the number if it has none."""
    import pwd  # not on Windows

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # in a container
        return str(number)


def file_at(path: Path) -> FileIdentity | None:
    """The identity of the file at `path`; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def not_a_database(path: Path) -> str | None:
    """The problem of a file that SQLite could never open; None if it can be one, or if there is none yet."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        return str(error)
    try:
        beginning = os.read(descriptor, len(_BEGINNING))
    except OSError as error:  # a directory
        return str(error)
    finally:
        os.close(descriptor)
    return None if beginning in (b"", _BEGINNING) else "file is not a database"


def made_for(connection: "sqlite3.Connection", setting: str) -> str:
    """The setting that the file was made for, if that is not `setting`; "" for a new file."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {name for (name,) in rows}
    if tables & _TABLES[setting]:
        return ""
    return next((other for other, names in _TABLES.items() if tables & names), "")


def expect_own_file(connection: "sqlite3.Connection", setting: str) -> None:
    """Raise `sqlite3.DatabaseError` for another setting's file: its tables may have the same names."""
    import sqlite3  # cold start

    if other := made_for(connection, setting):
        raise sqlite3.DatabaseError(f"file of {other}")


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
