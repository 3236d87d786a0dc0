"""Which causes a request's evidence leads to, in the contract's order.

Each rule looks at the evidence and says what it finds: `request_rules`, `body_rules`, `token_rules`.
The order is a table: `finding`. A rule speaks only of what was seen: if two causes are possible both
are found, and their sentences say what to look at to tell them apart.
"""

from gateway.diagnosis import body_rules, request_rules, token_rules
from gateway.diagnosis.evidence import Evidence, gather
from gateway.diagnosis.finding import Finding, ordered
from gateway.diagnosis.safe_names import safe_method
from gateway.diagnosis.token_setting import of_setting
from gateway.ingest.decision import Judgement
from gateway.settings import Settings

_JUDGED = frozenset(["TOKEN_NOT_FOUND", "TOKEN_MISMATCH", "TOKEN_NOT_CONFIGURED", "BODY_INCOMPLETE"])
_RULES = (body_rules.body, *token_rules.RULES)


def of_request(judgement: Judgement, settings: Settings) -> list[Finding]:
    """The causes of a rejected request, in the contract's order."""
    if judgement.code == "EVENT_INVALID":
        return body_rules.of_invalid(judgement, settings)
    if judgement.code in _JUDGED and judgement.limit is None:
        return _of_verdict(gather(judgement, settings))
    first, odd = request_rules.of_outside(judgement, settings), of_setting(settings)
    if judgement.limit is not None:
        return [*odd, *first] if judgement.code in _JUDGED else [*first, *odd]
    evidence = gather(judgement, settings)
    token_causes = [
        cause for rule in (token_rules.altered, token_rules.elsewhere) for cause in rule(evidence)
    ]
    in_path = [cause for cause in token_causes if cause.detail.startswith("path:")]
    rest = [cause for cause in token_causes if cause not in in_path]
    if first[-1].code == "TOKEN_ABSENT":
        if evidence.explained:
            # With the event in the address, advice about the token alone would not help.
            first = [cause for cause in body_rules.body(evidence) if body_rules.is_lost(evidence)]
        first = _by_method(evidence) or first
        return [*in_path, *ordered([*rest, *first]), *odd]
    return [*in_path, *ordered([*first, *odd, *rest])]


def _by_method(evidence: Evidence) -> list[Finding]:
    """The causes for a token sent by another method than POST: the method first, then the token's owner."""
    judgement = evidence.judgement
    carried = evidence.explained or evidence.shapes or evidence.incoming
    if judgement.code != "METHOD_NOT_ALLOWED" or judgement.incoming.method == "POST" or not carried:
        return []
    method = safe_method(judgement.incoming)
    variant = "method" if evidence.verdict.verified else "token"
    return [Finding("METHOD_GET", method, variant, {"method": method}), *token_rules.mismatched(evidence)]


def _of_verdict(evidence: Evidence) -> list[Finding]:
    """All causes: the settings' first if the request holds something of a token's shape, else last."""
    own = ordered(cause for rule in _RULES for cause in rule(evidence))
    odd = of_setting(evidence.settings) or list(token_rules.setting_shape(evidence))
    absent = request_rules.no_token(evidence.judgement, evidence, "text" if evidence.texts else "")
    explained = evidence.in_body or evidence.explained
    codes = [cause.code for cause in own]
    if not own and not (evidence.texts and odd):
        own = [Finding("TOKEN_ELSEWHERE", "body", "bytes", {"place": "body"}) if evidence.in_body else absent]
    elif codes in (["BODY_EMPTY"], ["BODY_UNREADABLE"]) and not (
        evidence.texts or explained or evidence.reading.how
    ):
        own += [absent] if absent.values["kind"] not in ("bitrix24", "relay") else []
    elif codes == ["AUTH_MISSING"] and evidence.texts:
        # What is in another place is not a token either.
        own += [absent]
    if "AUTHORIZATION_GATEWAY" in codes and "TOKEN_OTHER_WEBHOOK" in codes:
        # The webhook's token came in its own place: the JWT beside it did no harm.
        own.sort(key=lambda cause: cause.code == "AUTHORIZATION_GATEWAY")
    # A configured token came, only from another portal: the setting's other items do not matter to it.
    is_bound_elsewhere = any(cause.code == "TOKEN_OTHER_PORTAL" and cause.variant for cause in own)
    first = not evidence.settings.tokens or (bool(evidence.shapes) and not is_bound_elsewhere)
    return [*odd, *own] if first else [*own, *odd]
