"""Reads requests among other text: packet captures, followed streams, headers with a body, foreign logs."""

import json
import re
from dataclasses import replace
from urllib.parse import urlsplit

from gateway.diagnosis.body_readings import from_base64
from gateway.redaction import MASK
from gateway.setting_values import WEBHOOK_PATH, incoming_address
from gateway.tools.explain.request import Request, Unreadable, read_bare, read_raw, relative, utf8
from gateway.tools.explain.wrappers import read_wrapped
from gateway.tools.sample_delivery import data_of
from verify import HEADER_PLACES

FORM = (("Content-Type", b"application/x-www-form-urlencoded"),)
_METHODS = rb"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)"
# A header must follow: tcpdump's own line and an access log name a request too.
_INSIDE = re.compile(
    rb"(" + _METHODS + rb" \S{1,9000} HTTP/\d(?:\.\d)?)(\.?)\r?\n(?=[A-Za-z][\w-]{1,60}: ?\S)"
)
_PACKET = re.compile(
    rb"(?m)^(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3,9} (?:\w{1,20} +(?:In|Out) +)?IP6? [^\n]*"
    # `-v` breaks the line.
    rb"(?:\n[ \t]{1,20}\S{1,100} > \S{1,100}: [^\n]*)?\n?"
)
_STAMPED = re.compile(rb"options \[[^\]\n]{0,80}TS val")
_NO_DATA = re.compile(rb"length 0\s*\Z")
# A body, after headers of any length.
_BEGINS = re.compile(rb"event=|\{\s{0,20}\"")
_NGREP = re.compile(rb"(?m)^(?:#+|[TU] \S+ -> \S+[^\n]*)\n")
_HEADERS = re.compile(
    rb"(?i)\s*(?:host|user-agent|content-type|content-length|accept|accept-[a-z]+|connection|x-[\w-]+|forwarded|via)"
    rb": ?[^\n]*\n"
)
_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n")
# `payload=event=…` by itself is a body; among other text `payload=` is a log's name for it.
EVENT_PAIRS = re.compile(
    rb"(?:(?<![\w%\]&=?])|(?<=\sbody=)|(?<=\sdata=)|(?<=\scontent=)|(?<=\spayload=))"
    rb"event=[\w%.+-]{1,100}&(?:" + MASK.pattern.encode() + rb"|[^\s\"'`<>|\\]){1,600000}"
)
_PAIR_LINE = re.compile(r"&?[\w\[\]%.]{1,300}=[^\n&]{0,100000}&?")
_OLD_LINE = re.compile(
    r"Неверный токен исходящего вебхука\. Получен: ?\S|Токен исходящего вебхука не найден", re.IGNORECASE
)
_OLD_BODY = re.compile(r"Тело запроса[^\n:]{0,60}: ?(.*)")
_OLD_HEADERS = re.compile(r"'Content-Type': '([^'\n]{1,200})'")
_OLD_QUERY = re.compile(r"Параметры URL: ?\{([^\n}]{0,9000})\}")
_NAMES = "|".join(place.partition(":")[2] for place in HEADER_PLACES)
_TOKEN_HEADER = re.compile(rf"({_NAMES}) ?: ?([^\n]{{1,500}})", re.IGNORECASE)
_SETTING = re.compile(r"\A(?:export )?BITRIX24_OUTGOING_WEBHOOK_TOKEN ?= ?")
# How many objects of a text are tried.
_MAX_OBJECTS = 20
_TOKEN = re.compile(r"(?:custom)?[A-Za-z0-9]{16,64}")
_BASE64 = re.compile(rb"[\w+/-]{24,}={0,2}", re.ASCII)
_FORM_OF_EVENT = re.compile(rb"(?:\A|&)(?:event=|auth(?:\[|%5B))", re.IGNORECASE)


def read_packets(text: bytes) -> Request | None:
    """A request in `tcpdump -A`, ngrep or a dump of several packets; the first one."""
    if not (_PACKET.search(text) or _NGREP.search(text)):
        return None
    match = _INSIDE.search(text)
    if match is None:
        return None
    raw = text[match.start() :]
    # ngrep prints a dot for each CR.
    if match[2]:
        raw = re.sub(rb"(?m)\.$", b"", raw)
    head, blank, following = raw.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")
    # The blank line got lost between two packets.
    if packet := _PACKET.search(head):
        head, blank, following = raw[: packet.start()].rstrip(b"\r\n"), b"\n\n", raw[packet.start() :]
    length = re.search(rb"(?im)^content-length: *(\d{1,7})", head)
    body = _joined(following, int(length[1]) if length else None)
    return replace(read_raw(head + blank + body), read_as="tcpdump")


def _joined(printed: bytes, length: int | None) -> bytes:
    """The body from several packets, without the lines and the packet headers that tcpdump prints."""
    body, position, line = b"", 0, b""
    for packet in _PACKET.finditer(printed):
        body += _data(printed[position : packet.start()].rstrip(b"\r\n"), line, bool(body))
        position, line = packet.end(), packet[0]
        if body and (length is None or len(body) >= length):
            return body[:length]
    return body + _data(printed[position:], line, bool(body))


def _data(printed: bytes, line: bytes, has_body: bool) -> bytes:
    """What a packet carries: as printed under tcpdump's `line`, without the IP and TCP headers."""
    if _NO_DATA.search(line):
        return b""
    body_start = _BEGINS.search(printed[:100]) if line and not has_body else None
    if body_start or not line:
        return printed[body_start.start() :] if body_start else printed
    return printed[40 + 20 * (b" IP6 " in line) + 12 * (_STAMPED.search(line) is not None) :]


def read_stream(text: bytes) -> Request | None:
    """The request in a followed stream, which alternates requests and answers, or after other lines."""
    match = _INSIDE.search(text)
    if match is None:
        return None
    raw = re.split(rb"HTTP/\d(?:\.\d)? \d{3}\s|\n[<>=~-]{8,}\r?\n", text[match.start() :], maxsplit=1)[0]
    is_part = len(raw) + match.start() < len(text)
    return replace(read_raw(raw), read_as="tcp_stream" if is_part else "raw_request")


def read_headers(text: bytes) -> Request | None:
    """A request given as headers, a blank line and a body, without the request line."""
    if not _HEADERS.match(text) or not (blank := _BLANK.search(text.lstrip())):
        return None
    text = text.lstrip()
    if not text[blank.end() :].strip():
        return None
    line = b"POST " + WEBHOOK_PATH.encode() + b" HTTP/1.1\r\n"
    try:
        return replace(read_raw(line + text), read_as="headers_and_body")
    except Unreadable:
        # These are lines of a log that only look like headers.
        return None


def read_old_bot(text: str) -> Request | None:
    """The request in the old bot's log: a line each for headers, query and the body's beginning."""
    bodies = _OLD_BODY.findall(text)
    if not bodies:
        return None
    body = str(bodies[-1]).strip()
    if body[:2] in ("b'", 'b"'):
        body = body[2:-1]
    media = _OLD_HEADERS.findall(text)
    query = _OLD_QUERY.findall(text)
    pairs = re.findall(r"'([^']{1,300})': '([^']{0,4000})'", query[-1] if query else "")
    target = WEBHOOK_PATH + ("?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else "")
    headers = (("Content-Type", utf8(str(media[-1]))),) if media else FORM
    return Request("POST", target, headers, body.encode("utf-8", "surrogateescape"), "old_bot_log")


def old_bot_line(text: str) -> str | None:
    """The code for the old bot's famous line, if it comes without the lines of the request."""
    match = _OLD_LINE.search(text) if len(text) < 100_000 else None
    if match is None:
        return None
    received = text[match.end() - 1 : match.end() + 3]
    return "TOKEN_MISMATCH" if "Получен" in match[0] and received != "None" else "TOKEN_NOT_FOUND"


def read_form(text: bytes) -> Request | None:
    """The request of a form among other text, with a pair on each line, or broken by a terminal."""
    plain = text.decode("utf-8", "surrogateescape").strip()
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if len(lines) > 1 and all(_PAIR_LINE.fullmatch(line) for line in lines[:5000]):
        body = "&".join(line.strip("&") for line in lines)
        return _form(body.encode("utf-8", "surrogateescape"), "form_on_lines")
    if len(lines) > 1 and lines[0].startswith("event=") and not any(" " in line for line in lines):
        return _form("".join(lines).encode("utf-8", "surrogateescape"), "form_on_lines")
    match = EVENT_PAIRS.search(text)
    if match and (match.start() or match.end() < len(text.rstrip())):
        return _form(_without_ends(match[0]), "form_in_text")
    return None


def _without_ends(form: bytes) -> bytes:
    """The form without a full stop or bracket of the text around it."""
    while form[-1:] in (b",", b";", b".", b":", b"!", b"?") or (
        form[-1:] in (b"]", b")") and form.count(form[-1:]) > form.count({b"]": b"[", b")": b"("}[form[-1:]])
    ):
        form = form[:-1]
    return form


def read_json(text: str) -> Request | None:
    """The event in JSON among other text, such as a log line or a mail; nginx writes `\\x22` for a quote."""
    if "\\x22" in text:
        text = re.sub(r"(?:\\x[0-9A-Fa-f]{2})+", lambda match: _unescaped(match[0]), text)
    start = -1
    for _ in range(_MAX_OBJECTS):
        start = text.find("{", start + 1)
        if start < 0:
            break
        try:
            value, _end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and "event" not in value and (request := read_wrapped(json.dumps(value))):
            # A function may log the event that it was called with.
            return request
        if isinstance(value, dict) and "event" in value:
            media = (("Content-Type", b"application/json"),)
            return Request("POST", WEBHOOK_PATH, media, json.dumps(value).encode(), "json_in_text")
    return None


def _unescaped(octets: str) -> str:
    return bytes.fromhex(octets.replace("\\x", "")).decode("utf-8", "replace")


def _form(body: bytes, read_as: str) -> Request:
    return Request("POST", WEBHOOK_PATH, FORM, body, read_as)


def read_address(text: str) -> Request | None:
    """The request of a bare address, as if an event without a token came to it."""
    markdown_link = re.fullmatch(r"\s*\[[^\]\n]{0,200}\]\(([^)\s]{1,9000})\)\s*", text)  # of Markdown
    text = (markdown_link[1] if markdown_link else text).strip().strip("\"'<>")
    if not re.fullmatch(r"(?:https?://|/|\?)[^\s\"']{1,9000}", text):
        return None
    try:
        urlsplit(text)
    except ValueError:
        return None
    if "://" in text and incoming_address(text):
        raise Unreadable("PASTED_INCOMING")
    target = relative(text)
    path, mark, query = target.partition("?")
    event = "event=ONUSERADD&data%5BID%5D=" + str(data_of("ONUSERADD")["ID"]) + "&ts=1"
    path = path or ("/" if "://" in text else WEBHOOK_PATH)
    return Request("POST", path + mark + query, FORM, event.encode(), "address")


def read_base64(pasted: bytes) -> Request | None:
    """An event's body in base64, as API gateways log it beside `isBase64Encoded`; None for other text."""
    text = b"".join(pasted.split()).strip(b"\"'")
    body = from_base64(text) if _BASE64.fullmatch(text) else b""
    if not _FORM_OF_EVENT.search(body):
        try:
            fields = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(fields, dict) or not fields.keys() & {"event", "auth"}:
            return None
    return read_bare(body)


def read_token(text: str) -> Request | None:
    """The request of a bare token, as if an event came with it where Bitrix24 puts it."""
    text = text.strip().strip("\"'")
    if header := _TOKEN_HEADER.fullmatch(text):
        headers = (*FORM, (header[1], header[2].encode("utf-8", "surrogateescape")))
        return Request("POST", WEBHOOK_PATH, headers, b"event=ONUSERADD&data%5BID%5D=12&ts=1", "token")
    text = _SETTING.sub("", text).strip("\"'")
    if not _TOKEN.fullmatch(text):
        return None
    event = f"event=ONUSERADD&data%5BID%5D=12&ts=1&auth%5Bapplication_token%5D={text}"
    return Request("POST", WEBHOOK_PATH, FORM, event.encode(), "token")
