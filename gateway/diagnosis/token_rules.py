"""Finds what is in the place of the token: an altered one, somebody else's, none, or no token at all."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.diagnosis.body_rules import is_lost
from gateway.diagnosis.event_shape import is_event, is_robot
from gateway.diagnosis.evidence import (
    Evidence,
    authorization_token,
    event_host,
    host,
    is_hex,
    webhook_shaped,
)
from gateway.diagnosis.finding import Finding
from gateway.diagnosis.safe_names import Names
from gateway.diagnosis.similarity import MAX_TEXT, fold
from gateway.diagnosis.token_setting import PLAIN_SHAPE, WEBHOOK_SHAPE, is_placeholder
from verify import BODY_PATHS, fingerprint

_REWRITTEN = ("BODY_PRINTED", "BODY_FLATTENED", "BODY_NESTED", "BODY_IN_QUERY")


def altered(evidence: Evidence) -> Iterator[Finding]:
    """`TOKEN_ALTERED` and `TOKEN_LOOKALIKE`, for the nearest place."""
    if is_lost(evidence):
        return
    setting = "setting" if list(setting_shape(evidence)) else ""
    for place, like in (*evidence.near, *evidence.elsewhere):
        variant = setting or ("" if place in evidence.texts else "elsewhere")
        if like.alterations:
            alterations = ", ".join(like.alterations)
            values = {"place": place, "how": like.alterations}
            yield Finding("TOKEN_ALTERED", f"{place}: {alterations}", variant, values)
        if like.foreign:
            count = {"place": place, "count": like.foreign}
            yield Finding("TOKEN_LOOKALIKE", f"{place}: {like.foreign}", variant, count)


def elsewhere(evidence: Evidence) -> Iterator[Finding]:
    """The token in a place where it is not looked for."""
    places = [place for place, _ in evidence.elsewhere]
    if places and not is_lost(evidence):
        source, _, name = places[0].partition(":")
        # A name that cannot be shown cannot be renamed.
        if not name or name.startswith("<"):
            source = "raw" if places[0] == "body" else ""
        yield Finding("TOKEN_ELSEWHERE", ", ".join(dict.fromkeys(places)), source, {"place": places[0]})


def mismatched(evidence: Evidence) -> Iterator[Finding]:
    """Whose token is in a place, if it is not an accepted one."""
    if evidence.incoming:
        places = ", ".join(evidence.incoming)
        own = any(place in evidence.texts for place in evidence.incoming)
        yield Finding("TOKEN_INCOMING_SECRET", places, "" if own else "elsewhere", {"place": places})
    findings = list(_others_tokens(evidence))
    if bound := _bound_elsewhere(evidence):
        yield bound
    elif not evidence.explained:
        yield from findings


def _others_tokens(evidence: Evidence) -> Iterator[Finding]:
    """What the texts in the token's places are, if none of them is like an accepted token.

    Asked even if an accepted token is near: otherwise the time of a rejection would show that.
    """
    texts = {
        place: text
        for place, text in evidence.texts.items()
        if place not in evidence.incoming and not (place == "header:Authorization" and evidence.is_jwt)
    }
    mine, theirs = host(evidence.settings.domain), event_host(evidence)
    stranger = bool(mine and theirs and mine != theirs and texts)
    if stranger:
        safe_host = Names(evidence.settings).host(theirs)
        yield Finding("TOKEN_OTHER_PORTAL", safe_host, values={"theirs": safe_host, "mine": mine})
    for place, text in texts.items():
        values: dict[str, object] = {
            "place": place,
            "print": fingerprint(text.encode("utf-8", "replace")) or "-",
        }
        if is_hex(text):
            yield Finding("TOKEN_APPLICATION", place, values=values)
        elif not stranger and evidence.needles and (variant := webhook_shaped(text, evidence)) is not None:
            yield Finding("TOKEN_OTHER_WEBHOOK", place, variant, values)


def _bound_elsewhere(evidence: Evidence) -> Finding | None:
    """The finding for a configured token that does not speak for the event's portal; else None."""
    settings = evidence.settings
    accepted = set(settings.tokens) if settings.bound_tokens else set()
    tokens_by_place = {place: text.encode("utf-8", "replace") for place, text in evidence.texts.items()}
    right = [place for place, token in tokens_by_place.items() if token in accepted]
    if not right:
        return None
    theirs = Names(settings).host(event_host(evidence) or settings.domain)
    mine = ", ".join(portal for portal, token in settings.bound_tokens if token == tokens_by_place[right[0]])
    values = {"theirs": theirs, "mine": mine, "place": right[0]}
    return Finding("TOKEN_OTHER_PORTAL", f"{right[0]}: {theirs}", "bound" if mine else "unbound", values)


def authorization(evidence: Evidence) -> Iterator[Finding]:
    """What is wrong with `Authorization`, if it holds the accepted token or no other place does."""
    scheme, _, rest = evidence.scheme.partition(" ")
    if not scheme or (not evidence.settings.tokens and "webhook" in evidence.shapes):
        return
    if evidence.is_jwt:
        if not evidence.explained:
            yield Finding("AUTHORIZATION_GATEWAY", "header:Authorization")
    elif scheme.lower() != "bearer":
        accepted = authorization_token(evidence)
        scheme_name = scheme if rest.strip() and re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,19}", scheme) else ""
        scheme_name = Names(evidence.settings).safe(scheme_name) if scheme_name else ""
        glued = scheme.lower().startswith("bearer")
        if accepted or not evidence.explained:
            detail = f"header:Authorization: {scheme_name}" if scheme_name else "header:Authorization"
            variant = ("held" if accepted else "other") + (
                "_glued" if glued else "" if scheme_name else "_bare"
            )
            yield Finding("AUTHORIZATION_SCHEME", detail, variant, {"scheme": scheme_name})


def malformed(evidence: Evidence) -> Iterator[Finding]:
    """Places that held a blank, two values, or something that is not a text."""
    for place, text in evidence.texts.items():
        # Nothing remains of quotes around nothing, or of invisible characters.
        if not fold(text[:MAX_TEXT]):
            yield Finding("TOKEN_BLANK", place, values={"place": place})
    repeated = {f"body:{'.'.join(path)}" for path in evidence.reading.repeated}
    for trace in evidence.verdict.places:
        if trace.state != "malformed":
            continue
        values = {"place": trace.place}
        header = trace.place.startswith("header:")
        if trace.length == 0:
            yield Finding("TOKEN_BLANK", trace.place, values=values)
        elif header or trace.place in repeated or (trace.place == "query:token" and evidence.query_repeated):
            yield Finding("TOKEN_REPEATED", trace.place, "header" if header else "", values)
        else:
            variant = "null" if _is_null(evidence.reading.fields, trace.place) else ""
            yield Finding("TOKEN_NOT_TEXT", trace.place, variant, values)


def _is_null(fields: Mapping[str, Any], place: str) -> bool:
    """Whether a body's place holds null, as an unset variable is written, and `undefined` in a form."""
    value: Any = fields
    for name in place.removeprefix("body:").split("."):
        value = value.get(name, "") if isinstance(value, Mapping) else ""
    return value is None


def without_token(evidence: Evidence) -> Iterator[Finding]:
    """A robot's call, and an event that came without its token."""
    fields = evidence.reading.fields
    # All are asked even if an accepted token is near: otherwise the time of a rejection would show that.
    robot, event, in_authorization = is_robot(fields), is_event(fields), authorization_token(evidence)
    if evidence.explained or in_authorization:
        return
    jwt = {"header:Authorization"} if evidence.is_jwt else set()
    if robot and not set(evidence.texts) - jwt:
        yield Finding("ROBOT_WITHOUT_TOKEN", "document_id")
    elif event and not robot:
        absent = [
            trace
            for trace in evidence.verdict.places
            if trace.state == "absent" and trace.place.startswith("body:")
        ]
        if len(absent) == len(BODY_PATHS):
            judgement = evidence.judgement
            if judgement.code == "BODY_INCOMPLETE" or evidence.reading.code in _REWRITTEN:
                return
            has_auth = isinstance(fields.get("auth"), dict)
            variant = "token" if has_auth else ""
            yield Finding("AUTH_MISSING", "auth.application_token" if has_auth else "auth", variant)


def unfilled(evidence: Evidence) -> Iterator[Finding]:
    """A placeholder, or a variable that nobody filled in, in a token's place."""
    for place, text in evidence.texts.items():
        if fold(text[:MAX_TEXT]) and is_placeholder(text) and not evidence.explained:
            yield Finding("TOKEN_ABSENT", place, "placeholder", {"place": place})


def setting_shape(evidence: Evidence) -> Iterator[Finding]:
    """The request's token has a webhook's shape, and none of the configured ones has."""
    texts = [part.text for part in evidence.parts]
    if "plain" not in evidence.shapes or not texts or any(part.code for part in evidence.parts):
        return
    # A bot's token that lost its end is not an odd setting.
    shape = WEBHOOK_SHAPE if evidence.near else PLAIN_SHAPE
    if not any(shape.fullmatch(text) for text in texts):
        length = len(texts[0])
        variant = "characters" if length == 32 else ""
        yield Finding("SETTING_SHAPE", variant or f"length: {length}", variant, {"length": length})


RULES = (altered, elsewhere, mismatched, authorization, malformed, without_token, unfilled)
