"""What an observation changes: the one place that decides about links. Pure: it reads through a function.

The outcome depends on what was observed and when, hardly on the order in which
the queue delivers. So a user's row remembers moments, not only its last state:

1. The newest account observation counts; an older one is ignored.
2. A link ends with a deactivation, and only an account observed at or after the
   activation that followed it makes a new one: active again alone brings nothing back.
3. An account has one holder in a portal: of two users who claim it, the one who
   was observed later. The other's link ends and stays ended until it is observed anew.

A deactivation that arrives late still ends the links that are older than it,
even where a newer activation is already known. What can still depend on the
order: an account whose taker moved on before its first holder's observation
arrived, and several activations after a deactivation that comes last of all.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway.links.model import NO_ACCOUNT, Account, Change, HistoryRow, Link, Moment, Observation

Key = tuple[int, datetime]  # `Moment.key()`


@dataclass(frozen=True, slots=True)
class Known:
    """What a user's row remembers beside the link, so that late observations find their place."""

    account_at: Key | None = None  # the newest account observation
    inactive_at: Key | None = None  # the newest deactivation
    active_since: Key | None = None  # the first activation known after it
    active_at: Key | None = None  # the newest activation
    pending: Account = NO_ACCOUNT  # observed after a deactivation, while no activation before it is known

    @property
    def active(self) -> bool:
        return self.inactive_at is None or (self.active_at or _NEVER) > self.inactive_at

    @property
    def linkable(self) -> bool:
        """Whether the newest account observation fell into the user's active time, and that time lasts."""
        if self.inactive_at is None:
            return True
        return self.inactive_at < (self.active_since or _NEVER) <= (self.account_at or _NEVER)

    def to_json(self) -> str:
        moments = (self.account_at, self.inactive_at, self.active_since, self.active_at)
        kept = [key and (key[0], key[1].isoformat()) for key in moments]
        return json.dumps([*kept, self.pending.telegram_id, self.pending.telegram_username])

    @classmethod
    def from_json(cls, text: str) -> "Known":
        *moments, telegram_id, telegram_username = json.loads(text)
        keys = [key and (key[0], datetime.fromisoformat(key[1])) for key in moments]
        return cls(keys[0], keys[1], keys[2], keys[3], Account(telegram_id, telegram_username))


_NEVER: Key = (-(10**13), datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Row:
    """A user's stored row: the link and what is known about its moments."""

    bitrix_user_id: int
    account: Account
    observed_at: datetime
    updated_at: datetime
    known: Known

    def link(self, portal: str) -> Link:
        return Link(
            portal=portal,
            bitrix_user_id=self.bitrix_user_id,
            telegram_id=self.account.telegram_id,
            telegram_username=self.account.telegram_username,
            active=self.known.active,
            observed_at=self.observed_at,
            updated_at=self.updated_at,
        )


Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


Read = Callable[[int, Account], Iterable[Row]]
"""The stored rows of this user and of whoever holds this account by number or by name, locked if need be."""


@dataclass(slots=True)
class Decision:
    """What to write: `rows` by user (`before` is None for a new one), and the history, in order.

    `refused` are claims that changed no link, and so leave no history: an operator
    is told of them all the same. Each looks like a `conflict` that lost the account.
    """

    rows: dict[int, Row] = field(default_factory=dict)
    before: dict[int, Row | None] = field(default_factory=dict)
    history: list[HistoryRow] = field(default_factory=list)
    refused: list[HistoryRow] = field(default_factory=list)

    @property
    def told(self) -> list[HistoryRow]:
        """What an operator is told of."""
        return self.history + self.refused


def decide(
    portal: str, event_id: str, observations: Sequence[Observation], read: Read, clock: Clock = _utc_now
) -> Decision:
    """Decide what `observations`, one after another, change among the rows that `read` gives.

    The clock is read after the rows are: where reading locks them, a user's
    history is in the order in which it was decided.
    """
    deciding = _Deciding(portal, event_id, read, clock)
    for observation in observations:
        deciding.observe(observation)
    return deciding.decision


def same(one: Account, other: Account) -> bool:
    """Whether two accounts are the same; names are compared without case."""
    return one.telegram_id == other.telegram_id and _name(one) == _name(other)


def _name(account: Account) -> str | None:
    return account.telegram_username.lower() if account.telegram_username else None


def _overlap(one: Account, other: Account) -> bool:
    by_id = one.telegram_id is not None and one.telegram_id == other.telegram_id
    return by_id or (_name(one) is not None and _name(one) == _name(other))


def _newer(moment: Moment | None, known: Key | None) -> Key | None:
    """The moment's key unless what is known is newer."""
    key = moment.key() if moment else None
    return None if key is None or (known is not None and key < known) else key


def _learn(known: Known, observation: Observation) -> Known:
    """What is known after the observation; the account itself is not looked at."""
    if observation.account is not None and (key := _newer(observation.account_at, known.account_at)):
        known = replace(known, account_at=key)
    if observation.active is None or observation.active_at is None:
        return known
    key = observation.active_at.key()
    if observation.active:
        active_at = max(key, known.active_at or key)
        since = known.active_since
        if key > (known.inactive_at or _NEVER) and (since is None or key < since):
            since = key
        return replace(known, active_at=active_at, active_since=since)
    if known.inactive_at is not None and key <= known.inactive_at:
        return known
    since = known.active_since
    if since is not None and since <= key:
        later = known.active_at is not None and known.active_at > key
        since = known.active_at if later else None
    return replace(known, inactive_at=key, active_since=since)


class _Deciding:
    """One decision in the making: rows read so far, with what was already decided on top."""

    def __init__(self, portal: str, event_id: str, read: Read, clock: Clock) -> None:
        self.portal, self.event_id = portal, event_id
        self.decision = Decision()
        self._read, self._clock, self.now = read, clock, _NEVER[1]
        self._rows: dict[int, Row] = {}

    def observe(self, observation: Observation) -> None:
        user = observation.bitrix_user_id
        self._fetch(user, observation.account or NO_ACCOUNT)
        self.now = self._clock()
        row = self._rows.get(user)
        before, held = (row.known, row.account) if row else (Known(), NO_ACCOUNT)
        known = _learn(before, observation)
        newest = _newer(observation.account_at, before.account_at)
        claimed = observation.account if newest else None
        if claimed is None and known == before:
            return  # older than what is known, or it says nothing
        if claimed is None and before.pending:
            self._fetch(user, before.pending)  # it may come true now
        wanted = held or before.pending if claimed is None else claimed
        by_account = claimed is not None and known.linkable
        cause = observation.account_at if by_account else observation.active_at or observation.account_at
        at = cause.at if cause else self.now
        if known.linkable:
            self._link(user, held, wanted, replace(known, pending=NO_ACCOUNT), at)
        else:
            waits = (known.account_at or _NEVER) > (known.inactive_at or _NEVER)
            self._store(user, NO_ACCOUNT, replace(known, pending=wanted if waits else NO_ACCOUNT), at)

    def _link(self, user: int, held: Account, wanted: Account, known: Known, at: datetime) -> None:
        """Give an active user the account wanted, unless a newer claim holds it."""
        if not wanted or same(wanted, held):  # a name keeps the case in which it was first written
            self._store(user, held if wanted else NO_ACCOUNT, known, at)
        elif self._take(user, wanted, known, at):
            self._store(user, wanted, known, at)
        else:
            self._store(user, NO_ACCOUNT, known, at, "conflict")
            if not held:
                self.decision.refused.append(self._change(user, "conflict", wanted, NO_ACCOUNT, at))

    def _fetch(self, user: int, account: Account) -> None:
        for row in self._read(user, account):
            self._rows.setdefault(row.bitrix_user_id, row)

    def _take(self, user: int, account: Account, known: Known, at: datetime) -> bool:
        """Take the account from whoever holds it; False where a holder was observed later than `user`."""
        others = (row for row in self._rows.values() if row.bitrix_user_id != user)
        holders = [row for row in others if _overlap(row.account, account)]
        claim = (known.account_at or _NEVER, user)  # the same moment: the higher id, whatever the order
        if any((row.known.account_at or _NEVER, row.bitrix_user_id) > claim for row in holders):
            return False
        for row in holders:
            self._store(row.bitrix_user_id, NO_ACCOUNT, row.known, at, "conflict")
        return True

    def _store(
        self, user: int, account: Account, known: Known, at: datetime, change: Change | None = None
    ) -> None:
        row = self._rows.get(user)
        held = row.account if row else NO_ACCOUNT
        moved = not same(account, held)
        new = Row(user, account, observed_at=at, updated_at=self.now, known=known)
        if row is not None:
            changed = moved or row.known.active != known.active
            updated_at = self.now if changed else row.updated_at
            new = replace(new, observed_at=max(at, row.observed_at), updated_at=updated_at)
        self.decision.before.setdefault(user, row)
        self.decision.rows[user] = self._rows[user] = new
        if moved:
            linked: Change = "replaced" if held else "linked"
            change = change or (linked if account else "unlinked")
            self.decision.history.append(self._change(user, change, held, account, at))

    def _change(self, user: int, change: Change, held: Account, account: Account, at: datetime) -> HistoryRow:
        return HistoryRow(
            portal=self.portal,
            bitrix_user_id=user,
            change=change,
            telegram_id=account.telegram_id,
            telegram_username=account.telegram_username,
            previous_telegram_id=held.telegram_id,
            previous_telegram_username=held.telegram_username,
            event_id=self.event_id,
            observed_at=at,
            recorded_at=self.now,
        )
