"""What our client adds to one publish, when no other is on its way."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial

from bench import bodies
from bench.instances import read_answer
from bench.parts import Bench, check_topic
from bench.sample import Result, alternate
from gateway.queues.pubsub import PubSub

# Seconds between two publishes, so that each is a lone one.
PAUSE = 0.005


def lone(bench: Bench) -> Iterator[Result]:
    topic = bench.topic()
    os.environ["PUBSUB_EMULATOR_HOST"] = bench.emulator.host
    try:
        clients = {
            "ours": _ours(topic.project, topic.name),
            "bare": _bare(bench.emulator.host, topic.project, topic.name),
            "naive": _high_level(topic.project, topic.name),
        }
        rounds = bench.rounds(300, 50)
        measures = {name: partial(_timed, publish) for name, publish in clients.items()}
        for warm_up in measures.values():
            warm_up()
        figures = alternate(rounds, **measures)
    finally:
        del os.environ["PUBSUB_EMULATOR_HOST"]
    check_topic(topic, 3 * (rounds + 1))
    yield Result(
        figure="lone publish",
        what="one event to the emulator and its acknowledgement",
        yardstick_is="the bare RPC",
        unit="ms",
        ours=figures["ours"],
        yardstick=figures["bare"],
        aim=0.5,
        bound="at most more",
        rivals={"the high-level client": figures["naive"]},
    )


Publish = Callable[[bytes, str], object]
_numbers = iter(range(10**9))


def _timed(publish: Publish) -> float:
    event_id = f"e{next(_numbers)}"
    time.sleep(PAUSE)
    started = time.perf_counter()
    publish(bodies.event(), event_id)
    return (time.perf_counter() - started) * 1000


def _ours(project: str, topic: str) -> Publish:
    queue = PubSub(project, topic)
    return lambda data, event_id: queue.publish(data, {"event_id": event_id}, 3.0)


def _bare(host: str, project: str, topic: str) -> Publish:
    """One publish without any client: the request's bytes on a kept connection, the answer's bytes back."""
    name, _, port = host.rpartition(":")
    connection = socket.create_connection((name, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def publish(_data: bytes, event_id: str) -> None:
        body = b'{"messages": [{"data": "aGVsbG8=", "attributes": {"event_id": "%b"}}]}' % event_id.encode()
        head = f"POST /v1/projects/{project}/topics/{topic}:publish HTTP/1.1\r\nHost: {host}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        read_answer(connection)

    return publish


def _high_level(project: str, topic: str) -> Publish:
    from google.cloud.pubsub_v1 import PublisherClient

    client = PublisherClient()
    path = client.topic_path(project, topic)

    def publish(data: bytes, event_id: str) -> object:
        try:
            return client.publish(path, data, event_id=event_id).result(timeout=3)
        except FutureTimeout:
            raise RuntimeError("the emulator did not answer the high-level client") from None

    return publish
