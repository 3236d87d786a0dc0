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

PRINT_R = (
    "Array\n(\n    [event] => ONUSERADD\n    [data] => Array\n        (\n            [ID] => 7\n        )\n\n    [ts] => 1\n"
    f"    [auth] => Array\n        (\n            [application_token] => {TOKEN}\n        )\n\n)\n"
)
CONSOLE = f"{{\n  event: 'ONUSERADD',\n  data: {{ ID: '7' }},\n  auth: {{ application_token: '{TOKEN}' }}\n}}"

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
    "apache literal \\n": "[Fri Nov 27 10:00:00.123456 2026] [php:notice] [pid 7] [client 1.2.3.4:5] "
    + PRINT_R.replace("\n", "\\n"),
    "nginx fastcgi stderr": '2026/11/27 10:00:00 [error] 7#7: *1 FastCGI sent in stderr: "PHP message: '
    + PRINT_R
    + '" while reading response header from upstream, client: 1.2.3.4, server: h, request: "POST /hook HTTP/1.1"',
    "compose prefix print_r": "".join("web-1  | " + line + "\n" for line in PRINT_R.splitlines()),
    "k8s prefix print_r": "".join(
        "2026-11-27T10:00:00.123Z stdout F " + line + "\n" for line in PRINT_R.splitlines()
    ),
    "heroku prefix console": "".join(
        "2026-11-27T10:00:00.123456+00:00 app[web.1]: " + line + "\n" for line in CONSOLE.splitlines()
    ),
    "pm2 prefix console": "".join("0|bot  | " + line + "\n" for line in CONSOLE.splitlines()),
    "journald prefix console": "".join(
        "Nov 27 10:00:00 host node[812]: " + line + "\n" for line in CONSOLE.splitlines()
    ),
    "quoted > mail": "".join("> " + line + "\n" for line in CONSOLE.splitlines()),
    "spring CommonsRequestLoggingFilter": 'o.s.w.f.CommonsRequestLoggingFilter : REQUEST DATA : POST /hook, client=1.2.3.4, headers=[content-type:"application/x-www-form-urlencoded", user-agent:"Bitrix24"], payload='
    + FORM
    + "]",
    "feign/okhttp interceptor": "--> POST https://h.example/api/bitrix/webhook\nContent-Type: application/x-www-form-urlencoded\nContent-Length: "
    + str(len(FORM))
    + "\n\n"
    + FORM
    + "\n--> END POST ("
    + str(len(FORM))
    + "-byte body)\n<-- 401 https://h.example/api/bitrix/webhook (12ms)",
    "resty debug": "==============================================================================\n~~~ REQUEST ~~~\nPOST  /api/bitrix/webhook  HTTP/1.1\nHOST   : h.example\nHEADERS:\n\tContent-Type: application/x-www-form-urlencoded\nBODY   :\n"
    + FORM
    + "\n------------------------------------------------------------------------------\n~~~ RESPONSE ~~~\nSTATUS       : 401\n",
    "go DumpRequest quoted": rf'2026/11/27 10:00:00 "POST /api/bitrix/webhook HTTP/1.1\r\nHost: h\r\nContent-Type: {MEDIA}\r\nContent-Length: {len(FORM)}\r\n\r\n{FORM}"',
    "python http.client debug": f"send: b'POST /api/bitrix/webhook HTTP/1.1\\r\\nHost: h\\r\\nContent-Type: {MEDIA}\\r\\nContent-Length: {len(FORM)}\\r\\n\\r\\n'\nsend: b'{FORM}'\nreply: 'HTTP/1.1 401 UNAUTHORIZED\\r\\n'\n",
    "guzzle MessageFormatter": ">>>>>>>>\nPOST /api/bitrix/webhook HTTP/1.1\nHost: h\nContent-Type: application/x-www-form-urlencoded\n\n"
    + FORM
    + "\n<<<<<<<<\nHTTP/1.1 401 Unauthorized\n\n{}\n--------\nNULL",
    "aiogram bot log": "2026-11-27 10:00:00,123 - bot - WARNING - ⚠️ Неверный токен исходящего вебхука. Получен: None\n2026-11-27 10:00:00,124 - bot - INFO - Тело запроса (первые 1000 символов): "
    + FORM
    + "\n",
    "telegram quoted chat": "Иван, [27.11.2026 10:00]\nвот лог:\n"
    + FORM
    + "\n\nПётр, [27.11.2026 10:05]\nа токен верный?",
    "dd() output": '^ array:3 [▼\n  "event" => "ONUSERADD"\n  "data" => array:1 [▼\n    "ID" => "7"\n  ]\n  "auth" => array:1 [▼\n    "application_token" => "'
    + TOKEN
    + '"\n  ]\n]',
    "yii VarDumper": "[\n    'event' => 'ONUSERADD'\n    'data' => [\n        'ID' => '7'\n    ]\n    'auth' => [\n        'application_token' => '"
    + TOKEN
    + "'\n    ]\n]",
    "bitrix AddMessage2Log": "Host: p\nDate: 2026-11-27 10:00:00\nModule: rest\nArray\n(\n    [event] => ONUSERADD\n    [data] => Array\n        (\n            [ID] => 7\n        )\n\n    [auth] => Array\n        (\n            [application_token] => "
    + TOKEN
    + "\n        )\n\n)\n----------\n",
    "json escaped in log": 'level=info msg="body" body="' + json.dumps(NEST).replace('"', '\\"') + '"',
    "logfmt form": 'time=2026-11-27T10:00:00Z level=info msg="hook" body="' + FORM + '"',
    "logrus map": 'time="2026-11-27" level=info msg="map[auth:map[application_token:'
    + TOKEN
    + '] data:map[ID:7] event:ONUSERADD]"',
    "slog escaped json": '{"time":"2026-11-27T10:00:00Z","level":"INFO","msg":"hook","body":'
    + json.dumps(json.dumps(NEST))
    + "}",
    "tracing rust": '2026-11-27T10:00:00Z  INFO hook: body=Form({"event": "ONUSERADD", "data[ID]": "7", "auth[application_token]": "'
    + TOKEN
    + '"})',
    "jmeter": "POST https://h.example/api/bitrix/webhook\n\nPOST data:\n"
    + FORM
    + "\n\n[no cookies]\n\nRequest Headers:\nConnection: keep-alive\nContent-Type: application/x-www-form-urlencoded\n",
    "js object literal axios cfg": 'AxiosError: Request failed with status code 401\n  config: {\n    method: "post",\n    url: "https://h/api/bitrix/webhook",\n    data: \'{"event":"ONUSERADD","data":{"ID":"7"},"auth":{"application_token":"'
    + TOKEN
    + '"}}\',\n    headers: { "Content-Type": "application/json" }\n  }',
}


@pytest.mark.parametrize("name", HOLDS)
def test_the_event_inside_is_judged(name: str) -> None:
    pasted = HOLDS[name]
    explanation = explained(pasted if isinstance(pasted, str) else json.dumps(pasted, ensure_ascii=False))
    assert (explanation.code, explanation.causes) == ("EVENT_QUEUED", ())
    assert explanation.event is not None
    assert explanation.event["data"] == USER
    assert f"READ_AS_{explanation.read_as}" in SENTENCES


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
    "ktor callLogging": ("401 Unauthorized: POST - /api/bitrix/webhook in 3ms", "PASTED_ACCESS_LOG"),
    "caddy console": (
        '2026/11/27 10:00:00.123	INFO	http.log.access.log0	handled request	{"request": {"remote_ip": "1.2.3.4", "method": "POST", "uri": "/api/bitrix/webhook"}, "status": 401}',
        "PASTED_ACCESS_LOG",
    ),
}


@pytest.mark.parametrize("name", HOLDS_NONE)
def test_a_log_record_without_a_request_is_named(name: str) -> None:
    pasted, key = HOLDS_NONE[name]
    with pytest.raises(Unreadable) as caught:
        read((pasted if isinstance(pasted, str) else json.dumps(pasted)).encode())
    assert caught.value.key == key


@pytest.mark.parametrize(
    "body", [[NEST], {"body": NEST}, {"payload": FORM}, {"a": {"b": NEST}}, {"level": "7", **NEST}]
)
def test_json_without_a_logs_fields_is_a_body(body: Any) -> None:
    explanation = explained(json.dumps(body))
    assert explanation.read_as == "body"
    assert [cause["code"] for cause in explanation.causes] in (["BODY_NESTED"], [])
