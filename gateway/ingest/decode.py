"""From a body's bytes to plain values: once, so that what was verified is what is published.

By the Content-Type, and where that is missing or does not describe the body, by
what the body looks like. A form is read as PHP's `parse_str` would (`phpform`);
then, whatever the encoding, keys 0…n-1 in that order become a list and the text
`undefined` (which task events send) becomes null, so that one event has one
reading. No input raises anything but `TooComplex`.
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from gateway.ingest import php_form
from verify import BODY_PATHS, QUERY_PLACE, Path

MAX_PARAMETERS = 1000  # pairs of a form, parts, leaves of JSON
MAX_LEVELS = 32  # names on the way to a leaf

_CACHED_NAMES, _CACHED_BYTES = 128, 8 * 1024  # of a form whose shape is kept: 64 of them stay small

_TOKEN_PATHS = frozenset(BODY_PATHS.values())
_TOKEN_NAMES = frozenset(name for path in _TOKEN_PATHS for name in path)
_NO_PLACES: frozenset[tuple[str, Path]] = frozenset()
_GZIP = b"\x1f\x8b"
_SURROGATE = re.compile("[\ud800-\udfff]")
_TYPES = {
    "application/json": "json",
    "text/json": "json",
    "application/x-www-form-urlencoded": "form",
    "multipart/form-data": "multipart",
}


class TooComplex(Exception):
    """A body over the limits: `limit` is "parameters" or "levels", `came` how many came (at least)."""

    def __init__(self, limit: str, allowed: int, came: int) -> None:
        super().__init__(limit)
        self.limit = limit
        self.allowed = allowed
        self.came = came


class Payload(NamedTuple):
    """A decoded body.

    `fields`: the top level, a dict where the body was readable as an event could
    be. `decoded_as`: `form`, `json`, `multipart`, `empty`, `compressed` or
    `unreadable`. `declared`: what the Content-Type said, in the same words, or "".
    `repeated`: the token paths that were given more than once.
    """

    fields: Any
    decoded_as: str
    declared: str = ""
    repeated: frozenset[Path] = frozenset()


def decode(body: bytes, content_type: str = "", content_encoding: str = "") -> Payload:
    """Decode a body of at most 512 KiB. Raises `TooComplex` and nothing else."""
    declared = declared_type(content_type)
    if content_encoding.strip().lower() not in ("", "identity") or body[:2] == _GZIP:
        return Payload({}, "compressed", declared)
    if not body:
        return Payload({}, "empty", declared)
    for kind in _guesses(declared, body):
        read = _READERS[kind](body)
        if read is not None:
            return Payload(read[0], kind, declared, read[1])
    return Payload({}, "unreadable", declared)


def decode_query(query: bytes) -> tuple[dict[str, Any], bool]:
    """A query string as PHP reads it, and whether `token` was given more than once."""
    if not query:
        return {}, False
    parameters = list(php_form.pairs(query))
    return php_form.nest(parameters), sum(name == ("token",) for name, _ in parameters) > 1


def repeated_places(payload: Payload, query_token_repeated: bool) -> frozenset[tuple[str, Path]]:
    """The places given more than once, as `verify` takes them."""
    if not payload.repeated and not query_token_repeated:
        return _NO_PLACES
    places = {("body", path) for path in payload.repeated}
    if query_token_repeated:
        where, _, name = QUERY_PLACE.partition(":")
        places.add((where, (name,)))
    return frozenset(places)


@lru_cache(maxsize=64)
def declared_type(content_type: str) -> str:
    """`json`, `form`, `multipart`, another media type in lower case, or "" for none."""
    media = content_type.partition(";")[0].strip().lower()
    return "json" if media.endswith("+json") else _TYPES.get(media, media)


def _guesses(declared: str, body: bytes) -> list[str]:
    """The kinds to try: the declared one first, but a form last, as anything with a `=` is one to PHP.

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


def _read_form(body: bytes) -> tuple[Any, frozenset[Path]] | None:
    if b"=" not in body:
        return None
    if body.count(b"&") >= MAX_PARAMETERS:
        _check(MAX_PARAMETERS, sum(1 for part in body.split(b"&") if part), "parameters")
    raw_names, values = php_form.parameters(body)
    shape = _shape if len(values) <= _CACHED_NAMES and len(body) <= _CACHED_BYTES else _shape.__wrapped__
    return _filled(shape(raw_names), values)


class _Shape(NamedTuple):
    """What a form's names alone decide: the tree, positions in place of values, and the rest of a reading."""

    tree: dict[str, Any]
    levels: int
    repeated: frozenset[Path]


@lru_cache(maxsize=64)
def _shape(raw_names: tuple[str, ...]) -> _Shape:
    """A webhook sends the same names in every delivery: they are split, nested and counted once."""
    return _shape_of([php_form.name_of(raw) for raw in raw_names])


def _shape_of(names: Sequence[php_form.Name]) -> _Shape:
    tree = php_form.nest((name, position) for position, name in enumerate(names) if name)
    twice = {name for name in _TOKEN_PATHS if names.count(name) > 1} if len(set(names)) < len(names) else ()
    return _Shape(_with_lists(tree), max(map(len, names), default=0), frozenset(twice))


def _with_lists(array: dict[str, Any]) -> dict[str, Any]:
    """Lists in place of the arrays that are some; the top level stays a dict."""
    for key, value in array.items():
        if isinstance(value, dict):
            _with_lists(value)
            if "0" in value and _is_list(value):
                array[key] = list(value.values())
    return array


def _filled(shape: _Shape, values: list[str]) -> tuple[Any, frozenset[Path]]:
    _check(MAX_LEVELS, shape.levels, "levels")
    told = [None if value == "undefined" else value for value in values] if "undefined" in values else values
    return _fill(shape.tree, told), shape.repeated


def _fill(tree: Any, values: Sequence[str | None]) -> Any:
    if isinstance(tree, list):
        return [values[inner] if type(inner) is int else _fill(inner, values) for inner in tree]
    return {
        name: values[inner] if type(inner) is int else _fill(inner, values) for name, inner in tree.items()
    }


def _read_multipart(body: bytes) -> tuple[Any, frozenset[Path]] | None:
    """RFC 7578, by werkzeug's parser; a part with a file name is a file and is left out."""
    from werkzeug.exceptions import RequestEntityTooLarge
    from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

    first_line = body.lstrip().partition(b"\n")[0].strip()
    boundary = first_line[2:]  # the body knows better than its Content-Type
    if not first_line.startswith(b"--") or not boundary or len(boundary) > 200:
        return None
    decoder = MultipartDecoder(boundary, max_parts=MAX_PARAMETERS)
    parts: list[tuple[php_form.Name, list[bytes]]] = []
    name: php_form.Name = ()
    try:
        decoder.receive_data(body)
        decoder.receive_data(None)
        while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
            if isinstance(event, Field):
                name = php_form.split_name(event.name or "")
                if name:
                    parts.append((name, []))
            elif isinstance(event, File):
                name = ()
            elif isinstance(event, Data) and name:
                parts[-1][1].append(event.data)
    except RequestEntityTooLarge:
        _check(MAX_PARAMETERS, MAX_PARAMETERS + 1, "parameters")
    except ValueError:
        return None
    texts = [b"".join(chunks).decode("utf-8", "replace") for _, chunks in parts]
    return _filled(_shape_of([name for name, _ in parts]), texts)


def _read_json(body: bytes) -> tuple[Any, frozenset[Path]] | None:
    """RFC 8259: no NaN, no Infinity; a number nobody can hold makes the body unreadable. A BOM is skipped."""
    repeats: dict[int, tuple[Any, set[str]]] = {}  # the object is kept, or its id could be given anew

    def pairs_hook(items: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(items)
        if len(read) != len(items):
            names = [name for name, _ in items]
            repeats[id(read)] = read, {name for name in _TOKEN_NAMES if names.count(name) > 1}
        return read

    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        value = json.loads(text, object_pairs_hook=pairs_hook, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        _check(MAX_LEVELS, MAX_LEVELS + 1, "levels")
    except ValueError:
        return None
    if not isinstance(value, dict | list):
        return None
    repeated = frozenset(path for path in _TOKEN_PATHS if repeats and _is_repeated(value, path, repeats))
    _check(MAX_PARAMETERS, _measure(value), "parameters")
    if isinstance(value, dict):  # the top level stays a dict, as a form's does
        return {_scrub(name): _tidy_json(inner) for name, inner in value.items()}, repeated
    return _tidy_json(value), repeated


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number - number != 0:  # 1e999
        raise ValueError("a number over a double's range")
    return number


def _is_repeated(value: Any, path: Path, repeats: dict[int, tuple[Any, set[str]]]) -> bool:
    twice = False
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return False
        twice = twice or (id(value) in repeats and name in repeats[id(value)][1])
        value = value[name]
    return twice


def _measure(value: Any) -> int:
    """The leaves of a JSON value, an empty list or object being one; raises `TooComplex` for levels."""
    leaves = 0
    level = [value]
    for depth in range(MAX_LEVELS + 2):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict | list) and item:
                inner.extend(item.values() if isinstance(item, dict) else item)
            else:
                leaves += 1
        if not inner:
            return leaves
        if depth == MAX_LEVELS:
            _check(MAX_LEVELS, depth + 1, "levels")
        level = inner
    raise AssertionError("the loop returns or raises")  # pragma: no cover


def _check(allowed: int, came: int, limit: str) -> None:
    if came > allowed:
        raise TooComplex(limit, allowed, came)


def _is_list(array: dict[str, Any]) -> bool:
    return all(key == str(index) for index, key in enumerate(array))


def _tidy_json(value: Any) -> Any:
    """The same for JSON, whose texts may also hold lone surrogates: no UTF-8 can carry those."""
    if isinstance(value, dict):
        tidy = {_scrub(key): _tidy_json(inner) for key, inner in value.items()}
        return list(tidy.values()) if "0" in tidy and _is_list(tidy) else tidy
    if isinstance(value, list):
        return [_tidy_json(inner) for inner in value]
    if isinstance(value, str):
        return None if value == "undefined" else _scrub(value)
    return value


def _scrub(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


_READERS: dict[str, Callable[[bytes], tuple[Any, frozenset[Path]] | None]] = {
    "form": _read_form,
    "json": _read_json,
    "multipart": _read_multipart,
}
