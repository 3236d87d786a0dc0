"""What handlers work with: settings, the store of links, the portal; opened for the first message."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.links import open_store
from gateway.links.model import Store
from gateway.settings import Settings, load

FetchUser = Callable[[int], Mapping[str, Any] | None]
"""Reads one user's row of `user.get`; None where the portal has no such user."""

_log = logging.getLogger("gateway.consumer")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """What a handler gets. `fetch_user` is None if no incoming webhook is set; `now` is the clock, in UTC."""

    settings: Settings
    store: Store
    fetch_user: FetchUser | None = None
    now: Callable[[], datetime] = field(default=_now)


_contexts: list[Context] = []  # one at most
_settings: list[Settings] = []
_opening = threading.Lock()


def context() -> Context:
    """The process's context, made for its first message."""
    with _opening:
        if not _contexts:
            config = settings()
            _contexts.append(Context(config, open_store(config.database), fetcher(config)))
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


def fetcher(settings: Settings) -> FetchUser | None:
    """A function that reads users of `BITRIX24_DOMAIN`; None if no incoming webhook is set."""
    if not settings.rest_webhook or not settings.domain:
        return None
    portals: list[Any] = []

    def fetch_user(user_id: int) -> Mapping[str, Any] | None:
        from gateway.portal.client import AnswerDoubted, Portal  # cold start

        if not portals:
            portals.append(Portal(settings))
        row: Mapping[str, Any] | None = None
        try:
            row = portals[0].user(user_id)
        except AnswerDoubted as doubted:
            # Only other people's rows came: asking again would bring no others.
            _log.warning(doubted, extra={"json_fields": {"code": "REST_OTHER_USER"}})
        return row

    return fetch_user
