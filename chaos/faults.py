"""Plans from the seed what goes wrong and when, and makes it happen."""

import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chaos.world import Process, World
from tests.support.portal import Call, Reply, error
from tests.support.postgres import Postgres

# Incidents per 1,000 requests.
RATES = {
    "kill-receiver": 4.0,
    "kill-consumer": 4.0,
    "postgres": 2.0,
    "pause": 2.0,
    "disk": 3.0,
    "rest": 3.0,
}
"""`kill-receiver`: in the embedded set-up the worker is the server's child, and ends with it."""

Repair = Callable[[], None]


@dataclass(frozen=True)
class Incident:
    """A fault that begins after `after` requests and lasts `seconds`."""

    after: int
    fault: str
    seconds: float


def plan(rng: random.Random, count: int, rates: dict[str, float]) -> list[Incident]:
    """Incidents in order, at least one of each kind."""
    incidents = []
    for fault, rate in sorted(rates.items()):
        number = max(round(rate * count / 1000), 1 if rate else 0)
        for _ in range(number):
            after = rng.randrange(count // 20, max(count * 9 // 10, 2))
            incidents.append(Incident(after, fault, round(rng.uniform(0.1, 2.5), 1)))
    return sorted(incidents, key=lambda incident: (incident.after, incident.fault))


def add_faults(world: World, rng: random.Random, postgres: Postgres | None) -> None:
    """Give the world the faults that it can have."""
    receiver, *consumers = world.processes.values()
    world.faults["kill-receiver"] = lambda: _kill(receiver)
    world.faults["rest"] = lambda: _rest(world, random.Random(rng.random()))
    if consumers:
        world.faults["kill-consumer"] = lambda: _kill(rng.choice(consumers))
    else:
        world.faults["disk"] = lambda: _full_disk(receiver)
    if postgres is not None:
        world.faults["postgres"] = lambda: _stop_postgres(postgres)
    if world.emulator is not None:
        pid = world.emulator.pid
        world.faults["pause"] = lambda: _pause(pid)


def run(
    incidents: list[Incident], world: World, count_sent: Callable[[], int], report: Callable[[str], None]
) -> None:
    """Run each incident when its time comes; several at once, but only one at a time per target.

    Returns when everything is repaired; raises what a fault raised.
    """
    targets = {"kill-receiver": threading.Lock()} | {fault: threading.Lock() for fault in world.faults}
    targets["disk"] = targets["kill-receiver"]

    def happen(incident: Incident) -> None:
        with targets[incident.fault]:
            report(f"{incident.fault} for {incident.seconds} s")
            repair = world.faults[incident.fault]()
            time.sleep(incident.seconds)
            repair()

    with ThreadPoolExecutor(len(incidents) or 1) as pool:
        started = []
        for incident in incidents:
            while count_sent() < incident.after:
                time.sleep(0.01)
            started.append(pool.submit(happen, incident))
        for future in started:
            future.result()


def _kill(process: Process) -> Repair:
    process.kill()
    return process.start


def _stop_postgres(postgres: Postgres) -> Repair:
    postgres.stop()
    return postgres.start


def _pause(pid: int) -> Repair:
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


def _full_disk(process: Process) -> Repair:
    """Forbid the process to write to any file, like a full disk, but without privileges or a mount."""
    assert process.running is not None
    pid = process.running.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    return lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited) and None


def _rest(world: World, rng: random.Random) -> Repair:
    """Make the portal refuse two of three requests: over a limit of requests or of time."""

    def refuse(_call: Call) -> Reply | None:
        limit = rng.choice([("QUERY_LIMIT_EXCEEDED", 503), ("OPERATION_TIME_LIMIT", 429), None])
        return error(*limit) if limit else None

    world.portal.faults.append(refuse)
    return lambda: world.portal.faults.remove(refuse)
