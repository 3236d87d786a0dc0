"""Holds what the figures share: the options of a run, and its parts, each started when first needed."""

import base64
import json
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pytest

from bench import bodies, load
from bench.instances import EventLost, far_side
from bench.whole import Build, first_edition
from tests.support.postgres import Postgres, running_postgres
from tests.support.pubsub import Emulator, Topic, running_emulator

CONNECTIONS = 32  # of a load

Part = TypeVar("Part")
Note = Callable[[str], None]


class PartMissing(Exception):
    """A figure cannot be taken here; the message says what to install."""


@contextmanager
def _or_missing(part: AbstractContextManager[Part]) -> Iterator[Part]:
    """Start one of the tests' parts; where the tests would skip, raise `PartMissing`."""
    try:
        with part as running:
            yield running
    except pytest.skip.Exception as skipped:
        raise PartMissing(str(skipped)) from None


@dataclass
class Bench:
    """One run. `quick` takes fewer rounds and smaller loads; `note` shows a person the progress."""

    quick: bool = False
    note: Note = lambda _text: None
    stack: ExitStack = field(default_factory=ExitStack)
    sent: int = 0

    def rounds(self, full: int, quick: int = 3) -> int:
        return quick if self.quick else full

    def requests(self, count: int) -> list[bytes]:
        """Requests that this run has not sent yet."""
        self.sent += count
        return bodies.requests(self.sent - count, count)

    @cached_property
    def directory(self) -> Path:
        return Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))

    @cached_property
    def instant_pubsub(self) -> str:
        """Host and port of a Pub/Sub that answers at once, for `PUBSUB_EMULATOR_HOST`."""
        return f"127.0.0.1:{self.stack.enter_context(far_side('pubsub'))}"

    @cached_property
    def emulator(self) -> Emulator:
        """Google's Pub/Sub emulator, warm."""
        emulator = self.stack.enter_context(_or_missing(running_emulator()))
        _warm(emulator)
        return emulator

    @cached_property
    def first_edition(self) -> Build:
        try:
            return first_edition(self.directory)
        except LookupError as error:
            raise PartMissing(str(error)) from None

    @cached_property
    def postgres(self) -> Postgres:
        """A PostgreSQL cluster that does not wait for the disk, which makes the comparison stricter."""
        return self.stack.enter_context(_or_missing(running_postgres()))

    def topic(self) -> Topic:
        """A new topic on the emulator, with a subscription that shows what came."""
        return _topic(self.emulator)

    def settings(self, **more: str) -> dict[str, str]:
        """The settings that every function is started with."""
        return {
            "BITRIX24_OUTGOING_WEBHOOK_TOKEN": bodies.TOKEN,
            "QUEUE_URL": "pubsub://bench-project/events",
            "JOURNAL_URL": f"sqlite:///{self.directory}/journal.db",
            "DATABASE_URL": f"sqlite:///{self.directory}/links.db",
            "LOG_FORMAT": "json",
            **more,
        }


def _topic(emulator: Emulator) -> Topic:
    topic = Topic(emulator, f"bench-{uuid.uuid4().hex[:8]}", "events", "events-seen")
    topic.create_topic(topic.name)
    topic.subscribe(topic.subscription)
    return topic


def _warm(emulator: Emulator) -> None:
    """Warm the emulator up: it is a Java program that takes 13 ms for its first publishes, later 2."""
    topic = _topic(emulator)
    attributes = dict.fromkeys(("event", "event_id", "portal", "source", "token_place"), "warm-up")
    message = {"data": base64.b64encode(bodies.event()).decode(), "attributes": attributes}
    body = json.dumps({"messages": [message]})
    head = f"POST /v1/projects/{topic.project}/topics/{topic.name}:publish HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    port = int(emulator.host.rpartition(":")[2])
    load.run(port, [f"{head}{body}".encode()] * 80_000, CONNECTIONS)


def check_arrived(expected: int, different: int) -> None:
    """Raise `EventLost` unless as many different events are on the queue as were answered with 200."""
    if different != expected:
        raise EventLost(f"{expected} events were answered with 200, {different} are on the queue")


def check_topic(topic: Topic, expected: int) -> None:
    """`check_arrived` for a topic of the emulator."""
    check_arrived(expected, len({message["attributes"]["event_id"] for message in topic.take()}))
