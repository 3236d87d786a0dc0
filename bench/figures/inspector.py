"""The inspector's views over 100,000 records and links, beside the same views of an empty gateway."""

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from bench.bodies import TOKEN
from bench.parts import Bench
from bench.sample import Result, alternate
from gateway.journal import Filters, Journal, NewRequest, Report
from gateway.links import open_store
from gateway.settings import Settings, load
from tests.support.inspector import Browser

RECORDS = 100_000
# Records that are written as the gateway writes them.
WRITTEN = 5000
# Seconds from one to the next.
SPACING = 5.0
# Requests of one round.
CALLS = 5
# Records that a page shows.
PAGE = 50
OVER = {"empty": "over none", "page": f"over {PAGE}: one page"}
PLACES = [
    {"place": "body:auth.application_token", "state": "mismatch", "length": 32, "fingerprint": "653bb124"}
]
VIEWS = {
    "overview": "",
    "requests": "/requests",
    "rejected": "/requests?show=refused&period=7d",
    "a rare search": "/requests?q=@person_777-1",
    "a cause and an event": "/requests?cause=TOKEN_ALTERED&event=ONCRMDEALADD&period=7d",
    "what the list polls": "/requests/live?top={top}&change={change}",
    "one request": "/r/{name}",
    "links": "/links",
    "a person": "/links?q=@person_77777",
    "dead letters": "/dead",
    "polling": "/polling",
}


def views(bench: Bench) -> Iterator[Result]:
    records = RECORDS // 10 if bench.quick else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        gateways = [_filled(Path(folder, str(count)), count) for count in (records, PAGE, 0)]
        for name, path in VIEWS.items():
            full, page, empty = (partial(_milliseconds, *gateway, path) for gateway in gateways)
            figures = alternate(bench.rounds(10, 3), full=full, page=page, empty=empty)
            # An empty gateway has no request to open, so the yardstick for one request is a gateway with 50.
            base, other = ("page", "empty") if path.startswith("/r/") else ("empty", "page")
            yield Result(
                figure=f"inspector: {name}",
                what=f"a view over {records:,} records",
                yardstick_is=OVER[base],
                unit="ms",
                ours=figures["full"],
                yardstick=figures[base],
                aim=3.0,
                rivals={OVER[other]: figures[other]},
            )


def _filled(folder: Path, records: int) -> tuple[Browser, Journal]:
    """A browser that has opened the page of a gateway whose journal holds so many records."""
    folder.mkdir()
    journal = Journal(_settings(folder).journal.path, kept_rows=2 * RECORDS)
    count, now = min(records, WRITTEN), time.time()
    requests = [_request(n, now - (count - n) * SPACING) for n in range(count)]
    journal.add_requests(requests)
    journal.write([_outcome(request) for request in requests if request.kind == "accepted"])
    with closing(sqlite3.connect(journal.path)) as connection, connection:
        for copy in range(1, max(1, records // WRITTEN)):
            _copy(connection, copy, count)
        # The written ones were the oldest.
        if records >= WRITTEN:
            connection.execute("UPDATE requests SET at = at - ?", (records * SPACING,))
    _linked(_settings(folder), records)
    return Browser(_settings(folder), journal), journal


_COPIES = (
    """INSERT INTO requests SELECT n + :by, changed + :by, request_id || :name, at + :later,
    first_at + :later, count, kind, share, tag, code, status, cause, event,
    iif(event_id = '', '', event_id || :name), portal,
    iif(fold IS NULL, NULL, fold || :name), bytes, record FROM requests WHERE n <= :written""",
    "INSERT INTO wholes SELECT n + :by, whole FROM wholes WHERE n <= :written",
    """INSERT INTO terms SELECT iif(length(term) > 13 OR term LIKE '@%', term || :name, term), n + :by
    FROM terms WHERE n <= :written""",
    """INSERT INTO outcomes SELECT NULL, at + :later, event_id || :name, subscription, code, reason,
    attempts, ms, portal, bitrix_user_id, facts FROM outcomes WHERE id <= :written""",
)


def _copy(connection: sqlite3.Connection, copy: int, count: int) -> None:
    """Copy the written records, newer and under new ids: writing each of them would take minutes."""
    offset = copy * count
    values = {"by": offset, "later": offset * SPACING, "name": f"-{copy}", "written": count}
    for statement in _COPIES:
        connection.execute(statement, values)


def _linked(settings: Settings, people: int) -> None:
    """Write so many links into the store."""
    with closing(open_store(settings.database)) as store:
        store.check()
    with closing(sqlite3.connect(settings.files["DATABASE_URL"])) as connection, connection:
        moment = connection.execute("SELECT strftime('%Y-%m-%d %H:%M:%f000')").fetchone()[0]
        rows = (
            (f"p{n % 7}.bitrix24.ru", n, 10**6 + n, f"person_{n}", moment, moment) for n in range(1, people)
        )
        connection.executemany(
            "INSERT INTO links (portal, bitrix_user_id, telegram_id, telegram_username, active, observed_at, "
            "updated_at) VALUES (?, ?, ?, ?, 1, ?, ?)",
            rows,
        )


def _settings(folder: Path) -> Settings:
    files = {"JOURNAL_URL": "j.db", "QUEUE_URL": "q.db", "DATABASE_URL": "l.db"}
    urls = {name: f"sqlite:///{folder}/{file}" for name, file in files.items()}
    return load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, **urls}, None)


def _request(n: int, at: float) -> NewRequest:
    refused = n % 3 == 0
    event = ("ONUSERUPDATE", "ONTASKUPDATE", "ONCRMDEALADD", "ONCRMDEALUPDATE")[n % 4]
    record = {
        "method": "POST",
        "path": "/api/bitrix/webhook",
        "content_type": "application/x-www-form-urlencoded",
        "user_agent": "Bitrix24 Webhook Engine",
        "address": f"10.0.{n % 200}.7",
        "ms": 3.1,
        "body_bytes": 400,
        "decoded_as": "form",
        "top_level_keys": ["event", "data", "ts", "auth"],
        "places": PLACES if refused else [],
        "users": [n % 5000],
        "accounts": [f"@person_{n}"],
    }
    message = {"schema": 1, "event": event, "data": {"ID": "1"}}
    return NewRequest(
        request_id=f"{n:016x}",
        at=at,
        kind="refused" if refused else "accepted",
        code="TOKEN_MISMATCH" if refused else "EVENT_QUEUED",
        status=403 if refused else 200,
        cause=("TOKEN_OTHER_WEBHOOK" if n % 2 else "TOKEN_ALTERED") if refused else "",
        event=event,
        event_id="" if refused else f"{n:064x}",
        portal=f"p{n % 7}.bitrix24.ru",
        fold=f"fold {n}" if refused else None,
        terms=(str(n % 5000), f"@person_{n}", f"10.0.{n % 200}.7"),
        record=record,
        whole={} if refused else {"message": message},
    )


def _outcome(request: NewRequest) -> Report:
    fields = {
        "code": "LINK_UNCHANGED",
        "reason": "same",
        "event_id": request.event_id,
        "portal": request.portal,
    }
    return Report("outcome", request.at, {**fields, "subscription": "on-user-update", "bitrix_user_id": 12})


def _milliseconds(browser: Browser, journal: Journal, path: str) -> float:
    """The processor's time for one answer, without the connection: other programs do not slow it."""
    newest = next(iter(journal.page(Filters(), limit=1).requests), None)
    _, change = journal.changed(2**62, 1)
    name = newest.request_id if newest else "nothing"
    address = path.format(top=newest.n if newest else 0, change=change, name=name)
    get: Callable[[], object] = partial(browser.get, address)
    get()
    started = time.process_time()
    for _ in range(CALLS):
        answer = browser.get(address)
        assert answer.status_code == (200 if newest or "/r/" not in path else 404), address
    return (time.process_time() - started) / CALLS * 1000
