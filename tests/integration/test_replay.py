"""Kept events and dead letters go back on the queue whole, once, under their old ids."""

import json
import logging
import os
import pty
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.cli.since import parse_since
from gateway.errors import PassingFailure
from gateway.events import Message, observed_message
from gateway.journal import Journal
from gateway.links import open_store
from gateway.links.model import DeadLetter
from gateway.locations import sqlite_file, store_location
from gateway.log_stream import Stderr
from gateway.logs import _Lines, _Structured, worded
from gateway.queues import open_embedded
from gateway.queues.pubsub import PubSub
from gateway.queues.sqlite import EmbeddedQueue
from gateway.queues.unqueued import keep
from gateway.settings import load
from gateway.tools.forgetting import forget_person
from gateway.tools.recovery_log import Parts, cloud_records, exported
from tests.support.cloud_logging import CloudLogging
from tests.support.commands import run_command, start_command
from tests.support.errors import raises
from tests.support.pubsub import Topic
from tests.support.queues import acknowledge, leased, retry

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TOKEN = "k3v9x2m8q1w7e5r4t6y0u1i2o3p4a5s6"
OTHER = "b0n7c4l2h9g5j8d3f6z1w0v2x4m6k8q9"
TOKENS = (TOKEN.encode(),)


def message(user: int = 7, text: str = 'Ёж 🦔 \u2028 "\\') -> Message:
    data = {"ID": str(user), "ACTIVE": "1", "UF_USR_TELEGRAM": "@someone", "NOTE": text}
    return observed_message("p.bitrix24.ru", data, NOW, NOW)


class House:
    """A machine's files, its environment, and its commands as a person runs them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            "QUEUE_URL": f"sqlite:///{home}/queue.db",
            "DATABASE_URL": f"sqlite:///{home}/links.db",
            "JOURNAL_URL": f"sqlite:///{home}/journal.db",
            "LOG_LANGUAGE": "en",
            "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
        }
        self.queue = EmbeddedQueue(home / "queue.db", max_attempts=1)

    def keep(self, *messages: Message) -> None:
        journal = Journal(sqlite_file("JOURNAL_URL", self.environment["JOURNAL_URL"]).path)
        for event in messages:
            attributes = event.attributes("query:token")
            fields = {"code": "EVENT_NOT_QUEUED", "event": event.event, "event_id": event.event_id}
            journal.add_unqueued({**fields, "attributes": attributes, "payload": event.to_bytes().decode()})
        journal.close()

    def put_aside(self, event: Message, reason: str = "no user id", subscription: str = "") -> None:
        store = open_store(store_location(self.environment["DATABASE_URL"]))
        letter = json.loads(event.to_bytes())
        now = datetime.now(UTC)
        store.add_dead_letter(
            DeadLetter(event.event, event.event_id, reason, 1, letter, now, subscription=subscription)
        )
        store.close()

    def queued(self) -> list[tuple[bytes, Mapping[str, str]]]:
        """What stands on the queue, taken off."""
        messages = []
        while (delivery := leased(self.queue, 60)) is not None:
            messages.append((delivery.data, delivery.attributes))
            assert acknowledge(self.queue, delivery)
        return messages

    def fail(self, event: Message) -> None:
        self.queue.publish(event.to_bytes(), event.attributes("query:token"), 10)
        delivery = leased(self.queue, 60)
        assert delivery is not None
        retry(self.queue, delivery, "the store is down")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    house = House(tmp_path)
    for name, value in house.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    monkeypatch.chdir(tmp_path)
    yield house
    house.queue.close()


def test_without_kept_events_there_is_nothing_to_do(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay"]) == 0
    assert capsys.readouterr().out == "Put back on the queue: 0; put back earlier and skipped: 0\n"
    assert main(["replay", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["dead-letters", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_kept_event_comes_back_to_the_byte_and_once(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    event = message()
    house.keep(event)
    assert main(["replay", "--json"]) == 0
    expected = [{"event": "ONUSERUPDATE", "event_id": event.event_id, "from": "journal"}]
    assert json.loads(capsys.readouterr().out) == expected
    assert house.queued() == [(event.to_bytes(), event.attributes("query:token"))]
    assert main(["replay", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    # The same event from another place, whose id is known.
    house.keep(event)
    assert main(["replay"]) == 0
    assert "skipped: 1" in capsys.readouterr().out
    assert house.queued() == []


@pytest.mark.parametrize(
    "record", ["{", "[]", "null", '{"event": 1}', '{"event": "E", "event_id": "x", "payload": "{}"}']
)
def test_a_damaged_record_keeps_nothing_else_back(
    record: str, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = message(1), message(2)
    house.keep(before)
    with closing(sqlite3.connect(house.home / "journal.db")) as connection, connection:
        connection.execute("INSERT INTO unqueued (at, record) VALUES (?, ?)", (time.time(), record))
    house.keep(after)
    assert main(["replay", "--json"]) == 1
    output = capsys.readouterr()
    assert [row["event_id"] for row in json.loads(output.out)] == [before.event_id, after.event_id]
    assert "Record 2 of the journal is damaged" in output.err
    assert len(house.queued()) == 2


def test_dead_letters_of_store_and_queue_come_back(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    aside, failed = message(1), message(2)
    house.put_aside(aside)
    house.fail(failed)
    assert main(["replay", "--json"]) == 0
    assert [row["from"] for row in json.loads(capsys.readouterr().out)] == ["store", "queue"]
    assert [json.loads(data) for data, _ in house.queued()] == [
        json.loads(aside.to_bytes()),
        json.loads(failed.to_bytes()),
    ]
    assert main(["dead-letters", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_what_one_subscription_put_aside_comes_back_to_that_one_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARD_TO", "http://127.0.0.1:9/one http://127.0.0.1:9/two")
    embedded = open_embedded(load(dotenv=None))
    one, two = (
        subscription.name for subscription in embedded.subscriptions if "forward" in subscription.name
    )
    for put_aside_by in (one, two, "of-another-edition"):
        house.put_aside(message(1), "410", put_aside_by)
    assert main(["replay"]) == 0
    back = []
    while (delivery := leased(embedded)) is not None:
        back.append(delivery.subscription)
        acknowledge(embedded, delivery)
    # The third is no longer there: everybody who wants the event gets it.
    wanting = [
        subscription.name for subscription in embedded.subscriptions if subscription.wants("ONUSERUPDATE")
    ]
    assert sorted(back) == sorted([one, two, *wanting])


def test_a_dead_letter_has_the_attributes_that_choose_its_consumer(house: House) -> None:
    house.put_aside(message(1))
    main(["replay"])
    [(_, attributes)] = house.queued()
    assert attributes == message(1).attributes("")


def test_a_letter_that_fails_again_at_once_is_not_put_back_without_end(house: House) -> None:
    """A worker beside the replay, faster than it: woken by each publish, as `serve` wakes its own."""
    house.fail(message(1))
    failures = []

    def work() -> None:
        delivery = leased(house.queue, 60)
        assert delivery is not None
        retry(house.queue, delivery, "still down")
        failures.append(delivery)

    open_embedded(load(dotenv=None)).on_publish = work
    assert main(["replay"]) == 0
    assert len(failures) == 1
    [dead] = house.queue.dead_letters()
    assert dead.reason == "still down"


def test_a_dry_run_changes_nothing(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.keep(message(1))
    house.put_aside(message(2))
    for _ in range(2):
        assert main(["replay", "--dry-run"]) == 0
        out = capsys.readouterr().out
        assert message(1).event_id in out
        assert message(2).event_id in out
        assert "Nothing was changed" in out
    assert house.queued() == []


def test_kept_events_can_be_filtered(house: House) -> None:
    house.keep(message(1), message(2))
    house.put_aside(message(3))
    main(["replay", "--event", "ONUSERADD"])
    main(["replay", "--since", "2999-01-01T00:00:00Z"])
    assert house.queued() == []
    main(["replay", "--event-id", message(2).event_id, "--event", "onuserupdate", "--since", "1h"])
    assert [data for data, _ in house.queued()] == [message(2).to_bytes()]
    main(["replay"])
    assert len(house.queued()) == 2


@pytest.mark.parametrize(
    ("text", "ago"), [("30m", timedelta(minutes=30)), ("2h", timedelta(hours=2)), ("7d", timedelta(days=7))]
)
def test_since_takes_how_long_ago(text: str, ago: timedelta) -> None:
    before = datetime.now(UTC) - ago
    since = parse_since(text)
    assert since is not None
    assert before <= since <= datetime.now(UTC) - ago


@pytest.mark.parametrize("text", ["yesterday", "2026-01-31T12:00:00", "5"])
def test_a_since_that_is_no_time_is_wrong_use(
    house: House, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--since", text]) == 2
    assert "2026-01-31T12:00:00Z" in capsys.readouterr().err


def test_a_queue_that_is_down_ends_the_replay_and_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house.keep(message(1))
    house.put_aside(message(2))
    (house.home / "file").write_text("in the way")
    monkeypatch.setattr("gateway.tools.recovery.REPLAY_SECONDS", 0.2)
    monkeypatch.setenv("QUEUE_URL", f"sqlite:///{house.home}/file/queue.db")
    assert main(["replay"]) == 2
    assert "Check the free disk space" in capsys.readouterr().err
    monkeypatch.setenv("QUEUE_URL", house.environment["QUEUE_URL"])
    assert main(["replay"]) == 0
    assert len(house.queued()) == 2


def test_killed_at_any_moment_everything_is_back_in_the_end(house: House) -> None:
    dice = random.Random(5)
    events = [message(user) for user in range(300)]
    house.keep(*events[:200])
    for event in events[200:]:
        house.put_aside(event)
    environment = os.environ | house.environment
    for _ in range(5):
        with open(os.devnull, "r+b") as devnull:
            process = start_command(
                "replay", env=environment, cwd=ROOT, stdin=devnull, stdout=devnull, stderr=devnull
            )
        already = house.queue.depth()
        while process.poll() is None and house.queue.depth() < already + dice.randrange(5, 40):
            time.sleep(0.005)
        process.kill()
        process.wait()
    assert main(["replay"]) == 0
    back = [json.loads(data)["event_id"] for data, _ in house.queued()]
    assert set(back) == {event.event_id for event in events}
    assert len(back) <= len(events) + 5, "only the one in hand goes out twice"
    assert main(["replay"]) == 0
    assert house.queued() == []


ROOT = Path(__file__).parents[2]


# Events kept in a log.


def kept_records(
    caplog: pytest.LogCaptureFixture, *messages: Message, **environment: str
) -> list[dict[str, Any]]:
    environ = {"K_SERVICE": "b24-bitrix-webhook", "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN}
    settings = load(environ | environment, None)
    caplog.clear()
    for event in messages:
        keep(event.to_bytes(), event.attributes("query:token"), settings)
    return [record.__dict__["json_fields"] for record in caplog.records]


def entry(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as `gcloud logging read --format=json` prints it; its numbers are doubles."""
    payload = json.loads(json.dumps(fields), parse_int=float)
    return {
        "severity": "CRITICAL",
        "timestamp": "2026-11-24T09:00:00Z",
        "jsonPayload": payload | {"message": "🛑"},
    }


LONG = '🎄Ё"\\' * 60_000


@pytest.mark.parametrize("form", ["an array", "an entry a line", "structured lines", "text entries"])
def test_an_export_comes_back_to_the_byte(
    house: House, caplog: pytest.LogCaptureFixture, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [message(1), message(2, LONG), message(3)]
    fields = kept_records(caplog, *events)
    assert len(fields) > 4
    random.Random(1).shuffle(fields)
    fields += fields[:3]
    severe = {"severity": "CRITICAL", "message": "🛑"}
    texts = {
        "an array": json.dumps([entry(record) for record in fields], indent=2),
        "an entry a line": "\n".join(json.dumps(entry(record), ensure_ascii=False) for record in fields),
        "structured lines": "\n".join(json.dumps(severe | record) for record in fields),
        "text entries": json.dumps(
            [{"textPayload": f"🛑 {{odd}} {json.dumps(record)} [CODE]"} for record in fields]
        ),
    }
    (house.home / "export.json").write_text(texts[form])
    assert main(["replay", str(house.home / "export.json"), "--json"]) == 0
    assert {record["from"] for record in json.loads(capsys.readouterr().out)} == {"file"}
    assert sorted(data for data, _ in house.queued()) == sorted(event.to_bytes() for event in events)
    assert main(["replay", str(house.home / "export.json")]) == 0
    assert house.queued() == []


def test_lines_of_our_own_log_come_back(house: House, caplog: pytest.LogCaptureFixture) -> None:
    (house.home / "var").write_text("in the way")
    events = [message(1), message(2, LONG)]
    settings = load(
        {
            "JOURNAL_URL": f"sqlite:///{house.home}/var/journal.db",
            "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
        },
        None,
    )
    for event in events:
        keep(event.to_bytes(), event.attributes("query:token"), settings)
    lines = [
        _Lines(Stderr(str)).format(worded(record, "en"))
        for record in caplog.records
        if record.levelno == logging.CRITICAL
    ]
    (house.home / "log.txt").write_text("something else {\n" + "\n".join(lines) + "\nand more\n")
    assert main(["replay", str(house.home / "log.txt")]) == 0
    assert sorted(data for data, _ in house.queued()) == sorted(event.to_bytes() for event in events)


def test_what_google_clouds_handler_writes_comes_back(
    house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard error of the functions, as `gcloud run services logs` or a terminal shows it."""
    events = [message(1), message(2, LONG)]
    kept_records(caplog, events[0])
    records = list(caplog.records)
    kept_records(caplog, events[1])
    capsys.readouterr()
    for record in [*records, *caplog.records]:
        _Structured("p-1234", Stderr(str)).handle(record)
    lines = capsys.readouterr().err
    assert max(len(line.encode()) for line in lines.split("\n")) < 256 * 1024
    (house.home / "log.txt").write_text(lines)
    assert main(["replay", str(house.home / "log.txt")]) == 0
    assert sorted(data for data, _ in house.queued()) == sorted(event.to_bytes() for event in events)


@pytest.mark.parametrize(
    ("text", "is_told"), [("# a page\n", True), ('{"code": "OTHER"}', True), ("[]", False), ("\n", False)]
)
def test_a_file_without_any_record_is_reported(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, is_told: bool
) -> None:
    (tmp_path / "export").write_text(text)
    assert main(["replay", "export"]) == (2 if is_told else 0)
    printed = capsys.readouterr()
    assert ("no EVENT_NOT_QUEUED record" in printed.err) is is_told
    assert ("Put back on the queue: 0" in printed.out) is not is_told


def test_a_log_is_read_from_standard_input(house: House, caplog: pytest.LogCaptureFixture) -> None:
    export = json.dumps([entry(record) for record in kept_records(caplog, message(1))])
    process = run_command("replay", "-", env=os.environ | house.environment, stdin=export.encode())
    assert (process.returncode, process.stderr) == (0, "")
    assert [data for data, _ in house.queued()] == [message(1).to_bytes()]


def test_an_event_with_a_part_missing_is_named(
    house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = kept_records(caplog, message(1, LONG), message(2))
    del fields[1]
    (house.home / "export.json").write_text(json.dumps([entry(record) for record in fields]))
    assert main(["replay", str(house.home / "export.json")]) == 1
    assert message(1, LONG).event_id in capsys.readouterr().err
    assert [data for data, _ in house.queued()] == [message(2).to_bytes()]


def test_two_records_of_one_event_are_not_mixed(caplog: pytest.LogCaptureFixture) -> None:
    """The id does not cover when the event was received: two deliveries differ in their bytes alone."""
    first, second = (
        message(1, LONG),
        replace(message(1, LONG), received_at=NOW + timedelta(hours=1)),
    )
    assert first.event_id == second.event_id
    first_records, second_records = kept_records(caplog, first), kept_records(caplog, second)
    parts = Parts("log", lambda _portal: TOKENS)
    joined = [
        event
        for event in map(
            parts.add, [*first_records[1:], *second_records[:1], *second_records[1:], *first_records[:1]]
        )
        if event
    ]
    assert [event.data for event in joined] == [second.to_bytes(), first.to_bytes()]


def test_a_token_of_another_portal_signs_no_kept_event(caplog: pytest.LogCaptureFixture) -> None:
    """That portal's administrator knows it, and may have lines written into a log."""
    tokens = f"p.bitrix24.ru={TOKEN},other.example={OTHER}"
    settings_of_both = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": tokens}, None)
    own = kept_records(caplog, message(), BITRIX24_OUTGOING_WEBHOOK_TOKEN=tokens)
    of_another = kept_records(caplog, message(), BITRIX24_OUTGOING_WEBHOOK_TOKEN=OTHER)
    caplog.clear()
    attributes = message().attributes("query:token") | {"portal": "other.example"}
    settings = load({"K_SERVICE": "b24-bitrix-webhook", "BITRIX24_OUTGOING_WEBHOOK_TOKEN": OTHER}, None)
    keep(message().to_bytes(), attributes, settings)
    of_two = [record.__dict__["json_fields"] for record in caplog.records]
    for [record], is_accepted in ((own, True), (of_another, False), (of_two, False)):
        parts = Parts("file", settings_of_both.tokens_of)
        assert (parts.add(record) is not None, parts.unsigned) == (is_accepted, int(not is_accepted))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "[[[[",
        "5",
        '{"code": "EVENT_NOT_QUEUED"}',
        '{"code": "EVENT_NOT_QUEUED", "payload": "x"}',
    ],
)
def test_a_text_without_events_yields_none(text: str) -> None:
    assert [event for event in map(Parts("file", lambda _portal: TOKENS).add, exported(text)) if event] == []


def test_cloud_logging_is_read_to_its_end(
    logging_api: tuple[type[CloudLogging], Any], caplog: pytest.LogCaptureFixture
) -> None:
    api, client = logging_api
    event = message(1, LONG)
    api.entries = [
        entry(record) | {"logName": "projects/p-1234/logs/stderr"}
        for record in reversed(kept_records(caplog, event))
    ]
    parts = Parts("log", lambda _portal: TOKENS)
    events = [
        record
        for record in map(parts.add, cloud_records("p-1234", "b24-bitrix-webhook", NOW, client))
        if record
    ]
    assert [(record.data, dict(record.attributes)) for record in events] == [
        (event.to_bytes(), event.attributes("query:token"))
    ]
    assert len(api.asked) > 1
    assert 'timestamp>="2026-11-24T09:00:00Z"' in api.asked[0]["filter"]
    assert 'resource.labels.service_name="b24-bitrix-webhook"' in api.asked[0]["filter"]
    assert 'logName="projects/p-1234/logs/run.googleapis.com%2Fstderr"' in api.asked[0]["filter"]
    assert api.asked[0]["resourceNames"] == ["projects/p-1234"]


def test_an_unreadable_log_is_reported(logging_api: tuple[type[CloudLogging], Any]) -> None:
    api, client = logging_api
    api.status = 403
    with raises(PassingFailure, match=r"roles/logging\.viewer") as caught:
        list(cloud_records("p-1234", "b24-bitrix-webhook", NOW, client))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"signature": ""},
        {"signature": "0" * 64},
        {"event": "ONUSERDELETE"},
        {"attributes": {"event": "ONUSERDELETE"}},
        {"payload": "{}", "sha256": ""},
        {"part": "x"},
    ],
)
def test_a_record_that_a_stranger_wrote_or_changed_is_left(
    house: House, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    [fields] = kept_records(caplog, message(1))
    (house.home / "export.json").write_text(json.dumps([entry(fields | change), entry({**fields, **change})]))
    assert main(["replay", str(house.home / "export.json")]) == 1
    assert "signature" in capsys.readouterr().err
    assert house.queued() == []


def test_a_record_outlives_a_rotation(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.home / "export.json").write_text(
        json.dumps([entry(record) for record in kept_records(caplog, message(1))])
    )
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", OTHER)
    assert main(["replay", str(house.home / "export.json")]) == 1
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", f"{OTHER},{TOKEN}")
    assert main(["replay", str(house.home / "export.json")]) == 0
    assert len(house.queued()) == 1


def test_a_damaged_journal_keeps_no_dead_letter_back(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    (house.home / "journal.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    house.put_aside(message(1))
    house.fail(message(2))
    assert main(["replay"]) == 2
    assert "journal.db" in capsys.readouterr().err
    assert len(house.queued()) == 2


# Dead letters, looked at and mended.


def listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["dead-letters", "--json"]) == 0
    letters: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return letters


def test_dead_letters_are_listed_whole(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.put_aside(message(1), "no user id")
    house.fail(message(2))
    first, second = listed(capsys)
    assert (first["event"], first["event_id"]) == ("ONUSERUPDATE", message(1).event_id)
    assert (first["reason"], first["attempts"]) == ("no user id", 1)
    assert first["message"] == json.loads(message(1).to_bytes())
    assert (second["reason"], second["attempts"], second["from"]) == ("the store is down", 1, "queue")
    assert datetime.fromisoformat(second["recorded_at"]).tzinfo is not None
    assert main(["dead-letters"]) == 0
    assert "no user id" in capsys.readouterr().out
    assert main(["dead-letters", "--event", "ONUSERADD", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_terminal_obeys_nothing_that_a_letter_holds(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.put_aside(message(1, "\x1b]0;title\x07 \x9b2J \u202e"), reason="\x1b[2J gone \x9b1A")
    capsys.readouterr()
    for arguments in ([], ["--json"], ["show", message(1, "\x1b]0;title\x07 \x9b2J \u202e").event_id]):
        assert main(["dead-letters", *arguments]) == 0
        assert not set(capsys.readouterr().out) & set("\x1b\x07\x9b\u202e")


def test_a_dead_letter_is_edited_and_put_back(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.put_aside(message(1))
    assert main(["dead-letters", "show", message(1).event_id[:10], "--message"]) == 0
    letter = json.loads(capsys.readouterr().out)
    letter["data"]["ID"] = "8"
    (house.home / "letter.json").write_text(json.dumps(letter))
    assert main(["dead-letters", "mend", message(1).event_id, str(house.home / "letter.json")]) == 0
    [(data, attributes)] = house.queued()
    assert json.loads(data) == letter
    assert attributes["event_id"] == message(1).event_id
    assert listed(capsys) == []


def test_a_dead_letter_that_becomes_another_event_goes_to_all_that_want_it(house: House) -> None:
    house.put_aside(message(1), subscription="on-user-update")
    edited = json.loads(message(1).to_bytes()) | {"event": "ONUSERADD"}
    (house.home / "letter.json").write_text(json.dumps(edited))
    assert main(["dead-letters", "mend", message(1).event_id, str(house.home / "letter.json")]) == 0
    delivery = leased(open_embedded(load(dotenv=None)))
    assert delivery is not None
    assert (delivery.subscription, delivery.attributes["event"]) == ("on-user-add", "ONUSERADD")


def test_an_edited_message_must_be_valid(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.put_aside(message(1))
    (house.home / "letter.json").write_text('{"schema": 2}')
    assert main(["dead-letters", "mend", message(1).event_id, str(house.home / "letter.json")]) == 1
    assert "show ID --message" in capsys.readouterr().err
    assert len(listed(capsys)) == 1
    assert house.queued() == []


def test_dead_letters_are_dropped(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    for user in range(3):
        house.put_aside(message(user))
    house.fail(message(9))
    assert main(["dead-letters", "drop", message(1).event_id]) == 0
    assert len(listed(capsys)) == 3
    assert main(["dead-letters", "drop"]) == 2
    assert main(["dead-letters", "drop", "--all"]) == 0
    assert listed(capsys) == []


def test_a_missing_or_ambiguous_letter_is_reported(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.put_aside(message(1))
    house.put_aside(message(2))
    assert main(["dead-letters", "show", "nothing"]) == 2
    assert "List them" in capsys.readouterr().err
    assert main(["dead-letters", "show", "store:"]) == 2
    assert "Name one of them" in capsys.readouterr().err


def test_a_person_is_forgotten(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.keep(message(7), message(8))
    house.fail(message(7))
    house.fail(message(8))
    assert forget_person(load(dotenv=None), "p.bitrix24.ru", 7) == 2
    assert [row["message"]["data"]["ID"] for row in listed(capsys)] == ["8"]
    main(["replay"])
    assert [json.loads(data)["data"]["ID"] for data, _ in house.queued()] == ["8", "8"]


def test_a_terminal_shows_a_progress_bar(house: House) -> None:
    """On a terminal of its own, made by the system."""
    house.keep(message(1))
    leader, follower = pty.openpty()
    environment = os.environ | house.environment | {"TERM": "xterm"}
    command = [sys.executable, "-m", "gateway", "replay"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower, env=environment, cwd=ROOT)
    os.close(follower)
    output = b""
    # The end of a terminal is an error on Linux.
    with suppress(OSError):
        while chunk := os.read(leader, 4096):
            output += chunk
    os.close(leader)
    assert process.wait() == 0
    assert b"Putting back on the queue" in output


# Pub/Sub's dead letters.


@pytest.fixture
def dead_topic(house: House, pubsub_topic: Topic, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    """Publishes to the dead-letter topic of a topic `events`, both named as deploy.sh names them."""
    monkeypatch.setenv("QUEUE_URL", pubsub_topic.url)
    pubsub_topic.create_topic("events-dead-letters")
    pubsub_topic.subscribe("events-dead-letters", "events-dead-letters")
    publisher = PubSub(pubsub_topic.project, "events-dead-letters")
    yield publisher
    publisher.close()


def test_pubsubs_dead_letters_come_back(
    dead_topic: PubSub, pubsub_topic: Topic, capsys: pytest.CaptureFixture[str]
) -> None:
    past = {
        "CloudPubSubDeadLetterSourceSubscription": "b24-on-user-update",
        "CloudPubSubDeadLetterSourceDeliveryCount": "10",
    }
    for user in range(150):
        event = message(user)
        dead_topic.publish(event.to_bytes(), event.attributes("query:token") | past, 10)
    # Looking at them takes none away.
    for _ in range(2):
        letters = listed(capsys)
        assert len({letter["event_id"] for letter in letters}) == len(letters) == 150
    assert letters[0]["reason"] == "b24-on-user-update: out of attempts"
    assert letters[0]["attempts"] == 10
    assert main(["dead-letters", "drop", message(0).event_id]) == 0
    assert main(["replay"]) == 0
    back = pubsub_topic.take()
    assert len({letter["attributes"]["event_id"] for letter in back}) == len(back) == 149
    assert all("CloudPubSubDeadLetterSourceSubscription" not in letter["attributes"] for letter in back)
    assert listed(capsys) == []
    assert main(["replay"]) == 0
    assert pubsub_topic.take() == []


def test_a_missing_dead_letter_subscription_is_reported(
    house: House, pubsub_topic: Topic, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUEUE_URL", pubsub_topic.url)
    assert main(["replay"]) == 0
    assert main(["replay", "--subscription", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
