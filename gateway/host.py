"""What every function does at its start: settings read once, logging set up, the host's redirects off."""

import gc
import logging
import sys
from functools import cache

import flask

from gateway import logs
from gateway.errors import SettingError
from gateway.messages import say
from gateway.settings import Settings, load
from verify import fingerprint

log = logging.getLogger("gateway.host")


@cache
def settings() -> Settings:
    """The process's settings. A wrong one ends the process: one line that names it, exit code 2."""
    try:
        loaded = load()
    except SettingError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    logs.setup(loaded)
    _announce(loaded)
    return loaded


def start() -> None:
    """Prepare the process and, inside functions-framework, the app that is being made."""
    settings()
    if flask.has_app_context():
        app = flask.current_app
        app.url_map.merge_slashes = (
            False  # `//api/…` is answered, never redirected: a redirect loses the POST
        )
        app.register_error_handler(404, _not_found)
    gc.freeze()  # modules live as long as the process: no collection walks through them again
    gc.enable()


def _not_found(_error: Exception) -> flask.typing.ResponseReturnValue:
    from gateway.receiver import respond

    return respond(flask.request)


def _announce(loaded: Settings) -> None:
    """One INFO line: how many tokens are accepted, which, and the address to paste; oddities once."""
    prints = ", ".join(fingerprint(token) or "-" for token in loaded.tokens) or "-"
    address = loaded.paste_url or say("ADDRESS_UNKNOWN", loaded.language)
    log.info(say("STARTED", loaded.language, count=len(loaded.tokens), prints=prints, address=address))
    if loaded.outgoing_token is None and loaded.on_google_cloud:
        return  # a consumer: it has no token to judge
    from gateway.diagnosis import setting_causes

    for cause in setting_causes(loaded):
        log.warning(f"{cause.says} {cause.do}", extra={"json_fields": {"code": cause.code}})
