"""Everything on one machine: the functions under waitress, the worker beside them, polling.

The functions are those that Google runs: functions-framework loads them from
main.py, and this module calls them as Google does, over WSGI. waitress reads a
request whole before a thread takes it, so that slow senders hold no thread.
"""

import errno
import logging
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import waitress
from functions_framework import create_app as _load
from waitress import wasyncore
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer
from waitress.utilities import RequestEntityTooLarge, RequestHeaderFieldsTooLarge
from werkzeug.test import EnvironBuilder, run_wsgi_app

from gateway.errors import PassingFailure, SettingError
from gateway.functions import MAIN, functions, of_kind
from gateway.ingest.incoming import MAX_BODY, MAX_QUERY
from gateway.journal import Journal, open_journal
from gateway.links import open_store
from gateway.local import inspector, worker
from gateway.queues import open_embedded
from gateway.settings import Settings
from gateway.texts import say
from gateway.tools.sample_delivery import here, in_url

THREADS = 256  # as many requests may wait for a stalled queue at once, each its own 3 s
STOP_SECONDS = 7.0  # what is in flight gets this long after SIGTERM

_LONG_QUERY = re.compile(rb"[A-Z]{1,20} /[!->@-~]{0,1000}\?[!-~]{%d}" % (MAX_QUERY + 1))

log = logging.getLogger("gateway.serve")


def serve(settings: Settings, listener: socket.socket) -> None:
    """Answer at `listener` until SIGTERM or SIGINT; returns when what was in flight is finished."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    apps: dict[str, Any] = {function.name: _load(function.name, MAIN) for function in functions()}  # type: ignore[no-untyped-call]
    _open_store_once(settings)
    journal = open_journal(settings)
    _write_journal(journal)
    threads: list[threading.Thread] = []
    if settings.queue_kind == "local":
        consumers = [apps[function.name] for function in of_kind("consumer")]
        threads += worker.threads(open_embedded(settings), consumers, stop)
    if settings.resync_every and not settings.rest_webhook:
        log.warning(say("POLL_WITHOUT_WEBHOOK", settings.language))
    elif settings.resync_every:
        threads.append(
            threading.Thread(target=_poll, args=(apps["resync_users"], settings, stop), daemon=True)
        )
    for thread in threads:
        thread.start()
    host, port = listener.getsockname()[:2]
    url = f"http://{in_url(host)}:{port}"
    log.info(say("SERVING", settings.language, url=url, inspector=here(host, port) + inspector.PATH))
    _warn_without_volume(settings)
    ends = _run_http(inspector.beside(apps["bitrix_webhook"], settings, journal), listener, stop)
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    journal.close()
    if settings.queue_kind == "local":
        open_embedded(settings).close()


def _open_store_once(settings: Settings) -> None:
    """A store of a newer schema stops the start; for one that does not answer yet the worker waits."""
    try:
        open_store(settings.database_url).close()
    except PassingFailure as failure:
        log.warning("%s", failure)


def listen(settings: Settings) -> socket.socket:
    """Listen at `HOST` and `PORT`. Raises `SettingError` where that cannot be."""
    try:
        where = (settings.host, settings.port)
        if ":" not in settings.host:
            return socket.create_server(where, backlog=1024)
        both = settings.host == "::" and socket.has_dualstack_ipv6()  # all addresses, IPv4's too
        return socket.create_server(where, family=socket.AF_INET6, backlog=1024, dualstack_ipv6=both)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL or (error.errno or 0) < 0:  # below 0: the resolver's
            raise SettingError("HOST", say("EXPECTED_HOST", settings.language)) from None
        address = f"{settings.host}:{settings.port}"
        told = say("EXPECTED_FREE_PORT", settings.language, address=address, problem=error.strerror)
        raise SettingError("PORT", told) from None


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Hands a body or a query over the limit on unread: the function answers 413 or 414 in its own words."""

    error: Any = None

    def received(self, data: bytes) -> int:
        head = self.header_plus + data if self.body_rcv is None else b""
        consumed: int = super().received(data)
        if isinstance(self.error, RequestHeaderFieldsTooLarge) and (query := _LONG_QUERY.match(head)):
            self.parse_header(query[0] + b" HTTP/1.0\r\n")
            self.error = None
        came = max(self.content_length, len(self.body_rcv) if self.body_rcv is not None else 0)
        if came > MAX_BODY and (not self.error or isinstance(self.error, RequestEntityTooLarge)):
            self.error = None
            self.headers["CONTENT_LENGTH"] = str(came)
            self.headers["CONNECTION"] = "close"
            self.expect_continue = False
            self.completed = True
        return consumed


def _run_http(app: inspector.App, listener: socket.socket, stop: threading.Event) -> float:
    """Answer requests until `stop`; then the moment (of `time.monotonic()`) by which all must have ended."""
    server: BaseWSGIServer = waitress.create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        connection_limit=2000,
        channel_timeout=30,
        cleanup_interval=5,
        asyncore_use_poll=True,
        max_request_header_size=64 * 1024,
        max_request_body_size=64
        * MAX_BODY,  # counted with its chunks' frames; `_Parser` keeps the real limit
        ident=None,
        expose_tracebacks=False,
        clear_untrusted_proxy_headers=False,  # they are evidence: the inspector and the capture look at them
    )
    server.channel_class = type("Channel", (server.channel_class,), {"parser_class": _Parser})
    while not stop.is_set():
        wasyncore.loop(timeout=0.5, use_poll=True, map=server._map, count=1)
    wasyncore.dispatcher.close(server)  # nothing new; what is being answered is finished
    ends = time.monotonic() + STOP_SECONDS
    while time.monotonic() < ends and any(
        channel.requests or channel.total_outbufs_len for channel in list(server.active_channels.values())
    ):
        wasyncore.loop(timeout=0.1, use_poll=True, map=server._map, count=1)
    server.task_dispatcher.shutdown(cancel_pending=True, timeout=1)
    return ends


def _poll(app: Any, settings: Settings, stop: threading.Event) -> None:
    """Walk the portal's users every `RESYNC_EVERY`, one round after another."""
    while not stop.wait(settings.resync_every):
        _, status, _ = run_wsgi_app(app, EnvironBuilder("/", method="POST").get_environ(), buffered=True)
        if not status.startswith("2"):  # why, the function itself has logged
            log.warning(say("POLL_FAILED", settings.language, status=status))


class _JournalHandler(logging.Handler):
    """Keeps what the receiver says of each request, for people: see `rejections` and `doctor`."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.DEBUG)
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = getattr(record, "json_fields", {})
        if fields.get("code") == "EVENT_QUEUED":
            self._journal.add("delivery", fields)
        elif fields.get("code") == "CAPTURE":
            self._journal.add("capture", fields)
        elif "places" in fields:
            self._journal.add("refusal", {**fields, "message": record.getMessage()})


def _write_journal(journal: Journal) -> None:
    receiver = logging.getLogger("gateway.receiver")
    receiver.setLevel(logging.DEBUG)
    receiver.addHandler(_JournalHandler(journal))


def _warn_without_volume(settings: Settings) -> None:
    """On Railway a file outside a volume is gone at the next deploy."""
    volume = os.environ.get("RAILWAY_VOLUME_MOUNT_PATH", "")
    if not settings.on_railway:
        return
    for name, url in (
        ("QUEUE_URL", settings.queue_url),
        ("DATABASE_URL", settings.database_url),
        ("JOURNAL_URL", settings.journal_url),
    ):
        path = Path(url.removeprefix("sqlite:///")).absolute()
        if url.startswith("sqlite:///") and not (volume and path.is_relative_to(Path(volume))):
            log.warning(say("NO_VOLUME", settings.language, name=name))
