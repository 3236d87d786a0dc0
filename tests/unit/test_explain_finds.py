"""What people paste, in what wraps it: the request inside is judged, never the wrapper."""

import base64
import json
import textwrap
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import pytest

from gateway.texts import SENTENCES
from gateway.tools.explain import Unreadable, read
from gateway.tools.explain.verdict import Explanation, explain
from tests.unit.test_middlemen import EVENT, FORM, FORM_TEXT, SETTINGS, TOKEN, names_of_a_form

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HEADERS = {"Host": "x", "User-Agent": "Bitrix24 Webhook Engine", "Content-Type": FORM}
RAW = (
    "POST /api/bitrix/webhook HTTP/1.1\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    + f"Content-Length: {len(FORM_TEXT)}\r\n\r\n{FORM_TEXT}"
)
FLAT = names_of_a_form()
PAIRS = parse_qsl(FORM_TEXT)
URL = "https://hooks.example.com/api/bitrix/webhook"


def explained(pasted: str | bytes) -> Explanation:
    return explain(read(pasted if isinstance(pasted, bytes) else pasted.encode()), SETTINGS, NOW)


def har(post: dict[str, Any]) -> dict[str, Any]:
    headers = [{"name": name, "value": value} for name, value in HEADERS.items()]
    request = {"method": "POST", "url": URL, "headers": headers, "queryString": [], "postData": post}
    return {"log": {"entries": [{"startedDateTime": "2026-01-01T00:00:00Z", "request": request}]}}


def dump(octets: bytes, style: str) -> str:
    lines = []
    for at in range(0, len(octets), 16):
        part = octets[at : at + 16]
        characters = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in part)
        hex_digits = [f"{octet:02x}" for octet in part]
        twos = " ".join(part[n : n + 2].hex() for n in range(0, len(part), 2))
        halves = f"{' '.join(hex_digits[:8])}  {' '.join(hex_digits[8:])}"
        lines.append(
            {
                "Wireshark's bytes": f"{at:04x}   {' '.join(hex_digits):<47}   {characters}",
                "a followed stream": f"{at:08X}  {halves:<48}  {characters}",
                "hexdump -C": f"{at:08x}  {halves:<48}  |{characters}|",
                "xxd": f"{at:08x}: {twos:<39}  {characters}",
                "tcpdump -X": f"\t0x{at:04x}:  {twos:<39}  {characters}",
            }[style]
        )
    return "\n".join(lines) + "\n"


PACKET = bytes(range(40)) + RAW.encode()
TCPDUMP = "11:20:03.512345 IP 1.2.3.4.51234 > 10.0.0.2.8080: Flags [P.], seq 1:500, length 499\n"


def printed(value: Any, opening: str, arrow: str, closing: str = "}") -> str:
    if isinstance(value, dict):
        inner = ", ".join(
            f'"{name}"{arrow}{printed(inner_value, opening, arrow)}' for name, inner_value in value.items()
        )
        return f"{opening}{inner}{closing}"
    return (
        f"[{', '.join(printed(inner_value, opening, arrow) for inner_value in value)}]"
        if isinstance(value, list)
        else f'"{value}"'
    )


def serialized(value: Any) -> str:
    if isinstance(value, str):
        return f's:{len(value)}:"{value}";'
    items = value.items() if isinstance(value, dict) else enumerate(value)
    inner = "".join(
        (f"i:{name};" if isinstance(name, int) else serialized(name)) + serialized(item)
        for name, item in items
    )
    return f"a:{len(value)}:{{{inner}}}"


PASTED: dict[str, str] = {
    "HAR, text": json.dumps(har({"mimeType": FORM, "text": FORM_TEXT})),
    "HAR, fields": json.dumps(har({"params": [{"name": name, "value": text} for name, text in PAIRS]})),
    "HAR, encoded fields": json.dumps(
        har({"params": [{"name": quote_plus(name), "value": quote_plus(text)} for name, text in PAIRS]})
    ),
    "HAR, one request": json.dumps(har({"text": FORM_TEXT})["log"]["entries"][0]["request"]),
    "Postman's console": json.dumps(
        {f"POST {URL}": {"Request Headers": HEADERS, "Request Body": dict(PAIRS)}}
    ),
    "Insomnia": json.dumps(
        {
            "__export_format": 4,
            "resources": [
                {"_type": "workspace", "name": "w"},
                {
                    "_type": "request",
                    "method": "POST",
                    "url": "{{ _.base }}/api/bitrix/webhook",
                    "headers": [],
                    "body": {
                        "mimeType": FORM,
                        "params": [{"name": name, "value": text} for name, text in PAIRS],
                    },
                },
            ],
        }
    ),
    "a .http file": f"### hook\nPOST {URL}\nContent-Type: {FORM}\n\n{FORM_TEXT}\n\n###\nGET {URL}\n",
    "Pipedream": json.dumps(
        {"method": "POST", "path": "/", "headers": HEADERS, "bodyRaw": FORM_TEXT, "body": {}}
    ),
    "a request bin": json.dumps(
        {"method": "POST", "path": "/x", "headers": HEADERS, "query": {}, "body": FLAT}
    ),
    "httpbin": json.dumps(
        {"args": {}, "data": "", "form": FLAT, "headers": HEADERS, "url": "https://httpbin.org/post"}
    ),
    "Node-RED": json.dumps({"_msgid": "1", "payload": EVENT, "topic": ""}),
    "Azure Functions": json.dumps(
        {
            "Data": {
                "req": {"Url": URL, "Method": "POST", "Headers": {"Content-Type": [FORM]}, "Body": FORM_TEXT}
            }
        }
    ),
    "ngrok": json.dumps(
        {"requests": [{"uri": "/", "request": {"uri": "/", "raw": base64.b64encode(RAW.encode()).decode()}}]}
    ),
    "Wireshark's bytes": dump(bytes(14) + PACKET, "Wireshark's bytes"),
    "a followed stream": dump(RAW.encode(), "a followed stream"),
    "hexdump -C": dump(RAW.encode(), "hexdump -C"),
    "xxd": dump(RAW.encode(), "xxd"),
    "tcpdump -X": TCPDUMP + dump(PACKET, "tcpdump -X"),
    "two packets": TCPDUMP
    + dump(PACKET[:200], "tcpdump -X")
    + TCPDUMP
    + dump(PACKET[:40] + PACKET[200:], "tcpdump -X"),
    "an answer behind the body": f"{RAW}HTTP/1.1 401 UNAUTHORIZED\r\nContent-Length: 2\r\n\r\n{{}}",
    "JSON in a letter": f"Приходит такое:\n{json.dumps(EVENT)}\nпомогите",
    "JSON in a log line": f"[2026-11-27 10:00:00] production.INFO: hook {json.dumps(EVENT)} []",
    "a program's dict in a log line": f"2026-11-27 DEBUG form: {FLAT}",
    "print_r in a log": "[27-Nov-2026 10:00:00 UTC] Array\n(\n"
    + "".join(f"    [{name}] => {text}\n" for name, text in PAIRS)
    + ")\n",
    "console.log": "{\n  event: 'ONUSERUPDATE',\n  auth: { application_token: '" + TOKEN + "' }\n}",
    "Ruby": f"  Parameters: {printed(EVENT, '{', '=>')}",
    "Ruby 3.4": printed(EVENT, "{", " => "),
    "Elixir": printed(EVENT, "%{", " => "),
    "Symfony": 'array:2 [\n  "event" => "ONUSERUPDATE"\n  "auth" => array:1 [\n    "application_token" => "'
    + TOKEN
    + '"\n  ]\n]',
    "Perl": "$VAR1 = {\n  'event' => 'ONUSERUPDATE',\n  'auth' => {\n    'application_token' => '"
    + TOKEN
    + "'\n  }\n};\n",
    "Go": "map[" + " ".join(f"{name}:[{text}]" for name, text in PAIRS) + "]",
    "serialize": serialized(EVENT),
    "a log of bodies": f'1.2.3.4 - - [27/Nov/2026:10:00:00] "POST / HTTP/1.1" 401 120 "-" "{FORM_TEXT}"',
    "parse_qsl": str(PAIRS),
    "a form between a server's lines": f'INFO: 1.2.3.4:0 - "POST / HTTP/1.1" 401\nFormData({PAIRS})',
    "two printouts, the newest last": f"form: {names_of_a_form({'event': 'OLD'})}\nform: {FLAT}\n",
    "curl out of a messenger": f"curl —X POST {URL} —data “{FORM_TEXT}”",
    "a link in Markdown": f"[hook]({URL}?token={TOKEN})",
    "a header": f"X-Bitrix-Token: {TOKEN}",
    "a setting": f"BITRIX24_OUTGOING_WEBHOOK_TOKEN={TOKEN}",
    "an address without its host": f"/api/bitrix/webhook?token={TOKEN}",
}


@pytest.mark.parametrize("name", PASTED)
def test_the_request_inside_is_judged(name: str) -> None:
    explanation = explained(PASTED[name])
    assert (explanation.code, explanation.causes) == ("EVENT_QUEUED", ())
    assert f"READ_AS_{explanation.read_as}" in SENTENCES, "what it was read as is said in words"


LINE = (
    "2026-11-27T02:08:40.806Z WARNING ⚠️ Wrong outgoing webhook token. Received: None — The event came with"
    " auth, but without application_token in it: something on the way removed the token, or the event was not"
    " sent by an outgoing webhook."
    " [TOKEN_NOT_FOUND: AUTH_MISSING]"
)
WRAPPED = {
    "Kubernetes": f"2026-11-27T02:08:40.806Z stderr F {LINE}",
    "Heroku": f"2026-11-27T02:08:40.806000+00:00 app[web.1]: {LINE}",
    "CloudWatch": json.dumps({"events": [{"timestamp": 1, "message": LINE, "ingestionTime": 2}]}),
    "Yandex": json.dumps({"level": "WARN", "message": LINE, "json_payload": {"request_id": "x"}}),
    "journald": json.dumps({"MESSAGE": LINE, "PRIORITY": "4", "__REALTIME_TIMESTAMP": "1"}),
    "Fly": f"2026-11-27T02:08:40Z app[3d8d] ams [info] {LINE}",
    "GELF": json.dumps({"version": "1.1", "host": "h", "short_message": LINE}),
    "a quotation": "\n".join(f"> {piece}" for piece in textwrap.wrap(LINE, 70)),
    "80 columns": "\n".join(LINE[at : at + 80] for at in range(0, len(LINE), 80)),
    "a fence among words": f"Вот что в журнале:\n```log\n{LINE}\n```\nЧто делать?",
    "no-break spaces": LINE.replace(" ", "\u00a0"),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_the_gateways_own_log_line_is_found(name: str) -> None:
    explanation = explained(WRAPPED[name])
    assert (explanation.code, [cause["code"] for cause in explanation.causes]) == (
        "TOKEN_NOT_FOUND",
        ["AUTH_MISSING"],
    )


NO_REQUEST = {
    "Traefik": (
        '{"DownstreamStatus":401,"RequestMethod":"POST","RequestPath":"/api/bitrix/webhook"}',
        "PASTED_ACCESS_LOG",
    ),
    "Caddy": (
        json.dumps(
            {
                "level": "info",
                "logger": "http.log.access",
                "request": {"method": "POST", "uri": "/"},
                "status": 401,
            }
        ),
        "PASTED_ACCESS_LOG",
    ),
    "Cloud Run": (json.dumps({"httpRequest": {"requestMethod": "POST", "status": 401}}), "PASTED_ACCESS_LOG"),
    "IIS": (
        "#Fields: date time cs-method cs-uri-stem sc-status\n2026-11-27 10:00:00 POST /webhook 401",
        "PASTED_ACCESS_LOG",
    ),
    "Railway": (
        json.dumps(
            {
                "requestId": "x",
                "method": "POST",
                "path": "/api/bitrix/webhook",
                "httpStatus": 401,
                "clientUa": "Bitrix24 Webhook Engine",
            }
        ),
        "PASTED_ACCESS_LOG",
    ),
    "a server's JSON": (
        json.dumps({"ts": 1, "request": {"method": "POST", "uri": "/api/bitrix/webhook"}, "status": 401}),
        "PASTED_ACCESS_LOG",
    ),
    "a server's JSON on several lines": (
        json.dumps({"ts": 1, "request": {"method": "POST", "uri": "/"}, "status": 401}, indent=2),
        "PASTED_ACCESS_LOG",
    ),
    "IIS without its fields": (
        "2026-11-27 10:00:00 10.0.0.4 POST /api/bitrix/webhook - 443 - 1.2.3.4 Bitrix24+Webhook - 401 0 0 15",
        "PASTED_ACCESS_LOG",
    ),
    "DevTools' table with tabs": ("event\tONUSERADD\ndata[ID]\t77", "PASTED_FORM_DATA"),
    "DevTools' table, short": ("event: ONUSERADD\ndata[ID]: 77", "PASTED_FORM_DATA"),
    "HAProxy": (
        'haproxy[12]: 1.2.3.4:5 [27/Nov/2026:10:00:00.1] fe be/s1 0/0/1/2/3 401 190 - - "POST / HTTP/1.1"',
        "PASTED_ACCESS_LOG",
    ),
    "Heroku's router": (
        'heroku[router]: at=info method=POST path="/" host=x status=401',
        "PASTED_ACCESS_LOG",
    ),
    "our answer": (
        '{"status":"error","code":"TOKEN_NOT_FOUND","message":"x","request_id":"y"}',
        "PASTED_ANSWER",
    ),
    "PHP": (
        "<?php\n$ch = curl_init('https://x');\ncurl_setopt($ch, CURLOPT_POSTFIELDS, ['event'=>'E']);",
        "PASTED_SCRIPT",
    ),
    "the answer of /api/links": ('{"by_name_only":false,"link":null}', "PASTED_ANSWER"),
    "settings": (f"LOG_LANGUAGE=en\nBITRIX24_OUTGOING_WEBHOOK_TOKEN={TOKEN}\n", "PASTED_SETTINGS"),
    "an incoming webhook's address": ("https://p.bitrix24.ru/rest/1/abcdefgh12345678/\n", "PASTED_INCOMING"),
    "settings of a shell": (
        f"# the gateway\nexport BITRIX24_DOMAIN=p.ru\nexport BITRIX24_OUTGOING_WEBHOOK_TOKEN={TOKEN}\n",
        "PASTED_SETTINGS",
    ),
    "a cut line of ours": (LINE[:-20], "PASTED_CUT_LINE"),
    "a cut line of ours in journald's": (
        "Nov 27 21:42:01 host b24[7]: 2026-11-27T21:42:01.123Z WARNING ⚠️ Wrong outgoing webhook token. Rece…",
        "PASTED_CUT_LINE",
    ),
    "a cut line about a path": (
        "2026-11-27T21:42:01.123Z WARNING No such path. The webhook's address ends in /api/bitrix/webhook — "
        "The POST came to a path",
        "PASTED_CUT_LINE",
    ),
    "a line about something else": (
        "2026-11-27T21:42:01.123Z INFO The gateway has stopped: requests in flight are answered",
        "PASTED_LOG_LINE",
    ),
    "Go": ('resp, err := http.Post("https://x", "application/json", body)', "PASTED_SCRIPT"),
}


@pytest.mark.parametrize("name", NO_REQUEST)
def test_text_without_a_request_is_named(name: str) -> None:
    pasted, key = NO_REQUEST[name]
    with pytest.raises(Unreadable) as caught:
        read(pasted.encode())
    assert caught.value.key == key


HEAD = RAW.partition("\r\n\r\n")[0].replace("\r\n", "\n") + "\n"
VERBOSE = (
    "11:20:03.512345 IP (tos 0x0, ttl 64, id 1, offset 0, flags [DF], proto TCP (6), length 500)\n"
    "    1.2.3.4.51234 > 10.0.0.2.8080: Flags [P.], cksum 0xfe28, seq 1:461, ack 1, win 512, length 460\n"
)
NOTHING = TCPDUMP.replace("length 499", "length 0")
STAMPED = TCPDUMP.replace("length 499", "options [nop,nop,TS val 1 ecr 2], length 499")
# What tcpdump prints before a packet, and how many bytes of headers it prints in front of the data.
PACKETS = {
    "IP": (TCPDUMP, 40),
    "stamped": (STAMPED, 52),
    "stamped, told shortly": (TCPDUMP, 52),
    "IPv6": (TCPDUMP.replace("IP ", "IP6 "), 60),
    "-v": (VERBOSE, 40),
}


@pytest.mark.parametrize("name", PACKETS)
@pytest.mark.parametrize("between", ["\n\n", "\n", ""])
@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_head_and_its_body_in_two_packets(
    name: str, between: str, length: bool, acknowledged: bool
) -> None:
    line, width = PACKETS[name]
    headers = "E" + "." * (width - 1)
    head = HEAD if length else "".join(f"{text}\n" for text in HEAD.splitlines() if "Length" not in text)
    answer = f"{NOTHING}{headers}\n" if acknowledged else ""
    explanation = explained(f"{line}{headers}{head}{between}{answer}{line}{headers}{FORM_TEXT}\n")
    assert (explanation.code, explanation.causes, explanation.read_as) == ("EVENT_QUEUED", (), "tcpdump")


def test_a_length_counted_in_characters_is_told_as_the_server_tells_it() -> None:
    body = json.dumps(EVENT | {"data": {"ID": "7", "NAME": "Иван"}}, ensure_ascii=False)
    head = "POST /api/bitrix/webhook HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
    explanation = explained(f"{head}{len(body)}\r\n\r\n{body}")
    assert (explanation.code, explanation.causes[0]["code"]) == ("BODY_INCOMPLETE", "BODY_INCOMPLETE")
    assert explained(f"{head}{len(body.encode())}\r\n\r\n{body}").code == "EVENT_QUEUED"


SNS = json.dumps(
    {"Type": "Notification", "TopicArn": "arn", "Message": json.dumps(EVENT | {"data": {"NAME": "Ж"}})}
)


@pytest.mark.parametrize(
    ("record", "data"),
    [
        ({"eventSource": "aws:sqs", "body": FORM_TEXT}, EVENT["data"]),
        ({"eventSource": "aws:sqs", "body": SNS}, {"NAME": "Ж"}),
        ({"EventSource": "aws:sns", "Sns": json.loads(SNS)}, {"NAME": "Ж"}),
        (
            {
                "eventSource": "aws:kinesis",
                "kinesis": {"data": base64.b64encode(FORM_TEXT.encode()).decode()},
            },
            EVENT["data"],
        ),
    ],
)
def test_an_event_in_the_records_of_an_aws_function_is_judged(record: dict[str, Any], data: Any) -> None:
    explanation = explained(json.dumps({"Records": [{"messageId": "1", "awsRegion": "eu", **record}]}))
    assert explanation.event is not None
    assert (explanation.code, explanation.event["data"]) == ("EVENT_QUEUED", data)


def test_a_printout_as_a_body_is_judged_as_what_arrived() -> None:
    explanation = explained(
        f"POST /api/bitrix/webhook HTTP/1.1\nContent-Type: text/plain\n\n{printed(EVENT, '%{', ' => ')}"
    )
    assert (explanation.code, explanation.causes[0]["code"]) == ("TOKEN_NOT_FOUND", "BODY_PRINTED")


def test_a_json_body_is_taken_as_a_body() -> None:
    explanation = explained(json.dumps({"body": EVENT}))
    assert (explanation.read_as, explanation.causes[0]["code"]) == ("body", "BODY_NESTED")


ROW = (
    "2026-11-27T18:44:06Z  a081e924a61954bd  rejected 401  ONUSERUPDATE · p.bitrix24.ru · 12 · The event came"
)
MESSAGE = {
    "schema": 1,
    "event_id": "5f",
    "event": "ONUSERUPDATE",
    "received_at": "x",
    "portal": {},
    "data": {},
}
OWN_OUTPUT = {
    "events": ROW,
    "events show": f"{ROW}\n\nmessage:\n{json.dumps(MESSAGE, indent=2)}\n\nbody:\nevent=X&data%5BID%5D=12",
    "rejections": "3 × AUTH_MISSING  TOKEN_NOT_FOUND  2026-11-27T18:35:33Z\n   The event came with auth",
    "rejections --follow": "AUTH_MISSING  TOKEN_NOT_FOUND  2026-11-27T18:35:33Z\n   The event came with auth",
    "rejections --json": json.dumps(
        [{"cause": "AUTH_MISSING", "detail": "", "says": "x", "do": "y", "places": []}]
    ),
    "dead-letters --json": json.dumps(
        [{"id": "store:1", "event_id": "5f", "reason": "x", "attempts": 1, "message": MESSAGE}]
    ),
    "dead-letters show --message": json.dumps(MESSAGE, indent=2),
    "links --json": json.dumps([{"bitrix_user_id": 1, "telegram_id": None, "observed_at": "x"}]),
    "doctor --json": json.dumps([{"check": "token", "result": "ok", "saw": "", "do": ""}]),
}


@pytest.mark.parametrize("command", OWN_OUTPUT)
def test_what_our_own_commands_print_is_named_and_never_judged(command: str) -> None:
    """A list of rejections was judged as a body, and an accepted event's row as a request without a token."""
    with pytest.raises(Unreadable) as caught:
        read(OWN_OUTPUT[command].encode())
    assert caught.value.key == "PASTED_OWN_OUTPUT"
