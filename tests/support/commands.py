"""The gateway's commands, each call with an environment of its own: see `command_server`."""

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

import pytest

ROOT = Path(__file__).parents[2]


class _Server:
    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.support.command_server", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
        )
        theirs.close()

    def run(
        self, arguments: tuple[str, ...], env: Mapping[str, str], cwd: Path, stdin: bytes, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        call = {"arguments": arguments, "environment": dict(env), "directory": str(cwd)}
        data = json.dumps(call).encode()
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin)
            given.seek(0)
            streams = [given.fileno(), out.fileno(), err.fileno()]
            socket.send_fds(self._connection, [len(data).to_bytes(4, "big")], streams)
            self._connection.sendall(data)
            child = self._number(60.0)
            try:
                code = self._number(timeout)
            except TimeoutError:
                os.kill(child, signal.SIGKILL)
                self._number(60.0)
                raise subprocess.TimeoutExpired(["gateway", *arguments], timeout) from None
            out.seek(0)
            err.seek(0)
            command = ["gateway", *arguments]
            return subprocess.CompletedProcess(command, code, out.read().decode(), err.read().decode())

    def _number(self, timeout: float) -> int:
        self._connection.settimeout(timeout)
        received = self._connection.recv(4)
        assert len(received) == 4, "the process that runs the commands has ended"
        return int.from_bytes(received, "big", signed=True)

    def close(self) -> None:
        self._connection.close()
        self._process.wait(30)


_server = cache(_Server)


def run_command(
    *arguments: str, env: Mapping[str, str], cwd: Path = ROOT, stdin: bytes = b"", timeout: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """`python -m gateway ARGUMENTS` with exactly this environment; its exit code and what it wrote."""
    return _server().run(arguments, env, cwd, stdin, timeout)


@pytest.fixture(scope="session", autouse=True)
def _commands_end() -> Iterator[None]:
    yield
    if _server.cache_info().currsize:
        _server().close()
