"""Standard error behind its bounded queue, and what is left of a library's log records."""

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import flask
import pytest

from gateway import log_stream, logs
from gateway.log_stream import Stderr
from gateway.rate_limited import RateLimited
from gateway.settings import Settings
from tests.support.deliveries import TOKEN


@contextmanager
def unread_stderr() -> Iterator[int]:
    """Standard error is a pipe that nobody reads; the end to read it by.

    No fixture: pytest puts its own standard error back before the test's body.
    """
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", stream)
        yield reader
    os.close(reader)


def read_until(reader: int, end: str) -> str:
    received = b""
    while end.encode() not in received:
        received += os.read(reader, 65536)
    return received.decode()


def dropped(count: int) -> str:
    return f"dropped {count}"


def test_a_line_is_written_before_write_returns_without_a_thread() -> None:
    with unread_stderr() as pipe:
        stream = Stderr(dropped)
        stream.write("one\n")
        os.set_blocking(pipe, False)
        assert os.read(pipe, 100) == b"one\n"
        assert stream._writer is None


def test_an_unread_pipe_blocks_nobody_and_lost_lines_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_stream, "MAX_WAITING", 100_000)
    with unread_stderr() as pipe:
        stream = Stderr(dropped)
        for number in range(1000):
            stream.write(f"{number:04}" + "x" * 995 + "\n")
        log = read_until(pipe, "dropped")
    lines = [line for line in log.splitlines() if line[:1].isdigit()]
    assert lines == sorted(lines)
    assert len(lines) + int(log.rpartition("dropped ")[2]) == 1000


def test_a_non_blocking_pipe_loses_no_line() -> None:
    """A parent such as Node or tmux makes it so; a paused reader is no reader that has gone."""
    with unread_stderr() as pipe:
        os.set_blocking(sys.stderr.fileno(), False)
        stream = Stderr(dropped)
        for number in range(2000):
            stream.write(f"{number:04}" + "x" * 95 + "\n")
        stream.write("last\n")
        log = read_until(pipe, "last")
    assert [line[:4] for line in log.splitlines()] == [f"{number:04}" for number in range(2000)] + ["last"]


def test_a_reader_that_has_gone_fails_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert Stderr(dropped).write("one\n") == 4


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The root logger as `logs.setup` leaves it, put back afterwards."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    logger.handlers.clear()
    yield logger
    logger.handlers[:], logger.level = handlers, level


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_a_library_logs_is_cut_masked_and_escaped(
    log_format: str, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.setup(Settings(tokens=(TOKEN.encode(),), log_format=log_format))
    library = logging.getLogger("some_library.server")
    try:
        raise ValueError(f"body: {TOKEN}")
    except ValueError:
        library.exception("Client went away: /%s/\x1b[31m\n\x9d%s", TOKEN, "long " * 20_000)
    line = capsys.readouterr().err
    assert TOKEN not in line
    assert "<masked 32 " in line
    assert "ValueError" in line
    assert len(line) < 2000
    assert line.count("\n") == 1
    assert not {"\x1b", "\x9d"} & set(line)


def test_a_librarys_own_handler_is_taken_from_it(root: logging.Logger) -> None:
    library = logging.getLogger("another_library")
    library.addHandler(logging.StreamHandler())
    library.propagate = False
    logs.setup(Settings())
    assert library.handlers == []
    assert library.propagate


def test_what_ended_a_thread_is_told_by_its_place(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("a text that quotes a request")

    try:
        fail()
    except ValueError as error:
        logs.thread_failed(threading.ExceptHookArgs((ValueError, error, error.__traceback__, None)))
    [record] = caplog.records
    assert record.levelno == logging.CRITICAL
    for language in ("ru", "en"):
        message = logs.worded(record, language).getMessage()
        assert "ValueError: test_log_stream.py" in message
        assert "quotes" not in message


def importing() -> set[threading.Thread]:
    """The threads that import the library; a test that ran before may have left others, which start more."""
    return {thread for thread in threading.enumerate() if thread.name == "log-library"}


def test_the_library_is_imported_beside_a_request_and_only_once(root: logging.Logger) -> None:
    logs.setup(Settings(log_format="json"))
    before = importing()
    for _ in range(3):
        logs.load_ahead()
    started = importing() - before
    for thread in started:
        thread.join(60)
    # It may have ended by now.
    assert len(started) <= 1
    assert "google.cloud.logging_v2.handlers" in sys.modules


def test_lines_of_text_need_no_library(root: logging.Logger) -> None:
    logs.setup(Settings(log_format="text"))
    before = importing()
    logs.load_ahead()
    assert importing() <= before


def test_a_flood_of_a_librarys_lines_is_bounded(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.setup(Settings(log_format="text"))
    for number in range(500):
        logging.getLogger("noisy_library").warning("no %s", number)
    assert 0 < capsys.readouterr().err.count("\n") <= 20


def test_dropped_lines_of_a_library_are_counted_when_its_minute_is_over(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.setup(Settings(log_format="text", language="en"))
    [handler] = root.handlers

    def log(name: str, at: float) -> None:
        record = logging.LogRecord(name, logging.WARNING, "", 0, "a line", None, None)
        record.created = at
        handler.handle(record)

    for _ in range(25):
        log("noisy_library", 1_800_000_000.0)
    log("gateway.other", 1_800_000_059.0)
    assert "dropped" not in capsys.readouterr().err
    log("gateway.other", 1_800_000_061.0)
    log("gateway.other", 1_800_000_062.0)
    report, *rest = capsys.readouterr().err.splitlines()
    assert "noisy_library dropped: 5, because it wrote more than 20" in report
    assert len(rest) == 2


def test_a_kind_of_warning_is_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    reports = RateLimited(logging.getLogger("gateway.test"), 60.0)
    for _ in range(100):
        reports.warning("one", "the first kind")
        reports.warning("two", "the second kind")
    assert caplog.messages == ["the first kind", "the second kind"]


def test_made_up_kinds_of_warnings_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    reports = RateLimited(logging.getLogger("gateway.test"), 60.0)
    for number in range(3000):
        reports.warning(f"10.0.{number}", "a guess")
    assert len(caplog.messages) == 1001


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ({"X-Cloud-Trace-Context": f"{'0af7' * 8}/1;o=1"}, "0af7" * 8),
        ({"traceparent": f"00-{'0af7' * 8}-b7ad6b7169203331-01"}, "0af7" * 8),
        ({"X-Cloud-Trace-Context": f"{TOKEN}/1;o=1"}, ""),
        ({"X-Cloud-Trace-Context": "a" * 300}, ""),
        ({"X-Cloud-Trace-Context": f"{'5ec7' * 8}/1;o=1"}, ""),
        ({"traceparent": f"00-{'5ec7' * 8}-b7ad6b7169203331-01"}, ""),
    ],
)
def test_only_what_looks_like_a_trace_is_logged_as_one(headers: dict[str, str], trace: str) -> None:
    """It comes from a header, where a stranger may write anything: a token stood there in clear."""
    stream = io.StringIO()
    handler = logs._Structured("p-1234", stream)  # type: ignore[arg-type]
    handler.secrets = (TOKEN, "5ec7" * 8)
    record = {"name": "gateway.receiver", "levelno": logging.WARNING, "levelname": "WARNING", "msg": "x"}
    with flask.Flask("x").test_request_context(headers=headers):
        handler.handle(logging.makeLogRecord(record))
    logged = json.loads(stream.getvalue())
    assert logged["logging.googleapis.com/trace"].removeprefix("projects/p-1234/traces/") == trace
    assert bool(logged["logging.googleapis.com/spanId"]) == bool(trace)


def test_a_record_of_the_start_has_its_labels_too() -> None:
    record = logging.makeLogRecord(
        {"name": "gateway.serve", "levelname": "ERROR", "msg": "x", "labels": {"cause": "Y"}}
    )
    assert json.loads(logs._early(record))["logging.googleapis.com/labels"] == {
        "python_logger": "gateway.serve",
        "cause": "Y",
    }
