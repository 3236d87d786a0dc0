"""Consumers: events a second, from a queue's message to a committed link."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from bench.instances import ROOT
from bench.parts import Bench
from bench.sample import Result, alternate


def committed_links(bench: Bench) -> Iterator[Result]:
    count, rounds = bench.rounds(2000, 300), bench.rounds(5)
    for kind in ("SQLite", "PostgreSQL"):
        for workers in (1, 4):
            measures = {name: partial(_rate, bench, name, kind, workers, count) for name in ("ours", "bare")}
            rates = alternate(rounds, **measures)
            plural = "s" if workers > 1 else ""
            yield Result(
                figure=f"consumers, {kind}, {workers} worker{plural}",
                what="events to a committed link",
                yardstick_is="the same transactions in SQLAlchemy Core",
                unit="/s",
                ours=rates["ours"],
                yardstick=rates["bare"],
                aim=0.70,
                bound="at least",
            )


def _rate(bench: Bench, implementation: str, kind: str, workers: int, count: int) -> float:
    """Events a second in a process and a database of their own."""
    bench.sent += 1
    file = f"sqlite:///{bench.directory}/consumers-{bench.sent}.db"
    url = file if kind == "SQLite" else bench.postgres.new_database()
    command = [sys.executable, "-m", "bench.consuming", implementation, url, str(workers), str(count)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if process.returncode:
        raise RuntimeError(process.stderr)
    return float(json.loads(process.stdout)["rate"])
