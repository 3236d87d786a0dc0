"""An event inside a program's log, a chat's message, a tool's file: it is judged, what holds it is not."""

# ruff: noqa: E501 — what people paste is long

import base64
import json
from typing import Any

import pytest

from gateway.texts import SENTENCES
from gateway.tools.explain import Unreadable, read
from tests.unit.test_explain_finds import explained
from tests.unit.test_middlemen import FORM as MEDIA
from tests.unit.test_middlemen import TOKEN

USER = {"ID": "7"}
FORM = (
    "event=ONUSERADD&event_handler_id=12&data%5BID%5D=7&ts=1750000000&auth%5Bdomain%5D=p.bitrix24.ru"
    f"&auth%5Bapplication_token%5D={TOKEN}"
)
FLAT = {
    "event": "ONUSERADD",
    "data[ID]": "7",
    "ts": "1750000000",
    "auth[domain]": "p.bitrix24.ru",
    "auth[application_token]": TOKEN,
}
NEST = {
    "event": "ONUSERADD",
    "data": USER,
    "ts": "1750000000",
    "auth": {"domain": "p.bitrix24.ru", "application_token": TOKEN},
}
B64 = base64.b64encode(FORM.encode()).decode()
HEADERS = {"Content-Type": MEDIA, "User-Agent": "Bitrix24 Webhook Engine"}

HOLDS: dict[str, Any] = {
    "tg update text": {
        "update_id": 1,
        "message": {
            "message_id": 5,
            "chat": {"id": 1},
            "date": 1,
            "text": "Приходит вот такое: " + FORM + " и бот молчит",
        },
    },
    "slack text": {"channel": "C1", "text": "we get `" + FORM + "` on our hook, 401"},
    "sentence in field with json": {"message": "получили " + json.dumps(NEST) + " что не так?"},
    "log json exact": {"level": "info", "ts": 1, "msg": FORM},
    "winston": {"level": "info", "message": "body: " + json.dumps(FLAT), "timestamp": "2026-11-27"},
    "pino req": {
        "level": 30,
        "time": 1,
        "pid": 1,
        "hostname": "h",
        "req": {"id": 1, "method": "POST", "url": "/hook", "headers": {"content-type": MEDIA}, "body": FLAT},
        "msg": "incoming request",
    },
    "structlog": {
        "event": "webhook_received",
        "body": FORM,
        "level": "info",
        "timestamp": "2026-11-27T10:00:00Z",
    },
    "serilog": {"@t": "2026-11-27T10:00:00Z", "@mt": "Body {Body}", "Body": FORM},
    "cloudwatch msg": {
        "events": [{"timestamp": 1, "message": "2026-11-27T10:00:00.000Z\tabc\tINFO\tbody " + FORM + "\n"}]
    },
    "docker json of print": {
        "log": "FormData([" + ", ".join(f"({k!r}, {v!r})" for k, v in FLAT.items()) + "])\n",
        "stream": "stdout",
        "time": "2026-11-27T10:00:00Z",
    },
    "sentry breadcrumbs": {
        "event_id": "f" * 32,
        "platform": "python",
        "breadcrumbs": {"values": [{"timestamp": 1, "category": "http", "message": "webhook body: " + FORM}]},
        "exception": {"values": [{"type": "ValueError"}]},
    },
    "sentry request": {
        "event_id": "f" * 32,
        "platform": "python",
        "request": {
            "url": "https://h.example/hook",
            "method": "POST",
            "headers": [["Content-Type", MEDIA]],
            "data": FLAT,
        },
    },
    "jsonl docker": json.dumps({"log": "start\n", "stream": "stdout"})
    + "\n"
    + json.dumps({"log": "body " + FORM + "\n", "stream": "stdout"}),
    "jira curl in json": {
        "comment": "I ran curl -X POST https://h.example/api/bitrix/webhook -d '" + FORM + "' and got 401"
    },
    "aws alb": {
        "requestContext": {"elb": {"targetGroupArn": "arn"}},
        "httpMethod": "POST",
        "path": "/hook",
        "queryStringParameters": {},
        "headers": {"content-type": MEDIA},
        "body": FORM,
        "isBase64Encoded": False,
    },
    "lambda log line": "2026-11-27T10:00:00.000Z\t1b2c\tINFO\tEVENT "
    + json.dumps(
        {
            "version": "2.0",
            "rawPath": "/",
            "headers": {"content-type": MEDIA},
            "requestContext": {"http": {"method": "POST"}},
            "body": B64,
            "isBase64Encoded": True,
        }
    ),
    "yandex api gw": {
        "httpMethod": "POST",
        "headers": {"Content-Type": MEDIA},
        "url": "/hook",
        "params": {},
        "multiValueParams": {},
        "pathParams": {},
        "multiValueHeaders": {"Content-Type": [MEDIA]},
        "queryStringParameters": {},
        "multiValueQueryStringParameters": {},
        "requestContext": {
            "identity": {"sourceIp": "1.2.3.4"},
            "httpMethod": "POST",
            "requestId": "x",
            "requestTime": "1",
        },
        "body": B64,
        "isBase64Encoded": True,
        "path": "/hook",
        "resource": "/hook",
    },
    "azure logic app": {
        "headers": {"Content-Type": MEDIA},
        "body": {"$content-type": MEDIA, "$content": B64},
    },
    "apps script e": {
        "parameter": FLAT,
        "contextPath": "",
        "contentLength": len(FORM),
        "queryString": "",
        "parameters": {k: [v] for k, v in FLAT.items()},
        "postData": {"type": MEDIA, "length": len(FORM), "contents": FORM, "name": "postData"},
    },
    "hookdeck": {
        "id": "req_1",
        "data": {"headers": HEADERS, "body": FLAT, "path": "/x", "query": "", "parsed_query": {}},
        "source_id": "src_1",
        "created_at": "2026",
    },
    "pipedream steps": {
        "context": {"id": "x"},
        "event": {
            "method": "POST",
            "path": "/",
            "query": {},
            "client_ip": "1.2.3.4",
            "url": "https://x.m.pipedream.net/",
            "headers": {"content-type": MEDIA, "user-agent": "Bitrix24 Webhook Engine"},
            "bodyRaw": FORM,
            "body": FLAT,
        },
    },
    "smee event": {
        "host": "smee.io",
        "user-agent": "Bitrix24 Webhook Engine",
        "content-type": MEDIA,
        "body": NEST,
        "timestamp": 1,
        "query": {},
    },
    "mockserver log": {
        "method": "POST",
        "path": "/hook",
        "headers": {"content-type": [MEDIA]},
        "body": {"type": "STRING", "string": FORM, "contentType": MEDIA},
    },
    "wiremock __admin": {
        "requests": [
            {
                "id": "x",
                "request": {
                    "url": "/hook",
                    "method": "POST",
                    "headers": {"Content-Type": MEDIA},
                    "body": FORM,
                },
            }
        ],
        "meta": {"total": 1},
    },
    "charles chlsj": [
        {
            "status": "COMPLETE",
            "method": "POST",
            "protocolVersion": "HTTP/1.1",
            "scheme": "https",
            "host": "h",
            "path": "/api/bitrix/webhook",
            "query": None,
            "request": {
                "sizes": {"headers": 1, "body": 2},
                "mimeType": MEDIA,
                "charset": None,
                "contentEncoding": None,
                "header": {"headers": [{"name": "Content-Type", "value": MEDIA}]},
                "body": {"text": FORM, "charset": None},
            },
            "response": {"status": 401},
        }
    ],
    "bruno": "meta {\n  name: hook\n  type: http\n  seq: 1\n}\n\npost {\n  url: https://h.example/api/bitrix/webhook\n  body: formUrlEncoded\n  auth: none\n}\n\nbody:form-urlencoded {\n"
    + "".join(f"  {k}: {v}\n" for k, v in FLAT.items())
    + "}\n",
    "curl --trace-ascii": f"== Info:   Trying 127.0.0.1:8080...\n=> Send header, 180 bytes (0xb4)\n0000: POST /api/bitrix/webhook HTTP/1.1\n0023: Host: 127.0.0.1:8080\n0039: User-Agent: curl/8.5.0\n0051: Content-Type: {MEDIA}\n0084: Content-Length: {len(FORM)}\n0099: \n=> Send data, {len(FORM)} bytes (0xb8)\n"
    + "".join(f"{i:04x}: {FORM[i : i + 64]}\n" for i in range(0, len(FORM), 64))
    + "<= Recv header, 27 bytes (0x1b)\n0000: HTTP/1.1 401 UNAUTHORIZED\n",
    "tshark -T json": [
        {
            "_index": "packets",
            "_source": {
                "layers": {
                    "http": {
                        "http.request.method": "POST",
                        "http.request.uri": "/api/bitrix/webhook",
                        "http.content_type": MEDIA,
                        "http.file_data": FORM,
                    }
                }
            },
        }
    ],
    "1C structure json": {"ТелоЗапроса": FORM, "Метод": "POST"},
    "nginx json log": {
        "time": "2026",
        "remote_addr": "1.2.3.4",
        "request": "POST /hook HTTP/1.1",
        "status": 401,
        "request_body": FORM,
    },
    "nginx escaped body": '1.2.3.4 - [27/Nov/2026:10:00:00 +0300] "POST /hook HTTP/1.1" 401 body="'
    + json.dumps(NEST).replace('"', "\\x22")
    + '"',
    "mod_security audit": f"--a1b2c3-A--\n[27/Nov/2026:10:00:00 +0300] X 1.2.3.4 1 10.0.0.1 443\n--a1b2c3-B--\nPOST /api/bitrix/webhook HTTP/1.1\nHost: h\nContent-Type: {MEDIA}\nContent-Length: {len(FORM)}\n\n--a1b2c3-C--\n{FORM}\n--a1b2c3-F--\nHTTP/1.1 403 Forbidden\n\n--a1b2c3-Z--\n",
    "n8n execution export": {
        "data": {
            "resultData": {
                "runData": {
                    "Webhook": [
                        {
                            "data": {
                                "main": [
                                    [{"json": {"headers": HEADERS, "params": {}, "query": {}, "body": FLAT}}]
                                ]
                            }
                        }
                    ]
                }
            }
        }
    },
    "make bundle headers": [
        {"__IMTHEADERS__": [{"name": "content-type", "value": MEDIA}], "__IMTMETHOD__": "POST", **NEST}
    ],
    "zapier catch raw": {"querystring": "", "headers": {"http_content_type": MEDIA}, "raw_body": FORM},
}


@pytest.mark.parametrize("name", HOLDS)
def test_the_event_inside_is_judged(name: str) -> None:
    held = HOLDS[name]
    found = explained(held if isinstance(held, str) else json.dumps(held, ensure_ascii=False))
    assert (found.code, found.causes) == ("EVENT_QUEUED", ())
    assert found.event is not None
    assert found.event["data"] == USER
    assert f"READ_AS_{found.read_as}" in SENTENCES


HOLDS_NONE: dict[str, tuple[Any, str]] = {
    "curl -v with body": (
        f"> POST /api/bitrix/webhook HTTP/1.1\n> Host: h\n> Content-Type: {MEDIA}\n> Content-Length: {len(FORM)}\n>\n* upload completely sent off: {len(FORM)} bytes\n< HTTP/1.1 401 UNAUTHORIZED\n< Content-Type: application/json\n<\n",
        "PASTED_CURL_VERBOSE",
    ),
    "ngrok console": (
        "HTTP Requests\n-------------\n10:00:00.123 +03 POST /api/bitrix/webhook  401 UNAUTHORIZED\n",
        "PASTED_ACCESS_LOG",
    ),
    "cloudfront line": (
        "2026-11-27\t10:00:00\tFRA2-C1\t500\t1.2.3.4\tPOST\td111.cloudfront.net\t/api/bitrix/webhook\t401\t-\tBitrix24%20Webhook%20Engine\t-\t-\tError",
        "PASTED_ACCESS_LOG",
    ),
    "alb log": (
        'https 2026-11-27T10:00:00.000000Z app/x/1 1.2.3.4:5 10.0.0.1:80 0.0 0.0 0.0 401 401 500 300 "POST https://h:443/api/bitrix/webhook HTTP/1.1" "Bitrix24 Webhook Engine" - - arn',
        "PASTED_ACCESS_LOG",
    ),
    "gunicorn": ("[2026-11-27 10:00:00 +0000] [7] [DEBUG] POST /api/bitrix/webhook", "PASTED_ACCESS_LOG"),
    "morgan dev": ("POST /api/bitrix/webhook 401 3.123 ms - 91", "PASTED_ACCESS_LOG"),
    "gin": (
        '[GIN] 2026/11/27 - 10:00:00 | 401 |     1.2ms |    1.2.3.4 | POST     "/api/bitrix/webhook"',
        "PASTED_ACCESS_LOG",
    ),
    "cloudflare logpush": (
        {
            "ClientRequestMethod": "POST",
            "ClientRequestURI": "/api/bitrix/webhook",
            "EdgeResponseStatus": 401,
            "RayID": "x",
        },
        "PASTED_ACCESS_LOG",
    ),
    "wrangler tail": (
        "POST https://x.workers.dev/api/bitrix/webhook - Ok @ 27.11.2026, 10:00:00",
        "PASTED_ACCESS_LOG",
    ),
    "java http script": (
        'HttpRequest request = HttpRequest.newBuilder().uri(URI.create("https://h")).POST(HttpRequest.BodyPublishers.ofString("event=E&data[ID]=7")).build();',
        "PASTED_SCRIPT",
    ),
    "ruby script": (
        "require 'net/http'\nNet::HTTP.post_form(URI('https://h'), 'event' => 'E')",
        "PASTED_SCRIPT",
    ),
    "1c script": (
        'Соединение = Новый HTTPСоединение("h.example");\nЗапрос = Новый HTTPЗапрос("/api/bitrix/webhook");',
        "PASTED_SCRIPT",
    ),
    "laravel script": ("Http::asForm()->post('https://h', ['event' => 'ONUSERADD']);", "PASTED_SCRIPT"),
}


@pytest.mark.parametrize("name", HOLDS_NONE)
def test_what_holds_no_request_is_named(name: str) -> None:
    held, key = HOLDS_NONE[name]
    with pytest.raises(Unreadable) as caught:
        read((held if isinstance(held, str) else json.dumps(held)).encode())
    assert caught.value.key == key


@pytest.mark.parametrize(
    "body", [[NEST], {"body": NEST}, {"payload": FORM}, {"a": {"b": NEST}}, {"level": "7", **NEST}]
)
def test_json_without_a_logs_fields_is_a_body(body: Any) -> None:
    found = explained(json.dumps(body))
    assert found.read_as == "body"
    assert [cause["code"] for cause in found.causes] in (["BODY_NESTED"], [])
