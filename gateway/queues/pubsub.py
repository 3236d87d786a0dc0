"""Calls Pub/Sub through its REST API: one call per attempt, ended by its deadline, over kept connections.

The high-level client batches on threads of its own (a publish that timed out may still go out
later) and costs a cold start 190 ms; this path costs it 20.
https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish
"""

import base64
import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gateway.errors import QueueRefused, QueueUnavailable, SettingError, keyed
from gateway.queues.deadline_http import Origin, WireError
from gateway.queues.google_token import CredentialsError, access_token, forget_access_token

if TYPE_CHECKING:
    from gateway.queues.model import DeadMessage

HOST = "pubsub.googleapis.com"
# A hundred of our largest messages.
PULL_BYTES = 64 * 1024 * 1024


class PubSub:
    """One topic, and the subscriptions of its project. Every method raises `QueueUnavailable`."""

    kind = "pubsub"

    def __init__(self, project: str, topic: str) -> None:
        """Speaks to the emulator, without credentials, where `PUBSUB_EMULATOR_HOST` is set.

        Raises `SettingError` where that is no host and port.
        """
        self._project, self._topic = project, topic
        emulator = os.environ.get("PUBSUB_EMULATOR_HOST", "")
        host, _, port = (emulator.rpartition("//")[2].rstrip("/") or f"{HOST}:443").rpartition(":")
        if not host or not port.isdecimal():
            raise SettingError("PUBSUB_EMULATOR_HOST", "EXPECTED_EMULATOR")
        self._emulated = bool(emulator)
        self._origin = Origin(host.strip("[]"), int(port), tls=not emulator)

    def publish(self, data: bytes, attributes: Mapping[str, str], timeout: float) -> str:
        """Publish one message within `timeout` seconds and return the id that Pub/Sub gave it."""
        message = {"data": base64.b64encode(data).decode("ascii"), "attributes": dict(attributes)}
        answer = self._call("topics", self._topic, "publish", {"messages": [message]}, timeout)
        try:
            return str(answer["messageIds"][0])
        except (KeyError, IndexError, TypeError):
            raise QueueUnavailable("PUBSUB_UNREADABLE") from None

    def check(self, timeout: float = 10.0) -> None:
        """Raise unless the topic exists; nothing is changed."""
        self._call("topics", self._topic, "", None, timeout)

    def pull(
        self, subscription: str, maximum: int = 100, timeout: float = 30.0
    ) -> "list[tuple[str, DeadMessage]]":
        """Messages of a dead-letter subscription that are there now, each with its acknowledgement id."""
        request = {"maxMessages": maximum, "returnImmediately": True}
        answer = self._call("subscriptions", subscription, "pull", request, timeout)
        return [(str(m["ackId"]), _dead(m["message"])) for m in answer.get("receivedMessages", [])]

    def acknowledge(self, subscription: str, ack_ids: Sequence[str], timeout: float = 30.0) -> None:
        """Acknowledge pulled messages, which removes them."""
        self._call("subscriptions", subscription, "acknowledge", {"ackIds": list(ack_ids)}, timeout)

    def keep(self, subscription: str, ack_ids: Sequence[str], seconds: int, timeout: float = 30.0) -> None:
        """Hold pulled messages for `seconds` more; 0 gives them back at once."""
        request = {"ackIds": list(ack_ids), "ackDeadlineSeconds": seconds}
        self._call("subscriptions", subscription, "modifyAckDeadline", request, timeout)

    def wants(self, event: str) -> bool:
        """Always true: a publisher can't see the topic's subscriptions."""
        return True

    def close(self) -> None:
        """Close the idle connections."""
        self._origin.close()

    def _call(self, kind: str, name: str, verb: str, body: Mapping[str, Any] | None, timeout: float) -> Any:
        deadline = time.monotonic() + timeout
        path = _path(self._project, kind, name)
        path += f":{verb}" if verb else ""
        headers = {"Content-Type": "application/json"}
        try:
            if not self._emulated:
                headers["Authorization"] = f"Bearer {access_token(deadline)}"
            method, payload = ("GET", b"") if body is None else ("POST", json.dumps(body).encode("ascii"))
            status, answer = self._origin.call(method, path, payload, headers, deadline, PULL_BYTES)
        except CredentialsError as error:
            raise QueueUnavailable("PUBSUB_NO_CREDENTIALS", problem=error) from None
        except WireError as error:
            host = f"{self._origin.host}:{self._origin.port}"
            raise QueueUnavailable("PUBSUB_UNREACHABLE", host=host, problem=error) from None
        if status != 200:
            raise self._refusal(status, f"{kind}/{name}")
        try:
            return json.loads(answer)
        except ValueError:
            raise QueueUnavailable("PUBSUB_UNREADABLE") from None

    def _refusal(self, status: int, resource: str) -> QueueUnavailable:
        """The error that a status means; the answer's text is not quoted, as it may repeat the message."""
        if status == 401:
            forget_access_token()
        key = {401: "PUBSUB_FORBIDDEN", 403: "PUBSUB_FORBIDDEN", 404: "PUBSUB_MISSING"}.get(
            status, "PUBSUB_STATUS"
        )
        kind = QueueRefused if 400 <= status < 500 and status not in (401, 408, 429) else QueueUnavailable
        return kind(key, status=status, resource=f"projects/{self._project}/{resource}")


@lru_cache(maxsize=16)
def _path(project: str, kind: str, name: str) -> str:
    return f"/v1/projects/{quote(project, safe=':')}/{kind}/{quote(name, safe='')}"


def _dead(message: Mapping[str, Any]) -> "DeadMessage":
    """A message of a dead-letter topic; Pub/Sub records its history in attributes of its own.

    https://cloud.google.com/pubsub/docs/handling-failures#track-delivery-attempts
    """
    from gateway.queues.model import DeadMessage  # tools only

    attributes = {str(k): str(v) for k, v in message.get("attributes", {}).items()}
    history = {
        key: attributes.pop(key) for key in list(attributes) if key.startswith("CloudPubSubDeadLetter")
    }
    source = history.get("CloudPubSubDeadLetterSourceSubscription", "?")
    tries = history.get("CloudPubSubDeadLetterSourceDeliveryCount", "0")
    return DeadMessage(
        id=str(message.get("messageId", "")),
        data=base64.b64decode(message.get("data", "")),
        attributes=attributes,
        attempts=int(tries) if tries.isdigit() else 0,
        reason=keyed("REASON_ATTEMPTS", subscription=source),
        recorded_at=_seconds(str(message.get("publishTime", ""))),
    )


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
