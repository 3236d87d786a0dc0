"""The command line as people meet it: help with examples, exit codes, one line for a wrong address."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli import COMMANDS, cli
from tests.support.processes import Start, environment, free_port


def _paths() -> list[tuple[str, ...]]:
    """Every command and sub-command, as typed; () is the program itself."""
    paths: list[tuple[str, ...]] = [()]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        paths.append((name,))
        if isinstance(command, click.Group):
            paths += [(name, inner) for inner in command.commands]
    return paths


@pytest.mark.parametrize("path", _paths(), ids=" ".join)
def test_help_shows_an_example_of_this_very_command(
    path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    done = CliRunner().invoke(cli, [*path, "--help"], prog_name="./b24")
    assert done.exit_code == 0
    assert " ".join(("./b24", *path)) in done.output.partition("Example")[2]


def run(tmp_path: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    env = environment(tmp_path, LOG_LANGUAGE="en", **settings)
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)


def test_an_encoding_without_the_marks_stops_no_tool(tmp_path: Path) -> None:
    env = environment(tmp_path, LOG_LANGUAGE="en", PYTHONIOENCODING="cp1251")
    command = [sys.executable, "-m", "gateway", "explain"]
    done = subprocess.run(command, cwd=tmp_path, env=env, input=b"event=ONUSERADD", capture_output=True)
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"? The request does not pass")


@pytest.mark.parametrize("host", ["999.1.1.1", "192.0.2.1"])
def test_a_host_that_is_not_ours_is_named(tmp_path: Path, host: str) -> None:
    done = run(tmp_path, "serve", HOST=host, PORT="0")
    assert (done.returncode, done.stderr.splitlines()[-1].split(":")[0]) == (2, "HOST")


@pytest.mark.parametrize("host", ["::", "::1"])
def test_ipv6_is_served_and_triggered(start_serve: Start, tmp_path: Path, host: str) -> None:
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6: turn it on to run this test")
    server = start_serve(HOST=host)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "trigger", "ONUSERADD"],
        env=dict(server.env),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr  # the worker may be starting still: then that is said
    assert "200" in done.stdout


def test_a_system_that_gives_no_thread_ends_serve_with_a_sentence(tmp_path: Path) -> None:
    """A stack that no memory has room for, as a limit of threads looks to Python."""
    program = (
        "import sys, threading\n"
        "threading.stack_size(1 << 46)\n"
        "from gateway.cli import main\n"
        "sys.exit(main(['serve']))\n"
    )
    env = environment(tmp_path, PORT=str(free_port()), LOG_LANGUAGE="en")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, timeout=120
    )
    assert done.returncode == 2
    assert b"The system does not let the gateway start a single thread" in done.stderr
    assert b"Traceback" not in done.stderr
