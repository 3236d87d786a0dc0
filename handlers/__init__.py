"""The consumers: from a message of the queue to what the bot needs.

`ROUTES` says who handles what. Returning acknowledges a message, raising asks
for its redelivery; what can never succeed is put aside with its reason.
"""

import base64
import json
import logging
import os
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cloudevents.http.event import CloudEvent

from gateway.errors import GatewayError, PassingFailure, PoisonMessage
from gateway.events import Message, read_message
from gateway.links import open_store
from gateway.links.model import DeadLetter, Store
from gateway.settings import Settings, load
from gateway.texts import say
from handlers import users

Handler = Callable[[Message, Store, Settings, users.FetchUser | None, users.Clock], None]

ROUTES: dict[str, Handler] = {
    "ONUSERADD": users.handle,
    "ONUSERUPDATE": users.handle,
}

PUBSUB_TYPE = "google.cloud.pubsub.topic.v1.messagePublished"
_KEPT_TEXT = 200_000  # characters kept of a message that is not even JSON
_log = logging.getLogger("gateway.consumer")


def consume(event: CloudEvent, *events: str) -> None:
    """Handle the message in `event` if it is one of `events`; otherwise it is somebody else's.

    Raises errors of ours alone, none with a payload or an address in its text.
    """
    try:
        if event["type"] == PUBSUB_TYPE:
            _consume(_delivery(event.data), events)
    except GatewayError:
        raise
    except Exception as error:  # noqa: BLE001 — its text may hold the payload, and Flask prints what is raised
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.error("%s\n%s", type(error).__name__, where)
        failure = PassingFailure(f"a consumer failed unexpectedly: {type(error).__name__}")
    else:
        return
    raise failure


@dataclass(frozen=True)
class _Delivery:
    """What Eventarc and Pub/Sub's push requests have in common."""

    data: bytes | None
    attributes: Mapping[str, Any]
    message_id: str
    attempts: int


def _delivery(body: object) -> _Delivery:
    envelope = body if isinstance(body, Mapping) else {}
    message = envelope.get("message")
    message = message if isinstance(message, Mapping) else {}
    attributes = message.get("attributes")
    attempts = envelope.get("deliveryAttempt")
    try:
        data = base64.b64decode(message["data"], validate=True)
    except (KeyError, TypeError, ValueError):
        data = None
    return _Delivery(
        data=data,
        attributes=attributes if isinstance(attributes, Mapping) else {},
        message_id=str(message.get("messageId", "")),
        attempts=attempts if isinstance(attempts, int) and attempts > 0 else 1,
    )


def _consume(delivery: _Delivery, events: tuple[str, ...]) -> None:
    named = delivery.attributes.get("event")
    if isinstance(named, str) and named.upper() not in events:
        return
    try:
        message = _message(delivery)
        if message.event.upper() not in events:
            return
        desk = _desk()
        ROUTES[message.event.upper()](message, desk.store, desk.settings, desk.fetch_user, _now)
    except PoisonMessage as poison:
        _put_aside(delivery, poison.reason)


def _message(delivery: _Delivery) -> Message:
    if delivery.data is None:
        raise PoisonMessage("no data in base64")
    message = read_message(delivery.data)
    if "\0" in message.event_id + message.portal.domain:
        raise PoisonMessage("an event_id or portal with a NUL")  # no database of ours stores one
    return message


def _put_aside(delivery: _Delivery, reason: str) -> None:
    text = (delivery.data or b"").decode("utf-8", "replace")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = text[:_KEPT_TEXT]
    said = message if isinstance(message, dict) else delivery.attributes
    letter = DeadLetter(
        event=_label(said.get("event")) or _label(delivery.attributes.get("event")),
        event_id=_label(said.get("event_id")) or _label(delivery.message_id),
        reason=reason,
        attempts=delivery.attempts,
        message=message,
        recorded_at=_now(),
    )
    desk = _desk()
    desk.store.add_dead_letter(letter)
    told = say("EVENT_PUT_ASIDE", desk.settings.language, event_id=letter.event_id, reason=reason)
    _log.error(told, extra={"json_fields": {"code": "EVENT_PUT_ASIDE", "event_id": letter.event_id}})


def _label(value: object) -> str:
    return value.replace("\0", "")[:128] if isinstance(value, str) else ""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class _Desk:
    """What handlers work with: one for the process, made for its first message."""

    environment: tuple[str, frozenset[tuple[str, str]]]
    settings: Settings
    store: Store
    fetch_user: users.FetchUser | None


_desks: list[_Desk] = []  # one at most
_opening = threading.Lock()


def _desk() -> _Desk:
    """The process's desk; a new one where the environment is another (tests change it)."""
    environment = (os.getcwd(), frozenset(os.environ.items()))
    with _opening:
        if not _desks or _desks[0].environment != environment:
            close()
            settings = load()
            store = open_store(settings.database_url)
            _desks.append(_Desk(environment, settings, store, _fetcher(settings)))
        return _desks[0]


def close() -> None:
    """Close the store that was opened for the first message."""
    while _desks:
        _desks.pop().store.close()


def _fetcher(settings: Settings) -> users.FetchUser | None:
    """Reads users of `BITRIX24_DOMAIN` where an incoming webhook is set; imports the SDK with the first."""
    if not settings.rest_webhook or not settings.domain:
        return None
    portals: list[Any] = []

    def fetch_user(user_id: int) -> Mapping[str, Any] | None:
        from gateway.portal.client import AnswerDoubted, Portal

        if not portals:
            portals.append(Portal(settings))
        row: Mapping[str, Any] | None = None
        try:
            row = portals[0].user(user_id)
        except AnswerDoubted as doubted:  # other people's rows alone: asking again brings no others
            _log.warning("%s", doubted, extra={"json_fields": {"code": "REST_OTHER_USER"}})
        return row

    return fetch_user
