"""Real processes of the gateway on free ports: the functions under functions-framework, and `serve`."""

import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

import pytest

from gateway.journal import Filters, Journal, Request
from gateway.locations import sqlite_file
from tests.support.commands import Process, start_command
from tests.support.deliveries import AGENT, FORM, TOKEN

ROOT = Path(__file__).parents[2]
# In seconds: a slow machine is no failure.
STARTS_WITHIN = 60


@dataclass
class Answer:
    """An HTTP answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Running:
    """A process that listens on loopback; `log()` is all it wrote to standard error so far."""

    process: Process
    port: int
    stderr: Path
    env: Mapping[str, str] = field(repr=False, default_factory=dict)

    def log(self) -> str:
        return self.stderr.read_text("utf-8", "replace")

    def records(self) -> list[dict[str, Any]]:
        """The structured records it wrote (`LOG_FORMAT=json`); the last line may be half written as yet."""
        whole = self.log().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def request(
        self,
        method: str = "POST",
        path: str = "/api/bitrix/webhook",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            # It was refused before it was sent whole.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read())
        finally:
            connection.close()

    def post(self, body: bytes, path: str = "/api/bitrix/webhook", **headers: str) -> Answer:
        """A POST as Bitrix24's engine sends it; header names with `_` for `-`."""
        http_headers = {"Content-Type": FORM, "User-Agent": AGENT}
        http_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, body, http_headers)

    def raw(self, data: bytes, wait: float = 60.0) -> bytes:
        """Send bytes as they are and read until the far side closes or `wait` seconds pass in silence."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as connection:
            connection.sendall(data)
            received = b""
            try:
                while chunk := connection.recv(65536):
                    received += chunk
                    if _is_whole(received):
                        break
            except TimeoutError:
                pass
            return received

    def stop(self, number: int = signal.SIGTERM, wait: float = 60.0) -> int:
        """Signal the process and wait for its end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(wait)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


Start = Callable[..., Running]
Launch = Callable[[str, int, Mapping[str, str], Path, IO[bytes]], Process]
T = TypeVar("T")


def wait_for(look: Callable[[], T], seconds: float = 60.0) -> T:
    """The first true answer of `what`; what is written behind an answer takes its moment."""
    ends = time.monotonic() + seconds
    while not (result := look()):
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)
    return result


def recorded(server: Running, **filters: Any) -> list[Request]:
    """The requests of the server's journal that these filters let through, once there is one.

    The journal is written behind the answer: who reads it at once may find nothing yet.
    """
    journal = Journal(sqlite_file("JOURNAL_URL", server.env["JOURNAL_URL"]).path)
    return wait_for(lambda: list(journal.page(Filters(**filters)).requests))


def environment(tmp_path: Path, **settings: str) -> dict[str, str]:
    """A clean environment: the files of the embedded parts in `tmp_path`, one accepted token."""
    values = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **values,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
        "QUEUE_URL": f"sqlite:///{tmp_path}/queue.db",
        "DATABASE_URL": f"sqlite:///{tmp_path}/links.db",
        "JOURNAL_URL": f"sqlite:///{tmp_path}/journal.db",
        **settings,
    }


def free_port() -> int:
    """A port that nobody listens on, below those that connections get: none of these takes it meanwhile."""
    while True:
        port = random.SystemRandom().randrange(11_000, 32_000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


@pytest.fixture(scope="module")
def module_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture
def start_function(tmp_path: Path) -> Iterator[Start]:
    """`start_function(target, **settings)`: one function under functions-framework, for one test."""
    yield from starter(tmp_path, _function)


@pytest.fixture(scope="module")
def start_module_function(module_path: Path) -> Iterator[Start]:
    """The same for all tests of a module."""
    yield from starter(module_path, _function)


@pytest.fixture
def start_serve(tmp_path: Path) -> Iterator[Start]:
    """`start_serve(**settings)`: everything on one machine, for one test."""
    yield from starter(tmp_path, _serve)


@pytest.fixture(scope="module")
def start_module_serve(module_path: Path) -> Iterator[Start]:
    """The same for all tests of a module."""
    yield from starter(module_path, _serve)


def _serve(_target: str, _port: int, env: Mapping[str, str], path: Path, sink: IO[bytes]) -> Process:
    with open(os.devnull, "rb") as devnull:
        return start_command("serve", env=env, cwd=path, stdin=devnull, stdout=sink, stderr=sink)


def function_command(target: str, port: int) -> tuple[str, ...]:
    """One function under functions-framework, as `start_command` takes it."""
    source = ("--source", str(ROOT / "main.py"))
    return ("functions_framework", "--target", target, *source, "--host", "127.0.0.1", "--port", str(port))


def _function(target: str, port: int, env: Mapping[str, str], path: Path, sink: IO[bytes]) -> Process:
    command = function_command(target, port)
    with open(os.devnull, "rb") as devnull:
        return start_command(*command, env=env, cwd=path, stdin=devnull, stdout=sink, stderr=sink)


def program(text: str) -> Launch:
    """`python -c` with this text."""

    def launch(_target: str, _port: int, env: Mapping[str, str], path: Path, sink: IO[bytes]) -> Process:
        with open(os.devnull, "rb") as devnull:
            return start_command("-c", text, env=env, cwd=path, stdin=devnull, stdout=sink, stderr=sink)

    return launch


def starter(tmp_path: Path, launch: Launch) -> Iterator[Start]:
    """The only item starts gateways by `launch`; they are stopped when the iterator goes on."""
    running: list[Running] = []

    def start(target: str = "serve", **settings: str) -> Running:
        port = free_port()
        env = environment(tmp_path, **{"HOST": "127.0.0.1", "PORT": str(port), **settings})
        stderr = tmp_path / f"{target}-{len(running)}.stderr"
        with stderr.open("wb") as sink:
            process = launch(target, port, env, tmp_path, sink)
        started = Running(process, port, stderr, env)
        running.append(started)
        wait_until_listening(started)
        return started

    yield start
    for started in running:
        started.stop()


def wait_until_listening(started: Running) -> None:
    ends = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < ends:
        if started.process.poll() is not None:
            pytest.fail(f"exit code {started.process.returncode} at start:\n{started.log()}")
        try:
            host = "::1" if started.env.get("HOST") == "::1" else "127.0.0.1"
            socket.create_connection((host, started.port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"did not listen within {STARTS_WITHIN} s:\n{started.log()}")


def _is_whole(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    return bool(separator) and length is not None and len(body) >= int(length[1])
