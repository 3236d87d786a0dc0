"""The inspector's polling and check, with a portal that answers and a webhook that is real."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.journal import Journal
from gateway.links import open_store
from gateway.links.model import Account, Moment, Observation
from gateway.local.inspector.frame import Parts
from gateway.local.recorder import Recorder
from gateway.queues import open_embedded
from gateway.settings import Settings, load
from tests.support.deliveries import TOKEN
from tests.support.inspector import Browser
from tests.support.portal import SECRET, PortalSimulator, error
from tests.support.processes import wait_for


@pytest.fixture
def settings(tmp_path: Path, portal: PortalSimulator) -> Settings:
    values = {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "LOG_LANGUAGE": "en", **portal.environ()}
    values |= {"JOURNAL_URL": f"sqlite:///{tmp_path}/j.db", "DATABASE_URL": f"sqlite:///{tmp_path}/l.db"}
    return load(values | {"QUEUE_URL": f"sqlite:///{tmp_path}/q.db", "RESYNC_EVERY": "30m"}, None)


@pytest.fixture
def recorder(settings: Settings, journal: Journal, caplog: pytest.LogCaptureFixture) -> Iterator[Recorder]:
    caplog.set_level(logging.INFO, "gateway.portal.resync")
    recorder = Recorder(settings, journal)
    recorder.attach()
    yield recorder
    recorder.close()


@pytest.fixture
def browser(settings: Settings, journal: Journal, recorder: Recorder) -> Iterator[Browser]:
    yield Browser(settings, journal, Parts(recorder=recorder))
    open_embedded(settings).close()


def state_after_round(browser: Browser) -> str:
    """The state of polling once the round that was started is over."""

    def over() -> str:
        page = browser.get("/polling/live").text
        return "" if "A round is running" in page else page

    return wait_for(over, 60)


def page_once(browser: Browser, as_wanted: Callable[[str], bool]) -> str:
    """The page once its list of rounds, which is written behind them, is as wanted."""

    def page_if_wanted() -> str:
        page = browser.get("/polling").text
        return page if as_wanted(page) else ""

    return wait_for(page_if_wanted, 60)


def test_a_round_now_and_one_that_changes_nothing(
    browser: Browser, portal: PortalSimulator, settings: Settings
) -> None:
    for user in range(1, 61):
        portal.add(user, 1000 + user)
    portal.add(70, "+7 999 123")
    assert "No rounds yet" in browser.get("/polling").text
    assert "The next round" in browser.get("/polling").text
    assert browser.post("/polling/run", dry="1").status_code == 303
    assert "would be queued: 60" in state_after_round(browser)
    queue = open_embedded(settings)
    assert queue.depth() == 0
    browser.post("/polling/run")
    assert "Users: 61, changes: 60" in state_after_round(browser)
    assert queue.depth() == 60
    page = page_once(browser, lambda text: text.count("<tr>") == 3)
    assert "Dry run" in page
    assert re.search(r'href="/inspector/links/person\?portal=[^"]+user=70"', page)
    assert SECRET not in page


def test_without_an_incoming_webhook_nothing_can_be_started(tmp_path: Path, journal: Journal) -> None:
    values = {"DATABASE_URL": f"sqlite:///{tmp_path}/l.db", "LOG_LANGUAGE": "en"}
    page = Browser(load(values, None), journal).get("/polling").text
    assert "BITRIX24_WEBHOOK_TOKEN" in page
    assert page.count("disabled") == 2


def test_a_round_that_fails_says_why_and_stands_in_the_list(
    browser: Browser, portal: PortalSimulator
) -> None:
    portal.faults.append(lambda call: error("insufficient_scope", 401))
    browser.post("/polling/run")
    assert "Users (user)" in state_after_round(browser)
    page = page_once(browser, lambda text: ">failed<" in text)
    assert SECRET not in page


def test_links_at_risk_end_only_by_a_second_yes(
    browser: Browser, portal: PortalSimulator, settings: Settings
) -> None:
    at = Moment(datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) - timedelta(days=1))
    with closing(open_store(settings.database)) as store:
        for user in range(1, 21):
            store.apply(portal.domain, f"e{user}", [Observation(user, Account(user), at, True, at)])
    for user in range(1, 21):
        portal.add(user, "" if user > 10 else user)
    browser.post("/polling/run")
    page = state_after_round(browser).replace("\N{NO-BREAK SPACE}", " ")
    assert "End 10 links" in page
    assert "lose access" in page
    assert open_embedded(settings).depth() == 0
    browser.post("/polling/run", confirm="10")
    assert "of these unlinked: 10" in state_after_round(browser)


def test_conflicts_are_named(browser: Browser, journal: Journal, portal: PortalSimulator) -> None:
    about = {"event_id": "e1", "subscription": "on-user-update", "portal": portal.domain, "bitrix_user_id": 7}
    journal.add_outcome({**about, "code": "LINK_CONFLICT", "account": "@ivan_petrov"})
    journal.add_outcome({**about, "code": "LINK_SYNCED", "bitrix_user_id": 8})
    page = browser.get("/polling").text
    assert "Conflicts" in page
    assert re.search(r"user=7\"[^>]*>User 7</a> · @ivan_petrov<", page)
    assert "User 8" not in page


def test_the_doctor_ticks_off_its_checks(browser: Browser) -> None:
    assert browser.post("/check/run").status_code == 303

    def over() -> str:
        page = browser.get("/check").text
        return "" if "Checking" in page else page

    page = wait_for(over, 60)
    assert page.count('<span class="tag ok">ok</span>') >= 3
    assert "incoming webhook" in page
    assert "skipped" in page  # no public address
    assert SECRET not in page
    assert TOKEN not in page
    browser.speak("ru")
    assert "в порядке" in browser.get("/check/live").text


def test_no_test_event_links_anybody(settings: Settings, journal: Journal, recorder: Recorder) -> None:
    browser = Browser(settings, journal, Parts(webhook=lambda *_: [], recorder=recorder))
    page = browser.get("/check").text
    assert "ONTASKUPDATE" in page
    assert "ONUSER" not in page
    assert browser.post("/check/test", event="ONUSERUPDATE").status_code == 404
