"""`python -m gateway …`: what people run."""

import io
import sys

from gateway.cli import main

if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):  # a pipe on Windows has no ✓: show `?` and go on
        sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
