"""The index of codes: current, complete, and with links that open."""

import re
from pathlib import Path

import pytest

from gateway.diagnosis.codes import INDEX, render
from gateway.diagnosis.finding import CODES
from gateway.ingest.decision import STATUS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_index_is_generated_from_the_catalogues(language: str) -> None:
    page = (ROOT / INDEX[language]).read_text(encoding="utf-8")
    assert page == render(language), "make it anew: python -m gateway.diagnosis.codes"
    assert {*CODES, *STATUS} <= set(re.findall(r"[A-Z][A-Z_0-9]+", page))
    guides = set(re.findall(r"\]\(([^)#]+)#", page))
    assert all((ROOT / "docs" / guide).exists() for guide in guides)


def test_both_languages_list_the_same_codes() -> None:
    ru, en = (re.findall(r"(?m)^\| \[?`([A-Z_0-9]+)`", render(language)) for language in ("ru", "en"))
    assert ru == en
