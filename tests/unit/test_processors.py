"""Which processors a process chooses among, and what happens where there is nothing to choose."""

import os
import sys
from collections.abc import Iterable

import pytest

from gateway import processors


def test_each_process_begins_with_another_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {2, 3, 7})
    orders = []
    for pid in (300, 301, 302, 303):
        monkeypatch.setattr(os, "getpid", lambda pid=pid: pid)
        orders.append(processors.usable())
    assert orders == [[2, 3, 7], [3, 7, 2], [7, 2, 3], [2, 3, 7]]


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
