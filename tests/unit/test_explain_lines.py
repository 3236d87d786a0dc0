"""A line of the gateway's own as programs break and indent it, and one with codes that are not ours."""

import json
import re
import textwrap

import pytest

from gateway.diagnosis.causes import DO, SAYS
from gateway.diagnosis.guide import examples
from gateway.diagnosis.wording import PHRASES
from gateway.tools.explain.former_wordings import FORMER_DO, FORMER_SAYS
from gateway.tools.explain.sentences import LEFT_OUT, safe, sentence_of
from tests.unit.test_explain_finds import LINE, explained

ELSEWHERE = (
    "2026-11-27T02:08:40.806Z WARNING ⚠️ Wrong outgoing webhook token. Received: None — The right token is"
    " there, but in a place where it is not looked for: header:X-Api-Key. Send the token,"
    " and nothing else, in the header X-Bitrix-Token in place of X-Api-Key"
    " (or Authorization: Bearer TOKEN)."
    " [TOKEN_NOT_FOUND: TOKEN_ELSEWHERE]"
)


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (LINE, "AUTH_MISSING", "came with auth, but without application_token"),
        (ELSEWHERE, "TOKEN_ELSEWHERE", "header:X-Api-Key"),
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


@pytest.mark.parametrize("key", sorted(FORMER_SAYS.keys() | FORMER_DO.keys()))
def test_a_former_wording_is_recognised_with_its_values(key: str) -> None:
    code = key.partition("/")[0]
    for number, (table, former) in enumerate(((SAYS, FORMER_SAYS), (DO, FORMER_DO))):
        for beginning in former.get(key, ()):
            language = "ru" if re.search("[а-я]", beginning) else "en"
            values = examples(key, language)
            settings = {name: str(values[name]) for name in ("setting", "url")}
            line = f"{beginning.format_map(values)} …"
            says = line if number == 0 else SAYS[code].text(language).format_map(values)
            sentences = sentence_of(code, says, line, language, settings)
            assert sentences is not None, beginning
            values |= {name: safe(str(value)) for name, value in values.items() if name not in settings}
            assert sentences[number] == table[key].text(language).format_map(values)


@pytest.mark.parametrize("how", [key.partition("/")[2] for key in PHRASES if key.startswith("how/")])
def test_a_records_detail_keeps_how_the_token_was_altered(how: str) -> None:
    assert safe(f"body:auth.application_token: {how}") == f"body:auth.application_token: {how}"
    assert safe(f"query:token: {how}, run this") == LEFT_OUT
