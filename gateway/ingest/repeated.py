"""Finds the token's places that a body gives more than once.

A place may come by its name, as a list or an object of that name, inside an object
above it (`{"auth": {…}}` beside `auth[token]`), and inside a `data` or `auth` that is
the text of a JSON object. Whichever of these would win, the place is malformed.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from gateway.ingest import php_form
from gateway.ingest.json_value import TOKEN_PATHS, holds, parse_json
from verify import Path

# `data` and `auth`, each of which may come twice.
MAX_OBJECTS = 4

ABOVE_TOKENS = frozenset(path[:length] for path in TOKEN_PATHS for length in range(1, len(path)))


def given_twice(names: Sequence[php_form.Name]) -> frozenset[Path]:
    """The token's paths that came more than once by name, also once as a text and once as a list."""
    return frozenset(
        path for path in TOKEN_PATHS if path in names and sum(name[: len(path)] == path for name in names) > 1
    )


def objects_above(names: Sequence[php_form.Name]) -> tuple[tuple[int, Path], ...]:
    """The positions of names that are above a token's path, each with that path, where it may come twice."""
    above = [(at, name) for at, name in enumerate(names) if name in ABOVE_TOKENS]
    positions = {path: [at for at, name in above if path[: len(name)] == name] for path in TOKEN_PATHS}
    return tuple(
        (at, path)
        for path, holders in positions.items()
        if len(holders) + (path in names) > 1
        for at in holders
    )


def given_inside(
    above: Sequence[tuple[int, Path]], names: Sequence[php_form.Name], values: Sequence[Any]
) -> frozenset[Path]:
    """The token's paths that came inside a value, and also by their names or inside another value.

    If there are more values than one event has, each counts as one that holds a token's place, unread.
    """
    positions = dict.fromkeys(at for at, _ in above)
    if len(positions) > MAX_OBJECTS:
        return frozenset(path for _, path in above)
    objects = {at: _object_of(names[at], values[at]) for at in positions}
    counts = Counter(path for at, path in above if holds(objects[at], path[len(names[at]) :]))
    return frozenset(path for path, count in counts.items() if count + (path in names) > 1)


def _object_of(name: php_form.Name, value: Any) -> Any:
    """A value as it is read in the end: a text `data` or `auth` as the JSON object that it may be."""
    if isinstance(value, str) and len(name) == 1:
        parsed = parse_json(value)
        return parsed and parsed.value
    return value
