"""What arrives after real middlemen: requests as they came, a file each, and neighbours of their kinds."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gateway.diagnosis import Cause, diagnose
from gateway.ingest.decision import Judgement, judge
from gateway.ingest.incoming import Incoming
from gateway.ingest.php_form import build_query
from gateway.receiver.oddities import oddities_of
from gateway.settings import Settings, load

FILES = Path(__file__).parents[1] / "support" / "middlemen"
TOKEN = "w1e2b3h4o5o6k7t8o9k0e1n2a3b4c5d6"
SETTINGS = load(
    {
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
        "BITRIX24_DOMAIN": "p.bitrix24.ru",
        "LOG_LANGUAGE": "en",
    },
    None,
)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
EVENT: dict[str, Any] = {
    "event": "ONUSERUPDATE",
    "event_handler_id": "12",
    "data": {"ID": "7", "UF_DEPARTMENT": ["1", "5"], "UF_USR_TELEGRAM": "@ivan_petrov"},
    "ts": "1750000000",
    "auth": {"domain": "p.bitrix24.ru", "member_id": "m", "application_token": TOKEN},
}


@dataclass(frozen=True)
class Verdict:
    judgement: Judgement
    causes: list[Cause]

    @property
    def first(self) -> str:
        return self.causes[0].code if self.causes else ""

    @property
    def data(self) -> Any:
        assert self.judgement.message is not None
        return self.judgement.message.data

    @property
    def event_id(self) -> str:
        assert self.judgement.message is not None
        return self.judgement.message.event_id


def verdict(
    body: bytes | str | dict[str, Any] | list[Any],
    content_type: str = FORM,
    query: str = "",
    method: str = "POST",
    settings: Settings = SETTINGS,
    length: int | None = None,
    **headers: str,
) -> Verdict:
    if isinstance(body, dict | list):
        body, content_type = json.dumps(body), JSON
    raw = body.encode() if isinstance(body, str) else body
    header_bytes = {name.replace("_", "-"): value.encode() for name, value in headers.items()}
    header_bytes |= {"content-type": content_type.encode()}
    declared = len(raw) if length is None else length
    incoming = Incoming(
        method, "/api/bitrix/webhook", query.encode(), header_bytes, lambda limit: raw[:limit], declared
    )
    judgement = judge(incoming, settings, NOW)
    return Verdict(judgement, diagnose(judgement, settings))


def from_file(name: str) -> Verdict:
    head, _, body = (FILES / f"{name}.http").read_bytes().partition(b"\r\n\r\n")
    start, *lines = head.decode().split("\r\n")
    method, target, _ = start.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    content_type = headers.pop("Content-Type", "")
    length = int(headers.pop("Content-Length", len(body)))
    names = {name.lower().replace("-", "_"): value for name, value in headers.items()}
    query = target.partition("?")[2]
    return verdict(body, content_type, query, method, SETTINGS, length, **names)


# By file: status, first cause, part of what it says or of what an accepted event lost.
RIGHT = {
    "flat-json": (200, "", ""),
    "flat-json-query-token": (200, "", ""),
    "json-field-auth": (200, "", ""),
    "json-field-data-only": (200, "", ""),
    "trailing-newline": (200, "", "end of the body were dropped"),
    "blank-fields": (401, "BODY_PRINTED", "fixRequestBody"),
    "keys-as-values": (401, "BODY_PRINTED", "names of an object's fields"),
    "object-object-body": (401, "BODY_PRINTED", "JavaScript printed an object"),
    "python-repr": (401, "BODY_PRINTED", "Python dict"),
    "print_r": (401, "BODY_PRINTED", "PHP array"),
    "python-bytes": (403, "BODY_PRINTED", "Python bytes"),
    "dots": (401, "BODY_FLATTENED", "auth.application_token"),
    "empty-json": (401, "BODY_PRINTED", "FormData"),
    "json-null": (401, "BODY_EMPTY", "whole body is null"),
    "query-event-post": (401, "BODY_IN_QUERY", "in the address"),
    "get-query-event": (405, "METHOD_GET", "in the address"),
    "get-body-bitrix": (405, "METHOD_GET", "body came along"),
    "n8n-item": (401, "BODY_NESTED", "n8n"),
    "renamed-event": (400, "BODY_FLATTENED", "eventName, payload, auth"),
    "repeat-list": (200, "", "data[UF_DEPARTMENT] ×2"),
    "cp1251": (200, "", "data[NAME]"),
    "unlink-null": (200, "", "user 12"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_each_middlemans_request_gets_its_expected_verdict(name: str) -> None:
    status, first, says = RIGHT[name]
    result = from_file(name)
    assert (result.judgement.status, result.first) == (status, first)
    losses = " ".join(oddities_of(result.judgement, SETTINGS))
    assert says in (result.causes[0].says if first else losses)
    assert [cause.code for cause in result.causes if cause.code == "TOKEN_ABSENT"] == []
    if first in ("BODY_IN_QUERY", "METHOD_GET"):
        assert len(result.causes) == 1


def test_every_file_is_in_the_table() -> None:
    assert {path.stem for path in FILES.glob("*.http")} == set(RIGHT)


def names_of_a_form(value: Any = None) -> dict[str, str]:
    """The event's names as a form writes them: what relays keep as keys of JSON."""
    from gateway.ingest.php_form import parameters

    names, values = parameters(build_query(EVENT if value is None else value))
    return {
        name.decode().replace("%5B", "[").replace("%5D", "]"): text
        for name, text in zip(names, values, strict=True)
    }


BODIES: dict[str, Any] = {
    "form": (build_query(EVENT), FORM),
    "JSON": (json.dumps(EVENT), JSON),
    "form names in JSON": (json.dumps(names_of_a_form()), JSON),
    "form names in JSON, undeclared": (json.dumps(names_of_a_form()), ""),
    "form names in JSON as text": (json.dumps(names_of_a_form()), "text/plain;charset=UTF-8"),
    "each value a list of one text (Go)": (json.dumps({k: [v] for k, v in names_of_a_form().items()}), JSON),
    "data and auth as JSON texts in a form": (
        build_query(EVENT | {"data": json.dumps(EVENT["data"]), "auth": json.dumps(EVENT["auth"])}),
        FORM,
    ),
    "data and auth as JSON texts in JSON": (
        json.dumps(EVENT | {"data": json.dumps(EVENT["data"]), "auth": json.dumps(EVENT["auth"])}),
        JSON,
    ),
    "auth nested, data by names": (
        json.dumps(
            {k: v for k, v in names_of_a_form().items() if not k.startswith("auth")} | {"auth": EVENT["auth"]}
        ),
        JSON,
    ),
    "line ends behind the form": (build_query(EVENT) + b"\r\n \r\n", FORM),
}


def test_each_value_a_list_of_one_text_may_be_undefined() -> None:
    names = names_of_a_form(EVENT | {"data": {"FIELDS_BEFORE": "undefined", "FIELDS_AFTER": {"ID": "5"}}})
    as_lists = verdict(json.dumps({name: [text] for name, text in names.items()}), JSON)
    message, same = as_lists.judgement.message, verdict(names).judgement.message
    assert message is not None
    assert same is not None
    assert message.event_id == same.event_id
    assert message.data["FIELDS_BEFORE"] is None


@pytest.mark.parametrize("middleman", BODIES)
@pytest.mark.parametrize("place", ["its own", "query", "header"])
def test_an_event_has_the_same_id_through_every_middleman(middleman: str, place: str) -> None:
    body, content_type = BODIES[middleman]
    plain = verdict(build_query(EVENT))
    more: dict[str, str] = {"query": f"token={TOKEN}"} if place == "query" else {}
    more |= {"x_bitrix_token": TOKEN} if place == "header" else {}
    result = verdict(body, content_type, **more)  # type: ignore[arg-type]
    assert (result.judgement.code, result.causes) == ("EVENT_QUEUED", [])
    assert (result.data, result.event_id) == (plain.data, plain.event_id)
    assert oddities_of(result.judgement, SETTINGS) == (
        ["Line ends or spaces at the end of the body were dropped."] if "line ends" in middleman else []
    )


@pytest.mark.parametrize(
    "body",
    [
        {"event": "E", "auth": {"application_token": TOKEN}, "auth[application_token]": TOKEN},
        {"event": "E", "auth": json.dumps({"application_token": TOKEN}), "auth[application_token]": TOKEN},
        {"event": "E", "auth[application_token]": [TOKEN], "data[ID]": "7"},
    ],
)
def test_a_place_given_in_two_ways_is_malformed(body: dict[str, Any]) -> None:
    result = verdict(body)
    assert result.judgement.code == "TOKEN_NOT_FOUND"
    assert [trace.state for trace in result.judgement.verdict.places][-1] == "malformed"


def test_a_place_given_twice_in_a_form_is_malformed_also_inside_a_text() -> None:
    twice = b"auth=" + quote(json.dumps({"application_token": TOKEN})).encode()
    result = verdict(twice + b"&event=E&auth[application_token]=" + TOKEN.encode())
    assert result.judgement.verdict.places[-1].state == "malformed"


@pytest.mark.parametrize("name", ["x", "xy", "xyz"])
def test_a_body_of_go_that_is_base64_in_json_is_told(name: str) -> None:
    form = build_query(EVENT | {"data": {"ID": "7", "NAME": name}})
    result = verdict(json.dumps(base64.b64encode(form).decode()), JSON)
    assert result.judgement.code == "TOKEN_NOT_FOUND"
    assert (result.first, "TOKEN_ABSENT" in [cause.code for cause in result.causes]) in (
        ("BODY_UNREADABLE", False),
        ("BODY_NESTED", False),
    )


@pytest.mark.parametrize("ends", ["", "="])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[object Object]", "BODY_PRINTED"),
        ("Array", "BODY_PRINTED"),
        (str(EVENT), "BODY_PRINTED"),
        (f"map[auth:map[application_token:{TOKEN}] event:E]", "BODY_PRINTED"),
        ("undefined", "BODY_EMPTY"),
    ],
)
def test_a_printout_is_named_also_as_the_one_name_of_a_form(text: str, code: str, ends: str) -> None:
    assert verdict(quote(text, safe="") + ends).first == code


@pytest.mark.parametrize(
    "values", [["ONUSERADD", "12", "7", TOKEN], ["ONUSERADD", EVENT["data"], "1", EVENT["auth"]]]
)
def test_a_body_of_values_alone_is_told_as_such(values: list[Any]) -> None:
    for query, code in (("", "TOKEN_NOT_FOUND"), (f"token={TOKEN}", "EVENT_INVALID")):
        result = verdict(values, query=query)
        assert (result.judgement.code, result.first) == (code, "BODY_PRINTED")
        assert "without the names" in result.causes[0].says


def test_flat_names_in_a_whole_multipart_body_are_told_as_such() -> None:
    names = {"event": "ONUSERADD", "data.ID": "7", "auth.application_token": TOKEN}
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in names.items()
    ]
    result = verdict("".join(parts) + "--b--\r\n", "multipart/form-data; boundary=b")
    assert (result.judgement.code, result.first) == ("TOKEN_NOT_FOUND", "BODY_FLATTENED")
    assert result.causes[0].detail == "body:auth.application_token"


@pytest.mark.parametrize("media", [FORM, "multipart/form-data; boundary=b"])
def test_values_that_phps_curl_writes_under_their_arrays_name(media: str) -> None:
    pairs = [
        ("event", "ONUSERADD"),
        ("data", "7"),
        ("data", "@ivan"),
        ("auth", "p.bitrix24.ru"),
        ("auth", TOKEN),
    ]
    if media == FORM:
        body = "&".join(f"{name}={quote(value)}" for name, value in pairs)
    else:
        part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        body = "".join(part.format(*pair) for pair in pairs) + "--b--\r\n"
    for query, code in (("", "TOKEN_NOT_FOUND"), (f"token={TOKEN}", "EVENT_INVALID")):
        result = verdict(body, media, query)
        assert (result.judgement.code, result.first) == (code, "BODY_PRINTED")
        assert "without the names" in result.causes[0].says


# By name: the body, whose token comes in a header, and its cause.
HOLLOW: dict[str, tuple[Any, str]] = {
    "dots": ("event=E&data.ID=7&data.NAME=x&ts=1", "BODY_FLATTENED"),
    "underscores": ("event=E&data_ID=7&auth_domain=p.bitrix24.ru", "BODY_FLATTENED"),
    "encoded twice": ("event=E&data%255BID%255D=7", "BODY_ENCODED_TWICE"),
    "dots in JSON": ({"event": "E", "data.ID": "7"}, "BODY_FLATTENED"),
    "blank": ("event=E&data=&auth=", "BODY_PRINTED"),
    "blank auth alone": ("event=E&data[ID]=7&auth=", "BODY_PRINTED"),
    "[object Object]": ("event=E&data=%5Bobject+Object%5D", "BODY_PRINTED"),
    "Array": ("event=E&data=Array&auth=Array", "BODY_PRINTED"),
    "dict": ("event=E&data={'ID': '7'}", "BODY_PRINTED"),
    "keys": ("event=E&data=ID&data=UF_DEPARTMENT", "BODY_PRINTED"),
    "keys in JSON": ({"event": "E", "data": ["ID", "EMAIL"]}, "BODY_PRINTED"),
    "map": ("event=E&data=map[ID:7]", "BODY_PRINTED"),
    "Java": ("event=E&data={ID%3D7}", "BODY_PRINTED"),
    "Ruby": ({"event": "E", "data": '{"ID"=>"7"}'}, "BODY_PRINTED"),
    "cut at one level (Gin's PostFormMap)": (
        {"event": "ONCRMDEALADD", "data": {"FIELDS": "5"}},
        "BODY_PRINTED",
    ),
    "each value a printed list (Django, Tornado)": (
        "event=['E']".replace("E", "ONUSERADD") + "&data[ID]=['7']",
        "BODY_PRINTED",
    ),
    "each value a printed list (Go, Java)": ("event=[ONUSERADD]&data[ID]=[7]", "BODY_PRINTED"),
    "each value a printed array (Java)": (
        "event=[Ljava.lang.String;@1b2c3d4e&data[ID]=[Ljava.lang.String;@1b2c3d4f",
        "BODY_PRINTED",
    ),
    "each value in quotes": ("event=%22ONUSERADD%22&data[ID]=%227%22", "BODY_PRINTED"),
    "each value printed bytes": ({"event": "b'ONUSERADD'", "data": {"ID": "b'7'"}}, "BODY_PRINTED"),
    "cut JSON": ({"event": "E", "data": '{"ID":"7","NAME":"x'}, "BODY_PRINTED"),
}


@pytest.mark.parametrize("name", HOLLOW)
def test_a_hollow_event_is_never_queued(name: str) -> None:
    body, cause = HOLLOW[name]
    result = verdict(body, x_bitrix_token=TOKEN)
    assert (result.judgement.status, result.judgement.invalid, result.judgement.message) == (
        400,
        "data",
        None,
    )
    assert result.first == cause


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ("event=ONOFFLINEEVENT&ts=1", None),
        ("event=ONIMCONNECTORLINEDELETE&data=107", "107"),
        (
            "event=ONTASKADD&data[FIELDS_BEFORE]=undefined&data[FIELDS_AFTER][ID]=1",
            {"FIELDS_BEFORE": None, "FIELDS_AFTER": {"ID": "1"}},
        ),
        ({"event": "E", "data": []}, []),
        ({"event": "E", "data": [{"ID": "7"}]}, [{"ID": "7"}]),
        ({"event": "E", "data": {}}, {}),
    ],
)
def test_what_the_vendor_sends_is_whole(body: Any, data: Any) -> None:
    result = verdict(body, x_bitrix_token=TOKEN)
    assert (result.judgement.code, result.data) == ("EVENT_QUEUED", data)
    assert oddities_of(result.judgement, SETTINGS) == []


@pytest.mark.parametrize(
    ("body", "kind", "names"),
    [
        ("event=E&data[A][]=1&data[A][]=2", "appended", ("data[A][]",)),
        ("event=E&data[A]=1&data[A]=2&data[B]=3", "repeated", ("data[A] ×2",)),
        (b"event=E&data[NAME]=\xc8\xe2\xe0\xed", "not_utf8", ("data[NAME]",)),
        (
            build_query({"event": "E", "data": {"NAME": "Иван".encode().decode("latin-1")}}),
            "misread",
            ("data[NAME]",),
        ),
        (
            json.dumps({"event": "E", "data": {"A": ["é".encode().decode("latin-1")]}}),
            "misread",
            ("data[A][0]",),
        ),
        ('{"event": "E", "event": "F", "data": {"ID": "7"}}', "repeated", ("event",)),
    ],
)
def test_what_a_middleman_lost_is_named(body: bytes | str, kind: str, names: tuple[str, ...]) -> None:
    result = verdict(body, x_bitrix_token=TOKEN)
    assert result.judgement.code == "EVENT_QUEUED"
    assert (kind, names) in [tuple(note) for note in result.judgement.payload.notes]
    assert result.judgement.is_odd


@pytest.mark.parametrize("value", ["Ёж 🦔", "\ufffd", "é à ñ", "Â\xa0Ж", "«x» \xa0", "a b", "%", "1&2=3"])
def test_a_healthy_event_has_no_causes(value: str) -> None:
    result = verdict(build_query(EVENT | {"data": {"ID": "7", "NAME": value}}))
    assert (result.judgement.code, result.judgement.payload.notes) == ("EVENT_QUEUED", ())


BOUND = f"a.bitrix24.ru={TOKEN}, b.bitrix24.ru=other-token-of-portal-b, unbound-token-of-anybody"


@pytest.mark.parametrize(
    ("token", "portal", "code", "event_portal"),
    [
        (TOKEN, "a.bitrix24.ru", "EVENT_QUEUED", "a.bitrix24.ru"),
        (TOKEN, "A.bitrix24.ru:443", "EVENT_QUEUED", "a.bitrix24.ru"),
        (TOKEN, "b.bitrix24.ru", "TOKEN_MISMATCH", ""),
        (TOKEN, "c.bitrix24.ru", "TOKEN_MISMATCH", ""),
        (TOKEN, None, "EVENT_QUEUED", "a.bitrix24.ru"),
        ("unbound-token-of-anybody", "c.bitrix24.ru", "EVENT_QUEUED", "c.bitrix24.ru"),
        ("unbound-token-of-anybody", "a.bitrix24.ru", "TOKEN_MISMATCH", ""),
        ("unbound-token-of-anybody", None, "EVENT_QUEUED", "own.bitrix24.ru"),
    ],
)
@pytest.mark.parametrize("odd_item", ["", ', "in quotes"', ", https://p.bitrix24.ru/x", ", changeme"])
def test_a_bound_token_speaks_for_its_portal_alone(
    token: str, portal: str | None, code: str, event_portal: str, odd_item: str
) -> None:
    values = {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": BOUND + odd_item, "BITRIX24_DOMAIN": "own.bitrix24.ru"}
    settings = load(values, None)
    auth = {"application_token": token} | ({"domain": portal} if portal else {})
    result = verdict(EVENT | {"auth": auth}, settings=settings)
    assert result.judgement.code == code
    if result.judgement.message is None:
        assert (result.first, result.judgement.verdict.places[-1].state) == ("TOKEN_OTHER_PORTAL", "mismatch")
    else:
        assert result.judgement.message.portal.domain == event_portal


@pytest.mark.parametrize("domain", [None, "", " ", "undefined", "oauth.bitrix.info"])
@pytest.mark.parametrize(
    ("token", "code", "event_portal"),
    [
        (TOKEN, "EVENT_QUEUED", "a.bitrix24.ru"),
        ("other-token-of-portal-b", "EVENT_QUEUED", "b.bitrix24.ru"),
        ("unbound-token-of-anybody", "TOKEN_MISMATCH", ""),
    ],
)
def test_an_event_without_a_portal_is_not_of_one_that_has_its_own_token(
    token: str, code: str, event_portal: str, domain: str | None
) -> None:
    """It would be of `BITRIX24_DOMAIN`, and an unbound token would change that portal's links."""
    settings = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": BOUND, "BITRIX24_DOMAIN": "a.bitrix24.ru"}, None)
    auth = {"application_token": token} | ({} if domain is None else {"domain": domain})
    result = verdict(EVENT | {"auth": auth}, settings=settings)
    assert result.judgement.code == code
    if result.judgement.message is None:
        assert (result.first, result.judgement.verdict.places[-1].state) == ("TOKEN_OTHER_PORTAL", "mismatch")
        assert "a.bitrix24.ru" in result.causes[0].says
    else:
        assert result.judgement.message.portal.domain == event_portal


@pytest.mark.parametrize("length", [500, 10_000])
def test_an_unfinished_body_is_named(length: int) -> None:
    body = build_query(EVENT)
    for received in (b"", body[:40], body[:-4]):
        result = verdict(received, length=length)
        assert (result.judgement.status, result.judgement.code, result.first) == (
            408,
            "BODY_INCOMPLETE",
            "BODY_INCOMPLETE",
        )
    whole = verdict(body, length=length)
    assert (whole.judgement.code, whole.judgement.message) == ("BODY_INCOMPLETE", None)


NO_EVENTS = [
    "event=E&a=1",
    "token=x",
    "event=",
    "",
    "data[ID]=7",
    "event=E&database=1",
    "event=E&Authority=1",
]
NO_EVENTS += ["event=E&auth_token=x", "event=E&authorization=x", "event=E&data2=1", "event=E&dataset[ID]=1"]
EVENTS = [
    "data[ID]=7",
    "data=7",
    "DATA[ID]=7",
    "data.ID=7",
    "data_ID=7",
    "data:ID=7",
    "data%255BID%255D=7",
    "dataId=7",
]
EVENTS += [
    "auth[domain]=p",
    "auth=",
    "auth.domain=p",
    "auth_application_token=x",
    "amp;data[ID]=7",
    "data[]=7",
]


@pytest.mark.parametrize("names", EVENTS)
def test_an_event_in_the_address_is_one_by_the_names_of_data_or_auth(names: str) -> None:
    result = verdict(b"", query=f"event=E&{names}", method="GET")
    assert (result.judgement.status, result.judgement.event_in, result.first) == (405, "query", "METHOD_GET")
    posted = verdict(b"", query=f"event=E&{names}")
    assert posted.first == "BODY_IN_QUERY"


@pytest.mark.parametrize("query", NO_EVENTS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_address_in_a_browser_is_healthy(query: str, method: str) -> None:
    result = verdict(b"", query=query, method=method)
    assert (result.judgement.code, result.causes) == ("OK", [])


@pytest.mark.parametrize("name", ["database", "author", "data2", "auth_token"])
def test_an_object_with_an_event_of_its_own_is_no_event_in_data(name: str) -> None:
    result = verdict({"event": "E", "data": {"ID": "7", "event": "call", name: "x"}}, x_bitrix_token=TOKEN)
    assert result.judgement.code == "EVENT_QUEUED"


def test_too_many_parameters_of_a_query_are_refused_before_they_are_read() -> None:
    result = verdict(build_query(EVENT), query="&".join(["a"] * 1001))
    assert (result.judgement.code, result.judgement.limit) == (
        "BODY_TOO_COMPLEX",
        ("query_parameters", 1000, 1001),
    )
    assert "query" in result.causes[0].says


FORM_TEXT = build_query(EVENT).decode()
B64 = base64.b64encode(build_query(EVENT)).decode()
ENVELOPES: dict[str, Any] = {
    "API Gateway": {"version": "2.0", "requestContext": {"http": {"method": "POST"}}, "body": B64},
    "Azure Functions": {"Data": {"req": {"Method": "POST", "Body": FORM_TEXT}}, "Metadata": {"sys": {}}},
    "SQS": {"Records": [{"messageId": "1", "body": json.dumps(EVENT)}]},
    "Kafka": {"records": [{"key": None, "value": EVENT}]},
    "Kafka, base64": {"records": [{"key": None, "value": B64}]},
    "CloudEvents": {"specversion": "1.0", "type": "b24", "data": EVENT},
    "CloudEvents, base64": {"specversion": "1.0", "type": "b24", "data_base64": B64},
    "Pub/Sub": {"message": {"data": B64, "messageId": "1"}, "subscription": "s"},
    "SNS": {"Type": "Notification", "Message": FORM_TEXT},
    "Pipedream": {"trigger": {"event": {"method": "POST", "body": names_of_a_form()}}},
    "Make": {"bundle": [{"data": EVENT}]},
    "JSON-RPC": {"jsonrpc": "2.0", "params": names_of_a_form()},
    "form names in a text": {"body": json.dumps(names_of_a_form())},
    "Power Automate": {"$content-type": FORM, "$content": B64},
    "Apps Script": {"parameter": names_of_a_form(), "postData": {"contents": FORM_TEXT, "type": FORM}},
    "three levels": {"a": {"b": {"c": EVENT}}},
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_is_named(name: str) -> None:
    for query, code in (("", "TOKEN_NOT_FOUND"), (f"token={TOKEN}", "EVENT_INVALID")):
        result = verdict(ENVELOPES[name], query=query)
        assert (result.judgement.code, result.first) == (code, "BODY_NESTED")


@pytest.mark.parametrize(
    "pairs",
    [
        [{"name": name, "value": value} for name, value in names_of_a_form().items()],
        [{"Key": name, "Value": [value]} for name, value in names_of_a_form().items()],
        [[name, value] for name, value in names_of_a_form().items()],
        {"parameters": [{"name": name, "value": value} for name, value in names_of_a_form().items()]},
    ],
)
def test_a_list_of_names_and_values_is_named(pairs: Any) -> None:
    for query in ("", f"token={TOKEN}"):
        result = verdict(pairs, query=query)
        assert (result.first, "list of names and values" in result.causes[0].says) == ("BODY_FLATTENED", True)


@pytest.mark.parametrize("separator", [".", "_", "-", ":", "/", "->", " ", "|", "%5B"])
def test_flat_names_with_any_separator_are_never_queued(separator: str) -> None:
    flat = {name.replace("]", "").replace("[", separator): text for name, text in names_of_a_form().items()}
    for body in (flat, build_query(flat).decode()):
        for headers, code in (({}, "TOKEN_NOT_FOUND"), ({"x_bitrix_token": TOKEN}, "EVENT_INVALID")):
            result = verdict(body, **headers)  # type: ignore[arg-type]
            assert result.judgement.code == code
            assert result.first in ("BODY_FLATTENED", "BODY_ENCODED_TWICE")


@pytest.mark.parametrize("separator", ["&amp;", ";", "\n", ",", " ", "\\u0026"])
def test_a_form_with_another_separator_is_never_queued(separator: str) -> None:
    body = FORM_TEXT.replace("&", separator)
    for query in ("", f"token={TOKEN}"):
        result = verdict(body, query=query)
        assert (result.judgement.message, result.first) == (None, "BODY_UNREADABLE")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_event_sent_by_another_method_is_named(method: str) -> None:
    for body, query in ((build_query(EVENT), ""), (b"", FORM_TEXT)):
        result = verdict(body, query=query, method=method)
        assert (result.judgement.status, result.first) == (405, "METHOD_GET")


@pytest.mark.parametrize("body", ["", "null", "{}", "[]", '""'])
@pytest.mark.parametrize("query", [FORM_TEXT, "payload=" + quote(json.dumps(EVENT))])
def test_an_event_in_the_query_is_named_with_any_empty_body(body: str, query: str) -> None:
    result = verdict(body, JSON, query)
    assert (result.judgement.code, [cause.code for cause in result.causes]) == (
        "TOKEN_NOT_FOUND",
        ["BODY_IN_QUERY"],
    )


@pytest.mark.parametrize(
    "body",
    [
        f"<auth><application_token>{TOKEN}</application_token></auth>",
        f"auth:\n  application_token: {TOKEN}\n",
        json.dumps(EVENT) * 2,
    ],
)
def test_a_token_in_an_unreadable_body_is_not_absent(body: str) -> None:
    assert [cause.code for cause in verdict(body, "text/plain").causes] == ["BODY_UNREADABLE"]


def test_dotnet_leaves_names_unquoted() -> None:
    parts = [
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Disposition: form-data; name={name}\r\n\r\n{text}\r\n"
        for name, text in names_of_a_form().items()
    ]
    result = verdict("".join(parts) + "--b--\r\n", 'multipart/form-data; boundary="b"')
    assert (result.judgement.code, result.judgement.payload.notes) == ("EVENT_QUEUED", ())


@pytest.mark.parametrize("body", ["{{ $json.body }}", "${body}", "{{1.data}}", "%s"])
def test_an_unfilled_template_is_named(body: str) -> None:
    result = verdict(body, JSON)
    assert (result.first, "unfilled template" in result.causes[0].says) == ("BODY_UNREADABLE", True)


@pytest.mark.parametrize("data", ["hello world", '[{"ID":"7"}]', "ID,7", B64])
def test_a_text_in_data_is_never_queued(data: str) -> None:
    result = verdict(build_query(EVENT | {"data": data}))
    assert (result.judgement.invalid, result.judgement.message) == ("data", None)
    assert result.first in ("BODY_PRINTED", "BODY_NESTED")


def _parts(head: str) -> str:
    """A multipart body whose parts begin as a library's do; `{name}` and `{length}` are filled in."""
    parts = [
        f"--b\r\n{head.format(name=name, length=len(text))}\r\n\r\n{text}\r\n"
        for name, text in names_of_a_form().items()
    ]
    return "".join(parts) + "--b--\r\n"


DISPOSITION = 'Content-Disposition: form-data; name="{name}"'
HEALTHY: dict[str, tuple[str, str]] = {
    "OkHttp": (_parts(DISPOSITION + "\r\nContent-Length: {length}"), "multipart/form-data; boundary=b"),
    "RestTemplate": (
        _parts(DISPOSITION + "\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: {length}"),
        "multipart/form-data;charset=UTF-8;boundary=b",
    ),
    "Ktor": (_parts("Content-Disposition: form-data; name={name}"), "multipart/form-data; boundary=b"),
    "multipart without its boundary": (_parts(DISPOSITION), "multipart/form-data"),
    "names sorted by Go": ("&".join(sorted(build_query(EVENT).decode().split("&"))), FORM),
    "MultiValueMap of Spring": (json.dumps({name: [text] for name, text in names_of_a_form().items()}), JSON),
    "PHP's JSON": (json.dumps(EVENT, indent=4).replace("/", "\\/"), JSON),
    "a list as an object": (
        json.dumps(EVENT | {"data": EVENT["data"] | {"UF_DEPARTMENT": {"0": "1", "1": "5"}}}),
        "application/vnd.api+json",
    ),
    "fields of somebody's own": (build_query(EVENT).decode() + "&source=nginx&X=1", FORM),
}


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("authorization", ["", "Basic dTpw", "Bearer eyJhbGciOi.eyJzdWIi.abc"])
def test_a_form_as_the_vendor_sends_it_has_no_causes(name: str, authorization: str) -> None:
    body, content_type = HEALTHY[name]
    more = {"authorization": authorization} if authorization else {}
    result = verdict(body, content_type, "utm=1", "POST", SETTINGS, None, **more)
    assert (result.judgement.code, result.causes) == ("EVENT_QUEUED", [])
    assert result.event_id == verdict(build_query(EVENT)).event_id
    assert oddities_of(result.judgement, SETTINGS) == []
