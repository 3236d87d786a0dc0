"""The overview: shows whether the gateway works, and what is wrong now."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import flask

from gateway.errors import PassingFailure
from gateway.journal import Filters
from gateway.local.inspector.frame import Inspector, View
from gateway.local.inspector.polling import next_round_at
from gateway.local.inspector.probe import send_test_event
from gateway.local.inspector.problems import destinations, problems_now
from gateway.local.inspector.rows import rows
from gateway.queues import open_embedded
from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.sample_delivery import local_url

HOURS = 24
LATEST = 6  # requests
# The chart's height, in its own units.
HEIGHT = 56
# From bar to bar, and the width of a bar.
STEP, WIDTH = 15, 11


@dataclass(frozen=True)
class Bar:
    """One hour: how many requests ended how, and the heights of the bar's parts from below."""

    hour: int
    at: datetime
    x: int
    accepted: int
    aside: int
    refused: int
    parts: tuple[tuple[str, float, float], ...]  # (class, y, height)

    @property
    def total(self) -> int:
        """How many requests there were in the hour."""
        return self.accepted + self.aside + self.refused


def chart(page: Inspector, now: float) -> list[Bar]:
    """The last 24 hours, the present one last."""
    last = int(now // 3600)
    counts = {last - back: {"accepted": 0, "aside": 0, "refused": 0} for back in range(HOURS)}
    for hourly in page.journal.hours((last - HOURS + 1) * 3600):
        name = "refused" if hourly.kind == "not_queued" else hourly.kind
        if hourly.hour in counts and name in counts[hourly.hour]:
            counts[hourly.hour][name] += hourly.count
    most = max((sum(kinds_of_hour.values()) for kinds_of_hour in counts.values()), default=0) or 1
    bars = []
    for index, hour in enumerate(sorted(counts)):
        kinds, parts, top = counts[hour], [], float(HEIGHT)
        for name in ("accepted", "aside", "refused"):
            if kinds[name]:
                # One request stays visible beside thousands.
                height = max(2.0, round(kinds[name] / most * (HEIGHT - 4), 1))
                top -= height
                parts.append((name, round(max(0.0, top), 1), height))
        at = datetime.fromtimestamp(hour * 3600, UTC)
        bars.append(
            Bar(hour, at, index * STEP, kinds["accepted"], kinds["aside"], kinds["refused"], tuple(parts))
        )
    return bars


def tiles(page: Inspector) -> dict[str, Any]:
    """The tiles' values, each from one bounded query."""
    now = time.time()
    since = now - HOURS * 3600
    causes: dict[str, int] = {}
    for hourly in page.journal.hours(since):
        if hourly.kind == "refused" and hourly.cause:
            causes[hourly.cause] = causes.get(hourly.cause, 0) + hourly.count
    bars = chart(page, now)
    queue = _queue(page)
    return {
        "bars": bars,
        "accepted": sum(bar.accepted for bar in bars),
        "aside": sum(bar.aside for bar in bars),
        "refused": sum(bar.refused for bar in bars),
        "latest": page.journal.latest_accepted(),
        "causes": sorted(causes.items(), key=lambda pair: -pair[1]),
        "queue": queue,
        "destinations": destinations(page, queue["depths"] if queue else {}),
        "polling": _polling(page, now),
    }


def figures(page: Inspector) -> dict[str, Any]:
    """The tiles, what is wrong, and what came last; `empty` if nothing ever came."""
    with_event = Filters(kinds=("accepted", "aside", "refused", "not_queued"))
    latest = page.journal.page(with_event, limit=LATEST).requests
    return {
        **tiles(page),
        "problems": problems_now(page, time.time()),
        "rows": rows(page, latest),
        "empty": not latest,
    }


def _queue(page: Inspector) -> dict[str, Any] | None:
    """Depth and age of the embedded queue; None if it is Pub/Sub, or does not answer."""
    if page.settings.queue_kind != "local":
        return None
    try:
        queue = open_embedded(page.settings)
        depths = queue.depths()
        return {"depth": sum(depths.values()), "oldest": queue.oldest_age(), "depths": depths}
    except PassingFailure:
        return None


def _polling(page: Inspector, now: float) -> dict[str, Any]:
    """The last round, and when the next one is due."""
    rounds = page.journal.rounds(1)
    next_at = next_round_at(page, rounds)
    due = None if next_at is None else max(0.0, next_at.timestamp() - now)
    return {"last": rounds[0] if rounds else None, "due": due}


def register(page: Inspector) -> None:
    """Add the view's routes to the page."""

    @page.app.get("/", endpoint="overview")
    def overview() -> str:
        settings = page.settings_here
        address = settings.paste_url or local_url(settings.host, settings.port) + WEBHOOK_PATH
        return page.render(
            "overview.html",
            view="overview",
            address=address,
            is_public=settings.paste_url is not None,
            has_token=bool(settings.tokens),
            can_test=page.parts.webhook is not None,
            **figures(page),
        )

    @page.app.get("/live/overview", endpoint="overview_live")
    def live() -> str:
        waits = flask.request.args.get("waits") == "1"
        return page.render("overview_live.html", waits=waits, **figures(page))

    @page.app.post("/test", endpoint="test_event")
    def test_event() -> flask.typing.ResponseReturnValue:
        if page.parts.webhook is None:
            flask.abort(404)
        _, request = send_test_event(page)
        if request is None:
            return flask.redirect(flask.url_for("requests", probes=1), 303)
        return flask.redirect(flask.url_for("request_page", request_id=request.request_id), 303)


VIEW = View("overview", "o", register)
