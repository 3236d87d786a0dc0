"""Shows the results as a table, as JSON and as a plot."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from bench.sample import Result, spread

SIGNS = {"at most": "≤", "at least": "≥", "at most more": "≤ +"}
# Pixels of the plot.
ROW, LEFT, WIDTH = 34, 390, 1060


def table(results: Sequence[Result], skipped: Mapping[str, str]) -> Table:
    """One row per figure: ours and the yardstick by median and quartiles, their ratio, the aim."""
    printed = Table(title="Medians, in brackets the quartiles")
    for heading in ("figure", "ours", "yardstick", "ratio", "aim", "others"):
        printed.add_column(heading, overflow="fold")
    for result in results:
        style = {True: "green", False: "bold red", None: ""}[result.reached]
        other_figures = (f"{name}: {compared(result, result.against(name))}" for name in result.rivals)
        printed.add_row(
            f"{result.figure}\n[dim]{result.what}[/]",
            _middle(result.ours, result.unit),
            f"{_middle(result.yardstick, result.unit)}\n[dim]{result.yardstick_is}[/]",
            f"[{style}]{compared(result, median(result.compared))}[/]" if style else "",
            aim(result),
            "\n".join(other_figures),
        )
    for figure, reason in skipped.items():
        printed.add_row(figure, f"[dim]skipped: {reason}[/]")
    return printed


def compared(result: Result, value: float) -> str:
    return f"{value:+.2f} {result.unit}" if result.bound == "at most more" else f"{value:.2f} ×"


def aim(result: Result) -> str:
    if result.aim is None:
        return ""
    unit = f" {result.unit}" if result.bound == "at most more" else " ×"
    return f"{SIGNS[result.bound]} {result.aim:g}{unit}"


def _middle(values: Sequence[float], unit: str) -> str:
    low, high = spread(values)
    digits = 0 if median(values) >= 100 else 2
    return f"{median(values):,.{digits}f} {unit} [dim]({low:,.{digits}f}–{high:,.{digits}f})[/]"


def machine() -> dict[str, Any]:
    """The machine that the figures were measured on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": os.cpu_count(),
    }


def write(results: Sequence[Result], skipped: Mapping[str, str], directory: Path) -> list[Path]:
    """Write `bench.json` and `bench.svg`; their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": machine(),
        "results": [result.to_json() for result in results],
        "skipped": dict(skipped),
    }
    files = [directory / "bench.json", directory / "bench.svg"]
    files[0].write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
    files[1].write_text(plot([bar(result) for result in results]), "utf-8")
    return files


class Bar(NamedTuple):
    """One figure of the plot; `value` and `aim` are relative to the yardstick, `shown` says it in words."""

    figure: str
    value: float
    shown: str
    aim: float | None
    reached: bool | None
    # What else was measured, by name.
    others: Mapping[str, float] = {}


def bar(result: Result) -> Bar:
    value = median(result.compared)
    text = compared(result, value)
    if result.aim is not None:
        text += f" (aim {aim(result)})"
    other_figures = {name: result.against(name) for name in result.rivals}
    return Bar(result.figure, value, text, result.aim, result.reached, other_figures)


def plot(bars: Sequence[Bar]) -> str:
    """An SVG with a bar per figure: ours relative to the yardstick, the aim as a line, the others as dots."""
    height = ROW * len(bars) + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{height}" fill="white"/>'
        f'<text x="10" y="22" font-size="15">Beside the yardstick: bar ours, line aim, dots others</text>'
    ]
    for number, figure in enumerate(bars):
        parts += _drawn(figure, 44 + ROW * number)
    return "\n".join([*parts, "</svg>\n"])


def _drawn(bar: Bar, top: int) -> list[str]:
    longest = max(bar.value, bar.aim or 0, *bar.others.values(), 1e-9)

    def x(at: float) -> float:
        return LEFT + max(0.0, at) / longest * (WIDTH - LEFT - 200)

    colour = {True: "#3a9d5d", False: "#c0392b", None: "#7f8c8d"}[bar.reached]
    middle = top + 10
    lines = [
        f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">{escape(bar.figure)}</text>',
        f'<rect x="{LEFT}" y="{top}" width="{x(bar.value) - LEFT:.1f}" height="20" fill="{colour}"/>',
        f'<text x="{WIDTH - 190}" y="{middle + 4}">{escape(bar.shown)}</text>',
    ]
    if bar.aim is not None:
        at = x(bar.aim)
        lines.append(f'<path d="M{at:.1f} {top - 4}v28" stroke="black" stroke-width="2"/>')
    for name, other in bar.others.items():
        title = escape(f"{name}: {other:.2f}")
        lines.append(
            f'<circle cx="{x(other):.1f}" cy="{middle}" r="5" fill="#e67e22"><title>{title}</title></circle>'
        )
    return lines


def show(results: Sequence[Result], skipped: Mapping[str, str], files: Sequence[Path]) -> None:
    console = Console(width=None if os.isatty(1) else 160)
    console.print(table(results, skipped))
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()))
    console.print(f"written: {', '.join(map(str, files))}")
