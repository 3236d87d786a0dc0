"""Copies what the deployed functions log in Cloud Logging into a journal, for the inspector at home.

The receiver logs refusals, and the consumers what came of events; that an event was accepted
is not logged by itself, so what came of it is listed instead. Entries are only shown and never
acted on, because strangers can have a line written into a log.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.ingest.decision import STATUS
from gateway.journal import TAGS, Journal, NewRequest, Report
from gateway.receiver.refusals import Shape
from gateway.tools.deployment import Deployment
from gateway.tools.project_log import REFUSALS, ProjectLog

# An entry may arrive later than one that is younger.
LATE = timedelta(minutes=2)
# Entries copied at once: as many as a journal keeps.
MOST_COPIED = 20_000
ROUNDS = ("RESYNC_DONE", "RESYNC_FAILED", "LINKS_AT_RISK")

_CODES = " OR ".join(f'"{code}"' for code in (*TAGS, *ROUNDS))
_OURS = f"(({REFUSALS}) OR jsonPayload.code=({_CODES}))"

Entry = tuple[datetime, str, Mapping[str, Any]]
"""When it was written, its id, and its fields."""


class CloudLog:
    """Copies the log of a deployment's own services into a journal, each time from where it stopped."""

    def __init__(self, deployed: Deployment, since: datetime, client: Any = None) -> None:
        self._log, self._since = ProjectLog(deployed.project, client), since
        services = " OR ".join(f'"{service}"' for service in deployed.services)
        self._filter = (
            f'resource.type="cloud_run_revision" AND resource.labels.service_name=({services}) AND {_OURS}'
        )
        # The ids of the entries that were copied, and of the events that have a record, the newest last.
        self._copied_ids: dict[str, None] = {}
        self._recorded_events: dict[str, None] = {}

    def copy_into(self, journal: Journal) -> int:
        """Copy new entries and return their number. Raises `PassingFailure` if the log can't be read."""
        count = 0
        newest = self._since
        for at, insert_id, fields in self._entries():
            newest = max(newest, at)
            if insert_id in self._copied_ids:
                continue
            self._copied_ids[insert_id] = None
            self._copy(journal, at.timestamp(), whole_numbers(fields))
            count += 1
            if count == MOST_COPIED:
                break
        self._since = max(self._since, newest - LATE)
        for ids in (self._copied_ids, self._recorded_events):
            for oldest in list(ids)[: max(0, len(ids) - 2 * MOST_COPIED)]:
                del ids[oldest]
        return count

    def _copy(self, journal: Journal, at: float, fields: Mapping[str, Any]) -> None:
        code = str(fields.get("code", ""))
        if code in ROUNDS:
            journal.write([Report("round", at, fields)])
        elif code in TAGS:
            event_id = str(fields.get("event_id", ""))
            if event_id and event_id not in self._recorded_events:
                self._recorded_events[event_id] = None
                journal.add_requests([_accepted(at, fields, event_id)])
            journal.write([Report("outcome", at, fields)])
        elif fields.get("request_id"):
            journal.add_requests([_refused(at, fields, code)])

    def _entries(self) -> Iterator[Entry]:
        for entry in self._log.entries(self._filter, self._since):
            if isinstance(entry.payload, Mapping):
                yield entry.timestamp or datetime.now(UTC), str(entry.insert_id), entry.payload


def whole_numbers(value: Any) -> Any:
    """The value with whole numbers as integers: Cloud Logging keeps every number as a double."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(name): whole_numbers(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [whole_numbers(inner) for inner in value]
    return value


def _refused(at: float, fields: Mapping[str, Any], code: str) -> NewRequest:
    causes = [cause for cause in fields.get("causes") or [] if isinstance(cause, Mapping)]
    places = [trace for trace in fields.get("places") or [] if isinstance(trace, Mapping)]
    shape = {name: fields[name] for name in (*Shape._fields, "field") if fields.get(name) is not None}
    fingerprints = [str(trace["fingerprint"]) for trace in places if trace.get("fingerprint")]
    places = [
        {"length": None, "fingerprint": None, **trace} for trace in places if {"place", "state"} <= set(trace)
    ]
    return NewRequest(
        request_id=str(fields["request_id"])[:64].lower(),
        at=at,
        kind="refused",
        code=code,
        status=STATUS.get(code, 405 if code == "METHOD_GET" else 400),
        cause=str(causes[0].get("code", "")) if causes else "",
        terms=tuple(fingerprints),
        record={"users": [], "accounts": [], "place": None, **shape, "places": places, "causes": causes},
    )


def _accepted(at: float, fields: Mapping[str, Any], event_id: str) -> NewRequest:
    user = fields.get("bitrix_user_id")
    users = [user] if isinstance(user, int) else []
    return NewRequest(
        request_id=event_id[:16],
        at=at,
        kind="accepted",
        code="EVENT_QUEUED",
        status=200,
        event=str(fields.get("event", "")),
        event_id=event_id,
        portal=str(fields.get("portal", "")),
        terms=tuple(map(str, users)),
        record={"users": users, "accounts": [], "place": None, "places": [], "causes": []},
    )
