"""Reads back events that were kept in a log: from Cloud Logging, or from an exported log.

An event may be there in numbered parts, in any order, and more than once. Only records
with a signature made from an accepted token count, because strangers can have lines
written into a log.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from gateway.queues.unqueued import TokensOf, is_of_portal, is_signed
from gateway.tools.project_log import ProjectLog
from gateway.tools.recovery import KeptMessage, Source, settle_nothing

CODE = "EVENT_NOT_QUEUED"
# What Cloud Logging's _Default bucket keeps.
RETENTION = timedelta(days=30)
# How a line of text carries a record.
_MARK = '{"code": "EVENT_NOT_QUEUED"'


class Parts:
    """Joins the records of kept events; `incomplete` names the events whose parts are missing.

    `unsigned` counts the records that were left out: of the first edition, of a token that is
    no longer accepted, or of a stranger.
    """

    def __init__(self, source: Source, tokens_of: TokensOf) -> None:
        self._source = source
        self._tokens_of = tokens_of
        self.unsigned = 0
        self._open: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
        self._joined: set[tuple[str, str]] = set()

    def add(self, fields: Mapping[str, Any]) -> KeptMessage | None:
        """The event that this record completes, if it does."""
        if not is_signed(fields, self._tokens_of):
            self.unsigned += 1
            return None
        try:
            key = (str(fields["event_id"]), str(fields.get("sha256", "")))
            # The log has doubles for whole numbers.
            part, parts = int(fields.get("part", 1)), int(fields.get("parts", 1))
        except (KeyError, TypeError, ValueError):
            return None
        if key in self._joined:
            return None
        received = self._open.setdefault(key, {})
        received[part] = fields
        if any(number not in received for number in range(1, parts + 1)):
            return None
        data = "".join(str(received[number]["payload"]) for number in range(1, parts + 1)).encode("utf-8")
        if key[1] and sha256(data).hexdigest() != key[1]:
            # A part was altered: the event stays named in `incomplete`.
            return None
        self._joined.add(key)
        del self._open[key]
        if not is_of_portal(data, str(fields["attributes"].get("portal", ""))):
            # It was signed for one portal and made for another.
            self.unsigned += 1
            return None
        return self._kept_message(fields, data)

    def incomplete(self) -> list[str]:
        """The event ids of which only some parts were found."""
        return sorted({event_id for event_id, _ in self._open})

    def _kept_message(self, fields: Mapping[str, Any], data: bytes) -> KeptMessage:
        event, event_id = str(fields.get("event", "")), str(fields["event_id"])
        attributes = fields.get("attributes")
        attributes = attributes if isinstance(attributes, Mapping) else {"event": event, "event_id": event_id}
        return KeptMessage(
            source=self._source,
            id=f"{self._source}:{event_id}",
            event=event,
            event_id=event_id,
            data=data,
            attributes={str(name): str(value) for name, value in attributes.items()},
            recorded_at=None,
            settle=settle_nothing,
        )


def exported(text: str) -> Iterator[Mapping[str, Any]]:
    """The records in an export of `gcloud logging read --format=json`, in entries per line, or our lines."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        # Not splitlines(), because JSON may hold U+2028 as it is.
        for line in text.split("\n"):
            yield from _in_line(line)
    else:
        yield from _inside(document)


def _inside(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        for entry in value:
            yield from _inside(entry)
    elif isinstance(value, dict):
        if value.get("code") == CODE and isinstance(value.get("payload"), str):
            yield value
            return
        for name in ("jsonPayload", "textPayload", "message"):
            inner = value.get(name)
            yield from _in_line(inner) if isinstance(inner, str) else _inside(inner)


def _in_line(line: str) -> Iterator[Mapping[str, Any]]:
    """The records in a line that is JSON, or that holds a record among other text."""
    for start in (line.find("{"), line.find(_MARK)):
        if start >= 0:
            try:
                value, _ = json.JSONDecoder().raw_decode(line, start)
            except (ValueError, RecursionError):
                continue
            yield from _inside(value)
            return


def cloud_records(
    project: str, service: str, since: datetime | None = None, client: Any = None
) -> Iterator[Mapping[str, Any]]:
    """The records in the log of the receiver's service, oldest first. Raises `PassingFailure`."""
    condition = (
        f'resource.type="cloud_run_revision" AND resource.labels.service_name="{service}"'
        f' AND logName="projects/{project}/logs/run.googleapis.com%2Fstderr"'
        f' AND (jsonPayload.code="{CODE}" OR textPayload:"{CODE}")'
    )
    for entry in ProjectLog(project, client).entries(condition, since or datetime.now(UTC) - RETENTION):
        payload = entry.payload
        yield from _in_line(payload) if isinstance(payload, str) else _inside(payload)
