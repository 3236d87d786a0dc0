"""HTTP calls that end in time, whatever the far side does.

A socket's timeout bounds each wait, not their sum: a server that sends one byte a
second keeps a caller for hours, and `getaddrinfo` knows no timeout at all. Here one
deadline (a value of `time.monotonic()`) covers name, connection, TLS, request and answer.
"""

import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import ssl

ANSWER_BYTES = 1024 * 1024  # an answer to a publish has a hundred bytes
HEAD_BYTES, HEAD_LINES = 64 * 1024, 100  # of an answer; Google's have ten lines
IDLE_SECONDS = 50.0  # middlemen forget idle connections after a minute or more, without a word
ADDRESS_SECONDS = 60.0  # how long a name's addresses are taken for fresh

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: .*)?")
_DIGITS = {10: re.compile(rb"[0-9]{1,15}"), 16: re.compile(rb"[0-9A-Fa-f]{1,12}")}

Value = TypeVar("Value")
Headers = Mapping[bytes, bytes]
"""An answer's headers, names and values in lower case."""


class WireError(Exception):
    """No answer: `problem` says what happened, in the words of the system, without address or payload."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Shared(Generic[Value]):
    """A value that takes a call to get, kept while fresh; one call at a time, on a thread of its own.

    Waiting for it ends at the caller's deadline though the call may hang. While the old value
    is good, it serves: the call then refreshes it in the background.
    """

    def __init__(self, call: Callable[[], tuple[Value, float, float]]) -> None:
        """`call` returns the value, and for how many seconds it is fresh and good."""
        self._call = call
        self._lock = threading.Lock()
        self._kept: tuple[Value, float, float] | None = None
        self._failure: Exception | None = None
        self._done: threading.Event | None = None

    def get(self, deadline: float) -> Value:
        """The value; raises what the call raised, or `WireError` at the deadline."""
        with self._lock:
            now, kept = time.monotonic(), self._kept
            if kept is not None and now < kept[1]:
                return kept[0]
            if self._done is None:
                self._done = self._start()
            done = self._done
            if kept is not None and now < kept[2]:
                return kept[0]
        if not done.wait(max(0.0, deadline - time.monotonic())):
            raise WireError("timed out")
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._kept is None:
                raise WireError("timed out")
            return self._kept[0]

    def forget(self) -> None:
        """The value proved wrong: the next `get` calls again."""
        with self._lock:
            self._kept = None

    def _start(self) -> threading.Event:
        done = threading.Event()
        try:
            threading.Thread(target=self._run, args=(done,), daemon=True).start()
        except RuntimeError:  # no more threads
            raise WireError("no thread is free") from None
        return done

    def _run(self, done: threading.Event) -> None:
        kept, failure = None, None
        try:
            value, fresh, good = self._call()
            now = time.monotonic()
            kept = (value, now + fresh, now + good)
        except Exception as error:  # noqa: BLE001 — whatever it is, those who wait are told
            failure = error
        with self._lock:
            self._kept, self._failure, self._done = kept or self._kept, failure, None
        done.set()


class _BadAnswer(Exception):
    """What came is no answer of HTTP/1.1, or ends in the middle of one."""


class _Connection:
    """An open connection whose every wait ends at `deadline`.

    `http.client` reads headers with the parser for e-mail: 60 of the 140 µs that a publish
    took. Here is as much of RFC 9112 as a client needs that asks for no compression.
    """

    def __init__(self, plain: socket.socket) -> None:
        self.deadline = 0.0
        self._plain = plain
        self._received = bytearray()  # and not yet read

    def hang_up(self) -> None:
        self._plain.close()

    def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._armed().send(rest) :]

    def answer(self, limit: int) -> tuple[tuple[int, bytes], bool]:
        """The status, the body of at most `limit` bytes; and whether the connection can be used again."""
        status, headers, kept = self._final_head()
        body, whole = self._body(status, headers, limit)
        return (status, body), kept and whole

    def head(self, limit: int) -> tuple[tuple[int, Headers], bool]:
        """The status and the headers, whatever the body is; a long or late one costs the connection."""
        status, headers, kept = self._final_head()
        try:
            _, whole = self._body(status, headers, limit)
        except (OSError, WireError, _BadAnswer):
            whole = False
        return (status, headers), kept and whole

    def _final_head(self) -> tuple[int, Headers, bool]:
        status, version, headers = self._head()
        while status < 200:  # a preliminary one
            status, version, headers = self._head()
        return status, headers, version == b"1" and headers.get(b"connection") != b"close"

    def _body(self, status: int, headers: Headers, limit: int) -> tuple[bytes, bool]:
        """The body, and whether its end was told by anything but the connection's."""
        if b"chunked" in headers.get(b"transfer-encoding", b""):
            return self._chunks(limit), True
        if status in (204, 304):
            return b"", True
        if b"content-length" in headers:
            return self._exactly(_size(headers[b"content-length"], 10), limit), True
        return self._to_the_end(limit), False

    def _head(self) -> tuple[int, bytes, Headers]:
        first, *lines = self._until(b"\r\n\r\n", HEAD_BYTES).split(b"\r\n")
        found = _STATUS.fullmatch(first)
        if found is None or len(lines) > HEAD_LINES:
            raise _BadAnswer("no answer of HTTP/1.1")
        named = (line.partition(b":") for line in lines)
        return int(found[2]), found[1], {name.lower(): value.strip().lower() for name, _, value in named}

    def _chunks(self, limit: int) -> bytes:
        body = bytearray()
        while size := _size(self._until(b"\r\n", HEAD_BYTES).partition(b";")[0].strip(), 16):
            body += self._exactly(size, limit - len(body))
            self._exactly(2, 2)
        while self._until(b"\r\n", HEAD_BYTES):
            pass  # trailers
        return bytes(body)

    def _until(self, mark: bytes, limit: int) -> bytes:
        """What stands before `mark`; both are taken."""
        while (end := self._received.find(mark)) < 0:
            if len(self._received) > limit:
                raise _BadAnswer("a head without end")
            self._receive()
        if end > limit:
            raise _BadAnswer("a head without end")
        taken = bytes(self._received[:end])
        del self._received[: end + len(mark)]
        return taken

    def _exactly(self, size: int, limit: int) -> bytes:
        if size > limit:
            raise WireError("the answer is too long")
        while len(self._received) < size:
            self._receive()
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def _to_the_end(self, limit: int) -> bytes:
        while chunk := self._armed().recv(65536):
            self._received += chunk
            if len(self._received) > limit:
                raise WireError("the answer is too long")
        return bytes(self._received)

    def _receive(self) -> None:
        chunk = self._armed().recv(65536)
        if not chunk:
            raise _BadAnswer("half an answer") if self._received else ConnectionResetError
        self._received += chunk

    def _armed(self) -> socket.socket:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._plain.settimeout(left)
        return self._plain


def _size(digits: bytes, base: int) -> int:
    if not _DIGITS[base].fullmatch(digits):
        raise _BadAnswer("a length that is none")
    return int(digits, base)


class Origin:
    """One server: its addresses, its TLS, its idle connections. Safe across threads."""

    def __init__(self, host: str, port: int, tls: bool) -> None:
        self.host, self.port = host, port
        self._tls = tls
        host = f"[{host}]" if ":" in host else host
        self._named = host if port == (443 if tls else 80) else f"{host}:{port}"
        self._context: ssl.SSLContext | None = None
        self._addresses: Shared[list[tuple[int, tuple[object, ...]]]] = Shared(self._look_up)
        self._idle: deque[tuple[_Connection, float]] = deque()  # the last one used goes first

    def call(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        deadline: float,
        limit: int = ANSWER_BYTES,
    ) -> tuple[int, bytes]:
        """One request, its status and answer of at most `limit` bytes; `WireError` when `deadline` passes.

        A kept connection that the far side had closed is replaced once, at once: such a request
        was almost surely never read, and where it was, its `event_id` makes the second harmless.
        """
        request = self._request(method, path, body, headers)
        return self._ask(request, deadline, lambda connection: connection.answer(limit))

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], deadline: float, limit: int
    ) -> tuple[int, Headers]:
        """As `call`, for whom only the answer's head counts; at most `limit` bytes of its body are read."""
        request = self._request("POST", path, body, headers)
        return self._ask(request, deadline, lambda connection: connection.head(limit))

    def _ask(
        self, request: bytes, deadline: float, read: Callable[[_Connection], tuple[Value, bool]]
    ) -> Value:
        connection, kept = self._take(deadline)
        try:
            try:
                return self._exchange(connection, request, deadline, read)
            except OSError as error:
                if not kept or isinstance(error, TimeoutError):
                    raise
                connection.hang_up()
                connection = self._connect(deadline)
                return self._exchange(connection, request, deadline, read)
        except OSError as error:
            raise WireError(_words(error)) from None
        except _BadAnswer as error:
            raise WireError(str(error)) from None

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Head and body in one piece: two would take longer."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._named}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join(lines)
        if not head.isascii() or not len(lines) - 1 == head.count("\n") == head.count("\r"):
            raise WireError("a header that is none")  # without its text: it may be a token
        return f"{head}\r\n\r\n".encode() + body

    def close(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop()[0].hang_up()

    def _take(self, deadline: float) -> tuple[_Connection, bool]:
        with suppress(IndexError):
            while True:
                connection, since = self._idle.pop()
                if time.monotonic() - since < IDLE_SECONDS:
                    return connection, True
                connection.hang_up()
        return self._connect(deadline), False

    def _exchange(
        self,
        connection: _Connection,
        request: bytes,
        deadline: float,
        read: Callable[[_Connection], tuple[Value, bool]],
    ) -> Value:
        reusable = False
        try:
            connection.deadline = deadline
            connection.send(request)
            answer, reusable = read(connection)
            return answer
        finally:
            if reusable:
                self._idle.append((connection, time.monotonic()))
            else:
                connection.hang_up()

    def _connect(self, deadline: float) -> _Connection:
        try:
            plain = self._open_socket(deadline)
        except (OSError, ValueError) as error:  # ValueError: a host that is none
            raise WireError(_words(error)) from None
        return _Connection(plain)

    def _open_socket(self, deadline: float) -> socket.socket:
        addresses = self._addresses.get(deadline)
        failure: OSError = OSError("no address")
        for tried, (family, address) in enumerate(addresses):
            untried = len(addresses) - tried
            left = (deadline - time.monotonic()) / untried  # a silent one leaves time for the next
            if left <= 0:
                raise TimeoutError("timed out")
            plain = socket.socket(family, socket.SOCK_STREAM)
            try:
                plain.settimeout(left)
                plain.connect(address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return self._secure(plain, deadline) if self._tls else plain
            except OSError as error:
                plain.close()
                failure = error
        raise failure

    def _secure(self, plain: socket.socket, deadline: float) -> socket.socket:
        import ssl  # late: the emulator and the metadata server need none

        if self._context is None:
            self._context = ssl.create_default_context()
        secure = self._context.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        try:
            secure.settimeout(max(0.001, deadline - time.monotonic()))
            secure.do_handshake()
        except BaseException:
            secure.close()
            raise
        return secure

    def _look_up(self) -> tuple[list[tuple[int, tuple[object, ...]]], float, float]:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        return [(family, address) for family, _, _, _, address in found], ADDRESS_SECONDS, 3600.0


def _words(error: Exception) -> str:
    """What happened, in few words: an `OSError`'s own text, else the kind of error."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, (BrokenPipeError, ConnectionResetError)):
        return "the far side closed the connection"
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__
