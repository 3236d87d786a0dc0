"""Decodes a body's bytes into plain values: once, so that what was verified is what is published.

By the Content-Type, and where that is missing or does not describe the body, by
what the body looks like. A form is read as PHP's `parse_str` would (`php_form`);
then, whatever the encoding, keys 0…n-1 in that order become a list and the text
`undefined` (which task events send) becomes null, so that one event has one
reading (`fields`). No input raises anything but `TooComplex`.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from gateway.ingest import php_form
from gateway.ingest.fields import (
    MAX_NOTED,
    OBJECTS,
    Note,
    Reading,
    cached_names,
    names_of,
    repeated_inside,
    tree_of,
)
from gateway.ingest.limits import MAX_PARAMETERS, check
from verify import QUERY_PLACE, Path

# The names of larger forms are not cached, which bounds the cache.
_CACHED_NAMES, _CACHED_BYTES = 128, 8 * 1024
_NO_PLACES: frozenset[tuple[str, Path]] = frozenset()
_GZIP = b"\x1f\x8b"
_TYPES = {
    "application/json": "json",
    "text/json": "json",
    "application/x-www-form-urlencoded": "form",
    "multipart/form-data": "multipart",
}


class Payload(NamedTuple):
    """A decoded body.

    `fields`: the top level, a dict where the body was readable as an event could
    be. `decoded_as`: `form`, `json`, `multipart`, `empty`, `compressed` or
    `unreadable`. `declared`: what the Content-Type said, in the same words, or "".
    `repeated`: the token paths that were given more than once. `notes`: what was odd
    about a body that could be read all the same, see `Note`.
    """

    fields: Any
    decoded_as: str
    declared: str = ""
    repeated: frozenset[Path] = frozenset()
    notes: tuple[Note, ...] = ()


def decode(body: bytes, content_type: str = "", content_encoding: str = "") -> Payload:
    """Decode a body of at most 512 KiB. Raises `TooComplex` and nothing else."""
    declared = declared_type(content_type)
    if content_encoding.strip().lower() not in ("", "identity") or body[:2] == _GZIP:
        return Payload({}, "compressed", declared)
    if not body:
        return Payload({}, "empty", declared)
    for kind in _guesses(declared, body):
        reading = _READERS[kind](body)
        if reading is not None:
            if _holds_json_texts(reading.fields):
                from gateway.ingest.json_body import with_json_texts  # cold start

                reading = with_json_texts(reading)
            notes = reading.notes + (_misread(reading.fields) if _may_be_misread(body) else ())
            return Payload(reading.fields, reading.kind or kind, declared, reading.repeated, notes)
    return Payload({}, "unreadable", declared)


def decode_query(query: bytes) -> tuple[dict[str, Any], bool]:
    """A query string as PHP reads it, and whether `token` was given more than once.

    Raises `TooComplex` for more than 1,000 parameters.
    """
    if not query:
        return {}, False
    check(MAX_PARAMETERS, query.count(b"&") + 1, "query_parameters")
    parameters = list(php_form.pairs(query))
    tokens = [name for name, _ in parameters if name[0] == "token"]
    return php_form.nest(parameters), len(tokens) > 1 and ("token",) in tokens


def repeated_places(payload: Payload, query_token_repeated: bool) -> frozenset[tuple[str, Path]]:
    """The places given more than once, in the form that `verify` expects."""
    if not payload.repeated and not query_token_repeated:
        return _NO_PLACES
    places = {("body", path) for path in payload.repeated}
    if query_token_repeated:
        source, _, name = QUERY_PLACE.partition(":")
        places.add((source, (name,)))
    return frozenset(places)


@lru_cache(maxsize=64)
def declared_type(content_type: str) -> str:
    """`json`, `form`, `multipart`, another media type in lower case, or "" for none."""
    media = content_type.partition(";")[0].strip().lower()
    return "json" if media.endswith("+json") else _TYPES.get(media, media)


def _guesses(declared: str, body: bytes) -> list[str]:
    """The kinds to try: the declared one first, but a form last, since to PHP anything with a `=` is one.

    `curl -d '{…}'` declares a form and sends JSON.
    """
    kinds = [declared] if declared in _READERS and declared != "form" else []
    start = body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    as_json = start[:1] in (b"{", b"[")
    if as_json and declared != "json":
        kinds.append("json")
    elif start[:2] == b"--" and declared != "multipart" and b"form-data" in body:
        kinds.append("multipart")
    if declared == "form" or not as_json:
        kinds.append("form")
    return kinds


def _read_form(body: bytes) -> Reading | None:
    if b"=" not in body:
        return None
    # These end the sender's file, not the last value.
    as_sent, body = body, body.rstrip(b"\r\n ")
    if body.count(b"&") >= MAX_PARAMETERS:
        # Nothing between two separators is not a parameter.
        while b"&&" in body:
            body = body.replace(b"&&", b"&")
        check(MAX_PARAMETERS, body.strip(b"&").count(b"&") + 1, "parameters")
    raw_names, values = php_form.parameters(body)
    is_short = len(values) <= _CACHED_NAMES and len(body) <= _CACHED_BYTES
    names = cached_names(raw_names) if is_short else names_of(php_form.names_of(raw_names))
    notes = names.notes
    if len(body) < len(as_sent):
        notes += (Note("line_end"),)
    if "\ufffd" in "".join(values):
        notes += _not_utf8(body, values)
    repeated = names.repeated | repeated_inside(names, values)
    return Reading(tree_of(names, values), len(values), repeated, notes)


def _not_utf8(body: bytes, values: Sequence[str]) -> tuple[Note, ...]:
    """The names whose values lost bytes; a value that was sent with a U+FFFD lost nothing."""
    names = []
    suspected = (
        (part, value) for part, value in zip(body.split(b"&"), values, strict=False) if "\ufffd" in value
    )
    for part, value in islice(suspected, MAX_NOTED):
        name, _, raw = part.partition(b"=")
        sent_replacements = raw.count(b"\xef\xbf\xbd") + raw.lower().count(b"%ef%bf%bd")
        if value.count("\ufffd") > sent_replacements:
            names.append(php_form.decoded(name))
    return (Note("not_utf8", tuple(dict.fromkeys(names))[:MAX_NOTED]),) if names else ()


def _read_json(body: bytes) -> Reading | None:
    from gateway.ingest.json_body import read_json  # cold start

    return read_json(body)


def _read_multipart(body: bytes) -> Reading | None:
    from gateway.ingest.multipart import read_multipart  # cold start

    return read_multipart(body)


_READERS: dict[str, Callable[[bytes], Reading | None]] = {
    "form": _read_form,
    "json": _read_json,
    "multipart": _read_multipart,
}


def _holds_json_texts(fields: Any) -> bool:
    """Whether `data`, `auth` or an object of `data` is a text that begins like a JSON object."""
    if not isinstance(fields, dict):
        return False
    data = fields.get("data")
    values = [data, fields.get("auth")]
    if isinstance(data, dict):
        values += [data.get(name) for name in OBJECTS]
    return any(isinstance(value, str) and value.lstrip()[:1] == "{" for value in values)


def _may_be_misread(body: bytes) -> bool:
    """Whether the second character of a misread letter is in the bytes, encoded in some way."""
    return b"\xc2" in body or b"%C2" in body or b"%c2" in body or b"\\u00" in body


def _misread(fields: Any) -> tuple[Note, ...]:
    from gateway.ingest.misread import misread  # cold start

    names = misread(fields)
    return (Note("misread", names),) if names else ()
