"""The event as it travels on the queue: validated, canonical, without secrets.

`event_id` is SHA-256 over what the event says, in canonical JSON: the same
delivery, sent again by anyone, as a form, JSON of texts or multipart, has the
same id. The id of an event without a time also covers when it was received, so that
a value that is changed back is not mistaken for a repetition.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from pydantic_core import SchemaSerializer, SchemaValidator, ValidationError

from gateway.addresses import is_vendor_server, portal_name
from gateway.errors import PoisonMessage
from gateway.event_schema import message_schema, read_ts
from gateway.redaction import is_secret_name, names_secret

_canonical = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False
).encode

_BLANKS = " \t\r\n\ufeff"
_JSON_BEGINS = tuple(_BLANKS + '{["')
_LIKE_JSON = re.compile(r"\{|\[\s*[\"'{\[0-9-]")


class EventInvalid(Exception):
    """A verified request is not an event: `field` is wrong, `hint` says what the request looks like."""

    def __init__(self, field: str, hint: str = "") -> None:
        super().__init__(field)
        self.field = field
        self.hint = hint


@dataclass(frozen=True)
class Portal:
    """Where an event comes from; links are keyed by `domain`, while `member_id` is only passed on."""

    domain: str
    member_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """One event on the queue. Received data becomes a `Message` only through `_validator`."""

    schema: int = 1
    event_id: str
    event: str
    event_handler_id: str | None = None
    ts: int | None = None
    received_at: datetime
    source: Literal["webhook", "resync"]
    portal: Portal
    data: Any = None

    def to_bytes(self) -> bytes:
        """The message's data: JSON, UTF-8."""
        return _serializer.to_json(self)

    def attributes(self, token_place: str) -> dict[str, str]:
        """The message's attributes, which subscriptions filter on."""
        return {
            "event": self.event,
            "event_id": self.event_id,
            "portal": self.portal.domain,
            "source": self.source,
            "token_place": token_place,
        }


_schema = message_schema(Message, Portal)
_validator = SchemaValidator(_schema)
_serializer = SchemaSerializer(_schema)


def read_message(data: bytes | str) -> Message:
    """Read a message's data. Raises `PoisonMessage`, which names the fields but no values."""
    try:
        message: Message = _validator.validate_json(data)
        return message
    except ValidationError as error:
        fields = sorted({".".join(map(str, e["loc"])) or "JSON" for e in error.errors(include_input=False)})
    raise PoisonMessage("REASON_SCHEMA", fields=", ".join(fields)[:200])


class _Contents(NamedTuple):
    """The contents of an event, in the order in which their canonical JSON makes its id."""

    event: str
    ts: int | None
    handler_id: str | None
    domain: str
    member_id: str | None
    data: Any


def webhook_message(
    fields: Any, received_at: datetime, secrets: Collection[str], default_domain: str
) -> Message:
    """The message of a verified request's decoded `fields`. Raises `EventInvalid`."""
    if not isinstance(fields, dict):
        raise EventInvalid("event")
    auth = fields.get("auth")
    auth = auth if isinstance(auth, dict) else {}
    event = fields.get("event")
    event = event.strip().upper() if isinstance(event, str) else ""
    if not 1 <= len(event) <= 100:
        raise EventInvalid("event", "robot" if "document_id" in fields and "event" not in fields else "")
    contents = _Contents(
        event,
        read_ts(fields.get("ts")),
        _text(fields.get("event_handler_id")),
        _portal(auth) or default_domain,
        _text(auth.get("member_id")),
        _without_keys(fields.get("data")),
    )
    text = _canonical(contents)
    if _may_hold_secret(contents, text, tuple(secrets)):
        contents = _without_secret_texts(contents, secrets)
        text = _canonical(contents)
    return _message(contents, text, received_at, "webhook")


def observed_message(domain: str, data: Mapping[str, Any], asked_at: datetime, now: datetime) -> Message:
    """The message of one user as polling saw it: `data` holds ID, ACTIVE and the Telegram field."""
    contents = _Contents("ONUSERUPDATE", int(asked_at.timestamp()), None, domain, None, dict(data))
    return _message(contents, _canonical(contents), now, "resync")


def without_secrets(value: Any, secrets: Collection[str]) -> Any:
    """`value` without keys that name a secret, at any depth, and values that hold one of `secrets`."""
    return _without_texts(_without_keys(value), secrets)


def _without_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_keys(inner) if isinstance(inner, (dict, list)) else _in_text(inner)
            for key, inner in value.items()
            if not is_secret_name(key)
        }
    return [_without_keys(inner) for inner in value] if isinstance(value, list) else _in_text(value)


def _in_text(value: Any) -> Any:
    """The text of JSON without the keys that name a secret; any other text as it is.

    A text that begins like an object or a list but is not JSON is dropped if it gives a secret's name a
    value, because nobody can say where that value ends. A chat message may begin with a tag:
    `[USER=5]Bot[/USER], authorize me`.
    """
    if not isinstance(value, str) or value[:1] not in _JSON_BEGINS or not names_secret(value):
        return value
    text = value.lstrip(_BLANKS)
    try:
        inner = json.loads(text)
    except (ValueError, RecursionError):
        return None if _gives_secret(text) else value
    cleaned = _without_keys(inner)
    return value if cleaned == inner else json.dumps(cleaned, ensure_ascii=False)


def _gives_secret(text: str) -> bool:
    """Whether a text that is not JSON looks like JSON that names a secret: `{"access_token": "…`."""
    if not _LIKE_JSON.match(text):
        return False
    return any(names_secret(before[-100:]) and is_secret_name(before) for before in re.split("[:=,]", text))


def _without_texts(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, dict):
        pairs = ((key, inner) for key, inner in value.items() if not _holds(key, secrets))
        return {key: _without_texts(inner, secrets) for key, inner in pairs if not _holds(inner, secrets)}
    if isinstance(value, list):
        return [_without_texts(inner, secrets) for inner in value if not _holds(inner, secrets)]
    return None if _holds(value, secrets) else value


def _holds(value: Any, secrets: Collection[str]) -> bool:
    # A secret of digits may come as a number.
    text = str(value) if isinstance(value, (str, int, float)) else ""
    return any(secret in text for secret in secrets)


def _may_hold_secret(contents: _Contents, text: str, secrets: tuple[str, ...]) -> bool:
    """Whether the event may hold a secret, by one search of its JSON instead of one per value."""
    for as_json, upper, lower in _needles(secrets):
        if as_json in text or upper in contents.event or lower in contents.domain:
            return True
    return False


@lru_cache(maxsize=8)
def _needles(secrets: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Each secret as it would appear in JSON, in an event's name and in a portal's domain."""
    return [(_canonical(secret)[1:-1], secret.upper(), secret.lower()) for secret in secrets]


def rfc3339(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC, with microseconds if there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _without_secret_texts(contents: _Contents, secrets: Collection[str]) -> _Contents:
    """The contents without texts that hold a secret; raises `EventInvalid` if name or portal holds one."""
    if _holds(contents.event, [secret.upper() for secret in secrets]):
        raise EventInvalid("event")
    if _holds(contents.domain, [secret.lower() for secret in secrets]):
        raise EventInvalid("auth.domain")
    event, ts, handler_id, domain, member_id, data = contents
    handler_id, member_id = _without_texts(handler_id, secrets), _without_texts(member_id, secrets)
    return _Contents(event, ts, handler_id, domain, member_id, _without_texts(data, secrets))


def _message(
    contents: _Contents, text: str, received_at: datetime, source: Literal["webhook", "resync"]
) -> Message:
    if contents.ts is None:
        text = f'{text[:-1]},"{rfc3339(received_at)}"]'
    message: Message = _validator.validate_python(
        {
            "schema": 1,
            "event_id": sha256(text.encode()).hexdigest(),
            "event": contents.event,
            "event_handler_id": contents.handler_id,
            "ts": contents.ts,
            "received_at": received_at,
            "source": source,
            "portal": {"domain": contents.domain, "member_id": contents.member_id},
            "data": contents.data,
        }
    )
    return message


def _text(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and len(value) <= 200 else None


def event_portal(fields: Any) -> str:
    """The portal that an event names, whether or not its token is right; "" where it names none."""
    auth = fields.get("auth") if isinstance(fields, dict) else None
    try:
        return _portal(auth) if isinstance(auth, dict) else ""
    except EventInvalid:
        return ""


def _portal(auth: Mapping[str, Any]) -> str:
    """`auth.domain` or, if that is one of the vendor's own servers, the host of `auth.client_endpoint`.

    https://apidocs.bitrix24.ru/api-reference/common/events/on-app-user-ready.html
    """
    domain = _domain(auth.get("domain"))
    if is_vendor_server(domain):
        endpoint = auth.get("client_endpoint")
        domain = (portal_name(endpoint) or "") if isinstance(endpoint, str) else ""
    return domain


def _domain(value: Any) -> str:
    """The portal's domain in lower case; "" where the event names none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    domain = portal_name(value) if isinstance(value, str) else None
    if domain is None:
        raise EventInvalid("auth.domain")
    return domain
