"""Runs `serve` as a whole, with all its processes: this build, and the first edition beside it."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench.instances import ROOT, Instance, ends_after, environment, free_port

FIRST_EDITION = "c0e427a"
PATIENCE = 120.0  # seconds


@dataclass(frozen=True)
class Build:
    """A tree with the product, and an interpreter with what it pins."""

    name: str
    root: Path
    python: str


OURS = Build("ours", ROOT, sys.executable)


def first_edition(directory: Path) -> Build:
    """The build that this edition is measured against, taken from the history, with its own pins.

    Raises `LookupError` where the history or a package index cannot be reached.
    """
    root = directory / "first-edition"
    root.mkdir()
    tree = subprocess.run(
        ["git", "-C", str(ROOT), "archive", FIRST_EDITION], capture_output=True, check=False
    )
    if tree.returncode:
        raise LookupError(f"the history of this copy does not hold {FIRST_EDITION}: git fetch --unshallow")
    subprocess.run(["tar", "-x", "-C", str(root)], input=tree.stdout, check=True)
    subprocess.run([sys.executable, "-m", "venv", str(root / ".venv")], check=True)
    python = str(root / ".venv/bin/python")
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*command, "-r", str(root / "requirements.txt")], check=False).returncode:
        raise LookupError("the first edition's requirements could not be installed")
    subprocess.run(
        [python, "-m", "compileall", "-q", str(root / "gateway"), str(root / "handlers")], check=True
    )
    return Build("first edition", root, python)


class Serve(Instance):
    """A running `serve`; its files are in `home`."""

    home: Path

    def memory(self) -> int:
        """Bytes in all its processes; a page that some of them share counts once."""
        return sum(_proportional(number) for number in _family(self.process.pid))

    def kill(self) -> None:
        """End all its processes at once, as a machine that loses power does."""
        for number in _family(self.process.pid):
            os.kill(number, signal.SIGKILL)
        self.process.wait()

    def links(self) -> int:
        """How many accounts are linked."""
        with closing(self._open("links.db")) as store:
            query = "SELECT count(*) FROM links WHERE telegram_id IS NOT NULL"
            return int(store.execute(query).fetchone()[0])

    def wait_for_links(self, count: int) -> None:
        """Wait until so many accounts are linked. Raises `TimeoutError`."""
        deadline = time.monotonic() + PATIENCE
        while self.links() < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.links()} of {count} accounts were linked in {PATIENCE:.0f} s")
            time.sleep(0.01)

    def _open(self, name: str) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(self.home / name))}?mode=ro", uri=True, timeout=30)


def _family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(number for child in children for number in _family(int(child)))]


def _proportional(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


@contextmanager
def serving(build: Build, home: Path, settings: Mapping[str, str]) -> Iterator[Serve]:
    """Start `python -m gateway serve` of a build in `home`; ended at the end of the block."""
    home.mkdir(exist_ok=True)
    port = free_port()
    files = {
        f"{name}_URL": f"sqlite:///{home}/{file}.db"
        for name, file in (("QUEUE", "queue"), ("DATABASE", "links"), ("JOURNAL", "journal"))
    }
    log = home / "serve.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [build.python, "-m", "gateway", "serve"],
            cwd=home,
            env=environment(build.root) | dict(settings) | files | {"PORT": str(port), "HOST": "127.0.0.1"},
            stdout=sink,
            stderr=sink,
        )
    instance = Serve(process, port, log)
    instance.home = home
    with ends_after(process):
        yield instance
