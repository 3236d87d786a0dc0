"""Bots' own handlers behind the gateway, in five languages, and what destinations do to each other."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from gateway.ingest.php_form import build_query
from gateway.queues.sqlite import EmbeddedQueue
from tests.support.deliveries import TOKEN, delivery, form
from tests.support.installed import installed
from tests.support.processes import ROOT, Start, free_port, wait_for

BOTS = ROOT / "tests/support/bots"
PATIENCE = 60.0


@pytest.fixture(scope="session")
def express() -> Path:
    """Express's directory of packages."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no npm here")

    def install(folder: Path) -> bool:
        shutil.copy(BOTS / "package.json", folder)
        command = [str(npm), "install", "--no-audit", "--no-fund"]
        return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0

    folder = installed("express", BOTS / "package.json", install)
    if folder is None:
        pytest.skip("npm installs nothing here")
    return folder / "node_modules"


@pytest.fixture(params=["aiohttp", "flask", "fastapi", "express", "php", "go"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The port of a bot that runs, and the file of what it understood."""
    name, port, file = request.param, free_port(), tmp_path / "bot.jsonl"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "BOT_TOKEN": TOKEN, "BOT_FILE": str(file)}
    command = [sys.executable, str(BOTS / "python.py"), name, str(port), TOKEN, str(file)]
    if name == "express":
        env["NODE_PATH"] = str(request.getfixturevalue("express"))
        command = ["node", str(BOTS / "express.cjs"), str(port), TOKEN, str(file)]
    elif name in ("php", "go") and shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    elif name == "php":
        command = ["php", "-S", f"127.0.0.1:{port}", str(BOTS / "handler.php")]
    elif name == "go":
        command = ["go", "run", str(BOTS / "handler.go"), str(port), TOKEN, str(file)]
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    yield port, file
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def test_a_bots_own_handler_needs_no_change(start_serve: Start, bot: tuple[int, Path]) -> None:
    port, file = bot
    gateway = start_serve(FORWARD_TO=f"http://127.0.0.1:{port}/bitrix", LOG_FORMAT="json")
    task = {"FIELDS_BEFORE": {"ID": "77"}, "FIELDS_AFTER": {"ID": "77", "TITLE": "Ёлка & co"}}
    for event, data in (("ONTASKUPDATE", task), ("ONUSERADD", {"ID": "12", "NAME": "Иван"})):
        assert gateway.post(form(event, data)).status == 200
    wait_for(lambda: len(lines(file)) == 2, PATIENCE)
    understood = {(line["event"], line["id"]) for line in lines(file)}
    assert understood == {("ONTASKUPDATE", "77"), ("ONUSERADD", "12")}
    outcomes: list[dict[str, Any]] = []

    def both() -> bool:
        outcomes[:] = [record for record in gateway.records() if record.get("code") == "EVENT_FORWARDED"]
        return len(outcomes) == 2

    wait_for(both, PATIENCE)
    assert outcomes[0]["destination"] == f"http://127.0.0.1:{port}/bitrix"
    assert outcomes[0]["status"] == 200
    assert TOKEN not in gateway.log()


class Bot(ThreadingHTTPServer):
    """A destination in this process: keeps the bodies in the order in which they came."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[], int] = lambda: 200) -> None:
        self.bodies: list[bytes] = []
        self.ids: Counter[str] = Counter()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = answer()
                if status == 200:
                    outer.bodies.append(body)
                    outer.ids[self.headers["webhook-id"]] += 1
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        """The gateway hangs up on whoever is too slow."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/bitrix"


@pytest.fixture
def bots() -> Iterator[Callable[..., Bot]]:
    all_bots: list[Bot] = []

    def make(answer: Callable[[], int] = lambda: 200) -> Bot:
        all_bots.append(Bot(answer))
        return all_bots[-1]

    yield make
    for bot in all_bots:
        bot.shutdown()
        bot.server_close()


def test_events_arrive_byte_for_byte_at_each_destination_that_wants_them(
    start_serve: Start, bots: Callable[..., Bot]
) -> None:
    """But for what never goes on the queue: the addresses of REST and OAuth are no secrets, nor of use."""
    all_events, tasks = bots(), bots()
    gateway = start_serve(FORWARD_TO=f"{all_events.url} {tasks.url}#ONTASK*,ONCRMDEALADD")
    data = {
        "FIELDS_BEFORE": "undefined",
        "FIELDS_AFTER": {"ID": "5", "EMPTY": "", "LIST": ["b", "a"], "MAP": {"10": "x", "9": "y"}},
        "zeta": "1",
        "Alpha": "~*+ ü",
    }
    deliveries = {event: delivery(event, data) for event in ("ONTASKADD", "ONCRMDEALADD", "ONCRMDEALUPDATE")}
    for form_body in deliveries.values():
        assert gateway.post(build_query(form_body)).status == 200
    wait_for(lambda: len(all_events.bodies) == 3 and len(tasks.bodies) == 2, PATIENCE)
    for form_body in deliveries.values():
        form_body["auth"] = {
            name: form_body["auth"][name] for name in ("domain", "member_id", "application_token")
        }
    assert set(all_events.bodies) == set(map(build_query, deliveries.values()))
    assert set(tasks.bodies) == {build_query(deliveries[event]) for event in ("ONTASKADD", "ONCRMDEALADD")}


def test_a_hanging_and_a_stopped_destination_delay_no_other(
    start_serve: Start, bots: Callable[..., Bot]
) -> None:
    """And events of one object keep their order."""
    released = threading.Event()

    def hang() -> int:
        released.wait(30)
        return 503

    good, hanging = bots(), bots(hang)
    down = f"http://127.0.0.1:{free_port()}/bitrix"
    gateway = start_serve(FORWARD_TO=f"{hanging.url} {down} {good.url}", LOG_FORMAT="json", LOG_LANGUAGE="en")
    count, objects = 300, 7
    for number in range(count):
        body = form(
            "ONTASKUPDATE", {"FIELDS_AFTER": {"ID": str(number % objects), "N": str(number)}}, ts=number
        )
        assert gateway.post(body).status == 200
    wait_for(lambda: len(good.ids) == count, PATIENCE)
    events = [parse_qs(body.decode()) for body in good.bodies]
    for number in range(objects):
        of_one = [
            int(f["data[FIELDS_AFTER][N]"][0]) for f in events if f["data[FIELDS_AFTER][ID]"] == [str(number)]
        ]
        assert of_one == list(range(number, count, objects))
    failed = wait_for(
        lambda: [record for record in gateway.records() if record.get("code") == "EVENT_FAILED"], PATIENCE
    )
    assert {record["severity"] for record in failed} == {"WARNING"}
    assert {"attempt", "next", "reason", "event_id", "subscription"} <= set(failed[0])
    began = time.monotonic()
    assert gateway.stop() == 0
    assert time.monotonic() - began < 10
    released.set()


def test_a_destination_that_was_down_gets_everything_once_in_effect(
    start_serve: Start, bots: Callable[..., Bot], tmp_path: Path
) -> None:
    """The gateway is killed meanwhile, twice."""
    status = [503]
    bot = bots(lambda: status[0])
    settings = {"FORWARD_TO": bot.url}
    count = 40
    gateway = start_serve(**settings)
    for number in range(count):
        assert gateway.post(form("ONTASKADD", {"FIELDS_AFTER": {"ID": str(number)}}, ts=number)).status == 200
    gateway.stop(signal.SIGKILL)
    gateway = start_serve(**settings)
    status[0] = 200
    wait_for(lambda: len(bot.ids) > 5, PATIENCE)
    gateway.stop(signal.SIGKILL)
    gateway = start_serve(**settings)
    wait_for(lambda: len(bot.ids) == count, PATIENCE)
    with closing(EmbeddedQueue(tmp_path / "queue.db")) as queue:
        wait_for(lambda: queue.depth() == 0, PATIENCE)
        assert list(queue.dead_letters()) == []
