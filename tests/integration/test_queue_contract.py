"""What every queue promises, held against each of them for real: a SQLite file and the Pub/Sub emulator."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.queues import Publisher
from gateway.queues.pubsub import PubSub
from gateway.queues.sqlite import EmbeddedQueue
from tests.support.queues import acknowledge, leased

Taken = list[tuple[str, bytes, Mapping[str, str]]]
Queue = tuple[Publisher, Callable[[], Taken]]


def _embedded(tmp_path: Path) -> tuple[EmbeddedQueue, Callable[[], Taken]]:
    queue = EmbeddedQueue(tmp_path / "var" / "queue.db")

    def take() -> Taken:
        other, messages = EmbeddedQueue(queue.path), []  # as another process
        while (delivery := leased(other, 60)) is not None:
            messages.append((delivery.message_id, delivery.data, delivery.attributes))
            assert acknowledge(other, delivery)
        other.close()
        return messages

    return queue, take


@pytest.fixture(params=["embedded", "pubsub"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    """A publisher, and a way to take out what it stored."""
    if request.param == "embedded":
        publisher, take = _embedded(tmp_path)
        yield publisher, take
        publisher.close()
        return
    topic = request.getfixturevalue("pubsub_topic")
    pubsub = PubSub(topic.project, topic.name)

    def take_from_topic() -> Taken:
        return [
            (m["messageId"], base64.b64decode(m.get("data", "")), m.get("attributes", {}))
            for m in topic.take()
        ]

    yield pubsub, take_from_topic
    pubsub.close()


def test_an_acknowledged_message_is_stored(queue: Queue) -> None:
    publisher, take = queue
    message_id = publisher.publish(b'{"schema": 1}', {"event": "ONUSERADD"}, 10)
    assert take() == [(message_id, b'{"schema": 1}', {"event": "ONUSERADD"})]
    assert take() == []


@pytest.mark.parametrize(
    "data",
    [
        json.dumps({"name": 'Ёлка 🎄 \u2028 \\ " \x00'}, ensure_ascii=False).encode(),
        bytes(range(256)),
        "я".encode() * 250_000,
        b"x" * 500_000,
    ],
    ids=["unicode", "bytes", "500 KB of Cyrillic", "500 KB"],
)
def test_data_is_kept_to_the_byte(queue: Queue, data: bytes) -> None:
    publisher, take = queue
    publisher.publish(data, {}, 10)
    assert [payload for _, payload, _ in take()] == [data]


def test_attributes_are_kept(queue: Queue) -> None:
    publisher, take = queue
    attributes = {
        "event": "ONUSERADD",
        "portal": "",
        "source": "webhook",
        "token_place": "query:token",
        "п": "ё\n",
    }
    publisher.publish(b"{}", attributes, 10)
    assert [message_attributes for _, _, message_attributes in take()] == [attributes]


def test_every_message_has_its_own_id(queue: Queue) -> None:
    publisher, take = queue
    ids = [publisher.publish(b"same", {}, 10) for _ in range(5)]
    assert len(set(ids)) == 5
    assert sorted(message_id for message_id, _, _ in take()) == sorted(ids)


def test_concurrent_publishers_lose_and_double_nothing(queue: Queue) -> None:
    publisher, take = queue
    with ThreadPoolExecutor(16) as pool:
        messages_sent = dict(
            pool.map(lambda n: (publisher.publish(b"%d" % n, {"n": str(n)}, 30), b"%d" % n), range(200))
        )
    messages = take()
    assert {message_id: data for message_id, data, _ in messages} == messages_sent
    assert len(messages) == 200
