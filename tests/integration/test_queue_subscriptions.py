"""What every queue promises its subscriptions: a SQLite file's, and those of the Pub/Sub emulator.

The emulator ignores filters, so each function gets every event there; whoever gets what it
does not want acknowledges it without effect, and what comes of the events is the same.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cloudevents.http.event import CloudEvent

import handlers
from gateway.events import Message, Portal
from gateway.functions import of_kind
from gateway.links import open_store
from gateway.locations import store_location
from gateway.queues import Publisher
from gateway.queues.model import PUBSUB_TYPE
from gateway.queues.pubsub import PubSub
from gateway.queues.sqlite import EmbeddedQueue
from gateway.queues.subscriptions import subscriptions
from gateway.settings import load
from handlers import users
from tests.support.deliveries import TOKEN
from tests.support.destinations import Destination
from tests.support.pubsub import Topic

PORTAL = "portal.bitrix24.ru"
CONSUMERS = {function.subscription: function.event for function in of_kind("consumer")}
# Where they are among the names of subscriptions.
DESTINATIONS = slice(len(CONSUMERS), None)


@dataclass(frozen=True)
class Taken:
    """A message that a subscription handed out; `handle` settles it."""

    message_id: str
    data: bytes
    attributes: Mapping[str, str]
    attempt: int
    handle: Any


@dataclass(frozen=True)
class Queue:
    """`take` hands out what waits at a subscription, `settle` acknowledges it or has it come again."""

    publisher: Publisher
    names: list[str]
    take: Callable[[str], list[Taken]]
    settle: Callable[[str, Taken, bool], None]


@pytest.fixture
def tasks() -> Iterator[Destination]:
    with Destination() as destination:
        yield destination


@pytest.fixture
def all_events() -> Iterator[Destination]:
    with Destination() as destination:
        yield destination


@pytest.fixture
def environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: Destination, all_events: Destination
) -> Iterator[dict[str, str]]:
    settings = {
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
        "DATABASE_URL": f"sqlite:///{tmp_path}/links.db",
        "FORWARD_TO": f"{tasks.url}#ONTASK* {all_events.url}",
    }
    monkeypatch.chdir(tmp_path)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    yield settings
    handlers.close()


@pytest.fixture(params=["embedded", "pubsub"])
def queue(request: pytest.FixtureRequest, tmp_path: Path, environment: dict[str, str]) -> Iterator[Queue]:
    wanted_subscriptions = subscriptions(load(environment, dotenv=None))
    names = [subscription.name for subscription in wanted_subscriptions]
    if request.param == "embedded":
        embedded = EmbeddedQueue(tmp_path / "queue.db", subscriptions=wanted_subscriptions)
        yield Queue(embedded, names, partial(_lease, embedded), partial(_settle, embedded))
        embedded.close()
        return
    topic: Topic = request.getfixturevalue("pubsub_topic")
    for name in names:
        body = {"topic": f"projects/{topic.project}/topics/{topic.name}", "ackDeadlineSeconds": 60}
        # Without dead letters no attempt is counted; the filter is refused by nobody and does nothing.
        dead = {"deadLetterTopic": body["topic"], "maxDeliveryAttempts": 100}
        event_filter = f'attributes.event = "{CONSUMERS.get(name, "ONTASKADD")}"'
        topic.emulator.call(
            "PUT", _path(topic, name), body | {"deadLetterPolicy": dead, "filter": event_filter}
        )
    pubsub = PubSub(topic.project, topic.name)
    yield Queue(pubsub, names, partial(_pull, topic), partial(_answer, topic))
    pubsub.close()


def _lease(queue: EmbeddedQueue, name: str) -> list[Taken]:
    leased = queue.lease(name, 60, 100)
    return [
        Taken(delivery.message_id, delivery.data, delivery.attributes, delivery.attempt, delivery)
        for delivery in leased
    ]


def _settle(queue: EmbeddedQueue, _name: str, delivery: Taken, is_handled: bool) -> None:
    queue.settle(
        [delivery.handle] if is_handled else [], [] if is_handled else [(delivery.handle, "not now", 0.0)]
    )


def _path(topic: Topic, name: str) -> str:
    return f"projects/{topic.project}/subscriptions/{name}"


def _pull(topic: Topic, name: str) -> list[Taken]:
    request, deliveries = {"maxMessages": 100, "returnImmediately": True}, list[Taken]()
    while pulled := topic.emulator.call("POST", f"{_path(topic, name)}:pull", request).get(
        "receivedMessages"
    ):
        for received in pulled:
            message, data = received["message"], base64.b64decode(received["message"]["data"])
            attempt = received.get("deliveryAttempt", 1)
            deliveries.append(
                Taken(message["messageId"], data, message["attributes"], attempt, received["ackId"])
            )
    return deliveries


def _answer(topic: Topic, name: str, delivery: Taken, is_handled: bool) -> None:
    ids: dict[str, Any] = {"ackIds": [delivery.handle]}
    if is_handled:
        topic.emulator.call("POST", f"{_path(topic, name)}:acknowledge", ids)
    else:
        topic.emulator.call(
            "POST", f"{_path(topic, name)}:modifyAckDeadline", ids | {"ackDeadlineSeconds": 0}
        )


def publish(queue: Queue, event: str, number: int = 1) -> str:
    message = Message(
        event_id=f"{event} {number}",
        event=event,
        ts=1767225600 + number,
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        source="webhook",
        portal=Portal(domain=PORTAL),
        data={"ID": str(number), "UF_USR_TELEGRAM": str(500 + number)},
    )
    return queue.publisher.publish(message.to_bytes(), message.attributes("header:X-Bitrix-Token"), 10)


def test_each_subscription_that_wants_a_message_gets_it_once(queue: Queue) -> None:
    message_id = publish(queue, "ONTASKADD")
    for name in queue.names[DESTINATIONS]:  # both destinations
        [delivery] = queue.take(name)
        assert delivery.message_id == message_id
        assert delivery.attributes["event"] == "ONTASKADD"
        assert queue.take(name) == []  # it is leased


def test_a_failure_at_one_subscription_is_repeated_only_there(queue: Queue) -> None:
    publish(queue, "ONTASKADD")
    failing, other = queue.names[DESTINATIONS]
    [delivery] = queue.take(other)
    queue.settle(other, delivery, True)
    for attempt in range(1, 4):
        [delivery] = queue.take(failing)
        assert delivery.attempt == attempt
        queue.settle(failing, delivery, False)
    assert queue.take(other) == []
    [delivery] = queue.take(failing)
    queue.settle(failing, delivery, True)
    assert queue.take(failing) == []


def handle(queue: Queue, name: str, delivery: Taken) -> None:
    """Call the subscription's function, and acknowledge as Pub/Sub does where it returns."""
    message = {
        "data": base64.b64encode(delivery.data).decode(),
        "attributes": dict(delivery.attributes),
        "messageId": delivery.message_id,
    }
    body = {"message": message, "subscription": f"projects/p/subscriptions/{name}"}
    event = CloudEvent({"type": PUBSUB_TYPE, "source": "//pubsub.googleapis.com/projects/p/topics/t"}, body)
    if name in CONSUMERS:
        handlers.consume(event, CONSUMERS[name], users.handle)
    else:
        handlers.deliver(event)
    queue.settle(name, delivery, True)


def test_the_outcome_of_events_does_not_depend_on_filters(
    queue: Queue, environment: dict[str, str], tasks: Destination, all_events: Destination
) -> None:
    for number, event in enumerate(["ONUSERUPDATE", "ONUSERADD", "ONTASKADD", "ONCRMDEALADD"], 1):
        publish(queue, event, number)
    for name in queue.names:
        for delivery in queue.take(name):
            handle(queue, name, delivery)
        assert queue.take(name) == []
    store = open_store(store_location(environment["DATABASE_URL"]))
    assert {link.bitrix_user_id: link.telegram_id for link in store.links(PORTAL)} == {1: 501, 2: 502}
    assert [row.event_id for row in store.history(PORTAL)] == ["ONUSERUPDATE 1", "ONUSERADD 2"]
    assert list(store.dead_letters()) == []
    store.close()
    assert tasks.ids == {"ONTASKADD 3"}
    assert all_events.ids == {"ONUSERUPDATE 1", "ONUSERADD 2", "ONTASKADD 3", "ONCRMDEALADD 4"}
