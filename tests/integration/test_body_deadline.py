"""The deadline of a body under functions-framework, whose gunicorn sets none, shortened for the test."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deliveries import FORM, form
from tests.support.processes import Start, program, starter

MAIN = Path(__file__).parents[2] / "main.py"
HOST = f"""
import os
from functions_framework._cli import _cli
from gateway.receiver import body_deadline
body_deadline.SECONDS = 0.5
where = ["--host", "127.0.0.1", "--port", os.environ["PORT"]]
_cli(["--target", "bitrix_webhook", "--source", {str(MAIN)!r}, *where])
"""


@pytest.fixture
def start_impatient(tmp_path: Path) -> Iterator[Start]:
    yield from starter(tmp_path, program(HOST))


def test_a_body_that_does_not_come_is_answered_and_the_next_one_too(start_impatient: Start) -> None:
    body = form()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    whole = head.encode() + body
    gateway = start_impatient()
    # The thread that watches bodies has nothing to watch between the two.
    for _ in range(2):
        answer = gateway.raw(whole[:-20])
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"BODY_INCOMPLETE" in answer
    with socket.create_connection(("127.0.0.1", gateway.port)) as silent:
        silent.sendall(whole[:-20])
        assert gateway.raw(whole).startswith(b"HTTP/1.1 200")
