"""Makes a failed call again, in one way for everybody: by stamina, on the caller's own clock.

The portal's limits (`portal.rate_limit`) and the queue's redelivery (`next_attempt` in `local.feed`) do
not come here: they decide themselves when the next call is due.
"""

import math
import random
import time
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def retry(
    call: Callable[[], T],
    on: Callable[[Exception], bool],
    *,
    first: float,
    longest: float,
    attempts: int | None = None,
    until: float = math.inf,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    jitter: Callable[[float, float], float] = random.uniform,
) -> T:
    """Return what `call` returns; after a failure that `on` finds passing, pause and call again.

    A pause is random, from none up to a bound in seconds, which is `first` and doubles up to
    `longest`. No attempt begins at `until` (a value of `clock`) or later. Raises the last failure.
    """
    pause, bound = 0.0, first

    def is_worth_another(failure: Exception) -> bool:
        nonlocal pause, bound
        pause, bound = jitter(0.0, bound), min(2 * bound, longest)
        return on(failure) and clock() + pause < until

    try:
        return call()
    except Exception as failure:
        if attempts == 1 or not is_worth_another(failure):
            raise

    last: list[Exception] = []

    def is_repeated(failure: Exception) -> bool:
        return isinstance(failure, _Failed) and is_worth_another(last[0])

    more = None if attempts is None else attempts - 1
    try:
        for attempt in _silent_stamina().retry_context(is_repeated, more, timeout=None, wait_max=0.0):
            with attempt:
                # stamina sleeps on no other clock than the system's.
                sleep(pause)
                try:
                    return call()
                except Exception as failure:  # noqa: BLE001 — it is raised again below
                    last[:] = [failure]
                raise _Failed
    except _Failed as failed:
        failed.with_traceback(None)
    raise last.pop()


class _Failed(Exception):
    """Stands for a failure inside stamina.

    Its objects keep an exception until the garbage collector comes; with the failure itself they would
    keep the frames it passed, and the request's body: an outage filled an instance's memory.
    """


@cache
def _silent_stamina() -> ModuleType:
    """The library without its log lines, which add nothing to the failure that follows."""
    import stamina  # cold start
    import stamina.instrumentation

    stamina.instrumentation.set_on_retry_hooks(())
    return stamina
