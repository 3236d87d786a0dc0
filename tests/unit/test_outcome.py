"""What came of an event, as the log and the journal get it."""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.errors import DeliveryFailed
from gateway.links.user_record import user_of
from gateway.logs import _early, worded
from gateway.outcome import About, Outcome, report
from gateway.queues.deadline_http import WireError
from gateway.texts import reason_text, stored_notice, text_of

ANSWERED = DeliveryFailed("REASON_ANSWERED", destination="http://bot.internal/hook", status=503)
FACTS = {"attempt": 1, "next": 5}


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def captured() -> Iterator[Kept]:
    log, handler = logging.getLogger("gateway.outcome"), Kept()
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)


def log_line(outcome: Outcome, about: About, language: str = "en") -> dict[str, Any]:
    """The line of the JSON log."""
    with captured() as handler:
        report(outcome, about)
    [record] = handler.records
    line: dict[str, Any] = json.loads(_early(worded(record, language)))
    return line


@pytest.mark.parametrize("reason", [ANSWERED, stored_notice(str(ANSWERED))], ids=["raised", "stored"])
def test_a_failure_has_its_reason_in_the_logs_language(reason: Any) -> None:
    failed = Outcome("EVENT_FAILED", reason, values={"subscription": "s", **FACTS}, facts=FACTS)
    about = About("ONTASKADD", "e1", "p.bitrix24.ru", "s")
    english, russian = log_line(failed, about), log_line(failed, about, "ru")
    assert english["reason"] == "http://bot.internal/hook answered 503"
    assert russian["reason"] == "http://bot.internal/hook ответил 503"
    assert english["reason"] in english["message"]
    assert (english["severity"], english["attempt"], english["bitrix_user_id"]) == ("WARNING", 1, None)


def test_a_links_reason_is_the_contracts_word() -> None:
    unchanged = Outcome("LINK_UNCHANGED", "older", 7, "LINK_UNCHANGED_OLDER")
    assert log_line(unchanged, About("ONUSERADD", "e1"))["reason"] == "older"


def test_a_user_event_names_its_user_with_every_outcome() -> None:
    about = About("ONUSERADD", "e1", user=7)
    assert log_line(Outcome("EVENT_IGNORED"), about)["bitrix_user_id"] == 7
    assert log_line(Outcome("LINK_UNCHANGED", "same", 8, "LINK_UNCHANGED_SAME"), about)["bitrix_user_id"] == 8


@pytest.mark.parametrize(
    ("event", "data", "user"),
    [
        ("ONUSERADD", {"ID": "7"}, 7),
        ("OnUserUpdate", {"FIELDS": {"id": 7}}, 7),
        ("ONUSERUPDATE", [{"ID": "7"}, {"ID": "8"}], None),
        ("ONUSERUPDATE", {"NAME": "x"}, None),
        ("ONUSERADD", None, None),
        ("ONTASKADD", {"FIELDS": {"ID": "7"}}, None),
    ],
)
def test_the_person_of_an_event_is_read_from_its_data(event: str, data: Any, user: int | None) -> None:
    assert user_of(event, data) == user


def test_a_probe_gets_no_advice_and_is_not_logged() -> None:
    line = log_line(Outcome("EVENT_IGNORED"), About("ONTASKADD", "e1", probe=True))
    assert (line["severity"], line["code"], line["probe"]) == ("DEBUG", "EVENT_IGNORED", True)
    assert "FORWARD_TO" not in line["message"]
    other = log_line(Outcome("EVENT_IGNORED"), About("ONTASKADD", "e1"))
    assert other["severity"] == "INFO"
    assert "FORWARD_TO" in other["message"]


@pytest.mark.parametrize(
    ("error", "russian", "english"),
    [
        (TimeoutError(), "время ожидания вышло", "Connection timed out"),
        (ConnectionRefusedError(111, "Connection refused"), "соединение отклонено", "Connection refused"),
        (ConnectionResetError(), "соединение разорвано", "Connection reset by peer"),
        (
            socket.gaierror(-2, "Name or service not known"),
            "такого имени нет в DNS",
            "Name or service not known",
        ),
    ],
    ids=["timeout", "refused", "reset", "name"],
)
def test_an_unanswered_deliverys_reason_is_the_same_from_the_journal(
    error: OSError, russian: str, english: str
) -> None:
    failed = DeliveryFailed(
        "REASON_NO_ANSWER", destination="d", problem=WireError("WIRE_FAILED", problem=error)
    )
    for language, problem in (("ru", f"d не ответил: {russian}"), ("en", f"d did not answer: {english}")):
        assert text_of(failed, language) == problem
        assert reason_text(str(failed), language) == problem
