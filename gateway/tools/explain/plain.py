"""Text as a program printed it, without what its carrier put around each line or in place of line ends."""

import html
import re
from collections.abc import Callable
from typing import Any

from gateway.tools.explain.request import Request, Unreadable

# What docker compose and PM2, Kubernetes, Heroku, journald and a letter put in front of every line.
_PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        rb"[\w.|-]{1,60} {1,9}\| ?",
        rb"\d{4}-\d\d-\d\dT[\d:.]{8,30}(?:Z|[+-]\d\d:\d\d)"
        rb" (?:std(?:out|err) [FP] |[\w-]{1,40}\[[\w.-]{1,60}\]: )",
        rb"[A-Z][a-z]{2} [ \d]\d [\d:]{8} [\w.-]{1,99} [\w.@/-]{1,99}(?:\[\d{1,9}\])?: ",
        rb"> ?(?![A-Za-z]+ \S+ HTTP/)",  # that is what `curl -v` prints
    )
)
_MAX_LINES = 5000
_ESCAPED = re.compile(r"Array\\n\s{0,20}\(|HTTP/1\.[01]\\r\\n|\{\\\"")
_QUOTED = re.compile(r"\"((?:POST |Array\\n)(?:[^\"\\]|\\.){1,600000})\"")
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "u": "\\u",
}  # the text inside may be JSON, which reads \\u itself


def without_prefixes(pasted: bytes) -> bytes:
    """The lines without the prefix that each of them has."""
    lines = pasted.splitlines()
    if not 1 < len(lines) <= _MAX_LINES or any(line.startswith((b"<", b"*")) for line in lines):
        return pasted
    for prefix in _PREFIXES:
        found = [prefix.match(line) for line in lines]
        if all(one is not None or not line.strip() for one, line in zip(found, lines, strict=True)):
            return b"\n".join(
                line[one.end() :] if one else line for one, line in zip(found, lines, strict=True)
            )
    return pasted


def read_escaped(text: str, read: Callable[[bytes], Any]) -> Request | None:
    """The event in a text whose line ends and quotes are escaped, or in a page's `<pre>`."""
    if (at := text.find("<pre")) >= 0 and text.lstrip()[:1] == "<":
        written = html.unescape(re.sub(r"<[^<>]{0,300}>", "", text[at:]))
    elif _ESCAPED.search(text):
        quoted = _QUOTED.search(text)
        text = quoted[1] if quoted else text
        written = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text)  # one level
    else:
        return None
    try:
        request = read(written.encode("utf-8", "surrogateescape")) if written != text else None
    except (Unreadable, RecursionError):
        return None
    is_event = isinstance(request, Request) and b"event" in request.body and request.read_as != "body"
    return request if is_event else None
