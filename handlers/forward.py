"""Delivers a verified event to a destination as Bitrix24 itself would post it.

A bot's handler that was written for Bitrix24 needs no change: the form, PHP's brackets and the
order of names are the portal's, and the token is where that handler looks first. What never
goes on the queue (an application's OAuth tokens) is missing.

https://www.standardwebhooks.com
"""

import base64
import hmac
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from gateway.destinations import Destination
from gateway.errors import DeliveryFailed, PoisonMessage
from gateway.events import Message
from gateway.ingest.php_form import build_query
from gateway.outcome import Outcome
from gateway.queues.deadline_http import Origin, WireError
from gateway.settings import Settings

DELIVERY_SECONDS = 15.0
# Deliveries to one destination that run at the same time.
AT_ONCE = 4
# One instance on Google Cloud serves all destinations with its 80 threads. A destination that
# hangs occupies at most this many of them, and those that wait for a turn only for this long.
MAX_THREADS = 16
TURN_SECONDS = 5.0
AGENT = "Bitrix24 Webhook Engine (by gateway)"
# Bytes of an answer; a longer one costs the connection.
READ_BYTES = 65_536

# Answers that mean a wrong setting rather than a bad day have a sentence of their own.
_ADVICE = {300: "_REDIRECT", 401: "_DENIED", 403: "_DENIED", 404: "_NO_PATH", 405: "_NO_PATH"}


class _Turns:
    """How many threads may be busy with one destination, and how many of them may deliver to it now."""

    def __init__(self) -> None:
        self.busy = threading.BoundedSemaphore(MAX_THREADS)
        self.delivering = threading.BoundedSemaphore(AT_ONCE)


_turns: dict[str, _Turns] = {}
_turns_lock = threading.Lock()


def deliver(message: Message, destination: Destination, settings: Settings) -> Outcome:
    """Post one event to one destination.

    Raises `DeliveryFailed` if it is to be tried again, `PoisonMessage` if the destination
    answers that it no longer wants this event (410).
    """
    body = form_of(message, settings)
    with _turn(destination):
        began = time.monotonic()
        status, retry_after = _post(destination, body, headers_of(message, body, settings))
        elapsed_ms = round((time.monotonic() - began) * 1000)
    if 200 <= status < 300:
        facts = {"destination": destination.printable_url, "status": status, "ms": elapsed_ms}
        return Outcome("EVENT_FORWARDED", values=facts, facts=facts)
    if status == 410:
        raise PoisonMessage("REASON_GONE", destination=destination.printable_url)
    key = f"REASON_ANSWERED{_ADVICE.get(status if status >= 400 else 300, '')}"
    raise DeliveryFailed(key, destination=destination.printable_url, status=status, retry_after=retry_after)


def form_of(message: Message, settings: Settings) -> bytes:
    """The body as the portal wrote it: the same names and values, in the same order.

    The text `undefined` and a relay's JSON null are both null on the queue. The vendor sends that text
    only for what was there before or is there after (FIELDS_BEFORE, IS_ACCESSIBLE_AFTER): there it is
    written again. PHP leaves all other nulls out.
    """
    auth = {"domain": message.portal.domain or None, "member_id": message.portal.member_id}
    auth["application_token"] = token_of(message.portal.domain, settings)
    event = {
        "event": message.event,
        "event_handler_id": message.event_handler_id,
        "data": _as_sent(message.data),
        "ts": message.ts,
        "auth": auth,
    }
    return build_query({name: value for name, value in event.items() if value is not None})


def _as_sent(data: Any) -> Any:
    """An event's data, with the text `undefined` for nulls at or below FIELDS_BEFORE and its kin."""
    if not isinstance(data, Mapping):
        return data
    return {
        name: _with_undefined(value) if name.upper().endswith(("_BEFORE", "_AFTER")) else value
        for name, value in data.items()
    }


def _with_undefined(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_undefined(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_undefined(inner) for inner in value]
    return "undefined" if value is None else value


def token_of(portal: str, settings: Settings) -> str | None:
    """The first accepted token of a portal: the one that a handler written for that portal expects."""
    tokens = settings.tokens_of(portal) if portal else settings.tokens
    return tokens[0].decode("utf-8", "surrogateescape") if tokens else None


def headers_of(message: Message, body: bytes, settings: Settings) -> dict[str, str]:
    """The delivery's headers: the token where handlers look first, and the three of Standard Webhooks."""
    sent_at = str(int(time.time()))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": AGENT,
        "webhook-id": message.event_id,
        "webhook-timestamp": sent_at,
    }
    token = token_of(message.portal.domain, settings)
    if token is not None and token.isascii() and token.isprintable():
        headers["X-Bitrix-Token"] = token
    if settings.forward_secret:
        key = base64.b64decode(settings.forward_secret.removeprefix("whsec_"))
        signed_content = f"{message.event_id}.{sent_at}.".encode() + body
        signature = hmac.digest(key, signed_content, sha256)
        headers["webhook-signature"] = "v1," + base64.b64encode(signature).decode()
    return headers


@contextmanager
def _turn(destination: Destination) -> Iterator[None]:
    """Hold one of the destination's turns to deliver. Raises `DeliveryFailed` if none becomes free soon."""
    with _turns_lock:
        turns = _turns.setdefault(destination.id, _Turns())
    # Not counted: nothing was tried.
    no_turn = DeliveryFailed(
        "REASON_BUSY", destination=destination.printable_url, limit=AT_ONCE, counted=False
    )
    if not turns.busy.acquire(blocking=False):
        raise no_turn
    try:
        if not turns.delivering.acquire(timeout=TURN_SECONDS):
            raise no_turn
        try:
            yield
        finally:
            turns.delivering.release()
    finally:
        turns.busy.release()


@cache
def _origin(host: str, port: int, tls: bool) -> Origin:
    return Origin(host, port, tls)


def _post(destination: Destination, body: bytes, headers: dict[str, str]) -> tuple[int, float | None]:
    """Send one POST, following no redirect; return the answer's status, and its Retry-After in seconds.

    Raises `DeliveryFailed` if no answer came.
    """
    parts = urlsplit(destination.url)
    if parts.username:
        basic = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = headers | {"Authorization": "Basic " + base64.b64encode(basic.encode()).decode()}
    tls = parts.scheme == "https"
    origin = _origin(parts.hostname or "", parts.port or (443 if tls else 80), tls)
    query = f"?{parts.query}" if parts.query else ""
    path = quote((parts.path or "/") + query, safe="!#$%&'()*+,/:;=?@[]~")
    deadline = time.monotonic() + DELIVERY_SECONDS
    try:
        status, answer_headers = origin.post(path, body, headers, deadline, READ_BYTES)
    except WireError as error:
        raise DeliveryFailed(
            "REASON_NO_ANSWER", destination=destination.printable_url, problem=error
        ) from None
    return status, _seconds_of(answer_headers.get("retry-after", ""))


def _seconds_of(retry_after: str) -> float | None:
    """How long `Retry-After` asks to wait: it is a number of seconds, or the moment itself.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, IndexError, OverflowError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
