"""The journal keeps what people ask for later, never fails a request, and stays small."""

import itertools
import logging
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway import journal as module
from gateway.journal import (
    Filters,
    Journal,
    JournalUnavailable,
    NewRequest,
    Report,
    open_journal,
    reading,
    schema,
    writing,
)
from gateway.settings import load
from gateway.tools.outcomes import line_of
from tests.support.clock import Clock
from tests.support.errors import logged, raises

FIRST_EDITION = Path(__file__).parents[1] / "support" / "journal_first_edition.sql"
PORTAL = "p.bitrix24.ru"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Iterator[Journal]:
    journal = Journal(tmp_path / "var/journal.db", clock)
    yield journal
    journal.close()


_numbers = itertools.count()


def new(kind: str = "accepted", at: float = 1_800_000_000.0, **values: Any) -> NewRequest:
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "request_id": f"{number:016x}",
        "code": "EVENT_QUEUED" if kind == "accepted" else "TOKEN_MISMATCH",
        "status": 200 if kind == "accepted" else 403,
        "event": "ONUSERUPDATE",
        "event_id": f"{number:064x}" if kind == "accepted" else "",
        "portal": PORTAL,
    }
    return NewRequest(kind=kind, at=at, **defaults | values)


def ids(journal: Journal, *, below: int | None = None, limit: int = 50, **filters: Any) -> list[str]:
    return [request.request_id for request in journal.page(Filters(**filters), below, limit).requests]


def test_a_record_comes_back_as_it_was(journal: Journal, clock: Clock) -> None:
    whole = {"headers": {"a": "Ё"}, "body": "x=1"}
    added = new(record={"users": [12], "causes": []}, whole=whole, terms=("12", "@Ivan_Petrov"))
    assert journal.add_requests([added])
    request = journal.request(added.request_id)
    assert request is not None
    assert (request.kind, request.tag, request.event, request.record["users"]) == (
        "accepted", "accepted", "ONUSERUPDATE", [12],
    )  # fmt: skip
    assert request.at == datetime.fromtimestamp(clock.now, UTC)
    assert journal.whole(request) == whole
    assert journal.request(added.event_id) == journal.request(added.event_id) == request
    assert journal.request("ffffffffffff") is None
    assert journal.latest_accepted() == request


@pytest.mark.parametrize("whole", [{}, {"body": "x=1"}])
def test_an_events_message_comes_back_beside_what_else_is_kept(
    journal: Journal, whole: dict[str, str]
) -> None:
    added = new(whole=whole, message='{"schema":1,"data":{"NAME":"Ё"}}'.encode())
    assert journal.add_requests([added])
    request = journal.request(added.request_id)
    assert request is not None
    assert journal.whole(request) == {"message": {"schema": 1, "data": {"NAME": "Ё"}}, **whole}


def test_a_journal_that_is_not_there_yet_is_empty(journal: Journal) -> None:
    assert journal.page().requests == []
    assert not [*journal.requests(), *journal.unqueued(), *journal.rounds()]
    assert journal.latest_accepted() is None
    assert journal.forget(PORTAL, 1) == 0
    journal.remove(1)
    assert not journal.path.exists()


def test_only_its_owner_can_read_the_file(journal: Journal) -> None:
    before = os.umask(0)
    try:
        journal.add_requests([new()])
    finally:
        os.umask(before)
    for path in journal.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_equal_rejections_are_one_record_that_moves_to_the_end(journal: Journal, clock: Clock) -> None:
    first = new("refused", fold="same", cause="TOKEN_OTHER_WEBHOOK", terms=("653bb124",), whole={"body": "b"})
    other = new("refused", fold="other")
    journal.add_requests([first, other])
    clock.now += 60
    repeated = new("refused", clock.now, fold="same", cause="TOKEN_OTHER_WEBHOOK")
    journal.add_requests([repeated])
    newest, _ = journal.page().requests
    assert (newest.request_id, newest.count) == (first.request_id, 2)
    assert (newest.at - newest.first_at).total_seconds() == 60
    assert journal.whole(newest) == {"body": "b"}
    assert journal.request(repeated.request_id) == newest
    assert ids(journal, term="653bb124") == [first.request_id]
    later = new("refused", clock.now + writing.FOLD_SECONDS, fold="same")
    journal.add_requests([later])
    assert ids(journal)[0] == later.request_id


def test_a_flood_does_not_push_out_the_evidence(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FLOOD_ROWS", 20)
    evidence = new("refused", fold="evidence")
    journal.add_requests([evidence])
    counts = []
    for number in range(1000):
        fold, is_known = journal.fold_of(f"tiny {number}", "45.148.10.7", clock.now)
        counts.append(is_known)
        journal.add_requests([new("refused", event="", fold=fold)])
    records = journal.page(limit=200).requests
    assert len(records) == 22
    assert (records[0].count, sum(counts)) == (980, 979)
    assert records[-1].request_id == evidence.request_id
    assert sum(hour.count for hour in journal.hours(0)) == 1001


def test_a_flood_of_ever_new_senders_does_not_push_out_the_evidence(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a proxy that adds no address, senders write `X-Forwarded-For` themselves."""
    monkeypatch.setattr(writing, "FLOOD_ROWS_IN_ALL", 50)
    evidence = new("refused", fold="evidence")
    journal.add_requests([evidence])
    for number in range(500):
        fold, _ = journal.fold_of(f"tiny {number}", f"10.0.{number // 250}.{number % 250}", clock.now)
        journal.add_requests([new("refused", fold=fold)])
    records = journal.page(limit=200).requests
    assert len(records) == 52
    assert (records[0].count, records[-1].request_id) == (450, evidence.request_id)
    assert journal.fold_of("another", "45.148.10.7", clock.now + 3600) == ("another", False)


def test_shares_have_limits_of_their_own(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "KEPT_STRANGERS", 50)
    monkeypatch.setattr(module, "TRIM_EVERY", 10)
    journal.add_unqueued({"payload": "{}"})
    refused = [new("refused") for _ in range(5)]
    journal.add_requests(refused)
    for _ in range(200):
        journal.add_requests([new("refused", event="", terms=("t",), whole={"body": "b"})])
    assert len(journal.page(limit=500).requests) in range(55, 66)
    assert ids(journal, event="ONUSERUPDATE") == [request.request_id for request in reversed(refused)]
    clock.now += schema.KEPT_SECONDS + 1
    for _ in range(10):
        journal.add_requests([new(at=clock.now)])
    assert {request.kind for request in journal.page(limit=500).requests} == {"accepted"}
    assert len(list(journal.unqueued())) == 1
    with closing(sqlite3.connect(journal.path)) as connection:
        [terms_left] = connection.execute("SELECT count(*) FROM terms WHERE term = 't'").fetchone()
        assert (terms_left, connection.execute("SELECT count(*) FROM wholes").fetchone()) == (0, (0,))


def test_it_stays_within_its_bytes(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(schema.KEPT_BYTES, "refused", 500_000)
    monkeypatch.setattr(module, "TRIM_EVERY", 10)
    for _ in range(300):
        journal.add_requests([new("refused", whole={"body": "x" * 10_000})])
    assert 40 <= len(journal.page(limit=500).requests) <= 60
    journal.close()
    assert journal.path.stat().st_size < 1_500_000


def test_an_outcome_joins_its_event_whichever_is_written_first(journal: Journal) -> None:
    early, late = new(), new()
    about = {"subscription": "on_user_update", "portal": PORTAL, "bitrix_user_id": 12, "ms": 4.2}
    journal.add_outcome({**about, "code": "LINK_SYNCED", "event_id": early.event_id})
    journal.add_requests([early, late])
    journal.add_outcome({**about, "code": "EVENT_FAILED", "event_id": late.event_id, "attempt": 1, "next": 5})
    assert [row.tag for row in journal.page().requests] == ["failed", "linked"]
    journal.add_outcome(
        {**about, "code": "EVENT_PUT_ASIDE", "event_id": late.event_id, "attempt": 2, "reason": "no user id"}
    )
    newest, oldest = journal.page().requests
    assert [(row.kind, row.tag) for row in (newest, oldest)] == [("aside", "aside"), ("accepted", "linked")]
    [outcome] = journal.outcomes([late.event_id, early.event_id])[late.event_id]
    assert (outcome.code, outcome.reason, outcome.attempts, outcome.ms) == (
        "EVENT_PUT_ASIDE",
        "no user id",
        2,
        4,
    )
    assert {(row.kind, row.count) for row in journal.hours(0)} == {("accepted", 1), ("aside", 1)}
    assert ids(journal, kinds=("aside",)) == [late.request_id]
    assert ids(journal, destination="on_user_update") == [late.request_id, early.request_id]


@pytest.mark.parametrize("few", [10, 1000])
def test_every_record_of_a_destination_is_on_some_page(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """In whatever order the outcomes came: after an outage the oldest events are delivered last."""
    monkeypatch.setattr(reading, "FEW_OUTCOMES", few)
    records = [new() for _ in range(300)]
    journal.add_requests([*records, *(new("refused") for _ in range(50)), new()])
    for code in ("EVENT_FAILED", "EVENT_FORWARDED"):
        for record in reversed(records):
            journal.add_outcome({"code": code, "event_id": record.event_id, "subscription": "forward"})
    pages = [journal.page(Filters(destination="forward"), None, 40)]
    while below := pages[-1].older:
        pages.append(journal.page(Filters(destination="forward"), below, 40))
    listed = [request.request_id for page in pages for request in page.requests]
    assert listed == [record.request_id for record in reversed(records)]


def test_a_write_costs_the_same_however_much_is_kept(journal: Journal) -> None:
    """In steps of SQLite's machine, which do not depend on how fast this one is."""

    def cost() -> list[int]:
        accepted = new()
        refused = new("refused", fold=accepted.request_id)
        equal = replace(refused, request_id=f"{refused.request_id}a")
        outcome = {"code": "LINK_SYNCED", "event_id": accepted.event_id, "subscription": "users"}
        repeated = outcome | {"code": "EVENT_FORWARDED", "subscription": "to-the-bot"}
        works: list[Callable[[], None]] = [
            lambda: writing.add_request(connection, accepted),
            lambda: writing.add_outcome(connection, 1_800_000_000.0, outcome),
            lambda: writing.add_outcome(connection, 1_800_000_000.0, repeated),
            lambda: writing.add_request(connection, refused),
            lambda: writing.add_request(connection, equal),
        ]
        return [steps(connection, work) for work in works]

    journal.add_requests([new()])
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
        few = cost()
        for _ in range(300):
            cost()
        for cost_of_few, cost_of_many in zip(few, cost(), strict=True):
            assert cost_of_many < 1.5 * cost_of_few + 20


def steps(connection: sqlite3.Connection, work: Callable[[], None]) -> int:
    """The instructions that SQLite's machine runs for `work`, in tens."""
    count = itertools.count()
    connection.set_progress_handler(lambda: next(count) < 0, 10)
    work()
    connection.set_progress_handler(None, 0)
    return next(count)


def test_a_repeated_event_does_not_hide_what_the_first_did(journal: Journal) -> None:
    event = new()
    journal.add_requests([event])
    for code in ("LINK_SYNCED", "LINK_UNCHANGED"):
        journal.add_outcome({"code": code, "event_id": event.event_id, "subscription": "s"})
    assert [outcome.code for outcome in journal.outcomes([event.event_id])[event.event_id]] == [
        "LINK_SYNCED", "LINK_UNCHANGED",
    ]  # fmt: skip
    assert journal.page().requests[0].tag == "linked"


def test_filters_and_search(journal: Journal, clock: Clock) -> None:
    user = new(terms=("12", "@ivan_petrov", "185.26.122.10"))
    deal = new(event="ONCRMDEALADD", portal="q.bitrix24.ru")
    refused = new("refused", cause="AUTH_MISSING", terms=("653bb124",))
    probe = new("probe", event="ONGATEWAYPROBE")
    journal.add_requests([user, deal, refused, probe])
    for filters, expected in (
        ({}, [probe, refused, deal, user]),
        ({"kinds": ("refused", "accepted")}, [refused, deal, user]),
        ({"cause": "AUTH_MISSING"}, [refused]),
        ({"event": "ONCRMDEALADD"}, [deal]),
        ({"portal": PORTAL, "kinds": ("accepted",)}, [user]),
        ({"term": "12"}, [user]),
        ({"term": "@IVAN_petrov"}, [user]),
        ({"term": "@ivan_pe"}, [user]),
        ({"term": "1"}, []),
        ({"term": "653bb1"}, [refused]),
        ({"term": deal.event_id}, [deal]),
        ({"term": user.request_id}, [user]),
        ({"term": "oncrmdealadd"}, [deal]),
        ({"term": "185.26.122.10", "kinds": ("refused",)}, []),
        ({"since": clock.now + 1}, []),
        ({"destination": "nobody"}, []),
    ):
        assert ids(journal, **filters) == [request.request_id for request in expected], filters
    events, portals, subscriptions = journal.choices()
    assert events == ["ONCRMDEALADD", "ONGATEWAYPROBE", "ONUSERUPDATE"]
    assert (portals, subscriptions) == ([PORTAL, "q.bitrix24.ru"], [])


def test_pages_follow_each_other(journal: Journal) -> None:
    records = [new(event="ONUSERADD" if number % 50 == 0 else "ONTASKADD") for number in range(700)]
    journal.add_requests(records)
    listed: list[str] = []
    below: int | None = None
    while True:
        page = journal.page(Filters(kinds=("accepted",)), below, 90)
        listed += [request.request_id for request in page.requests]
        if (below := page.older) is None:
            break
    assert listed == [request.request_id for request in reversed(records)]
    assert len(ids(journal, event="ONUSERADD")) == 14
    assert [request.request_id for request in journal.requests()] == [
        request.request_id for request in records
    ]
    newest = journal.page(limit=1).requests[0].n
    assert journal.count_newer(Filters(event="ONUSERADD"), newest - 100) == 2
    assert journal.count_newer(Filters(term="onuseradd"), newest - 100) == 2


def test_old_rejections_are_counted_behind_many_newer_events(journal: Journal) -> None:
    journal.add_requests([new(kind="refused") for _ in range(3)])
    journal.add_requests([new(event="ONTASKADD") for _ in range(250)])
    filters = Filters(kinds=("refused", "not_queued"))
    assert journal.count_newer(filters, 0, limit=100) == 3
    assert journal.count_newer(Filters(kinds=("accepted", "refused")), 0, limit=100) == 100
    assert journal.count_newer(filters, journal.page(filters).requests[1].n) == 1


def test_newer_rejections_are_counted_as_requests_and_not_as_records(journal: Journal, clock: Clock) -> None:
    filters = Filters(kinds=("refused", "not_queued"))

    def refused(fold: str, times: int) -> None:
        for _ in range(times):
            clock.sleep(1)
            journal.add_requests([new(kind="refused", fold=fold, at=clock.now)])

    refused("one", 14)
    refused("another", 1)
    assert journal.count_newer(filters, 0, limit=100) == 15
    assert journal.count_newer(filters, 0, limit=10) == 10
    newest = journal.page(filters).requests[0].n
    assert journal.count_newer(filters, newest, limit=100) == 0
    # The record moves to the top, with the 14 that were seen.
    refused("one", 1)
    assert journal.count_newer(filters, newest, limit=100) == 1
    refused("third", 3)
    assert journal.count_newer(filters, newest, limit=100) == 4


def test_a_page_looks_at_a_bounded_number_of_records(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.reading.MOST_SCANNED", 300)
    rare = new(cause="RARE", event="ONUSERADD")
    journal.add_requests([rare, *(new() for _ in range(1000))])
    page = journal.page(Filters(portal=PORTAL, cause=""), limit=10)
    assert len(page.requests) == 10
    sparse = journal.page(Filters(kinds=("accepted",), since=0.0, term=PORTAL, event="ONUSERADD"), limit=10)
    assert sparse.requests == []
    assert sparse.older is not None


def test_changes_since_a_version_are_listed(journal: Journal) -> None:
    first_request, second_request = new(), new()
    journal.add_requests([first_request])
    _, version = journal.changed(0)
    assert journal.changed(version) == ([], version)
    journal.add_requests([second_request])
    journal.add_outcome({"code": "LINK_SYNCED", "event_id": first_request.event_id, "subscription": "s"})
    requests, newest = journal.changed(version)
    assert {request.request_id for request in requests} == {
        first_request.request_id,
        second_request.request_id,
    }
    assert newest > version


def test_following_yields_new_records(journal: Journal) -> None:
    ids_written: list[str] = []

    def sleep(_seconds: float) -> None:
        request = new()
        ids_written.append(request.request_id)
        journal.add_requests([request])

    followed = itertools.islice(journal.follow(sleep=sleep), 3)
    assert [request.request_id for request in followed] == ids_written


def test_rounds_of_polling(journal: Journal) -> None:
    journal.add_round({"code": "RESYNC_DONE", "users": 5000, "unreadable": [7, 9]})
    journal.add_round({"code": "RESYNC_FAILED"})
    newest, oldest = journal.rounds()
    assert (newest.code, oldest.facts) == ("RESYNC_FAILED", {"users": 5000, "unreadable": [7, 9]})


def test_a_failing_journal_fails_no_caller_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "var").write_text("in the way")
    journal = Journal(tmp_path / "var/journal.db")
    assert [journal.add_requests([new()]) for _ in range(3)] == [False] * 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "Check JOURNAL_URL" in logged(caplog)
    (tmp_path / "var").unlink()
    assert journal.add_requests([new()])
    journal.close()


def test_a_corrupt_journal_is_logged_and_stops_nothing(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    journal.path.parent.mkdir()
    journal.path.write_bytes(b"not a database" * 200)
    assert not journal.add_requests([new()])
    assert not journal.add_unqueued({"payload": "{}"})
    assert len(caplog.records) == 1
    with raises(JournalUnavailable, match="is corrupt"):
        journal.page()
    with pytest.raises(JournalUnavailable):
        journal.remove(1)


def test_a_write_to_a_locked_journal_is_given_up(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.05)
    journal.add_requests([new()])
    journal.close()
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not journal.add_unqueued({})
        other.execute("ROLLBACK")
    assert journal.add_unqueued({})


@pytest.mark.parametrize("odd", [{"attempt": 2**70}, {"bitrix_user_id": -(2**70)}, {"reason": "\ud800"}])
def test_one_odd_record_spoils_no_other(odd: dict[str, object], journal: Journal) -> None:
    fields = {"code": "EVENT_FAILED", "event_id": "e", "subscription": "s", **odd}
    first, last = new(), new()
    assert journal.write([first, Report("outcome", 1_800_000_000.0, fields), last])
    assert {request.request_id for request in journal.requests()} == {first.request_id, last.request_id}
    assert journal.outcomes(["e"]) == {}
    assert not journal.add_outcome(fields)
    assert journal.add_requests([new()])


def test_threads_share_it(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    # However slow the machine is.
    monkeypatch.setattr(module, "WRITE_SECONDS", 60.0)
    records = [new() for _ in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda request: journal.add_requests([request]), records))
    assert {request.request_id for request in journal.requests()} == {
        request.request_id for request in records
    }


def test_an_event_not_queued_is_kept_until_it_is_removed(journal: Journal, clock: Clock) -> None:
    for number in range(120):
        assert journal.add_unqueued({"n": number})
    clock.now += 60
    journal.add_unqueued({"n": "young"})
    unqueued = list(journal.unqueued())
    assert len(unqueued) == 121
    assert [event.record["n"] for event in journal.unqueued(unqueued[-1].at)] == ["young"]
    journal.remove(unqueued[0].id)
    assert next(journal.unqueued()).id == unqueued[1].id


def test_a_person_is_forgotten(journal: Journal) -> None:
    theirs = [
        new(
            record={"users": [7, 8], "names": {"7": "Иван", "8": "Анна"}},
            whole={"message": {}},
            terms=("7", "@ivan"),
        ),
        new(
            "refused", portal="", whole={"body": f"event=ONUSERADD&data%5BID%5D=7&auth%5Bdomain%5D={PORTAL}"}
        ),
        new("refused", whole={"body": f"event=ONUSERADD&data[FIELDS][ID]=7&auth[domain]={PORTAL}"}),
    ]
    other_requests = [
        new(record={"users": [77]}),
        new(record={"users": [7]}, portal="q.bitrix24.ru"),
        new("refused", event="", whole={"body": f"event=ONCRMDEALADD&data[ID]=7&auth[domain]={PORTAL}"}),
    ]
    journal.add_requests([*theirs, *other_requests])
    for request in (*theirs, *other_requests):
        journal.add_outcome({"code": "LINK_SYNCED", "event_id": request.event_id, "subscription": "s"})
    journal.add_outcome({"code": "LINK_CONFLICT", "event_id": "e", "portal": PORTAL, "bitrix_user_id": 7})
    journal.add_round(
        {"code": "RESYNC_DONE", "unreadable": [{"bitrix_user_id": 7}, {"bitrix_user_id": 9}, 7]}
    )
    payload = '{"event": "ONUSERADD", "portal": {"domain": "p.bitrix24.ru"}, "data": {"ID": "%s"}}'
    for user in ("7", "77"):
        journal.add_unqueued({"payload": payload % user})
    assert journal.names(PORTAL, [7, 8]) == {7: "Иван", 8: "Анна"}
    # With the name.
    assert journal.forget(PORTAL, 7) == 6
    assert journal.names(PORTAL, [7, 8]) == {8: "Анна"}
    assert sorted(ids(journal)) == sorted(request.request_id for request in other_requests)
    assert journal.outcomes(["e", theirs[0].event_id]) == {}
    assert journal.rounds()[0].facts == {"unreadable": [{"bitrix_user_id": 9}]}
    assert [request.record["payload"] for request in journal.unqueued()] == [payload % "77"]
    assert ids(journal, term="@ivan") == []


def test_erased_text_is_gone_from_the_file(journal: Journal) -> None:
    journal.add_requests([new(record={"users": [7]}, whole={"body": "a very secret name"})])
    journal.forget(PORTAL, 7)
    journal.close()
    with closing(sqlite3.connect(journal.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"a very secret name" not in journal.path.read_bytes()


def test_a_file_of_the_first_edition_is_taken_over(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection:
        connection.executescript(FIRST_EDITION.read_text("utf-8"))
    journal = Journal(tmp_path / "journal.db")
    probe, refused, accepted = journal.page().requests
    assert [request.kind for request in (probe, refused, accepted)] == ["probe", "refused", "accepted"]
    assert (refused.request_id, refused.cause, refused.status) == (
        "00000000000000b2",
        "TOKEN_OTHER_WEBHOOK",
        403,
    )
    assert refused.record["causes"][0]["do"] == "Compare the tokens."
    assert journal.whole(refused)["body"] == "event=ONUSERUPDATE"
    assert "first edition" in line_of(accepted, (), load({"LOG_LANGUAGE": "en"}, None))
    [unqueued] = journal.unqueued()
    assert unqueued.record["event"] == "ONUSERADD"
    assert journal.add_requests([new()])
    journal.close()


def test_a_process_has_one_journal_object_per_file(tmp_path: Path) -> None:
    settings = load({"JOURNAL_URL": f"sqlite:///{tmp_path}/j.db"}, None)
    assert open_journal(settings) is open_journal(settings)


def test_a_file_without_a_byte_is_an_empty_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    journal = Journal(tmp_path / "journal.db")
    assert journal.page().requests == []
    journal.remove(1)
    assert journal.add_requests([new()])
    assert len(journal.page().requests) == 1
    journal.close()
