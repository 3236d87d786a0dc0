"""Rounds of polling among the requests: rows in the order of time, and each with a page."""

import re
import time
from typing import Any

import pytest

from gateway.journal import Journal, NewRequest, Report
from tests.support.inspector import Browser

DONE = {"code": "RESYNC_DONE", "users": 5000, "published": 3, "unlinked": 1, "unreadable": 2}
QUIET = {"code": "RESYNC_DONE", "users": 5000, "published": 0, "unlinked": 0, "unreadable": 0}


def request(journal: Journal, name: int, at: float) -> None:
    journal.add_requests(
        [
            NewRequest(
                request_id=f"{name:016x}", at=at, kind="accepted", code="EVENT_QUEUED", status=200,
                event="ONTASKADD", event_id=f"{name:064x}",
            )
        ]
    )  # fmt: skip


def rounds(journal: Journal, *round_records: tuple[float, dict[str, Any]]) -> None:
    journal.write([Report("round", at, fields) for at, fields in round_records])


def rounds_shown(browser: Browser, query: str = "") -> list[str]:
    """The rows of the list by their ids."""
    return re.findall(r'<a class="row[^>]* id="row-0*([^"]+)"', browser.get(f"/requests{query}").text)


def test_a_round_stands_among_the_requests_by_its_time(browser: Browser, journal: Journal) -> None:
    now = time.time()
    request(journal, 1, now - 300)
    request(journal, 2, now - 100)
    rounds(journal, (now - 200, {**DONE, "unreadable_users": [17]}))
    assert rounds_shown(browser) == ["2", "round-1", "1"]
    page = browser.get("/requests").text
    assert "5,000\N{NO-BREAK SPACE}users" in page
    assert "3\N{NO-BREAK SPACE}changes" in page
    assert "2\N{NO-BREAK SPACE}unreadable fields" in page
    browser.speak("ru")
    page = browser.get("/requests").text
    assert "5\N{NO-BREAK SPACE}000\N{NO-BREAK SPACE}пользователей" in page
    assert "снята 1\N{NO-BREAK SPACE}связь; поле не читается у 2" in page


def test_equal_rounds_in_a_row_are_one_row(browser: Browser, journal: Journal) -> None:
    now = time.time()
    request(journal, 1, now - 1000)
    quiet = [(now - 900 + 10 * n, QUIET) for n in range(30)]
    rounds(journal, *quiet, (now - 500, DONE), (now - 400, QUIET), (now - 300, QUIET))
    request(journal, 2, now - 350)
    assert rounds_shown(browser) == ["round-33", "2", "round-32", "round-31", "round-30", "1"]
    assert "×30\N{NO-BREAK SPACE}since" in browser.get("/requests").text


@pytest.mark.parametrize(
    ("query", "stands"),
    [
        ("", True),
        ("?period=7d", True),
        ("?probes=1", True),
        ("?show=accepted", False),
        ("?show=refused", False),
        ("?q=1", False),
        ("?event=ONTASKADD", False),
        ("?cause=TOKEN_ABSENT", False),
        ("?portal=p.bitrix24.ru", False),
        ("?to=on-user-update", False),
        ("?period=1h", False),
    ],
)
def test_no_round_passes_a_filter_of_requests(
    browser: Browser, journal: Journal, query: str, stands: bool
) -> None:
    rounds(journal, (time.time() - 5000, DONE))
    assert ("round-1" in rounds_shown(browser, query)) is stands


def test_each_page_has_the_rounds_of_its_own_time(browser: Browser, journal: Journal) -> None:
    now = time.time()
    for name in range(1, 121):
        request(journal, name, now - 1000 + name)
        if name % 40 == 20:
            rounds(journal, (now - 1000 + name + 0.5, {**DONE, "published": name}))
    rows = rounds_shown(browser)
    # In hexadecimal: 120 … 71, and the round behind 100.
    assert (rows[0], rows[-1], len(rows)) == (
        "78",
        "47",
        51,
    )
    older = browser.get("/requests/part?below=71&already=51").text
    rows = re.findall(r'<a class="row[^>]* id="row-0*([^"]+)"', older)
    assert [row for row in rows if row.startswith("round")] == ["round-2"]
    assert len(rows) == 51
    rows = re.findall(
        r'<a class="row[^>]* id="row-0*([^"]+)"', browser.get("/requests/part?below=21&already=102").text
    )
    assert (rows[0], rows[-1], len(rows)) == ("round-1", "1", 21)


def test_the_open_list_learns_of_a_new_round(browser: Browser, journal: Journal) -> None:
    request(journal, 1, time.time() - 50)
    rounds(journal, (time.time() - 40, QUIET))
    [address] = re.findall(r'hx-get="/inspector(/requests/live[^"]*)"', browser.get("/requests").text)
    address = address.replace("&amp;", "&")
    assert "show it" not in browser.get(address).text
    rounds(journal, (time.time(), DONE))
    assert "1\N{NO-BREAK SPACE}new: show it" in browser.get(address).text
    refused = browser.get("/requests?show=refused").text
    [address] = re.findall(r'hx-get="/inspector(/requests/live[^"]*)"', refused)
    rounds(journal, (time.time(), DONE))
    assert "show it" not in browser.get(address.replace("&amp;", "&")).text


def test_a_round_has_a_page_and_stands_beside_the_list(browser: Browser, journal: Journal) -> None:
    changes = {"users": [17], "names": {"17": "<b>Anna"}}
    journal.add_requests(
        [
            NewRequest(
                request_id="ab", at=time.time(), kind="accepted", code="EVENT_QUEUED", status=200,
                portal="p.ru", record=changes,
            )
        ]
    )  # fmt: skip
    facts = {**DONE, "portal": "p.ru", "unreadable_users": [17, 204]}
    rounds(
        journal,
        (time.time() - 90, facts),
        (time.time() - 80, {"code": "RESYNC_FAILED", "problem": "<script>"}),
        (time.time() - 70, {"code": "LINKS_AT_RISK", "count": 12}),
    )
    for page in (browser.get("/polling/round-1").text, browser.get("/requests?open=round-1").text):
        assert "&lt;b&gt;Anna\N{NO-BREAK SPACE}(17)" in page
        assert "/links/person?portal=p.ru&amp;user=204" in page
    assert "<html" not in browser.get("/polling/round-1?pane=1").text
    assert "&lt;script&gt;" in browser.get("/polling/round-2").text
    assert "12\N{NO-BREAK SPACE}links" in browser.get("/polling/round-3").text
    for name in ("round-4", "round-", "round-x", "round-" + "9" * 30, "nothing"):
        assert browser.get(f"/polling/{name}").status_code == 404
        assert browser.get(f"/requests?open={name}").status_code == 200
