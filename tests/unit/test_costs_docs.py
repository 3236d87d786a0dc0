"""The guides' figures of cost and scale are those that `bench/costs.py` works out."""

import re
from pathlib import Path

import pytest

from bench import costs

DOCS = Path(__file__).parents[2] / "docs"
MILLION, HUNDRED_MILLION = 1_000_000, 100_000_000


def figures(page: str) -> str:
    """The page, its numbers as English writes them: Russian has commas for points, spaces for commas."""
    text = (DOCS / page).read_text("utf-8")
    if not page.endswith(".ru.md"):
        return text
    return re.sub(r"(?<=\d)[ ,](?=\d)", lambda mark: "," if mark[0] == " " else ".", text)


@pytest.mark.parametrize("page", ["deploy.md", "deploy.ru.md"])
def test_the_table_of_costs(page: str) -> None:
    text = figures(page)
    assert [events for events in (1_000, 100_000, MILLION) if costs.row(events) not in text] == []


@pytest.mark.parametrize("page", ["scale.md", "scale.ru.md"])
def test_the_tables_of_scale(page: str) -> None:
    text = figures(page)
    assert costs.row(MILLION) in text
    assert costs.row(HUNDRED_MILLION) in text
    for cells in zip(costs.scale(MILLION), costs.scale(HUNDRED_MILLION), strict=True):
        assert f"| {cells[0]} | {cells[1]} |\n" in text
    assert f"{costs.patience_hours():.1f}" in text
    firestore = f"{costs.month(HUNDRED_MILLION).firestore:,.0f}"
    compared = text.partition("## PostgreSQL")[2]
    assert f"Firestore's ${firestore}" in compared or f"{firestore} у Firestore" in compared


def test_a_small_gateway_costs_nothing() -> None:
    assert costs.month(100) == pytest.approx((0, 0, 0, 0), abs=0.02)


def test_a_destination_adds_costs_and_lowers_none() -> None:
    months = [costs.month(events).total for events in (1_000, 100_000, MILLION, HUNDRED_MILLION)]
    assert months == sorted(months)
    assert costs.month(MILLION, destinations=1).total > costs.month(MILLION).total
