"""Reads a log record of the gateway's own: JSON or text, from a file, a terminal or Cloud Logging."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.diagnosis.finding import CODES
from gateway.ingest.decision import STATUS
from gateway.redaction import mask_of
from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain.request import Headers, Request
from verify import BODY_PATHS, PLACES, Trace

# A line of ours ends like this; a carrier (Railway, docker) may add words of its own after it.
_TEXT_LINE = re.compile(r"\[([A-Z][A-Z_]{2,40})(?::\s{0,3}([A-Z][A-Z_, ]{0,400}))?\]")
_COLOURS = re.compile(r"\x1b?\[[0-9;]{1,12}m")
# How many strings and levels are searched for a line of ours.
_MAX_STRINGS, _MAX_LEVELS = 20_000, 12
_MAX_LINE, _MAX_BROKEN = 16 * 1024, 64 * 1024
# How many pieces a line of ours may have on a narrow screen.
_MAX_PIECES = 60
_DATED = re.compile(r"\W{0,9}(?:\w{1,40} ?\| ?)?(?:\d{4}-\d\d-\d\d|[A-Z][a-z]{2} [ \d]\d )")
_STAMPS = ("timestamp", "time", "ts", "@timestamp", "__REALTIME_TIMESTAMP")
_STATES = ("absent", "malformed", "mismatch", "match")


@dataclass(frozen=True)
class Record:
    """What a record says: the answer's `code`, the trace, the causes as they were logged.

    `request` is the request as far as the record holds it: complete in a capture, else
    rebuilt from the places, with masks for the values. `places` is empty for a
    text line, which holds none.
    """

    code: str
    places: tuple[Trace, ...] = ()
    causes: tuple[dict[str, Any], ...] = ()
    decoded_as: str | None = None
    request: Request = field(default=Request("POST", WEBHOOK_PATH), repr=False)
    has_whole_request: bool = False
    # The wrong field of a verified request that is not an event.
    invalid: str | None = None
    # A line of text, which holds its first cause's sentences.
    line: str = field(default="", repr=False)
    read_as: str = field(default="", compare=False)


def read_record(text: str) -> Record | None:
    """The newest record in `text`, which is one entry, a list of entries, or lines; None if it has none."""
    entries = list(_entries(text))
    ours = [entry for entry in entries if _is_ours(entry)]
    if ours:
        stamps = [str(entry.get("timestamp") or entry.get("time") or "") for entry in ours]
        newest = max(range(len(ours)), key=lambda index: (stamps[index], index))
        # An entry may hold half surrogate pairs.
        entry = json.dumps(ours[newest], ensure_ascii=False).encode("utf-8", "replace")
        return _from_fields(_fields(json.loads(entry)))
    return None


def read_line(text: str) -> Record | None:
    """The newest line of ours in `text`, whatever carries it: docker, journald, Loki, Railway, a terminal."""
    uncoloured = _COLOURS.sub("", text)
    lines: list[tuple[str, int, str]] = []
    for entry in _entries(uncoloured):
        _lines_in(entry, "", lines)
    for _, _, line in sorted(lines, reverse=True):
        if record := read_record(line) or _record_of_line(line):
            return record
    if lines:
        return None
    lines_of_text = _without_indent(_without_quotation(uncoloured.splitlines()))
    for number in range(len(lines_of_text) - 1, -1, -1):
        if record := _record_of_line(lines_of_text[number]):
            return replace(record, line=_unbroken(lines_of_text[: number + 1]))
    # A terminal breaks a long line where its window ends, within the code too.
    if len(uncoloured) >= _MAX_BROKEN:
        return None
    pieces = [line.strip("\r") for line in lines_of_text]
    record = _record_of_line("".join(pieces))
    return record and replace(record, line=f"{record.line}\n{_spaced(pieces)}")


def _spaced(pieces: list[str]) -> str:
    """The text of pieces that were broken at spaces, or after a hyphen within a word."""
    return re.sub(r"(?<=\w)- (?=\w)", "-", " ".join(pieces))


def _without_quotation(lines: list[str]) -> list[str]:
    """The lines without the `>` that a mail or an issue puts before each line that it quotes."""
    if any(line.strip() and not line.startswith(">") for line in lines):
        return lines
    return [line.removeprefix(">").removeprefix(" ") for line in lines]


def _without_indent(lines: list[str]) -> list[str]:
    """The lines without the indent, of two spaces or more, that a program gives to continued lines."""
    indents = [len(line) - len(line.lstrip(" ")) for line in lines[1:] if line.strip()]
    indent = " " * min((width for width in indents if width > 1), default=0)
    return [*lines[:1], *(line.removeprefix(indent) for line in lines[1:])]


def _unbroken(lines: list[str]) -> str:
    """The last line, joined with the pieces before it, back to a line that begins with a date."""
    begin = len(lines) - 1
    while begin > 0 and len(lines) - begin < _MAX_PIECES and not _DATED.match(lines[begin]):
        begin -= 1
    pieces = [line.rstrip("\r") for line in lines[begin:]]
    return "\n".join([pieces[-1], "".join(pieces), _spaced(pieces)])


def no_answer(text: str) -> bool:
    """Whether these are log records, but not of an answer."""
    entries = list(_entries(text))
    return bool(entries) and all("severity" in entry for entry in entries)


def _lines_in(value: Any, stamp: str, lines: list[tuple[str, int, str]], level: int = 0) -> None:
    """Collect every text in another program's record into `lines`, with the time beside it."""
    if level > _MAX_LEVELS or len(lines) >= _MAX_STRINGS:
        return
    if isinstance(value, str):
        if "[" in value or "{" in value:
            lines.append((stamp, len(lines), value))
    elif isinstance(value, dict):
        stamp = next((str(value[name]) for name in _STAMPS if value.get(name)), stamp)
        for inner in value.values():
            _lines_in(inner, stamp, lines, level + 1)
    elif isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and value[0].isdigit():  # Loki's [time, line]
            stamp = value[0]
        for inner in value:
            _lines_in(inner, stamp, lines, level + 1)


def _record_of_line(line: str) -> Record | None:
    uncoloured = _COLOURS.sub("", line)
    for codes in reversed(list(_TEXT_LINE.finditer(uncoloured[-_MAX_LINE:]))):
        if codes[1] in STATUS or codes[1] == "METHOD_GET":
            return _from_fields(
                {"code": codes[1], "causes": _causes_of(codes[2]), "line": uncoloured[-_MAX_LINE:]}
            )
    return None


def _entries(text: str) -> Iterator[dict[str, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        for line in text.splitlines():
            start = line.find("{")
            try:
                value = json.JSONDecoder().raw_decode(line, start)[0] if start >= 0 else None
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                yield value
        return
    yield from (
        entry for entry in (document if isinstance(document, list) else [document]) if isinstance(entry, dict)
    )


def _fields(entry: dict[str, Any]) -> dict[str, Any]:
    """Our fields of an entry: under `jsonPayload` (or `json_payload`) in Cloud Logging's."""
    for name in ("jsonPayload", "json_payload", "record"):
        if isinstance(entry.get(name), dict):
            inner: dict[str, Any] = entry[name]
            return inner
    return entry


def _is_ours(entry: dict[str, Any]) -> bool:
    fields = _fields(entry)
    is_logged = "code" in fields and (
        isinstance(fields.get("causes"), list) or ("severity" in entry and str(fields["code"]) in STATUS)
    )
    return isinstance(fields.get("code"), str) and is_logged


def _causes_of(codes: str | None) -> list[dict[str, Any]]:
    return [{"code": code.strip()} for code in (codes or "").split(",") if code.strip()]


def _from_fields(fields: dict[str, Any]) -> Record:
    code = str(fields.get("answer") if fields["code"] == "CAPTURE" else fields["code"])
    places = tuple(_trace(place) for place in _list(fields.get("places")) if isinstance(place, dict))
    causes = tuple(
        cause
        for cause in _list(fields.get("causes"))
        if isinstance(cause, dict) and cause.get("code") in CODES
    )
    decoded_as = fields.get("decoded_as")
    captured = isinstance(fields.get("headers"), dict)
    return Record(
        code="OK" if code == "METHOD_GET" else code,
        places=tuple(trace for trace in places if trace.place in PLACES),
        causes=causes,
        decoded_as=decoded_as if isinstance(decoded_as, str) else None,
        request=_captured(fields) if captured else _rebuilt(fields, places),
        has_whole_request=captured and not fields.get("body_cut"),
        invalid=str(fields["field"]) if fields.get("field") else None,
        line=str(fields.get("line") or "") if not fields.get("places") else "",
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _trace(trace: dict[str, Any]) -> Trace:
    """A place of a record; Cloud Logging keeps numbers as doubles."""
    length = trace.get("length")
    printed = trace.get("fingerprint")
    state = trace.get("state")
    return Trace(
        str(trace.get("place")),
        state if state in _STATES else "absent",
        int(length) if isinstance(length, int | float) else None,
        printed if isinstance(printed, str) and re.fullmatch("[0-9a-f]{8}", printed) else None,
    )


def _captured(fields: dict[str, Any]) -> Request:
    headers = tuple((str(name), _encoded(value)) for name, value in fields["headers"].items())
    return Request(*_method_and_target(fields), headers, _encoded(fields.get("body") or ""))


def _rebuilt(fields: dict[str, Any], places: tuple[Trace, ...]) -> Request:
    """A request with the record's places and masks for values, so that it can be judged again."""
    method, target = _method_and_target(fields)
    headers: Headers = (("User-Agent", _encoded(fields.get("user_agent") or "")),)
    body: dict[str, Any] = {}
    for trace in places:
        if trace.state not in ("mismatch", "match"):
            continue
        mask = mask_of(trace.length or 0, trace.fingerprint)
        kind, _, name = trace.place.partition(":")
        if kind == "header":
            headers += ((name, _encoded(f"Bearer {mask}" if name == "Authorization" else mask)),)
        elif kind == "query":
            target += f"{'&' if '?' in target else '?'}{name}={mask.replace(' ', '+')}"
        elif trace.place in BODY_PATHS:
            inner = body
            for level in BODY_PATHS[trace.place][:-1]:
                inner = inner.setdefault(level, {})
            inner[BODY_PATHS[trace.place][-1]] = mask
    headers += (("Content-Type", b"application/json"),) if body else ()
    return Request(method, target, headers, json.dumps(body).encode() if body else b"")


def _method_and_target(fields: dict[str, Any]) -> tuple[str, str]:
    path = str(fields.get("path") or WEBHOOK_PATH)
    query = str(fields.get("query") or "")
    return str(fields.get("method") or "POST"), f"{path}?{query}" if query else path


def _encoded(value: Any) -> bytes:
    return str(value).encode("utf-8", "replace")
