"""The inspector in a real browser: a whole story, in both languages, and what must hold in every view."""

import http.server
import re
import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest

from gateway.journal import Filters, Journal
from gateway.local.inspector import VIEWS
from gateway.local.inspector.words import words
from gateway.locations import sqlite_file
from gateway.settings import load
from tests.support.chromium import Chromium, Tab
from tests.support.contrast import FAINT, FAINT_BARS
from tests.support.deliveries import OTHER_TOKEN, TOKEN, form
from tests.support.inspector import OWN_WORDS, link
from tests.support.processes import Running, Start, wait_for
from tests.support.sample_day import fill


class _Bot(http.server.BaseHTTPRequestHandler):
    """A destination that keeps what it gets."""

    got: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.got.append(parse_qs(body)["event"][0])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def bot() -> Iterator[tuple[str, list[str]]]:
    """A destination's address, and the events it got."""
    bodies: list[str] = []
    server = http.server.HTTPServer(("127.0.0.1", 0), type("Bot", (_Bot,), {"got": bodies}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/bot", bodies
    server.shutdown()
    server.server_close()


def post(server: Running, body: bytes) -> str:
    """A webhook's POST; its request_id, once the journal has it."""
    answer = server.post(body)
    journal = Journal(sqlite_file("JOURNAL_URL", server.env["JOURNAL_URL"]).path)
    request_id = str(answer.json["request_id"])
    wait_for(lambda: journal.request(request_id), 30)
    return request_id


@pytest.mark.parametrize("language", ["en", "ru"])
def test_from_an_empty_page_to_an_event_resent(
    start_serve: Start, browser: Chromium, tab: Tab, bot: tuple[str, list[str]], language: str
) -> None:
    def says(key: str, **values: object) -> str:
        return words(key, language, **values).replace("\N{NO-BREAK SPACE}", " ")

    address, bodies = bot
    settings = {"LOG_LANGUAGE": language, "FORWARD_TO": address}
    server = start_serve(**settings)
    tab.size(1360, 900)

    # Empty: the address to paste, and a test event that goes the whole way.
    tab.open(link(server))
    tab.shows(says("SETUP"))
    tab.shows("/api/bitrix/webhook")
    tab.shows(says("WAITING_FIRST"))
    tab.click(says("SEND_TEST"))
    tab.shows(says("PROBE_PASSED"))
    tab.press("g", "o")
    tab.shows(says("WAITING_FIRST"))

    # Rejected: the open page says so by itself, and why.
    refused = post(server, form(token=OTHER_TOKEN))
    tab.shows(says("FIRST_CAME"))
    tab.wait("document.title.startsWith('(1) ')")
    tab.press("g", "r")
    tab.wait(f"document.querySelector('#row-{refused}')")
    tab.wait("!document.title.startsWith('(')")
    tab.press("j")
    tab.shows(says("CAUSE_TOKEN_OTHER_WEBHOOK"))
    tab.wait(f"location.search.includes('open={refused}')")
    tab.wait("document.querySelector('#detail [data-key=r]')")
    assert says("RESEND") not in tab.text()
    tab.press("r")
    tab.shows(says("TODAY_REFUSED", status=403, code="TOKEN_MISMATCH"))

    # The gateway is stopped, mended and started again: the page says that it is gone.
    server.stop()
    tab.shows(says("LOST"))
    server = start_serve(**settings, BITRIX24_OUTGOING_WEBHOOK_TOKEN=f"{TOKEN},{OTHER_TOKEN}")
    tab.open(link(server))
    tab.press("g", "r")
    tab.wait(f"document.querySelector('#row-{refused}')")
    tab.click(f"#row-{refused}")
    tab.click(says("JUDGE"))
    tab.shows(says("TODAY_PASSES"))
    assert bodies == []

    # Accepted: what came of it at each subscription, and the link with its history.
    accepted = post(server, form(token=OTHER_TOKEN))
    tab.press("Escape")
    # Nobody reads, so it comes by itself.
    tab.wait(f"document.querySelector('#row-{accepted}')")
    tab.click(f"#row-{accepted}")
    tab.shows("LINK_SYNCED")
    tab.shows("EVENT_FORWARDED")
    assert bodies == ["ONUSERUPDATE"]
    tab.click(f"#detail a[href$='{accepted}']")
    tab.shows(says("HISTORY_linked", account="@ivan_petrov", user=12))
    tab.shows(says("THIS_EVENT"))

    # Resent, to one destination alone.
    tab.run("for (const one of document.querySelectorAll('select[name=to] option')) "
            "one.selected = one.textContent.startsWith('http')")  # fmt: skip
    tab.press("r")
    tab.shows(says("SENT"))
    tab.shows(says("RESENT_TAG"))
    wait_for(lambda: bodies == ["ONUSERUPDATE", "ONUSERUPDATE"], 30)
    assert browser.errors == []


@pytest.fixture(scope="module")
def busy(start_module_serve: Start) -> Running:
    """A gateway with a day behind it."""
    server = start_module_serve(
        LOG_LANGUAGE="ru", BITRIX24_DOMAIN="p.bitrix24.ru", FORWARD_TO="http://127.0.0.1:9/bot#ONTASK*"
    )
    settings = load({name: value for name, value in server.env.items() if name.isupper()}, None)
    journal = Journal(settings.journal.path)
    fill(journal, settings, time.time())
    journal.close()
    return server


@pytest.fixture(scope="module")
def reader(busy: Running, browser: Chromium) -> Iterator[Tab]:
    """Somebody who has opened the inspector, in Moscow."""
    with browser.person() as tab:
        tab.zone("Europe/Moscow")
        tab.size(1360, 900)
        tab.open(link(busy))
        yield tab


@pytest.fixture
def tab(browser: Chromium) -> Iterator[Tab]:
    """Somebody who has not opened it yet."""
    with browser.person() as tab:
        yield tab


SMALL = """[...document.querySelectorAll("nav a, button, .button, .chip, select, input:not([type=hidden])")]
  .filter((one) => one.checkVisibility() && !one.closest(".unseen, footer"))
  .filter((one) => one.getBoundingClientRect().height < 44)
  .map((one) => one.outerHTML.slice(0, 80))"""


def choose(tab: Tab, name: str, value: str) -> None:
    tab.wait("document.readyState === 'complete'")
    tab.run(
        f"(() => {{ const one = document.querySelector('select[name={name}]'); one.value = '{value}'; "
        "one.dispatchEvent(new Event('change')); })()"
    )


# What a Russian page may say in Latin letters: names of things that people type, read and look up so.
LATIN = re.compile(
    r"bitrix24?|telegram|webhook|token|engine|curl|json|csv|har|utc|doctor|form|on-user-(?:add|update)|"
    r"request_id|application|auth|body|domain|event|english|env|resync|"
    r"[0-9a-f]{8}|[jkrcg]|enter|esc|https?|post|get|id|sqlite|var|api|b24|x"
)

NAMED = ("button", "link", "textbox", "searchbox", "combobox", "checkbox", "tab", "tabpanel", "image")


def nameless(tab: Tab) -> list[str]:
    """What a screen reader would announce without a name."""
    nodes = tab.ask("Accessibility.getFullAXTree")["nodes"]
    return [
        node["role"]["value"]
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in NAMED and not node.get("name", {}).get("value")
    ]


def english_words(text: str) -> list[str]:
    """Those on a Russian page that nobody types, reads or looks up so."""
    latin = re.findall(r"(?<![\w@.:/-])[A-Za-z][A-Za-z0-9_-]*(?![\w@:/-]|\.\w)", text)
    return [word for word in latin if word.islower() and not LATIN.fullmatch(word.lower())]


@pytest.mark.parametrize("view", [*(view.name for view in VIEWS), "one", "requests?open=round-1"])
def test_a_view_can_be_read_everywhere(busy: Running, reader: Tab, browser: Chromium, view: str) -> None:
    """In both schemes, on a desk and on a phone, by a screen reader, twice as large, and in one language."""
    base = f"http://127.0.0.1:{busy.port}/inspector"
    address = base if view == "overview" else f"{base}/{view}"
    if view == "one":
        journal = Journal(sqlite_file("JOURNAL_URL", busy.env["JOURNAL_URL"]).path)
        [refused, *_] = journal.page(Filters(cause="TOKEN_OTHER_WEBHOOK")).requests
        address = f"{base}/r/{refused.request_id}"
    try:
        reader.open(address)
        reader.ask("Accessibility.enable")
        assert nameless(reader) == []
        for scheme in ("light", "dark"):
            reader.scheme(scheme)
            reader.size(1360, 900)
            assert reader.run(FAINT) == [], scheme
            assert reader.run(FAINT_BARS) == [], scheme
            assert reader.run("document.documentElement.scrollWidth") <= 1360
            reader.size(375, 812)
            assert reader.run(FAINT) == [], scheme
            assert reader.run("document.documentElement.scrollWidth") <= 375
            assert reader.run(SMALL) == []
        # 200 % of 1360 px, and WCAG's 1.4.10.
        for width in (680, 320):
            reader.size(width, 450)
            assert reader.run("document.documentElement.scrollWidth") <= width
        reader.size(1360, 900)
        # The guide quotes the commands and messages that it explains.
        assert view == "guide" or english_words(reader.run(OWN_WORDS)) == []
    finally:
        reader.ask("Accessibility.disable")
        reader.scheme("light")
        reader.size(1360, 900)
    assert browser.errors == []


def test_keys_alone_are_enough(busy: Running, reader: Tab) -> None:
    reader.open(f"http://127.0.0.1:{busy.port}/inspector")
    reader.press("g", "r")
    reader.wait("document.querySelectorAll('.row:not(.round)').length === 50")
    reader.press("j")
    reader.wait("document.querySelector('#detail h1')")
    first = reader.run("document.querySelector('.row.sel').id")
    reader.press("j", "j", "k")
    reader.wait("location.search.includes(document.querySelector('.row.sel').dataset.id)")
    assert reader.run("document.querySelector('.row.sel').id") != first
    reader.press("Enter")
    reader.wait("document.activeElement.matches('#detail h1')")
    reader.press("Escape")
    reader.wait("document.activeElement.matches('.row.sel')")
    reader.press("Escape")
    reader.wait("!document.querySelector('.row.sel') && !location.search.includes('open')")
    reader.press("/")
    reader.wait("document.activeElement.matches('input[type=search]')")
    reader.type("45.148.10.7")
    reader.press("Enter")
    reader.wait("location.search.includes('q=45.148.10.7')")
    reader.wait("document.querySelectorAll('.row').length === 1")
    reader.press("?")
    reader.wait("document.querySelector('#keys').open")
    reader.press("Escape")
    reader.wait("!document.querySelector('#keys').open")


def test_times_are_the_readers_and_utc_is_in_the_title(busy: Running, reader: Tab) -> None:
    reader.open(f"http://127.0.0.1:{busy.port}/inspector/requests")
    text, title = reader.run(
        "(() => { const one = document.querySelector('.row time'); return [one.textContent, one.title]; })()"
    )
    local_hour = (int(title[11:13]) + 3) % 24
    assert text == f"{local_hour:02}{title[13:19]}"
    assert title.endswith("UTC")
    assert "UTC+3" in reader.run("document.querySelector('.day').textContent")


def test_a_bar_of_the_chart_opens_its_hour(busy: Running, reader: Tab) -> None:
    reader.open(f"http://127.0.0.1:{busy.port}/inspector")
    bar = reader.run(
        "[...document.querySelectorAll('.chart a')].find((one) => one.querySelector('.accepted')).id"
    )
    reader.run(f"document.querySelector('#{bar}').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    reader.wait(f"location.search === '?hour={bar.removeprefix('bar-')}'")
    reader.wait("document.querySelector('.row')")


def test_new_rows_wait_while_somebody_reads(busy: Running, reader: Tab) -> None:
    reader.open(f"http://127.0.0.1:{busy.port}/inspector/requests")
    reader.press("j")
    reader.wait("document.querySelector('#detail h1')")
    top = reader.run("document.querySelector('.row').id")
    new = post(busy, form("ONTASKADD", {"FIELDS": {"ID": "77"}}, domain="p.bitrix24.ru"))
    reader.wait("document.querySelector('#newer a')")
    assert reader.run("document.querySelector('.row').id") == top
    reader.click("#newer a")
    reader.wait(f"document.querySelector('.row').id === 'row-{new}'")
    reader.wait("document.querySelectorAll('.row.sel').length === 1")


def test_the_language_is_a_switch(busy: Running, tab: Tab) -> None:
    tab.open(link(busy))
    tab.wait("document.documentElement.lang === 'ru'")
    choose(tab, "language", "en")
    tab.wait("document.documentElement.lang === 'en'")
    tab.shows("What is wrong now")


def test_a_filter_leads_to_an_address_that_says_no_more(busy: Running, reader: Tab) -> None:
    reader.open(f"http://127.0.0.1:{busy.port}/inspector/requests?show=refused")
    choose(reader, "cause", "TOKEN_ABSENT")
    reader.wait("new URLSearchParams(location.search).get('cause') === 'TOKEN_ABSENT'")
    reader.wait("document.querySelectorAll('.row').length === 1")
    assert reader.run("[...new URLSearchParams(location.search).keys()].sort().join()") == "cause,show"


def test_more_rows_join_the_page(busy: Running, reader: Tab) -> None:
    reader.open(f"http://127.0.0.1:{busy.port}/inspector/requests?period=7d")
    for rows in (100, 150):
        reader.wait("document.querySelector('.more:not(.htmx-added)')")  # htmx knows it
        reader.run("document.querySelector('.more').click()")
        reader.wait(f"document.querySelectorAll('.row:not(.round)').length === {rows}")
    ids = "[...document.querySelectorAll('.row:not(.round)')].map((one) => one.id)"
    assert reader.run(f"new Set({ids}).size") == 150


def test_a_hidden_tab_asks_nothing(busy: Running, reader: Tab) -> None:
    # What the page does by the clock, so that nobody has to wait for it.
    requests_of_the_page = (
        "window.byClock = []; const real = window.setInterval; "
        "window.setInterval = (what, ...rest) => { window.byClock.push(what); return real(what, ...rest); };"
    )
    script = reader.ask("Page.addScriptToEvaluateOnNewDocument", source=requests_of_the_page)["identifier"]
    reader.open(f"http://127.0.0.1:{busy.port}/inspector")
    reader.ask("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
    reader.run("window.asked = 0")
    reader.run("document.addEventListener('htmx:beforeRequest', () => { window.asked += 1; })")
    reader.run("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})")
    reader.run("document.dispatchEvent(new Event('visibilitychange'))")
    reader.shows(words("PAUSED", "ru"))
    reader.wait("!document.querySelector('.htmx-request')")
    before = reader.run("window.asked")
    reader.run("window.byClock.forEach((what) => what())")
    assert reader.run("window.asked") == before
    reader.run("delete document.hidden")
    reader.run("window.byClock.forEach((what) => what())")
    reader.wait(f"window.asked > {before}")


def test_what_is_copied_is_on_the_clipboard(busy: Running, reader: Tab) -> None:
    reader.open(f"http://127.0.0.1:{busy.port}/inspector/requests?show=refused")
    reader.press("j")
    reader.wait("document.querySelector('#detail h1')")
    reader.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    reader.press("c")
    reader.wait("window.copied?.startsWith('curl ')")
    assert '"$TOKEN"' in reader.run("window.copied")
    reader.click(words("COPY_LINK", "ru"))
    reader.wait("window.copied.startsWith('http://127.0.0.1:') && window.copied.includes('/inspector/r/')")
