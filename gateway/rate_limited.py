"""Logs each kind of warning once in a while, so that a flood of them does not become a flood of lines."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

# How many kinds of warnings are counted separately.
_KINDS = 1000


class RateLimited:
    """Logs each kind of warning once in `seconds`, with how often it happened in the meantime."""

    def __init__(self, logger: logging.Logger, seconds: float) -> None:
        self._logger = logger
        self._seconds = seconds
        # By kind: when it may be logged again, and how often it happened since it was logged.
        self._next: dict[str, float] = {}
        self._count: dict[str, int] = {}
        self._lock = threading.Lock()

    def warning(self, kind: str, text: object, fields: Mapping[str, Any] | None = None) -> None:
        """Log `text`, unless a text of its `kind` was logged within `seconds`."""
        self.log(logging.WARNING, kind, text, fields)

    def log(self, level: int, kind: str, text: object, fields: Mapping[str, Any] | None = None) -> None:
        """Log `text` at any level, as `warning` does; `fields` go beside the text."""
        now = time.monotonic()
        with self._lock:
            if len(self._next) >= _KINDS and kind not in self._next:
                self._next = {other_kind: at for other_kind, at in self._next.items() if at > now}
                self._count = {
                    other_kind: count for other_kind, count in self._count.items() if other_kind in self._next
                }
                # Kinds that are senders' addresses could otherwise fill the memory.
                kind = kind if len(self._next) < _KINDS else ""
            if now < self._next.get(kind, 0.0):
                self._count[kind] = self._count.get(kind, 0) + 1
                return
            self._next[kind] = now + self._seconds
            suppressed = self._count.pop(kind, 0)
        extra = {"json_fields": dict(fields)} if fields else None
        if suppressed:
            self._logger.log(level, "%s (+%s)", text, suppressed, extra=extra)
        else:
            self._logger.log(level, text, extra=extra)
