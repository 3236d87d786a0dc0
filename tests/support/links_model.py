"""The contract's rules about links, written without `gateway.links.decide`: what tests compare it with."""

from collections.abc import Iterable
from datetime import UTC, datetime

from gateway.links.model import NO_ACCOUNT, Account, Moment, Observation

_FIRST = Moment(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))


def truth(observations: Iterable[Observation]) -> dict[int, Account]:
    """What a reader of the contract would hold after the observations in the order of their moments."""
    links: dict[int, Account] = {}
    inactive: set[int] = set()
    for seen in sorted(observations, key=lambda o: (o.account_at or o.active_at or _FIRST).key()):
        user = seen.bitrix_user_id
        if seen.active is not None:
            (inactive.discard if seen.active else inactive.add)(user)
        if user in inactive or seen.account == NO_ACCOUNT:
            links.pop(user, None)
        elif seen.account is not None:
            links = {other: held for other, held in links.items() if held != seen.account}
            links[user] = seen.account
    return links
