"""The real Firestore emulator: one for the whole session, a database of its own for each test."""

import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.processes import free_port
from tests.support.pubsub import JVM

MISSING = (
    "the Firestore emulator is not installed: `gcloud components install cloud-firestore-emulator` "
    "(or apt: google-cloud-cli-firestore-emulator) and Java 11 or later"
)
PROGRAM = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"


@dataclass(frozen=True)
class FirestoreEmulator:
    """A running emulator; `host` is what `FIRESTORE_EMULATOR_HOST` takes."""

    host: str
    pid: int


def _jar() -> Path | None:
    gcloud = shutil.which("gcloud")
    if gcloud is None or shutil.which("java") is None:
        return None
    roots = [
        Path(gcloud).resolve().parents[1],
        Path("/usr/lib/google-cloud-sdk"),
        Path("/usr/share/google-cloud-sdk"),
    ]
    jars = [root / "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar" for root in roots]
    return next((jar for jar in jars if jar.exists()), None)


def _answers(host: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@pytest.fixture(scope="session")
def firestore_emulator() -> Iterator[FirestoreEmulator]:
    """The emulator of this session, or a skip that says how to install it."""
    jar = _jar()
    if jar is None:
        pytest.skip(MISSING)
    port = free_port()
    process = subprocess.Popen(
        ["java", *JVM, "-cp", str(jar), PROGRAM, "start", "--host=127.0.0.1", f"--port={port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "JAVA_HOME")},
        start_new_session=True,
    )
    host = f"127.0.0.1:{port}"
    try:
        until = time.monotonic() + 120
        while not _answers(host):
            assert process.poll() is None, "the Firestore emulator ended at its start: try it by hand"
            assert time.monotonic() < until, "the Firestore emulator did not answer within two minutes"
            time.sleep(0.1)
        yield FirestoreEmulator(host, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def firestore_url(firestore_emulator: FirestoreEmulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty database; `FIRESTORE_EMULATOR_HOST` is set for this process."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator.host)
    return f"firestore://p-{uuid4().hex[:12]}/(default)"
