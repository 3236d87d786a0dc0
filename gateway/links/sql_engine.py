"""Opens the databases behind `SqlStore`: the engine of each kind, the tables and their version."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import SettingError, StoreUnavailable
from gateway.links.sql_failures import sentence_key
from gateway.links.sql_schema import MIGRATIONS, VERSION, metadata, schema_version
from gateway.locations import SqliteFile, SqlLocation
from gateway.postgres_url import connection_arguments
from gateway.retry import retry
from gateway.sqlite_file import denied, file_at, is_locked, kind_of_problem, made_for, make_private

# Any number of our own will do for pg_advisory_xact_lock.
_SCHEMA_LOCK = 0x62323467


def open_engine(location: SqlLocation) -> sa.Engine:
    """Open the database; whoever comes first creates the tables.

    Raises `StoreUnavailable` where the database does not answer, `SettingError`
    where its schema is newer than this program.
    """
    engine = (
        _sqlite_engine(location.path) if isinstance(location, SqliteFile) else _postgres_engine(location.url)
    )
    try:
        with failures(engine):
            _prepare(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def unavailable(error: Exception, engine: sa.Engine | None = None) -> StoreUnavailable:
    """What to raise for a driver's error: a `StoreUnavailable` whose sentence says what to do."""
    cause = getattr(error, "orig", None) or error
    if not isinstance(cause, sqlite3.Error):
        return StoreUnavailable(sentence_key(cause), problem=type(cause).__name__, path="DATABASE_URL")
    path = Path(str(engine.url.database)) if engine is not None else Path("DATABASE_URL")
    if engine is not None and (owner := denied(path)):
        return StoreUnavailable("FILE_DENIED", **owner)
    # SQLite's "disk I/O error" may mean a full disk.
    if engine is not None and kind_of_problem(str(cause), path) == "FULL":
        return StoreUnavailable("STORE_FULL")
    return StoreUnavailable(sentence_key(cause), problem=str(cause), path=path)


@contextmanager
def failures(engine: sa.Engine | None = None) -> Iterator[None]:
    """Raise `StoreUnavailable` in place of the driver's errors."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        # The driver raises its own error where a new connection fails.
        raise unavailable(error, engine) from None
    except OSError as error:
        # The directory of the SQLite file may be at fault.
        key = "STORE_FULL" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "STORE_CLOSED"
        raise StoreUnavailable(key, problem=error) from None


def _sqlite_engine(path: Path) -> sa.Engine:
    with failures(), suppress(PermissionError):
        make_private(path)
    opened = file_at(path)
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"timeout": 15, "check_same_thread": False},
        # A file has one writer at a time. Threads that wait for the connection wait for each other; with a
        # connection each, SQLite would make them poll, and read again what another has written.
        pool_size=1,
        max_overflow=0,
        pool_reset_on_return=None,
        hide_parameters=True,
    )

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # The driver begins no transaction by itself: `_begin` does.
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout = 15000")
        connection.execute("PRAGMA synchronous = FULL")
        # Data that `links forget` erases must be gone from the file's free pages too.
        connection.execute("PRAGMA secure_delete = ON")

    @sa.event.listens_for(engine, "checkout")
    def _checkout(*_: Any) -> None:
        """Refuse a file that was moved away: links written to it would be reported, and then be lost."""
        if opened != file_at(path):
            raise StoreUnavailable("STORE_REPLACED", path=path)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        begin = connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE")
        connection.connection.cursor().execute(begin)

    return engine


def _postgres_engine(url: str) -> sa.Engine:
    """An engine connecting by libpq's own parameters: SQLAlchemy knows neither all of them nor several hosts.

    Without prepared statements: behind PgBouncer in transaction mode, the next transaction
    may run on a server that has not prepared them.
    """
    from gateway.links.postgres_connection import Connection  # optional

    arguments: dict[str, Any] = {"connect_timeout": "5"} | connection_arguments(url)
    return sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: Connection.connect(**arguments, prepare_threshold=None),
        pool_timeout=10,
        hide_parameters=True,
    )


def _prepare(engine: sa.Engine) -> None:
    if engine.dialect.name == "sqlite":
        _turn_wal_on(str(engine.url.database))
    with engine.execution_options(sqlite_begin="BEGIN").connect() as connection:
        if sa.inspect(connection).has_table(schema_version.name) and _version(connection) == VERSION:
            return
    with engine.begin() as connection:
        driver_connection: Any = connection.connection.dbapi_connection
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
        elif other := made_for(driver_connection, "DATABASE_URL"):
            raise SettingError("DATABASE_URL", "EXPECTED_OWN_FILE", other=other)
        metadata.create_all(connection, tables=[schema_version])
        version = _version(connection)
        if version is None:
            metadata.create_all(connection)
            connection.execute(sa.insert(schema_version), {"version": VERSION})
            return
        if version > VERSION:
            raise SettingError("DATABASE_URL", "STORE_NEWER", version=version, known=VERSION)
        _set_unbounded(connection, True)
        for older in range(version, VERSION):
            for statement in MIGRATIONS[older]:
                connection.execute(sa.text(statement))
        _set_unbounded(connection, False)
        connection.execute(sa.update(schema_version), {"version": VERSION})


def _set_unbounded(connection: sa.Connection, unbounded: bool) -> None:
    """Let a migration take as long as it needs; on SQLite nothing bounds it."""
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        driver.unbounded = unbounded


def _version(connection: sa.Connection) -> int | None:
    version: int | None = connection.scalar(sa.select(schema_version.c.version))
    return version


def _turn_wal_on(path: str) -> None:
    """Turn the write-ahead log on; that needs exclusive use of the file, which SQLite does not wait for."""

    def turn_on() -> None:
        with closing(sqlite3.connect(path, timeout=0.2)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")

    try:
        retry(turn_on, is_locked, attempts=100, first=0.1, longest=0.1)
    except sqlite3.OperationalError as error:
        if not is_locked(error):
            raise
        raise StoreUnavailable("STORE_LOCKED") from None
