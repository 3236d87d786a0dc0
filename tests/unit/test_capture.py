# ruff: noqa: E501 — a body, one line
"""The capture: no secret in whatever form, no verdict changed, and `explain` tells the same from it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import product
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.decision import judge
from gateway.ingest.incoming import Incoming
from gateway.receiver.capture import MAX_TEXT, capture_record, mask_tokens
from gateway.redaction import mask_text
from gateway.settings import Settings, load
from gateway.tools.explain import Record, read
from gateway.tools.explain.verdict import explain

TOKEN = "k3v9x2m8q1w7e5r4t6y0u1i2o3p4a5s6"
OTHER = "zz91x2m8q1w7e5r4t6y0u1i2o3p4a5zz"
# A secret that no run of token characters finds.
ODD = 'p&ss=w%rd "q" {a}/й+1'
# Masked only by its key's name.
SHORT = "123456"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
FORM_TYPE = b"application/x-www-form-urlencoded"


def settings(token: str = TOKEN) -> Settings:
    environ = {
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN": token,
        "BITRIX24_WEBHOOK_TOKEN": "7/in2c0ming5s3cr3tx9",
        "BITRIX24_DOMAIN": "p.bitrix24.ru",
        "INSPECTOR_PASSWORD": ODD,
    }
    until = NOW + timedelta(minutes=30)
    return Settings(**{**load(environ, None).__dict__, "capture_until": until})


def capture(
    body: str | bytes = b"",
    content_type: bytes = FORM_TYPE,
    query: str = "",
    path: str = "/",
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    raw = body.encode() if isinstance(body, str) else body
    header_bytes = {name: value.encode() for name, value in (headers or {}).items()}
    incoming = Incoming(
        "POST", path, query.encode(), {"content-type": content_type, **header_bytes}, BytesIO(raw).read
    )
    config = settings()
    record = capture_record(incoming, raw, config, judge(incoming, config, NOW), NOW)
    assert record is not None
    return record


def holds(record: dict[str, Any], secret: str) -> bool:
    """Whether a record gives a secret away: plain, encoded, or the better half of it."""
    text = json.dumps(record, ensure_ascii=False)
    half = secret[: max(8, len(secret) // 2)]
    return any(
        form in text for form in (secret, quote(secret), quote_plus(secret), half, secret[-len(half) :])
    )


def test_captures_only_until_the_configured_time() -> None:
    config = settings()
    incoming = Incoming("GET", "/")
    judgement = judge(incoming, config, NOW)
    late = NOW + timedelta(hours=1)
    assert capture_record(incoming, b"", config, judgement, late) is None
    assert capture_record(incoming, b"", load({}, None), judgement, NOW) is None
    assert capture_record(incoming, b"", config, judgement, NOW) is not None


def test_a_capture_shows_the_request_as_it_arrived() -> None:
    record = capture(
        f"event=ONUSERADD&data%5BNAME%5D=%D0%98%D0%B2%D0%B0%D0%BD&data[ID]=12&auth%5Bapplication_token%5D={TOKEN}",
        query="a=1&b",
        headers={"user-agent": "Bitrix24 Webhook Engine", "cookie": "sid=abc; lang=ru"},
    )
    assert record["answer"] == "EVENT_QUEUED"
    assert record["body"].startswith(
        "event=ONUSERADD&data%5BNAME%5D=%D0%98%D0%B2%D0%B0%D0%BD&data[ID]=12&auth%5B"
    )
    assert record["body"].endswith("application_token%5D=" + mask_text(TOKEN))
    assert record["headers"]["user-agent"] == "Bitrix24 Webhook Engine"
    assert record["headers"]["content-type"] == FORM_TYPE.decode()
    assert record["headers"]["cookie"] == "sid=<masked 3 ->; lang=<masked 2 ->"
    assert record["query"] == "a=1&b"
    assert (record["body_cut"], record["causes"]) == (False, [])


BODIES = {
    "form": "event=E&auth[application_token]={}&data[ID]=1",
    "form, encoded": "event=E&auth%5Bapplication_token%5D={}",
    "form, encoded twice": "event=E%26auth%255Bapplication_token%255D={}",
    "form, an unknown key": "event=E&hook={}",
    "form, a name": "event=E&{}=1",
    "form, no pair": "{}",
    "flattened": "auth.application_token={}&auth_token={}",
    "deep": "data[BOT][567][access_token]={}&data[bot][auth][x]={}",
    "json": '{{"event": "E", "auth": {{"application_token": "{}"}}, "x": ["{}"]}}',
    "json, a key": '{{"{}": 1}}',
    "json, escaped key": '{{"applicati\\u006fn_token": "{}"}}',
    "json under a secret's name": '{{"token": {{"a": ["{}"]}}}}',
    "json, cut off": '{{"a": 1, "token": "{}',
    "json, broken": '{{"a": 1 "token": "{}" }}}}',
    "json in a form": 'payload={{"auth":{{"application_token":"{}"}}}}',
    "form in json": '{{"payload": "event=E&auth[application_token]={}"}}',
    "json in json": '{{"payload": "{{\\"token\\": \\"{}\\"}}"}}',
    "text": "token {} here",
    "xml": "<a><token>{}</token></a>",
    "multipart": '--b\r\nContent-Disposition: form-data; name="auth[application_token]"\r\n\r\n{}\r\n--b--\r\n',
    "multipart, another name": '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n{}\r\n--b--\r\n',
    "multipart, a file": '--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n{}\r\n--b--\r\n',
    "cut": "x=" + "a" * (MAX_TEXT - 20) + "&y={}",
    "cut in the key": "x=" + "a" * (MAX_TEXT - 10) + "&token={}",
}
WRITTEN: dict[str, Callable[[str], str]] = {
    "plain": lambda value: value,
    "percent": lambda value: quote(value, safe=""),
    "every byte": lambda value: "".join(f"%{byte:02x}" for byte in value.encode()),
    "twice": lambda value: quote(quote(value, safe=""), safe=""),
    "json": lambda value: json.dumps(value)[1:-1],
    "upper": str.upper,
    "cut": lambda value: value[:20],
    "with a tail": lambda value: value + "xyz",
    "quoted": lambda value: f"'{value}'",
    "a look-alike": lambda value: value.replace("w", "ш"),
}


@pytest.mark.parametrize("shape", BODIES)
def test_no_token_in_any_body(shape: str) -> None:
    for (name, write), secret in product(WRITTEN.items(), (TOKEN, OTHER)):
        value = write(secret)
        record = capture(BODIES[shape].format(*[value] * 2))
        assert not holds(record, secret), name
        assert not holds(record, value), name


@pytest.mark.parametrize("shape", BODIES)
def test_no_odd_secret_in_any_body(shape: str) -> None:
    for value in (ODD, quote(ODD, safe=""), quote_plus(ODD), json.dumps(ODD)[1:-1]):
        assert ODD not in json.dumps(capture(BODIES[shape].format(*[value] * 2)), ensure_ascii=False)
        assert value not in capture(BODIES[shape].format(*[value] * 2))["body"]


@pytest.mark.parametrize(
    "shape",
    [shape for shape, text in BODIES.items() if "token" in text and shape not in ("text", "xml")],
)
def test_short_secrets_are_masked_by_their_names(shape: str) -> None:
    body = BODIES[shape].replace('x": ["{}"]', 'x": 1').replace("[x]={}", "=1")
    assert SHORT not in capture(body.format(*[SHORT] * 2))["body"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-bitrix-token", "{}"),
        ("authorization", "Bearer {}"),
        ("authorization", "{}"),
        ("authorization", "Basic {}"),
        ("proxy-authorization", "Bearer {}"),
        ("cookie", "a={}; b={}"),
        ("x-api-key", "{}"),
        ("x-webhook-secret", "{}, {}"),
        ("referer", "https://x.y/?token={}"),
        ("x-original-url", "/hook?a=1&auth_token={}"),
    ],
)
def test_no_secret_in_headers(name: str, value: str) -> None:
    for secret in (TOKEN, OTHER, SHORT):
        record = capture(headers={name: value.format(*[secret] * 2)})
        assert secret not in json.dumps(record["headers"])


def test_long_header_names_are_not_masked() -> None:
    names = ["x-forwarded-proto", "cf-connecting-ip", "x-hub-signature-256", "x-cloud-trace-context"]
    assert [*capture(headers=dict.fromkeys(names, "1"))["headers"]][-4:] == names


def test_a_header_that_the_host_adds_is_not_the_senders() -> None:
    assert (
        "function-execution-id" not in capture(headers={"function-execution-id": "ASsPJNLpeIBr"})["headers"]
    )


def test_no_secret_in_path_query_or_a_headers_name() -> None:
    record = capture(path=f"/hook/{TOKEN}", query=f"token={SHORT}&x={OTHER}&{TOKEN}", headers={OTHER: "1"})
    assert not any(holds(record, secret) for secret in (TOKEN, OTHER, f"={SHORT}"))
    assert record["query"].startswith("token=<masked 6 ->&x=<masked 32 ")


@given(st.binary(max_size=3000), st.binary(max_size=60), st.binary(max_size=300))
def test_it_never_raises_and_stays_small(body: bytes, content_type: bytes, query: bytes) -> None:
    incoming = Incoming("POST", "/", query, {"content-type": content_type}, BytesIO(body).read)
    config = settings()
    record = capture_record(incoming, body, config, judge(incoming, config, NOW), NOW)
    assert record is not None
    assert len(json.dumps(record)) < 40_000


def test_a_large_hostile_body_is_searched_only_in_part() -> None:
    for piece in (b'content-disposition: name=""', b'{"a":', b"a[", b"%25", b"&=", b'"\\'):
        body = b'{"' + piece * (500_000 // len(piece))
        assert capture(body)["body_cut"]


@pytest.mark.parametrize("levels", [1, 30, 200, 3000])
@pytest.mark.parametrize(("way", "back"), [('"access_token":{', "}"), ('"tokens":[{', "}]")])
def test_a_secret_name_masks_values_at_any_depth_below_it(way: str, back: str, levels: int) -> None:
    """The names between are thousands in a body of open objects: not all of them are kept."""
    body = "{" + way + '"a":{' * levels + f'"id":"{SHORT}"'
    assert SHORT not in mask_tokens(body)
    assert SHORT in mask_tokens(body.replace("token", "number"))
    assert SHORT in mask_tokens("{" + (way + back + ",") * levels + f'"id":"{SHORT}"')


def test_the_mask_of_a_value_is_that_of_its_decoded_text() -> None:
    config = settings("odd token/with+signs")
    body = b"auth[application_token]=odd%20token%2Fwith%2Bsigns"
    incoming = Incoming("POST", "/", b"", {"content-type": FORM_TYPE}, BytesIO(body).read)
    judgement = judge(incoming, config, NOW)
    record = capture_record(incoming, body, config, judgement, NOW)
    assert record is not None
    received = judgement.verdict.received
    assert received is not None
    assert record["body"] == f"auth[application_token]=<masked 20 {received.fingerprint}>"


CASES: dict[str, dict[str, Any]] = {
    "passes": {"body": f"event=ONUSERADD&data[ID]=1&auth[application_token]={TOKEN}"},
    "json": {"body": json.dumps({"event": "ONUSERADD", "token": TOKEN}), "content_type": b"application/json"},
    "another": {"body": f"event=ONUSERADD&auth[application_token]={OTHER}"},
    "application": {"body": "event=ONUSERADD&auth[application_token]=" + "0123456789abcdef" * 2},
    "elsewhere": {"body": "event=ONUSERADD", "query": f"secret={TOKEN}"},
    "altered": {"body": f"event=ONUSERADD&auth[application_token]={TOKEN.upper()}"},
    "blank": {"body": "event=ONUSERADD&auth[application_token]="},
    "repeated": {"body": f"event=ONUSERADD&token={TOKEN}&token={TOKEN}"},
    "gateway": {
        "body": "event=ONUSERADD",
        "headers": {"authorization": "Bearer eyJhbGciOi.eyJzdWIiOiIx.c2ln"},
    },
    "long": {"body": "event=ONUSERADD&x=" + "word " * 400 + f"&auth[application_token]={TOKEN}"},
    "robot": {"body": f"document_id[0]=crm&auth[domain]=p.bitrix24.ru&token={TOKEN}"},
    "path": {
        "path": f"/hook/{TOKEN}",
        "body": "event=ONUSERADD",
        "headers": {"user-agent": "Bitrix24 Webhook Engine"},
    },
    "empty": {},
}


@pytest.mark.parametrize("case", CASES)
def test_explain_finds_the_same_causes_in_a_capture(case: str) -> None:
    record = capture(**CASES[case])
    entry = {"severity": "INFO", "message": "", "time": "t", **record}
    pasted = read(json.dumps({"jsonPayload": entry, "timestamp": "t"}).encode())
    assert isinstance(pasted, Record)
    explanation = explain(pasted, settings(), NOW).to_json()
    assert explanation["code"] == record["answer"]
    assert explanation["places"] == record["places"]
    assert explanation["causes"] == record["causes"]
    assert explanation["verified"] == any(trace["state"] == "match" for trace in record["places"])
    if case in ("passes", "another"):
        assert explanation["event"]["event"] == "ONUSERADD"


def test_a_capture_is_judged_by_the_current_settings() -> None:
    refused = read(json.dumps(capture(**CASES["another"])).encode())
    assert isinstance(refused, Record)
    now_right = explain(refused, settings(OTHER), NOW)
    assert (now_right.code, now_right.passes) == ("EVENT_QUEUED", True)
    passed = read(json.dumps(capture(**CASES["passes"])).encode())
    assert isinstance(passed, Record)
    now_wrong = explain(passed, settings(OTHER), NOW)
    assert (now_wrong.code, now_wrong.passes) == ("TOKEN_MISMATCH", False)
    assert explain(passed, load({}, None), NOW).code == "EVENT_QUEUED"
