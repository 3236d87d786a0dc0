"""Events that lost their contents on the way: what was rewritten, and by whom, where that can be told.

Such an event is never queued. Its `data` would be null, different users would share one
`event_id`, and the bot would be told of a change that nobody can look up.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_FLAT = re.compile(r"data(?:\.|_|\[|%5b)", re.IGNORECASE)
_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,99}")  # a name of Bitrix24's own: ID, FIELDS, UF_DEPARTMENT

# What programs print in place of an object, by how the text begins. The first that fits counts.
_PRINTOUTS = (
    ("blank", re.compile(r"\s*\Z")),
    ("object", re.compile(r"\[object ")),  # JavaScript's String(object)
    ("array", re.compile(r"Array\s*(?:\(|\Z)")),  # PHP's print_r, or an array used as a text
    ("php", re.compile(r"array\s?\(|stdClass|object\(|[aO]:\d{1,9}:")),  # var_export, var_dump, serialize
    ("go", re.compile(r"(?:url\.Values|&?)?map\[")),  # fmt.Sprint
    ("bytes", re.compile(r"b[\"']")),  # Python's str(bytes)
    (
        "python",
        re.compile(r"[{\[(]\s*'|(?:Immutable)?(?:Ordered)?(?:Multi)?Dict\w*\(|FormData\(|QueryDict|<Query"),
    ),
    ("ruby", re.compile(r"\{\s*\"[^\"]{0,99}\"\s?=>|\{:\w")),
    ("java", re.compile(r"\{\w{1,99}=")),  # Map.toString()
    ("buffer", re.compile(r"<Buffer |Buffer\(|\{\s*\"type\"\s*:\s*\"Buffer\"")),
    ("node", re.compile(r"\{\s{1,9}\w{1,99}\s?:|\[Object: null prototype\]|\{\s*'?[\w\[\]]{1,99}'?: ['{\[]")),
    ("json", re.compile(r"[{\[]")),  # JSON that is cut or broken: whole, it would have been read
)


class Hollow(NamedTuple):
    """`how`: "flat" (parts of `data` stand beside it), "keys" (names for values), or a printout's kind."""

    how: str
    name: str  # the field that is hollow, or a flat name as it came


def printout(text: str) -> str:
    """Which program's print `text` is, "" where it is none."""
    start = text[:200].lstrip("\ufeff \t\r\n") if text.strip() else ""
    return next((kind for kind, pattern in _PRINTOUTS if pattern.match(start)), "")


def hollow(fields: Any) -> Hollow | None:
    """What of an event's contents is lost; None for a whole one.

    A `data` that is missing is whole (`ONOFFLINEEVENT`), and so is a scalar of the
    vendor's own (`data=107`).
    """
    if not isinstance(fields, Mapping):
        return None
    data, auth = fields.get("data"), fields.get("auth")
    if data is None:
        flat = next((name for name in fields if isinstance(name, str) and _FLAT.match(name)), None)
        if flat is not None:
            return Hollow("flat", flat)
    for name, value in (("data", data), ("auth", auth)):
        if how := _printed(value, name):
            return Hollow(how, name)
    return None


def _printed(value: Any, name: str) -> str:
    if (
        isinstance(value, list)
        and value
        and all(isinstance(item, str) and _is_key(item, name) for item in value)
    ):
        return "keys"
    if not isinstance(value, str):
        return ""
    if how := printout(value):
        return how
    return "keys" if _is_key(value, name) else "text" if name == "auth" else ""


def _is_key(text: str, name: str) -> bool:
    known = ("domain", "member_id", "application_token", "client_endpoint", "server_endpoint")
    return text in known if name == "auth" else _KEY.fullmatch(text) is not None
