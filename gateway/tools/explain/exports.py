"""Requests in the text files of tools: Bruno's collection, curl's trace, ModSecurity's audit log."""

import re
from urllib.parse import quote_plus

from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain.request import Request, read_raw, relative

_BRUNO = re.compile(r"(?m)^body:(?:form-urlencoded|multipart-form) \{\r?\n((?:[ \t]+[^\n]*\n)+)\}")
_BRUNO_URL = re.compile(r"(?m)^[ \t]{1,9}url: (\S{1,9000})")
_TRACED = re.compile(r"(?m)^(=> Send (?:header|data)|<= Recv|== Info)[^\n]*\n((?:[0-9a-f]{4,6}: [^\n]*\n?)*)")
_AUDIT = re.compile(r"(?m)^--[0-9a-fA-F]{6,20}-([A-Z])--\r?\n")


def read_exported(text: str) -> Request | None:
    """The request in such a file; None for any other text."""
    return _bruno(text) or _trace(text) or _audit(text)


def _bruno(text: str) -> Request | None:
    """Its form, disabled lines (`~name`) left out; a body of JSON is found by itself."""
    found = _BRUNO.search(text)
    if found is None:
        return None
    lines = (line.strip().partition(": ") for line in found[1].splitlines())
    pairs = [
        f"{quote_plus(name)}={quote_plus(value)}" for name, _, value in lines if not name.startswith("~")
    ]
    url = _BRUNO_URL.search(text)
    target = relative(re.sub(r"^\{\{[^}]{0,200}\}\}", "", url[1])) if url else WEBHOOK_PATH
    form = (("Content-Type", b"application/x-www-form-urlencoded"),)
    return Request("POST", target, form, "&".join(pairs).encode(), "bruno")


def _trace(text: str) -> Request | None:
    """`curl --trace-ascii`: lines of 64 characters behind their offsets; those of a header are its own."""
    head, body = "", ""
    for kind, lines in _TRACED.findall(text):
        pieces = [line.partition(": ")[2] for line in lines.splitlines()]
        if kind == "=> Send header":
            head += "\r\n".join(pieces)
        elif kind == "=> Send data":
            body += "".join(pieces)
    if not head:
        return None
    raw = f"{head.rstrip()}\r\n\r\n{body}".encode("utf-8", "surrogateescape")
    return _named(read_raw(raw), "curl_trace")


def _audit(text: str) -> Request | None:
    """ModSecurity's parts: B holds the request's head, C its body."""
    pieces = _AUDIT.split(text)
    parts = dict(zip(pieces[1::2], pieces[2::2], strict=False))
    if "B" not in parts:
        return None
    raw = f"{parts['B'].rstrip()}\n\n{parts.get('C', '').rstrip()}".encode("utf-8", "surrogateescape")
    return _named(read_raw(raw), "audit_log")


def _named(request: Request, read_as: str) -> Request:
    return Request(request.method, request.target, request.headers, request.body, read_as)
