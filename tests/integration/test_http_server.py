"""The HTTP server of `serve` over real sockets: what WSGI gets, and what happens to who holds the door."""

import json
import logging
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from gateway.ingest.incoming import MAX_BODY
from gateway.local import http_connection
from gateway.local.http_connection import Connection
from gateway.local.http_server import HttpServer, Limits
from gateway.local.http_threads import Threads
from tests.support.processes import wait_for

FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
Environ = dict[str, Any]


class Server:
    """The server in a thread; its application answers with what it got."""

    def __init__(self, limits: Limits, app: Callable[..., Iterable[bytes]] | None = None) -> None:
        self.seen: list[Environ] = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.http = HttpServer(app or self._echo, listener, limits=limits)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.http.run, args=(self.stop,), daemon=True)
        self.thread.start()

    def _echo(self, environ: Environ, start_response: Any) -> list[bytes]:
        environ["body"] = environ["wsgi.input"].read()
        self.seen.append(environ)
        body = b"echo " + environ["body"][:100]
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def exchange(self, *pieces: bytes, pause: float = 0.0) -> bytes:
        """Send the pieces, say that nothing follows, and read to the end."""
        with closing(self.connect()) as connection:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            connection.shutdown(socket.SHUT_WR)
            return read_all(connection)

    def end(self) -> None:
        self.stop.set()
        self.thread.join(15)
        assert not self.thread.is_alive()


def read_all(connection: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def post(body: bytes, length: int | None = None, headers: bytes = FORM, path: bytes = b"/x") -> bytes:
    declared = len(body) if length is None else length
    return b"POST %b HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n%b" % (path, headers, declared, body)


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def begin(app: Callable[..., Iterable[bytes]] | None = None, **limits: Any) -> Server:
        running.append(Server(Limits(**limits), app))
        return running[-1]

    yield begin
    for server in running:
        server.end()


def test_path_and_query_arrive_as_they_were_sent(start: Callable[..., Server]) -> None:
    server = start()
    server.exchange(post(b"", path=b"//api/%5B?token=a+b%2Bc&\xd1\x82=1"))
    environ = server.seen[0]
    assert environ["PATH_INFO"] == "//api/["
    assert environ["QUERY_STRING"].encode("latin-1") == b"token=a+b%2Bc&\xd1\x82=1"


def test_repeated_headers_are_joined_and_underscores_are_no_dashes(start: Callable[..., Server]) -> None:
    server = start()
    server.exchange(post(b"", headers=b"X-Bitrix-Token: a\r\nx-bitrix-token: b\r\nX_Bitrix_Token: c\r\n"))
    assert server.seen[0]["HTTP_X_BITRIX_TOKEN"] == "a, b"
    assert server.seen[0]["gateway.header.x_bitrix_token"] == "c"


def test_pipelined_requests_are_answered_in_their_order(start: Callable[..., Server]) -> None:
    server = start()
    answers = server.exchange(post(b"n=1") + post(b"n=2"), post(b"n=3"))
    assert [answers.find(b"echo n=%d" % n) for n in (1, 2, 3)] == sorted(
        answers.find(b"echo n=%d" % n) for n in (1, 2, 3)
    )
    assert answers.count(b"HTTP/1.1 200") == 3
    assert answers.count(b"Cache-Control: no-store") == 3


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\n\r\n\n"])
def test_line_ends_behind_a_body_are_no_part_of_anything(ends: bytes, start: Callable[..., Server]) -> None:
    server = start()
    answers = server.exchange(post(b"n=1") + ends + post(b"n=2") + ends)
    assert [environ["body"] for environ in server.seen] == [b"n=1", b"n=2"]
    assert not [environ for environ in server.seen if "gateway.body_surplus" in environ]
    assert answers.count(b"HTTP/1.1 200") == 2


def test_a_sender_that_has_finished_gets_its_answer_and_is_closed(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.local.http_connection.LINGER_SECONDS", 600.0)
    server = start()
    # Its end may come before or after the answer.
    for _ in range(20):
        assert server.exchange(post(b"n=1")).startswith(b"HTTP/1.1 200")
    wait_for(lambda: not server.http.connections)


def test_a_refused_sender_that_stays_holds_no_stop_up(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.local.http_server.STOP_SECONDS", 600.0)
    server = start()
    with closing(server.connect()) as connection:
        connection.sendall(b"no request\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
        server.end()


def test_chunks_arrive_as_one_body_with_its_length(start: Callable[..., Server]) -> None:
    server = start()
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.exchange(head, b"3\r\na=1\r", b"\n2\r\n&b\r\n0\r\n\r\n", pause=0.02)
    assert (server.seen[0]["body"], server.seen[0]["CONTENT_LENGTH"]) == (b"a=1&b", "5")


def test_a_sender_that_waits_for_a_100_gets_it(start: Callable[..., Server]) -> None:
    server = start()
    with closing(server.connect()) as connection:
        head, body = post(b"a=1", headers=b"Expect: 100-continue\r\n").split(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert b"echo a=1" in connection.recv(1000)


def test_head_gets_no_body(start: Callable[..., Server]) -> None:
    answer = start().exchange(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\na=1",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\na=1",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\na=1",
        b"POST / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\n\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\nX-Bitrix-Token: b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nX: a\rX-Bitrix-Token: b\r\n\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_is_no_request(head: bytes, start: Callable[..., Server]) -> None:
    server = start()
    answer = server.exchange(head)
    assert answer.startswith(b"HTTP/1.1 400")
    fields = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (fields["code"], sorted(fields)) == ("HTTP_INVALID", ["code", "message", "request_id", "status"])
    assert server.seen == []


def test_a_request_that_is_not_whole_in_time_is_judged_with_what_came(start: Callable[..., Server]) -> None:
    """A byte now and then does not move the deadline."""
    server = start(request_seconds=2.0)
    with closing(server.connect()) as connection:
        connection.sendall(post(b"a=1", length=100))
        began = time.monotonic()
        while not select.select([connection], [], [], 0.2)[0]:
            assert time.monotonic() - began < 30
            connection.sendall(b"x")
        assert time.monotonic() - began > 1.5
        answer = read_all(connection)
    assert server.seen[0]["gateway.body_ended"] == "late"
    assert server.seen[0]["body"].startswith(b"a=1x")
    assert b"Connection: close" in answer


def test_a_head_that_is_not_whole_in_time_is_a_408(start: Callable[..., Server]) -> None:
    server = start(request_seconds=0.5)
    with closing(server.connect()) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost")
        assert read_all(connection).startswith(b"HTTP/1.1 408")


def test_a_sender_that_goes_away_is_judged_with_what_came(start: Callable[..., Server]) -> None:
    server = start()
    with closing(server.connect()) as connection:
        connection.sendall(post(b"a=1", length=100))
        time.sleep(0.1)
    wait_for(lambda: server.seen)
    assert (server.seen[0]["gateway.body_ended"], server.seen[0]["body"]) == ("gone", b"a=1")


def test_a_length_that_promises_too_much_is_judged_and_nothing_behind_it_is_answered(
    start: Callable[..., Server],
) -> None:
    """A proxy that took the same bytes for one request would hand the second answer to somebody else."""
    server = start()
    answers = server.exchange(post(b"a=1", length=60), post(b"b=2"), pause=0.05)
    assert answers.count(b"HTTP/1.1") == 1
    assert b"Connection: close" in answers
    assert [environ["body"] for environ in server.seen] == [b"a=1"]
    assert server.seen[0]["gateway.body_ended"] == "next"


@pytest.mark.parametrize("apart", [0.0, 0.1], ids=["in one piece", "one after another"])
def test_a_length_in_characters_does_not_spoil_the_request_behind(
    apart: float, start: Callable[..., Server]
) -> None:
    server = start()
    wrong = "имя=Анна&конец=да".encode()
    pieces = [post(wrong, length=17), post(b"b=2")]
    answers = server.exchange(*pieces, pause=apart) if apart else server.exchange(b"".join(pieces))
    assert [environ["body"] for environ in server.seen][-1] == b"b=2" or b"Connection: close" in answers


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_answered_before_it_is_read(
    declared: bool, start: Callable[..., Server]
) -> None:
    server = start()
    with closing(server.connect()) as connection:
        if declared:
            connection.sendall(post(b"", length=100 * MAX_BODY))
        else:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.sendall((b"10000\r\n" + b"x" * 65536 + b"\r\n") * 9)
        assert b"echo" in read_all(connection)
    assert int(server.seen[0]["CONTENT_LENGTH"]) > MAX_BODY


def test_chunks_without_number_are_not_read_for_ever(start: Callable[..., Server]) -> None:
    server = start()
    with closing(server.connect()) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"1\r\nx\r\n" * 81_000)
        assert b"echo" in read_all(connection)
    assert int(server.seen[0]["CONTENT_LENGTH"]) > MAX_BODY


CHUNKED_HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_bodies_of_many_chunks_are_read_in_turns(start: Callable[..., Server]) -> None:
    """All of them arrive whole, one after another on one connection too, and when the sender says no more."""
    server = start()
    crumbs = b"".join(b"1\r\n%c\r\n" % (ord("a") + number % 26) for number in range(4000))
    two_requests = CHUNKED_HEAD + crumbs + b"0\r\n\r\n" + CHUNKED_HEAD + crumbs + b"0\r\n\r\n"
    assert server.exchange(two_requests).count(b"HTTP/1.1 200") == 2
    assert [len(environ["body"]) for environ in server.seen] == [4000, 4000]
    assert not any("gateway.body_ended" in environ for environ in server.seen)


def test_a_turn_that_fails_leaves_the_others_theirs(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failed connection once stayed at the head of all turns, and nobody got another."""
    take_turn, failed = Connection.take_turn, threading.Event()

    def fail_once(connection: Connection) -> None:
        if not failed.is_set():
            failed.set()
            raise MemoryError
        take_turn(connection)

    monkeypatch.setattr(Connection, "take_turn", fail_once)
    server = start()
    body = CHUNKED_HEAD + b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n"
    with closing(server.connect()) as unlucky:
        unlucky.sendall(body)
        assert failed.wait(10)
        answer = server.exchange(body)
    assert answer.startswith(b"HTTP/1.1 200"), answer


@pytest.mark.parametrize("before", [b"", post(b"a=1")], ids=["alone", "pipelined"])
def test_a_body_of_many_chunks_that_breaks_off_is_answered_only_as_cut_off(
    before: bytes, start: Callable[..., Server]
) -> None:
    server = start()
    answers = server.exchange(before + CHUNKED_HEAD + b"1\r\nx\r\n" * 3000)
    assert answers.count(b"HTTP/1.1 200") >= bool(before)
    lengths = [(len(environ["body"]), environ.get("gateway.body_ended")) for environ in server.seen]
    assert lengths[bool(before) :] == [(3000, "gone")]


def test_who_reads_no_answers_gets_no_more_of_them(
    start: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fill the memory with answers; when it reads, all come, in their order."""
    # A busy machine is no slow reader.
    monkeypatch.setattr(http_connection, "WRITE_SECONDS", 600.0)
    statuses: list[int] = []

    def large(environ: Environ, start_response: Any) -> list[bytes]:
        statuses.append(int(environ["QUERY_STRING"]))
        body = b"%08d" % statuses[-1] * 4096
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    server = start(large)
    requests = [b"GET /?%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(400)]
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(b"".join(requests))
        wait_for(lambda: any(connection._reads_no_answers for connection in server.http.connections))
        # At 32 KB each, these are more than any system keeps for a connection.
        assert len(statuses) < 400
        connection.shutdown(socket.SHUT_WR)
        received = read_all(connection)
    assert statuses == list(range(400))
    assert received.count(b"HTTP/1.1 200") == 400
    assert received.endswith(b"00000399")


def test_who_leaves_with_answers_unread_leaves_nothing_behind(start: Callable[..., Server]) -> None:
    def large(_environ: Environ, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", str(2**20))])
        return [b"x" * 2**20]

    server = start(large)
    connection = server.connect()
    connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
    wait_for(lambda: any(connection._reads_no_answers for connection in server.http.connections))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    wait_for(lambda: not server.http.connections)
    assert server.http.buffered == 0


def test_at_the_limit_of_connections_the_one_silent_longest_makes_room(start: Callable[..., Server]) -> None:
    server = start(connections=20)
    silent = [server.connect() for _ in range(60)]
    for connection in silent[20:40]:
        with suppress(OSError):
            connection.sendall(b"POST / HTTP/1.1\r\n")
    assert b"echo a=1" in server.exchange(post(b"a=1"))
    assert len(server.http.connections) <= 20
    for connection in silent:
        connection.close()


def test_unfinished_bodies_share_one_budget(start: Callable[..., Server]) -> None:
    server = start(unfinished=1024 * 1024)
    opened = [server.connect() for _ in range(20)]
    for connection in opened:
        with suppress(OSError):
            connection.sendall(post(b"x" * 200_000, length=400_000))
    assert b"echo a=1" in server.exchange(post(b"a=1"))
    assert server.http.buffered <= 1024 * 1024

    # Two threads judge them, behind the answer above.
    def cut_off() -> list[Environ]:
        return [environ for environ in server.seen if environ["body"] != b"a=1"]

    wait_for(lambda: len(cut_off()) > 10)
    assert {environ["gateway.body_ended"] for environ in cut_off()} == {"late"}
    for connection in opened:
        connection.close()


def test_everything_is_accounted_for_when_all_are_gone(start: Callable[..., Server]) -> None:
    server = start()
    for _ in range(5):
        server.exchange(post(b"a=1") + post(b"b=2", length=9))
        server.exchange(b"nonsense\r\n\r\n")
        server.connect().close()
    wait_for(lambda: not server.http.connections)
    # What is cut off is judged without its connection.
    wait_for(lambda: not server.http.buffered)
    assert not server.http.idle
    assert not server.http.unfinished
    assert not server.http.closing


def test_a_failing_application_is_a_500_without_details(
    start: Callable[..., Server], caplog: pytest.LogCaptureFixture
) -> None:
    def failing(_environ: Environ, _start_response: Any) -> list[bytes]:
        raise RuntimeError("a secret")

    server = start(failing)
    with caplog.at_level(logging.WARNING):
        answers = [server.exchange(post(b"a=1")) for _ in range(3)]
    assert all(answer.startswith(b"HTTP/1.1 500") and b"secret" not in answer for answer in answers)
    assert len([line for line in caplog.messages if "RuntimeError" in line]) == 1
    assert "a secret" not in caplog.text


def test_requests_in_flight_are_answered_when_the_server_ends(start: Callable[..., Server]) -> None:
    started = threading.Event()

    def slow(_environ: Environ, start_response: Any) -> list[bytes]:
        started.set()
        time.sleep(1.0)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"late"]

    server = start(slow)
    with closing(server.connect()) as connection:
        connection.sendall(post(b"a=1"))
        assert started.wait(30)
        server.stop.set()
        assert read_all(connection).endswith(b"late")


def test_an_answer_without_a_length_is_streamed(start: Callable[..., Server]) -> None:
    def stream(_environ: Environ, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"one"
        yield b"two"

    server = start(stream)
    answer = server.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert server.exchange(b"GET / HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nonetwo")


INNER = b"GET /inner HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(INNER) + INNER + b"\r\n0\r\n\r\n"
DECLARED = b"Content-Length: %d\r\n\r\n" % len(INNER) + INNER


@pytest.mark.parametrize("line", [b"POST /", b"GET /health", b"HEAD /", b"PUT /x"])
@pytest.mark.parametrize("framed", [DECLARED, CHUNKED], ids=["declared", "in chunks"])
@pytest.mark.parametrize(
    "kind", [b"application/x-www-form-urlencoded", b"application/json", b"text/plain", b""]
)
def test_what_a_proxy_takes_for_one_request_gets_one_answer(
    line: bytes, framed: bytes, kind: bytes, start: Callable[..., Server]
) -> None:
    server = start()
    head = line + b" HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nContent-Type: " + kind + b"\r\n"
    answers = server.exchange(head + framed)
    assert answers.count(b"HTTP/1.1 ") == 1
    assert len(server.seen) == 1


def test_a_thread_that_could_not_be_started_is_not_missed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[str] = []
    threads = Threads(4, lambda: refused.append("no thread"))

    def occupied() -> threading.Event:
        """One thread more is busy until the event is set."""
        begun, end = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            end.wait(60)

        threads.submit(work)
        assert begun.wait(60)
        return end

    def no_more(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    first, waited = occupied(), threading.Event()
    with monkeypatch.context() as system:
        system.setattr(threading.Thread, "start", no_more)
        threads.submit(waited.set)
    assert refused == ["no thread"]
    first.set()
    assert waited.wait(60)
    # The system allows threads again: nobody waits behind one that is busy.
    second, answered = occupied(), threading.Event()
    threads.submit(answered.set)
    assert answered.wait(20)
    second.set()
