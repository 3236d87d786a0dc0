"""The first words of a refusal's line: what was received, and never two verdicts in one sentence."""

import logging

import pytest

from gateway.receiver.refusals import log_refusal
from tests.support.refusals import OTHER, TOKEN, Request, event, form


def line(request: Request, caplog: pytest.LogCaptureFixture) -> str:
    judgement, settings = request.judge()
    with caplog.at_level(logging.WARNING, logger="gateway.receiver"):
        log_refusal(judgement, settings, "r1")
    return caplog.records[-1].getMessage()


@pytest.mark.parametrize(
    ("token", "opening"),
    [
        (OTHER, "Неверный токен исходящего вебхука. Получен: другой токен, 32 знака, отпечаток "),
        ("x" * 20, "Неверный токен исходящего вебхука. Получен: другой токен, знаков: 20, отпечаток "),
        ("short", "Неверный токен исходящего вебхука. Получен: другой текст, байт: 5 — "),
        (None, "Неверный токен исходящего вебхука. Получен: None — "),
        (TOKEN.upper(), "Токен исходящего вебхука не принят. Получен: байт: 32, отпечаток "),
        (TOKEN + "==", "Токен исходящего вебхука не принят. Получен: байт: 34, отпечаток "),
    ],
)
def test_what_was_received_is_described_in_words(
    token: str | None, opening: str, caplog: pytest.LogCaptureFixture
) -> None:
    message = line(Request(body=form(event(token)), env={"LOG_LANGUAGE": "ru"}), caplog)
    assert message.startswith(f"⚠️ {opening}")
    assert not ("Неверный токен" in message and "Токен верный" in message)
