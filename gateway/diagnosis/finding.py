"""Defines what a rule finds, and the order in which causes are named."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

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
_RANKS = {code: rank for rank, code in enumerate(CODES)}
# The sender has the right token: the log must not call it wrong.
RIGHT_TOKEN = ("TOKEN_ALTERED", "TOKEN_LOOKALIKE", "TOKEN_ELSEWHERE", "TOKEN_OTHER_PORTAL")


@dataclass(frozen=True)
class Finding:
    """A cause before it is put into words; `variant` chooses among the sentences of a code."""

    code: str
    detail: str = ""
    variant: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """One finding per code, in the contract's order."""
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.code, finding)
    return sorted(first.values(), key=lambda finding: _RANKS[finding.code])
