"""What an event costs when much is stored already: a million observations of a grown portal."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

from bench.instances import ROOT
from bench.parts import Bench, PartMissing
from bench.sample import Result, alternate


def links(bench: Bench) -> Iterator[Result]:
    if not Path("/proc/self/status").exists():
        raise PartMissing("memory is read from /proc, which only Linux has")
    users, number, rounds = bench.rounds(100_000, 10_000), bench.rounds(500, 200), bench.rounds(9)
    firsts = count(1, number + 1)
    for kind in ("SQLite", "PostgreSQL"):
        if kind == "SQLite":
            urls = {name: f"sqlite:///{bench.directory}/grown-{name}.db" for name in ("full", "empty")}
        else:
            urls = {name: bench.postgres.new_database() for name in ("full", "empty")}
        _run("fill", urls["full"], users)
        measures = {name: partial(_applied, url, users, number, firsts) for name, url in urls.items()}
        figures = alternate(rounds, **measures)
        for figure, unit, scale in (("seconds", "ms", 1000 / number), ("memory", "MB", 1.0)):
            yield Result(
                figure=f"{'an event' if unit == 'ms' else 'memory'}, a grown portal, {kind}",
                what=f"{users:,} users, {10 * users:,} kept observations",
                yardstick_is="a store that was empty",
                unit=unit,
                ours=[run[figure] * scale for run in figures["full"]],
                yardstick=[run[figure] * scale for run in figures["empty"]],
                aim=1.5,
            )


def _applied(url: str, users: int, number: int, firsts: Iterator[int]) -> dict[str, float]:
    applied: dict[str, float] = json.loads(_run("apply", url, users, number, next(firsts)))
    return applied


def _run(*arguments: object) -> str:
    command = [sys.executable, "-m", "bench.growing", *map(str, arguments)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if process.returncode:
        raise RuntimeError(process.stderr)
    return process.stdout
