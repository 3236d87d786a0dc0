"""Gives handlers what they work with, opened for the first message: settings, store of links, portal."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from gateway.links import open_store
from gateway.links.model import Store
from gateway.settings import Settings, load

if TYPE_CHECKING:
    from gateway.portal.client import Portal

OpenPortal = Callable[[], "Portal"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """What a handler gets: `portal` opens the portal's REST, and is None if no incoming webhook is set.

    `now` is the clock, in UTC.
    """

    settings: Settings
    store: Store
    portal: OpenPortal | None = None
    now: Callable[[], datetime] = field(default=_now)


_contexts: list[Context] = []  # one at most
_settings: list[Settings] = []
_opening = threading.Lock()


def context() -> Context:
    """The process's context, made for its first message."""
    with _opening:
        if not _contexts:
            config = settings()
            _contexts.append(Context(config, open_store(config.database), portal_of(config)))
        return _contexts[0]


def settings() -> Settings:
    """The process's settings, read for its first message; no store is opened, as forwarding needs none."""
    if not _settings:
        _settings.append(load())
    return _settings[0]


def close() -> None:
    """Close what was opened for the first message; the next one opens anew."""
    with _opening:
        _settings.clear()
        while _contexts:
            _contexts.pop().store.close()


def portal_of(settings: Settings) -> OpenPortal | None:
    """What opens the REST of `BITRIX24_DOMAIN`, once; None if no incoming webhook is set."""
    if not settings.can_ask_portal:
        return None

    @cache
    def open_portal() -> "Portal":
        from gateway.portal.client import Portal  # cold start

        return Portal(settings)

    return open_portal
