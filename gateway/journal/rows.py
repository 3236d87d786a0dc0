"""The columns that are read of the journal's tables, and the values that their rows become."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.journal.model import Outcome, Request, Round

OUTCOME_COLUMNS = "at, event_id, subscription, code, reason, attempts, ms, portal, bitrix_user_id, facts"
REQUEST_COLUMNS = (
    "n, request_id, at, first_at, count, kind, tag, code, status, cause, event, event_id, portal, record"
)
ROUND_COLUMNS = "id, at, code, facts"


def round_of(row: Sequence[Any]) -> Round:
    round_id, at, code, facts = row
    return Round(round_id, moment_of(at), code, json.loads(facts))


def request_of(row: Sequence[Any]) -> Request:
    n, request_id, at, first_at, count, kind, tag, code, status, cause, event, event_id, portal, record = row
    return Request(
        n=n,
        request_id=request_id,
        at=moment_of(at),
        first_at=moment_of(first_at),
        count=count,
        kind=kind,
        tag=tag,
        code=code,
        status=status,
        cause=cause,
        event=event,
        event_id=event_id,
        portal=portal,
        record=json.loads(record),
    )


def outcome_of(row: Sequence[Any]) -> Outcome:
    at, event_id, subscription, code, reason, attempts, ms, portal, bitrix_user_id, facts = row
    return Outcome(
        at=moment_of(at),
        event_id=event_id,
        subscription=subscription,
        code=code,
        reason=reason,
        attempts=attempts,
        ms=ms,
        portal=portal,
        bitrix_user_id=bitrix_user_id,
        facts=json.loads(facts),
    )


def moment_of(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
