"""Refused deliveries: requests and settings one or two changes away from a healthy one, and their first cause."""

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

from gateway.diagnosis import Cause, diagnose
from gateway.ingest.decision import Judgement, judge
from gateway.ingest.incoming import Incoming
from gateway.settings import Settings, load

TOKEN = "k7w2m9q4x1z8v5b3n6c0j2h7g4f1d8s5"
OTHER = "p0o9i8u7y6t5r4e3w2q1a9s8d7f6g5h4"
CUSTOM = "custom" + "d4f6g8h0j2k4l6z8x0c2v4b6n8m0q2w4"
HEX = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
SECRET = "qz81mv5ktr0w2xyn"
DOMAIN = "acme.bitrix24.ru"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
AGENT = "Bitrix24 Webhook Engine"
NAME = "BITRIX24_OUTGOING_WEBHOOK_TOKEN"
JWT = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def event(token: Any = TOKEN, **changes: Any) -> dict[str, Any]:
    """A delivery of a local outgoing webhook, as Bitrix24 posts it; `token` None leaves it out."""
    auth = {
        "domain": DOMAIN,
        "client_endpoint": f"https://{DOMAIN}/rest/",
        "server_endpoint": "https://oauth.bitrix.info/rest/",
        "member_id": "a3f1c5d7e9b2486a0c1e3f5a7b9d2c4e",
    }
    if token is not None:
        auth["application_token"] = token
    data = {"FIELDS_BEFORE": "undefined", "FIELDS_AFTER": {"ID": "7405"}, "IS_ACCESSIBLE_AFTER": "undefined"}
    whole = {"event": "ONTASKADD", "event_handler_id": "215", "data": data, "ts": "1767950000", "auth": auth}
    whole |= changes
    return {name: value for name, value in whole.items() if value is not None}


def robot(**changes: Any) -> dict[str, Any]:
    auth = {
        "domain": DOMAIN,
        "client_endpoint": f"https://{DOMAIN}/rest/",
        "member_id": "a3f1c5d7e9b2486a0c1e3f5a7b9d2c4e",
    }
    return {"document_id": ["crm", "CCrmDocumentDeal", "DEAL_7405"], "auth": auth} | changes


def pairs(value: Any, name: str = "") -> list[tuple[str, str]]:
    """What PHP's `http_build_query` makes of a value."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [pair for key, inner in items for pair in pairs(inner, f"{name}[{key}]" if name else str(key))]
    return [(name, str(value))]


def form(value: Any, encode: Any = quote_plus) -> bytes:
    return "&".join(f"{encode(name)}={encode(text)}" for name, text in pairs(value)).encode()


def flat(separator: str, value: Any) -> dict[str, str]:
    """The same with the brackets rewritten."""
    return {name.replace("]", "").replace("[", separator): text for name, text in pairs(value)}


def multipart(value: Any, file: str = "") -> bytes:
    parts = [
        f'--XyZ\r\nContent-Disposition: form-data; name="{name}"{f"; filename={file}" if file else ""}\r\n\r\n{text}\r\n'
        for name, text in pairs(value)
    ]
    return ("".join(parts) + "--XyZ--\r\n").encode()


@dataclass(frozen=True)
class Request:
    """A healthy delivery by default; each scenario changes one or two things."""

    body: bytes = field(default_factory=lambda: form(event()))
    type: str | None = FORM
    headers: Mapping[str, str | bytes] = field(default_factory=dict)
    query: str = ""
    path: str = "/api/bitrix/webhook"
    method: str = "POST"
    agent: str | None = AGENT
    length: int | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    def judge(self) -> tuple[Judgement, Settings]:
        settings = load({NAME: TOKEN, "BITRIX24_DOMAIN": DOMAIN, "LOG_LANGUAGE": "en"} | dict(self.env), None)
        return judge(self.incoming(), settings, NOW), settings

    def incoming(self) -> Incoming:
        headers = {"host": b"hooks.example.com", "accept": b"*/*"}
        if self.type is not None:
            headers["content-type"] = self.type.encode()
        if self.agent is not None:
            headers["user-agent"] = self.agent.encode()
        for name, value in self.headers.items():
            headers[name.lower()] = value if isinstance(value, bytes) else value.encode()
        return Incoming(
            self.method,
            self.path,
            self.query.encode(),
            headers,
            lambda limit: self.body[:limit],
            len(self.body) if self.length is None else self.length,
        )

    def causes(self) -> list[Cause]:
        return diagnose(*self.judge())

    def codes(self) -> list[str]:
        return [cause.code for cause in self.causes()]


def bare(**changes: Any) -> Request:
    """The delivery without its token, the token then put somewhere else."""
    return Request(body=form(event(None)), **changes)


def typed(value: Any, **changes: Any) -> Request:
    return Request(body=json.dumps(value).encode(), type=JSON, **changes)


def configured(value: str, **changes: Any) -> Request:
    return Request(env={NAME: value}, **changes)


def by_hand(body: bytes = b"", **changes: Any) -> Request:
    """A request that somebody tries by hand."""
    return Request(body=body, **({"agent": "curl/8.5.0"} | changes))


BASIC = base64.b64encode(b"bitrix:" + TOKEN.encode()).decode()
UPLOAD = "multipart/form-data; boundary=XyZ"
INCOMING = {"BITRIX24_WEBHOOK_TOKEN": f"1/{SECRET}"}
NESTED = json.dumps(event())

# fmt: off
SCENARIOS: dict[str, tuple[Request, str]] = {
    # What the setting holds.
    "no setting": (Request(env={NAME: ""}), "SETTING_MISSING"),
    "blank setting": (configured(" , ,"), "SETTING_MISSING"),
    "placeholder your_token_here": (configured("your_token_here"), "SETTING_PLACEHOLDER"),
    "placeholder changeme": (configured("changeme"), "SETTING_PLACEHOLDER"),
    "placeholder CHANGE-ME": (configured("CHANGE-ME"), "SETTING_PLACEHOLDER"),
    "placeholder xxx": (configured("xxxxxxxxxxxxxxxx"), "SETTING_PLACEHOLDER"),
    "placeholder <token>": (configured("<token>"), "SETTING_PLACEHOLDER"),
    "placeholder <your-webhook-token>": (configured("<your-webhook-token>"), "SETTING_PLACEHOLDER"),
    "placeholder ваш_токен": (configured("ваш_токен"), "SETTING_PLACEHOLDER"),
    "placeholder вставьте токен сюда": (configured("вставьте токен сюда"), "SETTING_PLACEHOLDER"),
    "placeholder quoted": (configured('"your_token"'), "SETTING_PLACEHOLDER"),
    "placeholder own name": (configured(NAME), "SETTING_PLACEHOLDER"),
    "placeholder $NAME": (configured(f"${{{NAME}}}"), "SETTING_PLACEHOLDER"),
    "placeholder {{ secret }}": (configured("{{ secrets.TOKEN }}"), "SETTING_PLACEHOLDER"),
    "placeholder replace-with": (configured("replace_me_with_your_token".replace("_with", "")), "SETTING_PLACEHOLDER"),
    "a test's token, nothing odd by itself": (configured("test_token"), "SETTING_SHAPE"),
    "placeholder None": (configured("None"), "SETTING_PLACEHOLDER"),
    "placeholder stars": (configured("********"), "SETTING_PLACEHOLDER"),
    "placeholder of the vendor": (configured("51856fefc120afa4b628cc82d3935cce"), "SETTING_PLACEHOLDER"),
    "placeholder secret's name": (configured("projects/p1/secrets/t/versions/latest"), "SETTING_PLACEHOLDER"),
    "quoted": (configured(f'"{TOKEN}"'), "SETTING_DECORATED"),
    "quoted, single": (configured(f"'{TOKEN}'"), "SETTING_DECORATED"),
    "quoted «»": (configured(f"«{TOKEN}»"), "SETTING_DECORATED"),
    "quoted “”": (configured(f"“{TOKEN}”"), "SETTING_DECORATED"),
    "quote at one end": (configured(f'{TOKEN}"'), "SETTING_DECORATED"),
    "backquotes": (configured(f"`{TOKEN}`"), "SETTING_DECORATED"),
    "Bearer": (configured(f"Bearer {TOKEN}"), "SETTING_DECORATED"),
    "NAME=": (configured(f"{NAME}={TOKEN}"), "SETTING_DECORATED"),
    "export NAME=": (configured(f'export {NAME}="{TOKEN}"'), "SETTING_DECORATED"),
    "token:": (configured(f"token: {TOKEN}"), "SETTING_DECORATED"),
    "?token=": (configured(f"?token={TOKEN}"), "SETTING_DECORATED"),
    "auth[application_token]=": (configured(f"auth[application_token]={TOKEN}"), "SETTING_DECORATED"),
    "X-Bitrix-Token:": (configured(f"X-Bitrix-Token: {TOKEN}"), "SETTING_DECORATED"),
    "JSON list": (configured(json.dumps([TOKEN, OTHER])), "SETTING_DECORATED"),
    "white space inside": (configured(f"{TOKEN[:16]} {TOKEN[16:]}"), "SETTING_DECORATED"),
    "line break inside": (configured(f"{TOKEN[:16]}\n{TOKEN[16:]}"), "SETTING_DECORATED"),
    "two by a space": (configured(f"{TOKEN} {OTHER}"), "SETTING_DECORATED"),
    "two by a semicolon": (configured(f"{TOKEN};{OTHER}"), "SETTING_DECORATED"),
    "\\n copied along": (configured(TOKEN + "\\n"), "SETTING_DECORATED"),
    "BOM before it": (configured("\ufeff" + TOKEN), "SETTING_DECORATED"),
    "zero width after it": (configured(TOKEN + "\u200b"), "SETTING_DECORATED"),
    "<token> in brackets": (configured(f"<{TOKEN}>"), "SETTING_DECORATED"),
    "decorated, and the request's own token another": (configured(f'"{OTHER}"'), "SETTING_DECORATED"),
    "URL of the portal": (configured(f"https://{DOMAIN}/rest/1/{SECRET}/"), "SETTING_URL"),
    "URL of the gateway": (configured("https://hooks.example.com/api/bitrix/webhook"), "SETTING_URL"),
    "URL with the token": (configured(f"https://h.example.com/api/bitrix/webhook?token={TOKEN}"), "SETTING_URL"),
    "URL without scheme": (configured(f"{DOMAIN}/rest/1/{SECRET}/"), "SETTING_URL"),
    "the portal's name": (configured(DOMAIN), "SETTING_URL"),
    "the portal before its token, with a scheme": (configured(f"https://{DOMAIN}={TOKEN}"), "SETTING_URL"),
    "the portal before its token, with a colon": (configured(f"{DOMAIN}:{TOKEN}"), "SETTING_URL"),
    "the portal before its token, with an impossible port": (configured(f"{DOMAIN}:65536={TOKEN}"), "SETTING_URL"),
    "incoming ID/SECRET": (configured(f"1/{SECRET}"), "SETTING_INCOMING_SECRET"),
    "incoming rest/ID/SECRET/": (configured(f"/rest/1/{SECRET}/"), "SETTING_INCOMING_SECRET"),
    "incoming SECRET": (Request(env={NAME: SECRET, **INCOMING}), "SETTING_INCOMING_SECRET"),
    "incoming equal": (Request(env={NAME: f"1/{SECRET}", **INCOMING}), "SETTING_INCOMING_SECRET"),
    "setting too short": (configured("n0t-the-t0ken"), "SETTING_SHAPE"),
    "setting of six digits": (configured("482913"), "SETTING_SHAPE"),
    "setting upper case": (configured(TOKEN.upper()), "SETTING_SHAPE"),
    "setting cut": (configured(TOKEN[:24]), "SETTING_SHAPE"),
    "setting with a tail": (configured(TOKEN + "old"), "SETTING_SHAPE"),
    "setting with a Cyrillic letter": (configured(TOKEN.replace("x", "х")), "SETTING_SHAPE"),
    "setting placeholder, token in another header": (bare(headers={"X-Api-Key": TOKEN}, env={NAME: "changeme"}), "SETTING_PLACEHOLDER"),
    "setting placeholder, a browser": (by_hand(agent="Mozilla/5.0", body=b"a=1", env={NAME: "changeme"}), "TOKEN_ABSENT"),
    # Method, path, limits.
    "GET": (Request(method="GET", body=b"", type=None), "METHOD_GET"),
    "GET on /": (Request(method="GET", body=b"", type=None, path="/"), "METHOD_GET"),
    "HEAD": (Request(method="HEAD", body=b"", type=None), "METHOD_GET"),
    "GET on another path": (Request(method="GET", body=b"", type=None, path="/webhook"), "METHOD_GET"),
    "GET, nothing configured": (Request(method="GET", body=b"", type=None, env={NAME: ""}), "METHOD_GET"),
    "wrong path": (Request(path="/bitrix/webhook"), "PATH_WRONG"),
    "path in capitals": (Request(path="/API/Bitrix/Webhook"), "PATH_WRONG"),
    "wrong path by curl": (by_hand(form(event()), path="/webhook"), "PATH_WRONG"),
    "wrong path, token in the query": (bare(path="/hook", query=f"token={TOKEN}"), "PATH_WRONG"),
    "POST on /health": (Request(path="/health"), "PATH_WRONG"),
    "wrong path, nothing configured": (Request(path="/x", env={NAME: ""}), "PATH_WRONG"),
    "a file under another name": (Request(body=multipart({"f": TOKEN}, "a.txt"), type=UPLOAD), "TOKEN_ELSEWHERE"),
    "behind a zero byte": (Request(body=b"a=1\0token=" + TOKEN.encode()), "TOKEN_ELSEWHERE"),
    "token in the path": (bare(path=f"/api/bitrix/webhook/{TOKEN}"), "TOKEN_ELSEWHERE"),
    "token in the path, encoded": (bare(path="/hook/" + quote(TOKEN.upper())), "TOKEN_ALTERED"),
    "query glued to the path": (bare(path=f"/api/bitrix/webhook%3Ftoken={TOKEN}"), "TOKEN_ELSEWHERE"),
    "body too large": (Request(body=b"a=" + b"x" * 600_000), "LIMIT_EXCEEDED"),
    "query too long": (Request(query="a=" + "x" * 9000), "LIMIT_EXCEEDED"),
    "too many fields": (Request(body=b"&".join(b"a%d=1" % i for i in range(1200))), "LIMIT_EXCEEDED"),
    "too deep": (typed(json.loads("[" * 40 + "]" * 40)), "LIMIT_EXCEEDED"),
    "PUT": (Request(method="PUT"), "METHOD_GET"),
    "OPTIONS of a browser": (by_hand(method="OPTIONS", agent="Mozilla/5.0 Firefox/120"), "TOKEN_ABSENT"),
    "scanner": (by_hand(b"x=1", path="/wp-login.php", agent="Mozilla/5.0 zgrab/0.x"), "TOKEN_ABSENT"),
    "browser on another path": (by_hand(method="GET", path="/favicon2.ico", agent="Mozilla/5.0"), "TOKEN_ABSENT"),
    # The body.
    "empty body": (Request(body=b""), "BODY_EMPTY"),
    "blank body": (Request(body=b" \r\n"), "BODY_EMPTY"),
    "body dropped, length kept": (Request(body=b"", length=812), "BODY_INCOMPLETE"),
    "verified, body cut": (Request(body=form(event())[:60], query=f"token={TOKEN}", length=900), "BODY_INCOMPLETE"),
    "stale Content-Length over blanks": (Request(body=b"event=ONUSERADD&data=&ts=1&auth=", length=247), "BODY_INCOMPLETE"),
    "event in the address": (Request(body=b"", query=form(event()).decode()), "BODY_IN_QUERY"),
    "event in the address, another body": (
        Request(body=b"source=crm", query=form(event()).decode()), "BODY_IN_QUERY",
    ),
    "event in the address, token in a header": (
        Request(body=b"", query=form(event(None)).decode(), headers={"X-Bitrix-Token": TOKEN}), "BODY_IN_QUERY",
    ),
    "nested values blank": (Request(body=b"event=ONUSERADD&event_handler_id=12&data=&ts=1750000000&auth="), "BODY_PRINTED"),
    "keys in place of values": (
        Request(body=b"event=E&data=ID&data=EMAIL&auth=domain&auth=application_token", agent="python-requests/2"), "BODY_PRINTED",
    ),
    "[object Object] as the body": (Request(body=b"[object Object]", type="text/plain", agent="node"), "BODY_PRINTED"),
    "[object Object] in a field": (Request(body=b"event=E&data=%5Bobject+Object%5D&auth=%5Bobject+Object%5D"), "BODY_PRINTED"),
    "a printed dict in a field": (
        Request(body=form({"event": "E", "data": str({"ID": "7"}), "auth": str({"application_token": TOKEN})})), "BODY_PRINTED",
    ),
    "printed bytes": (Request(body=str(form(event())).encode(), type=None, agent="python-requests/2"), "BODY_PRINTED"),
    "a printed Go map": (Request(body=b"map[event:[E] auth[application_token]:[" + TOKEN.encode() + b"]]", type="text/plain"), "BODY_PRINTED"),
    "an empty object": (Request(body=b"{}", type=JSON), "BODY_PRINTED"),
    "a printed Buffer": (Request(body=b"<Buffer 65 76 65 6e 74>", type="text/plain"), "BODY_PRINTED"),
    "verified, data printed": (
        Request(body=form(event(data="[object Object]", auth={"domain": DOMAIN})), headers={"X-Bitrix-Token": TOKEN}), "BODY_PRINTED",
    ),
    "verified, data flat": (
        Request(body=form({"event": "E", "data.ID": "7", "ts": "1"}), headers={"X-Bitrix-Token": TOKEN}), "BODY_FLATTENED",
    ),
    "verified, another mapping": (typed({"eventName": "E", "payload": {"ID": "7"}, "token": TOKEN}), "BODY_FLATTENED"),
    "the text null": (Request(body=b"null", type=JSON), "BODY_EMPTY"),
    "a token bound to none, of a portal with its own": (Request(env={NAME: f"{TOKEN}, {DOMAIN}={OTHER}"}), "TOKEN_OTHER_PORTAL"),
    "another portal's bound token": (Request(env={NAME: f"other.bitrix24.ru={TOKEN}"}), "TOKEN_OTHER_PORTAL"),
    "empty body, JWT": (Request(body=b"", headers={"Authorization": f"Bearer {JWT}"}), "BODY_EMPTY"),
    "empty body by curl": (by_hand(), "BODY_EMPTY"),
    "verified, empty body": (Request(body=b"", query=f"token={TOKEN}"), "BODY_EMPTY"),
    "gzip": (Request(body=gzip.compress(form(event())), headers={"Content-Encoding": "gzip"}), "BODY_COMPRESSED"),
    "gzip unsaid": (Request(body=gzip.compress(form(event()))), "BODY_COMPRESSED"),
    "br": (Request(headers={"Content-Encoding": "br"}), "BODY_COMPRESSED"),
    "zlib unsaid": (Request(body=zlib.compress(form(event()))), "BODY_COMPRESSED"),
    "verified, gzip": (Request(body=gzip.compress(form(event())), headers={"X-Bitrix-Token": TOKEN}), "BODY_COMPRESSED"),
    "multipart behind a preamble": (Request(body=b"This is MIME.\r\n" + multipart(event())), "BODY_MISDECLARED"),
    "a browser's multipart behind a preamble": (Request(body=b"This is MIME.\r\n" + multipart(event()).replace(b"XyZ", b"----WebKitFormBoundary7MA4")), "BODY_MISDECLARED"),
    "verified, multipart behind a preamble": (Request(body=b"This is MIME.\r\n" + multipart(event()), query=f"token={TOKEN}"), "BODY_MISDECLARED"),
    "UTF-16": (Request(body=form(event(), encode=str).decode().encode("utf-16")), "BODY_MISDECLARED"),
    "UTF-16 JSON": (Request(body=json.dumps(event()).encode("utf-16-le"), type=JSON), "BODY_MISDECLARED"),
    "UTF-16 declared": (Request(body=json.dumps(event()).encode("utf-16"), type=JSON + "; charset=utf-16"), "BODY_UNREADABLE"),
    "encoded twice": (Request(body=form(event(), lambda text: quote(quote(text, safe=""), safe=""))), "BODY_ENCODED_TWICE"),
    "encoded whole": (Request(body=quote(form(event()), safe="").encode()), "BODY_ENCODED_TWICE"),
    "encoded three times": (Request(body=form(event(), lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""))), "BODY_ENCODED_TWICE"),
    "JSON, percent-encoded": (Request(body=quote(NESTED, safe="").encode()), "BODY_ENCODED_TWICE"),
    "JSON, encoded as a form's value": (Request(body=quote_plus(NESTED).encode(), type=JSON), "BODY_ENCODED_TWICE"),
    "encoded twice, another webhook": (Request(body=form(event(OTHER), lambda text: quote(quote(text, safe=""), safe=""))), "BODY_ENCODED_TWICE"),
    "flat by dots": (Request(body=form(flat(".", event()))), "BODY_FLATTENED"),
    "flat by underscores": (Request(body=form(flat("_", event()))), "BODY_FLATTENED"),
    "flat JSON by dots": (typed(flat(".", event())), "BODY_FLATTENED"),
    "flat JSON by colons": (typed(flat(":", event())), "BODY_FLATTENED"),
    "flat JSON by slashes": (typed(flat("/", event())), "BODY_FLATTENED"),
    "flat, only the token": (Request(body=form(event(None)) + b"&auth.application_token=" + TOKEN.encode()), "BODY_FLATTENED"),
    "unclosed bracket": (Request(body=form(event(None)) + b"&auth[application_token=" + TOKEN.encode()), "BODY_FLATTENED"),
    "flat camel case": (typed({**event(None, auth=None), "authApplicationToken": TOKEN}), "BODY_FLATTENED"),
    "flat auth.token of a whole event": (typed({"event": "ONUSERADD", "auth.token": TOKEN, "auth.domain": DOMAIN}), "BODY_FLATTENED"),
    "flat, altered": (Request(body=form(flat("_", event(TOKEN.upper())))), "BODY_FLATTENED"),
    "in payload, JSON": (Request(body=form({"payload": NESTED})), "BODY_NESTED"),
    "in body, a form": (Request(body=form({"body": form(event()).decode()})), "BODY_NESTED"),
    "in data, JSON": (Request(body=form({"data": NESTED})), "BODY_NESTED"),
    "JSON in JSON": (typed({"payload": NESTED}), "BODY_NESTED"),
    "JSON in JSON, a form": (typed({"body": form(event()).decode(), "isBase64Encoded": False}), "BODY_NESTED"),
    "JSON in JSON, base64": (typed({"body": base64.b64encode(form(event())).decode(), "isBase64Encoded": True}), "BODY_NESTED"),
    "a JSON text": (typed(NESTED), "BODY_NESTED"),
    "a JSON text of a form": (typed(form(event()).decode()), "BODY_NESTED"),
    "an object in body": (typed({"headers": {"host": "h"}, "body": event(), "query": {}}), "BODY_NESTED"),
    "in a list": (typed([event()]), "BODY_NESTED"),
    "twice in JSON": (typed({"body": json.dumps({"payload": NESTED})}), "BODY_NESTED"),
    "verified, in payload": (Request(body=form({"payload": NESTED}), headers={"X-Bitrix-Token": TOKEN}), "BODY_NESTED"),
    "whole event as a file": (Request(body=multipart({"file": NESTED}, "e.json"), type=UPLOAD), "BODY_NESTED"),
    "Pub/Sub push": (typed({"message": {"data": base64.b64encode(form(event())).decode()}, "subscription": "s"}, agent="APIs-Google"), "BODY_NESTED"),
    "XML": (Request(body=b'<?xml version="1.0"?><event name="ONUSERADD"/>', type="text/xml"), "BODY_UNREADABLE"),
    "HTML": (Request(body=b'<html lang="en"><body>502</body></html>'), "BODY_UNREADABLE"),
    "JSON cut": (Request(body=NESTED[:-20].encode(), type=JSON), "BODY_UNREADABLE"),
    "JSON with single quotes": (Request(body=str(event()).encode(), type=JSON), "BODY_PRINTED"),
    "base64": (Request(body=base64.b64encode(form(event()))), "BODY_UNREADABLE"),
    "text": (Request(body="Привет, это проверка".encode(), type="text/plain"), "BODY_UNREADABLE"),
    "bytes": (Request(body=bytes(range(128, 256)), type="application/octet-stream"), "BODY_UNREADABLE"),
    "print_r": (Request(body=b"Array\n(\n    [event] => ONUSERADD\n)\n", type="text/plain"), "BODY_PRINTED"),
    "JSON with a huge number": (Request(body=b'{"a":' + b"9" * 5000 + b"}", type=JSON), "BODY_UNREADABLE"),
    "verified, text": (Request(body=b"hello", type="text/plain", query=f"token={TOKEN}"), "BODY_UNREADABLE"),
    "base64 in a field": (Request(body=form({"event64": base64.b64encode(NESTED.encode()).decode()})), "BODY_NESTED"),
    "auth as a form in a text": (Request(body=form(event(auth=f"domain={DOMAIN}&application_token={TOKEN}"))), "BODY_NESTED"),
    "payload in multipart": (Request(body=multipart({"payload": NESTED}), type=UPLOAD), "BODY_NESTED"),
    "JSON behind =": (Request(body=b"=" + NESTED.encode()), "BODY_NESTED"),
    "JSON for a name": (Request(body=quote(NESTED, safe="").encode() + b"="), "BODY_ENCODED_TWICE"),
    "braces": (Request(body=form(event(None)) + b"&auth{application_token}=" + TOKEN.encode()), "BODY_FLATTENED"),
    "flat, with a prefix": (Request(body=form(event(None)) + b"&payload_auth_application_token=" + TOKEN.encode()), "BODY_FLATTENED"),
    "HTML-escaped form": (Request(body=form(event()).replace(b"&", b"&amp;")), "BODY_UNREADABLE"),
    "HTML-escaped JSON": (Request(body=NESTED.replace('"', "&quot;").encode(), type=JSON), "BODY_UNREADABLE"),
    "lines": (Request(body=form(event(), encode=str).replace(b"&", b"\r\n"), type="text/plain"), "BODY_UNREADABLE"),
    "semicolons": (Request(body=form(event()).replace(b"&", b";")), "BODY_UNREADABLE"),
    "var_export": (Request(body=f"array (\n  'event' => 'E',\n  'token' => '{TOKEN}',\n)".encode(), type="text/plain"), "BODY_PRINTED"),
    "JSONP": (Request(body=b"callback(" + NESTED.encode() + b")", type="application/javascript"), "BODY_UNREADABLE"),
    "YAML": (Request(body=f"auth:\n  application_token: {TOKEN}\n".encode(), type="application/yaml"), "BODY_UNREADABLE"),
    "the token alone": (Request(body=TOKEN.encode(), type="text/plain"), "BODY_UNREADABLE"),
    "multipart cut": (Request(body=multipart(event())[:-200], type=UPLOAD), "BODY_UNREADABLE"),
    "verified, a BOM before the form": (Request(body=b"\xef\xbb\xbf" + form(event())), "BODY_UNREADABLE"),
    "Content-Encoding misused": (Request(headers={"Content-Encoding": "utf-8"}), "BODY_COMPRESSED"),
    # A form declared JSON and its like decode all the same: the token's place is what is wrong.
    "form declared JSON, secret=": (Request(body=form(event(None)) + f"&secret={TOKEN}".encode(), type=JSON), "TOKEN_ELSEWHERE"),
    "JSON declared form, other webhook": (Request(body=json.dumps(event(OTHER)).encode()), "TOKEN_OTHER_WEBHOOK"),
    # Altered.
    "body: upper case": (Request(body=form(event(TOKEN.upper()))), "TOKEN_ALTERED"),
    "body: a line break": (Request(body=form(event(TOKEN + "\n"))), "TOKEN_ALTERED"),
    "body: a space": (Request(body=form(event(" " + TOKEN))), "TOKEN_ALTERED"),
    "header: no-break space": (
        Request(body=form(event(None)), headers={"X-Bitrix-Token": TOKEN + "\u00a0"}), "TOKEN_ALTERED",
    ),
    "body: no-break space": (Request(body=form(event(TOKEN + "\u00a0"))), "TOKEN_ALTERED"),
    "body: zero width": (Request(body=form(event(TOKEN[:9] + "\u200b" + TOKEN[9:]))), "TOKEN_ALTERED"),
    "body: NUL": (typed(event(TOKEN + "\0")), "TOKEN_ALTERED"),
    "body: quotes": (Request(body=form(event(f'"{TOKEN}"'))), "TOKEN_ALTERED"),
    "body: cut": (Request(body=form(event(TOKEN[:20]))), "TOKEN_ALTERED"),
    "body: head cut": (Request(body=form(event(TOKEN[8:]))), "TOKEN_ALTERED"),
    "body: half": (Request(body=form(event(TOKEN[:16]))), "TOKEN_ALTERED"),
    "body: a tail": (Request(body=form(event(TOKEN + "=="))), "TOKEN_ALTERED"),
    "body: twice itself": (Request(body=form(event(TOKEN + TOKEN))), "TOKEN_ALTERED"),
    "body: encoded": (Request(body=form(event(quote(f" {TOKEN}")))), "TOKEN_ALTERED"),
    "body: encoded letters": (Request(body=form(event("".join(f"%{ord(char):02x}" for char in TOKEN)))), "TOKEN_ALTERED"),
    "body: cut and a tail": (Request(body=form(event(TOKEN[:22] + "…"))), "TOKEN_ALTERED"),
    "body: one letter typed wrong": (Request(body=form(event(TOKEN[:12] + "!" + TOKEN[13:]))), "TOKEN_ALTERED"),
    "header: Bearer inside": (bare(headers={"X-Bitrix-Token": f"Bearer {TOKEN}"}), "TOKEN_ALTERED"),
    "header: token=": (bare(headers={"X-Bitrix-Token": f"token={TOKEN}"}), "TOKEN_ALTERED"),
    "header: quoted": (bare(headers={"X-Bitrix-Token": f'"{TOKEN}"'}), "TOKEN_ALTERED"),
    "header: upper case, quoted": (bare(headers={"X-Bitrix-Token": f"'{TOKEN.upper()}'"}), "TOKEN_ALTERED"),
    "header: Bearer Bearer": (bare(headers={"Authorization": f"Bearer Bearer {TOKEN}"}), "TOKEN_ALTERED"),
    "header: inner break": (bare(headers={"X-Bitrix-Token": f"{TOKEN[:8]} {TOKEN[8:]}"}), "TOKEN_ALTERED"),
    "query: token=token=": (bare(query=f"token=token={TOKEN}"), "TOKEN_ALTERED"),
    "query: a trailing slash": (bare(query=f"token={TOKEN}/"), "TOKEN_ALTERED"),
    "query: encoded twice": (bare(query=f"token=%2520{TOKEN}"), "TOKEN_ALTERED"),
    "query: a second question mark": (bare(query=f"token={TOKEN}?source=b24"), "TOKEN_ALTERED"),
    "query: in <>": (bare(query=f"token=<{TOKEN}>"), "TOKEN_ALTERED"),
    "altered elsewhere": (bare(headers={"X-Api-Key": TOKEN.upper()}), "TOKEN_ALTERED"),
    "one of three, altered": (Request(body=form(event(OTHER.upper())), env={NAME: f"{TOKEN},{OTHER},{CUSTOM}"}), "TOKEN_ALTERED"),
    "custom token, cut": (Request(body=form(event(CUSTOM[:-6])), env={NAME: CUSTOM}), "TOKEN_ALTERED"),
    "short token, a space": (Request(body=form(event("482913 ")), env={NAME: "482913"}), "TOKEN_ALTERED"),
    "Cyrillic с": (Request(body=form(event(TOKEN.replace("c", "с")))), "TOKEN_LOOKALIKE"),
    "Cyrillic х in a header": (bare(headers={"X-Bitrix-Token": TOKEN.replace("x", "х")}), "TOKEN_LOOKALIKE"),
    "Cyrillic in the query": (bare(query="token=" + quote(TOKEN.replace("k", "к"))), "TOKEN_LOOKALIKE"),
    "Greek": (typed(event(TOKEN.replace("v", "ν"))), "TOKEN_LOOKALIKE"),
    "full width": (typed(event("".join(chr(ord(char) + 0xFEE0) for char in TOKEN))), "TOKEN_LOOKALIKE"),
    "Cyrillic that looks otherwise": (typed(event(TOKEN.replace("s", "ы"))), "TOKEN_LOOKALIKE"),
    "Cyrillic, in windows-1251": (Request(body=form(event("@@")).replace(b"%40%40", quote(TOKEN.replace("x", "х").encode("cp1251")).encode())), "TOKEN_LOOKALIKE"),
    # Elsewhere.
    **{f"header {name}": (bare(headers={name: TOKEN}), "TOKEN_ELSEWHERE") for name in ("X-Auth-Token", "X-Api-Key", "Token", "X-Token", "X-Bitrix24-Token", "Bitrix-Token")},
    **{f"query {name}": (bare(query=f"{quote(name)}={TOKEN}"), "TOKEN_ELSEWHERE") for name in ("secret", "auth_token", "webhook_token", "application_token", "access_token", "TOKEN", "Token", "key")},
    "query auth[application_token]": (bare(query=f"auth[application_token]={TOKEN}"), "TOKEN_ELSEWHERE"),
    "query without a name": (bare(query=TOKEN), "TOKEN_ELSEWHERE"),
    "query, HTML-escaped": (bare(query=f"source=b24&amp;token={TOKEN}"), "TOKEN_ELSEWHERE"),
    "cookie": (bare(headers={"Cookie": f"a=b; token={TOKEN}"}), "TOKEN_ELSEWHERE"),
    "cookie without a name": (bare(headers={"Cookie": TOKEN}), "TOKEN_ELSEWHERE"),
    "Proxy-Authorization": (bare(headers={"Proxy-Authorization": f"Bearer {TOKEN}"}), "TOKEN_ELSEWHERE"),
    "X-Original-URL": (bare(headers={"X-Original-URL": f"/api/bitrix/webhook?token={TOKEN}"}), "TOKEN_ELSEWHERE"),
    **{f"body {name}": (Request(body=form(event(None)) + f"&{name}={TOKEN}".encode()), "TOKEN_ELSEWHERE") for name in ("secret", "auth_token", "webhook_token", "application_token", "access_token", "TOKEN", "auth[secret]", "data[application_token]", "auth[TOKEN]", "AUTH[APPLICATION_TOKEN]", "auth[applicationToken]", "data[BOT][567][application_token]", "data[FIELDS][token]", "auth[auth][application_token]")},
    "body auth itself": (typed(event(auth=TOKEN)), "TOKEN_ELSEWHERE"),
    "JSON deep": (typed(event(None, data={"a": [{"b": {"token": TOKEN}}]})), "TOKEN_ELSEWHERE"),
    "JSON application_token": (typed({**event(None), "application_token": TOKEN}), "TOKEN_ELSEWHERE"),
    "elsewhere, and a JWT": (bare(headers={"X-Api-Key": TOKEN, "Authorization": f"Bearer {JWT}"}), "TOKEN_ELSEWHERE"),
    "elsewhere, and a blank place": (bare(headers={"X-Api-Key": TOKEN, "X-Bitrix-Token": ""}), "TOKEN_ELSEWHERE"),
    "robot with ?secret=": (Request(body=form(robot()), query=f"secret={TOKEN}"), "TOKEN_ELSEWHERE"),
    # Somebody else's.
    "incoming SECRET in the header": (bare(headers={"X-Bitrix-Token": SECRET}, env=INCOMING), "TOKEN_INCOMING_SECRET"),
    "incoming ID/SECRET in the query": (bare(query=f"token=1/{SECRET}", env=INCOMING), "TOKEN_INCOMING_SECRET"),
    "incoming ID/SECRET, not configured": (bare(query=f"token=1/{SECRET}"), "TOKEN_INCOMING_SECRET"),
    "incoming address": (bare(query=f"token=https://{DOMAIN}/rest/1/{SECRET}/"), "TOKEN_INCOMING_SECRET"),
    "incoming elsewhere": (bare(headers={"X-Secret": SECRET}, env=INCOMING), "TOKEN_INCOMING_SECRET"),
    "another portal": (Request(body=form(event(OTHER)).replace(DOMAIN.encode(), b"other.bitrix24.ru")), "TOKEN_OTHER_PORTAL"),
    "another portal's application": (Request(body=form(event(HEX)).replace(DOMAIN.encode(), b"other.bitrix24.ru")), "TOKEN_OTHER_PORTAL"),
    "application": (Request(body=form(event(HEX))), "TOKEN_APPLICATION"),
    "application, by header": (bare(headers={"X-Bitrix-Token": HEX}), "TOKEN_APPLICATION"),
    "another webhook": (Request(body=form(event(OTHER))), "TOKEN_OTHER_WEBHOOK"),
    "another webhook, two of three": (Request(body=form(event(OTHER)), env={NAME: f"{TOKEN},{CUSTOM}"}), "TOKEN_OTHER_WEBHOOK"),
    "another webhook, custom": (Request(body=form(event(CUSTOM))), "TOKEN_OTHER_WEBHOOK"),
    "another webhook, domain unknown": (Request(body=form(event(OTHER)), env={"BITRIX24_DOMAIN": ""}), "TOKEN_OTHER_WEBHOOK"),
    "another webhook, by curl": (by_hand(b"a=1", headers={"X-Bitrix-Token": OTHER}), "TOKEN_OTHER_WEBHOOK"),
    "a bot's six digits": (Request(body=form(event("771204"))), "TOKEN_ABSENT"),
    "another bot of six digits": (Request(body=form(event("771204")), env={NAME: f"{TOKEN},482913"}), "TOKEN_OTHER_WEBHOOK"),
    "PUT with the token in its body": (Request(body=b'{"token":"%s"}' % TOKEN.encode(), type=JSON, method="PUT"), "METHOD_GET"),
    "DELETE with another webhook's token": (bare(headers={"X-Bitrix-Token": OTHER}, method="DELETE"), "METHOD_GET"),
    "PATCH with the token elsewhere": (bare(query=f"secret={TOKEN}", method="PATCH"), "METHOD_GET"),
    "DELETE, nothing in it": (by_hand(b"", method="DELETE"), "TOKEN_ABSENT"),
    "Authorization: Token": (bare(headers={"Authorization": f"Token {TOKEN}"}), "AUTHORIZATION_SCHEME"),
    "Authorization: none": (bare(headers={"Authorization": TOKEN}), "AUTHORIZATION_SCHEME"),
    "Authorization: Basic with it": (bare(headers={"Authorization": f"Basic {BASIC}"}), "AUTHORIZATION_SCHEME"),
    "Authorization: Basic of a proxy": (bare(headers={"Authorization": "Basic dXNlcjpwYXNz"}), "AUTHORIZATION_SCHEME"),
    "Authorization: Digest": (bare(headers={"Authorization": 'Digest username="u"'}), "AUTHORIZATION_SCHEME"),
    "Authorization: Bearer:": (bare(headers={"Authorization": f"Bearer: {TOKEN}"}), "AUTHORIZATION_SCHEME"),
    "Authorization: BearerTOKEN": (bare(headers={"Authorization": f"Bearer{TOKEN}"}), "AUTHORIZATION_SCHEME"),
    "JWT": (bare(headers={"Authorization": f"Bearer {JWT}"}), "AUTHORIZATION_GATEWAY"),
    "JWT, another webhook": (Request(body=form(event(OTHER)), headers={"Authorization": f"Bearer {JWT}"}), "TOKEN_OTHER_WEBHOOK"),
    "Google's access token": (bare(headers={"Authorization": "Bearer ya29." + "a0AfH6SMB" * 8}), "AUTHORIZATION_GATEWAY"),
    "JWT, signature removed": (bare(headers={"Authorization": f"Bearer {JWT.rpartition('.')[0]}.SIGNATURE_REMOVED_BY_GOOGLE"}), "AUTHORIZATION_GATEWAY"),
    # No token, or no text.
    "blank in the body": (Request(body=form(event(""))), "TOKEN_BLANK"),
    "blank in the query": (bare(query="token="), "TOKEN_BLANK"),
    "blank in the header": (bare(headers={"X-Bitrix-Token": "  "}), "TOKEN_BLANK"),
    "Bearer alone": (bare(headers={"Authorization": "Bearer"}), "TOKEN_BLANK"),
    "repeated in the body": (Request(body=form(event()) + f"&auth[application_token]={TOKEN}".encode()), "TOKEN_REPEATED"),
    "repeated in the query": (bare(query=f"token={TOKEN}&token={TOKEN}"), "TOKEN_REPEATED"),
    "repeated in JSON": (Request(body=b'{"event":"E","token":"%s","token":"%s"}' % (TOKEN.encode(), OTHER.encode()), type=JSON), "TOKEN_REPEATED"),
    "joined headers": (bare(headers={"X-Bitrix-Token": f"{TOKEN}, {TOKEN}"}), "TOKEN_REPEATED"),
    "joined Authorization": (bare(headers={"Authorization": f"Bearer {TOKEN}, Bearer {JWT}"}), "TOKEN_REPEATED"),
    "a number": (typed(event(482913), env={NAME: "482913"}), "TOKEN_NOT_TEXT"),
    "a list": (typed(event([TOKEN])), "TOKEN_NOT_TEXT"),
    "an object": (typed(event({"value": TOKEN})), "TOKEN_NOT_TEXT"),
    "null": (typed({"event": "E", "token": None}), "TOKEN_NOT_TEXT"),
    "undefined": (Request(body=form(event("undefined"))), "TOKEN_NOT_TEXT"),
    "token[]": (bare(query=f"token[]={TOKEN}"), "TOKEN_NOT_TEXT"),
    "auth[application_token][]": (Request(body=form(event(None)) + f"&auth[application_token][]={TOKEN}".encode()), "TOKEN_NOT_TEXT"),
    "a file": (Request(body=multipart({"auth[application_token]": TOKEN}, "token.txt"), type=UPLOAD), "TOKEN_NOT_TEXT"),
    "a file, of a browser": (Request(body=multipart({"auth[application_token]": TOKEN}, "token.txt").replace(b"XyZ", b"----WebKitFormBoundary7MA4"), type=UPLOAD), "TOKEN_NOT_TEXT"),
    "an empty file": (Request(body=multipart({"event": "E"})[:-7] + multipart({"auth[application_token]": ""}, "token.txt"), type=UPLOAD), "TOKEN_NOT_TEXT"),
    "robot": (Request(body=form(robot())), "ROBOT_WITHOUT_TOKEN"),
    "robot in JSON": (typed(robot()), "ROBOT_WITHOUT_TOKEN"),
    "robot, id as text": (Request(body=form(robot(document_id="DEAL_1"))), "ROBOT_WITHOUT_TOKEN"),
    "boxed, no auth": (Request(body=form(event(auth=None))), "AUTH_MISSING"),
    "auth without token": (bare(), "AUTH_MISSING"),
    "auth without token, JSON": (typed(event(None)), "AUTH_MISSING"),
    "no data": (Request(body=form(event(None, data=None))), "AUTH_MISSING"),
    "body cut before auth": (Request(body=form(event(auth=None)), length=900), "BODY_INCOMPLETE"),
    "an opaque Bearer, no token in auth": (bare(headers={"Authorization": "Bearer abc.def"}), "AUTH_MISSING"),
    "another portal, no token": (Request(body=form(event(None)).replace(DOMAIN.encode(), b"other.bitrix24.ru")), "AUTH_MISSING"),
    "nothing but quotes": (typed(event('""')), "TOKEN_BLANK"),
    "nothing that is seen": (typed(event("\u200b")), "TOKEN_BLANK"),
    "text null": (Request(body=form(event("null"))), "TOKEN_ABSENT"),
    "a placeholder sent": (by_hand(b"a=1", headers={"X-Bitrix-Token": "your_token_here"}), "TOKEN_ABSENT"),
    "a template not filled in": (by_hand(b"a=1", query="token={{token}}"), "TOKEN_ABSENT"),
    "an application's page": (by_hand(b"AUTH_ID=abc&PLACEMENT=DEFAULT&member_id=1", agent="Mozilla/5.0"), "TOKEN_ABSENT"),
    "the queue's own message": (typed({"message": {"data": base64.b64encode(b'{"schema":1,"event_id":"x","event":"E"}').decode()}}, agent="APIs-Google"), "TOKEN_ABSENT"),
    "Slack": (by_hand(b"token=gIkuvaNzQIHg97ATvDxqgjtO&team_id=T1", agent="Slackbot 1.0"), "TOKEN_ABSENT"),
    "monitor": (by_hand(agent="Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"), "TOKEN_ABSENT"),
    "health check": (by_hand(agent="GoogleHC/1.0"), "TOKEN_ABSENT"),
    "curl": (by_hand(b"hello=world"), "TOKEN_ABSENT"),
    "Postman": (by_hand(b'{"test": true}', type=JSON, agent="PostmanRuntime/7.36"), "TOKEN_ABSENT"),
    "browser's form": (by_hand(b"name=x", agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0"), "TOKEN_ABSENT"),
    "GitHub": (by_hand(b'{"zen":"x","hook_id":1}', type=JSON, agent="GitHub-Hookshot/1", headers={"X-GitHub-Event": "ping"}), "TOKEN_ABSENT"),
    "Telegram": (by_hand(b'{"update_id":1,"message":{"text":"hi"}}', type=JSON, agent=None), "TOKEN_ABSENT"),
    "Stripe": (by_hand(b'{"id":"evt_1","object":"event"}', type=JSON, agent="Stripe/1.0"), "TOKEN_ABSENT"),
    "a word for a token": (by_hand(b"a=1", query="token=test"), "TOKEN_ABSENT"),
    "no User-Agent": (by_hand(b"a=1", agent=None), "TOKEN_ABSENT"),
}
# fmt: on
