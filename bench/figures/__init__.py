"""The figures of a run, each a function from a `Bench` to its results."""

from collections.abc import Callable, Iterator

from bench.figures import (
    burst,
    cold,
    consumers,
    cpu,
    grown,
    inspector,
    memory,
    publish,
    resync,
    served,
    throughput,
    waiting,
    worst,
)
from bench.parts import Bench
from bench.sample import Result

FIGURES: dict[str, Callable[[Bench], Iterator[Result]]] = {
    "cold": cold.on_the_emulator,
    "auth": cold.with_googles_authentication,
    "throughput": throughput.before_an_instant_queue,
    "emulator": throughput.on_the_emulator,
    "p99": throughput.waiting_at_half_load,
    "publish": publish.lone,
    "cpu": cpu.one_event,
    "worst": worst.dearest_requests,
    "inspector": inspector.views,
    "memory": memory.under_load,
    "consumers": consumers.committed_links,
    "grown": grown.links,
    "waiting": waiting.messages,
    "burst": burst.to_one_of_ten_a_second,
    "scale": burst.of_a_thousand_portals,
    "resync": resync.of_many_users,
    "serve": served.posted_and_linked,
    "destinations": served.to_two_destinations,
    "serve-memory": served.memory,
    "crash": served.after_a_crash,
}
