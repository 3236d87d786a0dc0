"""What a queue hands out: a delivery to a worker, a dead letter to a person's tool."""

from collections.abc import Mapping
from dataclasses import dataclass

# The CloudEvents type of a push: https://cloud.google.com/eventarc/docs/cloudevents
PUBSUB_TYPE = "google.cloud.pubsub.topic.v1.messagePublished"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A leased message. `attempt` counts from 1, `published_at` is seconds since 1970.

    `key` is its row: one of several, where several subscriptions want it. `object` is
    what it is about, where the order of such messages counts.
    """

    message_id: str
    data: bytes
    attributes: Mapping[str, str]
    attempt: int
    published_at: float
    lease: str
    key: int = 0
    subscription: str = ""
    object: str | None = None


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A message that used up its attempts. `id` serves to remove it; `recorded_at` is seconds since 1970."""

    id: str
    data: bytes
    attributes: Mapping[str, str]
    attempts: int
    reason: str
    recorded_at: float
    subscription: str = ""
