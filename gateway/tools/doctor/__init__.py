"""The doctor: checks whether this gateway is set up right, and whether its address answers as it should.

    settings → token → queue → store → incoming webhook → last delivery → the running address

Each check is one line: ok, failed or skipped (not set up), what it saw, and what to do.
Nothing is changed, except that one probe event `ONGATEWAYPROBE`, which no handler wants, is queued.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from gateway.errors import GatewayError
from gateway.locations import is_missing
from gateway.settings import Settings
from gateway.texts import SENTENCES, say, text_of

Result = Literal["ok", "failed", "skipped"]


class Check(NamedTuple):
    """One line of the report: `saw` is what was found, `do` the next action, "" if there is none."""

    check: str
    result: Result
    saw: str
    do: str = ""


class Scribe:
    """Writes checks in the language of the operator: the sentences `DOCTOR_X` and `DOCTOR_X_DO`, if any."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.ok = partial(self._check, "ok")
        self.failed = partial(self._check, "failed")
        self.skipped = partial(self._check, "skipped")

    def _check(self, result: Result, check: str, key: str, /, **values: object) -> Check:
        advice = f"DOCTOR_{key}_DO"
        do = say(advice, self.language, **values) if advice in SENTENCES else ""
        return Check(check, result, say(f"DOCTOR_{key}", self.language, **values), do)

    def raised(self, check: str, error: Exception) -> Check:
        """A check that raised: our own errors say what happened, any other is named by its type and place."""
        if isinstance(error, GatewayError):
            saw = text_of(error, self.language)
        else:
            # Its own text may quote a secret.
            place = traceback.extract_tb(error.__traceback__)[-1]
            saw = f"{type(error).__name__} ({Path(place.filename).name}:{place.lineno})"
        return Check(check, "failed", saw, say("DOCTOR_AGAIN", self.language))


def examine(settings: Settings, url: str | None = None, send_token: bool = False) -> Iterator[Check]:
    """Every check, in order, as it is made. `url`: the running address, by default `WEBHOOK_URL`'s."""
    from gateway.tools.doctor import endpoint, local_checks  # they import this

    scribe = Scribe(settings.language)
    for name, check in local_checks.CHECKS.items():
        yield from _checked(name, check, settings, scribe)
    examined = partial(endpoint.examine, url=url, send_token=send_token)
    for finding in _checked("address", examined, settings, scribe):
        yield finding
        if finding.check == "places" and finding.result == "ok" and is_missing(settings.queue):
            # The address accepted an event with these settings, so its queue must be somewhere else.
            yield scribe.failed("files", "OTHER_DIRECTORY", path=settings.queue)


def _checked(
    name: str, check: Callable[[Settings, Scribe], Iterable[Check]], settings: Settings, scribe: Scribe
) -> Iterator[Check]:
    try:
        yield from check(settings, scribe)
    except Exception as error:  # noqa: BLE001 — whatever breaks is a finding: the doctor goes on
        yield scribe.raised(name, error)
