"""Makes the answers: JSON with a code, a sentence and a link to the guide; never how near a token was."""

import json
import random
from contextlib import suppress
from functools import cache
from typing import Any

import flask

from gateway import __version__
from gateway.ingest.decision import Judgement
from gateway.setting_values import WEBHOOK_PATH
from gateway.settings import Settings
from gateway.texts import say

# Seconds, for whoever resends after QUEUE_UNAVAILABLE.
RETRY_AFTER = 30
# Sections of the guide, for answers whose code by itself names the cause.
SECTIONS = {
    "NOT_FOUND": "PATH_WRONG",
    "TOKEN_NOT_CONFIGURED": "SETTING_MISSING",
    "QUERY_TOO_LONG": "LIMIT_EXCEEDED",
    "BODY_TOO_LARGE": "LIMIT_EXCEEDED",
    "BODY_TOO_COMPLEX": "LIMIT_EXCEEDED",
    "BODY_INCOMPLETE": "BODY_INCOMPLETE",
}

_to_json = json.JSONEncoder(ensure_ascii=False).encode


def new_request_id() -> str:
    """An id by which an answer, its log records and its journal's record find each other.

    Unique is enough, and the system's own random numbers cost a switch to another thread.
    """
    return f"{random.getrandbits(64):016x}"


def details_of(judgement: Judgement, config: Settings) -> dict[str, Any]:
    """What the answer says besides its code; nothing about the token, nor about an unverified body."""
    if judgement.code == "OK":
        facts = {"token_configured": bool(config.tokens), "queue": config.queue_kind}
        return {**facts, "version": __version__}
    from gateway.diagnosis import guide_link  # cold start

    details: dict[str, Any] = {"guide": guide_link(section_of(judgement, config), config)}
    if judgement.code == "NOT_FOUND":
        details["path"] = WEBHOOK_PATH
    if judgement.limit:
        details |= {"limit": judgement.limit.allowed, "came": judgement.limit.received}
    if judgement.code == "EVENT_INVALID":
        details["field"] = judgement.invalid
    if judgement.hint == "robot":
        details["hint"] = say("ROBOT_ANSWER", config.language)
    return details


def section_of(judgement: Judgement, config: Settings) -> str | None:
    """The guide's section: the cause's, for a sender who knows a token; else that of the answer's code."""
    if judgement.code == "EVENT_INVALID":
        from gateway.diagnosis import findings  # cold start

        with suppress(Exception):
            return findings(judgement, config)[0].code
    return SECTIONS.get(judgement.code)


def answer(code: str, config: Settings, request_id: str, status: int, **details: Any) -> flask.Response:
    """A JSON answer, streamed: after a plain one functions-framework reads a rejected body into memory."""
    fields = {
        "status": "ok" if status < 400 else "error",
        "code": code,
        "message": _sentence(code, config.language),
        "request_id": request_id,
        **details,
    }
    body = _to_json(fields).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        # A cache once served /health for minutes after the gateway had died.
        ("Cache-Control", "no-store"),
    ]
    if code == "QUEUE_UNAVAILABLE":
        headers.append(("Retry-After", str(RETRY_AFTER)))
    # werkzeug sends no body after a HEAD.
    return flask.Response(iter((body,)), status, headers)


@cache
def _sentence(code: str, language: str) -> str:
    return say(f"ANSWER_{code}", language)
