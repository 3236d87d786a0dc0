"""What is wrong with a file of ours, and who can read it."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from gateway.errors import GatewayError, SettingError
from gateway.journal import Journal
from gateway.links import open_store
from gateway.links.sql_engine import unavailable
from gateway.local.serve import _look_at_files
from gateway.queues.sqlite import EmbeddedQueue
from gateway.settings import load
from gateway.sqlite_file import file_at, kind_of_problem, made_for, make_private
from gateway.startup import exposed_dotenv


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        ("database disk image is malformed", "CORRUPT"),
        ("file is not a database", "CORRUPT"),
        ("database or disk is full", "FULL"),
        ("[Errno 28] No space left on device", "FULL"),
        ("disk I/O error", "FAILED"),
        ("database is locked", "FAILED"),
    ],
)
def test_each_problem_with_a_file_has_its_kind(problem: str, kind: str, tmp_path: Path) -> None:
    assert kind_of_problem(problem, tmp_path / "queue.db") == kind


def test_an_existing_file_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "queue.db"
    make_private(path)
    for file in (path, path.with_name("queue.db-wal")):
        file.touch()
        file.chmod(0o664)
    sqlite_file = file_at(path)
    make_private(path)
    assert sqlite_file == file_at(path) is not None
    assert [file.stat().st_mode & 0o777 for file in sorted(path.parent.iterdir())] == [0o600, 0o600]
    assert file_at(tmp_path / "none") is None


def test_a_file_of_settings_that_others_can_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert exposed_dotenv(path) is None
    path.touch()
    path.chmod(0o600)
    assert exposed_dotenv(path) is None
    path.chmod(0o640)
    assert exposed_dotenv(path) == path.resolve()


@pytest.mark.parametrize("words", ["disk I/O error", "unable to open database file"])
def test_a_full_disk_under_the_links_is_reported_as_one(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'links.db'}")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=0))
    assert unavailable(sqlite3.OperationalError(words), engine).key == "STORE_FULL"


def make(setting: str, path: Path) -> None:
    """Open the file as the part of the gateway does that the setting is of."""
    if setting == "QUEUE_URL":
        EmbeddedQueue(path).depths()
    elif setting == "JOURNAL_URL":
        journal = Journal(path)
        journal.add_unqueued({})
        journal.close()
    else:
        open_store(load({"DATABASE_URL": f"sqlite:///{path}"}, None).database).close()


SETTINGS = ("QUEUE_URL", "DATABASE_URL", "JOURNAL_URL")


@pytest.mark.parametrize("made", SETTINGS)
@pytest.mark.parametrize("opened", SETTINGS)
def test_a_file_is_never_another_settings_too(made: str, opened: str, tmp_path: Path) -> None:
    path = tmp_path / "file.db"
    make(made, path)
    values = {name: f"sqlite:///{tmp_path}/{name}.db" for name in SETTINGS} | {opened: f"sqlite:///{path}"}
    settings = load(values, None)
    if made == opened:
        make(opened, path)
        _look_at_files(settings)
        return
    with closing(sqlite3.connect(path)) as connection:
        assert made_for(connection, opened) == made
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        with pytest.raises(SettingError) as caught:
            _look_at_files(settings)
        assert (caught.value.name, caught.value.key) == (opened, "EXPECTED_OWN_FILE")
        with suppress(GatewayError):
            make(opened, path)
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == tables
