"""The file `.env`: its settings, and which of its lines cannot be read.

python-dotenv's parser reads it. Its own `dotenv_values` would log every unreadable line in English
each time the file is read, with the number of the blank line in front of it.
"""

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gateway.errors import GatewayError, SettingError
from gateway.sqlite_file import user_name

if TYPE_CHECKING:
    from dotenv.parser import Binding

MOST_LINES = 10  # lines are named; a file of another kind has hundreds of bad ones


class EnvFile(NamedTuple):
    """The file's names and values; `problems` name lines that have no effect, never what they hold."""

    values: dict[str, str]
    problems: tuple[GatewayError, ...] = ()


def read(path: str | Path | None) -> EnvFile:
    """Read the file, if it is there. Raises `SettingError` where it is not a text in UTF-8."""
    if path is None or not os.path.lexists(path):
        return EnvFile({})
    if not os.path.isfile(path):
        return EnvFile({}, (GatewayError("ENV_NOT_A_FILE", path=Path(path).absolute()),))
    from dotenv.parser import parse_stream  # cold start: only where a file is

    try:
        bindings = list(parse_stream(io.StringIO(Path(path).read_text("utf-8"))))
    except UnicodeError:
        raise SettingError(str(path), "EXPECTED_UTF8") from None
    except OSError as error:
        owner = user_name(os.stat(path).st_uid)
        raise SettingError(str(path), "EXPECTED_READABLE", problem=error, owner=owner) from None
    values = {one.key: one.value for one in bindings if one.key is not None and one.value is not None}
    # A name without `=` is no error to the parser; whoever wrote one expects it to have an effect.
    skipped = [one for one in bindings if one.error or (one.key is not None and one.value is None)]
    absolute = Path(path).absolute()
    return EnvFile(values, (*_skipped(absolute, skipped), *_repeated(absolute, bindings, values)))


def _skipped(path: Path, skipped: Iterable["Binding"]) -> Iterator[GatewayError]:
    if lines := _shown(skipped):
        yield GatewayError("ENV_LINE" if lines.isdecimal() else "ENV_LINES", path=path, lines=lines)


def _repeated(path: Path, bindings: Iterable["Binding"], values: Mapping[str, str]) -> Iterator[GatewayError]:
    """Names whose last value takes the place of another one; `.env.example`'s empty ones are none."""
    lines: dict[str, list[Binding]] = {}
    for one in bindings:
        if one.key is not None and one.value is not None:
            lines.setdefault(one.key, []).append(one)
    differing = [name for name, given in lines.items() if {one.value for one in given} - {"", values[name]}]
    for name in differing[:MOST_LINES]:
        yield GatewayError("ENV_TWICE", path=path, name=name, lines=_shown(lines[name]))


def _shown(bindings: Iterable["Binding"]) -> str:
    lines = [_lines(one) for one in bindings]
    return ", ".join(lines[:MOST_LINES]) + (", …" if len(lines) > MOST_LINES else "")


def _lines(skipped: "Binding") -> str:
    """`4`, or `4–7` where a quote that was left open took the lines up to the next quote with it."""
    text = skipped.original.string
    blank = re.match(r"\s*", text)
    first = skipped.original.line + text[: blank.end() if blank else 0].count("\n")
    last = skipped.original.line + text.rstrip().count("\n")
    return str(first) if first == last else f"{first}–{last}"
