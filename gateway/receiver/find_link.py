"""Answers a bot over HTTP: who a Telegram account is, or which account a Bitrix24 user has.

`GET /api/links?telegram_id=…`, `GET /api/links?telegram_username=…`, `GET /api/links/USER`, with
`Authorization: Bearer LINKS_API_TOKEN`. Without that setting every answer is 404.
"""

import hmac
import re
from functools import cache
from typing import Any

import flask

from gateway.errors import GatewayError
from gateway.events import rfc3339
from gateway.links import open_store
from gateway.links.model import Link, Store
from gateway.settings import Settings
from gateway.startup import settings
from gateway.texts import say

PATH = "/api/links"
_USER = re.compile(r"[1-9][0-9]{0,15}")
_NAME = re.compile(r"@?([A-Za-z0-9_]{1,64})")


def respond(request: flask.Request) -> flask.Response:
    """Answer one question; 503 if the store does not answer, because null never means "don't know"."""
    known = settings()
    if not known.links_api_token:
        return _refused("NOT_FOUND", 404, known)
    if not _is_allowed(request, known.links_api_token):
        return _refused("LINKS_UNAUTHORIZED", 401, known)
    if request.method not in ("GET", "HEAD"):
        refused = _refused("METHOD_NOT_ALLOWED", 405, known, "LINKS_METHOD")
        refused.headers["Allow"] = "GET, HEAD"
        return refused
    try:
        link = _asked(request, _store(), known)
    except ValueError:
        return _refused("LINKS_QUESTION", 400, known)
    except GatewayError:
        return _refused("LINKS_UNAVAILABLE", 503, known)
    found = None if link is None else as_json(link)
    return _answer({"link": found, "by_name_only": bool(link and link.by_name_only)}, 200)


def as_json(link: Link) -> dict[str, Any]:
    """A link as `links --json` prints it."""
    return {
        "portal": link.portal,
        "bitrix_user_id": link.bitrix_user_id,
        "telegram_id": link.telegram_id,
        "telegram_username": link.telegram_username,
        "active": link.active,
        "observed_at": rfc3339(link.observed_at),
        "updated_at": rfc3339(link.updated_at),
    }


@cache
def _store() -> Store:
    return open_store(settings().database)


def _is_allowed(request: flask.Request, token: str) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def _asked(request: flask.Request, store: Store, known: Settings) -> Link | None:
    """The link that the request asks for, if there is one. Raises `ValueError` for a malformed question."""
    portal = request.args.get("portal", known.domain).lower()
    rest = request.path.rstrip("/").removeprefix(PATH).strip("/")
    if rest:
        if not _USER.fullmatch(rest):
            raise ValueError(rest)
        link = store.get(portal, int(rest))
        return link if link is not None and (link.telegram_id or link.telegram_username) else None
    number, name = request.args.get("telegram_id", ""), request.args.get("telegram_username", "")
    if number and not (_USER.fullmatch(number) and int(number) <= 2**52):
        raise ValueError(number)
    named = _NAME.fullmatch(name)
    if not number and not named:
        raise ValueError(name)
    return store.find(
        portal,
        telegram_id=int(number) if number else None,
        telegram_username=named[1] if named else None,
    )


def _refused(code: str, status: int, known: Settings, sentence: str = "") -> flask.Response:
    message = say(f"ANSWER_{sentence or code}", known.language)
    return _answer({"status": "error", "code": code, "message": message}, status)


def _answer(body: dict[str, Any], status: int) -> flask.Response:
    answer = flask.jsonify(body)
    answer.status_code = status
    answer.headers["Cache-Control"] = "no-store"
    return answer
