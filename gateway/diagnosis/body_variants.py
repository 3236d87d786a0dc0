"""Reads a body as it would be if a mistake commonly made on its way were undone.

`as_read` gives the body as the receiver read it, `others` every other reading that the
bytes suggest. A reading leads to a cause only if it shows more of a token or of
an event than the body as it was read.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

from gateway.diagnosis.body_readings import (
    Budget,
    Reading,
    decoded,
    from_base64,
    is_no_form,
    start_of,
    text_of_json,
    wide,
)
from gateway.diagnosis.event_shape import is_event, is_whole
from gateway.diagnosis.flattened import MAX_FIELDS, from_pairs, unflattened, with_pairs
from gateway.ingest import php_form
from gateway.ingest.decision import Judgement
from gateway.ingest.decode import Payload, decode_query
from gateway.ingest.fields import with_form_names
from gateway.ingest.hollow import hollow, is_bytes, is_json, is_of_event, place_of
from gateway.ingest.incoming import MAX_QUERY
from gateway.ingest.limits import MAX_PARAMETERS, TooComplex
from gateway.ingest.printouts import printout
from verify import QUERY_PLACE, Path

# A larger body is not read in other ways.
MAX_BYTES = 256 * 1024
# Levels of an envelope: `Data.req.Body`, `Records.0.body`, `trigger.event.body`.
MAX_DEPTH = 5
# How many texts may be one inside the other: an envelope's body is JSON in a string.
MAX_TEXTS = 2

_COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\x78\x9c": "zlib", b"\x78\x01": "zlib"}
_COMPRESSED |= {b"\x78\xda": "zlib", b"PK\x03\x04": "zip", b"BZh": "bzip2"}
_NOTHING = (b"null", b"none", b"undefined", b"nil", b"false", b"nan", b'""')
_N8N_ITEM = {"headers", "params", "query", "body"}
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_PART_NAME = re.compile(rb'(?<!file)name="?([^";\r\n]{1,200})')
_BOUNDARY = re.compile(rb"(?:^|\n)(--[^\r\n]{1,200})\r?\n(?=content-)", re.IGNORECASE)
# An event's name, its data and its auth.
MIN_VALUES = 3
_EVENT_NAME = re.compile(r"\bON[A-Z]{2}")
_TEMPLATE = re.compile(rb"(?:\{\{|\$\{|<%)[^\n{}]{0,200}(?:\}\}|\}|%>)|%[a-z]")
_SEPARATOR = re.compile(rb"[\n;,| ]|\\u0026", re.IGNORECASE)
_ENCODED_NAME = re.compile(rb"(?:^|&)[^=&]*%25")
_YAML = re.compile(rb"(?:---\s{0,9})?[^\n=&]{0,200}(?::|\s=)")
# Ways in which an event is lost that another reading may undo.
REWRITTEN = ("flat", "text", "pairs", "nested")
_WITHOUT_OTHERS = ("BODY_EMPTY", "BODY_COMPRESSED", "BODY_IN_QUERY", "BODY_PRINTED")


def as_read(judgement: Judgement) -> Reading:
    """The body as the receiver read it, with what is wrong with it as a whole, if anything."""
    payload, body = judgement.payload, judgement.body
    if (empty_reading := _empty(judgement)) is not None:
        return empty_reading
    if payload.decoded_as == "compressed":
        return Reading({}, "BODY_COMPRESSED", _encoding(judgement))
    magic = next((name for magic, name in _COMPRESSED.items() if body.startswith(magic)), "")
    if magic and not body.isascii():
        return Reading({}, "BODY_COMPRESSED", magic)
    if "yaml" in judgement.incoming.header("content-type").lower() and _YAML.match(body):
        return Reading({}, "BODY_UNREADABLE", "YAML")
    if payload.decoded_as in ("unreadable", "form") and (no_form := _as_no_form(judgement)) is not None:
        return no_form
    if is_bytes(payload.fields) or (
        isinstance(payload.fields, dict) and is_bytes([*payload.fields.values()])
    ):
        return Reading({}, "BODY_PRINTED", "body", how="buffer")
    if _are_values(payload.fields):
        return Reading({}, "BODY_PRINTED", "body", how="values")
    if not is_event(payload.fields) and (in_field := _printed_event(payload.fields)) is not None:
        return in_field
    if _holds_no_event(payload.fields) and (in_query := _event_in_query(judgement)) is not None:
        return Reading(in_query, "BODY_IN_QUERY", how="other")
    loss = hollow(payload.fields)
    if loss is not None and loss.how == "text" and _came_again(loss.name, payload):
        # PHP's cURL writes each value of an array under the array's name.
        loss = loss._replace(how="values")
    if loss is not None and loss.how not in REWRITTEN:
        place = place_of(loss, payload.fields)
        return Reading(payload.fields, "BODY_PRINTED", place, payload.repeated, loss.how)
    return Reading(payload.fields, repeated=payload.repeated)


def _holds_no_event(fields: Any) -> bool:
    """Whether nothing at the body's top belongs to an event or to a robot's call."""
    if not isinstance(fields, dict):
        return False
    names = {str(name).lower() for name in fields}
    return not (names & {"event", "document_id"} or any(map(is_of_event, names)))


def _as_no_form(judgement: Judgement) -> Reading | None:
    """The reading of a body that is a printout, maybe percent-encoded, or unreadable; None for a form."""
    body = judgement.body
    start = start_of(body)
    is_form = judgement.payload.decoded_as == "form" and not is_no_form(body)
    printed = "" if is_form else printout(start.decode("utf-8", "replace"))
    if not printed and b"&" not in body and body.find(b"=", 0, -1) < 0:
        # `new URLSearchParams(String(obj))` puts a `=` behind the text.
        printed = printout(php_form.decoded(start.removesuffix(b"=")))
    if printed and printed not in ("json", "blank", "nothing"):
        return Reading({}, "BODY_PRINTED", "body", how=printed)
    return None if is_form else Reading({}, "BODY_UNREADABLE", _kind(body))


def _came_again(name: str, payload: Payload) -> bool:
    return any(
        note.kind == "repeated" and note_name.startswith(f"{name} ×")
        for note in payload.notes
        for note_name in note.names
    )


def _are_values(fields: Any) -> bool:
    """Whether the body is a list of an event's values, of which one is its name: `Object.values(obj)`."""
    if not isinstance(fields, list) or len(fields) < MIN_VALUES:
        return False
    return isinstance(fields[0], str) and _EVENT_NAME.match(fields[0]) is not None and "&" not in fields[0]


def _printed_event(fields: Any) -> Reading | None:
    """The reading of a body one of whose fields holds a printed event; None if none does."""
    for name, text in _fields(fields, "body", MAX_DEPTH):
        if not isinstance(text, str) or "event" not in text or not _EVENT_NAME.search(text):
            continue
        printed = printout(text)
        if printed and printed not in ("json", "blank", "nothing") and not is_json(text):
            return Reading(fields, "BODY_PRINTED", name, how=printed)
    return None


def _empty(judgement: Judgement) -> Reading | None:
    """The reading of a body that holds nothing, or a word for it; None if it holds something."""
    body = judgement.body.strip(b" \t\r\n\0").lower()
    body = body.removesuffix(b"=") if body.removesuffix(b"=") in _NOTHING else body
    is_empty = judgement.payload.decoded_as == "json" and judgement.payload.fields in ({}, [])
    if body and not is_empty and body not in _NOTHING:
        return None
    if in_query := _event_in_query(judgement):
        return Reading(in_query, "BODY_IN_QUERY")
    if is_empty:
        variant = "list" if judgement.payload.fields == [] else "empty"
        return Reading({}, "BODY_PRINTED", "body", how=variant)
    return Reading({}, "BODY_EMPTY", body.decode(), how="null" if body else "")


def _event_in_query(judgement: Judgement) -> dict[str, Any] | None:
    """The event that is in the query instead of the body, all of it or in one parameter; else None."""
    query, _ = query_of(judgement)
    if "event" in query and any(is_of_event(str(name)) for name in query):
        return query
    texts = [value for value in query.values() if isinstance(value, str) and value[:1] == "{"]
    budget = Budget()
    inner = (
        reading for text in texts[:MAX_FIELDS] for reading in decoded(text.encode("utf-8", "replace"), budget)
    )
    return next((reading.fields for reading in inner if is_whole(reading.fields)), None)


def others(judgement: Judgement, as_received: Reading) -> list[Reading]:
    """The other readings, the simplest ones first; none for a body that can't be read at all."""
    if as_received.code in _WITHOUT_OTHERS or len(judgement.body) > MAX_BYTES:
        return []
    budget = Budget()
    readings = [*_of_bytes(judgement, budget), *_of_fields(as_received.fields, budget)]
    deeper = [
        Reading(inner.fields, outer.code, outer.detail, inner.repeated, outer.how)
        for outer in readings
        for inner in _of_fields(outer.fields, budget)
    ]
    return [_with_sent_name(reading, judgement) for reading in readings + deeper]


def _with_sent_name(reading: Reading, judgement: Judgement) -> Reading:
    """A flat name as it was sent: PHP's rules make `auth_application_token` of `auth.application_token`."""
    if reading.code != "BODY_FLATTENED":
        return reading
    name = name_as_sent(reading.detail.removeprefix("body:"), judgement)
    return replace(reading, detail=f"body:{name}")


def name_as_sent(name: str, judgement: Judgement) -> str:
    """A name at a form's top level as it was sent."""
    if judgement.payload.decoded_as != "form":
        return name
    raw = php_form.parameters(judgement.body)[0][:MAX_PARAMETERS]
    return next(
        (
            decoded_name
            for decoded_name in map(php_form.decoded, raw)
            if php_form.split_name(decoded_name) == (name,)
        ),
        name,
    )


def shown_type(judgement: Judgement) -> str:
    """The declared Content-Type in our own words, because a sender may write anything there."""
    declared = judgement.payload.declared
    words = {"json": "JSON", "form": "form", "multipart": "multipart", "text/plain": "text/plain", "": "-"}
    return words.get(declared, "?")


def _encoding(judgement: Judgement) -> str:
    encoding = judgement.incoming.header("content-encoding").lower()
    known_encodings = ("gzip", "deflate", "br", "zstd", "compress", "x-gzip")
    return encoding if encoding in known_encodings else "Content-Encoding" if encoding else "gzip"


def _kind(body: bytes) -> str:
    start = start_of(body)
    if _TEMPLATE.fullmatch(body.strip()):
        return "template"
    if start[:1] in (b"{", b"["):
        return "JSON"
    if start[:2] == b"--":
        return "multipart"
    return "XML" if start[:1] == b"<" else ""


def _of_bytes(judgement: Judgement, budget: Budget) -> Iterator[Reading]:
    """Readings of the whole body: another type, another encoding, other separators."""
    body = judgement.body
    content_type = judgement.incoming.header("content-type")
    if b"form-data" in body and (boundary := _BOUNDARY.search(body[:4096])):
        yield _parts(body, boundary[1], judgement, budget)
    if text := wide(body):
        is_declared = "utf-16" in content_type.lower() or "utf-32" in content_type.lower()
        code, detail = (
            ("BODY_UNREADABLE", "UTF-16")
            if is_declared
            else ("BODY_MISDECLARED", f"{shown_type(judgement)} → UTF-16")
        )
        yield from decoded(text, budget, content_type.partition(";")[0], code, detail)
    if judgement.payload.decoded_as != "json" and (b"=" not in body or _ENCODED_NAME.search(body)):
        unquoted = unquote_to_bytes(body)
        yield from decoded(unquoted, budget, "", "BODY_ENCODED_TWICE")
        if b"%" in unquoted:
            yield from decoded(unquote_to_bytes(unquoted), budget, "", "BODY_ENCODED_TWICE")
    if body[:3].lower() in (b"%7b", b"%5b"):
        yield from decoded(
            unquote_to_bytes(body.rstrip(b"=").replace(b"+", b" ")), budget, "", "BODY_ENCODED_TWICE"
        )
    if body.lstrip()[:1] in (b'"', b"'"):
        yield from decoded(text_of_json(body), budget, "", "BODY_NESTED", "body")
    if body[:1] in (b"=", b"?"):
        yield from decoded(body[1:], budget, "", "BODY_NESTED", "body")
    if _BASE64.fullmatch(squeezed := b"".join(body.split()).strip(b"\"'")):
        yield from decoded(from_base64(squeezed), budget, "", "BODY_UNREADABLE", "base64")
    if judgement.payload.decoded_as in ("form", "unreadable"):
        yield from _of_text(body, budget)


def _of_text(body: bytes, budget: Budget) -> Iterator[Reading]:
    """Readings of a form that something rewrote: HTML entities, lines, semicolons, a BOM."""
    if b"&quot;" in body or b"&amp;" in body or b"&#" in body:
        unescaped = html.unescape(body.decode("utf-8", "replace")).encode("utf-8", "replace")
        yield from decoded(unescaped, budget, "", "BODY_UNREADABLE", "HTML entities")
    if _SEPARATOR.search(body):
        lines = b"&".join(line.strip() for line in _SEPARATOR.split(body))
        yield from decoded(lines, budget, "", "BODY_UNREADABLE", "separators")
    if body[:3] == b"\xef\xbb\xbf":
        yield from decoded(body[3:], budget, "", "BODY_UNREADABLE", "BOM")


def _of_fields(fields: Any, budget: Budget, depth: int = MAX_TEXTS) -> Iterator[Reading]:
    """Readings of decoded fields: flat names put back in place, and an event inside a field."""
    if isinstance(fields, dict) and (flat := unflattened(fields)):
        yield Reading(flat[0], "BODY_FLATTENED", flat[1])
    for name, value in _fields(fields, "body", MAX_DEPTH):
        if isinstance(value, list):
            nested = from_pairs(value)
            if nested and is_event(nested):
                yield Reading(nested, "BODY_FLATTENED", name, how="pairs")
            elif nested and name in ("body:auth", "body:data"):
                yield Reading(with_pairs(fields), "BODY_FLATTENED", name, how="pairs")
            continue
        for inner in [Reading(with_form_names(value))] if isinstance(value, dict) else _inside(value, budget):
            if is_whole(inner.fields):
                variant = "n8n" if isinstance(fields, dict) and fields.keys() >= _N8N_ITEM else inner.how
                yield Reading(inner.fields, "BODY_NESTED", name, inner.repeated, variant)
            elif name in ("body:auth", "body:data") and isinstance(value, str) and inner.fields:
                yield Reading({**fields, name[5:]: inner.fields}, "BODY_NESTED", name, how="part")
            elif isinstance(value, str) and depth > 1:
                for deep in _of_fields(inner.fields, budget, depth - 1):
                    yield Reading(deep.fields, "BODY_NESTED", name, deep.repeated, inner.how)


def _fields(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    """The inner dicts, lists and texts that could be a body, at most `MAX_FIELDS` a level."""
    if not depth or not isinstance(value, dict | list):
        return
    if isinstance(value, list):
        yield name, value
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for _, (key, inner) in zip(range(MAX_FIELDS), items, strict=False):
        path = f"{name}.{key}" if ":" in name else f"{name}:{key}"
        if isinstance(inner, dict) or (isinstance(inner, str) and len(inner) > 20):
            yield path, inner
        if isinstance(key, str) and len(key) > 20 and inner == "":
            yield name, key
        yield from _fields(inner, path, depth - 1)


def _inside(text: str, budget: Budget) -> Iterator[Reading]:
    """Readings of a text that is JSON, a form, or base64 of either."""
    body = text.encode("utf-8", "replace")
    if not budget.allows(body):
        return
    for _ in range(2):
        if body.lstrip()[:1] == b'"':
            body = text_of_json(body)
    if body.lstrip()[:1] in (b"{", b"[") or re.search(rb"(?:event|auth|token)[^&]{0,60}=", body):
        yield from decoded(body, budget)
    if b"%" in body:
        yield from decoded(unquote_to_bytes(body), budget)
    if _BASE64.fullmatch(body):
        yield from (replace(reading, how="base64") for reading in decoded(from_base64(body), budget))


def _parts(body: bytes, boundary: bytes, judgement: Judgement, budget: Budget) -> Reading:
    """The reading of a multipart body's parts that the parser left out or rejected, files included."""
    fields: dict[str, Any] = {}
    files: list[str] = []
    for part in body.split(boundary)[1:200]:
        head, _, value = part.partition(b"\r\n\r\n" if b"\r\n\r\n" in part else b"\n\n")
        if match := _PART_NAME.search(head[:1000]):
            name = match[1].decode("utf-8", "replace")
            fields[name] = value.strip().decode("utf-8", "replace")
            files += [name] if b"filename" in head[:1000].lower() else []
    flat = unflattened(fields)
    # The JSON came as a Blob among the fields.
    if blob := next((name for name in files if name in ("auth", "data")), ""):
        return Reading({**fields, blob: {}}, "TOKEN_NOT_TEXT", f"body:{blob}: file")
    if files and flat and flat[1].removeprefix("body:") in files:
        # A file is not a text, whatever it holds.
        flat[0]["auth"]["application_token"] = None
        return Reading(flat[0], "TOKEN_NOT_TEXT", "body:auth.application_token: file")
    for name in files:
        for inner in _inside(fields[name], budget):
            return Reading(inner.fields, "BODY_NESTED", f"body:{name}", inner.repeated)
    whole = flat[0] if flat else fields
    if flat and judgement.payload.decoded_as == "multipart":
        return Reading(whole, "BODY_FLATTENED", flat[1])
    if judgement.payload.declared == "multipart":
        return Reading(whole, "BODY_UNREADABLE", "multipart")
    return Reading(whole, "BODY_MISDECLARED", f"{shown_type(judgement)} → multipart")


def query_of(judgement: Judgement) -> tuple[dict[str, Any], frozenset[tuple[str, Path]]]:
    """The query's parameters, and the token's place in it if that was given more than once."""
    try:
        query, repeated = decode_query(judgement.incoming.query[:MAX_QUERY])
    except TooComplex:
        return {}, frozenset()
    source, _, name = QUERY_PLACE.partition(":")
    return query, frozenset({(source, (name,))} if repeated else ())
