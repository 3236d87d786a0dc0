"""Puts the named values of a body into the tree of fields that an event has, and notes what is odd.

The names are a form's, whether they came in a form, in a multipart body, or as names of JSON. In
the tree, keys 0…n-1 in that order are a list, and the text `undefined` is null.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from gateway.ingest import php_form
from gateway.ingest.limits import MAX_LEVELS, check
from verify import Path

MAX_NOTED = 20  # names per note
FORM_NAMES = ("data[", "auth[")
# Objects in `data` that a relay may write as the text of JSON.
OBJECTS = ("FIELDS", "FIELDS_BEFORE", "FIELDS_AFTER")
_NO_PATHS: frozenset[Path] = frozenset()
# The names above the token's places.
_NEAR_TOKENS = (("data",), ("auth",), ("data", "auth"))


class Note(NamedTuple):
    """Something that PHP's `http_build_query` never writes, and what it may have cost.

    `kind`: `repeated` (a name came more than once: its last value counts), `appended`
    (a name ends in `[]`), `not_utf8` (a value's bytes are not UTF-8), `misread` (a value's letters were
    read as Latin-1 on the way), `line_end` (raw line ends or spaces after the last value were dropped).
    `names`: the names it concerns.
    """

    kind: str
    names: tuple[str, ...] = ()


class Reading(NamedTuple):
    """What one reader made of a body: `leaves` counts its values, `kind` is set if it is of another kind."""

    fields: Any
    leaves: int
    repeated: frozenset[Path] = frozenset()
    notes: tuple[Note, ...] = ()
    kind: str = ""


class Names(NamedTuple):
    """A form's names, and what is odd about them; `may_make_lists` if one of their levels is 0 or `[]`."""

    levels: Sequence[php_form.Name]
    repeated: frozenset[Path]
    notes: tuple[Note, ...] = ()
    # The positions of values above a token's place that may also come elsewhere, each with that place.
    above: tuple[tuple[int, Path], ...] = ()
    may_make_lists: bool = False


@lru_cache(maxsize=64)
def cached_names(raw_names: tuple[bytes, ...]) -> Names:
    """`names_of` for the raw names of a short form: a webhook sends the same ones in every delivery."""
    return names_of(php_form.names_of(raw_names))


def names_of(names: Sequence[php_form.Name]) -> Names:
    """The names with what is odd about them. Raises `TooComplex` for more than 32 levels."""
    check(MAX_LEVELS, max(map(len, names), default=0), "levels")
    notes = _notes_on(names)
    may_make_lists = any("0" in name or None in name for name in names)
    near = [name for name in names if "token" in name or "application_token" in name or name in _NEAR_TOKENS]
    if len(near) < 2:
        return Names(names, _NO_PATHS, notes, may_make_lists=may_make_lists)
    from gateway.ingest.repeated import given_twice, objects_above  # cold start

    return Names(names, given_twice(near), notes, objects_above(names), may_make_lists)


def repeated_inside(names: Names, values: Sequence[Any]) -> frozenset[Path]:
    """The token's paths that came inside objects or their texts, and elsewhere too."""
    if not names.above:
        return _NO_PATHS
    from gateway.ingest.repeated import given_inside  # cold start

    return given_inside(names.above, names.levels, values)


def tree_of(names: Names, values: Sequence[Any]) -> dict[str, Any]:
    """The values by their names, nested."""
    # Task events send this text for null.
    if "undefined" in values:
        values = [None if value == "undefined" else value for value in values]
    tree = php_form.nest((name, value) for name, value in zip(names.levels, values, strict=True) if name)
    return _with_lists(tree) if names.may_make_lists else tree


def _notes_on(names: Sequence[php_form.Name]) -> tuple[Note, ...]:
    """Notes on names that came more than once, and on those that end in `[]`."""
    notes = []
    if len(set(names)) < len(names):
        counts = Counter(name for name in names if name)
        twice = tuple(name for name, count in counts.items() if count > 1 and None not in name)
        if twice:
            notes.append(
                Note("repeated", tuple(f"{written(name)} ×{counts[name]}" for name in twice[:MAX_NOTED]))
            )
    appended = list(dict.fromkeys(name for name in names if None in name))
    if appended:
        notes.append(Note("appended", tuple(map(written, appended[:MAX_NOTED]))))
    return tuple(notes)


def written(name: php_form.Name) -> str:
    """A name as a form writes it: `data[FIELDS][ID]`."""
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
                    if "0" in value and php_form.is_list(value):
                        value = holder[key] = list(value.values())
                    containers.append(value)
                    break
                # Most of a deep body is values with one value inside: these have a short loop of their own.
                [(inner_key, inner)] = value.items()
                if inner_key == "0":
                    holder[key], inner_key = [inner], 0
                holder, key, value = holder[key], inner_key, inner
    return array


def with_form_names(fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` nested if its names are a form's; unchanged if they are not."""
    if not any(str(name).startswith(FORM_NAMES) for name in fields):
        return fields
    return _with_lists(
        php_form.nest((php_form.split_name(str(name)), value) for name, value in fields.items())
    )


def is_utf8(body: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
