"""Who must be linked to whom, by a model of its own: the events that count, folded in order of time.

Nothing here comes from the gateway. A link is an account and an active state; of a user's
observations the newest counts, a deactivation ends a link for good until an account is seen in a
later active time, an account belongs to whoever was seen with it last.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from chaos.workload import Event, Said

Person = tuple[str, int]  # portal, user


class Held(NamedTuple):
    """What a user's row says: the account as `123` or `@name` in lower case, "" for none."""

    account: str = ""
    active: bool = True


def expected(events: Sequence[Event]) -> dict[Person, set[Held]]:
    """What each person's row may say after all of `events` had their effect.

    `events` are in the order in which they were sent. One outcome for each person, but for those
    whose account is asked for: the answer may be that of a later moment than the event's.
    """
    stories: dict[Person, list[tuple[Event, Said]]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.ts):  # stable: twins stay in the order sent
        for said in event.people:
            stories[event.portal, said.user].append((event, said))
    folded = {person: _fold(story) for person, story in stories.items()}
    latest: dict[tuple[str, str], int] = {}
    for (portal, _), (held, since) in folded.items():
        latest[portal, held.account] = max(since, latest.get((portal, held.account), since))
    outcome = {}
    for person, (held, since) in folded.items():
        lost = held.account and since < latest[person[0], held.account]
        outcome[person] = {held._replace(account="") if lost else held}
    return outcome


def asked(events: Iterable[Event], counted: set[str]) -> dict[Person, set[Held]]:
    """The same for people whose account is asked for: what the portal said from the last counted event on."""
    answers: dict[Person, list[tuple[Event, str]]] = defaultdict(list)
    for event in events:
        if event.asks is not None:
            answers[event.portal, event.people[0].user].append((event, written(event.asks)))
    outcome = {}
    for person, story in answers.items():
        last = max((i for i, (event, _) in enumerate(story) if event.event_id in counted), default=None)
        outcome[person] = {Held()} if last is None else {Held(account) for _, account in story[last:]}
    return outcome


def _fold(story: Sequence[tuple[Event, Said]]) -> tuple[Held, int]:
    """(what holds, since when the account is claimed) after a story in order of time."""
    account, active, since = "", True, 0
    for event, said in story:
        if said.active is False:
            account, active = "", False
        elif said.active is True:
            active = True
        if said.account is not None and active:
            account, since = written(said.account), event.ts
    return Held(account, active), since


def written(value: str) -> str:
    """An account as `Held` writes it."""
    name = value.removeprefix("https://t.me/").removeprefix("@")
    return name if not name or name.isdigit() else f"@{name.lower()}"


def compare(links: Mapping[Person, Held], truth: Mapping[Person, set[Held]]) -> list[str]:
    """The differences, a sentence each."""
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
    if said is None:  # it took another user's account
        taken = {written(other.account or "") for other in event.people}
        return bool(row["change"] == "conflict" and row["now"] == "" and row["before"] in taken)
    if row["now"] == "":
        return said.active is False or said.account is not None
    return event.asks is not None or said.active is True or row["now"] == written(said.account or "")


def _called(person: Person) -> str:
    return f"user {person[1]} of {person[0]}"
