"""What a bot asks over HTTP, on a running `serve`."""

import pytest

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


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_another_method_gets_the_allowed_one(gateway: Running, method: str) -> None:
    answer = gateway.request(method, "/api/links/12", headers=BEARER)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert "GET" in answer.json["message"]
