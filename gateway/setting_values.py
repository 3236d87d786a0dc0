"""Parses the settings' values. No parser puts a value into an error, because it may be a secret."""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.addresses import portal_name
from gateway.dotenv_file import FILTER_APART
from gateway.durations import duration
from gateway.errors import SettingError

if TYPE_CHECKING:
    from gateway.destinations import Destination

WEBHOOK_PATH = "/api/bitrix/webhook"
_QUOTES = "\"'`«»“”„‘’"
# Cyrillic letters that look like Latin ones, beside Latin letters or digits: `8О80`, `30м`, `рortal`. A word
# with other Cyrillic letters in it, such as `пароль1`, is meant to be Cyrillic.
_ALIKE = "асеорухкмАВЕКМНОРСТУХ"
MIXED_ALPHABETS = re.compile(
    rf"(?<=[A-Za-z0-9_])[{_ALIKE}]+(?![а-яёА-ЯЁ])|(?<![а-яёА-ЯЁ])[{_ALIKE}]+(?=[A-Za-z0-9_])"
)
_LOOPBACK = r"http://(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])(?::[0-9]{1,5})?"
_LOOPBACK_URL = re.compile(rf"{_LOOPBACK}/?")
_INCOMING_URL = re.compile(
    # A host may be a Cyrillic one.
    rf"({_LOOPBACK}|(?:https?://)?[\w.:-]{{1,260}})"
    r"/rest/([0-9]+)/([A-Za-z0-9]+)(?:/[\w.]*)?/?(?:\?.*)?",
    re.IGNORECASE,
)


def incoming_address(value: str) -> str:
    """The portal in an incoming webhook's whole address, as Bitrix24 shows it; "" for `USER_ID/SECRET`.

    `http://` is kept only in front of a loopback host: a portal is called by https.
    """
    match = _INCOMING_URL.fullmatch(value)
    if not match:
        return ""
    is_loopback = _LOOPBACK_URL.fullmatch(match[1].lower())
    return match[1] if is_loopback else match[1].rpartition("//")[2]


def incoming_webhook(value: str | None) -> str | None:
    """`USER_ID/SECRET`, given as such or in the webhook's whole address."""
    if value is None:
        return None
    match = _INCOMING_URL.fullmatch(value)
    webhook = f"{match[2]}/{match[3]}" if match else value.strip("/")
    if not re.fullmatch(r"[0-9]+/[A-Za-z0-9]+", webhook):
        raise SettingError("BITRIX24_WEBHOOK_TOKEN", "EXPECTED_INCOMING")
    return webhook


def whole_number(text: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number between `low` and `high`."""
    value = text.get(name)
    if value is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
        raise SettingError(name, "EXPECTED_WHOLE", low=low, high=high)
    return int(value)


def choice(text: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words, in lower case."""
    value = text.get(name, default).lower()
    if value not in allowed:
        raise SettingError(name, "EXPECTED_ONE_OF", allowed=" | ".join(allowed))
    return value


def portal(value: str) -> tuple[str, str]:
    """(domain, REST origin) of `BITRIX24_DOMAIN`; a scheme and slashes around it are allowed.

    Plain HTTP is for loopback hosts only.
    """
    if not value:
        return "", ""
    lower = value.lower()
    if _LOOPBACK_URL.fullmatch(lower):
        origin = lower.rstrip("/")
        domain = origin.removeprefix("http://")
    else:
        domain = portal_name(lower) or ""
        # REST is called over https: a port that was meant for http would never answer.
        is_http_port = lower.startswith("http://") and ":" in domain
        # Registries allow no name with letters of both alphabets; `1с.рф` has one letter and a digit.
        is_mixed = re.search(r"[a-z][а-яё]|[а-яё][a-z]", lower)
        if "." not in domain or is_http_port or is_mixed or re.search(r"\s", value.strip()):
            raise SettingError("BITRIX24_DOMAIN", "EXPECTED_DOMAIN")
        origin = f"https://{domain}"
    if not _is_port_possible(domain):
        raise SettingError("BITRIX24_DOMAIN", "EXPECTED_DOMAIN")
    return domain, origin


def _is_port_possible(domain: str) -> bool:
    """Whether a host's port, if it has one, is from 1 to 65535."""
    port = re.search(r":([0-9]+)\Z", domain)
    return port is None or 0 < int(port[1]) < 65536


def webhook_url(text: Mapping[str, str]) -> str | None:
    """The public address without the webhook's path, from `WEBHOOK_URL` or Railway's domain."""
    value = text.get("WEBHOOK_URL")
    if value is None:
        railway = text.get("RAILWAY_PUBLIC_DOMAIN")
        return f"https://{railway}" if railway else None
    try:
        parts = urlsplit(value)
        is_valid = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
        # `urlsplit` hides a line end, and a `?` with nothing behind it, but the address would keep them.
        if not is_valid or parts.port == 0 or re.search(r"[\s?#]", value):
            raise SettingError("WEBHOOK_URL", "EXPECTED_ADDRESS")
    except ValueError:
        raise SettingError("WEBHOOK_URL", "EXPECTED_ADDRESS") from None
    return value.rstrip("/").removesuffix(WEBHOOK_PATH)


def destinations(value: str) -> "tuple[Destination, ...]":
    """The destinations of `FORWARD_TO`."""
    if not value:
        return ()
    from gateway.destinations import read_destinations  # cold start

    try:
        return read_destinations(value)
    except ValueError:
        raise SettingError("FORWARD_TO", "EXPECTED_FORWARD_TO") from None


def forward_secret(text: Mapping[str, str]) -> str | None:
    """The secret as Standard Webhooks writes it: `whsec_` and base64."""
    value = text.get("FORWARD_SECRET")
    try:
        is_valid = value is None or (
            value.startswith("whsec_") and len(base64.b64decode(value[6:], validate=True)) >= 16
        )
    except ValueError:
        is_valid = False
    if not is_valid:
        raise SettingError("FORWARD_SECRET", "EXPECTED_FORWARD_SECRET")
    return value


def capture_until(value: str | None) -> datetime | None:
    """When a capture ends: a moment, or a duration from now; within an hour at most."""
    if value is None:
        return None
    if span := duration(value):
        if span > timedelta(hours=1):
            raise SettingError("WEBHOOK_CAPTURE_UNTIL", "EXPECTED_TIME")
        return datetime.now(UTC) + span
    try:
        until = datetime.fromisoformat(value)
    except ValueError:
        raise SettingError("WEBHOOK_CAPTURE_UNTIL", "EXPECTED_TIME") from None
    if until.tzinfo is None or until > datetime.now(UTC) + timedelta(hours=1):
        raise SettingError("WEBHOOK_CAPTURE_UNTIL", "EXPECTED_TIME")
    return until.astimezone(UTC)


def interval(value: str | None) -> int | None:
    """The seconds between rounds of polling, None for `off`; days are not allowed."""
    if value is None or value.lower() == "off":
        return None
    span = duration(value)
    if span is None or value.endswith("d"):
        raise SettingError("RESYNC_EVERY", "EXPECTED_EVERY")
    return round(span.total_seconds())


def copied_along(value: str) -> str:
    """The key of what got into a wrong value by mistake, or "".

    Docker's `--env-file` keeps quotes and comments.
    """
    if value[:1] in _QUOTES or value[-1:] in _QUOTES:
        return "VALUE_QUOTED" if value else ""
    if FILTER_APART.search(value):
        return "VALUE_FILTER_APART"
    if re.search(r"\s#|#\s", value):
        return "VALUE_COMMENTED"
    return "VALUE_CYRILLIC" if MIXED_ALPHABETS.search(value) else ""


def portals_without_token(setting: str | None) -> list[str]:
    """The portals of items `PORTAL=` in a setting, whose tokens were forgotten."""
    items = [part.strip().partition("=") for part in (setting or "").split(",")]
    names = [before for before, equals, after in items if equals and not after.strip()]
    return [name for name in map(portal_name, names) if name and ("." in name or ":" in name)]


def accepted_tokens(setting: str | None) -> tuple[tuple[str, bytes], ...]:
    """(portal, token) of each item of a setting; the portal is "" for an item that is not bound to one.

    Items are separated by commas and trimmed; empty ones are dropped. `PORTAL=TOKEN` binds
    a token if the text before the first `=` is a host with a dot or with a port. No event comes from
    a portal with an impossible port: such an item is not bound, and the diagnosis says what is odd about it.
    """
    items = []
    for part in (part.strip() for part in (setting or "").split(",")):
        before, equals, after = part.partition("=")
        host = equals and "/" not in before and ("." in before or ":" in before)
        portal = portal_name(before) if host else None
        token = after.strip() if portal else part
        if portal and token and not _is_port_possible(portal):
            portal, token = None, part
        if token:
            items.append((portal or "", token.encode("utf-8", "surrogateescape")))
    return tuple(dict.fromkeys(items))
