"""The event as it travels on the queue: validated, canonical, without secrets.

`event_id` is SHA-256 over what the event says, in canonical JSON: the same
delivery, sent again by anyone, as a form, JSON of texts or multipart, has the
same id. An event without a time also counts when it was received, so that a
value set back to what it was is not taken for a repetition.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import core_schema

from gateway.addresses import is_vendors, portal_name
from gateway.errors import PoisonMessage
from gateway.event_schema import message_schema, read_ts
from gateway.redaction import is_secret_name, names_secret

_canonical = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False
).encode


class EventInvalid(Exception):
    """A verified request that is no event: `field` says where, `hint` is what it looks like instead."""

    def __init__(self, field: str, hint: str = "") -> None:
        super().__init__(field)
        self.field = field
        self.hint = hint


@dataclass(frozen=True)
class Portal:
    """Where an event comes from; `domain` is the key of links, `member_id` travels along."""

    domain: str
    member_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """One event on the queue. Made from what somebody sent by `_MESSAGE` alone: that validates it."""

    schema: int = 1
    event_id: str
    event: str
    event_handler_id: str | None = None
    ts: int | None = None
    received_at: datetime
    source: Literal["webhook", "resync"]
    portal: Portal
    data: Any = None

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> core_schema.CoreSchema:
        return message_schema(cls, Portal)

    def to_bytes(self) -> bytes:
        """The message's data: JSON, UTF-8."""
        return _MESSAGE.serializer.to_json(self)

    def attributes(self, token_place: str) -> dict[str, str]:
        """The message's attributes, what subscriptions filter on."""
        return {
            "event": self.event,
            "event_id": self.event_id,
            "portal": self.portal.domain,
            "source": self.source,
            "token_place": token_place,
        }


_MESSAGE = TypeAdapter(Message)


def read_message(data: bytes | str) -> Message:
    """Read a message's data. Raises `PoisonMessage`, which names the fields but no values."""
    try:
        message: Message = _MESSAGE.validator.validate_json(data)
        return message
    except ValidationError as error:
        wrong = sorted({".".join(map(str, e["loc"])) or "JSON" for e in error.errors(include_input=False)})
    raise PoisonMessage("REASON_SCHEMA", fields=", ".join(wrong)[:200])


class _Said(NamedTuple):
    """What an event says: in this order, as canonical JSON, it is the event's identity."""

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
    said = _Said(
        event,
        read_ts(fields.get("ts")),
        _text(fields.get("event_handler_id")),
        _portal(auth) or default_domain,
        _text(auth.get("member_id")),
        _without_keys(fields.get("data")),
    )
    text = _canonical(said)
    if _may_hold(said, text, tuple(secrets)):
        said = _less_secrets(said, secrets)
        text = _canonical(said)
    return _message(said, text, received_at, "webhook")


def observed_message(domain: str, data: Mapping[str, Any], asked_at: datetime, now: datetime) -> Message:
    """The message of one user as polling saw it: `data` holds ID, ACTIVE and the Telegram field."""
    said = _Said("ONUSERUPDATE", int(asked_at.timestamp()), None, domain, None, dict(data))
    return _message(said, _canonical(said), now, "resync")


def without_secrets(value: Any, secrets: Collection[str]) -> Any:
    """`value` less the keys that name a secret, at every depth, and the values that hold one of `secrets`."""
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
    """The text of a JSON object or list, without the keys that name a secret; anything else as it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "[") or not names_secret(value):
        return value
    try:
        inner = json.loads(value)
    except (ValueError, RecursionError):
        return None  # it names a secret, and nobody can say where that ends
    cleaned = _without_keys(inner)
    return value if cleaned == inner else json.dumps(cleaned, ensure_ascii=False)


def _without_texts(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, dict):
        kept = ((key, inner) for key, inner in value.items() if not _holds(key, secrets))
        return {key: _without_texts(inner, secrets) for key, inner in kept if not _holds(inner, secrets)}
    if isinstance(value, list):
        return [_without_texts(inner, secrets) for inner in value if not _holds(inner, secrets)]
    return None if _holds(value, secrets) else value


def _holds(value: Any, secrets: Collection[str]) -> bool:
    text = (
        str(value) if isinstance(value, (str, int, float)) else ""
    )  # a secret of digits may come as a number
    return any(secret in text for secret in secrets)


def _may_hold(said: _Said, text: str, secrets: tuple[str, ...]) -> bool:
    """Whether a secret can stand in this event: one look at its JSON instead of one at each value."""
    for as_json, upper, lower in _needles(secrets):
        if as_json in text or upper in said.event or lower in said.domain:
            return True
    return False


@lru_cache(maxsize=8)
def _needles(secrets: tuple[str, ...]) -> list[tuple[str, str, str]]:
    """Each secret as it would stand in JSON, in an event's name and in a portal's domain."""
    return [(_canonical(secret)[1:-1], secret.upper(), secret.lower()) for secret in secrets]


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC, with microseconds where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _less_secrets(said: _Said, secrets: Collection[str]) -> _Said:
    """The same without the texts that hold a secret; a name or a portal that holds one is none."""
    if _holds(said.event, [secret.upper() for secret in secrets]):
        raise EventInvalid("event")
    if _holds(said.domain, [secret.lower() for secret in secrets]):
        raise EventInvalid("auth.domain")
    event, ts, handler_id, domain, member_id, data = said
    handler_id, member_id = _without_texts(handler_id, secrets), _without_texts(member_id, secrets)
    return _Said(event, ts, handler_id, domain, member_id, _without_texts(data, secrets))


def _message(said: _Said, text: str, received_at: datetime, source: Literal["webhook", "resync"]) -> Message:
    if said.ts is None:
        text = f'{text[:-1]},"{rfc3339(received_at)}"]'
    message: Message = _MESSAGE.validator.validate_python(
        {
            "schema": 1,
            "event_id": sha256(text.encode()).hexdigest(),
            "event": said.event,
            "event_handler_id": said.handler_id,
            "ts": said.ts,
            "received_at": received_at,
            "source": source,
            "portal": {"domain": said.domain, "member_id": said.member_id},
            "data": said.data,
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
    """`auth.domain`; where that is a server of the vendor's own, the host of `auth.client_endpoint`.

    https://apidocs.bitrix24.ru/api-reference/common/events/on-app-user-ready.html
    """
    domain = _domain(auth.get("domain"))
    if is_vendors(domain):
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
