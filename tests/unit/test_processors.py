"""Which processors a process chooses among, and what happens where there is nothing to choose."""

import os
import sys
from collections.abc import Iterable

import pytest

from gateway import processors


def test_processes_do_not_all_choose_the_same_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """In each of several containers the process has the same id."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {2, 3, 7})
    orders = [processors.usable() for _ in range(200)]
    assert {order[0] for order in orders} == {2, 3, 7}
    assert all(sorted(order) == [2, 3, 7] for order in orders)


def test_a_sandbox_may_forbid_even_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then `serve` starts all the same."""

    def forbid(_pid: int) -> set[int]:
        raise PermissionError

    monkeypatch.setattr(os, "sched_getaffinity", forbid)
    assert processors.usable() == []
    processors.keep_on_one()


def test_where_nothing_can_be_chosen_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """No system but Linux tells, and a sandbox may forbid it."""
    asked: list[list[int]] = []

    def forbid(_pid: int, chosen: Iterable[int]) -> None:
        asked.append(list(chosen))
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", forbid)
    processors.keep_on([5, 6])
    processors.keep_on([])
    monkeypatch.setattr(sys, "platform", "darwin")
    assert processors.usable() == []
    processors.keep_on([5, 6])
    assert asked == [[5]]
