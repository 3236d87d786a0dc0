"""Reads requests inside the JSON of other tools: HAR, Postman, ngrok, n8n, functions' events."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus, unquote, urlencode, urlsplit

from gateway.ingest.php_form import build_query
from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain.request import Request, Unreadable, read_raw, relative, utf8

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
# Entries of a HAR or a collection.
_MAX_ENTRIES = 1000


def read_wrapped(text: str) -> Request | None:
    """The request in a known tool's JSON document; None for any other. Raises `Unreadable`."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    while isinstance(document, list) and len(document) == 1:
        document = document[0]
    documents = document if isinstance(document, list) else [document]
    # The newest is last.
    for value in reversed(documents[:_MAX_ENTRIES]):
        for reader in _READERS:
            if isinstance(value, dict) and (request := reader(value)):
                return request
    return None


def make_request(
    method: Any,
    target: str,
    headers: Iterable[tuple[Any, Any]],
    body: Any,
    read_as: str,
    *,
    encoded: bool = False,
) -> Request:
    """Make a request of a tool's record; a body that the tool parsed is encoded by its Content-Type."""
    header_bytes = [
        (str(name), _bytes(value)) for name, value in headers if str(name).lower() not in _FRAMING
    ]
    media = next(
        (value.decode("latin-1") for name, value in header_bytes if name.lower() == "content-type"), ""
    )
    if isinstance(body, dict | list):
        is_form = isinstance(body, dict) and "json" not in media.lower()
        content = utf8(json.dumps(body, ensure_ascii=False))
        if is_form:
            # Read again from its bytes, in which half a surrogate pair has become U+FFFD.
            content = build_query(json.loads(content.decode("utf-8", "surrogateescape")))
        media, boundary = (FORM if is_form else JSON), "multipart" in media
        if boundary or not any(name.lower() == "content-type" for name, _ in header_bytes):
            header_bytes = [pair for pair in header_bytes if pair[0].lower() != "content-type"]
            header_bytes.append(("Content-Type", media.encode()))
    else:
        content = b"" if body is None else _bytes(body)
        if encoded:
            content = _from_base64(content)
        if not media and content:
            header_bytes.append(("Content-Type", (JSON if content.lstrip()[:1] == b"{" else FORM).encode()))
    return Request(str(method or "POST").upper(), target, tuple(header_bytes), content, read_as)


_FRAMING = ("host", "content-length", "transfer-encoding", "content-encoding", "connection")


def _har(value: Mapping[str, Any]) -> Request | None:
    """A request in an HTTP Archive 1.2 (browsers, Charles, Fiddler, Proxyman), or in one entry of it."""
    log = value.get("log")
    entries = log.get("entries") if isinstance(log, dict) else [value] if "startedDateTime" in value else None
    if "postData" in value and "headers" in value:  # only the request
        entries = [{"request": value}]
    if not isinstance(entries, list):
        return None
    requests = [entry["request"] for entry in entries[-_MAX_ENTRIES:] if _inner(entry, "request")]
    posts = [request for request in requests if str(request.get("method")).upper() == "POST"]
    ours = [request for request in posts if "bitrix" in str(request.get("url"))]
    if not requests:
        raise Unreadable("PASTED_NO_REQUEST_IN", kind="HAR")
    request = (ours or posts or requests)[-1]
    post = _inner(request, "postData") or {}
    content: Any = post.get("text")
    if not content and isinstance(params := post.get("params"), list):
        content = _pairs(params, "name")
        # Chrome keeps them encoded.
        if "%255B" in content:
            content = unquote(content)
    return make_request(
        request.get("method"),
        relative(str(request.get("url") or WEBHOOK_PATH)),
        _header_pairs(request.get("headers")),
        content,
        "har",
        encoded=post.get("encoding") == "base64" or post.get("_encoding") == "base64",
    )


def _postman(value: Mapping[str, Any]) -> Request | None:
    """A request in a Postman collection, with the collection's variables filled in."""
    schema = str((_inner(value, "info") or {}).get("schema", ""))
    if "postman" in schema or isinstance(value.get("item"), list):
        requests = list(_items(value))
    elif isinstance(value.get("_postman_variable_scope"), str):
        raise Unreadable("PASTED_ENVIRONMENT")
    elif isinstance(value.get("url"), dict) and "raw" in value["url"] and "method" in value:
        requests = [dict(value)]
    else:
        return None
    if not requests:
        raise Unreadable("PASTED_NO_REQUEST_IN", kind="Postman")
    request = next((item for item in requests if str(item.get("method")).upper() == "POST"), requests[0])
    variables = {
        str(variable.get("key")): str(variable.get("value", ""))
        for variable in value.get("variable") or ()
        if isinstance(variable, dict)
    }
    url = request.get("url")
    target = str(url.get("raw", "")) if isinstance(url, dict) else str(url or "")
    body = _inner(request, "body") or {}
    mode = str(body.get("mode") or "")
    content: Any = body.get(mode)
    headers = [
        (name, _with_variables(str(text), variables))
        for name, text in _header_pairs(request.get("header"), "key")
    ]
    if mode in ("urlencoded", "formdata") and isinstance(content, list):
        content = _with_variables(_pairs(content, "key"), variables)
        headers = [
            *(header for header in headers if header[0].lower() != "content-type"),
            ("Content-Type", FORM),
        ]
    elif isinstance(content, str):
        content = _with_variables(content, variables)
    return make_request(
        request.get("method"), _target(_with_variables(target, variables)), headers, content, "postman"
    )


def _postman_console(value: Mapping[str, Any]) -> Request | None:
    """A request of Postman's console: `{"POST https://…": {"Request Headers": …, "Request Body": …}}`."""
    line = next(iter(value), "")
    inner = _inner(value, line)
    if len(value) != 1 or inner is None or "Request Headers" not in inner:
        return None
    method, _, url = line.partition(" ")
    headers = _all_values(_inner(inner, "Request Headers") or {})
    return make_request(method, _target(url), headers, inner.get("Request Body"), "postman")


def _insomnia(value: Mapping[str, Any]) -> Request | None:
    """The first POST of an Insomnia export."""
    resources = value.get("resources")
    if not isinstance(resources, list) or "__export_format" not in value:
        return None
    requests = [
        resource
        for resource in resources[:_MAX_ENTRIES]
        if isinstance(resource, dict) and resource.get("_type") == "request"
    ]
    if not requests:
        raise Unreadable("PASTED_NO_REQUEST_IN", kind="Insomnia")
    request = next((item for item in requests if str(item.get("method")).upper() == "POST"), requests[0])
    body = _inner(request, "body") or {}
    params = body.get("params")
    content = _pairs(params, "name") if isinstance(params, list) and params else body.get("text")
    url = re.sub(r"\{\{.{0,100}?\}\}", "", str(request.get("url") or ""))
    return make_request(
        request.get("method"), _target(url), _header_pairs(request.get("headers")), content, "insomnia"
    )


def _node_red(value: Mapping[str, Any]) -> Request | None:
    """The request in a Node-RED message as the debug node shows it: its payload is the body."""
    if "_msgid" not in value or not isinstance(value.get("payload"), dict | str):
        return None
    headers = _inner(value, "headers") or _inner(_inner(value, "req") or {}, "headers") or {}
    return make_request("POST", WEBHOOK_PATH, _all_values(headers), value["payload"], "node-red")


def _items(value: Any, level: int = 0) -> Iterable[dict[str, Any]]:
    for item in (value.get("item") or ())[:_MAX_ENTRIES] if level < 10 else ():
        if isinstance(item, dict):
            if request := _inner(item, "request"):
                yield request
            if isinstance(item.get("item"), list):
                yield from _items(item, level + 1)


def _webhook_site(value: Mapping[str, Any]) -> Request | None:
    """A request of webhook.site, or a page of its API (`data`)."""
    if isinstance(value.get("data"), list) and "per_page" in value and value["data"]:
        value = value["data"][0] if isinstance(value["data"][0], dict) else value
    if "content" not in value or "token_id" not in value or _inner(value, "headers") is None:
        return None
    return make_request(
        value.get("method"),
        _with_query(WEBHOOK_PATH, value.get("query")),
        _all_values(value["headers"]),
        value["content"],
        "webhook.site",
    )


def _ngrok(value: Mapping[str, Any]) -> Request | None:
    """A request of ngrok's inspector: http://127.0.0.1:4040/api/requests/http."""
    if (
        isinstance(value.get("requests"), list)
        and value["requests"]
        and isinstance(value["requests"][0], dict)
    ):
        # The newest is first.
        value = value["requests"][0]
    request = _inner(value, "request")
    if not request or not isinstance(request.get("raw"), str) or "uri" not in request:
        return None
    raw = _from_base64(utf8(request["raw"]))
    inner = read_raw(raw)
    return Request(inner.method, inner.target, inner.headers, inner.body, "ngrok")


def _n8n(value: Mapping[str, Any]) -> Request | None:
    """An item of n8n's Webhook node, or of any tool that keeps headers, query and body side by side."""
    value = _inner(value, "json") or value
    if _inner(value, "headers") is None or "body" not in value or not isinstance(value.get("query"), dict):
        return None
    if "webhookUrl" not in value and "executionMode" not in value and "params" not in value:
        return None
    return make_request(
        value.get("method"),
        _with_query(WEBHOOK_PATH, value["query"]),
        _all_values(value["headers"]),
        value["body"],
        "n8n",
    )


def _function_event(value: Mapping[str, Any]) -> Request | None:
    """The request in a function's event: AWS (API Gateway, URLs, load balancers), Azure, Yandex, others."""
    azure = _inner(_inner(value, "Data") or {}, "req")
    if azure and "Method" in azure:
        target = _target(str(azure.get("Url") or WEBHOOK_PATH))
        return make_request(
            azure["Method"],
            target,
            _all_values(_inner(azure, "Headers") or {}),
            azure.get("Body"),
            "function_event",
        )
    context = _inner(value, "requestContext") or {}
    http = _inner(context, "http") or _inner(value, "http") or {}
    headers = _inner(value, "headers") or _inner(http, "headers") or _inner(value, "multiValueHeaders")
    method = value.get("httpMethod") or http.get("method") or context.get("httpMethod")
    if not method or headers is None or not ("body" in value or "body" in http):
        return None
    query = value.get("rawQueryString") or http.get("queryString")
    if not query:
        query = value.get("multiValueQueryStringParameters") or value.get("queryStringParameters")
    path = str(value.get("rawPath") or value.get("path") or "")
    return make_request(
        method,
        _with_query(path if path.rstrip("/").endswith(WEBHOOK_PATH) else WEBHOOK_PATH, query),
        _all_values(headers),
        value.get("body", http.get("body")),
        "function_event",
        encoded=bool(value.get("isBase64Encoded") or http.get("isBase64Encoded")),
    )


def _recorded(value: Mapping[str, Any]) -> Request | None:
    """A request as request bins and programs record it: method, headers, and a body under some name."""
    inner = _inner(value, "request") or value
    headers = inner.get("headers")
    name = next((name for name in _BODIES if inner.get(name)), None) or next(
        (n for n in _BODIES if n in inner), None
    )
    if not isinstance(headers, dict | list) or name is None or not ("method" in inner or "url" in inner):
        return None
    target = _target(str(inner.get("url") or inner.get("uri") or inner.get("path") or ""))
    path, mark, query = target.partition("?")
    # A request bin's own address is not the gateway's.
    if "bitrix" not in path:
        target = WEBHOOK_PATH + mark + query
    if "?" not in target:
        target = _with_query(target, inner.get("query") or inner.get("query_params"))
    pairs = _all_values(headers) if isinstance(headers, dict) else _header_pairs(headers)
    return make_request(inner.get("method"), target, pairs, text_in(inner[name]), "recorded_request")


def text_in(body: Any) -> Any:
    """The text of a body that a tool wrote as an object: `{"type": "STRING", "string": "event=…"}`."""
    names = ("string", "text", "$content", "raw", "contents", "json")
    inner = (
        next((body[name] for name in names if isinstance(body.get(name), str)), None)
        if _is_plain(body)
        else None
    )
    return body if inner is None else inner


def _is_plain(body: Any) -> bool:
    return isinstance(body, dict) and "event" not in body


_BODIES = ("rawBody", "bodyRaw", "raw_body", "body", "content", "data", "payload", "form", "json")
_READERS: tuple[Callable[[Mapping[str, Any]], Request | None], ...] = (
    _har, _postman, _postman_console, _insomnia, _node_red, _webhook_site, _ngrok, _function_event, _n8n,
    _recorded,
)  # fmt: skip


def _inner(value: Any, name: str) -> dict[str, Any] | None:
    inner = value.get(name) if isinstance(value, Mapping) else None
    return inner if isinstance(inner, dict) else None


def _all_values(headers: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in headers.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, item


def _header_pairs(headers: Any, key: str = "name") -> list[tuple[str, Any]]:
    listed = headers if isinstance(headers, list) else []
    pairs = [item for item in listed if isinstance(item, dict) and item.get(key) and not item.get("disabled")]
    return [(str(item[key]), item.get("value", "")) for item in pairs if not str(item[key]).startswith(":")]


def _pairs(params: Iterable[Any], key: str) -> str:
    enabled = [
        param for param in params if isinstance(param, dict) and param.get(key) and not param.get("disabled")
    ]
    return "&".join(
        f"{quote_plus(str(param[key]))}={quote_plus(str(param.get('value', '')))}" for param in enabled
    )


def _with_variables(text: str, variables: Mapping[str, str]) -> str:
    for name, value in list(variables.items())[:100]:
        text = text.replace("{{" + name + "}}", value)
    return text


def _target(url: str) -> str:
    """The path and query of an address, whose host may be missing or a variable."""
    target = relative(url) if "://" in url else url
    if target.startswith("{{"):
        target = target.partition("}}")[2]
    if not target.startswith("/") and not target.startswith("?"):
        parts = urlsplit(f"//{target}")
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    path, mark, query = target.partition("?")
    return (path or WEBHOOK_PATH) + mark + query


def _with_query(path: str, query: Any) -> str:
    if isinstance(query, dict):
        pairs = [(name, item) for name, item in _all_values(query) if item is not None]
        query = urlencode([(name, _bytes(item)) for name, item in pairs])
    return f"{path}?{query}" if query and isinstance(query, str) else path


def _bytes(value: Any) -> bytes:
    return utf8(str(value))


def _from_base64(content: bytes) -> bytes:
    try:
        return base64.b64decode(content, validate=False)
    except (binascii.Error, ValueError):
        raise Unreadable("PASTED_BASE64") from None
