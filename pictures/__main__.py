"""Take the documents' pictures from a running gateway: `python -m pictures`.

The inspector's views in both languages, light and dark, with the day of `tests/support/sample_day.py`
behind them; and a recording of two terminals (`pictures/terminal.py`), which needs port 8080.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from gateway.journal import Journal
from gateway.settings import load
from pictures import terminal
from tests.support.chromium import Tab, chromium
from tests.support.inspector import link
from tests.support.processes import ROOT, Running, environment, free_port, wait_until_listening
from tests.support.sample_day import SETTINGS, fill

OUT = ROOT / "docs/pictures"
WIDTH, HEIGHT = 1280, 660


@contextmanager
def gateway(folder: Path, language: str) -> Iterator[Running]:
    """Run `serve` with its files in `folder`, and a day in its journal."""
    port = free_port()
    env = environment(folder, HOST="127.0.0.1", PORT=str(port), LOG_LANGUAGE=language, **SETTINGS)
    settings = load({name: value for name, value in env.items() if name.isupper()}, None)
    journal = Journal(settings.journal.path)
    fill(journal, settings, time.time())
    journal.close()
    stderr = folder / "stderr"
    with stderr.open("wb") as sink:
        command = [sys.executable, "-m", "gateway", "serve"]
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=sink, stderr=sink)
    running = Running(process, port, stderr, env)
    try:
        wait_until_listening(running)
        yield running
    finally:
        running.stop()


def take(tab: Tab, running: Running, suffix: str) -> None:
    """Take all pictures in one language."""
    base = f"http://127.0.0.1:{running.port}/inspector"
    for scheme, dark in (("light", ""), ("dark", "-dark")):
        tab.scheme(scheme)
        tab.size(WIDTH, HEIGHT)
        tab.open(base)
        settled(tab)
        take_one(tab, f"inspector-overview{dark}{suffix}.png")
        tab.open(f"{base}/requests")
        tab.press("j")
        tab.wait("document.querySelector('#detail h1') && location.search.includes('open=')")
        tab.run("document.activeElement.blur()")
        settled(tab)
        take_one(tab, f"inspector-requests{dark}{suffix}.png")
        tab.size(375, 812, 2)
        tab.open(f"{base}/requests?show=refused")
        settled(tab)
        take_one(tab, f"inspector-phone{dark}{suffix}.png")


def take_one(tab: Tab, name: str) -> None:
    """A picture in 256 colours: most of the page's thousands are edges of letters; it is a third as large."""
    path = OUT / name
    tab.picture(path)
    with Image.open(path) as picture:
        fewer = picture.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    fewer.save(path, optimize=True)


def settled(tab: Tab) -> None:
    """Wait for the page's first poll, so that no picture shows a page that is still loading."""
    tab.wait("document.querySelector('#live').textContent && !document.querySelector('#newer a')")


def record_terminals(folder: Path, language: str, suffix: str) -> None:
    """Record the way from a refused event to a linked user, as bash and the product's commands wrote it."""
    folder.mkdir()
    svg = terminal.draw(terminal.record(folder, language), *terminal.TITLES[language])
    (OUT / f"terminal{suffix}.svg").write_text(svg, "utf-8")


def main(language_suffixes: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as temporary, chromium(Path(temporary, "profile")) as browser:
        for language, suffix in language_suffixes.items():
            record_terminals(Path(temporary, f"{language}-terminal"), language, suffix)
            folder = Path(temporary, language)
            folder.mkdir()
            with gateway(folder, language) as running:
                tab = browser.tab()
                tab.zone("Europe/Moscow")
                tab.open(link(running))
                take(tab, running, suffix)
    for path in sorted((*OUT.glob("inspector-*.png"), *OUT.glob("terminal*.svg"))):
        print(f"{os.path.relpath(path, ROOT)}  {path.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main({"en": "", "ru": ".ru"})
