"""What all tests share: the real parts, each from its module in `tests/support/`."""

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A slow machine is no failure: no example has a time of its own.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

MEMORY = Path("/dev/shm")  # noqa: S108 — a directory in memory, on Linux
# In bytes: a whole run holds a tenth of it at a time.
ROOM = 4 << 30


def _fits_into_memory() -> bool:
    """Whether temporary files may be kept in memory: there is room, and programs may be started there."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return False
    filesystem = os.statvfs(MEMORY)
    return filesystem.f_bavail * filesystem.f_frsize >= ROOM and not filesystem.f_flag & os.ST_NOEXEC


# Databases wait for the disk at each commit, here thousands of times. No test is about the disk's pace.
if _fits_into_memory():
    tempfile.tempdir = str(MEMORY)

PARTS = Path(__file__).parent / "support"

# They import one another, in whatever order.
pytest.register_assert_rewrite("tests.support")
pytest_plugins = [f"tests.support.{path.stem}" for path in sorted(PARTS.glob("*.py"))]


# The longest rooms first, and in the last one the longest files first: no worker ends with a long file.
# Before all of them the file that deploys what its room begins with, and those that wait most of their time.
FIRST = ("test_deploy.py", "test_slow.py", "test_shutdown.py", "test_chaos.py")
ROOMS = ("deploy", "system", "integration", "unit")
LONG = ("test_links_worlds.py", "test_patterns.py", "test_diagnosis.py", "test_explain_shapes.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by room, and leave the order within a room."""
    tests = Path(__file__).parent

    def place(item: pytest.Item) -> tuple[int, int, bool]:
        name = item.path.name
        first = FIRST.index(name) if name in FIRST else len(FIRST)
        return first, ROOMS.index(item.path.relative_to(tests).parts[0]), name not in LONG

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """No search for garbage goes through a million objects of tests that stay to the end anyway."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _temporary_files() -> Iterator[None]:
    """What is left among the system's temporary files, as polling's locks are, goes with the tests' own."""
    with tempfile.TemporaryDirectory(prefix="tests-") as directory, pytest.MonkeyPatch.context() as patch:
        os.chmod(directory, 0o711)  # noqa: S103 — as root, PostgreSQL runs under another account
        patch.setenv("TMPDIR", directory)
        patch.setattr(tempfile, "tempdir", directory)
        yield


@pytest.fixture(scope="session")
def run_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all of xdist's workers have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
