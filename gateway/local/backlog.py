"""The queue of records to be written into the journal: bounded in number and in bytes.

The thread that writes shares the interpreter with those that answer, so a flood outruns it.
Once half of the space is used, further refused requests are only counted, per sender; the other
half is for accepted events, and for what came of them.
"""

import queue
import threading
from typing import Any, NamedTuple

RECORDS = 2000
# Bytes of the bodies of those records.
BYTES = 32 * 1024 * 1024
# How many senders are counted separately; the others are counted together.
SENDERS = 50


class Item(NamedTuple):
    """Something to be written: `kind` says what `value` is, `at` when it came (seconds since 1970)."""

    kind: str
    at: float
    value: Any


class Backlog:
    """Filled by the threads that answer, and emptied by one thread."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Item, int] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._bytes = 0
        self._counted: dict[str, tuple[Item, int]] = {}
        self._dropped = 0

    def add(self, item: Item, size: int = 0, refused_sender: str | None = None) -> None:
        """Queue `item` for writing; if there is no room, only count it."""
        with self._lock:
            waiting = self._queue.qsize()
            is_half_full = waiting >= RECORDS // 2 or self._bytes + size > BYTES // 2
            if is_half_full and refused_sender is not None:
                has_own_count = refused_sender in self._counted or len(self._counted) < SENDERS
                sender = refused_sender if has_own_count else ""
                first, count = self._counted.get(sender, (item, 0))
                self._counted[sender] = first, count + 1
                return
            if waiting >= RECORDS or self._bytes + size > BYTES:
                self._dropped += 1
                return
            self._queue.put((item, size))
            self._bytes += size

    def end(self) -> None:
        """Let `take` return None after everything that waits."""
        self._queue.put(None)

    def take(self, wait: bool) -> tuple[Item, int] | None:
        """The next item, and its size. Raises `queue.Empty` if there is none and nobody waits for it."""
        return self._queue.get(block=wait)

    def note_written(self, size: int) -> tuple[list[tuple[str, Item, int]], int]:
        """Note that so many bytes are written, and return what was only counted meanwhile.

        That is a sender, its first request and how many there were; and the number of other items dropped.
        """
        with self._lock:
            self._bytes -= size
            counted = [(sender, first, count) for sender, (first, count) in self._counted.items()]
            self._counted.clear()
            dropped, self._dropped = self._dropped, 0
        return counted, dropped
