"""The event as it travels on the queue: validated, canonical, without secrets.

`event_id` is SHA-256 over what the event says, in canonical JSON: the same
delivery, sent again by anyone, as a form, JSON of texts or multipart, has the
same id. An event without a time also counts when it was received, so that a
value set back to what it was is not taken for a repetition.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import PoisonMessage

SECRET_KEYS = frozenset(
    (
        *("application_token", "access_token", "refresh_token", "client_secret", "client_id"),
        *("event_token", "token", "auth", "auth_id", "refresh_id"),
    )
)
_DOMAIN = re.compile(r"[a-z0-9.-]{1,253}(?::[0-9]{1,5})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,13}")
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


def read_message(data: bytes | str) -> Message:
    """Read a message's data. Raises `PoisonMessage`, whose reason names the fields but no values."""
    try:
        return Message.model_validate_json(data)
    except ValidationError as error:
        wrong = sorted({".".join(map(str, e["loc"])) or "JSON" for e in error.errors(include_input=False)})
    raise PoisonMessage(f"not a message of schema 1: {', '.join(wrong)[:200]}")


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
    if not 1 <= len(event) <= 100 or _holds_secret(event, [secret.upper() for secret in secrets]):
        raise EventInvalid("event", "robot" if "document_id" in fields and "event" not in fields else "")
    domain = _domain(auth.get("domain"), secrets)
    portal = Portal(domain=domain or default_domain, member_id=_text(auth.get("member_id"), secrets))
    return _message(
        event=event,
        handler_id=_text(fields.get("event_handler_id"), secrets),
        ts=_ts(fields.get("ts")),
        received_at=received_at,
        source="webhook",
        portal=portal,
        data=without_secrets(fields.get("data"), secrets),
    )


def observed_message(domain: str, data: Mapping[str, Any], asked_at: datetime, now: datetime) -> Message:
    """The message of one user as polling saw it: `data` holds ID, ACTIVE and the Telegram field."""
    return _message(
        event="ONUSERUPDATE",
        handler_id=None,
        ts=int(asked_at.timestamp()),
        received_at=now,
        source="resync",
        portal=Portal(domain=domain),
        data=dict(data),
    )


def without_secrets(value: Any, secrets: Collection[str]) -> Any:
    """`value` less the keys that name a secret, at every depth, and the texts that hold one of `secrets`."""
    return _without(value, _finder(tuple(secrets)))


def _without(value: Any, held: Callable[[str], object]) -> Any:
    if isinstance(value, dict):
        return {
            key: _without(inner, held) if isinstance(inner, dict | list) else inner
            for key, inner in value.items()
            if key.lower() not in SECRET_KEYS
            and not held(key)
            and not (isinstance(inner, str) and held(inner))
        }
    if isinstance(value, list):
        return [_without(inner, held) for inner in value if not (isinstance(inner, str) and held(inner))]
    return None if isinstance(value, str) and held(value) else value


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC, with microseconds where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _message(
    *,
    event: str,
    handler_id: str | None,
    ts: int | None,
    received_at: datetime,
    source: Literal["webhook", "resync"],
    portal: Portal,
    data: Any,
) -> Message:
    said = [event, ts, handler_id, portal.domain, portal.member_id, data]
    if ts is None:
        said.append(rfc3339(received_at))
    return Message(
        event_id=sha256(_canonical(said).encode()).hexdigest(),
        event=event,
        event_handler_id=handler_id,
        ts=ts,
        received_at=received_at,
        source=source,
        portal=portal,
        data=data,
    )


def _holds_secret(text: str, secrets: Collection[str]) -> bool:
    return bool(_finder(tuple(secrets))(text))


@lru_cache(maxsize=8)
def _finder(secrets: tuple[str, ...]) -> Callable[[str], object]:
    """Whether a text holds one of `secrets`, as one search for all of them."""
    return re.compile("|".join(map(re.escape, secrets)) or "(?!)").search


def _text(value: Any, secrets: Collection[str]) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value[:200] if isinstance(value, str) and not _holds_secret(value, secrets) else None


def _ts(value: Any) -> int | None:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    return value if type(value) is int and -_TS_LIMIT <= value <= _TS_LIMIT else None


def _domain(value: Any, secrets: Collection[str]) -> str:
    """The portal's domain in lower case; "" where the event names none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return ""
    domain = value.strip().lower() if isinstance(value, str) else ""
    if not _DOMAIN.fullmatch(domain) or _holds_secret(domain, [secret.lower() for secret in secrets]):
        raise EventInvalid("auth.domain")
    return domain
