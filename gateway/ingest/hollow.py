"""Events that lost their contents on the way: what was rewritten, and by whom, where that can be told.

Such an event is never queued. Its `data` would be null, different users would share one
`event_id`, and the bot would be told of a change that nobody can look up.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.ingest.printouts import is_bytes, printout

# `data` and a part of it under one name: `data.ID`, `data:ID`, `data%5BID%5D`, `dataId`, `amp;data[ID]`.
_FLAT = re.compile(r"amp;data|(?i:data)[^A-Za-z0-9]|[Dd]ata[A-Z]")
_GLUED = re.compile(r"(?:data|auth)(?:\[|%5b|\.|=|\\u005b)", re.IGNORECASE)  # inside the event's own name
_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,99}")  # a name of Bitrix24's own: ID, FIELDS, UF_DEPARTMENT
_SCALAR = re.compile(r"[\w.-]{1,40}", re.ASCII)  # `data=107`, the vendor's own


class Hollow(NamedTuple):
    """`how`: "flat" (parts of `data` stand beside it), "keys" (names for values), or a printout's kind."""

    how: str
    name: str  # the field that is hollow, or a flat name as it came


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
        if flat is None and isinstance(event := fields.get("event"), str) and _GLUED.search(event):
            flat = "event"  # another separator than `&`: the rest of the form is in the first value
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
    if is_bytes(value):
        return "buffer"
    if not isinstance(value, str):
        return ""
    if (how := printout(value)) and not (how == "json" and _is_json(value)):
        return how
    if _is_key(value, name):
        return "keys"
    return "" if name == "data" and _SCALAR.fullmatch(value) else "text"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_key(text: str, name: str) -> bool:
    known = ("domain", "member_id", "application_token", "client_endpoint", "server_endpoint")
    return text in known if name == "auth" else _KEY.fullmatch(text) is not None
