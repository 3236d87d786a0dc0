"""Finds what is wrong now, for the overview; each sentence ends in what to do."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import flask

from gateway.diagnosis import setting_causes
from gateway.errors import SettingError
from gateway.journal import Filters, OutcomeRecord
from gateway.local.inspector.frame import Inspector
from gateway.queues.subscriptions import subscriptions
from gateway.texts import reason_text, text_of

DAY = 86_400.0
# How many problems are shown, the gravest first.
MOST = 20
# How many events that were not queued are counted.
MAX_UNQUEUED = 100


@dataclass(frozen=True)
class Problem:
    """One problem: its sentence, how bad it is (`bad`, `warn`), and where to look at it."""

    says: str
    colour: str = "warn"
    link: str = ""
    link_says: str = ""


@dataclass(frozen=True)
class DestinationNow:
    """A destination: up, or failing since its last success; how many events wait for it."""

    url: str
    subscription: str
    waiting: int
    last: OutcomeRecord | None
    delivered_at: datetime | None

    @property
    def failing(self) -> bool:
        """Whether its newest event was not delivered."""
        return self.last is not None and self.last.code in ("EVENT_FAILED", "EVENT_DEAD")


def destinations(page: Inspector, depths: Mapping[str, int]) -> list[DestinationNow]:
    """The state of each destination, with how many events wait for it by `depths`."""
    destinations_now = []
    names = {subscription.name for subscription in subscriptions(page.settings)}
    for destination in page.settings.destinations:
        name = next((name for name in names if name.endswith(f"-{destination.id}")), "")
        last, delivered_at = page.journal.latest_outcome(name)
        destinations_now.append(
            DestinationNow(destination.printable_url, name, depths.get(name, 0), last, delivered_at)
        )
    return destinations_now


def problems_now(page: Inspector, now: float) -> list[Problem]:
    """What is wrong, the worst first, at most 20 problems."""
    checks = (_settings, _running, _events, _destinations, _polling)
    problems = [problem for check in checks for problem in check(page, now)]
    return sorted(problems, key=lambda problem: problem.colour != "bad")[:MOST]


def _settings(page: Inspector, _: float) -> Iterator[Problem]:
    settings, words = page.settings_here, page.words
    for cause in setting_causes(settings):
        yield Problem(f"{cause.says} {cause.do}", "bad")
    for unread in settings.unread:
        yield Problem(text_of(unread, page.language))
    for name, like in settings.unknown:
        yield Problem(words("UNKNOWN_SETTING_LIKE" if like else "UNKNOWN_SETTING", name=name, like=like))
    for name in settings.short_secrets():
        yield Problem(words("SHORT_SECRET", setting=name))
    if settings.portals_differ:
        yield Problem(words("SETTINGS_PORTALS_DIFFER", domain=settings.domain, address=settings.rest_portal))
    if not settings.rest_webhook:
        yield Problem(words("NO_INCOMING_WEBHOOK"))
    elif not settings.domain:
        yield Problem(text_of(SettingError("BITRIX24_DOMAIN", "REST_NO_DOMAIN"), page.language))
    volume = os.environ.get("RAILWAY_VOLUME_MOUNT_PATH", "")
    for name, path in settings.files.items() if settings.on_railway else ():
        if not (volume and path.absolute().is_relative_to(volume)):
            yield Problem(words("NO_VOLUME", name=name), "bad")


def _running(page: Inspector, _: float) -> Iterator[Problem]:
    if page.parts.worker_alive is not None and not page.parts.worker_alive():
        yield Problem(page.words("WRONG_worker"), "bad")
    unqueued = sum(1 for _ in islice(page.journal.unqueued(), MAX_UNQUEUED))
    if unqueued:
        yield Problem(
            page.words("WRONG_unqueued", n=unqueued),
            "bad",
            flask.url_for("requests", show="not_queued", period="7d"),
            page.words("LOOK"),
        )
    waiting = page.badges().get("dead", 0)
    for problem in page.problems:
        yield Problem(text_of(problem, page.language), "bad")
    if page.journal.failure is not None:
        yield Problem(text_of(page.journal.failure, page.language), "bad")
    if waiting:
        yield Problem(
            page.words("WRONG_dead", n=waiting), "bad", flask.url_for("dead"), page.words("NAV_dead")
        )


def _events(page: Inspector, now: float) -> Iterator[Problem]:
    settings, journal = page.settings_here, page.journal
    since = now - DAY
    _, portals, _ = journal.choices()
    for portal in portals:
        if settings.domain and portal != settings.domain and portal not in dict(settings.bound_tokens):
            filters = Filters(kinds=("accepted", "aside"), portal=portal, since=since)
            if journal.page(filters, limit=1).requests:
                yield Problem(
                    page.words("PORTAL_DIFFERS", theirs=portal, mine=settings.domain),
                    link=flask.url_for("requests", portal=portal, show="accepted"),
                    link_says=page.words("LOOK"),
                )
    if conflicts := journal.count_tagged("conflict", since):
        yield Problem(
            page.words("WRONG_conflicts", n=conflicts),
            link=flask.url_for("requests", show="accepted"),
            link_says=page.words("LOOK"),
        )
    newest = journal.page(Filters(kinds=("accepted", "aside", "refused")), limit=1).requests
    if newest and newest[0].at.timestamp() < since:
        yield Problem(page.words("WRONG_silence"))


def _destinations(page: Inspector, _: float) -> Iterator[Problem]:
    for destination in destinations(page, {}):
        if destination.failing and destination.last is not None:
            yield Problem(
                page.words("WRONG_destination", reason=reason_text(destination.last.reason, page.language)),
                "bad",
                flask.url_for("requests", to=destination.subscription, period="7d"),
                page.words("LOOK"),
            )


def _polling(page: Inspector, now: float) -> Iterator[Problem]:
    rounds = page.journal.rounds(1)
    if not rounds or rounds[0].at.timestamp() < now - 7 * DAY:
        return
    last = rounds[0]
    if last.code != "RESYNC_DONE":
        yield Problem(page.words("WRONG_polling", code=last.code), "bad")
    unreadable = last.facts.get("unreadable") or 0
    count = len(unreadable) if isinstance(unreadable, list) else int(unreadable)
    if count:
        yield Problem(page.words("WRONG_unreadable", n=count))
