"""Keeps a process on one processor, because of Python's threads only one runs at a time.

Where there are more processors, each thread that gets its turn is woken on another one, which
takes a third of a gateway's time (docs/performance.md has the figures). The system moves other
processes out of the way. https://man7.org/linux/man-pages/man2/sched_setaffinity.2.html
"""

import os
import random
import sys
from collections.abc import Sequence
from contextlib import suppress


def usable() -> list[int]:
    """The processors that this process may use, in random order; empty where the system does not tell.

    A process id would choose for us, but in each of several containers it is the same one.
    """
    processors: list[int] = []
    if sys.platform == "linux":
        # A sandbox may forbid the question, and nobody needs an answer to serve requests.
        with suppress(OSError):
            processors += os.sched_getaffinity(0)
    random.shuffle(processors)
    return processors


def keep_on(processors: Sequence[int], pid: int = 0) -> None:
    """Keep a process on the first of these processors; its threads that run already are not moved.

    Nothing happens if there are none, or if the system does not allow it. `pid` 0 is this process.
    """
    if sys.platform == "linux" and processors:
        with suppress(OSError):
            os.sched_setaffinity(pid, processors[:1])


def keep_on_one() -> None:
    """Keep this process on any one processor."""
    keep_on(usable())
