"""Keeps the vendor's limits on REST, for everybody in this process who calls one portal.

Two limits apply, see https://apidocs.bitrix24.com/limits.html. How often: a leaky
bucket of 50 that drains 2 requests a second, a `batch` being one request whatever
it holds; above it the answer is 503. How long: 480 s of work a method in ten
minutes; above it the answer is 429 and the method is paused until `operating_reset_at`
of its last successful answer. A batch's time is billed to the method `batch`
(measured by the vendor's own JavaScript SDK, against the documentation).

A portal that hangs would cost each caller all of its time. After two silences
in a row, callers are turned away at once, for half a minute at a time.
"""

import threading

# Requests a second that every plan drains (Enterprise: 5).
RATE = 2.0
# A bucket holds 50: other programs on this address need some of them.
BURST = 40
# After so many silences in a row no caller waits for the portal any more.
SILENCES = 2
# Then one caller tries again.
SILENT_SECONDS = 30.0
# The key of a pause that concerns every method.
ALL_METHODS = ""


class Pace:
    """Decides when the next request may be sent. Safe to share between threads.

    Times are those of a clock that never goes back, in seconds; `reserve` returns a moment
    and takes a place in the queue for it, so that a hundred waiting consumers wake
    one after another, not all at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # When the bucket will be empty again; it is empty now if that is in the past.
        self._full_until = 0.0
        # By method: until when it is paused, and when its operating time is reset.
        self._paused_until: dict[str, float] = {}
        self._resets: dict[str, float] = {}
        self._silences = 0
        self._silent_until = 0.0

    def reserve(self, method: str, now: float, patience: float | None) -> float | None:
        """When `method` may be called; None, and no place is taken, if that is more than `patience` away."""
        with self._lock:
            start = max(now, self._full_until - (BURST - 1) / RATE, self._end_of_pause(method))
            if patience is not None and start - now > patience:
                return None
            self._full_until = max(self._full_until, start) + 1 / RATE
            return start

    def wait_for(self, method: str, now: float) -> float:
        """Seconds until `method` may be called; takes no place."""
        with self._lock:
            return max(now, self._full_until - (BURST - 1) / RATE, self._end_of_pause(method)) - now

    def refused(self, now: float, pause: float) -> None:
        """Note a full bucket (503): all callers wait for `pause` seconds, then go one by one."""
        with self._lock:
            until = now + pause
            self._paused_until[ALL_METHODS] = max(until, self._paused_until.get(ALL_METHODS, until))
            self._full_until = max(self._full_until, until + (BURST - 1) / RATE)

    def blocked(self, method: str, now: float, pause: float) -> None:
        """Note a method over its time (429): it is paused until its reset, for at least `pause` seconds."""
        with self._lock:
            self._paused_until[method] = max(now + pause, self._resets.get(method, 0.0))

    def succeeded(self, method: str, reset_at: float) -> None:
        """Remember when the method's operating time is reset, as a successful answer gives it."""
        with self._lock:
            self._resets[method] = reset_at

    def is_paused(self, method: str, now: float) -> bool:
        """Whether `method` may not be called now: a refusal may come while a caller waits for its place."""
        with self._lock:
            return self._end_of_pause(method) > now

    def silent_for(self, now: float) -> float:
        """Seconds for which no caller waits for a portal that hangs; 0 lets one caller try."""
        with self._lock:
            if self._silences < SILENCES:
                return 0.0
            if now < self._silent_until:
                return self._silent_until - now
            self._silent_until = now + SILENT_SECONDS
            return 0.0

    def hangs(self) -> bool:
        """Whether so many callers in a row have waited in vain that the portal counts as hanging."""
        with self._lock:
            return self._silences >= SILENCES

    def silent(self, now: float) -> None:
        """Note that a caller waited in vain for an answer."""
        with self._lock:
            self._silences += 1
            self._silent_until = now + SILENT_SECONDS

    def answered(self) -> None:
        """Note that the portal answered."""
        with self._lock:
            self._silences = 0

    def _end_of_pause(self, method: str) -> float:
        return max(self._paused_until.get(ALL_METHODS, 0.0), self._paused_until.get(method, 0.0))


_paces: dict[str, Pace] = {}
_paces_lock = threading.Lock()


def pace_of(origin: str) -> Pace:
    """The `Pace` that all callers in this process share for the portal at `origin`."""
    with _paces_lock:
        return _paces.setdefault(origin, Pace())
