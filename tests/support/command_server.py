"""The gateway's processes without the start of a Python: one that has imported the gateway forks for each.

A start takes half a second, most of it for imports, and the tests make some two hundred. The fork has the
environment, directory and streams that it is given, takes signals and ends as a process does. The worker that
`serve` starts comes from here too. What a process had to import is imported here before the next one.
Tests of the start itself, and of what is measured in a process, start it as people start it.
"""

import atexit
import gc
import importlib
import io
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from tests.support.forked import Forked, fork

# What Google's libraries start does not live through a fork, gunicorn remembers the directory in which it was
# imported, and `main` reads the settings when it is.
NEVER_HERE = ("google", "grpc", "gunicorn", "functions_framework._http.gunicorn", "main")

# What runs until it is stopped reports too late what it had to import.
AHEAD = {
    "serve": ["gateway.__main__", "gateway.cli.serve", "gateway.local.serve", "gateway.links.sql_store"],
    "functions_framework": ["functions_framework._cli", "gateway.receiver"],
    "-c": ["gateway.cli.serve", "gateway.local.serve", "gateway.links.sql_store"],
    "-m": ["gateway.local.worker", "gateway.links.sql_store", "handlers.users", "handlers.forward"],
}

# Those that tests lower.
INHERITED_LIMITS = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)


class Server:
    """Forks for each call that comes through its sockets, and tells each caller how its process ended."""

    def __init__(self, connection: socket.socket) -> None:
        self._tests = connection
        # Its own and those of the processes that were forked, which may start a worker.
        self._connections = [connection]
        self._selector = selectors.DefaultSelector()
        self._callers: dict[int, socket.socket] = {}  # by process
        self._reports: list[int] = []

    def run(self) -> None:
        """Serve until the socket is closed."""
        ends, noticed = socket.socketpair()
        for end in (ends, noticed):
            end.setblocking(False)
        with ends, noticed, self._selector:
            signal.signal(signal.SIGCHLD, lambda *_: None)
            signal.set_wakeup_fd(ends.fileno())
            self._selector.register(self._tests, selectors.EVENT_READ)
            self._selector.register(noticed, selectors.EVENT_READ)
            while self._tests in self._connections:
                for key, _ in self._selector.select():
                    if key.fileobj is noticed:
                        noticed.recv(4096)
                        self._tell_ends()
                    elif not isinstance(key.fileobj, socket.socket):
                        self._import_what(key.fd)
                    elif not self._fork_for_a_call(key.fileobj, ends, noticed):
                        self._selector.unregister(key.fileobj)
                        self._connections.remove(key.fileobj)
                        key.fileobj.close()

    def _fork_for_a_call(self, connection: socket.socket, *ours: socket.socket) -> bool:
        """False where nobody will call any more."""
        size, streams, _, _ = socket.recv_fds(connection, 4, 4)
        data = _read(connection, int.from_bytes(size, "big"))
        if not data:
            return False
        call = json.loads(data)
        command = "".join(call["command"][:1])
        for name in AHEAD.get(command, [f"gateway.cli.{command.replace('-', '_')}"]):
            # It may be an option or a mistake, not a command.
            with suppress(ModuleNotFoundError):
                importlib.import_module(name)
        # An ending process searches its objects for garbage, except those that were frozen before the fork.
        gc.freeze()
        loaded, loaded_by_the_call = os.pipe()
        its_calls, calls_us = socket.socketpair()
        child = os.fork()
        if child == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            for descriptor in (*self._connections, its_calls, *ours, *self._callers.values()):
                descriptor.close()
            for number in (loaded, *self._reports):
                os.close(number)
            for standard, stream in enumerate(streams[:3]):
                os.dup2(stream, standard)
            for stream in streams:
                os.close(stream)
            _become(call, loaded_by_the_call, calls_us)
        os.close(loaded_by_the_call)
        calls_us.close()
        for stream in streams[:3]:
            os.close(stream)
        caller = socket.socket(fileno=streams[3])
        self._callers[child] = caller
        self._reports.append(loaded)
        self._selector.register(loaded, selectors.EVENT_READ)
        self._connections.append(its_calls)
        self._selector.register(its_calls, selectors.EVENT_READ)
        # A caller may have been killed meanwhile.
        with suppress(OSError):
            caller.sendall(child.to_bytes(4, "big"))
        return True

    def _tell_ends(self) -> None:
        with suppress(ChildProcessError):
            while (process_end := os.waitpid(-1, os.WNOHANG))[0]:
                # A caller that does not ask is gone.
                with (
                    self._callers.pop(process_end[0]) as caller,
                    suppress(OSError),
                ):
                    caller.sendall(os.waitstatus_to_exitcode(process_end[1]).to_bytes(4, "big", signed=True))

    def _import_what(self, loaded: int) -> None:
        """Import what an ended process had imported beyond what is imported here."""
        self._selector.unregister(loaded)
        self._reports.remove(loaded)
        with os.fdopen(loaded) as report:
            names = json.loads(report.read() or "[]")
        for name in names:
            if name.partition(".")[0] not in NEVER_HERE and name not in NEVER_HERE:
                # A module may exist for one call alone.
                with suppress(Exception):
                    importlib.import_module(name)


def _become(call: dict[str, Any], loaded: int, server: socket.socket) -> None:
    """Be the process of this call until its end."""
    os.set_inheritable(loaded, False)
    if call.get("session"):
        os.setsid()
    if call.get("group"):
        os.setpgid(0, 0)
    for number, limits in call.get("limits", {}).items():
        resource.setrlimit(int(number), tuple(limits))
    os.chdir(call["directory"])
    os.environ.clear()
    os.environ.update(call["environment"])
    time.tzset()
    if os.environ.get("PYTHONUNBUFFERED") and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(write_through=True)
    sys.argv[1:] = call["command"]
    modules_at_start, process = set(sys.modules), os.getpid()
    if "gateway.local.worker_process" in sys.modules:
        _fork_the_worker(server)
    try:
        code = _run()
    except SystemExit as end:
        code = end.code
    # It is not one that this process has forked.
    if os.getpid() == process:
        with suppress(OSError), os.fdopen(loaded, "w") as report:
            json.dump([name for name in sys.modules if name not in modules_at_start], report)
    _end(code)


def _end(code: object) -> None:
    """End as `sys.exit` does, without taking the objects apart: that would copy those of the server first."""
    if isinstance(code, int | None):
        with suppress(OSError):
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code or 0)
    sys.exit(code)  # type: ignore[arg-type]


def _fork_the_worker(server: socket.socket) -> None:
    """The worker that this process starts is forked too, with the same environment, streams and group."""
    from gateway.local import worker_process

    def start(command: list[str], *, stdin: int, process_group: int) -> Forked:
        assert (command[0], stdin, process_group) == (sys.executable, subprocess.PIPE, 0)
        limits = {number: resource.getrlimit(number) for number in INHERITED_LIMITS}
        call = {"environment": dict(os.environ), "directory": os.getcwd(), "group": True, "limits": limits}
        reader, writer = os.pipe()
        worker = fork(server, tuple(command[1:]), call, (reader, 1, 2))
        os.close(reader)
        worker.stdin = os.fdopen(writer, "wb", buffering=0)
        return worker

    ours = SimpleNamespace(Popen=start, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired)
    worker_process.subprocess = ours  # type: ignore[assignment,attr-defined]


def _run() -> object:
    """Run `python -m` a module with a `main`, `python -c` or, for anything else, `python -m gateway`."""
    if sys.argv[1:2] == ["-c"]:
        sys.orig_argv = [sys.executable, *sys.argv[1:]]
        text = sys.argv.pop(2)
        del sys.argv[0]
        exec(compile(text, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 — a test's own program
        return 0
    if sys.argv[1:2] == ["-m"]:
        return importlib.import_module(sys.argv[2]).main()
    if sys.argv[1:2] == ["functions_framework"]:
        del sys.argv[1]
        from functions_framework._cli import _cli

        return _cli(prog_name="python -m functions_framework")
    from gateway.__main__ import run

    return run()


def _read(connection: socket.socket, size: int) -> bytes:
    """Nothing where the other side has ended."""
    received = b""
    while len(received) < size:
        if not (piece := connection.recv(size - len(received))):
            return b""
        received += piece
    return received


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        Server(connection).run()
