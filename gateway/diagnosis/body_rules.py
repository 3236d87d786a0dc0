"""Finds what happened to the body on its way: cut off, empty, printed, flattened, encoded twice."""

from collections.abc import Iterator

from gateway.diagnosis.body_variants import REWRITTEN, name_as_sent
from gateway.diagnosis.evidence import Evidence, gather
from gateway.diagnosis.finding import Finding
from gateway.diagnosis.safe_names import Names
from gateway.diagnosis.sender import sender
from gateway.ingest.decision import Judgement
from gateway.ingest.hollow import DATA_AND_AUTH, hollow, place_of
from gateway.settings import Settings

# How many top-level names are shown in a cause.
MAX_KEYS = 10


def of_invalid(judgement: Judgement, settings: Settings) -> list[Finding]:
    """Why a verified request is not an event."""
    if judgement.hint == "robot":
        return [Finding("ROBOT_WITHOUT_TOKEN", "document_id", "verified")]
    loss = hollow(judgement.payload.fields)
    if judgement.hint == "hollow" and loss is not None:
        if loss.how in REWRITTEN and (findings := list(body(gather(judgement, settings)))):
            # Undoing that would make the event whole.
            return findings
        if loss.how in ("flat", "pairs", "nested"):
            name = Names(settings).place("body", name_as_sent(loss.name, judgement))
            variant = "data" if loss.how == "flat" else "pairs" if loss.how == "pairs" else ""
            code = "BODY_NESTED" if loss.how == "nested" else "BODY_FLATTENED"
            return [Finding(code, name, variant, {"how": name})]
        name = _safe_place(place_of(loss, judgement.payload.fields), settings)
        return [Finding("BODY_PRINTED", name, loss.how, {"place": name})]
    if judgement.invalid == "auth.domain":
        return [Finding("BODY_UNREADABLE", "auth.domain", "domain")]
    findings = list(body(gather(judgement, settings)))
    if findings:
        return findings
    fields = judgement.payload.fields if isinstance(judgement.payload.fields, dict) else {}
    keys = ", ".join(Names(settings).safe(str(key)) for key in list(fields)[:MAX_KEYS]) or "–"
    has_event_name = "event" in fields
    return [Finding("BODY_FLATTENED", keys, "event" if has_event_name else "renamed", {"keys": keys})]


def body(evidence: Evidence) -> Iterator[Finding]:
    """What is wrong with the body as a whole."""
    reading, judgement = evidence.reading, evidence.judgement
    declared = judgement.incoming.declared_length or 0
    if judgement.code == "BODY_INCOMPLETE" or declared > judgement.body_bytes:
        sizes = {"declared": declared or "?", "came": judgement.body_bytes}
        variant = "chunked" if not declared else "" if judgement.body_bytes else "nothing"
        yield Finding("BODY_INCOMPLETE", f"{sizes['came']}/{sizes['declared']}", variant, sizes)
    elif reading.code in ("BODY_EMPTY", "BODY_UNREADABLE") and not (
        reading.detail or evidence.in_body or evidence.verdict.verified
    ):
        kind, _ = sender(judgement.incoming, {})
        if kind in ("monitor", "health"):
            # These requests send no body, or a word of their own, so no event was lost.
            return
    if not reading.code or (reading.code == "BODY_EMPTY" and declared > judgement.body_bytes):
        return
    detail, variant = reading.detail, reading.how
    # The sender chose this name, so it may itself be the token.
    if detail.startswith("body:"):
        detail = _safe_place(detail, evidence.settings)
    if reading.code == "BODY_UNREADABLE":
        variant = detail if detail in ("JSON", "template") else "kind" if detail else ""
    if reading.code == "TOKEN_NOT_TEXT":
        variant = "file"
    yield Finding(reading.code, detail, variant, {"how": detail, "declared": declared, "place": detail})


def _safe_place(place: str, settings: Settings) -> str:
    """A place of the body whose name is safe to show."""
    return place if place == DATA_AND_AUTH else Names(settings).place("body", place.removeprefix("body:"))


def is_lost(evidence: Evidence) -> bool:
    """Whether the body is a printout or in the query: then advice about a token in it would not help."""
    return evidence.reading.code in ("BODY_PRINTED", "BODY_IN_QUERY")
