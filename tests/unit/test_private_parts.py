"""What we use of libraries that they do not promise: a test a part, so that an upgrade names it at once."""

import inspect
import logging
import socket
from contextlib import closing
from copy import copy

import click
import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from gunicorn.workers.base import Worker  # type: ignore[import-untyped]

from gateway import logs
from gateway.texts import Notice, say


def test_click_makes_the_option_help_once_a_command() -> None:
    command = click.Command("x")
    option = command.get_help_option(click.Context(command))
    assert command._help_option is option
    command._help_option = None
    assert command.get_help_option(click.Context(command)) is not option


def test_google_cloud_logging_can_be_read_without_grpc() -> None:
    from google.cloud.logging import Client

    assert "_use_grpc" in inspect.signature(Client).parameters


def test_google_cloud_logging_remembers_that_it_has_introduced_itself() -> None:
    from google.cloud import logging_v2

    assert isinstance(logging_v2._instrumentation_emitted, bool)


LINE = b"POST / HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        (b"hunter2", "HTTP_REASON_LINE"),
        (b"hunter2 / HTTP/1.1", "HTTP_REASON_LINE"),
        (b"POST / HTTP/9.9", "HTTP_REASON_LINE"),
        (b"POST /" + b"a" * 9000 + b" HTTP/1.1", "HTTP_REASON_LONG_LINE"),
        (LINE + b"a: b\r\n" * 300, "HTTP_REASON_MANY"),
        (LINE + b"a: " + b"b" * 9000, "HTTP_REASON_MANY"),
        (LINE + b"hunter 2: a", "HTTP_REASON_HEADER"),
        (LINE + b"a: \x00hunter2", "HTTP_REASON_HEADER"),
        (LINE + b"a: b\r\n hunter2", "HTTP_REASON_HEADER"),
        (LINE + b"Transfer-Encoding: hunter2", "HTTP_REASON_ENCODING"),
        (LINE + b"Transfer-Encoding: chunked\r\n\r\nhunter2\r\n", "HTTP_REASON_CHUNKS"),
        (LINE + b"Content-Length: hunter2", "HTTP_REASON_HEADER"),
    ],
)
def test_gunicorns_refusals_begin_with_words_that_are_known(
    request_: bytes, key: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for log in map(logging.getLogger, ("gunicorn.error", "gunicorn.access")):
        # Each is as it was, after the test.
        for name in ("filters", "handlers", "level", "propagate"):
            monkeypatch.setattr(log, name, copy(getattr(log, name)))
    config = Config()
    worker = Worker(0, 0, [], None, 1, config, Logger(config))
    logs._adopt_gunicorn("en")
    with pytest.raises(Exception) as refused:  # noqa: PT011 — of whatever class, it is gunicorn's
        next(RequestParser(config, iter([request_ + b"\r\n\r\n"]), ("203.0.113.7", 1))).body.read()
    near, far = socket.socketpair()
    with near, far, closing(worker.tmp):
        worker.handle_error(None, near, ("203.0.113.7", 1), refused.value)
    assert caplog.messages == [say("HTTP_REFUSED", "en", problem=Notice(key))]


def test_google_cloud_logging_keeps_the_trace_in_the_record() -> None:
    from google.cloud.logging_v2.handlers.handlers import CloudLoggingFilter

    record = logging.makeLogRecord({"trace": "a", "span_id": "b"})
    CloudLoggingFilter(project="p").filter(record)  # type: ignore[no-untyped-call]
    assert (record.__dict__["_trace_str"], record.__dict__["_span_id_str"]) == ("a", "b")
