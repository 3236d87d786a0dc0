"""JSON within the limits, as the same plain values that a form gives."""

import json
import re
from collections import Counter
from operator import eq
from typing import Any, NamedTuple, NoReturn

from gateway.ingest.limits import MAX_LEVELS, MAX_PARAMETERS, check
from verify import BODY_PATHS, Path

TOKEN_PATHS = frozenset(BODY_PATHS.values())
_SURROGATE = re.compile("[\ud800-\udfff]")


class Json(NamedTuple):
    """A JSON value within the limits; `repeated`: the token paths whose names came more than once."""

    value: Any
    repeated: frozenset[Path] = frozenset()
    twice: tuple[str, ...] = ()  # names of the top level that came more than once


def parse_json(text: str) -> Json | None:
    """RFC 8259: no NaN, no Infinity, no number that nobody can hold; None for what is not JSON."""
    repeats: dict[int, tuple[Any, set[str]]] = {}  # the object is kept, or its id could be given anew

    def pairs_hook(items: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(items)
        if len(read) != len(items):
            counts = Counter(name for name, _ in items)
            repeats[id(read)] = read, {name for name, count in counts.items() if count > 1}
        return read

    try:
        # First without our hooks: what is over the limits has many objects and numbers to call them for.
        check(MAX_PARAMETERS, measure(json.loads(text, parse_constant=_refuse)), "parameters")
        value = json.loads(text, object_pairs_hook=pairs_hook, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        check(MAX_LEVELS, MAX_LEVELS + 1, "levels")
    except ValueError:
        return None
    repeated = frozenset(path for path in TOKEN_PATHS if repeats and _is_repeated(value, path, repeats))
    return Json(value, repeated, tuple(sorted(repeats.get(id(value), (value, set()))[1])))


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


def measure(value: Any) -> int:
    """The leaves of a JSON value, an empty list or object being one; raises `TooComplex` for levels.

    Over the limit it stops counting: each item of a level leads to a leaf at least.
    """
    leaves = 0
    level = [value]
    for depth in range(MAX_LEVELS + 2):
        if leaves + len(level) > MAX_PARAMETERS:
            return leaves + len(level)
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict | list) and item:
                inner.extend(item.values() if isinstance(item, dict) else item)
            else:
                leaves += 1
        if not inner:
            return leaves
        if depth == MAX_LEVELS:
            check(MAX_LEVELS, depth + 1, "levels")
        level = inner
    raise AssertionError("the loop returns or raises")  # pragma: no cover


def tidy(value: Any) -> Any:
    """`value` with lists, nulls and texts as a form has them; a lone surrogate fits into no UTF-8."""
    if isinstance(value, dict):
        keyed = {scrub(key): tidy(inner) for key, inner in value.items()}
        return list(keyed.values()) if "0" in keyed and is_list(keyed) else keyed
    if isinstance(value, list):
        return [tidy(inner) for inner in value]
    if isinstance(value, str):
        return None if value == "undefined" else scrub(value)
    return value


def scrub(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def is_list(array: dict[str, Any]) -> bool:
    return all(map(eq, array, map(str, range(len(array)))))


def holds(value: Any, path: Path) -> bool:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True
