"""Runs the rounds of polling, for Cloud Scheduler, for `serve` or by hand; never two at once.

A lock of the operating system ends with its process, however that ends, so the next
round takes up a killed one at once. It covers one machine. On Google Cloud the
function has one instance at most, so a lock of the process is enough there. If two
rounds meet all the same, they publish the same observations twice, which has no
effect beyond that.
"""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple
from datetime import datetime
from pathlib import Path
from typing import Any

import flask

from gateway.errors import GatewayError, PassingFailure
from gateway.links import open_store
from gateway.locations import SqliteFile
from gateway.portal.client import Portal
from gateway.portal.reconcile import LinksAtRisk, Progress, Summary, walk
from gateway.queues import open_publisher
from gateway.queues.publish import publish_within
from gateway.settings import Settings
from gateway.startup import settings as host_settings
from gateway.texts import Notice, text_of

# Nobody waits for an answer here.
PUBLISH_SECONDS = 10.0
NO_STORE = {"Cache-Control": "no-store"}
# Google gives a request 1,800 seconds; the next round walks what is left.
ROUND_SECONDS = 1700.0

log = logging.getLogger("gateway.portal.resync")
_round_lock = threading.Lock()


class AlreadyRunning(GatewayError):
    """Another round is on its way."""


def run(
    settings: Settings,
    *,
    since: datetime | None = None,
    progress: Progress | None = None,
    dry_run: bool = False,
    seconds: float | None = None,
    confirmed: int = 0,
) -> Summary:
    """Run one round as the settings say; it ends within `seconds` if given.

    Raises `LinksAtRisk` where it would end too many links, and more than `confirmed`;
    `PortalError` where the portal's answers are wrong, `PassingFailure` where
    portal, store or queue do not answer, `AlreadyRunning`, `SettingError` without
    an incoming webhook.
    """
    portal = Portal(settings, until=None if seconds is None else time.time() + seconds)
    with (
        _only_round(settings),
        closing(open_store(settings.database)) as store,
        closing(open_publisher(settings)) as publisher,
    ):

        def publish(data: bytes, attributes: Mapping[str, str]) -> str:
            return publish_within(publisher, data, attributes, time.monotonic() + PUBLISH_SECONDS)

        summary = walk(
            settings,
            portal,
            store,
            publish,
            since=since,
            progress=progress,
            dry_run=dry_run,
            confirmed=confirmed,
        )
    values = summary.as_json()
    log.info(
        Notice("RESYNC_DONE", **values),
        extra={"json_fields": {"code": "RESYNC_DONE", **values}},
    )
    return summary


def respond(request: flask.Request) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Run one full round and answer with its result.

    200 with the summary; 409 while another round is running; 503 with `Retry-After`
    where portal, store or queue do not answer; 502 where the portal's answer is wrong.
    """
    settings = host_settings()
    try:
        summary = run(settings, seconds=ROUND_SECONDS)
    except AlreadyRunning as running:
        return _answer(409, "RESYNC_RUNNING", text_of(running, settings.language))
    except GatewayError as failure:
        code, sentence = log_failure(settings, failure)
        if isinstance(failure, PassingFailure):
            body, _, _ = _answer(503, code, sentence)
            return body, 503, NO_STORE | {"Retry-After": str(int((failure.retry_after or 60) + 1))}
        return _answer(502, code, sentence)
    return {"status": "ok", "code": "RESYNC_DONE", **summary.as_json()}, 200, NO_STORE


def log_failure(settings: Settings, failure: GatewayError) -> tuple[str, str]:
    """Log a round that failed; return its code and sentence."""
    problem: GatewayError | Notice
    if isinstance(failure, LinksAtRisk):
        fields: dict[str, Any] = {"code": "LINKS_AT_RISK", "count": failure.count}
        problem = failure
    else:
        fields = {"code": "RESYNC_FAILED", "problem": str(failure)}
        problem = Notice("RESYNC_FAILED", problem=failure)
    log.error(problem, extra={"json_fields": fields})
    return fields["code"], text_of(problem, settings.language)


def _answer(status: int, code: str, message: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    return {"status": "error", "code": code, "message": message}, status, NO_STORE


@contextmanager
def _only_round(settings: Settings) -> Iterator[None]:
    """Hold the lock of rounds over this store. Raises `AlreadyRunning` if somebody else holds it."""
    running = AlreadyRunning("RESYNC_RUNNING")
    if not _round_lock.acquire(blocking=False):
        raise running
    try:
        # On Google Cloud there is one instance.
        if "K_SERVICE" in os.environ:
            yield
            return
        descriptor = _open_lock(_lock_path(settings))
        try:
            if not _lock(descriptor):
                raise running
            yield
        finally:
            os.close(descriptor)
    finally:
        _round_lock.release()


def _lock_path(settings: Settings) -> Path:
    """Beside the links, the queue or the journal, whichever is a file: nobody else writes to that directory.

    The directory for temporary files would be everybody's, and each service may have its own.
    """
    locations = (settings.database, settings.queue, settings.journal)
    file = next(place.path for place in locations if isinstance(place, SqliteFile)).resolve()
    database = settings.database
    store = file if isinstance(database, SqliteFile) else astuple(database)
    name = hashlib.sha256(f"{settings.domain} {store}".encode()).hexdigest()[:16]
    return file.with_name(f"resync-{name}.lock")


def _open_lock(path: Path) -> int:
    # Windows has no such flag.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, flags, 0o600)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # A round that root runs by hand must not lock the service's user out, as SQLite's files do not.
            owner = path.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return descriptor
    except OSError as error:
        raise GatewayError("RESYNC_LOCK", path=path, problem=error.strerror) from None


def _lock(descriptor: int) -> bool:
    try:
        import fcntl  # optional
    except ImportError:
        # On Windows only one process is guarded.
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # The file system has no locks.
        raise GatewayError("RESYNC_NO_LOCKS", problem=error.strerror) from None
    return True
