"""What the sentences on a corrupt file advise, run by sqlite3 on files that are corrupt: what comes back."""

import json
import random
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.journal import Journal
from gateway.links import open_store
from gateway.locations import SqliteFile
from gateway.queues.sqlite import EmbeddedQueue
from gateway.queues.subscriptions import Subscription
from gateway.texts import say
from tests.support.deliveries import PORTAL

PAGE = 4096
COMMAND = re.compile(r"sqlite3 \S+ \.(?:recover|dump)[^;()]*?recovered\.db")

pytestmark = pytest.mark.skipif(shutil.which("sqlite3") is None, reason="sqlite3 is missing")


def spoil(path: Path, *pages: int) -> None:
    """Overwrite pages as a failing disk does, counted from the file's end where negative."""
    content = bytearray(path.read_bytes())
    for page in pages:
        start = page % (len(content) // PAGE) * PAGE
        content[start : start + PAGE] = random.Random(page).randbytes(PAGE)
    path.write_bytes(content)


def follow_the_advice(path: Path, key: str) -> None:
    """Run the first of the commands that sqlite3 can, and put what it saved in the file's place."""
    advice = say(key, "en", path=path.name, problem="").replace("FILE", path.name)
    commands = COMMAND.findall(advice)
    assert len(commands) == 2
    for command in commands:
        process = subprocess.run(["sh", "-c", command], cwd=path.parent, capture_output=True, text=True)
        if "SQL logic error" not in process.stderr:
            break
        (path.parent / "recovered.db").unlink(missing_ok=True)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        (path.parent / name).unlink(missing_ok=True)
    (path.parent / "recovered.db").rename(path)


def queue_at(path: Path) -> EmbeddedQueue:
    return EmbeddedQueue(path, subscriptions=[Subscription(name, lambda _: True) for name in "ab"])


def test_messages_of_a_corrupt_queue_come_back_unchanged_and_new_ones_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    queue = queue_at(path)
    data_by_id = {}
    for number in range(300):
        data = json.dumps({"number": number, "text": "ы" * (number * 7 % 900)}, ensure_ascii=False).encode()
        data_by_id[queue.publish(data, {"event": "E", "event_id": str(number)}, 10)] = data
    [leased] = queue.lease("a", 3600)
    queue.close()
    spoil(path, -40)
    with closing(sqlite3.connect(path)) as corrupt, pytest.raises(sqlite3.DatabaseError):
        corrupt.execute("SELECT sum(length(data)) FROM messages NOT INDEXED").fetchall()
    follow_the_advice(path, "QUEUE_FILE_CORRUPT")
    queue = queue_at(path)
    back = queue.lease("b", 60, 1000)
    assert 250 < len(back) < 300
    assert all(data_by_id[message.message_id] == message.data for message in back)
    assert leased.message_id not in {message.message_id for message in queue.lease("a", 60, 1000)}
    new = queue.publish(b"new", {"event": "E", "event_id": "new"}, 10)
    assert new not in data_by_id
    assert [message.data for message in queue.lease("b", 60, 1000)] == [b"new"]
    queue.close()


def test_events_in_a_corrupt_journal_come_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(path)
    for number in range(300):
        journal.add_outcome({"code": "LINK_SYNCED", "event_id": f"{number:064}", "subscription": "s"})
    for number in range(200):
        journal.add_unqueued({"event_id": str(number), "payload": "x" * 500})
    journal.close()
    spoil(path, -10)
    follow_the_advice(path, "JOURNAL_CORRUPT")
    journal = Journal(path)
    back = [message.record["event_id"] for message in journal.unqueued()]
    assert len(back) > 150
    assert set(back) < set(map(str, range(200)))
    assert journal.add_unqueued({"event_id": "new", "payload": ""})
    assert [message.record["event_id"] for message in journal.unqueued()][-1] == "new"
    journal.close()


def test_links_of_a_corrupt_store_come_back(tmp_path: Path) -> None:
    path = tmp_path / "links.db"
    open_store(SqliteFile(path)).close()
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
    with closing(sqlite3.connect(path)) as file, file:
        file.executemany(
            "INSERT INTO links (portal, bitrix_user_id, telegram_id, active, observed_at, updated_at)"
            " VALUES (?, ?, ?, 1, ?, ?)",
            [(PORTAL, number, number + 1000, now, now) for number in range(1, 2001)],
        )
    spoil(path, -12)
    follow_the_advice(path, "STORE_CORRUPT")
    store = open_store(SqliteFile(path))
    back = {link.bitrix_user_id: link.telegram_id for link in store.links()}
    store.close()
    assert len(back) > 1000
    assert all(account == user + 1000 for user, account in back.items())


@pytest.mark.parametrize("key", ["QUEUE_FILE_CORRUPT", "JOURNAL_CORRUPT"])
def test_nothing_comes_back_of_what_is_no_database_and_the_gateway_starts_anew(
    key: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.db"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(GatewayError):
        list(Journal(path).unqueued())
    (tmp_path / "recovered.db").touch()
    follow_the_advice(path, key)
    if key == "JOURNAL_CORRUPT":
        assert Journal(path).add_unqueued({"event_id": "new"})
        assert [message.record["event_id"] for message in Journal(path).unqueued()] == ["new"]
    else:
        assert queue_at(path).publish(b"new", {"event": "E"}, 10)
