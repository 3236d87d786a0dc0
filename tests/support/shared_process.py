"""A process that xdist's workers have in common: the first that needs it starts it, the last ends it."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path


def start(name: str, command: list[str], environment: Mapping[str, str], answers: Callable[[], bool]) -> int:
    """The process id of a new program, once it answers. It outlives this process unless `end` is called."""
    silent = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
    pid = os.posix_spawnp(command[0], command, environment, file_actions=silent, setsid=True)
    try:
        until = time.monotonic() + 120
        while not answers():
            ended_pid, _ = os.waitpid(pid, os.WNOHANG)
            assert not ended_pid, f"{name} ended at its start: try it by hand"
            assert time.monotonic() < until, f"{name} did not answer within two minutes"
            time.sleep(0.1)
    except BaseException:
        end(pid)
        raise
    return pid


def end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    # Another of xdist's workers has started it.
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


@contextmanager
def shared(directory: Path, name: str, start: Callable[[], tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """Address and process id of one process for all of xdist's workers.

    Each user holds a shared lock on a file, which the kernel takes back if a worker dies.
    """
    started = directory / name
    with (directory / f"{name}.lock").open("w") as lock, (directory / f"{name}.users").open("w") as users:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not started.exists():
            started.write_text(json.dumps(start()))
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(lock, fcntl.LOCK_UN)
        address, pid = json.loads(started.read_text())
        yield address, pid
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Others use it still.
        with suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            started.unlink()
            end(pid)
