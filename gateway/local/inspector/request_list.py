"""Requests: lists what came, newest first. The search and the filters are in the address."""

import re
import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import flask

from gateway.journal import Filters, Page
from gateway.links.telegram_account import as_searched
from gateway.local.inspector import one_request
from gateway.local.inspector.access import PATH
from gateway.local.inspector.frame import YEAR, Inspector, View, own_path
from gateway.local.inspector.overview import tiles
from gateway.local.inspector.round_rows import PREFIX, RoundRow, round_values, with_rounds
from gateway.local.inspector.rows import Row, rows, subscription_name

PAGE = 50  # rows at once
# Rows on one page; older ones are on the next.
MOST = 500
PERIODS = {"1h": 3600.0, "24h": 86_400.0, "7d": 7 * 86_400.0}
# The kinds of records behind each choice of what to show.
KINDS = {
    "all": ("accepted", "aside", "refused", "not_queued"),
    "refused": ("refused",),
    "accepted": ("accepted",),
    "aside": ("aside",),
    "not_queued": ("not_queued",),
}
# A number above every change of a journal.
NEVER = 2**62
# The cookie with the newest record that this browser's list has shown.
SEEN_COOKIE = "inspector_seen"


@dataclass(frozen=True)
class ChosenFilters:
    """The filters in the address, each a valid value."""

    term: str = ""
    show: str = "all"
    period: str = "24h"
    # One bar of the chart, as its hour since 1970; 0 for all.
    hour: int = 0
    cause: str = ""
    event: str = ""
    portal: str = ""
    to: str = ""
    probes: bool = False

    def filters(self, now: float) -> Filters:
        """These filters as the journal's, with the period counted back from `now`."""
        kinds = KINDS[self.show] + (("probe",) if self.probes and self.show == "all" else ())
        since, until = now - PERIODS[self.period], 0.0
        if self.hour:
            since, until = self.hour * 3600.0, (self.hour + 1) * 3600.0
        # A search by name finds requests of any age.
        if self.term:
            since = since if self.hour else 0.0
            kinds = kinds if self.show != "all" else ()
        return Filters(
            kinds, as_searched(self.term), self.cause, self.event, self.portal, since, self.to, until
        )

    def query(self, **changes: Any) -> dict[str, Any]:
        """The address's parameters that are not empty."""
        default, changed = ChosenFilters(), replace(self, **changes)
        pairs = {"q": "term", "show": "show", "period": "period", "hour": "hour", "cause": "cause"}
        pairs |= {"event": "event", "portal": "portal", "to": "to"}
        query = {
            name: getattr(changed, field)
            for name, field in pairs.items()
            if getattr(changed, field) != getattr(default, field)
        }
        return query | ({"probes": 1} if changed.probes else {})

    @property
    def shows_rounds(self) -> bool:
        """Whether rounds of polling are listed among the requests: no filter is set that leaves them out."""
        return self.show == "all" and not (self.narrow or self.cause)

    @property
    def narrow(self) -> bool:
        """Whether a filter is set that the hourly counts can't answer."""
        return bool(self.term or self.event or self.portal or self.to)


def filters_in_address() -> ChosenFilters:
    """The filters in the request's address; an invalid value counts as none."""
    args = flask.request.args

    def choice(name: str, choices: dict[str, Any], default: str) -> str:
        return args[name] if args.get(name) in choices else default

    hour = args.get("hour", "")
    return ChosenFilters(
        term=args.get("q", "").strip()[:200],
        show=choice("show", KINDS, "all"),
        period=choice("period", PERIODS, "24h"),
        hour=int(hour) if re.fullmatch(r"[0-9]{1,9}", hour) else 0,
        cause=args.get("cause", "")[:100],
        event=args.get("event", "")[:100],
        portal=args.get("portal", "")[:300],
        to=args.get("to", "")[:100],
        probes=args.get("probes") == "1",
    )


def whole_number(name: str) -> int:
    """A whole number in the request's address; 0 for anything else."""
    text = flask.request.args.get(name, "")
    # SQLite cannot compare longer numbers.
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def badge(page: Inspector) -> int:
    """How many refusals are newer than what this browser has seen in the list."""
    newest_seen = flask.g.get("seen") or flask.request.cookies.get(SEEN_COOKIE, "")
    after = int(newest_seen) if re.fullmatch(r"[0-9]{1,18}", newest_seen) else 0
    return page.journal.count_newer(Filters(kinds=("refused", "not_queued")), after, limit=100)


def counts(page: Inspector, chosen: ChosenFilters, now: float) -> dict[str, int]:
    """How many requests each chip would show; none if the search needs more than the hourly counts."""
    if chosen.narrow or (chosen.period == "1h" and not chosen.hour):
        return {}
    filters = chosen.filters(now)
    # As in the chart, the present hour counts as one.
    first = int(filters.since // 3600) + (0 if chosen.hour else 1)
    count_of = dict.fromkeys((*KINDS, "probe"), 0)
    for hourly in page.journal.hours(first * 3600):
        is_later = filters.until and hourly.hour * 3600 >= filters.until
        if is_later or (chosen.cause and hourly.cause != chosen.cause):
            continue
        count_of[hourly.kind] = count_of.get(hourly.kind, 0) + hourly.count
        if hourly.kind != "probe":
            count_of["all"] += hourly.count
    return count_of


def register(page: Inspector) -> None:
    """Add the view's routes to the page."""

    one_request.register(page)

    @page.app.get("/requests", endpoint="requests")
    def requests() -> flask.Response:
        chosen, now = filters_in_address(), time.time()
        below = whole_number("below")
        _note_seen(page, below)
        part = _part(page, chosen, below, 0, now)
        opened = flask.request.args.get("open", "")
        detail = one_request.values(page, opened) if opened and not opened.startswith(PREFIX) else None
        events, portals, subscriptions = page.journal.choices()
        recorder = page.parts.recorder
        html = page.render(
            "requests.html",
            view="requests",
            wanted=chosen,
            counts=counts(page, chosen, now),
            detail=detail,
            round=round_values(page, opened),
            choices=_causes(page, now),
            events=events,
            portals=portals,
            receivers=[(name, subscription_name(page, name)) for name in subscriptions if name],
            below=below,
            can_record=recorder is not None,
            recording=recorder is not None and recorder.whole_until > now,
            can_test=page.parts.webhook is not None,
            **tiles(page),
            **part,
        )
        return _with_seen(html)

    @page.app.get("/requests/part")
    def requests_part() -> flask.Response:
        """The rows after those on the page, or the newest ones again."""
        chosen, below = filters_in_address(), whole_number("below")
        _note_seen(page, below)
        part = _part(page, chosen, below, whole_number("already"), time.time())
        return _with_seen(page.render("request_part.html", wanted=chosen, below=below, **part))

    @page.app.get("/requests/live")
    def requests_live() -> str:
        """What is new for the open list: how many requests are newer, and rows that changed."""
        chosen, now = filters_in_address(), time.time()
        top = whole_number("top")
        last_round = whole_number("round")
        rounds = page.journal.count_rounds(last_round) if chosen.shows_rounds else 0
        changed, newest = page.journal.changed(whole_number("change"))
        opened = flask.request.args.get("open", "")
        return page.render(
            "requests_live.html",
            wanted=chosen,
            counts=counts(page, chosen, now),
            **tiles(page),
            newer=page.journal.count_newer(chosen.filters(now), top) + rounds,
            top=top,
            last_round=last_round,
            change=newest,
            changed=rows(page, changed),
            opened=opened,
            detail=one_request.values(page, opened)
            if any(request.request_id == opened for request in changed)
            else None,
        )

    @page.app.post("/capture")
    def capture() -> flask.typing.ResponseReturnValue:
        """Keep every request whole for half an hour, or stop that."""
        if page.parts.recorder is not None:
            if flask.request.form.get("on") == "1":
                page.parts.recorder.keep_whole()
            else:
                page.parts.recorder.keep_whole(0)
        back = urlsplit(flask.request.referrer or "")._replace(scheme="", netloc="").geturl()
        # The list as it was, with its filters.
        path = own_path(back)
        return flask.redirect(flask.url_for("requests") if path == PATH else path, 303)


def _part(page: Inspector, chosen: ChosenFilters, below: int, already: int, now: float) -> dict[str, Any]:
    # Read before the rows, so that a change in between is shown twice rather than never.
    _, change = page.journal.changed(NEVER, 1)
    newest_rounds = page.journal.rounds(1)
    filters = chosen.filters(now)
    result_page = page.journal.page(filters, below or None, PAGE)
    requests = rows(page, result_page.requests)
    listed: list[Row | RoundRow] = [*requests]
    if chosen.shows_rounds:
        since, until = _from_to(page, filters, result_page, below)
        listed = with_rounds(page, requests, since, until, max(0, MOST - already - len(requests)))
    total = already + len(listed)
    return {
        "rows": listed,
        "nothing": not result_page.requests,
        "older": result_page.older,
        "listed": total,
        "full": total + PAGE > MOST,
        "top": result_page.requests[0].n if result_page.requests else 0,
        "last_round": newest_rounds[0].id if newest_rounds else 0,
        "change": change,
    }


def _from_to(page: Inspector, filters: Filters, result_page: Page, below: int) -> tuple[float, float]:
    """The time of a page of the list: from its last request to the one before its first."""
    since, until = filters.since, filters.until
    if result_page.older is not None and result_page.requests:
        since = max(since, result_page.requests[-1].at.timestamp())
    if below:
        before = page.journal.page(below=below + 1, limit=1).requests
        until = before[0].at.timestamp() if before else until
    return since, until


def _note_seen(page: Inspector, below: int) -> None:
    """Remember the newest row that this browser has seen: the badge counts later ones."""
    if not below:
        newest = page.journal.page(limit=1).requests
        flask.g.seen = str(newest[0].n if newest else 0)


def _with_seen(html: str) -> flask.Response:
    answer = flask.make_response(html)
    if newest_seen := flask.g.get("seen"):
        answer.set_cookie(SEEN_COOKIE, newest_seen, max_age=YEAR, path=PATH, httponly=True, samesite="Lax")
    return answer


def _causes(page: Inspector, now: float) -> list[tuple[str, int]]:
    """The causes of the last seven days and how often each occurred, most frequent first."""
    count_of: dict[str, int] = {}
    for hourly in page.journal.hours(now - PERIODS["7d"]):
        if hourly.kind == "refused" and hourly.cause:
            count_of[hourly.cause] = count_of.get(hourly.cause, 0) + hourly.count
    return sorted(count_of.items(), key=lambda pair: -pair[1])


VIEW = View("requests", "r", register, badge)
