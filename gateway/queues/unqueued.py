"""What the queue did not take is kept whole for `replay`.

Bitrix24 does not resend, so an event that could not be queued is written down before the
caller gets its 503: on Google Cloud to the log, on one machine to the journal.
"""

import json
import logging
from collections.abc import Mapping
from hashlib import sha256

from gateway.settings import Settings
from gateway.texts import say

PART_BYTES = 180_000  # an entry of Cloud Logging ends at 256 KiB; the record's other fields need some

log = logging.getLogger("gateway.queues.unqueued")


def keep(data: bytes, attributes: Mapping[str, str], settings: Settings) -> None:
    """Write an event down that the queue did not take: whole, restorable byte by byte by `replay`.

    `data` and `attributes` are what would have been published; there are no secrets in them.
    """
    fields = {"code": "EVENT_NOT_QUEUED"} | {name: attributes.get(name, "") for name in ("event", "event_id")}
    text = data.decode("utf-8")
    whole = {**fields, "attributes": dict(attributes), "payload": text}
    if not settings.on_google_cloud:
        from gateway.journal import open_journal

        if open_journal(settings).add_unqueued(whole):
            sentence = say("EVENT_NOT_QUEUED", settings.language, where="JOURNAL_URL", **fields)
            log.critical(sentence, extra={"json_fields": fields})
            return
    digest, parts = sha256(data).hexdigest(), in_parts(text)  # `replay` holds the joined parts against it
    for number, part in enumerate(parts, 1):
        where = f"log, {number}/{len(parts)}"
        numbered = {**whole, "part": number, "parts": len(parts), "sha256": digest, "payload": part}
        sentence = say("EVENT_NOT_QUEUED", settings.language, where=where, **fields)
        if settings.log_format == "json":
            log.critical(sentence, extra={"json_fields": numbered})
        else:  # a line of text holds the record itself, for `replay FILE`
            log.critical("%s %s", sentence, json.dumps(numbered), extra={"json_fields": fields})


def in_parts(text: str) -> list[str]:
    """`text` in pieces that stay under `PART_BYTES` however a logger escapes them: `\\u0442` is six bytes."""
    if len(json.dumps(text)) <= PART_BYTES:
        return [text]
    middle = len(text) // 2
    return in_parts(text[:middle]) + in_parts(text[middle:])
