"""Reads the file `.env`: its settings, and which of its lines cannot be read.

This uses python-dotenv's parser, because its `dotenv_values` would log every unreadable line in
English each time the file is read, with the number of the blank line before it.
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

# How many bad lines are named: a file of another kind has hundreds.
MAX_LINES = 10

# The events of an address in `FORWARD_TO`, apart from the address: `https://bot.example.com #ONTASK*`.
FILTER_APART = re.compile(r"\s#(?:\*|(?:ON|On)[A-Z]|on[a-z_]+\*)")


class EnvFile(NamedTuple):
    """The file's names and values; `problems` name lines that have no effect, never what they hold."""

    values: dict[str, str]
    problems: tuple[GatewayError, ...] = ()


def read(path: str | Path | None) -> EnvFile:
    """Read the file, if there is one. Raises `SettingError` if it is not text in UTF-8, or cannot be read."""
    if path is None or not os.path.lexists(path):
        return EnvFile({})
    if not os.path.isfile(path):
        return EnvFile({}, (GatewayError("ENV_NOT_A_FILE", path=Path(path).absolute()),))
    from dotenv.parser import parse_stream  # cold start

    try:
        bindings = list(parse_stream(io.StringIO(Path(path).read_text("utf-8"))))
    except UnicodeError:
        raise SettingError(str(path), "EXPECTED_UTF8") from None
    except OSError as error:
        owner = user_name(os.stat(path).st_uid)
        raise SettingError(str(path), "EXPECTED_READABLE", problem=error, owner=owner) from None
    values = {
        binding.key: binding.value
        for binding in bindings
        if binding.key is not None and binding.value is not None
    }
    # To the parser a name without `=` is not an error, but its author expects it to have an effect.
    skipped = [
        binding
        for binding in bindings
        if binding.error or (binding.key is not None and binding.value is None)
    ]
    absolute = Path(path).absolute()
    problems = (
        *_skipped(absolute, skipped),
        *_repeated(absolute, bindings, values),
        *_filter_as_comment(absolute, bindings),
    )
    return EnvFile(values, problems)


def _skipped(path: Path, skipped: Iterable["Binding"]) -> Iterator[GatewayError]:
    if lines := _line_numbers(skipped):
        yield GatewayError("ENV_LINE" if lines.isdecimal() else "ENV_LINES", path=path, lines=lines)


def _repeated(path: Path, bindings: Iterable["Binding"], values: Mapping[str, str]) -> Iterator[GatewayError]:
    """A problem for each name whose last value replaces another one; empty values are not counted."""
    bindings_of: dict[str, list[Binding]] = {}
    for binding in bindings:
        if binding.key is not None and binding.value is not None:
            bindings_of.setdefault(binding.key, []).append(binding)
    differing = [
        name
        for name, same_name in bindings_of.items()
        if {binding.value for binding in same_name} - {"", values[name]}
    ]
    for name in differing[:MAX_LINES]:
        yield GatewayError("ENV_TWICE", path=path, name=name, lines=_line_numbers(bindings_of[name]))


def _filter_as_comment(path: Path, bindings: Iterable["Binding"]) -> Iterator[GatewayError]:
    """A problem if the events that `FORWARD_TO` names were read as a comment: its address then gets all."""
    forwarding = [binding for binding in bindings if binding.key == "FORWARD_TO" and binding.value]
    for binding in forwarding[-1:]:
        written = binding.original.string.partition("=")[2].strip()
        quote = written[0] if written[0] in "\"'" else ""
        comment = written.rpartition(quote)[2] if quote else written[len(binding.value or "") :]
        if FILTER_APART.match(f" {comment.lstrip()}"):
            yield GatewayError("ENV_FILTER_APART", path=path, lines=_lines(binding))


def _line_numbers(bindings: Iterable["Binding"]) -> str:
    lines = [_lines(binding) for binding in bindings]
    return ", ".join(lines[:MAX_LINES]) + (", …" if len(lines) > MAX_LINES else "")


def _lines(skipped: "Binding") -> str:
    """`4`, or `4–7` where an unclosed quote swallowed the lines up to the next quote."""
    text = skipped.original.string
    blank = re.match(r"\s*", text)
    first = skipped.original.line + text[: blank.end() if blank else 0].count("\n")
    last = skipped.original.line + text.rstrip().count("\n")
    return str(first) if first == last else f"{first}–{last}"
