"""Reads refusals from Cloud Logging or the journal, and groups them by their first cause."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.diagnosis import guide_section, in_words
from gateway.events import rfc3339
from gateway.journal import Filters, Journal, Request
from gateway.settings import Settings
from gateway.tools.project_log import REFUSALS, ProjectLog

_POLL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal, or several equal ones: when the newest came, its fields, and how many there were."""

    at: datetime
    fields: Mapping[str, Any]
    count: int = 1

    @property
    def cause(self) -> Mapping[str, Any]:
        """The first cause; if there is none, the answer's code in its place."""
        causes = self.fields.get("causes") or [{"code": self.fields.get("code", "?")}]
        first_cause: Mapping[str, Any] = causes[0]
        return first_cause

    def to_json(self) -> dict[str, Any]:
        """The refusal as JSON values."""
        cause = self.cause
        return {
            "cause": cause["code"],
            "code": self.fields.get("code"),
            "at": rfc3339(self.at),
            "detail": cause.get("detail", ""),
            "says": cause.get("says", ""),
            "do": cause.get("do", ""),
            "guide": self.fields.get("guide", ""),
            "places": [_with_whole_length(trace) for trace in self.fields.get("places") or []],
            "request_id": self.fields.get("request_id"),
        }


@dataclass(frozen=True)
class Group:
    """Refusals of one first cause."""

    count: int
    newest: Refusal

    def to_json(self) -> dict[str, Any]:
        """The group as `rejections --json` prints it."""
        newest = self.newest.to_json()
        return {"cause": newest.pop("cause"), "count": self.count, "newest": newest.pop("at"), **newest}


def grouped(refusals: Iterable[Refusal]) -> list[Group]:
    """The refusals grouped by first cause, the cause that came last first."""
    groups: dict[str, Group] = {}
    for refusal in refusals:
        code = str(refusal.cause["code"])
        group = groups.get(code)
        newest = refusal if group is None or refusal.at >= group.newest.at else group.newest
        groups[code] = Group(refusal.count + (group.count if group else 0), newest)
    return sorted(groups.values(), key=lambda group: group.newest.at, reverse=True)


def of_journal(settings: Settings, since: datetime, follow: bool = False) -> Iterator[Refusal]:
    """The local server's refusals, oldest first; with `follow` also those to come, without end."""
    journal = Journal(settings.journal.path)
    filters = Filters(kinds=("refused",), since=since.timestamp())
    last = 0
    for request in journal.requests(filters):
        last = request.n
        yield _of_record(request, settings)
    if follow:
        for request in journal.follow(filters, after=last):
            yield _of_record(request, settings)


def _of_record(request: Request, settings: Settings) -> Refusal:
    causes = [cause.to_json() for cause in in_words(request.record.get("causes", []), settings)]
    fields = {
        **request.record,
        "code": request.code,
        "causes": causes,
        "guide": guide_section(causes[0]["code"] if causes else None, settings.language),
        "request_id": request.request_id,
    }
    return Refusal(request.at, fields, request.count)


def of_cloud(
    project: str,
    since: datetime,
    follow: bool = False,
    client: Any = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Refusal]:
    """A project's refusals, oldest first; with `follow` also those to come. Raises `PassingFailure`."""
    log = ProjectLog(project, client)
    # An entry may arrive later than one that is younger.
    printed: set[str] = set()
    while True:
        for entry in log.entries(REFUSALS, since):
            if isinstance(entry.payload, Mapping) and entry.insert_id not in printed:
                printed.add(entry.insert_id)
                yield Refusal(entry.timestamp or datetime.now(UTC), entry.payload)
        if not follow:
            return
        sleep(_POLL_SECONDS)


def _with_whole_length(trace: Mapping[str, Any]) -> dict[str, Any]:
    """A place with its length as a whole number: Cloud Logging keeps doubles."""
    length = trace.get("length")
    return {**trace, "length": int(length) if isinstance(length, int | float) else None}
