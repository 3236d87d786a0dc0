"""Runs the gateway's processes in one of two set-ups, and reads what they left behind.

`Embedded`: `python -m gateway serve` with its SQLite files. `Cloud`: the functions under
functions-framework, the Pub/Sub emulator with push subscriptions and dead letters, PostgreSQL.
Whatever a process writes to standard error is kept: an event may stand there.
"""

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.truth import Person, RowState
from gateway.destinations import read_destinations
from gateway.links import open_store
from gateway.locations import (
    PubSubTopic,
    SqliteFile,
    queue_location,
    sql_location,
    sqlite_file,
    store_location,
)
from tests.support.commands import Process as Started
from tests.support.commands import run_command, start_command
from tests.support.destinations import Destination, destinations, forward_to
from tests.support.portal import PortalSimulator
from tests.support.postgres import Postgres
from tests.support.processes import STARTS_WITHIN, environment, free_port, function_command
from tests.support.pubsub import Emulator

# Then a message is a dead letter, and `replay` is what brings it back.
ATTEMPTS = "5"
# Seconds that a sender waits.
ANSWERS_WITHIN = 30.0


@dataclass
class Process:
    """A process on a port that may be killed and started again: see `start_command`."""

    name: str
    command: tuple[str, ...]
    port: int
    env: Mapping[str, str]
    directory: Path
    running: Started | None = None

    @property
    def log(self) -> Path:
        return self.directory / f"{self.name}.stderr"

    def start(self) -> None:
        """Start it and wait until it listens. A pipe takes its standard error, which no full disk stops."""
        reader, writer = os.pipe()
        with open(os.devnull, "r+b") as devnull, open(writer, "wb") as stderr:
            self.running = start_command(
                *self.command,
                env=self.env,
                cwd=self.directory,
                stdin=devnull,
                stdout=devnull,
                stderr=stderr,
                session=True,
            )
        threading.Thread(target=self._copy, args=(reader,), daemon=True).start()
        until = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            if self.running.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.name} does not start:\n{self.log.read_text('utf-8', 'replace')}")
            time.sleep(0.05)

    def _copy(self, reader: int) -> None:
        with self.log.open("ab") as sink, open(reader, "rb") as source:
            while piece := os.read(source.fileno(), 65536):
                sink.write(piece)
                sink.flush()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def kill(self) -> None:
        """Kill it and its children with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kept_in_log(self) -> set[str]:
        """Read the ids of the events that its log holds whole; a kill may cut a record off."""
        event_ids = set()
        for line in self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []:
            if (start := line.find('{"code": "EVENT_NOT_QUEUED"')) >= 0:
                with suppress(ValueError):
                    record, _ = json.JSONDecoder().raw_decode(line, start)
                    event_ids.add(record["event_id"])
        return event_ids

    def _end(self, number: signal.Signals) -> None:
        if self.running is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.running.pid, number)
            try:
                self.running.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.running.pid, signal.SIGKILL)
                self.running.wait()


@dataclass
class World:
    """A set-up. `faults` by name: each breaks something and returns what repairs it."""

    directory: Path
    portal: PortalSimulator
    env: dict[str, str]
    processes: dict[str, Process]
    faults: dict[str, Callable[[], Callable[[], None]]] = field(default_factory=dict)
    emulator: Emulator | None = None
    destinations: dict[str, Destination] = field(default_factory=dict)

    @property
    def receiver(self) -> Process:
        return next(iter(self.processes.values()))

    def tool(self, *arguments: str) -> str:
        """Run `python -m gateway …` and return its output. Raises `RuntimeError` if it fails."""
        process = run_command(*arguments, env=self.env, cwd=self.directory, timeout=600)
        if process.returncode != 0:
            raise RuntimeError(f"{arguments[0]} ended with {process.returncode}: {process.stderr[-2000:]}")
        return process.stdout

    def links(self) -> dict[Person, RowState]:
        with closing(open_store(store_location(self.env["DATABASE_URL"]))) as store:
            return {
                (link.portal, link.bitrix_user_id): RowState(_account_of(link), link.active)
                for link in store.links()
            }

    def history(self) -> list[dict[str, Any]]:
        with closing(open_store(store_location(self.env["DATABASE_URL"]))) as store:
            return [
                {
                    "person": (row.portal, row.bitrix_user_id),
                    "event_id": row.event_id,
                    "change": row.change,
                    "now": _account_of(row),
                    "before": _account(row.previous_telegram_id, row.previous_telegram_username),
                }
                for row in store.history()
            ]

    def processed(self) -> set[str]:
        return {row[0] for row in self._query("SELECT event_id FROM processed_events")}

    def put_aside(self) -> set[str]:
        return {row[0] for row in self._query("SELECT event_id FROM dead_letters")}

    def _file(self, setting: str) -> Path:
        return sqlite_file(setting, self.env[setting]).path

    def _query(self, statement: str) -> list[Any]:
        database = sql_location(self.env["DATABASE_URL"])
        if isinstance(database, SqliteFile):
            return _sqlite(database.path, statement)
        import psycopg

        with psycopg.connect(database.url) as connection:
            return connection.execute(statement).fetchall()

    def kept(self) -> dict[str, set[str]]:
        """The ids of events that are stored and not yet handled, by place."""
        records = _sqlite(self._file("JOURNAL_URL"), "SELECT record FROM unqueued")
        ids_by_place = {
            "journal": {json.loads(record)["event_id"] for (record,) in records},
            "log": set().union(*(process.kept_in_log() for process in self.processes.values())),
            "put aside": self.put_aside(),
        }
        if self.emulator is not None:
            ids_by_place["dead letters"] = self._dead_letters()
        else:
            # Deliveries to destinations are counted separately: see `undelivered`.
            consumers = "SELECT attributes FROM messages WHERE subscription NOT LIKE 'forward%'"
            waiting = _sqlite(self._file("QUEUE_URL"), consumers)
            dead = _sqlite(self._file("QUEUE_URL"), "SELECT attributes FROM dead_letters")
            ids_by_place["queue"] = {json.loads(attributes)["event_id"] for (attributes,) in waiting}
            ids_by_place["dead letters"] = {json.loads(attributes)["event_id"] for (attributes,) in dead}
        return ids_by_place

    def _dead_letters(self) -> set[str]:
        """Read the ids in the dead-letter subscription of Pub/Sub; the messages stay there."""
        assert self.emulator is not None
        topic = queue_location(self.env["QUEUE_URL"])
        assert isinstance(topic, PubSubTopic)
        project = topic.project
        path = f"projects/{project}/subscriptions/b24-dead-letters"
        ids: set[str] = set()
        ack_ids: list[str] = []
        request = {"maxMessages": 1000, "returnImmediately": True}
        while pulled := self.emulator.call("POST", f"{path}:pull", request).get("receivedMessages"):
            ids |= {received["message"]["attributes"]["event_id"] for received in pulled}
            ack_ids += [received["ackId"] for received in pulled]
        if ack_ids:
            back = {"ackIds": ack_ids, "ackDeadlineSeconds": 0}
            self.emulator.call("POST", f"{path}:modifyAckDeadline", back)
        return ids

    def undelivered(self, event_ids: set[str]) -> set[str]:
        """Those of these events that a destination that is not dead has not received."""
        alive = [destination for destination in self.destinations.values() if not destination.dead]
        return {event_id for destination in alive for event_id in event_ids - destination.ids}

    def hurry(self) -> None:
        """End all leases and backoffs of the embedded queue, as if their time had passed."""
        if self.emulator is None:
            self.stop()
            _sqlite(self._file("QUEUE_URL"), "UPDATE messages SET due_at = 0")
            self.receiver.start()

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()

    def close(self) -> None:
        self.stop()
        for destination in self.destinations.values():
            destination.close()


def embedded(directory: Path, portal: PortalSimulator) -> World:
    """Set up everything in one process: server, worker and consumers."""
    port = free_port()
    endpoints = destinations(dead=True)
    more = {"HOST": "127.0.0.1", "PORT": str(port), "FORWARD_TO": forward_to(endpoints)}
    env = _environment(directory, portal, **more)
    serve = Process("serve", ("serve",), port, env, directory)
    return World(directory, portal, env, {"serve": serve}, destinations=endpoints)


def cloud(
    directory: Path, portal: PortalSimulator, emulator: Emulator, postgres: Postgres, *, dead: bool = False
) -> World:
    """Set up as on Google Cloud: a process each for the receiver, the two consumers and the forwarder.

    What a dead destination refuses is soon a dead letter: the emulator knows no backoff.
    """
    endpoints = destinations(dead=dead)
    project = f"chaos-{os.urandom(4).hex()}"
    database = postgres.new_database()
    queue = {"QUEUE_URL": f"pubsub://{project}/b24-events", "PUBSUB_EMULATOR_HOST": emulator.host}
    env = _environment(directory, portal, DATABASE_URL=database, FORWARD_TO=forward_to(endpoints), **queue)
    processes = {}
    for name in ("bitrix_webhook", "on_user_update", "on_user_add", "forward_event"):
        port = free_port()
        command = function_command(name, port)
        processes[name] = Process(name, command, port, env, directory)
    for topic in ("b24-events", "b24-dead-letters"):
        emulator.call("PUT", f"projects/{project}/topics/{topic}", {})
    letters = f"projects/{project}/topics/b24-dead-letters"
    emulator.call("PUT", f"projects/{project}/subscriptions/b24-dead-letters", {"topic": letters})
    subscriptions = {"on_user_update": "on_user_update", "on_user_add": "on_user_add"}
    for destination in read_destinations(env["FORWARD_TO"]):
        subscriptions[f"forward_event-{destination.id}"] = "forward_event"
    for name, function in subscriptions.items():
        port = processes[function].port
        push = {"pushEndpoint": f"http://127.0.0.1:{port}/projects/{project}/topics/b24-events"}
        policy = {"deadLetterTopic": letters, "maxDeliveryAttempts": int(ATTEMPTS)}
        configuration = {
            "topic": f"projects/{project}/topics/b24-events",
            "pushConfig": push,
            "ackDeadlineSeconds": 10,
        }
        # With a retryPolicy the emulator forgets refusals.
        configuration |= {"deadLetterPolicy": policy}
        emulator.call("PUT", f"projects/{project}/subscriptions/{name}", configuration)
    return World(directory, portal, env, processes, emulator=emulator, destinations=endpoints)


def _environment(directory: Path, portal: PortalSimulator, **more: str) -> dict[str, str]:
    return environment(directory, **portal.environ(), QUEUE_MAX_ATTEMPTS=ATTEMPTS, **more)


def _account_of(row: Any) -> str:
    return _account(row.telegram_id, row.telegram_username)


def _account(number: int | None, name: str | None) -> str:
    return str(number) if number is not None else f"@{name.lower()}" if name else ""


def _sqlite(path: Path, statement: str) -> list[Any]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=30.0)) as connection, connection:
        return connection.execute(statement).fetchall()
