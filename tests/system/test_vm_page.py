"""docs/vm.md and `deploy/`: what the page tells an operator to copy and to run, tried with the real programs.

What needs root, an init or a public name is said so in `tests/unit/test_documented_commands.py`.
"""

import getpass
import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.support.deliveries import FORM, TOKEN, form
from tests.support.pages import ROOT, commands, shell_blocks
from tests.support.processes import Running, Start, environment, free_port, wait_for

VM = ROOT / "deploy" / "vm"
CONTAINER = ROOT / "deploy" / "container"
PASSWORD = "correct horse battery"
os.environ["PATH"] += ":/usr/sbin"


def needs(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def block(begins: str, page: str = "docs/vm.md") -> str:
    """The page's block that begins with this."""
    return next(block.text for block in shell_blocks(page) if block.text.startswith(begins))


def run(command: str, directory: Path) -> str:
    process = subprocess.run(
        ["bash", "-euc", command], cwd=directory, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_both_languages_have_the_same_commands() -> None:
    for name in ("vm", "railway", "bitrix24", "deploy", "tunnel"):
        english, russian = (
            [commands(block.text) for block in shell_blocks(f"docs/{name}{language}.md")]
            for language in ("", ".ru")
        )
        assert english == russian, name


# ---- backup and restore ------------------------------------------------------


def linked(links: Path) -> set[int]:
    with closing(sqlite3.connect(links)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {user for (user,) in file.execute("SELECT bitrix_user_id FROM links")}


def test_a_backup_of_a_running_gateway_restores(start_serve: Start, tmp_path: Path) -> None:
    needs("sqlite3")
    (tmp_path / "var").mkdir()
    names = {"QUEUE_URL": "queue", "DATABASE_URL": "links", "JOURNAL_URL": "journal"}
    files = {setting: f"sqlite:///{tmp_path}/var/{name}.db" for setting, name in names.items()}
    gateway = start_serve(**files)
    stop, posted = threading.Event(), [0]

    def post() -> None:
        while not stop.is_set():
            user = posted[0] + 1
            answer = gateway.post(form(data={"ID": str(user), "UF_USR_TELEGRAM": str(1000 + user)}))
            assert answer.status == 200
            posted[0] = user

    sender = threading.Thread(target=post)
    sender.start()
    try:
        wait_for(lambda: posted[0] >= 20, 60)
        before = posted[0]
        run(block("mkdir -p -m 0700 backup"), tmp_path)
    finally:
        stop.set()
        sender.join()
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.process.wait(60) == 0

    restore = "\n".join(
        line for line in block("systemctl stop").splitlines() if not line.startswith("systemctl")
    )
    run(restore.replace("bitrix24-gateway", getpass.getuser()), tmp_path)
    for name in names.values():
        assert (tmp_path / "var" / f"{name}.db").stat().st_mode & 0o777 == 0o600

    # Whoever was not linked yet waits in the restored queue: nobody who was accepted before is missing.
    restarted = start_serve(**files)
    wait_for(lambda: set(range(1, before + 1)) <= linked(tmp_path / "var" / "links.db"), 60)
    assert restarted.request("GET", "/health").status == 200


def test_railways_backup_is_one_whole_file(start_serve: Start, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    gateway = start_serve(DATABASE_URL=f"sqlite:///{tmp_path}/var/links.db")
    assert gateway.post(form(data={"ID": "7", "UF_USR_TELEGRAM": "777"})).status == 200
    wait_for(lambda: linked(tmp_path / "var" / "links.db"), 60)
    backup = block('python -c "import sqlite3', "docs/railway.md")
    run(backup.replace("/app/var", f"{tmp_path}/var").replace("python ", f"{sys.executable} ", 1), tmp_path)
    assert linked(tmp_path / "var" / "links-backup.db") == {7}


# ---- the service, and what stands before it ----------------------------------


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    analyze = needs("systemd-analyze")
    unit = tmp_path / "bitrix24-gateway.service"
    # The gateway stands elsewhere here, and so does its account.
    text = (VM / unit.name).read_text().replace("/opt/bitrix24-gateway", str(ROOT))
    unit.write_text(text.replace("User=bitrix24-gateway", f"User={getpass.getuser()}"))
    process = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (process.returncode, unit.name in process.stderr) == (0, False), process.stderr


def test_the_unit_starts_what_the_page_installs() -> None:
    unit = (VM / "bitrix24-gateway.service").read_text()
    installed = block("apt-get update") + block("systemctl stop")
    for name in ("User", "WorkingDirectory", "ReadWritePaths"):
        value = re.search(rf"^{name}=(\S+)$", unit, re.M)
        assert value is not None
        assert value[1].removesuffix("/var") in installed
    assert "ExecStart=/opt/bitrix24-gateway/./b24 serve" in unit


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    caddy = needs("caddy")
    config = tmp_path / "Caddyfile"
    run(f"{block('apt-get install -y caddy').splitlines()[1].split(' > ')[0]} > {config}", ROOT)
    assert "YOUR-HOST {" in config.read_text()
    process = subprocess.run(
        [caddy, "validate", "--adapter", "caddyfile", "--config", str(config)],
        env=os.environ | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr


@pytest.fixture
def nginx(tmp_path: Path, start_serve: Start) -> Iterator[tuple[int, Running]]:
    """The page's nginx before a gateway, on ports of its own, with a certificate of its own."""
    program, openssl = needs("nginx"), needs("openssl")
    gateway = start_serve()
    plain, secure = free_port(), free_port()
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    run(
        f"{openssl} req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 "
        f"-keyout {key} -out {certificate}",
        tmp_path,
    )
    site = (VM / "nginx.conf").read_text()
    site = re.sub(r"listen \[::\].*\n", "", site)
    for old, new in {
        "/etc/letsencrypt/live/hooks.example.com/fullchain.pem": str(certificate),
        "/etc/letsencrypt/live/hooks.example.com/privkey.pem": str(key),
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
        "127.0.0.1:8080": f"127.0.0.1:{gateway.port}",
    }.items():
        assert old in site
        site = site.replace(old, new)
    (tmp_path / "site.conf").write_text(site)
    folders = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = tmp_path / "nginx.conf"
    # Root's nginx makes its workers nobody's, who may not write here.
    user = "user root; " if os.getuid() == 0 else ""
    config.write_text(
        f"{user}daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; {folders} include {tmp_path}/site.conf; }}\n"
    )
    subprocess.run([program, "-t", "-c", str(config)], check=True, capture_output=True)
    process = subprocess.Popen([program, "-c", str(config)])
    try:
        wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), 60)
        yield secure, gateway
    finally:
        process.terminate()
        process.wait(60)


def post(port: int, body: bytes) -> tuple[int, dict[str, str]]:
    """Over TLS, without a look at whose certificate it is: that it is one of the test's own is known."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    with closing(connection):
        connection.request("POST", "/api/bitrix/webhook", body, {"Content-Type": FORM})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def test_an_event_passes_nginx_and_a_body_that_is_too_large_is_explained(
    nginx: tuple[int, Running],
) -> None:
    port, gateway = nginx
    status, answer = post(port, form(data={"ID": "12", "UF_USR_TELEGRAM": "777"}))
    assert (status, answer["code"]) == (200, "EVENT_QUEUED")
    status, answer = post(port, form(data={"TEXT": "x" * 600_000}))
    assert (status, answer["code"]) == (413, "BODY_TOO_LARGE")
    assert "LIMIT_EXCEEDED" in wait_for(
        lambda: gateway.log() if "LIMIT_EXCEEDED" in gateway.log() else "", 60
    )


# ---- the container -----------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    lines = (CONTAINER / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    return [
        (word, rest) for line in lines if line and line[0] != "#" for word, _, rest in (line.partition(" "),)
    ]


def test_what_the_image_copies_is_enough_to_serve(tmp_path: Path) -> None:
    """The Containerfile's steps in an empty folder; pip's is left out, as this environment is its outcome."""
    ignore = (CONTAINER / "Containerfile.dockerignore").read_text().split()
    image = tmp_path / "app"
    image.mkdir()
    copied = [name for word, rest in instructions() if word == "COPY" for name in rest.split()[:-1]]
    for name in copied:
        # Nothing else reaches the builder.
        assert f"!{name}" in ignore
        source, target = ROOT / name, image / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    assert {line[1:] for line in ignore if line[0] == "!"} == set(copied)

    steps = dict(instructions())
    port = free_port()
    env = environment(tmp_path, HOST="127.0.0.1", PORT=str(port), LOG_LANGUAGE="en")
    env["INSPECTOR_PASSWORD"] = PASSWORD
    del env["PYTHONPATH"]
    command = json.loads(steps["CMD"])
    assert command[0] == "python"
    process = subprocess.Popen([sys.executable, *command[1:]], cwd=image, env=env)
    try:
        check = json.loads(steps["HEALTHCHECK"].partition("CMD ")[2])
        healthy = [sys.executable, *check[1:-1], check[-1].replace(":8080/", f":{port}/")]
        wait_for(
            lambda: (
                subprocess.run(healthy, cwd=image, env=env, capture_output=True, check=False).returncode == 0
            ),
            60,
        )
        page = f"http://127.0.0.1:{port}/inspector"
        with requests.Session() as browser:
            browser.post(page, {"password": PASSWORD}, timeout=60)
            # Causes link to the guide: it is among what the image holds.
            assert browser.get(f"{page}/guide", timeout=60).status_code == 200
        # `./b24` has no .venv there: it takes the Python that holds the packages.
        path = f"{Path(sys.executable).parent}:{env['PATH']}"
        doctor = [str(image / "b24"), "doctor", "--json"]
        build = subprocess.run(
            doctor, cwd=image, env=env | {"PATH": path}, capture_output=True, text=True, check=False
        )
        assert build.returncode == 0, build.stdout + build.stderr
        assert TOKEN not in build.stdout
    finally:
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert process.wait(60) == 0
        grace = re.search(r"stop_grace_period: (\d+)s", (CONTAINER / "compose.yaml").read_text())
        assert grace is not None
        # A slow machine is no failure.
        assert time.monotonic() - began < int(grace[1]) + 30


def test_the_compose_file_names_what_is_there() -> None:
    yaml = pytest.importorskip("yaml")
    compose = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
    gateway = compose["services"]["gateway"]
    context = (CONTAINER / gateway["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / gateway["build"]["dockerfile"]).is_file()
    volumes = {
        volume.split(":")[0] for service in compose["services"].values() for volume in service["volumes"]
    }
    assert volumes == set(compose["volumes"])
    for volume in gateway["volumes"]:
        assert dict(instructions())["VOLUME"] == volume.split(":")[1]
