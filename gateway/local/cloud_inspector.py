"""Serves the inspector over Cloud Logging: the same page, on an operator's machine, with that login."""

import logging
import signal
import socket
import tempfile
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.errors import PassingFailure
from gateway.journal import Journal
from gateway.local import inspector
from gateway.local.http_server import HttpServer
from gateway.local.inspector.access import Access
from gateway.locations import SqliteFile
from gateway.settings import Settings
from gateway.texts import say
from gateway.tools.cloud_log import CloudLog
from gateway.tools.deployment import Deployment
from gateway.tools.sample_delivery import local_url

REFRESH_SECONDS = 5.0

log = logging.getLogger("gateway.inspector")


def serve_page(
    settings: Settings, listener: socket.socket, deployed: Deployment, since: datetime, client: Any = None
) -> None:
    """Answer at `listener` until SIGTERM or SIGINT. Raises `PassingFailure` if the log can't be read."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="b24-inspector-") as directory:
        local_settings = replace(
            deployed.settings(settings), journal=SqliteFile(Path(directory) / "journal.db")
        )
        journal = Journal(local_settings.journal.path)
        cloud = CloudLog(deployed, since, client)
        cloud.copy_into(journal)
        refreshing = threading.Thread(target=_refresh, args=(cloud, journal, stop), daemon=True)
        refreshing.start()
        access = Access(local_settings)
        host, port = listener.getsockname()[:2]
        url = local_url(host, port) + access.link
        print(
            say("INSPECTOR_OVER_CLOUD", local_settings.language, project=deployed.project, url=url),
            flush=True,
        )
        HttpServer(
            inspector.beside(_nothing_else, local_settings, journal, access),
            listener,
            local_settings.language,
        ).run(stop)
        refreshing.join(1.0)
        journal.close()


def _refresh(cloud: CloudLog, journal: Journal, stop: threading.Event) -> None:
    while not stop.wait(REFRESH_SECONDS):
        try:
            cloud.copy_into(journal)
        except PassingFailure as failure:
            log.warning("%s", failure)


def _nothing_else(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Refuse an event: this machine serves only the page."""
    start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
    return [b""]
