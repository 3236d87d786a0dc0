"""Where verified events go beside the store of links: the addresses of `FORWARD_TO`, and what each wants."""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from gateway.redaction import clean, may_be_secret

PROBE_EVENT = "ONGATEWAYPROBE"  # doctor's own: it changes nothing and reaches nobody

_MAX_PATH = 1000  # characters that are shown

_PATTERN = re.compile(r"[A-Z0-9_]{1,100}\*?|\*")
# In ASCII, and not a number: `http://134744072` is 8.8.8.8, and the resolver reads a dot in `example。com`.
_LABEL = re.compile(r"(?!0x[0-9a-f]*\Z)(?=[0-9_-]*[a-z])[a-z0-9_-]+")
_INTERNAL = re.compile(r"[a-z0-9._-]+\.(?:internal|localhost)")


@dataclass(frozen=True)
class Destination:
    """An address, and the events it wants: names or beginnings (`ONTASK*`), none for all of them.

    `id` names it in subscriptions and never changes while the address does not;
    `shown` is the address without user, password and query, and with what may be a secret in its
    path masked: whoever knows the path of a Make, n8n or Slack webhook may post to it.
    """

    url: str = field(repr=False)
    patterns: tuple[str, ...] = ()
    id: str = ""
    shown: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What of the address must never be shown: its password, and values in its query.

        A short value counts only under a name like a secret's: `?v=1` is none.
        """
        parts = urlsplit(self.url)
        values = [
            value
            for name, value in parse_qsl(parts.query)
            if len(value) >= 16 or may_be_secret((name,)) or "key" in name.lower()
        ]
        return tuple(secret for secret in (parts.password or "", *values) if secret)

    def wants(self, event: str) -> bool:
        if event == PROBE_EVENT:
            return False
        return not self.patterns or any(_fits(event, pattern) for pattern in self.patterns)


def _fits(event: str, pattern: str) -> bool:
    return event.startswith(pattern[:-1]) if pattern.endswith("*") else event == pattern


def read_destinations(setting: str) -> tuple[Destination, ...]:
    """The destinations of `FORWARD_TO`: URLs separated by spaces. Raises `ValueError` for anything else.

    An address that is there twice wants what both of them name.
    """
    found: dict[str, Destination] = {}
    for item in setting.split():
        if re.search(r",https?://", item):
            raise ValueError("a comma between addresses")  # taken for one address, it would reach nobody
        url, _, wanted = item.partition("#")
        patterns = tuple(pattern.strip().upper() for pattern in wanted.split(",") if pattern.strip())
        if not all(_PATTERN.fullmatch(pattern) for pattern in patterns):
            raise ValueError("an event's name")
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in ("http", "https") or not host or parts.port == 0:
            raise ValueError("an address")
        if parts.scheme == "http" and not is_private(host):
            raise ValueError("https")
        port = f":{parts.port}" if parts.port else ""
        shown = f"{parts.scheme}://{host}{port}{clean(parts.path, limit=_MAX_PATH)}"
        if (twice := found.get(url)) is not None:
            patterns = (*twice.patterns, *patterns) if twice.patterns and patterns else ()
        found[url] = Destination(url, patterns, sha256(url.encode()).hexdigest()[:8], shown)
    return tuple(found.values())


def is_private(host: str) -> bool:
    """Whether plain HTTP may go there: loopback, private addresses, single labels, `*.internal`."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return _LABEL.fullmatch(host) is not None or _INTERNAL.fullmatch(host) is not None
    return address.is_private or address.is_loopback
