"""Sets up logging to standard error: one readable line, or Cloud Logging's structured form.

Fields are passed as google-cloud-logging expects them: `extra={"json_fields": {…}}`.
Errors and notices are put into words here, so that the code that logs them needs to know
no language. The library's handler formats every record except those of the start:
importing it takes longer than the rest of a cold start, so that waits for the first
record that a request writes.
"""

import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from gateway.errors import GatewayError
from gateway.locations import FirestoreDatabase, PubSubTopic
from gateway.log_stream import Stderr
from gateway.rate_limited import RateLimited
from gateway.redaction import CONTROLS, clean
from gateway.settings import Settings
from gateway.texts import Notice, say, text_of

log = logging.getLogger("gateway.logs")

_ESCAPED = {code: repr(chr(code))[1:-1] for code in CONTROLS}
_OURS = ("gateway", "handlers", "verify")
_TRACE = re.compile(r"(?:projects/[^/]*/traces/)?([0-9a-f]{32})")
# How many lines a minute one library may log.
_LIBRARY_LINES = 20
# Beginnings of gunicorn's messages that quote the sender: they are logged in our own words.
_GUNICORN = (
    ("Invalid HTTP request line", "HTTP_REASON_LINE"),
    ("Invalid HTTP method", "HTTP_REASON_LINE"),
    ("Invalid HTTP Version", "HTTP_REASON_LINE"),
    ("Request Line is too large", "HTTP_REASON_LONG_LINE"),
    ("limit request headers", "HTTP_REASON_MANY"),
    ("max buffer headers", "HTTP_REASON_MANY"),
    ("Invalid HTTP Header", "HTTP_REASON_HEADER"),
    ("Invalid HTTP header", "HTTP_REASON_HEADER"),
    ("Obsolete line folding", "HTTP_REASON_HEADER"),
    ("Unsupported transfer coding", "HTTP_REASON_ENCODING"),
    ("Invalid chunk", "HTTP_REASON_CHUNKS"),
)

# Enters Flask's context of the request that is being answered outside of it: google-cloud-logging reads a
# record's trace there, and to enter it for each request takes half as long as the receiver.
enter_request: ContextVar[Callable[[], AbstractContextManager[object]] | None] = ContextVar(
    "enter_request", default=None
)


def setup(settings: Settings) -> None:
    """Make one handler the root's only one, Flask's own logger included. Idempotent."""
    root = logging.getLogger()
    if not any(isinstance(handler, _Structured | _Lines) for handler in root.handlers):
        stream = Stderr(lambda count: say("LOG_LINES_DROPPED", settings.language, count=count))
        handler: _Redacting
        if settings.log_format == "json":
            handler = _Structured(_project(settings), stream)
        else:
            handler = (_Terminal if stream.is_terminal() else _Lines)(stream)
        handler.setLevel(logging.INFO)
        handler.secrets, handler.language = settings.secrets(), settings.language
        root.handlers[:] = [handler]
        root.setLevel(logging.INFO)
        # A library's warning becomes one line like others, not two raw lines.
        logging.captureWarnings(True)
        # gunicorn makes its loggers after us, and forks its workers then.
        os.register_at_fork(after_in_child=partial(_adopt_gunicorn, settings.language))
    _send_libraries_here()


def load_ahead() -> None:
    """Import in a thread what writes a request's first record, so that no answer waits for that."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Structured):
            handler.load_ahead()


def _send_libraries_here() -> None:
    """Remove libraries' own handlers, which would write what a sender sent, uncut and unmasked."""
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.handlers and name.partition(".")[0] not in _OURS:
            logger.handlers.clear()
            logger.propagate = True


def _adopt_gunicorn(language: str) -> None:
    """Log what gunicorn refuses before the function sees it, which by default it does not log."""
    _send_libraries_here()
    host = logging.getLogger("gunicorn.error")
    if host.level > logging.WARNING:
        host.setLevel(logging.WARNING)
    reports = RateLimited(logging.getLogger("gateway.http"), 60.0)

    def is_other(record: logging.LogRecord) -> bool:
        if not str(record.msg).startswith("Invalid request from ip="):
            return True
        # "Invalid request from ip=ADDRESS: Invalid HTTP Header: 'WHAT CAME'"
        words = str(record.msg).partition(": ")[2]
        key = next((key for start, key in _GUNICORN if words.startswith(start)), "HTTP_REASON_LIBRARY")
        reports.warning("REFUSED", say("HTTP_REFUSED", language, problem=Notice(key)))
        return False

    host.addFilter(is_other)


class _Redacting(logging.Handler):
    """Redacts what libraries log, because they quote requests, and their exceptions what they failed on."""

    secrets: tuple[str, ...] = ()
    language = "ru"

    def handle(self, record: logging.LogRecord) -> bool:
        self._log_dropped_lines(record.created)
        if record.name.partition(".")[0] in _OURS:
            return bool(super().handle(worded(record, self.language)))
        if not self._within_budget(record):
            return False
        return bool(super().handle(_redacted(record, self.secrets, self.language)))

    def handleError(self, record: logging.LogRecord) -> None:
        """Report an unwritable record only by its place, because logging's own report quotes arguments."""
        _report_lost(record)

    def _within_budget(self, record: logging.LogRecord) -> bool:
        since, count = self._budget.get(record.name, (record.created, 0))
        self._budget[record.name] = (since, count + 1)
        return count < _LIBRARY_LINES

    def _log_dropped_lines(self, now: float) -> None:
        """Begin each library's next minute, and log how many of its lines the last one dropped."""
        for name, (since, _) in list(self._budget.items()):
            if now - since < 60:
                continue
            _, count = self._budget.pop(name, (0.0, 0))
            if count > _LIBRARY_LINES:
                text = say(
                    "LOG_LIBRARY_LINES_DROPPED",
                    self.language,
                    library=clean(name, self.secrets),
                    count=count - _LIBRARY_LINES,
                    limit=_LIBRARY_LINES,
                )
                super().handle(logging.LogRecord("gateway.logs", logging.WARNING, "", 0, text, None, None))

    @cached_property
    def _budget(self) -> dict[str, tuple[float, int]]:
        """When each library's current minute began, and how many lines it has had in it."""
        return {}


def _report_lost(record: logging.LogRecord) -> None:
    with suppress(Exception):
        sys.stderr.write(f"a log record of {record.name}:{record.lineno} could not be written\n")


def worded(record: logging.LogRecord, language: str) -> logging.LogRecord:
    """The record with its errors and notices put into sentences; the record itself if it has none."""

    def in_language(part: object) -> object:
        return text_of(part, language) if isinstance(part, GatewayError | Notice) else part

    words = {"msg": in_language(record.msg)}
    if isinstance(record.args, tuple):
        words["args"] = tuple(map(in_language, record.args))
    if fields := getattr(record, "json_fields", None):
        words["json_fields"] = {name: in_language(value) for name, value in fields.items()}
    if all(vars(record)[name] == value for name, value in words.items()):
        return record
    return logging.makeLogRecord({**vars(record), **words})


def _redacted(record: logging.LogRecord, secrets: tuple[str, ...], language: str) -> logging.LogRecord:
    try:
        text = clean(record.getMessage(), secrets)
    except Exception:  # noqa: BLE001 — a library's wrong arguments, whatever their texts raise
        text = clean(str(record.msg), secrets)
    if record.exc_info and record.exc_info[0] is not None:
        text += " — " + _where(record.exc_info[0], record.exc_info[2])
        if isinstance(record.exc_info[1], GatewayError):
            text += " — " + text_of(record.exc_info[1], language)
    name = clean(record.name, secrets)
    return logging.LogRecord(
        name, record.levelno, record.pathname, record.lineno, text, None, None, record.funcName
    )


def _where(kind: type[BaseException], trace: Any) -> str:
    """An exception's name and last places, without its message, which may quote the sender."""
    frames = traceback.extract_tb(trace)[-4:]
    return f"{kind.__name__}: " + ", ".join(
        f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in frames
    )


def thread_failed(failed: threading.ExceptHookArgs) -> None:
    """Log where an exception ended a thread, without its text, which may quote a request.

    For `threading.excepthook`, whose own report is a traceback with everything in it.
    """
    name = failed.thread.name if failed.thread else "?"
    log.critical(Notice("THREAD_FAILED", name=name, problem=_where(failed.exc_type, failed.exc_traceback)))


def _project(settings: Settings) -> str | None:
    """The Google Cloud project that traces belong to, from the addresses that name one."""
    for location in (settings.queue, settings.database):
        if isinstance(location, PubSubTopic | FirestoreDatabase):
            return location.project
    return None


class _Lines(_Redacting, logging.StreamHandler[Any]):
    """Formats text lines: time, severity, sentence, codes of the record and its causes; captures whole."""

    def __init__(self, stream: Stderr) -> None:
        super().__init__(stream)

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = getattr(record, "json_fields", {})
        line = self._sentence(record)
        codes = [cause["code"] for cause in fields.get("causes", [])]
        if "code" in fields:
            line += f" [{fields['code']}{': ' if codes else ''}{', '.join(codes)}]"
        if fields.get("code") == "CAPTURE":
            line += " " + json.dumps(fields, ensure_ascii=False)
        if record.exc_info:
            line += "\n" + logging.Formatter().formatException(record.exc_info)
        return line

    def _sentence(self, record: logging.LogRecord) -> str:
        return f"{_time(record)} {record.levelname} {record.getMessage().translate(_ESCAPED)}"


class _Terminal(_Lines):
    """Formats for a terminal: a refusal's cause, action and guide on separate lines, problems in colour.

    The codes end the last of these lines, as they end the one line elsewhere: `explain` reads both.
    """

    def _sentence(self, record: logging.LogRecord) -> str:
        lines = getattr(record, "lines", None) or (record.getMessage(), "", "", "")
        opening, says, do, guide = (text.translate(_ESCAPED) for text in lines)
        printed = [f"{_time(record)} {record.levelname} {_coloured(opening, _COLOURS.get(record.levelname))}"]
        if says:
            printed.append(f"    {says}")
        if do:
            printed.append(_coloured(f"  → {do}", _BOLD))
        if guide:
            printed.append(f"    {guide}")
        return "\n".join(printed)


_BOLD = "1"
_COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}


def _coloured(text: str, colour: str | None) -> str:
    """`text` in a colour, unless the operator or the terminal wants none (https://no-color.org)."""
    if not colour or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


class _Structured(_Redacting):
    """JSON: by google-cloud-logging, except for what is written before the first request."""

    def __init__(self, project: str | None, stream: Stderr) -> None:
        super().__init__()
        self._project = project
        self._stream = stream
        self._library: logging.Handler | None = None
        self._loading = False

    def load_ahead(self) -> None:
        if self._library is not None or self._loading:
            return
        self._loading = True
        # If the system allows no more threads, the record itself loads it.
        with suppress(RuntimeError):
            threading.Thread(target=_import_library, name="log-library", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        enter = enter_request.get()
        try:
            with nullcontext() if enter is None or _in_request() else enter():
                self._write(record)
        except Exception:  # noqa: BLE001 — as logging's own handlers do: a log never fails a request
            self.handleError(record)

    def _write(self, record: logging.LogRecord) -> None:
        if self._library is None and not _in_request():
            self._stream.write(_early(record) + "\n")
            return
        if self._library is None:
            self._library = _cloud_handler(self._project, self._stream, self.secrets)
        self._library.handle(record)


def _in_request() -> bool:
    import flask  # optional

    return flask.has_request_context()


def _early(record: logging.LogRecord) -> str:
    """The JSON of a record that is written before the library is imported."""
    head = {
        "severity": record.levelname,
        "message": record.getMessage(),
        "time": _time(record),
        "logging.googleapis.com/labels": {"python_logger": record.name} | getattr(record, "labels", {}),
    }
    return json.dumps(head | getattr(record, "json_fields", {}), ensure_ascii=False)


def _import_library() -> None:
    with suppress(ImportError):
        import google.cloud.logging_v2.handlers  # noqa: F401 — cold start


def _cloud_handler(project: str | None, stream: Stderr, secrets: tuple[str, ...]) -> logging.Handler:
    import google.cloud.logging_v2  # cold start
    from google.cloud.logging_v2.handlers import StructuredLogHandler

    # Without this, the library writes a line about itself.
    google.cloud.logging_v2._instrumentation_emitted = True

    class Handler(StructuredLogHandler):
        """Adds the time, and leaves out the request's address: it may carry `?token=`.

        The trace comes from a header, so it may be anything: only what looks like one stays.
        """

        def handleError(self, record: logging.LogRecord) -> None:
            _report_lost(record)

        def handle(self, record: logging.LogRecord) -> bool:
            record.http_request = {}
            return bool(super().handle(record))

        def format(self, record: logging.LogRecord) -> str:
            trace = _TRACE.fullmatch(record._trace_str)  # type: ignore[attr-defined]
            if trace is None or trace[1] in secrets:
                record._trace_str = record._span_id_str = ""
            return f'{{"time": "{_time(record)}", ' + str(super().format(record))[1:]  # type: ignore[no-untyped-call]

    return Handler(stream=stream, project_id=project)  # type: ignore[no-untyped-call]


def _time(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
