"""The commands of docs/functions-framework.md, all run: gcloud's against the fake of Google's APIs."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from tests.support.gcloud import ROOT, TOKEN, Cloud
from tests.support.google_resources import NUMBER, PROJECT
from tests.support.processes import free_port

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "tests", "bench", "docs", "var", "deploy", "mutants")
PORTS = re.compile(r"\b(808[0-6])\b")


PAGE_PORTS = [str(number) for number in range(8080, 8087)]
# Where a bot would listen.
DESTINATION = "8086"


def commands(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)\n```$", (ROOT / "docs" / page).read_text(), re.M | re.S)


INSTALL, *START, SEND, PUSH, LOOK, ASK, FORWARD, RESYNC, DEPLOY = commands("functions-framework.md")


def test_both_languages_have_the_same_commands() -> None:
    assert commands("functions-framework.ru.md") == commands("functions-framework.md")
    assert len(START) == 6
    # This environment was made by that command.
    assert INSTALL.endswith("pip install -r requirements.txt")


class Terminal:
    """A copy of the project with this environment as its `.venv`, and free ports instead of the page's."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.ports = {number: str(free_port()) for number in PAGE_PORTS}
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, command: str) -> None:
        self._processes.append(
            subprocess.Popen(["bash", "-euc", f"exec env {self._here(command)}"], **self._how)
        )

    def run(self, command: str) -> str:
        process: subprocess.CompletedProcess[str] = subprocess.run(
            ["bash", "-euc", self._here(command)], **self._how, stdout=subprocess.PIPE, text=True, check=True
        )
        return process.stdout

    def end(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait(timeout=30)

    def _here(self, command: str) -> str:
        if "resync_users" in command:
            command = command.replace("portal.bitrix24.ru", "http://127.0.0.1:1")
        return PORTS.sub(lambda port: self.ports[port[0]], command)

    @property
    def _how(self) -> dict[str, Any]:
        environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {"cwd": self.project, "env": environ | {"LOG_LANGUAGE": "en"}}


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    project = tmp_path_factory.mktemp("functions-framework") / "project"
    shutil.copytree(ROOT, project, ignore=LEFT_OUT)
    (project / ".venv").symlink_to(sys.prefix)
    terminal = Terminal(project)
    try:
        for command in START:
            terminal.start(command)
        for number, port in terminal.ports.items():
            if number != DESTINATION:
                _await(port)
        yield terminal
    finally:
        terminal.end()


def _await(port: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            urlopen(f"http://127.0.0.1:{port}/robots.txt", timeout=5).close()
        except HTTPError:
            return
        except (URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nobody listens on {port}")


def test_the_receiver_takes_an_event(terminal: Terminal) -> None:
    assert '"code": "EVENT_QUEUED"' in terminal.run(SEND)
    assert (terminal.project / "var" / "queue.db").exists()


def test_a_push_makes_a_link(terminal: Terminal) -> None:
    assert terminal.run(PUSH) == "OK"
    links = terminal.run(LOOK)
    assert '"telegram_username": "ivan_petrov"' in links
    added = PUSH.replace("ONUSERUPDATE", "ONUSERADD").replace("8081", "8082").replace("sample-1", "sample-2")
    assert terminal.run(added.replace('"12"', '"13"').replace("ivan_petrov", "anna_petrova")) == "OK"
    assert "anna_petrova" in terminal.run(LOOK)
    assert (
        terminal.run(PUSH.replace("8081", "8082").replace("sample-1", "sample-3")) == "OK"
    )  # somebody else's


def test_a_bot_asks_and_gets_the_event(terminal: Terminal) -> None:
    terminal.run(PUSH)
    assert '"bitrix_user_id":12' in terminal.run(ASK)
    # Nobody listens yet: Pub/Sub would push it again.
    assert terminal.run(FORWARD) != "OK"
    bot = socket.create_server(("127.0.0.1", int(terminal.ports[DESTINATION])))
    bodies: list[bytes] = []
    answering = threading.Thread(target=_answer_once, args=(bot, bodies))
    answering.start()
    assert terminal.run(FORWARD) == "OK"
    answering.join(timeout=30)
    assert b"event=ONUSERUPDATE&data%5BID%5D=12&data%5BUF_USR_TELEGRAM%5D=%40ivan_petrov" in bodies[0]


def _answer_once(bot: socket.socket, bodies: list[bytes]) -> None:
    with bot, bot.accept()[0] as connection, connection.makefile("rb") as stream:
        length = 0
        while (line := stream.readline().strip()) != b"":
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        bodies.append(stream.read(length))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def test_polling_says_what_it_lacks(terminal: Terminal) -> None:
    """A portal that nobody serves: no request of a test leaves this machine."""
    assert "RESYNC_FAILED" in terminal.run(RESYNC)


def test_a_receiver_alone_goes_to_google_cloud(cloud: Cloud) -> None:
    google = cloud.google
    # Every project has it.
    builder = f"{NUMBER}-compute@developer.gserviceaccount.com"
    google.resources[f"iam/projects/{PROJECT}/serviceAccounts/{builder}"] = {"email": builder}
    text = re.sub(r"\bPROJECT\b", PROJECT, DEPLOY)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=cloud.source,
        env=cloud.environ(CLOUDSDK_CORE_DISABLE_PROMPTS="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    service = google.resources[f"run/projects/{PROJECT}/services/b24-bitrix-webhook"]
    assert service["metadata"]["annotations"]["run.googleapis.com/invoker-iam-disabled"] == "True"
    assert google.secret("b24-token", "1") == "w1e2b3h4o5o6k7t8o9k0e1n2a3b4c5d6" != TOKEN
    account = f"serviceAccount:b24-receiver@{PROJECT}.iam.gserviceaccount.com"
    assert google.bindings() == {
        ("pubsub/b24-events", "roles/pubsub.publisher", account),
        ("secretmanager/b24-token", "roles/secretmanager.secretAccessor", account),
    }
