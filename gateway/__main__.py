"""`python -m gateway …`: what people run."""

import io
import sys

from gateway.cli import main, quieten_libraries
from gateway.settings import language


def run() -> int:
    """What `b24` runs where the package is installed."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a pipe on Windows has no ✓: show `?` and go on
        sys.stdout.reconfigure(errors="replace")
    quieten_libraries(language())
    return main()


if __name__ == "__main__":
    sys.exit(run())
