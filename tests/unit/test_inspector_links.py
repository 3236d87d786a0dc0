"""The inspector's links: found by whatever people know, a person's history, and forgetting somebody."""

import csv
import html
import io
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from gateway.journal import Journal, NewRequest
from gateway.links import open_store
from gateway.links.model import NO_ACCOUNT, Account, Moment, Observation, Store
from gateway.settings import Settings
from tests.support.inspector import Browser, page_settings

P = "p.bitrix24.ru"
NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return page_settings(tmp_path, BITRIX24_DOMAIN=P)


def see(
    store: Store,
    user: int,
    account: Account,
    event_id: str,
    minute: int = 0,
    portal: str = P,
    active: bool = True,
) -> None:
    at = Moment(NOW + timedelta(minutes=minute), NOW + timedelta(minutes=minute))
    store.apply(portal, event_id, [Observation(user, account, at, active, at)])


@pytest.fixture
def people(settings: Settings) -> None:
    with closing(open_store(settings.database)) as store:
        see(store, 7, Account(777, "ivan_petrov"), "e1")
        see(store, 8, Account(None, "anna_k"), "e2")
        see(store, 9, Account(999), "e3")
        see(store, 9, NO_ACCOUNT, "e4", 1)
        see(store, 10, Account(1010), "e5")
        see(store, 10, Account(1010), "e6", 1, active=False)
        see(store, 7, Account(5), "e7", portal="other.bitrix24.ru")


def users_shown(browser: Browser, query: str = "") -> list[int]:
    answer = browser.get(f"/links{query}")
    assert answer.status_code == 200
    return [int(user) for user in re.findall(r"links/person\?[^\"]*user=(\d+)", answer.text)]


def test_an_empty_list_says_that_nobody_is_linked_yet(browser: Browser) -> None:
    assert users_shown(browser) == []
    assert "no links yet" in browser.get("/links").text


@pytest.mark.parametrize(
    ("query", "users"),
    [
        ("", [7, 8, 9, 10]),
        ("?q=7", [7]),
        ("?q=777", [7]),
        ("?q=%40IVAN_PETROV", [7]),
        ("?q=ivan_petrov", [7]),
        ("?q=t.me/ivan_petrov", [7]),
        ("?q=nobody_here", []),
        ("?q=" + "9" * 40, []),
        ("?state=linked", [7]),
        ("?state=by_name", [8]),
        ("?state=ended", [9]),
        ("?state=inactive", [10]),
        ("?state=odd", [7, 8, 9, 10]),
        ("?after=8", [9, 10]),
        ("?after=x", [7, 8, 9, 10]),
        ("?portal=other.bitrix24.ru", [7]),
        ("?portal=none.bitrix24.ru", [7, 8, 9, 10]),
    ],
)
@pytest.mark.usefixtures("people")
def test_people_are_found_by_id_name_and_account(browser: Browser, query: str, users: list[int]) -> None:
    assert users_shown(browser, query) == users


def test_many_people_come_in_pages(browser: Browser, settings: Settings) -> None:
    with closing(open_store(settings.database)) as store:
        for user in range(1, 121):
            see(store, user, Account(user), f"e{user}")
    assert users_shown(browser) == list(range(1, 51))
    assert "after=50" in browser.get("/links").text
    assert users_shown(browser, "?after=100") == list(range(101, 121))
    assert "Next page" not in browser.get("/links?after=100").text


def add_names(journal: Journal, names: dict[int, str], portal: str = P) -> None:
    """Accepted events that named these users."""
    for user, name in names.items():
        request = NewRequest(
            request_id=f"{user:016x}", at=NOW.timestamp(), kind="accepted", code="EVENT_QUEUED", status=200,
            event="ONUSERADD", event_id=f"named {user}", portal=portal,
            record={"users": [user], "names": {str(user): name}},
        )  # fmt: skip
        journal.add_requests([request])


@pytest.mark.parametrize(
    ("search", "users"),
    [
        ("анна", [8, 10]),
        ("АННА", [8, 10]),
        ("Анна Вол", [8]),
        ("волкова анна", [8]),
        ("петр", [9]),
        ("нна", []),
        ("Анна Петров", []),
        ("anna_k", [8]),
        ("d", [7]),
        ("%", []),
    ],
)
@pytest.mark.usefixtures("people")
def test_people_are_found_by_the_beginnings_of_their_names(
    browser: Browser, journal: Journal, search: str, users: list[int]
) -> None:
    add_names(journal, {7: "d'Artagnan", 8: "Анна Волкова", 9: "Пётр Петров", 10: "Анна", 11: "Анна Никто"})
    assert users_shown(browser, f"?q={quote(search)}") == users


def test_many_of_one_name_come_in_pages(browser: Browser, journal: Journal, settings: Settings) -> None:
    add_names(journal, dict.fromkeys(range(1, 61), "Анна К."))
    with closing(open_store(settings.database)) as store:
        for user in range(1, 61):
            see(store, user, Account(user), f"e{user}")
    assert users_shown(browser, f"?q={quote('анна')}") == list(range(1, 51))
    [more] = re.findall(
        r'href="/inspector/links(\?[^"]*after=50[^"]*)"', browser.get(f"/links?q={quote('анна')}").text
    )
    assert users_shown(browser, html.unescape(more)) == list(range(51, 61))


@pytest.mark.usefixtures("people")
def test_people_are_called_by_the_names_that_events_gave(browser: Browser, journal: Journal) -> None:
    journal.add_requests(
        [
            NewRequest(
                request_id="00000000000000ab", at=NOW.timestamp(), kind="accepted", code="EVENT_QUEUED",
                status=200, event="ONUSERADD", event_id="e9", portal=P,
                record={"users": [9], "names": {"9": "<b>Анна</b> К."}},
            )
        ]
    )  # fmt: skip
    journal.add_outcome({"code": "LINK_CONFLICT", "event_id": "e9", "portal": P, "bitrix_user_id": 9})
    called = "&lt;b&gt;Анна&lt;/b&gt; К.\N{NO-BREAK SPACE}(9)"
    for path in ("/links", f"/links/person?portal={P}&user=9", "/polling", "/requests"):
        assert called in browser.get(path).text, path
    assert "User 8<" in browser.get("/links").text


@pytest.mark.usefixtures("people")
def test_a_person_with_history_and_the_request_behind_it(browser: Browser, journal: Journal) -> None:
    journal.add_requests(
        [
            NewRequest(
                request_id="00000000000000aa", at=NOW.timestamp(), kind="accepted", code="EVENT_QUEUED",
                status=200, event="ONUSERUPDATE", event_id="e4", portal=P,
            )
        ]
    )  # fmt: skip
    page = browser.get(f"/links/person?portal={P}&user=9").text
    assert re.search(r"href=\"/inspector/r[^\"]*00000000000000aa\"", page)
    # The newest change comes first.
    assert page.index("unlinked") < page.index(">linked<")
    assert "polling, a test event, or an old request" in page
    assert browser.get(f"/links/person?portal={P}&user=12345").status_code == 404
    assert browser.get("/links/person").status_code == 404
    assert browser.get("/links/person?portal=%00&user=9").status_code == 404
    assert browser.get(f"/links/person?portal={P.upper()}%00&user=9").status_code == 200
    browser.speak("ru")
    assert "связь снята" in browser.get(f"/links/person?portal={P}&user=9").text


@pytest.mark.usefixtures("people")
def test_the_links_can_be_downloaded_as_csv(browser: Browser) -> None:
    answer = browser.get(f"/links.csv?portal={P}")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["bitrix_user_id"], row["telegram_id"], row["active"]) for row in rows[::3]] == [
        ("7", "777", "true"), ("10", "", "false"),
    ]  # fmt: skip
    assert len(list(csv.DictReader(io.StringIO(browser.get("/links.csv").text)))) == 5


@pytest.mark.usefixtures("people")
def test_forgetting_asks_names_the_consequence_and_forgets(browser: Browser, settings: Settings) -> None:
    page = browser.get(f"/links/person?portal={P}&user=7").text
    assert "data-confirm=" in page
    assert "cannot be undone" in page
    assert browser.client.post("/inspector/links/forget", data={"portal": P, "user": "7"}).status_code == 403
    answer = browser.post("/links/forget", portal=P, user="7")
    assert answer.status_code == 303
    assert "is erased" in browser.get(str(answer.location).removeprefix("/inspector")).text
    assert browser.get(f"/links/person?portal={P}&user=7").status_code == 404
    assert users_shown(browser) == [8, 9, 10]
    with closing(open_store(settings.database)) as store:
        assert [row.portal for row in store.history(bitrix_user_id=7)] == ["other.bitrix24.ru"]
    assert browser.post("/links/forget", portal=P, user="x").status_code == 404
