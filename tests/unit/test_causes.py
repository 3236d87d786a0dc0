"""The causes in words: both languages, each with something to do, and the guide made of them."""

import re
import string
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from gateway.diagnosis import GUIDE, guide_section
from gateway.diagnosis.causes import DO, SAYS
from gateway.diagnosis.finding import CODES
from gateway.diagnosis.guide import WHY, render
from gateway.diagnosis.wording import PHRASES, sentences_of
from gateway.settings import load
from gateway.texts import Sentence
from tests.support.refusals import SCENARIOS

ROOT = Path(__file__).parents[2]
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


def test_the_vocabulary_is_the_contracts() -> None:
    contract = (ROOT / "docs/contract.md").read_text(encoding="utf-8")
    rows = contract.partition("\n## Causes\n")[2].partition("\n## ")[0]
    names = [line.split("|")[1] for line in rows.splitlines() if line.startswith("| `")]
    assert set(CODES) == set(re.findall("[A-Z_]+", " ".join(names)))
    for table in (SAYS, DO):
        assert {key.partition("/")[0] for key in table} == set(CODES)
    assert set(WHY) == set(CODES)
    assert {first for _, first in SCENARIOS.values()} == set(CODES), "every cause has its scenarios"


@pytest.mark.parametrize("table", [SAYS, DO, PHRASES, WHY], ids=["says", "do", "phrases", "why"])
def test_both_languages_are_complete(table: dict[str, Sentence]) -> None:
    for key, sentence in table.items():
        assert sentence.ru.strip(), key
        assert sentence.en.strip(), key
        assert not CYRILLIC.search(re.sub("«с»", "", sentence.en)), key
        if table is not WHY:
            assert _fields(sentence.ru) == _fields(sentence.en), key
        if table is not PHRASES:
            assert CYRILLIC.search(sentence.ru), key
            assert sentence.ru.endswith("."), key
            assert sentence.en.endswith("."), key


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_sentence_is_filled_in_both_languages() -> None:
    for (request, _), language in product(SCENARIOS.values(), ("ru", "en")):
        for cause in replace(request, env={**request.env, "LOG_LANGUAGE": language}).causes():
            assert bool(CYRILLIC.search(cause.says)) == (language == "ru"), cause
            assert not set(re.findall(r"{(\w+)}", cause.says + cause.do)) - {"application_token"}, cause


def test_the_setting_is_changed_where_the_gateway_runs() -> None:
    environments = {
        "deploy.sh rotate": {"K_SERVICE": "b24-bitrix-webhook"},
        "Railway": {"RAILWAY_PUBLIC_DOMAIN": "x.up.railway.app"},
        ".env": {},
    }
    for place, environ in environments.items():
        assert (
            place in sentences_of("SETTING_MISSING", "", {}, load({"LOG_LANGUAGE": "en", **environ}, None))[1]
        )


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_guide_is_generated_from_the_catalogue(language: str) -> None:
    page = (ROOT / GUIDE[language]).read_text(encoding="utf-8")
    assert page == render(language), "make it anew: python -m gateway.diagnosis.guide"
    headings = re.findall(r"^## (\w+)$", page, re.MULTILINE)
    assert headings == list(CODES)
    assert guide_section("TOKEN_ABSENT", language) == f"{GUIDE[language]}#token_absent"
