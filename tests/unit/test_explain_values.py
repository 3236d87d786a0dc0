"""Printed events among lines, and in values, that a reader could take for the printer's own."""

import json
import textwrap
from typing import Any

import pytest

from gateway.tools.explain import Unreadable
from gateway.tools.explain.form_names import fields_in
from tests.unit.test_explain_shapes import TOKEN, judged

FIELDS = {
    "event": "ONCRMLEADADD",
    "data[FIELDS][ID]": "7",
    "data[FIELDS][TITLE]": "lead",
    "auth[domain]": "p.bitrix24.ru",
    "auth[application_token]": TOKEN,
}


@pytest.mark.parametrize("mark", [" => ", "="])
@pytest.mark.parametrize("log_line", ["event: ONUSERADD", "event: ONCRMLEADADD"])
def test_an_event_is_found_above_a_log_that_only_names_events(mark: str, log_line: str) -> None:
    printed = "".join(f"{name}{mark}{value}\n" for name, value in FIELDS.items())
    assert fields_in(printed + f"12:00 INFO {log_line}\n" * 100) == FIELDS


PRINTED = [
    "{'event': 'ONCRMLEADADD', 'data': {'TITLE': 'VALUE'}, "
    f"'auth': {{'domain': 'p.bitrix24.ru', 'application_token': '{TOKEN}'}}}}",
    '{"event" => "ONCRMLEADADD", "data" => {"TITLE" => "VALUE"}, '
    f'"auth" => {{"domain" => "p.bitrix24.ru", "application_token" => "{TOKEN}"}}}}',
    'event => "ONCRMLEADADD", data[TITLE] => "VALUE", '
    f'auth[domain] => "p.bitrix24.ru", auth[application_token] => "{TOKEN}"',
    "MultiDict([('event', 'ONCRMLEADADD'), ('data[TITLE]', 'VALUE'), "
    f"('auth[domain]', 'p.bitrix24.ru'), ('auth[application_token]', '{TOKEN}')])",
    "Array\n(\n    [event] => ONCRMLEADADD\n"
    "    [data] => Array\n        (\n            [TITLE] => VALUE\n        )\n\n"
    "    [auth] => Array\n        (\n            [domain] => p.bitrix24.ru\n"
    f"            [application_token] => {TOKEN}\n        )\n\n)\n",
]


def data_of(pasted: bytes) -> Any:
    explained = judged(pasted)
    assert (explained.code, explained.verified) == ("EVENT_QUEUED", True)
    assert explained.event is not None
    return explained.event["data"]


@pytest.mark.parametrize("printed", PRINTED[:4])
@pytest.mark.parametrize(
    ("escaped", "title"),
    [
        (r"\ud83d\ude00 lead", "\U0001f600 lead"),
        (r"\uD83D\uDE00", "\U0001f600"),
        (r"\ud83d lead", "\ufffd lead"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\\ud83d", r"\ud83d"),
    ],
)
def test_escaped_surrogates_are_one_character(printed: str, escaped: str, title: str) -> None:
    assert data_of(printed.replace("VALUE", escaped).encode()) == {"TITLE": title}


@pytest.mark.parametrize("media", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("surrogate", [0xD83D, 0xDC80])
def test_half_a_pair_in_a_tools_json_is_judged(media: str, surrogate: int) -> None:
    title = chr(surrogate) + " lead"
    auth = {"domain": "p.bitrix24.ru", "application_token": TOKEN}
    body = {"event": "ONCRMLEADADD", "data": {"TITLE": title}, "auth": auth}
    received = {"headers": {"content-type": media}, "params": {}, "query": {"a": title}, "body": body}
    assert data_of(json.dumps({"json": received}).encode()) == {"TITLE": "\ufffd lead"}
    assert data_of(json.dumps({"level": "info", "body": body}).encode()) == {"TITLE": "\ufffd lead"}


@pytest.mark.parametrize("printed", PRINTED)
def test_a_value_in_another_encoding_is_judged(printed: str) -> None:
    pasted = printed.encode().replace(b"VALUE", "Лид".encode("cp1251"))
    assert data_of(pasted) == {"TITLE": "\ufffd\ufffd\ufffd"}


FORM_TEXT = f"event=E&data[ID]=7&auth[application_token]={TOKEN}"
HEADERS = [{"name": "content-type", "value": "application/x-www-form-urlencoded"}]


@pytest.mark.parametrize("odd", [b"\xc8\xe2", b"\\ud800"], ids=["other encoding", "half a pair"])
@pytest.mark.parametrize(
    "pasted",
    [
        json.dumps({"request": {"method": "POST", "uri": "/", "headers": {}, "raw": "ODD"}}),
        json.dumps(
            {"log": {"entries": [{"request": {
                "method": "POST", "url": "https://x/ODD?a=ODD", "headers": HEADERS,
                "postData": {"mimeType": "application/x-www-form-urlencoded", "text": FORM_TEXT},
            }}]}}
        ),
        "INFO - Все заголовки запроса: {'Content-Type': 'application/x-www-form-urlencoded; x=ODD'}\n"
        f"INFO - Тело запроса (первые 1000 символов): {FORM_TEXT}\n",
        "meta {\n  name: x\n}\n\npost {\n  url: https://x/ODD\n}\n\nbody:form-urlencoded {\n"
        f"  event: E\n  data[TITLE]: ODD\n  auth[application_token]: {TOKEN}\n}}\n",
    ],
    ids=["ngrok", "HAR", "old bot", "Bruno"],
)  # fmt: skip
def test_odd_bytes_around_an_event_end_in_no_traceback(pasted: str, odd: bytes) -> None:
    try:
        explanation = judged(pasted.encode().replace(b"ODD", odd))
    except Unreadable:
        return
    assert explanation.code in ("EVENT_QUEUED", "NOT_FOUND", "TOKEN_NOT_FOUND")


@pytest.mark.parametrize(
    "value",
    [
        "call back (urgent\n)",
        "see\n(\nbelow\n)",
        "a\n                )",
        "a\n[auth] => Array\n(\n[domain] => x\n)",
    ],
)
def test_a_value_that_looks_like_the_end_of_a_level_is_a_value(value: str) -> None:
    printout = "\n".join(line.strip() for line in value.splitlines())
    for printed in (PRINTED[-1], "12:00 INFO $_POST = " + PRINTED[-1], textwrap.indent(PRINTED[-1], "    ")):
        assert data_of(printed.replace("VALUE", value).encode()) == {"TITLE": printout}


@pytest.mark.parametrize("joint", ["\n", " "])
def test_without_columns_such_a_printout_is_not_judged(joint: str) -> None:
    printed = joint.join(line.strip() for line in PRINTED[-1].splitlines() if line.strip())
    assert data_of(printed.encode()) == {"TITLE": "VALUE"}
    with pytest.raises(Unreadable) as caught:
        judged(printed.replace("VALUE", joint.join(("call back (urgent", ")"))))
    assert caught.value.key == "PASTED_PRINT_R"
