"""Writes a request as text to copy: a curl line, and a report for support."""

import json
import re
import shlex
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from gateway.events import rfc3339
from gateway.ingest.php_form import build_query
from gateway.journal import OutcomeRecord, Request
from gateway.receiver.refusals import Shape
from gateway.redaction import CONTROLS, mask_of

TOKEN = "$TOKEN"  # noqa: S105 — the shell's variable that replaces the token
_STAND_IN = "TokenOfTheOutgoingWebhook"
_LEFT_OUT = frozenset(
    ("host", "content-length", "connection", "accept-encoding", "transfer-encoding", "cookie")
)
_CONTROL = re.compile(f"[{re.escape(''.join(map(chr, CONTROLS)))}]")
_FORM = "application/x-www-form-urlencoded"
_FORWARDED = ("x-forwarded-", "forwarded", "x-real-ip", "cf-", "x-gateway-probe")


def as_curl(request: Request, whole: dict[str, Any], address: str) -> str:
    """The request as a curl line for sh, with `$TOKEN`; "" if neither body nor message is kept."""
    method = str(request.record.get("method") or "POST")
    path = str(request.record.get("path") or "/")
    if "body" in whole:
        headers = dict(whole.get("headers") or {})
        query, body = str(whole.get("query") or ""), str(whole["body"])
    elif "message" in whole:
        headers, query = {"content-type": _FORM, "user-agent": request.record.get("user_agent") or ""}, ""
        body = _form(whole["message"])
    else:
        return ""
    masks = [_mask(trace) for trace in request.record.get("places") or () if trace.get("length")]
    target = address + quote(path, safe="/%:@!$&'()*+,;=~-._") + (f"?{query}" if query else "")
    parts = [
        "curl",
        *([] if method == "POST" and body else ["-X", shlex.quote(method)]),
        # Brackets and braces in an address are patterns to curl: one line would send thousands of requests.
        *(["-g"] if re.search(r"[\[\]{}]", target) else []),
        _quoted(target, masks),
    ]
    for name, value in headers.items():
        if value and name not in _LEFT_OUT and not name.startswith(_FORWARDED):
            parts.append(f"-H {_quoted(f'{name}: {value}', masks)}")
    if body:
        parts.append(f"--data-raw {_quoted(body, masks)}")
    return " \\\n  ".join(
        (" ".join(parts[:2]), *parts[2:]) if parts[1] != "-X" else (" ".join(parts[:4]), *parts[4:])
    )


def _form(message: dict[str, Any]) -> str:
    """A message as Bitrix24 posted it, as far as the queue keeps it."""
    portal = message.get("portal") or {}
    auth = {
        "domain": portal.get("domain"),
        "member_id": portal.get("member_id"),
        "application_token": _STAND_IN,
    }
    fields = {name: message.get(name) for name in ("event", "event_handler_id", "data", "ts")} | {
        "auth": auth
    }
    body = build_query({name: value for name, value in fields.items() if value is not None})
    return body.decode("ascii", "replace") if isinstance(body, bytes) else str(body)


def _mask(trace: dict[str, Any]) -> str:
    return mask_of(trace["length"], trace.get("fingerprint"))


def _quoted(text: str, masks: Iterable[str]) -> str:
    """`text` for a shell, in quotes that nothing in it can end; only `$TOKEN` is outside of single ones."""
    text = text.replace("\0", "\ufffd")
    for mask in (*masks, _STAND_IN):
        text = text.replace(mask, "\0")
    return f'"{TOKEN}"'.join(_in_quotes(piece) if piece else "" for piece in text.split("\0")) or "''"


def _in_quotes(text: str) -> str:
    """`text` in single quotes, or in `$'…'` with escapes where a terminal would obey something in it.

    A control character that is pasted may end the line that is being typed, and the rest would be
    a command of the sender's.
    """
    if not _CONTROL.search(text):
        return "'" + text.replace("'", "'\\''") + "'"
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return (
        "$'"
        + _CONTROL.sub(lambda match: "".join(f"\\x{byte:02x}" for byte in match[0].encode()), escaped)
        + "'"
    )


def for_support(
    request: Request, outcomes: Iterable[OutcomeRecord], causes: Iterable[dict[str, str]], version: str
) -> str:
    """A report that anybody may read: places, lengths and fingerprints, but no person, address or body."""
    record = request.record
    facts: dict[str, Any] = {
        "gateway": version,
        "request_id": request.request_id,
        "at": rfc3339(request.at.replace(microsecond=0)),
        "count": request.count,
        "code": request.code,
        "status": request.status,
        "event": request.event,
        "event_id": request.event_id,
        **{
            name: record.get(name)
            for name in (*Shape._fields, "ms", "place", "field", "hint", "limit")
            if record.get(name) not in (None, "", [])
        },
        "places": [trace for trace in record.get("places") or () if trace.get("state") != "absent"],
        "causes": [{"code": cause["code"], "detail": cause.get("detail", "")} for cause in causes],
        "outcomes": [
            {
                "subscription": outcome.subscription,
                "code": outcome.code,
                # Only the key: the facts after it name addresses.
                "reason": outcome.reason.partition(" ")[0],
                "attempts": outcome.attempts,
            }
            for outcome in outcomes
        ],
    }
    return json.dumps(facts, ensure_ascii=False, indent=2)
