"""Takes the text out of log records in JSON: docker, journald, Loki, Railway, CloudWatch, Cloud Logging.

A log keeps each line of a program in a record of its own, so an event that was printed on
several lines is whole only after the texts of all records are put together again.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from gateway.tools.explain.logged import is_event, read_logged
from gateway.tools.explain.records import Record
from gateway.tools.explain.request import Request, Unreadable, utf8

_TEXTS = ("log", "MESSAGE", "line", "message", "textPayload", "msg", "short_message")  # the program's text
_BESIDE_NAMES = """stream time timestamp @timestamp date labels fields severity level PRIORITY kubernetes host
ingestionTime insertId __REALTIME_TIMESTAMP _PID _SYSTEMD_UNIT SYSLOG_IDENTIFIER"""
# A record has one of these beside the text.
_BESIDE = frozenset(_BESIDE_NAMES.split())
_STAMPS = ("__REALTIME_TIMESTAMP", "timestamp", "@timestamp", "time")
_LISTS = ("data", "result", "streams", "events", "hits", "_source", "logs", "deploymentLogs")
# What journalctl puts between records.
_BEFORE = re.compile(r"[\s,\x1e]*(?:data: ?)?")
_EVENT = re.compile(r"event=[\w%.+-]{1,100}&\S|\{\s?[\"']event[\"']\s?:")
_BESIDE_EVENT = re.compile(r"application_token|\bevent(?:=|\\?\":)")
# A text of `name=value` or JSON is not yet a body: a body has the vendor's names.
_BODY = re.compile(
    rb"(?:\A|&|\n)(?:(?:event|token)=[^\s&]*(?:&|\s*\Z|\r?\n)|(?:auth|data)(?:\[|%5[Bb])[^=&\s]*=)"
    rb"|\"(?:auth|data)[^\"\n]{0,99}\"\s?:|name=\"event\"|application_token"
)
# docker breaks a longer line, even within a character.
_DOCKER_PIECE = 16 * 1024 - 4
# A record may hold an event among others of all kinds.
_MIXED = ("PASTED_UNKNOWN", "PASTED_ACCESS_LOG")
_MAX_LEVELS, _MAX_RECORDS = 6, 20_000


class _Line(NamedTuple):
    stamp: str
    text: str


def read_log(text: str, read: Callable[[bytes], Request | Record]) -> Request | Record | None:
    """What the program printed, as `read` reads it; None if these are no log records. Raises `Unreadable`."""
    inner = printed(text)
    if inner is None:
        return None
    try:
        content = read(utf8(inner))
    except Unreadable as error:
        if error.key in _MIXED and (request := read_logged(text, read)):
            return request
        raise
    if not isinstance(content, Request) or content.read_as not in ("body", "form_on_lines"):
        return content
    if _is_event(content.body):
        return content
    if request := read_logged(text, read):
        return request
    if not _BODY.search(content.body):
        raise Unreadable("PASTED_UNKNOWN")
    return content


def printed(text: str) -> str | None:
    """The program's output in log records; None if most of the text is something else."""
    lines: list[_Line] = []
    other_lines = 0
    for document in _documents(text):
        log_lines = list(_lines(document)) if isinstance(document, dict | list) else []
        other_lines += not log_lines
        lines += log_lines
        if len(lines) > _MAX_RECORDS:
            break
    if len(lines) <= other_lines:
        return None
    return _joined(_newest_event([line.text for line in _in_order(lines)]))


def _documents(text: str) -> Iterator[Any]:
    """The JSON documents that stand one after another, and None for each line that is not JSON."""
    position, decoder = 0, json.JSONDecoder()
    while (position := _position_after(text, position)) < len(text):
        try:
            if text[position] not in "{[":
                raise ValueError(position)
            document, position = decoder.raw_decode(text, position)
            yield document
        except (ValueError, RecursionError):
            yield None
            position = text.find("\n", position) + 1 or len(text)


def _position_after(text: str, position: int) -> int:
    match = _BEFORE.match(text, position)
    return match.end() if match else position


def _lines(value: Any, level: int = 0) -> Iterator[_Line]:
    """The texts of the records in a document, which is a record, or holds records in lists."""
    if level > _MAX_LEVELS:
        return
    if isinstance(value, list):
        for inner in value:
            yield from _lines(inner, level + 1)
    elif isinstance(value, dict) and not value.keys() & {"event", "auth"}:
        if line := _line(value):
            yield line
        elif isinstance(value.get("values"), list):  # Loki's [time, line]
            pairs = [pair for pair in value["values"] if isinstance(pair, list)]
            texts = [_Line(*pair[:2]) for pair in pairs if [type(item) for item in pair[:2]] == [str, str]]
            yield from _in_order(texts)
        else:
            for name in _LISTS:
                yield from _lines(value.get(name), level + 1)


def _line(value: dict[str, Any]) -> _Line | None:
    """The text of a record that holds nothing of an event beside it."""
    name = next((name for name in _TEXTS if name in value), None)
    if name is None or (name != "MESSAGE" and not value.keys() & _BESIDE):
        return None
    text = value[name]
    if isinstance(text, list) and all(isinstance(octet, int) and 0 <= octet < 256 for octet in text):
        # journald writes lines with colours like this.
        text = bytes(text).decode("utf-8", "surrogateescape")
    beside = json.dumps({key: inner for key, inner in value.items() if key != name})
    if not isinstance(text, str) or _BESIDE_EVENT.search(beside):
        return None
    return _Line(next((str(value[stamp]) for stamp in _STAMPS if value.get(stamp)), ""), text)


def _in_order(lines: list[_Line]) -> list[_Line]:
    """The lines with the newest last: Loki and Grafana give the newest first."""
    stamps = [line.stamp for line in lines]
    falls = (
        len(stamps) > 1
        and stamps[0] > stamps[-1]
        and all(stamp >= following for stamp, following in pairwise(stamps))
    )
    return lines[::-1] if falls else lines


def _newest_event(texts: list[str]) -> list[str]:
    """The texts after the last event but one, where each event stands in one record."""
    events = [number for number, text in enumerate(texts) if _EVENT.search(text)]
    return texts[events[-2] + 1 :] if len(events) > 1 else texts


def _joined(texts: list[str]) -> str:
    """The texts with one line end after each, and with the pieces of a long line put together."""
    return "".join(
        text if text.endswith("\n") or len(text.encode("utf-8", "replace")) >= _DOCKER_PIECE else f"{text}\n"
        for text in texts
    )


def _is_event(body: bytes) -> bool:
    if re.match(rb"\s*event=[^\s&]*(?:&|\s*\Z)", body):
        return True
    try:
        return is_event(json.loads(body))
    except (ValueError, RecursionError):
        return False
