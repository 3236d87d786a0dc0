"""Logging to standard error: one readable line, or Cloud Logging's structured form.

Fields travel as google-cloud-logging takes them: `extra={"json_fields": {…}}`.
Its handler formats every record but those of the start: importing the library
costs more than everything else a cold start does, so it waits for the first
record that a request writes.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from gateway.settings import Settings

_ESCAPED = {ord(c): repr(c)[1:-1] for c in "\r\n\t\x0b\x0c\x1b\x85\u2028\u2029"}


def setup(settings: Settings) -> None:
    """Make one handler the root's only one, Flask's own logger included. Idempotent."""
    root = logging.getLogger()
    if not any(isinstance(handler, _Structured | _Lines) for handler in root.handlers):
        handler: logging.Handler = (
            _Structured(_project(settings)) if settings.log_format == "json" else _Lines()
        )
        handler.setLevel(logging.INFO)
        root.handlers[:] = [handler]
        root.setLevel(logging.INFO)


def _project(settings: Settings) -> str | None:
    """The Google Cloud project that traces belong to, from the addresses that name one."""
    for url in (settings.queue_url, settings.database_url):
        if url.startswith(("pubsub://", "firestore://")):
            return url.split("/")[2]
    return None


class _Lines(logging.StreamHandler[Any]):
    """Text: time, severity, the sentence, the code and the causes' codes in order; a capture whole."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = getattr(record, "json_fields", {})
        line = f"{_time(record)} {record.levelname} {record.getMessage().translate(_ESCAPED)}"
        codes = [cause["code"] for cause in fields.get("causes", [])]
        if "code" in fields:
            line += f" [{fields['code']}{': ' if codes else ''}{', '.join(codes)}]"
        if fields.get("code") == "CAPTURE":
            line += " " + json.dumps(fields, ensure_ascii=False)
        if record.exc_info:
            line += "\n" + logging.Formatter().formatException(record.exc_info)
        return line


class _Structured(logging.Handler):
    """JSON: by google-cloud-logging, but for what is written before the first request."""

    def __init__(self, project: str | None) -> None:
        super().__init__()
        self._project = project
        self._library: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._library is None and record.levelno < logging.WARNING and not _in_request():
                sys.stderr.write(_early(record) + "\n")
                sys.stderr.flush()
                return
            if self._library is None:
                self._library = _cloud_handler(self._project)
            self._library.handle(record)
        except Exception:  # noqa: BLE001 — as logging's own handlers do: a log never fails a request
            self.handleError(record)


def _in_request() -> bool:
    import flask

    return flask.has_request_context()


def _early(record: logging.LogRecord) -> str:
    head = {"severity": record.levelname, "message": record.getMessage(), "time": _time(record)}
    return json.dumps(head | getattr(record, "json_fields", {}), ensure_ascii=False)


def _cloud_handler(project: str | None) -> logging.Handler:
    import google.cloud.logging_v2
    from google.cloud.logging_v2.handlers import StructuredLogHandler

    google.cloud.logging_v2._instrumentation_emitted = True  # no line about the library itself

    class Handler(StructuredLogHandler):
        """Adds the time, and leaves out the request's address: it may carry `?token=`."""

        def handle(self, record: logging.LogRecord) -> bool:
            record.http_request = {}
            return bool(super().handle(record))

        def format(self, record: logging.LogRecord) -> str:
            return f'{{"time": "{_time(record)}", ' + str(super().format(record))[1:]  # type: ignore[no-untyped-call]

    return Handler(stream=sys.stderr, project_id=project)  # type: ignore[no-untyped-call]


def _time(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
