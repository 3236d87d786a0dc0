"""Logs a refusal: where the token was looked for, what was there, why, and what to change.

A healthy request imports none of this.
"""

import logging
from collections.abc import Collection
from typing import NamedTuple

from gateway.diagnosis import diagnose, guide_link
from gateway.diagnosis.finding import RIGHT_TOKEN
from gateway.ingest.decision import Judgement
from gateway.receiver.answers import section_of
from gateway.redaction import clean, top_level_keys
from gateway.settings import Settings
from gateway.texts import say
from verify import Trace

MAX_CAUSES = 10

log = logging.getLogger("gateway.receiver")


def log_refusal(judgement: Judgement, config: Settings, request_id: str) -> None:
    """Log one WARNING for a refusal, with its places, its causes and the request's shape."""
    secrets = config.secrets()
    causes = _causes(judgement, config)
    guide = guide_link(causes[0]["code"] if causes else section_of(judgement, config), config)
    received = judgement.verdict.received
    fields = {
        "code": "METHOD_GET" if judgement.code == "OK" else judgement.code,
        "places": [trace._asdict() for trace in judgement.verdict.places],
        "causes": causes,
        "guide": guide,
        **({"field": judgement.invalid} if judgement.invalid else {}),
        **shape_of(judgement, secrets)._asdict(),
        "request_id": request_id,
    }
    key = "TOKEN_REFUSED" if judgement.code.startswith("TOKEN_") else f"ANSWER_{fields['code']}"
    if key == "TOKEN_REFUSED" and causes and causes[0]["code"] in RIGHT_TOKEN:
        key = "TOKEN_ALMOST"
    opening = say(key, config.language, received=_received_text(received, key, config.language))
    # A line of text carries no fields, so it must name this one.
    if judgement.invalid:
        opening += f": {judgement.invalid}"
    says, do = (causes[0]["says"], causes[0]["do"]) if causes else ("", "")
    if not causes and judgement.hint == "robot":
        says = say("ROBOT_ANSWER", config.language)
    guide_hint = say("EXPLAIN_GUIDE", config.language, section=guide)
    sentence = " — ".join(text for text in (opening, f"{says} {do}".strip(), guide_hint) if text)
    # The alerts count rejections by this label.
    labels = {"cause": causes[0]["code"]} if causes else {}
    # `lines` is the sentence in its parts, for a terminal.
    log.warning(
        sentence, extra={"json_fields": fields, "labels": labels, "lines": (opening, says, do, guide_hint)}
    )


class Shape(NamedTuple):
    """What kind of request it was, without its values: fields of the log's record and of the journal's."""

    method: str
    path: str
    content_type: str
    body_bytes: int
    decoded_as: str
    top_level_keys: list[str]
    user_agent: str


def shape_of(judgement: Judgement, secrets: Collection[str]) -> Shape:
    """The request's shape, without secrets."""
    incoming, payload = judgement.incoming, judgement.payload
    return Shape(
        method=clean(incoming.method, secrets),
        path=clean(incoming.path, secrets),
        content_type=clean(incoming.header("content-type"), secrets),
        body_bytes=judgement.body_bytes,
        decoded_as=payload.decoded_as,
        top_level_keys=top_level_keys(payload.fields, secrets),
        user_agent=clean(incoming.header("user-agent"), secrets),
    )


def _received_text(received: Trace | None, refusal_key: str, language: str) -> str:
    """What was received, in words: a bare fingerprint reads like the beginning of a token."""
    if received is None:
        return "None"
    if received.fingerprint is None:
        return say("RECEIVED_SHORT", language, length=received.length)
    key = "RECEIVED_OTHER/32" if received.length == 32 else "RECEIVED_OTHER"
    if refusal_key == "TOKEN_ALMOST":
        key = "RECEIVED_ALMOST"
    return say(key, language, length=received.length, fingerprint=received.fingerprint)


def _causes(judgement: Judgement, config: Settings) -> list[dict[str, str]]:
    """The refusal's causes; a defect in the diagnosis neither changes the answer nor prints a payload."""
    try:
        return [cause.to_json() for cause in diagnose(judgement, config)[:MAX_CAUSES]]
    except Exception as error:  # noqa: BLE001 — the refusal is final, whatever goes wrong while explaining it
        log.error("the diagnosis failed: %s", type(error).__name__)
        return []
