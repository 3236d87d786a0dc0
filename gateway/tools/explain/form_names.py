"""Reads a form's names and values out of whatever a program printed, without knowing the program.

Bitrix24's names are known (`event`, `data[ID]`, `auth[application_token]`), and a program prints the
same between each name and its value. What that is can be seen at the event's own name, whose value is
known to be one word (`ONUSERADD`): the program printed what is before the word, and what follows it.
"""

import html
import re
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlencode

from gateway.redaction import MASK_START
from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain.literals import in_order, unquoted
from gateway.tools.explain.request import Request

_MAX_TEXT, _MAX_NAMES, _MAX_VALUE = 1024 * 1024, 3000, 100_000
_NAME = re.compile(
    r"(?<![\w.%-])(event_handler_id|event|ts|(?:data|auth)(?:\[[^\[\]\s'\"=]{1,100}\]){1,20})(?![\w.%-])"
    r"[\"'`\])>]{0,4}"
)
_NEEDED = "auth[application_token]"
# Python's mark in front of a text.
_BYTES = r"(?:[bu](?=[\"']))?"
_EVENT_VALUE = re.compile(
    rf"(\W{{1,80}}?|\W{{0,9}}\[1\]\s|[^\n&]{{1,60}}?){_BYTES}(?=[\"'`]?ON)"
    r"[\"'`]?ON[A-Z0-9_]{2,98}[\"'`]?",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    rf"{_BYTES}(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`)", re.DOTALL | re.IGNORECASE
)
_MAX_BETWEEN = 80
# Tried from the newest on: each is compared with all the names.
_MAX_EVENTS = 20
# The names that come after `data` in a sorted map.
_AFTER_DATA = {"event", "event_handler_id", "ts"}
_END = re.compile(r"[,;})\]>\n]")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_NOTHING = ("None", "null", "nil", "NULL", "undefined")


class _Printer(NamedTuple):
    """What a program prints between a name and its value, and between a value and the next name."""

    mark: re.Pattern[str]
    between: str


def read_names(text: str) -> Request | None:
    """The newest event whose names and values stand in `text`; None if there is none."""
    fields = fields_in(text)
    if not fields:
        return None
    form = (("Content-Type", b"application/x-www-form-urlencoded"),)
    return Request(
        "POST", WEBHOOK_PATH, form, urlencode(fields, errors="surrogateescape").encode(), "form_names"
    )


def fields_in(text: str) -> dict[str, str]:
    """The fields of the newest such event; none if there is no event."""
    text = text[:_MAX_TEXT]
    if re.search(r"<(?:td|pre|li|dd)\b", text):
        text = html.unescape(_TAG.sub("\n", text))
    names = [match for match, _ in zip(_NAME.finditer(text), range(_MAX_NAMES), strict=False)]
    events = [
        at for at, name in enumerate(names) if name[1] == "event" and _EVENT_VALUE.match(text, name.end())
    ]
    # An event between two others has no field of its own, as in a log that only names what came.
    with_fields = [at for at in events if any(name[1] != "event" for name in names[max(at - 1, 0) : at + 2])]
    for at in reversed(with_fields[-_MAX_EVENTS:]):
        is_first = at == events[0]
        printer = _printer(text, names, at)
        fields = _event(text, names, at, printer, is_first) if printer else {}
        if _is_event(fields):
            # A token that is there, only printed differently from the rest, must not be reported as missing.
            unread = is_first and _NEEDED not in fields and any(name[1] == _NEEDED for name in names)
            return {} if unread else in_order(fields)
    return {}


def _is_event(fields: dict[str, str]) -> bool:
    """Whether these are an event's fields, and not the words of somebody who writes about one."""
    auth = [value for name, value in fields.items() if name.startswith("auth[")]
    parts = sum(name.startswith("data[") for name in fields)
    return (bool(auth) or parts > 1) and not any(
        " " in value and not value.startswith(MASK_START) for value in auth
    )


def has_quotes(text: str) -> bool:
    """Whether the event's name stands in quotes, as a program prints it and a browser's table does not."""
    return re.search(r"\bevent\b\W{1,40}?[\"'`]ON", text[:_MAX_TEXT]) is not None


def _printer(text: str, names: list[re.Match[str]], at: int) -> _Printer | None:
    """How the program that wrote the event's name prints; None if that is a form, which is read as such."""
    name = names[at]
    value = _EVENT_VALUE.match(text, name.end())
    following = names[at + 1].start() if at + 1 < len(names) else len(text)
    if value is None or text.startswith("&", value.end()) or _is_prose(value):
        return None
    around = list(pairwise(names[max(at - 50, 0) : at + 50]))
    # What stands before the next event's name may be a log's own, such as its time.
    inner = [(before, after) for before, after in around if after[1] != "event"]
    near = [text[before.end() : after.start()] for before, after in inner or around]
    ends = [re.search(r"\W*\Z", gap[-_MAX_BETWEEN:])[0] for gap in near]  # type: ignore[index]
    # What is behind the event's name is a separator, words and all, unless that is the last of its fields.
    usual = max(
        ends, key=lambda end: (sum(gap.endswith(end) for gap in near) * bool(end), -len(end)), default=""
    )
    behind = text[value.end() : following][:_MAX_BETWEEN]
    between = max(
        (usual, behind), key=lambda before: (sum(gap.endswith(before) for gap in near), len(before))
    )
    # Names may be aligned, so the white space behind one is of any width.
    mark = r"\s*" + r"\s+".join(re.escape(part) for part in re.split(r"\s+", value[1].lstrip()))
    return _Printer(re.compile(mark), between)


def _is_prose(value: re.Match[str]) -> bool:
    """Whether nothing but a space is between the event's name and its value: `event ONUSERADD came`."""
    return not value[1].strip(" ") and value[0][len(value[1]) : len(value[1]) + 1].isalpha()


def _event(
    text: str, names: list[re.Match[str]], at: int, printer: _Printer, is_first: bool
) -> dict[str, str]:
    """The fields of the event at `names[at]`: those after it, and of a sorted map those before it.

    `is_first`: no other event is before it, whose fields those could be.
    """
    fields: dict[str, str] = {}
    for numbers in (range(at, len(names)), range(at - 1, -1, -1)):
        for number in numbers:
            if not _take(fields, text, names, number, printer):
                break
        if not is_first and len(fields) > 1 and not fields.keys() <= _AFTER_DATA:
            break
    return fields


def _take(
    fields: dict[str, str], text: str, names: list[re.Match[str]], number: int, printer: _Printer
) -> bool:
    """Add the field of one name to `fields`; False if another event begins, as the name came already."""
    name = names[number]
    marked = printer.mark.match(text, name.end())
    # Somebody's prose holds the name, too.
    if marked is None:
        return True
    following = names[number + 1].start() if number + 1 < len(names) else None
    value = _value(text, marked.end(), following, printer.between)
    # No value of `auth` holds a separator: if one is there, a name of somebody else's follows.
    if value and name[1].startswith("auth["):
        value = value.partition(printer.between)[0] if printer.between else value
    if name[1] == "ts" and not re.fullmatch("[0-9]{1,12}", value or ""):
        # A log may call its own time by the same name.
        return True
    if name[1] in fields:
        return fields[name[1]] == value
    if value is not None:
        fields[name[1]] = value
    return True


def _value(text: str, at: int, following: int | None, between: str) -> str | None:
    """The value that begins at `at`; None if it is printed as `None`, `null` or the like."""
    if quoted := _QUOTED.match(text, at):
        return unquoted(quoted[0])
    printed = text[at : min(following or at, at + _MAX_VALUE)] if following else text[at : at + _MAX_VALUE]
    if following and between and printed.endswith(between):
        value = printed.removesuffix(between)
    else:
        closing = between.strip()[:1] or "\n"
        end = _END.search(printed) if closing in ",;\n" else re.search(re.escape(closing), printed)
        value = (printed[: end.start()] if end else printed).rstrip()
    return None if value in _NOTHING else value
