"""What the environment says, checked once and frozen.

The environment stands above `.env`. A wrong value stops the start with one line
that names the setting and what it takes; the value is never printed, as it may
be a secret. Only `BITRIX24_OUTGOING_WEBHOOK_TOKEN` is never wrong: whatever it
holds, its oddities are told by the diagnosis.
"""

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from gateway.addresses import portal_name
from gateway.destinations import Destination, read_destinations, secrets_of
from gateway.errors import SettingError
from gateway.texts import say

WEBHOOK_PATH = "/api/bitrix/webhook"
SECRET_BYTES = 16  # shorter secrets are masked by key name alone: a token `123456` would eat ids

_HOST = re.compile(r"[a-z0-9.-]{1,253}(:[0-9]{1,5})?")
_LOOPBACK_URL = re.compile(r"http://(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(:[0-9]{1,5})?/?")
_EVERY = re.compile(r"([1-9][0-9]{0,5})([smh])")
_DATABASES = "sqlite:///PATH | postgresql://USER:PASSWORD@HOST/NAME | firestore://PROJECT/DATABASE"
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Settings:
    """Everything the gateway was told, as values. Secrets are kept out of `repr`."""

    outgoing_token: str | None = field(default=None, repr=False)  # as configured, for the diagnosis
    tokens: tuple[bytes, ...] = field(default=(), repr=False)  # all that are accepted, bound ones too
    bound_tokens: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)  # (portal, token)
    unbound_tokens: tuple[bytes, ...] = field(default=(), repr=False)
    webhook_url: str | None = None
    domain: str = ""
    rest_origin: str = ""  # scheme and host of the portal's REST; `http` for loopback hosts alone
    rest_webhook: str | None = field(default=None, repr=False)  # USER_ID/SECRET
    telegram_field: str = "UF_USR_TELEGRAM"
    queue_url: str = "sqlite:///var/queue.db"
    queue_max_attempts: int = 10
    database_url: str = field(default="sqlite:///var/links.db", repr=False)
    journal_url: str = "sqlite:///var/journal.db"
    destinations: tuple[Destination, ...] = ()  # of FORWARD_TO
    forward_secret: str | None = field(default=None, repr=False)
    links_api_token: str | None = field(default=None, repr=False)
    capture_until: datetime | None = None
    language: str = "ru"
    log_format: str = "text"
    host: str = "127.0.0.1"
    port: int = 8080
    inspector_password: str | None = field(default=None, repr=False)
    resync_every: int | None = None  # seconds
    on_railway: bool = False
    on_google_cloud: bool = False

    def tokens_of(self, portal: str) -> tuple[bytes, ...]:
        """The tokens that speak for `portal`: those bound to it, else those that are bound to none.

        Whoever holds an unbound token speaks for every portal that no other item names.
        """
        if not self.bound_tokens:
            return self.tokens
        bound = tuple(token for named, token in self.bound_tokens if named == portal)
        return bound or self.unbound_tokens

    @property
    def queue_kind(self) -> str:
        return "pubsub" if self.queue_url.startswith("pubsub://") else "local"

    @property
    def paste_url(self) -> str | None:
        """The address to paste into Bitrix24's webhook form, where it is known."""
        return self.webhook_url + WEBHOOK_PATH if self.webhook_url else None

    @property
    def rest_secret(self) -> str | None:
        return self.rest_webhook.partition("/")[2] if self.rest_webhook else None

    def secrets(self) -> tuple[str, ...]:
        """Configured secrets long enough to be searched for by value, longest first."""
        return self._secrets

    def short_secrets(self) -> tuple[str, ...]:
        """The settings with a secret too short to be searched for by value."""
        return tuple(dict.fromkeys(name for name, secret in self._told if secret and not _is_long(secret)))

    @cached_property
    def _told(self) -> tuple[tuple[str, str], ...]:
        """Each secret with its setting's name."""
        parts = urlsplit(self.database_url)
        password = parts.password or parse_qs(parts.query).get("password", [""])[0]
        tokens = (token.decode("utf-8", "surrogateescape") for token in self.tokens)
        return (
            *(("BITRIX24_OUTGOING_WEBHOOK_TOKEN", token) for token in tokens),
            ("BITRIX24_WEBHOOK_TOKEN", self.rest_secret or ""),
            ("INSPECTOR_PASSWORD", self.inspector_password or ""),
            ("FORWARD_SECRET", self.forward_secret or ""),
            ("LINKS_API_TOKEN", self.links_api_token or ""),
            *(("FORWARD_TO", secret) for one in self.destinations for secret in secrets_of(one.url)),
            ("DATABASE_URL", password),
            ("DATABASE_URL", unquote(password)),
        )

    @cached_property
    def _secrets(self) -> tuple[str, ...]:
        long_ones = {secret for _, secret in self._told if _is_long(secret)}
        return tuple(sorted(long_ones, key=lambda secret: (-len(secret), secret)))


def load(environ: Mapping[str, str] | None = None, dotenv: str | Path | None = ".env") -> Settings:
    """Read the settings from `environ` (default: the process's) above the file `dotenv`.

    Raises `SettingError` for the first setting whose value cannot be worked with.
    """
    given = os.environ if environ is None else environ
    told = given.get("LOG_LANGUAGE", "")
    try:
        values = _values(given, dotenv)
        text = {name: value.strip() for name, value in values.items() if value.strip()}
        told = text.get("LOG_LANGUAGE", "")
        return _read(values.get("BITRIX24_OUTGOING_WEBHOOK_TOKEN"), text)
    except _Wrong as wrong:
        error = SettingError(wrong.name, say(wrong.expected, _known_language(told), **wrong.values))
    raise error


def _is_long(secret: str) -> bool:
    return len(secret.encode("utf-8", "replace")) >= SECRET_BYTES


class _Wrong(Exception):
    """A setting that cannot be worked with; `expected` is a key of the catalogue."""

    def __init__(self, name: str, expected: str, **values: object) -> None:
        super().__init__(name)
        self.name = name
        self.expected = expected
        self.values = values


def _read(token: str | None, text: Mapping[str, str]) -> Settings:
    on_railway = any(name.startswith("RAILWAY_") for name in text)
    on_google_cloud = "K_SERVICE" in text or "FUNCTION_NAME" in text
    domain, origin = _portal(text.get("BITRIX24_DOMAIN", ""))
    return Settings(
        outgoing_token=token,
        tokens=tuple(dict.fromkeys(item[1] for item in accepted_tokens(token))),
        bound_tokens=tuple(item for item in accepted_tokens(token) if item[0]),
        unbound_tokens=tuple(value for portal, value in accepted_tokens(token) if not portal),
        webhook_url=_webhook_url(text),
        domain=domain,
        rest_origin=origin,
        rest_webhook=_matching(
            text,
            "BITRIX24_WEBHOOK_TOKEN",
            r"[0-9]+/[A-Za-z0-9]+",
            "EXPECTED_INCOMING",
        ),
        telegram_field=_matching(
            text,
            "BITRIX24_TELEGRAM_FIELD_NAME",
            r"[A-Za-z][A-Za-z0-9_]{0,99}",
            "EXPECTED_FIELD",
        )
        or "UF_USR_TELEGRAM",
        queue_url=_queue_url(text.get("QUEUE_URL", "sqlite:///var/queue.db")),
        queue_max_attempts=_whole(text, "QUEUE_MAX_ATTEMPTS", 10, 1, 1000),
        database_url=_database_url(text.get("DATABASE_URL", "sqlite:///var/links.db")),
        journal_url=_sqlite_url("JOURNAL_URL", text.get("JOURNAL_URL", "sqlite:///var/journal.db")),
        destinations=_destinations(text.get("FORWARD_TO", "")),
        forward_secret=_forward_secret(text),
        links_api_token=_matching(text, "LINKS_API_TOKEN", r"\S{16,}", "EXPECTED_API_TOKEN"),
        capture_until=_capture_until(text.get("WEBHOOK_CAPTURE_UNTIL")),
        language=_choice(text, "LOG_LANGUAGE", "ru", ("ru", "en")),
        log_format=_choice(text, "LOG_FORMAT", "json" if on_google_cloud else "text", ("json", "text")),
        host=text.get("HOST", "0.0.0.0" if on_railway else "127.0.0.1"),  # noqa: S104 — Railway routes to it
        port=_whole(text, "PORT", 8080, 0, 65535),
        inspector_password=text.get("INSPECTOR_PASSWORD"),
        resync_every=_every(text.get("RESYNC_EVERY")),
        on_railway=on_railway,
        on_google_cloud=on_google_cloud,
    )


def language() -> str:
    """`LOG_LANGUAGE` of the process, for a sentence that is told where no settings are at hand."""
    try:
        told = _values(os.environ, ".env").get("LOG_LANGUAGE", "")
    except _Wrong:
        told = os.environ.get("LOG_LANGUAGE", "")
    return _known_language(told)


def _known_language(told: str) -> str:
    return "en" if told.strip().lower() == "en" else "ru"


def accepted_tokens(setting: str | None) -> tuple[tuple[str, bytes], ...]:
    """(portal, token) of each item of a setting; the portal is "" where an item is bound to none.

    Items are separated by commas, trimmed, empty ones dropped. `PORTAL=TOKEN` binds a
    token: what stands before the first `=` is a host with a dot, or with a port.
    """
    items = []
    for part in (part.strip() for part in (setting or "").split(",")):
        before, equals, after = part.partition("=")
        host = equals and "/" not in before and ("." in before or ":" in before)
        portal = portal_name(before) if host else None
        token = after.strip() if portal else part
        if token:
            items.append((portal or "", token.encode("utf-8", "surrogateescape")))
    return tuple(dict.fromkeys(items))


def _values(environ: Mapping[str, str], dotenv: str | Path | None) -> dict[str, str]:
    values: dict[str, str] = {}
    if dotenv is not None and Path(dotenv).is_file():
        from dotenv import dotenv_values  # only where a file is: it costs a cold start nothing

        try:
            read = dotenv_values(dotenv, interpolate=False)
        except (OSError, UnicodeError):
            raise _Wrong(str(dotenv), "EXPECTED_UTF8") from None
        values = {name: value for name, value in read.items() if value is not None}
    return values | dict(environ)


def _matching(text: Mapping[str, str], name: str, pattern: str, expected: str) -> str | None:
    value = text.get(name)
    if value is not None and not re.fullmatch(pattern, value):
        raise _Wrong(name, expected)
    return value


def _whole(text: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    value = text.get(name)
    if value is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
        raise _Wrong(name, "EXPECTED_WHOLE", low=low, high=high)
    return int(value)


def _choice(text: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text.get(name, default).lower()
    if value not in allowed:
        raise _Wrong(name, "EXPECTED_ONE_OF", allowed=" | ".join(allowed))
    return value


def _portal(value: str) -> tuple[str, str]:
    """(domain, REST origin) of `BITRIX24_DOMAIN`; plain HTTP is for loopback hosts alone."""
    if not value:
        return "", ""
    lower = value.lower()
    if _LOOPBACK_URL.fullmatch(lower):
        origin = lower.rstrip("/")
        return origin.removeprefix("http://"), origin
    if not _HOST.fullmatch(lower) or "." not in lower:
        raise _Wrong("BITRIX24_DOMAIN", "EXPECTED_DOMAIN")
    return lower, f"https://{lower}"


def _webhook_url(text: Mapping[str, str]) -> str | None:
    value = text.get("WEBHOOK_URL")
    if value is None:
        railway = text.get("RAILWAY_PUBLIC_DOMAIN")
        return f"https://{railway}" if railway else None
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
        if not sound or parts.query or parts.fragment or parts.port == 0:
            raise _Wrong("WEBHOOK_URL", "EXPECTED_ADDRESS")
    except ValueError:
        raise _Wrong("WEBHOOK_URL", "EXPECTED_ADDRESS") from None
    return value.rstrip("/").removesuffix(WEBHOOK_PATH)


def _queue_url(value: str) -> str:
    if re.fullmatch(r"pubsub://[a-z][a-z0-9.:-]{0,60}/[A-Za-z][A-Za-z0-9._~+%-]{2,254}", value):
        return value
    if value.startswith("pubsub:"):
        raise _Wrong("QUEUE_URL", "EXPECTED_FORM", form="pubsub://PROJECT/TOPIC")
    return _sqlite_url("QUEUE_URL", value)


def _sqlite_url(name: str, value: str) -> str:
    if not re.fullmatch(r"sqlite:///[^?#]+", value) or value.endswith("/"):
        kinds = "sqlite:///PATH | pubsub://PROJECT/TOPIC" if name == "QUEUE_URL" else "sqlite:///PATH"
        raise _Wrong(name, "EXPECTED_FORM", form=kinds)
    return value


def _database_url(value: str) -> str:
    if value.startswith("postgres://"):  # what Railway and Heroku write
        value = "postgresql://" + value.removeprefix("postgres://")
    if value.startswith("sqlite:"):
        return _sqlite_url("DATABASE_URL", value)
    if re.fullmatch(r"firestore://[a-z][a-z0-9.:-]{0,60}/(\(default\)|[a-z][a-z0-9-]{0,62})", value):
        return value
    try:
        parts = urlsplit(value)
        if parts.scheme == "postgresql" and parts.path.strip("/") and parts.port != 0:
            return value
    except ValueError:
        pass
    raise _Wrong("DATABASE_URL", "EXPECTED_FORM", form=_DATABASES)


def _destinations(value: str) -> tuple[Destination, ...]:
    try:
        return read_destinations(value)
    except ValueError:
        raise _Wrong("FORWARD_TO", "EXPECTED_FORWARD_TO") from None


def _forward_secret(text: Mapping[str, str]) -> str | None:
    """`whsec_` and base64, as Standard Webhooks writes a secret."""
    value = text.get("FORWARD_SECRET")
    try:
        sound = value is None or (
            value.startswith("whsec_") and len(base64.b64decode(value[6:], validate=True)) >= 16
        )
    except ValueError:
        sound = False
    if not sound:
        raise _Wrong("FORWARD_SECRET", "EXPECTED_FORWARD_SECRET")
    return value


def _capture_until(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        until = datetime.fromisoformat(value)
    except ValueError:
        raise _Wrong("WEBHOOK_CAPTURE_UNTIL", "EXPECTED_TIME") from None
    if until.tzinfo is None or until > datetime.now(UTC) + timedelta(hours=1):
        raise _Wrong("WEBHOOK_CAPTURE_UNTIL", "EXPECTED_TIME")
    return until.astimezone(UTC)


def _every(value: str | None) -> int | None:
    if value is None:
        return None
    match = _EVERY.fullmatch(value)
    if match is None:
        raise _Wrong("RESYNC_EVERY", "EXPECTED_EVERY")
    return int(match[1]) * _SECONDS[match[2]]
