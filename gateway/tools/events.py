"""Lists requests with what came of them, as people read them, and resends an accepted event."""

import json
import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from gateway.addresses import portal_given
from gateway.diagnosis import guide_section, in_words
from gateway.errors import GatewayError, PoisonMessage
from gateway.events import read_message, rfc3339
from gateway.journal import Filters, Journal, OutcomeRecord, Request, open_journal
from gateway.journal.reading import MIN_PREFIX
from gateway.links.telegram_account import as_searched
from gateway.queues import open_embedded, open_publisher
from gateway.queues.publish import publish_within
from gateway.queues.subscriptions import subscriptions
from gateway.settings import Settings
from gateway.texts import reason_text
from gateway.tools.outcomes import in_a_line, line_of

# The kinds of records that are listed if none is chosen: all but our own probes.
LISTED_KINDS = ("accepted", "aside", "refused", "not_queued")
# No request waits for a resend.
PUBLISH_SECONDS = 30.0
_BATCH = 200
# How long an event waits for its outcomes before it is shown without them.
_WAIT_SECONDS = 3.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Event:
    """A request with what came of its event, resends included, oldest first."""

    request: Request
    outcomes: Sequence[OutcomeRecord]

    def line(self, settings: Settings) -> str:
        """Event, portal, users, and in one line why it was refused or what came of it."""
        request = self.request
        title = request.event or f"{request.record.get('method', '?')} {request.record.get('path', '')}"
        users = ", ".join(map(str, request.record.get("users") or []))
        parts = (title, request.portal, users, line_of(request, self.outcomes, settings))
        return " · ".join(part for part in parts if part)

    def to_json(self, settings: Settings) -> dict[str, Any]:
        """The request as `events --json` prints it."""
        request, record = self.request, self.request.record
        return {
            "id": request.request_id,
            "at": rfc3339(request.at),
            "first_at": rfc3339(request.first_at),
            "count": request.count,
            "kind": request.kind,
            "tag": request.tag,
            "code": request.code,
            "status": request.status,
            "event": request.event,
            "event_id": request.event_id,
            "portal": request.portal,
            "users": record.get("users", []),
            "place": record.get("place"),
            "causes": [cause.to_json() for cause in in_words(record.get("causes", []), settings)],
            "outcomes": [_outcome_json(outcome, settings) for outcome in self.outcomes],
        }


@dataclass(frozen=True)
class ChosenFilters:
    """Which requests are listed; `user` is a Bitrix24 id or a Telegram account."""

    refused: bool = False
    event: str = ""
    user: str = ""
    portal: str = ""
    since: datetime | None = None
    probes: bool = False

    def filters(self) -> Filters:
        """These conditions as the journal's filters."""
        chosen = (("refused", self.refused), ("probe", self.probes))
        return Filters(
            kinds=tuple(kind for kind, is_wanted in chosen if is_wanted) or LISTED_KINDS,
            term=as_searched(self.user),
            event=self.event.upper(),
            portal=portal_given(self.portal),
            since=self.since.timestamp() if self.since else 0.0,
        )

    def is_about(self, request: Request) -> bool:
        """Whether the request names the user: a search also finds other things by the same text."""
        users_and_accounts = (*request.record.get("users", []), *request.record.get("accounts", []))
        named = {as_searched(str(name)).lower() for name in users_and_accounts}
        user = as_searched(self.user).lower()
        return not user or user in named or f"@{user}" in named


def listed(journal: Journal, chosen: ChosenFilters) -> Iterator[Event]:
    """The requests that match, oldest first."""
    requests = (request for request in journal.requests(chosen.filters()) if chosen.is_about(request))
    while batch := list(islice(requests, _BATCH)):
        yield from _with_outcomes(journal, batch)


def followed(
    journal: Journal,
    chosen: ChosenFilters,
    settings: Settings,
    after: int = 0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """Requests as they come, without end; an accepted event once its outcomes are in, or after a while."""
    waiting: list[tuple[float, str]] = []
    while True:
        for request in journal.requests(chosen.filters(), after=after):
            after = request.n
            if chosen.is_about(request):
                waiting.append((clock() + _WAIT_SECONDS, request.request_id))
        pending = []
        for deadline, request_id in waiting:
            request_again = journal.request(request_id)
            if request_again is None:
                continue
            [event] = _with_outcomes(journal, [request_again])
            if clock() < deadline and _is_pending(event, settings):
                pending.append((deadline, request_id))
            else:
                yield event
        waiting = pending
        sleep(_POLL_SECONDS)


def _is_pending(event: Event, settings: Settings) -> bool:
    """Whether a subscription's outcome is still missing; those of Pub/Sub are never in this journal."""
    if event.request.kind != "accepted" or settings.queue_kind != "local":
        return False
    wanting = {
        subscription.name
        for subscription in subscriptions(settings)
        if subscription.wants(event.request.event)
    }
    return bool(wanting - {outcome.subscription for outcome in event.outcomes})


def find(journal: Journal, name: str) -> Event:
    """The request of a request_id or event_id, or of the beginning of one. Raises `GatewayError`."""
    request = journal.request(name)
    if request is None and len(name) < MIN_PREFIX:
        raise GatewayError("EVENTS_ID_SHORT", id=name, least=MIN_PREFIX)
    if request is None:
        raise GatewayError("EVENTS_NO_SUCH", id=name[:80])
    [event] = _with_outcomes(journal, [request])
    return event


def details_of(journal: Journal, event: Event, settings: Settings) -> dict[str, Any]:
    """Everything that the journal knows of a request, for `show`."""
    facts = {
        name: value
        for name, value in event.request.record.items()
        if name not in ("users", "place", "causes", "resent")
    }
    event_json = event.to_json(settings)
    causes = event_json["causes"]
    guide = guide_section(causes[0]["code"], settings.language) if causes else None
    resent = [
        {**entry, "at": rfc3339(_moment(entry["at"]))} for entry in event.request.record.get("resent", [])
    ]
    return {**event_json, "guide": guide, "resent": resent, **facts, **journal.whole(event.request)}


def resend(settings: Settings, request: Request, to: str | None = None) -> str:
    """Publish an accepted event again, to all that want it or to one, and return its new event_id.

    Raises `GatewayError` for anything that was not accepted, and `QueueUnavailable`.
    """
    ids = {"id": request.request_id, "event_id": request.event_id}
    if request.kind == "refused":
        raise GatewayError("EVENTS_REFUSED", **ids)
    if request.kind == "not_queued":
        raise GatewayError("EVENTS_NOT_QUEUED", **ids)
    journal = open_journal(settings)
    text = journal.whole(request).get("message")
    if text is None:
        raise GatewayError("EVENTS_NO_MESSAGE", event=shlex.quote(request.event), **ids)
    subscription = None if to is None else _subscription(settings, request.event, to)
    try:
        message = replace(read_message(_json(text)), event_id=secrets.token_hex(32))
    except PoisonMessage:
        raise GatewayError("EVENTS_NO_MESSAGE", event=shlex.quote(request.event), **ids) from None
    data, attributes = message.to_bytes(), message.attributes(str(request.record.get("place") or ""))
    if subscription is None:
        _publish(settings, data, attributes)
    else:
        open_embedded(settings).publish(data, attributes, PUBLISH_SECONDS, to=subscription)
    journal.add_resend(request, message.event_id, subscription or "")
    return message.event_id


def _publish(settings: Settings, data: bytes, attributes: Mapping[str, str]) -> None:
    publisher = open_publisher(settings)
    try:
        publish_within(publisher, data, attributes, time.monotonic() + PUBLISH_SECONDS)
    finally:
        # The embedded queue is one object for the whole process.
        if settings.queue_kind != "local":
            publisher.close()


def destinations(settings: Settings, event: str) -> dict[str, str]:
    """Who gets this event: by subscription the destination's address, or our consumer's own name."""
    addresses = {destination.id: destination.printable_url for destination in settings.destinations}
    return {
        destination.name: next(
            (address for id_, address in addresses.items() if destination.name.endswith(id_)),
            destination.name,
        )
        for destination in subscriptions(settings)
        if destination.wants(event)
    }


def _subscription(settings: Settings, event: str, to: str) -> str:
    """The name of the subscription that `to` names: by its name, by the id at its end, or by its address."""
    if settings.queue_kind != "local":
        raise GatewayError("EVENTS_TO_PUBSUB")
    receivers = destinations(settings, event)
    matching = [
        name for name, address in receivers.items() if to in (name, address) or name.endswith(f"-{to}")
    ]
    matching = matching or [name for name, address in receivers.items() if to and to in address]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(receivers.values()) or "–"
    raise GatewayError("EVENTS_NO_DESTINATION", name=to[:200], event=event, names=names)


def _with_outcomes(journal: Journal, requests: Sequence[Request]) -> list[Event]:
    ids = {request.request_id: _event_ids(request) for request in requests}
    outcomes = journal.outcomes([event_id for of_request in ids.values() for event_id in of_request])
    return [
        Event(
            request,
            [outcome for event_id in ids[request.request_id] for outcome in outcomes.get(event_id, [])],
        )
        for request in requests
    ]


def _event_ids(request: Request) -> list[str]:
    resent = request.record.get("resent", [])
    return [request.event_id, *(str(entry["event_id"]) for entry in resent)] if request.event_id else []


def _outcome_json(outcome: OutcomeRecord, settings: Settings) -> dict[str, Any]:
    return {
        "at": rfc3339(outcome.at),
        "event_id": outcome.event_id,
        "subscription": outcome.subscription,
        "code": outcome.code,
        "reason": reason_text(outcome.reason, settings.language),
        "bitrix_user_id": outcome.bitrix_user_id,
        "attempts": outcome.attempts,
        "ms": outcome.ms,
        "says": in_a_line(outcome, settings.language),
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
