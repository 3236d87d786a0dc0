"""Shows rounds of polling: as rows among the requests, equal ones as one row, and one of them in detail."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import flask

from gateway.journal import Round
from gateway.local.inspector.frame import Inspector
from gateway.local.inspector.rows import Row, user_label
from gateway.texts import reason_text

# Rounds that are read for one page of the list.
MOST_READ = 200
COUNTS = ("users", "published", "unlinked", "unreadable")
# The list calls a round by this and its number, and a request by its request_id.
PREFIX = "round-"


@dataclass(frozen=True)
class RoundRow:
    """A round as a row: `title` and `about` say what it did, `line` what to look at, or why it failed.

    `count` equal rounds in a row are one row; `first_at` is the time of the oldest of them.
    """

    round: Round
    tag: str
    colour: str
    title: str
    about: str
    line: str
    count: int
    first_at: datetime

    @property
    def id(self) -> str:
        """The name under which the list opens the round."""
        return f"{PREFIX}{self.round.id}"


def with_rounds(
    page: Inspector, rows: Sequence[Row], since: float, until: float, most: int
) -> list[Row | RoundRow]:
    """The rows and, by their times, the rounds from `since` to `until`, newest first, `most` of these."""
    rounds = [
        round_row(page, polling_round) for polling_round in page.journal.rounds(MOST_READ, since, until)
    ]
    merged: list[Row | RoundRow] = []
    all_rows: list[Row | RoundRow] = [*rows, *rounds]
    count = 0
    for row in sorted(all_rows, key=_moment, reverse=True):
        last = merged[-1] if merged else None
        if isinstance(row, RoundRow):
            if isinstance(last, RoundRow) and _words_of(last) == _words_of(row):
                merged[-1] = replace(last, count=last.count + 1, first_at=row.round.at)
                continue
            count += 1
            if count > most:
                continue
        merged.append(row)
    return merged


def _moment(row: Row | RoundRow) -> datetime:
    return row.request.at if isinstance(row, Row) else row.round.at


def _words_of(row: RoundRow) -> tuple[str, ...]:
    return (row.tag, row.title, row.about, row.line)


def round_row(page: Inspector, polling_round: Round) -> RoundRow:
    """A round as a row of the list, in the reader's words."""
    facts, words = polling_round.facts, page.words
    tag, colour, about, line = words("TAG_POLLING"), "ok", "", ""
    if polling_round.code == "RESYNC_DONE":
        title = words("POLL_N_USERS", n=_count(facts, "users"))
        about = words("CHANGES", n=_count(facts, "published"))
        parts = [words("POLL_DRY")] if facts.get("dry_run") else []
        parts += [words("POLL_ENDED", n=n)] if (n := _count(facts, "unlinked")) else []
        parts += [words("UNREADABLE", n=n)] if (n := _count(facts, "unreadable")) else []
        line = "; ".join(parts)
    elif polling_round.code == "LINKS_AT_RISK":
        colour, title = "warn", words("POLL_AT_RISK", n=_count(facts, "count"))
    else:
        colour, title = "bad", words("POLL_FAILED")
        line = reason_text(str(facts.get("problem") or ""), page.language)
    return RoundRow(polling_round, tag, colour, title, about, line, 1, polling_round.at)


def _count(facts: dict[str, Any], name: str) -> int:
    value = facts.get(name) or 0
    return len(value) if isinstance(value, list) else int(value)


def round_values(page: Inspector, name: str) -> dict[str, Any] | None:
    """Everything that the page shows of a round that the list calls `name`; None if there is none."""
    number = name.removeprefix(PREFIX)
    if not (name.startswith(PREFIX) and number.isascii() and number.isdigit() and len(number) <= 18):
        return None
    polling_round = page.journal.round(int(number))
    if polling_round is None:
        return None
    portal = str(polling_round.facts.get("portal") or page.settings.domain)
    users = [user for user in polling_round.facts.get("unreadable_users") or () if isinstance(user, int)]
    names = page.journal.names(portal, users)
    return {
        "row": round_row(page, polling_round),
        "portal": portal,
        "counts": [
            (f"POLL_{name}", _count(polling_round.facts, name))
            for name in COUNTS
            if name in polling_round.facts
        ],
        "people": [(user, user_label(page, user, names.get(user, ""))) for user in users],
    }


def register(page: Inspector) -> None:
    """Add the view's routes to the page."""

    @page.app.get("/polling/<name>", endpoint="round_page")
    def round_page(name: str) -> str:
        values = round_values(page, name)
        if values is None:
            flask.abort(404)
        template = "round_detail.html" if flask.request.args.get("pane") == "1" else "round.html"
        return page.render(template, view="polling", round_detail=values)
