"""The table of `make defects` stays true to the source: a refactoring mends both, or is told here."""

import pytest

from defects import DEFECTS, ROOT, Defect


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_the_edit_applies_once(defect: Defect) -> None:
    for file, old, new in defect.edits:
        assert (ROOT / file).read_text("utf-8").count(old) == 1
        assert new != old
    assert all((ROOT / file).is_file() for file in defect.tests.split())
