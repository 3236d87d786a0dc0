"""Reads what an operator pastes: a request, or a log record of ours, in any text that may hold one.

`READERS` is tried from the top, and the first that recognises its shape wins: narrow shapes
come before wide ones, and only a text that none of them recognises is read as a body.
"""

import codecs
import json
import re
from collections.abc import Callable
from dataclasses import replace

from gateway.tools.explain import captures, plain
from gateway.tools.explain.curl import is_curl, read_curl
from gateway.tools.explain.exports import read_exported
from gateway.tools.explain.form_names import has_quotes, read_names
from gateway.tools.explain.hexdumps import read_hex
from gateway.tools.explain.log_wrappers import read_log
from gateway.tools.explain.logged import read_logged
from gateway.tools.explain.no_request import answer_or_log, is_cut_line, is_labelled, no_request
from gateway.tools.explain.own_output import is_own_output
from gateway.tools.explain.printouts import read_printout
from gateway.tools.explain.records import Record, no_answer, read_line, read_record
from gateway.tools.explain.request import Request, Unreadable, is_raw, read_bare, read_raw
from gateway.tools.explain.wrappers import read_wrapped

__all__ = ["READERS", "Record", "Request", "Unreadable", "read"]

# A block as chats and issues print it.
_FENCE = re.compile(rb"\A\s*```\w*\r?\n(.*?)\r?\n```\s*\Z", re.DOTALL)
_COLOURS = re.compile(rb"\x1b\[[0-9;?]{0,16}[A-Za-z]|\x1b\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)")
# An answer begins right after a body that has no line end.
_ANSWER = re.compile(rb"HTTP/\d(?:\.\d)? \d{3}(?=\s)")
# This separates the requests of a .http file.
_NEXT = re.compile(rb"(?m)^###")
_Reader = Callable[[bytes, str], Request | Record | None]


def read(pasted: bytes) -> Request | Record:
    """The request or the record in `pasted`, `read_as` naming its shape. Raises `Unreadable`."""
    pasted = _COLOURS.sub(b"", _FENCE.sub(rb"\1", _utf8(pasted)))
    pasted = plain.without_prefixes(pasted)
    text = pasted.decode("utf-8", "surrogateescape")
    for read_as, reader in READERS:
        content = reader(pasted, text)
        if content is not None:
            return content if content.read_as else replace(content, read_as=read_as)
    raise Unreadable("PASTED_UNKNOWN")


def _curl(_: bytes, text: str) -> Request | None:
    return read_curl(text.strip()) if is_curl(text) else None


def _raw(pasted: bytes, _: str) -> Request | None:
    if not is_raw(pasted):
        return None
    # The answer in a followed stream.
    answer = _ANSWER.search(pasted)
    if answer is None:
        return read_raw(_NEXT.split(pasted, maxsplit=1)[0])
    return replace(read_raw(pasted[: answer.start()]), read_as="tcp_stream")


def _readable(text: str) -> str:
    """The text with U+FFFD for each byte that is not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _log(pasted: bytes, text: str) -> Request | Record | None:
    """What a log's JSON records hold; only that is judged, because the records never arrived."""
    try:
        return read_log(text, read)
    except Unreadable:
        # The record around the text may show what this is.
        _no_request(pasted, text)
        raise


def _old_bot_line(_: bytes, text: str) -> Record | None:
    code = captures.old_bot_line(text)
    # The gateway begins its own line with the same words.
    if code and is_cut_line(text):
        return None
    return Record(code) if code else None


def _no_request(_: bytes, text: str) -> None:
    """Raise `Unreadable` for a text of a kind that holds no request."""
    key = no_request(text)
    if key == "PASTED_ACCESS_LOG" and (read_printout(text) or captures.read_json(text)):
        # A program printed the event among its server's lines.
        return
    if key == "PASTED_SCRIPT" and is_labelled(text) and read_printout(text):
        return
    if key == "PASTED_FORM_DATA" and has_quotes(text) and (_printed(text) or read_names(text)):
        return
    if key:
        raise Unreadable(key)
    if no_answer(_readable(text)):
        raise Unreadable("PASTED_NO_REFUSAL")


def _printed(text: str) -> Request | None:
    """The printed event; None for a printed object that is not an event."""
    request = read_printout(text)
    return request if request and re.search(rb"(?:^|&)event=(?![^&]{0,200}%26)", request.body) else None


def _json_body(pasted: bytes, text: str) -> Request | None:
    """A body of JSON, tried before the printouts, some of which look like it."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return read_bare(pasted)


def _answer_or_log(_: bytes, text: str) -> None:
    if key := answer_or_log(text):
        raise Unreadable(key)


def _own_output(_: bytes, text: str) -> None:
    if is_own_output(text):
        raise Unreadable("PASTED_OWN_OUTPUT")


READERS: tuple[tuple[str, _Reader], ...] = (
    ("curl", _curl),
    ("no request", _own_output),
    ("exported", lambda _, text: read_exported(text)),
    ("raw_request", _raw),
    ("record", lambda _, text: read_record(_readable(text))),
    ("wrapped", lambda _, text: read_wrapped(text)),
    ("hex_dump", lambda _, text: read_hex(text)),
    ("tcpdump", lambda pasted, _: captures.read_packets(pasted)),
    ("log_line", lambda _, text: read_line(_readable(text))),
    ("log_wrapper", _log),
    ("old_bot_log", lambda _, text: captures.read_old_bot(text)),
    ("logged", lambda _, text: read_logged(text, read)),
    ("escaped", lambda _, text: plain.read_escaped(text, read)),
    ("old_bot_line", _old_bot_line),
    ("tcp_stream", lambda pasted, _: captures.read_stream(pasted)),
    ("headers_and_body", lambda pasted, _: captures.read_headers(pasted)),
    ("base64", lambda pasted, _: captures.read_base64(pasted)),
    ("address", lambda _, text: captures.read_address(text)),
    ("token", lambda _, text: captures.read_token(text)),
    ("no request", _no_request),
    ("body", _json_body),
    ("printout", lambda _, text: _printed(text)),
    ("json_in_text", lambda _, text: captures.read_json(text)),
    ("form", lambda pasted, _: captures.read_form(pasted)),
    ("form_names", lambda _, text: read_names(text)),
    ("printout", lambda _, text: read_printout(text)),
    ("no request", _answer_or_log),
    ("body", lambda pasted, _: read_bare(pasted)),
)


def _utf8(pasted: bytes) -> bytes:
    """The text as UTF-8 without a byte order mark; PowerShell writes UTF-16."""
    for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if pasted.startswith(mark):
            return pasted.decode("utf-16", "replace").encode("utf-8", "surrogatepass")
    return pasted.removeprefix(codecs.BOM_UTF8)
