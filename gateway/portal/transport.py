"""Calls the portal's REST, whose address is a secret as a whole.

The errors of requests and urllib3, and urllib3's debug log, all quote the address. So
nothing raised by them leaves this module: a call returns a `Reply`, and callers
raise only after the `except` block has ended, where an exception's context is
empty and not merely hidden. The loggers mask the path.
"""

import json
import logging
import re
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote_plus

import requests
import urllib3

from gateway.settings import Settings

CONNECT_SECONDS = 5.0
# A batch of 2,500 users with all their fields is 5 MB.
ANSWER_BYTES = 32 * 1024 * 1024

_REST_PATH = re.compile(r"(/rest/(?:api/)?)[^/\s?#'\"]+/[^/\s?#'\"]+")
_JSON_BEGINS = re.compile(rb'\{\s*"(?:result|error|time)"')


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of one request: the portal's answer, or the code of its error and the HTTP status.

    Codes of ours are in lower case. Without an answer at all: `certificate`, `name`,
    `refused`, `silent` (nothing came in time), `proxy`, `broken off`. With one:
    `redirect`, `unreadable`, `unnamed` (an error without a code of the portal's),
    `owner` (the webhook's owner may not log in any more). `reset_at` is when a
    method's time is given back (unix seconds), where an error says so.
    """

    answer: dict[str, Any] | None = None
    code: str = ""
    status: int = 0
    reset_at: object = None


class Caller:
    """Calls the methods of one portal over kept connections. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = _session(settings)
        mask_logs()

    def call(self, method: str, params: dict[str, Any], seconds: float) -> Reply:
        """Send one request, which ends within `seconds`; a redirect is not followed. Never raises."""
        # The address is a local variable here, and is part of every exception's text.
        url = f"{self._settings.rest_origin}/rest/{self._settings.rest_webhook}/{method}.json"
        try:
            status, body = self._post(url, params, seconds)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return Reply(code=_connection_code(error))
        except Exception:  # noqa: BLE001 — whatever it is, its text may hold the address
            return Reply(code="unreadable")
        if 300 <= status < 400:
            return Reply(code="redirect", status=status)
        answer = parse(body)
        if answer is None:
            return Reply(code="unreadable", status=status)
        if "error" in answer or status >= 400:
            timing = answer.get("time")
            reset_at = timing.get("operating_reset_at") if isinstance(timing, dict) else None
            return Reply(None, _code(answer, self._settings.rest_secret or ""), status, reset_at)
        return Reply(answer) if "result" in answer else Reply(code="unreadable", status=status)

    def _post(self, url: str, params: dict[str, Any], seconds: float) -> tuple[int, bytes]:
        """Post within `seconds`, although `requests` bounds only each wait: a slow drip could last for hours.

        So half of `seconds` bounds each wait, and the other half when the last one may begin.
        """
        half_of_time = max(seconds, 0.1) / 2
        last_read_at = time.monotonic() + half_of_time
        with self._session.post(
            url,
            json=params,
            timeout=(min(CONNECT_SECONDS, half_of_time), half_of_time),
            allow_redirects=False,
            stream=True,
        ) as response:
            body = bytearray()
            while piece := response.raw.read1(65536, decode_content=True):
                body += piece
                if len(body) > ANSWER_BYTES or time.monotonic() > last_read_at:
                    raise requests.Timeout
        return response.status_code, bytes(body)


def parse(body: bytes) -> dict[str, Any] | None:
    """The JSON object of an answer; a self-hosted portal may print a BOM or a PHP warning before it."""
    start = _JSON_BEGINS.search(body)
    try:
        answer = json.loads(body[start.start() :] if start else body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def command(method: str, params: dict[str, Any]) -> str:
    """A batch's command: the method, and its parameters as PHP reads them from a query."""
    return f"{method}?{'&'.join(_pairs(params, ''))}"


def _pairs(value: object, name: str) -> Iterator[str]:
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            part = quote_plus(str(key))
            yield from _pairs(item, f"{name}[{part}]" if name else part)
    else:
        yield f"{name}={quote_plus(str(value))}"


def _session(settings: Settings) -> requests.Session:
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Loopback is never behind a proxy.
    session.trust_env = settings.rest_origin.startswith("https://")
    return session


def _connection_code(error: BaseException) -> str:
    """The code of why no answer came, found among the exceptions that led to the library's."""
    causes = list(_causes(error))
    kinds: tuple[tuple[str, tuple[type[BaseException], ...]], ...] = (
        ("certificate", (ssl.SSLError, requests.exceptions.SSLError, urllib3.exceptions.SSLError)),
        ("proxy", (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError)),
        ("name", (socket.gaierror, urllib3.exceptions.NameResolutionError)),
        ("refused", (ConnectionRefusedError,)),
        ("silent", (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)),
    )
    for code, types in kinds:
        if any(isinstance(cause, types) for cause in causes):
            return code
    return "broken off"


def _causes(error: BaseException) -> Iterator[BaseException]:
    pending, visited = [error], set()
    while pending:
        cause = pending.pop()
        if id(cause) not in visited:
            visited.add(id(cause))
            yield cause
            related = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
            pending += [item for item in related if isinstance(item, BaseException)]


def _code(answer: dict[str, Any], secret: str) -> str:
    """The portal's error code, if it looks like a code and does not quote our secret."""
    error, description = answer.get("error"), answer.get("error_description")
    if isinstance(description, str) and "unable to authorize user" in description.lower():
        return "owner"
    code = error.upper() if isinstance(error, str) else ""
    quotes = len(secret) > 7 and secret.upper() in code
    return code if re.fullmatch(r"[A-Z_]{1,60}", code) and not quotes else "unnamed"


class _Mask(logging.Filter):
    """Masks the webhook's two parts in every address in a log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if "/rest/" in text:
            record.msg, record.args = _REST_PATH.sub(r"\1***/***", text), ()
        return True


_mask = _Mask()


def mask_logs() -> None:
    """Mask the webhook in what urllib3 logs: at DEBUG, the path of every request."""
    for name in ("connectionpool", "poolmanager", "connection", "response", "util.retry"):
        logging.getLogger(f"urllib3.{name}").addFilter(_mask)
