"""The journal keeps what people ask for later, never fails a request, and stays small."""

import itertools
import logging
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway import journal as module
from gateway.journal import Journal, JournalUnavailable, open_journal
from gateway.settings import load


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Iterator[Journal]:
    journal = Journal(f"sqlite:///{tmp_path}/var/journal.db", "en", clock)
    yield journal
    journal.close()


def test_records_come_back_in_order_as_they_were(journal: Journal, clock: Clock) -> None:
    assert journal.add("refusal", {"code": "TOKEN_NOT_FOUND", "causes": [{"says": "Ё\n"}]})
    clock.now += 10
    assert journal.add("delivery", {"event": "ONUSERADD"})
    first, second = journal.records()
    assert (first.kind, first.record["causes"]) == ("refusal", [{"says": "Ё\n"}])
    assert second.at == datetime.fromtimestamp(clock.now, UTC) == journal.latest_delivery()
    assert [r.id for r in journal.records("delivery")] == [second.id]
    assert [r.id for r in journal.records(since=second.at)] == [second.id]
    assert [r.id for r in journal.records(after=first.id)] == [second.id]
    assert [r.id for r in journal.records(limit=1)] == [first.id]
    assert [r.id for r in journal.newest("refusal", 5)] == [first.id]


def test_a_journal_that_is_not_there_yet_is_empty(journal: Journal) -> None:
    assert list(journal.records()) == []
    assert journal.latest_delivery() is None
    assert journal.forget("p.bitrix24.ru", 1) == 0
    journal.remove(1)
    assert not journal.path.exists()


def test_many_records_are_read_in_pages(journal: Journal) -> None:
    for number in range(250):
        journal.add("delivery", {"n": number})
    assert [r.record["n"] for r in journal.records()] == list(range(250))
    assert len(list(journal.records(limit=120))) == 120


def test_following_shows_what_comes(journal: Journal) -> None:
    numbers = itertools.count()

    def sleep(_seconds: float) -> None:
        journal.add("delivery", {"n": next(numbers)})

    followed = journal.follow("delivery", sleep=sleep)
    assert [record.record["n"] for record in itertools.islice(followed, 3)] == [0, 1, 2]


def test_it_stays_small_and_keeps_events_not_queued(
    journal: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_ROWS", 100)
    monkeypatch.setattr(module, "TRIM_ROWS", 10)
    journal.add("not_queued", {"payload": "{}"})
    for number in range(200):
        journal.add("refusal", {"n": number})
        journal.add("delivery", {"n": number})
    assert 100 <= len(list(journal.records("refusal"))) <= 110
    assert list(journal.records("refusal"))[-1].record == {"n": 199}
    clock.now += module.KEPT_SECONDS + 1
    for number in range(10):
        journal.add("delivery", {"n": number})
    assert len(list(journal.records("delivery"))) <= 20
    assert list(journal.records("refusal")) == []
    assert len(list(journal.records("not_queued"))) == 1


def test_it_stays_under_a_hundred_megabytes(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 800_000)
    monkeypatch.setattr(module, "TRIM_BYTES", 50_000)
    for _ in range(300):
        journal.add("refusal", {"body": "x" * 10_000})
    assert 60 <= len(list(journal.records())) <= 85
    assert journal.path.stat().st_size < 1_000_000


def test_a_failing_journal_fails_nobody_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "var").write_text("in the way")
    journal = Journal(f"sqlite:///{tmp_path}/var/journal.db", "en")
    assert [journal.add("delivery", {}) for _ in range(3)] == [False] * 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "Check JOURNAL_URL" in caplog.text
    (tmp_path / "var").unlink()
    assert journal.add("delivery", {})
    journal.close()


def test_an_unreadable_journal_is_said_to_tools(journal: Journal) -> None:
    journal.path.parent.mkdir()
    journal.path.write_bytes(b"not a database" * 200)
    with pytest.raises(JournalUnavailable, match="Check JOURNAL_URL"):
        list(journal.records())
    with pytest.raises(JournalUnavailable):
        journal.remove(1)


def test_a_locked_journal_is_given_up(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITE_SECONDS", 0.05)
    journal.add("delivery", {})
    journal.close()
    other = sqlite3.connect(journal.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert not journal.add("not_queued", {})
    other.execute("ROLLBACK")
    other.close()
    assert journal.add("not_queued", {})


def test_threads_share_it(journal: Journal) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda n: journal.add("delivery", {"n": n}), range(200)))
    assert sorted(r.record["n"] for r in journal.records()) == list(range(200))


def test_a_person_is_forgotten(journal: Journal) -> None:
    gone = [
        ("not_queued", {"payload": '{"event": "ONUSERADD", "portal": "p.bitrix24.ru", "data": {"ID": "7"}}'}),
        (
            "not_queued",
            {"payload": '{"event": "ONUSERUPDATE", "portal": {"x": "p.bitrix24.ru"}, "data": {"id": 7}}'},
        ),
        ("capture", {"body": "event=ONUSERADD&data%5BID%5D=7&auth%5Bdomain%5D=p.bitrix24.ru"}),
        ("capture", {"body": "event=ONUSERADD&data[FIELDS][ID]=7&auth[domain]=p.bitrix24.ru"}),
    ]
    stays = [
        (
            "not_queued",
            {"payload": '{"event": "ONUSERADD", "portal": "p.bitrix24.ru", "data": {"ID": "77"}}'},
        ),
        ("not_queued", {"payload": '{"event": "ONUSERADD", "portal": "q.bitrix24.ru", "data": {"ID": "7"}}'}),
        (
            "not_queued",
            {"payload": '{"event": "ONCRMDEALADD", "portal": "p.bitrix24.ru", "data": {"ID": "7"}}'},
        ),
        (
            "not_queued",
            {"payload": '{"event": "ONUSERADD", "portal": "p.bitrix24.ru", "data": {"UID": "7"}}'},
        ),
    ]
    for kind, record in gone + stays:
        journal.add(kind, record)  # type: ignore[arg-type]
    assert journal.forget("p.bitrix24.ru", 7) == len(gone)
    assert [record.record for record in journal.records()] == [record for _, record in stays]


def test_one_object_a_process(tmp_path: Path) -> None:
    settings = load({"JOURNAL_URL": f"sqlite:///{tmp_path}/j.db"}, None)
    assert open_journal(settings) is open_journal(settings)


def test_a_file_without_a_byte_is_an_empty_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.db").touch()
    journal = Journal(f"sqlite:///{tmp_path}/journal.db")
    assert list(journal.records()) == journal.newest(None, 5) == []
    journal.remove(1)
    assert journal.add("delivery", {"event": "X"})
    assert [record.record for record in journal.newest(None, 5)] == [{"event": "X"}]
    journal.close()
