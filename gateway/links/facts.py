"""Works out what the facts observed of one user mean together. Pure.

A fact is an account (or an empty one) or an active state, with its moment. What a
user's facts say does not depend on the order in which they arrived, and on no other
user: so whether a claim counts depends only on its own user's facts.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gateway.links.model import EPOCH, MICROSECOND, NO_ACCOUNT, Account, Key, Moment, Observation

AHEAD = timedelta(minutes=5)
KEPT_SECONDS = 30 * 24 * 3600
# More facts than this within 30 days mean a loop somewhere; the oldest are folded early.
MOST_FACTS = 500


def moment_of(key: Key) -> datetime:
    """The key's moment, in whole seconds."""
    return EPOCH + timedelta(seconds=key[0])


def name_of(account: Account) -> str | None:
    """The account's name in lower case, as names are compared; None if it has none."""
    return account.telegram_username.lower() if account.telegram_username else None


def same_account(first: Account, second: Account) -> bool:
    """Whether two accounts are the same; names are compared without case."""
    return first.telegram_id == second.telegram_id and name_of(first) == name_of(second)


def names_of(account: Account) -> list[str]:
    """The names under which claims of this account are found: by number, by name."""
    names = [] if account.telegram_id is None else [str(account.telegram_id)]
    return names + ([f"@{name}"] if (name := name_of(account)) else [])


def _spelling(account: Account) -> tuple[int, str, str]:
    return account.telegram_id or 0, name_of(account) or "", account.telegram_username or ""


States = tuple[tuple[Key, bool], ...]
Accounts = tuple[tuple[Key, Account], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A user's facts in the order of their moments; of one moment, a dismissal comes last."""

    states: States = ()
    accounts: Accounts = ()
    # False for a row of the first edition, whose claims are not among the stored ones yet.
    claims_stored: bool = field(default=True, compare=False)

    @property
    def active(self) -> bool:
        """Whether the user is active, by the newest state; true if no state is known."""
        return self.states[-1][1] if self.states else True

    @property
    def newest(self) -> Key | None:
        """The moment of the newest fact; None if there is no fact."""
        moments = [facts[-1][0] for facts in (self.states, self.accounts) if facts]
        return max(moments, default=None)

    def counts(self, moment: Key) -> bool:
        """Whether a claim counts: its user must have been active at its moment."""
        before = [active for at, active in self.states if at <= moment]
        return before[-1] if before else True

    def current_claim(self) -> tuple[Key, Account] | None:
        """The newest account, if it is not empty, counts, and no dismissal followed it; else None."""
        if not self.accounts:
            return None
        moment, account = self.accounts[-1]
        # A name keeps its first spelling.
        for _, earlier in reversed(self.accounts):
            if not same_account(earlier, account):
                break
            account = earlier
        dismissed = any(at > moment and not active for at, active in self.states)
        return (moment, account) if account and not dismissed and self.counts(moment) else None

    def claims(self) -> dict[str, Key]:
        """The newest claim that counts of each account that the user ever claimed, by its names."""
        return {
            name: moment
            for moment, account in self.accounts
            if account and self.counts(moment)
            for name in names_of(account)
        }

    def with_facts_of(self, observation: Observation) -> "Known":
        """These facts and the observation's; the same object if the observation adds nothing."""
        states, accounts = self.states, self.accounts
        if observation.active is not None and observation.active_at is not None:
            state = (observation.active_at.key(), observation.active)
            if state not in states:
                states = tuple(sorted((*states, state), key=lambda fact: (fact[0], not fact[1])))
        if observation.account is not None and observation.account_at is not None:
            claim = (observation.account_at.key(), observation.account)
            if claim not in accounts:
                accounts = tuple(sorted((*accounts, claim), key=lambda fact: (fact[0], _spelling(fact[1]))))
        if states is self.states and accounts is self.accounts:
            return self
        return Known(states, accounts)._folded()

    def _folded(self) -> "Known":
        """The facts without those older than 30 days, except those that still decide."""
        newest = self.newest or (0, 0)
        moments = sorted([at for at, _ in self.states] + [at for at, _ in self.accounts])
        limit: Key = (newest[0] - KEPT_SECONDS, 0)
        if len(moments) > MOST_FACTS:
            limit = max(limit, moments[-MOST_FACTS])
        if moments[0] >= limit:
            return self
        # What came within the 30 days may yet prove void; an older claim then decides again.
        old = Known(self.states, tuple(fact for fact in self.accounts if fact[0] < limit))
        decisive = {*sorted(old.claims().values())[-MOST_FACTS:], *(at for at, _ in old.accounts[-1:])}
        accounts = tuple(fact for fact in self.accounts if fact[0] >= limit or fact[0] in decisive)
        moments_kept = {at for at, _ in self.states if at >= limit}
        moments_kept |= {
            max((at for at, _ in self.states if at <= moment), default=moment) for moment in decisive
        }
        for active in (True, False):
            moments_kept |= {
                max((at for at, state in self.states if state is active and at < limit), default=limit)
            }
        return Known(tuple(fact for fact in self.states if fact[0] in moments_kept), accounts)

    def with_future_clamped(self, now: datetime, observed: Key) -> "Known":
        """The facts, with those dated in the future by a wrong clock moved to the second before `observed`.

        Otherwise nothing newer could change the user. If the new observations lie in that future
        too, nothing moves: they keep their order among themselves.
        """
        limit = int((now + AHEAD).timestamp())
        if (self.newest or (0, 0))[0] <= limit or observed[0] > limit:
            return self
        replacement = (observed[0] - 1, 0)
        states = tuple((at if at[0] <= limit else replacement, active) for at, active in self.states)
        accounts = tuple((at if at[0] <= limit else replacement, account) for at, account in self.accounts)
        return Known(tuple(sorted(states, key=lambda f: f[0])), tuple(sorted(accounts, key=lambda f: f[0])))

    def to_json(self) -> str:
        """The facts as the stores keep them; `from_json` reads them."""
        accounts = [(*at, account.telegram_id, account.telegram_username) for at, account in self.accounts]
        states = [(*at, int(active)) for at, active in self.states]
        return json.dumps({"states": states, "accounts": accounts}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, account: Account = NO_ACCOUNT, observed_at: datetime = EPOCH) -> "Known":
        """Facts read from JSON; the first edition wrote only moments, to which the row's account belongs."""
        stored: Any = json.loads(text)
        if isinstance(stored, list):
            return cls._of_first_edition(stored, account, observed_at)
        return cls(
            tuple(((at, received_at), bool(active)) for at, received_at, active in stored["states"]),
            tuple(
                ((at, received_at), Account(number, name))
                for at, received_at, number, name in stored["accounts"]
            ),
        )

    @classmethod
    def _of_first_edition(cls, stored: list[Any], account: Account, observed_at: datetime) -> "Known":
        """The facts of a first edition's row; an ended link reads as an emptied account, for good."""
        *moments, number, name = stored

        def key(pair: Any) -> Key:
            return pair[0], (datetime.fromisoformat(pair[1]) - EPOCH) // MICROSECOND

        account_at, inactive_at, active_since, active_at = (pair and key(pair) for pair in moments)
        states = {(inactive_at, False), (active_since, True), (active_at, True)}
        ordered = tuple(sorted((at, active) for at, active in states if at is not None))
        claim = account or Account(number, name)
        if account_at is None and claim:
            account_at = Moment(observed_at, observed_at).key()
        return cls(ordered, () if account_at is None else ((account_at, claim),), claims_stored=False)


def accounts_of(known: Known) -> Iterator[Account]:
    """The accounts that the user ever had, without the empty ones."""
    return (account for _, account in known.accounts if account)
