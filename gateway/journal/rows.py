"""Makes the journal's values of the rows of its tables; names the columns that are read for that."""

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from gateway.journal.model import OutcomeRecord, Request, Round


def _columns(model: type[OutcomeRecord | Request | Round]) -> str:
    """A column for each field, in the order of the fields: so a row is the fields' values."""
    return ", ".join(field.name for field in fields(model))


OUTCOME_COLUMNS = _columns(OutcomeRecord)
REQUEST_COLUMNS = _columns(Request)
ROUND_COLUMNS = _columns(Round)


def round_of(row: Sequence[Any]) -> Round:
    round_id, at, code, facts = row
    return Round(round_id, moment_of(at), code, json.loads(facts))


def request_of(row: Sequence[Any]) -> Request:
    n, request_id, at, first_at, *columns, record = row
    values = n, request_id, moment_of(at), moment_of(first_at), *columns, json.loads(record)
    return Request(*values)


def outcome_of(row: Sequence[Any]) -> OutcomeRecord:
    at, *columns, facts = row
    values = moment_of(at), *columns, json.loads(facts)
    return OutcomeRecord(*values)


def moment_of(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
