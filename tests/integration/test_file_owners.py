"""Whose the files of one machine are: what another user is told, and what root leaves to the service."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.errors import StoreUnavailable
from gateway.journal import open_journal
from gateway.links import open_store
from gateway.local.serve import unwritable_files
from gateway.locations import store_location
from gateway.queues import open_embedded
from gateway.settings import load
from gateway.texts import text_of
from tests.support.deliveries import TOKEN
from tests.support.errors import raises

# A number that every system has for nobody.
SERVICE = 65534
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that everybody may enter: pytest's own are its user's alone."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        home.chmod(0o755)
        monkeypatch.chdir(home)
        (home / ".env").write_text(f"BITRIX24_OUTGOING_WEBHOOK_TOKEN={TOKEN}\nLOG_LANGUAGE=en\n")
        (home / "var").mkdir(mode=0o700)
        yield home


@contextmanager
def somebody_else() -> Iterator[None]:
    os.seteuid(SERVICE)
    try:
        yield
    finally:
        os.seteuid(0)


def use_all_files() -> None:
    settings = load()
    open_embedded(settings).depth()
    open_store(settings.database).close()
    journal = open_journal(settings)
    journal.add_requeued("ONUSERADD", "id", 0.0, "")
    journal.close()


def let_go() -> None:
    """Close what this process keeps open: another user's would be another process."""
    settings = load()
    open_embedded(settings).close()
    open_journal(settings).close()


@pytest.mark.parametrize("folder", [0o700, 0o755])
@pytest.mark.parametrize(
    "command", [["links"], ["events"], ["dead-letters"], ["replay"], ["rejections"], ["links", "--json"]]
)
def test_another_user_is_told_whose_the_files_are(
    home: Path, capsys: pytest.CaptureFixture[str], command: list[str], folder: int
) -> None:
    use_all_files()
    (home / "var").chmod(folder)
    # The owner's own way, which also imports what the command needs.
    assert main(command) in (0, 1)
    let_go()
    capsys.readouterr()
    with somebody_else():
        assert main(command) == 2
    printed = capsys.readouterr()
    assert printed.out.strip() in ("", "[]")
    assert "belongs to root, and this program runs as" in printed.err
    assert "sudo -u root ./b24" in printed.err


def test_the_doctor_tells_another_user_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    use_all_files()
    main(["doctor"])
    let_go()
    capsys.readouterr()
    with somebody_else():
        assert main(["doctor"]) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗")]
    assert lines
    assert all("belongs to root" in line for line in lines), lines


def test_a_file_of_settings_that_is_closed_is_told_apart_from_its_encoding(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".env").chmod(0o600)
    with somebody_else():
        assert main(["links"]) == 2
    assert "sudo -u root" in capsys.readouterr().err


def test_the_doctor_advises_on_a_closed_file_of_settings_what_opens_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".env").chmod(0o600)
    with somebody_else():
        assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "Запустите doctor от имени пользователя root или дайте права на чтение файла .env" in printed
    assert "Исправьте .env" not in printed


def test_what_root_creates_belongs_to_the_folders_owner(home: Path) -> None:
    os.chown(home / "var", SERVICE, SERVICE)
    use_all_files()
    files = sorted((home / "var").iterdir())
    assert {"queue.db", "links.db", "journal.db"} <= {file.name for file in files}
    assert {file.name: file.stat().st_uid for file in files if file.stat().st_uid != SERVICE} == {}


def problems_of_serve() -> list[str]:
    with somebody_else():
        settings = load()
        return [text_of(problem, settings.language) for problem in unwritable_files(settings)]


def test_serve_says_which_files_it_cannot_create(home: Path) -> None:
    """It once said that the database did not answer, and that the journal was too slow."""
    assert unwritable_files(load()) == []
    (home / "var").rmdir()
    lines = problems_of_serve()
    assert [line.partition(":")[0] for line in lines] == ["QUEUE_URL", "DATABASE_URL", "JOURNAL_URL"]
    for line in lines:
        assert f"{home} is not writable. Give write access to {home} or set another path" in line


def test_serve_says_whose_its_queue_is(home: Path) -> None:
    use_all_files()
    let_go()
    (home / "var").chmod(0o755)
    (line,) = problems_of_serve()
    assert "belongs to root, and this program runs as" in line


@pytest.mark.parametrize(
    ("make_file", "sentence"),
    [
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_text("not a database, but sixteen bytes"), "is corrupt"),
        (lambda path: path.write_text(""), None),
    ],
    ids=["a directory", "another file", "nothing yet"],
)
def test_serve_says_what_can_never_be_its_queue(
    home: Path, make_file: Callable[[Path], object], sentence: str | None
) -> None:
    make_file(home / "var" / "queue.db")
    lines = [text_of(problem, "en") for problem in unwritable_files(load())]
    assert len(lines) == (sentence is not None)
    assert not sentence or sentence in lines[0]


def test_links_that_cannot_be_created_are_not_called_silent(home: Path) -> None:
    """The sentence once advised to look whether the database was running."""
    (home / "var").rmdir()
    with somebody_else(), raises(StoreUnavailable, "can't be opened|belongs to root"):
        open_store(store_location(f"sqlite:///{home}/var/links.db"))
