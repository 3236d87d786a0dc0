"""Reads a multipart body (RFC 7578): its parts, without files.

werkzeug's parser is not used: with a thousand parts whose heads are long, a sender made it do
the work of three thousand healthy events.
"""

import re
from collections.abc import Sequence
from itertools import islice

from gateway.ingest import php_form
from gateway.ingest.fields import (
    MAX_NOTED,
    Note,
    Reading,
    is_utf8,
    names_of,
    repeated_inside,
    tree_of,
    written,
)
from gateway.ingest.limits import MAX_PARAMETERS, check

# In bytes: RFC 2046 allows 70.
MAX_BOUNDARY = 200
# In bytes: `name` comes before the file's name, which may be long.
_MAX_DISPOSITION = 4096
_MAX_ATTRIBUTES = 8
# Semicolons and backslashes, of which names may hold some.
_MAX_MARKS = 100

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_DISPOSITION = re.compile(rb"\ncontent-disposition[ \t]*:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    rb';[ \t\r\n]*([\w*-]{1,40})[ \t]*=[ \t]*(?:"([^"\\]*(?:\\.[^"\\]*)*)"?|([^;]*))', re.DOTALL
)

# This stands for a quoted backslash while the others are removed.
_BACKSLASH = b"\0\1\0"


def read_multipart(body: bytes) -> Reading | None:
    """The reading of a multipart body; None if it is broken. Raises `TooComplex`."""
    raw_parts = read_parts(body)
    if raw_parts is None:
        return None
    parts = [(name, content) for raw, content in raw_parts if (name := php_form.split_name(raw))]
    texts = [content.decode("utf-8", "replace") for _, content in parts]
    names = names_of([name for name, _ in parts])
    notes = names.notes
    if "\ufffd" in "".join(texts):
        notes += _not_utf8_parts(parts)
    return Reading(tree_of(names, texts), len(texts), names.repeated | repeated_inside(names, texts), notes)


def read_parts(body: bytes) -> list[tuple[str, bytes]] | None:
    """The parts' names and contents in order; None if the body is broken or cut off. Raises `TooComplex`."""
    first_line = body.lstrip().partition(b"\n")[0].strip()
    # The body's own boundary is more reliable than the Content-Type's.
    boundary = first_line[2:]
    if not first_line.startswith(b"--") or not 0 < len(boundary) <= MAX_BOUNDARY:
        return None
    delimiter = b"\n--" + boundary
    pieces = (b"\n" + body.lstrip()).split(delimiter, MAX_PARAMETERS + 2)
    parts: list[tuple[str, bytes]] = []
    for number, piece in enumerate(_joined(pieces[1:], delimiter)):
        if piece.startswith(b"--"):
            return parts
        check(MAX_PARAMETERS, number + 1, "parameters")
        head_end = _BLANK_LINE.search(piece)
        disposition = head_end and _DISPOSITION.search(piece, piece.index(b"\n"), head_end.start())
        if not head_end or not disposition or max(map(disposition[1].count, b";\\")) > _MAX_MARKS:
            return None
        if name := _name(disposition[1][:_MAX_DISPOSITION]):
            parts.append((name, piece[head_end.end() :].removesuffix(b"\r")))
    return None


def _joined(pieces: list[bytes], delimiter: bytes) -> list[bytes]:
    """The pieces between boundaries; a line that only begins like one belongs to the part before it."""
    joined: list[bytes] = []
    for piece in pieces:
        if joined and not piece.startswith(b"--") and piece.partition(b"\n")[0].strip():
            joined[-1] += delimiter + piece
        else:
            joined.append(piece)
    return joined


def _name(disposition: bytes) -> str:
    """The part's name; "" if it has none, or is a file."""
    name = b""
    for match in islice(_ATTRIBUTE.finditer(disposition), _MAX_ATTRIBUTES):
        attribute, quoted, unquoted = match.groups()
        if attribute.lower().startswith(b"filename"):
            return ""
        if attribute.lower() == b"name":
            name = unquoted.strip() if quoted is None else _unquoted(quoted)
    return name.decode("utf-8", "replace")


def _unquoted(text: bytes) -> bytes:
    """Without the backslashes of quoted pairs, as fast for thousands of them as for none."""
    apart = text.replace(b"\\\\", _BACKSLASH).replace(b"\\", b"").replace(_BACKSLASH, b"\\")
    return apart.replace(b"%22", b'"')


def _not_utf8_parts(parts: Sequence[tuple[php_form.Name, bytes]]) -> tuple[Note, ...]:
    """The names of a multipart body's parts whose contents lost bytes."""
    names = [written(name) for name, content in parts if not is_utf8(content)]
    return (Note("not_utf8", tuple(dict.fromkeys(names))[:MAX_NOTED]),) if names else ()
