"""Remembers, in the store, which users of a portal complete or interrupted walks have seen.

`user.get` never shows integrators, bots, mail and open-line users, and hides what its
owner may not see. So a user who is missing from a walk counts as gone only if an earlier walk
has seen that user. Kept as bitmaps of 100,000 ids, a record of 25 KB each: one
document of Firestore may hold 1 MB.
"""

from collections.abc import Iterable

from gateway.links.model import Store

_IDS = 100_000  # in one record


class Polled:
    """The users seen; `keep` writes what was added."""

    def __init__(self, store: Store, portal: str) -> None:
        self._store, self._portal = store, portal
        self._bitmaps: dict[int, int] = {}
        self._changed: set[int] = set()

    def __contains__(self, user: int) -> bool:
        record, bit = divmod(user, _IDS)
        return bool(self._bitmap(record) >> bit & 1)

    def add(self, users: Iterable[int]) -> None:
        """Add users; `keep` writes them."""
        added: dict[int, set[int]] = {}
        for user in users:
            record, bit = divmod(user, _IDS)
            added.setdefault(record, set()).add(bit)
        for record, bits in added.items():
            # One change of a long number for all of them: each makes a copy of it.
            ones = bytearray(_IDS // 8)
            for bit in bits:
                ones[bit // 8] |= 1 << bit % 8
            self._replace(record, self._bitmap(record) | int.from_bytes(ones, "little"))

    def remove(self, users: Iterable[int]) -> None:
        """Take users out; `keep` writes that."""
        for user in users:
            record, bit = divmod(user, _IDS)
            self._replace(record, self._bitmap(record) & ~(1 << bit))

    def keep(self) -> None:
        """Write what has changed to the store."""
        for record in sorted(self._changed):
            bitmap = self._bitmaps[record]
            self._store.write_state(self._name(record), {"users": f"{bitmap:x}"} if bitmap else None)
        self._changed.clear()

    def _replace(self, record: int, bitmap: int) -> None:
        if bitmap != self._bitmaps[record]:
            self._bitmaps[record] = bitmap
            self._changed.add(record)

    def _bitmap(self, record: int) -> int:
        if record not in self._bitmaps:
            stored = self._store.read_state(self._name(record))
            self._bitmaps[record] = int(stored["users"], 16) if stored else 0
        return self._bitmaps[record]

    def _name(self, record: int) -> str:
        return f"polled_users {self._portal} {record}"
