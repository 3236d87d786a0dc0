"""Every query that the page makes is answered by an index: recorded while all views are opened."""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import flask
import pytest

from gateway.journal import Filters, Journal, NewRequest, Report
from gateway.journal.reading import FEW_OUTCOMES
from gateway.links import open_store
from gateway.links.model import Account, DeadLetter, Moment, Observation
from gateway.local.inspector import create_inspector
from gateway.local.inspector.request_list import ChosenFilters
from gateway.queues import open_embedded
from gateway.settings import Settings
from tests.support.inspector import Browser, page_settings
from tests.support.sqlite_statements import plan_of, recorded, shape_of

NOW = datetime.now(UTC)
EVENT_ID, REQUEST_ID = f"{3:064x}", f"{3:016x}"
MANY, FEW = "on-user-update", "forward-event-1"
# A value of each filter of the list; two where a rare one is looked up in another way.
FILTERS: dict[str, tuple[Any, ...]] = {
    "term": ("@person_7",),
    "show": ("refused",),
    "period": ("7d",),
    "hour": (int(time.time() // 3600),),
    "cause": ("TOKEN_ALTERED",),
    "event": ("ONUSERUPDATE",),
    "portal": ("p1.bitrix24.ru",),
    "to": (MANY, FEW),
    "probes": (True,),
}
# An address of each of the page's routes that may be read; a new route has to be given one.
ROUTES = {
    "/": [""],
    "/live": ["/live"],
    "/live/overview": ["/live/overview"],
    "/requests": ["/requests"],
    "/requests/part": ["/requests/part?below=500&already=50"],
    "/requests/live": ["/requests/live?top=300&change=1"],
    "/r/<request_id>": [f"/r/{REQUEST_ID}", f"/r/{EVENT_ID}", "/r/00000000000000", "/r/nothing"],
    "/r/<request_id>/live": [f"/r/{REQUEST_ID}/live?change=1"],
    "/links": ["/links", "/links?q=7", "/links?q=@person_7", "/links?state=ended", "/links?after=7"],
    "/links/person": ["/links/person?portal=p1.bitrix24.ru&user=8"],
    "/links.csv": ["/links.csv", "/links.csv?portal=p1.bitrix24.ru"],
    "/dead": ["/dead"],
    "/dead/live": ["/dead/live"],
    "/polling": ["/polling"],
    "/polling/live": ["/polling/live"],
    "/polling/<name>": ["/polling/round-1", "/polling/nothing"],
    "/explain": ["/explain"],
    "/check": ["/check"],
    "/check/live": ["/check/live"],
    "/dead/letter": ["/dead/letter?id=nothing"],
    "/guide": ["/guide"],
    "/guide/<name>": ["/guide/resync"],
    "/guide/pictures/<name>": ["/guide/pictures/way.svg"],
}
# What is read whole: tables that stay small whatever comes, and how much waits in the queue.
WHOLE = ("hours", "rounds", "schema_version", "messages USING COVERING INDEX")
# The end of an index: one step.
EDGES = ("max(changed)", "min(portal)")
# What names a few rows: these are sorted.
FEW_ROWS = ("event_id=?", "bitrix_user_id=?")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return page_settings(tmp_path, FORWARD_TO="https://bot.example.com", BITRIX24_DOMAIN="p1.bitrix24.ru")


@pytest.fixture
def statements(settings: Settings) -> Iterator[list[tuple[str, str]]]:
    """What is sent to SQLite from now on; the journal, the queue and the links have something in them."""
    with recorded() as recorded_statements:
        _fill_journal(settings)
        with closing(open_store(settings.database)) as store:
            for user in range(1, 9):
                at = Moment(NOW, NOW)
                observed = Observation(user, Account(user, f"person_{user}"), at, True, at)
                store.apply("p1.bitrix24.ru", f"{user:064x}", [observed])
            store.add_dead_letter(DeadLetter("ONUSERADD", EVENT_ID, "REASON_NO_USER", 1, {}, NOW))
        queue = open_embedded(settings)
        queue.publish(b"{}", {"event": "ONTASKADD", "event_id": EVENT_ID}, 10)
        queue.settle(
            [], [(delivery, "503", None) for delivery in queue.lease(queue.subscriptions[-1].name, 60, 10)]
        )
        recorded_statements.clear()
        yield recorded_statements
        queue.close()


def test_each_query_of_the_page_is_answered_by_an_index(
    settings: Settings, statements: list[tuple[str, str]]
) -> None:
    journal = Journal(settings.journal.path)
    browser = Browser(settings, journal)
    for address in _addresses(create_inspector(settings, journal, browser.access)):
        assert browser.get(address).status_code in (200, 404), address
    for filters in _filters():
        journal.page(filters)
        journal.page(filters, below=FEW_OUTCOMES)
        journal.count_newer(filters, FEW_OUTCOMES)
    journal.close()
    queries = {shape_of(statement): (file, statement) for file, statement in statements if _reads(statement)}
    assert {Path(file).name for file, _ in queries.values()} == {"j.db", "l.db", "q.db"}
    plans = {shape: plan_of(*query) for shape, query in queries.items()}
    assert {shape: plan for shape, plan in plans.items() if _walks(plan, shape)} == {}


def test_a_query_without_an_index_is_seen(settings: Settings) -> None:
    _fill_journal(settings)
    for statement in (
        "SELECT n FROM requests WHERE status = 200",
        "SELECT n FROM requests WHERE status = 200 ORDER BY at LIMIT 5",
        "SELECT count(*) FROM outcomes WHERE code = 'EVENT_DEAD'",
        "SELECT n FROM requests WHERE kind = 'refused' ORDER BY at LIMIT 5",
        "SELECT min(at) FROM requests",
        "SELECT tag, count(*) FROM requests GROUP BY tag LIMIT 5",
    ):
        assert _walks(plan_of(settings.journal.path, statement), shape_of(statement)), statement


def _addresses(page: flask.Flask) -> Iterator[str]:
    rules = [rule for rule in page.url_map.iter_rules() if "GET" in (rule.methods or ())]
    assert {rule.rule for rule in rules if rule.endpoint != "static"} == set(ROUTES), (
        "a route has no address here"
    )
    for addresses in ROUTES.values():
        yield from addresses


def _filters() -> Iterator[Filters]:
    """What the list asks the journal for with each pair of filters."""
    assert set(FILTERS) == {field.name for field in fields(ChosenFilters)}, "a filter has no value here"
    values = [(name, value) for name, some in FILTERS.items() for value in some]
    for pair in combinations(values, 2):
        yield ChosenFilters(**dict(pair)).filters(time.time())


def _reads(statement: str) -> bool:
    return statement.lstrip().upper().startswith(("SELECT", "WITH"))


def _walks(plan: list[str], shape: str) -> bool:
    """Whether a plan reads all of a table that grows, or sorts more than a few of its rows."""
    derived_tables = ("(", "CONSTANT", *re.findall(r"WITH RECURSIVE (\w+)", shape))
    # A table is read in its own order up to a limit, or by an index.
    limited = "LIMIT" in shape and " WHERE " not in shape.split("LIMIT")[0]
    for step in plan:
        kind, _, of = step.partition(" ")
        if kind == "SCAN" and not (limited or of.startswith((*derived_tables, *WHOLE))):
            return True
        if kind == "SEARCH" and "(" not in of and not any(edge in shape for edge in EDGES):
            return True
        if "TEMP B-TREE" in step and not any(few in other_step for other_step in plan for few in FEW_ROWS):
            return True
    return False


def _fill_journal(settings: Settings) -> None:
    now = time.time()
    with closing(Journal(settings.journal.path)) as journal:
        journal.add_requests([_request(n, now - 2 * FEW_OUTCOMES + n) for n in range(2 * FEW_OUTCOMES)])
        journal.write([outcome for n in range(2 * FEW_OUTCOMES) for outcome in _outcomes(n, now)])
        journal.add_round({"code": "RESYNC_DONE", "users": 9, "unreadable": 1, "unreadable_users": [7]})


def _request(n: int, at: float) -> NewRequest:
    refused = n % 3 == 0 and n != 3
    return NewRequest(
        request_id=f"{n:016x}",
        at=at,
        kind="refused" if refused else "accepted",
        code="TOKEN_MISMATCH" if refused else "EVENT_QUEUED",
        status=403 if refused else 200,
        cause="TOKEN_ALTERED" if refused else "",
        event="ONUSERUPDATE" if n % 2 else "ONTASKUPDATE",
        event_id="" if refused else f"{n:064x}",
        portal=f"p{n % 3}.bitrix24.ru",
        terms=(str(n), f"@person_{n}"),
        record={"users": [n], "names": {str(n): "Anna Volkova"}} if not refused else {"users": [n]},
    )


def _outcomes(n: int, now: float) -> Iterator[Report]:
    about = {"event_id": f"{n:064x}", "portal": f"p{n % 3}.bitrix24.ru", "bitrix_user_id": n}
    unchanged = {**about, "code": "LINK_UNCHANGED", "reason": "same", "subscription": MANY}
    yield Report("outcome", now, unchanged)
    if n % 100 == 1:
        yield Report("outcome", now, {**about, "code": "EVENT_DEAD", "reason": "", "subscription": FEW})
