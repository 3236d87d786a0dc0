"""Expects our errors by the sentences that people read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from gateway.errors import GatewayError
from gateway.logs import worded
from gateway.texts import text_of

Kind = TypeVar("Kind", bound=GatewayError)


@contextmanager
def raises(kind: type[Kind], match: str, language: str = "en") -> Iterator[pytest.ExceptionInfo[Kind]]:
    """`pytest.raises`, with `match` searched for in the error's sentence."""
    with pytest.raises(kind) as raised:
        yield raised
    text = text_of(raised.value, language)
    assert re.search(match, text), f"{match!r} is not in {text!r}"


def logged(caplog: pytest.LogCaptureFixture, language: str = "en") -> str:
    """What was logged, a line a record, its errors and notices put into words as the log's handler does."""
    return "\n".join(worded(record, language).getMessage() for record in caplog.records)
