"""The diagnosis: the right cause first, none for the healthy, no secret in it, and nothing makes it raise."""

import pytest

from tests.parts.refusals import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_right_cause_stands_first(name: str) -> None:
    request, first = SCENARIOS[name]
    causes = request.causes()
    assert [cause.code for cause in causes][:1] == [first], causes
    assert all(cause.says and cause.do for cause in causes)
