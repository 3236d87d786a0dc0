"""What an operator pastes, read: a raw HTTP request, a curl command, a log record, a bare body."""

import codecs
import re

from gateway.tools.explain.curl import is_curl, read_curl
from gateway.tools.explain.records import Record, read_record
from gateway.tools.explain.request import Request, Unreadable, is_raw, read_bare, read_raw

__all__ = ["Record", "Request", "Unreadable", "read"]

_FENCE = re.compile(rb"\A\s*```\w*\r?\n(.*?)\r?\n```\s*\Z", re.DOTALL)  # as chats and issues print it


def read(pasted: bytes) -> Request | Record:
    """The request or the record in `pasted`. Raises `Unreadable`."""
    pasted = _FENCE.sub(rb"\1", _utf8(pasted))
    text = pasted.decode("utf-8", "surrogateescape")
    if is_curl(text):
        return read_curl(text.strip())
    if is_raw(pasted):
        return read_raw(pasted)
    read_as = read_record(pasted.decode("utf-8", "replace")) or read_bare(pasted)
    if read_as is None:
        raise Unreadable("PASTED_UNKNOWN")
    return read_as


def _utf8(pasted: bytes) -> bytes:
    """Without a byte order mark; what PowerShell writes in UTF-16 becomes UTF-8."""
    for mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        if pasted.startswith(mark):
            return pasted.decode("utf-16", "replace").encode("utf-8", "surrogatepass")
    return pasted.removeprefix(codecs.BOM_UTF8)
