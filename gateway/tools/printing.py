"""Makes text that strangers wrote safe for a terminal: control characters are shown, never sent."""

import json
from collections.abc import Iterable
from typing import Any

import click

from gateway.redaction import CONTROLS

_ESCAPED = {code: repr(chr(code))[1:-1] for code in CONTROLS}
# JSON escapes characters below the space by itself; a terminal obeys some of those above, too.
_IN_JSON = {code: f"\\u{code:04x}" for code in CONTROLS if code >= 0x7F}


def printable(text: str) -> str:
    """One line of text without anything that a terminal would obey."""
    return text.translate(_ESCAPED)


def as_json(value: Any, indent: int | None = 2) -> str:
    """JSON that a terminal may show as well."""
    return json.dumps(value, ensure_ascii=False, indent=indent).translate(_IN_JSON)


def print_list(values: Iterable[Any]) -> None:
    """Print a JSON list item by item, because the whole list may be larger than memory."""
    empty = True
    for value in values:
        click.echo(("[\n" if empty else ",\n") + as_json(value), nl=False)
        empty = False
    click.echo("[]" if empty else "\n]")
