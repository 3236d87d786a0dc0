"""`make emulators`: what `deploy.sh` sets up in the cloud, on this machine and Google's emulators.

Pub/Sub's and Firestore's emulators, the topics and push subscriptions, and the
functions, each under functions-framework in a process of its own, as the platform
runs them. The receiver listens on `PORT`, everything else on free ports; their
addresses are in `var/emulators.env`, for the tools. Ctrl-C stops all of it.

https://cloud.google.com/pubsub/docs/emulator
https://cloud.google.com/sdk/gcloud/reference/emulators/firestore
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gateway.destinations import Destination
from gateway.errors import GatewayError
from gateway.functions import functions, of_kind
from gateway.setting_values import WEBHOOK_PATH
from gateway.settings import language, load
from gateway.texts import say, text_of
from gateway.tools.http_call import ask

PROJECT = "local-gateway"
TOPIC = f"projects/{PROJECT}/topics/local-events"
DEAD_TOPIC = f"projects/{PROJECT}/topics/local-dead-letters"
EMULATORS = {"pubsub": ["beta", "emulators", "pubsub"], "firestore": ["emulators", "firestore"]}
STATE = Path("var/emulators")
ENVIRONMENT = Path("var/emulators.env")
_JSON = {"Content-Type": "application/json"}
START_SECONDS = 120.0
STOP_SECONDS = 10.0


def main() -> None:
    """Start everything, print the addresses, wait for Ctrl-C or SIGTERM, end everything.

    Raises `GatewayError` if a part is missing, does not start, or ends too early.
    """
    settings = load()
    for unread in settings.unread:
        print(text_of(unread, settings.language), file=sys.stderr)
    for part in ("gcloud", "java"):
        if shutil.which(part) is None:
            raise GatewayError("EMULATORS_MISSING", part=part)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    machine = _Machine(stop)
    try:
        hosts = {name: f"127.0.0.1:{_free_port()}" for name in EMULATORS}
        ports = {function.name: _free_port() for function in functions()} | {"bitrix_webhook": settings.port}
        environment = _environment(hosts)
        for name, command in EMULATORS.items():
            machine.start(name, ["gcloud", *command, "start", f"--host-port={hosts[name]}"], {})
        for name, port in ports.items():
            machine.start(name, _function(name, port), environment)
        for name, host in hosts.items():
            machine.wait_for(name, host)
        _subscribe(hosts["pubsub"], ports, settings.destinations)
        for name, port in ports.items():
            machine.wait_for(name, f"127.0.0.1:{port}")
        if not stop.is_set():
            ENVIRONMENT.write_text("".join(f"{name}='{value}'\n" for name, value in environment.items()))
            address = f"http://127.0.0.1:{ports['bitrix_webhook']}{WEBHOOK_PATH}"
            resync = f"http://127.0.0.1:{ports['resync_users']}/"
            addresses = {"address": address, "resync": resync, "file": ENVIRONMENT}
            print(say("EMULATORS_READY", settings.language, **addresses), flush=True)
        machine.watch()
    finally:
        machine.end()
        ENVIRONMENT.unlink(missing_ok=True)


class _Machine:
    """The processes, each in its own process group, because gcloud's emulators are shells around Java."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        STATE.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: list[str], environ: Mapping[str, str]) -> None:
        with (STATE / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(  # noqa: S603 — our own commands
                command,
                env=os.environ | environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, name: str, host: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._stop.wait(0.1) and not _listens(host):
            self._check_running()
            if time.monotonic() > deadline:
                raise GatewayError("EMULATORS_SLOW", name=name, log=STATE / f"{name}.log")

    def watch(self) -> None:
        while not self._stop.wait(0.5):
            self._check_running()

    def _check_running(self) -> None:
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise GatewayError("EMULATORS_ENDED", name=name, log=STATE / f"{name}.log")

    def end(self) -> None:
        """Send SIGTERM to every group, and SIGKILL to what is left of it."""
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            _signal(process, signal.SIGKILL)
            process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _environment(hosts: Mapping[str, str]) -> dict[str, str]:
    """The environment that the functions run in, and that the tools need."""
    return {
        "PUBSUB_EMULATOR_HOST": hosts["pubsub"],
        "FIRESTORE_EMULATOR_HOST": hosts["firestore"],
        "QUEUE_URL": f"pubsub://{PROJECT}/local-events",
        "DATABASE_URL": f"firestore://{PROJECT}/links",
    }


def _function(name: str, port: int) -> list[str]:
    command = [sys.executable, "-m", "functions_framework", "--host=127.0.0.1"]
    return [*command, f"--target={name}", f"--port={port}"]


def _subscribe(host: str, ports: Mapping[str, int], destinations: tuple[Destination, ...] = ()) -> None:
    """Create the topics and subscriptions of `deploy.sh`; emulators have no accounts or roles.

    Without the retry policy the emulator tries once a second, and a consumer that is away for ten seconds
    loses its events to the dead letters. Filters are stored and not applied: each consumer sees every event.
    """
    for topic in (TOPIC, DEAD_TOPIC):
        _put(host, topic, {})
    _put(
        host,
        f"projects/{PROJECT}/subscriptions/local-dead-letters",
        {"topic": DEAD_TOPIC, "ackDeadlineSeconds": 60},
    )
    for function in of_kind("consumer"):
        endpoint = f"http://127.0.0.1:{ports[function.name]}/{TOPIC}"
        subscription = _push_subscription(endpoint, ack_seconds=70, attempts=10)
        subscription["filter"] = f'attributes.event = "{function.event}"'
        _put(host, f"projects/{PROJECT}/subscriptions/local-{function.subscription}", subscription)
    for function in of_kind("forwarder"):
        endpoint = f"http://127.0.0.1:{ports[function.name]}/{TOPIC}"
        for destination in destinations:
            subscription = _push_subscription(endpoint, ack_seconds=310, attempts=100)
            name = f"local-{function.subscription}-{destination.id}"
            _put(host, f"projects/{PROJECT}/subscriptions/{name}", subscription)


def _push_subscription(address: str, ack_seconds: int, attempts: int) -> dict[str, Any]:
    return {
        "topic": TOPIC,
        "ackDeadlineSeconds": ack_seconds,
        "pushConfig": {"pushEndpoint": address},
        "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
        "deadLetterPolicy": {"deadLetterTopic": DEAD_TOPIC, "maxDeliveryAttempts": attempts},
    }


def _put(host: str, path: str, body: Mapping[str, Any]) -> None:
    payload = json.dumps(body).encode()
    problem: object
    try:
        problem = status = ask("PUT", f"http://{host}/v1/{path}", payload, _JSON, seconds=30.0).status
    except OSError as error:
        status, problem = 0, error
    if not 200 <= status < 300:
        raise GatewayError("EMULATORS_REFUSED", path=path, problem=problem)


def _listens(host: str) -> bool:
    """Whether it answers HTTP at all. No function runs: functions-framework itself answers this path."""
    try:
        ask("GET", f"http://{host}/robots.txt", seconds=5.0)
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    try:
        main()
    except GatewayError as problem:
        print(text_of(problem, language()), file=sys.stderr)
        sys.exit(2)
