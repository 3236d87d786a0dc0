"""The event as it travels on the queue: validated, canonical, without secrets.

`event_id` is SHA-256 over what the event says, in canonical JSON: the same
delivery, sent again by anyone, as a form, JSON of texts or multipart, has the
same id. An event without a time also counts when it was received, so that a
value set back to what it was is not taken for a repetition.
"""

import json
import os
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Literal, NamedTuple

from gateway.errors import PoisonMessage

# or pydantic reads the metadata of all installed packages, to find none: 10 ms of a cold start
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

SECRET_KEYS = frozenset(
    (
        *("application_token", "access_token", "refresh_token", "client_secret", "client_id"),
        *("event_token", "token", "auth", "auth_id", "refresh_id"),
    )
)
_DOMAIN = re.compile(r"[a-z0-9.-]{1,253}(?::[0-9]{1,5})?")
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,13}\s*")
_TS_LIMIT = 10**12
_canonical = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False
).encode


class EventInvalid(Exception):
    """A verified request that is no event: `field` says where, `hint` is what it looks like instead."""

    def __init__(self, field: str, hint: str = "") -> None:
        super().__init__(field)
        self.field = field
        self.hint = hint


class Portal(BaseModel):
    """Where an event comes from; `domain` is the key of links, `member_id` travels along."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    domain: Annotated[str, Field(max_length=260)]
    member_id: str | None = None


class Message(BaseModel):
    """One event on the queue, schema 1. Unknown fields of later schemas of this number are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)
    schema_number: Annotated[Literal[1], Field(alias="schema")] = 1
    event_id: Annotated[str, Field(min_length=1, max_length=128)]
    event: Annotated[str, Field(min_length=1, max_length=100)]
    event_handler_id: str | None = None
    ts: Annotated[int, Field(ge=-_TS_LIMIT, le=_TS_LIMIT)] | None = None
    received_at: AwareDatetime
    source: Literal["webhook", "resync"]
    portal: Portal
    data: Any = None

    def to_bytes(self) -> bytes:
        """The message's data: JSON, UTF-8."""
        return self.__pydantic_serializer__.to_json(self, by_alias=True)

    def attributes(self, token_place: str) -> dict[str, str]:
        """The message's attributes, what subscriptions filter on."""
        return {
            "event": self.event,
            "event_id": self.event_id,
            "portal": self.portal.domain,
            "source": self.source,
            "token_place": token_place,
        }


_validated: Callable[[dict[str, Any]], Message] = Message.__pydantic_validator__.validate_python


def read_message(data: bytes | str) -> Message:
    """Read a message's data. Raises `PoisonMessage`, whose reason names the fields but no values."""
    try:
        return Message.model_validate_json(data)
    except ValidationError as error:
        wrong = sorted({".".join(map(str, e["loc"])) or "JSON" for e in error.errors(include_input=False)})
    raise PoisonMessage(f"not a message of schema 1: {', '.join(wrong)[:200]}")


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
        _ts(fields.get("ts")),
        _text(fields.get("event_handler_id")),
        _domain(auth.get("domain")) or default_domain,
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
    """`value` less the keys that name a secret, at every depth, and the texts that hold one of `secrets`."""
    return _without_texts(_without_keys(value), secrets)


def _without_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_keys(inner) if isinstance(inner, (dict, list)) else inner
            for key, inner in value.items()
            if key.lower() not in SECRET_KEYS
        }
    return [_without_keys(inner) for inner in value] if isinstance(value, list) else value


def _without_texts(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, dict):
        kept = ((key, inner) for key, inner in value.items() if not _holds(key, secrets))
        return {key: _without_texts(inner, secrets) for key, inner in kept if not _holds(inner, secrets)}
    if isinstance(value, list):
        return [_without_texts(inner, secrets) for inner in value if not _holds(inner, secrets)]
    return None if _holds(value, secrets) else value


def _holds(value: Any, secrets: Collection[str]) -> bool:
    return isinstance(value, str) and any(secret in value for secret in secrets)


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
    return _validated(
        {
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


def _text(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and len(value) <= 200 else None


def _ts(value: Any) -> int | None:
    if isinstance(value, str):
        value = int(value) if _WHOLE.fullmatch(value) else None
    return value if type(value) is int and -_TS_LIMIT <= value <= _TS_LIMIT else None


def _domain(value: Any) -> str:
    """The portal's domain in lower case; "" where the event names none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    domain = value.strip().lower() if isinstance(value, str) else ""
    if not _DOMAIN.fullmatch(domain):
        raise EventInvalid("auth.domain")
    return domain
