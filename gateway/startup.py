"""Starts every function: reads the settings once, sets logging up, turns redirects off."""

# ruff: noqa: E402 — imports make no garbage, so the collector is off until `start`
import gc

gc.disable()

import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import NotFound

from gateway import __version__, logs
from gateway.errors import SettingError
from gateway.locations import PubSubTopic
from gateway.processors import keep_on_one
from gateway.settings import Settings, language, load
from gateway.texts import say, text_of

log = logging.getLogger("gateway.startup")

# Browsers ask for these by themselves, and functions-framework answers them.
NO_FUNCTION = ("/robots.txt", "/favicon.ico")

# `serve` has already announced what the worker's process would.
announces = True


@cache
def settings() -> Settings:
    """The process's settings. A wrong one ends the process: one line that names it, exit code 2."""
    try:
        loaded = load()
    except SettingError as error:
        print(text_of(error, language()), file=sys.stderr)
        raise SystemExit(2) from None
    logs.setup(loaded)
    if announces:
        _announce(loaded)
    return loaded


@cache
def prepare() -> None:
    """Arrange once for what comes with gunicorn's fork: one processor for the process that answers.

    Before it, a thread reads the certificates that verify Pub/Sub's while Python imports.
    """
    loaded = settings()
    # After gunicorn's fork: its parent needs a second processor for that thread.
    os.register_at_fork(after_in_child=keep_on_one)
    # A process without a token publishes nothing that anybody waits for.
    if loaded.tokens and isinstance(loaded.queue, PubSubTopic) and "PUBSUB_EMULATOR_HOST" not in os.environ:
        reading = threading.Thread(target=_read_certificates, daemon=True)
        reading.start()
        # No thread survives gunicorn's fork, before which Python still imports gunicorn.
        os.register_at_fork(before=reading.join)


def _read_certificates() -> None:
    from gateway.queues.deadline_http import trust  # cold start

    # The first connection reports what is wrong with them.
    with suppress(OSError):
        trust()


def start(respond: Callable[[flask.Request], flask.Response]) -> None:
    """Prepare the process and, inside functions-framework, the app that it is creating.

    `respond` answers the paths that no function has.
    """
    if flask.has_app_context():
        app = flask.current_app
        # `//api/…` and an empty path are answered, never redirected: a redirect loses the POST.
        app.url_map.merge_slashes = app.url_map.strict_slashes = False
        # People read answers in a terminal: Russian as it is, not as `\u0421`.
        if isinstance(app.json, DefaultJSONProvider):
            app.json.ensure_ascii = False
        app.register_error_handler(404, lambda error: _not_found(error, respond))
    # Modules live as long as the process: no collection walks through them again.
    gc.freeze()
    gc.enable()


def _not_found(
    error: NotFound, respond: Callable[[flask.Request], flask.Response]
) -> flask.typing.ResponseReturnValue:
    if flask.request.path in NO_FUNCTION:
        return error.get_response(), {"Cache-Control": "no-store"}
    return respond(flask.request)


def _announce(loaded: Settings) -> None:
    """Log one INFO line with the accepted tokens and the address, then what is odd about the settings."""
    log.info(summary(loaded))
    for unread in loaded.unread:
        log.warning(unread)
    for name, like in loaded.unknown:
        key = "UNKNOWN_SETTING_LIKE" if like else "UNKNOWN_SETTING"
        log.warning(say(key, loaded.language, name=name, like=like))
    for event, like in loaded.misspelt_events():
        log.warning(say("UNKNOWN_EVENT_LIKE", loaded.language, event=event, like=like))
    if not loaded.on_google_cloud and (exposed := exposed_dotenv()):
        log.warning(say("ENV_READABLE", loaded.language, path=exposed))
    for name in loaded.short_secrets():
        log.warning(say("SHORT_SECRET", loaded.language, setting=name))
    if loaded.portals_differ:
        facts = {"domain": loaded.domain, "address": loaded.rest_portal}
        log.warning(say("SETTINGS_PORTALS_DIFFER", loaded.language, **facts))
    consumer = loaded.outgoing_token is None and loaded.on_google_cloud
    if loaded.rest_webhook and not loaded.domain:
        log.warning(SettingError("BITRIX24_DOMAIN", "REST_NO_DOMAIN"))
    if not loaded.rest_webhook and (consumer or not loaded.on_google_cloud):
        log.warning(say("NO_INCOMING_WEBHOOK", loaded.language))
    if consumer:
        # It has no token to judge.
        return
    from gateway.diagnosis import setting_causes  # cold start

    for cause in setting_causes(loaded):
        log.warning(f"{cause.says} {cause.do}", extra={"json_fields": {"code": cause.code}})


def exposed_dotenv(path: str | Path = ".env") -> Path | None:
    """The file of settings if others than its owner can read it; else None."""
    file = Path(path)
    try:
        return file.resolve() if file.is_file() and file.stat().st_mode & 0o044 else None
    except OSError:
        return None


def summary(loaded: Settings) -> str:
    """The line that says how many tokens are accepted, which ones, and the address to paste."""
    address = loaded.paste_url or say("ADDRESS_UNKNOWN", loaded.language)
    return say(
        "STARTED",
        loaded.language,
        version=__version__,
        count=len(loaded.tokens),
        prints=loaded.fingerprints,
        address=address,
    )
