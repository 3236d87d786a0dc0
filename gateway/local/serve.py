"""Runs everything on one machine: the functions behind an HTTP server, the worker beside them, polling.

The functions are those that Google runs: functions-framework loads them from main.py. Here they are
called as Google calls them, over WSGI; only the receiver is called by its own entry: functions-framework's
routing takes as long as the receiver's own work and changes nothing in its answer.
"""

import errno
import logging
import os
import signal
import socket
import sqlite3
import sys
import threading
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import flask
from functions_framework import create_app as _load
from werkzeug.test import EnvironBuilder, run_wsgi_app

from gateway.errors import GatewayError, PassingFailure, SettingError
from gateway.functions import MAIN, functions
from gateway.journal import open_journal
from gateway.links import open_store
from gateway.local import front_page, inspector
from gateway.local.http_server import HttpServer
from gateway.local.inspector.access import Access
from gateway.local.inspector.frame import App, Parts
from gateway.local.recorder import Recorder
from gateway.local.worker_process import WorkerProcess
from gateway.locations import SqliteFile
from gateway.logs import enter_request, thread_failed
from gateway.processors import keep_on, usable
from gateway.queues import open_embedded
from gateway.queues.queue_file import failure_of
from gateway.receiver import find_link
from gateway.settings import Settings
from gateway.sqlite_file import denied, is_there, made_for, not_a_database, unwritable_folder
from gateway.startup import NO_FUNCTION
from gateway.texts import say, text_of
from gateway.tools.sample_delivery import in_url, local_url

# The kinds of functions that are served; the others, the consumers, belong to the worker.
SERVED = ("receiver", "schedule", "private")
log = logging.getLogger("gateway.serve")


def serve(settings: Settings, listener: socket.socket) -> None:
    """Answer at `listener` until SIGTERM or SIGINT; return when everything in flight is finished."""
    # Queue, journal and links hold people's data: only their owner may read the files.
    os.umask(0o077)
    threading.excepthook = thread_failed
    processors = usable()
    keep_on(processors)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    served = [function.name for function in functions() if function.kind in SERVED]
    apps: dict[str, Any] = {name: _load(name, MAIN) for name in served}  # type: ignore[no-untyped-call]
    _look_at_files(settings)
    journal = open_journal(settings)
    recorder = Recorder(settings, journal)
    recorder.attach()
    worker: WorkerProcess | None = None
    if settings.queue_kind == "local":
        worker = WorkerProcess(settings, stop, processors[1:])
        worker.start()
        open_embedded(settings).on_publish = worker.wake
    poller = _start_polling(apps["resync_users"], settings, stop)
    host, port = listener.getsockname()[:2]
    url = f"http://{in_url(host)}:{port}"
    access = Access(settings)
    inspector_addresses = _inspector_addresses(settings, local_url(host, port), access)
    log.info(say("SERVING", settings.language, url=url, inspector=inspector_addresses))
    _warn_without_volume(settings)
    parts = Parts(apps["bitrix_webhook"], recorder, worker.is_alive if worker else None)
    app = inspector.beside(_routed(apps), settings, journal, access, parts)
    app = front_page.before(app, settings.language)
    server = HttpServer(app, listener, settings.language, unjudged=recorder.observe_unjudged)
    deadline = server.run(stop)
    if worker is not None:
        worker.stop(deadline - time.monotonic())
    if poller is not None:
        poller.join(max(0.0, deadline - time.monotonic()))
    recorder.close()
    journal.close()
    if settings.queue_kind == "local":
        open_embedded(settings).close()
    log.info(say("STOPPED", settings.language))


def _inspector_addresses(settings: Settings, local: str, access: Access) -> str:
    """Where the inspector opens: from this machine, and from elsewhere if the public address is known."""
    # Nobody sits at a machine of Railway's.
    origins = [] if settings.on_railway and settings.webhook_url else [local]
    origins += [settings.webhook_url] if settings.webhook_url else []
    return " · ".join(origin + access.link for origin in origins)


def _routed(apps: dict[str, Any]) -> App:
    """The receiver, and beside it the API that bots ask for links."""
    receive = sys.modules["main"].bitrix_webhook

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        path = environ.get("PATH_INFO", "")
        if path == find_link.PATH or path.startswith(f"{find_link.PATH}/"):
            return apps["find_link"](environ, start_response)
        if path in NO_FUNCTION:
            return apps["bitrix_webhook"](environ, start_response)
        entered = enter_request.set(partial(apps["bitrix_webhook"].request_context, environ))
        try:
            # In its environ it would stay until the garbage collector comes: no context of Flask's is left.
            request = flask.Request(environ, populate_request=False)
            return receive(request)(environ, start_response)
        finally:
            enter_request.reset(entered)

    return app


def _look_at_files(settings: Settings) -> None:
    """Say what can't be written, and open the store once.

    Only a file that was made for another setting, or a newer schema of the store, prevents the start.
    """
    for problem in unwritable_files(settings):
        log.error(text_of(problem, settings.language))
    for name, path in settings.files.items():
        if other := _made_for_other(path, name):
            raise SettingError(name, "EXPECTED_OWN_FILE", other=other)
    try:
        open_store(settings.database).close()
    except PassingFailure as failure:
        log.warning(failure)


def _made_for_other(path: Path, setting: str) -> str:
    """The setting that an existing file was made for, if that is another one."""
    with suppress(sqlite3.Error, OSError, GatewayError):
        if is_there(path):
            with closing(sqlite3.connect(path)) as connection:
                return made_for(connection, setting)
    return ""


def unwritable_files(settings: Settings) -> list[GatewayError]:
    """What this user can't write, if the embedded queue's file is among it: then no event is accepted.

    `serve` starts all the same, as each event is kept for `replay` in the journal or in the log.
    """
    if not isinstance(settings.queue, SqliteFile):
        return []
    path = settings.queue.path
    if unwritable_folder(path) is None:
        problem = not_a_database(path)
        return [failure_of(path, problem or "")] if problem or denied(path) else []
    return [
        SettingError(name, "EXPECTED_WRITABLE_FOLDER", path=path, parent=folder)
        for name, path in settings.files.items()
        if (folder := unwritable_folder(path)) is not None
    ]


def listen(settings: Settings) -> socket.socket:
    """Listen at `HOST` and `PORT`. Raises `SettingError` if that is impossible."""
    try:
        host_and_port = (settings.host, settings.port)
        if ":" not in settings.host:
            return socket.create_server(host_and_port, backlog=1024)
        # `::` means all addresses, those of IPv4 too.
        dual_stack = settings.host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(
            host_and_port, family=socket.AF_INET6, backlog=1024, dualstack_ipv6=dual_stack
        )
    except OSError as error:
        # Errors of the resolver have numbers below 0.
        if error.errno == errno.EADDRNOTAVAIL or (error.errno or 0) < 0:
            raise SettingError("HOST", "EXPECTED_HOST") from None
        address = f"{settings.host}:{settings.port}"
        # Python's own words add the address once more.
        problem = OSError(error.errno, os.strerror(error.errno or 0))
        key = "EXPECTED_ALLOWED_PORT" if error.errno == errno.EACCES else "EXPECTED_FREE_PORT"
        raise SettingError("PORT", key, address=address, problem=problem) from None


def _start_polling(app: Any, settings: Settings, stop: threading.Event) -> threading.Thread | None:
    """Start the thread that walks the portal's users; None where `RESYNC_EVERY` asks for none."""
    if not settings.resync_every:
        return None
    if not settings.can_ask_portal:
        log.warning(say("POLL_WITHOUT_WEBHOOK", settings.language))
        return None
    poller = threading.Thread(target=_poll, args=(app, settings, stop), daemon=True)
    poller.start()
    return poller


def _poll(app: Any, settings: Settings, stop: threading.Event) -> None:
    """Walk the portal's users every `RESYNC_EVERY`, one round after another."""
    while not stop.wait(settings.resync_every):
        _, status, _ = run_wsgi_app(app, EnvironBuilder("/", method="POST").get_environ(), buffered=True)
        # The function itself has logged why.
        if not status.startswith("2"):
            log.warning(say("POLL_FAILED", settings.language, status=status))


def _warn_without_volume(settings: Settings) -> None:
    """Warn of files outside a Railway volume, which the next deploy removes."""
    volume = os.environ.get("RAILWAY_VOLUME_MOUNT_PATH", "")
    if not settings.on_railway:
        return
    for name, path in settings.files.items():
        if not (volume and path.absolute().is_relative_to(volume)):
            log.warning(say("NO_VOLUME", settings.language, name=name))
