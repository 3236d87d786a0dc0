"""An event inside JSON that is no body: a program's log, a chat's message, a recorded request at some depth.

Which of the two it is decides whether the event is judged or its envelope. What people wrote around
it, a log's own fields or a request's headers beside it say that the JSON is theirs and never arrived.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain.request import Request, Unreadable, read_bare
from gateway.tools.explain.wrappers import FORM, JSON, made, text_in

_MAX_DEPTH, _MAX_FOUND, _MAX_NODES = 14, 20, 20_000
# Fields of logs, chats and the records that AWS hands to a function. Bitrix24's own `ts` is none of them,
# and `time` is a field that anybody may have.
_LOGGED_NAMES = """level severity @timestamp @t @mt timestamp hostname logger logger_name loggername levelname
log.level stream insertid textpayload jsonpayload breadcrumbs update_id message_id ingestiontime resulttype
eventsource _source request_time remote_addr short_message"""
_RAW_NAMES = """rawbody bodyraw requestbody contents content httpfiledata телозапроса postdata rawcontent"""
_LOGGED, _RAW = frozenset(_LOGGED_NAMES.split()), frozenset(_RAW_NAMES.split())
_BODIES = ("rawBody", "bodyRaw", "raw_body", "body", "content", "data", "payload", "form", "json")
_TELLING = frozenset(
    ["content-type", "user-agent", "host", "http_content_type", "http_user_agent", "content_type"]
)


class _Found(NamedTuple):
    value: Any
    name: str
    logged: bool


def read_logged(text: str, read: Callable[[bytes], Any]) -> Request | None:
    """The newest event in such JSON; `read` reads what a text inside holds."""
    for document in reversed(list(_documents(text))):
        if _is_event(document):
            continue
        found = list(_walk(document, "", False, 0, [0]))
        for one in reversed(found[-_MAX_FOUND:]):
            if request := _request_of(one, read):
                return request
    return None


def _documents(text: str) -> Iterator[Any]:
    """The JSON of the text: one document, or one a line."""
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


def _is_event(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(_only(value.get("event")), str)
        and any(str(name).startswith(("data", "auth")) for name in value)
    )


def _only(value: Any) -> Any:
    """The value, or the only one of a list: Go and Sanic keep a list for each name."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _walk(value: Any, name: str, logged: bool, depth: int, seen: list[int]) -> Iterator[_Found]:
    """Every text and object that may hold the event, with what is known of where it stands."""
    seen[0] += 1
    if depth > _MAX_DEPTH or seen[0] > _MAX_NODES:
        return
    if isinstance(value, str):
        if "event" in value or (len(value) > 60 and name.lstrip("$") in ("content", "body", "data")):
            yield _Found(value, name, logged)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, name, logged, depth + 1, seen)
    elif isinstance(value, dict):
        logged = logged or not _LOGGED.isdisjoint(str(key).lower() for key in value)
        if _is_recorded(value) or "__IMTHEADERS__" in value:
            yield _Found(value, name, True)
            return
        if depth and _is_event(value):
            yield _Found(value, name, logged)
            return
        for key, inner in value.items():
            yield from _walk(inner, str(key), logged, depth + 1, seen)


def _is_recorded(value: Mapping[str, Any]) -> bool:
    """Whether a body stands beside its request's headers."""
    names = {name.lower() for name, _ in _headers(value)}
    return bool(names & _TELLING) and any(name in value for name in _BODIES)


def _headers(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    headers = value.get("headers") or value.get("header") or value.get("__IMTHEADERS__") or ()
    if isinstance(headers, dict) and isinstance(headers.get("headers"), list):
        headers = headers["headers"]
    if isinstance(headers, dict):
        return [
            (str(name), one[0] if isinstance(one, list) and one else one) for name, one in headers.items()
        ]
    pairs = []
    for one in headers if isinstance(headers, list) else ():
        if isinstance(one, dict) and "name" in one:
            pairs.append((str(one["name"]), one.get("value", "")))
        elif isinstance(one, list) and len(one) == 2:
            pairs.append((str(one[0]), one[1]))
    return pairs


def _request_of(found: _Found, read: Callable[[bytes], Any]) -> Request | None:
    value, name, logged = found
    if isinstance(value, str):
        return _in_text(value, name, logged, read)
    if "__IMTHEADERS__" in value:
        body = {key: inner for key, inner in value.items() if not key.startswith("__IMT")}
        return made("POST", WEBHOOK_PATH, _headers(value), body, "recorded_request")
    if _is_recorded(value):
        return _recorded(value)
    return _posted(json.dumps(value, ensure_ascii=False)) if logged else None


def _recorded(value: Mapping[str, Any]) -> Request | None:
    name = next((name for name in _BODIES if value.get(name)), "")
    body, encoded = value.get(name), bool(value.get("isBase64Encoded"))
    if isinstance(body, dict) and not _is_event(body):
        encoded = encoded or "$content" in body
        body = text_in(body)
    if not body:
        return None
    headers = [(key.lower().removeprefix("http_").replace("_", "-"), one) for key, one in _headers(value)]
    return made(value.get("method"), WEBHOOK_PATH, headers, body, "recorded_request", encoded=encoded)


def _in_text(value: str, name: str, logged: bool, read: Callable[[bytes], Any]) -> Request | None:
    """The event in a text: alone, where a log or a raw body holds it, or among somebody's words."""
    text = value.strip()
    if "event" not in text:
        text = _from_base64(text)
    exact = text.startswith("event=") or (text[:1] == "{" and text[-1:] == "}")
    known = logged or re.sub(r"[\W_]", "", name.lower()) in _RAW
    if "event" not in text or (exact and not known):
        return None
    if logged and text[:1] == "{" and (inner := _json(text)) and not _is_event(inner):
        found = list(_walk(inner, "", True, 0, [0]))  # an envelope in an envelope: SNS in SQS
        return next(filter(None, (_request_of(one, read) for one in reversed(found[-_MAX_FOUND:]))), None)
    if exact and text.startswith("event=") and " " not in text:
        return read_bare(text.encode("utf-8", "surrogateescape"))
    try:
        request = read(text.encode("utf-8", "surrogateescape"))
    except (Unreadable, RecursionError):
        return None
    if not isinstance(request, Request):
        return None
    if request.read_as != "body":
        return request if b"event" in request.body else None
    try:
        return request if exact and _is_event(json.loads(text)) else None
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
        body.encode("utf-8", "surrogateescape"),
        "json_in_text",
    )
