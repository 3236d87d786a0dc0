"""What came, as people look at it: requests with what came of them, and an accepted event once more."""

import json
import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from gateway.diagnosis import guide_section, in_words
from gateway.errors import GatewayError, PoisonMessage
from gateway.events import read_message, rfc3339
from gateway.journal import Filters, Journal, Outcome, Request, open_journal
from gateway.journal.reading import PREFIX
from gateway.queues import open_embedded, open_publisher
from gateway.queues.publish import publish_within
from gateway.queues.subscriptions import subscriptions
from gateway.settings import Settings
from gateway.texts import reason_text
from gateway.tools.outcomes import in_a_line, line_of

SHOWN = ("accepted", "aside", "refused", "not_queued")  # not our own probes
PUBLISH_SECONDS = 30.0  # nobody waits for an answer here
_BATCH = 200
_WAIT_SECONDS = 3.0  # for what comes of an event, before it is shown without
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Event:
    """A request with what came of its event, resends included, oldest first."""

    request: Request
    outcomes: Sequence[Outcome]

    def line(self, settings: Settings) -> str:
        """Event, portal, users, and in one line why it was refused or what came of it."""
        request = self.request
        what = request.event or f"{request.record.get('method', '?')} {request.record.get('path', '')}"
        users = ", ".join(map(str, request.record.get("users") or []))
        parts = (what, request.portal, users, line_of(request, self.outcomes, settings))
        return " · ".join(part for part in parts if part)

    def to_json(self, settings: Settings) -> dict[str, Any]:
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
            "outcomes": [_outcome(one, settings) for one in self.outcomes],
        }


@dataclass(frozen=True)
class Wanted:
    """Which requests are listed; `user` is a Bitrix24 id or a Telegram account."""

    refused: bool = False
    event: str = ""
    user: str = ""
    portal: str = ""
    since: datetime | None = None
    probes: bool = False

    def filters(self) -> Filters:
        chosen = (("refused", self.refused), ("probe", self.probes))
        return Filters(
            kinds=tuple(kind for kind, wanted in chosen if wanted) or SHOWN,
            term=self.user,
            event=self.event.upper(),
            portal=self.portal.lower(),
            since=self.since.timestamp() if self.since else 0.0,
        )

    def is_about(self, request: Request) -> bool:
        """Whether the request names the user: a search also finds other things by the same text."""
        named = [*request.record.get("users", []), *request.record.get("accounts", [])]
        return not self.user or self.user.lower() in (str(name).lower() for name in named)


def listed(journal: Journal, wanted: Wanted) -> Iterator[Event]:
    """What came, oldest first."""
    requests = (one for one in journal.requests(wanted.filters()) if wanted.is_about(one))
    while some := list(islice(requests, _BATCH)):
        yield from _with_outcomes(journal, some)


def followed(
    journal: Journal,
    wanted: Wanted,
    settings: Settings,
    after: int = 0,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Event]:
    """What comes, without end; an accepted event when each subscription has answered, or after a while."""
    waiting: list[tuple[float, str]] = []
    while True:
        for request in journal.requests(wanted.filters(), after=after):
            after = request.n
            if wanted.is_about(request):
                waiting.append((clock() + _WAIT_SECONDS, request.request_id))
        still = []
        for ends, request_id in waiting:
            request_now = journal.request(request_id)
            if request_now is None:
                continue
            [event] = _with_outcomes(journal, [request_now])
            if clock() < ends and _is_pending(event, settings):
                still.append((ends, request_id))
            else:
                yield event
        waiting = still
        sleep(_POLL_SECONDS)


def _is_pending(event: Event, settings: Settings) -> bool:
    """Whether a subscription has yet to say what came of it; Pub/Sub's consumers say it elsewhere."""
    if event.request.kind != "accepted" or settings.queue_kind != "local":
        return False
    wanting = {one.name for one in subscriptions(settings) if one.wants(event.request.event)}
    return bool(wanting - {outcome.subscription for outcome in event.outcomes})


def find(journal: Journal, name: str) -> Event:
    """The request of a request_id or event_id, or of the beginning of one. Raises `GatewayError`."""
    request = journal.request(name)
    if request is None and len(name) < PREFIX:
        raise GatewayError("EVENTS_ID_SHORT", id=name, least=PREFIX)
    if request is None:
        raise GatewayError("EVENTS_NO_SUCH", id=name[:80])
    [event] = _with_outcomes(journal, [request])
    return event


def whole(journal: Journal, event: Event, settings: Settings) -> dict[str, Any]:
    """All that the journal knows of a request, for `show`."""
    facts = {
        name: value
        for name, value in event.request.record.items()
        if name not in ("users", "place", "causes", "resent")
    }
    shown = event.to_json(settings)
    causes = shown["causes"]
    guide = guide_section(causes[0]["code"], settings.language) if causes else None
    resent = [{**one, "at": rfc3339(_moment(one["at"]))} for one in event.request.record.get("resent", [])]
    return {**shown, "guide": guide, "resent": resent, **facts, **journal.whole(event.request)}


def resend(settings: Settings, request: Request, to: str | None = None) -> str:
    """Publish an accepted event again under a new id, to all that want it or to one; the new event_id.

    Raises `GatewayError` for anything that was not accepted, and `QueueUnavailable`.
    """
    shown = {"id": request.request_id, "event_id": request.event_id}
    if request.kind == "refused":
        raise GatewayError("EVENTS_REFUSED", **shown)
    if request.kind == "not_queued":
        raise GatewayError("EVENTS_NOT_QUEUED", **shown)
    journal = open_journal(settings)
    text = journal.whole(request).get("message")
    if text is None:
        raise GatewayError("EVENTS_NO_MESSAGE", event=shlex.quote(request.event), **shown)
    subscription = None if to is None else _subscription(settings, request.event, to)
    try:
        message = replace(read_message(_json(text)), event_id=secrets.token_hex(32))
    except PoisonMessage:
        raise GatewayError("EVENTS_NO_MESSAGE", event=shlex.quote(request.event), **shown) from None
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
        if settings.queue_kind != "local":  # the embedded queue is one object for the whole process
            publisher.close()


def destinations(settings: Settings, event: str) -> dict[str, str]:
    """Who gets this event: subscription → its address, or its own name where it is a consumer of ours."""
    shown = {one.id: one.shown for one in settings.destinations}
    return {
        one.name: next((address for id_, address in shown.items() if one.name.endswith(id_)), one.name)
        for one in subscriptions(settings)
        if one.wants(event)
    }


def _subscription(settings: Settings, event: str, to: str) -> str:
    """The subscription that is meant: by its name, the id behind that, or its address."""
    if settings.queue_kind != "local":
        raise GatewayError("EVENTS_TO_PUBSUB")
    known = destinations(settings, event)
    meant = [name for name, address in known.items() if to in (name, address) or name.endswith(f"-{to}")]
    meant = meant or [name for name, address in known.items() if to and to in address]
    if len(meant) == 1:
        return meant[0]
    names = ", ".join(known.values()) or "–"
    raise GatewayError("EVENTS_NO_DESTINATION", name=to[:200], event=event, names=names)


def _with_outcomes(journal: Journal, requests: Sequence[Request]) -> list[Event]:
    ids = {one.request_id: _event_ids(one) for one in requests}
    came = journal.outcomes([event_id for some in ids.values() for event_id in some])
    return [
        Event(one, [outcome for event_id in ids[one.request_id] for outcome in came.get(event_id, [])])
        for one in requests
    ]


def _event_ids(request: Request) -> list[str]:
    resent = request.record.get("resent", [])
    return [request.event_id, *(str(one["event_id"]) for one in resent)] if request.event_id else []


def _outcome(outcome: Outcome, settings: Settings) -> dict[str, Any]:
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
