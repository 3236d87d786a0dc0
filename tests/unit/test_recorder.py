"""What `serve` writes into the journal of a request, of what came of it, and of polling."""

import logging
import queue
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway import journal as journal_module
from gateway.diagnosis import in_words
from gateway.ingest.decision import judge
from gateway.ingest.incoming import Incoming
from gateway.journal import Filters, Journal
from gateway.local import recorder as recorder_module
from gateway.local.backlog import Backlog, Item
from gateway.local.client_address import sender_address
from gateway.local.recorder import Recorder
from gateway.receiver import Answered
from gateway.settings import Settings, load
from gateway.tools import events
from tests.support.deliveries import AGENT, FORM, OTHER_TOKEN, PORTAL, TOKEN, form
from tests.support.errors import logged
from tests.support.processes import wait_for

Record = Callable[..., None]
ENVIRON = {"REMOTE_ADDR": "185.26.122.10"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    values = {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "JOURNAL_URL": f"sqlite:///{tmp_path}/j.db"}
    return load(values, None)


@pytest.fixture
def recorder(settings: Settings, journal: Journal) -> Iterator[Recorder]:
    recorder = Recorder(settings, journal)
    recorder.attach()
    yield recorder
    recorder.close()


def wait_for_count(journal: Journal, requests: int) -> None:
    wait_for(lambda: sum(request.count for request in journal.page().requests) == requests)


def end(recorder: Recorder) -> None:
    """Close it, and wait until all that it was given is written."""
    recorder.close()
    wait_for(lambda: not recorder._thread.is_alive())


_number = iter(range(100_000))


def answered_request(
    settings: Settings,
    body: bytes,
    environ: Mapping[str, Any] = ENVIRON,
    status: int | None = None,
    **more: Any,
) -> Answered:
    headers = {"content-type": FORM.encode(), "user-agent": AGENT.encode()}
    incoming = Incoming("POST", "/", headers=headers, read=lambda limit: body[:limit], **more)
    judgement = judge(incoming, settings, datetime.now(UTC))
    request_id = f"{next(_number):016x}"
    return Answered(judgement, request_id, status or judgement.status, environ, time.monotonic())


def test_an_accepted_event(recorder: Recorder, settings: Settings, journal: Journal) -> None:
    answer = answered_request(settings, form())
    recorder.observe(answer)
    end(recorder)
    request = journal.request(answer.request_id)
    assert request is not None
    assert (request.kind, request.event, request.portal) == ("accepted", "ONUSERUPDATE", PORTAL)
    record = request.record
    assert (record["users"], record["accounts"], record["place"]) == (
        [12], ["@ivan_petrov"], "body:auth.application_token",
    )  # fmt: skip
    assert (record["address"], record["user_agent"], record["body_bytes"]) == (
        "185.26.122.10",
        AGENT,
        len(form()),
    )
    assert 0 <= record["ms"] < 10_000
    whole = journal.whole(request)
    assert set(whole) == {"message"}  # JOURNAL_BODIES=refused
    assert whole["message"]["event_id"] == request.event_id
    assert journal.request(request.event_id) == request
    assert journal.page(Filters(term="@ivan_petrov")).requests == [request]


@pytest.mark.parametrize("value", ["@Ivan_Petrov", " https://t.me/Ivan_Petrov/ ", "telegram.me/Ivan_Petrov"])
def test_an_account_is_found_by_its_name_however_the_event_writes_it(
    value: str, recorder: Recorder, settings: Settings, journal: Journal
) -> None:
    answer = answered_request(settings, form(data={"ID": "12", "UF_USR_TELEGRAM": value}))
    recorder.observe(answer)
    end(recorder)
    request = journal.request(answer.request_id)
    assert request is not None
    assert request.record["accounts"] == ["@Ivan_Petrov"]
    for user in ("@ivan_petrov", "IVAN_PETROV", "t.me/ivan_petrov", "https://t.me/Ivan_Petrov?start=x", "12"):
        chosen = events.ChosenFilters(user=user)
        assert journal.page(chosen.filters()).requests == [request], user
        assert chosen.is_about(request), user
    assert not events.ChosenFilters(user="@petrov").is_about(request)


def test_a_multiple_fields_account_is_kept_and_what_is_no_account_as_it_came(
    recorder: Recorder, settings: Settings, journal: Journal
) -> None:
    for number, telegram in enumerate((["777"], "not an account", "", ["@a_b_c", "@d_e_f"])):
        data = {"ID": str(number + 1), "UF_USR_TELEGRAM": telegram}
        recorder.observe(answered_request(settings, form(data=data)))
    end(recorder)
    accounts_by_user = {r.record["users"][0]: r.record["accounts"] for r in journal.page(Filters()).requests}
    assert accounts_by_user == {1: ["777"], 2: ["not an account"], 3: [], 4: []}


def test_names_are_kept_of_verified_events_only(
    recorder: Recorder, settings: Settings, journal: Journal
) -> None:
    data = {"ID": "48", "NAME": " Анна ", "LAST_NAME": "Кузнецова"}
    recorder.observe(answered_request(settings, form("ONUSERADD", data)))
    recorder.observe(answered_request(settings, form("ONUSERADD", data | {"NAME": "Nobody"}, OTHER_TOKEN)))
    recorder.observe(answered_request(settings, form("ONUSERADD", {"ID": "49", "NAME": ["odd"]})))
    end(recorder)
    assert journal.names(PORTAL, [48, 49]) == {48: "Анна Кузнецова"}
    assert "names" not in journal.page(Filters(kinds=("refused",))).requests[0].record
    [request] = journal.page(Filters(term="кузнецова")).requests
    assert request.record["names"] == {"48": "Анна Кузнецова"}


def test_a_rejected_one_with_its_causes_and_body(
    recorder: Recorder, settings: Settings, journal: Journal
) -> None:
    for _ in range(3):
        recorder.observe(answered_request(settings, form(token=OTHER_TOKEN)))
    end(recorder)
    [request] = journal.page().requests
    assert (request.kind, request.status, request.code, request.count) == (
        "refused",
        403,
        "TOKEN_MISMATCH",
        3,
    )
    assert request.cause == "TOKEN_OTHER_WEBHOOK"
    assert request.record["users"] == [12]
    russian, english = (
        in_words(request.record["causes"], load({"LOG_LANGUAGE": language}, None))[0]
        for language in ("ru", "en")
    )
    assert russian.says != english.says
    assert russian.do
    whole = journal.whole(request)
    assert "event=ONUSERUPDATE" in whole["body"]
    assert OTHER_TOKEN not in str(whole)
    assert TOKEN not in str(whole) + str(request)


def test_rejections_that_differ_in_their_cause_alone_are_records_of_their_own(
    recorder: Recorder, settings: Settings, journal: Journal
) -> None:
    tried: tuple[dict[str, Any], ...] = (
        {},
        {},
        {"query": f"secret={TOKEN}".encode()},
        {"query": f"hook={TOKEN}".encode()},
        {"query": b"token="},
        {"query": b"token=&token="},
    )
    for more in tried:
        recorder.observe(answered_request(settings, form(token=None), **more))
    end(recorder)
    newest_first = journal.page().requests
    assert [(request.cause, request.count) for request in reversed(newest_first)] == [
        ("AUTH_MISSING", 2),
        ("TOKEN_ELSEWHERE", 1),
        ("TOKEN_ELSEWHERE", 1),
        ("TOKEN_BLANK", 1),
        ("TOKEN_REPEATED", 1),
    ]


def test_a_body_is_kept_to_sixteen_thousand_characters(
    recorder: Recorder, settings: Settings, journal: Journal
) -> None:
    recorder.observe(answered_request(settings, b"a=%D1%91&" * 5000))
    end(recorder)
    [request] = journal.page().requests
    whole = journal.whole(request)
    assert 16_000 < len(whole["body"]) < 17_000
    assert whole["body_cut"]


@pytest.mark.parametrize(("bodies", "count"), [("on", 2), ("refused", 1), ("off", 0)])
def test_a_setting_chooses_whose_bodies_are_kept(
    journal: Journal, settings: Settings, bodies: str, count: int
) -> None:
    recorder = Recorder(replace(settings, journal_bodies=bodies), journal)
    recorder.attach()
    recorder.observe(answered_request(settings, form()))
    recorder.observe(answered_request(settings, form(token=None)))
    wait_for(lambda: len(journal.page().requests) == 2)
    assert sum("body" in journal.whole(request) for request in journal.page().requests) == count
    recorder.keep_whole()
    recorder.observe(answered_request(settings, form(data={"ID": "13"})))
    end(recorder)
    assert "body" in journal.whole(journal.page().requests[0])


def test_an_event_that_the_queue_did_not_take(
    recorder: Recorder, settings: Settings, journal: Journal
) -> None:
    recorder.observe(answered_request(settings, form(), status=503))
    end(recorder)
    [request] = journal.page().requests
    assert (request.kind, request.code, request.record["causes"]) == ("not_queued", "QUEUE_UNAVAILABLE", [])


def test_a_probe_and_a_monitor(recorder: Recorder, settings: Settings, journal: Journal) -> None:
    recorder.observe(answered_request(settings, form("ONGATEWAYPROBE")))
    monitor = judge(Incoming("GET", "/health"), settings, datetime.now(UTC))
    recorder.observe(Answered(monitor, "0", 200, ENVIRON, time.monotonic()))
    end(recorder)
    assert [request.kind for request in journal.page().requests] == ["probe"]


def test_ten_thousand_tiny_requests_leave_the_evidence(
    recorder: Recorder, settings: Settings, journal: Journal
) -> None:
    evidence = answered_request(settings, form(token=OTHER_TOKEN))
    recorder.observe(evidence)
    answer = answered_request(settings, b"x=1&token=0", {"REMOTE_ADDR": "45.148.10.7"})
    for number in range(10_000):
        recorder.observe(answer._replace(request_id=f"t{number}"))
        if number % 500 == 0:
            wait_for_count(journal, number + 2)
    end(recorder)
    tiny, first_request = journal.page().requests
    assert (tiny.count, first_request.request_id) == (10_000, evidence.request_id)


def test_a_flood_that_outruns_the_journal_is_counted_and_leaves_room_for_what_was_accepted(
    settings: Settings, journal: Journal
) -> None:
    # Its thread does not write yet.
    recorder = Recorder(settings, journal)
    for number in range(3000):
        recorder.observe(answered_request(settings, b"x=%d" % number, {"REMOTE_ADDR": "45.148.10.7"}))
    accepted = answered_request(settings, form())
    recorder.observe(accepted)
    recorder.attach()
    end(recorder)
    page = journal.page(limit=1000)
    assert sum(request.count for request in page.requests) == 3001
    assert len(page.requests) < 300
    assert journal.request(accepted.request_id) is not None


@contextmanager
def locked_journal(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another program writes into the journal's file for longer than a record waits."""
    monkeypatch.setattr(journal_module, "WRITE_SECONDS", 0.05)
    monkeypatch.setattr(recorder_module, "RETRY_SECONDS", 0.01)
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_records_wait_for_a_file_that_another_program_holds(
    recorder: Recorder,
    settings: Settings,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder.observe(answered_request(settings, form()))
    wait_for(lambda: journal.page().requests)
    with locked_journal(journal, monkeypatch):
        for number in range(3):
            recorder.observe(answered_request(settings, form(ts=str(1_790_000_000 + number))))
        wait_for(lambda: "journal" in logged(caplog))
    wait_for(lambda: len(journal.page().requests) == 4)


def test_records_unwritten_at_the_end_are_counted(
    settings: Settings, journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal.add_outcome({"code": "EVENT_DONE"})
    recorder = Recorder(settings, journal)
    recorder.attach()
    with locked_journal(journal, monkeypatch):
        for number in range(3):
            recorder.observe(answered_request(settings, form(ts=str(1_790_000_000 + number))))
        recorder.close()
        wait_for(lambda: "did not get into the journal: 3. The journal" in logged(caplog))
    assert "can't keep up" not in logged(caplog), "more CPU would not have helped"
    assert journal.page().requests == []


def test_what_finds_no_room_while_the_file_takes_nothing_is_not_called_too_much(
    settings: Settings, journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The advice was once to give the gateway more CPU, whatever was wrong with the journal's file."""
    journal.add_outcome({"code": "EVENT_DONE"})
    recorder = Recorder(settings, journal)
    recorder.attach()
    with locked_journal(journal, monkeypatch):
        recorder.say("outcome", {"code": "EVENT_DONE"})
        wait_for(lambda: "locked" in logged(caplog))
        # As when 2000 records wait.
        recorder._backlog._dropped += 7
    wait_for(lambda: journal.failure is None)
    end(recorder)
    assert "did not get into the journal: 7. The journal" in logged(caplog)
    assert "can't keep up" not in logged(caplog)


def test_bodies_that_wait_for_the_journal_share_one_budget() -> None:
    backlog = Backlog()
    for number in range(1000):
        backlog.add(Item("request", float(number), None), 500_000, f"1.2.3.{number % 100}")
    for number in range(1000):
        backlog.add(Item("request", float(number), None), 500_000)
    waiting = 0
    with suppress(queue.Empty):
        while backlog.take(wait=False):
            waiting += 1
    counted, dropped = backlog.note_written(waiting * 500_000)
    assert waiting * 500_000 < 34_000_000
    assert sum(count for _, _, count in counted) + dropped + waiting == 2000
    assert len(counted) <= 51
    backlog.add(Item("request", 0.0, None), 500_000, "1.2.3.4")
    assert backlog.take(wait=False) is not None


def test_a_request_that_broke_off_unjudged_is_counted_by_its_head(
    recorder: Recorder, settings: Settings, journal: Journal
) -> None:
    environ = {
        **ENVIRON,
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "CONTENT_LENGTH": "500",
        "HTTP_X_BITRIX_TOKEN": OTHER_TOKEN,
    }
    for _ in range(300):
        recorder.observe_unjudged(environ, 20)
    end(recorder)
    [request] = journal.page().requests
    assert (request.code, request.status, request.count) == ("BODY_INCOMPLETE", 408, 300)
    assert (request.record["body_bytes"], request.record["address"]) == (20, "185.26.122.10")
    assert request.cause == "BODY_INCOMPLETE"
    assert OTHER_TOKEN not in str(request) + str(journal.whole(request))


def test_records_of_consumers_and_of_polling_are_written(
    recorder: Recorder, settings: Settings, journal: Journal
) -> None:
    answer = answered_request(settings, form())
    recorder.observe(answer)
    assert answer.judgement.message is not None
    fields = {
        "code": "LINK_SYNCED",
        "event_id": answer.judgement.message.event_id,
        "subscription": "on_user_update",
    }
    logging.getLogger("gateway.outcome").warning("x", extra={"json_fields": fields})
    polled = {"code": "RESYNC_DONE", "users": 3}
    logging.getLogger("gateway.portal.resync").warning("x", extra={"json_fields": polled})
    end(recorder)
    [request] = journal.page().requests
    assert request.tag == "linked"
    assert [round_.facts for round_ in journal.rounds()] == [{"users": 3}]


@pytest.mark.parametrize(
    ("remote", "forwarded", "sender"),
    [
        ("185.26.122.10", "1.2.3.4", "185.26.122.10"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "6.6.6.6, 185.26.122.10", "185.26.122.10"),
        ("127.0.0.1", "6.6.6.6, 185.26.122.10, 10.0.0.2", "185.26.122.10"),
        ("10.1.2.3", "nonsense", "10.1.2.3"),
        ("::1", "2a00:1450::1", "2a00:1450::1"),
        ("::ffff:185.26.122.10", "1.2.3.4", "185.26.122.10"),
        ("::ffff:127.0.0.1", "6.6.6.6, ::ffff:185.26.122.10", "185.26.122.10"),
        ("127.0.0.1", "::ffff:x", "127.0.0.1"),
        ("", None, ""),
    ],
)
def test_the_address_of_the_last_hop_that_can_be_trusted(
    remote: str, forwarded: str | None, sender: str
) -> None:
    environ = {"REMOTE_ADDR": remote} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})
    assert sender_address(environ) == sender
