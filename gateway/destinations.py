"""Reads `FORWARD_TO`: the addresses that verified events are forwarded to, and which events each wants."""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from gateway.redaction import clean, may_be_secret

# The doctor's own event, which changes nothing and reaches nobody.
PROBE_EVENT = "ONGATEWAYPROBE"

# How many characters of a path are shown.
_MAX_PATH = 1000

_PATTERN = re.compile(r"[A-Z0-9_]{1,100}\*?|\*")
# The host must be ASCII and not a number: `http://134744072` is 8.8.8.8, and the resolver reads a dot in
# `example。com`.
_LABEL = re.compile(r"(?!0x[0-9a-f]*\Z)(?=[0-9_-]*[a-z])[a-z0-9_-]+")
_INTERNAL = re.compile(r"[a-z0-9._-]+\.(?:internal|localhost)")


@dataclass(frozen=True)
class Destination:
    """An address, and the events it wants: names or beginnings (`ONTASK*`); without any, all events.

    `id` names it in subscriptions and changes only with the address; `printable_url` is the address
    without user, password and query, and with any secret in its path masked: anybody who knows
    the path of a Make, n8n or Slack webhook may post to it.
    """

    url: str = field(repr=False)
    patterns: tuple[str, ...] = ()
    id: str = ""
    printable_url: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The parts of the address that must never be shown: its password, and values in its query.

        A short value counts only under a name like a secret's, so `?v=1` does not.
        """
        url = urlsplit(self.url)
        values = [
            value
            for name, value in parse_qsl(url.query)
            if len(value) >= 16 or may_be_secret((name,)) or "key" in name.lower()
        ]
        return tuple(secret for secret in (url.password or "", *values) if secret)

    def wants(self, event: str) -> bool:
        """Whether the destination gets this event."""
        if event == PROBE_EVENT:
            return False
        return not self.patterns or any(_fits(event, pattern) for pattern in self.patterns)


def _fits(event: str, pattern: str) -> bool:
    return event.startswith(pattern[:-1]) if pattern.endswith("*") else event == pattern


def read_destinations(setting: str) -> tuple[Destination, ...]:
    """The destinations of `FORWARD_TO`: URLs separated by spaces. Raises `ValueError` for anything else.

    An address that is given twice wants what both items name.
    """
    destinations: dict[str, Destination] = {}
    for item in setting.split():
        if re.search(r"[,;]https?://", item):
            # Read as one address, it would reach nobody.
            raise ValueError("a comma or a semicolon between addresses")
        url, _, names = item.partition("#")
        patterns = tuple(pattern.strip().upper() for pattern in names.split(",") if pattern.strip())
        if not all(_PATTERN.fullmatch(pattern) for pattern in patterns):
            raise ValueError("an event's name")
        address = urlsplit(url)
        host = (address.hostname or "").lower()
        if address.scheme not in ("http", "https") or not host or address.port == 0:
            raise ValueError("an address")
        if address.scheme == "http" and not is_private(host):
            raise ValueError("https")
        port = f":{address.port}" if address.port else ""
        shown_host = f"[{host}]" if ":" in host else host
        printable_address = f"{address.scheme}://{shown_host}{port}{clean(address.path, limit=_MAX_PATH)}"
        if (earlier := destinations.get(url)) is not None:
            patterns = (*earlier.patterns, *patterns) if earlier.patterns and patterns else ()
        destinations[url] = Destination(
            url, patterns, sha256(url.encode()).hexdigest()[:8], printable_address
        )
    return tuple(destinations.values())


def is_private(host: str) -> bool:
    """Whether plain HTTP may go there: loopback, private addresses, single labels, `*.internal`."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return _LABEL.fullmatch(host) is not None or _INTERNAL.fullmatch(host) is not None
    return address.is_private or address.is_loopback
