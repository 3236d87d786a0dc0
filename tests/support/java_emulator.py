"""Google's emulators are Java programs: where `gcloud` keeps them, and how they are started."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support import shared_process

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


def start(name: str, arguments: Sequence[str], answers: Callable[[], bool], jvm: Sequence[str] = JVM) -> int:
    """The process id of a new emulator, once it answers; `jvm` are options of Java's own."""
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "JAVA_HOME") if key in os.environ}
    return shared_process.start(f"the {name} emulator", ["java", *jvm, *arguments], environment, answers)
