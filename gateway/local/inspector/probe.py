"""Sends a test event through the webhook, with an accepted token and our mark. It changes nothing."""

import json
import time
from typing import Any

from werkzeug.test import EnvironBuilder, run_wsgi_app

from gateway.destinations import PROBE_EVENT
from gateway.ingest.php_form import build_query
from gateway.journal import Request
from gateway.local.inspector.frame import Inspector
from gateway.marks import probe_mark
from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.sample_delivery import VENDORS_PLACE, data_of, delivery, own_token, place_token

# How long to wait for its record, which is written after the answer.
WAIT_SECONDS = 3.0


def send_test_event(page: Inspector, event: str = PROBE_EVENT) -> tuple[dict[str, Any], Request | None]:
    """Send the event; return the webhook's answer and its record, None if that does not come in time."""
    settings = page.settings
    token, portal = own_token(settings)
    fields = delivery(event, data_of(event), portal)
    headers, _ = place_token(VENDORS_PLACE, token, fields)
    headers |= probe_mark(settings.tokens, time.time())
    builder = EnvironBuilder(
        WEBHOOK_PATH, method="POST", data=build_query(fields), headers=list(headers.items())
    )
    environ = builder.get_environ() | {"REMOTE_ADDR": "127.0.0.1"}
    chunks, _, _ = run_wsgi_app(page.parts.webhook, environ, buffered=True)  # type: ignore[arg-type]
    answer: dict[str, Any] = json.loads(b"".join(chunks))
    deadline = time.monotonic() + WAIT_SECONDS
    request = None
    while request is None and time.monotonic() < deadline:
        request = page.journal.request(str(answer.get("request_id", "")))
        if request is None:
            time.sleep(0.02)
    return answer, request
