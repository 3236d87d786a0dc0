"""A form body exactly as PHP's `parse_str` reads it, as its sender is PHP's `http_build_query`.

The rules are those of `php_register_variable_ex` in PHP's main/php_variables.c,
warts included: `.`, a space and an unclosed `[` in the first name become `_`,
text after a `]` is dropped, `[]` appends, a later value replaces an earlier one,
a NUL ends a name, 65 levels drop the parameter. Held against a real PHP in the tests.

An array is a `dict` with text keys in PHP's order: `"0"` is PHP's integer 0, `"00"`
its text. Texts are UTF-8; bytes that are not become U+FFFD, and names that are
alike after that are one name.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus

Name = tuple[str | None, ...]  # None is `[]`: the next free index

PHP_LEVELS = 64  # PHP's max_input_nesting_level
_INT_MAX = 2**63 - 1
_MANGLED = str.maketrans(" .[", "___")
_SPACES = " \t\n\v\f\r"
_APPENDING = frozenset(["", *_SPACES])
_STRAY = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SHORT = 128  # characters of a name that is kept


def parameters(body: bytes) -> tuple[tuple[str, ...], list[str]]:
    """The raw names of a form's parameters, and their decoded values, both in order."""
    text = body.decode("utf-8", "surrogateescape").partition("\0")[0]  # a raw NUL ends PHP's C string
    names, _, raw_values = zip(*[part.partition("=") for part in text.split("&")], strict=True)
    joined = "\0".join(raw_values)
    if "%00" in joined:
        return names, [decoded(value) for value in raw_values]
    if "%" in joined or "+" in joined or not joined.isascii():
        joined = decoded(joined)  # all in one go
    return names, joined.split("\0")


def pairs(body: bytes) -> Iterator[tuple[Name, str]]:
    """The parameters in order, names split into their levels; names PHP drops are left out."""
    for raw_name, value in zip(*parameters(body), strict=True):
        if name := name_of(raw_name):
            yield name, value


def parse_str(body: bytes) -> dict[str, Any]:
    """What PHP's `parse_str` makes of `body`: nested dicts of texts."""
    return nest(pairs(body))


def nest(parameters: Iterable[tuple[Name, Any]]) -> dict[str, Any]:
    """Put named values into nested dicts, in order."""
    parameters = list(parameters)
    if any(None in name for name, _ in parameters):
        return _nest_appending(parameters)
    root: dict[str, Any] = {}
    for name, value in parameters:
        array = root
        for key in name[:-1]:
            inner = array.get(key)  # type: ignore[arg-type]
            if not isinstance(inner, dict):
                inner = array[key] = {}  # type: ignore[index]
            array = inner
        array[name[-1]] = value  # type: ignore[index]
    return root


def _nest_appending(parameters: list[tuple[Name, Any]]) -> dict[str, Any]:
    """The same where names have `[]`: the next free index of each array is kept.

    Counting anew for each `[]` would cost the square of a body made of them.
    """
    root: dict[str, Any] = {}
    # The highest integer key of each array, where it has one; else the next index is 0.
    highest: dict[int, int | None] = {id(root): None}
    kept: list[dict[str, Any]] = []  # a replaced array stays, or its id could be given anew
    for name, value in parameters:
        array, last = root, len(name) - 1
        for depth, level in enumerate(name):
            top = highest[id(array)]
            if level is None:
                index = 0 if top is None else top + 1
                if index > _INT_MAX:
                    break  # PHP drops what it has no index for
                key = str(index)
                highest[id(array)] = index
            else:
                key = level
                if _is_integer(key) and (top is None or int(key) > top):
                    highest[id(array)] = int(key)
            if depth == last:
                array[key] = value
                break
            inner = array.get(key)
            if not isinstance(inner, dict):
                inner = array[key] = {}
                highest[id(inner)] = None
                kept.append(inner)
            array = inner
    return root


def split_name(name: str) -> Name:
    """Split a decoded name into its levels; () where PHP drops the parameter."""
    name = name.partition("\0")[0].lstrip(" ")
    first, bracket, rest = name.partition("[")
    first = first.translate(_MANGLED)
    if not first:
        return ()
    if rest[-1:] == "]":
        # Nearly every name: so many brackets, each closed, with nothing between them.
        indices = rest[:-1].split("][")
        if rest.count("]") == len(indices):
            plain = (first, *[None if index in _APPENDING else index for index in indices])
            return plain if len(indices) <= PHP_LEVELS else ()
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


def _is_integer(key: str) -> bool:
    """Whether PHP stores this key as an integer: canonical decimal digits within 64 bits."""
    digits = key.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or (digits[0] == "0" and key != "0"):
        return False
    return -_INT_MAX - 1 <= int(key) <= _INT_MAX


def name_of(raw: str) -> Name:
    """The levels of a raw name; a webhook repeats its names, so short ones are split once."""
    return _short_name(raw) if len(raw) <= _SHORT else split_name(decoded(raw))


@lru_cache(maxsize=2048)
def _short_name(raw: str) -> Name:
    return split_name(decoded(raw))


def decoded(raw: str) -> str:
    """A raw name or value as text: by a codec in C, a twentieth of `unquote_to_bytes`' time for Cyrillic."""
    octets = raw.replace("+", " ").encode("utf-8", "surrogateescape").replace(b"\\", b"\\\\")
    try:
        octets = octets.replace(b"%", b"\\x").decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:  # a `%` without its two digits stays as it is
        # Joined, as substituting takes three times as long; runs of them are halved before.
        kept = rb"\x25".join(_STRAY.split(octets.replace(b"%%", rb"\x25%"))).replace(b"%", b"\\x")
        octets = kept.decode("unicode_escape").encode("latin-1")
    return octets.decode("utf-8", "replace")


def build_query(value: Mapping[str, Any]) -> bytes:
    """A form body as PHP's `http_build_query` writes it: null and empty arrays vanish, true is 1, false 0."""
    return "&".join(f"{_quoted(name)}={_quoted(text)}" for name, text in _named(value, "")).encode()


def _quoted(text: str) -> str:
    """As PHP's `urlencode`: a space is `+`, `*` stays, `~` does not."""
    return quote_plus(text, "*").replace("~", "%7E")


def _named(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in items:
            yield from _named(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, bool):
        yield name, str(int(value))
    elif value is not None:
        yield name, str(value)
