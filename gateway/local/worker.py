"""The embedded queue's worker: lease a message, hand it to the consumers as Pub/Sub would, acknowledge it."""

import json
import logging
import threading
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

from werkzeug.test import EnvironBuilder, run_wsgi_app

from gateway.errors import GatewayError, PassingFailure
from gateway.events import rfc3339
from gateway.queues.model import Delivery
from gateway.queues.sqlite import EmbeddedQueue

WORKERS = 4
LEASE_SECONDS = 60.0
PUSH_PATH = "/projects/local/topics/events"

log = logging.getLogger("gateway.worker")


def threads(queue: EmbeddedQueue, consumers: list[Any], stop: threading.Event) -> list[threading.Thread]:
    """The worker's threads, not yet started; daemons, as the lease of a hung one runs out."""
    for app in consumers:  # their failures are taken as they are: Flask would log each traceback
        app.config["PROPAGATE_EXCEPTIONS"] = True
    arguments = (queue, consumers, stop)
    return [threading.Thread(target=work, args=arguments, daemon=True) for _ in range(WORKERS)]


def work(queue: EmbeddedQueue, consumers: list[Any], stop: threading.Event) -> None:
    """Lease, deliver, acknowledge; a queue that fails is asked again later."""
    while not stop.is_set():
        try:
            delivery = queue.lease(LEASE_SECONDS)
            if delivery is None:
                queue.wait(0.5)
                continue
            failure = deliver(delivery, consumers)
            if failure is None:
                queue.acknowledge(delivery)
            else:
                queue.retry(delivery, failure)
        except PassingFailure as error:
            log.warning("%s", error)
            stop.wait(1.0)


def deliver(delivery: Delivery, consumers: list[Any]) -> str | None:
    """Push a message to each function as Pub/Sub would; None when all acknowledged, else why one did not."""
    message = {
        "data": b64encode(delivery.data).decode(),
        "attributes": delivery.attributes,
        "messageId": delivery.message_id,
        "publishTime": rfc3339(datetime.fromtimestamp(delivery.published_at, UTC)),
    }
    body = json.dumps({"subscription": "projects/local/subscriptions/worker", "message": message})
    for app in consumers:
        push = EnvironBuilder(PUSH_PATH, method="POST", data=body, content_type="application/json")
        try:
            content, status, _ = run_wsgi_app(app, push.get_environ(), buffered=True)
        except GatewayError as failure:
            told = {"event_id": delivery.attributes.get("event_id"), "attempt": delivery.attempt}
            log.warning("%s: %s", app.name, failure, extra={"json_fields": {"code": "EVENT_FAILED", **told}})
            return f"{app.name}: {failure}"
        if not status.startswith("2"):
            return f"{app.name}: {b''.join(content)[:200].decode(errors='replace')}"
    return None
