"""What `deploy.sh` uploads: only what the functions need to start."""

import io
import json
import os
import re
import subprocess
import sys
import sysconfig
import time
import zipfile
from base64 import b64encode
from importlib import metadata
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from gateway.functions import of_kind
from tests.support.gcloud import LEFT_AT_HOME, TOKEN, Deployed
from tests.support.google_resources import PROJECT
from tests.support.processes import free_port

# A message as the queue holds it, of an event that no handler wants: acknowledged, and no store is asked.
MESSAGE = {
    "schema": 1,
    "event_id": "0" * 64,
    "event": "ONCRMDEALUPDATE",
    "event_handler_id": None,
    "ts": 1790000000,
    "received_at": "2026-09-21T13:33:21Z",
    "source": "webhook",
    "portal": {"domain": "p.bitrix24.ru", "member_id": None},
    "data": {"FIELDS": {"ID": "7"}},
}
PUSHED = {
    "message": {"data": b64encode(json.dumps(MESSAGE).encode()).decode(), "messageId": "1", "attributes": {}},
    "subscription": f"projects/{PROJECT}/subscriptions/b24-on-user-add",
}
TOPIC_PATH = f"projects/{PROJECT}/topics/b24-events"
# Each function: where it is called, with what, and its answer.
FUNCTIONS = {
    "bitrix_webhook": ("api/bitrix/webhook", {}, 401, "TOKEN_NOT_FOUND"),
    "on_user_update": (TOPIC_PATH, PUSHED, 200, "OK"),
    "on_user_add": (TOPIC_PATH, PUSHED, 200, "OK"),
    # It has no incoming webhook here.
    "resync_users": ("", {}, 502, "RESYNC_FAILED"),
    # It has no destinations here.
    "forward_event": (TOPIC_PATH, PUSHED, 200, "OK"),
    "find_link": ("api/links", {}, 404, ""),  # closed, without LINKS_API_TOKEN
}


@pytest.fixture(scope="module")
def archive(deployed: Deployed) -> zipfile.ZipFile:
    uploads = {
        name: data for name, data in deployed.google.objects.items() if name.startswith("run-sources-")
    }
    # The functions that need no setting of their own, and resync_users.
    assert len(uploads) == len(of_kind("consumer")) + 2
    contents = [zipfile.ZipFile(io.BytesIO(data)) for data in uploads.values()]
    assert len({tuple(sorted(c.namelist())) for c in contents}) == 1
    return contents[0]


def test_private_and_local_files_are_not_uploaded(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    assert names.isdisjoint(LEFT_AT_HOME)
    assert {name.partition("/")[0] for name in names} == {
        "gateway",
        "handlers",
        "main.py",
        "requirements.txt",
        "verify.py",
    }
    assert {name for name in names if not name.endswith((".py", "/"))} == {"requirements.txt"}
    assert not [name for name in names if b"never-upload-me" in archive.read(name)]


@pytest.fixture(scope="module")
def clean(archive: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, unpacked beside a new environment with only what its `requirements.txt` pins.

    The packages are this environment's own, linked: pip itself would take twenty seconds for the same files.
    """
    home = tmp_path_factory.mktemp("archive")
    archive.extractall(home / "source")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")], check=True)
    pinned = re.findall(r"^([\w.-]+)==(\S+)$", (home / "source" / "requirements.txt").read_text(), re.M)
    for name, version in pinned:
        package = metadata.distribution(name)
        assert package.version == version, f"{name} is not the one that requirements.txt pins: make setup"
        for file in package.files or []:
            link = Path(sysconfig.get_path("purelib", vars={"base": str(home / "venv")})) / file
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.exists():
                link.symlink_to(Path(str(package.locate_file(file))).resolve())
    return home


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_from_the_archive(clean: Path, function: str) -> None:
    path, body, status, says = FUNCTIONS[function]
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
        "QUEUE_URL": f"pubsub://{PROJECT}/b24-events",
        "DATABASE_URL": f"firestore://{PROJECT}/b24-links",
        "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
        "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
        "K_SERVICE": f"b24-{function}",
        "LOG_LANGUAGE": "en",
        "THREADS": "8",
    }
    python = str(clean / "venv" / "bin" / "python")
    command = [python, "-m", "functions_framework", f"--target={function}", f"--port={port}"]
    process = subprocess.Popen(
        command,
        cwd=clean / "source",
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        answer = _post(f"http://127.0.0.1:{port}/{path}", json.dumps(body).encode(), process)
    finally:
        process.terminate()
        output = process.communicate(timeout=30)[0]
    assert answer[0] == status, f"{answer}\n{output}"
    assert says in answer[1]


def _post(url: str, body: bytes, process: subprocess.Popen[str]) -> tuple[int, str]:
    """The answer, as soon as the function listens."""
    request = Request(url, body, {"Content-Type": "application/json"}, method="POST")
    while process.poll() is None:
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, ConnectionError):
            time.sleep(0.1)
    return 0, "it ended before it listened"
