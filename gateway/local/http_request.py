"""Reads one HTTP request for `serve`: the head by h11, the body within a bound, then the WSGI environ."""

import re
import sys
from asyncio import Transport
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

import h11

from gateway.ingest.incoming import MAX_BODY, MAX_QUERY
from gateway.local.http_chunks import BrokenChunks, Chunks, TooManyChunks
from gateway.receiver.wsgi import UNDERSCORED
from gateway.texts import Notice

MAX_HEAD = 64 * 1024
MAX_HEADERS = 200

_REQUEST_LINE = re.compile(rb"(?:POST|GET|HEAD) /[^\s]{0,16384} HTTP/1\.[01]\r\n")
# The most bytes of a request line before its version.
_LINE_START = len(b"POST /") + 16384
_LINE_END = re.compile(rb" HTTP/1\.[01]\r\n")
_ANY_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40} [^\r\n]* HTTP/1\.[01]\r\n")
_LONG_QUERY = re.compile(
    rb"([A-Z]{1,20}) (/[!->@-~\x80-\xff]{0,1000})\?([!-~\x80-\xff]{%d,})" % (MAX_QUERY + 1)
)
# h11 requires ASCII in an address, and its own reading of one is not used.
_ASCII = bytes(byte if byte < 0x80 else ord("?") for byte in range(256))
# The first digits are enough for a length far over the limit; h11 accepts at most twenty.
_LONG_LENGTH = re.compile(rb"(\r\ncontent-length:[ \t]*)0*(\d{16})\d+", re.IGNORECASE)
_ABSOLUTE = re.compile(rb"https?://[^/?]*", re.IGNORECASE)
# Beginnings of what h11 says. It quotes the sender, so it is logged in our own words.
_REASONS = (
    ("Missing mandatory Host", "HTTP_REASON_NO_HOST"),
    ("Found multiple Host", "HTTP_REASON_HOSTS"),
    ("illegal header line", "HTTP_REASON_HEADER"),
    ("Illegal header", "HTTP_REASON_HEADER"),
    ("continuation line", "HTTP_REASON_HEADER"),
    ("conflicting Content-Length", "HTTP_REASON_LENGTH"),
    ("bad Content-Length", "HTTP_REASON_LENGTH"),
    ("multiple Transfer-Encoding", "HTTP_REASON_ENCODING"),
    ("Only Transfer-Encoding", "HTTP_REASON_ENCODING"),
    ("illegal request line", "HTTP_REASON_LINE"),
)
_TEXT_ONLY = ("application/x-www-form-urlencoded", "application/json")


class BadRequest(Exception):
    """Something that is not an HTTP request: the status to answer, and why."""

    def __init__(self, status: int, code: str, reason: Notice) -> None:
        super().__init__(reason.key)
        self.status = status
        self.code = code
        self.reason = reason


class Request:
    """A request that is being read. `ended` is `late`, `gone`, `next` or `broken` where it is not whole."""

    def __init__(self, environ: dict[str, Any], length: int | None = 0, chunks: Chunks | None = None) -> None:
        self.environ = environ
        self.body = bytearray()
        self.ended = ""
        # Bytes after the body that are not a request.
        self.surplus = 0
        self.close = False
        self.complete = False
        self.wants_continue = False
        self.size = 0
        self._length = length
        self._chunks = chunks
        # Neither a form nor JSON can contain a request line: at one, the next request begins.
        self._watched = environ.get("CONTENT_TYPE", "").lower().startswith(_TEXT_ONLY)
        # Where the search for the next request goes on.
        self._searched = 0
        # The position behind the last end of a request line that was looked at.
        self._last_end = 0

    def feed(self, buffer: bytearray) -> None:
        """Move what belongs to the body out of `buffer`."""
        if self._chunks is not None:
            self._feed_chunks(buffer, self._chunks)
        else:
            self._feed_length(buffer, self._length or 0)
        self.size = len(self.body)

    @property
    def wants_turn(self) -> bool:
        """Whether what has come is still to be read, after others have had their turn."""
        return self._chunks is not None and self._chunks.has_more and not self.complete

    def _feed_length(self, buffer: bytearray, length: int) -> None:
        # The function answers 413 without reading it.
        if length > MAX_BODY:
            self.complete = self.close = True
            self.wants_continue = False
            return
        missing = length - len(self.body)
        self.body += buffer[:missing]
        del buffer[:missing]
        self.complete = len(self.body) == length
        if self._watched:
            self._end_before_next(buffer)

    def _end_before_next(self, buffer: bytearray) -> None:
        """End the body where the next request begins, which too large a Content-Length had included.

        Senders choose the packets, so each byte is searched twice at most: once for the end of a
        request line, and from such an end back to the one before it for the line's beginning.
        """
        # Only a complete body leaves something in the buffer, so this copy is made once.
        text = self.body + buffer[:MAX_HEAD] if buffer else self.body
        while end := _LINE_END.search(text, self._searched):
            line = _REQUEST_LINE.search(text, max(self._last_end, end.start() - _LINE_START), end.end())
            self._searched = self._last_end = end.end()
            if line:
                if line.start() < len(self.body):
                    del self.body[line.start() :]
                    buffer.clear()
                    self.ended, self.complete = "next", True
                return
        # The end of a line may be cut between two packets.
        self._searched = max(self._searched, len(text) - len(b" HTTP/1.1\r"))

    def _feed_chunks(self, buffer: bytearray, chunks: Chunks) -> None:
        try:
            chunks.take(buffer, self.body, MAX_BODY)
        except BrokenChunks:
            # The function judges what came before the break.
            self.ended, self.complete = "broken", True
            return
        except TooManyChunks:
            self._too_large()
            return
        self.complete = chunks.complete
        if len(self.body) > MAX_BODY:
            self._too_large()
        elif chunks.complete:
            self._length = len(self.body)

    def _too_large(self) -> None:
        self._length = max(len(self.body), MAX_BODY + 1)
        self.complete = self.close = True

    def cut(self, size: int) -> None:
        """Drop the body from `size` bytes on, which frees the memory."""
        del self.body[size:]
        self.size = len(self.body)

    def to_wsgi(self) -> dict[str, Any]:
        """The environ that the function gets; `gateway.…` keys hold what WSGI has no key for."""
        environ = self.environ
        if self._length is not None:
            environ["CONTENT_LENGTH"] = str(self._length)
        # From here on the function's copy is the only one.
        body, self.body = bytes(self.body), bytearray()
        environ["wsgi.input"] = BytesIO(body)
        if self.ended:
            environ["gateway.body_ended"] = self.ended
        if self.surplus:
            environ["gateway.body_surplus"] = self.surplus
        return environ


def parse_head(head: bytes, transport: Transport) -> Request:
    """The request whose head is `head`. Raises `BadRequest`."""
    # Counted before h11 parses them, which for all that fit into a head takes 27 ms of everybody's time.
    lines = head.count(b"\r\n")
    if lines > MAX_HEADERS + 2:
        raise BadRequest(431, "HTTP_INVALID", Notice("HTTP_REASON_HEADERS", most=MAX_HEADERS))
    # h11 would end the head at two lone line feeds, and what follows them would belong to no request.
    if not lines == head.count(b"\n") == head.count(b"\r"):
        raise BadRequest(400, "HTTP_INVALID", Notice("HTTP_REASON_LINE_ENDS"))
    line_end = head.index(b"\r\n")
    line = head[:line_end]
    if not _ANY_LINE.fullmatch(line + b"\r\n"):
        raise BadRequest(400, "HTTP_INVALID", Notice("HTTP_REASON_LINE"))
    target = line[line.index(b" ") + 1 : line.rindex(b" ")]
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
    parser.receive_data(line.translate(_ASCII) + _LONG_LENGTH.sub(rb"\1\2", head[line_end:]))
    try:
        event = parser.next_event()
    except h11.RemoteProtocolError as error:
        key = next((key for words, key in _REASONS if str(error).startswith(words)), "HTTP_REASON_LIBRARY")
        raise BadRequest(error.error_status_hint, "HTTP_INVALID", Notice(key)) from None
    if not isinstance(event, h11.Request):
        raise BadRequest(400, "HTTP_INVALID", Notice("HTTP_REASON_LINE"))
    environ, declared, chunked = _environ(event, target, transport)
    if chunked and declared:
        raise BadRequest(400, "HTTP_INVALID", Notice("HTTP_REASON_LENGTHS"))
    length = None if chunked else int(declared or 0)
    request = Request(environ, length, Chunks() if chunked else None)
    http_1_0 = event.http_version == b"1.0"
    connection = environ.get("HTTP_CONNECTION", "").lower()
    request.close = "close" in connection or (http_1_0 and "keep-alive" not in connection)
    request.wants_continue = not http_1_0 and environ.get("HTTP_EXPECT", "").lower() == "100-continue"
    return request


def _environ(event: h11.Request, target: bytes, transport: Transport) -> tuple[dict[str, Any], str, bool]:
    """The WSGI environ, the Content-Length, and whether the body comes in chunks."""
    absolute = _ABSOLUTE.match(target)
    path, _, query = (target[absolute.end() :] if absolute else target).partition(b"?")
    environ = base_environ(event.method, path, query, transport)
    environ["SERVER_PROTOCOL"] = "HTTP/" + event.http_version.decode("ascii")
    environ["REQUEST_URI"] = environ["RAW_URI"] = target.decode("latin-1")
    length, chunked = "", False
    for name, value in event.headers:
        text = value.decode("latin-1")
        if name == b"content-length":
            length = text
        elif name == b"transfer-encoding":
            # h11 refuses every other encoding.
            chunked = True
        elif name == b"content-type":
            environ["CONTENT_TYPE"] = text
        else:
            key = "HTTP_" + name.decode("ascii").upper().replace("-", "_")
            if b"_" in name:
                # PEP 3333 would give `X_Token` the key of `X-Token`. Only the diagnosis looks at it.
                key = UNDERSCORED + name.decode("ascii").lower()
            environ[key] = f"{environ[key]}, {text}" if key in environ else text
    return environ, length, chunked


def base_environ(method: bytes, path: bytes, query: bytes, transport: Transport) -> dict[str, Any]:
    """The environ keys that PEP 3333 requires for every request."""
    host, port = (transport.get_extra_info("sockname") or ("", 0))[:2]
    peer = transport.get_extra_info("peername") or ("", 0)
    raw_path = unquote_to_bytes(path) if b"%" in path else path
    return {
        "REQUEST_METHOD": method.decode("ascii"),
        "SCRIPT_NAME": "",
        "PATH_INFO": raw_path.decode("latin-1") or "/",
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": str(host),
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": str(peer[0]),
        "REMOTE_PORT": str(peer[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def long_query(start: bytes, transport: Transport) -> Request:
    """The request of a head whose query is too long, to be answered 414. Else raises `BadRequest`."""
    match = _LONG_QUERY.match(start)
    if not match:
        raise BadRequest(431, "HTTP_INVALID", Notice("HTTP_REASON_HEAD", most=MAX_HEAD))
    request = Request(base_environ(match[1], match[2], match[3], transport))
    request.complete = request.close = True
    return request


def find_request_line(text: bytes) -> int | None:
    """Where in `text` a request line begins; None if there is none."""
    if _ANY_LINE.match(text):
        return 0
    match = _REQUEST_LINE.search(text)
    return match.start() if match else None
