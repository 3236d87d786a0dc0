"""Reads a request as an operator captured it: a raw HTTP request, or a bare body."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import unquote_to_bytes

import h11

from gateway.errors import GatewayError
from gateway.ingest.incoming import MAX_BODY, Incoming
from gateway.ingest.printouts import printout
from gateway.redaction import MASK_START
from gateway.setting_values import WEBHOOK_PATH

Headers = tuple[tuple[str, bytes], ...]

_REQUEST_LINE = re.compile(rb"(?:> )?([A-Za-z]{3,10}) +(\S+)(?: +HTTP/\d(?:\.\d)?)?[ \t]*\r?(?:\n|\Z)")
_BLANK_LINE = re.compile(rb"\r?\n[ \t]*\r?\n")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
# What `curl -v` prints around a request.
_PROXIED = re.compile(rb"(?m)^[*<{}] ?.*\r?\n?")
_FRAMED = re.compile(rb"(?m)^> [A-Za-z]+ \S+ HTTP/")
# A command other than curl, which would be read as a form.
_SCRIPT = re.compile(
    rb"\s*(?:[$\w.]+\s*=\s*)?(?:(?:await|const|import)\s|Invoke-(?:WebRequest|RestMethod)\b|(?:iwr|irm|wget|httpx?)\s"
    rb"|(?:fetch|axios|requests)[.(]|\$session\b)",
    re.IGNORECASE,
)
# A name with its value; in prose and in code a space is before the sign.
_PAIR = re.compile(rb"\s*[^\s=]{0,1000}=")
# A person who pastes a request may replace its token or lose a line end.
EDITED_BYTES = 64
# Halves of surrogate pairs; the other surrogates stand for bytes.
_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_FRAMING = (b"host", b"content-length", b"transfer-encoding")


def utf8(text: str) -> bytes:
    """A text as it was pasted; half a surrogate pair, which only JSON's escapes can hold, is U+FFFD."""
    return _HALVES.sub("\ufffd", text).encode("utf-8", "surrogateescape")


class Unreadable(GatewayError):
    """The pasted text can't be read; the sentence says what can be."""


@dataclass(frozen=True)
class Request:
    """A captured request: `target` is the path with its query; headers keep their order and spelling."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)
    read_as: str = field(default="", compare=False)

    def header(self, name: str) -> bytes | None:
        """The value of the first header with this lower-case name; None if there is none."""
        return next((value for header_name, value in self.headers if header_name.lower() == name), None)

    def incoming(self) -> Incoming:
        """The request as a server hands it over: path decoded, repeated headers joined by a comma."""
        path, _, query = self.target.partition("#")[0].partition("?")
        headers: dict[str, bytes] = {}
        for name, value in self.headers:
            earlier = headers.get(name.lower())
            headers[name.lower()] = value if earlier is None else earlier + b"," + value
        declared = (self.header("content-length") or b"").decode("latin-1")
        length = int(declared) if re.fullmatch(r"[0-9]{1,15}", declared) else 0
        # A sender that counts characters promises less than it sends: a server reads that far.
        counted = length < len(self.body) and length == len(self.body.decode("utf-8", "replace"))
        body = self.body[:length] if counted else self.body
        return Incoming(
            method=self.method.upper(),
            path=unquote_to_bytes(utf8(path)).decode("utf-8", "replace") or "/",
            query=utf8(query),
            headers=headers,
            read=BytesIO(body).read,
            declared_length=length if self._is_short_of(length) else len(body),
            cut=counted,
        )

    def _is_short_of(self, length: int) -> bool:
        """Whether the body is shorter than its Content-Length by more than an edit or a mask explains."""
        if length > MAX_BODY or not self.body:
            return True
        edited = MASK_START.strip().encode() in self.body or "…".encode() in self.body
        return not edited and len(self.body) + self.body.count(b"\n") + EDITED_BYTES < length


def relative(address: str) -> str:
    """The path and query of an address, with or without scheme and host."""
    origin = _ORIGIN.match(address)
    return address[origin.end() :] if origin else address


def is_raw(text: bytes) -> bool:
    """Whether this begins like an HTTP request, possibly after the `> ` that `curl -v` prints."""
    line = _REQUEST_LINE.match(_unframed(text))
    return line is not None and (b"HTTP/" in line[0] or re.match(rb"/|https?://", line[2]) is not None)


def read_raw(text: bytes) -> Request:
    """A raw request, lines ended by CRLF or LF; its body is taken as pasted. Raises `Unreadable`."""
    head, body = _split(_unframed(text))
    line = _REQUEST_LINE.match(head)
    if line is None:
        raise Unreadable("PASTED_REQUEST", problem="METHOD PATH HTTP/1.1")
    method, target = line[1].upper(), _ascii(line[2])
    lines = [header.rstrip(b"\r \t") for header in head[line.end() :].split(b"\n")]
    # Not HTTP/2's :authority and its like.
    fields = [header for header in lines if header and not header.startswith(b":")]
    framing = {header.partition(b":")[0].strip().lower(): header for header in fields}
    unframed = [header for header in fields if header.partition(b":")[0].strip().lower() not in _FRAMING]
    headers = _parse(method, target, unframed)
    length = framing.get(b"content-length", b"").partition(b":")[2].strip()
    if b"chunked" in framing.get(b"transfer-encoding", b"").lower():
        body = _dechunk(body)
    if length.isdigit() and int(length[:15]) and not body.strip() and _FRAMED.search(text):
        raise Unreadable("PASTED_CURL_VERBOSE")
    if length:
        headers += (("Content-Length", length),)
    return Request(method.decode(), relative(target.decode()), headers, _as_pasted(body, length))


def read_bare(text: bytes) -> Request | None:
    """A bare body, as a POST to the webhook's path with the Content-Type that its look suggests."""
    body = text.strip(b"\r\n")
    start = body.lstrip()[:2]
    if start[:1] in (b"{", b"["):
        media = b"application/json"
    elif start == b"--" and b"form-data" in body:
        media = b"multipart/form-data; boundary=" + body.lstrip().split(None, 1)[0][2:]
    elif b"=" in body and not _SCRIPT.match(body) and (_PAIR.match(body) or _is_printed(body)):
        media = b"application/x-www-form-urlencoded"
    else:
        return None
    return Request("POST", WEBHOOK_PATH, (("Content-Type", media),), body)


def _is_printed(body: bytes) -> bool:
    return printout(body[:1000].decode("utf-8", "replace")) != ""


def _unframed(text: bytes) -> bytes:
    text = text.lstrip(b"\r\n\t ")
    if not _FRAMED.search(text):
        return text
    request_lines = _PROXIED.sub(b"", text)
    return re.sub(rb"(?m)^> ?", b"", request_lines).lstrip(b"\r\n\t ")


def _split(text: bytes) -> tuple[bytes, bytes]:
    blank = _BLANK_LINE.search(text)
    return (text[: blank.start()], text[blank.end() :]) if blank else (text, b"")


def _ascii(target: bytes) -> bytes:
    """An address as a client would send it, with everything beyond ASCII percent-encoded."""
    return b"".join(bytes([byte]) if 0x20 < byte < 0x7F else b"%%%02X" % byte for byte in target)


def _parse(method: bytes, target: bytes, fields: Iterable[bytes]) -> Headers:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=2**20)
    lines = [b"%s %s HTTP/1.1" % (method, target), b"Host: gateway", *fields, b"", b""]
    try:
        connection.receive_data(b"\r\n".join(lines))
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        raise Unreadable("PASTED_REQUEST", problem=str(error).partition(":")[0]) from None
    if not isinstance(event, h11.Request):
        raise Unreadable("PASTED_REQUEST", problem="headers")
    return tuple((name.decode("latin-1"), value) for name, value in event.headers if name != b"host")


def _as_pasted(body: bytes, length: bytes) -> bytes:
    """The body without the line end that an editor adds, unless the Content-Length includes it."""
    stripped = body.rstrip(b"\r\n")
    if length.isdigit() and len(stripped) <= int(length[:15]) <= len(body):
        return body[: int(length)]
    return stripped


def _dechunk(body: bytes) -> bytes:
    """A chunked body's content if the framing was captured too, else the body as it is."""
    content, remaining = [], body
    while (size := re.match(rb"\s*([0-9A-Fa-f]{1,8})[^\r\n]*\r?\n", remaining)) and (
        count := int(size[1], 16)
    ):
        content.append(remaining[size.end() : size.end() + count])
        remaining = remaining[size.end() + count :]
    last_chunk = re.match(rb"\s*0+\s*", remaining)
    return b"".join(content) if last_chunk else body
