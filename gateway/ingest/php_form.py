"""Reads a form body exactly as PHP's `parse_str` does, because PHP's `http_build_query` wrote it.

The rules are those of `php_register_variable_ex` in PHP's main/php_variables.c,
warts included: `.`, a space and an unclosed `[` in the first name become `_`,
text after a `]` is dropped, `[]` appends, a later value replaces an earlier one,
a NUL ends a name, 65 levels drop the parameter. The tests compare it with a real PHP.

An array is a `dict` with text keys in PHP's order: `"0"` is PHP's integer 0, `"00"`
its text. Texts are UTF-8; bytes that are not become U+FFFD, and names that are
alike after that are one name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import eq
from typing import Any
from urllib.parse import quote_plus

# None stands for `[]`, the next free index.
Name = tuple[str | None, ...]

PHP_LEVELS = 64  # PHP's max_input_nesting_level
_INT_MAX = 2**63 - 1
_SPACES = " \t\n\v\f\r"
_APPENDING = frozenset(["", *_SPACES])
_HEX = b"0123456789ABCDEFabcdef"
_DIGITS = bytes(ord("h") if octet in _HEX else octet if octet == ord("%") else 0 for octet in range(256))
_STRAY = bytes(octet if octet == ord("%") else 0 for octet in range(256))


def parameters(body: bytes) -> tuple[tuple[bytes, ...], list[str]]:
    """The raw names of a form's parameters, and their decoded values, both in order."""
    # A raw NUL ends PHP's C string.
    body = body.partition(b"\0")[0]
    names, _, raw_values = zip(*[part.partition(b"=") for part in body.split(b"&")], strict=True)
    return names, _all_decoded(raw_values)


def names_of(raw_names: Sequence[bytes]) -> list[Name]:
    """The levels of raw names, decoded all at once, which is faster."""
    return [split_name(name) for name in _all_decoded(raw_names)]


def _all_decoded(raws: Sequence[bytes]) -> list[str]:
    joined = b"\0".join(raws)
    if b"%00" in joined:
        return [decoded(raw) for raw in raws]
    return (decoded(joined) if b"%" in joined or b"+" in joined else joined.decode("utf-8", "replace")).split(
        "\0"
    )


def pairs(body: bytes) -> Iterator[tuple[Name, str]]:
    """The parameters in order, names split into their levels; names PHP drops are left out."""
    raw_names, values = parameters(body)
    for name, value in zip(names_of(raw_names), values, strict=True):
        if name:
            yield name, value


def parse_str(body: bytes) -> dict[str, Any]:
    """What PHP's `parse_str` makes of `body`: nested dicts of texts."""
    return nest(pairs(body))


def nest(parameters: Iterable[tuple[Name, Any]]) -> dict[str, Any]:
    """Put named values into nested dicts, in order."""
    parameters = list(parameters)
    root: dict[str, Any] = {}
    for name, value in parameters:
        if None in name:
            return _nest_appending(parameters)
        array: dict[Any, Any] = root
        for key in name[:-1]:
            inner = array.get(key)
            if not isinstance(inner, dict):
                inner = array[key] = {}
            array = inner
        array[name[-1]] = value
    return root


def _nest_appending(parameters: list[tuple[Name, Any]]) -> dict[str, Any]:
    """`nest` for names with `[]`: it keeps the next free index of each array that has one.

    Counting anew for each `[]` would cost the square of a body made of them.
    """
    root: dict[str, Any] = {}
    # Kept with its array, which a later value may replace: the array's id must not be used again.
    free: dict[int, tuple[dict[str, Any], int]] = {}
    for name, value in parameters:
        array, last = root, len(name) - 1
        for depth, level in enumerate(name):
            key = level
            if key is None:
                index = _free_index(array, free)
                if index > _INT_MAX:
                    # PHP drops a value that it has no index for.
                    break
                key = str(index)
            inner = array.get(key)
            if depth == last or not isinstance(inner, dict):
                array[key] = _branch(name[depth + 1 :], value)
                if id(array) in free and _is_integer(key):
                    free[id(array)] = array, max(free[id(array)][1], int(key) + 1)
                break
            array = inner
    return root


def _free_index(array: dict[str, Any], free: dict[int, tuple[dict[str, Any], int]]) -> int:
    if id(array) not in free:
        free[id(array)] = array, max((int(key) for key in array if _is_integer(key)), default=-1) + 1
    return free[id(array)][1]


def _branch(levels: Name, value: Any) -> Any:
    """`value` under levels that are all new, so that each `[]` is an array's first index."""
    for level in reversed(levels):
        value = {"0" if level is None else level: value}
    return value


def is_list(array: dict[str, Any]) -> bool:
    """Whether PHP calls an array a list: its keys are 0…n-1 in that order."""
    return all(map(eq, array, map(str, range(len(array)))))


def split_name(name: str) -> Name:
    """Split a decoded name into its levels; () where PHP drops the parameter."""
    name = name.partition("\0")[0].lstrip(" ")
    first, bracket, rest = name.partition("[")
    first = _mangled(first)
    if not first:
        return ()
    if rest[-1:] == "]":
        # Nearly every name is like this: some brackets, each closed, with nothing between them.
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
    """The levels of a name with an unclosed bracket, kept in the first name, dropped after a closed one."""
    if len(levels) > 1:
        return tuple(levels)
    return (f"{levels[0]}_{_mangled(rest)}",)


def _mangled(name: str) -> str:
    # `translate` takes fifty times as long for text that is not ASCII.
    return name.replace(" ", "_").replace(".", "_").replace("[", "_")


def _is_integer(key: str) -> bool:
    """Whether PHP stores this key as an integer: canonical decimal digits within 64 bits."""
    digits = key.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or (digits[0] == "0" and key != "0"):
        return False
    return -_INT_MAX - 1 <= int(key) <= _INT_MAX


def decoded(raw: bytes) -> str:
    """A raw name or value as text."""
    return octets_of(raw).decode("utf-8", "replace")


def octets_of(raw: bytes) -> bytes:
    """A raw name or value as bytes, by a codec in C: a twentieth of `unquote_to_bytes`' time for Cyrillic."""
    octets = raw.replace(b"+", b" ").replace(b"\\", b"\\\\")
    try:
        return octets.replace(b"%", b"\\x").decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:
        # A `%` without its two digits stays as it is.
        return _escape_strays(octets).replace(b"%", b"\\x").decode("unicode_escape").encode("latin-1")


def _escape_strays(octets: bytes) -> bytes:
    """Each `%` without its two digits as `\\x25`, all at once: a sender may write a quarter of a million.

    A mask makes each stray `%` a NUL, and one `replace` then finds them all. The octets' own NULs
    are escaped first; there are few, because PHP reads no further than a raw one.
    """
    octets = octets.replace(b"\0", rb"\x00")
    mask = octets.translate(_DIGITS).replace(b"%hh", b"hhh").translate(_STRAY)
    marked = int.from_bytes(octets, "big") ^ int.from_bytes(mask, "big")
    return marked.to_bytes(len(octets), "big").replace(b"\0", rb"\x25")


def build_query(value: Mapping[str, Any]) -> bytes:
    """A form body as PHP's `http_build_query` writes it: null and empty arrays vanish, true is 1, false 0."""
    return "&".join(f"{_quoted(name)}={_quoted(text)}" for name, text in _named(value, "")).encode()


def _quoted(text: str) -> str:
    """As PHP's `urlencode`: a space is `+`, `*` stays, `~` does not. Bytes that aren't UTF-8 stay."""
    return quote_plus(text, "*", errors="surrogateescape").replace("~", "%7E")


def _named(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, inner in items:
            yield from _named(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, bool):
        yield name, str(int(value))
    elif value is not None:
        yield name, str(value)
