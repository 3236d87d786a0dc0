"""Hands a message of the queue to the handler of its event, and reports what came of it.

main.py says who handles what. Returning acknowledges a message, raising asks for its
redelivery; what can never succeed is put aside with its reason.
"""

import json
import logging
import traceback
from collections.abc import Callable

import flask
from cloudevents.http.event import CloudEvent

from gateway.errors import GatewayError, PassingFailure, PoisonMessage
from gateway.events import Message, read_message
from gateway.links.model import DeadLetter
from gateway.links.user_record import user_of, user_of_message
from gateway.outcome import About, Outcome, report
from gateway.queues.model import PUBSUB_TYPE
from handlers.context import Context, close, context, settings
from handlers.push_message import PushMessage, completed, read_push

__all__ = ["close", "consume", "deliver"]

Handler = Callable[[Message, Context], list[Outcome]]
"""Handles one event, and returns what came of it."""

# Characters that are kept of a message that is not even JSON.
_KEPT_TEXT = 200_000
_log = logging.getLogger("gateway.consumer")


def consume(event: CloudEvent, name: str, handle: Handler) -> None:
    """Let `handle` process the message in `event` if it is of the event `name`; others have other consumers.

    Raises only `GatewayError`s, and none has a payload or an address in its text.
    """
    _guarded(event, lambda pushed: _consume(pushed, name, handle))


def deliver(event: CloudEvent) -> None:
    """Deliver the message in `event` to the destination of its subscription. Raises as `consume` does."""
    _guarded(event, _deliver)


def _guarded(event: CloudEvent, work: Callable[[PushMessage], None]) -> None:
    """Do `work` on the message in `event`; log a failure, and raise it without a payload in its text."""
    if event["type"] != PUBSUB_TYPE:
        return
    pushed = completed(read_push(event.data))
    try:
        work(pushed)
    except GatewayError as error:
        _report_failure(pushed, error)
        raise
    except Exception as error:  # noqa: BLE001 — its text may hold the payload, and Flask prints what is raised
        stack = "".join(traceback.format_tb(error.__traceback__))
        _log.error("%s\n%s", type(error).__name__, stack)
        failure = PassingFailure("CONSUMER_FAILED", kind=type(error).__name__)
    else:
        return
    # Not within `except`: there the new exception would keep the old one, and its text, as its context.
    _report_failure(pushed, failure)
    raise failure


def _report_failure(pushed: PushMessage, failure: GatewayError) -> None:
    """Log a failure that Pub/Sub will retry; on one machine the worker logs it."""
    if not flask.has_request_context():
        return
    event, event_id, portal = (
        _label(pushed.attributes.get(name)) for name in ("event", "event_id", "portal")
    )
    user = user_of_message(event, pushed.data or b"")
    about = About(event, event_id, portal, pushed.subscription, user)
    facts = {"attempt": pushed.attempts}
    values = {"subscription": pushed.subscription, **facts}
    report(Outcome("EVENT_FAILED", failure, text="EVENT_FAILED_PUSHED", values=values, facts=facts), about)


def _consume(pushed: PushMessage, name: str, handle: Handler) -> None:
    event_name = pushed.attributes.get("event")
    if isinstance(event_name, str) and event_name.upper() != name:
        return
    try:
        message = _message(pushed)
        if message.event.upper() != name:
            return
        outcomes = handle(message, context())
    except PoisonMessage as poison:
        _put_aside(pushed, poison)
    else:
        _report(outcomes, message, pushed)


def _deliver(pushed: PushMessage) -> None:
    from handlers import forward  # cold start

    config = settings()
    name = pushed.subscription
    destination = next((candidate for candidate in config.destinations if name.endswith(candidate.id)), None)
    try:
        message = _message(pushed)
        if destination is None or not destination.wants(message.event):
            # The subscription has no filter, or its address is no longer configured.
            return
        outcome = forward.deliver(message, destination, config)
    except PoisonMessage as poison:
        _put_aside(pushed, poison)
    else:
        _report([outcome], message, pushed)


def _report(outcomes: list[Outcome], message: Message, pushed: PushMessage) -> None:
    user = user_of(message.event, message.data)
    about = About(message.event, message.event_id, message.portal.domain, pushed.subscription, user)
    for outcome in outcomes:
        report(outcome, about)


def _message(pushed: PushMessage) -> Message:
    """The event in a message. Raises `PoisonMessage` if it can never be handled."""
    if pushed.data is None:
        raise PoisonMessage("REASON_NO_DATA")
    message = read_message(pushed.data)
    if "\0" in message.event_id + message.portal.domain:
        # No store can hold a NUL.
        raise PoisonMessage("REASON_NUL")
    return message


def _put_aside(pushed: PushMessage, poison: PoisonMessage) -> None:
    """Keep a message that can never be handled as a dead letter, and report that."""
    text = (pushed.data or b"").decode("utf-8", "replace")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = text[:_KEPT_TEXT]
    fields = message if isinstance(message, dict) else pushed.attributes
    current = context()
    letter = DeadLetter(
        event=_label(fields.get("event")) or _label(pushed.attributes.get("event")),
        event_id=_label(fields.get("event_id")) or _label(pushed.message_id),
        reason=str(poison),
        attempts=pushed.attempts,
        message=message,
        recorded_at=current.now(),
        subscription=_label(pushed.subscription),
    )
    current.store.add_dead_letter(letter)
    portal = _label(pushed.attributes.get("portal"))
    user = user_of(letter.event, fields.get("data"))
    about = About(letter.event, letter.event_id, portal, pushed.subscription, user)
    report(Outcome("EVENT_PUT_ASIDE", poison), about)


def _label(value: object) -> str:
    """An attribute as a short text that every store can hold: no NUL, and `?` for half a surrogate pair."""
    text = value.replace("\0", "")[:128] if isinstance(value, str) else ""
    return text.encode("utf-8", "replace").decode()
