# ruff: noqa: E501 — commands stand here as tools print them
"""What people paste, as their tools print it: every form is read to the same request."""

import base64
import json
import shlex
from typing import Any

import pytest

from gateway.ingest.incoming import Incoming
from gateway.settings import load
from gateway.tools.explain import Record, Request, Unreadable, read
from gateway.tools.explain.masks import unmask
from verify import fingerprint

TOKEN = "k3v9x2m8q1w7e5r4t6y0u1i2o3p4a5s6"
FORM = f"event=ONUSERADD&data[ID]=12&auth[application_token]={TOKEN}"
ADDRESS = "https://hooks.example.com/api/bitrix/webhook"


def request(pasted: str | bytes) -> Request:
    parsed = read(pasted if isinstance(pasted, bytes) else pasted.encode())
    assert isinstance(parsed, Request)
    return parsed


def incoming(pasted: str | bytes) -> tuple[Incoming, bytes]:
    parsed = request(pasted)
    return parsed.incoming(), parsed.body


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
def test_a_raw_request_is_read(line_end: str) -> None:
    lines = [
        "POST /api/bitrix/webhook?a=%5B1 HTTP/1.1",
        "Host: x",
        "X-Bitrix-Token:  one ",
        "x-bitrix-token: two",
    ]
    received, body = incoming(line_end.join([*lines, "", FORM]))
    assert (received.method, received.path, received.query) == ("POST", "/api/bitrix/webhook", b"a=%5B1")
    assert received.headers["x-bitrix-token"] == b"one,two"
    assert body == FORM.encode()
    assert received.declared_length == len(body)


@pytest.mark.parametrize(
    ("length", "pasted", "body"),
    [
        (None, "a=1\n", "a=1"),  # an editor's end
        (4, "a=1\n", "a=1\n"),  # the sender's own
        (3, "a=1\n", "a=1"),
        (900, "a=1", "a=1"),
        (1, "a=1", "a=1"),
    ],
)
def test_a_body_is_taken_as_pasted(length: int | None, pasted: str, body: str) -> None:
    header = "" if length is None else f"Content-Length: {length}\r\n"
    assert request(f"POST / HTTP/1.1\r\n{header}\r\n{pasted}").body.decode() == body


def test_a_length_over_the_limit_decides_the_answer() -> None:
    received, _ = incoming("POST / HTTP/1.1\nContent-Length: 600000\n\na=1")
    assert received.declared_length == 600000


@pytest.mark.parametrize(
    "head",
    [
        "POST /api/bitrix/webhook HTTP/1.1",
        "POST /api/bitrix/webhook HTTP/2\nHost: x",
        "POST /api/bitrix/webhook HTTP/2.0\n:authority: x",
        f"POST {ADDRESS} HTTP/1.1\r\nContent-Length: nonsense\r\nContent-Length: 5",
        "post /api/bitrix/webhook",
        "\n\nPOST /api/bitrix/webhook HTTP/1.0",
    ],
)
def test_request_lines_as_people_have_them(head: str) -> None:
    received, body = incoming(f"{head}\n\n{FORM}")
    assert (received.method, received.path, body) == ("POST", "/api/bitrix/webhook", FORM.encode())
    without_end, empty = incoming(head)
    assert (without_end.path, empty) == ("/api/bitrix/webhook", b"")


def test_what_curl_prints_with_v() -> None:
    trace = f"""*   Trying 127.0.0.1:8080...
> POST /?token={TOKEN} HTTP/1.1
> Host: 127.0.0.1:8080
> User-Agent: curl/8.5.0
>
< HTTP/1.1 403 FORBIDDEN
< Content-Type: application/json
* Connection #0 left intact"""
    received, _ = incoming(trace)
    assert (received.query, received.header("user-agent")) == (f"token={TOKEN}".encode(), "curl/8.5.0")


def test_a_chunked_body_is_joined_where_its_framing_was_captured() -> None:
    head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert request(head + "3\r\na=1\r\n4;x=y\r\n&b=2\r\n0\r\n\r\n").body == b"a=1&b=2"
    assert request(head + "a=1&b=2").body == b"a=1&b=2"


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (FORM, "application/x-www-form-urlencoded"),
        ('{"event": "ONUSERADD"}', "application/json"),
        ('\n[{"event": 1}]\n', "application/json"),
        (
            '--xyz\r\nContent-Disposition: form-data; name="event"\r\n\r\nA\r\n--xyz--\r\n',
            "multipart/form-data; boundary=xyz",
        ),
    ],
)
def test_a_bare_body(body: str, media: str) -> None:
    received, _ = incoming(body)
    assert (received.method, received.path, received.header("content-type")) == (
        "POST",
        "/api/bitrix/webhook",
        media,
    )


def test_files_as_windows_writes_them() -> None:
    assert request(b"\xef\xbb\xbf" + FORM.encode()).body == FORM.encode()
    assert request(("\ufeff" + FORM).encode("utf-16-le")).body == FORM.encode()


@pytest.mark.parametrize(
    "pasted", ["", "hello", "POST", "POST /x y z\n\n", 'curl -d "a=1 https://x.y', "curl -d a=1"]
)
def test_input_that_is_no_request_is_refused(pasted: str) -> None:
    with pytest.raises(Unreadable):
        read(pasted.encode())


@pytest.mark.parametrize(
    "inside",
    [
        b"a text of several words",
        b"name=value&author=an event",
        b'{"names": "event=ONUSERADD"}',
        b"\x95" * 34,
    ],
)
def test_base64_without_an_event_in_it_is_not_decoded(inside: bytes) -> None:
    encoded = base64.b64encode(inside)
    assert encoded.endswith(b"=")
    parsed = request(encoded)
    assert (parsed.read_as, parsed.body) == ("body", encoded)


def test_base64_in_a_whole_request_stays_its_body() -> None:
    encoded = base64.b64encode(FORM.encode())
    assert request(b"POST /api/bitrix/webhook HTTP/1.1\n\n" + encoded).body == encoded


def test_a_bad_header_is_reported() -> None:
    with pytest.raises(Unreadable) as caught:
        read(b"POST / HTTP/1.1\r\nBad Header: x\r\n\r\n")
    assert caught.value.facts["problem"] == "illegal header line"


CHROME_BASH = r"""curl 'https://hooks.example.com/api/bitrix/webhook?a=1' \
  -H 'accept: */*' \
  -H 'content-type: application/json' \
  -b 'sid=1; b=2' \
  --data-raw $'{"event":"ONUSERADD","data":{"NAME":"\u0418\'\ud83d\ude00\u0021\n"}}' \
  --compressed ;"""

CHROME_CMD = r"""curl ^"https://hooks.example.com/api/bitrix/webhook?a=1^" ^
  -H ^"accept: */*^" ^
  -H ^"content-type: application/json^" ^
  -b ^"sid=1; b=2^" ^
  --data-raw ^"^{^\^"event^\^":^\^"ONUSERADD^\^",^\^"data^\^":^{^\^"NAME^\^":^\^"50^% ^& more^\^",^\^"p^\^":^\^"^%^5B^\^"^}^}^" """

CHROME_CMD_OLD = r"""curl "https://hooks.example.com/api/bitrix/webhook?a=1" ^
  -H "accept: */*" ^
  -H "content-type: application/json" ^
  -H "cookie: sid=1; b=2" ^
  --data-raw "^{^\^"event^\^":^\^"ONUSERADD^\^",^\^"data^\^":^{^\^"NAME^\^":1^}^}" ^
  --compressed"""

FIREFOX = r"""curl 'https://hooks.example.com/api/bitrix/webhook?a=1' -X POST -H 'Accept: */*' -H 'Content-Type: application/json' -H 'Cookie: sid=1; b=2' --data-raw '{"event":"ONUSERADD","data":{"NAME":"x"}}'"""

POSTMAN = r"""curl --location 'https://hooks.example.com/api/bitrix/webhook?a=1' \
--header 'Content-Type: application/json' \
--header 'Cookie: sid=1; b=2' \
--header 'Accept: */*' \
--data '{
    "event": "ONUSERADD",
    "data": {"NAME": "x"}
}'"""

POWERSHELL = r"""PS C:\Users\me> curl.exe -X POST 'https://hooks.example.com/api/bitrix/webhook?a=1' `
  -H 'Content-Type: application/json' -H "Accept: */*" -b "sid=1; b=2" `
  -d '{\"event\":\"ONUSERADD\",\"data\":{\"NAME\":\"it''s\"}}'"""

DOCUMENTATION = r"""$ curl -sSL -XPOST -o /dev/null -w "%{http_code}\n" --max-time 5 --retry 3 \
    -H "Content-Type: application/json" -HAccept:\ */* --cookie "sid=1; b=2" \
    -d "{\"event\":\"ONUSERADD\",\"data\":{\"NAME\":\"\$x\"}}" \
    https://hooks.example.com/api/bitrix/webhook?a=1 | jq ."""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (CHROME_BASH, "И'😀!\n"),
        (CHROME_CMD, "50% & more"),
        (CHROME_CMD.replace("\n", "\r\n"), "50% & more"),
        (CHROME_CMD_OLD, 1),
        (FIREFOX, "x"),
        (POSTMAN, "x"),
        (POWERSHELL, "it's"),
        (DOCUMENTATION, "$x"),
    ],
)
def test_curl_lines_as_tools_print_them(line: str, name: Any) -> None:
    received, body = incoming(line)
    assert (received.method, received.path, received.query) == ("POST", "/api/bitrix/webhook", b"a=1")
    assert received.header("content-type") == "application/json"
    assert (received.header("accept"), received.header("cookie")) == ("*/*", "sid=1; b=2")
    event = json.loads(body, strict=False)
    assert event["event"] == "ONUSERADD"
    assert event["data"]["NAME"] == name


def curl(*words: str) -> tuple[Incoming, bytes]:
    return incoming("curl " + " ".join(map(shlex.quote, words)))


@pytest.mark.parametrize(
    ("words", "method", "query", "body"),
    [
        (("-d", "a=1", "-d", "b=2"), "POST", "", "a=1&b=2"),
        (
            ("--data", "a=1", "--data-raw", "@b", "--data-binary", "c", "--data-ascii", "d"),
            "POST",
            "",
            "a=1&@b&c&d",
        ),
        (("--data-urlencode", "a=[x] &"), "POST", "", "a=%5Bx%5D+%26"),
        (("--data-urlencode", "x y", "--data-urlencode", "=z="), "POST", "", "x+y&z%3D"),
        (("-G", "-d", "a=1", "--data-urlencode", "b=2 3"), "GET", "a=1&b=2+3", ""),
        (("--url-query", "token=x", "-d", "a=1"), "POST", "token=x", "a=1"),
        (("-I",), "HEAD", "", ""),
        (("-XPUT", "-d", "a"), "PUT", "", "a"),
        (("-sX", "PATCH"), "PATCH", "", ""),
        ((), "GET", "", ""),
        (("--json", '{"a":', "--json", "1}"), "POST", "", '{"a":1}'),
        (("-d", "--x"), "POST", "", "--x"),
        (("-d", ""), "POST", "", ""),
        (("-d", "a=1", "--next", "-d", "b=2"), "POST", "", "a=1"),
        (("--proxy", "http://p:1", "-m", "5", "-k", "--http2", "--data=a"), "POST", "", "a"),
    ],
)
def test_curl_options(words: tuple[str, ...], method: str, query: str, body: str) -> None:
    received, sent_body = curl(ADDRESS, *words)
    assert (received.method, received.path, received.query.decode(), sent_body.decode()) == (
        method,
        "/api/bitrix/webhook",
        query,
        body,
    )


def test_curl_headers() -> None:
    received, _ = curl(
        "-u",
        "me:secret",
        "-A",
        "agent",
        "-e",
        "there",
        "-H",
        "X-Empty;",
        "-H",
        "Gone:",
        "-d",
        "a",
        "--url",
        ADDRESS,
    )
    assert received.headers == {
        "authorization": b"Basic bWU6c2VjcmV0",
        "user-agent": b"agent",
        "referer": b"there",
        "x-empty": b"",
        "content-type": b"application/x-www-form-urlencoded",
    }
    assert curl(ADDRESS, "--oauth2-bearer", "t")[0].headers["authorization"] == b"Bearer t"
    assert (
        curl(ADDRESS, "--json", "{}", "-H", "content-type: text/plain")[0].headers["content-type"]
        == b"text/plain"
    )
    assert curl(ADDRESS, "-b", "cookies.txt")[0].headers == {"user-agent": b"curl"}


@pytest.mark.parametrize(
    ("address", "path", "query"),
    [
        ("https://hooks.example.com", "/", ""),
        ("hooks.example.com/api/bitrix/webhook", "/api/bitrix/webhook", ""),
        ("http://127.0.0.1:8080//api/bitrix/webhook#x", "//api/bitrix/webhook", ""),
        ("$URL/api/bitrix/webhook?token=%D0%B0", "/api/bitrix/webhook", "token=%D0%B0"),
        ("https://x.y?token=а", "/", "token=%D0%B0"),
    ],
)
def test_curl_addresses(address: str, path: str, query: str) -> None:
    received, _ = curl(address)
    assert (received.path, received.query.decode()) == (path, query)


@pytest.mark.parametrize(
    "start", ["sudo curl", "/usr/bin/curl", "$ time curl", r"C:\Windows\System32\curl.exe"]
)
def test_curl_commands_are_read_under_any_name(start: str) -> None:
    received, body = incoming(f"{start} {ADDRESS} -d event=ONUSERADD")
    assert (received.method, received.path, body) == ("POST", "/api/bitrix/webhook", b"event=ONUSERADD")


def test_curl_forms() -> None:
    received, body = curl(
        ADDRESS, "-F", "event=ONUSERADD;type=text/plain", "-F", "f=@/a/b.png", "--form-string", "s=@x;y"
    )
    boundary = received.header("content-type").partition("boundary=")[2]
    assert body.decode() == (
        f'--{boundary}\r\nContent-Disposition: form-data; name="event"\r\n\r\nONUSERADD\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="b.png"\r\n\r\n\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="s"\r\n\r\n@x;y\r\n--{boundary}--\r\n'
    )


@pytest.mark.parametrize(
    "words", [("-d", "@b.json"), ("--json", "@b"), ("--data-urlencode", "a@b"), ("-F", "a=<b"), ("-H", "@b")]
)
def test_files_are_not_read(words: tuple[str, ...]) -> None:
    with pytest.raises(Unreadable) as caught:
        curl(ADDRESS, *words)
    assert caught.value.key == "PASTED_CURL_FILE"


def test_the_mask_of_the_right_token_stands_for_the_token() -> None:
    settings = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN}, None)
    mask = f"<masked 32 {fingerprint(TOKEN.encode())}>"
    for masked in (
        mask,
        mask.replace("<", "%3C").replace(">", "%3e").replace(" ", "+"),
        mask.replace(" ", "%2520").replace("<", "%253C").replace(">", "%253E"),
    ):
        unmasked, stand_ins = unmask(
            Request("POST", f"/?token={masked}", (), f"token={masked}".encode()), settings
        )
        assert (unmasked.target, unmasked.body) == (f"/?token={TOKEN}", f"token={TOKEN}".encode())
        assert stand_ins == {}


def test_any_other_mask_keeps_its_length() -> None:
    settings = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN}, None)
    unmasked, stand_ins = unmask(
        Request("POST", "/", (("X", b"Bearer <masked 33 0badcafe>"),), b""), settings
    )
    stand_in = unmasked.headers[0][1].decode().removeprefix("Bearer ")
    assert len(stand_in) == 33
    assert stand_ins == {stand_in: "<masked 33 0badcafe>"}


FIELDS = {
    "severity": "WARNING",
    "message": "⚠️",
    "time": "2026-01-31T12:00:00Z",
    "code": "TOKEN_MISMATCH",
    "places": [{"place": "query:token", "state": "mismatch", "length": 32.0, "fingerprint": "0badcafe"}],
    "causes": [{"code": "TOKEN_OTHER_WEBHOOK", "detail": "d", "says": "s", "do": "do"}],
    "decoded_as": "form",
}


@pytest.mark.parametrize(
    "pasted",
    [
        json.dumps(FIELDS),
        json.dumps(FIELDS, indent=2),
        json.dumps({"insertId": "x", "timestamp": "2026-01-31T12:00:01Z", "jsonPayload": FIELDS}),
        json.dumps(
            [
                {"timestamp": "2026-01-31T12:00:01Z", "jsonPayload": FIELDS},
                {"timestamp": "2026-01-31T11:00:00Z", "jsonPayload": {**FIELDS, "code": "TOKEN_NOT_FOUND"}},
            ]
        ),
        "web-1  | " + json.dumps(FIELDS),
        "starting\n"
        + json.dumps({**FIELDS, "code": "TOKEN_NOT_FOUND", "time": "2026-01-31T11:00:00Z"})
        + "\n"
        + json.dumps(FIELDS)
        + "\nbye\n",
    ],
)
def test_log_records(pasted: str) -> None:
    record = read(pasted.encode())
    assert isinstance(record, Record)
    assert (record.code, record.decoded_as) == ("TOKEN_MISMATCH", "form")
    assert record.places[0][1:] == ("mismatch", 32, "0badcafe")
    assert record.causes[0]["code"] == "TOKEN_OTHER_WEBHOOK"
    assert record.request.target == "/api/bitrix/webhook?token=<masked+32+0badcafe>"


@pytest.mark.parametrize("wrap", ["{}", '{{"textPayload": "{}", "timestamp": "t"}}'])
def test_a_line_of_the_text_log(wrap: str) -> None:
    line = "2026-01-31T12:00:00.000Z WARNING ⚠️ Неверный токен [TOKEN_MISMATCH: BODY_MISDECLARED, TOKEN_ELSEWHERE]"
    record = read(wrap.format(line).encode())
    assert isinstance(record, Record)
    assert record.code == "TOKEN_MISMATCH"
    assert [cause["code"] for cause in record.causes] == ["BODY_MISDECLARED", "TOKEN_ELSEWHERE"]


def test_a_line_of_the_text_log_without_causes() -> None:
    record = read("2026-01-31T12:00:00.000Z WARNING Токен верный, но это не событие [EVENT_INVALID]".encode())
    assert isinstance(record, Record)
    assert (record.code, record.causes) == ("EVENT_INVALID", ())


def test_a_record_of_something_else_is_named() -> None:
    with pytest.raises(Unreadable) as caught:
        read(json.dumps({"severity": "INFO", "message": "started"}).encode())
    assert caught.value.key == "PASTED_NO_REFUSAL"


@pytest.mark.parametrize("odd", [5, True, 1.5, "x", {"a": 1}, [5, None]])
def test_another_programs_record_with_our_field_names_is_not_ours(odd: object) -> None:
    record = read(
        json.dumps({"severity": "ERROR", "code": "NOT_FOUND", "places": odd, "causes": odd}).encode()
    )
    assert isinstance(record, Record)
    assert (record.code, record.places, record.causes) == ("NOT_FOUND", (), ())


def test_half_a_surrogate_pair_in_a_record() -> None:
    record = read(b'{"code": "X", "causes": [{"code": "TOKEN_ABSENT", "says": "\\ud800"}]}')
    assert isinstance(record, Record)
    assert record.causes[0]["says"] == "?"


@pytest.mark.parametrize(
    "script",
    [
        'Invoke-WebRequest -Uri "https://h.example/" -Method POST -Body "event=E"',
        '$answer = irm "https://h.example/" -Body "event=E"',
        'fetch("https://h.example/?a=b", {"body": "event=E", "method": "POST"});',
        'await fetch("https://h.example/?a=b");',
        "wget --post-data 'event=E' https://h.example/",
    ],
)
def test_other_commands_are_not_taken_for_a_form(script: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(script.encode())
    assert caught.value.key in ("PASTED_POWERSHELL", "PASTED_FETCH", "PASTED_SCRIPT")


def test_names_that_begin_like_commands_stay_a_form() -> None:
    assert request("fetch=1&event=E").body == b"fetch=1&event=E"


def test_a_markdown_fence_around_the_input_is_dropped() -> None:
    assert request(f"```bash\ncurl {ADDRESS} -d '{FORM}'\n```\n") == request(f"curl {ADDRESS} -d '{FORM}'")


def test_a_user_in_the_address_becomes_basic_authentication() -> None:
    parsed = request(f"curl https://bitrix:{TOKEN}@hooks.example.com/ -d event=E")
    assert sorted(parsed.headers) == sorted(
        request(f"curl -u bitrix:{TOKEN} https://hooks.example.com/ -d event=E").headers
    )
