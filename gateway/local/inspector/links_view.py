"""Links: shows who is linked to whom and a person's page, and forgets people."""

import csv
import io
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import flask

from gateway.addresses import portal_given
from gateway.links.model import HistoryRow, Link, Store
from gateway.links.rows import csv_values, json_values
from gateway.links.telegram_account import parse_account
from gateway.local.inspector.frame import Inspector, View
from gateway.local.inspector.rows import account_text, user_label
from gateway.tools.forgetting import forget_person

# People on one page.
PEOPLE = 50
# Links that one page reads; for a rare state the next page goes on.
MOST_READ = 500
# The newest changes of one person.
CHANGES = 100
# How many changes are read to find these.
MOST_CHANGES_READ = 2000
STATES = ("linked", "by_name", "ended", "inactive")
MAX_ID = 2**52


@dataclass(frozen=True)
class Change:
    """A row of a person's history; `request_id` is the request's behind it, "" if it is no longer kept."""

    row: HistoryRow
    before: str
    now: str
    request_id: str


def register(page: Inspector) -> None:
    """Add the view's routes to the page."""

    @page.app.get("/links", endpoint="links")
    def links() -> str:
        args = flask.request.args
        search, state = args.get("q", "").strip()[:100], args.get("state", "")
        state = state if state in STATES else ""
        portals: list[str] = []
        rows: list[Link] = []
        portal, older = "", None
        store = page.store()
        if store is not None:
            portals = store.portals()
            portal = _portal(page, portals)
            after = _number("after")
            if search:
                rows, older = _searched(page, store, portal, search, after)
                rows = [row for row in rows if not state or state_of(row) == state]
            else:
                rows, older = _people(store, portal, state, after)
        return page.render(
            "links.html", view="links", states=STATES, account=account_of, state_of=state_of, search=search,
            state=state, rows=rows, older=older, portals=portals, portal=portal, user_label=user_label,
            names=page.journal.names(portal, [row.bitrix_user_id for row in rows]),
            state_names={name: page.words(f"LINK_{name}") for name in STATES},
            forgotten=_number("forgotten"), gone=_number("gone"),
        )  # fmt: skip

    @page.app.get("/links/person", endpoint="person")
    def person() -> str:
        portal, user = _portal_in(flask.request.args), _number("user")
        store = page.store()
        if store is None:
            flask.abort(404)
        link = store.get(portal, user)
        rows = deque(islice(store.history(portal, bitrix_user_id=user), MOST_CHANGES_READ), CHANGES)
        if link is None and not rows:
            flask.abort(404)
        changes = [_change(page, row) for row in reversed(rows)]
        return page.render(
            "person.html", view="links", portal=portal, user=user, link=link, changes=changes,
            account=account_of, state_of=state_of,
            called=user_label(page, user, page.journal.names(portal, [user]).get(user, "")),
        )  # fmt: skip

    @page.app.get("/links.csv", endpoint="links_csv")
    def links_csv() -> flask.Response:
        headers = {"Content-Disposition": "attachment; filename=links.csv"}
        lines = _csv(page, _portal_in(flask.request.args))
        return flask.Response(lines, content_type="text/csv; charset=utf-8", headers=headers)

    @page.app.post("/links/forget", endpoint="forget")
    def forget() -> flask.typing.ResponseReturnValue:
        portal, user = _portal_in(flask.request.form), _number("user", flask.request.form)
        if not user:
            flask.abort(404)
        erased = forget_person(page.settings, portal, user)
        return flask.redirect(flask.url_for("links", portal=portal, forgotten=user, gone=erased), 303)


def account_of(row: Link | HistoryRow) -> str:
    """The Telegram account of a row, as a text."""
    return account_text(row.account)


def state_of(link: Link) -> str:
    """The state of a link, one of `STATES`."""
    if not link.active:
        return "inactive"
    if not link.account:
        return "ended"
    return "by_name" if link.by_name_only else "linked"


def _number(name: str, source: Mapping[str, str] | None = None) -> int:
    """A whole number of the address or the form; 0 for anything else."""
    text = (flask.request.args if source is None else source).get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else 0


def _portal_in(source: Mapping[str, str]) -> str:
    # No store can hold a NUL.
    return portal_given(source.get("portal", "")).replace("\0", "")


def _portal(page: Inspector, portals: list[str]) -> str:
    """The portal to show: the one asked for, else our own, else the first."""
    requested = portal_given(flask.request.args.get("portal", ""))
    for candidate in (requested, page.settings.domain):
        if candidate in portals:
            return candidate
    return portals[0] if portals else page.settings.domain


def _people(store: Store, portal: str, state: str, after: int) -> tuple[list[Link], int | None]:
    """One page of a portal's people, and the user after whom the next begins; None if there are no more."""
    rows: list[Link] = []
    last = after
    links = store.links(portal, after)
    for link in islice(links, MOST_READ):
        if link.portal != portal:
            return rows, None
        last = link.bitrix_user_id
        if not state or state_of(link) == state:
            rows.append(link)
        if len(rows) == PEOPLE:
            break
    more = next(links, None)
    return rows, last if more is not None and more.portal == portal else None


def _searched(
    page: Inspector, store: Store, portal: str, search: str, after: int
) -> tuple[list[Link], int | None]:
    """People found by user id, Telegram id, Telegram name, or the beginnings of their own names."""
    candidates = [] if after else _exactly_named(store, portal, search)
    users = page.journal.users_named(portal, search, after, PEOPLE + 1)
    candidates += [store.get(portal, user) for user in users[:PEOPLE]]
    links = {link.bitrix_user_id: link for link in candidates if link is not None}
    return list(links.values()), users[PEOPLE - 1] if len(users) > PEOPLE else None


def _exactly_named(store: Store, portal: str, search: str) -> list[Link | None]:
    """The people whom a number or an account names; a t.me link names an account, too."""
    if search.isascii() and search.isdigit() and len(search) <= 16:
        number = int(search)
        by_account = store.find(portal, telegram_id=number) if number <= MAX_ID else None
        return [store.get(portal, number), by_account]
    account = parse_account(search) or parse_account(f"@{search}")
    if account is None:
        return []
    return [store.find(portal, telegram_id=account.telegram_id, telegram_username=account.telegram_username)]


def _change(page: Inspector, row: HistoryRow) -> Change:
    request = page.journal.request(row.event_id) if row.event_id else None
    request_id = request.request_id if request else ""
    return Change(row, account_text(row.previous), account_text(row.account), request_id)


def _csv(page: Inspector, portal: str) -> Iterator[str]:
    """CSV, a line per link, streamed, so that a long list needs no memory."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(Link.__slots__)
    store = page.store()
    for link in store.links(portal or None) if store else ():
        writer.writerow(csv_values(json_values(link)).values())
        if line.tell() > 32_768:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()


VIEW = View("links", "l", register)
