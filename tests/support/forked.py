"""A process that the command server forked, used as one of `subprocess.Popen` is: see `command_server`."""

import json
import os
import select
import signal
import socket
import subprocess
import threading
from typing import IO, Any


class Forked:
    """Its number comes first through the connection, and its exit code at its end. Any thread may wait."""

    def __init__(self, command: tuple[str, ...], connection: socket.socket) -> None:
        self._command = command
        self._connection = connection
        self._lock = threading.Lock()
        self.returncode: int | None = None
        # The end of its standard input that its caller writes to, if it has one.
        self.stdin: IO[bytes] | None = None
        connection.settimeout(60.0)
        self.pid = self._number()

    def poll(self) -> int | None:
        try:
            return self.wait(0.0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        with self._lock:
            if self.returncode is not None:
                return self.returncode
            end = select.poll()
            end.register(self._connection, select.POLLIN)
        has_ended = end.poll(None if timeout is None else timeout * 1000)
        with self._lock:
            if self.returncode is None:
                if not has_ended:
                    raise subprocess.TimeoutExpired(self._command, timeout or 0.0)
                self.returncode = self._number()
                self._connection.close()
            return self.returncode

    def send_signal(self, sig: int) -> None:
        # Otherwise its number may be another's by now.
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _number(self) -> int:
        received = self._connection.recv(4)
        assert len(received) == 4, "the process that runs the commands has ended"
        return int.from_bytes(received, "big", signed=True)


def fork(
    server: socket.socket, command: tuple[str, ...], call: dict[str, Any], streams: tuple[int, int, int]
) -> Forked:
    """Ask the command server for a process with these standard streams."""
    data = json.dumps(call | {"command": command}).encode()
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(server, [len(data).to_bytes(4, "big")], [*streams, theirs.fileno()])
        server.sendall(data)
    return Forked(command, ours)
