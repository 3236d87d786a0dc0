"""`./b24 doctor`: every check against real parts, and never the token to a stranger."""

import json
import re
import shutil
import sqlite3
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from gateway.cli import main
from gateway.journal import Journal, NewRequest
from gateway.links import open_store
from gateway.links.model import DeadLetter
from gateway.locations import store_location
from gateway.queues import open_embedded
from gateway.settings import load
from gateway.texts import SENTENCES
from gateway.tools.doctor import Scribe, local_checks
from gateway.tools.sample_delivery import parse
from tests.support.deliveries import OTHER_TOKEN, TOKEN, form
from tests.support.portal import SECRET, PortalSimulator
from tests.support.processes import Start, recorded
from tests.support.pubsub import Topic
from verify import PLACES

OURS = "places"


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", TOKEN)


Checks = dict[str, dict[str, str]]
Doctor = Callable[..., tuple[int, Checks]]


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Doctor:
    def run(*arguments: str) -> tuple[int, Checks]:
        code = main(["doctor", "--json", *arguments])
        output = capsys.readouterr()
        assert output.err == ""
        assert not any(secret in output.out for secret in (TOKEN, OTHER_TOKEN, SECRET))
        checks = json.loads(output.out)
        assert all(set(check) == {"check", "result", "saw", "do"} for check in checks)
        assert all(check["saw"] for check in checks)
        assert all(check["do"] for check in checks if check["result"] == "failed")
        return code, {check["check"]: check for check in checks}

    return run


@pytest.mark.parametrize("arguments", [(), ("--env", "other.env")], ids=[".env", "--env"])
def test_it_speaks_the_language_of_the_file_of_settings(
    arguments: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("LOG_LANGUAGE")
    (tmp_path / (arguments[-1] if arguments else ".env")).write_text("LOG_LANGUAGE=en\n")
    assert main(["doctor", *arguments]) == 0
    output = capsys.readouterr().out
    assert output.startswith("✓ settings: ")
    assert not any("а" <= letter.lower() <= "я" for letter in output)


def results(checks: Checks) -> dict[str, str]:
    return {name: check["result"] for name, check in checks.items()}


def test_what_is_not_set_up_is_skipped(doctor: Doctor, tmp_path: Path) -> None:
    code, checks = doctor()
    assert code == 0
    assert results(checks) == {
        "settings": "ok",
        "token": "ok",
        "queue": "ok",
        "store": "ok",
        "dead letters": "ok",
        "incoming webhook": "skipped",
        "telegram field": "skipped",
        "last delivery": "skipped",
        "address": "skipped",
    }
    assert list(tmp_path.iterdir()) == []  # looking changes nothing


def test_a_running_server_passes(start_serve: Start, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start_serve()
    address = f"http://127.0.0.1:{server.port}"
    for name in ("QUEUE_URL", "DATABASE_URL", "JOURNAL_URL"):
        monkeypatch.setenv(name, server.env[name])
    monkeypatch.setenv("WEBHOOK_URL", address)
    code, checks = doctor()
    assert code == 0, [check for check in checks.values() if check["result"] == "failed"]
    assert results(checks) == {
        **dict.fromkeys(("settings", "token", "queue", "store", "name"), "ok"),
        **dict.fromkeys(("incoming webhook", "telegram field", "last delivery"), "skipped"),
        **dict.fromkeys(("public address", "certificate"), "skipped"),
        **dict.fromkeys(("redirects", "path", "health"), "ok"),
        **dict.fromkeys(("dead letters", "large body", "places"), "ok"),
    }
    assert server.post(form("ONUSERADD")).status == 200
    recorded(server, event="ONUSERADD")
    _, checks = doctor()
    # It is not the doctor's own probe.
    assert "ONUSERADD" in checks["last delivery"]["saw"]
    probes = recorded(server, event="ONGATEWAYPROBE")
    assert {(record.kind, record.portal) for record in probes} == {("probe", "doctor.invalid")}


def test_a_server_with_another_token_is_named(start_function: Start, doctor: Doctor) -> None:
    server = start_function("bitrix_webhook", BITRIX24_OUTGOING_WEBHOOK_TOKEN=OTHER_TOKEN)
    code, checks = doctor("--url", f"http://127.0.0.1:{server.port}/", "--send-token")
    assert code == 1
    assert checks[OURS]["result"] == "failed"
    assert "Another token" in checks[OURS]["do"]
    assert {name for name, result in results(checks).items() if result == "failed"} == {OURS}


def test_a_server_without_a_token_is_named(start_function: Start, doctor: Doctor) -> None:
    server = start_function("bitrix_webhook", BITRIX24_OUTGOING_WEBHOOK_TOKEN="")
    code, checks = doctor("--url", f"http://127.0.0.1:{server.port}", "--send-token")
    assert (code, checks["path"]["result"], checks["health"]["result"]) == (1, "failed", "failed")
    assert OURS not in checks


def test_a_wrong_path_is_named(start_function: Start, doctor: Doctor) -> None:
    server = start_function("bitrix_webhook")
    for path in ("/webhook", "/health"):
        code, checks = doctor("--url", f"http://127.0.0.1:{server.port}{path}")
        assert (code, checks["path"]["result"]) == (1, "failed")
        assert "/api/bitrix/webhook" in checks["path"]["do"]


class Listener(BaseHTTPRequestHandler):
    """Somebody else's server: keeps what it got."""

    got: list[str]
    answer: tuple[int, dict[str, str], bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        self.got.append(f"{self.path}\n{self.headers}\n{body}")
        status, headers, text = self.answer
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(text))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_arguments: object) -> None:
        """Silent."""


@contextmanager
def listening(
    status: int,
    headers: dict[str, str],
    body: bytes,
    context: ssl.SSLContext | None = None,
    kind: type[BaseHTTPRequestHandler] | None = None,
) -> Iterator[tuple[int, list[str]]]:
    requests: list[str] = []
    kind = kind or type("Fresh", (Listener,), {"got": requests, "answer": (status, headers, body)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port, requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


NOT_FOUND = json.dumps({"status": "error", "code": "TOKEN_NOT_FOUND"}).encode()


@pytest.mark.parametrize("ours", [None, "https://hooks.example.com", "http://127.0.0.1:1"])
def test_a_stranger_gets_no_token(ours: str | None, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    if ours:
        monkeypatch.setenv("WEBHOOK_URL", ours)
    with listening(401, {}, NOT_FOUND) as (port, requests):
        _, checks = doctor("--url", f"http://127.0.0.1:{port}")
        assert checks[OURS]["result"] == "skipped"
        assert "--send-token" in checks[OURS]["do"]
        assert len(requests) > len(PLACES)
        assert TOKEN not in "".join(requests)
        doctor("--url", f"http://127.0.0.1:{port}", "--send-token")
        with_token = [request for request in requests if TOKEN in request]
        assert len(with_token) == 1
        assert f"auth%5Bapplication_token%5D={TOKEN}" in with_token[0]
        assert with_token[0].count(TOKEN) == 1


def test_our_own_address_gets_it_in_one_place(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(401, {}, NOT_FOUND) as (port, requests):
        monkeypatch.setenv("WEBHOOK_URL", f"http://127.0.0.1:{port}")
        code, checks = doctor()
    assert (code, checks[OURS]["result"]) == (1, "failed")
    assert [request.count(TOKEN) for request in requests if TOKEN in request] == [1]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(status: int, doctor: Doctor) -> None:
    with listening(401, {}, NOT_FOUND) as (other, elsewhere):
        location = {"Location": f"http://127.0.0.1:{other}/api/bitrix/webhook?token={OTHER_TOKEN}"}
        with listening(status, location, b"") as (port, requests):
            code, checks = doctor("--url", f"http://127.0.0.1:{port}", "--send-token")
    assert (code, checks["redirects"]["result"]) == (1, "failed")
    assert elsewhere == []
    assert TOKEN not in "".join(requests)


def test_a_server_that_accepts_anything_is_named(doctor: Doctor) -> None:
    body = json.dumps({"code": "TOKEN_NOT_FOUND"}).encode()

    with listening(200, {}, body) as (port, _):
        code, checks = doctor("--url", f"http://127.0.0.1:{port}")
    assert (code, checks["path"]["result"]) == (1, "failed")


@pytest.mark.parametrize(("status", "word"), [(403, "access is denied"), (502, "502"), (200, "200")])
def test_another_program_at_the_address_is_named(status: int, word: str, doctor: Doctor) -> None:
    with listening(status, {}, b"<html>") as (port, _):
        code, checks = doctor("--url", f"http://127.0.0.1:{port}")
    assert (code, checks["path"]["result"]) == (1, "failed")
    assert word in checks["path"]["saw"]


def test_our_own_codes_are_shown_whole(doctor: Doctor) -> None:
    with listening(503, {}, b'{"code": "QUEUE_UNAVAILABLE"}') as (port, _):
        _, checks = doctor("--url", f"http://127.0.0.1:{port}")
    assert "503 QUEUE_UNAVAILABLE" in checks["path"]["saw"]


def test_an_unreachable_address_is_named(doctor: Doctor) -> None:
    with listening(200, {}, b"") as (port, _):
        pass
    code, checks = doctor("--url", f"http://127.0.0.1:{port}")
    assert (code, checks["connection"]["result"]) == (1, "failed")


def test_an_unknown_host_name_is_named(doctor: Doctor) -> None:
    code, checks = doctor("--url", "https://gateway.invalid/api/bitrix/webhook")
    assert (code, checks["name"]["result"]) == (1, "failed")


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("http://gateway.invalid", "https://"),
        ("https://gateway-invalid", "full name"),
        ("https://gateway.invalid/" + "a/" * 120, "255"),
        ("https://gateway.invalid/api?x=" + "a" * 230, "255"),
    ],
)
def test_an_address_that_bitrix24_refuses_is_named(address: str, word: str, doctor: Doctor) -> None:
    code, checks = doctor("--url", address)
    assert (code, checks["public address"]["result"]) == (1, "failed")
    assert word in checks["public address"]["do"]


def doctored(doctor: Doctor, status: int, headers: dict[str, str], body: bytes) -> Checks:
    with listening(status, headers, body) as (port, _):
        code, checks = doctor("--url", f"http://127.0.0.1:{port}")
    assert code == 1
    return checks


def test_a_proxy_in_front_of_the_gateway_is_named(doctor: Doctor) -> None:
    basic = doctored(doctor, 401, {"WWW-Authenticate": "Basic realm=x"}, b"")
    assert "basic auth" in basic["path"]["saw"]
    turned = doctored(doctor, 200, {}, b'{"code": "OK", "token_configured": true}')
    assert "as a GET" in turned["path"]["saw"]
    moved = doctored(doctor, 404, {}, b'{"code": "NOT_FOUND"}')
    assert "another path reaches the gateway" in moved["path"]["saw"]
    cached = doctored(doctor, 200, {"Age": "7"}, b'{"code": "OK", "token_configured": true}')
    assert "cache" in cached["health"]["saw"]


class Filtering(Listener):
    """A firewall before the gateway that lets no brackets through, and no large body."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        brackets = b"%5B" in body or b"[" in body
        status, text = (403, b"<html>") if self.brackets and brackets else (401, NOT_FOUND)
        status, text = (413, b"<html>") if len(body) > self.most else (status, text)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    brackets = False
    most = 1_000_000


@pytest.mark.parametrize(
    ("filtering", "check", "word"),
    [({"brackets": True}, "path", "bracket"), ({"most": 100_000}, "large body", "500 KB")],
)
def test_a_filter_that_removes_something_is_named(
    filtering: dict[str, object], check: str, word: str, doctor: Doctor
) -> None:
    with listening(401, {}, NOT_FOUND, kind=type("Fresh", (Filtering,), filtering)) as (port, _):
        code, checks = doctor("--url", f"http://127.0.0.1:{port}")
    assert (code, checks[check]["result"]) == (1, "failed")
    assert word in checks[check]["saw"] + checks[check]["do"]


@pytest.mark.parametrize(("status", "result"), [(200, "failed"), (401, "ok")])
def test_the_inspector_is_tried_from_outside(status: int, result: str, doctor: Doctor) -> None:
    # `127.1` is this machine to every resolver, and no loopback address by its look.
    with listening(status, {}, NOT_FOUND) as (port, requests):
        _, checks = doctor("--url", f"http://127.1:{port}")
    assert checks["inspector"]["result"] == result
    assert any(request.startswith("/inspector\n") for request in requests)


def test_dead_letters_are_counted(doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/links.db")
    with closing(open_store(store_location(f"sqlite:///{tmp_path}/links.db"))) as store:
        letter = DeadLetter("ONUSERADD", "e" * 64, "no user id", 1, {}, datetime(2026, 3, 1, tzinfo=UTC))
        store.add_dead_letter(letter)
    code, checks = doctor()
    assert (code, checks["dead letters"]["result"]) == (1, "failed")
    assert "./b24 dead-letters" in checks["dead letters"]["do"]


def test_a_destination_that_fails_is_named(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARD_TO", "https://bot.example.com/hook?key=secret")
    settings = load()
    queue = open_embedded(settings)
    queue.publish(b'{"data": null}', {"event": "ONCRMDEALADD"}, 10.0)
    (name,) = [name for name in queue.depths() if name.endswith(settings.destinations[0].id)]
    assert doctor()[1]["destinations"]["result"] == "ok"
    (delivery,) = queue.lease(name, 60)
    queue.settle([], [(delivery, "HTTP 500", 5.0)])
    queue.close()
    code, checks = doctor()
    assert (code, checks["destinations"]["result"]) == (1, "failed")
    assert "https://bot.example.com/hook does not accept events" in checks["destinations"]["saw"]
    assert "HTTP 500" in checks["destinations"]["saw"]
    assert "secret" not in json.dumps(checks)


def test_a_mistyped_event_of_a_destination_is_named(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARD_TO", "https://bot.example.com/#ONUSERADDD,ONTASKADD")
    code, checks = doctor()
    assert (code, checks["destinations"]["result"]) == (1, "failed")
    assert checks["destinations"]["saw"] == "ONUSERADDD is not among the known events; perhaps ONUSERADD"
    assert "FORWARD_TO" in checks["destinations"]["do"]


@pytest.mark.parametrize(
    ("token", "result"), [(TOKEN, "failed"), (f"{TOKEN},new.bitrix24.ru={OTHER_TOKEN}", None)]
)
def test_events_of_another_portal_are_a_finding(
    token: str, result: str | None, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", token)
    monkeypatch.setenv("BITRIX24_DOMAIN", "old.bitrix24.ru")
    monkeypatch.setenv("JOURNAL_URL", f"sqlite:///{tmp_path}/journal.db")
    with closing(Journal(tmp_path / "journal.db")) as journal:
        request = NewRequest("r1", time.time(), "accepted", "EVENT_QUEUED", 200, portal="new.bitrix24.ru")
        journal.add_requests([request])
    code, checks = doctor()
    assert (checks.get("portal", {}).get("result"), code) == (result, 1 if result else 0)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_summary_says_what_to_do_first(
    language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_LANGUAGE", language)
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", "changeme")
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    failed = next(number for number, line in enumerate(lines) if line.startswith("✗ "))
    assert lines[-1].endswith(lines[failed + 1].removeprefix("  → "))
    assert lines[-1].startswith({"ru": "Не в порядке: 1. ", "en": "Problems: 1. "}[language])
    labels = {line[2:].partition(":")[0] for line in lines if line[:2] in ("✓ ", "✗ ", "– ")}
    assert any("а" <= letter <= "я" for label in labels for letter in label) == (language == "ru")


def test_every_check_has_a_label_in_both_languages() -> None:
    for name in (*local_checks.CHECKS, *ENDPOINT_CHECKS):
        assert f"DOCTOR_LABEL_{name}" in SENTENCES


ENDPOINT_CHECKS = (
    "token", "telegram field", "address", "public address", "name", "certificate", "connection", "redirects",
    "path", "health", "inspector", "large body", "places", "files",
)  # fmt: skip


def test_the_doctors_probes_are_not_counted_as_refusals(
    start_serve: Start, doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = start_serve()
    monkeypatch.setenv("WEBHOOK_URL", f"http://127.0.0.1:{server.port}")
    code, checks = doctor()
    assert "TOKEN_MISMATCH" not in server.log()
    assert "TOKEN_NOT_FOUND" not in server.log()
    # Records are written in order: once this one is there, all those before it are.
    server.post(form("ONUSERADD"))
    recorded(server, event="ONUSERADD")
    assert {record.kind for record in recorded(server)} == {"probe", "accepted"}
    # These settings name files of this directory, and the server writes elsewhere.
    assert (code, checks["files"]["result"]) == (1, "failed")


def test_a_read_only_store_is_named(doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/links.db")
    store = open_store(store_location(f"sqlite:///{tmp_path}/links.db"))
    store.check()
    store.close()
    with closing(sqlite3.connect(tmp_path / "links.db")) as connection:
        connection.execute(
            "CREATE TRIGGER readonly BEFORE INSERT ON state BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    code, checks = doctor()
    assert (code, checks["store"]["result"]) == (1, "failed")


def test_an_address_is_parsed() -> None:
    assert str(parse("https://x.y")) == "https://x.y/api/bitrix/webhook"
    assert str(parse("https://x.y:443/")) == "https://x.y/api/bitrix/webhook"
    assert str(parse(f"http://[::1]:80/h/{TOKEN}?token={TOKEN}")).startswith("http://[::1]/h/<masked 32 ")
    for wrong in ("x.y", "ftp://x.y", "https://", "https://u:p@x.y", "https://x:y", "https://[::1"):
        assert parse(wrong) is None


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate of localhost, its key in the same file."""
    path = tmp_path / "certificate.pem"
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "90",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", names, "-keyout", f"{path}.key", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def test_an_untrusted_certificate_is_named(
    certificate: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, f"{certificate}.key")
    with listening(401, {}, NOT_FOUND, context) as (port, requests):
        code, checks = doctor("--url", f"https://localhost:{port}", "--send-token")
        assert (code, checks["certificate"]["result"]) == (1, "failed")
        assert "self-signed" in checks["certificate"]["saw"]
        assert requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        _, checks = doctor("--url", f"https://localhost:{port}")
        assert checks["certificate"]["result"] == "ok"
        assert checks["path"]["result"] == "ok"


def test_the_incoming_webhook_is_tried(
    portal: PortalSimulator, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in portal.environ().items():
        monkeypatch.setenv(name, value)
    code, checks = doctor()
    assert (code, checks["incoming webhook"]["result"], checks["telegram field"]["result"]) == (0, "ok", "ok")
    portal.field = None
    portal.scopes = {"user_basic", "crm"}
    code, checks = doctor()
    assert (code, checks["incoming webhook"]["result"], checks["telegram field"]["result"]) == (
        1,
        "failed",
        "failed",
    )
    assert "crm, user_basic" in checks["incoming webhook"]["saw"]
    monkeypatch.setenv("BITRIX24_WEBHOOK_TOKEN", "1/wrong" + SECRET)
    code, checks = doctor()
    assert (code, checks["incoming webhook"]["result"]) == (1, "failed")
    monkeypatch.delenv("BITRIX24_DOMAIN")
    code, checks = doctor()
    assert (code, checks["incoming webhook"]["result"]) == (1, "failed")
    assert "BITRIX24_DOMAIN" in checks["incoming webhook"]["saw"]


def test_each_wrong_setting_is_a_finding_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "many")
    monkeypatch.setenv("RESYNC_EVERY", "often")
    assert main(["doctor"]) == 1
    output = capsys.readouterr().out
    assert output.count("✗ settings: ") == 2
    assert all(f"  → Correct {name}" in output for name in ("PORT", "RESYNC_EVERY"))


def test_a_wrong_setting_is_a_finding(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"mysql://u:{OTHER_TOKEN}@h/n")
    code, checks = doctor()
    assert (code, results(checks)) == (1, {"settings": "failed"})
    assert checks["settings"]["saw"].startswith("DATABASE_URL: ")


@pytest.mark.parametrize("token", ["", "changeme", f'"{TOKEN}"', "https://x.y/1", f"1/{TOKEN}"])
def test_an_odd_token_is_named(token: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", token)
    code, checks = doctor()
    assert (code, checks["token"]["result"]) == (1, "failed")
    assert checks["token"]["saw"].startswith("SETTING_")


def test_files_that_cannot_be_made_or_read_are_named(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for name in ("links.db", "journal.db"):
        (tmp_path / name).write_text("no database at all, whatever it is called" * 30)
    monkeypatch.setenv("QUEUE_URL", f"sqlite:///{tmp_path}/file/queue.db")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/links.db")
    monkeypatch.setenv("JOURNAL_URL", f"sqlite:///{tmp_path}/journal.db")
    code, checks = doctor()
    assert code == 1
    assert [checks[name]["result"] for name in ("queue", "store", "last delivery")] == ["failed"] * 3


def test_the_queue_on_pubsub_is_tried(
    pubsub_topic: Topic, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEUE_URL", f"pubsub://{pubsub_topic.project}/{pubsub_topic.name}")
    code, checks = doctor()
    assert (code, checks["queue"]["result"], checks["last delivery"]["result"]) == (0, "ok", "skipped")
    monkeypatch.setenv("QUEUE_URL", f"pubsub://{pubsub_topic.project}/missing")
    code, checks = doctor()
    assert (code, checks["queue"]["result"]) == (1, "failed")
    assert "./deploy.sh" in checks["queue"]["saw"]


def test_another_env_file_can_be_named(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN")
    (tmp_path / "there.env").write_text(
        f"BITRIX24_OUTGOING_WEBHOOK_TOKEN={TOKEN}\nBITRIX24_DOMAIN=p.bitrix24.ru\n"
    )
    assert doctor()[0] == 1
    code, checks = doctor("--env", "there.env")
    assert code == 0
    assert "p.bitrix24.ru" in checks["settings"]["saw"]


@pytest.mark.parametrize("arguments", [("--url", "nowhere"), ("--env", "nowhere.env"), ("--env", ".")])
def test_wrong_use_is_exit_code_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert arguments[0] in output.err


def test_each_check_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("✓ settings: ")
    assert "./b24 trigger" in lines[-1]
    assert any(line.startswith("– address: ") for line in lines)


def test_a_check_that_breaks_says_where_and_not_what_it_held() -> None:
    settings: dict[str, str] = {}
    try:
        settings[TOKEN]
    except KeyError as error:
        check = Scribe("en").raised("queue", error)
    assert check.result == "failed"
    assert re.fullmatch(r"KeyError \(test_doctor\.py:[0-9]+\)", check.saw)
