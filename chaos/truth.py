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


class RowState(NamedTuple):
    """What a user's row holds: the account as `123` or `@name` in lower case, "" for none."""

    account: str = ""
    active: bool = True


def expected(events: Sequence[Event]) -> dict[Person, set[RowState]]:
    """The states allowed for each person after all of `events` took effect.

    `events` are in the order in which they were sent.
    """
    observations_of: dict[str, list[Observation]] = defaultdict(list)
    # Twins share a second, and are received in the order sent.
    for index, event in enumerate(events):
        at = Moment(datetime.fromtimestamp(event.ts, UTC), _EPOCH + timedelta(microseconds=index))
        for statement in event.people:
            account = None if statement.account is None else _read(statement.account)
            observations_of[event.portal].append(
                Observation(statement.user, account, at, statement.active, at)
            )
    outcome = {}
    for portal, observations in observations_of.items():
        links, dismissed = followed(observations)
        for user in {observation.bitrix_user_id for observation in observations}:
            (name,) = names(links[user]) if user in links else ("",)
            outcome[portal, user] = {RowState(name, user not in dismissed)}
    return outcome


def expected_when_asked(events: Iterable[Event], counted: set[str]) -> dict[Person, set[RowState]]:
    """The states allowed for people whose account is asked for: what was answered since the last event."""
    answers: dict[Person, list[tuple[Event, str]]] = defaultdict(list)
    for event in events:
        if event.asks is not None:
            answers[event.portal, event.people[0].user].append((event, comparable(event.asks)))
    outcome = {}
    for person, story in answers.items():
        last = max((i for i, (event, _) in enumerate(story) if event.event_id in counted), default=None)
        outcome[person] = {RowState()} if last is None else {RowState(account) for _, account in story[last:]}
    return outcome


def _read(value: str) -> Account:
    name = comparable(value)
    if name.startswith("@"):
        return Account(telegram_username=name[1:])
    return Account(telegram_id=int(name)) if name else Account()


def comparable(value: str) -> str:
    """Write an account as in `RowState`."""
    name = value.removeprefix("https://t.me/").removeprefix("@")
    return name if not name or name.isdigit() else f"@{name.lower()}"


def compare(links: Mapping[Person, RowState], truth: Mapping[Person, set[RowState]]) -> list[str]:
    """List the differences between the links and what is expected, one sentence each."""
    wrong = []
    for person in sorted(links.keys() | truth.keys()):
        allowed = truth.get(person, {RowState()})
        stored = links.get(person, RowState())
        if stored not in allowed:
            wrong.append(f"{_person_text(person)} is {stored}, must be {' or '.join(map(str, allowed))}")
    return wrong


def check_history(
    rows: Sequence[Mapping[str, Any]], events: Mapping[str, Event], links: Mapping[Person, RowState]
) -> list[str]:
    """List what in the history the events cannot explain: each acts once, each row follows the one before.

    `rows`, oldest first: `person`, `event_id`, `change`, `now`, `before` (accounts as in `RowState`).
    """
    wrong: list[str] = []
    last: dict[Person, str] = {}
    effects: set[tuple[Person, str]] = set()
    for row in rows:
        person, event = row["person"], events.get(row["event_id"])
        if (person, row["event_id"]) in effects:
            wrong.append(f"{_person_text(person)}: event {row['event_id'][:8]} had its effect twice")
        effects.add((person, row["event_id"]))
        if row["before"] != last.get(person, ""):
            wrong.append(
                f"{_person_text(person)}: from {row['before']!r}, but it was {last.get(person, '')!r}"
            )
        last[person] = row["now"]
        if event is None or not _can_cause(event, person, row):
            wrong.append(
                f"{_person_text(person)}: {row['change']} to {row['now']!r} by an event that did not say so"
            )
    people = sorted(last.keys() | links.keys())
    loose = (person for person in people if last.get(person, "") != links.get(person, RowState()).account)
    wrong += [f"{_person_text(person)}: the history does not end where the link is" for person in loose]
    return wrong


def _can_cause(event: Event, person: Person, row: Mapping[str, Any]) -> bool:
    """Whether this event can have caused this row."""
    statement = next(
        (statement for statement in event.people if (event.portal, statement.user) == person), None
    )
    # It took another user's account, or showed that nothing had been taken.
    if statement is None:
        accounts = {comparable(other.account or "") for other in event.people}
        if row["change"] == "corrected":
            return row["now"] != "" and any(other.active is False for other in event.people)
        counts_now = any(other.active for other in event.people)
        return row["change"] == "conflict" and row["now"] == "" and (row["before"] in accounts or counts_now)
    if row["now"] == "":
        return statement.active is False or statement.account is not None
    return (
        event.asks is not None
        or statement.active is True
        or row["now"] == comparable(statement.account or "")
    )


def _person_text(person: Person) -> str:
    return f"user {person[1]} of {person[0]}"
