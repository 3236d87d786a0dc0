"""The table of attacks: what names it uses, and where it is written."""

from pathlib import Path

from hostile import attacks
from hostile.attacks import DOCUMENTS, END, KINDS, ROOT, START, Tried, row


def test_every_attack_is_of_a_kind_and_names_tests_that_are_there() -> None:
    known = attacks.attacks()
    assert {attack["kind"] for attack in known} == set(KINDS)
    for attack in known:
        files = attack.get("tests", "").partition(" -k ")[0].split()
        assert bool(files) != attack.get("measured", False)
        assert all(Path(ROOT, file).is_file() for file in files)


def test_a_row_in_each_language() -> None:
    measured = next(attack for attack in attacks.attacks() if attack.get("measured"))
    tried = Tried(measured, True, {"count": 30, "judged": 1400, "explained": 2000}, "")
    assert "30 requests" in row(tried, "en")
    assert "1,400 healthy events" in row(tried, "en")
    assert "2 000 вместе" in row(tried, "ru")


def test_each_document_has_its_place_for_the_table() -> None:
    for name in DOCUMENTS.values():
        text = Path(ROOT, name).read_text("utf-8")
        assert text.count(START) == text.count(END) == 1
