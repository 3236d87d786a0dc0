"""gcloud for the tests, in a tenth of a second: a process that has loaded it and forks for each call.

Starting gcloud takes 0.7 s, most of it for loading itself, and a deployment is a hundred calls. Run by
gcloud's own Python with its library's directory and a socket's path as arguments. A client sends its
arguments, environment, directory and standard streams, and gets the exit code back. What a call had to load
is loaded here once it has ended. The product calls plain `gcloud`.
"""

import gc
import importlib
import json
import os
import selectors
import socket
import sys
import time
from contextlib import suppress
from typing import Any

# The whole of a client. It starts with as little of Python as possible: `socket` alone would double its time.
CLIENT = """#!{python} -IS
import _socket, array, posix, sys
words = [word.encode("utf-8", "surrogateescape") for word in sys.argv[1:]]
with open(posix.environ[b"GCLOUD_ARGV"], "ab") as calls:
    calls.write(b"".join(word + b"\\x1f" for word in words) + b"\\n")
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
server.connect({address!r})
environment = [name + b"=" + value for name, value in posix.environ.items()]
call = b"\\0".join([posix.getcwdb(), b"%d" % len(words), *words, *environment])
streams = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))
server.sendmsg([len(call).to_bytes(4, "big")], [streams])
server.sendall(call)
sys.exit(int(server.recv(16) or b"70"))
"""


def main(library: str, address: str) -> None:
    """Serve gcloud's calls, several at a time, until the process is ended."""
    sys.path[:0] = [os.path.join(library, "third_party"), library]
    sys.argv = [os.path.join(library, "gcloud.py")]
    gcloud = importlib.import_module("googlecloudsdk.gcloud_main")
    commands = gcloud.CreateCLI([])
    sleep = time.sleep

    def sleep_briefly(seconds: float) -> None:
        sleep(min(seconds, 0.02))

    time.sleep = sleep_briefly  # type: ignore[assignment]  # nothing here is worth the wait of a retry
    with socket.socket(socket.AF_UNIX) as listener, selectors.DefaultSelector() as selector:
        listener.bind(f"{address}.new")
        listener.listen(16)
        os.rename(f"{address}.new", address)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            gc.freeze()
            for key, _ in selector.select():
                if key.fileobj is not listener:
                    selector.unregister(key.fileobj)
                    _load(key.fd, key.data, commands)
                    continue
                connection, _ = listener.accept()
                with connection:
                    loaded, words = _serve(connection, gcloud, commands)
                selector.register(loaded, selectors.EVENT_READ, words)


def _serve(connection: socket.socket, gcloud: Any, commands: Any) -> tuple[int, list[str]]:
    """Where the call will say what it had to load, and its arguments."""
    size, streams, _, _ = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb") as stream:
        directory, count, *rest = (
            stream.read(int.from_bytes(size, "big")).decode("utf-8", "surrogateescape").split("\0")
        )
    words, environment = rest[: int(count)], dict(pair.split("=", 1) for pair in rest[int(count) :])
    loaded, loaded_by_the_call = os.pipe()
    if os.fork() == 0:
        for number, stream_of_the_client in enumerate(streams):
            os.dup2(stream_of_the_client, number)
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        gc.disable()
        modules_at_start = set(sys.modules)
        code = _run(words, gcloud, commands)
        connection.sendall(str(code).encode())
        with os.fdopen(loaded_by_the_call, "w") as report:
            json.dump([name for name in sys.modules if name not in modules_at_start], report)
        os._exit(0)
    os.close(loaded_by_the_call)
    for stream_of_the_client in streams:
        os.close(stream_of_the_client)
    return loaded, words


def _run(words: list[str], gcloud: Any, commands: Any) -> int:
    sys.argv[1:] = words
    code: object = 0
    try:
        gcloud.main(commands)
    except SystemExit as end:
        code = end.code
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
    return code if isinstance(code, int) else int(code is not None)


def _load(loaded: int, words: list[str], commands: Any) -> None:
    """The modules that an ended call needed, and the definition of its command."""
    with os.fdopen(loaded) as report:
        names = json.loads(report.read() or "[]")
    os.waitpid(-1, 0)
    for name in names:
        # The commands' own modules have made-up names.
        with suppress(Exception):
            importlib.import_module(name)
    path: list[str] = []
    for word in words:
        if word.startswith("-"):
            break
        path.append(word.replace("-", "_"))
        # A word that is no command ends the path.
        with suppress(Exception):
            if commands._TopElement().LoadSubElementByPath(path) is None:
                break
    gc.collect()


if __name__ == "__main__":
    main(*sys.argv[1:])
