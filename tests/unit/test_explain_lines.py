"""A line of the gateway's own as programs break and indent it, and one with codes that are not ours."""

import json
import textwrap

import pytest

from tests.unit.test_explain_finds import LINE, explained

ELSEWHERE = (
    "2026-11-27T02:08:40.806Z WARNING ⚠️ Wrong outgoing webhook token. Received: None — The right token is"
    " there, but in a place where it is not looked for: header:X-Webhook-Token. Send the token,"
    " and nothing else, in the header X-Bitrix-Token in place of X-Webhook-Token"
    " (or Authorization: Bearer TOKEN)."
    " [TOKEN_NOT_FOUND: TOKEN_ELSEWHERE]"
)


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (LINE, "AUTH_MISSING", "came with auth, but without application_token"),
        (ELSEWHERE, "TOKEN_ELSEWHERE", "header:X-Webhook-Token"),
    ],
)
@pytest.mark.parametrize("indent", [0, 2, 3, 4])
def test_a_wrapped_log_line_keeps_its_sentences(line: str, code: str, words: str, indent: int) -> None:
    for width in range(60, 133):
        pieces_of_line = [line[at : at + width] for at in range(0, len(line), width)]
        for pieces in (pieces_of_line, textwrap.wrap(line, width)):
            explanation = explained(("\n" + " " * indent).join(pieces))
            assert (explanation.code, [cause["code"] for cause in explanation.causes]) == (
                "TOKEN_NOT_FOUND",
                [code],
            )
            assert words in explanation.causes[0]["says"], (width, pieces)


@pytest.mark.parametrize("is_known", [True, False])
def test_unknown_codes_are_not_taken_for_causes(is_known: bool) -> None:
    codes = ["NOSUCH_CAUSE", *(["AUTH_MISSING"] if is_known else [])]
    entry = {
        "severity": "WARNING",
        "code": "TOKEN_NOT_FOUND",
        "causes": [{"code": code, "detail": "", "says": "x", "do": "x"} for code in codes],
    }
    line = f"2026-11-27T02:08:40.806Z WARNING ⚠️ Received: None [TOKEN_NOT_FOUND: {', '.join(codes)}]"
    for pasted in (json.dumps(entry), line):
        assert [cause["code"] for cause in explained(pasted).causes] == codes[1:]
