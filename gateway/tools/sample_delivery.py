"""Makes a delivery like Bitrix24's for tools that post one: its contents, the token's place, the address."""

import ipaddress
import secrets
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from gateway.redaction import clean
from gateway.setting_values import WEBHOOK_PATH
from gateway.settings import Settings

AGENT = "Bitrix24 Webhook Engine"
# The place where Bitrix24 itself puts the token.
VENDORS_PLACE = "body:auth.application_token"

# What the vendor's events carry, by the beginning of their names; the first match counts.
_DATA: list[tuple[str, Any]] = [
    # Without a Telegram account or `ACTIVE`: the store of links must keep nothing of a test. The portal may
    # have a user 12, whom the event would link to somebody else's account or call active after a dismissal.
    ("ONUSERUPDATE", {"ID": "12"}),
    ("ONUSER", {"ID": "12", "EMAIL": "ivan@example.com", "NAME": "Иван", "LAST_NAME": "Петров"}),
    (
        "ONTASKCOMMENT",
        {"FIELDS_BEFORE": "undefined", "FIELDS_AFTER": {"ID": "0", "TASK_ID": "7", "MESSAGE_ID": "31"}},
    ),
    ("ONTASK", {"FIELDS_BEFORE": {"ID": "7"}, "FIELDS_AFTER": {"ID": "7"}, "IS_ACCESSIBLE_BEFORE": "Y"}),
    ("ON", {"FIELDS": {"ID": "7405"}}),
]


def data_of(event: str) -> Any:
    """The `data` that the vendor's event of this name carries."""
    return next((data for start, data in _DATA if event.upper().startswith(start)), {"FIELDS": {"ID": "1"}})


def own_token(settings: Settings) -> tuple[str, str]:
    """An accepted token, "" if there is none, and a portal for which it is valid."""
    for portal in (settings.domain, *(bound for bound, _ in settings.bound_tokens), "portal.bitrix24.ru"):
        if portal and (tokens := settings.tokens_of(portal)):
            return tokens[0].decode("utf-8", "surrogateescape"), portal
    return "", settings.domain or "portal.bitrix24.ru"


def delivery(event: str, data: Any, domain: str) -> dict[str, Any]:
    """A webhook's delivery as nested values, keys in the vendor's order, without its token."""
    member_id = secrets.token_hex(16)
    auth = {"domain": domain, "client_endpoint": f"https://{domain}/rest/"}
    auth |= {"server_endpoint": "https://oauth.bitrix.info/rest/", "member_id": member_id}
    return {"event": event, "event_handler_id": "1", "data": data, "ts": str(int(time.time())), "auth": auth}


def place_token(place: str, token: str, fields: dict[str, Any]) -> tuple[dict[str, str], str]:
    """Put the token into its place; returns the headers and the query."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": AGENT}
    kind, _, name = place.partition(":")
    if kind == "header":
        headers[name] = f"Bearer {token}" if name == "Authorization" else token
    elif kind == "query":
        return headers, f"?token={quote(token)}"
    else:
        *path, last = name.split(".")
        inner = fields
        for level in path:
            inner = inner.setdefault(level, {}) if isinstance(inner.get(level, {}), dict) else inner
        inner[last] = token
    return headers, ""


def random_token() -> str:
    """A random token that looks like a webhook's."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(32))


def is_loopback(host: str) -> bool:
    """Whether this name or IP address is this machine itself."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    # A server of both families sees 127.0.0.1 like this.
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def local_url(host: str, port: int) -> str:
    """The origin at which a server that listens on `host` is reached from this machine."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 — compared, not bound
        host = "127.0.0.1"
    return f"http://{in_url(host)}:{port}"


def in_url(host: str) -> str:
    """A host as it is written in a URL: IPv6 in brackets (RFC 3986 §3.2.2)."""
    return f"[{host}]" if ":" in host else host


@dataclass(frozen=True)
class Address:
    """An address to post to; `path` is without the query, which may hold a token."""

    secure: bool
    host: str
    port: int
    path: str
    # Of the whole address, as it would be pasted.
    length: int
    headers: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)  # with each request

    @property
    def loopback(self) -> bool:
        """Whether the address is this machine."""
        return is_loopback(self.host)

    def is_ours(self, settings: Settings) -> bool:
        """Whether it is `WEBHOOK_URL`'s host and port."""
        ours = parse(settings.webhook_url) if settings.webhook_url else None
        return ours is not None and (ours.host, ours.port) == (self.host, self.port)

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a URL begins."""
        port = "" if self.port == (443 if self.secure else 80) else f":{self.port}"
        return f"{'https' if self.secure else 'http'}://{in_url(self.host)}{port}"

    def __str__(self) -> str:
        """The address for a person, with anything in the path that looks like a token masked."""
        return self.origin + clean(self.path)


def parse(url: str) -> Address | None:
    """An HTTP or HTTPS address, `/api/bitrix/webhook` added where it has no path; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    path = parts.path if parts.path.strip("/") else WEBHOOK_PATH
    return Address(
        secure=parts.scheme == "https",
        host=parts.hostname,
        port=port or (443 if parts.scheme == "https" else 80),
        path=path,
        length=len(parts._replace(path=path, fragment="").geturl()),
    )
