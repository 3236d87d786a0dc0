"""The gateway's processes, each call with an environment of its own: see `command_server`."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol

import pytest

from tests.support.forked import Forked, fork

ROOT = Path(__file__).parents[2]


class Process(Protocol):
    """What tests need of a process: of `subprocess.Popen`, and of one that was forked."""

    pid: int

    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


class _Server:
    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.support.command_server", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def start(self, command: tuple[str, ...], call: dict[str, Any], streams: tuple[int, int, int]) -> Forked:
        return fork(self._connection, command, call, streams)

    def close(self) -> None:
        self._connection.close()
        self._process.wait(30)


_server = cache(_Server)


def start_command(
    *command: str,
    env: Mapping[str, str],
    cwd: Path,
    stdin: IO[Any],
    stdout: IO[Any],
    stderr: IO[Any],
    session: bool = False,
) -> Process:
    """Start `python -m gateway COMMAND`, `python -m functions_framework …` or `python -c PROGRAM …`.

    With `session` it leads a process group of its own.
    """
    call = {"environment": dict(env), "directory": str(cwd), "session": session}
    return _server().start(command, call, (stdin.fileno(), stdout.fileno(), stderr.fileno()))


def run_command(
    *arguments: str, env: Mapping[str, str], cwd: Path = ROOT, stdin: bytes = b"", timeout: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """`python -m gateway ARGUMENTS` with exactly this environment; its exit code and what it wrote."""
    with (
        tempfile.TemporaryFile() as input_file,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        input_file.write(stdin)
        input_file.seek(0)
        process = start_command(*arguments, env=env, cwd=cwd, stdin=input_file, stdout=out, stderr=err)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(
            ["gateway", *arguments], code, out.read().decode(), err.read().decode()
        )


@pytest.fixture(scope="session", autouse=True)
def _commands_end() -> Iterator[None]:
    yield
    if _server.cache_info().currsize:
        _server().close()
