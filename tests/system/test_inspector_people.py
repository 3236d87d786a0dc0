"""In a browser: a dead letter mended and requeued, the link's history, a person forgotten; and the tools."""

import json
import re
from contextlib import suppress
from pathlib import Path

from gateway.journal import Journal
from gateway.local.inspector.words import words
from gateway.locations import sqlite_file
from tests.support.chromium import Chromium, Tab
from tests.support.deliveries import OTHER_TOKEN, PORTAL, form
from tests.support.processes import Running, Start, wait_for

# In seconds: a slow machine is no failure.
WITHIN = 60.0


def inspector_link(server: Running) -> str:
    match = wait_for(lambda: re.search(r"http://\S+/inspector\?key=\S+", server.log()), WITHIN)
    assert match is not None
    return match[0]


def go(tab: Tab, view: str) -> None:
    """Open a view by the navigation, and see that nothing of it is wider than the window."""
    tab.click(f"[data-go='{view}']")
    tab.wait(f"document.querySelector('nav [aria-current]')?.dataset.go === '{view}'", WITHIN)
    fits(tab)


def shows(tab: Tab, text: str) -> None:
    """Wait for a text, and for the page's scripts: what is clicked before them does something else."""
    tab.shows(text)
    fits(tab)


def fits(tab: Tab) -> None:
    """On a desk, and on the phone that it is then again."""
    tab.wait("document.readyState === 'complete'", WITHIN)
    for window in (1360, 375):
        tab.size(window, 812)
        assert tab.run("document.documentElement.scrollWidth") <= window


def chosen(tab: Tab, language: str) -> None:
    tab.run(
        f"document.querySelector('select[name=language]').value = '{language}';"
        "document.querySelector('select[name=language]').dispatchEvent(new Event('change'))"
    )
    tab.wait(f"document.documentElement.lang === '{language}' && document.readyState === 'complete'", WITHIN)


def test_from_a_dead_letter_to_a_forgotten_person(start_serve: Start, browser: Chromium) -> None:
    server = start_serve(LOG_LANGUAGE="en", BITRIX24_DOMAIN=PORTAL)

    def say(key: str, **values: object) -> str:
        return words(key, "ru", **values)

    accepted = server.post(form(data={"ID": "<b>12</b>", "UF_USR_TELEGRAM": "@ivan_petrov"})).json
    journal = Journal(sqlite_file("JOURNAL_URL", server.env["JOURNAL_URL"]).path)
    wait_for(lambda: (row := journal.request(accepted["event_id"])) and row.kind == "aside", WITHIN)
    with browser.person() as tab:
        tab.size(375, 812)
        tab.open(inspector_link(server))
        chosen(tab, "ru")

        go(tab, "d")
        shows(tab, say("REASON_NO_USER_ID"))
        tab.click("ONUSERUPDATE")
        shows(tab, say("DEAD_MESSAGE"))
        tab.run("document.querySelector('#message').value = "
                "document.querySelector('#message').value.replace('<b>12</b>', '12')")  # fmt: skip
        tab.click(say("DEAD_SAVE"))
        shows(tab, say("DEAD_REQUEUED", n=1))
        shows(tab, say("CAME_LINK_SYNCED", account="@ivan_petrov", user=12))
        shows(tab, say("DEAD_NONE"))

        go(tab, "l")
        tab.click(say("PERSON_N", user=12))
        shows(tab, say("HISTORY"))
        shows(tab, "@ivan_petrov")
        tab.click(say("SOURCE_WEBHOOK"))
        tab.wait(f"location.pathname.endsWith('/r/{accepted['request_id']}')", WITHIN)
        fits(tab)
        tab.run("history.back()")
        shows(tab, say("FORGET"))
        tab.run("window.confirm = (text) => { window.asked = text; return false; }")
        tab.click(say("FORGET"))
        tab.wait("window.asked", WITHIN)
        assert tab.run("window.asked") == say("FORGET_ASK", user=12, portal=PORTAL)
        tab.run("window.confirm = () => true")
        tab.click(say("FORGET"))
        shows(tab, say("LINKS_NONE"))
        assert browser.errors == []
    assert journal.request(accepted["event_id"]) is None
    stored = Path(server.env["DATABASE_URL"].removeprefix("sqlite:///")).read_bytes()
    assert b"ivan_petrov" not in stored


def test_explained_checked_tested_and_read_up_in_a_browser(start_serve: Start, browser: Chromium) -> None:
    server = start_serve(LOG_LANGUAGE="en")
    with browser.person() as tab:
        tab.size(375, 812)
        tab.open(inspector_link(server))
        go(tab, "e")
        tab.run(f"document.querySelector('#pasted').value = {json.dumps(form(token=OTHER_TOKEN).decode())}")
        tab.click(".stack .primary")
        shows(tab, "Another webhook's token")
        tab.click(words("GUIDE", "en"))
        tab.wait("location.hash === '#token_other_webhook' && document.querySelector(':target')", WITHIN)
        fits(tab)

        go(tab, "c")
        tab.click(words("CHECK_RUN", "en"))
        shows(tab, "accepted tokens: 1")
        tab.wait("!document.body.innerText.includes('Checking')", WITHIN)
        tab.click(words("CHECK_SEND", "en"))
        shows(tab, "200 EVENT_QUEUED")
        shows(tab, words("PROBE_PASSED", "en"))
        go(tab, "p")
        shows(tab, "BITRIX24_WEBHOOK_TOKEN")
        chosen(tab, "ru")
        fits(tab)
        # One line, in Russian too.
        tab.size(1360, 812)
        assert tab.run("document.querySelector('header').offsetHeight") < 70
        assert browser.errors == []
    with suppress(FileNotFoundError):
        assert OTHER_TOKEN not in Path(server.env["JOURNAL_URL"].removeprefix("sqlite:///")).read_text(
            errors="replace"
        )
