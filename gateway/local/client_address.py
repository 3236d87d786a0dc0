"""Finds the address that a request came from, behind our own proxies, and the network it is counted by."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any


def sender_address(environ: Mapping[str, Any]) -> str:
    """The sender's address as the last trusted hop saw it: a proxy on our machine or network.

    Each proxy appends to `X-Forwarded-For` the address that connected to it; anybody can forge the rest.
    """
    remote = _as_ipv4(str(environ.get("REMOTE_ADDR") or ""))
    hops = [hop.strip() for hop in str(environ.get("HTTP_X_FORWARDED_FOR", ""))[-1000:].split(",")]
    while _is_near(remote) and hops and (hop := hops.pop()):
        try:
            remote = _as_ipv4(str(ipaddress.ip_address(hop.removeprefix("[").partition("]")[0])))
        except ValueError:
            break
    return remote


def _as_ipv4(address: str) -> str:
    """An IPv4 address as such: a server that listens on `::` sees `::ffff:192.0.2.1`.

    All of those are in one IPv6 network, and would count as one sender.
    """
    if not address.startswith("::ffff:"):
        return address
    mapped = ipaddress.IPv6Address(address).ipv4_mapped
    return str(mapped) if mapped else address


@lru_cache(maxsize=1024)
def _is_near(address: str) -> bool:
    try:
        return not ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def sender_network(address: str) -> str:
    """What a sender's requests are counted by: the address, or for IPv6 one customer's network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
