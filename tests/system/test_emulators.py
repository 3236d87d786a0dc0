"""`make emulators`, walked through with the commands of its page of documentation."""

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
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue

import pytest

from gateway.destinations import read_destinations
from gateway.functions import functions, of_kind
from gateway.local import emulators
from tests.support import firestore, pubsub
from tests.support.java_emulator import find_jar
from tests.support.processes import free_port

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "tests", "bench", "var", "mutants")
START = re.compile(r"^(?P<settings>(?:\w+=\w+ )+)make emulators$")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with this environment as its `.venv`, as the commands expect it."""
    if shutil.which("gcloud") is None:
        pytest.skip("gcloud is not installed: the emulators are components of the Google Cloud SDK")
    for missing, jar in ((pubsub.MISSING, pubsub.JAR), (firestore.MISSING, firestore.JAR)):
        if find_jar(jar) is None:
            pytest.skip(missing)
    target = tmp_path_factory.mktemp("emulators") / "project"
    shutil.copytree(ROOT, target, ignore=LEFT_OUT)
    (target / ".venv").symlink_to(sys.prefix)
    return target


def commands(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)\n```$", (ROOT / "docs" / page).read_text(), re.M | re.S)


class Walk:
    """The second terminal: runs the page's commands, with the port that this test took instead of 8080."""

    def __init__(self, project: Path, port: int) -> None:
        self.project, self.port = project, port
        self.prologue = ""

    def run(self, command: str) -> str:
        environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        text = self.prologue + command.replace(":8080/", f":{self.port}/")
        process = subprocess.run(
            ["bash", "-euc", text], cwd=self.project, env=environ, capture_output=True, text=True, check=True
        )
        return process.stdout

    def run_until(self, command: str, shows: str) -> str:
        """Again and again, as what is queued takes its time."""
        until = time.monotonic() + 120
        while shows not in (output := self.run(command)):
            assert time.monotonic() < until, output
            time.sleep(0.2)
        return output


@pytest.fixture
def walk(project: Path) -> Iterator[Walk]:
    match = START.match(commands("local-emulators.md")[0])
    assert match is not None
    settings = dict(pair.split("=") for pair in match["settings"].split())
    port = free_port()
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ}
    process = subprocess.Popen(
        [".venv/bin/python", "-m", "gateway.local.emulators"],
        cwd=project,
        env=keep | settings | {"PORT": str(port), "LOG_LANGUAGE": "en"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    hosts: list[str] = []
    try:
        assert process.stdout is not None
        with process.stdout as output:
            line = output.readline()
            assert f"http://127.0.0.1:{port}/api/bitrix/webhook" in line, line + output.read()
        hosts = re.findall(r"HOST='([^']+)'", (project / "var" / "emulators.env").read_text())
        yield Walk(project, port)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert not (project / "var" / "emulators.env").exists()
    assert len(hosts) == 2
    for host in [*hosts, f"127.0.0.1:{port}"]:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host.partition(":")[0], int(host.partition(":")[2])))


def test_both_languages_have_the_same_commands() -> None:
    assert commands("local-emulators.ru.md") == commands("local-emulators.md")


def test_the_pages_commands_do_what_the_page_says(walk: Walk) -> None:
    _, send, look, fail, letters = commands("local-emulators.md")
    walk.prologue, look = look.split("\n")
    walk.prologue += "\n"
    assert '"code": "EVENT_QUEUED"' in walk.run(send)
    output = walk.run_until(look, "ivan_petrov")
    assert '"code": "EVENT_QUEUED"' in walk.run(send)
    assert walk.run(look) == output
    assert '"code": "EVENT_QUEUED"' in walk.run(fail)
    assert "ONUSERADD" in walk.run_until(letters, "ONUSERADD")
    assert (walk.project / "var" / "emulators" / "pubsub.log").stat().st_size > 0


def test_a_consumer_that_is_away_for_ten_seconds_loses_nothing(pubsub_emulator: pubsub.Emulator) -> None:
    host, ports = pubsub_emulator.host, {function.name: free_port() for function in functions()}
    emulators._subscribe(host, ports, read_destinations("http://127.0.0.1:1/bot"))
    event = {"data": "e30=", "attributes": {"event": "ONUSERUPDATE"}}
    pubsub_emulator.call("POST", f"{emulators.TOPIC}:publish", {"messages": [event]})
    time.sleep(10)
    received = Queue[str]()
    consumers = [_consumer(function.name, ports[function.name], received) for function in of_kind("consumer")]
    try:
        assert {received.get(timeout=60) for _ in consumers} == {
            function.name for function in of_kind("consumer")
        }
    finally:
        for consumer in consumers:
            consumer.shutdown()
            consumer.server_close()
    letters = f"projects/{emulators.PROJECT}/subscriptions/local-dead-letters:pull"
    assert pubsub_emulator.call("POST", letters, {"maxMessages": 10, "returnImmediately": True}) == {}


def _consumer(name: str, port: int, received: Queue[str]) -> HTTPServer:
    class Consumer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            received.put(name)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", port), Consumer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_make_starts_it() -> None:
    make = subprocess.run(["make", "-n", "emulators"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "python -m gateway.local.emulators" in make.stdout


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "gateway.local.emulators"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "LOG_LANGUAGE": "en"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 2
    assert process.stderr.startswith("gcloud was not found")
