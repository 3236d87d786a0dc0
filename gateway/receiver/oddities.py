"""What an accepted event lost on its way, said once: an event of Bitrix24's own is never odd."""

import logging
import time

from gateway.events import Message
from gateway.ingest.decision import Judgement
from gateway.redaction import clean
from gateway.settings import Settings
from gateway.texts import say

log = logging.getLogger("gateway.receiver")


def oddities_of(judgement: Judgement, settings: Settings) -> list[str]:
    """A sentence for each oddity, in the operator's language, the names as they came."""
    secrets = settings.secrets()
    sentences = []
    for note in judgement.payload.notes:
        names = ", ".join(clean(name, secrets) for name in note.names) or "–"
        sentences.append(say(f"ODD_{note.kind.upper()}", settings.language, names=names))
    if judgement.null_users:
        users = ", ".join(map(str, judgement.null_users))
        sentences.append(say("ODD_NULL", settings.language, users=users, field=settings.telegram_field))
    return sentences


def log_oddities(judgement: Judgement, message: Message, settings: Settings, request_id: str) -> None:
    """One WARNING record for an event that is queued all the same."""
    sentences = oddities_of(judgement, settings)
    fields = {
        "code": "EVENT_ODD",
        "event": message.event,
        "event_id": message.event_id,
        "portal": message.portal.domain,
        "oddities": [{"kind": note.kind, "names": list(note.names)} for note in judgement.payload.notes],
        "users": list(judgement.null_users),
        "request_id": request_id,
    }
    opening = say("EVENT_ODD", settings.language, event=message.event)
    log.warning(" ".join([opening, *sentences]), extra={"json_fields": fields})


PORTAL_SECONDS = 3600.0  # between two warnings of one portal
_warned: dict[str, float] = {}


def log_other_portal(message: Message, settings: Settings) -> None:
    """Say once an hour that a portal is not `BITRIX24_DOMAIN`, unless its token is bound to it."""
    portal, now = message.portal.domain, time.monotonic()
    if any(bound == portal for bound, _ in settings.bound_tokens):
        return
    if now - _warned.get(portal, -PORTAL_SECONDS) < PORTAL_SECONDS or len(_warned) >= 1000:
        return
    _warned[portal] = now
    sentence = say("PORTAL_DIFFERS", settings.language, theirs=portal, mine=settings.domain)
    log.warning(sentence, extra={"json_fields": {"code": "PORTAL_DIFFERS", "portal": portal}})
