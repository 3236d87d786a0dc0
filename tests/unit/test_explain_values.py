"""Printed events among lines, and in values, that a reader could take for the printer's own."""

import pytest

from gateway.tools.explain.form_names import fields_in
from tests.unit.test_explain_shapes import TOKEN

FIELDS = {
    "event": "ONCRMLEADADD",
    "data[FIELDS][ID]": "7",
    "data[FIELDS][TITLE]": "lead",
    "auth[domain]": "p.bitrix24.ru",
    "auth[application_token]": TOKEN,
}


@pytest.mark.parametrize("mark", [" => ", "="])
@pytest.mark.parametrize("named", ["event: ONUSERADD", "event: ONCRMLEADADD"])
def test_an_event_is_found_above_a_log_that_only_names_events(mark: str, named: str) -> None:
    printed = "".join(f"{name}{mark}{value}\n" for name, value in FIELDS.items())
    assert fields_in(printed + f"12:00 INFO {named}\n" * 100) == FIELDS
