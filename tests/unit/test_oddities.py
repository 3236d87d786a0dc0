"""What the one WARNING of an event that lost something says: the names, and whose event it is."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.ingest.decision import Judgement, judge
from gateway.ingest.incoming import Incoming
from gateway.receiver.oddities import log_oddities, oddities_of
from gateway.settings import load

TOKEN = "w1e2b3h4o5o6k7t8o9k0e1n2a3b4c5d6"
SETTINGS = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "LOG_LANGUAGE": "en"}, None)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
CP1251 = "Иван".encode("cp1251")


def accepted(body: bytes, content_type: str) -> Judgement:
    headers = {"content-type": content_type.encode(), "x-bitrix-token": TOKEN.encode()}
    incoming = Incoming("POST", "/", b"", headers, lambda limit: body[:limit], len(body))
    judgement = judge(incoming, SETTINGS, NOW)
    assert judgement.code == "EVENT_QUEUED"
    return judgement


def warning(judgement: Judgement, caplog: pytest.LogCaptureFixture) -> tuple[str, dict[str, Any]]:
    assert judgement.is_odd
    assert judgement.message is not None
    with caplog.at_level(logging.WARNING):
        log_oddities(judgement, judgement.message, SETTINGS, "r")
    (record,) = caplog.records
    fields = record.json_fields  # type: ignore[attr-defined]
    return record.getMessage(), json.loads(json.dumps(fields))


# By name: the body, its type, the name of what is lost.
LOST = {
    "a form": (b"event=ONUSERUPDATE&data[ID]=12&data[NAME]=" + CP1251, FORM, "data[NAME]"),
    "a form, the Telegram field": (
        b"event=ONUSERUPDATE&data[ID]=12&data[UF_USR_TELEGRAM]=" + CP1251,
        FORM,
        "data[UF_USR_TELEGRAM]",
    ),
    "fields in a form": (
        b"event=ONUSERADD&data[FIELDS][ID]=12&data[FIELDS][NAME]=" + CP1251,
        FORM,
        "data[FIELDS][NAME]",
    ),
    "JSON": (b'{"event":"ONUSERUPDATE","data":{"ID":12,"NAME":"' + CP1251 + b'"}}', JSON, "data[NAME]"),
    "JSON that also has a U+FFFD": (
        b'{"event":"ONUSERUPDATE","data":{"ID":12,"X":"\xef\xbf\xbd","TELEGRAM_ID":"' + CP1251 + b'"}}',
        JSON,
        "data[TELEGRAM_ID]",
    ),
    "form names in JSON": (
        b'{"event":"ONUSERUPDATE","data[ID]":"12","data[NAME]":"' + CP1251 + b'"}',
        JSON,
        "data[NAME]",
    ),
}


@pytest.mark.parametrize("shape", LOST)
def test_bytes_that_are_no_utf8_are_named_with_the_user(shape: str, caplog: pytest.LogCaptureFixture) -> None:
    body, content_type, name = LOST[shape]
    text, fields = warning(accepted(body, content_type), caplog)
    assert name in text
    assert "user 12" in text
    assert fields["users"] == [12]
    assert [kind["kind"] for kind in fields["oddities"]] == ["not_utf8"]


@pytest.mark.parametrize("event", ["ONUSERUPDATE", "ONCRMLEADADD"])
def test_only_a_user_event_names_a_user(event: str, caplog: pytest.LogCaptureFixture) -> None:
    body = f"event={event}&data[FIELDS][ID]=12&data[FIELDS][A]=1&data[FIELDS][A]=2".encode()
    text, fields = warning(accepted(body, FORM), caplog)
    assert ("(user 12)" in text, fields["users"]) == (
        (True, [12]) if event == "ONUSERUPDATE" else (False, [])
    )


@pytest.mark.parametrize("field", ["UF_USR_TELEGRAM", "TELEGRAM_ID", "TELEGRAM"])
def test_the_telegram_field_that_came_as_null_is_named(field: str, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"event": "ONUSERUPDATE", "data": {"ID": "12", field: None}}).encode()
    text, fields = warning(accepted(body, JSON), caplog)
    assert f"The field {field} came as null" in text
    assert "user 12" in text
    assert fields["users"] == [12]


# By name: the JSON, and the names that came twice.
TWICE = {
    "in data": (
        '"data":{"ID":"12","UF_USR_TELEGRAM":"@a","UF_USR_TELEGRAM":"@b"}',
        ["data[UF_USR_TELEGRAM]"],
    ),
    "deeper": (
        '"data":{"FIELDS":{"ID":"12","A":1,"B":2,"A":3,"B":4}}',
        ["data[FIELDS][A]", "data[FIELDS][B]"],
    ),
    "in a list": ('"data":[{"ID":"12"},{"ID":"12","A":1,"A":1}]', ["data[1][A]"]),
    "an object's own name": ('"data":{"ID":"12","A":{"B":1},"A":{"B":1,"B":2}}', ["data[A]", "data[A][B]"]),
    "at the top and inside": ('"x":1,"x":2,"data":{"ID":"12","A":1,"A":2}', ["x", "data[A]"]),
    "beside form names": ('"auth[domain]":"p.bitrix24.ru","data":{"ID":"12","A":1,"A":2}', ["data[A]"]),
    "in the text of an object": ('"data":"{\\"ID\\":\\"12\\",\\"A\\":1,\\"A\\":2}"', ["data[A]"]),
    "in the text of FIELDS": ('"data":{"FIELDS":"{\\"ID\\":12,\\"A\\":1,\\"A\\":2}"}', ["data[FIELDS][A]"]),
}


@pytest.mark.parametrize("shape", TWICE)
def test_a_name_given_twice_in_json_is_said_at_every_level(
    shape: str, caplog: pytest.LogCaptureFixture
) -> None:
    inner, names = TWICE[shape]
    text, fields = warning(accepted(f'{{"event":"ONUSERUPDATE",{inner}}}'.encode(), JSON), caplog)
    assert fields["oddities"] == [{"kind": "repeated", "names": names}]
    assert f"only its last value is left: {', '.join(names)} (user 12)." in text


def test_names_that_only_look_alike_are_not_given_twice() -> None:
    body = b'{"event":"E","data":{"A":1,"a":2,"B":{"A":1},"C":[{"A":1},{"A":2}],"\\ud800":1,"\\ud801":2}}'
    assert oddities_of(accepted(body, JSON), SETTINGS) == []


def test_names_given_twice_under_long_keys_are_cut() -> None:
    inner = ",".join(f'"{number}":{{"x":1,"x":2}}' for number in range(400))
    body = f'{{"event":"E","data":{{"{"k" * 400_000}":{{{inner}}}}}}}'.encode()
    (note,) = accepted(body, JSON).payload.notes
    assert (note.kind, len(note.names)) == ("repeated", 20)
    assert max(map(len, note.names)) < 300


def test_json_without_bad_bytes_may_hold_a_replacement_character() -> None:
    for text in ("\ufffd", "\\ufffd"):
        body = f'{{"event":"E","data":{{"A":"{text}"}}}}'.encode()
        assert oddities_of(accepted(body, JSON), SETTINGS) == []


def test_a_long_key_above_many_lost_values_is_named_by_its_beginning() -> None:
    inner = ",".join(f'"{number}":"\xff"' for number in range(900))
    body = f'{{"event":"E","data":{{"{"k" * 400_000}":{{{inner}}}}}}}'.encode("latin-1")
    (note,) = accepted(body, JSON).payload.notes
    assert (note.kind, len(note.names)) == ("not_utf8", 20)
    assert max(map(len, note.names)) < 300
