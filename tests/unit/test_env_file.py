"""A line of `.env` that cannot be read: named once, in the reader's language, without what it holds."""

import logging
import warnings
from pathlib import Path

import pytest

from gateway.cli import main, quieten_libraries
from gateway.dotenv_file import MAX_LINES, read
from gateway.errors import PortalUnavailable
from gateway.settings import load
from gateway.texts import text_of

SECRET = "q7Zx1mWn5vBt3cKd9rLp2sHf8gTj4yUe"


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".env"


@pytest.mark.parametrize(
    ("text", "lines", "values"),
    [
        ("", "", {}),
        ("# a comment\n\nPORT=1\n", "", {"PORT": "1"}),
        ("PORT=1\nsome words\nHOST=h\n", "2", {"PORT": "1", "HOST": "h"}),
        ("PORT=1\n\n\n  some words\n", "4", {"PORT": "1"}),
        ("PORT=1\r\n\r\nsome words\r\n", "3", {"PORT": "1"}),
        ("PORT\nHOST=h", "1", {"HOST": "h"}),
        ("A=1\nbad line\nB=2\nbad line", "2, 4", {"A": "1", "B": "2"}),
        ('A="open\nB=2\n', "1", {"B": "2"}),
        ('A="open\nB=2\nC="x"\nD=4\n', "1–3", {"D": "4"}),
        ("export A='1'\n=2\n", "2", {"A": "1"}),
    ],
)
def test_an_unreadable_line_is_named_and_the_others_are_used(
    env_file: Path, text: str, lines: str, values: dict[str, str]
) -> None:
    env_file.write_text(text, newline="")
    parsed = read(env_file)
    assert parsed.values == values
    assert [problem.facts["lines"] for problem in parsed.problems] == ([lines] if lines else [])


def test_a_file_of_another_kind_names_only_its_first_lines(env_file: Path) -> None:
    env_file.write_text("no settings here\n" * 500)
    (problem,) = read(env_file).problems
    assert str(problem.facts["lines"]).count(",") == MAX_LINES


def test_a_name_with_two_values_is_named_and_the_last_one_counts(env_file: Path) -> None:
    env_file.write_text(f"PORT=\nHOST=h\nLINKS_API_TOKEN={SECRET}\nHOST=h\nPORT=1\nLINKS_API_TOKEN=\n")
    parsed = read(env_file)
    assert parsed.values["LINKS_API_TOKEN"] == ""
    (problem,) = parsed.problems
    assert (problem.key, problem.facts["name"], problem.facts["lines"]) == (
        "ENV_TWICE",
        "LINKS_API_TOKEN",
        "3, 6",
    )
    assert SECRET not in str(problem)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("https://bot.example.com #ONTASK*", "2"),
        ("https://bot.example.com  #OnTaskAdd,ONCRM* https://other.example.com", "2"),
        ("https://bot.example.com#ONCRM* https://other.example.com\t#* # all", "2"),
        ("https://bot.example.com #ontask*", "2"),
        ('"https://bot.example.com" #ONTASK*', "2"),
        ("'https://bot.example.com'#ONTASK*", "2"),
        ("https://other.example.com #ONTASK*\nFORWARD_TO=https://bot.example.com#ONTASK*", ""),
        ("https://bot.example.com#ONTASK*", ""),
        ('"https://bot.example.com#ONTASK* https://other.example.com#*"', ""),
        ("https://bot.example.com # ONTASK* is what it wants", ""),
        ("https://bot.example.com # not yet: #ONTASK*", ""),
        ("https://bot.example.com #only for a test", ""),
        ("", ""),
        (" #ONTASK*", ""),
    ],
)
def test_wanted_events_that_were_read_as_a_comment_are_named(env_file: Path, value: str, lines: str) -> None:
    env_file.write_text(f"PORT=1\nFORWARD_TO={value}\n")
    found = [problem for problem in load({}, env_file).unread if problem.key == "ENV_FILTER_APART"]
    assert [problem.facts["lines"] for problem in found] == ([lines] if lines else [])
    for problem in found:
        for language in ("ru", "en"):
            assert text_of(problem, language).startswith("FORWARD_TO (")
            assert "example.com" not in text_of(problem, language)


@pytest.mark.parametrize("kind", ["a directory", "a link to nothing"])
def test_what_is_no_file_is_named(env_file: Path, kind: str) -> None:
    if kind == "a directory":
        env_file.mkdir()
    else:
        env_file.symlink_to("missing")
    (problem,) = load({}, env_file).unread
    assert (problem.key, problem.facts["path"]) == ("ENV_NOT_A_FILE", env_file)


@pytest.mark.parametrize(
    ("language", "first_line", "two"),
    [
        ("ru", "Строка 2 файла {path} не читается", "Строки 2, 3 файла {path} не читаются"),
        ("en", "Line 2 of {path} cannot be read", "Lines 2, 3 of {path} cannot be read"),
    ],
)
def test_the_sentence_about_a_line_quotes_nothing_of_it(
    env_file: Path, language: str, first_line: str, two: str
) -> None:
    bad = f"BITRIX24_OUTGOING_WEBHOOK_TOKEN {SECRET}\n"
    for lines, begins in ((1, first_line), (2, two)):
        env_file.write_text(f"LOG_LANGUAGE={language}\n{bad * lines}PORT=9000\n")
        settings = load({}, env_file)
        assert settings.port == 9000
        (unread,) = settings.unread
        sentence = text_of(unread, settings.language)
        assert sentence.startswith(begins.format(path=env_file))
        assert SECRET not in sentence + str(unread) + repr(settings)


@pytest.mark.parametrize(
    "command", [["links", "--json"], ["events", "--json"], ["explain", "--help"], ["trigger", "--list"]]
)
def test_a_command_reports_an_unreadable_line_once_and_works(
    env_file: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    env_file.write_text("LOG_LANGUAGE=en\nbad line\n")
    assert main(command) == 0
    printed = capsys.readouterr()
    assert printed.out
    expected = f"Line 2 of {env_file} cannot be read"
    assert (printed.err.count("\n"), printed.err.count(expected)) == (1, 1)


def test_the_doctor_finds_an_unreadable_line_and_a_misspelt_name(
    env_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forwarding = "FORWARD_TOO=x\nFORWARD_TO=http://127.0.0.1:9/ #ONTASK*\n"
    env_file.write_text(f"LOG_LANGUAGE=en\nbad line\n{forwarding}SOMEBODY_ELSES=1\n")
    assert main(["doctor"]) == 1
    printed = capsys.readouterr()
    assert printed.err == ""
    assert f"✗ settings: Line 2 of {env_file} cannot be read" in printed.out
    assert "✗ settings: FORWARD_TOO is not a setting" in printed.out
    assert f"✗ settings: FORWARD_TO (line 4 of {env_file})" in printed.out
    assert "SOMEBODY_ELSES" not in printed.out


def test_a_command_prints_no_librarys_english_and_puts_our_own_records_into_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = PortalUnavailable("REST_SILENT", domain="p.bitrix24.ru")
    # As a new process has it.
    monkeypatch.setattr(logging.root, "handlers", [])
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        quieten_libraries("ru")
        logging.getLogger("urllib3.connectionpool").warning("Connection pool is full, discarding connection")
        warnings.warn("authenticated using end user credentials", UserWarning, stacklevel=1)
        logging.getLogger("gateway.portal.client").warning(silent)
    printed = capsys.readouterr()
    assert printed.out + printed.err == text_of(silent, "ru") + "\n"
