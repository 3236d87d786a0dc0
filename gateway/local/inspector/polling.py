"""Polling: shows its rounds, unreadable users and conflicts, and starts a round or a dry run."""

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import flask

from gateway.errors import GatewayError
from gateway.journal import OutcomeRecord, Round
from gateway.local.inspector import round_rows
from gateway.local.inspector.frame import Inspector, View
from gateway.local.inspector.rows import user_label
from gateway.portal import resync
from gateway.portal.reconcile import LinksAtRisk, Summary
from gateway.settings import Settings
from gateway.texts import text_of

ROUNDS = 50
CONFLICTS = 50


@dataclass
class StartedRound:
    """A round that was started from the page: how far it has come, and how it ended."""

    settings: Settings
    dry_run: bool
    confirmed: int
    began: float = field(default_factory=time.time)
    users: int = 0
    summary: Summary | None = None
    problem: str = ""
    at_risk: int = 0
    ended: bool = False

    def run(self) -> None:
        """Run the round; how it ended is kept for the page."""
        try:
            self.summary = resync.run(
                self.settings, progress=self._progress, dry_run=self.dry_run, confirmed=self.confirmed
            )
        except resync.AlreadyRunning as running:
            self.problem = text_of(running, self.settings.language)
        except LinksAtRisk as risk:
            self.at_risk = risk.count
            _, self.problem = resync.log_failure(self.settings, risk)
        except GatewayError as failure:
            _, self.problem = resync.log_failure(self.settings, failure)
        except Exception as error:  # noqa: BLE001 — the page must show that it ended, whatever ended it
            self.problem = type(error).__name__
        self.ended = True

    def _progress(self, users: int, _: int) -> None:
        self.users = users


def register(page: Inspector) -> None:
    """Add the view's routes to the page."""
    round_rows.register(page)
    starting = threading.Lock()
    # One at most: the last one.
    running: list[StartedRound] = []

    def values() -> dict[str, Any]:
        rounds = page.journal.rounds(ROUNDS)
        unreadable, conflicts = _unreadable(rounds), page.journal.conflicts(CONFLICTS)
        return {
            "user_label": user_label,
            "names": page.journal.names(page.settings.domain, unreadable),
            "row_names": _names(page, conflicts),
            "rounds": rounds,
            "next_at": next_round_at(page, rounds),
            "running": running[0] if running else None,
            "configured": page.settings.can_ask_portal,
            "every": page.settings.resync_every,
            "domain": page.settings.domain,
            "unreadable": unreadable,
            "conflicts": conflicts,
        }

    @page.app.get("/polling", endpoint="polling")
    def polling() -> str:
        return page.render("polling.html", view="polling", **values())

    @page.app.get("/polling/live", endpoint="polling_live")
    def live() -> str:
        return page.render("polling_live.html", **values())

    @page.app.post("/polling/run", endpoint="poll_now")
    def run() -> flask.typing.ResponseReturnValue:
        confirmed = flask.request.form.get("confirm", default=0, type=int)
        new = StartedRound(page.settings_here, "dry" in flask.request.form, max(0, confirmed))
        with starting:
            if not running or running[0].ended:
                running[:] = [new]
                threading.Thread(target=new.run, name="a round by hand", daemon=True).start()
        return flask.redirect(flask.url_for("polling"), 303)


def next_round_at(page: Inspector, rounds: list[Round]) -> datetime | None:
    """When the next round begins, given the newest ones; None if nothing polls."""
    interval = page.settings.resync_every
    if not interval or not page.settings.can_ask_portal:
        return None
    # The first round comes that long after the start, each other one that long after the round before.
    began = max(page.started, rounds[0].at.timestamp() if rounds else 0.0)
    return datetime.fromtimestamp(max(began + interval, time.time()), UTC)


def _unreadable(rounds: list[Round]) -> list[int]:
    """The users whose field the last whole round could not read."""
    last_complete = next((one_round for one_round in rounds if one_round.code == "RESYNC_DONE"), None)
    return list(last_complete.facts.get("unreadable_users", [])) if last_complete else []


def _names(page: Inspector, conflicts: list[OutcomeRecord]) -> list[str]:
    """The names of the users of these outcomes, "" for those whom no event named."""
    users_of: dict[str, list[int]] = {}
    for conflict in conflicts:
        users_of.setdefault(conflict.portal, []).append(conflict.bitrix_user_id or 0)
    names_by_portal = {portal: page.journal.names(portal, users) for portal, users in users_of.items()}
    return [names_by_portal[conflict.portal].get(conflict.bitrix_user_id or 0, "") for conflict in conflicts]


VIEW = View("polling", "p", register)
