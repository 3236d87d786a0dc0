"""A log record of the gateway's own: JSON or text, from a file, a terminal or Cloud Logging."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.ingest.decision import STATUS
from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain.request import Headers, Request, Unreadable
from verify import BODY_PATHS, PLACES, Trace

_TEXT_LINE = re.compile(r"\[([A-Z][A-Z_]{2,40})(?::\s*([A-Z][A-Z_, ]*))?\]\s*\Z")
_STATES = ("absent", "malformed", "mismatch", "match")


@dataclass(frozen=True)
class Record:
    """What a record says: the answer's `code`, the trace, the causes as they were logged.

    `request` is the request as far as the record holds it: whole in a capture, else
    rebuilt from the places, masks standing for the values. `places` is empty for a
    text line, which holds none.
    """

    code: str
    places: tuple[Trace, ...] = ()
    causes: tuple[dict[str, Any], ...] = ()
    decoded_as: str | None = None
    request: Request = field(default=Request("POST", WEBHOOK_PATH), repr=False)
    whole: bool = False  # `request` is all that came
    invalid: str | None = None  # the field at fault of a verified request that is no event


def read_record(text: str) -> Record | None:
    """The newest record in `text`: one entry, a list of entries, or lines; None where there is none."""
    entries = list(_entries(text))
    found = [entry for entry in entries if _is_ours(entry)]
    if found:
        stamps = [str(entry.get("timestamp") or entry.get("time") or "") for entry in found]
        newest = max(range(len(found)), key=lambda index: (stamps[index], index))
        entry = json.dumps(found[newest], ensure_ascii=False).encode(
            "utf-8", "replace"
        )  # half surrogate pairs
        return _from_fields(_fields(json.loads(entry)))
    for line in reversed(text.splitlines()):
        if (told := _TEXT_LINE.search(line.strip())) and (record := _from_line(told)):
            return record
    if entries and all("severity" in entry for entry in entries):
        raise Unreadable("PASTED_NO_REFUSAL")
    return None


def _entries(text: str) -> Iterator[dict[str, Any]]:
    try:
        whole = json.loads(text)
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
    yield from (entry for entry in (whole if isinstance(whole, list) else [whole]) if isinstance(entry, dict))


def _fields(entry: dict[str, Any]) -> dict[str, Any]:
    """Our fields of an entry: under `jsonPayload` (or `json_payload`) in Cloud Logging's."""
    for name in ("jsonPayload", "json_payload", "record"):
        if isinstance(entry.get(name), dict):
            inner: dict[str, Any] = entry[name]
            return inner
    text = entry.get("textPayload")
    if isinstance(text, str) and (told := _TEXT_LINE.search(text.strip())):
        return {"code": told[1], "causes": _named(told[2])}
    return entry


def _is_ours(entry: dict[str, Any]) -> bool:
    fields = _fields(entry)
    told = "code" in fields and (
        isinstance(fields.get("causes"), list) or ("severity" in entry and str(fields["code"]) in STATUS)
    )
    return isinstance(fields.get("code"), str) and told


def _from_line(told: re.Match[str]) -> Record | None:
    fields = {"code": told[1], "causes": _named(told[2])}
    return _from_fields(fields) if fields["causes"] or told[1] in STATUS else None


def _named(codes: str | None) -> list[dict[str, Any]]:
    return [{"code": code.strip()} for code in (codes or "").split(",") if code.strip()]


def _from_fields(fields: dict[str, Any]) -> Record:
    code = str(fields.get("answer") if fields["code"] == "CAPTURE" else fields["code"])
    places = tuple(_trace(held) for held in _list(fields.get("places")) if isinstance(held, dict))
    causes = tuple(
        held for held in _list(fields.get("causes")) if isinstance(held, dict) and held.get("code")
    )
    decoded_as = fields.get("decoded_as")
    captured = isinstance(fields.get("headers"), dict)
    return Record(
        code="OK" if code == "METHOD_GET" else code,
        places=tuple(seen for seen in places if seen.place in PLACES),
        causes=causes,
        decoded_as=decoded_as if isinstance(decoded_as, str) else None,
        request=_captured(fields) if captured else _rebuilt(fields, places),
        whole=captured and not fields.get("body_cut"),
        invalid=str(fields["field"]) if fields.get("field") else None,
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _trace(held: dict[str, Any]) -> Trace:
    """A place of a record; Cloud Logging keeps numbers as doubles."""
    length = held.get("length")
    shown = held.get("fingerprint")
    state = held.get("state")
    return Trace(
        str(held.get("place")),
        state if state in _STATES else "absent",
        int(length) if isinstance(length, int | float) else None,
        shown if isinstance(shown, str) and re.fullmatch("[0-9a-f]{8}", shown) else None,
    )


def _captured(fields: dict[str, Any]) -> Request:
    headers = tuple((str(name), _encoded(value)) for name, value in fields["headers"].items())
    return Request(*_line(fields), headers, _encoded(fields.get("body") or ""))


def _rebuilt(fields: dict[str, Any], places: tuple[Trace, ...]) -> Request:
    """A request with the record's places, its values masked: what can be judged again."""
    method, target = _line(fields)
    headers: Headers = (("User-Agent", _encoded(fields.get("user_agent") or "")),)
    body: dict[str, Any] = {}
    for seen in places:
        if seen.state not in ("mismatch", "match"):
            continue
        mask = f"<masked {seen.length or 0} {seen.fingerprint or '-'}>"
        kind, _, name = seen.place.partition(":")
        if kind == "header":
            headers += ((name, _encoded(f"Bearer {mask}" if name == "Authorization" else mask)),)
        elif kind == "query":
            target += f"{'&' if '?' in target else '?'}{name}={mask.replace(' ', '+')}"
        elif seen.place in BODY_PATHS:
            inner = body
            for level in BODY_PATHS[seen.place][:-1]:
                inner = inner.setdefault(level, {})
            inner[BODY_PATHS[seen.place][-1]] = mask
    headers += (("Content-Type", b"application/json"),) if body else ()
    return Request(method, target, headers, json.dumps(body).encode() if body else b"")


def _line(fields: dict[str, Any]) -> tuple[str, str]:
    path = str(fields.get("path") or WEBHOOK_PATH)
    query = str(fields.get("query") or "")
    return str(fields.get("method") or "POST"), f"{path}?{query}" if query else path


def _encoded(value: Any) -> bytes:
    return str(value).encode("utf-8", "replace")
