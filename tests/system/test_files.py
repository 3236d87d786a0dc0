"""What the files of `serve` let others see."""

from pathlib import Path

from tests.support.deliveries import OTHER_TOKEN, form
from tests.support.processes import Start


def test_the_files_are_readable_by_their_owner_only(start_serve: Start, tmp_path: Path) -> None:
    gateway = start_serve()
    assert gateway.post(form()).status == 200
    assert gateway.post(form(token=OTHER_TOKEN)).status == 403
    assert gateway.stop() == 0
    files = [path for name in ("queue", "links", "journal") for path in tmp_path.glob(f"{name}.db*")]
    assert {path.name for path in files} >= {"queue.db", "links.db", "journal.db"}
    assert {path.name: path.stat().st_mode & 0o077 for path in files} == dict.fromkeys(
        (path.name for path in files), 0
    )
