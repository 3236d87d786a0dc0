"""Walks the portal's users, which is polling: reads all, compares them with the links, publishes differences.

A stock cloud portal never reports that a user was edited, so somebody has to look.
The consumers stay the only writers: a difference becomes one message, as if the
portal had sent it. Users and links both come in order of id, so the walk merges
them and keeps the last id, and what waits for its end, in the store.

Nothing is published before the walk is complete: a wrong page, an error page
half-way or a missing field changes nothing. Only where a first walk finds
more new links than it can hold are these published on the way; links end at its
end. A user who is missing is first asked for by id, and counts as gone only
where an earlier walk has seen that user. Nobody is unlinked where a walk would end
so many links that a lost permission or scope is the likelier reason.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.errors import PortalError, PortalUnavailable
from gateway.events import Message, observed_message, without_secrets
from gateway.links import user_record
from gateway.links.facts import same_account
from gateway.links.model import Link, Store
from gateway.links.telegram_account import parse_account
from gateway.portal.client import BATCH, PAGE, DoubtfulAnswer, Portal
from gateway.portal.compare import difference, merge
from gateway.portal.polled import Polled
from gateway.portal.walk_state import Difference, WalkState
from gateway.settings import Settings

# New links that wait for the end of the walk; more are published on the way.
MOST_WAITING = 1000
# Links that one walk may end; more wait for the next one (the state is one record, below 1 MB).
MOST_ENDED = 2000
# Messages on their way to the queue at once.
PUBLISHERS = 16
# Links that a walk may end whatever their share; above that, a tenth of all.
ALWAYS_ENDED = 5
# Users that a message names at most.
MOST_NAMED = 20
# Earlier than any change of a portal's users.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

log = logging.getLogger("gateway.portal.reconcile")

Publish = Callable[[bytes, Mapping[str, str]], str]
"""Puts one message on the queue; called from several threads at once."""

Progress = Callable[[int, int], None]
"""Called after each request for users: how many were seen, and the last id."""


class LinksAtRisk(PortalError):
    """The walk would end `count` links, more than anybody can have meant; it ended none."""

    def __init__(self, count: int, **facts: object) -> None:
        super().__init__("LINKS_AT_RISK", count=count, **facts)
        self.count = count


@dataclass
class Summary:
    """The result of a round: `published` messages, one per changed user, of which `unlinked` end a link.

    `unreadable` users have something in the field that is not a Telegram account;
    `unreadable_users` are the first of them.
    `continued_after` is the id at which an interrupted round was taken up.
    """

    portal: str
    users: int = 0
    published: int = 0
    unlinked: int = 0
    unreadable: int = 0
    requests: int = 0
    continued_after: int = 0
    dry_run: bool = False
    unreadable_users: list[int] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The summary as JSON values."""
        return asdict(self)


def walk(
    settings: Settings,
    portal: Portal,
    store: Store,
    publish: Publish,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    since: datetime | None = None,
    progress: Progress | None = None,
    dry_run: bool = False,
    confirmed: int = 0,
) -> Summary:
    """Walk all users, or those changed since a moment, and publish one message for each that differs.

    A full walk ends the links of users who are gone, and continues where an
    interrupted one stopped; one with `since` is quick, and does neither. With
    `dry_run` nothing is published and nothing is kept. Raises `LinksAtRisk` where it
    would end too many links, and more than `confirmed`: all other changes are
    still published. Raises `PortalError` where the portal's answers are wrong,
    `PassingFailure` where portal, store or queue do not answer: neither unlinks anybody,
    and the walk goes on next time.
    """
    steps = _Walk(settings, portal, store, publish, now, since, dry_run, confirmed)
    try:
        return steps.run(progress or (lambda users, after: None))
    except DoubtfulAnswer:
        # What the same portal said before is no more reliable.
        steps.forget()
        raise


class _Walk:
    """One round under way."""

    def __init__(
        self,
        settings: Settings,
        portal: Portal,
        store: Store,
        publish: Publish,
        now: Callable[[], datetime],
        since: datetime | None,
        dry_run: bool,
        confirmed: int,
    ) -> None:
        self._settings, self._portal, self._store, self._publish = settings, portal, store, publish
        self._now, self._since, self._dry_run = now, since, dry_run
        self._confirmed = confirmed
        self._polled = Polled(store, settings.domain)
        self._is_kept = since is None and not dry_run
        # Whether this run itself has seen the field.
        self._field, self._field_seen = settings.telegram_field.upper(), False
        self._select = ["ID", "ACTIVE", self._field] + ([] if since is None else ["TIMESTAMP_X"])
        of = [settings.domain, self._field]
        self._state = WalkState.read(store, of) if self._is_kept else WalkState(of)
        self._summary = Summary(settings.domain, continued_after=self._state.after, dry_run=dry_run)

    def run(self, progress: Progress) -> Summary:
        """Pages grow from one to a batch of fifty: a small portal costs one request, not fifty commands.

        A batch that failed, or brought fewer pages than it asked for (a slow portal, a
        limit, a page in doubt), is followed by a single page, whose failure counts, and
        by smaller batches from then on.
        """
        state, size, ceiling = self._state, 1, BATCH
        while True:
            asked_at = self._now()
            try:
                pages = self._portal.users_pages(state.after, size, self._select, self._since)
            except (PortalError, PortalUnavailable) as failure:
                limited = isinstance(failure, PortalUnavailable) and failure.retry_after is not None
                if size == 1 or limited or isinstance(failure, DoubtfulAnswer):
                    raise
                pages = []
            if pages:
                is_last_page = len(pages[-1]) < PAGE
                self._compare([user for page in pages for user in page], asked_at, is_last_page)
                self._make_room()
                self._keep()
                progress(state.users, state.after)
                if is_last_page:
                    break
            if len(pages) < size:
                size, ceiling = 1, max(1, ceiling // 2)
            else:
                size = min(2 * size, ceiling)
        self._finish()
        self._summary.users, self._summary.requests = state.users, self._portal.requests
        return self._summary

    def forget(self) -> None:
        if self._is_kept:
            WalkState.forget(self._store)

    def _compare(
        self, users: list[tuple[int, user_record.Record]], asked_at: datetime, is_last_page: bool
    ) -> None:
        state = self._state
        upto = None if is_last_page else users[-1][0]
        for user, row, link in merge(users, self._links(users, upto)):
            if row is None:
                if link is not None and (link.active or link.account) and user in self._polled:
                    state.missing.append(user)
                    self._count("missing", link)
                continue
            state.users += 1
            self._field_seen = self._field_seen or self._field in row
            if row.get(self._field) is not None and parse_account(row[self._field]) is None:
                self._summary.unreadable += 1
                self._summary.unreadable_users += [user][: MOST_NAMED - len(self._summary.unreadable_users)]
            change = difference(user, row, link, self._field)
            if change is not None and not self._lost_to_newer_claim(user, row, link):
                data, ends = change
                data = without_secrets(data, self._settings.secrets())
                state.changes.append(Difference(int(asked_at.timestamp()), data, ends))
                if ends:
                    self._count("dismissed" if user_record.active(row) is False else "emptied", link)
        del state.missing[MOST_ENDED:]
        self._polled.add(user for user, _ in users)
        state.after = users[-1][0] if users else state.after

    def _links(self, users: list[tuple[int, user_record.Record]], upto: int | None) -> Iterator[Link]:
        """The links between the last id and these users' last one; with `since`, only these users' links."""
        if self._since is not None:
            for user, _ in users:
                link = self._store.get(self._settings.domain, user)
                if link is not None:
                    yield link
            return
        for link in self._store.links(self._settings.domain, self._state.after):
            if upto is not None and link.bitrix_user_id > upto:
                return
            yield link

    def _lost_to_newer_claim(self, user: int, row: user_record.Record, link: Link | None) -> bool:
        """Whether this account was lost to a newer claim that is still valid.

        Two users with one account in the portal would otherwise take it from each
        other at every round.
        """
        account = parse_account(row.get(self._field))
        if link is None or not account or user_record.active(row) is False or not link.active:
            return False
        holder = self._store.find(
            self._settings.domain,
            telegram_id=account.telegram_id,
            telegram_username=account.telegram_username,
        )
        if holder is None or holder.bitrix_user_id == user:
            return False
        newest = deque(self._store.history(self._settings.domain, bitrix_user_id=user), 1)
        # It was never linked: its claim lost if both were observed at the same moment.
        if not newest:
            return link.observed_at == holder.observed_at
        if newest[0].change != "conflict":
            return False
        return same_account(account, newest[0].previous)

    def _make_room(self) -> None:
        """Publish new links when too many wait; those that end wait for the walk's end, and then go first."""
        changes = self._state.changes
        ending = [change for change in changes if change.ends][:MOST_ENDED]
        new_links = [change for change in changes if not change.ends]
        if len(new_links) > MOST_WAITING:
            self._require_field()
            self._send(new_links)
            new_links = []
        self._state.changes = ending + new_links

    def _finish(self) -> None:
        if self._state.users == 0:
            self._require_sense()
            return
        self._require_field()
        missing = list(self._confirmed_missing())
        ending = [change for change in self._state.changes if change.ends] + missing
        risk = self._risk(ending)
        if risk is None:
            self._send(ending)
            self._polled.remove(self._state.missing)
        self._send([change for change in self._state.changes if not change.ends])
        if self._is_kept:
            self._polled.keep()
        self.forget()
        if risk is not None:
            raise risk

    def _count(self, reason: str, link: Link | None) -> None:
        """Count a link that would end; a row without an account is not a link that could be lost."""
        if link is not None and link.account:
            self._state.ends[reason] = self._state.ends.get(reason, 0) + 1

    def _risk(self, ending: Sequence[Difference]) -> LinksAtRisk | None:
        """The error that keeps the walk from ending too many links, whatever the reason; else None."""
        ends = self._state.ends
        count = sum(ends.values())
        if count <= max(ALWAYS_ENDED, self._confirmed):
            return None
        linked = sum(bool(link.account) for link in self._store.links(self._settings.domain))
        if count * 10 <= linked:
            return None
        users = ", ".join(change.data["ID"] for change in ending[:MOST_NAMED])
        values = {"missing": 0, "emptied": 0, "dismissed": 0} | ends
        ellipsis = ", …" if count > MOST_NAMED else ""
        return LinksAtRisk(count, linked=linked, users=users + ellipsis, **values)

    def _require_sense(self) -> None:
        """Raise for a walk that saw no user: no portal is empty, and the portal may have misread the date."""
        if self._since is None:
            raise DoubtfulAnswer("RESYNC_EMPTY")
        if not self._portal.users_page(0, self._select, LONG_AGO):
            raise DoubtfulAnswer("RESYNC_DATE_IGNORED")

    def _require_field(self) -> None:
        if not self._field_seen and self._field not in self._portal.fields():
            raise DoubtfulAnswer("RESYNC_FIELD_MISSING", field=self._field)

    def _confirmed_missing(self) -> Iterator[Difference]:
        """The missing users' changes, once the portal was asked for each and said that it knows none.

        The last user of the walk is asked for along with them: a portal that does not
        know even that one no longer gives true answers.
        """
        missing, witness = self._state.missing, self._state.after
        for start in range(0, len(missing), BATCH - 1):
            asked_at = self._now()
            group = missing[start : start + BATCH - 1]
            if self._portal.known([*group, witness]) != {witness}:
                raise DoubtfulAnswer("RESYNC_GONE_FOUND")
            for user in group:
                data = {"ID": str(user), "ACTIVE": "N", self._field: ""}
                yield Difference(int(asked_at.timestamp()), data, True)

    def _send(self, changes: Sequence[Difference]) -> None:
        """Publish one message per change, several at once, because some queues take them together."""
        if not self._dry_run:
            messages = [self._message(change) for change in changes]
            with ThreadPoolExecutor(PUBLISHERS) as pool:
                try:
                    for _ in pool.map(lambda m: self._publish(m.to_bytes(), m.attributes("")), messages):
                        pass
                finally:
                    pool.shutdown(cancel_futures=True)
        self._summary.published += len(changes)
        self._summary.unlinked += sum(change.ends for change in changes)

    def _message(self, change: Difference) -> Message:
        asked_at = datetime.fromtimestamp(change.asked_at, UTC)
        return observed_message(self._settings.domain, change.data, asked_at, self._now())

    def _keep(self) -> None:
        if self._is_kept:
            self._polled.keep()
            self._state.keep(self._store)
