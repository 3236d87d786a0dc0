"""A real PostgreSQL of our own: a new cluster in a temporary directory, reached by its socket alone."""

import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

# Debian's package brings this account; postgres refuses to run as root.
_ACCOUNT = "postgres"


@dataclass(frozen=True)
class Postgres:
    """A running cluster; `stop` and `start` are for tests of what happens when it goes away."""

    programs: Path
    directory: Path
    user: str

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}@/{database}?host={self.directory}"

    def start(self) -> None:
        # Durability does not matter here: a test's cluster is thrown away.
        options = f"-k {self.directory} -c listen_addresses='' -c fsync=off -c max_connections=200"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Stop every process of the cluster: its kernel accepts and acknowledges, and nobody answers."""
        postmaster = int((self.directory / "data/postmaster.pid").read_text().split("\n")[0])
        stopped: list[int] = []
        try:
            # It is stopped first, so that it starts no more of them.
            os.kill(postmaster, signal.SIGSTOP)
            stopped.append(postmaster)
            for child in _children(postmaster):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGSTOP)
                    stopped.append(child)
            yield
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)

    def new_database(self) -> str:
        """The address of an empty database."""
        name = f"test_{uuid4().hex}"
        self._run("createdb", "-h", str(self.directory), name)
        return self.url(name)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        user = self.user if os.getuid() == 0 else None
        process = subprocess.run(
            command,
            cwd=self.directory,
            user=user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.returncode == 0, process.stderr


def _children(process: int) -> list[int]:
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in brackets, may hold spaces.
            if int(status.read_text().rpartition(")")[2].split()[1]) == process:
                children.append(int(status.parent.name))
    return children


def _programs() -> Path | None:
    folders = [Path(path).parent for path in [shutil.which("initdb")] if path]
    folders += sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1] if folders else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's cluster."""
    with running_postgres() as cluster:
        yield cluster


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A new cluster, or a skip that says how to install it."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed here: apt-get install postgresql")
    user = getpass.getuser()
    # A short name, because a socket's path has at most 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="pg"))
    if os.getuid() == 0:
        user = _ACCOUNT
        try:
            account = pwd.getpwnam(user)
        except KeyError:
            pytest.skip(
                f"as root, PostgreSQL's tests need an account named {user}: apt-get install postgresql"
            )
        os.chown(directory, account.pw_uid, account.pw_gid)
    cluster = Postgres(programs, directory, user)
    try:
        cluster._run("initdb", "-D", "data", "-A", "trust", "-U", user, "-E", "UTF8", "--no-sync")
        cluster.start()
        yield cluster
    finally:
        if (directory / "data/postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """The address of an empty database of the session's cluster."""
    return postgres.new_database()
