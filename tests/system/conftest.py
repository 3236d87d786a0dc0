"""What the tests of the whole product share."""

import shutil
from collections.abc import Iterator

import pytest

from tests.support.chromium import Chromium, chromium


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started
