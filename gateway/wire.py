"""HTTP calls that end in time, whatever the far side does.

`http.client` alone bounds each wait, not their sum: a server that sends one byte a
second keeps a caller for hours, and `getaddrinfo` knows no timeout at all. Here one
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
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import ssl

ANSWER_BYTES = 1024 * 1024  # an answer to a publish has a hundred bytes
IDLE_SECONDS = 50.0  # middlemen forget idle connections after a minute or more, without a word
ADDRESS_SECONDS = 60.0  # how long a name's addresses are taken for fresh

Value = TypeVar("Value")


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


class _TimedSocket:
    """As much of a socket as `http.client` uses, every wait ending at `deadline`."""

    def __init__(self, plain: socket.socket) -> None:
        self.plain = plain
        self.deadline = 0.0

    def arm(self) -> socket.socket:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.plain.settimeout(left)
        return self.plain

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self.arm().send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))


class _Reader(io.RawIOBase):
    def __init__(self, timed: _TimedSocket) -> None:
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # typeshed's Buffer, which `recv_into` calls another name
        return self._timed.arm().recv_into(buffer)


class Origin:
    """One server: its addresses, its TLS, its idle connections. Safe across threads."""

    def __init__(self, host: str, port: int, tls: bool) -> None:
        self.host, self.port = host, port
        self._tls = tls
        host = f"[{host}]" if ":" in host else host
        self._named = host if port == (443 if tls else 80) else f"{host}:{port}"
        self._context: ssl.SSLContext | None = None
        self._addresses: Shared[list[tuple[int, tuple[object, ...]]]] = Shared(self._look_up)
        self._idle: deque[tuple[_TimedSocket, float]] = deque()  # the last one used goes first

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
        request = (method, path, body, headers)
        connection, kept = self._take(deadline)
        try:
            try:
                return self._exchange(connection, request, deadline, limit)
            except (OSError, http.client.BadStatusLine) as error:
                if not kept or isinstance(error, TimeoutError):
                    raise
                connection.plain.close()
                connection = self._connect(deadline)
                return self._exchange(connection, request, deadline, limit)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise WireError(_words(error)) from None

    def close(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop()[0].plain.close()

    def _take(self, deadline: float) -> tuple[_TimedSocket, bool]:
        with suppress(IndexError):
            while True:
                connection, since = self._idle.pop()
                if time.monotonic() - since < IDLE_SECONDS:
                    return connection, True
                connection.plain.close()
        return self._connect(deadline), False

    def _exchange(
        self,
        connection: _TimedSocket,
        request: tuple[str, str, bytes, Mapping[str, str]],
        deadline: float,
        limit: int,
    ) -> tuple[int, bytes]:
        """Head and body go in one piece; `http.client` would send two, and take longer over them."""
        reusable = False
        method, path, body, headers = request
        given = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._named}\r\n{given}Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            connection.deadline = deadline
            connection.sendall(head.encode("latin-1") + body)
            with http.client.HTTPResponse(connection, method=method) as response:  # type: ignore[arg-type]
                response.begin()
                answer = response.read(limit + 1)
                if len(answer) > limit:
                    raise WireError("the answer is too long")
                reusable = response.isclosed() and not response.will_close
                return response.status, answer
        finally:
            if reusable:
                self._idle.append((connection, time.monotonic()))
            else:
                connection.plain.close()

    def _connect(self, deadline: float) -> _TimedSocket:
        try:
            plain = self._open_socket(deadline)
        except (OSError, ValueError) as error:  # ValueError: a host that is none
            raise WireError(_words(error)) from None
        return _TimedSocket(plain)

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
