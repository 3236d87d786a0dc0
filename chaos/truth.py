"""Works out who must be linked to whom: the events applied, in order of time, to the tests' model.

No rule of the gateway's is used: the model is `tests.support.links_model`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from chaos.workload import Event
from gateway.links.model import Account, Moment, Observation
from tests.support.links_model import followed, names

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Person = tuple[str, int]  # portal, user


class Held(NamedTuple):
    """What a user's row says: the account as `123` or `@name` in lower case, "" for none."""

    account: str = ""
    active: bool = True


def expected(events: Sequence[Event]) -> dict[Person, set[Held]]:
    """What each person's row may say after all of `events` had their effect.

    `events` are in the order in which they were sent.
    """
    seen: dict[str, list[Observation]] = defaultdict(list)
    for index, event in enumerate(events):  # twins share a second, and are received in the order sent
        at = Moment(datetime.fromtimestamp(event.ts, UTC), _EPOCH + timedelta(microseconds=index))
        for said in event.people:
            account = None if said.account is None else _read(said.account)
            seen[event.portal].append(Observation(said.user, account, at, said.active, at))
    outcome = {}
    for portal, observations in seen.items():
        links, dismissed = followed(observations)
        for user in {one.bitrix_user_id for one in observations}:
            (name,) = names(links[user]) if user in links else ("",)
            outcome[portal, user] = {Held(name, user not in dismissed)}
    return outcome


def asked(events: Iterable[Event], counted: set[str]) -> dict[Person, set[Held]]:
    """What rows may say of people whose account is asked for: what the portal said since the last event."""
    answers: dict[Person, list[tuple[Event, str]]] = defaultdict(list)
    for event in events:
        if event.asks is not None:
            answers[event.portal, event.people[0].user].append((event, written(event.asks)))
    outcome = {}
    for person, story in answers.items():
        last = max((i for i, (event, _) in enumerate(story) if event.event_id in counted), default=None)
        outcome[person] = {Held()} if last is None else {Held(account) for _, account in story[last:]}
    return outcome


def _read(value: str) -> Account:
    name = written(value)
    if name.startswith("@"):
        return Account(telegram_username=name[1:])
    return Account(telegram_id=int(name)) if name else Account()


def written(value: str) -> str:
    """An account as `Held` writes it."""
    name = value.removeprefix("https://t.me/").removeprefix("@")
    return name if not name or name.isdigit() else f"@{name.lower()}"


def compare(links: Mapping[Person, Held], truth: Mapping[Person, set[Held]]) -> list[str]:
    """The differences between the links and what is expected, a sentence each."""
    wrong = []
    for person in sorted(links.keys() | truth.keys()):
        may = truth.get(person, {Held()})
        said = links.get(person, Held())
        if said not in may:
            wrong.append(f"{_called(person)} is {said}, must be {' or '.join(map(str, may))}")
    return wrong


def check_history(
    rows: Sequence[Mapping[str, Any]], events: Mapping[str, Event], links: Mapping[Person, Held]
) -> list[str]:
    """Whether the history is one that the events could have had: each once, one after another, to the end.

    `rows`: `person`, `event_id`, `change`, `now`, `before` (accounts as `Held` writes them), oldest first.
    """
    wrong: list[str] = []
    last: dict[Person, str] = {}
    seen: set[tuple[Person, str]] = set()
    for row in rows:
        person, event = row["person"], events.get(row["event_id"])
        if (person, row["event_id"]) in seen:
            wrong.append(f"{_called(person)}: event {row['event_id'][:8]} had its effect twice")
        seen.add((person, row["event_id"]))
        if row["before"] != last.get(person, ""):
            wrong.append(f"{_called(person)}: from {row['before']!r}, but it was {last.get(person, '')!r}")
        last[person] = row["now"]
        if event is None or not _could(event, person, row):
            wrong.append(
                f"{_called(person)}: {row['change']} to {row['now']!r} by an event that did not say so"
            )
    people = sorted(last.keys() | links.keys())
    loose = (person for person in people if last.get(person, "") != links.get(person, Held()).account)
    wrong += [f"{_called(person)}: the history does not end where the link is" for person in loose]
    return wrong


def _could(event: Event, person: Person, row: Mapping[str, Any]) -> bool:
    """Whether this event can have caused this row."""
    said = next((said for said in event.people if (event.portal, said.user) == person), None)
    if said is None:  # it took another user's account, or showed that nothing had been taken
        taken = {written(other.account or "") for other in event.people}
        if row["change"] == "corrected":
            return row["now"] != "" and any(other.active is False for other in event.people)
        counts_now = any(other.active for other in event.people)
        return row["change"] == "conflict" and row["now"] == "" and (row["before"] in taken or counts_now)
    if row["now"] == "":
        return said.active is False or said.account is not None
    return event.asks is not None or said.active is True or row["now"] == written(said.account or "")


def _called(person: Person) -> str:
    return f"user {person[1]} of {person[0]}"
