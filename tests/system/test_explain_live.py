"""`explain` answers what the running function answers: the same bytes go to both."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from tests.support.deliveries import AGENT, FORM, OTHER_TOKEN, TOKEN, form
from tests.support.processes import Running, Start, wait_for

WEBHOOK = "POST /api/bitrix/webhook"


def request(line: str, body: bytes = b"", *headers: str) -> bytes:
    typed = any(header.lower().startswith("content-type") for header in headers)
    head = [f"{line} HTTP/1.1", "Host: 127.0.0.1", f"User-Agent: {AGENT}", *headers, "Connection: close"]
    head += ([] if typed or not body else [f"Content-Type: {FORM}"]) + [f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


JSON = b'{"event": "ONUSERADD", "auth": {"application_token": "%s"}}'
REQUESTS = {
    "healthy": request(WEBHOOK, form()),
    "the root": request("POST /", form()),
    "a trailing slash": request(WEBHOOK + "/", form()),
    "another case": request("POST /API/bitrix/webhook", form()),
    "an encoded path": request("POST /%61pi/bitrix/webhook", form()),
    "another path": request("POST /webhook", form()),
    "the token in the path": request(f"POST /hook/{TOKEN}", form(token=None)),
    "a token in the query": request(f"{WEBHOOK}?token={TOKEN}", form(token=None)),
    "an encoded token in the query": request(f"{WEBHOOK}?token=%77{TOKEN[1:]}", form(token=None)),
    "two tokens in the query": request(f"{WEBHOOK}?token={TOKEN}&token={TOKEN}", form(token=None)),
    "a header": request(WEBHOOK, form(token=None), f"X-Bitrix-Token: {TOKEN}"),
    "a header given twice": request(WEBHOOK, form(token=None), *[f"X-Bitrix-Token: {TOKEN}"] * 2),
    "bearer": request(WEBHOOK, form(token=None), f"Authorization: bearer  {TOKEN}"),
    "basic": request(WEBHOOK, form(token=None), "Authorization: Basic d2U6YWxs"),
    "a wrong one above": request(WEBHOOK, form(), f"X-Bitrix-Token: {OTHER_TOKEN}"),
    "another token": request(WEBHOOK, form(token=OTHER_TOKEN)),
    "no token": request(WEBHOOK, form(token=None)),
    "a blank token": request(WEBHOOK, form(token=" ")),
    "JSON": request(WEBHOOK, JSON % TOKEN.encode(), "Content-Type: application/json"),
    "JSON declared a form": request(WEBHOOK, JSON % TOKEN.encode()),
    "JSON cut off": request(WEBHOOK, (JSON % TOKEN.encode())[:-3], "Content-Type: application/json"),
    "compressed": request(WEBHOOK, b"\x1f\x8b\x08", "Content-Encoding: gzip", f"X-Bitrix-Token: {TOKEN}"),
    "no body": request(WEBHOOK),
    "no event": request(WEBHOOK, f"token={TOKEN}&document_id[0]=crm".encode()),
    "too many": request(WEBHOOK, b"&".join(b"a[]=%d" % number for number in range(1001))),
    "too deep": request(WEBHOOK, b"a" + b"[b]" * 32 + b"=1"),
    "a long query": request(f"{WEBHOOK}?{'a' * 8193}", form()),
    "a large body": request(WEBHOOK, b"a" * 524_289),
    "GET": request("GET /api/bitrix/webhook"),
    "GET health": request("GET /health"),
    "POST health": request("POST /health", form()),
    "PUT": request("PUT /api/bitrix/webhook", form()),
    "OPTIONS": request("OPTIONS /"),
    "not ASCII": request(
        WEBHOOK, form(token=None), "X-Bitrix-Token: \xd1\x82\xd0\xbe\xd0\xba\xd0\xb5\xd0\xbd"
    ),
}


@pytest.fixture(scope="module")
def server(start_module_serve: Start) -> Running:
    return start_module_serve(LOG_FORMAT="json", LOG_LANGUAGE="en")


@pytest.mark.parametrize("name", REQUESTS)
def test_the_same_code_and_causes(
    name: str,
    server: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    count_before = len(server.records())
    head, _, answer = server.raw(REQUESTS[name]).partition(b"\r\n\r\n")
    answer_json: dict[str, Any] = json.loads(answer)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", TOKEN)
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    Path("request.txt").write_bytes(REQUESTS[name])
    code = main(["explain", "request.txt", "--json"])
    explanation = json.loads(capsys.readouterr().out)
    assert explanation["code"] == answer_json["code"], head
    refusals = [record for record in server.records()[count_before:] if "places" in record]
    assert explanation["causes"] == (refusals[0]["causes"] if refusals else [])
    assert code == bool(refusals)
    if refusals:
        assert explanation["places"] == refusals[0]["places"]
        assert explanation["decoded_as"] == refusals[0]["decoded_as"]


def test_a_refusal_on_one_machine_has_the_trace_too(server: Running) -> None:
    trace = "105445aa7843bc8bf206b12000100000"
    _, _, answer = server.raw(
        request(WEBHOOK, form(token=None), f"X-Cloud-Trace-Context: {trace}/1;o=1")
    ).partition(b"\r\n\r\n")
    request_id = json.loads(answer)["request_id"]
    [record] = wait_for(lambda: [r for r in server.records() if r.get("request_id") == request_id])
    assert record["logging.googleapis.com/trace"].endswith(trace)
    assert record["logging.googleapis.com/labels"]["cause"] == "AUTH_MISSING"
    assert record["severity"] == "WARNING"
