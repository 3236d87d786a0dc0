"""The inspector where things are less than perfect: two tabs, no network, no session, no script, no mouse."""

import re
import time
from collections.abc import Iterator

import pytest

from gateway.journal import Journal
from gateway.local.inspector import VIEWS
from gateway.local.inspector.words import words
from gateway.settings import load
from tests.support.chromium import Chromium, Tab
from tests.support.contrast import FAINT
from tests.support.deliveries import OTHER_TOKEN, form
from tests.support.inspector import OWN_WORDS, link
from tests.support.processes import Running, Start, wait_for
from tests.support.sample_day import fill

LOOKS = "performance.getEntriesByType('resource').filter((one) => one.name.includes('/live')).length"


@pytest.fixture(scope="module")
def server(start_module_serve: Start) -> Running:
    """A gateway with a day behind it, whose operator reads Russian."""
    server = start_module_serve(LOG_LANGUAGE="ru", BITRIX24_DOMAIN="p.bitrix24.ru")
    settings = load({name: value for name, value in server.env.items() if name.isupper()}, None)
    journal = Journal(settings.journal.path)
    fill(journal, settings, time.time())
    journal.close()
    return server


@pytest.fixture
def tab(server: Running, browser: Chromium) -> Iterator[Tab]:
    """Somebody who has just opened the inspector."""
    with browser.person() as tab:
        tab.size(1360, 900)
        tab.open(link(server))
        yield tab


def base(server: Running) -> str:
    return f"http://127.0.0.1:{server.port}/inspector"


def sent_event(server: Running, domain: str) -> str:
    """A rejected request that equals none before it; its id."""
    return str(server.post(form(token=OTHER_TOKEN, domain=domain)).json["request_id"])


def until(tab: Tab, address: str, selector: str) -> None:
    """Open a page again and again until it shows what consumers have still to do."""

    def is_there() -> bool:
        tab.open(address)
        return bool(tab.run(f"Boolean(document.querySelector({selector!r}))"))

    wait_for(is_there, 60)


def test_two_tabs_of_one_person_stay_in_step(server: Running, browser: Chromium, tab: Tab) -> None:
    tab.open(base(server))
    tab.wait("!document.querySelector('#badge-requests').hidden")
    other = browser.tab(beside=tab)
    other.size(1360, 900)
    other.open(f"{base(server)}/requests")
    tab.front()
    # The other tab has shown them.
    tab.wait("document.querySelector('#badge-requests').hidden")
    new = sent_event(server, "two-tabs.bitrix24.ru")
    tab.wait(f"document.querySelector('#latest #row-{new}')")
    tab.wait("document.title.startsWith('(1) ')")
    other.front()
    other.wait(f"document.querySelector('#row-{new}')")
    tab.front()
    tab.wait("!document.title.startsWith('(')")
    # Each has its own place, and neither takes the other along.
    other.front()
    other.press("j")
    other.wait(f"location.search.includes('open={new}')")
    tab.front()
    tab.press("g", "d")
    tab.wait("location.pathname.endsWith('/dead')")
    other.front()
    other.click(words("JUDGE", "ru"))
    other.shows("TOKEN_MISMATCH")
    assert other.run("location.search").endswith(f"open={new}")
    assert browser.errors == []


def test_a_letter_deleted_in_one_tab_cannot_be_put_back_in_another(
    server: Running, browser: Chromium, tab: Tab
) -> None:
    server.post(form("ONUSERADD", {"NAME": "nobody"}, domain="p.bitrix24.ru"))
    until(tab, f"{base(server)}/dead", "[name=id]")
    other = browser.tab(beside=tab)
    other.open(f"{base(server)}/dead")
    for each_tab in (tab, other):
        each_tab.run("document.querySelector('[name=id]').checked = true")
    tab.front()
    tab.run("window.confirm = () => true")
    tab.click(words("DEAD_DELETE_CHOSEN", "ru"))
    tab.shows(words("DEAD_DELETED", "ru", n=1).replace("\N{NO-BREAK SPACE}", " "))
    other.front()
    other.click(words("DEAD_REQUEUE_CHOSEN", "ru"))
    other.shows(words("DEAD_CHOSEN_NONE", "ru"))


def test_a_lost_connection_is_shown_and_recovers_by_itself(server: Running, tab: Tab) -> None:
    tab.open(f"{base(server)}/requests")
    tab.offline(True)
    tab.wait("document.querySelector('#live.lost')")
    tab.shows(words("LOST", "ru"))
    tab.wait(
        "document.querySelector('#announce').textContent === document.querySelector('#live').textContent"
    )
    new = sent_event(server, "while-away.bitrix24.ru")
    tab.offline(False)
    tab.wait("!document.querySelector('#live.lost')")
    tab.wait(f"document.querySelector('#row-{new}')")


def test_an_open_tab_whose_session_ends_says_so(server: Running, tab: Tab) -> None:
    tab.open(f"{base(server)}/requests")
    tab.ask("Network.clearBrowserCookies")
    # How it is opened again.
    tab.shows("INSPECTOR_PASSWORD")
    assert not tab.run("document.querySelector('.row')")


def test_back_leads_to_the_list_as_it_was(server: Running, tab: Tab) -> None:
    tab.open(f"{base(server)}/requests?show=refused")
    tab.press("j")
    tab.wait("document.querySelector('#detail h1') && location.search.includes('open=')")
    title = tab.run("document.querySelector('#detail h1').textContent")
    tab.click("#chip-accepted")
    tab.wait("location.search === '?show=accepted'")
    tab.run("history.back()")
    tab.wait("location.search.includes('show=refused') && location.search.includes('open=')")
    tab.wait("document.querySelector('#detail h1') && document.querySelector('.row.sel')")
    assert tab.run("document.querySelector('#detail h1').textContent") == title
    # The same address opens the same in another browser.
    address = tab.run("location.href")
    tab.open(base(server))
    tab.open(address)
    assert tab.run("document.querySelector('#detail h1').textContent") == title


def test_news_take_the_focus_from_nobody(server: Running, tab: Tab) -> None:
    tab.open(f"{base(server)}/requests?show=refused")
    for chosen in ("#chip-refused", "a[id^=bar-]:not([tabindex])"):
        tab.run(f"document.querySelector('{chosen}').focus()")
        focused = tab.run("document.activeElement.id || document.activeElement.name")
        before = tab.run(LOOKS)
        tab.wait(f"{LOOKS} >= {before} + 2")
        assert tab.run("document.activeElement.id || document.activeElement.name") == focused, chosen


def test_the_focus_is_visible_without_a_mouse(server: Running, tab: Tab) -> None:
    for view in ("requests", "polling", "check"):
        tab.open(f"{base(server)}/{view}")
        places = set()
        for _ in range(30):
            tab.press("Tab")
            place, outline = tab.run(
                "(() => { const one = document.activeElement, style = getComputedStyle(one); "
                "return [one.outerHTML.slice(0, 120), `${style.outlineStyle} ${style.outlineWidth}`]; })()"
            )
            if place.startswith("<body"):
                break
            assert outline in ("solid 2px", "auto 1px"), (view, place)
            places.add(place)
        assert len(places) > 10, view


def test_without_scripts_it_is_read_and_clicked_all_the_same(server: Running, tab: Tab) -> None:
    tab.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.ask("Page.navigate", url=f"{base(server)}/requests?show=refused")
        tab.wait("document.querySelector('.row') && location.search === '?show=refused'")
        assert "UTC" in tab.run("document.querySelector('.row time').textContent")
        tab.click(".row")
        tab.wait("location.pathname.includes('/r/') && document.querySelector('.det')")
        tab.shows(words("TAB_PLACES", "ru"))
        tab.shows(words("TAB_BODY", "ru"))
        tab.click(words("JUDGE", "ru"))
        tab.shows("TOKEN_MISMATCH")
    finally:
        tab.ask("Emulation.setScriptExecutionDisabled", value=False)


def test_no_view_of_the_english_page_has_a_russian_word(server: Running, tab: Tab) -> None:
    tab.run(
        "(() => { window.old = true; const one = document.querySelector('select[name=language]'); "
        "one.value = 'en'; one.dispatchEvent(new Event('change')); })()"
    )
    tab.wait("!window.old && document.readyState === 'complete'")
    assert tab.run("document.documentElement.lang") == "en"
    refused = sent_event(server, "words.bitrix24.ru")
    tab.open(f"{base(server)}/requests")
    tab.wait(f"document.querySelector('#row-{refused}')")
    views = [view.name for view in VIEWS if view.name not in ("overview", "guide")]
    for path in ("", *(f"/{view}" for view in views), f"/r/{refused}"):
        tab.open(base(server) + path)
        assert not re.findall(r"[а-яё]{2,}", tab.run(OWN_WORDS), re.IGNORECASE), path


def test_long_values_fit_a_phone(server: Running, tab: Tab) -> None:
    portal = ".".join(["p" * 60] * 4) + ".ru"
    long_event = f"ON{'VERYLONG' * 12}"
    request_ids = [
        sent_event(server, portal),
        server.post(form(long_event, {"ID": "1", "X" * 300: "y" * 3000}, domain=portal)).json["request_id"],
        server.post(form("ONUSERADD", {"NAME": "N" * 300}, domain=portal)).json["request_id"],
    ]
    name = {"ID": "9" * 15, "NAME": "Имя" * 100, "UF_USR_TELEGRAM": "@" + "n" * 32}
    server.post(form("ONUSERUPDATE", name, domain=portal))
    tab.size(375, 812)
    until(tab, f"{base(server)}/links?portal={portal}", "td a")
    person = tab.run("document.querySelector('td a').getAttribute('href')")
    until(tab, f"{base(server)}/dead", "td .button")
    letter = tab.run("document.querySelector('td .button').getAttribute('href')")
    views = [
        "",
        "/requests",
        "/links",
        "/dead",
        "/polling",
        *(f"/r/{request_id}" for request_id in request_ids),
    ]
    for path in (*(f"/inspector{view}" for view in views), person, letter):
        tab.open(f"http://127.0.0.1:{server.port}{path}")
        wide = tab.run(
            "[...document.querySelectorAll('main *')].filter((one) => !one.closest('.scroll, .chips, .tabs') "
            "&& one.getBoundingClientRect().right > 376).map((one) => one.outerHTML.slice(0, 200))"
        )
        assert tab.run("document.documentElement.scrollWidth") <= 375, (path, wide)
        for scheme in ("dark", "light"):
            tab.scheme(scheme)
            assert tab.run(FAINT) == [], (path, scheme)


def test_answers_to_forms_can_be_read(server: Running, tab: Tab) -> None:
    def can_be_read() -> None:
        for scheme in ("light", "dark"):
            tab.scheme(scheme)
            assert tab.run(FAINT) == [], scheme

    tab.open(f"{base(server)}/explain")
    tab.run("document.querySelector('#pasted').value = 'curl http://x/api/bitrix/webhook -d event=ONUSERADD'")
    tab.click(words("EXPLAIN_DO", "ru"))
    tab.shows("AUTH_MISSING")
    can_be_read()
    tab.open(f"{base(server)}/check")
    # It may show what an earlier check found.
    tab.run("window.old = true")
    tab.click(words("CHECK_RUN", "ru"))
    tab.wait("!window.old && document.querySelector('#examination [role=status].why')", 90)
    can_be_read()
    tab.press("?")
    tab.wait("document.querySelector('#keys').open")
    can_be_read()


def test_a_round_of_polling_opens_beside_the_list_and_by_its_address(server: Running, tab: Tab) -> None:
    tab.open(f"{base(server)}/requests")
    tab.click(".row.round")
    tab.shows(words("POLL_UNREADABLE", "ru"))
    tab.wait("location.search.includes('open=round-')")
    tab.run("location.reload()")
    tab.wait("document.querySelector('.row.round.sel') && document.querySelector('#detail .det')")
    # To the request above it, and back.
    tab.press("k")
    tab.wait("!document.querySelector('#detail .det').dataset.id.startsWith('round-')")
    tab.press("j", "Enter")
    tab.wait("document.activeElement.matches('#detail h1') && location.search.includes('open=round-')")
    tab.size(375, 812)
    tab.open(f"{base(server)}/requests")
    tab.click(".row.round")
    tab.wait("location.pathname.endsWith('/polling/round-1')")
    tab.shows(words("POLL_UNREADABLE", "ru"))


def test_what_is_chosen_is_seen_in_the_systems_own_colours(server: Running, tab: Tab) -> None:
    refused = sent_event(server, "colours.bitrix24.ru")
    tab.ask("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}])
    # The list is read before the request beside it.
    until(tab, f"{base(server)}/requests?open={refused}", ".row.sel")
    chosen = ("nav [aria-current]", ".chip[aria-current]", ".row.sel", ".tabs [aria-selected=true]")
    for selector in chosen:
        assert tab.run(f"getComputedStyle(document.querySelector('{selector}')).outlineStyle") == "solid"
    assert tab.run("getComputedStyle(document.querySelector('.row:not(.sel)')).outlineStyle") == "none"


def test_paper_has_all_of_a_request_and_nothing_to_press(server: Running, tab: Tab) -> None:
    refused = sent_event(server, "paper.bitrix24.ru")
    for address in (f"{base(server)}/r/{refused}", f"{base(server)}/requests?open={refused}"):
        until(tab, address, ".tabs button")
        tab.ask("Emulation.setEmulatedMedia", media="print")
        try:
            printed_text = tab.text()
            for key in ("TAB_PLACES", "TAB_FIELDS", "TAB_HEADERS", "TAB_BODY", "CAUSE_TOKEN_OTHER_PORTAL"):
                assert words(key, "ru") in printed_text, key
            pressed = "[...document.querySelectorAll('button, select, nav a')]"
            visible_rows = "filter((one) => one.checkVisibility()).map((one) => one.outerHTML)"
            assert tab.run(f"{pressed}.{visible_rows}") == []
        finally:
            tab.ask("Emulation.setEmulatedMedia", media="")
