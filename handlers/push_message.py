"""Reads the envelope around one message that Eventarc and Pub/Sub's push requests share."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import flask


@dataclass(frozen=True)
class PushMessage:
    """A message as it was pushed; `data` is None where it is not base64."""

    data: bytes | None
    attributes: Mapping[str, Any]
    message_id: str
    attempts: int
    # The subscription's name, if the push says it.
    subscription: str = ""


def read_push(body: object) -> PushMessage:
    """The message in an event's data; a missing field is empty, never an error.

    https://cloud.google.com/pubsub/docs/push#receive_push
    """
    envelope = body if isinstance(body, Mapping) else {}
    message = envelope.get("message")
    message = message if isinstance(message, Mapping) else {}
    attributes = message.get("attributes")
    attempts = envelope.get("deliveryAttempt")
    subscription = envelope.get("subscription")
    try:
        data = base64.b64decode(message["data"], validate=True)
    except (KeyError, TypeError, ValueError):
        data = None
    return PushMessage(
        data=data,
        attributes=attributes if isinstance(attributes, Mapping) else {},
        message_id=str(message.get("messageId", "")),
        attempts=attempts if isinstance(attempts, int) and attempts > 0 else 1,
        subscription=subscription.rpartition("/")[2] if isinstance(subscription, str) else "",
    )


def completed(pushed: PushMessage) -> PushMessage:
    """`pushed` with the subscription and attempt of the current request, which functions-framework drops."""
    if pushed.subscription or not flask.has_request_context():
        return pushed
    body = flask.request.get_json(silent=True)
    if not isinstance(body, dict):
        return pushed
    subscription, attempt = body.get("subscription"), body.get("deliveryAttempt")
    return replace(
        pushed,
        subscription=subscription.rpartition("/")[2] if isinstance(subscription, str) else "",
        attempts=attempt if isinstance(attempt, int) and attempt > 0 else pushed.attempts,
    )
