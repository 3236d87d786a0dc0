"""Decides what an observation changes; nothing else decides about links. Pure: it reads through a function.

Links are a function of what was observed, not of the order in which the queue
delivers it. They are as if all facts were applied in the order of their moments:

1. A user's newest account is the one the user wants; an empty one means no account.
2. A claim counts only if its user was active at its moment.
3. A later dismissal ends the link; becoming active again does not by itself restore it.
4. An account belongs to the newest claim that counts, even if its claimer has moved
   on since: then nobody has it. Of one moment, the higher user id goes last.

Rules 1 to 3 look only at one user's facts. So a new fact changes only its user's
claims, and by rule 4 only the links of the newest claimers of those accounts: there
is nothing further to follow, however users and accounts are connected.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gateway.links.facts import Known, accounts_of, moment_of, names_of, same_account
from gateway.links.model import NO_ACCOUNT, Account, Change, HistoryRow, Key, Link, Observation


@dataclass(frozen=True, slots=True)
class Row:
    """A user's stored row: the link, and the facts that it follows from."""

    bitrix_user_id: int
    account: Account
    observed_at: datetime
    updated_at: datetime
    known: Known

    def link(self, portal: str) -> Link:
        """The link as a store returns it."""
        return Link(
            portal=portal,
            bitrix_user_id=self.bitrix_user_id,
            telegram_id=self.account.telegram_id,
            telegram_username=self.account.telegram_username,
            active=self.known.active,
            observed_at=self.observed_at,
            updated_at=self.updated_at,
        )

    def stored(self) -> dict[str, Any]:
        """What a store keeps of the row besides the portal and the user."""
        return {
            "telegram_id": self.account.telegram_id,
            "telegram_username": self.account.telegram_username,
            "active": self.known.active,
            "observed_at": self.observed_at,
            "updated_at": self.updated_at,
            "known": self.known.to_json(),
        }


Clock = Callable[[], datetime]


def _utc_now() -> datetime:
    return datetime.now(UTC)


NEWEST_CLAIMERS = 3
"""How many of an account's claimers are read: the newest who is neither of two others decides."""

Read = Callable[[int, Account], Iterable[Row]]
"""Reads the rows of this user, of the holders of this account by number or by name, and of the
newest `NEWEST_CLAIMERS` of each; the rows and the account are locked where the store needs that."""


@dataclass(slots=True)
class Decision:
    """What to write: `rows` by user (`before` is None for a new one), and the history, in order.

    `refused` are claims that changed no link, and so leave no history: an operator
    still learns of them. Each looks like a `conflict` that lost the account.
    """

    rows: dict[int, Row] = field(default_factory=dict)
    before: dict[int, Row | None] = field(default_factory=dict)
    history: list[HistoryRow] = field(default_factory=list)
    refused: list[HistoryRow] = field(default_factory=list)

    @property
    def reported(self) -> list[HistoryRow]:
        """The changes that an operator is to see."""
        return self.history + self.refused

    def claims(self, user: int) -> dict[str, Key | None]:
        """The claims of this user that are to be written; None: the claim counts no longer."""
        before = self.before[user]
        old = before.known.claims() if before and before.known.claims_stored else {}
        new = self.rows[user].known.claims()
        changed: dict[str, Key | None] = {name: at for name, at in new.items() if old.get(name) != at}
        return changed | dict.fromkeys(old.keys() - new.keys())


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


def forget(portal: str, event_id: str, user: int, read: Read, clock: Clock = _utc_now) -> Decision:
    """Decide which links others get back once this user's observations are gone."""
    deciding = _Deciding(portal, event_id, read, clock)
    deciding.forget(user)
    return deciding.decision


class _Deciding:
    """One decision in the making: rows read so far, with what was already decided on top."""

    def __init__(self, portal: str, event_id: str, read: Read, clock: Clock) -> None:
        self.portal, self.event_id = portal, event_id
        self.decision = Decision()
        self._read, self._clock, self.now = read, clock, datetime.min.replace(tzinfo=UTC)
        self._rows: dict[int, Row] = {}
        self._fetched: set[str] = set()

    def observe(self, observation: Observation) -> None:
        user = observation.bitrix_user_id
        self._fetch(user, observation.account or NO_ACCOUNT)
        moments = [at.key() for at in (observation.account_at, observation.active_at) if at]
        row = self._rows.get(user)
        before = row.known if row else Known()
        if moments:
            before = before.with_future_clamped(self._clock(), min(moments))
        known = before.with_facts_of(observation)
        if known == before:
            # The observation was known already, or says nothing.
            return
        others = self._affected(user, before, known)
        # The clock is read after the last lock.
        self.now = self._clock()
        at = moment_of(max(moments))
        previous = row.account if row else NO_ACCOUNT
        # The others are compared with this row.
        self._store(user, NO_ACCOUNT, known)
        for other in others:
            self._settle(other, self._rows[other].account, at, "conflict", "corrected")
        self._settle(user, previous, at, "unlinked", "replaced" if previous else "linked")
        claim = known.current_claim()
        claimed = bool(observation.account) and claim is not None and claim[0] in moments
        if claimed and not previous and not self._rows[user].account and claim:
            self.decision.refused.append(self._change(user, "conflict", claim[1], NO_ACCOUNT, at))

    def forget(self, user: int) -> None:
        self._fetch(user, NO_ACCOUNT)
        if row := self._rows.get(user):
            others = self._affected(user, row.known, Known())
            self.now = self._clock()
            self._rows[user] = replace(row, account=NO_ACCOUNT, known=Known())
            for other in others:
                self._settle(other, self._rows[other].account, self.now, "conflict", "corrected")

    def _affected(self, user: int, before: Known, known: Known) -> list[int]:
        """The users who may gain or lose a link: the newest claimers of the accounts whose claims changed."""
        old, new = before.claims(), known.claims()
        changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        current = known.current_claim()
        touched = changed.union(names_of(current[1]) if current else ())
        for account in (*accounts_of(before), *accounts_of(known)):
            if touched.intersection(names_of(account)):
                self._fetch(user, account)
        others = [
            row.bitrix_user_id
            for row in list(self._rows.values())
            if row.bitrix_user_id != user
            and (claim := row.known.current_claim())
            and changed & set(names_of(claim[1]))
        ]
        for other in others:
            if claim := self._rows[other].known.current_claim():
                self._fetch(other, claim[1])
        return sorted(others)

    def _fetch(self, user: int, account: Account) -> None:
        names = [f"user {user}", *names_of(account)]
        if not self._fetched.issuperset(names):
            self._fetched.update(names)
            for row in self._read(user, account):
                self._rows.setdefault(row.bitrix_user_id, row)

    def _entitled_account(self, user: int) -> Account:
        """The account this user is to have: the one wanted, unless another user's valid claim is newer."""
        claim = self._rows[user].known.current_claim()
        if claim is None:
            return NO_ACCOUNT
        mine = (claim[0], user)
        for other, row in self._rows.items():
            theirs = row.known.claims() if other != user else {}
            if any(name in theirs and (theirs[name], other) > mine for name in names_of(claim[1])):
                return NO_ACCOUNT
        return claim[1]

    def _settle(
        self, user: int, previous: Account, at: datetime, when_lost: Change, when_gained: Change
    ) -> None:
        """Write the account that the user is to have, and record the change under the name that fits."""
        account = self._entitled_account(user)
        row = self._rows[user]
        if account == previous == row.account:
            return
        self._store(user, account, row.known, moved=not same_account(account, previous))
        if same_account(account, previous):
            return
        if not account and row.known.current_claim():
            when_lost = "conflict"
        self.decision.history.append(
            self._change(user, when_gained if account else when_lost, previous, account, at)
        )

    def _store(self, user: int, account: Account, known: Known, moved: bool = False) -> None:
        row = self.decision.before.setdefault(user, self._rows.get(user))
        changed = moved or row is None or row.known.active != known.active
        newest = known.newest
        self.decision.rows[user] = self._rows[user] = Row(
            user,
            account,
            observed_at=moment_of(newest) if newest else self.now,
            updated_at=self.now if changed or row is None else row.updated_at,
            known=known,
        )

    def _change(
        self, user: int, change: Change, previous: Account, account: Account, at: datetime
    ) -> HistoryRow:
        return HistoryRow(
            portal=self.portal,
            bitrix_user_id=user,
            change=change,
            telegram_id=account.telegram_id,
            telegram_username=account.telegram_username,
            previous_telegram_id=previous.telegram_id,
            previous_telegram_username=previous.telegram_username,
            event_id=self.event_id,
            observed_at=at,
            recorded_at=self.now,
        )
