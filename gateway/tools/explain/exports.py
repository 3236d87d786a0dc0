"""Reads requests in tools' text formats: Bruno, JMeter, traces of curl and http.client, ModSecurity."""

import re
from dataclasses import replace
from urllib.parse import quote_plus

from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain.request import Request, read_raw, relative, utf8

_BRUNO = re.compile(r"(?m)^body:(?:form-urlencoded|multipart-form) \{\r?\n((?:[ \t]+[^\n]*\n)+)\}")
_BRUNO_URL = re.compile(r"(?m)^[ \t]{1,9}url: (\S{1,9000})")
_TRACED = re.compile(r"(?m)^(=> Send (?:header|data)|<= Recv|== Info)[^\n]*\n((?:[0-9a-f]{4,6}: [^\n]*\n?)*)")
_AUDIT = re.compile(r"(?m)^--[0-9a-fA-F]{6,20}-([A-Z])--\r?\n")
_SENT = re.compile(r"(?m)^send: b(['\"])([^\n]{0,600000})\1$")
_JMETER = re.compile(r"\s{0,99}POST (\S{1,9000})\n\s{0,9}\nPOST data:\n([^\n]{1,600000})\n")


def read_exported(text: str) -> Request | None:
    """The request in a text of one of these tools; None for any other text."""
    return _bruno(text) or _trace(text) or _audit(text) or _jmeter(text) or _sent(text)


def _bruno(text: str) -> Request | None:
    """The form of a Bruno file without its disabled lines (`~name`); `read_json` finds a JSON body."""
    match = _BRUNO.search(text)
    if match is None:
        return None
    lines = (line.strip().partition(": ") for line in match[1].splitlines())
    pairs = [
        f"{quote_plus(utf8(name))}={quote_plus(utf8(value))}"
        for name, _, value in lines
        if not name.startswith("~")
    ]
    url = _BRUNO_URL.search(text)
    target = relative(re.sub(r"^\{\{[^}]{0,200}\}\}", "", url[1])) if url else WEBHOOK_PATH
    form = (("Content-Type", b"application/x-www-form-urlencoded"),)
    return Request("POST", target, form, "&".join(pairs).encode(), "bruno")


def _trace(text: str) -> Request | None:
    """The request in `curl --trace-ascii`: after offsets, data by 64 characters and headers by the line."""
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
    return replace(read_raw(raw), read_as="curl_trace")


def _audit(text: str) -> Request | None:
    """The request in ModSecurity's audit log, whose part B holds the head and C the body."""
    pieces = _AUDIT.split(text)
    parts = dict(zip(pieces[1::2], pieces[2::2], strict=False))
    if "B" not in parts:
        return None
    raw = f"{parts['B'].rstrip()}\n\n{parts.get('C', '').rstrip()}".encode("utf-8", "surrogateescape")
    return replace(read_raw(raw), read_as="audit_log")


def _sent(text: str) -> Request | None:
    """What Python's http.client prints with `debuglevel=1`: a head and a body, each as bytes."""
    printed = "".join(match[2] for match in _SENT.finditer(text))
    if not printed.startswith("POST "):
        return None
    raw = re.sub(r"\\(x[0-9a-f]{2}|.)", _octet, printed).encode("latin-1", "replace")
    return replace(read_raw(raw), read_as="http_client")


def _octet(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else {"n": "\n", "r": "\r", "t": "\t"}.get(code, code)


def _jmeter(text: str) -> Request | None:
    """The request in JMeter's results tree, which shows the body above the headers."""
    match = _JMETER.match(text)
    if match is None:
        return None
    _, _, headers = text.partition("Request Headers:\n")
    raw = f"POST {match[1]} HTTP/1.1\n{headers.strip()}\n\n{match[2]}".encode("utf-8", "surrogateescape")
    return replace(read_raw(raw), read_as="jmeter")
