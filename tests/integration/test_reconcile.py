"""The walk over a portal's users: a simulated portal on real HTTP, real links, the real handler."""

import random
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway import events
from gateway.errors import PortalError, PortalUnavailable
from gateway.events import Message, read_message
from gateway.links import open_store
from gateway.links.model import Link, Store
from gateway.locations import store_location
from gateway.portal.client import DoubtfulAnswer, Portal
from gateway.portal.compare import difference, merge
from gateway.portal.polled import Polled
from gateway.portal.reconcile import MOST_WAITING, LinksAtRisk, Summary, walk
from gateway.portal.walk_state import STATE
from gateway.settings import Settings
from handlers.context import Context
from handlers.users import handle
from tests.support.clock import Clock
from tests.support.errors import raises
from tests.support.portal import (
    EMPTY,
    FIELD,
    HANG_UP,
    HTML,
    SECRET,
    TRUNCATED,
    Call,
    PortalSimulator,
    Reply,
    error,
)


class World:
    """A portal, its links, and a queue whose messages are handled when the test says so."""

    def __init__(self, portal: PortalSimulator, clock: Clock, store: Store, **environ: str) -> None:
        self.portal, self.clock, self.store = portal, clock, store
        self.settings: Settings = portal.settings(**environ)
        self.queue: list[Message] = []

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def publish(self, data: bytes, attributes: Mapping[str, str]) -> str:
        assert SECRET not in data.decode()
        message = read_message(data)
        assert attributes["event"] == message.event == "ONUSERUPDATE"
        assert attributes["source"] == message.source == "resync"
        assert attributes["portal"] == message.portal.domain == self.settings.domain
        self.queue.append(message)
        return str(len(self.queue))

    def walk(self, **options: Any) -> Summary:
        self.clock.now += 60
        portal = Portal(self.settings, self.clock, self.clock.sleep, self.clock)
        return walk(self.settings, portal, self.store, self.publish, self.now, **options)

    def deliver(self, shuffled: bool = False) -> None:
        if shuffled:
            random.Random(1).shuffle(self.queue)
        for message in self.queue:
            handle(message, Context(self.settings, self.store, None, self.now))
        self.queue.clear()

    def sync(self) -> Summary:
        summary = self.walk()
        self.deliver()
        return summary

    def linked(self) -> dict[int, int | str]:
        """User → number or name, of those who are linked."""
        rows = ((link.bitrix_user_id, link.telegram_id or link.telegram_username) for link in self.links())
        return {user: account for user, account in rows if account}

    def links(self) -> list[Link]:
        return list(self.store.links(self.settings.domain))

    def changed(self) -> dict[str, Any]:
        return {message.data["ID"]: message.data for message in self.queue}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(store_location(f"sqlite:///{tmp_path}/links.db"))
    yield store
    store.close()


@pytest.fixture
def world(portal: PortalSimulator, clock: Clock, store: Store) -> World:
    return World(portal, clock, store)


@pytest.fixture
def settled(world: World, tmp_path: Path) -> World:
    """After a first round over 300 users, all linked."""
    settle(world, 300, tmp_path / "links.db")
    return world


# What a first round over so many users leaves: the rows of each table, the portal's domain, and the moment.
_settled: dict[int, tuple[dict[str, list[tuple[Any, ...]]], str, float]] = {}


def settle(world: World, count: int, file: Path) -> None:
    """As many linked users after a first round; copied from an earlier test, as each takes 4 ms to link."""
    fill(world, count)
    with closing(sqlite3.connect(file)) as links, links:
        if count not in _settled:
            world.sync()
            world.portal.calls.clear()
            world.clock.slept.clear()
            tables = [
                name for (name,) in links.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            rows = {table: links.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
            _settled[count] = rows, world.settings.domain, world.clock.now
            return
        rows, domain, world.clock.now = _settled[count]
        for table, copied in rows.items():
            links.execute(f"DELETE FROM {table}")
            for row in copied:
                values = [
                    value.replace(domain, world.settings.domain) if isinstance(value, str) else value
                    for value in row
                ]
                links.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", values)


def fill(world: World, count: int, step: int = 1) -> None:
    for number in range(1, count + 1):
        world.portal.add(number * step, 1000 + number)


def after(boundary: int, reply: Reply) -> Callable[[Call], Reply | None]:
    """A fault for requests whose pages begin above `boundary`."""
    return lambda call: reply if call.after is not None and call.after >= boundary else None


# ---- what is published -----------------------------------------------------


def test_a_walk_links_and_the_next_one_changes_nothing(world: World) -> None:
    fill(world, 130)
    world.portal.add(500, None)
    world.portal.add(501, "", active=True)
    world.portal.add(502, 77, active=False)
    first = world.walk()
    assert (first.users, first.published, first.unlinked) == (133, 130, 0)
    world.deliver(shuffled=True)
    assert world.linked() == {number: 1000 + number for number in range(1, 131)}
    second = world.walk()
    assert (second.users, second.published) == (133, 0)
    assert world.store.read_state(STATE) is None


def test_one_message_is_one_user(world: World) -> None:
    world.portal.add(7, " @Seven ")
    world.walk()
    (message,) = world.queue
    assert message.data == {"ID": "7", "ACTIVE": "Y", FIELD: " @Seven "}
    assert message.ts == int(world.clock())
    assert message.portal.domain == world.portal.domain
    assert message.event_handler_id is None


def test_every_kind_of_change_is_found(world: World) -> None:
    for number in range(1, 8):
        world.portal.add(number, 100 + number)
    world.sync()
    world.portal.add(1, "@other_name")  # another account
    world.portal.add(2, "")  # emptied
    world.portal.add(3, 103, active=False)  # dismissed
    del world.portal.users[4]  # gone
    # Somebody's typing changes nothing.
    world.portal.add(5, "no account at all")
    world.portal.add(6, "https://t.me/sixth?x=1")
    world.portal.add(9, None)
    summary = world.walk()
    assert world.changed() == {
        "1": {"ID": "1", "ACTIVE": "Y", FIELD: "@other_name"},
        "2": {"ID": "2", "ACTIVE": "Y", FIELD: ""},
        "3": {"ID": "3", "ACTIVE": "N", FIELD: 103},
        "4": {"ID": "4", "ACTIVE": "N", FIELD: ""},
        "6": {"ID": "6", "ACTIVE": "Y", FIELD: "https://t.me/sixth?x=1"},
    }
    assert (summary.published, summary.unlinked, summary.unreadable) == (5, 3, 1)
    world.deliver(shuffled=True)
    assert world.linked() == {1: "other_name", 5: 105, 6: "sixth", 7: 107}
    assert world.walk().published == 0
    world.portal.add(3, 103)  # hired again
    world.portal.add(4, 104)
    world.sync()
    assert world.linked()[3] == 103
    assert world.linked()[4] == 104
    assert world.walk().published == 0


def test_names_are_compared_without_case(world: World) -> None:
    world.portal.add(1, "@Some_Name")
    world.sync()
    world.portal.add(1, "t.me/some_name/")
    assert world.walk().published == 0


def test_an_account_that_moves_is_not_a_conflict(world: World) -> None:
    world.portal.add(3, 55)
    world.sync()
    world.portal.add(3, None)
    world.portal.add(2, 55)
    world.walk()
    # Whoever gives an account up comes before whoever takes it.
    assert [message.data["ID"] for message in world.queue] == ["3", "2"]
    world.deliver()
    assert world.linked() == {2: 55}
    assert "conflict" not in {row.change for row in world.store.history()}


def test_two_users_with_one_account_come_to_rest(world: World) -> None:
    """Otherwise they would take it from each other at every round."""
    world.portal.add(3, "@shared")
    world.portal.add(9, "@shared")
    for _ in range(3):
        world.sync()
    (holder,) = world.linked()
    assert world.walk().published == 0
    world.portal.add(holder, None)
    world.sync()
    assert world.sync().published <= 1
    assert world.linked() == {12 - holder: "shared"}


@pytest.mark.parametrize("last_first", [False, True])
def test_one_account_of_several_users_is_claimed_once_a_round(world: World, last_first: bool) -> None:
    """Whichever claim the queue delivers first: the next round changes nothing, as nothing changed."""
    for user in (3, 5, 9):
        world.portal.add(user, "@shared")
    assert world.walk().published == 3
    if last_first:
        world.queue.reverse()
    world.deliver()
    links = world.linked()
    assert world.sync().published == 0
    assert world.linked() == links
    # A new claim is the newer one.
    world.portal.add(4, "@SHARED")
    assert world.sync().published == 1
    assert world.linked() == {4: "SHARED"}


def test_links_of_another_portal_are_not_touched(world: World, portal: PortalSimulator) -> None:
    world.portal.add(1, 5)
    other = World(portal, world.clock, world.store, BITRIX24_DOMAIN="other.bitrix24.example")
    other.queue.append(
        Message(
            event_id="x",
            event="ONUSERUPDATE",
            received_at=world.now(),
            source="webhook",
            portal=events.Portal("other.bitrix24.example"),
            data={"ID": 70, FIELD: 9},
        )
    )
    other.deliver()
    world.sync()
    assert world.linked() == {1: 5}
    assert other.linked() == {70: 9}


# ---- not shown is not gone ----------------------------------------------------


def linked_by_event(world: World, user: int, account: object) -> None:
    """An event of the portal's own links somebody whom `user.get` may never show."""
    world.clock.now += 60
    message = Message(
        event_id=f"event-{user}",
        event="ONUSERUPDATE",
        received_at=world.now(),
        source="webhook",
        portal=events.Portal(world.settings.domain),
        data={"ID": user, "ACTIVE": "Y", FIELD: account},
    )
    handle(message, Context(world.settings, world.store, None, world.now))


def test_a_user_never_seen_in_a_walk_is_not_unlinked(world: World) -> None:
    fill(world, 30)
    linked_by_event(world, 900, "@integrator")
    for _ in range(3):
        assert world.sync().unlinked == 0
    assert world.linked()[900] == "integrator"


def test_a_user_seen_in_an_earlier_walk_is_unlinked_once(world: World) -> None:
    """Linked again by an event while the portal's list does not show the user, that link stays."""
    fill(world, 120)
    world.sync()
    del world.portal.users[7]
    assert world.sync().unlinked == 1
    linked_by_event(world, 7, "@back_again")
    assert world.sync().unlinked == 0
    assert world.linked()[7] == "back_again"


def test_a_dry_run_remembers_nobody(world: World) -> None:
    linked_by_event(world, 5, 500)
    fill(world, 20)
    world.walk(dry_run=True)
    del world.portal.users[5]
    assert world.sync().unlinked == 0


LOSSES: dict[str, Callable[[World, int], object]] = {
    "missing": lambda world, user: world.portal.users.pop(user),
    "emptied": lambda world, user: world.portal.add(user, None),
    "dismissed": lambda world, user: world.portal.add(user, 1000 + user, active=False),
}


@pytest.mark.parametrize("reason", LOSSES)
def test_many_links_at_once_end_only_when_confirmed(world: World, reason: str) -> None:
    fill(world, 60)
    world.sync()
    for user in range(1, 8):
        LOSSES[reason](world, user)
    world.portal.add(70, "@newcomer")
    # As often as it is tried.
    for dry_run in (True, False, False):
        with raises(LinksAtRisk, match=f"(?i)7 of 6. links.*{reason}[^:]*: 7") as risk:
            world.walk(dry_run=dry_run)
        assert risk.value.count == 7
        world.deliver()
        # The new link is made all the same.
        assert len(world.linked()) == (60 if dry_run else 61)
    with pytest.raises(LinksAtRisk):
        world.walk(confirmed=6)
    assert world.walk(confirmed=7).unlinked == 7
    world.deliver()
    assert len(world.linked()) == 54
    assert world.walk().published == 0


def test_a_few_links_end_without_a_question(world: World) -> None:
    """Five of six are fine, and so is a tenth, however many that are."""
    fill(world, 6)
    world.sync()
    for user in range(1, 6):
        world.portal.add(user, None)
    assert world.sync().unlinked == 5
    fill(world, 100)
    world.sync()
    for user in range(1, 11):
        world.portal.add(user, None)
    assert world.sync().unlinked == 10


def test_rows_without_an_account_do_not_make_a_loss_look_small(world: World) -> None:
    fill(world, 110)
    world.sync()
    for user in range(1, 111):
        linked_by_event(world, user, "" if user > 10 else f"@user_{user}")
    world.clock.now += 60
    for user in range(1, 111):
        world.portal.add(user, None)
    with raises(LinksAtRisk, match="10 of 10 links"):
        world.walk()


def test_an_interrupted_walk_counts_what_it_would_end_as_a_whole(world: World) -> None:
    fill(world, 200)
    world.sync()
    for user in range(1, 201, 8):
        world.portal.add(user, None)
    world.portal.faults.append(after(100, HANG_UP))
    with pytest.raises(PortalUnavailable):
        world.walk()
    world.portal.faults.clear()
    with raises(LinksAtRisk, match="25 of 200 links"):
        world.walk()
    assert world.queue == []


def test_users_whose_field_cannot_be_read_are_named(world: World) -> None:
    world.portal.add(4, "+7 900 000-00-00")
    world.portal.add(5, "@fine_name")
    world.portal.add(6, "https://t.me/+invitation")
    summary = world.walk()
    assert (summary.unreadable, summary.unreadable_users) == (2, [4, 6])


# ---- nothing is changed by a wrong answer ------------------------------------

HALF_WAY = {
    "html": HTML,
    "truncated": TRUNCATED,
    "error": error("ERROR_CORE", 200),
    "500": Reply(500, b"<html></html>", "text/html"),
    "scope": error("insufficient_scope", 401),
    "no users": Reply(body=b'{"result": {"1": 2}, "time": {}}'),
}


def with_reasons_to_unlink(world: World) -> dict[int, int | str]:
    """Four users of whom the next round has something to say; the links before it."""
    before = world.linked()
    del world.portal.users[5]
    world.portal.add(6, None)
    world.portal.add(7, 1007, active=False)
    world.portal.add(8, "@new_account")
    return before


@pytest.mark.parametrize("name", HALF_WAY)
def test_an_error_half_way_publishes_nothing_and_is_taken_up_there(settled: World, name: str) -> None:
    world = settled
    before = with_reasons_to_unlink(world)
    world.portal.faults.append(after(150, HALF_WAY[name]))
    with pytest.raises(PortalError):
        world.walk()
    assert world.queue == []
    world.portal.faults.clear()
    world.portal.calls.clear()
    summary = world.walk()
    assert world.portal.pages_asked()[0] == summary.continued_after == 151
    assert summary.users == 299
    assert set(world.changed()) == {"5", "6", "7", "8"}
    world.deliver()
    assert set(before) - set(world.linked()) == {5, 6, 7}


def test_an_interrupted_walk_continues_where_it_stopped(settled: World) -> None:
    world = settled
    with_reasons_to_unlink(world)
    world.portal.faults.append(after(50, HANG_UP))
    with pytest.raises(PortalUnavailable):
        world.walk()
    assert world.queue == []
    world.portal.faults[:] = [after(200, HANG_UP)]
    with pytest.raises(PortalUnavailable):
        world.walk()
    world.portal.faults.clear()
    world.portal.calls.clear()
    world.walk()
    assert world.portal.pages_asked()[0] >= 150
    assert set(world.changed()) == {"5", "6", "7", "8"}


def test_a_state_of_another_field_is_not_taken_up(settled: World) -> None:
    world = settled
    with_reasons_to_unlink(world)
    world.portal.faults.append(after(150, HTML))
    with pytest.raises(PortalError):
        world.walk()
    world.portal.faults.clear()
    other = World(world.portal, world.clock, world.store, BITRIX24_TELEGRAM_FIELD_NAME="UF_USR_OTHER")
    world.portal.field = "UF_USR_OTHER"
    world.portal.calls.clear()
    assert other.walk().continued_after == 0


LIES: dict[str, Callable[[list[Any]], list[Any]]] = {
    "the same page again": lambda rows: [{"ID": str(n), "ACTIVE": True, FIELD: None} for n in range(1, 51)],
    "back": lambda rows: [{"ID": "9", "ACTIVE": True, FIELD: None}],
    "out of order": lambda rows: rows[::-1],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_wrong_page_half_way_changes_nothing_and_resets_the_walk(settled: World, lie: str) -> None:
    world = settled
    with_reasons_to_unlink(world)
    world.portal.page_faults.append(
        lambda params, rows: LIES[lie](rows) if str(params["FILTER"].get(">ID", "0")) > "0" else None
    )
    with pytest.raises(DoubtfulAnswer):
        world.walk()
    assert world.queue == []
    world.portal.page_faults.clear()
    assert world.walk().continued_after == 0


def test_a_dropped_filter_changes_nothing(settled: World) -> None:
    world = settled
    with_reasons_to_unlink(world)
    world.portal.dropped = {"ID"}
    with pytest.raises(DoubtfulAnswer):
        world.walk()
    assert world.queue == []


def test_an_empty_portal_changes_nothing(settled: World) -> None:
    world = settled
    with_reasons_to_unlink(world)
    world.portal.faults.append(lambda call: EMPTY)
    with pytest.raises(DoubtfulAnswer):
        world.walk()
    assert world.queue == []


def test_users_left_out_of_the_pages_are_not_gone(settled: World) -> None:
    """Asked for by id, the portal knows them: then its pages were wrong."""
    world = settled
    with_reasons_to_unlink(world)
    world.portal.page_faults.append(lambda params, rows: rows[:20] if ">ID" in params["FILTER"] else None)
    with pytest.raises(DoubtfulAnswer):
        world.walk()
    assert world.queue == []


def test_a_portal_that_falls_silent_unlinks_nobody(settled: World) -> None:
    """An empty page could be the end; but then the last user seen is known, when asked for."""
    world = settled
    with_reasons_to_unlink(world)
    silent = False

    def fault(params: dict[str, Any], rows: list[Any]) -> list[Any] | None:
        nonlocal silent
        silent = silent or str(params["FILTER"].get(">ID", "0")) > "0"
        return [] if silent else None

    world.portal.page_faults.append(fault)
    with pytest.raises(DoubtfulAnswer):
        world.walk()
    assert world.queue == []


@pytest.mark.parametrize("field", [None, "UF_USR_SOMETHING_ELSE"])
def test_an_absent_field_changes_nothing(settled: World, field: str | None) -> None:
    world = settled
    with_reasons_to_unlink(world)
    world.portal.field = field
    with raises(PortalError, match=FIELD):
        world.walk()
    assert world.queue == []


def test_a_field_that_vanished_since_an_interrupted_walk_changes_nothing(settled: World) -> None:
    world = settled
    with_reasons_to_unlink(world)
    world.portal.faults.append(after(150, HTML))
    with pytest.raises(PortalError):
        world.walk()
    world.portal.faults.clear()
    world.portal.field = None
    with raises(PortalError, match=FIELD):
        world.walk()
    assert world.queue == []


def test_a_field_that_only_user_fields_shows_is_there(world: World) -> None:
    fill(world, 3)
    world.sync()
    del world.portal.users[2]
    world.portal.page_faults.append(
        lambda params, rows: [{k: v for k, v in row.items() if k != FIELD} for row in rows]
    )
    world.sync()
    # Absent is not empty; gone is gone.
    assert set(world.linked()) == {1, 3}


def test_a_missing_scope_changes_nothing(settled: World) -> None:
    world = settled
    with_reasons_to_unlink(world)
    world.portal.scopes = {"crm"}
    with raises(PortalError, match=r"user\.get"):
        world.walk()
    assert world.queue == []


def test_a_secret_in_a_field_stays_off_the_queue(world: World) -> None:
    world.portal.add(1, f"https://t.me/name?{SECRET}")
    world.walk()
    assert all(SECRET not in str(message.data) for message in world.queue)


# ---- quick rounds -----------------------------------------------------------


def test_since_sees_the_changed_alone_and_unlinks_nobody_who_is_missing(world: World) -> None:
    fill(world, 120)
    world.sync()
    for number, account in ((10, 5555), (110, None)):
        world.portal.add(number, account, TIMESTAMP_X="2026-05-01T12:00:00+03:00")
    del world.portal.users[3]
    summary = world.walk(since=datetime(2026, 5, 1, 8, 59, 59, tzinfo=UTC))
    assert (summary.users, summary.published) == (2, 2)
    assert set(world.changed()) == {"10", "110"}
    assert world.store.read_state(STATE) is None
    world.deliver()
    assert world.linked()[10] == 5555
    assert 3 in world.linked()


def test_since_without_changes_is_no_fault(world: World) -> None:
    fill(world, 3)
    assert world.walk(since=datetime(2026, 6, 1, tzinfo=UTC)).published == 0


def test_a_date_that_is_not_understood_is_reported(world: World) -> None:
    """The portal then matches nobody, with HTTP 200, whatever the date."""
    fill(world, 3)
    for user in world.portal.users.values():
        user["TIMESTAMP_X"] = "no date"
    with raises(DoubtfulAnswer, match="--since"):
        world.walk(since=datetime(2026, 6, 1, tzinfo=UTC))


def test_a_dropped_date_filter_is_reported(world: World) -> None:
    fill(world, 3)
    world.portal.dropped = {"TIMESTAMP_X"}
    with pytest.raises(DoubtfulAnswer):
        world.walk(since=datetime(2026, 6, 1, tzinfo=UTC))
    assert world.queue == []


def test_a_quick_round_leaves_an_interrupted_walk_alone(settled: World) -> None:
    world = settled
    with_reasons_to_unlink(world)
    world.portal.faults.append(after(150, HTML))
    with pytest.raises(PortalError):
        world.walk()
    state = world.store.read_state(STATE)
    world.portal.faults.clear()
    world.walk(since=datetime(2026, 6, 1, tzinfo=UTC))
    assert world.store.read_state(STATE) == state


@pytest.mark.parametrize(
    "another", [{"pages": 1}, {"changes": [{"data": {}, "cause": "gone"}]}, {"ends": None}]
)
def test_a_state_of_another_edition_begins_the_walk_anew(
    world: World, caplog: pytest.LogCaptureFixture, another: dict[str, Any]
) -> None:
    """It would otherwise stop every round from then on."""
    fill(world, 130)
    world.portal.faults.append(after(50, HTML))
    with pytest.raises(PortalError):
        world.walk()
    state = world.store.read_state(STATE)
    assert state is not None
    state |= another
    world.store.write_state(STATE, {name: value for name, value in state.items() if value is not None})
    world.portal.faults.clear()
    summary = world.walk()
    assert (summary.continued_after, summary.published) == (0, 130)
    assert "RESYNC_STATE_UNKNOWN" in caplog.text


def test_a_dry_run_publishes_and_keeps_nothing(world: World) -> None:
    fill(world, 60)
    summary = world.walk(dry_run=True)
    assert (summary.published, summary.dry_run) == (60, True)
    assert world.queue == []
    assert world.store.read_state(STATE) is None


# ---- limits and size -----------------------------------------------------------


def test_limits_inside_a_batch_are_waited_for(world: World) -> None:
    fill(world, 600)
    world.portal.operating_cost, world.portal.reset_after = 100.0, 200.0
    assert world.walk().published == 600
    assert 0 < world.portal.refused < 20
    assert sum(world.clock.slept) >= 200


def test_a_full_bucket_is_waited_for(world: World) -> None:
    fill(world, 600)
    world.portal.bucket = 2.0
    assert world.walk().published == 600


def test_a_portal_without_chains_is_walked_page_by_page(world: World) -> None:
    fill(world, 300)
    # In a batch, conditions are texts; outside of one they are numbers.
    world.portal.page_faults.append(
        lambda params, rows: rows[::-1] if isinstance(params["FILTER"].get(">ID"), str) else None
    )
    assert world.walk().published == 300


@pytest.mark.parametrize(
    "reply", [HANG_UP, Reply(500, b"", "text/html"), error("ERROR_METHOD_NOT_FOUND", 404)]
)
def test_a_portal_that_fails_at_batches_is_walked_page_by_page(world: World, reply: Reply) -> None:
    fill(world, 300)
    world.portal.faults.append(lambda call: reply if call.method == "batch" else None)
    assert world.sync().published == 300
    del world.portal.users[min(world.portal.users)], world.portal.users[max(world.portal.users)]
    assert world.sync().unlinked == 2


def test_more_new_links_than_can_wait_are_published_on_the_way(world: World) -> None:
    fill(world, MOST_WAITING + 2600)
    world.portal.faults.append(after(MOST_WAITING + 2000, HTML))
    with pytest.raises(PortalError):
        world.walk()
    assert len(world.queue) > MOST_WAITING
    world.portal.faults.clear()
    world.walk()
    assert len({message.event_id for message in world.queue}) == len(world.queue) == MOST_WAITING + 2600


def test_a_small_portal_costs_one_request(world: World) -> None:
    fill(world, 49)
    assert world.walk().requests == len(world.portal.calls) == 1


class FewLinks:
    """100,000 links in order, without a database: what is measured is the walk."""

    def __init__(self, store: Store, users: range, domain: str) -> None:
        self._store, self._users, self._domain = store, users, domain
        self._at = datetime(2026, 1, 1, tzinfo=UTC)

    def links(self, portal: str | None = None, after: int = 0) -> Iterator[Link]:
        first = max(0, (after - self._users.start) // self._users.step + 1)
        for user in self._users[first:]:
            yield Link(self._domain, user, 10_000_000 + user, None, True, self._at, self._at)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_forty_thousand_users_in_flat_memory(world: World) -> None:
    """Requests: one in 2,500 users, within the vendor's limits; memory: that of a batch."""
    users = range(3, 3 + 40_000 * 2, 2)
    for user in users:
        world.portal.users[user] = {
            "ID": str(user),
            "ACTIVE": True,
            "telegram": str(10_000_000 + user),
            "real": True,
        }
    world.portal.users[users[31_000]]["telegram"] = "@moved_there"
    del world.portal.users[users[500]]
    earlier = Polled(world.store, world.settings.domain)
    earlier.add([users[500]])
    earlier.keep()
    world.store = FewLinks(world.store, users, world.settings.domain)
    blocks: list[tuple[int, int]] = []
    summary = world.walk(progress=lambda users, _: blocks.append((users, sys.getallocatedblocks())))
    assert (summary.users, summary.published, summary.unlinked) == (39_999, 2, 1)
    assert summary.requests <= 24
    assert world.portal.refused == 0
    # The last batch runs into the end.
    assert world.portal.commands <= 2 * 800
    early = max(count for users, count in blocks if users < 10_000)
    late = max(count for users, count in blocks if users > 30_000)
    # A walk that kept its users would hold 200,000 more.
    assert late - early < 20_000


# ---- the comparison by itself ------------------------------------------------------


def link(account: int | str | None, active: bool = True) -> Link:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    number, name = (account, None) if isinstance(account, int) else (None, account)
    return Link("p", 1, number, name, active, at, at)


@pytest.mark.parametrize(
    ("row", "link", "ends"),
    [
        ({"ACTIVE": True, FIELD: None}, None, None),
        ({"ACTIVE": True, FIELD: 5}, None, False),
        ({"ACTIVE": False, FIELD: 5}, None, None),
        ({"ACTIVE": True, FIELD: "5"}, link(5), None),
        ({"ACTIVE": True, FIELD: "@a_name"}, link("A_NAME"), None),
        ({"ACTIVE": True, FIELD: " "}, link(5), True),
        ({"ACTIVE": True, FIELD: "+7 900"}, link(5), None),
        ({"ACTIVE": True, FIELD: ["@list", "@more"]}, link(5), None),
        ({"ACTIVE": True, FIELD: ["@one_more"]}, link(5), False),
        ({"ACTIVE": True}, link(5), None),
        ({"ACTIVE": False}, link(5), True),
        ({"ACTIVE": "N", FIELD: 5}, link(None), True),
        ({"ACTIVE": False, FIELD: 5}, link(None, active=False), None),
        ({"ACTIVE": True, FIELD: 5}, link(None, active=False), False),
        ({FIELD: 5}, link(None, active=False), None),
        ({FIELD: 6}, link(5), False),
        ({}, link(5), None),
    ],
)
def test_a_users_row_is_compared_with_its_link(
    row: dict[str, Any], link: Link | None, ends: bool | None
) -> None:
    finding = difference(1, row, link, FIELD)
    assert (None if finding is None else finding[1]) == ends


def test_merge_is_a_merge() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [(number, {"ID": number}) for number in (2, 3, 7)]
    links = [Link("p", number, None, None, True, at, at) for number in (1, 3, 4, 9)]
    merged = [(n, row is not None, link is not None) for n, row, link in merge(rows, links)]
    assert merged == [
        (1, False, True),
        (2, True, False),
        (3, True, True),
        (4, False, True),
        (7, True, False),
        (9, False, True),
    ]
