"""The table of attacks: what names it uses, and where it is written."""

from pathlib import Path

import pytest

from hostile import attacks
from hostile.attacks import DOCUMENTS, END, INPUTS, KINDS, ROOT, START, Tried, row


def test_every_attack_has_a_kind_and_names_existing_tests() -> None:
    attack_tests = attacks.attacks()
    assert {attack["kind"] for attack in attack_tests} == set(KINDS)
    for attack in attack_tests:
        files = attack.get("tests", "").partition(" -k ")[0].split()
        assert bool(files) != attack.get("measured", False)
        assert all(Path(ROOT, file).is_file() for file in files)


def test_a_row_in_each_language() -> None:
    measured = next(attack for attack in attacks.attacks() if attack.get("measured"))
    result = Tried(measured, True, {"count": 30, "judged": 1400, "explained": 2000}, "")
    assert "30 requests" in row(result, "en")
    assert "1,400 healthy events" in row(result, "en")
    assert "2 000 вместе" in row(result, "ru")


def test_each_document_has_its_place_for_the_table() -> None:
    for name in DOCUMENTS.values():
        text = Path(ROOT, name).read_text("utf-8")
        assert (text.count(START), text.count(INPUTS), text.count(END)) == (1, 1, 2)


def test_the_count_of_inputs_is_written_under_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in DOCUMENTS.values():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(Path(ROOT, name).read_bytes())
    monkeypatch.setattr(attacks, "ROOT", tmp_path)
    attacks.write_inputs(1_234_000)
    for name, number in zip(DOCUMENTS.values(), ("1,234,000", "1 234 000"), strict=True):
        text, before = ((root / name).read_text("utf-8") for root in (tmp_path, ROOT))
        assert text.count(number) == 1
        assert text.partition(INPUTS)[0] == before.partition(INPUTS)[0]
