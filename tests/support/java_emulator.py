"""Google's emulators are Java programs: where `gcloud` keeps them, and one that runs for a while."""

import os
import shutil
import signal
import subprocess
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


@contextmanager
def running(name: str, arguments: Sequence[str], answers: Callable[[], bool]) -> Iterator[int]:
    """The process id of a new emulator, once it answers."""
    process = subprocess.Popen(
        ["java", *JVM, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "JAVA_HOME")},
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 120
        while not answers():
            assert process.poll() is None, f"the {name} emulator ended at its start: try it by hand"
            assert time.monotonic() < until, f"the {name} emulator did not answer within two minutes"
            time.sleep(0.1)
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
