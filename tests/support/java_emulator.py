"""Google's emulators are Java programs: where `gcloud` keeps them, and one that runs for a while."""

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

# Compiled once and lightly: an emulator lives for minutes, and the tests need the cores themselves.
JVM = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def find_jar(pattern: str) -> Path | None:
    """The program at `pattern` below one of the SDK's `platform` directories; None without it or Java."""
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    roots = [
        Path(gcloud).resolve().parents[1],
        Path("/usr/lib/google-cloud-sdk"),
        Path("/usr/share/google-cloud-sdk"),
    ]
    return next((jar for root in roots for jar in sorted(root.glob(f"platform/{pattern}"))), None)


def start(name: str, arguments: Sequence[str], answers: Callable[[], bool]) -> int:
    """The process id of a new emulator, once it answers. It outlives this process unless `end` is called."""
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "JAVA_HOME") if key in os.environ}
    silent = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
    command = ["java", *JVM, *arguments]
    pid = os.posix_spawnp("java", command, environment, file_actions=silent, setsid=True)
    try:
        until = time.monotonic() + 120
        while not answers():
            ended_pid, _ = os.waitpid(pid, os.WNOHANG)
            assert not ended_pid, f"the {name} emulator ended at its start: try it by hand"
            assert time.monotonic() < until, f"the {name} emulator did not answer within two minutes"
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
    """Host and process id of one emulator for all of xdist's workers.

    The first that needs it starts it, and the last that lets go of it ends it: each user holds a shared
    lock on a file, which the kernel takes back if a worker dies.
    """
    started = directory / name
    with (directory / f"{name}.lock").open("w") as lock, (directory / f"{name}.users").open("w") as users:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not started.exists():
            started.write_text(json.dumps(start()))
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(lock, fcntl.LOCK_UN)
        host, pid = json.loads(started.read_text())
        yield host, pid
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Others use it still.
        with suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            started.unlink()
            end(pid)
