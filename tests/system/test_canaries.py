"""No secret leaves by any door: canaries in every place and setting, and everything written is searched.

What is searched is read as a finder would read it: as it is, percent-decoded once and twice, its JSON
escapes resolved, its base64 decoded; and twelve characters of a canary in a row, in any case, are a find.
"""

import base64
import json
import logging
import re
import socket
import struct
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest

from gateway.errors import GatewayError
from gateway.ingest.decision import judge
from gateway.ingest.incoming import Incoming
from gateway.ingest.php_form import build_query
from gateway.links import open_store
from gateway.locations import store_location
from gateway.settings import load
from tests.support import portal as portals
from tests.support.commands import run_command
from tests.support.deliveries import AGENT, FORM, delivery, form
from tests.support.portal import PortalSimulator
from tests.support.processes import Running, Start, environment, free_port, wait_for
from tests.support.pubsub import Topic

TOKEN = "k7canary1token2of3the4webhook5aa"  # a webhook's shape
# An operator's own token, with all that gets encoded.
ODD = "Qd/canary+second=token&of%41two~9z"
WRONG = "z9canary8wrong7token6of5another4"
# A wrong one of under 16 bytes, which is only ever in a token's place.
SHORT = "Sh0rt-canary!"
PASSWORD = "Db/canary:pass@word%7e8w3x5y"
INSPECTOR = "Insp3ctor canary pässword 41"
# An application's secrets, deep in data.
ACCESS = "acc355canary00token7c0f1e2d3b4a5"
SECRETS = {
    "token": TOKEN,
    "second token": ODD,
    "wrong token": WRONG,
    "short wrong token": SHORT,
    "incoming webhook": portals.SECRET,
    "database password": PASSWORD,
    "inspector password": INSPECTOR,
    "application's secret": ACCESS,
}
CUT = 12
PARTS = "multipart/form-data; boundary=x"
Request = tuple[str, str, bytes, dict[str, str]]
"""Method, path with query, body, headers."""

_B64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def readings(text: str) -> Iterator[str]:
    """A text as a finder may read it."""
    plain = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    for decoded in (text, plain, unquote(plain), unquote(unquote(plain))):
        yield decoded.lower()
    runs = (run[0] for run in _B64.finditer(plain))
    yield "\n".join(_from_base64(run) for run in runs).lower()


def _from_base64(run: str) -> str:
    """A run as base64, whichever of its first four characters begins a group."""
    run = run.replace("-", "+").replace("_", "/")
    shifted = (run[start:] for start in range(4))
    return " ".join(base64.b64decode(s[: len(s) // 4 * 4]).decode("latin-1") for s in shifted)


def found_in(text: str | bytes, secrets: dict[str, str] = SECRETS) -> list[str]:
    """Which canaries, or pieces of them, stand in a text."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    texts = list(dict.fromkeys(readings(text)))
    leaks = []
    for name, secret in secrets.items():
        low = secret.lower()
        # Any piece holds one of these whole: where there is none, nobody looks for the many pieces.
        halves = [low[start : start + CUT // 2] for start in range(0, len(low) - CUT // 2 + 1, CUT // 2)]
        suspects = [text for text in texts if any(half in text for half in halves)]
        pieces = {low[start : start + CUT] for start in range(len(low) - CUT + 1)}
        leaks += [f"{name}: {piece}" for piece in pieces if any(piece in text for text in suspects)][:1]
    return leaks


@pytest.mark.parametrize(
    "write",
    [
        str,
        str.upper,
        quote,
        lambda secret: quote(quote(secret)),
        lambda secret: secret[:CUT],
        lambda secret: secret[-CUT:],
        lambda secret: base64.b64encode(b"user:" + secret.encode()).decode(),
        lambda secret: json.dumps(json.dumps(secret)),
    ],
)
def test_a_canary_is_found_however_it_is_written(write: Callable[[str], str]) -> None:
    for name, secret in SECRETS.items():
        assert found_in(f"before{write(secret)}after")[0].startswith(name)


def _told(token: str | None = None, **auth: Any) -> dict[str, Any]:
    """An event full of secrets: configured ones in values and keys, others under the names they have."""
    deep = {"access_token": ACCESS, "AUTH": {"x": ACCESS}, "Client_Secret": ACCESS, "l": [{"token": ACCESS}]}
    data: dict[str, Any] = {"ID": "12", "UF_USR_TELEGRAM": "@ivan_petrov", "BOT": {"567": deep}}
    data |= {"NOTE": f"call {TOKEN} or {portals.SECRET}", ODD: "a key", f"k{portals.SECRET}": "another"}
    data |= {"P": PASSWORD, "list": [TOKEN, ODD, INSPECTOR, "harmless"]}
    return delivery(data=data, token=token, refresh_token=ACCESS, access_token=ACCESS, **auth)


def _posted(fields: Any, path: str = "/", **headers: str) -> Request:
    http_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return "POST", path, build_query(fields), {"Content-Type": FORM, "User-Agent": AGENT, **http_headers}


def _basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"user:{token}".encode()).decode()


def in_the_places(token: str) -> list[Request]:
    """A token in each of the places, well and badly written."""
    plain = {key: value for key, value in _told().items() if key != "auth"}
    no_token = {key: value for key, value in _told()["auth"].items() if key != "application_token"}
    header = token.encode().decode("latin-1")
    twice = build_query(_told(token)) + b"&auth[application_token]=" + quote(token, safe="").encode()
    return [
        _posted(_told(token)),
        _posted(_told(), X_Bitrix_Token=header),
        _posted(_told(), Authorization=f"Bearer {header}"),
        _posted(_told(), f"/?token={quote(token, safe='')}"),
        _posted({**_told(), "token": token}),
        _posted({**plain, "data": {"token": token, "auth": {"token": token}}}),
        _posted({**plain, "auth": {**no_token, "token": token}}),
        ("POST", "/", json.dumps(_told(token)).encode(), {"Content-Type": "application/json"}),
        ("POST", "/", twice, {"Content-Type": FORM}),
        ("POST", "/", _multipart(token), {"Content-Type": PARTS}),
    ]


def elsewhere(token: str) -> list[Request]:
    """A token where none belongs, or spoilt: nobody verifies it, many may write it down."""
    encoded, header = quote(token, safe=""), token.encode().decode("latin-1")
    body, odd = build_query(_told()), {"User-Agent": AGENT, "Content-Type": FORM}
    name = re.sub("[^A-Za-z0-9-]", "-", token)
    return [
        *(
            _posted(_told(spoilt))
            for spoilt in (token.upper(), token[:-3], f'"{token}"', f"{token}x", f"{token}\n")
        ),
        _posted(_told(token.replace("o", "о").replace("e", "е"))),
        _posted(_told(), X_Secret=header, X_Token=header, Cookie=f"session={header}; a={header}"),
        _posted(_told(), Authorization=header),
        _posted(_told(), Authorization=_basic(token)),
        _posted(_told(), Authorization=f"Token {header}", Proxy_Authorization=_basic(token)),
        _posted(_told(), f"/{encoded}"),
        _posted(_told(), f"/api/bitrix/webhook/{encoded}/x"),
        _posted(_told(), f"/?secret={encoded}&webhook_token={encoded}&{encoded}=1&x={quote(encoded)}"),
        ("POST", "/", body, {**odd, "User-Agent": f"agent {header}"}),
        ("POST", "/", body, {**odd, "User-Agent": f"agent {encoded}", "Referer": f"https://a/?t={encoded}"}),
        ("POST", "/", body, {**odd, f"X-{name}": "1"}),
        ("POST", "/", body, {**odd, "X-Cloud-Trace-Context": f"{header}/1;o=1", "X-Request-Id": header}),
        ("POST", "/", body, {**odd, "Function-Execution-Id": name, "traceparent": f"00-{header}-{name}-01"}),
        ("POST", "/", body, {**odd, "Content-Type": f"text/{name}; charset={encoded}"}),
        ("POST", "/", b"auth_application_token=" + encoded.encode(), odd),
        ("POST", "/", f"{encoded}=1&{encoded}[x]=2&auth.application_token={encoded}".encode(), odd),
        ("POST", "/", quote(b"auth[application_token]=" + token.encode()).encode(), odd),
        ("POST", "/", b"payload=" + quote(json.dumps(_told(token))).encode(), odd),
        (
            "POST",
            "/",
            json.dumps({token: {token: [token]}, "auth": {"token": [token]}}).encode(),
            odd,
        ),
        ("POST", "/", token.encode(), {**odd, "Content-Type": "text/plain"}),
        ("POST", "/", b'{"broken": "' + token.encode(), {**odd, "Content-Type": "application/json"}),
        ("POST", "/", base64.b64encode(b"token=" + token.encode()), odd),
        ("POST", "/", _multipart(token, name=f"k{name}", file=True), odd | {"Content-Type": PARTS}),
        ("GET", f"/?token={encoded}", b"", odd),
        ("PUT", f"/?token={encoded}", body, odd),
        ("POST", f"/?token={encoded}&pad={'x' * 9000}", body, odd),
        ("POST", f"/?token={encoded}", b"&".join([b"a=1"] * 1001), odd),
    ]


def _multipart(token: str, name: str = "auth[application_token]", file: bool = False) -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"'
    head += f'; filename="{token}"' if file else ""
    return f"{head}\r\n\r\n{token}\r\n--x--\r\n".encode()


def as_secrets_of_others() -> list[Request]:
    """Right tokens, and other secrets where an event's own words belong."""
    spoilt = [
        _told(TOKEN) | {"event": f"ON{ODD}"},
        _told(TOKEN) | {"event_handler_id": portals.SECRET},
        _told(TOKEN, domain=f"{portals.SECRET}.bitrix24.ru"),
        _told(TOKEN, member_id=TOKEN),
        _told(TOKEN) | {"ts": TOKEN},
        {"event": "ONUSERUPDATE", "data": {"NAME": "nobody", "token": ACCESS}, "token": TOKEN},
    ]
    return [_posted(fields) for fields in spoilt]


def requests() -> Iterator[Request]:
    for token in (TOKEN, ODD, WRONG, SHORT):
        yield from in_the_places(token)
    for token in (TOKEN, ODD, WRONG, portals.SECRET, INSPECTOR, PASSWORD):
        yield from elsewhere(token)
    yield from as_secrets_of_others()


def with_a_right_token() -> Iterator[Request]:
    """What is accepted, mostly: nothing else comes as far as the queue, the store and the portal."""
    for token in (TOKEN, ODD):
        yield from in_the_places(token)
        yield from elsewhere(token)
    yield from as_secrets_of_others()


def secret_settings(portal: PortalSimulator) -> dict[str, str]:
    return {
        **portal.environ(),
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN": f"{TOKEN},{ODD}",
        "INSPECTOR_PASSWORD": INSPECTOR,
        "WEBHOOK_CAPTURE_UNTIL": (datetime.now(UTC) + timedelta(minutes=50)).isoformat(),
    }


def refused_portal(portal: PortalSimulator) -> None:
    """A portal that quotes the secret in every error, and at times hangs up."""
    portal.faults.append(
        lambda call: portals.error("INVALID_CREDENTIALS", 401) if call.number % 2 else portals.HANG_UP
    )


def latin(headers: dict[str, str]) -> dict[str, str]:
    return {name: value.encode("latin-1", "replace").decode("latin-1") for name, value in headers.items()}


def send_all(gateway: Running, wanted: Iterable[Request]) -> bytes:
    """All these requests, and all that came back."""
    answers = []
    for method, path, body, headers in wanted:
        answer = gateway.request(method, path, body, latin(headers))
        assert answer.status < 500 or answer.json["code"] == "QUEUE_UNAVAILABLE", answer
        answers.append(repr(dict(answer.headers)).encode() + answer.body)
    return b"\n".join(answers)


def tool(gateway: Running, *arguments: str, stdin: bytes = b"") -> bytes:
    process = run_command(*arguments, env=gateway.env, cwd=gateway.stderr.parent, stdin=stdin)
    assert process.returncode in (0, 1, 2), process.stderr
    assert "Traceback" not in process.stderr, process.stderr
    return (process.stdout + process.stderr).encode()


def inspected(gateway: Running) -> bytes:
    """What the inspector shows: two hundred of the pages that its pages link to."""
    password = urlencode({"password": gateway.env["INSPECTOR_PASSWORD"]}).encode()
    opened = gateway.request("POST", "/inspector", password, {"Content-Type": FORM})
    cookie = opened.headers["Set-Cookie"].partition(";")[0]
    waiting, pages = ["/inspector", "/inspector/requests"], dict[str, bytes]()
    while waiting:
        path = waiting.pop()
        if path not in pages and len(pages) < 200:
            pages[path] = gateway.request("GET", path, headers={"Cookie": cookie}).body
            links = re.findall(rb'"(/inspector[^"#]*)"', pages[path])
            waiting += [unescape(link.decode()) for link in links if b"static" not in link]
    assert len(pages) > 100
    return b"\n".join(pages.values())


def raw_request(method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: a", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body


def nothing_in(output: dict[str, bytes], secrets: dict[str, str] = SECRETS) -> None:
    leaks: dict[str, bytes] = {}
    for name, text in output.items():
        for line in text.splitlines() if found_in(text, secrets) else ():
            for find in found_in(line, secrets):
                leaks.setdefault(f"{name}: {find}", line[:3000])
    assert not leaks, "\n\n".join(f"{source}\n    {line!r}" for source, line in leaks.items())


def files_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def settled(gateway: Running) -> None:
    """Wait until the worker has nothing left but what fails again and again."""
    import sqlite3
    import time
    from contextlib import closing

    ends = time.monotonic() + 60
    with closing(sqlite3.connect(gateway.env["QUEUE_URL"].removeprefix("sqlite:///"), timeout=30)) as queue:
        while queue.execute("SELECT count(*) FROM messages WHERE attempts = 0").fetchone()[0]:
            assert time.monotonic() < ends, "the worker did not get through"
            time.sleep(0.1)


TOOLS = (
    *("doctor --url URL", "rejections", "rejections --json", "dead-letters", "dead-letters --json"),
    *("links --json", "links --history", "links --csv", "trigger ONUSERUPDATE --url URL"),
    *("replay --dry-run", "replay --dry-run --json", "doctor --json --url URL", "resync", "replay"),
)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_nothing_that_serve_writes_or_its_tools_print_holds_a_secret(
    log_format: str, start_serve: Start, postgres_url: str, portal: PortalSimulator
) -> None:
    refused_portal(portal)
    database = postgres_url.replace("@", f":{quote(PASSWORD, safe='')}@", 1)
    settings = secret_settings(portal) | {"DATABASE_URL": database, "LOG_FORMAT": log_format}
    gateway = start_serve(**settings, QUEUE_MAX_ATTEMPTS="1")
    output = {"answers": send_all(gateway, requests())}
    settled(gateway)
    lines = [line for line in gateway.log().encode().splitlines() if b"CAPTURE" in line or b"TOKEN_" in line]
    for line in lines[:4]:
        output[f"explain {line[:80]!r}"] = tool(gateway, "explain", stdin=line)
    for arguments in TOOLS if log_format == "text" else TOOLS[:2]:
        filled = arguments.replace("URL", f"http://127.0.0.1:{gateway.port}")
        output[arguments] = tool(gateway, *filled.split())
    # The page shows the journal, however the log is written.
    if log_format == "text":
        output["inspector"] = inspected(gateway)
    gateway.stop()
    store = open_store(store_location(database))
    output["dead letters"] = repr(list(store.dead_letters())).encode()
    output["history"] = repr(list(store.history())).encode()
    store.close()
    nothing_in(output | files_of(gateway.stderr.parent))


def test_nothing_that_fails_writes_a_secret(
    start_serve: Start, tmp_path: Path, portal: PortalSimulator
) -> None:
    """No queue, no store, no portal: events are kept, everything is complained about."""
    refused_portal(portal)
    unused_address = f"127.0.0.1:{free_port()}"
    database = f"postgresql://user:{quote(PASSWORD, safe='')}@{unused_address}/links"
    settings = secret_settings(portal) | {"DATABASE_URL": database}
    (tmp_path / "a file").write_text("")
    for number, queue in enumerate(("queue.db", "a file/queue.db")):
        journal = {"JOURNAL_URL": f"sqlite:///{tmp_path}/a file/journal.db"} if number else {}
        gateway = start_serve(
            **settings, **journal, QUEUE_URL=f"sqlite:///{tmp_path}/{queue}", QUEUE_MAX_ATTEMPTS="1"
        )
        output = {"answers": send_all(gateway, with_a_right_token())} if not number else {}
        # Each waits its time for the queue.
        for method, path, body, headers in in_the_places(TOKEN)[:3]:
            gateway.request(method, path, body, latin(headers))
        for name in ("replay", "dead-letters", "links", "rejections", "doctor", "resync"):
            output[name] = tool(gateway, name)
        gateway.stop()
        nothing_in(output | files_of(gateway.stderr.parent))


def test_nothing_that_the_function_logs_on_google_cloud_holds_a_secret(
    start_function: Start, portal: PortalSimulator
) -> None:
    """Pub/Sub does not answer: events go whole to the log."""
    cloud = {
        "QUEUE_URL": "pubsub://project/topic",
        "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{free_port()}",
        "K_SERVICE": "b24",
    }
    gateway = start_function("bitrix_webhook", **(secret_settings(portal) | cloud))
    output = {"answers": b""}
    for method, path, body, headers in [
        *in_the_places(TOKEN)[:4],
        *in_the_places(ODD)[:2],
        *elsewhere(WRONG),
    ]:
        output["answers"] += gateway.request(method, path, body, latin(headers)).body
    gateway.stop()
    assert "EVENT_NOT_QUEUED" in gateway.log()
    nothing_in(output | {"log": gateway.log().encode()}, {**SECRETS, "database password": ODD})


def broken_off(token: str) -> list[bytes]:
    """Requests that a host refuses before the function sees them, or that end half-way."""
    encoded = quote(token, safe="").encode()
    head = b"POST /" + encoded + b"?token=" + encoded + b" HTTP/1.1\r\nHost: a\r\nX-Bitrix-Token: " + encoded
    form = b"\r\nContent-Type: application/x-www-form-urlencoded"
    chunked = form + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    return [
        head,
        head + b"\r\n" + encoded + b"\r\n\r\n",
        head + b"\r\nContent-Length: " + encoded + b"\r\n\r\n",
        head + b"\r\nTransfer-Encoding: " + encoded + b"\r\n\r\n",
        head + b"\r\nExpect: " + encoded + b"\r\nContent-Length: 0\r\n\r\n",
        head + b"\r\nX: " + encoded * 5000 + b"\r\n\r\n",
        head + b"\r\nX: " + encoded + b"\r\nX: " * 300 + encoded + b"\r\n\r\n",
        head + form + b"\r\nContent-Length: 500\r\n\r\ntoken=" + encoded,
        head + chunked + b"30\r\ntoken=" + encoded,
        head + chunked + b"6\r\ntoken=\r\n" + encoded + b"\r\n",
        encoded + b" /?token=" + encoded + b"\r\n\r\n",
        encoded + b" / HTTP/1.1\r\n\r\n",
        b"GET /" + encoded + b" HTTP/9.9\r\n\r\n",
        b"GET /?token=" + encoded * 3000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ]


def send_broken_off(gateway: Running) -> None:
    """Each ends in two ways: nothing more follows, and the connection is reset before an answer is read."""
    for number, data in enumerate(request for token in (TOKEN, ODD, WRONG) for request in broken_off(token)):
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
            with suppress(OSError):
                connection.sendall(data)
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                continue
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass


@pytest.mark.parametrize("host", ["serve", "functions-framework"])
def test_nothing_that_is_refused_or_broken_off_half_way_writes_a_secret(
    host: str, start_serve: Start, start_function: Start, portal: PortalSimulator
) -> None:
    settings = secret_settings(portal) | {"LOG_LANGUAGE": "en"}
    gateway = start_serve(**settings) if host == "serve" else start_function("bitrix_webhook", **settings)
    send_broken_off(gateway)
    send_broken_off(gateway)
    wait_for(lambda: "What came is not an HTTP request" in gateway.log())
    assert gateway.post(form()).status in (200, 403)
    gateway.stop()
    assert "Traceback" not in gateway.log()
    nothing_in(files_of(gateway.stderr.parent))


def test_no_message_on_pubsub_holds_a_secret(
    start_function: Start, pubsub_topic: Topic, portal: PortalSimulator
) -> None:
    settings = secret_settings(portal) | {
        "QUEUE_URL": pubsub_topic.url,
        "PUBSUB_EMULATOR_HOST": pubsub_topic.emulator.host,
    }
    settings["DATABASE_URL"] = f"postgresql://user:{quote(PASSWORD, safe='')}@127.0.0.1/links"
    gateway = start_function("bitrix_webhook", **settings)
    for method, path, body, headers in [*in_the_places(TOKEN), *in_the_places(ODD), *as_secrets_of_others()]:
        gateway.request(method, path, body, latin(headers))
    messages = pubsub_topic.take()
    assert len(messages) > 15
    nothing_in(
        {f"message {n}": json.dumps(m).encode() + base64.b64decode(m["data"]) for n, m in enumerate(messages)}
    )


@pytest.fixture
def log_lines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, portal: PortalSimulator
) -> Iterator[list[str]]:
    """This process with all secrets set, at DEBUG: what any logger says."""
    settings = {**environment(tmp_path), **secret_settings(portal)}
    settings["DATABASE_URL"] = f"postgresql://user:{quote(PASSWORD, safe='')}@127.0.0.1:{free_port()}/links"
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    lines: list[str] = []

    class Everything(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{self.format(record)} {getattr(record, 'json_fields', '')}")

    root, handler = logging.getLogger(), Everything(0)
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def test_nothing_at_debug_holds_a_secret(
    log_lines: list[str], portal: PortalSimulator, tmp_path: Path
) -> None:
    """The consumer asks a portal that quotes the secret, then a store that is not there."""
    from cloudevents.http import CloudEvent

    import handlers
    from gateway.events import webhook_message
    from gateway.portal.client import Portal
    from handlers import users

    refused_portal(portal)
    settings = load()
    for _ in range(2):
        try:
            Portal(settings).user(12, patience=2.0)
        except GatewayError as error:
            log_lines.append("".join(traceback.format_exception(error)) + repr(error))
    fields = _told(TOKEN)
    message = webhook_message(fields, datetime.now(UTC), settings.secrets(), settings.domain)
    body = {
        "message": {
            "data": base64.b64encode(message.to_bytes()).decode(),
            "attributes": message.attributes(""),
        }
    }
    kind = {"type": "google.cloud.pubsub.topic.v1.messagePublished", "source": "//pubsub"}
    try:
        handlers.consume(CloudEvent(kind, body), "ONUSERUPDATE", users.handle)
    except GatewayError as error:
        log_lines.append("".join(traceback.format_exception(error)) + repr(error))
    handlers.close()
    assert any("/rest/" in line for line in log_lines)
    nothing_in({str(number): line.encode() for number, line in enumerate(log_lines)})


def test_no_repr_or_explanation_holds_a_secret(log_lines: list[str]) -> None:
    from click.testing import CliRunner

    from gateway.cli.explain import command as explain
    from gateway.diagnosis import diagnose, setting_causes

    settings = load()
    output = [repr(settings), repr(setting_causes(settings))]
    for method, path, body, headers in requests():
        raw = {name.lower(): value.encode("latin-1", "replace") for name, value in headers.items()}
        route, _, query = path.partition("?")
        incoming = Incoming(method, unquote(route), query.encode(), raw, lambda n, b=body: b[:n], len(body))  # type: ignore[misc]
        judgement = judge(incoming, settings, datetime.now(UTC))
        output += [repr(judgement.verdict), repr(judgement.limit), repr(diagnose(judgement, settings))]
        for option in ([], ["--json"]):
            result = CliRunner().invoke(
                explain, option, input=raw_request(method, path, body, headers), standalone_mode=False
            )
            assert result.exception is None, result.output
            output.append(result.output)
    nothing_in({str(number): text.encode() for number, text in enumerate(output)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BITRIX24_WEBHOOK_TOKEN", f"one/{portals.SECRET}"),
        ("BITRIX24_DOMAIN", f"user:{portals.SECRET}@p.bitrix24.ru"),
        ("DATABASE_URL", f"mysql://user:{PASSWORD}@host/links"),
        ("DATABASE_URL", f"postgresql://user:{PASSWORD}@host:port/links"),
        ("QUEUE_URL", f"redis://:{PASSWORD}@host"),
        ("JOURNAL_URL", f"postgresql://user:{PASSWORD}@host/links"),
        ("WEBHOOK_URL", f"https://user:{quote(PASSWORD, safe='')}@host/"),
        ("WEBHOOK_URL", f"https://host/?token={TOKEN}"),
        ("PORT", TOKEN),
        ("LOG_LANGUAGE", TOKEN),
        ("RESYNC_EVERY", TOKEN),
        ("WEBHOOK_CAPTURE_UNTIL", TOKEN),
        ("BITRIX24_TELEGRAM_FIELD_NAME", f"{TOKEN}!"),
    ],
)
def test_no_wrong_setting_is_repeated(name: str, value: str, tmp_path: Path) -> None:
    env = environment(tmp_path) | {"PORT": "0", name: value}
    process = run_command("serve", env=env, cwd=tmp_path)
    assert process.returncode == 2
    assert name in process.stderr
    nothing_in({"stderr": process.stderr.encode(), "stdout": process.stdout.encode()})
