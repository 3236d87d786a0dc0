"""The file `.env`: its settings, and which of its lines cannot be read.

python-dotenv's parser reads it. Its own `dotenv_values` would log every unreadable line in English
each time the file is read, with the number of the blank line in front of it.
"""

import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gateway.errors import GatewayError, SettingError

if TYPE_CHECKING:
    from dotenv.parser import Binding

MOST_LINES = 10  # lines are named; a file of another kind has hundreds of bad ones


class EnvFile(NamedTuple):
    """The file's names and values; `problem` names the lines that were skipped, never what they hold."""

    values: dict[str, str]
    problem: GatewayError | None = None


def read(path: str | Path | None) -> EnvFile:
    """Read the file, if it is there. Raises `SettingError` where it is not a text in UTF-8."""
    if path is None or not Path(path).is_file():
        return EnvFile({})
    from dotenv.parser import parse_stream  # cold start: only where a file is

    try:
        bindings = list(parse_stream(io.StringIO(Path(path).read_text("utf-8"))))
    except (OSError, UnicodeError):
        raise SettingError(str(path), "EXPECTED_UTF8") from None
    values = {one.key: one.value for one in bindings if one.key is not None and one.value is not None}
    # A name without `=` is no error to the parser; whoever wrote one expects it to have an effect.
    skipped = [one for one in bindings if one.error or (one.key is not None and one.value is None)]
    return EnvFile(values, _problem(Path(path).absolute(), skipped))


def _problem(path: Path, skipped: Iterable["Binding"]) -> GatewayError | None:
    lines = [_lines(one) for one in skipped]
    if not lines:
        return None
    shown = ", ".join(lines[:MOST_LINES]) + (", …" if len(lines) > MOST_LINES else "")
    return GatewayError("ENV_LINE" if shown.isdecimal() else "ENV_LINES", path=path, lines=shown)


def _lines(skipped: "Binding") -> str:
    """`4`, or `4–7` where a quote that was left open took the lines up to the next quote with it."""
    text = skipped.original.string
    blank = re.match(r"\s*", text)
    first = skipped.original.line + text[: blank.end() if blank else 0].count("\n")
    last = skipped.original.line + text.rstrip().count("\n")
    return str(first) if first == last else f"{first}–{last}"
