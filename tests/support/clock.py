"""A clock for tests, which stands still until it is moved."""

import threading


class Clock:
    """Seconds since 1970; it moves when somebody sleeps, or sets `now`: no test waits for a limit."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds
