"""Keeps in the store what a walk has to remember, so that an interrupted one goes on where it stopped."""

import logging
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.links.model import Store
from gateway.texts import Notice

STATE = "resync_state"

log = logging.getLogger("gateway.portal.reconcile")


@dataclass
class Difference:
    """One user's message before it is sent: what was seen and when (unix seconds).

    `ends`: whether it ends the user's link.
    """

    asked_at: int
    data: dict[str, Any]
    ends: bool


@dataclass
class WalkState:
    """Everything that a walk has to remember. The fields' names are those that the store keeps.

    `of` identifies the walk that it belongs to: the portal's domain and the field. `after` is the
    last id that was read, `users` how many there were.
    """

    of: list[str]
    after: int = 0
    users: int = 0
    changes: list[Difference] = field(default_factory=list)
    # Linked users who were missing from the portal's answers.
    missing: list[int] = field(default_factory=list)
    # How many links would end, by the reason; all are counted.
    ends: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Store, of: list[str]) -> "WalkState":
        """The kept state of the same portal and field, or a new one.

        Another edition may have kept other fields; a walk that starts again only costs requests.
        """
        value = store.read_state(STATE)
        if value is None or value.get("of") != of:
            return cls(of)
        try:
            state = cls(**{**value, "changes": [Difference(**change) for change in value["changes"]]})
        except (KeyError, TypeError):
            state = None
        if state is None or value.keys() != asdict(state).keys():
            notice = Notice("RESYNC_STATE_UNKNOWN")
            log.warning(notice, extra={"json_fields": {"code": "RESYNC_STATE_UNKNOWN"}})
            return cls(of)
        return state

    @staticmethod
    def is_about(store: Store, portal: str, user: int) -> bool:
        """Whether an interrupted walk of this portal has something of this user."""
        value = store.read_state(STATE) or {}
        pending = (change["data"]["ID"] for change in value.get("changes", ()))
        is_in_walk = user in value.get("missing", ()) or str(user) in pending
        return is_in_walk and portal in value.get("of", ())

    def keep(self, store: Store) -> None:
        """Write the state to the store, for a walk that takes this one up."""
        store.write_state(STATE, asdict(self))

    @staticmethod
    def forget(store: Store) -> None:
        """Drop the state that the store has: the next walk begins anew."""
        store.write_state(STATE, None)
