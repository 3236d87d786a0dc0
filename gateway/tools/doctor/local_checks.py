"""Checks this side of the gateway: settings, queue, store, the portal's REST, the journal."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import assert_never

from gateway.diagnosis import setting_causes
from gateway.events import rfc3339
from gateway.journal import Filters, Journal
from gateway.links import open_store
from gateway.locations import PubSubTopic, SqliteFile, is_missing
from gateway.portal.client import Portal
from gateway.queues import open_embedded, open_pubsub
from gateway.queues.sqlite import EmbeddedQueue
from gateway.settings import Settings
from gateway.sqlite_file import unwritable_folder
from gateway.texts import reason_text
from gateway.tools.doctor import Check, Scribe

# A worker leases an event at the latest a minute after its backoff.
_WAITING_SECONDS = 600.0
_PORTAL_SECONDS = 30.0
# How many names of fields or portals one check gives.
_MAX_NAMES = 10
# How many dead letters are counted.
_MAX_LETTERS = 1000


def _settings(settings: Settings, scribe: Scribe) -> Iterator[Check]:
    if settings.domain:
        yield scribe.ok("settings", "SETTINGS", queue=settings.queue, portal=settings.domain)
    else:
        yield scribe.ok("settings", "SETTINGS_NO_PORTAL", queue=settings.queue)
    causes = setting_causes(settings)
    yield from (Check("token", "failed", f"{cause.code}: {cause.says}", cause.do) for cause in causes)
    if not causes:
        yield scribe.ok("token", "TOKEN", count=len(settings.tokens), prints=settings.fingerprints)


def _queue(settings: Settings, scribe: Scribe) -> Iterator[Check]:
    match settings.queue:
        case PubSubTopic() as location:
            with closing(open_pubsub(location)) as topic:
                topic.check()
            yield scribe.ok("queue", "PUBSUB", url=location)
        case SqliteFile() as file if is_missing(file):
            yield _absent("queue", file.path, scribe)
        case SqliteFile() as file:
            yield _backlog(open_embedded(settings), file.path, scribe)
        case other:
            assert_never(other)


def _backlog(queue: EmbeddedQueue, path: Path, scribe: Scribe) -> Check:
    depth, age = queue.depth(), queue.oldest_age()
    if depth > 0 and age > _WAITING_SECONDS:
        return scribe.failed("queue", "QUEUE_LATE", path=path, depth=depth, age=round(age))
    return scribe.ok("queue", "QUEUE" if depth else "QUEUE_EMPTY", path=path, depth=depth, age=round(age))


def _store(settings: Settings, scribe: Scribe) -> Iterator[Check]:
    location = settings.database
    if isinstance(location, SqliteFile) and is_missing(location):
        yield _absent("store", location.path, scribe)
        return
    with closing(open_store(location)) as store:
        store.check()
    yield scribe.ok("store", "STORE", kind=location.kind)


def _dead_letters(settings: Settings, scribe: Scribe) -> Iterator[Check]:
    """Messages that nobody could handle wait until a person looks at them."""
    count = 0
    if not is_missing(settings.database):
        with closing(open_store(settings.database)) as store:
            count += sum(1 for _ in islice(store.dead_letters(), _MAX_LETTERS))
    if settings.queue_kind == "local" and not is_missing(settings.queue):
        count += sum(1 for _ in islice(open_embedded(settings).dead_letters(), _MAX_LETTERS))
    write = scribe.failed if count else scribe.ok
    yield write("dead letters", "DEAD_LETTERS" if count else "NO_DEAD_LETTERS", count=count)


def _destinations(settings: Settings, scribe: Scribe) -> Iterator[Check]:
    """Events that a destination did not accept wait for hours, and its owner may not know of it.

    Nor does anybody notice that no event ever comes under a mistyped name.
    """
    for event, like in settings.misspelt_events():
        yield scribe.failed("destinations", "EVENT_LIKE", event=event, like=like)
    if not settings.destinations or settings.queue_kind != "local" or is_missing(settings.queue):
        return
    failing = open_embedded(settings).failing()
    for destination in settings.destinations:
        name = next((name for name in failing if name.endswith(f"-{destination.id}")), "")
        if name:
            count, reason = failing[name]
            values = {
                "address": destination.printable_url,
                "count": count,
                "reason": reason_text(reason, scribe.language),
            }
            yield scribe.failed("destinations", "DESTINATION_FAILS", **values)
            return
    yield scribe.ok("destinations", "DESTINATIONS", count=len(settings.destinations))


def _portal(settings: Settings, scribe: Scribe) -> Iterator[Check]:
    """Events of a portal that is not `BITRIX24_DOMAIN`, and that no token is bound to."""
    if not settings.domain or is_missing(settings.journal):
        return
    journal = Journal(settings.journal.path)
    expected = {"", settings.domain, *(portal for portal, _ in settings.bound_tokens)}
    other_portals = [portal for portal in journal.choices()[1] if portal not in expected]
    with_events = [
        portal
        for portal in other_portals
        if journal.page(Filters(("accepted",), portal=portal), limit=1).requests
    ]
    if with_events:
        portals = ", ".join(with_events[:_MAX_NAMES])
        yield scribe.failed("portal", "OTHER_PORTAL", theirs=portals, mine=settings.domain)


def _absent(check: str, path: Path, scribe: Scribe) -> Check:
    """The check of a missing file, which the first start creates if it can."""
    if parent := unwritable_folder(path):
        return scribe.failed(check, "FILE_NEVER", path=path, parent=parent)
    return scribe.ok(check, "FILE_LATER", path=path)


def _incoming_webhook(settings: Settings, scribe: Scribe) -> Iterator[Check]:
    if not settings.rest_webhook:
        yield scribe.skipped("incoming webhook", "NO_REST")
        yield scribe.skipped("telegram field", "NO_REST")
        return
    portal = Portal(settings, until=time.time() + _PORTAL_SECONDS)
    scopes = portal.scope()
    scope_list = ", ".join(sorted(scopes)) or "-"
    if "user" in scopes or ("user.userfield" in scopes and scopes & {"user_basic", "user_brief"}):
        yield scribe.ok("incoming webhook", "SCOPES", scopes=scope_list, portal=settings.domain)
    else:
        yield scribe.failed("incoming webhook", "SCOPES_MISSING", scopes=scope_list, portal=settings.domain)
    yield _telegram_field(portal.fields(), settings, scribe)


def _telegram_field(fields: Iterable[str], settings: Settings, scribe: Scribe) -> Check:
    name = settings.telegram_field.upper()
    if name in fields:
        return scribe.ok("telegram field", "FIELD", field=name)
    custom = sorted(field for field in fields if field.startswith("UF_USR_"))[:_MAX_NAMES]
    return scribe.failed("telegram field", "FIELD_MISSING", field=name, others=", ".join(custom) or "-")


def _last_delivery(settings: Settings, scribe: Scribe) -> Iterator[Check]:
    if settings.queue_kind == "pubsub" and is_missing(settings.journal):
        yield scribe.skipped("last delivery", "CLOUD_LOG")
        return
    latest = Journal(settings.journal.path).latest_accepted()
    if latest is not None:
        at = rfc3339(latest.at.replace(microsecond=0))
        yield scribe.ok("last delivery", "DELIVERY", at=at, event=latest.event or "?")
        return
    yield scribe.skipped("last delivery", "NO_DELIVERY")


CHECKS: dict[str, Callable[[Settings, Scribe], Iterable[Check]]] = {
    "settings": _settings,
    "queue": _queue,
    "store": _store,
    "dead letters": _dead_letters,
    "destinations": _destinations,
    "portal": _portal,
    "incoming webhook": _incoming_webhook,
    "last delivery": _last_delivery,
}
