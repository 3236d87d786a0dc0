"""Every row of the contract's HTTP table, over real HTTP: functions-framework's own server and `serve`."""

import base64
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask
import pytest

from gateway import processors, receiver
from gateway.ingest.decision import Judgement
from gateway.ingest.php_form import build_query
from gateway.settings import Settings, load
from tests.support.deliveries import (
    AGENT,
    FORM,
    OTHER_TOKEN,
    PORTAL,
    TOKEN,
    delivery,
    form,
)
from tests.support.processes import Answer, Running, Start, wait_for

JSON = "application/json"
SHORT_TOKEN = "123456"


@pytest.fixture(scope="module", params=["functions-framework", "serve"])
def gateway(
    request: pytest.FixtureRequest, start_module_function: Start, start_module_serve: Start
) -> Running:
    """A gateway that accepts two tokens, under each of the two servers it runs under."""
    settings = {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": f"{TOKEN}, {SHORT_TOKEN}", "LOG_FORMAT": "json"}
    if request.param == "serve":
        return start_module_serve(**settings)
    return start_module_function("bitrix_webhook", **settings)


def refusals(gateway: Running, answer: Answer) -> list[dict[str, Any]]:
    """The log's records of one request, once there is one."""
    return wait_for(lambda: records_of(gateway, answer))


def records_of(gateway: Running, answer: Answer) -> list[dict[str, Any]]:
    request_id = answer.json["request_id"]
    return [record for record in gateway.records() if record.get("request_id") == request_id]


def assert_error(answer: Answer, status: int, code: str) -> None:
    answer_json = answer.json
    assert (answer.status, answer_json["status"], answer_json["code"]) == (status, "error", code)
    assert answer_json["message"]
    assert answer_json["request_id"]
    assert answer.headers["Content-Type"] == JSON


@pytest.mark.parametrize("path", ["/", "/api/bitrix/webhook", "/api/bitrix/webhook/"])
def test_a_portals_delivery_is_queued(gateway: Running, path: str) -> None:
    answer = gateway.post(form(), path)
    assert (answer.status, answer.json["status"], answer.json["code"]) == (200, "ok", "EVENT_QUEUED")
    assert answer.json["event"] == "ONUSERUPDATE"
    assert len(answer.json["event_id"]) == 64
    assert answer.json["message_id"]


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/bitrix", "/api/bitrix/webhook/x", "/API/bitrix/webhook", "/health/x"]
)
@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_another_path_names_the_right_one(gateway: Running, path: str, method: str) -> None:
    answer = gateway.request(method, path, form() if method == "POST" else None)
    assert_error(answer, 404, "NOT_FOUND")
    assert answer.json["path"] == "/api/bitrix/webhook"
    assert "/api/bitrix/webhook" in answer.json["message"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_another_method_gets_the_allowed_ones(gateway: Running, method: str) -> None:
    answer = gateway.request(method)
    assert_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    health = gateway.request("POST", "/health", form())
    assert_error(health, 405, "METHOD_NOT_ALLOWED")
    assert health.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/api/bitrix/webhook", "/health", "/health/"])
def test_a_get_answers_the_health(gateway: Running, path: str) -> None:
    answer = gateway.request("GET", path)
    answer_json = answer.json
    assert (answer.status, answer_json["status"], answer_json["token_configured"], answer_json["queue"]) == (
        200,
        "ok",
        True,
        "local",
    )
    # What was to be logged before it is there now.
    refusals(gateway, gateway.post(form(token=None)))
    assert records_of(gateway, answer) == []
    head = gateway.request("HEAD", path)
    assert (head.status, head.body) == (200, b"")


def test_a_get_by_bitrix24_is_logged_as_a_refusal(gateway: Running) -> None:
    answer = gateway.request("GET", "/api/bitrix/webhook", headers={"User-Agent": AGENT})
    assert answer.status == 200
    [record] = refusals(gateway, answer)
    assert record["severity"] == "WARNING"
    assert record["causes"][0]["code"] == "METHOD_GET"


@pytest.mark.parametrize("path", ["/robots.txt", "/favicon.ico"])
def test_requests_that_browsers_make_by_themselves_are_not_refusals(gateway: Running, path: str) -> None:
    count_before = len(gateway.records())
    assert gateway.request("GET", path).status == 404
    assert gateway.request("GET", "/health").status == 200
    assert [record for record in gateway.records()[count_before:] if "places" in record] == []


@pytest.mark.parametrize("path", ["//api/bitrix/webhook", "/api//bitrix/webhook", "//"])
def test_nothing_ever_redirects(gateway: Running, path: str) -> None:
    answer = gateway.post(form(), path)
    assert answer.status in (200, 404)
    assert answer.json["code"] in ("EVENT_QUEUED", "NOT_FOUND")


def test_a_query_over_8_kib_is_too_long(gateway: Running) -> None:
    assert gateway.post(form(), "/?x=" + "a" * (8192 - 2)).status == 200
    assert_error(gateway.post(form(), "/?x=" + "a" * (8192 - 1)), 414, "QUERY_TOO_LONG")
    for length in (40_000, 70_000, 300_000):
        assert_error(gateway.post(b"", "/?" + "a" * length), 414, "QUERY_TOO_LONG")


def test_a_body_of_512_kib_is_taken_and_one_byte_more_is_not(gateway: Running) -> None:
    body = form()
    full = body + b"&x=" + b"a" * (524_288 - len(body) - 3)
    assert gateway.post(full).status == 200
    assert_error(gateway.post(full + b"a"), 413, "BODY_TOO_LARGE")


def chunked(body: bytes, size: int) -> bytes:
    head = (
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_a_chunked_body_counts_without_its_frames(gateway: Running) -> None:
    body = form()
    full = body + b"&x=" + b"a" * (524_288 - len(body) - 3)
    assert gateway.raw(chunked(full, 7)).startswith(b"HTTP/1.1 200")
    assert gateway.raw(chunked(full + b"a", 4096)).startswith(b"HTTP/1.1 413")


def test_broken_chunks_never_raise_and_stay_out_of_the_log(gateway: Running) -> None:
    # It is sent without the frames that its header promises.
    body = form()
    head = (
        f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    for failing in (body + b"\r\n", b"5\r\nevent%sXX" % body):
        assert gateway.raw(head + failing)[:12] in (b"HTTP/1.1 408", b"HTTP/1.1 400")
    assert gateway.post(form()).status == 200
    assert TOKEN not in gateway.log()


@pytest.mark.parametrize("length", ["100000000", "9" * 30])
def test_an_unfinished_huge_body_is_refused_at_once(gateway: Running, length: str) -> None:
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nevent=".encode()
    answer = gateway.raw(head)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"BODY_TOO_LARGE" in answer
    assert gateway.post(form()).status == 200


@pytest.mark.parametrize(
    "body",
    [
        form() + b"&" + b"&".join(b"a%d=1" % n for n in range(1000)),
        form() + b"&a" + b"[x]" * 32 + b"=1",
    ],
)
def test_too_many_parameters_or_levels(gateway: Running, body: bytes) -> None:
    assert_error(gateway.post(body), 400, "BODY_TOO_COMPLEX")


PLACES: dict[str, Callable[[Running, str], Answer]] = {
    "header:X-Bitrix-Token": lambda g, t: g.post(form(token=None), X_Bitrix_Token=t),
    "header:Authorization": lambda g, t: g.post(form(token=None), Authorization=f"Bearer {t}"),
    "query:token": lambda g, t: g.post(form(token=None), f"/?token={t}"),
    "body:token": lambda g, t: g.post(build_query({**delivery(token=None), "token": t})),
    "body:data.token": lambda g, t: g.post(form(data={"ID": "1", "token": t}, token=None)),
    "body:auth.token": lambda g, t: g.post(
        form(token=None).replace(b"auth%5Bdomain", b"auth%5Btoken%5D=" + t.encode() + b"&auth%5Bdomain")
    ),
    "body:data.auth.token": lambda g, t: g.post(form(data={"ID": "1", "auth": {"token": t}}, token=None)),
    "body:auth.application_token": lambda g, t: g.post(form(token=t)),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_token_counts_in_every_place(gateway: Running, place: str) -> None:
    send = PLACES[place]
    for token in (TOKEN, SHORT_TOKEN):
        assert send(gateway, token).json["code"] == "EVENT_QUEUED"
    answer = send(gateway, OTHER_TOKEN)
    assert_error(answer, 403, "TOKEN_MISMATCH")
    [record] = refusals(gateway, answer)
    traces = {trace["place"]: trace for trace in record["places"]}
    assert list(traces) == list(PLACES)
    fingerprint = hashlib.sha256(OTHER_TOKEN.encode()).hexdigest()[:8]
    assert traces[place] == {"place": place, "state": "mismatch", "length": 32, "fingerprint": fingerprint}
    assert f"Получен: другой токен, 32 знака, отпечаток {fingerprint}" in record["message"]


def test_no_token_anywhere_is_not_found(gateway: Running) -> None:
    answer = gateway.post(form(token=None))
    assert_error(answer, 401, "TOKEN_NOT_FOUND")
    [record] = refusals(gateway, answer)
    assert record["message"].startswith("⚠️ Неверный токен исходящего вебхука. Получен: None")
    assert record["severity"] == "WARNING"
    contract = (
        "places causes method path content_type body_bytes decoded_as top_level_keys user_agent request_id"
    )
    assert set(contract.split()) <= set(record)
    assert record["top_level_keys"] == ["event", "event_handler_id", "data", "ts", "auth"]
    assert record["body_bytes"] == len(form(token=None))


@pytest.mark.parametrize("value", ["", "+", "%20"])
def test_blank_and_repeated_tokens_hold_no_text(gateway: Running, value: str) -> None:
    assert_error(gateway.post(form(token=None), f"/?token={value}"), 401, "TOKEN_NOT_FOUND")
    assert_error(gateway.post(form(token=None), f"/?token={TOKEN}&token={TOKEN}"), 401, "TOKEN_NOT_FOUND")


def test_all_mismatches_get_the_same_answer(gateway: Running) -> None:
    answers = []
    for token in (OTHER_TOKEN, TOKEN[:-1], TOKEN.upper(), "x", TOKEN + "%20"):
        for send in PLACES.values():
            answer_json = send(gateway, token).json
            answer_json.pop("request_id")
            answers.append(json.dumps(answer_json))
    assert len(set(answers)) == 1


@pytest.mark.parametrize(
    ("path", "token", "section", "answer_guide"),
    [
        ("/api/bitrix/webhook", OTHER_TOKEN, "#token_other_webhook", ""),
        ("/api/bitrix/webhook", "", "#token_blank", ""),
        ("/nowhere", TOKEN, "#path_wrong", "#path_wrong"),
    ],
)
def test_record_and_answer_name_the_guides_section(
    gateway: Running, path: str, token: str, section: str, answer_guide: str
) -> None:
    """The answer only what its code tells anyway: all mismatches are answered alike."""
    answer = gateway.post(form(token=token), path)
    (record,) = refusals(gateway, answer)
    assert answer.json["guide"] == f"docs/token-not-found.ru.md{answer_guide}"
    assert record["guide"] == f"docs/token-not-found.ru.md{section}"
    assert record["message"].endswith(record["guide"])


def test_a_wrong_token_above_a_right_one_passes(gateway: Running) -> None:
    assert gateway.post(form(), Authorization="Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln").status == 200
    assert gateway.post(form(), "/?token=wrong", X_Bitrix_Token=OTHER_TOKEN).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (form().replace(b"event=ONUSERUPDATE&", b""), "event"),
        (form(event="  "), "event"),
        (form(event="X" * 101), "event"),
        (form(domain="not a host"), "auth.domain"),
        (form(domain="x" * 254 + ".ru"), "auth.domain"),
    ],
)
def test_a_verified_request_without_an_event_is_refused(gateway: Running, body: bytes, field: str) -> None:
    answer = gateway.post(body)
    assert_error(answer, 400, "EVENT_INVALID")
    assert answer.json["field"] == field
    assert f": {field} — " in refusals(gateway, answer)[0]["message"]


def test_an_unreadable_or_compressed_body_with_a_right_token(gateway: Running) -> None:
    for body, headers in ((b"\x00\x01garbage", {}), (form(), {"Content_Encoding": "gzip"})):
        answer = gateway.post(body, X_Bitrix_Token=TOKEN, **headers)
        assert_error(answer, 400, "EVENT_INVALID")
        assert answer.json["field"] == "body"
        (record,) = refusals(gateway, answer)
        assert answer.json["guide"] == record["guide"]
        assert record["guide"].endswith(record["causes"][0]["code"].lower())


def test_a_robots_call_is_named(gateway: Running) -> None:
    robot = build_query({"document_id": ["crm", "CCrmDocumentDeal", "DEAL_1"], "auth": {"domain": PORTAL}})
    assert_error(gateway.post(robot), 401, "TOKEN_NOT_FOUND")
    answer = gateway.post(robot, f"/?token={TOKEN}")
    assert_error(answer, 400, "EVENT_INVALID")
    assert answer.json["field"] == "event"
    assert "document_id" in answer.json["hint"]
    (record,) = refusals(gateway, answer)
    assert record["field"] == "event"
    assert [cause["code"] for cause in record["causes"]] == ["ROBOT_WITHOUT_TOKEN"]
    assert "document_id" in record["message"]
    assert record["guide"] == answer.json["guide"] == "docs/token-not-found.ru.md#robot_without_token"


def test_no_configured_token_accepts_nothing(start_function: Start) -> None:
    gateway = start_function("bitrix_webhook", BITRIX24_OUTGOING_WEBHOOK_TOKEN=" , ")
    assert_error(gateway.post(form()), 503, "TOKEN_NOT_CONFIGURED")
    assert_error(gateway.post(b"&".join([b"a=1"] * 1001)), 503, "TOKEN_NOT_CONFIGURED")
    assert gateway.request("GET").json["token_configured"] is False


def test_an_event_that_no_queue_takes_is_kept(start_function: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    gateway = start_function("bitrix_webhook", QUEUE_URL=f"sqlite:///{tmp_path}/file/queue.db")
    answer = gateway.post(form())
    assert_error(answer, 503, "QUEUE_UNAVAILABLE")
    assert answer.headers["Retry-After"].isdigit()
    assert answer.json["event_id"] in gateway.log() or _kept(tmp_path, answer.json["event_id"])
    assert answer.json["message"].endswith("./b24 replay")


def test_an_event_that_no_journal_takes_either_is_put_back_from_the_log(
    start_function: Start, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a directory")
    files = {name: f"sqlite:///{tmp_path}/file/{name}.db" for name in ("QUEUE_URL", "JOURNAL_URL")}
    gateway = start_function("bitrix_webhook", **files)
    answer = gateway.post(form())
    assert_error(answer, 503, "QUEUE_UNAVAILABLE")
    assert "./b24 replay LOGFILE" in answer.json["message"]


def _kept(path: Path, event_id: str) -> bool:
    rows = sqlite3.connect(path / "journal.db").execute("SELECT record FROM unqueued")
    return any(event_id in row[0] for row in rows)


def multipart(body: bytes) -> bytes:
    from urllib.parse import parse_qsl

    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'
        for name, value in parse_qsl(body.decode())
    ]
    return "\r\n".join([*parts, "--b--", ""]).encode()


def test_one_event_has_one_id_however_it_is_sent(gateway: Running) -> None:
    without = delivery(token=None)
    del without["auth"]["application_token"]
    answers = [
        gateway.post(form()),
        gateway.post(json.dumps(delivery()).encode(), Content_Type=JSON),
        gateway.post(multipart(form()), Content_Type="multipart/form-data; boundary=b"),
        gateway.post(build_query(without), f"/?token={TOKEN}"),
        gateway.post(json.dumps({**without, "token": TOKEN}).encode(), Content_Type=FORM),
    ]
    assert len({answer.json["event_id"] for answer in answers}) == 1
    untimed = {gateway.post(form(ts=None)).json["event_id"] for _ in range(2)}
    assert len(untimed) == 2


@pytest.mark.parametrize("ts", ["soon", "1" * 14, "1.5", "9" * 13])
def test_a_ts_that_is_no_time_is_null(gateway: Running, ts: str) -> None:
    assert gateway.post(form().replace(b"ts=1750000000", b"ts=" + ts.encode())).status == 200


def test_an_event_from_the_future_is_logged_once(start_function: Start) -> None:
    """One of the two clocks is wrong. What is late is the vendor's queue, and no sign of that."""
    gateway = start_function("bitrix_webhook", LOG_LANGUAGE="en")
    now = int(datetime.now(UTC).timestamp())
    for seconds in (-86_400, 0, 200, 4000, 5000):
        body = form().replace(b"ts=1750000000", f"ts={now + seconds}".encode())
        assert gateway.post(body).status == 200
    [line] = [line for line in gateway.log().splitlines() if "CLOCK_DIFFERS" in line]
    assert "WARNING" in line
    assert "later than this machine's clock" in line


HOSTILE = [
    b"\xff\xfe\xfd" * 50,
    b"%FF%00=%FF&auth[application_token]=%FF%FE",
    b'{"auth": {"application_token": "\\ud800"}}',
    b'{"token": NaN}',
    b'{"token": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b"\0" * 1000,
    b"a[" * 5000,
    b"--x\r\n" * 1000,
    b"=" * 1000,
    b"&" * 10_000,
]


@pytest.mark.parametrize("body", HOSTILE)
@pytest.mark.parametrize(
    "content_type", ["", FORM, JSON, "multipart/form-data; boundary=x", "\xff;charset=\x80"]
)
def test_no_body_makes_a_500(gateway: Running, body: bytes, content_type: str) -> None:
    headers = {"Content-Type": content_type.encode("latin-1").decode("latin-1")} if content_type else {}
    answer = gateway.request("POST", "/?token=%FF%FE", body, headers)
    assert answer.status in (400, 401, 403)
    assert answer.json["code"] in ("BODY_TOO_COMPLEX", "TOKEN_NOT_FOUND", "TOKEN_MISMATCH")


def test_headers_that_are_no_utf_8_never_raise(gateway: Running) -> None:
    token = base64.b16encode(b"x").decode()
    head = f"POST /?t={token} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nUser-Agent: ".encode()
    for value in (b"\xff\xfe", b"a" * 5000, "ü€".encode()):
        answer = gateway.raw(head + value + b"\r\nX-Bitrix-Token: \xff" + value + b"\r\n\r\n")
        assert answer.startswith((b"HTTP/1.1 403", b"HTTP/1.1 400"))


def test_two_token_headers_are_malformed(gateway: Running) -> None:
    body = form(token=None)
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n".encode()
    twice = f"X-Bitrix-Token: {TOKEN}\r\n".encode() * 2
    assert gateway.raw(head + twice + b"\r\n" + body).startswith(b"HTTP/1.1 401")


def test_the_start_logs_the_number_of_tokens_and_the_address_to_paste(start_function: Start) -> None:
    gateway = start_function(
        "bitrix_webhook", WEBHOOK_URL="https://hooks.example.com/", LOG_LANGUAGE="en", LOG_FORMAT="text"
    )
    line = gateway.log().splitlines()[0]
    assert "INFO" in line
    assert "Accepted tokens: 1" in line
    assert hashlib.sha256(TOKEN.encode()).hexdigest()[:8] in line
    assert "https://hooks.example.com/api/bitrix/webhook" in line
    assert TOKEN not in gateway.log()


def test_the_start_names_the_setting_of_a_secret_too_short_to_be_searched_for(start_function: Start) -> None:
    function = start_function("bitrix_webhook", BITRIX24_OUTGOING_WEBHOOK_TOKEN=f"{TOKEN},shorty7")
    [warning] = [line for line in function.log().splitlines() if " 16 " in line and "WARNING" in line]
    assert "BITRIX24_OUTGOING_WEBHOOK_TOKEN" in warning
    assert "shorty7" not in function.log()


def test_a_text_refusal_is_one_line_with_its_codes(start_function: Start) -> None:
    gateway = start_function("bitrix_webhook", LOG_FORMAT="text")
    gateway.post(form(token=None), User_Agent="x\ty")
    [line] = [line for line in gateway.log().splitlines() if "Получен: None" in line]
    assert "WARNING" in line
    assert "[TOKEN_NOT_FOUND: AUTH_MISSING" in line


def test_the_trace_of_google_cloud_is_in_the_record(start_function: Start) -> None:
    gateway = start_function(
        "bitrix_webhook",
        K_SERVICE="b24-bitrix-webhook",
        QUEUE_URL="pubsub://demo-project/events",
        LOG_LANGUAGE="en",
    )
    answer = gateway.post(
        form(token=None),
        "/?token=%20&marker=1",
        X_Cloud_Trace_Context="105445aa7843bc8bf206b12000100000/1;o=1",
    )
    [record] = refusals(gateway, answer)
    assert (
        record["logging.googleapis.com/trace"]
        == "projects/demo-project/traces/105445aa7843bc8bf206b12000100000"
    )
    assert record["time"].endswith("Z")
    assert "logging.googleapis.com/labels" in record
    # No record holds the address: it may carry `?token=`.
    assert "marker" not in gateway.log()


def test_a_wrong_setting_stops_the_start_with_one_line(start_function: Start) -> None:
    with pytest.raises(pytest.fail.Exception) as failed:
        start_function("bitrix_webhook", QUEUE_URL="pubsub://nothing")
    code, *lines = str(failed.value).splitlines()
    assert "exit code 2" in code
    assert len(lines) == 1
    assert lines[0].startswith("QUEUE_URL")


def test_a_defect_of_the_diagnosis_leaves_the_refusal_and_prints_no_payload(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(judgement: Judgement, _settings: Settings) -> list[object]:
        raise ValueError(judgement.body)

    monkeypatch.setattr("gateway.receiver.refusals.diagnose", failing)
    monkeypatch.setattr(receiver, "settings", lambda: load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN}, None))
    app = flask.Flask("gateway")
    with app.test_request_context("/", method="POST", data=form(token=OTHER_TOKEN), content_type=FORM):
        assert receiver.respond(flask.request).status_code == 403
    assert "the diagnosis failed: ValueError" in caplog.text
    assert OTHER_TOKEN not in caplog.text
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


@pytest.mark.parametrize("path", ["/health", "/", "/nowhere", "/robots.txt", "/favicon.ico"])
def test_no_answer_may_be_kept_by_a_cache(gateway: Running, path: str) -> None:
    assert gateway.request("GET", path).headers["Cache-Control"] == "no-store"


@pytest.mark.skipif(len(processors.usable()) < 2, reason="with one processor there is no choice")
def test_whoever_answers_stays_on_one_processor(gateway: Running, request: pytest.FixtureRequest) -> None:
    assert gateway.request("GET", "/health").status == 200
    pid = gateway.process.pid
    if request.node.callspec.params["gateway"] != "serve":
        # gunicorn's child answers.
        pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    assert len(os.sched_getaffinity(pid)) == 1
