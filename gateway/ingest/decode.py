"""Decodes a body's bytes into plain values: once, so that what was verified is what is published.

By the Content-Type, and where that is missing or does not describe the body, by
what the body looks like. A form is read as PHP's `parse_str` would (`php_form`);
then, whatever the encoding, keys 0…n-1 in that order become a list and the text
`undefined` (which task events send) becomes null, so that one event has one
reading. JSON whose names are a form's (`data[ID]`), as many relays write it, is read
as that form, and a `data` or `auth` that is the text of a JSON object as that object.
No input raises anything but `TooComplex`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from gateway.ingest import php_form
from gateway.ingest.json_value import TOKEN_PATHS, Json, is_list, parse_json
from gateway.ingest.limits import MAX_LEVELS, MAX_PARAMETERS, check
from gateway.ingest.misread import may_be_misread, misread, names_of_texts
from verify import QUERY_PLACE, Path

MAX_NOTED = 20  # names per note
# Of `data`, which a relay may write as texts one level deeper.
_OBJECTS = ("FIELDS", "FIELDS_BEFORE", "FIELDS_AFTER")

_CACHED_NAMES, _CACHED_BYTES = 128, 8 * 1024  # bound the cache

_FORM_NAMES = ("data[", "auth[")
_NO_PLACES: frozenset[tuple[str, Path]] = frozenset()
_NO_PATHS: frozenset[Path] = frozenset()
_NEAR_TOKENS = (("data",), ("auth",), ("data", "auth"))
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
    notes: tuple["Note", ...] = ()


class Note(NamedTuple):
    """Something that PHP's `http_build_query` never writes, and what it may have cost.

    `kind`: `repeated` (a name came more than once: its last value counts), `appended`
    (a name ends in `[]`), `not_utf8` (a value's bytes are not UTF-8), `misread` (a value's letters were
    read as Latin-1 on the way), `line_end` (raw line ends or spaces after the last value were dropped).
    `names`: the names it concerns.
    """

    kind: str
    names: tuple[str, ...] = ()


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
            payload = Payload(reading.fields, reading.kind or kind, declared, reading.repeated, reading.notes)
            payload = _with_json_texts(payload, reading.leaves)
            if may_be_misread(body) and (names := misread(payload.fields)):
                payload = payload._replace(notes=(*payload.notes, Note("misread", names)))
            return payload
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
    """The places given more than once, as `verify` takes them."""
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


class _Read(NamedTuple):
    """What one reader made of a body; `leaves` counts its values, `kind` is set if the body is of another."""

    fields: Any
    leaves: int
    repeated: frozenset[Path] = frozenset()
    notes: tuple[Note, ...] = ()
    kind: str = ""


def _read_form(body: bytes) -> _Read | None:
    if b"=" not in body:
        return None
    # These end the sender's file, not the last value.
    whole, body = body, body.rstrip(b"\r\n ")
    if body.count(b"&") >= MAX_PARAMETERS:
        # Nothing between two separators is not a parameter.
        while b"&&" in body:
            body = body.replace(b"&&", b"&")
        check(MAX_PARAMETERS, body.strip(b"&").count(b"&") + 1, "parameters")
    raw_names, values = php_form.parameters(body)
    short = len(values) <= _CACHED_NAMES and len(body) <= _CACHED_BYTES
    names = _read_names(raw_names) if short else _names_of(php_form.names_of(raw_names))
    notes = names.notes
    if len(body) < len(whole):
        notes += (Note("line_end"),)
    if "\ufffd" in "".join(values):
        notes += _not_utf8(body, values)
    repeated = names.repeated | _repeated_inside(names, values)
    return _Read(_tree(names, values), len(values), repeated, notes)


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


class _Names(NamedTuple):
    """A form's names, and what is odd about them."""

    levels: Sequence[php_form.Name]
    repeated: frozenset[Path]
    notes: tuple[Note, ...] = ()
    # Values that may hold a token's place which also came elsewhere.
    above: tuple[tuple[int, Path], ...] = ()
    listed: bool = False


@lru_cache(maxsize=64)
def _read_names(raw_names: tuple[bytes, ...]) -> _Names:
    """Of a short form, cached: a webhook sends the same names in every delivery."""
    return _names_of(php_form.names_of(raw_names))


def _names_of(names: Sequence[php_form.Name]) -> _Names:
    check(MAX_LEVELS, max(map(len, names), default=0), "levels")
    notes = _notes_on(names)
    listed = any("0" in name or None in name for name in names)
    near = [name for name in names if "token" in name or "application_token" in name or name in _NEAR_TOKENS]
    if len(near) < 2:
        return _Names(names, _NO_PATHS, notes, listed=listed)
    from gateway.ingest.repeated import given_twice, objects_above  # cold start

    return _Names(names, given_twice(near), notes, objects_above(names), listed)


def _repeated_inside(names: _Names, values: Sequence[Any]) -> frozenset[Path]:
    """The token's paths that came inside objects or their texts, and elsewhere too."""
    if not names.above:
        return _NO_PATHS
    from gateway.ingest.repeated import given_inside  # cold start

    return given_inside(names.above, names.levels, values)


def _tree(names: _Names, values: Sequence[Any]) -> dict[str, Any]:
    """The values by their names, nested."""
    if "undefined" in values:  # from task events
        values = [None if value == "undefined" else value for value in values]
    tree = php_form.nest((name, value) for name, value in zip(names.levels, values, strict=True) if name)
    return _with_lists(tree) if names.listed else tree


def _notes_on(names: Sequence[php_form.Name]) -> tuple[Note, ...]:
    """Notes on names that came more than once, and on those that end in `[]`."""
    notes = []
    if len(set(names)) < len(names):
        counts = Counter(name for name in names if name)
        twice = tuple(name for name, count in counts.items() if count > 1 and None not in name)
        if twice:
            notes.append(
                Note("repeated", tuple(f"{_shown(name)} ×{counts[name]}" for name in twice[:MAX_NOTED]))
            )
    appended = list(dict.fromkeys(name for name in names if None in name))
    if appended:
        notes.append(Note("appended", tuple(map(_shown, appended[:MAX_NOTED]))))
    return tuple(notes)


def _shown(name: php_form.Name) -> str:
    """The name of `path` as a form writes it."""
    first, *rest = (level or "" for level in name)
    return first + "".join(f"[{level}]" for level in rest)


def _with_lists(array: dict[str, Any]) -> dict[str, Any]:
    """The fields with lists instead of arrays whose keys are 0…n-1; the top level stays a dict."""
    containers: list[Any] = [array]
    while containers:
        container = containers.pop()
        for key, value in list(enumerate(container) if type(container) is list else container.items()):
            holder: Any = container
            while type(value) is dict and value:
                if len(value) > 1:
                    if "0" in value and is_list(value):
                        value = holder[key] = list(value.values())
                    containers.append(value)
                    break
                # Most of a deep body is values with one value inside: these have a short loop of their own.
                [(inner_key, inner)] = value.items()
                if inner_key == "0":
                    holder[key], inner_key = [inner], 0
                holder, key, value = holder[key], inner_key, inner
    return array


def _read_multipart(body: bytes) -> _Read | None:
    from gateway.ingest.multipart import read_parts  # cold start

    raw_parts = read_parts(body)
    if raw_parts is None:
        return None
    parts = [(name, content) for raw, content in raw_parts if (name := php_form.split_name(raw))]
    texts = [content.decode("utf-8", "replace") for _, content in parts]
    names = _names_of([name for name, _ in parts])
    notes = names.notes
    if "\ufffd" in "".join(texts):
        notes += _not_utf8_parts(parts)
    return _Read(_tree(names, texts), len(texts), names.repeated | _repeated_inside(names, texts), notes)


def _not_utf8_parts(parts: Sequence[tuple[php_form.Name, bytes]]) -> tuple[Note, ...]:
    """The names of a multipart body's parts whose contents lost bytes."""
    names = [_shown(name) for name, content in parts if not _is_utf8(content)]
    return (Note("not_utf8", tuple(dict.fromkeys(names))[:MAX_NOTED]),) if names else ()


def _read_json(body: bytes) -> _Read | None:
    """The reading of a JSON body, its BOM skipped; with a form's names at the top it is read as that form."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    parsed = parse_json(text)
    if parsed is None or not isinstance(parsed.value, dict | list):
        return None
    notes: tuple[Note, ...] = ()
    if "\ufffd" in text and not _is_utf8(body):
        notes = (Note("not_utf8", names_of_texts(parsed.value, lambda value: "\ufffd" in value)),)
    if parsed.twice or parsed.twice_inside:
        notes += _twice(parsed)
    fields = parsed.value
    if isinstance(fields, dict) and any(name.startswith(_FORM_NAMES) for name in fields):
        return _form_in_json(fields, parsed, notes)
    return _Read(fields, parsed.leaves, parsed.repeated, notes)


def _twice(parsed: Json, *above: str) -> tuple[Note, ...]:
    """The note on names given more than once in JSON that is the value of the name `above`."""
    paths = [*((name,) for name in parsed.twice), *parsed.twice_inside]
    names = [_shown((*above, *path)) for path in paths[:MAX_NOTED]]
    return (Note("repeated", tuple(dict.fromkeys(names))),) if names else ()


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _form_in_json(fields: dict[str, Any], parsed: Json, notes: tuple[Note, ...]) -> _Read:
    """The form whose names a relay kept as names of a JSON object, as Express with axios, n8n or Go do.

    A place that is there both nested and under its flat name, or twice under one
    name, is given twice. Go writes each value as a list of one text.
    """
    values = list(fields.values())
    # A null in such a list was the text `undefined`.
    if all(
        isinstance(value, list) and len(value) == 1 and isinstance(value[0], str | None) for value in values
    ):
        values = [value[0] for value in values]
    levels = [php_form.split_name(name) for name in fields]
    twice = {name for name, raw in zip(levels, fields, strict=True) if raw in parsed.twice}
    if any(isinstance(value, dict) for value in values):
        # An object at a name's beginning takes in the rest, wherever that was.
        order = sorted(range(len(values)), key=lambda at: not isinstance(values[at], dict))
        levels, values = [levels[at] for at in order], [values[at] for at in order]
    names = _names_of(levels)
    repeated = names.repeated | parsed.repeated | _repeated_inside(names, values) | (TOKEN_PATHS & twice)
    return _Read(_tree(names, values), parsed.leaves, repeated, notes + names.notes, "form names in JSON")


def with_form_names(fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` nested if its names are a form's; unchanged if they are not."""
    if not any(str(name).startswith(_FORM_NAMES) for name in fields):
        return fields
    return _with_lists(
        php_form.nest((php_form.split_name(str(name)), value) for name, value in fields.items())
    )


def _with_json_texts(payload: Payload, leaves: int) -> Payload:
    """The fields with `data` and `auth` as objects if they are the texts of JSON objects."""
    fields = payload.fields
    if not isinstance(fields, dict):
        return payload
    repeated, notes = payload.repeated, payload.notes
    for top in ("data", "auth"):
        text = fields.get(top)
        if isinstance(text, str) and text.lstrip()[:1] == "{" and (parsed := parse_json(text, (top,))):
            inner = parsed.value
            fields[top] = list(inner.values()) if "0" in inner and is_list(inner) else inner
            repeated |= parsed.repeated
            notes += _twice(parsed, top)
            leaves += parsed.leaves - 1
            check(MAX_PARAMETERS, leaves, "parameters")
    inside = fields.get("data")
    data: dict[str, Any] = inside if isinstance(inside, dict) else {}
    for name in _OBJECTS:
        text = data.get(name)
        if isinstance(text, str) and text[:1] == "{" and (parsed := parse_json(text)):
            data[name] = parsed.value
            notes += _twice(parsed, "data", name)
            leaves += parsed.leaves - 1
            check(MAX_PARAMETERS, leaves, "parameters")
    if repeated is payload.repeated and notes is payload.notes:
        return payload
    return payload._replace(repeated=repeated, notes=notes)


_READERS: dict[str, Callable[[bytes], _Read | None]] = {
    "form": _read_form,
    "json": _read_json,
    "multipart": _read_multipart,
}
