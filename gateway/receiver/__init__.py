"""The HTTP function: a request in, an event on the queue, an answer out; the log says why one was refused."""

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

import flask

from gateway.errors import QueueUnavailable
from gateway.events import Message
from gateway.ingest.decision import ALLOWED, Incoming, Judgement, judge
from gateway.queues import Publisher, open_publisher
from gateway.queues.publish import PUBLISH_SECONDS, keep, publish_within
from gateway.settings import WEBHOOK_PATH, Settings
from gateway.startup import settings
from gateway.texts import say

RETRY_AFTER = 30  # seconds, for whoever resends after QUEUE_UNAVAILABLE
MAX_CAUSES = 10
SECTIONS = {  # of the guide, where the answer's code alone tells the cause
    "NOT_FOUND": "PATH_WRONG",
    "TOKEN_NOT_CONFIGURED": "SETTING_MISSING",
    "QUERY_TOO_LONG": "LIMIT_EXCEEDED",
    "BODY_TOO_LARGE": "LIMIT_EXCEEDED",
    "BODY_TOO_COMPLEX": "LIMIT_EXCEEDED",
}

log = logging.getLogger("gateway.receiver")
_to_json = json.JSONEncoder(ensure_ascii=False).encode


def respond(request: flask.Request) -> flask.Response:
    """Answer one request. The bytes are read once, within the limits, and judged as the contract orders."""
    config = settings()
    request_id = os.urandom(8).hex()
    judgement = judge(_incoming(request), config, datetime.now(UTC))
    deadline = time.monotonic() + PUBLISH_SECONDS
    _capture(judgement, config, request_id)
    if judgement.message is not None:
        return _publish(judgement, judgement.message, deadline, config, request_id)
    if judgement.refused:
        _explain(judgement, config, request_id)
    return _answer(judgement.code, config, request_id, judgement.status, **_details(judgement, config))


def _publish(
    judgement: Judgement, message: Message, deadline: float, config: Settings, request_id: str
) -> flask.Response:
    """Acknowledged by the queue before the 200; what the queue did not take is kept before the 503."""
    place = judgement.verdict.place or ""
    data, attributes = message.to_bytes(), message.attributes(place)
    try:
        message_id = publish_within(_publisher(), data, attributes, deadline)
    except QueueUnavailable as failure:
        log.warning(
            "%s", failure, extra={"json_fields": {"code": "QUEUE_UNAVAILABLE", "request_id": request_id}}
        )
        keep(data, attributes, config)
        return _answer(
            "QUEUE_UNAVAILABLE", config, request_id, 503, event=message.event, event_id=message.event_id
        )
    if log.isEnabledFor(logging.DEBUG):
        fields = {"code": "EVENT_QUEUED", "event": message.event, "event_id": message.event_id}
        fields |= {"portal": message.portal.domain, "place": place, "request_id": request_id}
        log.debug(say("TOKEN_VERIFIED", config.language), extra={"json_fields": fields})
    queued = {"event": message.event, "event_id": message.event_id, "message_id": message_id}
    return _answer("EVENT_QUEUED", config, request_id, 200, **queued)


@cache
def _publisher() -> Publisher:
    return open_publisher(settings())


def _incoming(request: flask.Request) -> Incoming:
    environ = request.environ
    length = environ.get("CONTENT_LENGTH") or ""
    # The first digits tell enough of a length far over the limit; `int` refuses thousands of them.
    declared = int(length.lstrip("0")[:16] or 0) if length.isascii() and length.isdigit() else None
    return Incoming(
        method=request.method,
        path=environ.get("PATH_INFO", "/").encode("latin-1", "replace").decode("utf-8", "replace"),
        query=environ.get("QUERY_STRING", "").encode("latin-1", "replace"),
        headers=_Headers(environ),
        read=lambda limit: _read(request, declared, limit),
        declared_length=declared,
    )


def _read(request: flask.Request, declared: int | None, limit: int) -> bytes:
    """At most `limit` bytes of the body; what a sender cut off is read as far as it came.

    A body of a declared length is read as PEP 3333 says, without werkzeug's wrapping.
    """
    chunks: list[bytes] = []
    left = limit if declared is None else min(declared, limit)
    try:
        stream = request.stream if declared is None else request.environ["wsgi.input"]
        while left and (chunk := stream.read(left)):
            chunks.append(chunk)
            left -= len(chunk)
    except Exception:  # noqa: BLE001, S110 — broken chunks: gunicorn's own exception shows what came, token and all
        pass
    return b"".join(chunks)


@lru_cache(maxsize=64)
def _wsgi_name(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


class _Headers(Mapping[str, bytes]):
    """The request's headers by lower-case name, straight from WSGI (PEP 3333: latin-1 texts)."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> bytes:
        return str(self._environ[_wsgi_name(name)]).encode("latin-1", "replace")

    def __contains__(self, name: object) -> bool:  # `Mapping`'s own raises and catches an exception
        return isinstance(name, str) and _wsgi_name(name) in self._environ

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401 — this is `get`

    def __iter__(self) -> Iterator[str]:
        if self._environ.get("CONTENT_TYPE"):
            yield "content-type"
        for key in self._environ:
            if key.startswith("HTTP_"):
                yield key[5:].lower().replace("_", "-")

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _details(judgement: Judgement, config: Settings) -> dict[str, Any]:
    """What the answer says beside its code; nothing of the token, and nothing of an unverified body."""
    if judgement.code == "OK":
        return {"token_configured": bool(config.tokens), "queue": config.queue_kind}
    from gateway.diagnosis import guide_section

    details: dict[str, Any] = {"guide": guide_section(_section(judgement), config.language)}
    if judgement.code == "NOT_FOUND":
        details["path"] = WEBHOOK_PATH
    if judgement.limit:
        details |= {"limit": judgement.limit.allowed, "came": judgement.limit.came}
    if judgement.code == "EVENT_INVALID":
        details["field"] = judgement.invalid
    if judgement.hint == "robot":
        details["hint"] = say("ROBOT_ANSWER", config.language)
    return details


def _section(judgement: Judgement) -> str | None:
    """The guide's section that the answer's code alone tells; all mismatches are answered alike."""
    return "ROBOT_WITHOUT_TOKEN" if judgement.hint == "robot" else SECTIONS.get(judgement.code)


def _answer(code: str, config: Settings, request_id: str, status: int, **details: Any) -> flask.Response:
    """A JSON answer, streamed: after a plain one functions-framework reads a refused body into memory."""
    said = {
        "status": "ok" if status < 400 else "error",
        "code": code,
        "message": _sentence(code, config.language),
        "request_id": request_id,
        **details,
    }
    body = _to_json(said).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if code == "METHOD_NOT_ALLOWED":
        headers.append(("Allow", ALLOWED[Incoming("", flask.request.path).route]))
    if code == "QUEUE_UNAVAILABLE":
        headers.append(("Retry-After", str(RETRY_AFTER)))
    return flask.Response(iter((body,)), status, headers)  # werkzeug sends no body after a HEAD


@cache
def _sentence(code: str, language: str) -> str:
    return say(f"ANSWER_{code}", language)


def _explain(judgement: Judgement, config: Settings, request_id: str) -> None:
    """One WARNING record a refusal: where the token was looked for, what was there, why, what to change."""
    from gateway.diagnosis import guide_section  # healthy requests do not pay for it
    from gateway.redaction import clean, top_level_keys

    secrets = config.secrets()
    causes = _causes(judgement, config)
    guide = guide_section(causes[0]["code"] if causes else _section(judgement), config.language)
    received = judgement.verdict.received
    fields = {
        "code": "METHOD_GET" if judgement.code == "OK" else judgement.code,
        "places": [
            {"place": seen.place, "state": seen.state, "length": seen.length, "fingerprint": seen.fingerprint}
            for seen in judgement.verdict.places
        ],
        "causes": causes,
        "guide": guide,
        **({"field": judgement.invalid} if judgement.invalid else {}),
        "method": clean(judgement.incoming.method, secrets),
        "path": clean(judgement.incoming.path, secrets),
        "content_type": clean(judgement.incoming.header("content-type"), secrets),
        "body_bytes": judgement.body_bytes,
        "decoded_as": judgement.payload.decoded_as,
        "top_level_keys": top_level_keys(judgement.payload.fields, secrets),
        "user_agent": clean(judgement.incoming.header("user-agent"), secrets),
        "request_id": request_id,
    }
    shown = None if received is None else received.fingerprint or f"<masked {received.length} ->"
    key = "TOKEN_REFUSED" if judgement.code.startswith("TOKEN_") else f"ANSWER_{fields['code']}"
    told = [say(key, config.language, received=shown)]
    if judgement.invalid:  # a line of text has no fields beside it
        told[0] += f": {judgement.invalid}"
    if causes:
        told.append(f"{causes[0]['says']} {causes[0]['do']}")
    elif judgement.hint == "robot":
        told.append(say("ROBOT_ANSWER", config.language))
    sentence = " — ".join([*told, say("EXPLAIN_GUIDE", config.language, section=guide)])
    labels = {"cause": causes[0]["code"]} if causes else {}  # what the alerts count refusals by
    log.warning(sentence, extra={"json_fields": fields, "labels": labels})


def _causes(judgement: Judgement, config: Settings) -> list[dict[str, str]]:
    """The refusal's causes; a defect of the diagnosis never changes the answer, nor prints a payload."""
    from gateway.diagnosis import diagnose

    try:
        return [cause.to_json() for cause in diagnose(judgement, config)[:MAX_CAUSES]]
    except Exception as error:  # noqa: BLE001 — the refusal stands whatever explaining it runs into
        log.error("the diagnosis failed: %s", type(error).__name__)
        return []


def _capture(judgement: Judgement, config: Settings, request_id: str) -> None:
    """Log what arrived, masked, while `WEBHOOK_CAPTURE_UNTIL` lasts; it never changes a verdict."""
    if config.capture_until is None or datetime.now(UTC) >= config.capture_until:
        return
    from gateway.receiver.capture import capture_record

    record = capture_record(judgement.incoming, judgement.body, config, judgement)
    if record is not None:
        fields = {**record, "code": "CAPTURE", "request_id": request_id}
        log.info(say("CAPTURED", config.language), extra={"json_fields": fields})
