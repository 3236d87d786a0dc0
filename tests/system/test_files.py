"""The files of `serve`: who can read them, and what is said of one that is corrupt, full or moved away."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import run_command
from tests.support.deliveries import OTHER_TOKEN, form
from tests.support.processes import (
    Running,
    Start,
    environment,
    free_port,
    recorded,
    wait_for,
    wait_until_listening,
)

NAMES = ("queue", "links", "journal")


def test_the_files_are_readable_by_their_owner_only(start_serve: Start, tmp_path: Path) -> None:
    """Those of an older version too, which left them to others."""
    for name in NAMES:
        (tmp_path / f"{name}.db").touch(mode=0o644)
        (tmp_path / f"{name}.db").chmod(0o644)
    gateway = start_serve()
    assert gateway.post(form()).status == 200
    assert gateway.post(form(token=OTHER_TOKEN)).status == 403
    assert gateway.stop() == 0
    files = [path for name in NAMES for path in tmp_path.glob(f"{name}.db*")]
    assert {path.name for path in files} >= {f"{name}.db" for name in NAMES}
    assert {path.name: path.stat().st_mode & 0o077 for path in files} == dict.fromkeys(
        (path.name for path in files), 0
    )


def tool(gateway: Running, *arguments: str) -> str:
    process = run_command(*arguments, env=gateway.env, cwd=gateway.stderr.parent)
    return process.stdout + process.stderr


def test_a_corrupt_queue_is_logged_once_and_later_events_come_back(
    start_serve: Start, tmp_path: Path
) -> None:
    (tmp_path / "queue.db").write_bytes(b"no database" * 1000)
    unused_address = f"http://127.0.0.1:{free_port()}"
    settings = {
        "LOG_LANGUAGE": "en",
        "FORWARD_TO": f"{unused_address}/a {unused_address}/b",
    }  # four subscriptions
    gateway = start_serve(**settings)
    assert gateway.post(form()).status == 503

    def levels() -> list[str]:
        lines = [line for line in gateway.log().splitlines() if line.endswith("./b24 replay")]
        return sorted(line.split()[1] for line in lines if "is corrupt" in line)

    wait_for(lambda: "WARNING" in levels())
    assert "queue.db is corrupt" in tool(gateway, "doctor")
    gateway.stop()
    # Once by `serve` at its start, once by the worker for all of its subscriptions.
    assert levels() == ["ERROR", "WARNING"]
    (tmp_path / "queue.db").unlink()
    gateway = start_serve(**settings)
    assert "Put back on the queue: 1" in tool(gateway, "replay")
    wait_for(lambda: "LINK_SYNCED" in gateway.log())


def test_a_corrupt_journal_delays_no_event_and_no_dead_letter(start_serve: Start, tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"no database" * 1000)
    gateway = start_serve(LOG_LANGUAGE="en", QUEUE_MAX_ATTEMPTS="1")
    # Nobody can handle it, so it is put aside.
    assert gateway.post(form(data={"ID": "none"})).status == 200
    wait_for(lambda: "EVENT_PUT_ASIDE" in gateway.log())
    wait_for(lambda: "journal.db is corrupt" in gateway.log())
    output = tool(gateway, "replay")
    assert "Put back on the queue: 1" in output
    assert "journal.db is corrupt" in output


def test_corrupt_links_leave_the_event_on_the_queue(start_serve: Start, tmp_path: Path) -> None:
    gateway = start_serve(LOG_LANGUAGE="en")
    assert gateway.post(form()).status == 200
    wait_for(lambda: "LINK_SYNCED" in gateway.log())
    gateway.stop()
    for path in tmp_path.glob("links.db*"):
        path.write_bytes(b"no database" * 1000)
    assert f"The links file {tmp_path}/links.db is corrupt" in tool(gateway, "links")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_moved_away_while_open_is_reported_and_not_written_to(
    name: str, start_serve: Start, tmp_path: Path
) -> None:
    gateway = start_serve(LOG_LANGUAGE="en")
    assert gateway.post(form(ts=1_750_000_000)).status == 200
    wait_for(lambda: gateway.log().count("LINK_SYNCED") == 1)
    # The journal is written behind the answer: only now has every file been opened.
    recorded(gateway)
    (tmp_path / "away").mkdir()
    for path in tmp_path.glob(f"{name}.db*"):
        path.rename(tmp_path / "away" / path.name)
    assert gateway.post(form(data={"ID": "77", "UF_USR_TELEGRAM": "770"})).status == 200
    wait_for(lambda: f"{name}.db was moved away or replaced" in gateway.log())
    if name != "links":
        wait_for(lambda: gateway.log().count("LINK_SYNCED") == 2)
        return
    assert gateway.log().count("LINK_SYNCED") == 1
    gateway.stop()
    (tmp_path / "links.db").unlink(missing_ok=True)
    for path in (tmp_path / "away").iterdir():
        path.rename(tmp_path / path.name)
    gateway = start_serve(LOG_LANGUAGE="en")
    wait_for(lambda: "LINK_SYNCED" in gateway.log())


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is missing (util-linux)")
def test_an_event_without_room_on_disk_comes_back_from_the_log(tmp_path: Path) -> None:
    """A disk is full for files of more than 200 KB; the log is no file."""
    reader, writer = os.pipe()
    log = tmp_path / "log"
    with log.open("wb") as log_file:
        keeping = subprocess.Popen(["cat"], stdin=reader, stdout=log_file)
    os.close(reader)
    port = free_port()
    env = environment(tmp_path, HOST="127.0.0.1", PORT=str(port), LOG_LANGUAGE="en", JOURNAL_BODIES="off")
    command = ["prlimit", "--fsize=200000", sys.executable, "-m", "gateway", "serve"]
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    gateway = Running(process, port, log, env)
    wait_until_listening(gateway)
    note = "x" * 60_000
    for number in range(20):
        if (
            gateway.post(form(data={"ID": "5", "UF_USR_TELEGRAM": "55", "N": f"{number}{note}"})).status
            == 503
        ):
            break
    else:
        pytest.fail("everything fitted")
    wait_for(lambda: "EVENT_NOT_QUEUED" in gateway.log())
    assert gateway.stop() == 0
    keeping.wait(10)
    outputs = tool(gateway, "replay"), tool(gateway, "replay", str(log))
    assert any("Put back on the queue: 1" in text for text in outputs), outputs
