"""Deliveries to a destination: what is posted, and what each of its answers comes to."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.errors import DeliveryFailed, PoisonMessage
from gateway.events import Message, Portal
from gateway.ingest.php_form import build_query
from gateway.settings import Settings, load
from handlers import forward
from tests.support.deliveries import FORM, PORTAL, TOKEN, delivery
from tests.support.errors import raises
from tests.support.pages import ROOT
from tests.support.processes import free_port

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Destination(ThreadingHTTPServer):
    """Answers as told, and keeps what came."""

    daemon_threads = True

    def __init__(self) -> None:
        self.status, self.body = 200, b"ok"
        self.headers: dict[str, str] = {}
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.came.append((self.path, dict(self.headers.items()), body))
                self.send_response(outer.status)
                for name, value in {"Content-Length": str(len(outer.body)), **outer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, *_: Any) -> None:
        """Who answers too much is hung up on."""


@pytest.fixture
def destination() -> Iterator[Destination]:
    with Destination() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settings_of(url: str, **more: str) -> Settings:
    env = {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "FORWARD_TO": url, "FORWARD_SECRET": SECRET, **more}
    return load(env, dotenv=None)


def message(data: Any = None, event: str = "ONTASKUPDATE") -> Message:
    return Message(
        event_id="e" * 64,
        event=event,
        event_handler_id="41",
        ts=1_750_000_000,
        received_at=NOW,
        source="webhook",
        portal=Portal(domain=PORTAL, member_id="a223c6b3710f85df22e9377d6c4f7553"),
        data={"FIELDS_AFTER": {"ID": "7"}} if data is None else data,
    )


def deliver(port: int, event_message: Message | None = None, path: str = "/hook", **more: str) -> Any:
    settings = settings_of(f"http://127.0.0.1:{port}{path}", **more)
    return forward.deliver(event_message or message(), settings.destinations[0], settings)


def test_an_event_is_posted_as_the_portal_posts_it(destination: Destination) -> None:
    data = {
        "FIELDS_BEFORE": {"ID": "7", "TITLE": "", "PARENT": None},
        "FIELDS_AFTER": {"ID": "7", "TAGS": ["a b", "ё&="], "UF": {"10": "x", "2": "y", "0": "z"}},
        "IS_ACCESSIBLE_BEFORE": "undefined~*",
    }
    outcome = deliver(destination.server_port, message(data), "/hook/ы?key=a%20b&c")
    assert (outcome.code, outcome.facts["status"]) == ("EVENT_FORWARDED", 200)
    ((path, headers, body),) = destination.came
    assert path == "/hook/%D1%8B?key=a%20b&c"
    assert headers["Content-Type"] == FORM
    assert headers["X-Bitrix-Token"] == TOKEN
    expected = {**delivery("ONTASKUPDATE"), "data": data}
    expected["data"]["FIELDS_BEFORE"]["PARENT"] = "undefined"
    expected["auth"] = {name: expected["auth"][name] for name in ("domain", "member_id", "application_token")}
    assert body == build_query(expected)
    assert parse_qsl(body.decode(), keep_blank_values=True)[3] == ("data[FIELDS_BEFORE][TITLE]", "")


@pytest.mark.parametrize(
    ("event", "data", "expected"),
    [
        ("ONUSERADD", {"ID": "7", "UF_USR_TELEGRAM": None}, "[ID]=7"),
        (
            "ONCRMDEALUPDATE",
            {"FIELDS": {"ID": "7", "TAGS": ["a", None]}},
            "[FIELDS][ID]=7&[FIELDS][TAGS][0]=a",
        ),
        ("ONTASKUPDATE", {"FIELDS_AFTER": {"ID": "7"}, "NOTE": None}, "[FIELDS_AFTER][ID]=7"),
        (
            "ONTASKADD",
            {"FIELDS_BEFORE": None, "FIELDS_AFTER": {"ID": "7"}, "IS_ACCESSIBLE_BEFORE": None},
            "[FIELDS_BEFORE]=undefined&[FIELDS_AFTER][ID]=7&[IS_ACCESSIBLE_BEFORE]=undefined",
        ),
        ("ONTASKDELETE", {"FIELDS_AFTER": None}, "[FIELDS_AFTER]=undefined"),
        ("ONCRMDEALADD", {"FIELDS_BEFORE": None}, "[FIELDS_BEFORE]=undefined"),
    ],
)
def test_only_data_of_before_and_after_is_undefined(event: str, data: dict[str, Any], expected: str) -> None:
    body = unquote(forward.form_of(message(data, event), settings_of("http://a.internal")).decode())
    names = [pair.removeprefix("data") for pair in body.split("&") if pair.startswith("data")]
    assert "&".join(names) == expected


def test_standard_webhooks_library_verifies_it(destination: Destination) -> None:
    deliver(destination.server_port)
    ((_, headers, body),) = destination.came
    verifier = Webhook(SECRET)
    verifier.verify(body, headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(body + b"x", headers, json_parse=False)
    assert headers["webhook-id"] == "e" * 64
    signed_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    signature = verifier.sign("e" * 64, signed_at, body.decode())
    assert headers["webhook-signature"] == signature
    contract = (ROOT / "docs/contract.md").read_text("utf-8")
    of_http = {"Host", "Content-Type", "Content-Length", "User-Agent", "Connection", "Accept-Encoding"}
    assert [name for name in headers if name not in of_http and f"`{name}`" not in contract] == []


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_success(destination: Destination, status: int) -> None:
    destination.status, destination.body = status, b""
    assert deliver(destination.server_port).facts["status"] == status


def test_a_long_answer_is_success_too(destination: Destination) -> None:
    destination.body = b"x" * (forward.READ_BYTES + 1)
    for _ in range(2):
        assert deliver(destination.server_port).facts["status"] == 200


def test_a_410_is_a_dead_letter_at_once(destination: Destination) -> None:
    destination.status = 410
    with raises(PoisonMessage, match="410"):
        deliver(destination.server_port)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_anything_else_is_tried_again_and_no_redirect_followed(destination: Destination, status: int) -> None:
    destination.status = status
    destination.headers = {"Location": f"http://127.0.0.1:{destination.server_port}/elsewhere"}
    with raises(DeliveryFailed, match=str(status)) as failed:
        deliver(destination.server_port)
    assert failed.value.retry_after is None
    assert len(destination.came) == 1


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (307, "redirects are not followed"),
        (304, "redirects are not followed"),
        (401, "another token"),
        (403, "another token"),
        (404, "check the path in FORWARD_TO"),
        (405, "check the path in FORWARD_TO"),
        (400, "answered 400$"),
        (503, "answered 503$"),
    ],
)
def test_an_answer_that_means_a_wrong_setting_says_which(
    destination: Destination, status: int, says: str
) -> None:
    destination.status = status
    with raises(DeliveryFailed, match=says):
        deliver(destination.server_port)


def test_retry_after_is_read_in_both_forms(destination: Destination) -> None:
    destination.status = 503
    moment = datetime.now(UTC) + timedelta(seconds=600)
    for value, least, most in [("120", 120, 120), (format_datetime(moment, usegmt=True), 590, 601)]:
        destination.headers = {"Retry-After": value}
        with pytest.raises(DeliveryFailed) as failed:
            deliver(destination.server_port)
        assert failed.value.retry_after is not None
        assert least <= failed.value.retry_after <= most
    for value in ("soon", "-5", "", "Fri, 99 Nov"):
        destination.headers = {"Retry-After": value}
        with pytest.raises(DeliveryFailed) as failed:
            deliver(destination.server_port)
        assert failed.value.retry_after is None


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def run() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        talk(connection)
            except OSError:
                pass

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(400):  # 20 seconds
        connection.sendall(b"x")
        time.sleep(0.05)


def reset(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("talk", "says"),
    [
        (drip, "timed out"),
        (lambda _connection: time.sleep(2), "timed out"),
        (lambda c: c.sendall(b"hello\r\n\r\n"), "the answer is not HTTP"),
        (reset, "reset by peer"),
    ],
)
def test_an_answer_after_the_time_limit_is_a_failure_with_its_reason(
    talk: Callable[[socket.socket], None], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward, "DELIVERY_SECONDS", 0.5)
    with raw_server(talk) as port:
        began = time.monotonic()
        with raises(DeliveryFailed, match=f"did not answer: .*{says}"):
            deliver(port)
        assert time.monotonic() - began < 10


def test_a_closed_port_and_a_port_without_https_are_named(destination: Destination) -> None:
    with raises(DeliveryFailed, match="Connection refused"):
        deliver(free_port())
    settings = settings_of(f"https://127.0.0.1:{destination.server_port}/")
    with raises(DeliveryFailed, match="TLS: "):
        forward.deliver(message(), settings.destinations[0], settings)


def test_a_user_and_password_are_sent_and_never_shown(destination: Destination) -> None:
    destination.status = 500
    url = f"http://bot:s%40cret-of-the-bot@127.0.0.1:{destination.server_port}/hook?key=another-secret-value"
    settings = settings_of(url)
    with pytest.raises(DeliveryFailed) as failed:
        forward.deliver(message(), settings.destinations[0], settings)
    assert "secret" not in str(failed.value)
    assert "cret" not in repr(settings)
    ((path, headers, _),) = destination.came
    assert path == "/hook?key=another-secret-value"
    assert headers["Authorization"] == "Basic Ym90OnNAY3JldC1vZi10aGUtYm90"


def test_each_portal_gets_its_own_token(destination: Destination) -> None:
    bound = f"other.ru={'a1' * 16},{TOKEN}"
    deliver(destination.server_port, BITRIX24_OUTGOING_WEBHOOK_TOKEN=bound)
    ((_, headers, body),) = destination.came
    assert headers["X-Bitrix-Token"] == TOKEN
    assert dict(parse_qsl(body.decode()))["auth[application_token]"] == TOKEN


def test_at_most_four_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "TURN_SECONDS", 60.0)
    at_once, most = 0, 0
    lock = threading.Lock()

    class Slow(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(0.05)
            with lock:
                at_once -= 1
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        threads = [threading.Thread(target=deliver, args=(server.server_port,)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.shutdown()
    assert most == forward.AT_ONCE


class Hanging(BaseHTTPRequestHandler):
    """Answers once it is allowed to."""

    arrived: threading.Semaphore
    allowed: threading.Event

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.arrived.release()
        self.allowed.wait(60)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hanging() -> Iterator[tuple[int, type[Hanging]]]:
    class Handler(Hanging):
        arrived = threading.Semaphore(0)
        allowed = threading.Event()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server.server_port, Handler
        finally:
            Handler.allowed.set()
            server.shutdown()


def test_a_hanging_destination_holds_only_its_share(
    destination: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Google Cloud one instance serves them all: those without a turn waited there without end."""
    monkeypatch.setattr(forward, "DELIVERY_SECONDS", 60.0)
    monkeypatch.setattr(forward, "TURN_SECONDS", 0.1)
    with ThreadPoolExecutor(forward.AT_ONCE) as pool, hanging() as (port, handler):
        deliveries = [pool.submit(deliver, port) for _ in range(forward.AT_ONCE)]
        for _ in deliveries:
            assert handler.arrived.acquire(timeout=30)
        with raises(DeliveryFailed, match="busy with earlier deliveries") as failed:
            deliver(port)
        assert not failed.value.counted
        # Another destination has turns of its own.
        deliver(destination.server_port)
        handler.allowed.set()
        assert {delivery.result(30).code for delivery in deliveries} == {"EVENT_FORWARDED"}
    assert len(destination.came) == 1


def test_deliveries_beyond_the_share_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "DELIVERY_SECONDS", 60.0)
    monkeypatch.setattr(forward, "TURN_SECONDS", 60.0)
    monkeypatch.setattr(forward, "MAX_THREADS", forward.AT_ONCE)
    with ThreadPoolExecutor(forward.AT_ONCE) as pool, hanging() as (port, handler):
        deliveries = [pool.submit(deliver, port) for _ in range(forward.AT_ONCE)]
        for _ in deliveries:
            assert handler.arrived.acquire(timeout=30)
        began = time.monotonic()
        with pytest.raises(DeliveryFailed):
            deliver(port)
        assert time.monotonic() - began < 30
        handler.allowed.set()
        for delivery in deliveries:
            delivery.result(30)


def test_the_time_taken_is_the_delivery_without_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "DELIVERY_SECONDS", 60.0)
    monkeypatch.setattr(forward, "TURN_SECONDS", 60.0)
    with ThreadPoolExecutor(forward.AT_ONCE + 1) as pool, hanging() as (port, handler):
        deliveries = [pool.submit(deliver, port) for _ in range(forward.AT_ONCE)]
        for _ in deliveries:
            assert handler.arrived.acquire(timeout=30)
        waiting = pool.submit(deliver, port)
        assert not handler.arrived.acquire(timeout=0.2)
        allowed_at = time.monotonic()
        handler.allowed.set()
        taken_ms = waiting.result(30).facts["ms"]
        assert taken_ms <= (time.monotonic() - allowed_at) * 1000 + 1
