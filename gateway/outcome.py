"""What came of an event, said once: one function, one logger, one set of fields for log and journal alike."""

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


@dataclass(frozen=True)
class Outcome:
    """`code` and `reason` are the contract's; `text` names the sentence where it is not the code's own.

    `values` fill the sentence, `facts` are further fields of the record.
    """

    code: str
    reason: str | GatewayError = ""
    bitrix_user_id: int | None = None
    text: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class About:
    """The event that something came of."""

    event: str
    event_id: str
    portal: str = ""
    subscription: str = ""


def report(outcome: Outcome, about: About) -> None:
    """One record of what came of an event at one subscription."""
    values = {
        "event": about.event,
        "event_id": about.event_id,
        "user": outcome.bitrix_user_id,
        "reason": outcome.reason,
        **outcome.values,
    }
    fields: dict[str, Any] = {
        "code": outcome.code,
        "event": about.event,
        "event_id": about.event_id,
        "portal": about.portal,
        "bitrix_user_id": outcome.bitrix_user_id,
        "reason": str(outcome.reason),
        "subscription": about.subscription,
        **outcome.facts,
    }
    notice = Notice(outcome.text or outcome.code, **values)
    log.log(LEVELS.get(outcome.code, logging.INFO), notice, extra={"json_fields": fields})
