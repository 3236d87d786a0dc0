"""Reads the portal's users through an incoming webhook, within the vendor's limits.

No answer is trusted: the portal silently drops a filter that it does not know, and answers 200
with other people's rows. So every row is compared with what was asked for.
"""

import logging
import math
import random
import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.errors import PortalError, PortalSilent, PortalUnavailable, SettingError
from gateway.links import user_record
from gateway.links.user_record import Record
from gateway.portal.rate_limit import SILENT_SECONDS, pace_of
from gateway.portal.transport import CONNECT_SECONDS, Caller, Reply, command
from gateway.retry import retry
from gateway.settings import Settings

# Users a page: the vendor's constant.
PAGE = 50
# Commands in a batch, at most.
BATCH = 50
# Twice the longest time that a portal needs, because half of it bounds each wait: see `Caller`.
ANSWER_SECONDS = 130.0
# Longer than the window of the operating limit, which is ten minutes.
LONGEST_PAUSE = 15 * 60.0
# How many refusals in a row are waited for: with the pauses below, three minutes; a bucket drains in 25
# seconds.
REFUSALS = 8
# A wait this long is logged, for the person who watches.
LOGGED_WAIT_SECONDS = 10.0
# How often an address that does not answer is tried.
ATTEMPTS = 3

log = logging.getLogger("gateway.portal.client")


class DoubtfulAnswer(PortalError):
    """The answer contradicts what was asked, so what the same walk saw before can't be trusted either."""


# The code that comes with a 503; a 429 means a limit whatever its code says.
_LIMIT = "QUERY_LIMIT_EXCEEDED"
_MEANINGS: dict[str, tuple[type[PortalError | PortalUnavailable], str]] = {
    "silent": (PortalSilent, "REST_SILENT"),
    "certificate": (PortalUnavailable, "REST_CERTIFICATE"),
    "name": (PortalUnavailable, "REST_NAME"),
    "refused": (PortalUnavailable, "REST_REFUSED"),
    "proxy": (PortalUnavailable, "REST_PROXY"),
    "broken off": (PortalUnavailable, "REST_UNREACHABLE"),
    "redirect": (PortalError, "REST_REDIRECT"),
    "unreadable": (PortalError, "REST_UNREADABLE"),
    "unnamed": (PortalError, "REST_UNNAMED"),
    "owner": (PortalError, "REST_OWNER"),
    "INTERNAL_SERVER_ERROR": (PortalUnavailable, "REST_INTERNAL"),
    "OVERLOAD_LIMIT": (PortalError, "REST_OVERLOAD"),
    "INSUFFICIENT_SCOPE": (PortalError, "REST_SCOPE"),
    **dict.fromkeys(
        ("INVALID_CREDENTIALS", "NO_AUTH_FOUND", "AUTHORIZATION_ERROR", "INVALID_TOKEN", "EXPIRED_TOKEN"),
        (PortalError, "REST_SECRET"),
    ),
    **dict.fromkeys(
        ("ERROR_OAUTH", "APPLICATION_NOT_FOUND", "WRONG_AUTH_TYPE"), (PortalError, "REST_SECRET")
    ),
    **dict.fromkeys(("ACCESS_DENIED", "PAYMENT_REQUIRED", "PORTAL_DELETED"), (PortalError, "REST_PLAN")),
}
_CREATE_FIELD = "user.userfield.add"
_FIELD_MEANINGS = {"REST_SCOPE": "FIELD_SCOPE", "REST_PLAN": "FIELD_REFUSED", "REST_ERROR": "FIELD_REFUSED"}
TOO_MANY = 429
# A proxy in front of the portal did not reach it, or closed it for a while.
_GATEWAY_ERRORS = {502, 503, 504}
_CLOUD = re.compile(r"[\w.-]+\.bitrix24\.[a-z.]+(?::\d+)?")


class Portal:
    """One portal's users, read. Safe to share between threads.

    `patience` is in seconds: what the caller can spend, waiting for limits
    included. Without it (the walker) limits are waited for as long as they last,
    or until `until`. `until` is a time of day (unix seconds), as `wall` gives it;
    `clock` is monotonic.
    Every method raises `PortalUnavailable` where the portal could not be reached or
    its limits leave no time (`retry_after` says for how long), and `PortalError` where
    it answered and the answer is wrong. Raises `SettingError` when it is made
    without `BITRIX24_DOMAIN` and `BITRIX24_WEBHOOK_TOKEN`.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        wall: Callable[[], float] = time.time,
        until: float | None = None,
    ) -> None:
        if not settings.rest_webhook:
            raise SettingError("BITRIX24_WEBHOOK_TOKEN", "REST_NOT_SET")
        # The webhook is given without its address.
        if not settings.rest_origin:
            raise SettingError("BITRIX24_DOMAIN", "REST_NO_DOMAIN")
        self.clock = clock
        self.requests = 0
        self._settings = settings
        self._sleep, self._wall = sleep, wall
        self._until = None if until is None else clock() + until - wall()
        self._pace = pace_of(settings.rest_origin)
        self._caller = Caller(settings)

    def user(self, user_id: int, patience: float | None = 20.0) -> Record | None:
        """The row of one user, its keys in upper case; None if the portal knows no such user."""
        answer = self._call("user.get", {"filter": {"ID": user_id}, "start": -1}, patience)
        rows = self._rows(answer.get("result"))
        for number, row in rows:
            if number == user_id:
                return row
        # The filter was dropped: the rows are other people's.
        if rows:
            raise DoubtfulAnswer("REST_OTHER_USER", user=user_id)
        return None

    def users_page(
        self, after: int, fields: Sequence[str] = (), since: datetime | None = None
    ) -> list[tuple[int, Record]]:
        """Up to 50 users of ids above `after`, in order of id, each with its id.

        Fewer than 50 are the last ones. `since` keeps those changed from then on.
        No row is trusted: an id that is not above the one before means that the
        portal dropped the filter or the order, and so does an older change.
        """
        answer = self._call("user.get", _page_params(after, fields, since), None)
        rows = self._rows(answer.get("result"))
        if not _follows(rows, after) or not _changed(rows, since):
            raise DoubtfulAnswer("REST_PAGE_LIES", after=after)
        return rows

    def users_pages(
        self, after: int, count: int, fields: Sequence[str] = (), since: datetime | None = None
    ) -> list[list[tuple[int, Record]]]:
        """The next `count` pages (50 at most) in one request, each beginning where the one before ended.

        In a batch a command names the last id of the one before it:
        `$result[1][49][ID]`. Where that has no 50 users the rest is noise, so the
        pages end with the first short one. They also end before a page that is
        doubtful, or that the portal refused: what is missing is asked for
        separately, and judged then.
        """
        if count == 1:
            return [self.users_page(after, fields, since)]
        commands = {}
        for index in range(1, count + 1):
            last = after if index == 1 else f"$result[{index - 1}][{PAGE - 1}][ID]"
            commands[str(index)] = command("user.get", _page_params(last, fields, since))
        results = self._batch(commands, "user.get")
        pages: list[list[tuple[int, Record]]] = []
        for name in commands:
            rows = self._rows(results[name]) if isinstance(results.get(name), list) else None
            if rows is None or not _follows(rows, after) or not _changed(rows, since):
                break
            pages.append(rows)
            if len(rows) < PAGE:
                break
            after = rows[-1][0]
        return pages or [self.users_page(after, fields, since)]

    def known(self, user_ids: Iterable[int]) -> set[int]:
        """Which of these users (50 at most) the portal knows, each asked for by its id."""
        by_name = {str(user_id): user_id for user_id in user_ids}
        params = {name: {"filter": {"ID": number}, "start": -1} for name, number in by_name.items()}
        commands = {name: command("user.get", param) for name, param in params.items()}
        try:
            results = self._batch(commands, "user.get")
        except (PortalError, PortalUnavailable) as failure:
            if isinstance(failure, PortalUnavailable) and failure.retry_after is not None:
                raise
            # A portal that fails at batches is asked for each user separately, and judged then.
            results = {}
        known_users = set()
        for name, number in by_name.items():
            if isinstance(results.get(name), list):
                rows = self._rows(results[name])
                if rows and all(row_id != number for row_id, _ in rows):
                    raise DoubtfulAnswer("REST_OTHER_USER", user=number)
                known_users |= {number} if rows else set()
            elif self.user(number, None) is not None:
                known_users.add(number)
        return known_users

    def fields(self, patience: float | None = None) -> frozenset[str]:
        """The names of the fields users have, custom ones included, in upper case."""
        result = self._call("user.fields", {}, patience).get("result")
        return frozenset(str(name).upper() for name in result) if isinstance(result, dict) else frozenset()

    def create_field(self, name: str, label: str, patience: float | None = None) -> None:
        """Create a text field of the users' profiles; the portal puts `UF_USR_` before `name`."""
        fields = {"FIELD_NAME": name, "USER_TYPE_ID": "string", "LABEL": label, "XML_ID": f"UF_USR_{name}"}
        self._call(_CREATE_FIELD, {"fields": fields | {"MULTIPLE": "N", "MANDATORY": "N"}}, patience)

    def scope(self) -> frozenset[str]:
        """The incoming webhook's scopes, such as `user` or `user_basic`."""
        result = self._call("scope", {}, None).get("result")
        return frozenset(map(str, result)) if isinstance(result, list) else frozenset()

    def _batch(self, commands: dict[str, str], method: str) -> dict[str, Any]:
        """The results of a batch by command; what failed is absent."""
        answer = self._call("batch", {"halt": 0, "cmd": commands}, None)
        result = answer.get("result")
        body = result if isinstance(result, dict) else {}
        for timing in _mapping(body.get("result_time")).values():
            self._learn(method, timing)
        return _mapping(body.get("result"))

    def _call(self, method: str, params: dict[str, Any], patience: float | None) -> dict[str, Any]:
        """The portal's answer; an address that does not answer is tried again, while patience lasts.

        One that is silent until the time is up is not tried again: the walk, which has all the
        time, makes smaller batches, and other callers are turned away while the portal hangs.
        """
        if patience is not None and (seconds := self._pace.silent_for(self.clock())):
            raise PortalUnavailable(
                "REST_SILENT", domain=self._settings.domain, retry_after=seconds, counted=False
            )
        until = self._until if patience is None else self.clock() + patience

        def worth_another_try(error: Exception) -> bool:
            if not isinstance(error, PortalUnavailable) or isinstance(error, PortalSilent):
                return False
            return error.retry_after is None

        return retry(
            lambda: self._call_in_turn(method, params, until),
            worth_another_try,
            attempts=ATTEMPTS,
            first=1.0,
            longest=2.0,
            until=math.inf if until is None else until - CONNECT_SECONDS,
            clock=self.clock,
            sleep=self._sleep,
        )

    def _call_in_turn(self, method: str, params: dict[str, Any], until: float | None) -> dict[str, Any]:
        # No `retry`: when the next request is due is decided for all callers together, by `Pace`.
        for refusal in range(REFUSALS):
            self._wait_for_turn(method, until)
            now = self.clock()
            self.requests += 1
            seconds = ANSWER_SECONDS if until is None else min(until - now, ANSWER_SECONDS)
            reply = self._caller.call(method, params, seconds)
            if reply.code != "silent":
                self._pace.answered()
            elif seconds < ANSWER_SECONDS:
                # A walk's batch may rightly need all of that time: its silence says nothing of the portal.
                self._pace.silent(self.clock())
            if reply.answer is not None:
                self._learn(method, reply.answer.get("time"))
                return reply.answer
            if reply.code != _LIMIT and reply.status != TOO_MANY:
                raise self._failure(method, reply)
            pause = min(2.0**refusal, 30.0) * random.uniform(1.0, 1.3)  # noqa: S311 — jitter, no secret
            if reply.status == TOO_MANY:
                self._learn(method, {"operating_reset_at": reply.reset_at})
                self._pace.blocked(method, self.clock(), pause)
            else:
                self._pace.refused(self.clock(), pause)
        raise self._over_limit(self._pace.wait_for(method, self.clock()))

    def _wait_for_turn(self, method: str, until: float | None) -> None:
        while True:
            now = self.clock()
            patience = LONGEST_PAUSE if until is None else until - now
            start = self._pace.reserve(method, now, patience)
            if start is None:
                raise self._over_limit(self._pace.wait_for(method, now))
            if start - now >= LOGGED_WAIT_SECONDS:
                log.warning(self._over_limit(start - now))
            if start > now:
                self._sleep(start - now)
            if not self._pace.is_paused(method, self.clock()):
                return

    def _learn(self, method: str, timing: object) -> None:
        """Take `operating_reset_at` (unix seconds) out of an answer's `time`."""
        reset_at = timing.get("operating_reset_at") if isinstance(timing, dict) else None
        if isinstance(reset_at, (int, float)) and 0 < reset_at < 1e11:
            self._pace.succeeded(method, self.clock() + reset_at - self._wall())

    def _failure(self, method: str, reply: Reply) -> PortalError | PortalUnavailable:
        """Our exception for an error. The portal's own description may quote anything, and is left out."""
        kind, key = _meaning(reply, self._settings.domain)
        if method == _CREATE_FIELD and key in _FIELD_MEANINGS:
            key = _FIELD_MEANINGS[key]
        facts: dict[str, Any] = {"domain": self._settings.domain, "method": method}
        facts |= {"code": reply.code, "status": reply.status or "-"}
        if kind is PortalSilent and self._pace.hangs():
            return PortalSilent(key, retry_after=SILENT_SECONDS, counted=False, **facts)
        return kind(key, **facts)

    def _over_limit(self, seconds: float) -> PortalUnavailable:
        wait = max(seconds, 1.0)
        return PortalUnavailable("REST_LIMIT", seconds=round(seconds + 0.5), retry_after=wait, counted=False)

    def _rows(self, result: object) -> list[tuple[int, Record]]:
        """The users of a page with their ids, keys in upper case. Raises `PortalError` for anything else."""
        rows = []
        for raw in result if isinstance(result, list) else [None]:
            row = user_record.upper_keys(raw) if isinstance(raw, dict) else {}
            number = user_record.user_id(row)
            if number is None:
                raise PortalError("REST_NO_USERS")
            rows.append((number, row))
        return rows


def _meaning(reply: Reply, domain: str) -> tuple[type[PortalError | PortalUnavailable], str]:
    """What an error means, which is not always what it says."""
    nameless = reply.code in ("unnamed", "unreadable")
    if nameless and reply.status in _GATEWAY_ERRORS:
        return PortalUnavailable, "REST_CLOSED"
    # A self-hosted portal whose site is closed for a while answers this, too.
    if reply.code == "PORTAL_DELETED" and not _CLOUD.fullmatch(domain):
        return PortalUnavailable, "REST_CLOSED"
    return _MEANINGS.get(reply.code, (PortalError, "REST_ERROR"))


def _page_params(after: int | str, fields: Sequence[str], since: datetime | None) -> dict[str, Any]:
    conditions: dict[str, Any] = {">ID": after}
    if since is not None:
        conditions[">=TIMESTAMP_X"] = since.astimezone(UTC).isoformat(timespec="seconds")
    params: dict[str, Any] = {"filter": conditions, "sort": "ID", "order": "ASC", "start": -1}
    return params | ({"select": list(fields)} if fields else {})


def _follows(rows: Sequence[tuple[int, Record]], after: int) -> bool:
    """Whether the ids rise from above `after`, in a page of at most 50."""
    for number, _ in rows:
        if number <= after:
            return False
        after = number
    return len(rows) <= PAGE


def _changed(rows: Sequence[tuple[int, Record]], since: datetime | None) -> bool:
    """Whether every row that says when it changed did so from `since` on (older portals send `{}`)."""
    for _, row in rows if since is not None else ():
        try:
            changed = datetime.fromisoformat(row["TIMESTAMP_X"])
        except (KeyError, TypeError, ValueError):
            continue
        if since is not None and changed.tzinfo is not None and changed < since.replace(microsecond=0):
            return False
    return True


def _mapping(value: object) -> dict[str, Any]:
    """The array as a dict: PHP writes an empty or a dense one as a list; commands count from 1."""
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value, 1)}
    return value if isinstance(value, dict) else {}
