"""Decides which code a request is answered: one ordered walk, for the function and for `explain`.

The order is the contract's: path, method, query, size, configuration, complexity,
token, event. Nothing is parsed before it is bounded, and a sender who fails
verification learns nothing about the body.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from gateway.events import EventInvalid, Message, event_portal, webhook_message
from gateway.ingest.decode import Payload, decode, decode_query, repeated_places
from gateway.ingest.hollow import hollow, is_of_event
from gateway.ingest.incoming import ALLOWED, MAX_BODY, MAX_QUERY, BodyBroken, Incoming
from gateway.ingest.limits import TooComplex
from gateway.settings import Settings
from verify import Verdict, verify

STATUS = {
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "QUERY_TOO_LONG": 414,
    "BODY_TOO_LARGE": 413,
    "BODY_INCOMPLETE": 408,
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
EMPTY_VERDICT = verify({}, {}, {}, ())
FORM = "application/x-www-form-urlencoded"


class Limit(NamedTuple):
    """A limit that was exceeded: its name, how much it allows, and how much came.

    `name` is `query`, `body`, `parameters`, `query_parameters` or `levels`.
    """

    name: str
    allowed: int
    received: int


@dataclass(slots=True)
class Judgement:
    """The decision on a request, with everything that the diagnosis and the log need to say why.

    `payload` is `UNREAD` where the walk stopped before the body. `message` is set
    where the event may be published (`EVENT_QUEUED` then means "would pass").
    `invalid` names the field where a verified request is not an event, `hint` what it
    looks like instead (`robot`, `hollow`). `event_in` says where a GET carries an event:
    `query` or `body`. `null_fields`: the users whose Telegram field came as a JSON null (0 for one
    without an id), each with that field.
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
    event_in: str = ""
    null_fields: tuple[tuple[int, str], ...] = ()
    # The diagnosis keeps its result here, so that it is made only once.
    diagnosed: Any = field(default=None, repr=False, compare=False)

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return STATUS[self.code]

    @property
    def refused(self) -> bool:
        """Whether an operator should read why: true of anything but a passed event and a healthy GET."""
        vendor_get = self.code == "OK" and self.incoming.from_bitrix24
        return vendor_get or self.code not in ("OK", "EVENT_QUEUED")

    @property
    def is_odd(self) -> bool:
        """Whether a passed event lost something on the way; dropped line ends after the form are no loss."""
        return bool(self.null_fields) or any(note.kind != "line_end" for note in self.payload.notes)


def judge(incoming: Incoming, settings: Settings, received_at: datetime) -> Judgement:
    """Walk the contract's order and stop at the first row that applies."""
    allowed = ALLOWED.get(incoming.route)
    if allowed is None:
        return _unread("NOT_FOUND", incoming, settings)
    if incoming.method not in allowed.split(", "):
        return _judge_method(incoming, settings)
    if len(incoming.query) > MAX_QUERY:
        return _unread("QUERY_TOO_LONG", incoming, settings, Limit("query", MAX_QUERY, len(incoming.query)))
    if incoming.method != "POST":
        return _judge_event_by_get(incoming, settings) or _unread("OK", incoming, settings)
    body, length = _bounded_body(incoming)
    if length > MAX_BODY:
        return _unread("BODY_TOO_LARGE", incoming, settings, Limit("body", MAX_BODY, length))
    return _judge_body(incoming, body, settings, received_at)


def _judge_method(incoming: Incoming, settings: Settings) -> Judgement:
    """Judge a method that is not allowed here; of a POST, which is to a wrong path, the body is not read."""
    if incoming.method == "POST":
        return _unread("METHOD_NOT_ALLOWED", incoming, settings)
    return _judge_other_method(incoming, settings)


def _judge_event_by_get(incoming: Incoming, settings: Settings) -> Judgement | None:
    """Judge a GET or HEAD that carries an event, which is never answered "ok"; None if it carries none."""
    if b"event" not in incoming.query and not incoming.declared_length:
        return None
    judgement = _judge_other_method(incoming, settings)
    return judgement if judgement.event_in else None


def _judge_other_method(incoming: Incoming, settings: Settings) -> Judgement:
    """Refuse another method than POST, and look whether it carries an event, in its query or its body."""
    if b"event" in incoming.query and _is_event(_query(incoming)[0]):
        judgement = _unread("METHOD_NOT_ALLOWED", incoming, settings)
        judgement.event_in = "query"
        return judgement
    if not incoming.declared_length:
        return _unread("METHOD_NOT_ALLOWED", incoming, settings)
    body, length = _bounded_body(incoming)
    judgement = _unread("METHOD_NOT_ALLOWED", incoming, settings, body=body)
    try:
        judgement.payload = decode(body, incoming.header("content-type") or FORM)
    except TooComplex:
        judgement.payload = UNREAD
    if length <= MAX_BODY and _is_event(judgement.payload.fields):
        judgement.event_in = "body"
    return judgement


def _is_event(fields: Any) -> bool:
    """`event` beside names of `data` or `auth`, nested or flat."""
    if not isinstance(fields, dict) or "event" not in fields:
        return False
    return any(is_of_event(str(name)) for name in fields)


def _judge_body(incoming: Incoming, body: bytes, settings: Settings, received_at: datetime) -> Judgement:
    incomplete = incoming.cut or (incoming.declared_length or 0) > len(body)
    try:
        query, token_repeated = decode_query(incoming.query)
        payload = decode(body, incoming.header("content-type"), incoming.header("content-encoding"))
    except TooComplex as error:
        limit = Limit(error.limit, error.allowed, error.received)
        code = "BODY_INCOMPLETE" if incomplete else "BODY_TOO_COMPLEX"
        return _unread(code if settings.tokens else "TOKEN_NOT_CONFIGURED", incoming, settings, limit, body)
    repeated = repeated_places(payload, token_repeated)
    portal = event_portal(payload.fields)
    verdict = verify(
        incoming.headers,
        query,
        payload.fields,
        settings.tokens_of(portal),
        repeated,
    )
    if incomplete and settings.tokens:
        return Judgement("BODY_INCOMPLETE", verdict, incoming, payload, body, len(body))
    code, message, invalid = _judge_event(verdict, payload, settings, received_at)
    if message is not None and not portal and settings.bound_tokens:
        message = _with_portal_of_token(message, incoming, query, payload, settings, repeated)
    return Judgement(
        code,
        verdict,
        incoming,
        payload,
        body,
        len(body),
        message,
        invalid=invalid.field if invalid else None,
        hint=invalid.hint if invalid else "",
        null_fields=_null_fields(message, payload, settings) if message else (),
    )


def _with_portal_of_token(
    message: Message, incoming: Incoming, query: Any, payload: Payload, settings: Settings, repeated: Any
) -> Message:
    """The message of an event that names no portal, with the portal that its token is bound to, if any."""
    for portal, token in settings.bound_tokens:
        if verify(incoming.headers, query, payload.fields, (token,), repeated).verified:
            return webhook_message(payload.fields, message.received_at, settings.secrets(), portal)
    return message


def _null_fields(message: Message, payload: Payload, settings: Settings) -> tuple[tuple[int, str], ...]:
    """The users whose Telegram field came as a JSON null: a value that a relay lost, so it unlinks nobody."""
    if message.event not in ("ONUSERADD", "ONUSERUPDATE") or "JSON" not in payload.decoded_as.upper():
        return ()
    from gateway.links import user_record  # cold start

    fields = user_record.telegram_fields(settings.telegram_field)
    nulls = []
    for record in user_record.records(message.data):
        present = next((name for name in fields if name in record), None)
        if present is not None and record[present] is None:
            nulls.append((user_record.user_id(record) or 0, present))
    return tuple(nulls)


def _judge_event(
    verdict: Verdict, payload: Payload, settings: Settings, received_at: datetime
) -> tuple[str, Message | None, EventInvalid | None]:
    """The code; with it the message of a verified event, or what is wrong with a verified request."""
    if not settings.tokens:
        return "TOKEN_NOT_CONFIGURED", None, None
    if not verdict.verified:
        return "TOKEN_NOT_FOUND" if verdict.received is None else "TOKEN_MISMATCH", None, None
    try:
        if payload.decoded_as in ("compressed", "unreadable"):
            raise EventInvalid("body")
        if payload.decoded_as != "empty" and hollow(payload.fields) is not None:
            raise EventInvalid("data", "hollow")
        message = webhook_message(payload.fields, received_at, settings.secrets(), settings.domain)
    except EventInvalid as invalid:
        # Its traceback would hold the request until the garbage collector comes.
        return "EVENT_INVALID", None, invalid.with_traceback(None)
    return "EVENT_QUEUED", message, None


def _bounded_body(incoming: Incoming) -> tuple[bytes, int]:
    """The body and its length; a body over the limit is read only as far as the limit."""
    declared = incoming.declared_length
    if declared is not None and declared > MAX_BODY:
        return b"", declared
    try:
        body = incoming.read(MAX_BODY + 1)
    except BodyBroken as broken_off:
        incoming.cut, body = True, broken_off.received
    return body, len(body)


def _unread(
    code: str, incoming: Incoming, settings: Settings, limit: Limit | None = None, body: bytes = b""
) -> Judgement:
    """The judgement of a request whose body is not decoded: its trace covers the headers and the query."""
    if code == "OK" and not incoming.from_bitrix24:
        return Judgement(code, EMPTY_VERDICT, incoming)
    query, repeated = _query(incoming)
    verdict = verify(incoming.headers, query, {}, settings.tokens, repeated_places(UNREAD, repeated))
    body_bytes = (
        len(body) or incoming.declared_length or (limit.received if limit and limit.name == "body" else 0)
    )
    return Judgement(code, verdict, incoming, body=body, body_bytes=body_bytes, limit=limit)


def _query(incoming: Incoming) -> tuple[dict[str, Any], bool]:
    """The query's parameters; empty if the query is over a limit."""
    try:
        return decode_query(incoming.query) if len(incoming.query) <= MAX_QUERY else ({}, False)
    except TooComplex:
        return {}, False
