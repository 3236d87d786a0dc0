"""Makes and checks marks that only this installation can make: an HMAC with a key from an accepted token.

They distinguish our own records and requests from what strangers send or write into a log. Any
accepted token verifies a mark, so marks outlive the first half of a rotation. Each purpose has
a key of its own: the mark of a record is not valid on a request.
"""

import hmac
from collections.abc import Iterable

PROBE_HEADER = "X-Gateway-Probe"
# Clocks differ, but somebody who sees a probe must not be able to use its mark for long.
PROBE_SECONDS = 300
_DIGEST = "sha256"


def sign(purpose: str, content: bytes, tokens: Iterable[bytes]) -> str:
    """The mark made with the first token, in hex; "" if no token is configured."""
    token = next(iter(tokens), None)
    return "" if token is None else _mark(purpose, content, token)


def is_ours(purpose: str, content: bytes, mark: str, tokens: Iterable[bytes]) -> bool:
    """Whether one of the tokens made this mark over this content."""
    received = mark.encode("utf-8", "replace")
    # Every token is tried, so that the time does not reveal which one it was.
    matches = [hmac.compare_digest(_mark(purpose, content, token).encode(), received) for token in tokens]
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
