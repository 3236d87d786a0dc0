"""What a bot asks over HTTP, on a running `serve`."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import flask
import pytest
from werkzeug.test import EnvironBuilder

from gateway.errors import SettingError
from gateway.links import open_store
from gateway.links.model import Account, Link, Moment, Observation, Store
from gateway.locations import store_location
from gateway.receiver import find_link
from gateway.settings import load
from tests.support.deliveries import PORTAL, form
from tests.support.processes import Running, Start, wait_for

TOKEN = "a-tökén-for-the-bot"
# As curl sends it: UTF-8, which `http.client` is given as Latin-1.
BEARER = {"Authorization": f"Bearer {TOKEN}".encode().decode("latin-1")}


@pytest.fixture(scope="module")
def gateway(start_module_serve: Start) -> Running:
    return start_module_serve(LINKS_API_TOKEN=TOKEN, BITRIX24_DOMAIN=PORTAL)


def test_a_bot_asks_for_an_account_and_for_a_user(gateway: Running) -> None:
    assert gateway.request("GET", "/api/links?telegram_id=777", headers=BEARER).json == {
        "link": None,
        "by_name_only": False,
    }
    gateway.post(form(data={"ID": "12", "UF_USR_TELEGRAM": "777"}))
    answer = wait_for(
        lambda: gateway.request("GET", "/api/links?telegram_id=777", headers=BEARER).json["link"]
    )
    assert (answer["bitrix_user_id"], answer["portal"]) == (12, PORTAL)
    assert gateway.request("GET", "/api/links/12", headers=BEARER).json["link"] == answer


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer another"}])
def test_without_the_token_nothing_is_answered(gateway: Running, headers: dict[str, str]) -> None:
    answer = gateway.request("GET", "/api/links?telegram_id=777", headers=headers)
    assert (answer.status, answer.json["code"]) == (401, "LINKS_UNAUTHORIZED")
    # A person reads it in a terminal.
    assert answer.json["message"] in answer.body.decode()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_another_method_gets_the_allowed_one(gateway: Running, method: str) -> None:
    answer = gateway.request(method, "/api/links/12", headers=BEARER)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert "GET" in answer.json["message"]


@pytest.fixture
def store_of(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """A store in which user 12 of each portal is the account 777."""
    with closing(open_store(store_location(f"sqlite:///{tmp_path}/l.db"))) as store:

        def filled(*portals: str) -> Store:
            at = Moment(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
            for portal in portals:
                store.apply(portal, f"e {portal}", [Observation(12, Account(777), at, True, at)])
            return store

        yield filled


@pytest.mark.parametrize(
    ("portals", "domain", "named", "found"),
    [
        ((), "", None, None),
        (("one.ru",), "", None, "one.ru"),
        (("",), "", None, ""),
        (("one.ru",), "two.ru", None, None),
        (("one.ru", "two.ru"), "two.ru", None, "two.ru"),
        (("one.ru", "two.ru"), "two.ru", "https://One.ru/", "one.ru"),
        (("xn--80awhdgm.xn--p1ai", "two.ru"), "", "портал.рф", "xn--80awhdgm.xn--p1ai"),
        (("one.ru", "two.ru"), "", "three.ru", None),
    ],
)
@pytest.mark.parametrize("question", ["/api/links?telegram_id=777", "/api/links/12"])
def test_a_bot_is_answered_from_one_portal(
    portals: tuple[str, ...],
    domain: str,
    named: str | None,
    found: str | None,
    question: str,
    store_of: Callable[..., Store],
) -> None:
    link = ask(question, store_of(*portals), domain, named)
    assert (link and link.portal) == found


def test_several_portals_and_none_named_is_not_a_stranger(store_of: Callable[..., Store]) -> None:
    with pytest.raises(SettingError) as caught:
        ask("/api/links?telegram_id=777", store_of("one.ru", "two.ru"), "", None)
    assert caught.value.key == "LINKS_WHICH_PORTAL"


def ask(question: str, store: Store, domain: str, portal: str | None) -> Link | None:
    path, _, query = question.partition("?")
    arguments = dict(pair.split("=") for pair in query.split("&") if pair)
    arguments |= {} if portal is None else {"portal": portal}
    environ = EnvironBuilder(path, query_string=arguments).get_environ()
    settings = load({"BITRIX24_DOMAIN": domain}, None)
    return find_link._requested_link(flask.Request(environ), store, settings)
