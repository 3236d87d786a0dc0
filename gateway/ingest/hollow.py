"""Recognises events that lost their contents on the way: what was rewritten and, if it shows, by what.

Such an event is never queued. Its `data` would be null, different users would share one
`event_id`, and the bot would hear of a change that nobody can look up.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

# `data` and a part of it in one name: `data.ID`, `data:ID`, `data%5BID%5D`, `dataId`, `amp;data[ID]`;
# or `data` in other capitals: `Data`. Operators have an `auth_token` of their own, so of `auth` only
# Bitrix24's names count.
_FLAT = re.compile(r"amp;data|(?i:data)[^A-Za-z0-9]|[Dd]ata[A-Z]|D(?:ata|ATA)\Z")
_FLAT_AUTH = re.compile(
    r"auth[^A-Za-z0-9]{1,9}(?:domain|member_id|application_token|(?:client|server)_endpoint)\W*"
)
# `data`, `auth[domain]`, `auth.domain`, but not `database`.
_OF_EVENT = re.compile(r"(?:amp;)?(?i:data|auth)(?:\Z|\W)")
# Names of parts of `data`, which a middleman may put beside `event`.
_SPREAD = re.compile(r"ID|FIELDS(?:_BEFORE|_AFTER)?|UF_\w{1,99}", re.ASCII)
# A part of `FIELDS` that is in `data` under one name: `FIELDS.ID`.
_FLAT_FIELDS = re.compile(r"FIELDS(?:_BEFORE|_AFTER)?[^A-Za-z0-9_]", re.IGNORECASE)
# `data` or `auth` inside the event's own name.
_GLUED = re.compile(r"(?:data|auth)(?:\[|%5b|\.|=|\\u005b)", re.IGNORECASE)
# An event's name; anything else may be a printout of one.
_NAME = re.compile(r"\s*\w[\w.:-]*\s*")
# A name of Bitrix24's own: ID, FIELDS, UF_DEPARTMENT.
_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,99}")
# The vendor itself sends `data=107`.
_SCALAR = re.compile(r"[\w.-]{1,40}", re.ASCII)
_AUTH_NAMES = ("domain", "member_id", "application_token", "client_endpoint", "server_endpoint")
# Parts of `data` that are objects. Those of the second set have lost something only if they are printouts.
_FIELDS, _OBJECTS = {"FIELDS", "FIELDS_BEFORE", "FIELDS_AFTER"}, {"PARAMS", "BOT", "USER"}
_NAMES_OF_OBJECTS = _FIELDS | _OBJECTS
_ALWAYS_WITH_DATA = ("ONUSER", "ONTASK", "ONCRM", "ONIMBOT")
_PAIR_NAMES, MAX_PAIR = {"name", "key"}, 4
# Bitrix24 sends no list of so many small numbers in a row.
_MANY_BYTES = 8

DATA_AND_AUTH = "body:data, body:auth"


class Hollow(NamedTuple):
    """What an event lost, and under which name.

    `how`: "flat" (parts of `data` stand beside it), "keys" (names for values), "values" (values
    without names), "pairs" (a list of names and values), "nested" (`data` is a whole event),
    "listed" (each value is a printed list), "quoted" (each is in quotes), "emptied", or a
    printout's kind. `name`: the field that is hollow, or a flat name as it came.
    """

    how: str
    name: str


def hollow(fields: Any) -> Hollow | None:
    """What an event lost of its contents; None if it is whole.

    A `data` that is missing is whole (`ONOFFLINEEVENT`), and so is a scalar of the
    vendor's own (`data=107`).
    """
    if not isinstance(fields, Mapping):
        return None
    data, auth, event = fields.get("data"), fields.get("auth"), fields.get("event")
    if isinstance(event, str) and not _NAME.fullmatch(event) and (how := _printed_name(event)):
        return Hollow(how, "event")
    if (data is None or auth is None) and (flat := _beside(fields, data, auth)) is not None:
        return Hollow("flat", flat)
    for name, value in (("data", data), ("auth", auth)):
        how = _lost(value, name)
        if how == "values" and name == "data" and not _carries_data(event):
            # An event that this gateway does not know may have such a list.
            continue
        if how:
            return Hollow(how, name)
    if isinstance(data, dict | list) and not data and _carries_data(event):
        return Hollow("emptied", "data")
    return _inside(data) if isinstance(data, dict) else None


def is_of_event(name: str) -> bool:
    """Whether a name is `data` or `auth`, or a part of them, nested or flat."""
    return any(pattern.match(name) for pattern in (_OF_EVENT, _FLAT)) or bool(_FLAT_AUTH.fullmatch(name))


def place_of(loss: Hollow, fields: Mapping[Any, Any]) -> str:
    """The place that lost its contents; `auth` is named too if it lost them in the same way."""
    how = _lost(fields.get("data"), "data") if loss.name == "data" else ""
    return DATA_AND_AUTH if how and how == _lost(fields.get("auth"), "auth") else f"body:{loss.name}"


def _printed_name(event: str) -> str:
    """The kind of printout that an event's name is in."""
    from gateway.ingest.printouts import printout  # cold start

    name = event.strip()
    if len(name) > 2 and name[0] == name[-1] and name[0] in "\"'" and _NAME.fullmatch(name[1:-1]):
        return "quoted"
    how = printout(event)
    if event.lstrip()[:1] in ("[", "(") and how in ("json", "python", "node", "rust"):
        return "listed"
    return "" if how in ("json", "blank", "nothing") else how


def _beside(fields: Mapping[Any, Any], data: Any, auth: Any) -> str | None:
    """A top-level name under which a part of the missing `data` or `auth` came; None if there is none."""
    for name, value in fields.items():
        if not isinstance(name, str):
            continue
        if data is None and (_FLAT.match(name) or ("event" in fields and _is_part(name, value))):
            return name
        if auth is None and _FLAT_AUTH.fullmatch(name):
            return name
    event = fields.get("event")
    if data is None and isinstance(event, str) and _GLUED.search(event):
        # With another separator than `&`, the rest of the form is in the first value.
        return "event"
    return None


def _is_part(name: str, value: Any) -> bool:
    """Whether this is a part of `data` put beside `event`, or holds such parts under another name."""
    inner = value if isinstance(value, dict) and name != "auth" else {}
    return _SPREAD.fullmatch(name) is not None or any(_SPREAD.fullmatch(str(key)) for key in inner)


def _carries_data(event: Any) -> bool:
    return isinstance(event, str) and event.strip().upper().startswith(_ALWAYS_WITH_DATA)


def _inside(data: Mapping[str, Any]) -> Hollow | None:
    """What an object lost: a whole event is in it, its names are flat, or a printout replaces an object."""
    if isinstance(data.get("event"), str) and any(
        is_of_event(str(name)) or str(name).startswith("body") for name in data
    ):
        return Hollow("nested", "data")
    for name, value in data.items():
        if _FLAT_FIELDS.match(name):
            return Hollow("flat", f"data.{name}")
        if name.upper() not in _NAMES_OF_OBJECTS:
            continue
        how = _lost(value, "data")
        if not how and isinstance(value, str) and name.upper() in _FIELDS:
            # `data` may be one value, but these never are: Gin's PostFormMap cuts off what is deeper.
            how = "text"
        if how in ("blank", "nothing") and name.upper() != "FIELDS":
            # A word for nothing stands for a missing object, which is no loss.
            continue
        if how in ("keys", "values", "text", "json") and name.upper() in _OBJECTS:
            continue
        if how:
            return Hollow(how, f"data.{name}")
    return None


def _lost(value: Any, name: str) -> str:
    """How a value of `data` or `auth` lost its contents; "" if it did not."""
    if isinstance(value, list):
        return _lost_list(value, name)
    if isinstance(value, bool) or (name == "auth" and isinstance(value, int | float)):
        return "text"
    if is_bytes(value):
        return "buffer"
    if not isinstance(value, str):
        return ""
    from gateway.ingest.printouts import printout  # cold start

    if (how := printout(value)) and not (how == "json" and is_json(value)):
        return how
    if _is_key(value, name):
        return "keys"
    return "" if name == "data" and _SCALAR.fullmatch(value) else "text"


def _lost_list(items: list[Any], name: str) -> str:
    """How a list lost its contents; a list of nothing but one user or several lost nothing."""
    if not items:
        return ""
    if is_bytes(items):
        return "buffer"
    if all(isinstance(item, str) and _is_key(item, name) for item in items):
        return "keys"
    if all(map(_is_pair, items)):
        return "pairs"
    return "" if name == "data" and all(isinstance(item, dict) for item in items) else "values"


def _is_pair(item: Any) -> bool:
    """Whether an item is a name with its value: `["ID", "7"]`, `{"name": "ID", "value": "7"}`."""
    if isinstance(item, list):
        return len(item) == 2 and isinstance(item[0], str)
    if not isinstance(item, dict) or len(item) > MAX_PAIR:
        return False
    names = {str(name).lower() for name in item}
    return "value" in names and bool(names & _PAIR_NAMES)


def is_bytes(value: object) -> bool:
    """Whether a decoded value is a text's bytes as numbers: `JSON.stringify` of a Buffer, Rust's `{:?}`."""
    if isinstance(value, dict) and value.get("type") == "Buffer":
        value = value.get("data")
    if not isinstance(value, list) or len(value) < _MANY_BYTES:
        return False
    return all(type(item) is int and 0 <= item <= 255 for item in value)


def is_json(text: str) -> bool:
    """Whether Python can read the text as JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_key(text: str, name: str) -> bool:
    return text in _AUTH_NAMES if name == "auth" else _KEY.fullmatch(text) is not None
