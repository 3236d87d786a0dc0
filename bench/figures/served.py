"""`serve` on one machine beside the first edition's: rates, waiting, destinations, memory, a crash."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import load
from bench.bodies import TOKEN
from bench.instances import EventLost, far_side
from bench.parts import Bench, PartMissing
from bench.sample import Result, Value, alternate
from bench.whole import FIRST_EDITION, OURS, Serve, serving

CONNECTIONS = 16
FEW = 1000
YARDSTICK = f"the first edition ({FIRST_EDITION})"
RESTARTED_WITHIN = 5.0  # seconds


class Rates(NamedTuple):
    """Events a second until the last is answered, and until the last is linked."""

    answered: float
    linked: float


def posted_and_linked(bench: Bench) -> Iterator[Result]:
    """The rates of one load of user events, until all are answered and linked; then waits at half of it."""
    count, rounds = bench.rounds(3000, 1000), bench.rounds(5)
    with _both(bench, "linked") as servers:

        def measured(measure: Callable[..., Value], *arguments: float) -> dict[str, list[Value]]:
            measures = {name: partial(measure, bench, server, *arguments) for name, server in servers.items()}
            return alternate(rounds, **measures)

        measured_rates = measured(_rates, count)
        rate = median(rates.linked for rates in measured_rates["first"]) / 2
        waiting = measured(_p99, count, rate)
    load_is = f"{count:,} different users' events over {CONNECTIONS} connections"
    for figure, stage, aim in (("posted → linked", "linked", 2.5), ("answers", "answered", 1.6)):
        yield Result(
            figure=f"serve: {figure}",
            what=f"{load_is}, until the last is {stage}",
            yardstick_is=YARDSTICK,
            unit="/s",
            ours=[getattr(rates, stage) for rates in measured_rates["ours"]],
            yardstick=[getattr(rates, stage) for rates in measured_rates["first"]],
            aim=aim,
            bound="at least",
        )
    yield Result(
        figure="serve: p99",
        what=f"99th percentile of the waiting at half of the first edition's load ({rate:.0f}/s)",
        yardstick_is=YARDSTICK,
        unit="ms",
        ours=waiting["ours"],
        yardstick=waiting["first"],
        aim=0.5,
    )


def to_two_destinations(bench: Bench) -> Iterator[Result]:
    """Until two destinations that answer at once have the last event, beside until all are linked."""
    count, rounds = bench.rounds(3000, 1000), bench.rounds(5)
    linked: list[float] = []
    delivered: list[float] = []
    with ExitStack() as stack:
        ports = [stack.enter_context(far_side("destination")) for _ in range(2)]
        urls = " ".join(f"http://127.0.0.1:{port}/bot" for port in ports)
        server = stack.enter_context(serving(OURS, bench.directory / "forward", _settings(FORWARD_TO=urls)))
        server.post(*bench.requests(1))
        server.wait_for_links(1)
        for number in range(rounds):
            before, started = server.links(), time.perf_counter()
            load.run(server.port, bench.requests(count), CONNECTIONS)
            server.wait_for_links(before + count)
            linked.append(count / (time.perf_counter() - started))
            while min(map(_received, ports)) < 1 + (number + 1) * count:
                time.sleep(0.02)
            delivered.append(count / (time.perf_counter() - started))
        if any(_received(port) != 1 + rounds * count for port in ports):
            raise EventLost("a destination got an event twice")
    yield Result(
        figure="serve: posted → delivered",
        what=f"{count:,} events, each to two destinations that answer at once, until both have the last",
        yardstick_is="posted → linked of the same run",
        unit="/s",
        ours=delivered,
        yardstick=linked,
        aim=0.5,
        bound="at least",
    )


def memory(bench: Bench) -> Iterator[Result]:
    """All processes of `serve` after many events, beside a few and beside the first edition's."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise PartMissing("memory is read from /proc, which only Linux has")
    many = bench.rounds(100_000, 5000)
    few_bytes: dict[str, float] = {}
    many_bytes: dict[str, float] = {}
    with _both(bench, "memory") as servers:
        for name, server in servers.items():
            _rates(bench, server, FEW)
            few_bytes[name] = server.memory() / 2**20
            for _ in range(FEW, many, FEW):
                _rates(bench, server, FEW)
            many_bytes[name] = server.memory() / 2**20
    yield Result(
        figure="serve: memory",
        what=f"all its processes after {many:,} events",
        yardstick_is=f"after {FEW:,}",
        unit="MB",
        ours=[many_bytes["ours"]],
        yardstick=[few_bytes["ours"]],
        aim=1.1,
    )
    yield Result(
        figure="serve: memory, both editions",
        what=f"all processes after {many:,} events",
        yardstick_is=YARDSTICK,
        unit="MB",
        ours=[many_bytes["ours"]],
        yardstick=[many_bytes["first"]],
        aim=1.3,
    )


def after_a_crash(bench: Bench) -> Iterator[Result]:
    """Seconds from a restart until the last leased event is handled, after all processes were killed."""
    seconds = []
    for number in range(bench.rounds(5)):
        home = bench.directory / f"crash-{number}"
        with serving(OURS, home, _settings()) as server:
            server.post(*bench.requests(1))
            server.wait_for_links(1)
            load.run(server.port, bench.requests(FEW), CONNECTIONS)
            server.kill()
        started = time.perf_counter()
        with serving(OURS, home, _settings()) as server:
            server.wait_for_links(1 + FEW)
            seconds.append(time.perf_counter() - started)
    yield Result(
        figure="serve: after kill -9",
        what="from the new start until the last event is handled that the dead had leased",
        yardstick_is="no waiting",
        unit="s",
        ours=seconds,
        yardstick=[0.0] * len(seconds),
        aim=RESTARTED_WITHIN,
        bound="at most more",
    )


@contextmanager
def _both(bench: Bench, name: str) -> Iterator[Mapping[str, Serve]]:
    """Both editions, each of which has answered and linked one event."""
    with ExitStack() as stack:
        builds = {"ours": OURS, "first": bench.first_edition}
        servers = {
            edition: stack.enter_context(serving(build, bench.directory / f"{name}-{edition}", _settings()))
            for edition, build in builds.items()
        }
        for server in servers.values():
            server.post(*bench.requests(1))
            server.wait_for_links(1)
        yield servers


def _settings(**more: str) -> dict[str, str]:
    return {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "LOG_FORMAT": "json", **more}


def _rates(bench: Bench, server: Serve, count: int) -> Rates:
    before, started = server.links(), time.perf_counter()
    answers = load.run(server.port, bench.requests(count), CONNECTIONS)
    server.wait_for_links(before + count)
    return Rates(answers.rate, count / (time.perf_counter() - started))


def _p99(bench: Bench, server: Serve, count: int, rate: float) -> float:
    before = server.links()
    waits = load.run(server.port, bench.requests(count), CONNECTIONS, rate)
    server.wait_for_links(before + count)
    return waits.percentile(0.99) * 1000


def _received(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
        return int(json.load(answer)["different"])
