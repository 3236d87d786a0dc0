"""A Bitrix24 portal's REST over real HTTP on loopback, with its limits, its silences and its faults.

Written from the facts about `user.get`: 50 users a page, `start=-1`, filters that
are dropped silently when they are unknown, dates that match nothing when they can't
be read, `ACTIVE=false` as a form's text meaning yes, batches with `$result[…]`,
503 above a full bucket, 429 until `operating_reset_at`.
"""

import gzip
import json
import operator as op
import random
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest

from gateway import settings
from gateway.portal import rate_limit
from tests.support.clock import Clock

SECRET = "canary7f3k9q2m5x8w"
WEBHOOK = f"1/{SECRET}"
FIELD = "UF_USR_TELEGRAM"
PAGE = 50
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">": op.gt, ">=": op.ge, "<": op.lt, "<=": op.le, "!": op.ne, "=": op.eq, "": op.eq,
}  # fmt: skip
FILTERS = {"ID", "ACTIVE", "EMAIL", "TIMESTAMP_X", "IS_REAL_USER", "USER_TYPE"}
# What PHP takes for no in a form's text: `false` is not among them.
NO = {"", "0", "N", "n"}


@dataclass(frozen=True)
class Call:
    """One HTTP request the portal got."""

    number: int  # from 1
    method: str
    params: dict[str, Any]
    at: float

    @property
    def after(self) -> int | None:
        """The `>ID` of a `user.get`, or of a batch's first command."""
        params = self.params
        if self.method == "batch":
            params = _nested(next(iter(params["cmd"].values())).partition("?")[2])
        value = _upper(params.get("filter")).get(">ID")
        return int(value) if value is not None and str(value).isdigit() else None


@dataclass(frozen=True)
class Reply:
    """What goes back: a body as it is, or faults of the wire."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    # The connection ends without an answer.
    hang_up: bool = False
    # This many bytes of the body are promised and never sent.
    cut: int = 0
    # Seconds between bytes, until the reader leaves.
    drip: float = 0.0


HTML = Reply(body=b"<html><body>Service page</body></html>", content_type="text/html; charset=utf-8")
TRUNCATED = Reply(body=b'{"result":[{"ID":"1","ACT')
HANG_UP = Reply(hang_up=True)
BROKEN_OFF = Reply(body=b'{"result":[', cut=100)
EMPTY = Reply(body=b'{"result":[],"time":{}}')


def error(code: str, status: int = 400) -> Reply:
    """The portal's own error; its description quotes the address, as a hostile portal could."""
    body = {"error": code, "error_description": f"refused: /rest/{WEBHOOK}/ of {SECRET}"}
    return Reply(status, json.dumps(body).encode())


class PortalSimulator:
    """The portal. Tests change its attributes at any time.

    `faults` are asked in turn for a reply to each request, before the portal itself;
    `page_faults` for another list of users, whichever way a page was asked for.
    """

    def __init__(self) -> None:
        self.clock: Callable[[], float] = time.time
        self.users: dict[int, dict[str, Any]] = {}
        self.scopes = {"user"}
        # None if users have no such field.
        self.field: str | None = FIELD
        # Fields made by REST, or beside it.
        self.custom: dict[str, dict[str, Any]] = {}
        # Whether the webhook's owner is one.
        self.administrator = True
        self.batch = True
        # Filters that this webhook may not use.
        self.dropped: set[str] = set()
        self.faults: list[Callable[[Call], Reply | None]] = []
        self.page_faults: list[Callable[[dict[str, Any], list[Any]], list[Any] | None]] = []
        self.limited = True
        self.bucket, self.drained = 50.0, 2.0
        self.operating_limit, self.operating_cost, self.reset_after = 480.0, 0.0, 300.0
        self.calls: list[Call] = []
        # Methods executed, those inside batches one by one.
        self.commands = 0
        # 503 and 429 together.
        self.refused = 0
        self.connections = 0
        self._lock = threading.RLock()
        self._level, self._drained_at = 0.0, 0.0
        self._operating: dict[str, tuple[float, float]] = {}
        self._order: tuple[tuple[int, int], list[int]] = ((0, 0), [])
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def domain(self) -> str:
        return self.origin.removeprefix("http://")

    def settings(self, **environ: str) -> settings.Settings:
        """Settings of a gateway that belongs to this portal."""
        return settings.load(self.environ() | environ, dotenv=None)

    def environ(self) -> dict[str, str]:
        return {"BITRIX24_DOMAIN": self.origin, "BITRIX24_WEBHOOK_TOKEN": WEBHOOK, "LOG_LANGUAGE": "en"}

    def add(self, number: int, telegram: object = None, active: bool = True, **more: object) -> None:
        """One user, with names as every portal sends them along."""
        self.users[number] = {
            "ID": str(number),
            "ACTIVE": active,
            "NAME": f"User {number}",
            "EMAIL": f"user{number}@example.com",
            "TIMESTAMP_X": "2026-01-01T10:00:00+00:00",
            "telegram": telegram,
            "real": True,
        } | more

    def close(self) -> None:
        """Stop listening; twice is fine."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
        # The next portal may get this port.
        rate_limit._paces.pop(self.origin, None)

    def pages_asked(self) -> list[int]:
        """The `>ID` of each request for users, in order."""
        return [call.after for call in self.calls if call.after is not None]

    # ---- the portal's side -------------------------------------------------

    def answer(self, path: str, params: dict[str, Any]) -> Reply:
        match = re.fullmatch(r"/rest/([^/]+/[^/]+)/([a-z.]+)\.json", path)
        method = match[2] if match else ""
        with self._lock:
            call = Call(len(self.calls) + 1, method, params, self.clock())
            self.calls.append(call)
            full = self._bucket_full(call.at)
        if full:
            return error("QUERY_LIMIT_EXCEEDED", 503)
        for fault in self.faults:
            if (reply := fault(call)) is not None:
                return reply
        if match is None:
            return Reply(404, b"<html>Not found</html>", "text/html")
        if match[1] != WEBHOOK:
            return error("INVALID_CREDENTIALS", 401)
        if method == "batch" and self.batch:
            return _json(self._batch(params))
        status, body = self._method(method, params)
        return replace(_json(body), status=status)

    def _bucket_full(self, now: float) -> bool:
        self._level = max(0.0, self._level - max(0.0, now - self._drained_at) * self.drained) + 1
        self._drained_at = now
        if self._level > self.bucket and self.limited:
            self._level -= 1
            self.refused += 1
            return True
        return False

    def _method(self, method: str, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """(HTTP status, answer) of one method, alone or inside a batch."""
        methods = {"user.get": self._user_get, "user.fields": self._user_fields, "scope": self._scope}
        if method == "user.userfield.add":
            return self._add_field(params)
        if method not in methods:
            return 404, {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}
        if method != "scope" and not self.scopes & {"user", "user_basic", "user_brief"}:
            return 401, {"error": "insufficient_scope", "error_description": f"not for {SECRET}"}
        with self._lock:
            self.commands += 1
            now = self.clock()
            used, reset_at = self._operating.get(method, (0.0, 0.0))
            if now >= reset_at:
                used, reset_at = 0.0, now + self.reset_after
            if used >= self.operating_limit:
                self.refused += 1
                return 429, {"error": "OPERATION_TIME_LIMIT", "error_description": "Method is blocked"}
            used += self.operating_cost
            self._operating[method] = used, reset_at
            timing = {"start": now, "finish": now, "duration": 0.0, "processing": 0.0}
            timing |= {"operating": used, "operating_reset_at": int(reset_at)}
        return 200, {"result": methods[method](params), "time": timing}

    def _batch(self, params: dict[str, Any]) -> dict[str, Any]:
        results: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        times: dict[str, Any] = {}
        for name, command in list(params["cmd"].items())[:50]:
            method, _, query = command.partition("?")
            status, body = self._method(method, _nested(query, results))
            if status == 200:
                results[name], times[name] = body["result"], body["time"]
            else:
                errors[name] = body
        inner: dict[str, Any] = {
            "result": results or [],
            "result_error": errors or [],
            "result_time": times or [],
        }
        return {"result": inner | {"result_total": [], "result_next": []}, "time": {"operating": 0}}

    def _scope(self, params: dict[str, Any]) -> list[str]:
        return sorted(self.scopes)

    def _user_fields(self, params: dict[str, Any]) -> dict[str, str]:
        return (
            {"ID": "ID", "ACTIVE": "Active", "NAME": "Name"}
            | ({self.field: "Telegram"} if self.field else {})
            | {name: str(field["LABEL"]) for name, field in self.custom.items()}
        )

    def _add_field(self, params: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """As the vendor's page says: the scope first, the prefix added, `ERROR_CORE` for a name in use."""
        fields = _upper(params.get("fields"))
        name = f"UF_USR_{fields.get('FIELD_NAME', '')}"
        if "user.userfield" not in self.scopes:
            return 401, {"error": "insufficient_scope", "error_description": f"not for {SECRET}"}
        if not self.administrator:
            return 400, {"error": "ERROR_CORE", "error_description": "Access denied."}
        if name in self.custom or name == self.field:
            return 400, {"error": "ERROR_CORE", "error_description": f"Field {name} already exists"}
        self.custom[name] = fields
        return 200, {"result": 100 + len(self.custom), "time": {}}

    def _user_get(self, params: dict[str, Any]) -> list[Any]:
        params = _upper(params)
        conditions = params.get("FILTER")
        conditions = _upper(conditions if isinstance(conditions, dict) else params)
        filters = {self._sift(key): value for key, value in conditions.items() if self._sift(key)}
        rows = list(self._matching(filters, params))
        for fault in self.page_faults:
            if (other := fault(params, rows)) is not None:
                rows = other
        return rows

    def _sift(self, key: str) -> tuple[str, str] | None:
        """(operator, field) of a filter's key; None for what the portal drops without a word."""
        match = re.fullmatch(r"(>=|<=|>|<|!|=|)([A-Z_]+)", key)
        return (match[1], match[2]) if match and match[2] in FILTERS - self.dropped else None

    def _matching(self, filters: dict[Any, Any], params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        ordered = self._ids()
        if not (params.get("SORT") == "ID" and str(params.get("ORDER", "")).upper() == "ASC"):
            ordered = random.Random(len(ordered)).sample(ordered, len(ordered))
        lowest = filters.get((">", "ID"))
        start = 0
        # The index of a database does this.
        if str(lowest).isdigit() and params.get("SORT") == "ID":
            start = _first_above(ordered, int(str(lowest)))
        offset, remaining = max(int(params.get("START", 0)), 0), PAGE
        for number in ordered[start:] if start else ordered:
            user = self.users[number]
            if not all(_holds(user, operator, name, value) for (operator, name), value in filters.items()):
                continue
            if offset:
                offset -= 1
                continue
            yield self._row(self.users[number], params.get("SELECT"))
            remaining -= 1
            if not remaining:
                return

    def _ids(self) -> list[int]:
        with self._lock:
            version = (len(self.users), next(reversed(self.users), 0))
            if self._order[0] != version:
                self._order = (version, sorted(self.users))
            return self._order[1]

    def _row(self, user: dict[str, Any], select: object) -> dict[str, Any]:
        row = {key: value for key, value in user.items() if key not in ("telegram", "real")}
        if self.field:
            row[self.field] = user["telegram"]
        names = select.values() if isinstance(select, dict) else select
        return {key: row[key] for key in names if key in row} if names else row  # type: ignore[attr-defined]


def _holds(user: dict[str, Any], operator: str, name: str, value: object) -> bool:
    # An empty condition is none.
    if value in ("", None):
        return True
    if name == "IS_REAL_USER":
        return bool(user["real"]) == (str(value) not in NO)
    if name == "ACTIVE":
        return bool(user["ACTIVE"]) == (value if isinstance(value, bool) else str(value) not in NO)
    if name == "ID":
        value_of_user: Any = int(user["ID"])
        if not str(value).isdigit():
            return True
        right: Any = int(str(value))
    elif name == "TIMESTAMP_X":
        try:
            value_of_user, right = datetime.fromisoformat(user[name]), datetime.fromisoformat(str(value))
            right = right if right.tzinfo else right.replace(tzinfo=UTC)
        except ValueError:
            # An unreadable date matches nobody, with HTTP 200.
            return False
    else:
        value_of_user, right = str(user.get(name)), str(value)
    return COMPARE[operator](value_of_user, right)


def _first_above(ordered: list[int], number: int) -> int:
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if ordered[middle] <= number else (low, middle)
    return low


def _upper(mapping: object) -> dict[str, Any]:
    return {str(key).upper(): value for key, value in mapping.items()} if isinstance(mapping, dict) else {}


def _nested(query: str, results: dict[str, Any] | None = None) -> dict[str, Any]:
    """A command's query as PHP reads it, `$result[…]` filled in from the commands before."""
    tree: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        names = re.findall(r"[^\[\]]+", key)
        node = tree
        for name in names[:-1]:
            node = node.setdefault(name, {})
        node[names[-1]] = _from_results(value, results) if results is not None else value
    return tree


def _from_results(value: str, results: dict[str, Any]) -> str:
    if not value.startswith("$result["):
        return value
    node: Any = results
    for name in re.findall(r"\[([^\]]+)\]", value):
        try:
            node = node[int(name)] if isinstance(node, list) else node[name]
        except (KeyError, IndexError, ValueError, TypeError):
            return ""
    return str(node)


def _json(body: object) -> Reply:
    return Reply(body=json.dumps(body).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is what some tests are about; anything else is this file's fault."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _handler(portal: PortalSimulator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            portal.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = portal.answer(self.path, json.loads(body or b"{}"))
            if reply.hang_up:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            content = reply.body
            self.send_response(reply.status)
            if "gzip" in self.headers.get("Accept-Encoding", "") and len(content) > 100_000:
                content = gzip.compress(content, 1)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(content) + reply.cut))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self._send(content, reply.drip)
            self.close_connection = self.close_connection or bool(reply.cut)

        def _send(self, content: bytes, drip: float) -> None:
            with suppress(OSError):
                for index in range(len(content)) if drip else ():
                    self.wfile.write(content[index : index + 1])
                    time.sleep(drip)
                if not drip:
                    self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    return Handler


def always(reply: Reply) -> Callable[[Call], Reply]:
    return lambda call: reply


@pytest.fixture
def portal() -> Iterator[PortalSimulator]:
    """A portal without users."""
    simulator = PortalSimulator()
    yield simulator
    simulator.close()


@pytest.fixture
def clock(portal: PortalSimulator) -> Clock:
    """One clock for the portal and whoever calls it."""
    portal.clock = clock = Clock()
    return clock
