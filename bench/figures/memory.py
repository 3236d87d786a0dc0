"""Memory of an instance after many events, beside its memory after a few."""

from collections.abc import Iterator
from pathlib import Path

from bench import load
from bench.instances import start
from bench.parts import Bench, PartMissing
from bench.sample import Result

FEW = 1000


def under_load(bench: Bench) -> Iterator[Result]:
    if not Path("/proc/self/statm").exists():
        raise PartMissing("memory is read from /proc, which only Linux has")
    many = bench.rounds(100_000, 10_000)
    settings = bench.settings(PUBSUB_EMULATOR_HOST=bench.instant_pubsub)
    with start("ours", bench.directory, settings) as instance:
        instance.post(*bench.requests(1))
        load.run(instance.port, bench.requests(FEW))
        few = instance.memory() / 2**20
        for _ in range(FEW, many, FEW):
            load.run(instance.port, bench.requests(FEW))
        after = instance.memory() / 2**20
    title = f"resident memory after {many:,} events, Pub/Sub's REST API answering at once"
    yield Result(
        figure="memory",
        what=title,
        yardstick_is=f"after {FEW:,}",
        unit="MB",
        ours=[after],
        yardstick=[few],
        aim=1.05,
    )
