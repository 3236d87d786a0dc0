"""Unit tests start no process, and none waits for a real clock: what does either belongs to another room."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

STARTS = ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system")
# In seconds: the longest sleep.
LONGEST = 0.1

_running: list[str] = []
_broken: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what this test does that no unit test does; an audit hook stays for the process's life."""
    if _running and (event in STARTS or (event == "time.sleep" and arguments[0] > LONGEST)):
        _broken.append(f"{event} {arguments}")


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def _no_process_and_no_waiting(request: pytest.FixtureRequest) -> Iterator[None]:
    _running.append(request.node.nodeid)
    _broken.clear()
    yield
    _running.clear()
    assert not _broken, f"move it to tests/integration: {_broken}"
