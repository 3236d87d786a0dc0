"""Parses the addresses of the queue, the links and the journal, once and nowhere else."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import SettingError
from gateway.sqlite_file import is_there

_DATABASES = "sqlite:///PATH | postgresql://USER:PASSWORD@HOST/NAME | firestore://PROJECT/DATABASE"
_PUBSUB = re.compile(r"pubsub://([a-z][a-z0-9.:-]{0,60})/([A-Za-z][A-Za-z0-9._~+%-]{2,254})")
_FIRESTORE = re.compile(r"firestore://([a-z][a-z0-9.:-]{0,60})/(\(default\)|[a-z][a-z0-9-]{0,62})")


@dataclass(frozen=True)
class SqliteFile:
    """`sqlite:///PATH`. The first writer creates the file."""

    path: Path
    kind = "sqlite"
    passwords = ()

    def __str__(self) -> str:
        return f"sqlite:///{self.path}"


@dataclass(frozen=True)
class PubSubTopic:
    """`pubsub://PROJECT/TOPIC`."""

    project: str
    name: str
    kind = "pubsub"

    def __str__(self) -> str:
        return f"pubsub://{self.project}/{self.name}"


@dataclass(frozen=True)
class FirestoreDatabase:
    """`firestore://PROJECT/DATABASE`."""

    project: str
    name: str
    kind = "firestore"
    passwords = ()


@dataclass(frozen=True)
class PostgresDatabase:
    """`postgresql://…`, which `gateway.postgres_url` reads; it may hold a password, so it is never shown."""

    url: str = field(repr=False)
    kind = "postgresql"

    @property
    def passwords(self) -> tuple[str, ...]:
        """The secrets in the address, each as written and percent-decoded."""
        from gateway.postgres_url import passwords  # cold start

        return passwords(self.url)


QueueLocation = SqliteFile | PubSubTopic
SqlLocation = SqliteFile | PostgresDatabase
StoreLocation = SqlLocation | FirestoreDatabase


def is_missing(location: QueueLocation | StoreLocation) -> bool:
    """Whether it is a file that does not exist yet; then tools have nothing to show, and create nothing."""
    return isinstance(location, SqliteFile) and not is_there(location.path)


def queue_location(url: str) -> QueueLocation:
    """The location that `QUEUE_URL` names. Raises `SettingError`, as all of these do."""
    if match := _PUBSUB.fullmatch(url):
        return PubSubTopic(match[1], match[2])
    if url.startswith("pubsub:"):
        raise SettingError("QUEUE_URL", "EXPECTED_FORM", form="pubsub://PROJECT/TOPIC")
    return sqlite_file("QUEUE_URL", url, "sqlite:///PATH | pubsub://PROJECT/TOPIC")


def store_location(url: str) -> StoreLocation:
    """The location that `DATABASE_URL` names."""
    if match := _FIRESTORE.fullmatch(url):
        return FirestoreDatabase(match[1], match[2])
    return sql_location(url)


def sql_location(url: str) -> SqlLocation:
    """The location of a `DATABASE_URL` that is not Firestore's."""
    if url.startswith("sqlite:"):
        return sqlite_file("DATABASE_URL", url)
    # Railway and Heroku write `postgres:`, SQLAlchemy's users `postgresql+asyncpg:`.
    is_postgres = url.startswith("postgres")
    url = re.sub(r"^postgres(?:ql)?(?:\+\w+)?:", "postgresql:", url)
    from gateway.postgres_url import connection_arguments  # cold start

    try:
        connection_arguments(url)
    except ValueError as error:
        name = str(error)
        if re.fullmatch(r"[a-z_]{1,40}", name):
            raise SettingError("DATABASE_URL", "EXPECTED_LIBPQ", parameter=name) from None
        if is_postgres:
            raise SettingError("DATABASE_URL", "EXPECTED_POSTGRES") from None
        raise SettingError("DATABASE_URL", "EXPECTED_FORM", form=_DATABASES) from None
    return PostgresDatabase(url)


def sqlite_file(setting: str, url: str, form: str = "sqlite:///PATH") -> SqliteFile:
    """The file that `sqlite:///PATH` names."""
    if not re.fullmatch(r"sqlite:///[^?#]+", url) or url.endswith(("/", ":memory:")):
        raise SettingError(setting, "EXPECTED_FORM", form=form)
    return SqliteFile(Path(os.path.expanduser(url.removeprefix("sqlite:///"))))
