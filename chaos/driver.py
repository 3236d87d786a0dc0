"""Makes one run: sends while things break, repairs, replays, and compares the result with the truth."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from chaos import faults, truth, workload
from chaos.workload import Event, Step
from chaos.world import ANSWERS_WITHIN, World
from tests.support.deliveries import TOKEN
from tests.support.postgres import Postgres

SENDERS = 8
# Rounds of replay; each takes what failed again since.
ROUNDS = 6
Report = Callable[[str], None]


@dataclass
class Tally:
    """What the senders were answered. `accepted`: ids answered 200; `refused`: answered 503 and kept."""

    accepted: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    sent: int = 0
    slowest: float = 0.0

    @property
    def promised(self) -> set[str]:
        """Events that the gateway must not lose."""
        return self.accepted | self.refused


@dataclass
class Run:
    """One run in one world: what is sent, and what came of it."""

    world: World
    seed: int
    steps: list[Step]
    report: Report
    tally: Tally = field(default_factory=Tally)
    # In the log they stay for ever.
    replayed_from_log: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send_all(self, incidents: list[faults.Incident]) -> None:
        """Send every step from several senders while the incidents happen."""
        waiting = iter(self.steps)
        with ThreadPoolExecutor(SENDERS + 1) as pool:
            breaking = pool.submit(faults.run, incidents, self.world, lambda: self.tally.sent, self.report)
            senders = [pool.submit(self._sender, waiting, number) for number in range(SENDERS)]
            for future in (*senders, breaking):
                future.result()

    def _sender(self, waiting: Iterator[Step], number: int) -> None:
        rng = random.Random(f"{self.seed} sender {number}")
        while True:
            with self._lock:
                step = next(waiting, None)
            if step is None:
                return
            for event in step.events:
                if event.asks is not None:
                    self.world.portal.add(event.people[0].user, event.asks)
                # A sender that got no answer may send again.
                is_sent_again = step.repeatable and rng.random() < 0.5
                while not self._send(event, step.as_json) and is_sent_again:
                    pass

    def _send(self, event: Event, as_json: bool) -> bool:
        """Send one event; return False if no answer came. A refused connection is tried again."""
        body, headers = event.request(as_json)
        began = time.monotonic()
        while True:
            connection = http.client.HTTPConnection(
                "127.0.0.1", self.world.receiver.port, timeout=ANSWERS_WITHIN
            )
            try:
                connection.connect()
                began = time.monotonic()
                connection.request("POST", "/api/bitrix/webhook", body, headers)
                answer = connection.getresponse()
                fields = json.loads(answer.read())
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
            except (OSError, http.client.HTTPException, ValueError):
                self._count(event, None, {}, time.monotonic() - began)
                return False
            finally:
                connection.close()
        self._count(event, answer.status, fields, time.monotonic() - began)
        return True

    def _count(self, event: Event, status: int | None, fields: Mapping[str, str], seconds: float) -> None:
        code = fields.get("code", "no answer")
        with self._lock:
            self.tally.sent += 1
            self.tally.answers[code] += 1
            self.tally.slowest = max(self.tally.slowest, seconds)
            places = {"EVENT_QUEUED": self.tally.accepted, "QUEUE_UNAVAILABLE": self.tally.refused}
            if status is None:
                self.tally.unanswered.add(event.event_id)
            elif event.token != TOKEN:
                if code != "TOKEN_MISMATCH":
                    self.tally.wrong.append(f"a wrong token was answered {code}")
            elif code not in places:
                self.tally.wrong.append(f"an event of {event.name} was answered {status} {code}")
            elif fields.get("event_id") != event.event_id:
                self.tally.wrong.append(f"event_id {fields.get('event_id')}, must be {event.event_id}")
            else:
                places[code].add(event.event_id)

    def settle(self, hurry: bool, patience: float) -> None:
        """With everything repaired, wait until all is handled, replaying what is kept.

        With `hurry` the leases of killed workers are not waited for.
        """
        for number in range(ROUNDS):
            if hurry:
                self.world.hurry()
            self._wait(patience)
            missing, kept_ids = self._undone(), set().union(*self._waiting_or_kept().values())
            if lost_ids := missing - kept_ids:
                self.report(f"{len(lost_ids)} events are neither done nor kept")
            if number and not missing & kept_ids:
                return
            replayed = len(json.loads(self.world.tool("replay", "--json")))
            for process in self.world.processes.values():
                # A log also names what the journal keeps, and `replay` refuses one without a record.
                if process.kept_in_log():
                    replayed += len(json.loads(self.world.tool("replay", str(process.log), "--json")))
            self.replayed_from_log |= self.world.kept()["log"]
            self.report(f"replayed {replayed}")

    def revive(self, patience: float) -> None:
        """The dead destination is back, and its time has come: nothing may have been lost meanwhile."""
        dead = [destination for destination in self.world.destinations.values() if destination.dead]
        for destination in dead:
            destination.dead = False
        if dead:
            self.report("the dead destination is back")
            self.world.hurry()
            self._wait(patience)

    def _undone(self) -> set[str]:
        """Promised events not handled or delivered yet; a poison event counts as handled when put aside."""
        events = {event.event_id: event for event in workload.events_of(self.steps)}
        settled = self.world.processed() | self.world.put_aside()
        promised = {e for e in self.tally.promised if events[e].people or events[e].poison}
        return (promised - settled) | self.world.undelivered(self.tally.promised)

    def _waiting_or_kept(self) -> dict[str, set[str]]:
        kept_ids = self.world.kept()
        return kept_ids | {"log": kept_ids["log"] - self.replayed_from_log}

    def _wait(self, patience: float) -> None:
        """Wait until only what was put aside is undone, or nothing changes for `patience` seconds."""
        last, moved = -1, time.monotonic()
        while True:
            waiting_ids = self._waiting_or_kept()
            waiting = waiting_ids.get("queue", set())
            aside = set().union(*(ids for place, ids in waiting_ids.items() if place != "queue"))
            undone = len((self._undone() - aside) | waiting)
            if not undone:
                return
            if undone != last:
                last, moved = undone, time.monotonic()
            elif time.monotonic() - moved > patience:
                return
            time.sleep(0.3)

    def differences(self) -> list[str]:
        """Everything that is not as it must be, one sentence each."""
        events = list(workload.events_of(self.steps))
        by_id = {event.event_id: event for event in events}
        processed, links = self.world.processed(), self.world.links()
        wrong = list(self.tally.wrong)
        wrong += [f"event {e[:8]} was accepted and is lost" for e in sorted(self._undone())]
        wrong += [f"event {e[:8]} was handled and never sent" for e in sorted(processed - by_id.keys())]
        strangers = {event.event_id for event in events if event.token != TOKEN}
        for name, destination in self.world.destinations.items():
            wrong += [
                f"event {e[:8]} is not at {name}" for e in sorted(self.tally.promised - destination.ids)
            ]
            unsent = destination.ids - (by_id.keys() - strangers)
            wrong += [f"event {e[:8]} came to {name} and was not accepted" for e in sorted(unsent)]
        wrong += [f"event {e[:8]} had an effect without the token" for e in sorted(processed & strangers)]
        counted = [event for event in events if event.event_id in processed]
        people = truth.expected([event for event in counted if event.asks is None])
        people |= truth.expected_when_asked(events, processed)
        return wrong + truth.compare(links, people) + truth.check_history(self.world.history(), by_id, links)


def run(
    world: World,
    seed: int,
    count: int,
    mix: Mapping[str, float],
    postgres: Postgres | None,
    *,
    hurry: bool,
    report: Report,
) -> list[str]:
    """Run once; return the differences. `mix`: `faults.RATES`, and `duplicates`, `reorder`, `rest-share`."""
    shares = {"duplicates": mix["duplicates"], "reorder": mix["reorder"], "rest": mix["rest-share"]}
    steps = workload.write(random.Random(f"{seed} events"), world.portal.domain, count, **shares)
    faults.add_faults(world, random.Random(f"{seed} targets"), postgres)
    rates = {name: mix[name] for name in faults.RATES if name in world.faults}
    incidents = faults.plan(random.Random(f"{seed} faults"), count, rates)
    current = Run(world, seed, steps, report)
    for process in world.processes.values():
        process.start()
    try:
        watch = _show_progress(current, len([e for step in steps for e in step.events]))
        current.send_all(incidents)
        watch.set()
        tally = current.tally
        report(f"sent {tally.sent}: {dict(tally.answers)}, slowest answer {tally.slowest:.1f} s")
        current.settle(hurry, patience=20.0 if hurry else 90.0)
        current.revive(patience=90.0)
    finally:
        watch.set()
        world.close()
    kept_counts = {place: len(ids) for place, ids in world.kept().items()}
    report(f"handled {len(world.processed())}, links {len(world.links())}, kept {kept_counts}")
    return current.differences()


def _show_progress(current: Run, count: int) -> threading.Event:
    """Print the progress every few seconds, until the event is set."""
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(5):
            accepted, refused = len(current.tally.accepted), len(current.tally.refused)
            current.report(f"{current.tally.sent} of {count}, accepted {accepted}, kept {refused}")

    threading.Thread(target=watch, daemon=True).start()
    return finished
