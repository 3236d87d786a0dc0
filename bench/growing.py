"""Fills the store of a portal that has grown, and measures what an event costs there.

`python -m bench.growing fill DATABASE_URL USERS` writes ten observations of each user, as a month of
events would have left them; `python -m bench.growing apply DATABASE_URL USERS EVENTS FIRST` applies
events to users drawn at random and prints the seconds and the peak of memory.
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gateway.links import open_store
from gateway.links.decide import Row
from gateway.links.facts import Known
from gateway.links.model import Account, HistoryRow, Moment, Observation
from gateway.links.sql_engine import open_engine
from gateway.links.sql_schema import claims, link_history, links, processed_events
from gateway.locations import sql_location, store_location

PORTAL = "portal.bitrix24.ru"
# Observations of one user.
EACH = 10
BATCH = 1000
# Yesterday: in an older store, the first event would purge a million ids older than thirty days.
NOW = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
MONTH = 25 * 86_400


def observed(user: int, number: int) -> Observation:
    """A user's observations: mostly the same account, every third time another one."""
    at = NOW - timedelta(seconds=MONTH - number * (MONTH // EACH) - user % 3600)
    moment = Moment(at, at)
    return Observation(user, Account(telegram_id=EACH * user + number // 3), moment, True, moment)


def known_of(user: int) -> Known:
    facts = Known()
    for number in range(EACH):
        facts = facts.with_facts_of(observed(user, number))
    return facts


def fill(database_url: str, users: int) -> None:
    """Write what `users` times ten events leave: rows, claims, history and the events' ids."""
    open_store(store_location(database_url)).close()
    engine = open_engine(sql_location(database_url))
    for start in range(1, users + 1, BATCH):
        facts_by_user = {user: known_of(user) for user in range(start, min(start + BATCH, users + 1))}
        with engine.begin() as connection:
            connection.execute(
                sa.insert(links), [_link(user, facts) for user, facts in facts_by_user.items()]
            )
            connection.execute(sa.insert(claims), list(_claims(facts_by_user)))
            connection.execute(
                sa.insert(link_history), [_change(user, facts) for user, facts in facts_by_user.items()]
            )
            ids = [
                {"event_id": f"{user}-{n}", "processed_at": NOW}
                for user in facts_by_user
                for n in range(EACH)
            ]
            connection.execute(sa.insert(processed_events), ids)
    with engine.connect() as connection:
        # After a month of real events, PostgreSQL would have vacuumed the rows.
        tidy = "VACUUM (ANALYZE)" if engine.dialect.name == "postgresql" else "ANALYZE"
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(sa.text(tidy))
    engine.dispose()


def _link(user: int, facts: Known) -> dict[str, Any]:
    row = Row(user, facts.accounts[-1][1], NOW, NOW, facts)
    return {"portal": PORTAL, "bitrix_user_id": user, **row.stored()}


def _claims(facts_by_user: dict[int, Known]) -> Iterator[dict[str, Any]]:
    for user, facts in facts_by_user.items():
        for account, (at, received_at) in facts.claims().items():
            yield {
                "portal": PORTAL,
                "bitrix_user_id": user,
                "account": account,
                "at": at,
                "received_at": received_at,
            }


def _change(user: int, facts: Known) -> dict[str, Any]:
    account = facts.accounts[-1][1]
    row = HistoryRow(PORTAL, user, "linked", account.telegram_id, None, None, None, f"{user}-0", NOW, NOW)
    return {name: getattr(row, name) for name in HistoryRow.__slots__}


def events(users: int, count: int, first: int) -> Iterator[tuple[str, Observation]]:
    """Events, mostly without news; one in ten brings a new account, one in ten claims a colleague's."""
    dice = random.Random(first)
    for number in range(first, first + count):
        user, at = dice.randrange(1, users + 1), NOW + timedelta(seconds=number)
        outcome = dice.randrange(10)
        account = Account(telegram_id=EACH * (user + (outcome == 0)) + (7 if outcome == 1 else 3))
        yield f"new-{number}", Observation(user, account, Moment(at, at), None, None)


def apply(database_url: str, users: int, count: int, first: int) -> dict[str, float]:
    with closing(open_store(store_location(database_url))) as store:
        # This connects, and prepares the statements.
        store.apply(PORTAL, f"first-{first}", [observed(1, 0)])
        started = time.perf_counter()
        for event_id, observation in events(users, count, first):
            store.apply(PORTAL, event_id, [observation])
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "memory": _peak()}


def _peak() -> float:
    """The process's peak of memory in MB; `getrusage` may return the parent's, if that was higher."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    action, url, *numbers = sys.argv[1:]
    if action == "fill":
        fill(url, *map(int, numbers))
    else:
        print(json.dumps(apply(url, *map(int, numbers))))
