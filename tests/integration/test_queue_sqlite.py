"""The embedded queue's own promises: leases, backoff, dead letters, a failing file, `kill -9`."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from gateway.errors import QueueUnavailable
from gateway.local.feed import by_object
from gateway.queues import open_embedded, open_publisher
from gateway.queues.model import Delivery
from gateway.queues.sqlite import EmbeddedQueue
from gateway.queues.subscriptions import Subscription
from gateway.settings import load
from gateway.tools.recovery import put_back, queue_letters
from tests.support.clock import Clock
from tests.support.commands import Process, start_command
from tests.support.errors import raises
from tests.support.queues import acknowledge, leased, retry

FIRST_EDITION = Path(__file__).parents[1] / "support" / "queue_first_edition.sql"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(tmp_path: Path, clock: Clock) -> Iterator[EmbeddedQueue]:
    queue = EmbeddedQueue(tmp_path / "queue.db", max_attempts=3, clock=clock)
    yield queue
    queue.close()


def lease(queue: EmbeddedQueue, seconds: float = 60) -> Delivery:
    delivery = leased(queue, seconds)
    assert delivery is not None
    return delivery


def test_a_leased_message_is_leased_to_nobody_else(queue: EmbeddedQueue) -> None:
    queue.publish(b"1", {}, 1)
    delivery = lease(queue)
    assert (delivery.data, delivery.attempt) == (b"1", 1)
    assert leased(queue, 60) is None
    assert acknowledge(queue, delivery)
    assert queue.depth() == 0


def test_a_lease_that_runs_out_gives_the_message_to_the_next(queue: EmbeddedQueue, clock: Clock) -> None:
    queue.publish(b"1", {}, 1)
    first = lease(queue)
    clock.now += 60
    second = lease(queue)
    assert (second.message_id, second.attempt) == (first.message_id, 2)
    assert not acknowledge(queue, first)
    assert not retry(queue, first, "late")
    assert leased(queue, 60) is None, "the late worker's answer must not free the message"
    assert acknowledge(queue, second)
    assert not acknowledge(queue, second)


def test_a_clock_that_is_set_back_delays_nothing(tmp_path: Path, clock: Clock) -> None:
    """What is in hand keeps its lease, which its worker renews by the new time."""
    steady = Clock(0.0)
    queue = EmbeddedQueue(tmp_path / "queue.db", clock=clock, steady=steady)
    for number in range(3):
        queue.publish(b"%d" % number, {}, 1)
    first_lease, failed = lease(queue), lease(queue)
    assert queue.settle([], [(failed, "later", 30.0)]) == 1
    clock.now += 10 - 86_400
    steady.now += 10
    assert leased(queue, 60) is None
    queue.take_back()
    assert lease(queue).data == b"2"
    assert leased(queue, 60) is None
    clock.now += 20
    steady.now += 20
    queue.take_back()
    assert lease(queue).data == failed.data
    assert acknowledge(queue, first_lease)
    queue.close()


def test_two_workers_follow_a_clock_that_is_set_back_only_once(tmp_path: Path, clock: Clock) -> None:
    """The second once moved what the first had moved: due in 10 s instead of 60."""
    steady, path = Clock(0.0), tmp_path / "queue.db"
    with ExitStack() as stack:
        first_worker, second_worker = (
            stack.enter_context(closing(EmbeddedQueue(path, clock=clock, steady=steady))) for _ in range(2)
        )
        wait_for_an_attempt(first_worker, 60.0)
        second_worker.take_back()
        clock.now -= 50
        first_worker.take_back()
        second_worker.take_back()
        assert due_in(first_worker, clock) == 60.0
        clock.now -= 50
        # A process that starts only now follows the clock, too, and only once.
        second_worker.close()
        second_worker.take_back()
        first_worker.take_back()
        assert due_in(first_worker, clock) == 60.0


def test_a_locked_file_does_not_lose_how_far_the_clock_was_set_back(tmp_path: Path, clock: Clock) -> None:
    """The offset was once noted before the messages were moved: they stayed due in 1860 s."""
    path = tmp_path / "queue.db"
    with closing(EmbeddedQueue(path, clock=clock, steady=Clock(0.0))) as queue:
        wait_for_an_attempt(queue, 60.0)
        clock.now -= 1800
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.MonkeyPatch.context() as patch, raises(QueueUnavailable, "locked"):
                patch.setattr("gateway.queues.sqlite.WORKER_TIMEOUT", 0.1)
                queue.take_back()
            other.execute("ROLLBACK")
        queue.take_back()
        assert due_in(queue, clock) == 60.0


def test_another_run_of_the_machine_moves_nothing(tmp_path: Path, clock: Clock) -> None:
    """Its steady clock says nothing about the one before; a clock set forward says nothing either."""
    path = tmp_path / "queue.db"
    with closing(EmbeddedQueue(path, clock=clock, steady=Clock(0.0))) as queue:
        wait_for_an_attempt(queue, 60.0)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("UPDATE clock SET boot = 'an earlier one', ahead = ahead + 86400")
        queue.take_back()
        assert due_in(queue, clock) == 60.0
        clock.now += 10
        queue.take_back()
        assert due_in(queue, clock) == 50.0
        clock.now -= 10
        queue.take_back()
        assert due_in(queue, clock) == 50.0


def test_a_file_of_the_second_edition_follows_the_clock_from_its_first_use(
    tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "queue.db"
    with closing(EmbeddedQueue(path, clock=clock)) as queue:
        wait_for_an_attempt(queue, 60.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE clock")
        connection.execute("PRAGMA user_version = 2")
    with closing(EmbeddedQueue(path, clock=clock, steady=Clock(0.0))) as queue:
        assert queue.depth() == 1
        clock.now -= 50
        queue.take_back()
        assert due_in(queue, clock) == 60.0


def wait_for_an_attempt(queue: EmbeddedQueue, seconds: float) -> None:
    """Let one message fail, so that it is due again in so many seconds."""
    queue.publish(b"1", {}, 1)
    assert queue.settle([], [(lease(queue), "later", seconds)]) == 1


def due_in(queue: EmbeddedQueue, clock: Clock) -> float:
    with closing(sqlite3.connect(queue.path)) as connection:
        (due_at,) = connection.execute("SELECT due_at FROM messages").fetchone()
    return float(due_at - clock.now)


def test_backoff_doubles_from_a_second_to_a_minute(tmp_path: Path, clock: Clock) -> None:
    queue = EmbeddedQueue(tmp_path / "queue.db", max_attempts=100, clock=clock)
    queue.publish(b"1", {}, 1)
    for delay in [1, 2, 4, 8, 16, 32, 60, 60, 60]:
        assert retry(queue, lease(queue), "not now")
        clock.now += delay - 0.01
        assert leased(queue, 60) is None
        clock.now += 0.02
    queue.close()


def test_out_of_attempts_is_a_dead_letter_with_its_reason(queue: EmbeddedQueue, clock: Clock) -> None:
    message_id = queue.publish(b"1", {"event": "ONUSERADD"}, 1)
    for _ in range(3):
        retry(queue, lease(queue), "the store is down")
        clock.now += 60
    assert leased(queue, 60) is None
    [dead] = queue.dead_letters()
    assert (dead.id, dead.data, dead.attributes) == (message_id, b"1", {"event": "ONUSERADD"})
    assert (dead.reason, dead.attempts) == ("the store is down", 3)
    assert dead.recorded_at == clock.now - 60
    queue.remove_dead_letter(dead.id)
    assert list(queue.dead_letters()) == []


def test_a_message_that_kills_its_workers_ends_as_a_dead_letter(queue: EmbeddedQueue, clock: Clock) -> None:
    queue.publish(b"deadly", {}, 1)
    for _ in range(3):
        lease(queue)
        clock.now += 60
    queue.publish(b"good", {}, 1)
    assert lease(queue).data == b"good"
    [dead] = queue.dead_letters()
    assert (dead.data, dead.reason, dead.attempts) == (b"deadly", "REASON_NO_WORKER", 3)


def test_a_postponed_message_loses_no_attempt(queue: EmbeddedQueue, clock: Clock) -> None:
    queue.publish(b"patient", {}, 1)
    for _ in range(10):
        delivery = lease(queue)
        assert delivery.attempt == 1
        assert queue.settle([], put_off=[(delivery, "the portal hangs", 30.0)]) == 1
        assert queue.lease("messages", 60) == []
        clock.now += 30
    assert list(queue.dead_letters()) == []


def test_only_the_holder_of_a_lease_extends_it(queue: EmbeddedQueue, clock: Clock) -> None:
    queue.publish(b"1", {}, 1)
    first = lease(queue)
    clock.now += 50
    queue.extend([first], 60)
    clock.now += 50
    assert leased(queue, 60) is None
    clock.now += 10
    second = lease(queue)
    queue.extend([first], 600)
    clock.now += 60
    assert lease(queue).attempt == second.attempt + 1


def test_the_reason_of_the_newest_failure_is_read(queue: EmbeddedQueue) -> None:
    for reason in ("Z the old reason", "A the newest reason"):
        queue.publish(b"1", {}, 1)
        queue.settle([], [(lease(queue), reason, 30.0)])
    assert queue.failing() == {"messages": (2, "A the newest reason")}


def test_a_message_that_cannot_be_stored_fails_alone(queue: EmbeddedQueue) -> None:
    with ThreadPoolExecutor(8) as pool:
        # All of them wait, to be stored together.
        with queue._file.lock:
            odd = pool.submit(queue.publish, b"odd", {"event": "ON\ud800"}, 30)
            other_publishes = [pool.submit(queue.publish, b"1", {"event": "ON"}, 30) for _ in range(4)]
            with raises(QueueUnavailable, match="surrogate"):
                odd.result(30)
        assert len({publish.result(30) for publish in other_publishes}) == 4
    assert queue.depth() == 4


def test_a_message_whose_workers_died_says_so_as_a_dead_letter(queue: EmbeddedQueue, clock: Clock) -> None:
    notices: list[object] = []
    queue.on_dead = lambda *notice: notices.append(notice)
    queue.publish(b"deadly", {"event_id": "e"}, 1)
    for _ in range(3):
        lease(queue)
        clock.now += 60
    assert notices == []
    assert queue.lease("messages", 60) == []
    assert notices == [("messages", {"event_id": "e"}, 3, "REASON_NO_WORKER")]


def test_failing_messages_starve_nobody(queue: EmbeddedQueue, clock: Clock) -> None:
    for _ in range(50):
        queue.publish(b"bad", {}, 1)
    queue.publish(b"good", {}, 1)
    for _ in range(50):
        retry(queue, lease(queue), "no")
    assert lease(queue).data == b"good"
    clock.now += 5
    queue.publish(b"new", {}, 1)
    assert [lease(queue).data for _ in range(51)].count(b"new") == 1, "nor do new ones starve them"


def test_many_dead_letters_are_read_in_pages(tmp_path: Path, clock: Clock) -> None:
    queue = EmbeddedQueue(tmp_path / "queue.db", max_attempts=1, clock=clock)
    for number in range(250):
        queue.publish(str(number).encode(), {}, 1)
        retry(queue, lease(queue), "no")
    assert [dead.data for dead in queue.dead_letters()] == [str(n).encode() for n in range(250)]
    queue.close()


def test_depth_and_age_of_the_queue_are_read(queue: EmbeddedQueue, clock: Clock) -> None:
    assert (queue.depth(), queue.oldest_age()) == (0, 0.0)
    queue.publish(b"1", {}, 1)
    clock.now += 5
    queue.publish(b"2", {}, 1)
    assert (queue.depth(), queue.oldest_age()) == (2, 5.0)


def test_a_clock_set_back_hides_nothing_for_good(queue: EmbeddedQueue, clock: Clock) -> None:
    queue.publish(b"1", {}, 1)
    clock.now -= 10 * 86_400
    other = EmbeddedQueue(queue.path, clock=clock)
    assert lease(other).data == b"1"
    other.close()


def test_publishing_wakes_a_worker(queue: EmbeddedQueue) -> None:
    woken: list[bool] = []
    queue.on_publish = lambda: woken.append(queue.depth() == 1)
    queue.publish(b"1", {}, 1)
    assert woken == [True]


def test_two_workers_never_hold_one_message(queue: EmbeddedQueue, clock: Clock) -> None:
    for number in range(100):
        queue.publish(str(number).encode(), {}, 1)

    def work(_worker: int) -> list[bytes]:
        mine, own = [], EmbeddedQueue(queue.path, clock=clock)
        while (delivery := leased(own, 600)) is not None:
            mine.append(delivery.data)
            assert acknowledge(own, delivery)
        own.close()
        return mine

    with ThreadPoolExecutor(4) as pool:
        all_data = [data for mine in pool.map(work, range(4)) for data in mine]
    assert sorted(all_data, key=int) == [str(n).encode() for n in range(100)]


def test_publishing_is_durable(queue: EmbeddedQueue) -> None:
    queue.publish(b"1", {}, 1)
    publisher = queue._file.connections["FULL"]
    assert publisher.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert publisher.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_process_has_one_queue_object_per_file(tmp_path: Path) -> None:
    settings = load({"QUEUE_URL": f"sqlite:///{tmp_path}/q.db"}, None)
    assert open_publisher(settings) is open_publisher(settings)


# A file that fails.


def test_a_file_locked_by_another_program_is_unavailable(queue: EmbeddedQueue) -> None:
    queue.publish(b"1", {}, 1)
    other = sqlite3.connect(queue.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with raises(QueueUnavailable, match=r"locked.*Check"):
        queue.publish(b"2", {}, 0.1)
    other.execute("ROLLBACK")
    other.close()
    queue.publish(b"3", {}, 10)
    assert [lease(queue).data, lease(queue).data, leased(queue, 60)] == [b"1", b"3", None]


def test_many_publishers_before_a_locked_file_all_end(queue: EmbeddedQueue) -> None:
    queue.publish(b"0", {}, 1)
    other = sqlite3.connect(queue.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def publish(_number: int) -> bool:
        try:
            queue.publish(b"1", {}, 0.2)
        except QueueUnavailable:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(publish, range(20))) == [False] * 20
    other.execute("ROLLBACK")
    other.close()
    assert not queue._waiting
    queue.publish(b"2", {}, 10)
    assert queue.depth() == 2, "what was given up is not published later"


@pytest.mark.parametrize("kind", ["a directory", "no database", "a file as directory"])
def test_a_path_that_cannot_be_a_queue_is_unavailable(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "queue.db"
    if kind == "a directory":
        path.mkdir()
    else:
        path.write_bytes(b"not a database at all, but some text that is long enough" * 20)
    queue = EmbeddedQueue(path / "queue.db" if kind == "a file as directory" else path)
    with raises(QueueUnavailable, match="is corrupt" if kind == "no database" else "free disk space"):
        queue.publish(b"1", {}, 1)
    queue.close()


def test_a_read_only_file_recovers(queue: EmbeddedQueue) -> None:
    """A disk remounted read-only, as SQLite sees it: `query_only`, as root may write everywhere."""
    queue.publish(b"1", {}, 1)
    queue._file.connections["FULL"].execute("PRAGMA query_only = 1")
    with raises(QueueUnavailable, match="readonly"):
        queue.publish(b"2", {}, 1)
    queue.publish(b"3", {}, 1)
    assert queue.depth() == 2


FILL = """
import resource, signal, sys
from gateway.errors import QueueUnavailable
from gateway.queues.sqlite import EmbeddedQueue
from gateway.texts import text_of
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
queue = EmbeddedQueue(sys.argv[1])
queue.publish(b"first", {}, 10)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, resource.RLIM_INFINITY))
stored = 1
try:
    while stored < 1000:
        queue.publish(b"x" * 100_000, {}, 10)
        stored += 1
except QueueUnavailable as failure:
    print(stored, text_of(failure, 'en'))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    queue.publish(b"after", {}, 10)
"""


def test_a_full_disk_loses_nothing_and_is_recovered_from(tmp_path: Path) -> None:
    """`RLIMIT_FSIZE` is the full disk that needs no rights: the write fails in the middle of the file."""
    path = tmp_path / "queue.db"
    output = subprocess.run(
        [sys.executable, "-c", FILL, str(path)], check=True, capture_output=True, text=True, timeout=120
    ).stdout
    assert "Check the free disk space" in output
    queue = EmbeddedQueue(path)
    assert queue.depth() == int(output.split()[0]) + 1
    queue.close()


# kill -9.

PUBLISHER = r"""
import os, sys
from gateway.queues.sqlite import EmbeddedQueue
queue = EmbeddedQueue(sys.argv[1])
for number in range(100_000):
    name = f"{sys.argv[2]}-{number}"
    queue.publish(name.encode() * int(sys.argv[3]), {"name": name}, 60)
    os.write(1, f"{name}\n".encode())
"""
WORKER = r"""
import os, sys, time
from gateway.queues.sqlite import EmbeddedQueue
queue = EmbeddedQueue(sys.argv[1], max_attempts=1000)
while True:
    taken = queue.lease("messages", 600)
    if not taken:
        time.sleep(0.01)
        continue
    delivery = taken[0]
    os.write(1, delivery.attributes["name"].encode() + b"\n")  # the effect; then it is acknowledged
    queue.settle([delivery])
"""


def start(program: str, output: Path, *arguments: object) -> Process:
    with output.open("ab") as file, open(os.devnull, "r+b") as devnull:
        command = ("-c", program, *map(str, arguments))
        return start_command(
            *command, env=os.environ, cwd=output.parent, stdin=devnull, stdout=file, stderr=devnull
        )


def whole_lines(output: Path) -> list[str]:
    return output.read_text().rpartition("\n")[0].splitlines() if output.exists() else []


def kill(process: Process) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("seed", range(2))
def test_kill_at_any_moment_loses_nothing_that_was_stored(tmp_path: Path, seed: int) -> None:
    dice, path = random.Random(seed), tmp_path / "queue.db"
    published, worked = tmp_path / "published", tmp_path / "worked"
    for turn in range(16):
        publisher = start(PUBLISHER, published, path, turn, dice.choice([1, 1000, 20_000]))
        worker = start(WORKER, worked, path)
        try:
            until = published.read_bytes().count(b"\n") + dice.randrange(1, 40)
            while published.read_bytes().count(b"\n") < until:
                assert publisher.poll() is None, "the publisher failed"
                time.sleep(0.005)
            time.sleep(dice.random() * 0.05)
        finally:
            for process in dice.sample([publisher, worker], 2):
                kill(process)
    stored = set(whole_lines(published))
    queue, names = EmbeddedQueue(path, max_attempts=1000), Counter(whole_lines(worked))
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # These were the killed workers' leases.
        connection.execute("UPDATE messages SET due_at = 0")
    while (delivery := leased(queue, 600)) is not None:
        names[delivery.attributes["name"]] += 1
        assert acknowledge(queue, delivery)
    queue.close()
    assert stored <= set(names)
    repeated = [name for name, times in names.items() if times > 1]
    assert len(repeated) <= 16, "only what a killed worker held comes again"


def test_events_of_one_object_are_leased_together_in_their_order(tmp_path: Path) -> None:
    ordered = Subscription("ordered", lambda _event: True, ordered=True)
    with closing(EmbeddedQueue(tmp_path / "queue.db", subscriptions=[ordered])) as queue:
        for number, task in enumerate("1121321"):
            data = json.dumps({"data": {"FIELDS_AFTER": {"ID": task}}, "number": number})
            queue.publish(data.encode(), {}, 5)
        first = queue.lease("ordered", 60, 4)
        batches = by_object(first)
        assert [[json.loads(delivery.data)["number"] for delivery in batch] for batch in batches] == [
            [0, 1, 3],
            [2],
        ]
        second = queue.lease("ordered", 60, 4)
        assert [delivery.object for delivery in second] == ["3"], "1 and 2 wait for those before them"
        queue.settle(first)
        assert [delivery.object for delivery in queue.lease("ordered", 60, 4)] == ["2", "1"]


def test_an_object_is_of_one_portal_and_kind(tmp_path: Path) -> None:
    """A deal 1, a user 1 and another portal's deal 1 do not wait for each other; one deal's events do."""
    ordered = Subscription("ordered", lambda _event: True, ordered=True)
    with closing(EmbeddedQueue(tmp_path / "queue.db", subscriptions=[ordered])) as queue:

        def publish(event: str, portal: str, data: object) -> None:
            queue.publish(json.dumps({"data": data}).encode(), {"event": event, "portal": portal}, 5)

        publish("ONCRMDEALADD", "p.ru", {"FIELDS": {"ID": "1"}})
        assert len(queue.lease("ordered", 60)) == 1
        publish("ONCRMDEALUPDATE", "p.ru", {"FIELDS": {"ID": 1}})
        publish("ONCRMDEALDELETE", "p.ru", {"FIELDS": {"ID": "1"}})
        publish("ONUSERADD", "p.ru", {"ID": "1"})
        publish("ONTASKUPDATE", "p.ru", {"FIELDS_AFTER": {"ID": "1"}})
        publish("ONCRMDEALUPDATE", "q.ru", {"FIELDS": {"ID": "1"}})
        passed = queue.lease("ordered", 60, 10)
        assert [(delivery.attributes["event"], delivery.attributes["portal"]) for delivery in passed] == [
            ("ONUSERADD", "p.ru"),
            ("ONTASKUPDATE", "p.ru"),
            ("ONCRMDEALUPDATE", "q.ru"),
        ]


def test_a_restart_keeps_the_pause_before_a_destinations_next_attempt(tmp_path: Path, clock: Clock) -> None:
    queue = EmbeddedQueue(tmp_path / "queue.db", clock=clock)
    for pause in (5000.0, 90_000.0):
        queue.publish(b"1", {}, 1)
        queue.settle([], [(lease(queue), "no answer", pause)])
    queue.close()
    clock.now += 1
    assert lease(queue).attempt == 2, "no pause is longer than a day: the clock was set back"
    assert leased(queue, 60) is None
    queue.close()


def test_the_first_editions_file_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST_EDITION.read_text("utf-8"))
    wanting = [
        Subscription("on-user-add", lambda event: event == "ONUSERADD"),
        Subscription("forward-event-1", lambda _event: True, ordered=True),
    ]
    with closing(EmbeddedQueue(path, subscriptions=wanting)) as queue:
        added = queue.lease("on-user-add", 60, 10)
        assert [(delivery.message_id, delivery.attempt) for delivery in added] == [("7", 3)]
        assert [delivery.message_id for delivery in queue.lease("forward-event-1", 60, 10)] == ["7", "8"]
        (dead,) = queue.dead_letters()
        assert (dead.id, dead.reason, dead.subscription) == ("5", "the store does not answer", "")


def test_a_dead_letter_of_one_subscription_goes_back_to_that_one_alone(tmp_path: Path) -> None:
    values = {"FORWARD_TO": "http://a.internal http://b.internal"}
    values["QUEUE_URL"] = f"sqlite:///{tmp_path}/queue.db"
    settings = load(values, None)
    queue = open_embedded(settings)
    queue.publish(b"{}", {"event": "ONTASKADD", "event_id": "e1"}, 10)
    working, failing = queue.subscriptions[-2:]
    [handled], [failed] = queue.lease(working.name, 60), queue.lease(failing.name, 60)
    queue.settle([handled], [(failed, "a.internal: 503", None)])
    with ExitStack() as stack:
        [letter] = queue_letters(settings, stack)
        put_back(letter, queue)
    assert queue.depths() == {failing.name: 1}
    assert list(queue.dead_letters()) == []
    queue.close()


def test_dead_letters_are_read_page_by_page(queue: EmbeddedQueue, tmp_path: Path) -> None:
    """300,000 of them once took 638 MB."""
    for number in range(250):
        queue.publish(b"%d" % number, {"event": "ONUSERADD"}, 10)
    for delivery in queue.lease("messages", 60, 250):
        queue.settle([], [(delivery, "no use", None)])
    letters = queue.dead_letters()
    assert next(letters).data == b"0"
    with closing(sqlite3.connect(tmp_path / "queue.db", timeout=10)) as other, other:
        other.execute("DELETE FROM dead_letters")
    assert len(list(letters)) < 100
