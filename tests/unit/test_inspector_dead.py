"""Dead letters on the page: all sources in one list; what is mended and requeued keeps its fate."""

import html
import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gateway.events import webhook_message
from gateway.journal import Journal, NewRequest
from gateway.links import open_store
from gateway.links.model import DeadLetter
from gateway.queues import open_embedded
from gateway.settings import Settings
from tests.support.deliveries import PORTAL, delivery
from tests.support.inspector import Browser, page_settings

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return page_settings(tmp_path, FORWARD_TO="http://bot.internal")


@pytest.fixture
def browser(settings: Settings, journal: Journal) -> Iterator[Browser]:
    yield Browser(settings, journal)
    open_embedded(settings).close()


def message(data: Any, event: str = "ONUSERUPDATE") -> dict[str, Any]:
    whole = webhook_message(delivery(event, data), NOW, [], "")
    return dict(json.loads(whole.to_bytes()))


def put_aside(settings: Settings, data: Any) -> dict[str, Any]:
    whole = message(data)
    letter = DeadLetter(whole["event"], whole["event_id"], "REASON_NO_USER", 1, whole, NOW)
    with closing(open_store(settings.database)) as store:
        store.add_dead_letter(letter)
    return whole


def out_of_attempts(settings: Settings, event: str = "ONTASKADD") -> dict[str, Any]:
    whole = message({"FIELDS_AFTER": {"ID": "5"}}, event)
    queue = open_embedded(settings)
    queue.publish(json.dumps(whole).encode(), {"event": event, "event_id": whole["event_id"]}, 10)
    forwarder = queue.subscriptions[-1].name
    queue.settle(
        [], [(leased, "http://bot.internal: 503", None) for leased in queue.lease(forwarder, 60, 10)]
    )
    return whole


def ids(browser: Browser) -> list[str]:
    values = re.findall(r'name="id" value="([^"]+)"', browser.get("/dead").text)
    return [html.unescape(value) for value in values]


def waiting(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    queue = open_embedded(settings)
    deliveries = [
        delivery
        for subscription in queue.subscriptions
        for delivery in queue.lease(subscription.name, 60, 100)
    ]
    return [(delivery.subscription, json.loads(delivery.data)) for delivery in deliveries]


def test_an_empty_list_says_that_nothing_is_undelivered(browser: Browser) -> None:
    assert "no dead letters" in browser.get("/dead").text


def test_all_sources_in_one_list_with_reasons_in_the_readers_language(
    browser: Browser, settings: Settings, journal: Journal
) -> None:
    put_aside(settings, {"NAME": "Ivan"})
    out_of_attempts(settings)
    unqueued = message({"ID": "12"})
    text = json.dumps(unqueued)
    record = {"event": "ONUSERUPDATE", "event_id": unqueued["event_id"], "payload": text, "attributes": {}}
    journal.add_unqueued(record)
    page = browser.get("/dead").text
    assert len(ids(browser)) == 3
    assert all(
        text in page for text in ("no user in data", "bot.internal: 503", "did not accept the event", PORTAL)
    )
    assert "User 12" in page
    browser.speak("ru")
    page = browser.get("/dead").text
    assert all(text in page for text in ("в data нет пользователя", "очередь не приняла событие вовремя"))
    assert 'data-count="3"' in page


def test_a_letter_is_edited_requeued_and_its_outcome_shown(
    browser: Browser, settings: Settings, journal: Journal
) -> None:
    whole = put_aside(settings, {"NAME": "Ivan"})
    event_id = whole["event_id"]
    request = NewRequest(
        request_id="00000000000000aa", at=NOW.timestamp(), kind="accepted", code="EVENT_QUEUED", status=200,
        event="ONUSERUPDATE", event_id=event_id, portal=PORTAL,
    )  # fmt: skip
    journal.add_requests([request])
    about = {"event_id": event_id, "subscription": "on-user-update", "portal": PORTAL}
    journal.add_outcome({**about, "code": "EVENT_PUT_ASIDE", "reason": "REASON_NO_USER"})
    assert journal.request(event_id).kind == "aside"  # type: ignore[union-attr]
    [letter] = ids(browser)
    page = browser.get(f"/dead/letter?id={quote(letter)}").text
    assert "&#34;NAME&#34;: &#34;Ivan&#34;" in page
    refused = browser.post("/dead/mend", id=letter, message='{"schema": 1}')
    assert (refused.status_code, "was not accepted" in refused.text) == (400, True)
    assert len(ids(browser)) == 1
    mended = {**whole, "data": {"ID": "12", "UF_USR_TELEGRAM": "5"}}
    assert browser.post("/dead/mend", id=letter, message=json.dumps(mended)).status_code == 303
    assert ids(browser) == []
    assert next(event["data"] for _, event in waiting(settings)) == mended["data"]
    assert "waiting on the queue" in browser.get("/dead/live").text
    assert journal.request(event_id).tag == "accepted"  # type: ignore[union-attr]
    journal.add_outcome({**about, "code": "LINK_SYNCED", "bitrix_user_id": 12, "account": "5"})
    assert "linked: 5 → user 12" in browser.get("/dead").text
    assert journal.request(event_id).tag == "linked"  # type: ignore[union-attr]
    assert browser.get(f"/dead/letter?id={quote(letter)}").status_code == 404


def test_a_letter_is_requeued_only_to_the_subscription_that_failed(
    browser: Browser, settings: Settings
) -> None:
    out_of_attempts(settings)
    out_of_attempts(settings, "ONTASKDELETE")
    first, _ = ids(browser)
    answer = browser.post("/dead/requeue", id=first)
    assert str(answer.location).endswith("requeued=1")
    assert [(name, event["event"]) for name, event in waiting(settings)] == [
        (open_embedded(settings).subscriptions[-1].name, "ONTASKADD")
    ]
    assert str(browser.post("/dead/requeue", all="1").location).endswith("requeued=1")
    assert ids(browser) == []
    assert str(browser.post("/dead/requeue", id="queue:99").location).endswith("requeued=0")
    assert "Nothing was changed" in browser.get("/dead?requeued=0").text


def test_a_letter_is_deleted_only_with_the_pages_token(browser: Browser, settings: Settings) -> None:
    out_of_attempts(settings)
    [letter] = ids(browser)
    assert "data-confirm" in browser.get("/dead").text
    assert browser.client.post("/inspector/dead/delete", data={"id": letter}).status_code == 403
    assert len(ids(browser)) == 1
    assert str(browser.post("/dead/delete", id=letter).location).endswith("deleted=1")
    assert ids(browser) == []
    assert waiting(settings) == []


def test_markup_in_a_letter_is_shown_and_never_run(browser: Browser, settings: Settings) -> None:
    put_aside(settings, {"NAME": "</textarea><script>alert(1)</script>"})
    [letter] = ids(browser)
    assert not re.search(r"<script(?! src)", browser.get(f"/dead/letter?id={quote(letter)}").text)


def test_an_unreadable_source_does_not_hide_the_others(browser: Browser, settings: Settings) -> None:
    out_of_attempts(settings)
    settings.files["DATABASE_URL"].write_bytes(b"this is no database" * 100)
    page = browser.get("/dead")
    assert (page.status_code, 'role="alert"' in page.text, len(ids(browser))) == (200, True, 1)
