"""Reads an event inside JSON that is not a body: a program's log, a chat's message, a recorded request.

If the JSON around the event never arrived, only the event is judged. That is shown by people's words
around it, by a log's own fields, or by a request's headers beside it.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gateway.ingest.hollow import is_of_event
from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain.request import Request, Unreadable, read_bare, utf8
from gateway.tools.explain.wrappers import FORM, JSON, make_request, text_in

_MAX_DEPTH, _MAX_CANDIDATES, _MAX_NODES = 14, 20, 20_000
# Fields of logs, chats and the records that AWS hands to a function. Bitrix24's own `ts` is not among them,
# and `time` is a field that anybody may have.
_LOGGED_NAMES = """level severity @timestamp @t @mt timestamp hostname logger logger_name loggername levelname
log.level stream insertid textpayload jsonpayload breadcrumbs update_id message_id ingestiontime resulttype
eventsource _source request_time remote_addr short_message"""
_RAW_NAMES = """rawbody bodyraw requestbody contents content httpfiledata телозапроса postdata rawcontent"""
_LOGGED, _RAW = frozenset(_LOGGED_NAMES.split()), frozenset(_RAW_NAMES.split())
_BODIES = ("rawBody", "bodyRaw", "raw_body", "body", "content", "data", "payload", "form", "json")
_REQUEST_HEADERS = frozenset(
    ["content-type", "user-agent", "host", "http_content_type", "http_user_agent", "content_type"]
)


class _Candidate(NamedTuple):
    """A text or object that may hold the event, the name it has, and whether a log is around it."""

    value: Any
    name: str
    logged: bool


def read_logged(text: str, read: Callable[[bytes], Any]) -> Request | None:
    """The request of the newest event in such JSON; `read` reads a text inside it."""
    for document in reversed(list(_documents(text))):
        if is_event(document):
            continue
        candidates = list(_walk(document, "", False, 0, [0]))
        for candidate in reversed(candidates[-_MAX_CANDIDATES:]):
            if request := _request_of(candidate, read):
                return request
    return None


def _documents(text: str) -> Iterator[Any]:
    """The JSON documents of the text: one, or one on each line."""
    if text.lstrip()[:1] not in ("{", "["):
        return
    try:
        yield json.loads(text)
        return
    except (ValueError, RecursionError):
        pass
    for line in text.splitlines()[-1000:]:
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            continue


def is_event(value: Any) -> bool:
    """Whether this JSON is an event by itself."""
    return (
        isinstance(value, dict)
        and isinstance(_only(value.get("event")), str)
        and any(is_of_event(str(name)) for name in value)
    )


def _only(value: Any) -> Any:
    """The value, or the only one of a list: Go and Sanic keep a list for each name."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _walk(value: Any, name: str, logged: bool, depth: int, visited: list[int]) -> Iterator[_Candidate]:
    """Every text and object that may hold the event, with its name and whether a log is around it."""
    visited[0] += 1
    if depth > _MAX_DEPTH or visited[0] > _MAX_NODES:
        return
    if isinstance(value, str):
        if "event" in value or (len(value) > 60 and name.lstrip("$") in ("content", "body", "data")):
            yield _Candidate(value, name, logged)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, name, logged, depth + 1, visited)
    elif isinstance(value, dict):
        logged = logged or not _LOGGED.isdisjoint(str(key).lower() for key in value)
        if _is_recorded(value) or "__IMTHEADERS__" in value:
            yield _Candidate(value, name, True)
            return
        if depth and is_event(value):
            yield _Candidate(value, name, logged)
            return
        for key, inner in value.items():
            yield from _walk(inner, str(key), logged, depth + 1, visited)


def _is_recorded(value: Mapping[str, Any]) -> bool:
    """Whether this is a recorded request: a body beside its request's headers."""
    names = {name.lower() for name, _ in _headers(value)}
    return bool(names & _REQUEST_HEADERS) and any(name in value for name in _BODIES)


def _headers(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    headers = value.get("headers") or value.get("header") or value.get("__IMTHEADERS__") or ()
    if isinstance(headers, dict) and isinstance(headers.get("headers"), list):
        headers = headers["headers"]
    if isinstance(headers, dict):
        return [
            (str(name), content[0] if isinstance(content, list) and content else content)
            for name, content in headers.items()
        ]
    pairs = []
    for header in headers if isinstance(headers, list) else ():
        if isinstance(header, dict) and "name" in header:
            pairs.append((str(header["name"]), header.get("value", "")))
        elif isinstance(header, list) and len(header) == 2:
            pairs.append((str(header[0]), header[1]))
    return pairs


def _request_of(candidate: _Candidate, read: Callable[[bytes], Any]) -> Request | None:
    value, name, logged = candidate
    if isinstance(value, str):
        return _in_text(value, name, logged, read)
    if "__IMTHEADERS__" in value:
        body = {key: inner for key, inner in value.items() if not key.startswith("__IMT")}
        return make_request("POST", WEBHOOK_PATH, _headers(value), body, "recorded_request")
    if _is_recorded(value):
        return _recorded(value)
    return _posted(json.dumps(value, ensure_ascii=False)) if logged else None


def _recorded(value: Mapping[str, Any]) -> Request | None:
    name = next((name for name in _BODIES if value.get(name)), "")
    body, encoded = value.get(name), bool(value.get("isBase64Encoded"))
    if isinstance(body, dict) and not is_event(body):
        encoded = encoded or "$content" in body
        body = text_in(body)
    if not body:
        return None
    headers = [(key.lower().removeprefix("http_").replace("_", "-"), text) for key, text in _headers(value)]
    return make_request(value.get("method"), WEBHOOK_PATH, headers, body, "recorded_request", encoded=encoded)


def _in_text(value: str, name: str, logged: bool, read: Callable[[bytes], Any]) -> Request | None:
    """The request of the event in a text: by itself in a log or a raw body, or among other words."""
    text = value.strip()
    if "event" not in text:
        text = _from_base64(text)
    exact = text.startswith("event=") or (text[:1] == "{" and text[-1:] == "}")
    is_raw = logged or re.sub(r"[\W_]", "", name.lower()) in _RAW
    if "event" not in text or (exact and not is_raw):
        return None
    if logged and text[:1] == "{" and (inner := _json(text)) and not is_event(inner):
        # An envelope may be in an envelope: SNS in SQS.
        candidates = list(_walk(inner, "", True, 0, [0]))
        return next(
            filter(
                None, (_request_of(candidate, read) for candidate in reversed(candidates[-_MAX_CANDIDATES:]))
            ),
            None,
        )
    if exact and text.startswith("event=") and " " not in text:
        return read_bare(utf8(text))
    try:
        request = read(utf8(text))
    except (Unreadable, RecursionError):
        return None
    if not isinstance(request, Request):
        return None
    if request.read_as != "body":
        return request if b"event" in request.body else None
    try:
        return request if exact and is_event(json.loads(text)) else None
    except ValueError:
        return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _posted(body: str) -> Request:
    media = JSON if body[:1] == "{" else FORM
    return Request(
        "POST",
        WEBHOOK_PATH,
        (("Content-Type", media.encode()),),
        utf8(body),
        "json_in_text",
    )
