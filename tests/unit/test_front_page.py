"""The address in a browser: a page that leads on. Everybody else gets what the receiver answers."""

from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug.test import Client

from gateway.local.front_page import before

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0"}


def receiver(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])
    return [b"{}"]


@pytest.mark.parametrize(("language", "word"), [("ru", "Инспектор"), ("en", "Inspector")])
def test_a_browser_is_led_to_the_inspector(language: str, word: str) -> None:
    answer = Client(before(receiver, language)).get("/", headers=BROWSER)
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert '<a href="/inspector">' + word in answer.text
    assert "/api/bitrix/webhook" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", "/", BROWSER | {"User-Agent": "Bitrix24 Webhook Engine"}),
        ("GET", "/?event=ONUSERADD&auth[domain]=p.bitrix24.ru", BROWSER),
        ("GET", "/api/bitrix/webhook", BROWSER),
        ("GET", "/health", BROWSER),
        ("GET", "//", BROWSER),
        ("HEAD", "/", BROWSER),
        ("POST", "/", BROWSER),
        ("GET", "/", BROWSER | {"Transfer-Encoding": "chunked"}),
    ],
)
def test_only_a_browser_is_led_to_the_inspector(method: str, path: str, headers: dict[str, str]) -> None:
    answer = Client(before(receiver, "en")).open(path, method=method, headers=headers)
    assert answer.mimetype == "application/json"


def test_a_get_with_a_body_is_the_receivers_to_judge() -> None:
    answer = Client(before(receiver, "en")).get("/", headers=BROWSER, data=b"event=ONUSERADD")
    assert answer.mimetype == "application/json"
