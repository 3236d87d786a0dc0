"""Marks that only this installation can make: an HMAC whose key comes from an accepted token.

They distinguish our own records and requests from what strangers send or write into a log. Any
accepted token verifies, so a mark outlives the rotation's first half. A key serves one
purpose: the mark of a record is not valid on a request.
"""

import hmac
from collections.abc import Iterable

PROBE_HEADER = "X-Gateway-Probe"
PROBE_SECONDS = 300  # clocks differ; whoever sees a probe pass can't use its mark for long
_DIGEST = "sha256"


def sign(purpose: str, content: bytes, tokens: Iterable[bytes]) -> str:
    """The mark made with the first token, in hex; "" if no token is configured."""
    token = next(iter(tokens), None)
    return "" if token is None else _mark(purpose, content, token)


def is_ours(purpose: str, content: bytes, mark: str, tokens: Iterable[bytes]) -> bool:
    """Whether one of the tokens made this mark over this content."""
    given = mark.encode("utf-8", "replace")
    # Every token is tried: the time tells nothing about which one it was.
    matches = [hmac.compare_digest(_mark(purpose, content, token).encode(), given) for token in tokens]
    return any(matches)


def probe_mark(tokens: Iterable[bytes], now: float) -> dict[str, str]:
    """The header that marks a request of our own tools; empty if no token is configured."""
    stamp = str(int(now))
    mark = sign("probe", stamp.encode(), tokens)
    return {PROBE_HEADER: f"{stamp}.{mark}"} if mark else {}


def is_probe(header: str, tokens: Iterable[bytes], now: float) -> bool:
    """Whether a request with this header came from a tool of this installation, just now."""
    stamp, _, mark = header.partition(".")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16) or abs(now - int(stamp)) > PROBE_SECONDS:
        return False
    return is_ours("probe", stamp.encode(), mark, tokens)


def _mark(purpose: str, content: bytes, token: bytes) -> str:
    key = hmac.digest(token, f"bitrix24-gateway {purpose}".encode(), _DIGEST)
    return hmac.new(key, content, _DIGEST).hexdigest()
