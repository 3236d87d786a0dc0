"""Erases a person from everything that may hold something about them."""

import json
import sqlite3
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from gateway.journal import open_journal
from gateway.links import open_store, user_record
from gateway.links.model import Store
from gateway.locations import is_missing
from gateway.queues import open_embedded
from gateway.settings import Settings
from gateway.sqlite_file import is_there
from gateway.tools.recovery import queue_letters


def forget_person(settings: Settings, portal: str, bitrix_user_id: int) -> int:
    """Erase link, history, dead letters, journal rows, queued messages and polling's marks; count them."""
    erased = _forget_link(settings, portal, bitrix_user_id)
    erased += _forget_letters(settings, portal, bitrix_user_id)
    erased += _forget_waiting(settings, portal, bitrix_user_id)
    erased += open_journal(settings).forget(portal, bitrix_user_id)
    for path in settings.files.values():
        _empty_write_ahead_log(path)
    return erased


def _forget_link(settings: Settings, portal: str, user: int) -> int:
    """Erase what the store of links has, its dead letters and polling's marks included."""
    if is_missing(settings.database):
        return 0
    with closing(open_store(settings.database)) as store:
        return store.forget(portal, user) + _forget_walk(store, portal, user)


def _forget_walk(store: Store, portal: str, user: int) -> int:
    """Drop what polling has kept of this user: the state of a round (the next begins anew), and the mark."""
    from gateway.portal.polled import Polled  # cold start
    from gateway.portal.walk_state import WalkState

    polled = Polled(store, portal)
    was_seen = user in polled
    polled.remove([user])
    polled.keep()
    if not WalkState.is_about(store, portal, user):
        return int(was_seen)
    WalkState.forget(store)
    return int(was_seen) + 1


def _forget_letters(settings: Settings, portal: str, user: int) -> int:
    """Remove the queue's dead letters that are about this user."""
    with ExitStack() as stack:
        letters = queue_letters(settings, stack)
        about_user = [letter for letter in letters if user_record.is_about(letter.message, portal, user)]
        for letter in about_user:
            letter.settle()
    return len(about_user)


def _forget_waiting(settings: Settings, portal: str, user: int) -> int:
    """Drop this user's messages from the embedded queue; single messages can't be taken out of Pub/Sub."""
    if settings.queue_kind != "local" or is_missing(settings.queue):
        return 0
    queue = open_embedded(settings)
    keys = []
    for key, data in queue.waiting():
        with suppress(ValueError):
            if user_record.is_about(json.loads(data), portal, user):
                keys.append(key)
    queue.remove(keys)
    return len(keys)


def _empty_write_ahead_log(path: Path) -> None:
    """Empty a SQLite file's write-ahead log, which until then still holds what was erased."""
    if is_there(path):
        with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=5.0)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
