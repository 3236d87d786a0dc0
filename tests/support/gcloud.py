"""`deploy.sh` with the real gcloud, and a fake of Google's APIs behind it."""

import fcntl
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy import gcloud_server
from tests.support.fake_google import SERVICES, FakeGoogle, Server
from tests.support.google_resources import PROJECT, REGION, Call
from tests.support.shared_process import shared, start

ROOT = Path(__file__).parents[2]
TOKEN = "k3v9x0a7q2m5t8w1z4c6b0n3j5h7g9d2"
INCOMING = "17/p8s4f6l1r3y5u7e9"
SETTINGS = {
    "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
    "BITRIX24_WEBHOOK_TOKEN": INCOMING,
    "BITRIX24_DOMAIN": "p.bitrix24.ru",
}


@dataclass
class Cloud:
    """`deploy.sh` with the real gcloud, and the fake Google behind it.

    `source` is a copy of the project with all that a working copy collects.
    """

    server: Server
    home: Path
    source: Path

    @property
    def google(self) -> FakeGoogle:
        return self.server.google

    def environ(self, **extra: str) -> dict[str, str]:
        """What gcloud needs to know of the fake, and nothing of the machine's own gcloud."""
        keep = {name: os.environ[name] for name in ("LANG", "JAVA_HOME") if name in os.environ}
        overrides = {
            f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name.upper()}": f"http://{name}.googleapis.com/"
            for name in SERVICES
        }
        settings = {
            "PATH": f"{self.home}/bin:{os.environ['PATH']}",
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "CLOUDSDK_CONFIG": str(self.home / "gcloud"),
            "CLOUDSDK_PROXY_TYPE": "http",
            "CLOUDSDK_PROXY_ADDRESS": "127.0.0.1",
            "CLOUDSDK_PROXY_PORT": str(self.server.server_port),
            "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(self.home / "access-token"),
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
            "CLOUDSDK_SURVEY_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
            "GCLOUD_ARGV": str(self.home / "argv"),
            "LOG_LANGUAGE": "en",
        }
        return keep | overrides | settings | extra

    def run(self, *args: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """`deploy.sh ARGS` for this project and region; `extra` goes into its environment."""
        (self.home / "argv").write_text("")
        self.google.calls.clear()
        return subprocess.run(
            ["bash", str(self.source / "deploy.sh"), *args],
            env=self.environ(**({"PROJECT": PROJECT, "REGION": REGION} | extra)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def argv(self) -> list[list[str]]:
        """The arguments of each gcloud that the last run started."""
        return [line.split("\x1f")[:-1] for line in (self.home / "argv").read_text().splitlines()]

    def changes(self) -> list[str]:
        """The changing requests of the last run."""
        return [str(call) for call in self.google.calls if call.changes]

    @contextmanager
    def state(self, google: FakeGoogle) -> Iterator[FakeGoogle]:
        """Another state of the project, for a while."""
        before, self.server.google = self.server.google, google.snapshot()
        try:
            yield self.server.google
        finally:
            self.server.google = before


LEFT_AT_HOME = {
    ".env": "BITRIX24_OUTGOING_WEBHOOK_TOKEN=never-upload-me",
    ".venv/lib/module.py": "",
    ".git/config": "",
    "deploy.env": "# MEMORY=512Mi\n",
    "var/links.db": "",
    "var/queue.db-wal": "",
    "links.db": "",
    "railway.json": "{}",
    "bench/results.txt": "",
    "docs/guide.md": "",
    "tests/test_it.py": "",
    "gateway/__pycache__/errors.cpython-311.pyc": "",
    "prod.env": "BITRIX24_OUTGOING_WEBHOOK_TOKEN=never-upload-me",
    "key.pem": "never-upload-me",
    "service-account.json": '{"private_key": "never-upload-me"}',
    "letter.json": "never-upload-me",
    "capture.har": "never-upload-me",
    "links.db.bak": "",
    "main.py.orig": "",
    "backup-2026-11-01/main.py": "",
    "gateway/letter.json": "never-upload-me",
    "gateway/queues/capture.har": "never-upload-me",
    "handlers/key.pem": "never-upload-me",
    "handlers/.env": "never-upload-me",
}


def _copy_of_the_project(target: Path) -> Path:
    """The project as a working copy is: with an `.env`, a virtual environment and databases in it."""
    skipped = shutil.ignore_patterns(
        ".*", "__pycache__", "tests", "docs", "bench", "var", "deploy.env", "mutants"
    )
    shutil.copytree(ROOT, target, ignore=skipped)
    shutil.copy(ROOT / ".gcloudignore", target)
    _complete_table(target / "functions")
    for name, text in LEFT_AT_HOME.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(text)
    return target


def _complete_table(table: Path) -> None:
    """With a function of each kind, whether main.py has one yet or not."""
    lines = table.read_text().splitlines()
    kinds = {line.split()[1] for line in lines if line and not line.startswith("#")}
    for kind, line in (
        ("forwarder", "forward_event forwarder - forward-event"),
        ("private", "find_link private - -"),
    ):
        if kind not in kinds:
            receiver = next(index for index, text in enumerate(lines) if text.startswith("bitrix_webhook"))
            lines.insert(receiver, line)
    table.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def cloud_of_all(tmp_path_factory: pytest.TempPathFactory, run_directory: Path) -> Iterator[Cloud]:
    if shutil.which("gcloud") is None:
        pytest.skip("gcloud is not installed: install the Google Cloud SDK to run the deployment's tests")
    home = tmp_path_factory.mktemp("cloud")
    (home / "access-token").write_text("made-up-access-token")
    (home / "tmp").mkdir()
    (home / "bin").mkdir()
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = str(run_directory / "gcloud.socket")
    shims = {
        "gcloud": gcloud_server.CLIENT.format(python=sys.executable, address=address),
        "sleep": "#!/bin/sh\n",  # never waits
    }
    for name, text in shims.items():
        (home / "bin" / name).write_text(text)
        (home / "bin" / name).chmod(0o755)
    with shared(run_directory, "gcloud-server", lambda: _start_gcloud_server(address)):
        yield Cloud(server, home, _copy_of_the_project(home / "project"))
    server.shutdown()
    server.server_close()


def _start_gcloud_server(address: str) -> tuple[str, int]:
    """The process that answers all calls of gcloud; gcloud itself says where its parts are."""
    facts = "value[separator='|'](installation.sdk_root,basic.python_location)"
    info = subprocess.run(["gcloud", "info", f"--format={facts}"], capture_output=True, text=True, check=True)
    root, python = info.stdout.strip().split("|")
    command = [python, "-S", gcloud_server.__file__, f"{root}/lib", address]
    Path(address).unlink(missing_ok=True)
    # Whatever else it needs to know comes with each call.
    environment = {"PATH": os.environ["PATH"], "HOME": os.path.dirname(address), "CLOUDSDK_ROOT_DIR": root}
    return address, start("gcloud's server", command, environment, lambda: os.path.exists(address))


@pytest.fixture
def cloud(cloud_of_all: Cloud) -> Iterator[Cloud]:
    """A new, empty project: no API enabled but what Google always has on."""
    with cloud_of_all.state(FakeGoogle()):
        yield cloud_of_all


@dataclass
class Deployed:
    """A finished deployment: the project's state after it, what it printed, did and left on the disk."""

    google: FakeGoogle
    plan: subprocess.CompletedProcess[str]
    planned: list[str]
    run: subprocess.CompletedProcess[str]
    argv: list[list[str]]
    changes: list[Call]
    files: dict[str, bytes]


@pytest.fixture(scope="session")
def deployed(cloud_of_all: Cloud, run_directory: Path) -> Deployed:
    """Planned on a new project, then deployed; once for all tests in all of xdist's workers."""
    pickled = run_directory / "deployed.pickle"
    with (run_directory / "deployed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not pickled.exists():
            pickled.write_bytes(pickle.dumps(_deploy(cloud_of_all)))
    deployed: Deployed = pickle.loads(pickled.read_bytes())  # noqa: S301 — written above
    return deployed


def _deploy(cloud: Cloud) -> Deployed:
    with cloud.state(FakeGoogle()) as google:
        plan = cloud.run("plan", **SETTINGS)
        planned = cloud.changes()
        run = cloud.run("deploy", **SETTINGS)
        changes = [call for call in google.calls if call.changes]
        files = {
            str(path.relative_to(cloud.home)): path.read_bytes()
            for path in cloud.home.rglob("*")
            if path.is_file() and not path.is_relative_to(cloud.source)
        }
        return Deployed(google.snapshot(), plan, planned, run, cloud.argv(), changes, files)


@pytest.fixture
def finished(cloud_of_all: Cloud, deployed: Deployed) -> Iterator[Cloud]:
    """The project after that deployment, to change as a test likes."""
    with cloud_of_all.state(deployed.google):
        yield cloud_of_all
