"""An event's last step inside the request: onto the queue in time, or kept whole for `replay`.

Bitrix24 does not resend, so an event that could not be queued is written down before the
caller gets its 503: on Google Cloud to the log, on one machine to the journal.
"""

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from hashlib import sha256

from gateway.errors import QueueRefused, QueueUnavailable
from gateway.queues import Publisher
from gateway.settings import Settings
from gateway.texts import say

ANSWER_SECONDS = 3.0  # from the body's last byte to the answer, whatever the queue does
PUBLISH_SECONDS = (
    2.1  # of these for publishing; the rest is for keeping the event, the log's library included
)
ATTEMPT_SECONDS = 0.8  # a stalled attempt leaves time for a second one, on a new connection
FIRST_DELAY, LONGEST_DELAY = 0.05, 0.4  # seconds between attempts: doubling, with full jitter
PART_BYTES = 180_000  # an entry of Cloud Logging ends at 256 KiB; the record's other fields need some

log = logging.getLogger("gateway.queues.publish")


def publish_within(
    publisher: Publisher,
    data: bytes,
    attributes: Mapping[str, str],
    deadline: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[float, float], float] = random.uniform,
) -> str:
    """Publish by `deadline` (a value of `clock`, in seconds) and return the message id.

    Each attempt is one call with an end of its own; the last one gets all the time there is.
    Raises the last attempt's `QueueUnavailable`.
    """
    delay = FIRST_DELAY
    while True:
        left = deadline - clock()
        try:
            return publisher.publish(
                data, attributes, ATTEMPT_SECONDS if left > 2 * ATTEMPT_SECONDS else left
            )
        except QueueUnavailable as failure:
            pause = jitter(0.0, delay)
            if isinstance(failure, QueueRefused) or clock() + pause >= deadline:
                raise
        sleep(pause)
        delay = min(2 * delay, LONGEST_DELAY)


def keep(data: bytes, attributes: Mapping[str, str], settings: Settings) -> None:
    """Write an event down that the queue did not take: whole, restorable byte by byte by `replay`.

    `data` and `attributes` are what would have been published; there are no secrets in them.
    """
    fields = {"code": "EVENT_NOT_QUEUED"} | {name: attributes.get(name, "") for name in ("event", "event_id")}
    text = data.decode("utf-8")
    whole = {**fields, "attributes": dict(attributes), "payload": text}
    if not settings.on_google_cloud:
        from gateway.journal import open_journal

        if open_journal(settings).add("not_queued", whole):
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
