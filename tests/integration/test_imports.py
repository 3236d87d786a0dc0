"""What a function imports when it starts: a cold start pays for each module, so each has to be needed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.deliveries import TOKEN, form

ROOT = Path(__file__).parents[2]

# Start a function as Google's host does, send it one request, print what was imported by then.
PROGRAM = """
import sys
from functions_framework import create_app
app = create_app(sys.argv[1], sys.argv[2] + "/main.py")
started = set(sys.modules)
client = app.test_client()
sent = bytes.fromhex(sys.argv[3])
status = client.post("/", data=sent, content_type="application/x-www-form-urlencoded").status_code
print(status, *sorted(started), "|", *sorted(set(sys.modules) - started))
"""
# Functions-framework itself brings google.cloud.functions.
GOOGLE = (
    *("google.api_core", "google.auth", "google.protobuf", "google.cloud.firestore", "google.cloud.logging"),
    *("google.cloud.logging_v2", "google.cloud.pubsub_v1"),
)
HEAVY = (
    *(*GOOGLE, "grpc", "proto", "opentelemetry", "sqlalchemy", "psycopg", "pydantic_settings", "dotenv"),
    *("requests", "urllib3", "stamina", "rich", "h11", "cryptography", "handlers"),
)
# The start asks the diagnosis about the token alone.
REQUESTS_DIAGNOSIS = ("gateway.diagnosis.rules", "gateway.diagnosis.wording", "gateway.diagnosis.causes")
OURS = (
    *REQUESTS_DIAGNOSIS,
    "gateway.receiver.capture",
    "gateway.links",
    "gateway.local",
    "gateway.portal.client",
    "gateway.portal.reconcile",
    "gateway.portal.resync",
    "gateway.cli",
)


def start(function: str, body: bytes, **settings: str) -> tuple[str, set[str], set[str]]:
    """The answer's status, the modules imported at the start, and those that the request brought."""
    status, *names = run(PROGRAM, function, str(ROOT), body.hex(), **settings).split()
    bar = names.index("|")
    return status, set(names[:bar]), set(names[bar + 1 :])


def run(program: str, *arguments: str, **settings: str) -> str:
    """What a process of its own prints, in a folder without anybody's `.env`."""
    env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env={**env, "PYTHONPATH": str(ROOT), **settings},
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    return process.stdout


def among(modules: set[str], names: tuple[str, ...]) -> set[str]:
    """Those of `modules` that are one of `names`, or inside of one."""
    return {module for module in modules if any(f"{module}.".startswith(f"{name}.") for name in names)}


def test_the_receiver_imports_no_store_no_client_and_no_diagnosis(tmp_path: Path) -> None:
    queue = f"sqlite:///{tmp_path}/queue.db"
    status, started, modules = start(
        "bitrix_webhook", form(), BITRIX24_OUTGOING_WEBHOOK_TOKEN=TOKEN, QUEUE_URL=queue
    )
    assert status == "200"
    assert not among(started | modules, HEAVY)
    assert not among(started | modules, OURS)
    assert not among(started | modules, ("gateway.queues.pubsub", "gateway.queues.google_token"))


def test_the_receiver_on_pubsub_imports_no_client_of_googles(tmp_path: Path) -> None:
    status, started, modules = start(
        "bitrix_webhook",
        form(),
        BITRIX24_OUTGOING_WEBHOOK_TOKEN=TOKEN,
        QUEUE_URL="pubsub://project/topic",
        # Nobody listens: the event is kept, and the answer is 503.
        PUBSUB_EMULATOR_HOST="127.0.0.1:1",
        JOURNAL_URL=f"sqlite:///{tmp_path}/journal.db",
    )
    assert status == "503"
    assert not among(started, HEAVY) | among(started, OURS)
    assert "sqlite3" not in started
    assert not among(modules, (*GOOGLE, "grpc", "requests", "urllib3", "sqlalchemy"))
    assert "gateway.queues.pubsub" in modules


@pytest.mark.parametrize("function", ["on_user_update", "on_user_add"])
def test_a_consumer_imports_no_rest_client(function: str, tmp_path: Path) -> None:
    _, started, _ = start(function, b"", DATABASE_URL=f"sqlite:///{tmp_path}/links.db", K_SERVICE="f")
    assert not among(started, (*GOOGLE, "grpc", "requests", "psycopg", "stamina", "gateway.diagnosis"))


def test_only_a_refusal_brings_the_diagnosis(tmp_path: Path) -> None:
    status, started, modules = start(
        "bitrix_webhook", form(token=None), BITRIX24_OUTGOING_WEBHOOK_TOKEN=TOKEN, LOG_LANGUAGE="en"
    )
    assert status == "401"
    assert among(modules - started, REQUESTS_DIAGNOSIS) == set(REQUESTS_DIAGNOSIS)


# Whether the certificates are read before gunicorn forks.
CERTIFICATES = """
import os, sys
from functions_framework import create_app
create_app("bitrix_webhook", sys.argv[1] + "/main.py")
if child := os.fork():
    os.waitpid(child, 0)
else:
    known = sys.modules.get("gateway.queues.deadline_http")
    print(bool(known and known.trust.cache_info().currsize))
"""


@pytest.mark.parametrize(
    ("token", "queue", "reads_certificates"),
    [
        (TOKEN, "pubsub://my-project/topic", True),
        (TOKEN, "sqlite:///q.db", False),
        ("", "pubsub://my-project/topic", False),
    ],
)
def test_a_publisher_to_google_reads_the_certificates_while_it_imports(
    token: str, queue: str, reads_certificates: bool
) -> None:
    output = run(CERTIFICATES, str(ROOT), BITRIX24_OUTGOING_WEBHOOK_TOKEN=token, QUEUE_URL=queue)
    assert output.split() == [str(reads_certificates)]
