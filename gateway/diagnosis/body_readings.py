"""Decodes a body in one more way; all such readings share a budget, and none raises."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.ingest.decode import decode
from gateway.ingest.limits import TooComplex
from gateway.ingest.printouts import printout
from verify import Path

# How many decodings one diagnosis may try, and how many bytes in all.
MAX_TRIES, MAX_TRIED = 100, 512 * 1024
_PART = re.compile(rb"--[^\r\n]{1,200}\r?\n[A-Za-z-]{1,40}:")
_UTF16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class Reading:
    """A body's top-level fields in one reading; `code` and `detail` say what is wrong with it, if anything.

    `how` chooses among the sentences of a code.
    """

    fields: Any
    code: str = ""
    detail: str = ""
    repeated: frozenset[Path] = frozenset()
    how: str = ""


class Budget:
    """A limit on all readings of one diagnosis together, since the sender decides how many there are."""

    def __init__(self) -> None:
        self.tries, self.bytes = MAX_TRIES, MAX_TRIED

    def allows(self, body: bytes) -> bool:
        """Whether one more decoding, of this body, is within the budget; it is counted."""
        self.tries, self.bytes = self.tries - 1, self.bytes - len(body)
        return self.tries >= 0 and self.bytes >= 0


def is_no_form(body: bytes) -> bool:
    """Whether the body begins like markup, a multipart or a printout, so that it is not a form."""
    start = start_of(body)
    return (
        start[:1] == b"<"
        or _PART.match(start) is not None
        or printout(start.decode("utf-8", "replace")) != ""
    )


def start_of(body: bytes) -> bytes:
    """The first 300 bytes, without a BOM and white space before them."""
    return body[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")[:300]


def decoded(
    body: bytes, budget: Budget, content_type: str = "", code: str = "", detail: str = ""
) -> Iterator[Reading]:
    """The reading of these bytes, if they decode and the budget allows it."""
    if not budget.allows(body):
        return
    try:
        payload = decode(body, content_type)
    except TooComplex:
        return
    if payload.decoded_as in ("form", "json", "multipart", "form names in JSON") and payload.fields:
        if payload.decoded_as == "form" and is_no_form(body):
            return
        yield Reading(payload.fields, code, detail, payload.repeated)


def wide(body: bytes) -> bytes:
    """The UTF-16 or UTF-32 `body` as UTF-8; b"" if it is neither."""
    encoding = "utf-16" if body[:2] in _UTF16 else ""
    if not encoding and body[1:2] == b"\0" and body[3:4] == b"\0":
        encoding = "utf-16-le" if body[2:3] != b"\0" else "utf-32-le"
    if not encoding and body[:1] == b"\0":
        encoding = "utf-16-be" if body[1:2] != b"\0" else "utf-32-be"
    return (
        body.decode(encoding, "replace").removeprefix("\ufeff").encode("utf-8", "replace")
        if encoding
        else b""
    )


def text_of_json(body: bytes) -> bytes:
    """The text that a JSON string holds, or the body without its quotes; b"" for other JSON."""
    try:
        text = json.loads(body)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace").strip().strip("\"'")
    return text.encode("utf-8", "replace") if isinstance(text, str) else b""


def from_base64(body: bytes) -> bytes:
    """The bytes of standard or URL-safe base64; b"" if it is neither."""
    try:
        return base64.b64decode(body.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(body) % 4))
    except (ValueError, binascii.Error):
        return b""
