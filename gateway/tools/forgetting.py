"""Erases a person from everything that may hold something about them."""

from contextlib import closing

from gateway.links import open_store
from gateway.links.model import Store
from gateway.locations import is_missing
from gateway.settings import Settings
from gateway.tools import recovery


def forget_person(settings: Settings, portal: str, bitrix_user_id: int) -> int:
    """Erase link, history, dead letters, journal rows, queued messages and polling's marks; count them."""
    erased = 0
    if not is_missing(settings.database):
        with closing(open_store(settings.database)) as store:
            erased = store.forget(portal, bitrix_user_id) + _forget_walk(store, portal, bitrix_user_id)
    return erased + recovery.forget(settings, portal, bitrix_user_id)


def _forget_walk(store: Store, portal: str, user: int) -> int:
    """Drop what polling has kept of this user: the state of a round (the next begins anew), and the mark."""
    from gateway.portal.polled import Polled  # cold start
    from gateway.portal.reconcile import STATE

    polled = Polled(store, portal)
    polled.remove([user])
    polled.keep()
    walk = store.read_state(STATE) or {}
    pending = (change["data"]["ID"] for change in walk.get("changes", ()))
    is_in_walk = user in walk.get("missing", ()) or str(user) in pending
    if not is_in_walk or portal not in walk.get("of", ()):
        return 0
    store.write_state(STATE, None)
    return 1
