"""The rival: a webhook written straight from the frameworks' documentation."""

import hmac
import os
import re
from datetime import UTC, datetime
from typing import Any

import flask
import functions_framework
from google.cloud import logging as cloud_logging
from google.cloud.pubsub_v1 import PublisherClient
from pydantic import BaseModel


class Event(BaseModel):
    event: str
    event_handler_id: str | None = None
    ts: int
    received_at: datetime
    data: dict[str, Any]
    auth: dict[str, str]


project, topic = os.environ["QUEUE_URL"].removeprefix("pubsub://").split("/")
if "PUBSUB_EMULATOR_HOST" not in os.environ or "GCE_METADATA_HOST" in os.environ:
    import google.auth
    import google.auth.transport.requests

    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/pubsub"])
    credentials.refresh(google.auth.transport.requests.Request())  # type: ignore[no-untyped-call]
publisher = PublisherClient()
topic_path = publisher.topic_path(project, topic)
log = cloud_logging.handlers.StructuredLogHandler()  # type: ignore[no-untyped-call]


def nested(form: Any) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, value in form.items():
        keys = re.findall(r"[^\[\]]+", name)
        inner = root
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = value
    return root


@functions_framework.http
def naive(request: flask.Request) -> tuple[dict[str, Any], int]:
    event = Event(received_at=datetime.now(UTC), **nested(request.form))
    token = event.auth.pop("application_token", "")
    if not hmac.compare_digest(token, os.environ["BITRIX24_OUTGOING_WEBHOOK_TOKEN"]):
        return {"status": "error"}, 403
    data = event.model_dump_json().encode()
    future = publisher.publish(topic_path, data, event=event.event, event_id=event.data["ID"])
    return {"status": "ok", "message_id": future.result(timeout=3)}, 200
