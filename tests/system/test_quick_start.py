"""The README's first steps, as printed, in both languages; then a broken webhook, found and mended.

All that differs from what a reader types is the port, which this test takes from the
system, and the environment, which is the one that the tests run in.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pages import ROOT, blocks, shell_blocks
from tests.support.processes import free_port, wait_for

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "tests", "bench", "var", "mutants", "lab")
# In seconds, for what must come, however slow the machine.
SECONDS = 120.0
WORDS = {
    "en": ("Listening on", "Synced from Bitrix24", "without application_token", "The gateway has stopped"),
    "ru": ("Слушаем", "Синхронизировано из Bitrix24", "без application_token", "Шлюз остановлен"),
}
PAGE = {"en": "README.md", "ru": "README.ru.md"}


class Reader:
    """Somebody with a fresh copy of the project and two terminals."""

    def __init__(self, project: Path, language: str) -> None:
        self.project = project
        self.port = str(free_port())
        self.start, self.send, self.look, *_ = (block.text for block in shell_blocks(PAGE[language]))
        self.answer = next(block.text for block in blocks(PAGE[language]) if block.kind == "text")
        self.listening, self.linked, self.missing, self.stopped = WORDS[language]
        self._log = project / "server.log"
        self._environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._server: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        settings, _, make = self.start.rpartition("make run")
        assert make == "\n"
        self.run(settings)
        with (self.project / ".env").open("a") as file:
            file.write(f"PORT={self.port}\n")
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                ["make", "run"], cwd=self.project, env=self._environ, stdout=log, stderr=log
            )
        self.reads(self.listening)

    def run(self, command: str, status: int = 0) -> str:
        process = subprocess.run(
            ["bash", "-uc", command.replace(":8080/", f":{self.port}/")],
            cwd=self.project,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == status, process.stdout + process.stderr
        return process.stdout

    def shown(self, command: str, text: str) -> str:
        """What the command prints, once `text` is in it: what is queued takes its time."""
        return wait_for(lambda: (output := self.run(command)) * (text in output), SECONDS)

    def reads(self, text: str) -> str:
        """The server's line with `text`."""
        return wait_for(lambda: next((line for line in self.log().splitlines() if text in line), ""), SECONDS)

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def end(self) -> None:
        assert self._server is not None
        self._server.send_signal(signal.SIGTERM)
        # Make hands the signal on, waits, and then ends by it itself.
        assert self._server.wait(60) == -signal.SIGTERM, self.log()


@pytest.fixture(params=["en", "ru"])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reader]:
    project = tmp_path / "project"
    shutil.copytree(ROOT, project, ignore=LEFT_OUT)
    (project / ".venv").symlink_to(sys.prefix)
    # They are installed already: this environment was made from them.
    for pins in project.glob("requirements*.txt"):
        os.utime(pins, (0, 0))
    reader = Reader(project, request.param)
    reader.begin()
    try:
        yield reader
    finally:
        reader.end()
        assert reader.stopped in reader.log().splitlines()[-1]


def test_the_quick_start_works_as_printed(reader: Reader) -> None:
    assert '"code": "EVENT_QUEUED"' in reader.run(reader.send)
    assert "@ivan_petrov" in reader.shown(reader.look, "@ivan_petrov")
    assert "[LINK_SYNCED]" in reader.reads(reader.linked)

    # "Leave the last line of the curl out, and the server's log tells you what is missing."
    without = reader.send.rstrip().rpartition(" \\\n")[0]
    assert '"code": "TOKEN_NOT_FOUND"' in reader.run(without)
    refusal = reader.reads("[TOKEN_NOT_FOUND: AUTH_MISSING]")
    assert reader.missing in refusal
    # What the page shows of it, line by line as on a terminal, is what the log says.
    for line in reader.answer.splitlines():
        assert line.strip(" →") in refusal
    guide, _, section = refusal.rpartition("docs/")[2].split(" [")[0].partition("#")
    assert f"\n## {section.upper()}" in (reader.project / "docs" / guide).read_text()

    assert "AUTH_MISSING" in reader.shown("./b24 rejections", "AUTH_MISSING")
    reader.run("./b24 doctor")
    inspector = re.search(r"http://\S+/inspector\?key=\S+", reader.reads(reader.listening))
    assert inspector is not None
    assert "text/html" in reader.run(f"curl -sSL -c cookies -o page -w '%{{content_type}}' '{inspector[0]}'")
    assert "/inspector" in reader.run(f"curl -sS -H 'Accept: text/html' http://127.0.0.1:{reader.port}/")
