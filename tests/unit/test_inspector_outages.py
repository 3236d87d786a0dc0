"""The overview while a part is out of order: the page opens, and says what does not answer."""

import html
import sqlite3
from contextlib import closing

import pytest

from gateway.errors import GatewayError, PassingFailure
from gateway.journal import Journal
from gateway.local.inspector.words import words
from gateway.queues import open_embedded
from gateway.settings import Settings
from gateway.texts import text_of
from tests.support.inspector import Browser

GARBAGE = b"this is no database, and long enough to be looked at" * 100


def page_text(browser: Browser, path: str = "") -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return html.unescape(answer.text).replace("<wbr>", "")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_broken_queue_is_not_called_empty(browser: Browser, settings: Settings, language: str) -> None:
    settings.files["QUEUE_URL"].write_bytes(GARBAGE)
    with pytest.raises(PassingFailure) as failure:
        open_embedded(settings).depths()
    browser.speak(language)
    for path in ("/requests", "/requests/live"):
        assert words("QUEUE_SILENT", language) in page_text(browser, path)
        assert words("QUEUE_PUBSUB", language) not in page_text(browser, path)
    assert text_of(failure.value, language) in page_text(browser)
    assert words("DEAD_NONE", language) not in page_text(browser, "/dead")


def test_a_broken_store_of_links_is_wrong_now(browser: Browser, settings: Settings) -> None:
    settings.files["DATABASE_URL"].write_bytes(GARBAGE)
    assert str(settings.files["DATABASE_URL"]) in page_text(browser)
    answer = browser.get("/links")
    assert answer.status_code == 503
    assert words("BACK", "en") in answer.text


def test_a_journal_that_cannot_be_written_is_wrong_until_it_can(
    browser: Browser, journal: Journal, settings: Settings
) -> None:
    journal.add_round({"code": "RESYNC_DONE"})
    assert journal.failure is None
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not journal.add_round({"code": "RESYNC_DONE"})
        failure: GatewayError | None = journal.failure
        assert failure is not None
        for language in ("en", "ru"):
            browser.speak(language)
            assert text_of(failure, language) in page_text(browser)
        other.execute("ROLLBACK")
    assert journal.add_round({"code": "RESYNC_DONE"})
    assert text_of(failure, "ru") not in page_text(browser)
