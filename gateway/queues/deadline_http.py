"""Makes HTTP calls that end in time, whatever the far side does.

A socket's timeout bounds each wait, not their sum: a server that sends one byte a
second can keep a caller for hours, and `getaddrinfo` has no timeout at all. Here one
deadline (a value of `time.monotonic()`) covers name, connection, TLS, request and answer.
"""

import http.client
import io
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gateway.errors import GatewayError, without_frames

if TYPE_CHECKING:
    import ssl

# In bytes: the answer to a publish has a hundred.
ANSWER_BYTES = 1024 * 1024
# Bytes of an answer beside its body; Google's have ten lines.
HEAD_BYTES = 64 * 1024
# Middlemen silently forget idle connections after a minute or more.
IDLE_SECONDS = 50.0
# How long a name's addresses count as fresh.
ADDRESS_SECONDS = 60.0

Value = TypeVar("Value")
Headers = http.client.HTTPMessage


class WireError(GatewayError):
    """No answer came; says why, without address or payload."""


class Shared(Generic[Value]):
    """A value that takes a call to get, cached while fresh; one call at a time, on its own thread.

    Waiting for it ends at the caller's deadline although the call may hang. While the old value
    is good, it is returned, and the call refreshes it in the background.
    """

    def __init__(self, call: Callable[[], tuple[Value, float, float]]) -> None:
        """`call` returns the value, and for how many seconds it is fresh and good."""
        self._call = call
        self._lock = threading.Lock()
        self._cached: tuple[Value, float, float] | None = None
        self._failure: Exception | None = None
        # Set when the call that is running now has returned; None if none is running.
        self._returned: threading.Event | None = None

    def get(self, deadline: float) -> Value:
        """The value; raises what the call raised, or `WireError` at the deadline."""
        # Every publish comes here, so a fresh value is read without the lock.
        cached = self._cached
        if cached is not None and time.monotonic() < cached[1]:
            return cached[0]
        with self._lock:
            # Another thread may have got a new value since: a second call for it could hang.
            now, cached = time.monotonic(), self._cached
            if cached is not None and now < cached[1]:
                return cached[0]
            if self._returned is None:
                self._returned = self._start()
            returned = self._returned
        if cached is not None and now < cached[2]:
            return cached[0]
        if not returned.wait(max(0.0, deadline - time.monotonic())):
            raise WireError("WIRE_FAILED", problem=TimeoutError())
        with self._lock:
            if self._failure is not None:
                raise self._failure.with_traceback(None)
            if self._cached is None:
                raise WireError("WIRE_FAILED", problem=TimeoutError())
            return self._cached[0]

    def forget(self) -> None:
        """Drop the value, which has proved wrong: the next `get` calls again."""
        with self._lock:
            self._cached = None

    def _start(self) -> threading.Event:
        returned = threading.Event()
        try:
            threading.Thread(target=self._run, args=(returned,), daemon=True).start()
        except RuntimeError:  # no more threads
            raise WireError("WIRE_NO_THREAD") from None
        return returned

    def _run(self, returned: threading.Event) -> None:
        cached, failure = None, None
        try:
            value, fresh, good = self._call()
            now = time.monotonic()
            cached = (value, now + fresh, now + good)
        except Exception as error:  # noqa: BLE001 — whatever it is, those who wait must learn of it
            # All who wait raise it, each with a request.
            without_frames(error)
            failure = error
        with self._lock:
            self._cached, self._failure, self._returned = cached or self._cached, failure, None
        returned.set()


@cache
def trust() -> "ssl.SSLContext":
    """The certificates that TLS trusts: the system's, or `SSL_CERT_FILE`. Reading them takes 20 ms."""
    import ssl  # cold start

    return ssl.create_default_context()


class _Connection(io.RawIOBase):
    """An open connection whose every wait ends at `deadline`; `http.client` reads answers from it.

    An answer of more than `limit` bytes breaks off, however it gives its length.
    """

    def __init__(self, plain: socket.socket) -> None:
        self.deadline = 0.0
        self._plain = plain
        self._bytes_allowed = 0
        self._buffered: io.BufferedReader | None = _ReusableStream(self)

    def hang_up(self) -> None:
        self._plain.close()
        # They refer to each other: its buffer would stay until the garbage collector comes.
        self._buffered = None

    def send(self, data: bytes) -> None:
        remaining = memoryview(data)
        while remaining:
            remaining = remaining[self._with_deadline().send(remaining) :]

    def answer(self, limit: int) -> tuple[tuple[int, bytes], bool]:
        """The status, the body of at most `limit` bytes; and whether the connection can be used again."""
        response = self._response(limit)
        body = response.read(limit + 1)
        if len(body) > limit:
            raise WireError("WIRE_TOO_LONG")
        if response.length:
            raise http.client.IncompleteRead(body)
        return (response.status, body), _is_whole(response)

    def head(self, limit: int) -> tuple[tuple[int, Headers], bool]:
        """The status and the headers, whatever the body is; a long or late body costs the connection."""
        response = self._response(limit)
        with suppress(OSError, WireError, http.client.HTTPException):
            response.read(limit)
        return (response.status, response.headers), _is_whole(response)

    def _response(self, limit: int) -> http.client.HTTPResponse:
        self._bytes_allowed = limit + HEAD_BYTES
        while True:
            response = http.client.HTTPResponse(self)  # type: ignore[arg-type] # it only calls `makefile`
            response.begin()
            # Answers below 200, such as 100 Continue, only announce the real one.
            if response.status >= 200:
                return response

    def makefile(self, _mode: str) -> io.BufferedReader | None:
        return self._buffered

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._bytes_allowed <= 0:
            raise WireError("WIRE_TOO_LONG")
        received = self._with_deadline().recv_into(buffer)
        self._bytes_allowed -= received
        return received

    def _with_deadline(self) -> socket.socket:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._plain.settimeout(remaining)
        return self._plain


class _ReusableStream(io.BufferedReader):
    """The stream that answers are read from: `http.client` closes it after each, but another may follow."""

    def close(self) -> None:
        pass


def _is_whole(response: http.client.HTTPResponse) -> bool:
    """Whether the answer was read to its end, so that the connection can be used again."""
    return response.isclosed() and not response.length and not response.will_close


class Origin:
    """One server: its addresses, its TLS, its idle connections. Safe across threads."""

    def __init__(self, host: str, port: int, tls: bool) -> None:
        self.host, self.port = host, port
        self._tls = tls
        host = f"[{host}]" if ":" in host else host
        self._host_header = host if port == (443 if tls else 80) else f"{host}:{port}"
        self._addresses: Shared[list[tuple[int, tuple[object, ...]]]] = Shared(self._look_up)
        # Connections with the moment since when each is idle; the one used last is taken first.
        self._idle: deque[tuple[_Connection, float]] = deque()

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

        A kept connection that the far side had closed is replaced once, immediately: such a request
        was almost surely never read, and where it was, its `event_id` makes the second harmless.
        """
        request = self._request(method, path, body, headers)
        return self._ask(request, deadline, lambda connection: connection.answer(limit))

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], deadline: float, limit: int
    ) -> tuple[int, Headers]:
        """`call` for callers that need only the answer's head; at most `limit` bytes of its body are read."""
        request = self._request("POST", path, body, headers)
        return self._ask(request, deadline, lambda connection: connection.head(limit))

    def _ask(
        self, request: bytes, deadline: float, read: Callable[[_Connection], tuple[Value, bool]]
    ) -> Value:
        connection, reused = self._take(deadline)
        try:
            try:
                return self._exchange(connection, request, deadline, read)
            except OSError as error:
                if not reused or isinstance(error, TimeoutError):
                    raise
                connection.hang_up()
                connection = self._connect(deadline)
                return self._exchange(connection, request, deadline, read)
        except OSError as error:
            raise WireError("WIRE_FAILED", problem=error) from None
        except http.client.HTTPException:
            raise WireError("WIRE_NO_HTTP") from None

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The request's bytes, head and body in one piece, since two sends would take longer."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host_header}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join(lines)
        if not head.isascii() or not len(lines) - 1 == head.count("\n") == head.count("\r"):
            # Without its text, which may be a token.
            raise WireError("WIRE_BAD_HEADER")
        return f"{head}\r\n\r\n".encode() + body

    def close(self) -> None:
        """Close the idle connections."""
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
        except OSError as error:
            raise WireError("WIRE_FAILED", problem=error) from None
        except ValueError:
            raise WireError("WIRE_BAD_HOST") from None
        return _Connection(plain)

    def _open_socket(self, deadline: float) -> socket.socket:
        addresses = self._addresses.get(deadline)
        failure: OSError = OSError("no address")
        for number, (family, address) in enumerate(addresses):
            untried = len(addresses) - number
            # A silent address leaves time for the next one.
            share = (deadline - time.monotonic()) / untried
            if share <= 0:
                raise TimeoutError
            try:
                plain = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:  # IPv6 is off
                failure = error
                continue
            try:
                plain.settimeout(share)
                plain.connect(address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return self._secure(plain, deadline) if self._tls else plain
            except OSError as error:
                plain.close()
                failure = error
        try:
            raise failure
        finally:
            # With its traceback it would hold the request until the garbage collector comes.
            del failure

    def _secure(self, plain: socket.socket, deadline: float) -> socket.socket:
        secure = trust().wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        try:
            secure.settimeout(max(0.001, deadline - time.monotonic()))
            secure.do_handshake()
        except BaseException:
            secure.close()
            raise
        return secure

    def _look_up(self) -> tuple[list[tuple[int, tuple[object, ...]]], float, float]:
        addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        return [(family, address) for family, _, _, _, address in addresses], ADDRESS_SECONDS, 3600.0
