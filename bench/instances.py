"""Starts functions under functions-framework as Google does: one process, 8 threads."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
APPS = {
    "hello": (ROOT / "bench/apps/hello.py", "hello"),
    "naive": (ROOT / "bench/apps/naive.py", "naive"),
    "ours": (ROOT / "main.py", "bitrix_webhook"),
    "google": (ROOT / "bench/apps/google.py", "bitrix_webhook"),
    "instant": (ROOT / "bench/apps/instant.py", "bitrix_webhook"),
}
STARTS_WITHIN = 60.0  # seconds


class EventLost(Exception):
    """A good event was refused, or is not on the queue, so the run's figures are void."""


@dataclass
class Instance:
    """A running function; `log` is what it wrote to standard error."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def post(self, request: bytes) -> bytes:
        """One whole HTTP request on a new connection, waiting for the server to come up; its answer."""
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
                    connection.sendall(request)
                    return read_answer(connection)
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"did not start:\n{self.log.read_text()}") from None
                time.sleep(0.001)

    def memory(self) -> int:
        """Bytes resident in the worker process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        pages = Path(f"/proc/{children[0]}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


def read_answer(connection: socket.socket) -> bytes:
    """Read an answer that has a Content-Length; raises `EventLost` for any status but 200."""
    received = b""
    while not is_whole(received):
        chunk = connection.recv(65536)
        if not chunk:
            break
        received += chunk
    if not received.startswith(b"HTTP/1.1 200"):
        raise EventLost(received.decode(errors="replace") or "no answer")
    return received


def is_whole(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    _, label, rest = head.lower().partition(b"content-length:")
    return bool(separator and label) and len(body) >= int(rest.split(b"\r", 1)[0])


@contextmanager
def start(app: str, directory: Path, settings: Mapping[str, str]) -> Iterator[Instance]:
    """Start one of `APPS` on a free port; ended at the end of the block."""
    source, target = APPS[app]
    port = free_port()
    command = [sys.executable, "-m", "functions_framework", "--target", target, "--source", str(source)]
    log = directory / f"{app}.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=directory,
            env=environment(ROOT) | {"THREADS": "8"} | dict(settings),
            stdout=sink,
            stderr=sink,
        )
    with ends_after(process):
        yield Instance(process, port, log)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(root: Path) -> dict[str, str]:
    """The environment that a process of the build in `root` needs, without any of our own settings."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    return env | {"PYTHONPATH": os.pathsep.join(filter(None, (str(root), env.get("PYTHONPATH"))))}


@contextmanager
def ends_after(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process at the end of the block: SIGTERM first, SIGKILL if that does not help."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def far_side(*arguments: str) -> Iterator[int]:
    """Start a process of `bench.far_side`; its port."""
    command = [sys.executable, "-m", "bench.far_side", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
