"""Makes one HTTP request for a tool: within a deadline, without redirects or proxies, its answer bounded."""

import errno
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future, wait
from typing import NamedTuple

import urllib3

ANSWER_BYTES = 65_536


class Reply(NamedTuple):
    """An answer; the names of its headers are in lower case, its body is cut to `ANSWER_BYTES`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    method: str,
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 15.0,
) -> Reply:
    """Send a request on a new connection and return the answer. Raises an `OSError` if none comes.

    `seconds` is for the whole call. urllib3 bounds each wait but not their sum, and does not bound the
    look-up of a name: so the call has a thread of its own, which is abandoned when the time is over.
    """
    outcome: Future[Reply] = Future()

    def call() -> None:
        try:
            outcome.set_result(_answer(method, url, body, headers, seconds))
        except BaseException as error:  # noqa: BLE001 — raised again where the call was made
            outcome.set_exception(error)

    threading.Thread(target=call, name="http-call", daemon=True).start()
    if not wait([outcome], seconds).done:
        raise TimeoutError("timed out")
    return outcome.result()


def _answer(
    method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None, seconds: float
) -> Reply:
    try:
        with urllib3.PoolManager(retries=False, timeout=seconds) as pool:
            response = pool.request(
                method, url, body=body, headers=headers, redirect=False, preload_content=False
            )
            names = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, names, response.read(ANSWER_BYTES))
    except urllib3.exceptions.HTTPError as error:
        raise _reason(error) from None


def _reason(error: BaseException) -> OSError:
    """The system's error behind urllib3's; without one, the answer was not HTTP."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    return cause or OSError(errno.EPROTO, os.strerror(errno.EPROTO))
