"""`python -m gateway …`: what people run."""

import io
import os
import sys

from gateway.cli import main, quieten_libraries
from gateway.settings import language


def run() -> int:
    """What `b24` runs where the package is installed."""
    _open_missing_streams()
    # A pipe on Windows cannot write ✓: it gets `?`, and the command goes on.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    quieten_libraries(language())
    return main()


def _open_missing_streams() -> None:
    """Give a command that was started with a closed stream (`<&-`) an empty one, as /dev/null would be."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 — for the whole run


if __name__ == "__main__":
    sys.exit(run())
