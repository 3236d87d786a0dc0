"""The real Firestore emulator: one for the whole run, a database of its own for each test."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.java_emulator import find_jar, start
from tests.support.processes import free_port
from tests.support.shared_process import shared

JAR = "cloud-firestore-emulator/cloud-firestore-emulator.jar"
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


def _answers(host: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


@pytest.fixture(scope="session")
def firestore_emulator(run_directory: Path) -> Iterator[FirestoreEmulator]:
    """The emulator of this run, or a skip that says how to install it."""
    with shared(run_directory, "firestore", _start) as (host, pid):
        yield FirestoreEmulator(host, pid)


def _start() -> tuple[str, int]:
    jar = find_jar(JAR)
    if jar is None:
        pytest.skip(MISSING)
    port = free_port()
    host = f"127.0.0.1:{port}"
    arguments = ["-cp", str(jar), PROGRAM, "start", "--host=127.0.0.1", f"--port={port}"]
    return host, start("Firestore", arguments, lambda: _answers(host))


@pytest.fixture
def firestore_url(firestore_emulator: FirestoreEmulator, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty database; `FIRESTORE_EMULATOR_HOST` is set for this process."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator.host)
    return f"firestore://p-{uuid4().hex[:12]}/(default)"
