"""`data` and `auth` in every shape that programs give them: read as the form, or refused, never hollow."""

import json
from typing import Any

import pytest

from gateway.ingest.php_form import build_query
from tests.unit.test_middlemen import EVENT, FORM, TOKEN, verdict

DEAL: dict[str, Any] = EVENT | {"event": "ONCRMDEALUPDATE", "data": {"FIELDS": {"ID": "5"}}}
DATA, AUTH = EVENT["data"], EVENT["auth"]


def entries(value: Any, depth: int = 9) -> Any:
    """JavaScript's Object.entries, all the way down."""
    if not isinstance(value, dict) or not depth:
        return value
    return [[name, entries(inner, depth - 1)] for name, inner in value.items()]


def pairs(value: dict[str, Any], name: str = "Key", text: str = "Value") -> list[dict[str, Any]]:
    return [{name: key, text: inner} for key, inner in value.items()]


# What stands in place of `data` in an event of a user's or a deal's, and the first cause.
LOST: dict[str, tuple[dict[str, Any], str]] = {
    "Object.entries(data)": (EVENT | {"data": entries(DATA)}, "BODY_FLATTENED"),
    "Object.entries of both": (EVENT | {"data": entries(DATA), "auth": entries(AUTH)}, "BODY_FLATTENED"),
    "entries, FIELDS": (DEAL | {"data": entries(DEAL["data"])}, "BODY_FLATTENED"),
    "entries of the first level": (DEAL | {"data": entries(DEAL["data"], 1)}, "BODY_FLATTENED"),
    "entries inside FIELDS": (DEAL | {"data": {"FIELDS": [["ID", "5"]]}}, "BODY_FLATTENED"),
    "an ordered list of Go's": (EVENT | {"data": pairs(DATA)}, "BODY_FLATTENED"),
    "name and value": (EVENT | {"data": pairs(DATA, "name", "value")}, "BODY_FLATTENED"),
    "Object.values(data)": (EVENT | {"data": list(DATA.values())}, "BODY_PRINTED"),
    "values, FIELDS": (DEAL | {"data": [{"ID": "5"}, None]}, "BODY_PRINTED"),
    "values inside FIELDS": (DEAL | {"data": {"FIELDS": ["5"]}}, "BODY_PRINTED"),
    "the letters of a text": (EVENT | {"data": dict(enumerate('{"ID":"7"}'))}, "BODY_PRINTED"),
    "a list in a list": (EVENT | {"data": [[DATA]]}, "BODY_PRINTED"),
    "true": (EVENT | {"data": True}, "BODY_PRINTED"),
    "a Map": (EVENT | {"data": {}}, "BODY_PRINTED"),
    "an empty list": (EVENT | {"data": []}, "BODY_PRINTED"),
    "FIELDS printed": (DEAL | {"data": {"FIELDS": "[object Object]"}}, "BODY_PRINTED"),
    "FIELDS as its keys": (DEAL | {"data": {"FIELDS": "ID"}}, "BODY_PRINTED"),
    "FIELDS blank": (DEAL | {"data": {"FIELDS": ""}}, "BODY_PRINTED"),
    "FIELDS_AFTER printed": (DEAL | {"data": {"FIELDS_AFTER": "{'ID': '5'}"}}, "BODY_PRINTED"),
    "a bot's message printed": (DEAL | {"data": {"PARAMS": "Array", "USER": {"ID": "1"}}}, "BODY_PRINTED"),
    "flat inside data": (DEAL | {"data": {"FIELDS.ID": "5"}}, "BODY_FLATTENED"),
    "an event in data": (EVENT | {"event": "webhook.received", "data": EVENT}, "BODY_NESTED"),
    "spread beside event": ({"event": "ONUSERADD", "auth": AUTH, **DATA}, "BODY_FLATTENED"),
    "FIELDS beside event": (
        {"event": "ONCRMDEALADD", "auth": AUTH, "FIELDS": {"ID": "5"}},
        "BODY_FLATTENED",
    ),
    "data under another name": ({"event": "ONUSERADD", "auth": AUTH, "payload": DATA}, "BODY_FLATTENED"),
    "data with a capital": ({"event": "ONUSERADD", "auth": AUTH, "Data": DATA}, "BODY_FLATTENED"),
    "auth as pairs": (EVENT | {"auth": pairs(AUTH)}, "BODY_FLATTENED"),
    "auth as values": (EVENT | {"auth": list(AUTH.values())}, "BODY_PRINTED"),
    "auth flat": (
        {"event": "ONUSERADD", "data": DATA} | {f"auth_{name}": text for name, text in AUTH.items()},
        "BODY_FLATTENED",
    ),
}


@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("place", ["query", "header"])
def test_an_event_that_cannot_be_read_is_never_queued(name: str, place: str) -> None:
    body, cause = LOST[name]
    more: Any = {"query": f"token={TOKEN}"} if place == "query" else {"x_bitrix_token": TOKEN}
    bodies: list[Any] = [body]
    # A form has no such values.
    if name not in ("true", "values, FIELDS", "a Map", "an empty list"):
        bodies.append(build_query(body))
    for event_body in bodies:
        result = verdict(event_body, **more)
        assert (result.judgement.code, result.judgement.invalid) == ("EVENT_INVALID", "data")
        assert (result.first, result.judgement.message) == (cause, None)


@pytest.mark.parametrize(
    "auth", [entries(AUTH), pairs(AUTH), pairs(AUTH, "name", "value"), list(AUTH.values())]
)
def test_a_token_among_names_and_values_is_not_elsewhere(auth: Any) -> None:
    result = verdict(EVENT | {"auth": auth})
    assert result.judgement.code == "TOKEN_NOT_FOUND"
    assert [cause.code for cause in result.causes] in (["BODY_FLATTENED"], ["BODY_PRINTED"])


@pytest.mark.parametrize("name", ["FIELDS", "FIELDS_BEFORE", "FIELDS_AFTER"])
def test_an_object_of_data_as_a_json_text_is_read(name: str) -> None:
    event = DEAL | {"data": {name: {"ID": "5"}}}
    plain = verdict(build_query(event))
    text = event | {"data": {name: json.dumps({"ID": "5"})}}
    for body, media in ((json.dumps(text), "application/json"), (build_query(text), FORM)):
        result = verdict(body, media)
        assert (result.event_id, result.data, result.causes) == (plain.event_id, plain.data, [])


@pytest.mark.parametrize(
    "event",
    [
        {"event": "ONUSERADD"},
        {"event": "ONOFFLINEEVENT", "data": {}},
        {"event": "ONIMCONNECTORLINEDELETE", "data": 107},
        {"event": "ONTASKADD", "data": {"FIELDS_BEFORE": None, "FIELDS_AFTER": {"ID": "1"}}},
        {"event": "ONTASKADD", "data": {"FIELDS_BEFORE": "", "FIELDS_AFTER": {"ID": "1"}}},
        {"event": "ONUSERUPDATE", "data": [{"ID": "7", "NAME": "x"}, {"ID": "8"}]},
        {"event": "ONUSERUPDATE", "data": {"FIELDS": [{"ID": "7"}, {"ID": "8"}]}},
        {
            "event": "ONIMBOTMESSAGEADD",
            "data": {"BOT": {"567": {"ID": "567"}}, "PARAMS": {"MESSAGE": "Array"}},
        },
        {"event": "ONIMBOTJOINCHAT", "data": {"USER": ["1", "5"], "PARAMS": []}},
        {"event": "ONMYOWN", "data": {"event": "x", "user": "7"}},
        {"event": "ONMYOWN", "data": ["a", "b"]},
        {"event": "ONUSERADD", "data": {"ID": "7", "NAME": "[object Object]", "TITLE": "ID"}},
        {"event": "ONUSERADD", "data": {"ID": "7"}, "auth_token": "x", "meta": {"name": "y"}},
    ],
)
def test_a_complete_event_is_left_as_it_is(event: dict[str, Any]) -> None:
    result = verdict(event, x_bitrix_token=TOKEN)
    assert (result.judgement.code, result.causes) == ("EVENT_QUEUED", [])


# Bodies without their token, and the places that lost their contents.
LOST_TWICE: dict[str, tuple[Any, str]] = {
    "blank": ("event=E&data=&ts=1&auth=", "body:data, body:auth"),
    "blank auth": ("event=E&data[ID]=7&auth=", "body:auth"),
    "keys": ("event=E&data=ID&data=EMAIL&auth=domain&auth=application_token", "body:data, body:auth"),
    "keys, no auth": ("event=E&data=ID&data=EMAIL", "body:data"),
    "a text in each": ("event=E&data=[object Object]&auth=[object Object]", "body:data, body:auth"),
    "dicts": ({"event": "E", "data": "{'ID': '7'}", "auth": "{'domain': 'x'}"}, "body:data, body:auth"),
    "values": ("event=E&data=7&data=@i&auth=p&auth=q", "body:data, body:auth"),
    "two programs": ("event=E&data=[object Object]&auth=Array", "body:data"),
    "one level deeper": ({"event": "E", "data": {"FIELDS": "[object Object]"}}, "body:data.FIELDS"),
}


@pytest.mark.parametrize("loss", LOST_TWICE)
def test_each_place_that_lost_its_contents_is_named(loss: str) -> None:
    body, places = LOST_TWICE[loss]
    for query, status in (("", 401), (f"token={TOKEN}", 400)):
        result = verdict(body, query=query)
        assert (result.judgement.status, result.first, result.causes[0].detail) == (
            status,
            "BODY_PRINTED",
            places,
        )
        assert places in result.causes[0].says
