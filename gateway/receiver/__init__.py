"""The HTTP function: a request in, an event on the queue, an answer out; the log says why it was rejected."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import flask

from gateway.errors import QueueUnavailable
from gateway.events import Message
from gateway.ingest.decision import Judgement, judge
from gateway.ingest.incoming import ALLOWED
from gateway.logs import load_ahead
from gateway.marks import PROBE_HEADER, is_probe
from gateway.queues import Publisher, open_publisher
from gateway.queues.publish import PUBLISH_SECONDS, publish_within
from gateway.queues.unqueued import keep
from gateway.rate_limited import RateLimited
from gateway.receiver.answers import answer, details_of, new_request_id
from gateway.receiver.wsgi import incoming_of
from gateway.settings import Settings
from gateway.startup import settings
from gateway.texts import say


class Answered(NamedTuple):
    """A request with its answer, as `serve` hands it to the journal.

    `began` is a moment of `time.monotonic()`; a `probe` is a request of our own doctor or trigger.
    """

    judgement: Judgement
    request_id: str
    status: int
    environ: Mapping[str, Any]
    began: float
    probe: bool = False


# Called after each answered request, on one machine, for the journal; must neither raise nor take time.
observers: list[Callable[[Answered], None]] = []

# An event dated further ahead than this means that a clock is wrong.
CLOCK_SECONDS = 300

log = logging.getLogger("gateway.receiver")
_reports = RateLimited(log, 60.0)


def respond(request: flask.Request) -> flask.Response:
    """Answer one request. The bytes are read once, within the limits, and judged as the contract orders."""
    config = settings()
    request_id = new_request_id()
    began = time.monotonic()
    judgement = judge(incoming_of(request), config, datetime.now(UTC))
    probe = _is_probe(judgement, config)
    response = _response_to(judgement, config, request_id, probe)
    for observe in observers:
        observe(Answered(judgement, request_id, response.status_code, request.environ, began, probe))
    return response


def _is_probe(judgement: Judgement, config: Settings) -> bool:
    """Whether our own doctor or trigger sent the request: then no log warns of it, and no alert counts it."""
    mark = judgement.incoming.header(PROBE_HEADER.lower())
    return bool(mark) and is_probe(mark, config.tokens, time.time())


def _response_to(judgement: Judgement, config: Settings, request_id: str, probe: bool) -> flask.Response:
    deadline = time.monotonic() + PUBLISH_SECONDS
    _capture(judgement, config, request_id)
    if judgement.message is not None:
        return _publish(judgement, judgement.message, deadline, config, request_id, probe)
    if judgement.refused and probe:
        fields = {"code": judgement.code, "probe": True, "request_id": request_id}
        log.debug(say("PROBE_REFUSED", config.language), extra={"json_fields": fields})
    elif judgement.refused:
        from gateway.receiver.refusals import log_refusal  # cold start

        log_refusal(judgement, config, request_id)
    details = details_of(judgement, config)
    response = answer(judgement.code, config, request_id, judgement.status, **details)
    if judgement.code == "METHOD_NOT_ALLOWED":
        response.headers["Allow"] = ALLOWED[judgement.incoming.route]
    return response


def _publish(
    judgement: Judgement, message: Message, deadline: float, config: Settings, request_id: str, probe: bool
) -> flask.Response:
    """Answer a verified event: 200 once the queue has acknowledged it, 503 once it is kept for `replay`."""
    place = judgement.verdict.place or ""
    if judgement.is_odd:
        from gateway.receiver.oddities import log_oddities  # cold start

        log_oddities(judgement, message, config, request_id)
    data, attributes = message.to_bytes(), message.attributes(place)
    try:
        message_id = publish_within(_publisher(), data, attributes, deadline, on_failure=load_ahead)
    except QueueUnavailable as failure:
        sentence = say(_keep(failure, message, data, attributes, config, request_id), config.language)
        names = {"event": message.event, "event_id": message.event_id}
        return answer("QUEUE_UNAVAILABLE", config, request_id, 503, message=sentence, **names)
    _log_queued(message, place, config, request_id, probe)
    queued = {"event": message.event, "event_id": message.event_id, "message_id": message_id}
    return answer("EVENT_QUEUED", config, request_id, 200, **queued)


def _log_queued(message: Message, place: str, config: Settings, request_id: str, probe: bool) -> None:
    """Log what an operator should know of an event that is on the queue; of most events there is nothing."""
    if not _publisher().wants(message.event):
        from gateway.receiver.oddities import log_ignored  # cold start

        log_ignored(message, probe)
    if config.domain and message.portal.domain not in (config.domain, ""):
        from gateway.receiver.oddities import log_other_portal  # cold start

        log_other_portal(message, config)
    if message.ts is not None and message.ts - message.received_at.timestamp() > CLOCK_SECONDS:
        from gateway.receiver.oddities import log_clock  # cold start

        log_clock(message, config)
    if log.isEnabledFor(logging.DEBUG):
        fields = {"code": "EVENT_QUEUED", "event": message.event, "event_id": message.event_id}
        fields |= {"portal": message.portal.domain, "place": place, "request_id": request_id}
        log.debug(say("TOKEN_VERIFIED", config.language), extra={"json_fields": fields})


def _keep(
    failure: QueueUnavailable,
    message: Message,
    data: bytes,
    attributes: Mapping[str, str],
    config: Settings,
    request_id: str,
) -> str:
    """Keep an event for `replay`; return the key of the answer's sentence, which says how to put it back.

    An outage is logged once a minute, with how often it happened in the meantime.
    """
    fields = {"code": "QUEUE_UNAVAILABLE", "request_id": request_id}
    _reports.warning(failure.key, failure, fields)
    if notice := keep(data, attributes, config):
        fields = {"code": notice.key, "event": message.event, "event_id": message.event_id}
        _reports.log(logging.CRITICAL, notice.key, notice, fields)
    # If only the log holds an event, `replay` has to be given the log's file.
    in_file = notice is None and not config.on_google_cloud
    return "ANSWER_QUEUE_UNAVAILABLE_LOG" if in_file else "ANSWER_QUEUE_UNAVAILABLE"


@cache
def _publisher() -> Publisher:
    return open_publisher(settings())


def _capture(judgement: Judgement, config: Settings, request_id: str) -> None:
    """Log what arrived, masked, while `WEBHOOK_CAPTURE_UNTIL` lasts; it never changes a verdict."""
    if config.capture_until is None or datetime.now(UTC) >= config.capture_until:
        return
    from gateway.receiver.capture import capture_record  # cold start

    record = capture_record(judgement.incoming, judgement.body, config, judgement)
    if record is not None:
        fields = {**record, "code": "CAPTURE", "request_id": request_id}
        log.info(say("CAPTURED", config.language), extra={"json_fields": fields})
