"""Puts what came of an event into the reader's words: a row's tag, a list's line."""

from collections.abc import Sequence

from gateway.diagnosis import in_words
from gateway.journal import FAILURES, FIRST_EDITION, REQUEUED, TAGS, OutcomeRecord, Request
from gateway.settings import Settings
from gateway.texts import SENTENCES, reason_text, say

_RANK = {code: rank for rank, code in enumerate(TAGS)}


def tag_in_words(request: Request, language: str) -> str:
    """What happened to a request, in a word or two."""
    return say(f"TAG_{request.tag.upper()}", language, status=request.status)


def line_of(request: Request, outcomes: Sequence[OutcomeRecord], settings: Settings) -> str:
    """One line: why a request was refused, or what came of its event at each subscription."""
    language = settings.language
    # A GET by Bitrix24's own client is answered 200, and is recorded as refused all the same.
    if request.kind == "refused" or (request.kind == "probe" and request.status != 200):
        causes = in_words(request.record.get("causes", []), settings)
        return causes[0].says if causes else request.code
    if request.kind == "not_queued":
        return say("CAME_NOT_QUEUED", language)
    accounts = request.record.get("accounts") or []
    account = str(accounts[0]) if len(accounts) == 1 else ""
    gravest_first = sorted(standing(outcomes), key=lambda outcome: _RANK.get(outcome.code, len(_RANK)))
    lines = dict.fromkeys(in_a_line(outcome, language, account) for outcome in gravest_first)
    nothing_key = "CAME_NOT_RECORDED" if request.record.get(FIRST_EDITION) else "CAME_NOT_YET"
    return "; ".join(lines) or say(nothing_key, language)


def standing(outcomes: Sequence[OutcomeRecord]) -> list[OutcomeRecord]:
    """The outcomes that still count: once a person has requeued an event, its earlier failures do not."""
    requeued = max((outcome.at for outcome in outcomes if outcome.code == REQUEUED), default=None)
    if requeued is None:
        return list(outcomes)
    return [
        outcome
        for outcome in outcomes
        if outcome.code != REQUEUED and not (outcome.code in FAILURES and outcome.at < requeued)
    ]


def in_a_line(outcome: OutcomeRecord, language: str, account: str = "") -> str:
    """What came of an event at one subscription; `account` is the one that the event itself named."""
    facts = outcome.facts
    values = {
        "user": outcome.bitrix_user_id or "?",
        "account": facts.get("account") or account or "Telegram",
        "subscription": outcome.subscription,
        "reason": reason_text(outcome.reason, language),
        "event_id": outcome.event_id,
        "attempt": outcome.attempts,
        "next": facts.get("next", "?"),
        "destination": facts.get("destination") or outcome.subscription,
        "status": facts.get("status", "?"),
        "ms": outcome.ms if outcome.ms is not None else "?",
    }
    key = f"CAME_{outcome.code}"
    if outcome.code == "EVENT_IGNORED" and facts.get("probe"):
        key = "CAME_PROBE_IGNORED"
    if outcome.code == "EVENT_FAILED" and "next" not in facts:
        key = "CAME_EVENT_FAILED_PUSHED"
    if outcome.code == "LINK_UNCHANGED":
        reason = outcome.reason.upper()
        key = f"CAME_UNCHANGED_{reason}_LINKED" if facts.get("linked") else f"CAME_UNCHANGED_{reason}"
    if outcome.code == "EVENT_FAILED" and '"destination": ' in outcome.reason:
        # The reason names the destination.
        key = "CAME_AGAIN"
    if key not in SENTENCES:  # of another edition
        return f"{outcome.code} {outcome.reason}".strip()
    return say(key, language, **values)
