"""Keeps events that the queue did not accept, so that `replay` can put them back as they were.

Bitrix24 does not resend, so an event that could not be queued is written down before the
caller gets its 503: on Google Cloud to the log, on one machine to the journal.
"""

import json
import logging
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from gateway import marks
from gateway.settings import Settings
from gateway.texts import Notice

# An entry of Cloud Logging ends at 256 KiB, and the record's other fields need some of it.
PART_BYTES = 180_000

_PURPOSE = "event not queued"

TokensOf = Callable[[str], tuple[bytes, ...]]
"""The tokens that speak for a portal."""

log = logging.getLogger("gateway.queues.unqueued")


def keep(data: bytes, attributes: Mapping[str, str], settings: Settings) -> Notice | None:
    """Write down an event that the queue did not accept, so that `replay` can restore it byte for byte.

    `data` and `attributes` are what would have been published; there are no secrets in them.
    Returns the notice that is still to be logged if the journal keeps the event; None if the log does.
    """
    fields = {"code": "EVENT_NOT_QUEUED"} | {name: attributes.get(name, "") for name in ("event", "event_id")}
    text = data.decode("utf-8")
    record = {**fields, "attributes": dict(attributes), "payload": text}
    if not settings.on_google_cloud:
        from gateway.journal import open_journal  # cold start

        if open_journal(settings).add_unqueued(record):
            return Notice("EVENT_NOT_QUEUED", where="JOURNAL_URL", **fields)
    # `replay` compares the joined parts with the digest.
    digest, parts = sha256(data).hexdigest(), in_parts(text)
    for number, part in enumerate(parts, 1):
        place = f"log, {number}/{len(parts)}"
        numbered = {**record, "part": number, "parts": len(parts), "sha256": digest, "payload": part}
        # Anybody can have a line written into a log; `replay` accepts only signed ones.
        tokens = settings.tokens_of(attributes.get("portal", "")) or settings.tokens
        numbered["signature"] = marks.sign(_PURPOSE, _signed_content(numbered), tokens)
        key = "EVENT_NOT_QUEUED" if settings.on_google_cloud else "EVENT_NOT_QUEUED_LOG"
        notice = Notice(key, where=place, **fields)
        if settings.log_format == "json":
            log.critical(notice, extra={"json_fields": numbered})
        else:
            # A line of text holds the record itself, for `replay FILE`.
            log.critical("%s %s", notice, json.dumps(numbered), extra={"json_fields": fields})
    return None


def is_signed(fields: Mapping[str, Any], tokens_of: TokensOf) -> bool:
    """Whether a record was written by a gateway with one of these tokens, and is as it was written.

    Only the tokens that speak for the event's portal count: an administrator of another portal
    knows that portal's token, and could sign an event of any.
    """
    try:
        content = _signed_content(fields)
        tokens = tokens_of(str(fields["attributes"].get("portal", "")))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return False
    return marks.is_ours(_PURPOSE, content, str(fields.get("signature", "")), tokens)


def is_of_portal(data: bytes, portal: str) -> bool:
    """Whether an event belongs to the portal that its attributes name."""
    try:
        return str(json.loads(data)["portal"]["domain"]) == portal
    except (KeyError, TypeError, ValueError, RecursionError):
        return False


def _signed_content(fields: Mapping[str, Any]) -> bytes:
    """What the signature covers. Cloud Logging keeps numbers as doubles, and fields in any order."""
    texts = {name: str(fields[name]) for name in ("code", "event", "event_id", "sha256", "payload")}
    attributes = {str(name): str(value) for name, value in dict(fields["attributes"]).items()}
    numbers = {name: int(fields[name]) for name in ("part", "parts")}
    return json.dumps({**texts, **numbers, "attributes": attributes}, sort_keys=True).encode()


def in_parts(text: str) -> list[str]:
    """`text` in pieces that stay under `PART_BYTES` however a logger escapes them: `\\u0442` is six bytes."""
    if len(json.dumps(text)) <= PART_BYTES:
        return [text]
    middle = len(text) // 2
    return in_parts(text[:middle]) + in_parts(text[middle:])
