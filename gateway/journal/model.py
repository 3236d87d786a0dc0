"""The journal's values: a request, what came of an event at a subscription, a round of polling."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

# What came of an event, in one word per record; of several outcomes, the first in this order counts.
TAGS = {
    "EVENT_DEAD": "dead",
    "EVENT_PUT_ASIDE": "aside",
    "EVENT_FAILED": "failed",
    "LINK_CONFLICT": "conflict",
    "LINK_SYNCED": "linked",
    "LINK_ENDED": "unlinked",
    "EVENT_FORWARDED": "forwarded",
    "LINK_UNCHANGED": "unchanged",
    "EVENT_IGNORED": "ignored",
}
# A person put the event back on the queue: an earlier failure no longer counts.
REQUEUED = "EVENT_REQUEUED"
FAILURES = ("EVENT_DEAD", "EVENT_PUT_ASIDE", "EVENT_FAILED")
# The subscription's name for what a person did.
BY_HAND = "dead-letters"
# Marks records taken over from the first edition, which did not record what came of an event.
FIRST_EDITION = "first_edition"
KINDS = ("accepted", "aside", "refused", "not_queued", "probe")


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request as the recorder hands it over, without secrets.

    `record` is what a list shows. Only the request's page shows `whole` (headers, body) and `message`,
    the event as it is on the queue, in JSON. Requests of one `fold` are counted in one record; None gets
    a separate record. `terms` are the texts that a search finds it by. `count`: how many equal requests
    it stands for.
    """

    request_id: str
    at: float
    kind: str
    code: str
    status: int
    cause: str = ""
    event: str = ""
    event_id: str = ""
    portal: str = ""
    fold: str | None = None
    terms: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    whole: Mapping[str, Any] = field(default_factory=dict)
    message: bytes = b""
    count: int = 1


class Report(NamedTuple):
    """What a consumer logged of an event, or polling of a round: `fields` are those of the log record.

    `kind` is `outcome` or `round`, `at` in seconds since 1970.
    """

    kind: str
    at: float
    fields: Mapping[str, Any]


class Fold(NamedTuple):
    """What equal rejected requests are counted under; `is_known`: there is a record of them already."""

    key: str
    is_known: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A record of the journal. `count` requests were equal to it; `at` is the newest one's time."""

    n: int
    request_id: str
    at: datetime
    first_at: datetime
    count: int
    kind: str
    tag: str
    code: str
    status: int
    cause: str
    event: str
    event_id: str
    portal: str
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """What came of an event at one subscription, as the consumer reported it."""

    at: datetime
    event_id: str
    subscription: str
    code: str
    reason: str
    attempts: int
    ms: int | None
    portal: str
    bitrix_user_id: int | None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    """A round of polling: its counts, and the users whose field could not be read."""

    id: int
    at: datetime
    code: str
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unqueued:
    """An event that the queue did not accept; `record` is JSON values, as they were added."""

    id: int
    at: datetime
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hour:
    """How many requests of one kind and cause came in an hour, which is counted since 1970."""

    hour: int
    kind: str
    cause: str
    count: int


class Filters(NamedTuple):
    """Which requests are listed; empty values filter nothing.

    `since` and `until` are in seconds since 1970; `until` itself is outside.
    """

    kinds: tuple[str, ...] = ()
    term: str = ""
    cause: str = ""
    event: str = ""
    portal: str = ""
    since: float = 0.0
    destination: str = ""
    until: float = 0.0


class Page(NamedTuple):
    """Records, newest first. The next page begins below `older`, which is None on the last page."""

    requests: list[Request]
    older: int | None
