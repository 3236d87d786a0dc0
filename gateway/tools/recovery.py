"""Reads what waits to be put back on the queue: events that never reached it, and dead letters.

Every source yields `KeptMessage`s; putting one back publishes the same bytes under the same
`event_id`, and only then removes it where it was kept. A crash in between makes it go out
twice, which its `event_id` makes harmless.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from gateway.errors import PoisonMessage, QueueRefused, QueueUnavailable
from gateway.events import Message, read_message
from gateway.journal import Journal, Unqueued
from gateway.links.model import DeadLetter, Store
from gateway.locations import PubSubTopic, is_missing
from gateway.queues import Publisher, open_embedded, open_pubsub
from gateway.queues.model import DeadMessage
from gateway.queues.publish import publish_within
from gateway.queues.pubsub import PubSub
from gateway.queues.sqlite import EmbeddedQueue
from gateway.settings import Settings

Source = Literal["journal", "log", "file", "store", "queue"]

# No request waits for a replay.
REPLAY_SECONDS = 30.0
# Pub/Sub's maximum: pulled dead letters are leased while they are worked through.
HOLD_SECONDS = 600
# Pub/Sub may answer with none while it has some.
EMPTY_PULLS = 3


@dataclass(frozen=True)
class KeptMessage:
    """A message and where it is kept; `settle` removes it there. An event not queued has no `reason`."""

    source: Source
    id: str
    event: str
    event_id: str
    data: bytes
    attributes: Mapping[str, str]
    recorded_at: datetime | None
    settle: Callable[[], None]
    reason: str = ""
    attempts: int = 0
    # The subscription that the message is a dead letter of; the others have handled it.
    subscription: str = ""

    @property
    def message(self) -> Any:
        """The data as JSON values, or as text if it is not JSON."""
        try:
            return json.loads(self.data)
        except (ValueError, RecursionError):
            return self.data.decode("utf-8", "replace")


def settle_nothing() -> None:
    """The `settle` for a source that can't be changed: a log, a file."""


def put_back(event: KeptMessage, publisher: Publisher) -> str:
    """Publish a message again, then settle it. Raises `QueueUnavailable`, and what `settle` raises.

    A dead letter of one subscription goes only to that one, because the others have handled it already.
    """
    to = _OneSubscription(publisher, event.subscription) if event.subscription else publisher
    message_id = publish_within(to, event.data, event.attributes, time.monotonic() + REPLAY_SECONDS)
    event.settle()
    return message_id


def corrected(letter: KeptMessage, message: Message) -> KeptMessage:
    """A dead letter with the message that a person made of it.

    If that is another event, it goes to every subscription that wants it: the letter's own might not.
    """
    return replace(
        letter,
        event=message.event,
        event_id=message.event_id,
        data=message.to_bytes(),
        attributes=message.attributes(""),
        subscription=letter.subscription if message.event == letter.event else "",
    )


class _OneSubscription:
    """The embedded queue as a publisher to one subscription, or to all if that one no longer exists."""

    def __init__(self, publisher: Publisher, subscription: str) -> None:
        self._publisher, self._subscription = publisher, subscription

    def publish(self, data: bytes, attributes: Mapping[str, str], timeout: float) -> str:
        queue = self._publisher
        if isinstance(queue, EmbeddedQueue) and self._subscription in {
            subscription.name for subscription in queue.subscriptions
        }:
            return queue.publish(data, attributes, timeout, to=self._subscription)
        return queue.publish(data, attributes, timeout)

    def wants(self, event: str) -> bool:
        return self._publisher.wants(event)

    def close(self) -> None:
        self._publisher.close()


def journal_events(
    journal: Journal, since: datetime | None = None, damaged: Callable[[int], None] = lambda _id: None
) -> Iterator[KeptMessage]:
    """Events that `serve` could not queue; `damaged` is called for a record that can't be read."""
    for record in journal.unqueued(since):
        if event := _from_record(journal, record):
            yield event
        else:
            damaged(record.id)


def _from_record(journal: Journal, record: Unqueued) -> KeptMessage | None:
    fields = record.record
    texts = [fields.get(name) for name in ("event", "event_id", "payload")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(fields.get("attributes"), dict):
        return None
    return KeptMessage(
        source="journal",
        id=f"journal:{record.id}",
        event=fields["event"],
        event_id=fields["event_id"],
        data=fields["payload"].encode("utf-8"),
        attributes=fields["attributes"],
        recorded_at=record.at,
        settle=partial(journal.remove, record.id),
    )


def store_letters(store: Store) -> Iterator[KeptMessage]:
    """Messages that a consumer put aside because they could never succeed."""
    for letter in store.dead_letters():
        yield _from_letter(store, letter)


def _from_letter(store: Store, letter: DeadLetter) -> KeptMessage:
    text = (
        letter.message if isinstance(letter.message, str) else json.dumps(letter.message, ensure_ascii=False)
    )
    # A lone surrogate becomes its JSON escape again.
    data = text.encode("utf-8", "backslashreplace")
    return KeptMessage(
        source="store",
        id=f"store:{letter.id}",
        event=letter.event,
        event_id=letter.event_id,
        data=data,
        attributes=attributes_of(data, letter.event, letter.event_id),
        recorded_at=letter.recorded_at,
        settle=partial(store.remove_dead_letter, letter.id),
        reason=letter.reason,
        attempts=letter.attempts,
        subscription=letter.subscription,
    )


def attributes_of(data: bytes, event: str = "", event_id: str = "") -> dict[str, str]:
    """The attributes of a message whose own were not kept: consumers are chosen by `event`."""
    try:
        return read_message(data).attributes("")
    except PoisonMessage:
        return {"event": event, "event_id": event_id}


def queue_letters(
    settings: Settings, stack: ExitStack, subscription: str | None = None
) -> Iterator[KeptMessage]:
    """Messages that used up their attempts: the embedded queue's, or those of a dead-letter subscription.

    Messages that are pulled and not settled go back to the subscription when `stack` closes.
    """
    if not isinstance(settings.queue, PubSubTopic):
        if is_missing(settings.queue):
            return
        queue = open_embedded(settings)
        for dead in queue.dead_letters():
            yield _from_dead(dead, partial(queue.remove_dead_letter, dead.id))
        return
    pubsub = open_pubsub(settings.queue)
    stack.callback(pubsub.close)
    try:
        yield from _pulled(pubsub, subscription or default_subscription(settings.queue), stack)
    except QueueRefused:
        if subscription is not None:
            # The default subscription may not exist before the first deployment.
            raise


def default_subscription(topic: PubSubTopic) -> str:
    """`b24-dead-letters` beside the topic `b24-events`, as deploy.sh names them."""
    return f"{topic.name.rpartition('-')[0] or topic.name}-dead-letters"


def receiver_service(topic: PubSubTopic) -> str:
    """The Cloud Run service of the receiver beside the topic, as deploy.sh names it."""
    return default_subscription(topic).removesuffix("dead-letters") + "bitrix-webhook"


def _pulled(pubsub: PubSub, subscription: str, stack: ExitStack) -> Iterator[KeptMessage]:
    """Pull each message once, its lease extended until it is settled or `stack` closes."""
    leased: dict[str, None] = {}
    yielded: set[str] = set()

    def settle(ack_id: str) -> None:
        pubsub.acknowledge(subscription, [ack_id])
        leased.pop(ack_id, None)

    def give_back() -> None:
        remaining = list(leased)
        # They come back by themselves, only later.
        with suppress(QueueUnavailable):
            for start in range(0, len(remaining), 500):
                pubsub.keep(subscription, remaining[start : start + 500], 0)

    stack.callback(give_back)
    empty = 0
    while empty < EMPTY_PULLS:
        batch = pubsub.pull(subscription)
        if batch:
            leased |= dict.fromkeys(ack_id for ack_id, _ in batch)
            pubsub.keep(subscription, [ack_id for ack_id, _ in batch], HOLD_SECONDS)
        fresh = [(ack_id, dead) for ack_id, dead in batch if dead.id not in yielded]
        empty = 0 if fresh else empty + 1
        yielded |= {dead.id for _, dead in fresh}
        for ack_id, dead in fresh:
            yield _from_dead(dead, partial(settle, ack_id))


def _from_dead(dead: DeadMessage, settle: Callable[[], None]) -> KeptMessage:
    attributes = dict(dead.attributes)
    if "event" not in attributes:
        attributes = attributes_of(dead.data)
    return KeptMessage(
        source="queue",
        id=f"queue:{dead.id}",
        event=attributes.get("event", ""),
        event_id=attributes.get("event_id", ""),
        data=dead.data,
        attributes=attributes,
        recorded_at=datetime.fromtimestamp(dead.recorded_at, UTC),
        settle=settle,
        reason=dead.reason,
        attempts=dead.attempts,
        subscription=dead.subscription,
    )
