"""What a feed of the worker does with its subscription's messages."""

import base64
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cloudevents.http.event import CloudEvent

from gateway import processors
from gateway.errors import PortalUnavailable
from gateway.functions import functions
from gateway.local import feed as feed_module
from gateway.local import worker, worker_process
from gateway.local.feed import MOST_ASKING, Feed, asks_portal
from gateway.local.worker_process import WorkerProcess
from gateway.queues import open_embedded
from gateway.queues.model import Delivery
from gateway.queues.sqlite import EVERYTHING, EmbeddedQueue
from gateway.rate_limited import RateLimited
from gateway.settings import Settings, load
from tests.support.deliveries import PORTAL, TOKEN
from tests.support.errors import logged
from tests.support.processes import wait_for

OWN = {"event": "ONUSERUPDATE", "portal": PORTAL, "source": "webhook"}


@pytest.fixture(scope="module")
def settings() -> Settings:
    values = {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "BITRIX24_DOMAIN": PORTAL}
    return load({**values, "BITRIX24_WEBHOOK_TOKEN": "1/secret"}, None)


def message(data: Any, **attributes: str) -> tuple[bytes, dict[str, str]]:
    return json.dumps({"data": data}).encode(), OWN | attributes


def delivered(data: bytes, attributes: dict[str, str]) -> Delivery:
    return Delivery("1", data, attributes, 1, 0.0, "", 1, "messages", None)


@pytest.mark.parametrize(
    ("data", "attributes", "asks"),
    [
        ({"ID": "7"}, {}, True),
        ({"FIELDS": {"id": "7", "uf_usr_telegram": None}}, {}, True),
        ([{"ID": "7", "TELEGRAM": "5"}, {"ID": "8"}], {}, True),
        ({"ID": "7", "UF_USR_TELEGRAM": ""}, {}, False),
        ({"ID": "7"}, {"portal": "other.bitrix24.ru"}, False),
        ({"ID": "7"}, {"source": "resync"}, False),
        (None, {}, False),
    ],
)
def test_only_events_that_ask_the_portal_wait_for_it(
    data: Any, attributes: dict[str, str], asks: bool, settings: Settings
) -> None:
    assert asks_portal(delivered(*message(data, **attributes)), settings) is asks


def test_a_message_that_is_no_json_does_not_wait_for_the_portal(settings: Settings) -> None:
    for data in (b"[]", b"{", b"\xff"):
        assert not asks_portal(delivered(data, OWN), settings)


@contextmanager
def running(feed: Feed) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=feed.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        feed.wake.set()
        thread.join(30)


def test_an_outage_that_is_known_uses_up_no_attempts(tmp_path: Path) -> None:
    """Neither four minutes nor hours; after a day it does."""
    queue = EmbeddedQueue(tmp_path / "queue.db", max_attempts=2)
    feed = Feed(queue, EVERYTHING, lambda _event: None)
    hangs = PortalUnavailable("REST_SILENT", domain=PORTAL, retry_after=17.0, counted=False)
    limits = PortalUnavailable("REST_LIMIT", seconds=600, retry_after=600.0, counted=False)
    refused = PortalUnavailable("REST_REFUSED", domain=PORTAL)
    lately = replace(delivered(b"{}", OWN), published_at=time.time() - 80_000)
    assert feed._put_off_for(lately, hangs) == 17.0
    assert feed._put_off_for(lately, limits) == 60.0
    assert feed._put_off_for(lately, refused) is None
    assert feed._put_off_for(lately, "KeyError") is None
    assert feed._put_off_for(replace(lately, published_at=time.time() - 90_000), hangs) is None
    queue.close()


def test_a_new_user_of_a_portal_that_hangs_is_linked_when_it_answers(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = EmbeddedQueue(tmp_path / "queue.db", max_attempts=2)
    monkeypatch.setattr(feed_module, "LONGEST_DELAY", 0.05)
    calls: list[int] = []

    def call(event: CloudEvent) -> None:
        calls.append(event.data["deliveryAttempt"])
        if len(calls) < 6:
            raise PortalUnavailable("REST_SILENT", domain=PORTAL, retry_after=30.0, counted=False)

    queue.publish(*message({"ID": "7"}), 10)
    with running(Feed(queue, EVERYTHING, call, partial(asks_portal, settings=settings))):
        wait_for(lambda: queue.depth() == 0, 60)
    assert calls == [1] * 6
    assert list(queue.dead_letters()) == []
    queue.close()


def test_an_unlinking_passes_new_users_of_a_portal_that_hangs(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "RATE", 1000.0)
    queue = EmbeddedQueue(tmp_path / "queue.db", max_attempts=1)
    hangs, ids = threading.Event(), []

    def call(event: CloudEvent) -> None:
        data = json.loads(base64.b64decode(event.data["message"]["data"]))["data"]
        if "UF_USR_TELEGRAM" not in data:
            hangs.wait(60)  # the test releases
        ids.append(data["ID"])

    names = [f"new {number}" for number in range(160)]
    assert len(names) > 2 * MOST_ASKING
    for name in names:
        queue.publish(*message({"ID": name}), 10)
    feed = Feed(queue, EVERYTHING, call, partial(asks_portal, settings=settings))
    try:
        with running(feed):
            wait_for(lambda: len(feed._asking) == MOST_ASKING, 30)
            queue.publish(*message({"ID": "7", "UF_USR_TELEGRAM": ""}), 10)
            wait_for(lambda: ids == ["7"], 30)
            hangs.set()
            wait_for(lambda: queue.depth() == 0, 30)
        assert Counter(ids) == Counter([*names, "7"])
        assert list(queue.dead_letters()) == []
    finally:
        hangs.set()
        queue.close()


def test_a_message_handled_for_longer_than_its_lease_is_handled_once(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "LEASE_SECONDS", 0.2)
    queue = EmbeddedQueue(tmp_path / "queue.db", max_attempts=2)
    answers, attempts = threading.Event(), Counter[str]()

    def call(event: CloudEvent) -> None:
        data = json.loads(base64.b64decode(event.data["message"]["data"]))["data"]
        attempts[data["ID"]] += 1
        if "UF_USR_TELEGRAM" not in data:
            answers.wait(60)  # the test releases

    queue.publish(*message({"ID": "slow"}), 10)
    try:
        with running(Feed(queue, EVERYTHING, call, partial(asks_portal, settings=settings))):
            wait_for(lambda: attempts["slow"] == 1, 30)
            ends, quick = time.monotonic() + 1.0, 0
            while time.monotonic() < ends:
                quick += 1
                queue.publish(*message({"ID": f"{quick}", "UF_USR_TELEGRAM": ""}), 10)
                wait_for(lambda: attempts[f"{quick}"] == 1, 30)  # noqa: B023 — called at once
            answers.set()
            wait_for(lambda: queue.depth() == 0, 30)
        assert set(attempts.values()) == {1}
        assert list(queue.dead_letters()) == []
    finally:
        answers.set()
        queue.close()


LEASER = r"""
import sys
from gateway.queues import open_embedded
from gateway.settings import load
queue = open_embedded(load({"QUEUE_URL": sys.argv[1], "FORWARD_TO": sys.argv[2]}, None))
leased = queue.lease(queue.subscriptions[-1].name, 300.0, 10)
print(len(leased), flush=True)
sys.stdin.read()
"""


def test_messages_leased_by_a_killed_worker_are_delivered_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it ended after this worker's start: its lease for a destination lasts five minutes."""
    monkeypatch.setattr(worker, "TAKE_BACK_SECONDS", 0.05)
    values = {"QUEUE_URL": f"sqlite:///{tmp_path}/queue.db", "FORWARD_TO": "http://a.internal"}
    settings = load(values, None)
    open_embedded(settings).publish(
        *message({"ID": "7"}), 10, to=open_embedded(settings).subscriptions[-1].name
    )
    delivered, stop, looked = threading.Event(), threading.Event(), threading.Event()

    def call(_event: CloudEvent) -> None:
        delivered.set()

    def woken() -> None:
        stop.wait(0.01)
        looked.set()

    calls = {function.name: call for function in functions()}
    command = [sys.executable, "-c", LEASER, *values.values()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"1\n"
            thread = threading.Thread(target=worker.work, args=(settings, calls, stop, woken), daemon=True)
            thread.start()
            assert looked.wait(30)
            assert not delivered.is_set(), "the other one still works"
            other.kill()
            assert delivered.wait(60)
        finally:
            other.kill()
            stop.set()
    thread.join(30)


def test_a_message_that_could_not_be_settled_is_settled_later_and_not_handled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feed_module, "LEASE_SECONDS", 0.2)
    monkeypatch.setattr(feed_module, "reports", RateLimited(feed_module.log, 0.0))
    monkeypatch.setattr("gateway.queues.sqlite.WORKER_TIMEOUT", 0.1)
    queue = EmbeddedQueue(tmp_path / "queue.db")
    calls: list[int] = []

    def call(event: CloudEvent) -> None:
        calls.append(event.data["deliveryAttempt"])
        other.execute("BEGIN IMMEDIATE")

    queue.publish(*message(None), 10)
    with (
        closing(
            sqlite3.connect(queue.path, timeout=30, isolation_level=None, check_same_thread=False)
        ) as other,
        running(Feed(queue, EVERYTHING, call)),
    ):
        wait_for(lambda: "locked" in logged(caplog), 30)
        monkeypatch.setattr("gateway.queues.sqlite.WORKER_TIMEOUT", 30.0)
        other.execute("ROLLBACK")
        wait_for(lambda: queue.depth() == 0, 30)
    assert calls == [1]
    queue.close()


def test_no_worker_starts_again_after_stop(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "COMMAND", [sys.executable, "-c", "input()"])
    process = WorkerProcess(settings, threading.Event(), [])
    process.stop(1)
    # This is what the thread that restarts it does, which had looked just before.
    process._spawn()
    alive = process.is_alive()
    process.stop(10)
    assert not alive


@pytest.mark.skipif(len(processors.usable()) < 2, reason="with one processor there is no choice")
def test_the_worker_gets_a_processor_that_serve_leaves(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "COMMAND", [sys.executable, "-c", "input()"])
    serves, *left = processors.usable()
    process = WorkerProcess(settings, threading.Event(), left)
    process.start()
    used = os.sched_getaffinity(process._process.pid) if process._process else set()
    process.stop(10)
    assert used == {left[0]} != {serves}


@pytest.mark.parametrize("ends_too", [True, False])
def test_a_signal_that_ends_serve_too_is_no_failure_of_the_worker(
    ends_too: bool, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that starts does not yet ignore the SIGTERM that is meant for all processes of a service."""
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    monkeypatch.setattr(worker_process, "COMMAND", [sys.executable, "-c", killed])
    monkeypatch.setattr(worker_process, "SIGNAL_SECONDS", 60.0 if ends_too else 0.01)
    ending = threading.Event()
    process = WorkerProcess(settings, ending, [])
    process.start()
    if ends_too:
        wait_for(lambda: not process.is_alive())
        # Its own handler ran a moment later.
        ending.set()
        process._thread.join(30)
        assert not process._thread.is_alive()
        assert not caplog.records
    else:
        wait_for(lambda: " -15)" in caplog.text)
    process.stop(10)
