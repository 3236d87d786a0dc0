"""`python -m gateway COMMAND` without its start: a process that has imported it forks for each call.

A start takes half a second, most of it for imports, and the tests make a hundred such calls. The fork
has the environment, directory and streams that it is given, and ends as a process does. What a call had
to import is imported here before the next one. Commands that are started and stopped, or killed, are
started as people start them.
"""

import importlib
import json
import os
import socket
import sys
from contextlib import suppress

# What Google's libraries start does not live through a fork.
NEVER_HERE = ("google", "grpc")


def main(number: int) -> None:
    """Serve the calls that come through this socket, one after another, until it is closed."""
    from gateway.__main__ import run

    with socket.socket(fileno=number) as connection:
        while True:
            size, streams, _, _ = socket.recv_fds(connection, 4, 3)
            if not size:
                return
            call = json.loads(_read(connection, int.from_bytes(size, "big")))
            loaded, loaded_by_the_call = os.pipe()
            child = os.fork()
            if child == 0:
                connection.close()
                for standard, stream in enumerate(streams):
                    os.dup2(stream, standard)
                os.chdir(call["directory"])
                os.environ.clear()
                os.environ.update(call["environment"])
                sys.argv[1:] = call["arguments"]
                known = set(sys.modules)
                code = run()
                with os.fdopen(loaded_by_the_call, "w") as report:
                    json.dump([name for name in sys.modules if name not in known], report)
                sys.exit(code)
            os.close(loaded_by_the_call)
            for stream in streams:
                os.close(stream)
            connection.sendall(child.to_bytes(4, "big"))
            with os.fdopen(loaded) as report:
                names = json.loads(report.read() or "[]")
            _, status = os.waitpid(child, 0)
            connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
            for name in names:
                if name.partition(".")[0] not in NEVER_HERE:
                    with suppress(Exception):  # a module that is there for one call alone
                        importlib.import_module(name)


def _read(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        received += connection.recv(size - len(received))
    return received


if __name__ == "__main__":
    main(int(sys.argv[1]))
