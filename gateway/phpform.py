"""A form body exactly as PHP's `parse_str` reads it, as its sender is PHP's `http_build_query`.

The rules are those of `php_register_variable_ex` in PHP's main/php_variables.c,
warts included: `.`, a space and an unclosed `[` in the first name become `_`,
text after a `]` is dropped, `[]` appends, a later value replaces an earlier one,
a NUL ends a name, 65 levels drop the parameter. Held against a real PHP in the tests.

An array is a `dict` with text keys in PHP's order: `"0"` is PHP's integer 0, `"00"`
its text. Texts are UTF-8; bytes that are not become U+FFFD, and names that are
alike after that are one name.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

Name = tuple[str | None, ...]  # None is `[]`: the next free index

PHP_LEVELS = 64  # PHP's max_input_nesting_level
_INT_MAX = 2**63 - 1
_MANGLED = str.maketrans(" .[", "___")
_SPACES = " \t\n\v\f\r"
_CACHED_NAME = 128  # characters; longer names are read anew, so that the cache stays small


def pairs(body: bytes) -> list[tuple[Name, str]]:
    """The parameters of a form body in order, names split into their levels; names PHP drops are left out."""
    text = body.decode("utf-8", "surrogateescape")  # once: it is ASCII, but for senders that do not encode
    plain = text.isascii()
    read: list[tuple[Name, str]] = []
    for part in text.partition("\0")[0].split("&"):  # a raw NUL ends PHP's C string
        raw_name, _, value = part.partition("=")
        name = _cached(raw_name) if len(raw_name) <= _CACHED_NAME else split_name(_decoded(raw_name))
        if name:
            coded = "%" in value or "+" in value or not plain
            read.append((name, _decoded(value) if coded else value))
    return read


def parse_str(body: bytes) -> dict[str, Any]:
    """What PHP's `parse_str` makes of `body`: nested dicts of texts."""
    return nest(pairs(body))


def nest(parameters: Iterable[tuple[Name, Any]]) -> dict[str, Any]:
    """Put named values into nested dicts, in order."""
    root: dict[str, Any] = {}
    for name, value in parameters:
        array = root
        for level in name[:-1]:
            key = _next_index(array) if level is None else level
            if key is None:
                break
            inner = array.get(key)
            if not isinstance(inner, dict):
                inner = array[key] = {}
            array = inner
        else:
            key = _next_index(array) if name[-1] is None else name[-1]
            if key is not None:
                array[key] = value
    return root


def split_name(name: str) -> Name:
    """Split a decoded name into its levels; () where PHP drops the parameter."""
    name = name.partition("\0")[0].lstrip(" ")
    first, bracket, rest = name.partition("[")
    first = first.translate(_MANGLED)
    if not first:
        return ()
    levels: list[str | None] = [first]
    while bracket:
        if len(levels) > PHP_LEVELS:
            return ()
        if rest[:1] == "]" or (rest[:1] and rest[0] in _SPACES and rest[1:2] == "]"):
            levels.append(None)
            rest = rest.partition("]")[2]
        else:
            index, closed, after = rest.partition("]")
            if not closed:
                return _unclosed(levels, rest)
            levels.append(index)
            rest = after
        bracket, rest = rest[:1] if rest[:1] == "[" else "", rest[1:]
    return tuple(levels)


def _unclosed(levels: list[str | None], rest: str) -> Name:
    """A bracket that is never closed belongs to the first name; behind a closed one it is dropped."""
    if len(levels) > 1:
        return tuple(levels)
    return (f"{levels[0]}_{rest.translate(_MANGLED)}",)


def _next_index(array: dict[str, Any]) -> str | None:
    """PHP's next free index: one above the highest integer key, else 0; None where there is none."""
    highest = max((int(key) for key in array if _is_integer(key)), default=-1)
    return None if highest >= _INT_MAX else str(highest + 1)


def _is_integer(key: str) -> bool:
    """Whether PHP stores this key as an integer: canonical decimal digits within 64 bits."""
    digits = key.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or (digits[0] == "0" and key != "0"):
        return False
    return -_INT_MAX - 1 <= int(key) <= _INT_MAX


def _decoded(raw: str) -> str:
    octets = raw.replace("+", " ").encode("utf-8", "surrogateescape")
    return _unquoted(octets).decode("utf-8", "replace")


def _unquoted(octets: bytes) -> bytes:
    """`unquote_to_bytes`, by a codec that is written in C: a twentieth of the time for Cyrillic."""
    try:
        escapes = octets.replace(b"\\", b"\\\\").replace(b"%", b"\\x")
        return escapes.decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:  # a `%` without its two digits stays as it is
        return unquote_to_bytes(octets)


@lru_cache(maxsize=2048)
def _cached(raw_name: str) -> Name:
    """A webhook repeats the same names in every delivery: split each once."""
    return split_name(_decoded(raw_name))


def build_query(value: Mapping[str, Any]) -> bytes:
    """A form body as PHP's `http_build_query` writes it: null and empty arrays vanish, true is 1, false 0."""
    return urlencode(list(_named(value, ""))).encode()


def _named(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in items:
            yield from _named(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, bool):
        yield name, str(int(value))
    elif value is not None:
        yield name, str(value)
