"""The contract's rules about links, written without `gateway.links.decide`: what tests compare it with.

Everything observed is applied in the order of its moments, as a reader of the contract would do it
with pencil and paper. Of equal moments the lower user id comes first; what one user's observation
says about the state comes before what it says about the account.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from gateway.links.model import Account, Moment, Observation


class Fact(NamedTuple):
    second: int
    received_at: datetime
    user: int
    # 0 is active, 1 dismissed, 2 an account.
    says: int
    # Only so that equal moments of one user have an order.
    spelling: tuple[int, str]
    account: Account | None


def truth(observations: Iterable[Observation]) -> dict[int, Account]:
    """Who is linked to what in the end."""
    return followed(observations)[0]


def followed(observations: Iterable[Observation]) -> tuple[dict[int, Account], set[int]]:
    """Who is linked to what in the end, and who is dismissed."""
    links: dict[int, Account] = {}
    dismissed: set[int] = set()
    for fact in sorted(
        {fact for observation in observations for fact in facts(observation)}, key=lambda fact: fact[:5]
    ):
        if fact.says == 0:
            dismissed.discard(fact.user)
        elif fact.says == 1:
            dismissed.add(fact.user)
            links.pop(fact.user, None)
        elif not fact.account or fact.user in dismissed:
            links.pop(fact.user, None)
        else:
            links = {
                user: account for user, account in links.items() if not names(account) & names(fact.account)
            }
            links[fact.user] = fact.account
    return links, dismissed


def facts(observation: Observation) -> Iterator[Fact]:
    """What an observation says, one thing at a time."""
    if observation.active is not None and observation.active_at is not None:
        yield _fact(observation.active_at, observation.bitrix_user_id, 0 if observation.active else 1, None)
    if observation.account is not None and observation.account_at is not None:
        yield _fact(observation.account_at, observation.bitrix_user_id, 2, observation.account)


def _fact(at: Moment, user: int, says: int, account: Account | None) -> Fact:
    spelling = (account.telegram_id or 0, account.telegram_username or "") if account else (0, "")
    return Fact(int(at.at.timestamp()), at.received_at, user, says, spelling, account)


def names(account: Account) -> set[str]:
    """By what an account is the same as another: its number, its name without case."""
    keys = set() if account.telegram_id is None else {str(account.telegram_id)}
    return keys | ({f"@{account.telegram_username.lower()}"} if account.telegram_username else set())


def comparable(links: dict[int, Account]) -> dict[int, set[str]]:
    """Links to compare: a name's case is how somebody wrote it once, and no part of the truth."""
    return {user: names(account) for user, account in links.items()}
