"""Computes the results of a measurement: figures, each beside its yardstick from the same run. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median, quantiles
from typing import Any, Literal, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Result:
    """One row of the table.

    `ours[i]` and `yardstick[i]` were measured one after the other; `rivals` holds
    other ways of doing the same, only for comparison. The aim bounds the median of
    the pairs' ratios (`at most`, `at least`) or of their differences (`at most more`),
    in `unit`; None means that there is no aim.
    """

    figure: str
    what: str
    yardstick_is: str
    unit: str
    ours: Sequence[float]
    yardstick: Sequence[float]
    aim: float | None = None
    bound: Literal["at most", "at least", "at most more"] = "at most"
    rivals: dict[str, Sequence[float]] = field(default_factory=dict)

    @property
    def compared(self) -> list[float]:
        """Each pair's ratio, or its difference if the aim is a difference."""
        pairs = list(zip(self.ours, self.yardstick, strict=True))
        if self.bound == "at most more":
            return [ours - other for ours, other in pairs]
        return [ours / other for ours, other in pairs]

    @property
    def reached(self) -> bool | None:
        if self.aim is None:
            return None
        value = median(self.compared)
        return value >= self.aim if self.bound == "at least" else value <= self.aim

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "median": median(self.ours),
            "yardstick_median": median(self.yardstick),
            "compared": median(self.compared),
            "compared_spread": spread(self.compared),
            "rivals_compared": {name: self.against(name) for name in self.rivals},
            "reached": self.reached,
        }

    def against(self, rival: str) -> float:
        """What `compared` would be for a rival, by medians."""
        value, other = median(self.rivals[rival]), median(self.yardstick)
        return value - other if self.bound == "at most more" else value / other


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The first and third quartile."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def alternate(rounds: int, **measures: Callable[[], Value]) -> dict[str, list[Value]]:
    """Take every measure once per round, in an order that rotates from round to round."""
    values: dict[str, list[Value]] = {name: [] for name in measures}
    names = list(measures)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            values[name].append(measures[name]())
    return values
