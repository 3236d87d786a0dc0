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
    from gateway.portal.walk_state import WalkState

    polled = Polled(store, portal)
    polled.remove([user])
    polled.keep()
    if not WalkState.is_about(store, portal, user):
        return 0
    WalkState.forget(store)
    return 1
