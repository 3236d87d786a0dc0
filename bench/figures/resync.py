"""Polling: CPU and memory of a walk over many users, beside a bare loop over the same pages."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from bench.instances import ROOT, far_side
from bench.parts import Bench, PartMissing
from bench.sample import Result, alternate

# In a quick run too: with fewer users the start of Python would be measured.
USERS, FEW = 100_000, 20_000


def of_many_users(bench: Bench) -> Iterator[Result]:
    links = bench.directory / "resync.db"
    _run("fill", f"sqlite:///{links}", "0", USERS)
    with far_side("portal", str(USERS)) as port, far_side("portal", str(FEW)) as fewer:
        walk = partial(_run, "ours", f"sqlite:///{links}")
        figures = alternate(
            bench.rounds(5, 2),
            ours=partial(walk, str(port), USERS),
            bare=partial(_run, "bare", "", str(port), USERS),
            batches=partial(_run, "batches", "", str(port), USERS),
        )
        _run("fill", f"sqlite:///{bench.directory}/few.db", "0", FEW)
        small = _run("ours", f"sqlite:///{bench.directory}/few.db", str(fewer), FEW)
    cpu = {implementation: [run["cpu"] for run in runs] for implementation, runs in figures.items()}
    yield Result(
        figure="resync, CPU",
        what=f"a walk over {USERS:,} users, nothing changed",
        yardstick_is="a bare loop over the same pages",
        unit="s",
        ours=cpu["ours"],
        yardstick=cpu["bare"],
        aim=2.0,
        rivals={"a bare loop over batches": cpu["batches"]},
    )
    memory = [run["memory"] for run in figures["ours"]]
    if small["memory"] is None:
        raise PartMissing("memory is read from /proc, which only Linux has")
    title = f"highest memory of a walk over {USERS:,} users"
    yield Result(
        figure="resync, memory",
        what=title,
        yardstick_is=f"over {FEW:,}",
        unit="MB",
        ours=memory,
        yardstick=[small["memory"]] * len(memory),
        aim=1.05,
    )


def _run(implementation: str, database_url: str, port: str, users: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.walking", implementation, database_url, port, str(users)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if process.returncode:
        raise RuntimeError(process.stderr)
    summary: dict[str, Any] = json.loads(process.stdout)
    return summary
