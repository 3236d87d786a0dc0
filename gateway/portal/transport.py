"""One call of the portal's REST, whose address is a secret as a whole.

`b24pysdk`'s errors, those of requests and urllib3 below it, and urllib3's debug log
all quote the address. So nothing raised by them leaves this module: a call comes to
an `Outcome`, and whoever raises does so after the `except` block has ended, where
an exception's context is empty and not merely hidden. The loggers mask the path.

The SDK is used one level below its `Client`: that writes `https://` before every
domain, while a portal on loopback, as in the tests, speaks plain HTTP.
"""

import logging
import re
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from b24pysdk.api.requesters import BitrixAPIRequester
from b24pysdk.errors import BitrixAPIError, BitrixRequestError, BitrixResponseError

from gateway.settings import Settings

CONNECT_SECONDS = 5.0
ANSWER_BYTES = 32 * 1024 * 1024  # a batch of 2,500 users with all their fields is 5 MB

_REST_PATH = re.compile(r"(/rest/(?:api/)?)[^/\s?#'\"]+/[^/\s?#'\"]+")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request came to: the portal's answer, or the code of its error and the HTTP status.

    Codes of ours are in lower case; `unreachable` and `unreadable` have no code of the portal's.
    """

    answer: dict[str, Any] | None = None
    code: str = ""
    status: int = 0


class Caller:
    """Calls methods of one portal over kept connections. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = _session(settings)
        mask_logs()

    def call(self, method: str, params: dict[str, Any], seconds: float) -> Outcome:
        """One request. Never raises, as the address is a local variable here and stands in every text."""
        url = f"{self._settings.rest_origin}/rest/{self._settings.rest_webhook}/{method}.json"
        try:
            status, answer = _Requester(self._session, url, params, seconds).fetch()
        except BitrixAPIError as error:
            code = _code(error.json_response, self._settings.rest_secret or "")
            return Outcome(code=code, status=error.response.status_code)
        except BitrixResponseError as error:
            return Outcome(code="unreadable", status=error.response.status_code)
        except (BitrixRequestError, urllib3.exceptions.HTTPError, OSError):
            return Outcome(code="unreachable")
        except Exception:  # noqa: BLE001 — whatever it is (a number of 5,000 digits), its text may hold the address
            return Outcome(code="unreadable")
        if 300 <= status < 400:
            return Outcome(code="redirect", status=status)
        return Outcome(answer=answer) if "result" in answer else Outcome(code="unreadable", status=status)


class _Requester(BitrixAPIRequester):  # type: ignore[misc]
    """The SDK's requester on a kept connection, its answer bounded in bytes and in time, its retries off.

    `requests` bounds each wait for a byte, not their sum: a drip of bytes would keep
    a consumer beyond its deadline. So half of `seconds` bounds each wait, and the
    other half when the last one may begin.
    """

    __slots__ = ("_seconds", "_session")

    def __init__(self, session: requests.Session, url: str, params: dict[str, Any], seconds: float) -> None:
        half = max(seconds, 0.1) / 2
        super().__init__(url, params=params, timeout=(min(CONNECT_SECONDS, half), half), max_retries=1)
        self._session = session
        self._seconds = half

    def fetch(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the parsed answer; a redirect's answer is never parsed, nor followed."""
        response = self._post()
        if 300 <= response.status_code < 400:
            return response.status_code, {}
        answer = self._parse_response(response)
        return response.status_code, answer if isinstance(answer, dict) else {}

    def _request(self) -> requests.Response:
        ends = time.monotonic() + self._seconds
        response = self._session.post(
            self._url,
            json=self._params,
            headers=self._headers,
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
        )
        with response:
            body = bytearray()
            while piece := response.raw.read1(65536, decode_content=True):
                body += piece
                if len(body) > ANSWER_BYTES or time.monotonic() > ends:
                    raise urllib3.exceptions.ReadTimeoutError(None, "", "")  # type: ignore[arg-type]
        response._content = bytes(body)  # what `stream=False` would have put there
        return response


def _session(settings: Settings) -> requests.Session:
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.trust_env = settings.rest_origin.startswith("https://")  # no proxy stands before loopback
    return session


def _code(answer: object, secret: str) -> str:
    """The error's code, if it looks like one and does not quote our secret."""
    error = answer.get("error") if isinstance(answer, dict) else None
    code = error.upper() if isinstance(error, str) else ""
    quotes = len(secret) > 7 and secret.upper() in code
    return code if re.fullmatch(r"[A-Z_]{1,60}", code) and not quotes else ""


class _Mask(logging.Filter):
    """Takes the webhook's two parts out of every address in a log record."""

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
