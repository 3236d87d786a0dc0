"""Requests a second of one instance, and how long they wait."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from bench import load
from bench.instances import Instance, start
from bench.parts import CONNECTIONS, Bench, check_arrived, check_topic
from bench.sample import Result, alternate


def before_an_instant_queue(bench: Bench) -> Iterator[Result]:
    settings = bench.settings(PUBSUB_EMULATOR_HOST=bench.instant_pubsub)
    before = _stored(bench.instant_pubsub)
    count, rounds = bench.rounds(4000, 1000), bench.rounds(9)
    with _started(bench, {"hello": settings, "instant": settings, "ours": settings}) as instances:
        rates_of_apps = _rates(bench, instances, count, rounds)
    check_arrived(count * (rounds + 1) + 1, _stored(bench.instant_pubsub) - before)
    yield Result(
        figure="throughput",
        what="one instance, 32 connections, a publisher that answers at once",
        yardstick_is="hello-world",
        unit="/s",
        ours=rates_of_apps["instant"],
        yardstick=rates_of_apps["hello"],
        aim=0.75,
        bound="at least",
        rivals={"a REST server that answers at once": rates_of_apps["ours"]},
    )


def on_the_emulator(bench: Bench) -> Iterator[Result]:
    ours, naive = bench.topic(), bench.topic()
    emulated = bench.settings(PUBSUB_EMULATOR_HOST=bench.emulator.host)
    count, rounds = bench.rounds(2000, 1000), bench.rounds(9)
    settings = {
        "hello": emulated,
        "ours": emulated | {"QUEUE_URL": ours.url},
        "naive": emulated | {"QUEUE_URL": naive.url},
    }
    with _started(bench, settings) as instances:
        rates_of_apps = _rates(bench, instances, count, rounds)
    check_topic(ours, count * (rounds + 1) + 1)
    yield Result(
        figure="throughput, emulator",
        what="the same on the Pub/Sub emulator, acknowledged",
        yardstick_is="hello-world",
        unit="/s",
        ours=rates_of_apps["ours"],
        yardstick=rates_of_apps["hello"],
        aim=0.55,
        bound="at least",
        rivals={"naive": rates_of_apps["naive"]},
    )


def waiting_at_half_load(bench: Bench) -> Iterator[Result]:
    """Both get the same rate, half of what ours can do, at which hello-world is the less busy one."""
    settings = bench.settings()
    count, rounds = bench.rounds(4000, 1000), bench.rounds(9)
    with _started(bench, {"hello": settings, "instant": settings}) as instances:
        rate = max(_rates(bench, {"instant": instances["instant"]}, count, 3)["instant"]) / 2

        def p99(instance: Instance) -> float:
            waits = load.run(instance.port, bench.requests(count), CONNECTIONS, rate)
            return waits.percentile(0.99) * 1000

        p99_by_app = alternate(rounds, **{app: partial(p99, instance) for app, instance in instances.items()})
    yield Result(
        figure="p99",
        what=f"99th percentile of the waiting at half load ({rate:.0f}/s)",
        yardstick_is="hello-world's",
        unit="ms",
        ours=p99_by_app["instant"],
        yardstick=p99_by_app["hello"],
        aim=2.0,
    )


def _rates(
    bench: Bench, instances: Mapping[str, Instance], count: int, rounds: int
) -> dict[str, list[float]]:
    def rate(instance: Instance) -> float:
        return load.run(instance.port, bench.requests(count), CONNECTIONS).rate

    measures = {app: partial(rate, instance) for app, instance in instances.items()}
    for warm_up in measures.values():
        warm_up()
    return alternate(rounds, **measures)


@contextmanager
def _started(bench: Bench, settings: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, Instance]]:
    """All instances of a figure, each of which has answered one event."""
    with ExitStack() as stack:
        instances = {
            app: stack.enter_context(start(app, bench.directory, app_settings))
            for app, app_settings in settings.items()
        }
        for instance in instances.values():
            instance.post(*bench.requests(1))
        yield instances


def _stored(host: str) -> int:
    with urllib.request.urlopen(f"http://{host}/", timeout=30) as answer:
        return int(json.load(answer)["different"])
