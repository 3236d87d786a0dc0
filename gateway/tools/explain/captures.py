"""Requests among other text: packet captures, followed streams, headers with a body, other programs' logs."""

import json
import re
from urllib.parse import urlsplit

from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain.request import Request, Unreadable, read_raw, relative
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
    rb"(?:\n[ \t]{1,20}\S{1,100} > \S{1,100}: [^\n]*)?\n?"  # `-v` breaks the line
)
_STAMPED = re.compile(rb"options \[[^\]\n]{0,80}TS val")
_NO_DATA = re.compile(rb"length 0\s*\Z")
_BEGINS = re.compile(rb"event=|\{\s{0,20}\"")  # a body, behind headers of whatever length
_NGREP = re.compile(rb"(?m)^(?:#+|[TU] \S+ -> \S+[^\n]*)\n")
_HEADERS = re.compile(
    rb"(?i)\s*(?:host|user-agent|content-type|content-length|accept|accept-[a-z]+|connection|x-[\w-]+|forwarded|via)"
    rb": ?[^\n]*\n"
)
_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n")
# `payload=event=…` by itself is somebody's body; among other text the name is a log's.
_EVENT = re.compile(
    rb"(?:(?<![\w%\]&=?])|(?<=\sbody=)|(?<=\sdata=)|(?<=\scontent=)|(?<=\spayload=))"
    rb"event=[\w%.+-]{1,100}&(?:<masked \d{1,7} (?:[0-9a-f]{8}|-)>|[^\s\"'`<>|\\]){1,600000}"
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
_MAX_OBJECTS = 20  # of a text that are tried
_TOKEN = re.compile(r"(?:custom)?[A-Za-z0-9]{16,64}")


def read_packets(text: bytes) -> Request | None:
    """A request in `tcpdump -A`, ngrep or a dump of several packets; the first one."""
    if not (_PACKET.search(text) or _NGREP.search(text)):
        return None
    found = _INSIDE.search(text)
    if found is None:
        return None
    raw = text[found.start() :]
    if found[2]:  # ngrep prints a dot for each CR
        raw = re.sub(rb"(?m)\.$", b"", raw)
    head, blank, rest = raw.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")
    if packet := _PACKET.search(head):  # the blank line got lost between two packets
        head, blank, rest = raw[: packet.start()].rstrip(b"\r\n"), b"\n\n", raw[packet.start() :]
    length = re.search(rb"(?im)^content-length: *(\d{1,7})", head)
    return _named(read_raw(head + blank + _joined(rest, int(length[1]) if length else None)), "tcpdump")


def _joined(rest: bytes, length: int | None) -> bytes:
    """The body out of several packets, without the lines and the packet headers that tcpdump prints."""
    body, at, line = b"", 0, b""
    for packet in _PACKET.finditer(rest):
        body += _data(rest[at : packet.start()].rstrip(b"\r\n"), line, bool(body))
        at, line = packet.end(), packet[0]
        if body and (length is None or len(body) >= length):
            return body[:length]
    return body + _data(rest[at:], line, bool(body))


def _data(printed: bytes, line: bytes, begun: bool) -> bytes:
    """What a packet carries: as printed under tcpdump's `line`, without the IP and TCP headers."""
    if _NO_DATA.search(line):
        return b""
    begins = _BEGINS.search(printed[:100]) if line and not begun else None
    if begins or not line:
        return printed[begins.start() :] if begins else printed
    return printed[40 + 20 * (b" IP6 " in line) + 12 * (_STAMPED.search(line) is not None) :]


def read_stream(text: bytes) -> Request | None:
    """A followed stream, request and answer after another, or a request behind other lines."""
    found = _INSIDE.search(text)
    if found is None:
        return None
    raw = re.split(rb"HTTP/\d(?:\.\d)? \d{3} |\n[<>=~-]{8,}\r?\n", text[found.start() :], maxsplit=1)[0]
    return _named(read_raw(raw), "tcp_stream" if len(raw) + found.start() < len(text) else "raw_request")


def read_headers(text: bytes) -> Request | None:
    """Headers, a blank line and a body, without the request line."""
    if not _HEADERS.match(text) or not (blank := _BLANK.search(text.lstrip())):
        return None
    text = text.lstrip()
    if not text[blank.end() :].strip():
        return None
    line = b"POST " + WEBHOOK_PATH.encode() + b" HTTP/1.1\r\n"
    try:
        return _named(read_raw(line + text), "headers_and_body")
    except Unreadable:  # lines that only look like headers: a log's
        return None


def read_old_bot(text: str) -> Request | None:
    """The old bot's log: headers, query and the body's first 1,000 characters, a line each."""
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
    headers = (("Content-Type", str(media[-1]).encode()),) if media else FORM
    return Request("POST", target, headers, body.encode("utf-8", "surrogateescape"), "old_bot_log")


def old_bot_line(text: str) -> str | None:
    """The code of what the old bot's famous line means, if it comes without the lines of the request."""
    found = _OLD_LINE.search(text) if len(text) < 100_000 else None
    if found is None:
        return None
    received = text[found.end() - 1 : found.end() + 3]
    return "TOKEN_MISMATCH" if "Получен" in found[0] and received != "None" else "TOKEN_NOT_FOUND"


def read_form(text: bytes) -> Request | None:
    """A form among other text, on lines of its own, or broken by a terminal."""
    plain = text.decode("utf-8", "surrogateescape").strip()
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    if len(lines) > 1 and all(_PAIR_LINE.fullmatch(line) for line in lines[:5000]):
        body = "&".join(line.strip("&") for line in lines)
        return _form(body.encode("utf-8", "surrogateescape"), "form_on_lines")
    if len(lines) > 1 and lines[0].startswith("event=") and not any(" " in line for line in lines):
        return _form("".join(lines).encode("utf-8", "surrogateescape"), "form_on_lines")
    found = _EVENT.search(text)
    if found and (found.start() or found.end() < len(text.rstrip())):
        return _form(_without_ends(found[0]), "form_in_text")
    return None


def _without_ends(form: bytes) -> bytes:
    """Without a sentence's full stop and a log's bracket behind it."""
    while form[-1:] in (b",", b";", b".", b":", b"!", b"?") or (
        form[-1:] in (b"]", b")") and form.count(form[-1:]) > form.count({b"]": b"[", b")": b"("}[form[-1:]])
    ):
        form = form[:-1]
    return form


def read_json(text: str) -> Request | None:
    """An event in JSON among other text: a program's log line, a letter; nginx writes `\\x22` for a quote."""
    if "\\x22" in text:
        text = re.sub(r"(?:\\x[0-9A-Fa-f]{2})+", lambda found: _unescaped(found[0]), text)
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
            return request  # a function's event in the function's log
        if isinstance(value, dict) and "event" in value:
            media = (("Content-Type", b"application/json"),)
            return Request("POST", WEBHOOK_PATH, media, json.dumps(value).encode(), "json_in_text")
    return None


def _unescaped(octets: str) -> str:
    return bytes.fromhex(octets.replace("\\x", "")).decode("utf-8", "replace")


def _form(body: bytes, read_as: str) -> Request:
    return Request("POST", WEBHOOK_PATH, FORM, body, read_as)


def read_address(text: str) -> Request | None:
    """A bare address, judged as if an event without a token came to it."""
    linked = re.fullmatch(r"\s*\[[^\]\n]{0,200}\]\(([^)\s]{1,9000})\)\s*", text)  # of Markdown
    text = (linked[1] if linked else text).strip().strip("\"'<>")
    if not re.fullmatch(r"(?:https?://|/|\?)[^\s\"']{1,9000}", text):
        return None
    try:
        urlsplit(text)
    except ValueError:
        return None
    target = relative(text)
    path, mark, query = target.partition("?")
    event = "event=ONUSERADD&data%5BID%5D=" + str(data_of("ONUSERADD")["ID"]) + "&ts=1"
    path = path or ("/" if "://" in text else WEBHOOK_PATH)
    return Request("POST", path + mark + query, FORM, event.encode(), "address")


def read_token(text: str) -> Request | None:
    """A bare token, judged as if an event came with it where Bitrix24 puts it."""
    text = text.strip().strip("\"'")
    if header := _TOKEN_HEADER.fullmatch(text):
        headers = (*FORM, (header[1], header[2].encode("utf-8", "surrogateescape")))
        return Request("POST", WEBHOOK_PATH, headers, b"event=ONUSERADD&data%5BID%5D=12&ts=1", "token")
    text = _SETTING.sub("", text).strip("\"'")
    if not _TOKEN.fullmatch(text):
        return None
    event = f"event=ONUSERADD&data%5BID%5D=12&ts=1&auth%5Bapplication_token%5D={text}"
    return Request("POST", WEBHOOK_PATH, FORM, event.encode(), "token")


_NO_REQUEST = (
    (
        "PASTED_POWERSHELL",
        r"(?:\$\w+\s*=\s*)?(?:New-Object|Invoke-(?:WebRequest|RestMethod)|iwr|irm)\b|\$session\b",
    ),
    (
        "PASTED_FETCH",
        r"(?:(?:const|let|var)\s+\w+\s*=\s*)?(?:await\s+)?"
        r"(?:fetch|axios(?:\.\w+)?|\$\.(?:post|ajax)|XMLHttpRequest)\s*\(",
    ),
    (
        "PASTED_SCRIPT",
        r"wget\s+\S|(?:httpie|https?|xh)\s+(?:--?\w|(?:POST|GET|PUT|PATCH|DELETE|HEAD)\b|:|[a-z][\w-]{0,99}[.:])"
        r"|(?:\w+\s*=\s*)?(?:requests|httpx|session)\.\w+\(|(?:import|using|package|require|use)\s+[\w'\"]"
        r"|<\?php|\$\w+\s*=\s*(?:curl_|new |Http)|curl_\w+\(|(?:\w+, ?\w+ :?= )?http\.(?:Post|New|Do)\w*\("
        r"|(?:var|final|val|let mut)\s+\w+\s*=|(?:\w+\s*=\s*)?(?:Http|Net::HTTP|Faraday|HTTParty|RestClient"
        r"|HTTPoison|Req|Tesla|reqwest)(?:::|\.)\w|(?:Http|Web|Rest)\w{1,40}\s+\w+\s*="
        r"|\w{1,99}\s*=\s*Новый\s|\w{1,40}\.(?:Post|Send)\w*\(",
    ),
)
_ACCESS_LOG = re.compile(
    r"\"(?:Downstream|EdgeResponse)Status\""
    r"|\"http\.log\.access|\"httpRequest\"\s?:|#Fields: [^\n]{0,400}cs-method"
    r"|(?m:^)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:\S{1,100} ){0,3}(?:GET|POST|PUT|HEAD) /[^\n]{1,9000}"
    r" [1-5]\d\d \d"
    r"|\bat=info method=[A-Z]|\b[1-5]\d\d \d{1,9} [^\n\"]{0,200}\"(?:GET|POST|PUT|HEAD) [^\s\"]{1,9000} HTTP/"
    r"|\"?(?:GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS) [^\s\"]{1,9000} HTTP/\d(?:\.\d)?\"?[^\n]{0,40}?"
    r"\b[1-5]\d\d\b"
)
_OUR_ANSWER = re.compile(r"\s*\{\s*\"status\"\s*:\s*\"(?:error|ok)\"\s*,\s*\"code\"\s*:\s*\"[A-Z_]+\"")
_DEVTOOLS = re.compile(
    r"(?m)^[ \t]*(?:event|event_handler_id|auth\[\w{1,40}\]|data\[[^\]\n]{1,100}\][^\s:]{0,100})"
    r"(?:: ?|\t[ \t]*)\S"
)


def no_request(text: str) -> str | None:
    """The sentence's key for a text that holds no request, by what it is."""
    for key, pattern in _NO_REQUEST:
        if re.match(rf"\s*(?:{pattern})", text, re.IGNORECASE):
            return key
    if len(_DEVTOOLS.findall(text[:100_000])) >= 2 and text.lstrip()[:1] not in ("{", "["):
        return "PASTED_FORM_DATA"
    if _OUR_ANSWER.match(text):
        return "PASTED_ANSWER"
    if _is_access_entry(text):
        return "PASTED_ACCESS_LOG"
    is_log = _ACCESS_LOG.search(text[:1_000_000]) or any(map(_is_access_line, text.splitlines()[:200]))
    if is_log and not _EVENT.search(text.encode("utf-8", "replace")):
        return "PASTED_ACCESS_LOG"
    return None


_LABELLED = re.compile(r"\s*[$\w.]{1,80}:?\s{1,3}\{")  # a program's `console.log("req.body:", req.body)`
_LOG_LINE = re.compile(
    r"(?m)^[^\n]{0,200}?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,]\d{3}Z (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) "
)
_ANSWER_HEAD = re.compile(r"\s*HTTP/\d(?:\.\d)? [1-5]\d\d\b")
_PAGE = re.compile(r"\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype|html|head|body|center)\b", re.IGNORECASE)


def is_labelled(text: str) -> bool:
    """Whether `text` may be a printed object behind its name, which looks like a call of a library."""
    return _LABELLED.match(text) is not None


def answer_or_log(text: str) -> str | None:
    """The sentence's key for an answer, a page or a line of our log in which no reader found a request."""
    if _ANSWER_HEAD.match(text):
        body = re.split(r"\r?\n[ \t]*\r?\n", text, maxsplit=1)[-1]
        return "PASTED_ANSWER" if _OUR_ANSWER.match(body) else "PASTED_OTHER_ANSWER"
    if _PAGE.match(text):
        return "PASTED_OTHER_ANSWER"
    return "PASTED_LOG_LINE" if _LOG_LINE.search(text[:100_000]) else None


def _is_access_line(line: str) -> bool:
    """A method and our path on one line, as every server and platform prints them in an order of its own."""
    return len(line) < _MAX_LINE and WEBHOOK_PATH in line and _METHOD_WORD.search(line) is not None


_MAX_LINE = 4000
_METHOD_WORD = re.compile(r"\b(?:POST|GET|PUT|HEAD)\b")


def _is_access_entry(text: str) -> bool:
    """A server's log entry in JSON: a method and a status, and no body."""
    start = text.find("{")
    try:
        entry = (
            json.JSONDecoder().raw_decode(text, start)[0] if start >= 0 and not text[:start].strip() else None
        )
    except (ValueError, RecursionError):
        return False
    if not isinstance(entry, dict) or entry.keys() & {"event", "data", "auth", "body"}:
        return False
    inner = entry.get("request")
    method = inner.get("method") if isinstance(inner, dict) else entry.get("method")
    status = next((entry[name] for name in _STATUS if name in entry), None)
    return isinstance(method, str) and re.fullmatch("[1-5][0-9]{2}", str(status)) is not None


_STATUS = ("status", "httpStatus", "status_code", "statusCode", "response_code")


def _named(request: Request, read_as: str) -> Request:
    return Request(request.method, request.target, request.headers, request.body, read_as)
