"""One request: shows why it was answered as it was and what came of it, and repeats it."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import flask

from gateway import __version__
from gateway.diagnosis import in_words, setting_causes
from gateway.errors import GatewayError, PassingFailure
from gateway.events import rfc3339
from gateway.ingest.decode import decode
from gateway.ingest.limits import TooComplex
from gateway.journal import OutcomeRecord, Request
from gateway.links.model import HistoryRow
from gateway.local.inspector.frame import Inspector
from gateway.local.inspector.request_text import as_curl, for_support
from gateway.local.inspector.rows import account_text, outcome_text, row, subscription_name
from gateway.receiver.capture import mask_leaf, mask_name
from gateway.texts import reason_text, state_key, text_of
from gateway.tools.events import destinations, resend
from gateway.tools.explain import Request as Pasted
from gateway.tools.explain.verdict import Explanation, explain
from gateway.tools.sample_delivery import local_url

# How many values of a body are shown as a table.
FIELDS = 200
# How many changes of a link are shown.
CHANGES = 20
# A number above every change of a journal.
NEVER = 2**62
# How many people are shown of an event that is about several.
PEOPLE = 3
# Causes that only the value itself shows. The journal keeps a mask of it, which looks like these others.
_OF_A_VALUE = frozenset(
    (
        "TOKEN_ALTERED",
        "TOKEN_LOOKALIKE",
        "TOKEN_ELSEWHERE",
        "TOKEN_INCOMING_SECRET",
        "TOKEN_APPLICATION",
        "AUTHORIZATION_GATEWAY",
    )
)
_OF_A_MASK = frozenset(("TOKEN_ABSENT", "TOKEN_OTHER_WEBHOOK"))


def _values_or_404(page: Inspector, request_id: str) -> dict[str, Any]:
    """What the request's page shows; if the journal has no such request, the answer is 404."""
    return values(page, request_id) or flask.abort(404)


def values(page: Inspector, request_id: str) -> dict[str, Any] | None:
    """Everything that the page shows of a request; None if the journal has no such request."""
    request = page.journal.request(request_id)
    if request is None:
        return None
    whole = page.journal.whole(request)
    resent = list(request.record.get("resent") or ())
    ids = [request.event_id, *(str(resend["event_id"]) for resend in resent)] if request.event_id else []
    outcomes_by_event = page.journal.outcomes(ids)
    outcomes = [outcome for event_id in ids for outcome in outcomes_by_event.get(event_id, ())]
    settings = page.settings_here
    findings = in_words(request.record.get("causes") or (), settings)
    # The causes of our own probes are not kept.
    if not findings and request.code == "TOKEN_NOT_CONFIGURED":
        findings = setting_causes(settings)
    causes = [cause.to_json() for cause in findings]
    address = (settings.webhook_url or local_url(settings.host, settings.port)).rstrip("/")
    return {
        "request": request,
        "row": row(page, request, outcomes_by_event.get(request.event_id, [])),
        "causes": causes,
        "places": _places(page, request),
        "fields": list(fields_of(request, whole)),
        "whole": whole,
        "outcomes": [_outcome_values(page, request, outcome) for outcome in outcomes],
        "resent": [{**resend, "at": datetime.fromtimestamp(resend["at"], UTC)} for resend in resent],
        "history": history(page, request),
        "json": json.dumps(_facts(request, whole, outcomes, page.language), ensure_ascii=False, indent=2),
        "curl": as_curl(request, whole, address),
        "support": for_support(request, outcomes, causes, __version__),
        "resend_to": _resend_to(page, request, whole),
        "judgeable": request.kind in ("refused", "probe") and "body" in whole,
    }


def register(page: Inspector) -> None:
    """Add the routes of a request's page."""
    page.app.jinja_env.globals["change_words"] = lambda change: change_words(page, change)

    @page.app.get("/r/<request_id>", endpoint="request_page")
    def request_page(request_id: str) -> flask.typing.ResponseReturnValue:
        detail = _values_or_404(page, request_id)
        template = "detail.html" if flask.request.args.get("pane") == "1" else "request.html"
        _, change = page.journal.changed(NEVER, 1)
        return page.render(template, view="requests", detail=detail, change=change)

    @page.app.get("/r/<request_id>/live", endpoint="request_live")
    def request_live(request_id: str) -> str:
        """What came of the request since the page was made."""
        try:
            after = int(flask.request.args.get("change", "0")[:18])
        except ValueError:
            after = 0
        changed, newest = page.journal.changed(after)
        has_changed = any(request_id in (request.request_id, request.event_id) for request in changed)
        detail = values(page, request_id) if has_changed else None
        return page.render("request_live.html", request_id=request_id, change=newest, detail=detail)

    @page.app.post("/r/<request_id>/judge")
    def judge_again(request_id: str) -> flask.typing.ResponseReturnValue:
        """Show what would be answered with today's settings; nothing is queued."""
        detail = _values_or_404(page, request_id)
        verdict = judge_today(page, detail["request"], detail["whole"])
        return _with_result(page, detail, verdict=verdict)

    @page.app.post("/r/<request_id>/resend")
    def resend_again(request_id: str) -> flask.typing.ResponseReturnValue:
        """Publish an accepted event once more, to all that want it or to one of them."""
        detail = _values_or_404(page, request_id)
        to = flask.request.form.get("to") or None
        try:
            event_id = resend(page.settings_here, detail["request"], to)
        except (GatewayError, PassingFailure) as failure:
            body = _with_result(page, detail, problem=text_of(failure, page.language))
            # htmx shows only answers with status 200.
            return body, 200 if "HX-Request" in flask.request.headers else 409
        return _with_result(page, values(page, request_id) or detail, sent=event_id)


def _with_result(page: Inspector, detail: dict[str, Any], **result: Any) -> str:
    """The request's page with an action's result; only the pane if a script asks."""
    template = "detail.html" if "HX-Request" in flask.request.headers else "request.html"
    return page.render(template, view="requests", detail=detail, **result)


def judge_today(page: Inspector, request: Request, whole: Mapping[str, Any]) -> Explanation | None:
    """The kept request, judged by today's settings; None if its body was not kept."""
    if "body" not in whole:
        return None
    query = str(whole.get("query") or "")
    pasted = Pasted(
        method=str(request.record.get("method") or "POST"),
        target=str(request.record.get("path") or "/") + (f"?{query}" if query else ""),
        headers=tuple(
            (name, str(value).encode("utf-8", "replace"))
            for name, value in dict(whole.get("headers") or {}).items()
            if name != "content-length"
        ),
        body=str(whole["body"]).encode("utf-8", "surrogatepass"),
    )
    today = explain(pasted, page.settings_here, datetime.now(UTC))
    return today if today.code != request.code else replace(today, causes=_causes_today(page, request, today))


def _causes_today(page: Inspector, request: Request, today: Explanation) -> tuple[dict[str, Any], ...]:
    """Today's causes, with what a value showed when it came in place of a guess about its mask."""
    facts = [fact for fact in request.record.get("causes") or () if fact.get("code") in _OF_A_VALUE]
    seen = [cause.to_json() for cause in in_words(facts, page.settings_here)]
    guessed = [number for number, cause in enumerate(today.causes) if cause["code"] in _OF_A_MASK]
    if not seen or not guessed:
        return today.causes
    codes = {cause["code"] for cause in seen} | _OF_A_MASK
    before, behind = today.causes[: guessed[0]], today.causes[guessed[0] :]
    return (*before, *seen, *(cause for cause in behind if cause["code"] not in codes))


def _places(page: Inspector, request: Request) -> list[dict[str, Any]]:
    """Where a token was looked for and what each place held, those that held something first."""
    rows = [
        {**trace, "says": page.words(state_key(trace["state"], trace["length"]))}
        for trace in request.record.get("places") or ()
    ]
    return sorted(rows, key=lambda trace: trace["state"] == "absent")


def fields_of(request: Request, whole: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names, as PHP writes them, and values: of the message, else of the body as it was read."""
    if "message" in whole:
        message = whole["message"]
        fields = {name: message.get(name) for name in ("event", "event_handler_id", "ts", "portal", "data")}
        # No secret is ever in a message.
        masks = False
    elif whole.get("body"):
        headers = dict(whole.get("headers") or {})
        body = str(whole["body"]).encode("utf-8", "surrogatepass")
        try:
            decoded = decode(
                body, headers.get("content-type", ""), headers.get("content-encoding", "")
            ).fields
        except TooComplex:
            return
        fields, masks = decoded if isinstance(decoded, dict) else {"": decoded}, True
    else:
        return
    for number, pair in enumerate(_flat(fields, "", (), masks)):
        if number == FIELDS:
            yield "…", ""
            return
        yield pair


def _flat(value: Any, name: str, path: tuple[str, ...], masks: bool) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            safe_key = mask_name(str(key)) if masks else str(key)
            yield from _flat(inner, f"{name}[{safe_key}]" if name else safe_key, (*path, str(key)), masks)
        return
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    yield name, mask_leaf(path, text) if masks else text


def _outcome_values(page: Inspector, request: Request, outcome: OutcomeRecord) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "name": subscription_name(page, outcome.subscription) or page.words("RECEIVER"),
        "says": outcome_text(page, request, outcome),
        "resent": outcome.event_id != request.event_id,
    }


def history(page: Inspector, request: Request) -> list[tuple[int, list[HistoryRow]]]:
    """The latest changes of the links of the users that the event is about, newest first."""
    people = [user for user in request.record.get("users") or () if isinstance(user, int)][:PEOPLE]
    if not people or request.kind not in ("accepted", "aside", "refused"):
        return []
    try:
        store = page.store()
        if store is None:
            return []
        # The store gives the oldest first, and there may be many: the newest are kept.
        changes_by_user = [
            (user, deque(store.history(request.portal, bitrix_user_id=user), CHANGES)) for user in people
        ]
    except GatewayError:
        # The request is shown, whatever the store of links says.
        return []
    return [(user, list(changes)[::-1]) for user, changes in changes_by_user if changes]


def change_words(page: Inspector, change: HistoryRow) -> str:
    """A row of a link's history in words."""
    account, previous = account_text(change.account), account_text(change.previous)
    key = f"HISTORY_{change.change}"
    return page.words(key, account=account, previous=previous, user=change.bitrix_user_id)


def _resend_to(page: Inspector, request: Request, whole: Mapping[str, Any]) -> dict[str, str] | None:
    """Who may get the event again; None if it was not accepted, or its message is not kept."""
    if request.kind not in ("accepted", "aside") or "message" not in whole:
        return None
    return destinations(page.settings, request.event) if page.settings.queue_kind == "local" else {}


def _facts(
    request: Request, whole: Mapping[str, Any], outcomes: list[OutcomeRecord], language: str
) -> dict[str, Any]:
    names = ("request_id", "count", "kind", "tag", "code", "status", "event", "event_id", "portal")
    return {
        "at": rfc3339(request.at),
        "first_at": rfc3339(request.first_at),
        **{name: getattr(request, name) for name in names},
        **request.record,
        **whole,
        "outcomes": [
            {
                "at": rfc3339(outcome.at),
                "event_id": outcome.event_id,
                "subscription": outcome.subscription,
                "code": outcome.code,
                "reason": reason_text(outcome.reason, language),
                "attempts": outcome.attempts,
                "ms": outcome.ms,
                "bitrix_user_id": outcome.bitrix_user_id,
                **outcome.facts,
            }
            for outcome in outcomes
        ],
    }
