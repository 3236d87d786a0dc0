"""SIGTERM finishes what is in flight; SIGKILL at any step of the path loses nothing and doubles nothing."""

import json
import signal
import socket
import sqlite3
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.events import observed_message
from gateway.journal import Journal
from gateway.links import open_store
from gateway.locations import store_location
from tests.support import processes
from tests.support.deliveries import FORM, PORTAL, form
from tests.support.portal import Call, PortalSimulator, Reply
from tests.support.processes import Running, Start, wait_for

# In seconds: Cloud Run allows ten, of which a slow machine may need some for itself.
ENDS_WITHIN = 20.0


def refuses(gateway: Running) -> bool:
    """Whether nobody listens at its port any more: it has begun to end."""
    try:
        socket.create_connection(("127.0.0.1", gateway.port), timeout=10).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        # It was reset as it was being accepted.
        pass
    return False


def stopped(gateway: Running, began: float) -> None:
    assert gateway.process.wait(60) == 0
    assert time.monotonic() - began < ENDS_WITHIN


def queued(tmp_path: Path) -> list[str]:
    with closing(sqlite3.connect(tmp_path / "queue.db", timeout=30)) as queue:
        return [data for (data,) in queue.execute("SELECT data FROM messages")]


def accounts(tmp_path: Path) -> list[tuple[int, int | None]]:
    """The link history of the store: (user, account), oldest first."""
    with closing(open_store(store_location(f"sqlite:///{tmp_path}/links.db"))) as store:
        return [(row.bitrix_user_id, row.telegram_id) for row in store.history()]


def test_serve_without_work_ends_at_once(start_serve: Start) -> None:
    gateway = start_serve()
    assert gateway.post(form()).status == 200
    began = time.monotonic()
    gateway.process.send_signal(signal.SIGTERM)
    stopped(gateway, began)
    assert "Шлюз остановлен" in gateway.log().splitlines()[-1]


def read_by(gateway: Running) -> int:
    """How many open connections the gateway has accepted and read to their last byte, as Linux counts."""
    port = f":{gateway.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    ours = [fields for fields in rows if fields[1].endswith(port) and fields[3] == "01"]
    return sum(fields[4].endswith(":00000000") and fields[9] != "0" for fields in ours)


def test_serve_answers_what_is_in_flight(start_serve: Start, tmp_path: Path) -> None:
    """Another program holds the queue's file while three requests wait, and lets go after the signal."""
    gateway = start_serve()
    assert gateway.post(form()).status == 200
    wait_for(lambda: not queued(tmp_path) and not read_by(gateway))
    with ExitStack() as stack:
        holder = stack.enter_context(closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)))
        holder.execute("BEGIN IMMEDIATE")
        senders = []
        for number in range(3):
            body = form(ts=1_750_000_001 + number)
            head = (
                f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            sender = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=30))
            sender.sendall(head.encode() + body)
            senders.append(sender)
        wait_for(lambda: read_by(gateway) == 3)
        began = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        wait_for(lambda: refuses(gateway))
        holder.execute("COMMIT")
        answers = {sender.recv(12) for sender in senders}
        # A 503 means that the event is kept.
        assert answers <= {b"HTTP/1.1 200", b"HTTP/1.1 503"}
    stopped(gateway, began)


def test_requests_stalled_at_once_each_wait_their_own_three_seconds_and_each_is_kept(
    start_serve: Start, tmp_path: Path
) -> None:
    gateway = start_serve()
    assert gateway.post(form()).status == 200
    wait_for(lambda: not queued(tmp_path))

    def timed(body: bytes) -> tuple[int, float]:
        began = time.monotonic()
        return gateway.post(body).status, time.monotonic() - began

    with closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with ThreadPoolExecutor(256) as senders:
            bodies = [form(ts=1_750_000_001 + number) for number in range(256)]
            answers = list(senders.map(timed, bodies))
    assert {status for status, _ in answers} == {503}
    # One after the other they would take minutes.
    assert max(seconds for _, seconds in answers) < 25
    assert gateway.stop() == 0
    event_ids = {event.record["event_id"] for event in Journal(tmp_path / "journal.db").unqueued()}
    # The log holds what the journal did not take in time.
    for line in gateway.log().splitlines():
        if (start := line.find('{"code": "EVENT_NOT_QUEUED"')) >= 0:
            event_ids.add(json.loads(line[start : line.rindex("}") + 1])["event_id"])
    assert len(event_ids) == 256
    assert gateway.log().count("[QUEUE_UNAVAILABLE]") == 1


@pytest.fixture
def user_requested(portal: PortalSimulator) -> Iterator[threading.Event]:
    """A portal that answers each question about a user only once the event is set."""
    portal.add(12, telegram="777")
    let_go = threading.Event()

    def stall(_call: Call) -> Reply | None:
        let_go.wait(60)
        return None

    portal.faults.append(stall)
    yield let_go
    let_go.set()


def test_serve_finishes_the_work_in_hand(
    start_serve: Start, tmp_path: Path, portal: PortalSimulator, user_requested: threading.Event
) -> None:
    gateway = start_serve(**portal.environ())
    assert gateway.post(form(data={"ID": "12"}, domain=portal.domain)).status == 200
    wait_for(lambda: portal.calls)
    began = time.monotonic()
    gateway.process.send_signal(signal.SIGTERM)
    wait_for(lambda: refuses(gateway))
    user_requested.set()
    stopped(gateway, began)
    assert accounts(tmp_path) == [(12, 777)]
    assert queued(tmp_path) == []


def test_serve_ends_in_time_though_the_portal_hangs(
    start_serve: Start, tmp_path: Path, portal: PortalSimulator, user_requested: threading.Event
) -> None:
    """What could not be finished is still on the queue."""
    gateway = start_serve(**portal.environ())
    # As many as there are workers.
    for ts in range(4):
        body = form(data={"ID": "12"}, domain=portal.domain, ts=1_750_000_000 + ts)
        assert gateway.post(body).status == 200
    wait_for(lambda: len(portal.calls) == 4)
    began = time.monotonic()
    gateway.process.send_signal(signal.SIGTERM)
    stopped(gateway, began)
    assert len(queued(tmp_path)) == 4


class SlowPubSub(BaseHTTPRequestHandler):
    """The far side of a publish: one that answers only once it is let go."""

    server: "SlowServer"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)
        self.server.let_go.wait(60)
        body = b'{"messageIds": ["1"]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


class SlowServer(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), SlowPubSub)
        self.asked: list[str] = []
        self.let_go = threading.Event()


@pytest.fixture
def slow_pubsub() -> Iterator[SlowServer]:
    with SlowServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_the_receiver_answers_what_is_in_flight(start_function: Start, slow_pubsub: SlowServer) -> None:
    host = f"127.0.0.1:{slow_pubsub.server_port}"
    queue = {"QUEUE_URL": "pubsub://project/topic", "PUBSUB_EMULATOR_HOST": host}
    gateway = start_function("bitrix_webhook", **queue)
    with ThreadPoolExecutor() as senders:
        answers = [senders.submit(gateway.post, form(ts=1_750_000_000 + n)) for n in range(3)]
        wait_for(lambda: len(slow_pubsub.asked) == 3)
        began = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        # Gunicorn's port stays open for as long as a request is in flight.
        time.sleep(1.0)
        slow_pubsub.let_go.set()
        assert [answer.result().status for answer in answers] == [200, 200, 200]
    stopped(gateway, began)


def test_a_consumer_finishes_the_work_in_hand(
    start_function: Start, tmp_path: Path, portal: PortalSimulator, user_requested: threading.Event
) -> None:
    gateway = start_function("on_user_update", **portal.environ())
    now = datetime.now(UTC)
    message = replace(observed_message(portal.domain, {"ID": 12}, now, now), source="webhook")
    data = b64encode(message.to_bytes()).decode()
    pushed = {"message": {"data": data, "attributes": message.attributes(""), "messageId": "1"}}
    body = json.dumps({**pushed, "subscription": "projects/p/subscriptions/s"}).encode()
    with ThreadPoolExecutor() as pusher:
        headers = {"Content-Type": "application/json"}
        answer = pusher.submit(gateway.request, "POST", "/projects/p/topics/t", body, headers)
        wait_for(lambda: portal.calls)
        began = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        user_requested.set()
        assert answer.result().status < 300
    stopped(gateway, began)
    assert accounts(tmp_path) == [(12, 777)]


DYING = """
import os, signal, sys
from gateway.links.sql_prepared import EventTransaction
from gateway.journal import Journal
from gateway.queues.sqlite import EmbeddedQueue

def dies(where, name, before):
    real = getattr(where, name)
    def wrapped(*arguments, **named):
        result = None if before else real(*arguments, **named)
        if before or result:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(where, name, wrapped)

if {in_worker}:
    if sys.argv[1:] == ["worker"]:
        dies({where}, {name!r}, {before})
        from gateway.local import worker
        worker.main()
    from gateway.local import worker_process
    worker_process.COMMAND[1:] = ["-c", sys.orig_argv[2], "worker"]
else:
    dies({where}, {name!r}, {before})
from gateway.cli import main
sys.exit(main(["serve"]))
"""
# Steps of the receiving process.
STEPS = {
    "before the event is on the queue": ("EmbeddedQueue", "_store_waiting", True),
    "between the queue's commit and the answer": ("EmbeddedQueue", "publish", False),
}
WORKER_STEPS = {
    "with the lease taken": ("EmbeddedQueue", "lease", False),
    "with the link written and not committed": ("EventTransaction", "apply", False),
    "between the commit and the acknowledgement": ("EmbeddedQueue", "settle", True),
    "with the acknowledgement written": ("EmbeddedQueue", "settle", False),
}


def dying(tmp_path: Path, step: tuple[str, str, bool], in_worker: bool = False) -> Iterator[Start]:
    variables, name, before = step
    script = DYING.format(where=variables, name=name, before=before, in_worker=in_worker)
    return processes.starter(tmp_path, processes.program(script))


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_of_the_receiver_loses_and_doubles_nothing(
    step: str, start_serve: Start, tmp_path: Path
) -> None:
    starting = dying(tmp_path, STEPS[step])
    gateway = next(starting)("dying")
    body = form(data={"ID": "12", "UF_USR_TELEGRAM": "777"})
    with pytest.raises((OSError, HTTPException)):
        gateway.post(body)
    assert gateway.process.wait(60) == -signal.SIGKILL
    next(starting, None)
    after = start_serve()
    # It was never accepted: whoever sends it again may do so.
    if step == "before the event is on the queue":
        assert after.post(body).status == 200
    wait_for(lambda: not queued(tmp_path) and accounts(tmp_path))
    assert accounts(tmp_path) == [(12, 777)]


@pytest.mark.parametrize("step", WORKER_STEPS)
def test_a_kill_of_all_loses_and_doubles_nothing(step: str, start_serve: Start, tmp_path: Path) -> None:
    """What the dead had leased is handled at once, no lease waited for (60 s) and no clock moved."""
    starting = dying(tmp_path, WORKER_STEPS[step], in_worker=True)
    gateway = next(starting)("dying")
    assert gateway.post(form(data={"ID": "12", "UF_USR_TELEGRAM": "777"})).status == 200
    wait_for(lambda: "-9" in gateway.log())
    gateway.process.kill()
    gateway.process.wait(60)
    next(starting, None)
    start_serve()
    wait_for(lambda: not queued(tmp_path) and accounts(tmp_path))
    assert accounts(tmp_path) == [(12, 777)]


def test_a_kill_after_an_event_was_kept_leaves_it_kept(tmp_path: Path) -> None:
    """The queue's file is held by another program: the event goes to the journal, then the process dies."""
    starting = dying(tmp_path, ("Journal", "add_unqueued", False))
    gateway = next(starting)("dying")
    with closing(sqlite3.connect(tmp_path / "queue.db", isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode = WAL")
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises((OSError, HTTPException)):
            gateway.post(form(data={"ID": "12", "UF_USR_TELEGRAM": "777"}))
    assert gateway.process.wait(60) == -signal.SIGKILL
    next(starting, None)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal:
        rows = journal.execute("SELECT record FROM unqueued").fetchall()
    assert json.loads(json.loads(rows[0][0])["payload"])["portal"]["domain"] == PORTAL
