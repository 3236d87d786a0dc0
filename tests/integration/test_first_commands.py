"""`make run` and `./b24` before anything of Python's is there, and from wherever they are called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.pages import ROOT

SHELLS_OWN = ("sh", "bash", "make", "sed", "awk", "dirname", "readlink", "rm", "echo", "false")


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    """An installed gateway, whose Python prints where it was called and with what."""
    root = tmp_path / "мой шлюз"
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf \'%s\\n\' "$PWD" "$@"\n')
    python.chmod(0o755)
    (root / ".venv" / "run.stamp").touch()
    shutil.copy(ROOT / "b24", root)
    (root / ".env").write_text("PORT=8080\n")
    return root


def called(program: Path, *arguments: str, cwd: Path) -> list[str]:
    process = subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    return process.stdout.splitlines()


def test_from_a_folder_without_settings_it_means_its_own_gateway(gateway: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("caught.txt", "links", "explain"):
        (elsewhere / name).touch()
    begin = [str(gateway), "-m", "gateway"]
    assert called(gateway / "b24", "links", "--csv", cwd=elsewhere) == [*begin, "links", "--csv"]
    caught = str(elsewhere / "caught.txt")
    assert called(gateway / "b24", "explain", "caught.txt", cwd=elsewhere) == [*begin, "explain", caught]
    assert called(gateway / "b24", "replay", caught, cwd=elsewhere) == [*begin, "replay", caught]
    for given in (("--env", "caught.txt"), ("--env=caught.txt",), (f"--env={caught}",)):
        expected_words = [
            word.replace("caught.txt", caught) if caught not in word else word for word in given
        ]
        assert called(gateway / "b24", "doctor", *given, cwd=elsewhere) == [*begin, "doctor", *expected_words]
    mend = ("dead-letters", "--subscription", "dead", "mend", "5f2c9d")
    assert called(gateway / "b24", *mend, "caught.txt", cwd=elsewhere) == [*begin, *mend, caught]
    # It is a gateway of its own, run by the same program.
    (elsewhere / ".env").touch()
    expected = [str(elsewhere), "-m", "gateway"]
    assert called(gateway / "b24", "explain", "caught.txt", cwd=elsewhere) == [
        *expected,
        "explain",
        "caught.txt",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("dead-letters", "show", "5f2c9d"),
        ("dead-letters", "mend", "5f2c9d", "-"),
        ("dead-letters", "--event", "show", "drop", "5f2c9d", "mend"),
        ("dead-letters", "show", "mend", "drop"),
        ("replay", "--event", "ONUSERADD", "--event-id", "5f2c9d", "--since", "2h", "--subscription", "dead"),
        ("doctor", "--url", "show"),
        ("events", "show", "5f2c9d"),
        ("links", "show"),
    ],
)
def test_a_file_in_that_folder_changes_no_word_that_names_no_file(
    gateway: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in words:
        (elsewhere / name).touch()
    assert called(gateway / "b24", *words, cwd=elsewhere) == [str(gateway), "-m", "gateway", *words]


def test_a_link_to_it_finds_its_gateway(gateway: Path, tmp_path: Path) -> None:
    (tmp_path / "b24").symlink_to(gateway / "b24")
    assert called(tmp_path / "b24", "links", cwd=tmp_path) == [str(gateway), "-m", "gateway", "links"]


@pytest.mark.parametrize(
    ("spoken", "words"),
    [("ru", "не запускается от имени этого пользователя"), ("en", "can't be run as this user")],
)
def test_a_python_that_this_user_may_not_run_is_named(gateway: Path, spoken: str, words: str) -> None:
    python = gateway / ".venv" / "bin" / "python"
    # Not even root runs what nobody may run.
    python.chmod(0o644)
    process = subprocess.run(
        [gateway / "b24", "links"],
        env={"PATH": os.environ["PATH"], "LOG_LANGUAGE": spoken},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stdout) == (2, "")
    [line] = process.stderr.splitlines()
    assert line.startswith(f"{python} {words}: ")


@pytest.mark.parametrize(
    ("settings", "spoken", "not_installed", "too_old"),
    [
        ("", "", "ещё не установлен", "Нужен Python 3.11"),
        ("LOG_LANGUAGE=en\r\n", "", "not set up here yet", "Python 3.11 or later is needed"),
        ("LOG_LANGUAGE=en\n", "ru", "ещё не установлен", "Нужен Python 3.11"),
        ("", "en", "not set up here yet", "Python 3.11 or later is needed"),
    ],
)
def test_the_first_words_are_in_the_readers_language(
    tmp_path: Path, settings: str, spoken: str, not_installed: str, too_old: str
) -> None:
    # A machine without any Python.
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in SHELLS_OWN:
        path = shutil.which(name)
        assert path is not None
        (tools / name).symlink_to(path)
    environ = {"PATH": str(tools)} | ({"LOG_LANGUAGE": spoken} if spoken else {})
    (tmp_path / ".env").write_text(settings, newline="")
    for name in ("b24", "Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for command, words in (("./b24 links", not_installed), ("make run PYTHON=false", too_old)):
        process = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert (process.returncode, words in process.stderr) == (2, True), process.stderr


@pytest.mark.parametrize(
    ("spoken", "words"), [("ru", "Пакеты не установлены"), ("en", "The packages were not installed")]
)
def test_where_pip_fails_the_next_step_is_said(tmp_path: Path, spoken: str, words: str) -> None:
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    pip = tmp_path / ".venv" / "bin" / "pip"
    pip.parent.mkdir(parents=True)
    pip.write_text("#!/bin/sh\nexit 1\n")
    pip.chmod(0o755)
    process = subprocess.run(
        ["make", "run"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "LOG_LANGUAGE": spoken},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, words in process.stderr) == (2, True), process.stderr
    assert "pypi.org" in process.stderr
