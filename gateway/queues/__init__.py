"""Where verified events wait: one small interface, and a module for each queue, imported only if chosen."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from gateway.locations import PubSubTopic, SqliteFile
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.queues.pubsub import PubSub
    from gateway.queues.sqlite import EmbeddedQueue


# By file and settings: one queue a process.
_embedded: dict[tuple[object, ...], "EmbeddedQueue"] = {}


class Publisher(Protocol):
    """A queue as the receiver sees it; one contract suite tests every queue against this."""

    def publish(self, data: bytes, attributes: Mapping[str, str], timeout: float) -> str:
        """Store one message and return its id: a message whose id was returned is not lost.

        One attempt, over after `timeout` seconds whatever the queue does. Raises `QueueUnavailable`;
        the message may have been stored all the same.
        """

    def wants(self, event: str) -> bool:
        """Whether any subscription wants this event, as far as the queue knows."""

    def close(self) -> None:
        """Close the connections, if there are any."""


def open_publisher(settings: Settings) -> Publisher:
    """The queue of `QUEUE_URL`. Nothing is connected or created before the first message."""
    match settings.queue:
        case PubSubTopic() as topic:
            return open_pubsub(topic)
        case SqliteFile():
            return open_embedded(settings)


def open_embedded(settings: Settings) -> "EmbeddedQueue":
    """The queue of `sqlite:///PATH`, one object a process: its publishers and its worker take turns."""
    from gateway.queues.sqlite import EmbeddedQueue  # cold start
    from gateway.queues.subscriptions import subscriptions

    path = settings.files["QUEUE_URL"]
    key = (path, settings.queue_max_attempts, settings.destinations)
    if key not in _embedded:
        subscribed = subscriptions(settings)
        _embedded[key] = EmbeddedQueue(
            path, settings.queue_max_attempts, steady=time.monotonic, subscriptions=subscribed
        )
    return _embedded[key]


def open_pubsub(topic: PubSubTopic) -> "PubSub":
    """The queue of `pubsub://PROJECT/TOPIC`."""
    from gateway.queues.pubsub import PubSub  # cold start

    return PubSub(topic.project, topic.name)
