"""The gateway's processes, each call with an environment of its own: see `command_server`."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol

import pytest

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


class Forked:
    """A process of the command server's, used as one of `subprocess.Popen` is."""

    def __init__(self, command: tuple[str, ...], connection: socket.socket) -> None:
        self._command = command
        self._connection = connection
        self.returncode: int | None = None
        self.pid = self._number(60.0)

    def poll(self) -> int | None:
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            try:
                self.returncode = self._number(timeout)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self._command, timeout or 0.0) from None
            self._connection.close()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        # Otherwise its number may be another's by now.
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _number(self, timeout: float | None) -> int:
        self._connection.settimeout(timeout)
        received = self._connection.recv(4)
        assert len(received) == 4, "the process that runs the commands has ended"
        return int.from_bytes(received, "big", signed=True)


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

    def start(self, command: tuple[str, ...], call: dict[str, Any], streams: tuple[IO[Any], ...]) -> Forked:
        data = json.dumps(call | {"command": command}).encode()
        ours, theirs = socket.socketpair()
        with theirs:
            passed = [*(stream.fileno() for stream in streams), theirs.fileno()]
            socket.send_fds(self._connection, [len(data).to_bytes(4, "big")], passed)
            self._connection.sendall(data)
        return Forked(command, ours)

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
    return _server().start(command, call, (stdin, stdout, stderr))


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
