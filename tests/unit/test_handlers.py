"""Messages as Eventarc and Pub/Sub's push deliver them: whose they are, and what happens to the hopeless."""

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from cloudevents.http.event import CloudEvent
from flask import Flask
from functions_framework import create_app

import handlers
from gateway.errors import PassingFailure, PortalUnavailable, StoreUnavailable
from gateway.events import Message, Portal
from gateway.links import open_store
from gateway.links.model import DeadLetter, Link
from gateway.locations import store_location
from gateway.queues.model import PUBSUB_TYPE
from gateway.texts import reason_text
from handlers import users
from tests.support.errors import logged
from tests.support.portal import SECRET, PortalSimulator

SOURCE = """
import functions_framework
from handlers import consume, users

@functions_framework.cloud_event
def on_user_update(event):
    consume(event, "ONUSERUPDATE", users.handle)
"""
P = "p.bitrix24.ru"


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/links.db"
    monkeypatch.setenv("DATABASE_URL", url)
    yield url
    handlers.close()


def message(event: str = "ONUSERUPDATE", event_id: str = "e1", data: object = None) -> Message:
    return Message(
        event_id=event_id,
        event=event,
        ts=1767225600,
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        source="webhook",
        portal=Portal(domain=P),
        data={"ID": "7", "UF_USR_TELEGRAM": "55"} if data is None else data,
    )


def envelope(data: bytes | None, attributes: dict[str, str] | None = None, **more: object) -> dict[str, Any]:
    inner: dict[str, Any] = {"messageId": "m1", "publishTime": "2026-01-01T00:00:00Z"}
    if data is not None:
        inner["data"] = base64.b64encode(data).decode()
    if attributes is not None:
        inner["attributes"] = attributes
    return {"message": inner, "subscription": "projects/p/subscriptions/s", **more}


def cloud_event(body: object, type_: str = PUBSUB_TYPE) -> CloudEvent:
    return CloudEvent({"type": type_, "source": "//pubsub.googleapis.com/projects/p/topics/t"}, body)


def consume(event: CloudEvent, name: str = "ONUSERUPDATE") -> None:
    handlers.consume(event, name, users.handle)


def published(event: Message) -> dict[str, Any]:
    return envelope(event.to_bytes(), event.attributes("body:auth.application_token"))


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A function of this one line, served by functions-framework as `main.py` is."""
    for name in ("FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE", "FUNCTION_SOURCE"):
        # It sets them for the process; they are restored afterwards.
        monkeypatch.setenv(name, "")
    source = tmp_path / "source.py"
    source.write_text(SOURCE)
    flask_app: Flask = create_app("on_user_update", str(source))  # type: ignore[no-untyped-call]
    flask_app.config["PROPAGATE_EXCEPTIONS"] = False
    return flask_app


def links(database: str) -> list[Link]:
    store = open_store(store_location(database))
    rows = list(store.links())
    store.close()
    return rows


def dead_letters(database: str) -> list[DeadLetter]:
    store = open_store(store_location(database))
    letters = list(store.dead_letters())
    store.close()
    return letters


def test_a_message_makes_a_link_once(database: str) -> None:
    for _ in range(2):
        consume(cloud_event(published(message())))
    assert [link.telegram_id for link in links(database)] == [55]
    store = open_store(store_location(database))
    assert [row.event_id for row in store.history()] == ["e1"]
    store.close()


@pytest.mark.parametrize("attributes", [True, False])
def test_an_event_for_another_consumer_is_acknowledged_and_not_recorded(
    database: str, attributes: bool
) -> None:
    for event in ("ONUSERADD", "ONTASKADD", "ONGATEWAYPROBE"):
        event_message = message(event, data={"no": "user"})
        body = published(event_message) if attributes else envelope(event_message.to_bytes())
        consume(cloud_event(body))
    consume(cloud_event(published(message()), "google.cloud.storage.object.v1.finalized"))
    assert not Path("links.db").exists()


NOT_OURS = json.dumps({"schema": 2, "event": "ONUSERUPDATE", "event_id": "x"}).encode()


@pytest.mark.parametrize(
    ("body", "event_id", "expected"),
    [
        (envelope(NOT_OURS, deliveryAttempt=4), "x", json.loads(NOT_OURS)),
        (envelope(b"not json \xff"), "m1", "not json \ufffd"),
        (envelope(b"[" * 100_000), "m1", "[" * 100_000),
        (envelope(b""), "m1", ""),
        (envelope(b"null"), "m1", None),
        (envelope(None, {"event": "ONUSERUPDATE", "event_id": "a\0b"}), "ab", ""),
        (envelope(message(event_id="e\0").to_bytes()), "e", ...),
        (envelope(b'{"event": "ONUSERUPDATE", "event_id": "e\\ud800"}'), "e?", ...),
        (envelope(message(data={"ID": "none"}).to_bytes()), "e1", ...),
        ({"message": {"data": "%%%"}}, "", ""),
        ({"message": 5}, "", ""),
        ([], "", ""),
        (None, "", ""),
    ],
)
def test_a_poison_message_is_kept_with_its_reason_and_acknowledged(
    database: str, caplog: pytest.LogCaptureFixture, body: Any, event_id: str, expected: object
) -> None:
    # Delivered again before it was acknowledged, it is still one.
    for _ in range(2):
        consume(cloud_event(body))
    [letter] = dead_letters(database)
    assert letter.event_id == event_id
    assert letter.reason
    assert expected is ... or letter.message == expected
    assert letter.attempts == (4 if isinstance(body, dict) and "deliveryAttempt" in body else 1)
    assert links(database) == []
    assert caplog.records[0].levelno == logging.ERROR
    assert reason_text(letter.reason, "en") in logged(caplog)


@pytest.fixture
def own_portal(portal: PortalSimulator, monkeypatch: pytest.MonkeyPatch) -> PortalSimulator:
    """The portal of the consumer's settings."""
    for name, value in portal.environ().items():
        monkeypatch.setenv(name, value)
    return portal


def test_fields_missing_from_an_event_are_read_from_the_portal(
    database: str,
    own_portal: PortalSimulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A stock portal's `ONUSERADD`, and a real request to `user.get`."""
    own_portal.add(7, telegram="@somebody")
    stock = {"ID": "7", "ACTIVE": "1", "EMAIL": "a@example.com", "NAME": "A"}
    event_message = replace(message("ONUSERADD", data=stock), portal=Portal(domain=own_portal.domain))
    consume(cloud_event(published(event_message)), "ONUSERADD")
    # It is of another portal, which is not asked about.
    elsewhere = message("ONUSERADD", "e2", stock)
    consume(cloud_event(published(elsewhere)), "ONUSERADD")
    usernames = {link.portal: link.telegram_username for link in links(database)}
    assert usernames == {own_portal.domain: "somebody", P: None}
    monkeypatch.setenv("BITRIX24_DOMAIN", "http://127.0.0.1:1")  # nobody listens there
    # The settings are read once a process.
    handlers.close()
    unanswered = replace(event_message, event_id="e3", portal=Portal(domain="127.0.0.1:1"))
    with pytest.raises(PortalUnavailable) as caught:
        consume(cloud_event(published(unanswered)), "ONUSERADD")
    assert SECRET not in repr(caught.value) + caplog.text


def test_other_peoples_rows_leave_the_link_but_not_what_the_event_said(
    database: str, own_portal: PortalSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A dropped filter returns whoever comes first: no row of that id, and asking again brings none."""
    own_portal.add(1, telegram="@first")
    own_portal.dropped = {"ID"}
    event_message = replace(message(), portal=Portal(domain=own_portal.domain))
    consume(cloud_event(published(event_message)))
    silent = replace(event_message, event_id="e2", data={"ID": "7", "NAME": "A"})
    consume(cloud_event(published(silent)))
    assert [(link.bitrix_user_id, link.telegram_id) for link in links(database)] == [(7, 55)]
    assert "other users instead of 7" in logged(caplog)
    dismissal = replace(silent, event_id="e3", data={"ID": "7", "ACTIVE": "N"})
    consume(cloud_event(published(dismissal)))
    assert [(link.telegram_id, link.active) for link in links(database)] == [(None, False)]


def test_an_unavailable_store_asks_for_redelivery_without_saying_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:hunter2hunter2@127.0.0.1:1/links")
    for body in (published(message()), envelope(NOT_OURS)):
        with pytest.raises(StoreUnavailable) as caught:
            consume(cloud_event(body))
        text = repr(caught.value) + repr(caught.value.__cause__)
        assert "hunter2" not in text
        assert "127.0.0.1" not in text
        assert caught.value.__suppress_context__


def test_an_unexpected_error_loses_its_text_but_not_its_place(caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: object) -> NoReturn:
        # The text must not be in this line's own traceback.
        raise KeyError(" ".join(("personal", "data")))

    with pytest.raises(PassingFailure) as caught:
        handlers.consume(cloud_event(published(message())), "ONUSERUPDATE", fail)
    assert "KeyError" in str(caught.value)
    assert caught.value.__context__ is None
    assert "personal data" not in caplog.text
    assert "in fail" in caplog.text


def test_the_functions_take_eventarcs_events_and_pubsubs_raw_pushes(database: str, app: Flask) -> None:
    """Through functions-framework, which passes on only part of a raw push."""
    client = app.test_client()
    headers = {
        "ce-id": "1",
        "ce-source": "//pubsub.googleapis.com/projects/p/topics/t",
        "ce-specversion": "1.0",
        "ce-type": PUBSUB_TYPE,
        "Content-Type": "application/json",
    }
    eventarc = published(message(event_id="e1"))
    assert client.post("/", json=eventarc, headers=headers).status_code == 200
    raw = published(message(event_id="e2", data={"ID": "8", "UF_USR_TELEGRAM": "@somebody"}))
    assert client.post("/", json=raw).status_code == 200
    assert client.post("/projects/p/topics/t", json=published(message("ONUSERADD", "e3"))).status_code == 200
    accounts = {link.bitrix_user_id: (link.telegram_id, link.telegram_username) for link in links(database)}
    assert accounts == {7: (55, None), 8: (None, "somebody")}


def test_a_failure_answers_an_error_without_the_payload(monkeypatch: pytest.MonkeyPatch, app: Flask) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////dev/null/links.db")
    answer = app.test_client().post("/", json=published(message(data={"ID": "7", "TELEGRAM": "@secretly"})))
    assert answer.status_code == 500
    assert b"secretly" not in answer.data


def test_a_failure_is_logged_with_the_attempt_of_pubsub(
    monkeypatch: pytest.MonkeyPatch, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker of one machine says it itself; here Pub/Sub pushed it."""
    monkeypatch.setenv("DATABASE_URL", "sqlite:////dev/null/links.db")
    body = published(message(data={"ID": "7", "TELEGRAM": "@secretly"})) | {"deliveryAttempt": 3}
    assert app.test_client().post("/", json=body).status_code == 500
    [record] = [log_record for log_record in caplog.records if log_record.name == "gateway.outcome"]
    fields = record.json_fields  # type: ignore[attr-defined]
    assert (record.levelno, fields["code"], fields["attempt"]) == (logging.WARNING, "EVENT_FAILED", 3)
    assert (fields["subscription"], fields["event_id"], fields["bitrix_user_id"]) == ("s", "e1", 7)
    assert "Pub/Sub delivers it again" in logged(caplog)
    assert "secretly" not in logged(caplog)
    caplog.clear()
    with pytest.raises(StoreUnavailable):
        consume(cloud_event(body))
    assert "EVENT_FAILED" not in [
        getattr(log_record, "json_fields", {}).get("code") for log_record in caplog.records
    ]
