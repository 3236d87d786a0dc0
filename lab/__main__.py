"""Sends what Bitrix24 sends through real middlemen, and asks the gateway for its verdict on what arrives.

`make lab` installs the pinned packages into `var/lab`, runs every set-up whose part is on this machine, and writes the
tables of docs/middlemen.md and docs/middlemen.ru.md; `make lab ARGS="express-axios nginx"` runs some and prints what arrived.
Outside CI: it installs half a gigabyte. For Ruby and Perl it takes Debian's `ruby-sinatra`, `ruby-httparty`, `ruby-webrick`,
`libmojolicious-perl` and `libwww-perl`. Exit codes: 0 done, 1 nothing arrived from a set-up or its verdict changed, 2 wrong use.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.proxies import PROXIES, output

HERE = Path(__file__).parent
ROOT = HERE.parent
WORK = ROOT / "var" / "lab"
TOKEN = "w1e2b3h4o5o6k7t8o9k0e1n2a3b4c5d6"
SETTINGS = {
    "BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN,
    "BITRIX24_DOMAIN": "p.bitrix24.ru",
    "LOG_LANGUAGE": "en",
}
# A list of two values, Cyrillic letters and an emptied field are where middlemen lose something.
BODY = (
    "event=ONUSERADD&event_handler_id=12&data%5BID%5D=7&data%5BNAME%5D=%D0%98%D0%B2%D0%B0%D0%BD"
    "&data%5BUF_DEPARTMENT%5D%5B0%5D=1&data%5BUF_DEPARTMENT%5D%5B1%5D=5&data%5BEMAIL%5D=a%2Bb%40example.com"
    "&data%5BUF_USR_TELEGRAM%5D=&ts=1750000000&auth%5Bdomain%5D=p.bitrix24.ru"
    f"&auth%5Bmember_id%5D=m&auth%5Bapplication_token%5D={TOKEN}"
).encode()
STARTS_WITHIN, ANSWERS_WITHIN, SILENCE = 40.0, 15.0, 2.0


@dataclass(frozen=True)
class Setup:
    """A row of setups.toml: which middleman, how it is started, and what an operator changes."""

    name: str
    # One of node, python, php, ruby, perl, go, or a proxy's program.
    by: str
    packages: tuple[str, ...]
    who: dict[str, str]
    what: dict[str, str]
    change: dict[str, str]
    expects: str
    path: str = "/hook"


@dataclass(frozen=True)
class Result:
    versions: str
    captured: bytes
    code: str
    causes: tuple[str, ...]
    decoded_as: str

    @property
    def verdict(self) -> str:
        return self.code if self.code == "EVENT_QUEUED" else " ".join([self.code, *self.causes[:1]])


def setups() -> list[Setup]:
    """Read setups.toml."""
    rows = tomllib.loads((HERE / "setups.toml").read_text("utf-8"))["setup"]
    return [
        Setup(
            row["name"],
            row["by"],
            tuple(row.get("packages", [])),
            {"en": row["who"], "ru": row["who_ru"]},
            {"en": row["what"], "ru": row["what_ru"]},
            {"en": row["change"], "ru": row["change_ru"]},
            row["expects"],
            row.get("path", "/hook"),
        )
        for row in rows
    ]


class Sink:
    """A server that reads one request as bytes until the sender falls silent, answers 200, and keeps the bytes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.captured = b""
        self.arrived = threading.Event()
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.settimeout(SILENCE)
                    received = self._request(connection)
                    with suppress(OSError):
                        connection.sendall(
                            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
                        )
                if received.startswith((b"POST", b"GET")) and b"/api/bitrix/webhook" in received[:300]:
                    self.captured = self.captured or received
                    self.arrived.set()

    @staticmethod
    def _request(connection: socket.socket) -> bytes:
        received = b""
        with suppress(OSError):
            while piece := connection.recv(65536):
                received += piece
                head, separator, body = received.partition(b"\r\n\r\n")
                if not separator:
                    continue
                if b"100-continue" in head.lower() and not body:
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                length = next(
                    (
                        int(line[15:])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length:")
                    ),
                    None,
                )
                if length is not None and len(body) >= length:
                    break
                if length is None and b"chunked" not in head.lower():
                    break
                if b"chunked" in head.lower() and received.endswith(b"0\r\n\r\n"):
                    break
        return received

    def close(self) -> None:
        self._listener.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def send(port: int, path: str) -> None:
    """Send what Bitrix24 sends, byte for byte."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: hooks.example.com\r\nUser-Agent: Bitrix24 Webhook Engine\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(BODY)}\r\n"
        "Connection: close\r\n\r\n"
    )
    with (
        suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_WITHIN) as connection,
    ):
        connection.sendall(head.encode() + BODY)
        connection.settimeout(ANSWERS_WITHIN)
        while connection.recv(65536):
            pass


def install() -> None:
    """Install the pinned packages, unless they are there already."""
    WORK.mkdir(parents=True, exist_ok=True)
    pinned = (HERE / "package.json").read_bytes() + (HERE / "requirements.txt").read_bytes()
    stamp = WORK / "installed"
    if stamp.exists() and stamp.read_bytes() == pinned:
        return
    print("Installing the middlemen into var/lab: a minute or two.", flush=True)
    shutil.copy(HERE / "package.json", WORK)
    if shutil.which("npm"):
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=WORK, check=True
        )
    subprocess.run([sys.executable, "-m", "venv", str(WORK / "venv")], check=True)
    pip = [str(WORK / "venv/bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=True)
    stamp.write_bytes(pinned)


# How a language tells its version, or its packages'.
ASKS = {
    "php": ("php", "-r", "echo 'PHP ', PHP_VERSION;"),
    "ruby": (
        "ruby",
        "-e",
        "puts ARGV.map { |name| \"#{name} #{Gem::Specification.find_by_name(name).version}\" }.join(', ')",
    ),
    "perl": ("perl", "-e", "print join ', ', map { eval \"require $_\"; join ' ', $_, $_->VERSION } @ARGV"),
    "go": ("sh", "-c", "go version | awk '{print \"Go \" substr($3, 3)}'"),
}


def versions(setup: Setup) -> str:
    """Ask for the versions of what the set-up runs."""
    if setup.by == "node":
        package_versions = [
            f"{package} {json.loads((WORK / 'node_modules' / package / 'package.json').read_text())['version']}"
            for package in setup.packages
        ]
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        return ", ".join(package_versions) or f"Node {node.stdout.strip()[1:]}"
    if setup.by == "python":
        program = "import importlib.metadata as m, sys; print(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
        return output(str(WORK / "venv/bin/python"), "-c", program, *setup.packages)
    if setup.by in ASKS:
        return output(*ASKS[setup.by], *setup.packages)
    proxy = PROXIES[setup.by]
    return proxy.version()


@contextmanager
def running(setup: Setup, port: int, target: int) -> Iterator[None]:
    """Run the middleman on `port`, forwarding to `target`."""
    address = f"http://127.0.0.1:{target}/api/bitrix/webhook"
    environ = dict(os.environ)
    if setup.by == "node":
        shutil.copy(HERE / "node.mjs", WORK)
        command = ["node", "node.mjs", setup.name, str(port), address]
    elif setup.by == "python":
        command = [str(WORK / "venv/bin/python"), str(HERE / "python.py"), setup.name, str(port), address]
    elif setup.by in ("ruby", "perl", "go"):
        program = {"ruby": ["ruby", "ruby.rb"], "perl": ["perl", "perl.pl"], "go": ["go", "run", "relay.go"]}
        *start, file = program[setup.by]
        command = [*start, str(HERE / file), setup.name, str(port), address]
    elif setup.by == "php":
        command = ["php", "-S", f"127.0.0.1:{port}", str(HERE / "php.php")]
        environ |= {"LAB_NAME": setup.name, "LAB_TARGET": address}
    else:
        command = PROXIES[setup.by].configured(WORK / f"{setup.by}-{port}", port, target)
    log = (WORK / f"{setup.name}.log").open("wb")
    process = subprocess.Popen(
        command,
        cwd=WORK,
        env=environ,
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _await(process, port)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"it did not listen; exit code {process.poll()}")


def run(setup: Setup) -> Result:
    """Send an event through the set-up. Raises `RuntimeError` if nothing arrives."""
    sink, port = Sink(), free_port()
    try:
        with running(setup, port, sink.port):
            if setup.name in ("smee", "node-red", "node-red-headers"):
                # The client opens its channel, or the flows start, only after the port is open.
                time.sleep(3)
            send(port, setup.path)
            sink.arrived.wait(ANSWERS_WITHIN)
    finally:
        sink.close()
    if not sink.captured:
        raise RuntimeError("nothing arrived")
    verdict = explain(sink.captured)
    causes = tuple(cause["code"] for cause in verdict["causes"])
    return Result(versions(setup), sink.captured, verdict["code"], causes, str(verdict.get("decoded_as")))


def explain(captured: bytes) -> dict[str, Any]:
    """Ask `explain` for the verdict on a request, as an operator does."""
    process = subprocess.run(
        [sys.executable, "-m", "gateway", "explain", "--json"],
        input=captured,
        capture_output=True,
        cwd=WORK,
        env={**os.environ, **SETTINGS, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    if not process.stdout:
        raise RuntimeError(process.stderr.decode()[-300:])
    verdict: dict[str, Any] = json.loads(process.stdout)
    return verdict


def table(results: list[tuple[Setup, Result]], language: str) -> str:
    """Write the results as the table of a document."""
    head = {
        "en": "| middleman | what arrives | the gateway says | what to change |",
        "ru": "| посредник | что приходит | ответ шлюза | что изменить |",
    }[language]
    rows = [
        f"| {setup.who[language]}<br>*{result.versions}* | {setup.what[language]} |"
        f" `{result.code}`{' · `' + result.causes[0] + '`' if result.causes else ''} | {setup.change[language]} |"
        for setup, result in results
    ]
    return "\n".join([head, "| --- | --- | --- | --- |", *rows])


def write(results: list[tuple[Setup, Result]]) -> None:
    """Write the tables into docs/middlemen.md and docs/middlemen.ru.md."""
    for language, name in (("en", "middlemen.md"), ("ru", "middlemen.ru.md")):
        path = ROOT / "docs" / name
        before, _, rest = path.read_text("utf-8").partition("<!-- written by `make lab` -->\n")
        _, _, after = rest.partition("<!-- end -->\n")
        path.write_text(
            f"{before}<!-- written by `make lab` -->\n{table(results, language)}\n<!-- end -->\n{after}",
            "utf-8",
        )


def main(names: list[str]) -> int:
    """Run the named set-ups, or all; return the exit code."""
    all_setups = setups()
    if unknown := set(names) - {setup.name for setup in all_setups}:
        print(
            f"no set-up {' '.join(sorted(unknown))}; there are: {' '.join(s.name for s in all_setups)}",
            file=sys.stderr,
        )
        return 2
    install()
    status, results = 0, []
    for setup in all_setups:
        if names and setup.name not in names:
            continue
        part = {"node": "node", "python": sys.executable}.get(setup.by, setup.by)
        if shutil.which(part) is None:
            print(f"{setup.name}: skipped, {part} is not on this machine", flush=True)
            continue
        try:
            result = run(setup)
        except RuntimeError as error:
            status = 1
            print(f"{setup.name}: {error}", flush=True)
            continue
        results.append((setup, result))
        expected = result.verdict == setup.expects
        status = status or int(not expected)
        print(f"{setup.name}: {result.verdict}{'' if expected else f', not {setup.expects}'}", flush=True)
        if names:
            print(result.captured.decode("utf-8", "replace"), "\n")
    if not names and not status:
        write(results)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
