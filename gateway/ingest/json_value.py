"""Parses JSON within the limits, into the same plain values that a form gives."""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from gateway.ingest.limits import MAX_LEVELS, MAX_PARAMETERS, check
from gateway.ingest.misread import MAX_KEY
from gateway.ingest.php_form import is_list
from verify import BODY_PATHS, Path

TOKEN_PATHS = frozenset(BODY_PATHS.values())
_SURROGATE = re.compile("[\ud800-\udfff]")


class Json(NamedTuple):
    """A JSON value within the limits, its lists, nulls and texts as a form has them; its top stays a dict.

    `leaves`: how many values came. `repeated`: the token paths whose names came more
    than once. `twice`: names of the top level that did; `twice_inside`: the names on the way to deeper ones.
    """

    value: Any
    leaves: int = 1
    repeated: frozenset[Path] = frozenset()
    twice: tuple[str, ...] = ()
    twice_inside: tuple[tuple[str, ...], ...] = ()


def parse_json(text: str, above: Path = ()) -> Json | None:
    """The value of a JSON text (RFC 8259: no NaN, no Infinity, no unbounded number); None if it is not JSON.

    `above`: the names that the text is the value of. Raises `TooComplex`. Names given twice count twice, as
    a form's do.
    """
    try:
        # Each object is a tuple of its pairs, which keeps a name that was given twice.
        pairs = json.loads(
            text,
            object_pairs_hook=tuple,
            parse_constant=_refuse,
            parse_int=_counted(int),
            parse_float=_counted(_finite),
        )
        reader = _Reader("\\u" in text)
        value = reader.top(pairs)
    except RecursionError:
        check(MAX_LEVELS, MAX_LEVELS + 1, "levels")
    except ValueError:
        return None
    inside = {path: path[len(above) :] for path in TOKEN_PATHS if path[: len(above)] == above}
    repeated = frozenset(path for path, rest in inside.items() if _is_repeated(pairs, rest))
    twice: tuple[str, ...] = ()
    if isinstance(value, dict) and len(pairs) > len(value):
        counts = Counter(name for name, _ in pairs)
        twice = tuple(sorted(name for name, count in counts.items() if count > 1))
    return Json(value, reader.leaves, repeated, twice, _twice_inside(pairs) if reader.is_twice else ())


def _twice_inside(pairs: Any) -> tuple[tuple[str, ...], ...]:
    """The paths of names that came more than once in an object below the top."""
    paths: dict[tuple[str, ...], None] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((), pairs)]
    while waiting:
        path, value = waiting.pop()
        if type(value) is tuple:
            items = [(str(name)[:MAX_KEY], inner) for name, inner in value]
            counts = Counter(name for name, _ in value if path)
            paths |= dict.fromkeys((*path, name[:MAX_KEY]) for name, count in counts.items() if count > 1)
        else:
            items = [(str(at), inner) for at, inner in enumerate(value)]
        nested = [((*path, name), inner) for name, inner in items if type(inner) in (tuple, list)]
        waiting += reversed(nested)
    return tuple(paths)


def _counted(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """`read`, until there are more numbers than a body may have values: reading numbers costs the most."""
    numbers = 0

    def read_next(digits: str) -> Any:
        nonlocal numbers
        numbers += 1
        check(MAX_PARAMETERS, numbers, "parameters")
        return read(digits)

    return read_next


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number - number != 0:  # 1e999
        raise ValueError("a number over a double's range")
    return number


class _Reader:
    """Makes dicts and lists of the objects' pairs, and counts the values in `leaves`.

    An empty list or object is one value. `escaped`: whether texts may hold lone surrogates, which
    UTF-8 can't hold; a text with more than a thousand of them is not read as JSON.
    """

    def __init__(self, escaped: bool) -> None:
        self.leaves = 1
        # Whether a name came more than once in an object below the top.
        self.is_twice = False
        self._escaped = escaped
        self._surrogates = 0

    def top(self, value: Any) -> Any:
        """The top level, which stays a dict where it is one, whatever its names."""
        if type(value) is not tuple:
            return self._value(value, 0)
        self._count(value)
        return {self._text(name): self._value(inner, 1) for name, inner in value}

    def _value(self, value: Any, depth: int) -> Any:
        # Most of a deep body is values with one value inside: these have a short loop of their own.
        chain: list[str | None] = []
        while (kind := type(value)) in (tuple, list) and len(value) == 1:
            name, value = value[0] if kind is tuple else (None, value[0])
            chain.append(name)
        depth += len(chain)
        check(MAX_LEVELS, depth, "levels")
        if kind is str:
            value = None if value == "undefined" else self._text(value)
        elif kind is tuple or kind is list:
            value = self._inside(value, depth + 1)
        if self._escaped:
            chain = [name and self._text(name) for name in chain]
        for name in reversed(chain):
            value = [value] if name is None or name == "0" else {name: value}
        return value

    def _inside(self, value: Any, depth: int) -> Any:
        if not value:
            return {} if type(value) is tuple else value
        self._count(value)
        if type(value) is list:
            return [self._value(inner, depth) for inner in value]
        values = {self._text(name): self._value(inner, depth) for name, inner in value}
        if len(values) < len(value):
            self.is_twice = True
        return list(values.values()) if "0" in values and is_list(values) else values

    def _count(self, values: Any) -> None:
        self.leaves += max(len(values) - 1, 0)
        check(MAX_PARAMETERS, self.leaves, "parameters")

    def _text(self, text: str) -> str:
        if not self._escaped:
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            self._surrogates += len(text) - len(text.encode("utf-8", "ignore").decode())
            if self._surrogates > MAX_PARAMETERS:
                raise ValueError("no text") from None
            return _SURROGATE.sub("\ufffd", text)
        return text


def _is_repeated(pairs: Any, path: Path) -> bool:
    """Whether one of the names on the path to a value came more than once."""
    twice = False
    for name in path:
        if isinstance(pairs, str):
            # It may be the text of an object, and is read as that object later.
            return twice
        values = [value for key, value in pairs if key == name] if isinstance(pairs, tuple) else []
        if not values:
            return False
        twice = twice or len(values) > 1
        pairs = values[-1]
    return twice


def holds(value: Any, path: Path) -> bool:
    """Whether nested dicts have a value at `path`."""
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True
