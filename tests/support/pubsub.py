"""The real Pub/Sub emulator: one for the whole run, a project of its own for each test."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.java_emulator import JVM, find_jar, start
from tests.support.processes import free_port
from tests.support.shared_process import end, shared

JAR = "pubsub-emulator/lib/*.jar"
MISSING = (
    "the Pub/Sub emulator is not installed: `gcloud components install pubsub-emulator` "
    "(or apt: google-cloud-cli-pubsub-emulator) and Java 11 or later"
)


@dataclass(frozen=True)
class Emulator:
    """A running emulator, spoken to by plain REST. `host` is what `PUBSUB_EMULATOR_HOST` takes."""

    host: str
    pid: int

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request to `/v1/PATH`; raises `urllib.error.HTTPError` for what the emulator refuses."""
        request = urllib.request.Request(
            f"http://{self.host}/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)


@dataclass(frozen=True)
class Topic:
    """A topic with one pull subscription, in a project that no other test uses."""

    emulator: Emulator
    project: str
    name: str
    subscription: str

    @property
    def url(self) -> str:
        return f"pubsub://{self.project}/{self.name}"

    def subscribe(self, name: str, topic: str | None = None, push: str | None = None) -> None:
        """One more subscription; with `push`, an address that gets the messages."""
        body: dict[str, Any] = {"topic": f"projects/{self.project}/topics/{topic or self.name}"}
        if push is not None:
            body["pushConfig"] = {"pushEndpoint": push}
        self.emulator.call("PUT", f"projects/{self.project}/subscriptions/{name}", body)

    def create_topic(self, name: str) -> None:
        self.emulator.call("PUT", f"projects/{self.project}/topics/{name}", {})

    def take(self) -> list[dict[str, Any]]:
        """All messages now in the subscription, acknowledged: `data` in base64, `attributes`, `messageId`."""
        path = f"projects/{self.project}/subscriptions/{self.subscription}"
        messages: list[dict[str, Any]] = []
        while True:
            pulled = self.emulator.call(
                "POST", f"{path}:pull", {"maxMessages": 100, "returnImmediately": True}
            )
            received = pulled.get("receivedMessages", [])
            if not received:
                return messages
            messages += [received_message["message"] for received_message in received]
            self.emulator.call(
                "POST",
                f"{path}:acknowledge",
                {"ackIds": [received_message["ackId"] for received_message in received]},
            )


def _answers(emulator: Emulator) -> bool:
    try:
        emulator.call("GET", "projects/probe/topics")
    except (OSError, urllib.error.URLError):
        return False
    return True


@pytest.fixture(scope="session")
def pubsub_emulator(run_directory: Path) -> Iterator[Emulator]:
    """The emulator of this run."""
    with shared(run_directory, "pubsub", _start) as (host, pid):
        yield Emulator(host, pid)


@contextmanager
def running_emulator() -> Iterator[Emulator]:
    """A new emulator as gcloud starts it, or a skip that says how to install it."""
    host, pid = _start(jvm=())
    try:
        yield Emulator(host, pid)
    finally:
        end(pid)


def _start(jvm: Sequence[str] = JVM) -> tuple[str, int]:
    jar = find_jar(JAR)
    if jar is None:
        pytest.skip(MISSING)
    port = free_port()
    host = f"127.0.0.1:{port}"
    arguments = ["-jar", str(jar), "--host=127.0.0.1", f"--port={port}"]
    return host, start("Pub/Sub", arguments, lambda: _answers(Emulator(host, 0)), jvm)


@pytest.fixture
def pubsub_topic(pubsub_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Topic:
    """A fresh topic and subscription; `PUBSUB_EMULATOR_HOST` is set for this process."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub_emulator.host)
    topic = Topic(pubsub_emulator, f"p-{uuid.uuid4().hex[:12]}", "events", "events-test")
    topic.create_topic(topic.name)
    topic.subscribe(topic.subscription)
    return topic
