"""`./b24 events`: what came and what came of it, in both languages; an accepted event once more."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.events import webhook_message
from gateway.journal import Journal, NewRequest
from gateway.queues import open_embedded
from gateway.queues.model import Delivery
from gateway.settings import Settings, load
from gateway.texts import reason_text
from gateway.tools import events
from gateway.tools.events import ChosenFilters
from tests.support.deliveries import PORTAL, TOKEN, delivery

NOW = datetime.now(UTC).timestamp()
BOT = "http://bot.internal/bitrix"
SETTINGS = {
    "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
    "FORWARD_TO": f"{BOT} http://other.internal/hook#ONTASK*",
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.chdir(tmp_path)
    values = {**SETTINGS, "LOG_LANGUAGE": "en", "JOURNAL_URL": f"sqlite:///{tmp_path}/journal.db"}
    values |= {
        "QUEUE_URL": f"sqlite:///{tmp_path}/queue.db",
        "DATABASE_URL": f"sqlite:///{tmp_path}/links.db",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return load()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["events", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def accepted(number: int = 1, user: int = 12, event: str = "ONUSERUPDATE", **more: Any) -> NewRequest:
    data = {"ID": str(user), "UF_USR_TELEGRAM": f"@user_{user}"}
    message = webhook_message(delivery(event, data, ts=number), datetime.fromtimestamp(NOW, UTC), [], "")
    defaults: dict[str, Any] = {
        "request_id": f"{number:016x}",
        "at": NOW - 100 + number,
        "kind": "accepted",
        "code": "EVENT_QUEUED",
        "status": 200,
        "event": event,
        "event_id": message.event_id,
        "portal": PORTAL,
        "terms": (str(user), f"@user_{user}"),
        "record": {"users": [user], "accounts": [f"@user_{user}"], "place": "body:token", "places": []},
        "whole": {"message": json.loads(message.to_bytes())},
    }
    return NewRequest(**defaults | more)


def refused(number: int, **more: Any) -> NewRequest:
    cause = {
        "code": "TOKEN_BLANK",
        "detail": "query:token",
        "variant": "",
        "values": {"place": "query:token"},
    }
    places = [{"place": "query:token", "state": "malformed", "length": 0, "fingerprint": None}]
    defaults: dict[str, Any] = {
        "request_id": f"{number:016x}",
        "at": NOW - 100 + number,
        "kind": "refused",
        "code": "TOKEN_NOT_FOUND",
        "status": 401,
        "cause": "TOKEN_BLANK",
        "record": {"users": [], "places": places, "causes": [cause], "method": "POST", "path": "/"},
    }  # fmt: skip
    return NewRequest(**defaults | more)


def outcome_of(
    request: NewRequest, code: str, subscription: str = "on-user-update", **facts: Any
) -> dict[str, Any]:
    return {
        "code": code,
        "event_id": request.event_id,
        "subscription": subscription,
        "portal": PORTAL,
        **facts,
    }


def test_a_missing_journal_is_an_empty_list(run: Run, settings: Settings) -> None:
    assert run("--json") == (0, "[]\n", "")
    code, out, err = run()
    assert (code, out) == (0, "")
    assert "./b24 trigger" in err
    code, out, err = run("show", "0123456789abcdef")
    assert (code, out, "./b24 events" in err) == (2, "", True)
    assert not settings.journal.path.exists()


def test_a_line_says_the_outcome_of_an_event_in_both_languages(
    run: Run, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked, silent, waiting = accepted(1), accepted(2, 48), accepted(3, 7)
    lost = {"code": "METHOD_GET", "detail": "GET", "variant": "", "values": {"method": "GET"}}
    redirected = refused(5, code="METHOD_GET", status=200, record={"causes": [lost], "method": "GET"})
    journal.add_requests([linked, silent, waiting, refused(4), redirected])
    journal.add_outcome(outcome_of(linked, "LINK_SYNCED", bitrix_user_id=12))
    journal.add_outcome(
        outcome_of(linked, "EVENT_FORWARDED", "forward-event-1", destination=BOT, status=200, ms=7)
    )
    journal.add_outcome(outcome_of(silent, "LINK_UNCHANGED", reason="no_webhook", bitrix_user_id=48))
    code, out, _ = run()
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 5)
    head = f"accepted  ONUSERUPDATE · {PORTAL} · 12 · "
    assert f"{head}linked: @user_12 → user 12; delivered: {BOT}, answer 200, 7 ms" in lines[0]
    assert "unchanged  ONUSERUPDATE" in lines[1]
    assert "BITRIX24_WEBHOOK_TOKEN" in lines[1]
    assert "waiting on the queue" in lines[2]
    assert "rejected 401  POST / · " in lines[3]
    assert "came as GET instead of POST" in lines[4]
    assert all(line[:20].endswith("Z") and line[22:38].isalnum() for line in lines)
    monkeypatch.setenv("LOG_LANGUAGE", "ru")
    lines = run()[1].splitlines()
    assert "принято  ONUSERUPDATE" in lines[0]
    assert "связь: @user_12 → пользователь 12" in lines[0]
    assert "отказ 401" in lines[3]


def test_the_list_can_be_json_and_filtered(run: Run, journal: Journal) -> None:
    old = accepted(9, 5, at=NOW - 3 * 86_400)
    journal.add_requests([old, accepted(1), accepted(2, 123456), accepted(3, event="ONTASKADD"), refused(4)])
    probe = accepted(5, kind="probe")
    journal.add_requests([probe])

    def ids(*arguments: str) -> list[int]:
        code, out, _ = run("--json", *arguments)
        assert code == 0
        return [int(row["id"], 16) for row in json.loads(out)]

    assert ids() == [1, 2, 3, 4]
    assert ids("--since", "7d") == [9, 1, 2, 3, 4]
    assert ids("--refused") == [4]
    assert ids("--probes") == [5]
    assert ids("--probes", "--refused") == [4, 5]
    assert ids("--event", "ontaskadd") == [3]
    assert ids("--user", "12") == [1, 3]
    assert ids("--user", "@User_123456") == [2]
    assert ids("--portal", PORTAL.upper(), "--user", "123456") == [2]
    assert ids("--portal", "other.bitrix24.ru") == []
    row = json.loads(run("--json")[1])[0]
    assert (row["users"], row["tag"], row["at"].endswith("Z"), row["outcomes"]) == (
        [12],
        "accepted",
        True,
        [],
    )
    assert run("--since", "soon")[0] == 2


def test_show_prints_one_event_whole(run: Run, journal: Journal) -> None:
    request, other = accepted(1), refused(2)
    journal.add_requests([request, other])
    journal.add_outcome(outcome_of(request, "EVENT_PUT_ASIDE", reason="REASON_NO_USER", attempt=1))
    code, _, err = run("show", request.request_id[:4])
    assert (code, "at least its first 6 characters" in err) == (2, True)
    code, out, _ = run("show", request.request_id)
    assert code == 0
    assert "put aside" in out
    assert "no user in data" in out
    assert f"./b24 dead-letters show {request.event_id}" in out
    assert '"schema": 1' in out
    code, out, _ = run("show", request.event_id[:12], "--json")
    event = json.loads(out)
    assert (event["id"], event["message"]["data"]["ID"], event["outcomes"][0]["code"]) == (
        request.request_id, "12", "EVENT_PUT_ASIDE",
    )  # fmt: skip
    code, out, _ = run("show", other.request_id)
    assert "TOKEN_BLANK" in out
    assert "→" in out
    assert "token-not-found.md#token_blank" in out
    assert "query:token" in out


def waiting(settings: Settings) -> list[Delivery]:
    queue = open_embedded(settings)
    return [
        leased for subscription in queue.subscriptions for leased in queue.lease(subscription.name, 60, 100)
    ]


def test_an_event_is_resent_to_all_under_a_new_id(run: Run, journal: Journal, settings: Settings) -> None:
    request = accepted(1)
    journal.add_requests([request])
    code, out, _ = run("resend", request.request_id, "--json")
    event_id = json.loads(out)["event_id"]
    assert (code, event_id != request.event_id) == (0, True)
    deliveries = waiting(settings)
    bot = settings.destinations[0].id
    assert {queued.subscription for queued in deliveries} == {"on-user-update", f"forward-event-{bot}"}
    for queued in deliveries:
        message = json.loads(queued.data)
        assert (message.pop("event_id"), queued.attributes["event_id"]) == (event_id, event_id)
        was = dict(request.whole["message"])
        was.pop("event_id")
        assert message == was
    journal.add_outcome({**outcome_of(request, "LINK_SYNCED", bitrix_user_id=12), "event_id": event_id})
    # The original is found by the new id too.
    original = json.loads(run("show", event_id, "--json")[1])
    assert (original["id"], original["resent"][0]["event_id"]) == (request.request_id, event_id)
    assert [outcome["event_id"] for outcome in original["outcomes"]] == [event_id]
    assert "Resent" in run("show", request.request_id)[1]


@pytest.mark.parametrize("to", [BOT, "bot.internal", "id", "subscription"])
def test_an_event_is_resent_to_one_destination(
    run: Run, journal: Journal, settings: Settings, to: str
) -> None:
    request = accepted(1)
    journal.add_requests([request])
    bot = settings.destinations[0].id
    names = {"id": bot, "subscription": f"forward-event-{bot}"}
    code, out, _ = run("resend", request.request_id, "--to", names.get(to, to))
    assert (code, "./b24 events show" in out) == (0, True)
    assert [queued.subscription for queued in waiting(settings)] == [f"forward-event-{bot}"]


def test_rejected_unqueued_and_probe_requests_are_not_resent(
    run: Run, journal: Journal, settings: Settings, monkeypatch: Any
) -> None:
    resendable, probe = accepted(1), accepted(2, kind="probe", whole={})
    unqueued, wrong = accepted(3, kind="not_queued", status=503), refused(4)
    journal.add_requests([resendable, probe, unqueued, wrong])
    for request, says in ((wrong, "never queued"), (unqueued, "./b24 replay"), (probe, "./b24 trigger")):
        code, out, err = run("resend", request.request_id)
        assert (code, out, says in err) == (2, "", True), err
    # The first does not want this event.
    for to in ("http://other.internal/hook", "nobody", ""):
        code, _, err = run("resend", resendable.request_id, "--to", to)
        assert (code, BOT in err) == (2, True)
    assert waiting(settings) == []
    monkeypatch.setenv("QUEUE_URL", "pubsub://project-1/b24-events")
    code, _, err = run("resend", resendable.request_id, "--to", BOT)
    assert (code, "Pub/Sub" in err) == (2, True)


def test_followed_events_are_printed_with_their_outcomes(journal: Journal, settings: Settings) -> None:
    now = [0.0]
    handled, late = accepted(1), accepted(2)
    bot = f"forward-event-{settings.destinations[0].id}"
    steps = iter(
        [
            lambda: journal.add_requests([handled, late, refused(3)]),
            lambda: journal.add_outcome(outcome_of(handled, "LINK_SYNCED", bitrix_user_id=12)),
            lambda: journal.add_outcome(outcome_of(handled, "EVENT_FORWARDED", bot)),
        ]
    )

    def sleep(_seconds: float) -> None:
        now[0] += 1.0
        next(steps, lambda: None)()

    coming = events.followed(journal, ChosenFilters(), settings, 0, sleep, lambda: now[0])
    followed = [next(coming) for _ in range(3)]
    assert [(event.request.request_id, len(event.outcomes)) for event in followed] == [
        (refused(3).request_id, 0), (handled.request_id, 2), (late.request_id, 0),
    ]  # fmt: skip


def test_a_replayed_event_waits_and_gets_a_new_outcome(
    run: Run, journal: Journal, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    dead, unqueued = accepted(1), accepted(2, kind="not_queued", status=503, code="QUEUE_UNAVAILABLE")
    journal.add_requests([dead, unqueued])
    journal.add_outcome(outcome_of(dead, "EVENT_DEAD", reason="the store is away"))
    queue = open_embedded(settings)
    data = json.dumps(dead.whole["message"]).encode()
    queue.publish(data, {"event": dead.event, "event_id": dead.event_id}, 10, to="on-user-update")
    queue.settle([], [(leased, "the store is away", None) for leased in queue.lease("on-user-update", 60)])
    record = {"event": unqueued.event, "event_id": unqueued.event_id, "attributes": {"event": unqueued.event}}
    journal.add_unqueued({**record, "payload": json.dumps(unqueued.whole["message"])})
    assert [row["tag"] for row in json.loads(run("--json")[1])] == ["dead", "not_queued"]
    assert main(["replay", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert [row["tag"] for row in json.loads(run("--json")[1])] == ["accepted", "accepted"]
    assert run()[1].count("waiting on the queue") == 2
    journal.add_outcome(outcome_of(unqueued, "LINK_SYNCED", bitrix_user_id=12))
    assert [row["tag"] for row in json.loads(run("--json")[1])] == ["accepted", "linked"]
    queue.close()


@pytest.mark.parametrize(
    ("reason", "russian"),
    [
        ("REASON_NO_USER", "в data нет пользователя"),
        ('REASON_SCHEMA {"fields": "portal, ts"}', "ошибка в полях: portal, ts"),
        (
            'REASON_GONE {"destination": "https://bot.example.com/bitrix"}',
            "https://bot.example.com/bitrix ответил 410",
        ),
        ("something else", "something else"),
    ],
)
def test_reasons_are_printed_in_the_readers_language(reason: str, russian: str) -> None:
    assert russian in reason_text(reason, "ru")
    assert russian == reason or russian not in reason_text(reason, "en")


@pytest.mark.usefixtures("journal")
def test_an_empty_list_says_whether_filters_were_given(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    assert "send a test event" in run()[2]
    assert run("--refused")[2].startswith("No such request came")


def test_a_collapsed_row_says_whose_time_and_whose_id_it_shows(run: Run, journal: Journal) -> None:
    for number in (1, 2):
        journal.add_requests([refused(number, fold="same")])
    [line] = run()[1].splitlines()
    assert refused(1).request_id in line
    first = datetime.fromtimestamp(int(refused(1).at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert line.endswith(
        f"2 identical; this is the last one's time, and the id is that of the first, {first}"
    )
