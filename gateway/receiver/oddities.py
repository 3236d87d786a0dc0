"""Logs what an operator should know of a verified event: losses on its way, its portal, its clock.

An event that comes straight from Bitrix24 has lost nothing.
"""

import logging
import time

from gateway.events import Message
from gateway.ingest.decision import Judgement
from gateway.outcome import About, Outcome, report
from gateway.redaction import clean
from gateway.settings import Settings
from gateway.texts import say

log = logging.getLogger("gateway.receiver")

# How many users are named in one warning.
MAX_USERS = 20
# Between two warnings of one kind about one portal.
PORTAL_SECONDS = 3600.0
# How many of these are remembered: a sender may make portals up.
MAX_WARNED = 1000
# When each warning was last given: its kind and portal, and a moment of `time.monotonic()`.
_warned: dict[tuple[str, str], float] = {}


def oddities_of(judgement: Judgement, settings: Settings) -> list[str]:
    """A sentence for each oddity, in the operator's language, with the names as they came."""
    secrets = settings.secrets()
    sentences = []
    users = _listed(users_of(judgement.message))
    for note in judgement.payload.notes:
        names = ", ".join(clean(name, secrets) for name in note.names) or "–"
        if users:
            names = say("ODD_OF_USER", settings.language, names=names, users=users)
        sentences.append(say(f"ODD_{note.kind.upper()}", settings.language, names=names))
    if judgement.null_fields:
        users = _listed([user for user, _ in judgement.null_fields if user]) or "–"
        fields = ", ".join(dict.fromkeys(field for _, field in judgement.null_fields))
        sentences.append(say("ODD_NULL", settings.language, users=users, field=fields))
    return sentences


def users_of(message: Message | None) -> list[int]:
    """The users that a user event is about; none for other events."""
    if message is None or not message.event.startswith("ONUSER"):
        return []
    from gateway.links.user_record import records, user_id  # cold start

    ids = (user_id(record) for record in records(message.data))
    return list(dict.fromkeys(user for user in ids if user is not None))


def _listed(users: list[int]) -> str:
    more = ["…"] if len(users) > MAX_USERS else []
    return ", ".join([*map(str, users[:MAX_USERS]), *more])


def log_oddities(judgement: Judgement, message: Message, settings: Settings, request_id: str) -> None:
    """Log one WARNING for an event that was queued in spite of its oddities."""
    sentences, secrets = oddities_of(judgement, settings), settings.secrets()
    fields = {
        "code": "EVENT_ODD",
        "event": message.event,
        "event_id": message.event_id,
        "portal": message.portal.domain,
        "oddities": [
            {"kind": note.kind, "names": [clean(name, secrets) for name in note.names]}
            for note in judgement.payload.notes
        ],
        "users": users_of(message)[:MAX_USERS],
        "request_id": request_id,
    }
    opening = say("EVENT_ODD", settings.language, event=message.event)
    log.warning(" ".join([opening, *sentences]), extra={"json_fields": fields})


def log_ignored(message: Message, probe: bool) -> None:
    """Log that an event went nowhere, because no subscription wants it."""
    user = None
    if message.event.startswith("ONUSER"):
        from gateway.links.user_record import user_of  # cold start

        user = user_of(message.event, message.data)
    about = About(message.event, message.event_id, message.portal.domain, user=user, probe=probe)
    report(Outcome("EVENT_IGNORED"), about)


def log_other_portal(message: Message, settings: Settings) -> None:
    """Warn once an hour of a portal that is not `BITRIX24_DOMAIN`, unless its token is bound to it."""
    portal = message.portal.domain
    if any(bound == portal for bound, _ in settings.bound_tokens) or not _is_due("portal", portal):
        return
    sentence = say("PORTAL_DIFFERS", settings.language, theirs=portal, mine=settings.domain)
    log.warning(sentence, extra={"json_fields": {"code": "PORTAL_DIFFERS", "portal": portal}})


def log_clock(message: Message, settings: Settings) -> None:
    """Warn once an hour that a portal's events are dated in the future: one of the two clocks is wrong.

    A date in the past is no sign of that: the vendor's queue delivers late, and senders repeat.
    """
    portal = message.portal.domain
    if message.ts is None or not _is_due("clock", portal):
        return
    seconds = round(message.ts - message.received_at.timestamp())
    sentence = say("CLOCK_DIFFERS", settings.language, portal=portal, seconds=seconds)
    log.warning(
        sentence, extra={"json_fields": {"code": "CLOCK_DIFFERS", "portal": portal, "seconds": seconds}}
    )


def _is_due(kind: str, portal: str) -> bool:
    """Whether a warning is due, because an hour has passed since the last of its kind about this portal."""
    now = time.monotonic()
    if now - _warned.get((kind, portal), -PORTAL_SECONDS) < PORTAL_SECONDS:
        return False
    if len(_warned) >= MAX_WARNED:
        for warned, at in list(_warned.items()):
            if now - at >= PORTAL_SECONDS:
                _warned.pop(warned, None)
    if len(_warned) >= MAX_WARNED:
        return False
    _warned[kind, portal] = now
    return True
