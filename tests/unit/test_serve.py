"""How `serve` calls the receiver."""

import gc
import io
import sys
from types import SimpleNamespace
from typing import Any

import flask
import pytest
from werkzeug.test import EnvironBuilder

from gateway import receiver
from gateway.local import serve
from gateway.settings import load
from tests.support.deliveries import FORM, OTHER_TOKEN, TOKEN, form

REQUESTS = 20


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (form(), "200 OK"),
        (form(token=OTHER_TOKEN), "403 FORBIDDEN"),
        (form(domain="no domain"), "400 BAD REQUEST"),
    ],
)
def test_a_request_is_freed_with_its_answer(
    body: bytes, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the garbage collector has to find stays for thousands of requests, each with its body."""
    queue = SimpleNamespace(publish=lambda *_: "1", wants=lambda _event: True)
    settings = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN}, None)
    monkeypatch.setattr(receiver, "settings", lambda: settings)
    monkeypatch.setattr(receiver, "_publisher", lambda: queue)
    monkeypatch.setitem(sys.modules, "main", SimpleNamespace(bitrix_webhook=receiver.respond))
    app = serve._routed({"bitrix_webhook": flask.Flask("gateway")})
    answers: list[str] = []

    def post(count: int) -> None:
        for _ in range(count):
            environ: dict[str, Any] = EnvironBuilder("/", method="POST", content_type=FORM).get_environ()
            environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
            for _ in app(environ, lambda line, _headers: answers.append(line)):
                pass

    post(1)
    gc.collect()
    gc.disable()
    try:
        post(REQUESTS)
        garbage = gc.collect()
    finally:
        gc.enable()
    assert answers == [status] * (1 + REQUESTS)
    assert garbage < REQUESTS
