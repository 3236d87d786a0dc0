"""The values that links are made of, and what a store of links can do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol

Key = tuple[int, int]
"""When: whole seconds since 1970, then microseconds since 1970 of `received_at`."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Change = Literal["linked", "replaced", "unlinked", "conflict", "corrected"]


@dataclass(frozen=True, slots=True)
class Account:
    """A person's Telegram account: by number, by name, or both. Neither: no account.

    `telegram_id` is 1 … 2^52; `telegram_username` is without `@`, as written;
    names are compared without case.
    """

    telegram_id: int | None = None
    telegram_username: str | None = None

    def __bool__(self) -> bool:
        return self.telegram_id is not None or self.telegram_username is not None

    def __str__(self) -> str:
        """The number, else the name with `@`; "" for no account."""
        if self.telegram_id is not None:
            return str(self.telegram_id)
        return f"@{self.telegram_username}" if self.telegram_username else ""


NO_ACCOUNT = Account()


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was true, and when we learned of it.

    Ordered by whole seconds of `at`, then by `received_at`: the vendor's `ts` is
    in seconds, so within one second what the receiver got later wins.
    """

    at: datetime
    received_at: datetime

    def key(self) -> Key:
        """What moments are ordered by."""
        return (self.at - EPOCH) // timedelta(seconds=1), (self.received_at - EPOCH) // MICROSECOND


@dataclass(frozen=True, slots=True)
class Observation:
    """What one message says about one user: an account, an active state, or both.

    `account` None says nothing about the account (absent is not empty: an empty
    one is `NO_ACCOUNT`); `active` None says nothing about the state. Each has a
    moment of its own, as one may come from the event and the other from `user.get`.
    """

    bitrix_user_id: int
    account: Account | None
    account_at: Moment | None
    active: bool | None
    active_at: Moment | None


@dataclass(frozen=True, slots=True)
class Link:
    """A row of `links`: one Bitrix24 user of one portal."""

    portal: str
    bitrix_user_id: int
    telegram_id: int | None
    telegram_username: str | None
    active: bool
    observed_at: datetime
    updated_at: datetime

    @property
    def account(self) -> Account:
        """The account that is linked; an empty one where none is."""
        return Account(self.telegram_id, self.telegram_username)

    @property
    def by_name_only(self) -> bool:
        """Whether only a Telegram name is known: names change hands, so it may be somebody else's now."""
        return self.telegram_id is None and self.telegram_username is not None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A row of `link_history`: one change of one link."""

    portal: str
    bitrix_user_id: int
    change: Change
    telegram_id: int | None
    telegram_username: str | None
    previous_telegram_id: int | None
    previous_telegram_username: str | None
    event_id: str
    observed_at: datetime
    recorded_at: datetime

    @property
    def account(self) -> Account:
        """The account after the change."""
        return Account(self.telegram_id, self.telegram_username)

    @property
    def previous(self) -> Account:
        """The account before the change."""
        return Account(self.previous_telegram_id, self.previous_telegram_username)


class Changes(list[HistoryRow]):
    """What an event changed, in order; `repeated` if it had been applied before, and changed nothing."""

    repeated = False


def repeated() -> Changes:
    """The changes of an event that had been applied before: none."""
    changes = Changes()
    changes.repeated = True
    return changes


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that will not be delivered again by itself, and why.

    `message` is the queue message's data as JSON values; put aside again, it is
    the same letter with a later moment. `id` is the store's handle for removing it
    as it was read: if a consumer puts the letter aside again while it is being
    replayed, it stays.
    """

    event: str
    event_id: str
    reason: str
    attempts: int
    message: Any
    recorded_at: datetime
    id: str = ""
    # The one that it is a dead letter of; "" in a letter of an older edition.
    subscription: str = ""


class Store(Protocol):
    """What every store of links does; one test suite checks each backend.

    Any method raises `StoreUnavailable` where the backend does not answer.
    """

    def apply(self, portal: str, event_id: str, observations: Sequence[Observation]) -> Changes:
        """Decide and write in one transaction: links, history rows, the event's id.

        Returns what to report: the history rows it wrote, then, as `conflict`, the claims
        that were refused without changing anything. An `event_id` applied before has no effect.
        """

    def get(self, portal: str, bitrix_user_id: int) -> Link | None:
        """The row of this Bitrix24 user, if there is one."""

    def find(
        self, portal: str, *, telegram_id: int | None = None, telegram_username: str | None = None
    ) -> Link | None:
        """The link that holds this account in this portal, if any."""

    def links(self, portal: str | None = None, after: int = 0) -> Iterator[Link]:
        """Links ordered by (portal, bitrix_user_id), those of ids above `after`; memory stays flat."""

    def portals(self) -> list[str]:
        """The portals that have links, in order."""

    def history(
        self,
        portal: str | None = None,
        *,
        bitrix_user_id: int | None = None,
        since: datetime | None = None,
    ) -> Iterator[HistoryRow]:
        """History rows, oldest first; `since` is inclusive, on `recorded_at`."""

    def forget(self, portal: str, bitrix_user_id: int) -> int:
        """Erase a person: link, history, observations, dead letters; return how many records were erased.

        Accounts that the person had taken from others go back to them, as their observations say.
        """

    def add_dead_letter(self, letter: DeadLetter) -> None:
        """Keep a message that was put aside; the same message again replaces its earlier letter."""

    def dead_letters(self) -> Iterator[DeadLetter]:
        """Dead letters, oldest first."""

    def remove_dead_letter(self, letter_id: str) -> None:
        """Remove a letter as it was read, by its `DeadLetter.id`."""

    def was_replayed(self, event_id: str) -> bool:
        """Whether `replay` has put this event back already."""

    def mark_replayed(self, event_id: str) -> None:
        """Record that `replay` has put this event back."""

    def read_state(self, name: str) -> dict[str, Any] | None:
        """A small JSON object kept under a name (`resync_state`)."""

    def write_state(self, name: str, value: dict[str, Any] | None) -> None:
        """Keep a small JSON object under a name; None removes it."""

    def purge_processed(self, before: datetime) -> int:
        """Drop processed event ids older than `before`; return how many (a TTL policy may do it instead)."""

    def check(self) -> None:
        """Raise `StoreUnavailable` unless the store answers, and accepts writes."""

    def close(self) -> None:
        """Close the connections to the backend."""
