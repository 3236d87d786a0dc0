"""Gathers everything that a request shows about its token, before anything is concluded.

At most 1,000 texts of 1 KiB are looked at: headers, query, path, cookies and the
body's leaves, each compared with every accepted token.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from gateway.diagnosis import body_variants
from gateway.diagnosis.body_readings import Reading
from gateway.diagnosis.event_shape import is_event, is_robot, is_whole, token_texts
from gateway.diagnosis.safe_names import Names, unquoted
from gateway.diagnosis.similarity import MAX_TEXT, SPACE, Likeness, Needle, fold, likeness, nearest
from gateway.diagnosis.token_setting import (
    PLAIN_SHAPE,
    WEBHOOK_SHAPE,
    Part,
    is_incoming,
    is_placeholder,
    parts,
)
from gateway.events import event_portal
from gateway.ingest.decision import Judgement
from gateway.ingest.hollow import hollow
from gateway.ingest.incoming import MAX_QUERY
from gateway.settings import SECRET_BYTES, Settings
from verify import ABSENT, BODY_PATHS, HEADER_PLACES, QUERY_PLACE, Verdict, header_values, verify

MAX_LEAVES = 1000  # of the body
# Headers, parameters, cookies and segments of the path.
MAX_OUTSIDE = 200
# How many places are named in one cause.
MAX_NAMED = 3
_JWT = re.compile(
    r"(?:\S+\s+)?[\"']?eyJ[\w-]{5,}\.[\w-]+\.[\w-]*[\"']?|(?:\S+\s+)?ya29\.[\w.-]{20,}", re.ASCII
)
_HEX = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
# A body that is a token and nothing else.
_ALONE = re.compile(rb"\s?[\"']?[A-Za-z0-9_.-]{6,200}[\"']?\s{0,2}")
# Searched for in a thousand names, which may be long: one pattern of these would take ten times as long.
_TOKEN_NAMES = ("token", "secret", "key", "auth", "hook", "sign", "pass", "токен")
_OTHER_IDS = ("memberid", "clientid", "access", "refresh", "user", "session", "event")
# These are looked at elsewhere: the token's places, and the cookies.
_SKIPPED_HEADERS = frozenset([*(place.partition(":")[2].lower() for place in HEADER_PLACES), "cookie"])


@dataclass
class Evidence:
    """What a request holds, and where. Values stay in here; causes get places, lengths and fingerprints."""

    judgement: Judgement
    settings: Settings
    parts: list[Part]
    needles: list[Needle]
    reading: Reading
    verdict: Verdict
    # By place: each holds one text, but not an accepted token.
    texts: dict[str, str]
    near: list[tuple[str, Likeness]] = field(default_factory=list)
    elsewhere: list[tuple[str, Likeness]] = field(default_factory=list)
    # What kinds of token the request carries: "plain", "webhook".
    shapes: set[str] = field(default_factory=set)
    query_repeated: bool = False
    # Places that hold an incoming webhook's secret.
    incoming: list[str] = field(default_factory=list)

    @property
    def explained(self) -> bool:
        """Whether an accepted token is there in some form, so that no other token is the cause."""
        return self.verdict.verified or bool(self.near) or bool(self.elsewhere)

    @property
    def in_body(self) -> bool:
        """Whether an accepted token is somewhere in the bytes of a body that can't be read."""
        body = self.judgement.body
        return sum(len(token) >= SECRET_BYTES and token in body for token in self.settings.tokens) > 0

    @property
    def scheme(self) -> str:
        """The value of `Authorization`, whatever its scheme."""
        return self.judgement.incoming.header("authorization")[:8192]

    @property
    def is_jwt(self) -> bool:
        """Whether `Authorization` holds a JWT or a Google access token."""
        return _JWT.fullmatch(self.scheme) is not None


def gather(judgement: Judgement, settings: Settings) -> Evidence:
    """Look at the whole request once."""
    configured = parts(settings)
    needles = [Needle.of(text) for part in configured for text in part.candidates]
    reading = _best_reading(judgement, needles)
    query, repeated = body_variants.query_of(judgement)
    repeated_places = repeated | {("body", path) for path in reading.repeated}
    portal = event_portal(reading.fields)
    tokens = settings.tokens_of(portal)
    verdict = verify(judgement.incoming.headers, query, reading.fields, tokens, repeated_places)
    evidence = Evidence(judgement, settings, configured, needles, reading, verdict, {})
    evidence.query_repeated = bool(repeated)
    evidence.texts = _place_texts(evidence, query)
    for place, text in evidence.texts.items():
        like = likeness(text[:MAX_TEXT], needles)
        if like:
            evidence.near.append((place, like))
    texts = [*islice(_outside(evidence, query), MAX_OUTSIDE), *islice(_inside(evidence), MAX_LEAVES)]
    names = Names(settings)
    named_texts = [(names.place(source, name), text) for source, name, text in texts]
    long_needles = [needle for needle in needles if not needle.short]
    evidence.elsewhere = nearest(named_texts, long_needles, MAX_NAMED)
    short_needles = [needle for needle in needles if needle.short]
    if short_needles:
        under_token_names = [
            named_text
            for named_text, (_, name, _) in zip(named_texts, texts, strict=True)
            if _names_token(name[:MAX_TEXT])
        ]
        evidence.elsewhere += nearest(under_token_names, short_needles, MAX_NAMED)
    evidence.shapes = _shapes(evidence, texts)
    evidence.incoming = _incoming_secrets(evidence, named_texts)
    return evidence


def _best_reading(judgement: Judgement, needles: list[Needle]) -> Reading:
    """The body as read, or the reading that shows more: of a token first, then of an event."""
    received = body_variants.as_read(judgement)
    # The token is right, so what is looked for is the event.
    if judgement.code == "EVENT_INVALID":
        readings = body_variants.others(judgement, received)
        complete = (
            reading for reading in readings if is_whole(reading.fields) and hollow(reading.fields) is None
        )
        return next(complete, received)
    ranked = [(_shows(reading, needles), reading) for reading in body_variants.others(judgement, received)]
    best = max(ranked, key=lambda entry: entry[0], default=(0, received))
    return best[1] if best[0] > _shows(received, needles, (SPACE,)) else received


def _shows(reading: Reading, needles: list[Needle], alike: tuple[str, ...] = ()) -> int:
    """How much a reading shows: 4 an accepted token, 3 an altered one, 2 a webhook's, 1 text or event, 0.

    A token with no other alterations than `alike` counts as an accepted one: where only white space
    was added to it, the body could be read, and a reading that happens to trim it explains nothing.
    """
    texts = token_texts(reading.fields).values()
    likenesses = [likeness(text[:MAX_TEXT], needles) for text in texts]
    if any(like is not None and (like.exact or _is_only(like, alike)) for like in likenesses):
        return 4
    if any(likenesses):
        return 3
    if reading.code == "TOKEN_NOT_TEXT" or any(
        WEBHOOK_SHAPE.fullmatch(text.strip().lower()) for text in texts
    ):
        return 2
    return int(bool(texts) or is_event(reading.fields) or is_robot(reading.fields))


def _is_only(like: Likeness, alterations: tuple[str, ...]) -> bool:
    """Whether these alterations are all that tells the text from an accepted token."""
    return not like.foreign and like.alterations == alterations


def _place_texts(evidence: Evidence, query: dict[str, Any]) -> dict[str, str]:
    """The texts in the token's places that are not accepted, for instance because no token is configured."""
    headers = evidence.judgement.incoming.headers
    values: dict[str, Any] = {
        **dict(zip(HEADER_PLACES, header_values(headers), strict=True)),
        QUERY_PLACE: query.get("token"),
        **token_texts(evidence.reading.fields),
    }
    mismatched = {trace.place for trace in evidence.verdict.places if trace.state == "mismatch"}
    return {
        place: _text(value) for place, value in values.items() if place in mismatched and value is not ABSENT
    }


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _outside(evidence: Evidence, query: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(where, name, text) of everything outside the body, except the token's places."""
    incoming = evidence.judgement.incoming
    for number, segment in enumerate(incoming.path[:8192].split("/")[1:], 1):
        yield "path", str(number), unquoted(segment)[:MAX_TEXT]
    for name, value in incoming.headers.items():
        if name not in _SKIPPED_HEADERS:
            yield "header", name, value[:MAX_TEXT].decode("utf-8", "replace")
    for cookie in incoming.header("cookie")[:8192].split(";"):
        name, equals, text = cookie.strip().partition("=")
        yield "cookie", name if equals else "", (text if equals else name)[:MAX_TEXT]
    if len(incoming.query) <= MAX_QUERY:
        yield from _leaves(query, "query", ("token",))


def _inside(evidence: Evidence) -> Iterator[tuple[str, str, str]]:
    """(where, name, text) of everything in the body, except the token's places."""
    yield from _leaves(evidence.reading.fields, "body", *BODY_PATHS.values())
    if evidence.reading.code == "BODY_UNREADABLE" and _ALONE.fullmatch(evidence.judgement.body):
        yield "body", "", evidence.judgement.body.decode()


def _leaves(value: Any, source: str, *apart: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """The leaves and names of a decoded value, except those in or under the token's places."""
    pending: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while pending:
        path, inner = pending.pop()
        if path in apart:
            continue
        if isinstance(inner, dict | list):
            items = list(inner.items() if isinstance(inner, dict) else enumerate(inner))
            pending += [((*path, str(key)), below) for key, below in reversed(items)]
        elif inner is not None:
            name = ".".join(path)
            # A `member_id` identifies a portal, even if somebody configured it as a token.
            if path[-1:] != ("member_id",):
                yield source, name, str(inner)[:MAX_TEXT]
            if path and len(path[-1]) >= SECRET_BYTES:
                yield source, name, path[-1][:MAX_TEXT]


def _shapes(evidence: Evidence, texts: list[tuple[str, str, str]]) -> set[str]:
    """Whether the request carries something of a webhook token's shape, in a place or under such a name."""
    shapes = set()
    under_token_names = [text for _, name, text in texts if _names_webhook_token(name[:MAX_TEXT])]
    authorized = [*evidence.scheme.split()[-1:], *_basic(evidence)[1].split(":")]
    for text in (*evidence.texts.values(), *under_token_names, *authorized):
        if PLAIN_SHAPE.fullmatch(text):
            shapes.add("plain")
        if WEBHOOK_SHAPE.fullmatch(text.strip().lower()):
            shapes.add("webhook")
    if evidence.near or evidence.elsewhere:
        shapes.add("webhook")
    return shapes


def _names_webhook_token(name: str) -> bool:
    return _names_token(name) and not any(word in name.lower().replace("_", "") for word in _OTHER_IDS)


def _names_token(name: str) -> bool:
    lower = name.lower()
    return any(word in lower for word in _TOKEN_NAMES)


def _incoming_secrets(evidence: Evidence, named_texts: list[tuple[str, str]]) -> list[str]:
    """Where an incoming webhook's secret is: the configured one anywhere, any other only in a place."""
    secrets = {evidence.settings.rest_secret or ""}
    for part in evidence.parts:
        if part.code == "SETTING_INCOMING_SECRET":
            secrets.add(part.text.strip("/").rpartition("/")[2])
    candidates = [
        *evidence.texts.items(),
        *named_texts,
        ("header:Authorization", evidence.scheme),
        _basic(evidence),
    ]
    places = [
        name for name, text in candidates if sum(len(secret) >= 8 and secret in text for secret in secrets)
    ]
    near = {place for place, _ in evidence.near}
    for place, text in evidence.texts.items():
        shaped = is_incoming(text.strip(), evidence.settings) or re.search(
            r"/rest/[0-9]+/\w{6,}", text[:MAX_TEXT]
        )
        if shaped and place not in near:
            places.append(place)
    return list(dict.fromkeys(places))[:MAX_NAMED]


def _basic(evidence: Evidence) -> tuple[str, str]:
    """The user and password of `Authorization: Basic`."""
    scheme, _, value = evidence.scheme.partition(" ")
    try:
        decoded = base64.b64decode(value.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (ValueError, binascii.Error):
        decoded = b""
    return "header:Authorization", decoded[:MAX_TEXT].decode("utf-8", "replace")


def authorization_token(evidence: Evidence) -> Likeness | None:
    """The accepted token in an `Authorization` whose scheme is not Bearer."""
    _, decoded = _basic(evidence)
    matches = nearest([("", evidence.scheme[:MAX_TEXT]), ("", decoded)], evidence.needles, 2)
    return matches[0][1] if matches else None


def event_host(evidence: Evidence) -> str:
    """The portal that the event is from, as the receiver reads it, without its port."""
    return host(event_portal(evidence.reading.fields))


def host(text: str) -> str:
    """The host name in an address, without scheme and port."""
    text = re.sub(r"^https?://", "", text.strip().lower())[:300]
    return text.partition("/")[0].partition(":")[0].rstrip(".")


def is_hex(text: str) -> bool:
    """Whether the text is 32 hex digits, like an application's token."""
    return _HEX.fullmatch(text.strip()) is not None


def webhook_shaped(text: str, evidence: Evidence) -> str | None:
    """The shape of `text`: "" for a webhook token's, "place" for a configured token's, None for neither."""
    if WEBHOOK_SHAPE.fullmatch(text.strip().lower()):
        return ""
    if is_placeholder(text) or not fold(text[:MAX_TEXT]):
        return None
    kinds = [(len(needle.text), needle.text.isdigit()) for needle in evidence.needles]
    return "place" if (len(text), text.isdigit()) in kinds else None
