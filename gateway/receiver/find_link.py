"""Answers a bot over HTTP: who a Telegram account is, or which account a Bitrix24 user has.

`GET /api/links?telegram_id=…`, `GET /api/links?telegram_username=…`, `GET /api/links/USER`, with
`Authorization: Bearer LINKS_API_TOKEN`. Without that setting every answer is 404.
"""

import hmac
import re
from functools import cache
from typing import Any

import flask

from gateway.addresses import portal_given
from gateway.errors import GatewayError, SettingError
from gateway.links import only_portal, open_store
from gateway.links.model import Link, Store
from gateway.links.rows import json_values
from gateway.settings import Settings
from gateway.startup import settings
from gateway.texts import say, text_of

PATH = "/api/links"
_USER = re.compile(r"[1-9][0-9]{0,15}")
_NAME = re.compile(r"@?([A-Za-z0-9_]{1,64})")


def respond(request: flask.Request) -> flask.Response:
    """Answer one question; 503 if the store does not answer, because null never means "don't know"."""
    config = settings()
    if not config.links_api_token:
        return _refused("NOT_FOUND", 404, config)
    if not _is_allowed(request, config.links_api_token):
        return _refused("LINKS_UNAUTHORIZED", 401, config)
    if request.method not in ("GET", "HEAD"):
        response = _refused("METHOD_NOT_ALLOWED", 405, config, "LINKS_METHOD")
        response.headers["Allow"] = "GET, HEAD"
        return response
    try:
        link = _requested_link(request, _store(), config)
    except ValueError:
        return _refused("LINKS_QUESTION", 400, config)
    except GatewayError as error:
        # Of several portals, the bot has to name one.
        message = text_of(error, config.language) if isinstance(error, SettingError) else ""
        return _refused("LINKS_UNAVAILABLE", 503, config, message=message)
    link_json = None if link is None else json_values(link)
    return _answer({"link": link_json, "by_name_only": bool(link and link.by_name_only)}, 200)


@cache
def _store() -> Store:
    return open_store(settings().database)


def _is_allowed(request: flask.Request, token: str) -> bool:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    # The bytes that came: WSGI hands them over as Latin-1, whatever they are.
    sent = credentials.strip().encode("latin-1", "replace")
    return scheme.lower() == "bearer" and hmac.compare_digest(sent, token.encode("utf-8", "surrogateescape"))


def _requested_link(request: flask.Request, store: Store, config: Settings) -> Link | None:
    """The link that the request asks for, if there is one. Raises `ValueError` for a malformed question."""
    portal = _portal(request, store, config)
    user_id = request.path.rstrip("/").removeprefix(PATH).strip("/")
    if user_id:
        if not _USER.fullmatch(user_id):
            raise ValueError(user_id)
        link = store.get(portal, int(user_id))
        return link if link is not None and link.account else None
    number, name = request.args.get("telegram_id", ""), request.args.get("telegram_username", "")
    if number and not (_USER.fullmatch(number) and int(number) <= 2**52):
        raise ValueError(number)
    username = _NAME.fullmatch(name)
    if not number and not username:
        raise ValueError(name)
    return store.find(
        portal,
        telegram_id=int(number) if number else None,
        telegram_username=username[1] if username else None,
    )


def _portal(request: flask.Request, store: Store, config: Settings) -> str:
    """The portal that the question names, else `BITRIX24_DOMAIN`, else the only one that has links."""
    if (named := request.args.get("portal")) is not None:
        return portal_given(named)
    if config.domain or not (portals := store.portals()):
        return config.domain
    return only_portal(portals)


def _refused(
    code: str, status: int, config: Settings, sentence: str = "", message: str = ""
) -> flask.Response:
    message = message or say(f"ANSWER_{sentence or code}", config.language)
    return _answer({"status": "error", "code": code, "message": message}, status)


def _answer(body: dict[str, Any], status: int) -> flask.Response:
    answer = flask.jsonify(body)
    answer.status_code = status
    answer.headers["Cache-Control"] = "no-store"
    return answer
