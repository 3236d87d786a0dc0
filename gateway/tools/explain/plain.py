"""Restores a program's output: without line prefixes, and with escaped line ends and quotes undone."""

import html
import re
from collections.abc import Callable
from typing import Any

from gateway.tools.explain.request import Request, Unreadable, utf8

# What docker compose and PM2, Kubernetes, Heroku, journald and a mail put in front of every line.
_PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        rb"[\w.|-]{1,60} {1,9}\| ?",
        rb"\d{4}-\d\d-\d\dT[\d:.]{8,30}(?:Z|[+-]\d\d:\d\d)"
        rb" (?:std(?:out|err) [FP] |[\w-]{1,40}\[[\w.-]{1,60}\]: )",
        rb"[A-Z][a-z]{2} [ \d]\d [\d:]{8} [\w.-]{1,99} [\w.@/-]{1,99}(?:\[\d{1,9}\])?: ",
        # This is what `curl -v` prints.
        rb"> ?(?![A-Za-z]+ \S+ HTTP/)",
    )
)
_MAX_LINES = 5000
_ESCAPED = re.compile(r"Array\\n\s{0,20}\(|HTTP/1\.[01]\\r\\n|\{\\\"")
_QUOTED = re.compile(r"\"((?:POST |Array\\n)(?:[^\"\\]|\\.){1,600000})\"")
# The text inside may be JSON, which reads \\u itself.
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "u": "\\u"}


def without_prefixes(pasted: bytes) -> bytes:
    """The text without the prefix that all of its lines have."""
    lines = pasted.splitlines()
    if not 1 < len(lines) <= _MAX_LINES or any(line.startswith((b"<", b"*")) for line in lines):
        return pasted
    for prefix in _PREFIXES:
        matches = [prefix.match(line) for line in lines]
        if all(match is not None or not line.strip() for match, line in zip(matches, lines, strict=True)):
            return b"\n".join(
                line[match.end() :] if match else line for match, line in zip(matches, lines, strict=True)
            )
    return pasted


def read_escaped(text: str, read: Callable[[bytes], Any]) -> Request | None:
    """The event in a text whose line ends and quotes are escaped, or in a page's `<pre>`."""
    if (at := text.find("<pre")) >= 0 and text.lstrip()[:1] == "<":
        plain_text = html.unescape(re.sub(r"<[^<>]{0,300}>", "", text[at:]))
    elif _ESCAPED.search(text):
        quoted = _QUOTED.search(text)
        text = quoted[1] if quoted else text
        plain_text = re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), text)  # one level
    else:
        return None
    try:
        request = read(utf8(plain_text)) if plain_text != text else None
    except (Unreadable, RecursionError):
        return None
    is_event = isinstance(request, Request) and b"event" in request.body and request.read_as != "body"
    return request if is_event else None
