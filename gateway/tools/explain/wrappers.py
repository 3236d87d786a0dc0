"""Requests inside the JSON of other tools: HAR, Postman, webhook.site, ngrok, n8n, functions' events."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote_plus, unquote, urlencode, urlsplit

from gateway.ingest.php_form import build_query
from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain.request import Request, Unreadable, read_raw, relative

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
_MAX_ENTRIES = 1000  # of a HAR or a collection


def read_wrapped(text: str) -> Request | None:
    """The request in a JSON document of a known tool's; None for any other. Raises `Unreadable`."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    while isinstance(document, list) and len(document) == 1:
        document = document[0]
    documents = document if isinstance(document, list) else [document]
    for value in reversed(documents[:_MAX_ENTRIES]):  # the newest is last
        for reader in _READERS:
            if isinstance(value, dict) and (request := reader(value)):
                return request
    return None


def made(
    method: Any,
    target: str,
    headers: Iterable[tuple[Any, Any]],
    body: Any,
    read_as: str,
    *,
    encoded: bool = False,
) -> Request:
    """A request of what a tool recorded; a body that it took apart is put together by its Content-Type."""
    kept = [(str(name), _bytes(value)) for name, value in headers if str(name).lower() not in _FRAMING]
    media = next((value.decode("latin-1") for name, value in kept if name.lower() == "content-type"), "")
    if isinstance(body, dict | list):
        is_form = isinstance(body, dict) and "json" not in media.lower()
        content = (
            build_query(body)
            if is_form and isinstance(body, dict)
            else json.dumps(body, ensure_ascii=False).encode()
        )
        media, boundary = (FORM if is_form else JSON), "multipart" in media
        if boundary or not any(name.lower() == "content-type" for name, _ in kept):
            kept = [pair for pair in kept if pair[0].lower() != "content-type"]
            kept.append(("Content-Type", media.encode()))
    else:
        content = b"" if body is None else _bytes(body)
        if encoded:
            content = _unpacked(content)
        if not media and content:
            kept.append(("Content-Type", (JSON if content.lstrip()[:1] == b"{" else FORM).encode()))
    return Request(str(method or "POST").upper(), target, tuple(kept), content, read_as)


_FRAMING = ("host", "content-length", "transfer-encoding", "content-encoding", "connection")


def _har(value: Mapping[str, Any]) -> Request | None:
    """HTTP Archive 1.2, as browsers, proxies and Charles, Fiddler, Proxyman export it; or one entry of it."""
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
        if "%255B" in content:  # Chrome keeps them encoded
            content = unquote(content)
    return made(
        request.get("method"),
        relative(str(request.get("url") or WEBHOOK_PATH)),
        _named(request.get("headers")),
        content,
        "har",
        encoded=post.get("encoding") == "base64" or post.get("_encoding") == "base64",
    )


def _postman(value: Mapping[str, Any]) -> Request | None:
    """A Postman or Insomnia collection; variables are filled in from the collection's own."""
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
    request = next((one for one in requests if str(one.get("method")).upper() == "POST"), requests[0])
    variables = {
        str(one.get("key")): str(one.get("value", ""))
        for one in value.get("variable") or ()
        if isinstance(one, dict)
    }
    url = request.get("url")
    target = str(url.get("raw", "")) if isinstance(url, dict) else str(url or "")
    body = _inner(request, "body") or {}
    mode = str(body.get("mode") or "")
    content: Any = body.get(mode)
    headers = [(name, _filled(str(text), variables)) for name, text in _named(request.get("header"), "key")]
    if mode in ("urlencoded", "formdata") and isinstance(content, list):
        content = _filled(_pairs(content, "key"), variables)
        headers = [*(one for one in headers if one[0].lower() != "content-type"), ("Content-Type", FORM)]
    elif isinstance(content, str):
        content = _filled(content, variables)
    return made(request.get("method"), _target(_filled(target, variables)), headers, content, "postman")


def _postman_console(value: Mapping[str, Any]) -> Request | None:
    """A request of Postman's console: `{"POST https://…": {"Request Headers": …, "Request Body": …}}`."""
    line = next(iter(value), "")
    inner = _inner(value, line)
    if len(value) != 1 or inner is None or "Request Headers" not in inner:
        return None
    method, _, url = line.partition(" ")
    headers = _listed(_inner(inner, "Request Headers") or {})
    return made(method, _target(url), headers, inner.get("Request Body"), "postman")


def _insomnia(value: Mapping[str, Any]) -> Request | None:
    """An export of Insomnia's: its first POST."""
    resources = value.get("resources")
    if not isinstance(resources, list) or "__export_format" not in value:
        return None
    requests = [
        one for one in resources[:_MAX_ENTRIES] if isinstance(one, dict) and one.get("_type") == "request"
    ]
    if not requests:
        raise Unreadable("PASTED_NO_REQUEST_IN", kind="Insomnia")
    request = next((one for one in requests if str(one.get("method")).upper() == "POST"), requests[0])
    body = _inner(request, "body") or {}
    params = body.get("params")
    content = _pairs(params, "name") if isinstance(params, list) and params else body.get("text")
    url = re.sub(r"\{\{.{0,100}?\}\}", "", str(request.get("url") or ""))
    return made(request.get("method"), _target(url), _named(request.get("headers")), content, "insomnia")


def _node_red(value: Mapping[str, Any]) -> Request | None:
    """A message of Node-RED's, as its debug node shows it: the body is its payload."""
    if "_msgid" not in value or not isinstance(value.get("payload"), dict | str):
        return None
    headers = _inner(value, "headers") or _inner(_inner(value, "req") or {}, "headers") or {}
    return made("POST", WEBHOOK_PATH, _listed(headers), value["payload"], "node-red")


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
    return made(
        value.get("method"),
        _with_query(WEBHOOK_PATH, value.get("query")),
        _listed(value["headers"]),
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
        value = value["requests"][0]  # the newest is first
    request = _inner(value, "request")
    if not request or not isinstance(request.get("raw"), str) or "uri" not in request:
        return None
    raw = _unpacked(request["raw"].encode())
    found = read_raw(raw)
    return Request(found.method, found.target, found.headers, found.body, "ngrok")


def _n8n(value: Mapping[str, Any]) -> Request | None:
    """An item of n8n's Webhook node, or of any tool that keeps headers, query and body side by side."""
    value = _inner(value, "json") or value
    if _inner(value, "headers") is None or "body" not in value or not isinstance(value.get("query"), dict):
        return None
    if "webhookUrl" not in value and "executionMode" not in value and "params" not in value:
        return None
    return made(
        value.get("method"),
        _with_query(WEBHOOK_PATH, value["query"]),
        _listed(value["headers"]),
        value["body"],
        "n8n",
    )


def _function_event(value: Mapping[str, Any]) -> Request | None:
    """AWS (API Gateway 1.0 and 2.0, function URLs, load balancers), Yandex, DigitalOcean, Vercel."""
    azure = _inner(_inner(value, "Data") or {}, "req")
    if azure and "Method" in azure:
        target = _target(str(azure.get("Url") or WEBHOOK_PATH))
        return made(
            azure["Method"],
            target,
            _listed(_inner(azure, "Headers") or {}),
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
    return made(
        method,
        _with_query(path if path.rstrip("/").endswith(WEBHOOK_PATH) else WEBHOOK_PATH, query),
        _listed(headers),
        value.get("body", http.get("body")),
        "function_event",
        encoded=bool(value.get("isBase64Encoded") or http.get("isBase64Encoded")),
    )


def _recorded(value: Mapping[str, Any]) -> Request | None:
    """What request bins and programs write of a request: method, headers and a body under some name."""
    inner = _inner(value, "request") or value
    headers = inner.get("headers")
    name = next((name for name in _BODIES if inner.get(name)), None) or next(
        (n for n in _BODIES if n in inner), None
    )
    if not isinstance(headers, dict | list) or name is None or not ("method" in inner or "url" in inner):
        return None
    target = _target(str(inner.get("url") or inner.get("uri") or inner.get("path") or ""))
    path, mark, query = target.partition("?")
    if "bitrix" not in path:  # a request bin's own address
        target = WEBHOOK_PATH + mark + query
    if "?" not in target:
        target = _with_query(target, inner.get("query") or inner.get("query_params"))
    pairs = _listed(headers) if isinstance(headers, dict) else _named(headers)
    return made(inner.get("method"), target, pairs, text_in(inner[name]), "recorded_request")


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


def _listed(headers: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in headers.items():
        for one in value if isinstance(value, list) else [value]:
            yield name, one


def _named(headers: Any, key: str = "name") -> list[tuple[str, Any]]:
    given = headers if isinstance(headers, list) else []
    pairs = [one for one in given if isinstance(one, dict) and one.get(key) and not one.get("disabled")]
    return [(str(one[key]), one.get("value", "")) for one in pairs if not str(one[key]).startswith(":")]


def _pairs(params: Iterable[Any], key: str) -> str:
    given = [one for one in params if isinstance(one, dict) and one.get(key) and not one.get("disabled")]
    return "&".join(f"{quote_plus(str(one[key]))}={quote_plus(str(one.get('value', '')))}" for one in given)


def _filled(text: str, variables: Mapping[str, str]) -> str:
    for name, value in list(variables.items())[:100]:
        text = text.replace("{{" + name + "}}", value)
    return text


def _target(url: str) -> str:
    """The path and query of an address; of one whose host is a variable, or that is no address of ours."""
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
        pairs = [(name, one) for name, one in _listed(query) if one is not None]
        query = urlencode([(name, str(one)) for name, one in pairs])
    return f"{path}?{query}" if query and isinstance(query, str) else path


def _bytes(value: Any) -> bytes:
    return str(value).encode("utf-8", "surrogateescape" if isinstance(value, str) else "replace")


def _unpacked(content: bytes) -> bytes:
    try:
        return base64.b64decode(content, validate=False)
    except (binascii.Error, ValueError):
        raise Unreadable("PASTED_BASE64") from None
