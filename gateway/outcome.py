"""Reports what came of an event, once: one function, one logger, the same fields for log and journal."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import GatewayError
from gateway.texts import Notice

log = logging.getLogger("gateway.outcome")

LEVELS = {
    "LINK_CONFLICT": logging.WARNING,
    "EVENT_FAILED": logging.WARNING,
    "EVENT_PUT_ASIDE": logging.ERROR,
    "EVENT_DEAD": logging.ERROR,
}
PROBE_LEVEL = logging.DEBUG
PROBE_TEXTS = {"EVENT_IGNORED": "PROBE_IGNORED"}


@dataclass(frozen=True)
class Outcome:
    """What came of an event; `code` and `reason` are the contract's, `text` overrides the code's sentence.

    `values` fill the sentence, `facts` are further fields of the record.
    """

    code: str
    reason: str | GatewayError | Notice = ""
    bitrix_user_id: int | None = None
    text: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class About:
    """The event whose outcome is reported; `user` is the one that a user event is about.

    A `probe` is an event of our own doctor or trigger; only the receiver knows that, not the queue.
    """

    event: str
    event_id: str
    portal: str = ""
    subscription: str = ""
    user: int | None = None
    probe: bool = False


def report(outcome: Outcome, about: About) -> None:
    """Log one record of what came of an event at one subscription.

    Its `reason` may be an error: the log says it in a sentence, the journal keeps key and facts.
    """
    user = about.user if outcome.bitrix_user_id is None else outcome.bitrix_user_id
    values = {
        "event": about.event,
        "event_id": about.event_id,
        "user": user,
        "reason": outcome.reason,
        **outcome.values,
    }
    fields: dict[str, Any] = {
        "code": outcome.code,
        "event": about.event,
        "event_id": about.event_id,
        "portal": about.portal,
        "bitrix_user_id": user,
        "reason": outcome.reason,
        "subscription": about.subscription,
        **outcome.facts,
    }
    text = outcome.text or outcome.code
    if about.probe:
        fields["probe"] = True
        text = PROBE_TEXTS.get(text, text)
    notice = Notice(text, **values)
    level = PROBE_LEVEL if about.probe else LEVELS.get(outcome.code, logging.INFO)
    log.log(level, notice, extra={"json_fields": fields})
