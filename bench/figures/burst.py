"""Bursts to three destinations, one of them dead: on one machine, and on Google's emulators."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing

from bench import load
from bench.instances import EventLost
from bench.parts import Bench
from bench.sample import Result
from chaos.world import Process, World, cloud
from tests.support.deliveries import AGENT, FORM, form
from tests.support.destinations import Destination, forward_to
from tests.support.portal import PortalSimulator
from tests.support.processes import environment, free_port

CONNECTIONS = 16
# Events that the slow destination takes per second.
A_SECOND = 10.0
# Events a second: a hundredth of docs/scale.md's hundred million a day.
BUSY_HOUR = 58.0
PATIENCE = 900.0  # seconds


def to_one_of_ten_a_second(bench: Bench) -> Iterator[Result]:
    """A burst to three destinations: none is lost, the quick one never waits, the slow one is never idle."""
    count, seconds = bench.rounds(10_000, 1000), bench.rounds(60, 20)
    directory, port = bench.directory / "burst", free_port()
    directory.mkdir()
    destinations = {
        "quick": Destination(),
        "slow": Destination(seconds=1 / A_SECOND),
        "dead": Destination(dead=True),
    }
    env = environment(directory, HOST="127.0.0.1", PORT=str(port), FORWARD_TO=forward_to(destinations))
    serve = Process("serve", ("serve",), port, env, directory)
    serve.start()
    try:
        started = time.perf_counter()
        load.run(port, [_request("portal.bitrix24.ru", number) for number in range(count)], CONNECTIONS)
        slow_before, began = len(destinations["slow"].ids), time.perf_counter()
        time.sleep(seconds)
        rate = (len(destinations["slow"].ids) - slow_before) / (time.perf_counter() - began)
        _wait(lambda: len(destinations["quick"].ids) == count)
        quick = count / (time.perf_counter() - started)
        serve.kill()
        with closing(sqlite3.connect(directory / "queue.db")) as queue:
            (waiting,) = queue.execute("SELECT count(DISTINCT message_id) FROM messages").fetchone()
        # Events of the dead destination; messages of the first subscription have no message_id.
        if waiting < count:
            raise EventLost(f"{count} events were accepted, {waiting} wait for the dead destination")
    finally:
        serve.kill()
        for destination in destinations.values():
            destination.close()
    yield Result(
        figure="a destination that takes 10 a second",
        what=f"a burst of {count:,} events, three destinations, one dead",
        yardstick_is="what it takes",
        unit="/s",
        ours=[rate],
        yardstick=[A_SECOND],
        aim=0.9,
        bound="at least",
        rivals={"the quick destination": [quick]},
    )


def of_a_thousand_portals(bench: Bench) -> Iterator[Result]:
    """A busy hour's events of all portals, and in them bulk edits of a thousand records each."""
    portals, records, bulks = bench.rounds(1000, 100), bench.rounds(1000, 200), bench.rounds(3, 1)
    directory = bench.directory / "scale"
    directory.mkdir()
    simulator = PortalSimulator()
    world = cloud(directory, simulator, bench.emulator, bench.postgres, dead=True)
    requests = [_request(f"portal-{number}.bitrix24.ru", number) for number in range(portals)]
    for bulk in range(bulks):
        place = len(requests) * (bulk + 1) // (bulks + 1)
        edits = (_request(f"portal-{bulk}.bitrix24.ru", portals + number) for number in range(records))
        requests[place:place] = edits
    try:
        for process in world.processes.values():
            process.start()
        started = time.perf_counter()
        load.run(world.receiver.port, requests, CONNECTIONS)
        _wait(lambda: _done(world, len(requests)))
        rate = len(requests) / (time.perf_counter() - started)
    finally:
        world.close()
        simulator.close()
    yield Result(
        figure="a thousand portals, emulators",
        what=f"{portals:,} portals, {bulks} bulk edits of {records:,} records, three destinations, one dead",
        yardstick_is="a busy hour of a million events a day",
        unit="/s",
        ours=[rate],
        # There is no aim: the emulator's pushes decide, and all parts share this machine.
        yardstick=[BUSY_HOUR],
    )


def _done(world: World, count: int) -> bool:
    alive = [destination for destination in world.destinations.values() if not destination.dead]
    return all(len(destination.ids) == count for destination in alive) and len(world.processed()) == count


def _request(portal: str, number: int) -> bytes:
    data = {"ID": str(number + 1), "UF_USR_TELEGRAM": str(1_000_000 + number)}
    body = form("ONUSERUPDATE", data, ts=1_750_000_000 + number, domain=portal)
    head = (
        f"POST /api/bitrix/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {AGENT}\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise EventLost("not everything was delivered and linked")
        time.sleep(0.2)
