"""Finds causes outside the body: the method, the path, a limit, and who asks without a token."""

from gateway.diagnosis.event_shape import is_event
from gateway.diagnosis.evidence import Evidence
from gateway.diagnosis.finding import Finding
from gateway.diagnosis.safe_names import Names, safe_method
from gateway.diagnosis.sender import looks_scanned, sender
from gateway.ingest.decision import Judgement
from gateway.settings import Settings


def of_outside(judgement: Judgement, settings: Settings) -> list[Finding]:
    """The causes that need no look at the body: limits, method, path."""
    incoming = judgement.incoming
    if judgement.limit is not None:
        name, allowed, received = judgement.limit
        values = {"came": received, "allowed": allowed}
        return [Finding("LIMIT_EXCEEDED", f"{name}: {received} > {allowed}", name, values)]
    method = safe_method(judgement.incoming)
    findings = []
    if judgement.event_in or (incoming.from_bitrix24 and method in ("GET", "HEAD")):
        detail = f"{method}: {judgement.event_in}" if judgement.event_in else method
        variant = judgement.event_in if method in ("GET", "HEAD") else "sent"
        findings.append(Finding("METHOD_GET", detail, variant, {"method": method}))
    elif judgement.code == "METHOD_NOT_ALLOWED" and judgement.verdict.verified and method != "POST":
        findings.append(Finding("METHOD_GET", method, "method", {"method": method}))
    is_event_lost = judgement.code == "NOT_FOUND" or (
        judgement.code == "METHOD_NOT_ALLOWED" and method == "POST"
    )
    is_meant_for_us = method == "POST" or judgement.verdict.received is not None
    if is_event_lost and (
        incoming.from_bitrix24
        or judgement.verdict.verified
        or (is_meant_for_us and not looks_scanned(incoming.path))
    ):
        path = Names(settings).path(incoming.path)
        findings.append(Finding("PATH_WRONG", path, values={"method": method, "path": path}))
    tokenless = no_token(judgement, None, "" if is_event_lost else "method", method)
    return findings or [tokenless]


def no_token(judgement: Judgement, evidence: Evidence | None, variant: str = "", method: str = "") -> Finding:
    """What kind of request came without a token, by what it says about itself, which anyone may write."""
    kind, name = sender(judgement.incoming, evidence.reading.fields if evidence else {})
    values: dict[str, object] = {"kind": kind, "name": name}
    detail = f"{kind}: {name}" if name and kind != "bitrix24" else kind
    if kind == "relay" and not variant:
        variant = "relay"
    if variant == "method":
        values["method"] = method
        detail = f"method: {method}"
    if variant == "text" and evidence:
        values["place"], text = next(iter(evidence.texts.items()))
        values["length"] = len(text.encode("utf-8", "replace"))
        detail = str(values["place"])
        if detail == "body:auth.application_token" and is_event(evidence.reading.fields):
            # https://apidocs.bitrix24.ru: a bot's CLIENT_ID is where its token belongs.
            variant = "bot"
    return Finding("TOKEN_ABSENT", detail, variant, values)
