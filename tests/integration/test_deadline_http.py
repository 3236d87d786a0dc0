"""Calls end in time whatever the far side does; the far sides here are sockets on loopback.

A server that trickles would finish its answer after a minute: a client whose deadline does
not hold gets that answer, and the test fails without measuring time.
"""

import gc
import http.client
import io
import itertools
import json
import socket
import ssl
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.errors import QueueRefused, QueueUnavailable, SettingError
from gateway.queues.deadline_http import Origin, Shared, WireError, trust
from gateway.queues.pubsub import PubSub
from gateway.texts import text_of
from tests.support.errors import raises
from tests.support.processes import wait_for

SECRET = "canary-5f2c9d1e7a"
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"messageIds":["7"]}'
Behaviour = Callable[[socket.socket, int], None]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Server:
    """Serves each connection by `behaviour(connection, number)` on a thread; `requests` counts heads seen."""

    def __init__(self, behaviour: Behaviour | None, backlog: int = 16) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port: int = self.listener.getsockname()[1]
        self.connections = 0
        self._behaviour = behaviour
        if behaviour is not None:
            threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        assert self._behaviour is not None
        with connection, suppress(OSError):
            self._behaviour(connection, number)

    def origin(self, tls: bool = False) -> Origin:
        return Origin("127.0.0.1", self.port, tls)


def read_request(connection: socket.socket) -> bytes:
    """One whole request with a Content-Length; b"" when the client closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        ),
        0,
    )
    while len(body) < length:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        body += chunk
    return head + b"\r\n\r\n" + body


def trickle(connection: socket.socket, answer: bytes) -> None:
    """The answer byte by byte, over a minute."""
    for byte in answer:
        connection.sendall(bytes([byte]))
        time.sleep(60 / len(answer))


def answering(answer: bytes) -> Behaviour:
    def behave(connection: socket.socket, _number: int) -> None:
        while read_request(connection):
            connection.sendall(answer)

    return behave


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(behaviour: Behaviour | None, backlog: int = 16) -> Server:
        servers.append(Server(behaviour, backlog))
        return servers[-1]

    yield start
    for server in servers:
        server.listener.close()


def call(origin: Origin, seconds: float = 10.0, body: bytes = b"{}") -> tuple[int, bytes]:
    try:
        return origin.call("POST", "/v1/x", body, {}, time.monotonic() + seconds)
    finally:
        origin.close()


def test_an_answer_is_read_whole(serve: Callable[..., Server]) -> None:
    assert call(serve(answering(ANSWER)).origin()) == (200, b'{"messageIds":["7"]}')


@pytest.mark.parametrize(
    ("answer", "status", "body", "is_kept"),
    [
        (CHUNKED + b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\n", 200, b"abc0123456789", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER, 200, b'{"messageIds":["7"]}', True),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ANSWER, 200, b'{"messageIds":["7"]}', True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
        (b"HTTP/1.1 503\r\ncontent-LENGTH: 0\r\nRetry-After: 1\r\n\r\n", 503, b"", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx", 200, b"x", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x", False),
        (b"HTTP/1.1 404 Not Found\r\n\r\nto the end", 404, b"to the end", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nto the end", 200, b"to the end", False),
    ],
    ids=[
        "chunks",
        "continue",
        "early hints",
        "no content",
        "empty",
        "close",
        "HTTP/1.0",
        "no length",
        "a bad length",
    ],
)
def test_every_form_of_an_answer(
    serve: Callable[..., Server], answer: bytes, status: int, body: bytes, is_kept: bool
) -> None:
    def behave(connection: socket.socket, _number: int) -> None:
        while read_request(connection):
            # In pieces, as a network may bring it.
            for start in range(0, len(answer), 7):
                connection.sendall(answer[start : start + 7])
            if not is_kept:
                return

    server = serve(behave)
    origin = server.origin()
    for _ in range(2):
        assert origin.call("POST", "/", b"{}", {}, time.monotonic() + 10) == (status, body)
    origin.close()
    assert server.connections == (1 if is_kept else 2)


def test_a_header_cannot_bring_another() -> None:
    for value in ("a\r\nX: y", "a\nX: y", "é"):
        with raises(WireError, match="valid HTTP header"):
            Origin("127.0.0.1", 1, tls=False).call("GET", "/", b"", {"A": value}, time.monotonic() + 1)


def stall_after_request(connection: socket.socket, _number: int) -> None:
    read_request(connection)
    time.sleep(60)
    connection.sendall(ANSWER)


def trickle_answer(connection: socket.socket, _number: int) -> None:
    read_request(connection)
    trickle(connection, ANSWER)


def trickle_endless_headers(connection: socket.socket, _number: int) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    trickle(connection, b"X: y\r\n" * 50 + b"\r\n")


def trickle_chunks(connection: socket.socket, _number: int) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    trickle(connection, b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")


def never_read(connection: socket.socket, _number: int) -> None:
    time.sleep(60)
    connection.sendall(ANSWER)


@pytest.mark.parametrize(
    "behaviour",
    [stall_after_request, trickle_answer, trickle_endless_headers, trickle_chunks, never_read],
)
def test_a_slow_server_is_given_up_at_the_deadline(
    serve: Callable[..., Server], behaviour: Behaviour
) -> None:
    server = serve(behaviour)
    with raises(WireError, match="timed out"):
        call(server.origin(), 0.3, b"x" * 8_000_000)


def test_a_server_that_never_accepts_is_given_up(serve: Callable[..., Server]) -> None:
    server = serve(None, backlog=1)
    fillers = [socket.socket() for _ in range(8)]
    for filler in fillers:
        filler.setblocking(False)
        with suppress(OSError):
            filler.connect(("127.0.0.1", server.port))
    with raises(WireError, match="timed out"):
        call(server.origin(), 0.3)
    for filler in fillers:
        filler.close()


def test_a_refused_connection_is_reported(serve: Callable[..., Server]) -> None:
    server = serve(None)
    server.listener.close()
    with raises(WireError, match="Connection refused"):
        call(server.origin())


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        CHUNKED + b"zz\r\n",
        CHUNKED + b"3\r\nab",
        CHUNKED + b"FFFFFFFF\r\nab",
        CHUNKED + b"-1\r\n" + b"x" * 2_000_000,
        CHUNKED + b"1\r\nx\r\n" * 400_000,
        CHUNKED + b"0\r\n" + b"X: y\r\n" * 400_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000_000,
    ],
    ids=[
        *("nothing", "no HTTP", "many headers", "a long header", "a bad chunk", "half a chunk"),
        *("a huge chunk", "a chunk without end", "a million chunks", "trailers", "continue for ever"),
        *("too long by its length", "half an answer", "too long"),
    ],
)
def test_no_proper_answer_is_an_error(serve: Callable[..., Server], answer: bytes) -> None:
    def behave(connection: socket.socket, _number: int) -> None:
        read_request(connection)
        connection.sendall(answer)

    with pytest.raises(WireError):
        call(serve(behave).origin())


@pytest.mark.parametrize("refuses", [False, True])
def test_a_call_leaves_nothing_to_the_garbage_collector(serve: Callable[..., Server], refuses: bool) -> None:
    """A connection would wait there with its buffer, a request of an outage with its body."""
    behaviour = answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
    server = serve(None if refuses else behaviour)
    if refuses:
        server.listener.close()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        with suppress(WireError):
            call(server.origin())
        gc.collect()
        kept = [thing for thing in gc.garbage if isinstance(thing, io.BufferedReader | OSError)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert kept == []


def test_connections_are_kept(serve: Callable[..., Server]) -> None:
    server = serve(answering(ANSWER))
    origin = server.origin()
    for _ in range(5):
        origin.call("POST", "/", b"{}", {}, time.monotonic() + 10)
    origin.close()
    assert server.connections == 1


def test_a_kept_connection_closed_meanwhile_is_replaced_at_once(serve: Callable[..., Server]) -> None:
    def one_answer_each(connection: socket.socket, _number: int) -> None:
        read_request(connection)
        connection.sendall(ANSWER)

    server = serve(one_answer_each)
    origin = server.origin()
    for _ in range(3):
        assert origin.call("POST", "/", b"{}", {}, time.monotonic() + 10)[0] == 200
    origin.close()
    assert server.connections == 3


def test_a_new_connection_that_closes_is_not_tried_again(serve: Callable[..., Server]) -> None:
    server = serve(lambda connection, _number: None)
    with raises(WireError, match="reset"):
        call(server.origin())
    assert server.connections == 1


def test_a_call_that_timed_out_leaves_no_connection_to_the_next(serve: Callable[..., Server]) -> None:
    """The late answer to the first request must not be taken for the second's."""

    def late_then_prompt(connection: socket.socket, _number: int) -> None:
        # A slow machine may never send it.
        if read_request(connection).startswith(b"POST /late "):
            time.sleep(1)
            connection.sendall(ANSWER.replace(b"7", b"1"))
        connection.sendall(ANSWER)

    server = serve(late_then_prompt)
    origin = server.origin()
    with pytest.raises(WireError):
        origin.call("POST", "/late", b"{}", {}, time.monotonic() + 0.3)
    assert b'"7"' in origin.call("POST", "/", b"{}", {}, time.monotonic() + 10)[1]
    origin.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, key and all in one file."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", str(key)]
    try:
        subprocess.run([*command, "-out", str(cert), *names], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed: apt-get install openssl")
    cert.write_text(cert.read_text() + key.read_text())
    return cert


@pytest.fixture
def trusting_anew() -> Iterator[None]:
    yield
    trust.cache_clear()


@pytest.mark.usefixtures("trusting_anew")
def test_a_tls_connection_is_verified(
    serve: Callable[..., Server], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def over_tls(connection: socket.socket, number: int) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            read_request(secure)
            secure.sendall(ANSWER)
            if number == 3:
                read_request(secure)
                trickle(secure, ANSWER)

    server = serve(over_tls)
    with raises(WireError, match="the certificate is not accepted: self-signed") as caught:
        call(server.origin(tls=True))
    assert text_of(caught.value, "ru") == "сертификат самоподписанный"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    # A process reads only once what it trusts.
    trust.cache_clear()
    assert call(server.origin(tls=True))[0] == 200
    origin = server.origin(tls=True)
    assert origin.call("POST", "/", b"{}", {}, time.monotonic() + 10)[0] == 200
    with raises(WireError, match="timed out"):
        origin.call("POST", "/", b"{}", {}, time.monotonic() + 0.3)
    assert origin.call("POST", "/", b"{}", {}, time.monotonic() + 10)[0] == 200
    # The server closed it in between.
    assert origin.call("POST", "/", b"{}", {}, time.monotonic() + 10)[0] == 200
    origin.close()


def test_a_stalled_tls_handshake_is_given_up(serve: Callable[..., Server]) -> None:
    with raises(WireError, match="timed out"):
        call(serve(lambda connection, _number: time.sleep(60)).origin(tls=True), 0.3)


def test_a_silent_name_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups, release = itertools.count(), threading.Event()

    def hang(*_arguments: object, **_options: object) -> list[object]:
        next(lookups)
        release.wait(60)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    origin = Origin("queue.example", 80, tls=False)
    for _ in range(3):
        with raises(WireError, match="timed out"):
            call(origin, 0.1)
    assert next(lookups) == 1, "one look-up hangs, not one for each request"
    release.set()


def test_an_unknown_name_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with raises(WireError, match="Name or service not known"):
        call(Origin("queue.example", 80, tls=False))


def test_the_second_address_is_tried(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(answering(ANSWER))
    dead = socket.create_server(("127.0.0.1", 0))
    addresses = [
        (socket.AF_INET, 0, 0, "", ("127.0.0.1", port)) for port in (dead.getsockname()[1], server.port)
    ]
    dead.close()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: addresses)
    assert call(Origin("queue.example", 80, tls=False))[0] == 200


def test_an_address_of_a_family_that_the_system_lacks_is_passed_over(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel without IPv6 refuses the socket itself: 255 is a family that no kernel knows."""
    server = serve(answering(ANSWER))
    addresses = [
        (255, 0, 0, "", ("::1", server.port)),
        (socket.AF_INET, 0, 0, "", ("127.0.0.1", server.port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: addresses)
    assert call(Origin("queue.example", 80, tls=False))[0] == 200


def test_an_old_value_is_used_while_a_new_one_is_fetched() -> None:
    numbers, release = itertools.count(1), threading.Event()

    def slow() -> tuple[int, float, float]:
        number = next(numbers)
        if number > 1:
            release.wait(60)
        return number, 0.0, 3600.0

    shared = Shared(slow)
    assert shared.get(time.monotonic() + 30) == 1
    # It is stale at once: the second call has begun, and hangs.
    assert shared.get(time.monotonic() + 30) == 1
    release.set()


def test_a_failed_fetch_keeps_nothing_of_those_who_waited() -> None:
    """Without a token for Pub/Sub, each request would wait for the garbage collector with its body."""
    bodies: list[weakref.ref[Server]] = []

    def fail() -> tuple[str, float, float]:
        raise WireError("WIRE_NO_HTTP")

    shared = Shared(fail)

    def ask() -> None:
        body = Server(None)
        body.listener.close()
        bodies.append(weakref.ref(body))
        shared.get(time.monotonic() + 10)

    gc.disable()
    try:
        for _ in range(3):
            with suppress(WireError):
                ask()
        # The thread that fetched may just be ending.
        wait_for(lambda: all(body() is None for body in bodies[:-1]))
    finally:
        gc.enable()


def test_a_value_that_came_while_its_caller_waited_for_the_lock_is_returned() -> None:
    calls = itertools.count(1)
    shared = Shared(lambda: (next(calls), 3600.0, 3600.0))

    class Late:
        """A lock whose first owner gets it only after another thread has got the value."""

        def __enter__(self) -> None:
            shared._lock = lock
            assert shared.get(time.monotonic() + 30) == 1
            lock.acquire()

        def __exit__(self, *_: object) -> None:
            lock.release()

    lock, shared._lock = shared._lock, Late()  # type: ignore[assignment]
    assert shared.get(time.monotonic() + 30) == 1
    assert next(calls) == 2, "the value was fetched once"


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (400, QueueRefused, "400"),
        (401, QueueUnavailable, "401"),
        (403, QueueRefused, "role"),
        (404, QueueRefused, "Check QUEUE_URL"),
        (429, QueueUnavailable, "quotas"),
        (500, QueueUnavailable, "500"),
        (503, QueueUnavailable, "503"),
    ],
)
def test_each_status_of_the_queue_has_its_meaning(
    serve: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    kind: type[QueueUnavailable],
    says: str,
) -> None:
    error_body = json.dumps({"error": {"message": f"You sent {SECRET}"}}).encode()
    server = serve(
        answering(b"HTTP/1.1 %d Odd\r\nContent-Length: %d\r\n\r\n%s" % (status, len(error_body), error_body))
    )
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.port}")
    publisher = PubSub("p-1", "events")
    with raises(QueueUnavailable, match=says) as caught:
        publisher.publish(SECRET.encode(), {"event": SECRET}, 10)
    publisher.close()
    assert type(caught.value) is kind
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("answer", [b"", b"nonsense", b"{}", b'{"messageIds": []}', b"[]", b"null"])
def test_an_answer_without_an_id_is_no_acknowledgement(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    server = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer)))
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.port}")
    publisher = PubSub("p-1", "events")
    with pytest.raises(QueueUnavailable):
        publisher.publish(b"{}", {}, 10)
    publisher.close()


@pytest.mark.parametrize("host", ["localhost", "localhost:", ":8085", "localhost:http"])
def test_an_emulator_without_host_and_port_is_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
    with raises(SettingError, match="PUBSUB_EMULATOR_HOST"):
        PubSub("p-1", "events")


@pytest.mark.parametrize(
    ("error", "russian", "english"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "соединение отклонено", "Connection refused"),
        (TimeoutError(), "время ожидания вышло", "Connection timed out"),
        (http.client.RemoteDisconnected("x"), "соединение разорвано", "Connection reset by peer"),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "такого имени нет в DNS", "unknown"),
    ],
)
def test_an_unreachable_queue_is_reported_in_the_readers_language(
    error: OSError, russian: str, english: str
) -> None:
    failure = QueueUnavailable(
        "PUBSUB_UNREACHABLE", host="h:1", problem=WireError("WIRE_FAILED", problem=error)
    )
    assert f"не ответил: {russian}." in text_of(failure, "ru")
    assert f"did not answer: {english}." in text_of(failure, "en")


def test_without_time_left_publishing_fails(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(answering(ANSWER))
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{server.port}")
    with pytest.raises(QueueUnavailable):
        PubSub("p-1", "events").publish(b"{}", {}, -1.0)
