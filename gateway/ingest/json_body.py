"""Reads JSON: a whole body, and the texts of JSON objects that stand for objects of an event.

JSON whose names are a form's (`data[ID]`), as many relays write it, is read as that form; a `data` or
`auth` that is the text of a JSON object is read as that object.
"""

from typing import Any

from gateway.ingest import php_form
from gateway.ingest.fields import (
    FORM_NAMES,
    MAX_NOTED,
    OBJECTS,
    Note,
    Reading,
    is_utf8,
    names_of,
    repeated_inside,
    tree_of,
    written,
)
from gateway.ingest.json_value import TOKEN_PATHS, Json, parse_json
from gateway.ingest.limits import MAX_PARAMETERS, check
from gateway.ingest.misread import names_of_texts


def read_json(body: bytes) -> Reading | None:
    """The reading of a JSON body, its BOM skipped; with a form's names at the top it is read as that form."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    parsed = parse_json(text)
    if parsed is None or not isinstance(parsed.value, dict | list):
        return None
    notes: tuple[Note, ...] = ()
    if "\ufffd" in text and not is_utf8(body):
        notes = (Note("not_utf8", names_of_texts(parsed.value, lambda value: "\ufffd" in value)),)
    if parsed.twice or parsed.twice_inside:
        notes += _twice(parsed)
    fields = parsed.value
    if isinstance(fields, dict) and any(name.startswith(FORM_NAMES) for name in fields):
        return _form_in_json(fields, parsed, notes)
    return Reading(fields, parsed.leaves, parsed.repeated, notes)


def with_json_texts(reading: Reading) -> Reading:
    """The reading with `data`, `auth` and the objects of `data` as objects where they are texts of JSON."""
    fields, leaves = reading.fields, reading.leaves
    repeated, notes = reading.repeated, reading.notes
    for top in ("data", "auth"):
        text = fields.get(top)
        if isinstance(text, str) and text.lstrip()[:1] == "{" and (parsed := parse_json(text, (top,))):
            inner = parsed.value
            fields[top] = list(inner.values()) if "0" in inner and php_form.is_list(inner) else inner
            repeated |= parsed.repeated
            notes += _twice(parsed, top)
            leaves += parsed.leaves - 1
            check(MAX_PARAMETERS, leaves, "parameters")
    inside = fields.get("data")
    data: dict[str, Any] = inside if isinstance(inside, dict) else {}
    for name in OBJECTS:
        text = data.get(name)
        if isinstance(text, str) and text[:1] == "{" and (parsed := parse_json(text)):
            data[name] = parsed.value
            notes += _twice(parsed, "data", name)
            leaves += parsed.leaves - 1
            check(MAX_PARAMETERS, leaves, "parameters")
    return reading._replace(leaves=leaves, repeated=repeated, notes=notes)


def _form_in_json(fields: dict[str, Any], parsed: Json, notes: tuple[Note, ...]) -> Reading:
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
        # Objects come first: what has a longer name is put into them, wherever it came.
        order = sorted(range(len(values)), key=lambda at: not isinstance(values[at], dict))
        levels, values = [levels[at] for at in order], [values[at] for at in order]
    names = names_of(levels)
    repeated = names.repeated | parsed.repeated | repeated_inside(names, values) | (TOKEN_PATHS & twice)
    return Reading(tree_of(names, values), parsed.leaves, repeated, notes + names.notes, "form names in JSON")


def _twice(parsed: Json, *above: str) -> tuple[Note, ...]:
    """The note on names given more than once in JSON that is the value of the name `above`."""
    paths = [*((name,) for name in parsed.twice), *parsed.twice_inside]
    names = [written((*above, *path)) for path in paths[:MAX_NOTED]]
    return (Note("repeated", tuple(dict.fromkeys(names))),) if names else ()
