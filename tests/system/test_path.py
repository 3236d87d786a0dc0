"""The whole path, on real parts: a portal's delivery in, a person's link out."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.links import open_store
from gateway.links.model import Link
from gateway.locations import sqlite_file, store_location
from gateway.queues.sqlite import EmbeddedQueue
from gateway.texts import reason_text
from tests.support.commands import run_command
from tests.support.deliveries import PORTAL, TOKEN, form
from tests.support.firestore import FirestoreEmulator
from tests.support.processes import Running, Start, free_port
from tests.support.pubsub import Topic

# In seconds: how long a slow machine may take for what takes a moment.
PATIENCE = 60


def eventually(look: Callable[[], Any]) -> Any:
    ends = time.monotonic() + PATIENCE
    while not (result := look()) and time.monotonic() < ends:
        time.sleep(0.1)
    return result


def linked(database_url: str, user: int) -> Link | None:
    store = open_store(store_location(database_url))
    try:
        return store.get(PORTAL, user)
    finally:
        store.close()


def gateway_command(running: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m gateway …` with the running server's settings."""
    return run_command(*arguments, env=running.env, cwd=running.stderr.parent)


def rows(running: Running) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(gateway_command(running, "links", "--json").stdout)
    return listed


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_an_event_makes_a_link_on_one_machine(
    start_serve: Start, database: str, request: pytest.FixtureRequest
) -> None:
    settings = {"DATABASE_URL": request.getfixturevalue("postgres_url")} if database == "postgres" else {}
    gateway = start_serve(**settings)
    assert gateway.post(form(data={"ID": "12", "UF_USR_TELEGRAM": "777"})).status == 200
    added = form(event="OnUserAdd", data={"FIELDS": {"ID": "13", "TELEGRAM": "https://t.me/ivan_petrov"}})
    assert gateway.post(added).status == 200
    assert gateway.post(form(event="ONCRMDEALUPDATE", data={"FIELDS": {"ID": "7405"}})).status == 200
    assert eventually(lambda: len(rows(gateway)) == 2)
    [first, newer] = rows(gateway)
    assert first["portal"] == PORTAL
    assert (first["bitrix_user_id"], first["telegram_id"], first["telegram_username"]) == (12, 777, None)
    assert (newer["bitrix_user_id"], newer["telegram_id"], newer["telegram_username"]) == (
        13,
        None,
        "ivan_petrov",
    )
    assert eventually(lambda: "Telegram ID 777 → Bitrix24 User ID 12" in gateway.log())  # behind the commit
    assert gateway.stop() == 0
    assert TOKEN not in gateway.log()


def test_a_failure_is_one_line_and_the_dead_letters_reason(start_serve: Start) -> None:
    unused_address = f"postgresql://gateway@127.0.0.1:{free_port()}/links"
    gateway = start_serve(DATABASE_URL=unused_address, QUEUE_MAX_ATTEMPTS="1", LOG_LANGUAGE="en")
    assert gateway.post(form()).status == 200
    assert eventually(lambda: "EVENT_DEAD" in gateway.log())
    queue = EmbeddedQueue(sqlite_file("QUEUE_URL", gateway.env["QUEUE_URL"]).path)
    [dead] = eventually(lambda: list(queue.dead_letters()))
    queue.close()
    assert dead.subscription == "on-user-update"
    assert reason_text(dead.reason, "en").startswith(
        "Nothing accepts connections at the address in DATABASE_URL"
    )
    assert "Traceback" not in gateway.log()


@pytest.mark.parametrize("database", ["postgres", "firestore"])
def test_an_event_makes_a_link_on_googles_emulators(
    start_function: Start, pubsub_topic: Topic, database: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    settings = {"PUBSUB_EMULATOR_HOST": pubsub_topic.emulator.host, "QUEUE_URL": pubsub_topic.url}
    settings["DATABASE_URL"] = request.getfixturevalue(f"{database}_url")
    if database == "firestore":
        emulator: FirestoreEmulator = request.getfixturevalue("firestore_emulator")
        settings["FIRESTORE_EMULATOR_HOST"] = emulator.host
    for target in ("on_user_update", "on_user_add"):
        consumer = start_function(target, **settings)
        path = f"projects/{pubsub_topic.project}/topics/{pubsub_topic.name}"
        pubsub_topic.subscribe(target.replace("_", "-"), push=f"http://127.0.0.1:{consumer.port}/{path}")
    receiver = start_function("bitrix_webhook", **settings)
    answer = receiver.post(form(data={"ID": "12", "UF_USR_TELEGRAM": "@ivan_petrov"}))
    assert (answer.status, answer.json["code"]) == (200, "EVENT_QUEUED")
    assert receiver.request("GET", "/health").json["queue"] == "pubsub"
    added = form(event="ONUSERADD", data={"ID": "13", "TELEGRAM_ID": "888"})
    assert receiver.post(added).status == 200
    link = eventually(lambda: linked(settings["DATABASE_URL"], 12))
    assert (link.telegram_username, link.telegram_id, link.active) == ("ivan_petrov", None, True)
    link = eventually(lambda: linked(settings["DATABASE_URL"], 13))
    assert (link.telegram_username, link.telegram_id) == (None, 888)
