"""Explain: the tool as a text box. What is pasted is judged and shown, and never stored."""

import json
from datetime import UTC, datetime

import flask

from gateway.local.inspector.frame import Inspector, View
from gateway.texts import state_key
from gateway.tools.explain import Unreadable, read
from gateway.tools.explain.verdict import Explanation, explain

EMPTY = ("PASTED_REQUEST", "PASTED_NO_REFUSAL")


def register(page: Inspector) -> None:
    """Add the view's routes to the page."""

    @page.app.get("/explain", endpoint="explain")
    def form() -> str:
        return page.render("explain.html", view="explain", pasted="", verdict=None, problem="")

    @page.app.post("/explain", endpoint="explain_pasted")
    def pasted() -> str:
        text = flask.request.form.get("pasted", "")
        verdict, problem = None, ""
        if text.strip():
            try:
                read_as = read(text.encode("utf-8", "surrogateescape"))
                verdict = explain(read_as, page.settings_here, datetime.now(UTC))
            except Unreadable as error:
                problem = page.words(error.key, **error.facts)
                if error.key in EMPTY:
                    problem += " " + page.words("PASTED_TAKES")
        else:
            problem = page.words("EXPLAIN_NOTHING")
        event = json.dumps(verdict.event, ensure_ascii=False, indent=2) if verdict and verdict.event else ""
        return page.render(
            "explain.html", view="explain", pasted=text, verdict=verdict, problem=problem, event=event,
            headline=headline(page, verdict) if verdict else "", state_key=state_key,
        )  # fmt: skip


def headline(page: Inspector, verdict: Explanation) -> str:
    """What would be answered, in one sentence."""
    if verdict.read_as == "old_bot_line":
        return page.words("OLD_BOT_LINE")
    answer = f"{verdict.status or ''} {verdict.code}".strip()
    if verdict.passes:
        key = "EXPLAIN_HEALTH" if verdict.code == "OK" else "EXPLAIN_PASSES"
    else:
        key = "EXPLAIN_RECORDED" if verdict.recorded else "EXPLAIN_REFUSED"
    # The sentence says already what the sign means.
    return page.words(key, answer=answer, place=verdict.place or "–").lstrip("✅❌ ")


VIEW = View("explain", "e", register)
