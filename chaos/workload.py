"""Writes what the portal sends: events of people who move, leave, come back and claim each other's accounts.

Times lie in the past and are distinct within a script, but for `bulk`, and for `twins`, which are sent
one after the other: of one second, the later received counts.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from gateway.ingest.php_form import build_query
from tests.support.deliveries import AGENT, FORM, OTHER_TOKEN, TOKEN

OTHER_PORTAL = "other.bitrix24.ru"
MEMBER = "a223c6b3710f85df22e9377d6c4f7553"


@dataclass(frozen=True)
class Statement:
    """What an event says about one user; None says nothing, "" is no account."""

    user: int
    account: str | None = None
    active: bool | None = None


@dataclass(frozen=True)
class Event:
    """One event, as sent. `people` is empty for those that change no link."""

    name: str
    portal: str
    ts: int
    people: tuple[Statement, ...]
    data: Any = field(repr=False, default=None)
    token: str = field(repr=False, default=TOKEN)
    # What the portal's `user.get` says when the event is sent; the account is asked for.
    asks: str | None = None

    @property
    def event_id(self) -> str:
        """The event's id by the contract's formula, written independently of the product."""
        contents = [self.name, self.ts, "41", self.portal, MEMBER, self.data]
        text = json.dumps(contents, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()

    @property
    def poison(self) -> bool:
        """A user event without a user's id: nobody can ever handle it."""
        return self.name.startswith("ONUSER") and not self.people

    def request(self, as_json: bool) -> tuple[bytes, dict[str, str]]:
        """Write the body and headers of the request."""
        auth = {"domain": self.portal, "member_id": MEMBER, "application_token": self.token}
        fields = {"event": self.name, "event_handler_id": "41", "data": self.data}
        fields |= {"ts": str(self.ts), "auth": auth}
        headers = {"User-Agent": AGENT, "Content-Type": "application/json" if as_json else FORM}
        return json.dumps(fields).encode() if as_json else build_query(fields), headers


@dataclass(frozen=True)
class Step:
    """Events that one sender posts in this order, each after the answer to the one before."""

    events: tuple[Event, ...]
    as_json: bool = False
    # Whether it may be sent twice without another outcome.
    repeatable: bool = True


class Writer:
    """Writes the scripts of one run from its seed."""

    def __init__(self, rng: random.Random, portal: str) -> None:
        self.rng, self.portal = rng, portal
        self.now = int(time.time()) - 3600
        self.users = 0
        self.accounts = 0

    def script(self, rest_share: float) -> list[Step]:
        """One person's (or group's) story, as steps in the order of their times."""
        if self.rng.random() < rest_share:
            return self._asked_for()
        kinds: list[tuple[Callable[[], list[Step]], int]] = [
            (self._mover, 30), (self._leaver, 12), (self._returner, 12), (self._rivals, 8), (self._bulk, 5),
            (self._twins, 8), (self._pair, 6), (self._elsewhere, 6), (self._stranger, 3), (self._poison, 1),
            (self._task, 6), (self._quarrel, 15),
        ]  # fmt: skip
        (kind,) = self.rng.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])
        return kind()

    def _user(self) -> int:
        self.users += 1
        return self.users

    def _account(self) -> str:
        self.accounts += 1
        number = 1_000_000 + self.accounts
        return self.rng.choice([f"{number}", f"@person_{number}", f"https://t.me/person_{number}"])

    def _event(self, user: int, at: int, account: str | None, active: bool | None = None) -> Event:
        return self._event_about((Statement(user, account, active),), at)

    def _away(self, events: list[Event]) -> list[Step]:
        """Mostly of the other portal: of our own, an account that an event leaves out is asked for."""
        elsewhere = self.rng.random() < 0.9
        return self._steps([replace(event, portal=OTHER_PORTAL) if elsewhere else event for event in events])

    def _event_about(self, people: tuple[Statement, ...], at: int, portal: str = "") -> Event:
        rows = [_row(statement) for statement in people]
        shape = self.rng.choice(["flat", "fields", "list"]) if len(rows) == 1 else "list"
        data: Any = {"flat": rows[0], "fields": {"FIELDS": rows[0]}, "list": rows}[shape]
        return Event("ONUSERUPDATE", portal or self.portal, self.now + at, people, data)

    def _steps(self, events: list[Event]) -> list[Step]:
        return [Step((event,), self.rng.random() < 0.3) for event in events]

    def _times(self, count: int) -> list[int]:
        # Few seconds, so that many users share one.
        return sorted(self.rng.sample(range(600), count))

    def _mover(self) -> list[Step]:
        user = self._user()
        values = [self.rng.choice([self._account(), self._account(), ""]) for _ in range(4)]
        return self._steps([self._event(user, at, v) for at, v in zip(self._times(4), values, strict=True)])

    def _leaver(self) -> list[Step]:
        user, (first, middle, last) = self._user(), self._times(3)
        events = [self._event(user, first, self._account()), self._event(user, middle, self._account())]
        return self._away([*events, self._event(user, last, None, active=False)])

    def _returner(self) -> list[Step]:
        user, (first, left_at, back) = self._user(), self._times(3)
        events = [self._event(user, first, self._account()), self._event(user, left_at, None, active=False)]
        # Being active again restores no link.
        account = self.rng.choice([self._account(), None])
        return self._away([*events, self._event(user, back, account, active=True)])

    def _rivals(self) -> list[Step]:
        """Several people claim one account, once each: the latest has it."""
        account = self._account()
        return self._steps([self._event(self._user(), at, account) for at in self._times(3)])

    def _quarrel(self) -> list[Step]:
        """Three people and two accounts, with events of every kind in any order."""
        people, accounts = [self._user() for _ in range(3)], [self._account(), self._account(), "", None]
        events = []
        for at in self._times(6):
            account = self.rng.choice(accounts)
            active = self.rng.choice([True, False] if account is None else [None, None, True, False])
            events.append(self._event(self.rng.choice(people), at, account, active))
        return self._away(events)

    def _bulk(self) -> list[Step]:
        """Many edited at once: the same second, the same value, only the id differs."""
        at, value = 600, self.rng.choice([("", None), (None, False)])
        people = [self._user() for _ in range(5)]
        linked = [self._event(user, self._times(1)[0], self._account()) for user in people]
        return self._away(linked + [self._event(user, at, *value) for user in people])

    def _twins(self) -> list[Step]:
        user, (at,) = self._user(), self._times(1)
        events = (self._event(user, at, self._account()), self._event(user, at, self._account()))
        return [Step(events, self.rng.random() < 0.3, repeatable=False)]

    def _pair(self) -> list[Step]:
        """Two users in one event."""
        people = tuple(Statement(self._user(), self._account()) for _ in range(2))
        return self._steps([self._event_about(people, self._times(1)[0])])

    def _elsewhere(self) -> list[Step]:
        """The same user number and account in two portals."""
        statement, (at, later) = Statement(self._user(), self._account()), self._times(2)
        return self._steps(
            [self._event_about((statement,), at), self._event_about((statement,), later, OTHER_PORTAL)]
        )

    def _asked_for(self) -> list[Step]:
        """A new user without custom fields, as a stock portal sends them: the account is asked for."""
        user, at = self._user(), self._times(2)
        asks = [self._account(), self._account()]
        row = {"ID": str(user), "NAME": "Иван", "ACTIVE": "1"}
        blank = Event("ONUSERADD", self.portal, 0, (Statement(user, None, True),), row)
        events = [replace(blank, ts=self.now + t, asks=a) for t, a in zip(at, asks, strict=True)]
        return [Step(tuple(events), repeatable=False)]

    def _stranger(self) -> list[Step]:
        event = self._event(self._user(), self._times(1)[0], self._account())
        return self._steps([replace(event, token=OTHER_TOKEN)])

    def _poison(self) -> list[Step]:
        data = {"NAME": f"nobody {self._user()}", "UF_USR_TELEGRAM": self._account()}
        return self._steps([Event("ONUSERUPDATE", self.portal, self.now, (), data)])

    def _task(self) -> list[Step]:
        data = {"FIELDS_AFTER": {"ID": str(self._user())}, "IS_ACCESSIBLE_AFTER": "N"}
        return self._steps([Event("ONTASKUPDATE", self.portal, self.now, (), data)])


def _row(statement: Statement) -> dict[str, str]:
    row = {"ID": str(statement.user)}
    if statement.account is not None:
        row["UF_USR_TELEGRAM"] = statement.account
    if statement.active is not None:
        row["ACTIVE"] = "Y" if statement.active else "N"
    return row


def write(
    rng: random.Random, portal: str, count: int, *, duplicates: float, reorder: float, rest: float
) -> list[Step]:
    """Write about `count` requests: stories mixed with each other, partly out of order and partly sent twice.

    `duplicates` and `rest` are shares; `reorder` is how many requests an event may come too late.
    """
    placed: list[tuple[float, int, Step]] = []
    writer, event_count = Writer(rng, portal), 0
    while event_count < count:
        start = rng.uniform(0, count)
        for step in writer.script(rest):
            start += rng.uniform(1, 40)
            times = 2 if step.repeatable and rng.random() < duplicates else 1
            for _ in range(times):
                event_count += len(step.events)
                placed.append((start + rng.uniform(0, reorder), len(placed), step))
    return [step for _, _, step in sorted(placed, key=lambda item: item[:2])]


def events_of(steps: list[Step]) -> Iterator[Event]:
    """Yield each event once, also if it is sent twice."""
    yield from {event.event_id: event for step in steps for event in step.events}.values()
