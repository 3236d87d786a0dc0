"""Where an outgoing webhook's token may stand, in which order, and whether it is right.

The places, in the order in which they are tried:

1. header `X-Bitrix-Token`
2. header `Authorization: Bearer <token>` (RFC 6750), the scheme in any case
3. query `?token=`
4. body `token`, then `data.token`
5. body `auth.token`, then `data.auth.token`
6. body `auth.application_token`: the only place where Bitrix24 itself puts it

The first place whose value is an accepted token verifies the request. A wrong
value in a higher place does not refuse a right one in a lower place: proxies and
Google's own IAM add an `Authorization` header.

Pure: no I/O, no framework, no logging; nothing a sender controls makes it raise.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal, NamedTuple

State = Literal["absent", "malformed", "mismatch", "match"]
Path = tuple[str, ...]

HEADER_PLACES = ("header:X-Bitrix-Token", "header:Authorization")
QUERY_PLACE = "query:token"
BODY_PATHS: dict[str, Path] = {
    "body:token": ("token",),
    "body:data.token": ("data", "token"),
    "body:auth.token": ("auth", "token"),
    "body:data.auth.token": ("data", "auth", "token"),
    "body:auth.application_token": ("auth", "application_token"),
}
PLACES = (*HEADER_PLACES, QUERY_PLACE, *BODY_PATHS)

# A fingerprint of fewer bytes could be guessed back to the value.
GUESSABLE_BYTES = 16


class _Absent:
    """The type of `ABSENT`: a missing place needs a marker of its own, because JSON's null is a value."""


ABSENT = _Absent()


class Trace(NamedTuple):
    """What stood in one place: never the value, only its state, length in bytes and fingerprint.

    `length` and `fingerprint` are None where the place did not hold one text;
    a blank has length 0.
    """

    place: str
    state: State
    length: int | None = None
    fingerprint: str | None = None


_ABSENT_TRACES = {place: Trace(place, "absent") for place in PLACES}


class Verdict(NamedTuple):
    """Whether a request carries an accepted token, and the trace of every place in order."""

    verified: bool
    place: str | None
    places: tuple[Trace, ...]

    @property
    def received(self) -> Trace | None:
        """The place that the log calls received: the matching one, else the first that held a text."""
        texts = [trace for trace in self.places if trace.state in ("match", "mismatch")]
        return next((trace for trace in texts if trace.state == "match"), texts[0] if texts else None)


def verify(
    headers: Mapping[str, bytes],
    query: Any,
    body: Any,
    tokens: Sequence[bytes],
    repeated: Collection[tuple[str, Path]] = (),
) -> Verdict:
    """Judge a request by the tokens in its places.

    `headers`: values by lower-case name, repeated headers joined by a comma
    (RFC 9110 §5.3). `query` and `body`: decoded values, of any type. `tokens`:
    the accepted ones; without any, nothing is accepted. `repeated`: places that were given
    more than once, as ("query" | "body", path). Every token is compared with every
    value, in constant time for a given length.
    """
    values = [
        *header_values(headers),
        _field(query, ("token",), "query", repeated),
        *[_field(body, path, "body", repeated) for path in BODY_PATHS.values()],
    ]
    traces = [
        _ABSENT_TRACES[place] if value is ABSENT else _trace(place, value, tokens)
        for place, value in zip(PLACES, values, strict=True)
    ]
    matching = next((trace.place for trace in traces if trace.state == "match"), None)
    return Verdict(matching is not None, matching, tuple(traces))


def fingerprint(value: bytes) -> str | None:
    """The first 8 hex digits of SHA-256 over `value`; None if `value` is short enough to be guessed."""
    return sha256(value).hexdigest()[:8] if len(value) >= GUESSABLE_BYTES else None


def is_accepted(value: bytes, tokens: Sequence[bytes]) -> bool:
    """Compare `value` with every accepted token, without stopping at the first match. Empty never matches."""
    accepted = False
    for token in tokens:
        accepted |= hmac.compare_digest(value, token) and token != b""
    return accepted


def header_values(headers: Mapping[str, bytes]) -> tuple[Any, ...]:
    """What stands in each of `HEADER_PLACES`."""
    return _header(headers.get("x-bitrix-token")), bearer(headers.get("authorization"))


def bearer(value: bytes | None) -> Any:
    """The token of a `Bearer` value; None for two joined values, `ABSENT` for no value or another scheme."""
    if value is None:
        return ABSENT
    parts = value.split(None, 1)
    if not parts or parts[0].lower() != b"bearer":
        # A proxy's header may come before the one meant.
        joined = value.lower().split(b",")[1:]
        return None if any(following.split(None, 1)[:1] == [b"bearer"] for following in joined) else ABSENT
    return _header(parts[1]) if len(parts) == 2 else b""


def _header(value: bytes | None) -> Any:
    if value is None:
        return ABSENT
    # A comma means two headers joined.
    return None if b"," in value else value.strip(b" \t\r\n")


def _field(root: Any, path: Path, source: str, repeated: Collection[tuple[str, Path]]) -> Any:
    value = root
    for name in path:
        if not isinstance(value, dict) or (value := value.get(name, ABSENT)) is ABSENT:
            return ABSENT
    if (source, path) in repeated or not isinstance(value, str):
        return None
    return value.encode("utf-8", "surrogatepass")


def _trace(place: str, value: Any, tokens: Sequence[bytes]) -> Trace:
    """The trace of one place; `value` is None if the place held anything but one text."""
    if value is None:
        return Trace(place, "malformed")
    if not value.strip():
        return Trace(place, "malformed", 0)
    state: State = "match" if is_accepted(value, tokens) else "mismatch"
    return Trace(place, state, len(value), fingerprint(value))
