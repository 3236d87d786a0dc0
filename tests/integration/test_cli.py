"""The command line as people meet it: help with examples, exit codes, one line for a wrong address."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gateway.cli import COMMANDS, cli, main
from gateway.errors import SettingError
from gateway.journal import Journal
from gateway.local.serve import listen
from gateway.locations import sqlite_file
from gateway.settings import load
from gateway.texts import text_of
from tests.support.commands import run_command, start_command
from tests.support.deliveries import AGENT, FORM, OTHER_TOKEN, TOKEN, form
from tests.support.processes import Start, environment, free_port, wait_for


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
    result = CliRunner().invoke(cli, [*path, "--help"], prog_name="./b24")
    assert result.exit_code == 0
    assert " ".join(("./b24", *path)) in result.output.partition("Example")[2]


def test_an_encoding_without_the_marks_stops_no_tool(tmp_path: Path) -> None:
    env = environment(tmp_path, LOG_LANGUAGE="en", PYTHONIOENCODING="cp1251")
    command = [sys.executable, "-m", "gateway", "explain"]
    process = subprocess.run(command, cwd=tmp_path, env=env, input=b"event=ONUSERADD", capture_output=True)
    assert (process.returncode, process.stderr) == (1, b"")
    assert process.stdout.startswith(b"? The request does not pass")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("arguments", [("trigger", "--list"), ("doctor",)], ids=" ".join)
def test_output_on_a_full_disk_is_said_in_one_sentence(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    env = environment(tmp_path, LOG_LANGUAGE="en")
    with (
        open("/dev/full", "wb") as full,
        open(os.devnull, "rb") as devnull,
        (tmp_path / "errors").open("wb") as sink,
    ):
        process = start_command(*arguments, env=env, cwd=tmp_path, stdin=devnull, stdout=full, stderr=sink)
    assert process.wait(60) == 2
    errors = (tmp_path / "errors").read_text()
    assert errors.count("\n") == 1, errors
    assert errors.startswith("Can't write the command's output: No space left")


@pytest.mark.parametrize(
    ("shell", "code", "sentence"),
    [
        ("exec {} explain <&-", 2, "This can't be read"),
        ("exec {} links --json 2>&-", 0, ""),
    ],
)
def test_a_closed_stream_is_an_empty_one(tmp_path: Path, shell: str, code: int, sentence: str) -> None:
    env = environment(tmp_path, LOG_LANGUAGE="en")
    command = ["sh", "-c", shell.format(f"{sys.executable} -m gateway")]
    process = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (process.returncode, process.stderr.count("\n")) == (code, bool(sentence)), process.stderr
    assert process.stderr.startswith(sentence)


def test_a_reader_that_goes_away_is_no_finding(tmp_path: Path) -> None:
    """`./b24 … | head`: 1 would mean that the command found something wrong."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "gateway", "trigger", "--list"]
    env = environment(tmp_path, LOG_LANGUAGE="en")
    process = subprocess.run(command, cwd=tmp_path, env=env, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (process.returncode, process.stderr) == (141, b"")


def test_a_start_that_ends_over_a_wrong_setting_keeps_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """`startup.settings` ends the process by itself; that is not a reader that went away."""
    monkeypatch.setattr(cli, "main", lambda *_, **__: sys.exit(2))
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    assert main(["serve"]) == 2


@pytest.mark.parametrize("host", ["999.1.1.1", "192.0.2.1"])
def test_a_host_that_is_not_ours_is_named(tmp_path: Path, host: str) -> None:
    env = environment(tmp_path, LOG_LANGUAGE="en", HOST=host, PORT="0")
    process = run_command("serve", env=env, cwd=tmp_path)
    assert (process.returncode, process.stderr.splitlines()[-1].split(":")[0]) == (2, "HOST")


@pytest.mark.parametrize("host", ["::", "::1"])
def test_ipv6_is_served_and_triggered(start_serve: Start, tmp_path: Path, host: str) -> None:
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("this machine has no IPv6: turn it on to run this test")
    server = start_serve(HOST=host)
    process = run_command("trigger", "ONUSERADD", env=server.env)
    # If the worker is still starting, the output says so.
    assert process.returncode == 0, process.stderr
    assert "200" in process.stdout


def test_a_system_that_gives_no_thread_ends_serve_with_a_sentence(tmp_path: Path) -> None:
    """A stack that no memory has room for, as a limit of threads looks to Python."""
    program = (
        "import sys, threading\n"
        "threading.stack_size(1 << 46)\n"
        "from gateway.cli import main\n"
        "sys.exit(main(['serve']))\n"
    )
    env = environment(tmp_path, PORT=str(free_port()), LOG_LANGUAGE="en")
    process = run_command("-c", program, env=env, cwd=tmp_path)
    assert process.returncode == 2
    assert "The system does not let the gateway start a single thread" in process.stderr
    assert "Traceback" not in process.stderr


def explain(cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """What `explain` says of an event with another webhook's token, which comes through a pipe."""
    body = f"event=ONUSERADD&data[ID]=1&ts=1&auth[domain]=p.bitrix24.ru&auth[application_token]={OTHER_TOKEN}"
    lines = ["POST /api/bitrix/webhook HTTP/1.1", "Host: hooks.example.com", f"User-Agent: {AGENT}"]
    request = "\r\n".join([*lines, f"Content-Type: {FORM}", "", body])
    env = environment(cwd, LOG_LANGUAGE="en", BITRIX24_DOMAIN="p.bitrix24.ru", **environ)
    return run_command("explain", env=env, cwd=cwd, stdin=request.encode())


def test_standard_input_and_plain_text_in_a_pipe(tmp_path: Path) -> None:
    process = explain(tmp_path)
    assert (process.returncode, process.stderr) == (1, "")
    lines = process.stdout.splitlines()
    assert "403 TOKEN_MISMATCH" in lines[0]
    assert lines[2].startswith("1. TOKEN_OTHER_WEBHOOK")
    assert lines[4].strip().startswith("→ ")
    assert "token-not-found.md#token_other_webhook" in process.stdout
    assert any("body:auth.application_token" in line and "another value" in line for line in lines)
    assert "\x1b" not in process.stdout
    coloured = explain(tmp_path, FORCE_COLOR="1", TERM="xterm")
    assert "\x1b[" in coloured.stdout
    plain = explain(tmp_path, FORCE_COLOR="1", NO_COLOR="1", TERM="xterm")
    assert "\x1b[31m" not in plain.stdout
    assert "31" not in "".join(part.partition("m")[0] for part in plain.stdout.split("\x1b[")[1:])


def test_what_a_real_server_rejected_is_listed_by_cause(
    start_serve: Start, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_serve()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    assert server.post(form(token=OTHER_TOKEN)).status == 403
    assert server.post(form(token=None)).status == 401
    assert server.post(form()).status == 200
    monkeypatch.setenv("JOURNAL_URL", server.env["JOURNAL_URL"])
    journal = Journal(sqlite_file("JOURNAL_URL", server.env["JOURNAL_URL"]).path)
    wait_for(lambda: len(journal.page().requests) == 3)
    journal.close()
    assert main(["rejections", "--json"]) == 0
    text = capsys.readouterr().out
    rows = {row["cause"]: row for row in json.loads(text)}
    assert set(rows) == {"TOKEN_OTHER_WEBHOOK", "AUTH_MISSING"}
    assert all(row["count"] == 1 and row["do"] for row in rows.values())
    assert all(row["guide"] == f"docs/token-not-found.md#{cause.lower()}" for cause, row in rows.items())
    assert not any(token in text for token in (TOKEN, OTHER_TOKEN))


def test_a_taken_port_is_said_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as socket_in_use:
        port = str(socket_in_use.getsockname()[1])
        with pytest.raises(SettingError) as wrong:
            listen(load({"PORT": port}, None))
    address = f"127.0.0.1:{port}"
    sentence = text_of(wrong.value, "en")
    assert sentence.startswith(f"PORT: cannot listen on {address}: Address already in use. If the gateway")
