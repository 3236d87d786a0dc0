"""Shows a request as one row in the reader's language: what it was about, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.journal import OutcomeRecord, Request
from gateway.links.model import Account
from gateway.local.inspector.frame import Inspector
from gateway.texts import reason_text
from gateway.tools.outcomes import in_a_line, line_of, tag_in_words

SHOWN_USERS = 3
COLOURS = {"refused": "bad", "dead": "bad", "not_queued": "bad", "probe": "quiet", "ignored": "quiet"}
COLOURS |= dict.fromkeys(("aside", "failed", "conflict", "unchanged", "unlinked"), "warn")
PLAIN_PATHS = ("", "/", "/api/bitrix/webhook")


@dataclass(frozen=True)
class Row:
    """A row: `about` is the portal and the users; `line` says what came of it, or why it was refused."""

    request: Request
    tag: str
    colour: str
    title: str
    about: tuple[str, ...]
    line: str


def rows(page: Inspector, requests: Sequence[Request]) -> list[Row]:
    """The rows of these requests; one query finds what came of all of them."""
    outcomes = page.journal.outcomes([request.event_id for request in requests if request.event_id])
    return [row(page, request, outcomes.get(request.event_id, [])) for request in requests]


def row(page: Inspector, request: Request, outcomes: Sequence[OutcomeRecord]) -> Row:
    """The row of a request, given what came of its event."""
    return Row(
        request=request,
        tag=tag_in_words(request, page.language),
        colour=COLOURS.get(request.tag, "ok"),
        title=title_of(page, request),
        about=about(page, request),
        line=line(page, request, outcomes),
    )


def line(page: Inspector, request: Request, outcomes: Sequence[OutcomeRecord]) -> str:
    """One line: why it was refused, or what came of it at each subscription."""
    if request.kind == "refused" or (request.kind == "probe" and request.status >= 400):
        return refusal(page, request)
    if request.kind == "probe":
        return page.words("PROBE_PASSED")
    if request.kind == "not_queued" or not outcomes:
        return line_of(request, outcomes, page.settings_here)
    return "; ".join(dict.fromkeys(outcome_text(page, request, outcome) for outcome in outcomes))


def title_of(page: Inspector, request: Request) -> str:
    """The event's name, or the method of a request without an event."""
    if request.event:
        return request.event
    return page.words("NO_EVENT", method=request.record.get("method") or "POST")


def about(page: Inspector, request: Request) -> tuple[str, ...]:
    """The portal and the users; for a request without an event, its path and its sender."""
    users = list(request.record.get("users") or ())
    parts = [request.portal]
    if users:
        names = request.record.get("names") or {}
        labels = [user_label(page, user, names.get(str(user), ""), "USER") for user in users[:SHOWN_USERS]]
        parts.append(", ".join(labels) + ("…" if len(users) > SHOWN_USERS else ""))
    if not request.event:
        path = str(request.record.get("path") or "")
        parts += ["" if path in PLAIN_PATHS else path, str(request.record.get("address") or "")]
    return tuple(part for part in parts if part)


def user_label(page: Inspector, user: object, name: str, nameless: str = "PERSON_N") -> str:
    """A user's name and id; only the id if no event gave a name."""
    return f"{name}\N{NO-BREAK SPACE}({user})" if name else page.words(nameless, user=user)


def account_text(account: Account) -> str:
    """A Telegram account by its name and its number, as far as they are known; a dash for none."""
    name = f"@{account.telegram_username}" if account.telegram_username else ""
    return f"{name} {account.telegram_id or ''}".strip() or "–"


def refusal(page: Inspector, request: Request) -> str:
    """The first cause's title, with the fingerprint of the wrong token where there was one."""
    # Causes are kept for rejected requests, but not for our own probes.
    missing = "SETTING_MISSING" if request.code == "TOKEN_NOT_CONFIGURED" else ""
    causes = request.record.get("causes") or [{"code": request.cause or missing}]
    code = str(causes[0].get("code") or "")
    detail = str(causes[0].get("detail") or "")
    title = page.cause_title(code, detail) if code else request.code
    for trace in request.record.get("places") or ():
        if trace["state"] == "mismatch" and trace["fingerprint"]:
            return page.words("WITH_PRINT", title=title, print=trace["fingerprint"])
    return title


def outcome_text(page: Inspector, request: Request, outcome: OutcomeRecord) -> str:
    """What came of an event at one subscription."""
    # The page has a view for these where the tools have commands.
    if outcome.code in ("EVENT_PUT_ASIDE", "EVENT_DEAD"):
        return page.words("CAME_DEAD_LETTER", reason=reason_text(outcome.reason, page.language))
    accounts = request.record.get("accounts") or []
    return in_a_line(outcome, page.language, str(accounts[0]) if len(accounts) == 1 else "")


def subscription_name(page: Inspector, subscription: str) -> str:
    """A destination's address, or the consumer's own name."""
    for destination in page.settings.destinations:
        if destination.id and subscription.endswith(f"-{destination.id}"):
            return destination.printable_url
    return subscription
