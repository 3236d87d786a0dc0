"""Packages that tests need beside ours: installed once, as that takes longer than the tests themselves."""

import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path


def installed(name: str, pins: Path, install: Callable[[Path], bool]) -> Path | None:
    """A folder in the virtual environment, there for as long as the pins stay; None if nothing installs."""
    folder = Path(sys.prefix) / f"{name}-{sha256(pins.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=sys.prefix) as directory:
            new = Path(directory) / name
            new.mkdir()
            if not install(new):
                return None
            with suppress(OSError):  # another run has just made it
                new.rename(folder)
    return folder
