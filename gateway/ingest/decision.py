"""From a request as it was read to the answer's code: one ordered walk, for the function and for `explain`.

The order is the contract's: path, method, query, size, configuration, complexity,
token, event. Nothing is parsed before it is bounded, and nothing of the body is
told to whoever fails verification.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from gateway.events import EventInvalid, Message, webhook_message
from gateway.ingest.decode import Payload, TooComplex, decode, decode_query, repeated_places
from gateway.ingest.incoming import ALLOWED, MAX_BODY, MAX_QUERY, Incoming
from gateway.settings import Settings
from verify import Verdict, verify

STATUS = {
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "QUERY_TOO_LONG": 414,
    "BODY_TOO_LARGE": 413,
    "TOKEN_NOT_CONFIGURED": 503,
    "BODY_TOO_COMPLEX": 400,
    "TOKEN_NOT_FOUND": 401,
    "TOKEN_MISMATCH": 403,
    "EVENT_INVALID": 400,
    "QUEUE_UNAVAILABLE": 503,
    "EVENT_QUEUED": 200,
    "OK": 200,
}


UNREAD = Payload({}, "unread")


class Limit(NamedTuple):
    """A limit that was passed: `query`, `body`, `parameters` or `levels`; what is allowed, what came."""

    name: str
    allowed: int
    came: int


@dataclass(slots=True)
class Judgement:
    """What is answered, and everything the diagnosis and the log need to say why.

    `payload` is `UNREAD` where the walk stopped before the body. `message` is set
    where the event may be published (`EVENT_QUEUED` then stands for "would pass").
    `invalid` names the field where a verified request is no event, `hint` what it
    looks like instead (`robot`).
    """

    code: str
    verdict: Verdict
    incoming: Incoming
    payload: Payload = field(default=UNREAD, repr=False)
    body: bytes = field(default=b"", repr=False)
    body_bytes: int = 0
    message: Message | None = field(default=None, repr=False)
    invalid: str | None = None
    hint: str = ""
    limit: Limit | None = None

    @property
    def status(self) -> int:
        return STATUS[self.code]

    @property
    def refused(self) -> bool:
        """Whether an operator should read why: anything but a passed event and a healthy GET."""
        vendor_get = self.code == "OK" and self.incoming.from_bitrix24
        return vendor_get or self.code not in ("OK", "EVENT_QUEUED")


def judge(incoming: Incoming, settings: Settings, received_at: datetime) -> Judgement:
    """Walk the contract's order and stop at the first row that applies."""
    allowed = ALLOWED.get(incoming.route)
    if allowed is None:
        return _unread("NOT_FOUND", incoming, settings)
    if incoming.method not in allowed.split(", "):
        return _unread("METHOD_NOT_ALLOWED", incoming, settings)
    if len(incoming.query) > MAX_QUERY:
        return _unread("QUERY_TOO_LONG", incoming, settings, Limit("query", MAX_QUERY, len(incoming.query)))
    if incoming.method != "POST":
        return _unread("OK", incoming, settings)
    body, came = _bounded_body(incoming)
    if came > MAX_BODY:
        return _unread("BODY_TOO_LARGE", incoming, settings, Limit("body", MAX_BODY, came))
    return _judge_body(incoming, body, settings, received_at)


def _judge_body(incoming: Incoming, body: bytes, settings: Settings, received_at: datetime) -> Judgement:
    query, token_repeated = decode_query(incoming.query)
    try:
        payload = decode(body, incoming.header("content-type"), incoming.header("content-encoding"))
    except TooComplex as over:
        limit = Limit(over.limit, over.allowed, over.came)
        code = "BODY_TOO_COMPLEX" if settings.tokens else "TOKEN_NOT_CONFIGURED"
        return _unread(code, incoming, settings, limit, body)
    repeated = repeated_places(payload, token_repeated)
    verdict = verify(incoming.headers, query, payload.fields, settings.tokens, repeated)
    code, message, wrong = _outcome(verdict, payload, settings, received_at)
    return Judgement(
        code,
        verdict,
        incoming,
        payload,
        body,
        len(body),
        message,
        invalid=wrong.field if wrong else None,
        hint=wrong.hint if wrong else "",
    )


def _outcome(
    verdict: Verdict, payload: Payload, settings: Settings, received_at: datetime
) -> tuple[str, Message | None, EventInvalid | None]:
    if not settings.tokens:
        return "TOKEN_NOT_CONFIGURED", None, None
    if not verdict.verified:
        return "TOKEN_NOT_FOUND" if verdict.received is None else "TOKEN_MISMATCH", None, None
    try:
        if payload.decoded_as in ("compressed", "unreadable"):
            raise EventInvalid("body")
        message = webhook_message(payload.fields, received_at, settings.secrets(), settings.domain)
    except EventInvalid as invalid:
        return "EVENT_INVALID", None, invalid
    return "EVENT_QUEUED", message, None


def _bounded_body(incoming: Incoming) -> tuple[bytes, int]:
    """The body and its length; a body over the limit is not read further than it."""
    declared = incoming.declared_length
    if declared is not None and declared > MAX_BODY:
        return b"", declared
    body = incoming.read(MAX_BODY + 1)
    return body, len(body)


def _unread(
    code: str, incoming: Incoming, settings: Settings, limit: Limit | None = None, body: bytes = b""
) -> Judgement:
    """A request refused before its body was decoded: the trace covers the headers and a bounded query."""
    query, repeated = decode_query(incoming.query) if len(incoming.query) <= MAX_QUERY else ({}, False)
    verdict = verify(incoming.headers, query, {}, settings.tokens, repeated_places(UNREAD, repeated))
    came = len(body) or incoming.declared_length or (limit.came if limit and limit.name == "body" else 0)
    return Judgement(code, verdict, incoming, body=body, body_bytes=came, limit=limit)
