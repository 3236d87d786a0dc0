"""Which causes a request's evidence leads to, in the contract's order.

Each rule looks at the evidence and says what it finds; the order is a table. A rule
speaks only of what was seen: if two causes are possible both are found, and their
sentences say which look tells them apart.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.diagnosis import evidence as seen
from gateway.diagnosis.body_variants import REWRITTEN, is_event, is_robot, on_the_wire
from gateway.diagnosis.evidence import Evidence, gather
from gateway.diagnosis.safe_names import Names, shown_method
from gateway.diagnosis.sender import looks_scanned, sender
from gateway.diagnosis.similarity import MAX_TEXT, fold
from gateway.diagnosis.token_setting import PLAIN_SHAPE, WEBHOOK_SHAPE, Part, is_placeholder, parts
from gateway.ingest.decision import Judgement
from gateway.ingest.hollow import hollow
from gateway.setting_values import portals_without_token
from gateway.settings import Settings
from verify import BODY_PATHS, fingerprint

ORDER = (
    ("METHOD_GET", "PATH_WRONG", "LIMIT_EXCEEDED"),
    ("SETTING_MISSING", "SETTING_PLACEHOLDER", "SETTING_DECORATED", "SETTING_URL"),
    ("SETTING_INCOMING_SECRET", "SETTING_SHAPE"),
    ("BODY_INCOMPLETE", "BODY_IN_QUERY", "BODY_EMPTY", "BODY_COMPRESSED", "BODY_MISDECLARED"),
    ("BODY_ENCODED_TWICE", "BODY_FLATTENED", "BODY_NESTED", "BODY_PRINTED", "BODY_UNREADABLE"),
    ("TOKEN_ALTERED", "TOKEN_LOOKALIKE", "TOKEN_ELSEWHERE"),
    ("TOKEN_INCOMING_SECRET", "TOKEN_OTHER_PORTAL", "TOKEN_APPLICATION"),
    ("AUTHORIZATION_SCHEME", "AUTHORIZATION_GATEWAY", "TOKEN_OTHER_WEBHOOK"),
    ("TOKEN_BLANK", "TOKEN_REPEATED", "TOKEN_NOT_TEXT"),
    ("ROBOT_WITHOUT_TOKEN", "AUTH_MISSING", "TOKEN_ABSENT"),
)
CODES = tuple(code for codes in ORDER for code in codes)


@dataclass(frozen=True)
class Finding:
    """A cause before it is put into words; `variant` chooses among the sentences of a code."""

    code: str
    detail: str = ""
    variant: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


def of_setting(settings: Settings) -> list[Finding]:
    """What is odd about the configured tokens, one finding per code."""
    portals = ", ".join(portals_without_token(settings.outgoing_token))
    found = [Finding("SETTING_MISSING", portals, "portal", {"portals": portals})] if portals else []
    if not settings.tokens:
        blank = "blank" if settings.outgoing_token else ""
        return found or [Finding("SETTING_MISSING", blank, blank)]
    configured = parts(settings)
    codes = {part.code for part in configured if part.code}
    return _ordered([*found, *(_odd(code, configured) for code in codes)])


def _odd(code: str, configured: list[Part]) -> Finding:
    """The finding of one kind of oddity, with the numbers of the tokens that have it."""
    odd = [(number, part.detail) for number, part in enumerate(configured, 1) if part.code == code]
    numbers = [number for number, _ in odd] if len(configured) > 1 else []
    details = [": ".join(filter(None, (f"{n}/{len(configured)}" if numbers else "", how))) for n, how in odd]
    how = tuple(dict.fromkeys(word for _, detail in odd for word in detail.split(", ")))
    return Finding(code, "; ".join(filter(None, details)), values={"how": how, "numbers": numbers})


def of_request(judgement: Judgement, settings: Settings) -> list[Finding]:
    """The causes of a refused request, in the contract's order."""
    if judgement.code == "EVENT_INVALID":
        return _of_invalid(judgement, settings)
    if judgement.code in _JUDGED and judgement.limit is None:
        return _of_verdict(gather(judgement, settings))
    first, odd = _of_outside(judgement, settings), of_setting(settings)
    if judgement.limit is not None:
        return [*odd, *first] if judgement.code in _JUDGED else [*first, *odd]
    evidence = gather(judgement, settings)
    found = [cause for rule in (_altered, _elsewhere) for cause in rule(evidence)]
    in_path = [cause for cause in found if cause.detail.startswith("path:")]
    rest = [cause for cause in found if cause not in in_path]
    if first[-1].code == "TOKEN_ABSENT":
        first = _by_method(evidence) or ([] if evidence.explained else first)
        return [*in_path, *_ordered([*rest, *first]), *odd]
    return [*in_path, *_ordered([*first, *odd, *rest])]


def _by_method(evidence: Evidence) -> list[Finding]:
    """Of a token that came by another method than POST: the method first, then whose token it is."""
    judgement = evidence.judgement
    carried = evidence.explained or evidence.shapes or evidence.incoming
    if judgement.code != "METHOD_NOT_ALLOWED" or judgement.incoming.method == "POST" or not carried:
        return []
    method = shown_method(judgement.incoming)
    variant = "method" if evidence.verdict.verified else "token"
    return [Finding("METHOD_GET", method, variant, {"method": method}), *_mismatched(evidence)]


def _of_invalid(judgement: Judgement, settings: Settings) -> list[Finding]:
    """Why a verified request is not an event."""
    if judgement.hint == "robot":
        return [Finding("ROBOT_WITHOUT_TOKEN", "document_id", "verified")]
    lost = hollow(judgement.payload.fields)
    if judgement.hint == "hollow" and lost is not None:
        if lost.how in REWRITTEN and (found := list(_body(gather(judgement, settings)))):
            return found  # undoing that would make the event whole
        if lost.how in ("flat", "pairs", "nested"):
            name = Names(settings).place("body", on_the_wire(lost.name, judgement))
            variant = "data" if lost.how == "flat" else "pairs" if lost.how == "pairs" else ""
            code = "BODY_NESTED" if lost.how == "nested" else "BODY_FLATTENED"
            return [Finding(code, name, variant, {"how": name})]
        name = Names(settings).place("body", lost.name)
        return [Finding("BODY_PRINTED", name, lost.how, {"place": name})]
    if judgement.invalid == "auth.domain":
        return [Finding("BODY_UNREADABLE", "auth.domain", "domain")]
    found = list(_body(gather(judgement, settings)))
    if found:
        return found
    fields = judgement.payload.fields if isinstance(judgement.payload.fields, dict) else {}
    keys = ", ".join(Names(settings).shown(str(key)) for key in list(fields)[:MAX_KEYS]) or "–"
    named = "event" in fields
    return [Finding("BODY_FLATTENED", keys, "event" if named else "renamed", {"keys": keys})]


_JUDGED = frozenset(["TOKEN_NOT_FOUND", "TOKEN_MISMATCH", "TOKEN_NOT_CONFIGURED", "BODY_INCOMPLETE"])
MAX_KEYS = 10  # top-level names that a cause shows


def _of_verdict(evidence: Evidence) -> list[Finding]:
    """All causes: the settings' first if the request holds something of a token's shape, else last."""
    own = _ordered(cause for rule in _RULES for cause in rule(evidence))
    odd = of_setting(evidence.settings) or list(_setting_shape(evidence))
    absent = _absent(evidence.judgement, evidence, "text" if evidence.texts else "")
    explained = evidence.in_body or evidence.explained
    codes = [cause.code for cause in own]
    if not own and not (evidence.texts and odd):
        own = [absent]
    elif codes in (["BODY_EMPTY"], ["BODY_UNREADABLE"]) and not (
        evidence.texts or explained or evidence.reading.how
    ):
        own += [absent] if absent.values["kind"] not in ("bitrix24", "relay") else []
    elif codes == ["AUTH_MISSING"] and evidence.texts:
        own += [absent]  # what is in another place is not a token either
    if "AUTHORIZATION_GATEWAY" in codes and "TOKEN_OTHER_WEBHOOK" in codes:
        # The webhook's token came in its own place: the JWT beside it did no harm.
        own.sort(key=lambda cause: cause.code == "AUTHORIZATION_GATEWAY")
    first = not evidence.settings.tokens or bool(evidence.shapes)
    return [*odd, *own] if first else [*own, *odd]


def _of_outside(judgement: Judgement, settings: Settings) -> list[Finding]:
    """The causes that need no look at the body: limits, method, path."""
    incoming = judgement.incoming
    if judgement.limit is not None:
        name, allowed, came = judgement.limit
        values = {"came": came, "allowed": allowed}
        return [Finding("LIMIT_EXCEEDED", f"{name}: {came} > {allowed}", name, values)]
    method = shown_method(judgement.incoming)
    found = []
    if judgement.event_in or (incoming.from_bitrix24 and method in ("GET", "HEAD")):
        detail = f"{method}: {judgement.event_in}" if judgement.event_in else method
        variant = judgement.event_in if method in ("GET", "HEAD") else "sent"
        found.append(Finding("METHOD_GET", detail, variant, {"method": method}))
    elif judgement.code == "METHOD_NOT_ALLOWED" and judgement.verdict.verified and method != "POST":
        found.append(Finding("METHOD_GET", method, "method", {"method": method}))
    lost = judgement.code == "NOT_FOUND" or (judgement.code == "METHOD_NOT_ALLOWED" and method == "POST")
    meant = method == "POST" or judgement.verdict.received is not None
    if lost and (
        incoming.from_bitrix24 or judgement.verdict.verified or (meant and not looks_scanned(incoming.path))
    ):
        path = Names(settings).path(incoming.path)
        found.append(Finding("PATH_WRONG", path, values={"method": method, "path": path}))
    absent = _absent(judgement, None, "" if lost else "method", method)
    return found or [absent]


def _body(evidence: Evidence) -> Iterator[Finding]:
    reading, judgement = evidence.reading, evidence.judgement
    declared = judgement.incoming.declared_length or 0
    if judgement.code == "BODY_INCOMPLETE" or declared > judgement.body_bytes:
        came = {"declared": declared or "?", "came": judgement.body_bytes}
        variant = "chunked" if not declared else "" if judgement.body_bytes else "nothing"
        yield Finding("BODY_INCOMPLETE", f"{came['came']}/{came['declared']}", variant, came)
    elif reading.code in ("BODY_EMPTY", "BODY_UNREADABLE") and not (
        reading.detail or evidence.in_body or evidence.verdict.verified
    ):
        kind, _ = sender(judgement.incoming, {})
        if kind in ("monitor", "health"):
            return  # these send no body, or a word of their own, so no event was dropped
    if not reading.code or (reading.code == "BODY_EMPTY" and declared > judgement.body_bytes):
        return
    detail, variant = reading.detail, reading.how
    if detail.startswith("body:"):  # the sender chose this name, so it may be the token
        detail = Names(evidence.settings).place("body", detail[5:])
    if reading.code == "BODY_UNREADABLE":
        variant = detail if detail in ("JSON", "template") else "kind" if detail else ""
    if reading.code == "TOKEN_NOT_TEXT":
        variant = "file"
    yield Finding(reading.code, detail, variant, {"how": detail, "declared": declared, "place": detail})


def _is_lost(evidence: Evidence) -> bool:
    """Whether the body is a printout or in the query: then advice about a token in it would not help."""
    return evidence.reading.code in ("BODY_PRINTED", "BODY_IN_QUERY")


def _altered(evidence: Evidence) -> Iterator[Finding]:
    """`TOKEN_ALTERED` and `TOKEN_LOOKALIKE`, for the nearest place."""
    if _is_lost(evidence):
        return
    setting = "setting" if list(_setting_shape(evidence)) else ""
    for place, like in (*evidence.near, *evidence.elsewhere):
        variant = setting or ("" if place in evidence.texts else "elsewhere")
        if like.alterations:
            how = ", ".join(like.alterations)
            values = {"place": place, "how": like.alterations}
            yield Finding("TOKEN_ALTERED", f"{place}: {how}", variant, values)
        if like.foreign:
            count = {"place": place, "count": like.foreign}
            yield Finding("TOKEN_LOOKALIKE", f"{place}: {like.foreign}", variant, count)


def _elsewhere(evidence: Evidence) -> Iterator[Finding]:
    places = [place for place, _ in evidence.elsewhere]
    if places and not _is_lost(evidence):
        where, _, name = places[0].partition(":")
        if not name or name.startswith("<"):  # a name that can't be shown can't be renamed
            where = "raw" if places[0] == "body" else ""
        yield Finding("TOKEN_ELSEWHERE", ", ".join(dict.fromkeys(places)), where, {"place": places[0]})


def _mismatched(evidence: Evidence) -> Iterator[Finding]:
    """Whose token is in a place, if it is not an accepted one."""
    if evidence.incoming:
        places = ", ".join(evidence.incoming)
        own = any(place in evidence.texts for place in evidence.incoming)
        yield Finding("TOKEN_INCOMING_SECRET", places, "" if own else "elsewhere", {"place": places})
    others = list(_others_tokens(evidence))
    if bound := _bound_elsewhere(evidence):
        yield bound
    elif not evidence.explained:
        yield from others


def _others_tokens(evidence: Evidence) -> Iterator[Finding]:
    """Where no accepted token is near: what the texts in the places are instead.

    Asked whatever is near, or a refusal would take longer or shorter by that.
    """
    texts = {
        place: text
        for place, text in evidence.texts.items()
        if place not in evidence.incoming and not (place == "header:Authorization" and evidence.is_jwt)
    }
    mine, theirs = seen.host(evidence.settings.domain), seen.domain(evidence)
    stranger = bool(mine and theirs and mine != theirs and texts)
    if stranger:
        shown = Names(evidence.settings).host(theirs)
        yield Finding("TOKEN_OTHER_PORTAL", shown, values={"theirs": shown, "mine": mine})
    for place, text in texts.items():
        values: dict[str, object] = {
            "place": place,
            "print": fingerprint(text.encode("utf-8", "replace")) or "-",
        }
        if seen.is_hex(text):
            yield Finding("TOKEN_APPLICATION", place, values=values)
        elif (
            not stranger and evidence.needles and (variant := seen.webhook_shaped(text, evidence)) is not None
        ):
            yield Finding("TOKEN_OTHER_WEBHOOK", place, variant, values)


def _bound_elsewhere(evidence: Evidence) -> Finding | None:
    """The finding for a configured token that does not speak for the event's portal; else None."""
    settings = evidence.settings
    accepted = set(settings.tokens) if settings.bound_tokens else set()
    sent = {place: text.encode("utf-8", "replace") for place, text in evidence.texts.items()}
    right = [place for place, token in sent.items() if token in accepted]
    if not right:
        return None
    theirs = Names(settings).host(seen.domain(evidence))
    mine = ", ".join(portal for portal, token in settings.bound_tokens if token == sent[right[0]])
    values = {"theirs": theirs, "mine": mine, "place": right[0]}
    return Finding("TOKEN_OTHER_PORTAL", f"{right[0]}: {theirs}", "bound" if mine else "unbound", values)


def _authorization(evidence: Evidence) -> Iterator[Finding]:
    """What is wrong with `Authorization`, if it holds the accepted token or no other place does."""
    scheme, _, rest = evidence.scheme.partition(" ")
    if not scheme or (not evidence.settings.tokens and "webhook" in evidence.shapes):
        return
    if evidence.is_jwt:
        if not evidence.explained:
            yield Finding("AUTHORIZATION_GATEWAY", "header:Authorization")
    elif scheme.lower() != "bearer":
        accepted = seen.authorization_token(evidence)
        named = scheme if rest.strip() and re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,19}", scheme) else ""
        named = Names(evidence.settings).shown(named) if named else ""
        glued = scheme.lower().startswith("bearer")
        if accepted or not evidence.explained:
            detail = f"header:Authorization: {named}" if named else "header:Authorization"
            variant = ("held" if accepted else "other") + ("_glued" if glued else "" if named else "_bare")
            yield Finding("AUTHORIZATION_SCHEME", detail, variant, {"scheme": named})


def _malformed(evidence: Evidence) -> Iterator[Finding]:
    """Places that held a blank, two values, or something that is not a text."""
    for place, text in evidence.texts.items():
        if not fold(text[:MAX_TEXT]):  # quotes around nothing, or invisible characters
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
            yield Finding("TOKEN_NOT_TEXT", trace.place, values=values)


def _without(evidence: Evidence) -> Iterator[Finding]:
    """A robot's call, and an event that came without its token."""
    fields = evidence.reading.fields
    # All are asked whatever is near, or a refusal would take longer or shorter by that.
    robot, event, held = is_robot(fields), is_event(fields), seen.authorization_token(evidence)
    if evidence.explained or held:
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


def _unfilled(evidence: Evidence) -> Iterator[Finding]:
    """A placeholder, or a variable that nobody filled in, in a token's place."""
    for place, text in evidence.texts.items():
        if fold(text[:MAX_TEXT]) and is_placeholder(text) and not evidence.explained:
            yield Finding("TOKEN_ABSENT", place, "placeholder", {"place": place})


_REWRITTEN = ("BODY_PRINTED", "BODY_FLATTENED", "BODY_NESTED", "BODY_IN_QUERY")
_RULES = (_body, _altered, _elsewhere, _mismatched, _authorization, _malformed, _without, _unfilled)


def _setting_shape(evidence: Evidence) -> Iterator[Finding]:
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


def _absent(judgement: Judgement, evidence: Evidence | None, variant: str = "", method: str = "") -> Finding:
    """What a request was that carries no token: by what it says of itself, which anyone may say."""
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
            variant = "bot"  # https://apidocs.bitrix24.ru: a bot's CLIENT_ID stands where its token does
    return Finding("TOKEN_ABSENT", detail, variant, values)


def _ordered(findings: Iterable[Finding]) -> list[Finding]:
    """One finding per code, in the contract's order."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.code, finding)
    return sorted(first.values(), key=lambda finding: CODES.index(finding.code))
