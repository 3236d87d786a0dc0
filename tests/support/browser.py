"""A real browser: Debian's Chromium without a screen."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

OPTIONS = (
    "--headless",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=20000",  # the page's timers run through 20 s as fast as its requests allow
    "--dump-dom",
)

Browse = Callable[[str], str]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """`browse(url)`: the page's document after its scripts have run for 20 s of their time."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is missing: apt-get install chromium")

    def document(url: str) -> str:
        command = [chromium, *OPTIONS, f"--user-data-dir={tmp_path}/profile", url]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    return document
