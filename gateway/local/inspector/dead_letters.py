"""Dead letters: lists those of all sources, edits them, puts them back on the queue, deletes them."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any

import flask

from gateway.errors import GatewayError, PoisonMessage
from gateway.events import read_message
from gateway.journal import OutcomeRecord
from gateway.links import user_record
from gateway.local.inspector.frame import Inspector, View
from gateway.local.inspector.rows import subscription_name
from gateway.queues import open_publisher
from gateway.texts import reason_text, text_of
from gateway.tools.outcomes import in_a_line, standing
from gateway.tools.recovery import (
    KeptMessage,
    corrected,
    journal_events,
    put_back,
    queue_letters,
    store_letters,
)

# Letters in the list, and at most as many in one change.
MOST_LETTERS = 100
# How many events that were put back are listed.
MOST_PUT_BACK = 20
COUNTED_EVERY = 10.0  # seconds
# The application's extension that says when they were counted, and how many there were.
COUNT = "dead letters"


@dataclass(frozen=True)
class Letter:
    """A row of the list: `about` is the portal and the users, `reason` is in the reader's words."""

    message: KeptMessage
    about: str
    reason: str
    source: str


@dataclass(frozen=True)
class PutBack:
    """An event that a person put back, with what came of it since."""

    requeued: OutcomeRecord
    event: str
    outcome_lines: list[str]
    tag: str
    request_id: str


def register(page: Inspector) -> None:
    """Add the view's routes to the page."""

    @page.app.get("/dead", endpoint="dead")
    def dead() -> str:
        problems: list[GatewayError] = []
        with ExitStack() as stack:
            rows = [
                _row(page, candidate)
                for candidate in islice(_letters(page, stack, problems), MOST_LETTERS + 1)
            ]
        counts = {name: flask.request.args.get(name, type=int) for name in ("requeued", "deleted")}
        return page.render(
            "dead.html", view="dead", rows=rows[:MOST_LETTERS], more=len(rows) > MOST_LETTERS,
            problems=[text_of(problem, page.language) for problem in problems],
            put_back=_put_back(page), **counts,
        )  # fmt: skip

    @page.app.get("/dead/live", endpoint="dead_live")
    def live() -> str:
        return page.render("dead_live.html", put_back=_put_back(page))

    @page.app.get("/dead/letter", endpoint="letter")
    def letter() -> str:
        with ExitStack() as stack:
            dead_letter = _letter_of(page, stack, flask.request.args.get("id", ""))
            return _letter_page(page, dead_letter, _pretty(dead_letter), "")

    @page.app.post("/dead/mend", endpoint="mend_letter")
    def mend() -> flask.typing.ResponseReturnValue:
        text = flask.request.form.get("message", "")
        with ExitStack() as stack:
            dead_letter = _letter_of(page, stack, flask.request.form.get("id", ""))
            try:
                message = read_message(text.encode("utf-8", "backslashreplace"))
            except PoisonMessage as poison:
                reason = text_of(poison, page.language)
                return _letter_page(page, dead_letter, text, page.words("MEND_REFUSED", reason=reason)), 400
            _requeue(page, corrected(dead_letter, message))
        page.app.extensions.pop(COUNT, None)
        return flask.redirect(flask.url_for("dead", requeued=1), 303)

    @page.app.post("/dead/requeue", endpoint="requeue")
    def requeue() -> flask.typing.ResponseReturnValue:
        count = _act_on_chosen(page, lambda dead_letter: _requeue(page, dead_letter))
        return flask.redirect(flask.url_for("dead", requeued=count), 303)

    @page.app.post("/dead/delete", endpoint="delete_letters")
    def delete() -> flask.typing.ResponseReturnValue:
        count = _act_on_chosen(page, lambda dead_letter: dead_letter.settle())
        return flask.redirect(flask.url_for("dead", deleted=count), 303)


def _act_on_chosen(page: Inspector, act: Callable[[KeptMessage], Any]) -> int:
    """Act on the chosen letters, or on all that are listed; return how many there were."""
    all_listed = "all" in flask.request.form
    chosen = set(flask.request.form.getlist("id")[:MOST_LETTERS])
    count = 0
    page.app.extensions.pop(COUNT, None)
    with ExitStack() as stack:
        letters = _letters(page, stack, [])
        for candidate in list(islice(letters, MOST_LETTERS)) if all_listed else letters:
            if all_listed or candidate.id in chosen:
                act(candidate)
                count += 1
                chosen.discard(candidate.id)
                if not chosen and not all_listed:
                    break
    return count


def _requeue(page: Inspector, dead_letter: KeptMessage) -> None:
    began = time.time()
    publisher = open_publisher(page.settings)
    try:
        put_back(dead_letter, publisher)
    finally:
        # The embedded queue is one object for the whole process.
        if page.settings.queue_kind != "local":
            publisher.close()
    page.journal.add_requeued(dead_letter.event, dead_letter.event_id, began, dead_letter.reason)


def _letters(page: Inspector, stack: ExitStack, problems: list[GatewayError]) -> Iterator[KeptMessage]:
    """All dead letters, as far as their sources can be read; `problems` says which can't."""
    sources: list[Callable[[], Iterator[KeptMessage]]] = [
        lambda: store_letters(store) if (store := page.store()) else iter(()),
        lambda: queue_letters(page.settings, stack),
        lambda: journal_events(page.journal),
    ]
    for source in sources:
        try:
            yield from source()
        except GatewayError as error:
            problems.append(error)


def _letter_of(page: Inspector, stack: ExitStack, letter_id: str) -> KeptMessage:
    letter = next((candidate for candidate in _letters(page, stack, []) if candidate.id == letter_id), None)
    if letter is None:
        flask.abort(404)
    return letter


def _row(page: Inspector, dead_letter: KeptMessage) -> Letter:
    message = dead_letter.message if isinstance(dead_letter.message, dict) else {}
    origin = message.get("portal")
    portal = str(origin.get("domain", "")) if isinstance(origin, dict) else ""
    people = [user_record.user_id(person) for person in user_record.records(message.get("data"))]
    users = [page.words("PERSON_N", user=user) for user in people[:3] if user is not None]
    event_users = users if dead_letter.event.startswith("ONUSER") else []
    reason = (
        reason_text(dead_letter.reason, page.language)
        if dead_letter.reason
        else page.words("DEAD_NOT_QUEUED")
    )
    source = page.words(f"DEAD_FROM_{dead_letter.source}")
    source_text = (
        f"{source} · {subscription_name(page, dead_letter.subscription)}"
        if dead_letter.subscription
        else source
    )
    return Letter(dead_letter, " · ".join([portal, *event_users]).strip(" ·"), reason, source_text)


def _pretty(dead_letter: KeptMessage) -> str:
    return (
        dead_letter.message
        if isinstance(dead_letter.message, str)
        else json.dumps(dead_letter.message, ensure_ascii=False, indent=2)
    )


def _letter_page(page: Inspector, dead_letter: KeptMessage, text: str, problem: str) -> str:
    request = page.journal.request(dead_letter.event_id) if dead_letter.event_id else None
    return page.render(
        "letter.html", view="dead", letter=_row(page, dead_letter), text=text, problem=problem,
        request_id=request.request_id if request else "",
    )  # fmt: skip


def _put_back(page: Inspector) -> list[PutBack]:
    requeued = page.journal.requeued(MOST_PUT_BACK)
    outcomes = page.journal.outcomes([requeue.event_id for requeue in requeued])
    events = []
    for requeue in requeued:
        since = [outcome for outcome in outcomes.get(requeue.event_id, []) if outcome.at >= requeue.at]
        outcomes_since = standing(since)
        request = page.journal.request(requeue.event_id)
        events.append(
            PutBack(
                requeued=requeue,
                event=str(requeue.facts.get("event", "")),
                outcome_lines=[in_a_line(outcome, page.language) for outcome in outcomes_since],
                tag="bad"
                if any(outcome.code.startswith("EVENT_D") for outcome in outcomes_since)
                else "ok"
                if outcomes_since
                else "quiet",
                request_id=request.request_id if request else "",
            )
        )
    return events


def badge(page: Inspector) -> int:
    """How many dead letters there are, counted at most every ten seconds; Pub/Sub's are not counted."""
    at, count = page.app.extensions.get(COUNT, (-COUNTED_EVERY, 0))
    if time.monotonic() - at >= COUNTED_EVERY:
        problems: list[GatewayError] = []
        with ExitStack() as stack:
            count = sum(1 for _ in islice(_countable(page, stack, problems), MOST_LETTERS))
        page.problems = tuple(problems)
        page.app.extensions[COUNT] = (time.monotonic(), count)
    return int(count)


def _countable(page: Inspector, stack: ExitStack, problems: list[GatewayError]) -> Iterator[KeptMessage]:
    """The letters that may be counted often: looking at those of Pub/Sub would lease them."""
    if page.settings.queue_kind == "local":
        yield from _letters(page, stack, problems)


VIEW = View("dead", "d", register, badge)
