"""`deploy.sh`'s command line, and what its other commands do: rotate, smoke, destroy."""

import contextlib
import os
import pty
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.fake_google import FakeGoogle
from tests.support.gcloud import INCOMING, ROOT, TOKEN, Cloud
from tests.support.google_resources import PROJECT, REGION

TOKEN_SECRET = "b24-bitrix24-outgoing-webhook-token"
INCOMING_SECRET = "b24-bitrix24-webhook-token"
SERVICES = f"run/projects/{PROJECT}/services"
OUTGOING = "BITRIX24_OUTGOING_WEBHOOK_TOKEN"


def pinned(google: FakeGoogle, service: str, setting: str) -> str:
    [container] = google.resources[f"{SERVICES}/{service}"]["spec"]["template"]["spec"]["containers"]
    [key] = [v["valueFrom"]["secretKeyRef"]["key"] for v in container["env"] if v["name"] == setting]
    return str(key)


def states(google: FakeGoogle, secret: str) -> list[str]:
    prefix = f"secretmanager/projects/{PROJECT}/secrets/{secret}/versions/"
    versions = sorted((name for name in google.resources if name.startswith(prefix)), key=len)
    return [google.resources[name]["state"] for name in versions]


# The command line


@pytest.mark.parametrize(
    ("words", "extra", "message"),
    [
        ([], {}, "The commands are: check"),
        (["deplyo"], {}, 'There is no command "deplyo"'),
        (["deploy", "--fast"], {}, "Unknown flag: --fast"),
        (["deploy", "--region"], {}, "--region needs a value"),
        (["deploy", "on_user_delete"], {}, "There is no function on_user_delete"),
        (["check", "now"], {}, "Unexpected argument: now"),
        (["url"], {"PROJECT": ""}, "PROJECT: expected the project's id"),
        (["url"], {"REGION": ""}, "REGION: expected a region"),
        (["url", "--prefix", "B24"], {}, "PREFIX: expected"),
        (["url", "--prefix=a-prefix-too-long"], {}, "PREFIX: expected"),
        (["deploy", "--timeout", "600"], {}, "TIMEOUT: expected"),
        (["rotate"], {}, "rotate accepts"),
        (["rotate", "LOG_LANGUAGE"], {}, "rotate accepts"),
        (["deploy", "--finish"], {}, "--finish can only be used with rotate"),
        (["deploy", "--offline"], {}, "--offline can only be used with plan"),
        (["deploy"], {"FORWARD_TO": "https://user:password@bot.example.com/"}, "FORWARD_TO: expected"),
        (["deploy"], {"FORWARD_TO": "bot.example.com"}, "FORWARD_TO: expected"),
        (["deploy"], {"FORWARD_TO": "http://bot.example.com/"}, "FORWARD_TO: expected"),
        (["deploy"], {"FORWARD_TO": "https://bot.example.com/#*ADD"}, "FORWARD_TO: expected"),
        (["deploy"], {"FORWARD_TO": "https://bot.example.com/a,https://bot.example.com/b"}, "not commas"),
        (["deploy"], {"FORWARD_TO": "https://bot.example.com/a;https://bot.example.com/b"}, "not commas"),
    ],
)
def test_wrong_use_is_exit_code_2_before_gcloud_is_called(
    cloud: Cloud, words: list[str], extra: dict[str, str], message: str
) -> None:
    run = cloud.run(*words, **extra)
    assert (run.returncode, run.stdout) == (2, "")
    assert message in run.stderr
    assert "See ./deploy.sh --help" in run.stderr
    assert cloud.argv() == []


@pytest.mark.parametrize(("language", "word"), [("en", "Usage:"), ("ru", "Использование:")])
def test_help_is_printed_in_both_languages(cloud: Cloud, language: str, word: str) -> None:
    run = cloud.run("--help", PROJECT="", LOG_LANGUAGE=language)
    assert (run.returncode, run.stderr) == (0, "")
    for name in ("check", "plan", "deploy", "smoke", "url", "rotate", "alerts", "destroy", word):
        assert name in run.stdout


def test_flags_override_the_environment_which_overrides_the_file(cloud: Cloud) -> None:
    file = cloud.source / "deploy.env"
    before = file.read_text()
    file.write_text(
        f"# mine\nPROJECT={PROJECT}\nREGION='us-east1'\nMEMORY=1Gi\nCONCURRENCY=20\r\n\nPREFIX=file\n"
    )
    try:
        values = {"PROJECT": "", "REGION": REGION, "PREFIX": "environment", OUTGOING: TOKEN}
        run = cloud.run("plan", "--prefix", "flag", **values)
    finally:
        file.write_text(before)
    assert run.returncode == 0, run.stderr
    for word in (
        f"--project={PROJECT}",
        f"--region={REGION}",
        "flag-events",
        "--memory=1Gi",
        "--concurrency=20",
    ):
        assert word in run.stdout
    assert "environment" not in run.stdout
    assert "THREADS=20" in run.stdout


@pytest.mark.parametrize(
    "line",
    [
        f"{OUTGOING}=abc",
        "PROJEKT=x",
        "just words",
        "export PROJECT=x",
        "FORWARD_TO=https://bot.example.com #ONTASK*",
        'FORWARD_TO="https://bot.example.com  #OnTaskAdd" # abc',
    ],
)
def test_the_file_takes_no_secret_nothing_unknown_and_no_events_in_a_comment(cloud: Cloud, line: str) -> None:
    file = cloud.source / "deploy.env"
    before = file.read_text()
    file.write_text(f"MEMORY=1Gi\n{line}\n")
    try:
        run = cloud.run("plan")
    finally:
        file.write_text(before)
    assert run.returncode == 2
    assert "deploy.env, line 2" in run.stderr
    assert "abc" not in run.stderr


def test_the_file_is_read_as_people_write_it(cloud: Cloud) -> None:
    file = cloud.source / "deploy.env"
    before = file.read_text()
    file.write_bytes(
        b'\xef\xbb\xbfPREFIX="bee" # ours\r\nMEMORY = 1Gi  # more\nTIMEOUT=50\t# seconds\n'
        b"FORWARD_TO=https://bot.example.com # only one\n"
    )
    try:
        run = cloud.run("plan", "--offline")
    finally:
        file.write_text(before)
    assert run.returncode == 0, run.stderr
    assert "iam service-accounts create bee-receiver" in run.stdout
    assert "--memory=1Gi" in run.stdout
    assert "--timeout=50" in run.stdout


def test_a_secret_that_no_function_starts_with_is_said_before_it_is_stored(cloud: Cloud) -> None:
    wrong = {"BITRIX24_WEBHOOK_TOKEN": "garbage", "FORWARD_SECRET": "whsec_x", "LINKS_API_TOKEN": "a b"}
    run = cloud.run("plan", "--offline", LOG_LANGUAGE="en", **wrong)
    warned = [line.split()[1] for line in run.stderr.splitlines() if "do not start with this value" in line]
    assert (run.returncode, sorted(warned)) == (0, sorted(f"{name}:" for name in wrong))
    assert "garbage" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("incoming", "warns"),
    [("17/p8s4f6l1r3y5u7e9", True), ("https://p.bitrix24.ru/rest/17/p8s4f6l1r3y5u7e9/", False)],
)
def test_the_whole_address_of_the_incoming_webhook_names_the_portal(
    cloud: Cloud, incoming: str, warns: bool
) -> None:
    values = {
        "BITRIX24_WEBHOOK_TOKEN": incoming,
        "FORWARD_SECRET": f"whsec_{'a' * 24}",
        "BITRIX24_DOMAIN": "",
    }
    run = cloud.run("plan", "--offline", LOG_LANGUAGE="en", LINKS_API_TOKEN="a" * 16, **values)
    assert run.returncode == 0
    assert ("cannot poll it" in run.stderr) == warns
    assert "do not start" not in run.stderr
    assert "p8s4f6l1r3y5u7e9" not in run.stdout + run.stderr


def test_another_shell_hands_over_to_bash() -> None:
    run = subprocess.run(["sh", "deploy.sh"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, "rotate, alerts" in run.stderr) == (2, True), run.stderr


def test_the_example_file_names_every_option() -> None:
    names = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / "deploy.env.example").read_text(), re.M))
    assert names == set(_bash('source deploy/lib/settings.sh; echo "$SETTINGS"').split())


def _bash(script: str, *words: str) -> str:
    command = ["bash", "-euo", "pipefail", "-c", script, "bash", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_every_text_is_there_in_both_languages_and_used() -> None:
    scripts = [ROOT / "deploy.sh", *(ROOT / "deploy" / "lib").glob("[!t]*.sh")]
    script = "".join(path.read_text() for path in scripts)
    calls = (
        r"\b(?:say|step|good|note|warn|problem|missing|fail|misuse|text|expect \S+ '[^']*') ([A-Z][A-Z_]+)"
    )
    texts = (ROOT / "deploy" / "lib" / "texts.sh").read_text()
    defined = re.findall(r'^    (\w+)\)\n      ru="([^"].*)"\n      en="([^"].*)" ;;$', texts, re.M)
    keys = {key for key, _, _ in defined}
    assert set(re.findall(calls, script)) <= keys
    assert keys - {"SEE_HELP"} <= set(re.findall(r"[A-Z][A-Z_]+", script))
    assert len(defined) == len(keys) == len(re.findall(r"^    [A-Z_]+\)", texts, re.M))
    for key, russian, english in defined:
        assert set(re.findall(r"\$\d", russian)) == set(re.findall(r"\$\d", english)), key


def test_gcloud_missing_or_too_old_is_1(cloud: Cloud, tmp_path: Path) -> None:
    for name in ("awk", "bash", "dirname", "mktemp", "paste", "rm", "tr"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    run = cloud.run("check", PATH=str(tmp_path))
    assert run.returncode == 1
    assert "gcloud was not found" in run.stderr
    (tmp_path / "gcloud").write_text("#!/bin/bash\necho 510.0.0\n")
    (tmp_path / "gcloud").chmod(0o755)
    run = cloud.run("check", PATH=str(tmp_path))
    assert run.returncode == 1
    assert "510.0.0 is too old: 511" in run.stderr


def test_a_dockerfile_is_refused(cloud: Cloud) -> None:
    (cloud.source / "Dockerfile").write_text("FROM scratch\n")
    try:
        run = cloud.run("check")
    finally:
        (cloud.source / "Dockerfile").unlink()
    assert run.returncode == 1
    assert "Dockerfile" in run.stderr


# Secrets


def test_a_secret_neither_stored_nor_given_is_2_before_anything_is_changed(cloud: Cloud) -> None:
    run = cloud.run("deploy", "--yes")
    assert run.returncode == 2
    assert OUTGOING in run.stderr
    assert cloud.changes() == []


def test_resync_named_without_its_secret_is_2(cloud: Cloud) -> None:
    run = cloud.run("deploy", "resync_users", BITRIX24_OUTGOING_WEBHOOK_TOKEN=TOKEN)
    assert run.returncode == 2
    assert "BITRIX24_WEBHOOK_TOKEN is neither stored" in run.stderr
    assert cloud.changes() == []


# rotate


def test_rotation_accepts_both_tokens_and_then_the_new_one_alone(finished: Cloud) -> None:
    google = finished.google
    run = finished.run("rotate", OUTGOING, BITRIX24_OUTGOING_WEBHOOK_TOKEN="the-new-token")
    assert run.returncode == 0, run.stderr
    assert google.secret(TOKEN_SECRET, "2") == f"the-new-token,{TOKEN}"
    assert pinned(google, "b24-bitrix-webhook", OUTGOING) == "2"
    assert states(google, TOKEN_SECRET) == ["ENABLED", "ENABLED"]
    assert "delete the old outgoing webhook in Bitrix24" in run.stderr
    assert "the-new-token" not in run.stdout + run.stderr + str(finished.argv())

    second_run = finished.run("rotate", OUTGOING, BITRIX24_OUTGOING_WEBHOOK_TOKEN="the-new-token")
    assert (second_run.returncode, finished.changes()) == (0, [])

    run = finished.run("rotate", OUTGOING, "--finish")
    assert run.returncode == 0, run.stderr
    assert google.secret(TOKEN_SECRET, "3") == "the-new-token"
    assert pinned(google, "b24-bitrix-webhook", OUTGOING) == "3"
    assert states(google, TOKEN_SECRET) == ["DISABLED", "DISABLED", "ENABLED"]
    order = finished.changes()
    rolled = next(i for i, call in enumerate(order) if call.startswith("PUT run"))
    assert all(rolled < i for i, call in enumerate(order) if call.endswith(":disable"))


def test_the_incoming_webhook_is_replaced_in_all_that_hold_it(finished: Cloud) -> None:
    """Typed at the hidden prompt: a terminal, and no value in the environment."""
    google = finished.google
    status, output = _type_at_the_prompt(finished, "rotate", "BITRIX24_WEBHOOK_TOKEN", " 18/newsecret ")
    assert status == 0, output
    assert "BITRIX24_WEBHOOK_TOKEN: \r\n" in output
    assert "newsecret" not in output
    assert google.secret(INCOMING_SECRET, "2") == "18/newsecret"
    for name in ("b24-on-user-update", "b24-on-user-add", "b24-resync-users"):
        assert pinned(google, name, "BITRIX24_WEBHOOK_TOKEN") == "2"
    run = finished.run("rotate", "BITRIX24_WEBHOOK_TOKEN", "--finish")
    assert run.returncode == 0, run.stderr
    assert states(google, INCOMING_SECRET) == ["DISABLED", "ENABLED"]
    assert INCOMING not in run.stderr


def _type_at_the_prompt(cloud: Cloud, command: str, setting: str, text: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["bash", str(cloud.source / "deploy.sh"), command, setting],
        env=cloud.environ(PROJECT=PROJECT, REGION=REGION),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    output = b""
    # A terminal that closes is an error on Linux.
    with contextlib.suppress(OSError):
        while chunk := os.read(ours, 4096):
            output += chunk
            if output.endswith(f"{setting}: ".encode()):
                os.write(ours, f"{text}\n".encode())
    os.close(ours)
    return process.wait(timeout=600), output.decode()


@pytest.mark.parametrize(
    ("stored", "new", "accepted", "finished"),
    [
        ("a", "b", "b,a", "b"),
        ("a,b", "c", "c,a,b", "c"),
        ("a,b", "c,b", "b,c,a", "b,c"),
        ("a,b", "c,a", "a,c,b", "a,c"),
        ("a", "b,c", "b,c,a", "b,c"),
        ("b,a", "b", "b,a", "b,a"),  # given again
        ("a b", " c , a b ", "ab,c", "ab,c"),
    ],
)
def test_which_tokens_a_rotation_keeps(stored: str, new: str, accepted: str, finished: str) -> None:
    script = 'source deploy/lib/rotate.sh; both=$(accept_both "$1" "$2"); echo "$both"; drop_old "$both" "$1"'
    assert _bash(script, stored, new).splitlines() == [accepted, finished]


@pytest.mark.parametrize(
    ("stored", "new", "portal"),
    [
        ("a", "b", ""),
        ("p.bitrix24.ru=a", "p.bitrix24.ru=b", ""),
        ("p.bitrix24.ru=a", "b", "p.bitrix24.ru"),
        ("box:8080=a", "b", "box:8080"),
        # A portal with an impossible port binds nothing.
        ("box:8080=a", "box:65536=b", "box:8080"),
        ("p.ru=a", "p.ru:0=b", "p.ru"),
        ("box:99999=a", "b", ""),
        # One more, for the other portals.
        ("p.bitrix24.ru=a", "p.bitrix24.ru=a,b", ""),
        # A bare token with the padding of base64.
        ("a==", "b", ""),
    ],
)
def test_a_bound_token_is_replaced_by_a_bound_one(stored: str, new: str, portal: str) -> None:
    script = 'source deploy/lib/settings.sh; source deploy/lib/rotate.sh; portal_without_token "$1" "$2"'
    assert _bash(script, stored, new).strip() == portal


def test_a_bare_token_for_a_bound_one_is_2_and_changes_nothing(finished: Cloud) -> None:
    finished.google.objects[f"secretmanager/projects/{PROJECT}/secrets/{TOKEN_SECRET}/versions/1"] = (
        b"p.bitrix24.ru=a"
    )
    run = finished.run("rotate", OUTGOING, BITRIX24_OUTGOING_WEBHOOK_TOKEN="the-new-token")
    assert (run.returncode, finished.changes()) == (2, [])
    assert "p.bitrix24.ru=TOKEN" in run.stderr


def test_no_token_becomes_a_file_on_an_older_bash() -> None:
    """Bash before 5.1 writes here-strings to files: with no file allowed to have a byte, nothing fails."""
    script = 'BASH_COMPAT=50; ulimit -f 0; source deploy/lib/rotate.sh; accept_both "a,b" "c"'
    assert _bash(script) == "c,a,b"


# smoke


class _Functions(BaseHTTPRequestHandler):
    """Four deployed functions; `broken` answers as a receiver nobody may call does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        ours = self.path == "/b24-bitrix-webhook/api/bitrix/webhook"
        status, body = (401, b'{"code": "TOKEN_NOT_FOUND"}') if ours else (403, b"Forbidden")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def functions_url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Functions)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_smoke_sends_real_requests(finished: Cloud, functions_url: str) -> None:
    services = {n: s for n, s in finished.google.resources.items() if n.startswith(f"{SERVICES}/")}
    for name, service in services.items():
        service["status"]["url"] = f"{functions_url}/{name.rpartition('/')[2]}"
    run = finished.run("smoke")
    assert (run.returncode, finished.changes()) == (0, []), run.stderr
    assert "bitrix_webhook: 401 TOKEN_NOT_FOUND" in run.stderr
    services[f"{SERVICES}/b24-bitrix-webhook"]["status"]["url"] = f"{functions_url}/closed"
    run = finished.run("smoke")
    assert run.returncode == 1
    assert "✖ bitrix_webhook: answered 403" in run.stderr


# destroy


def test_destroy_without_a_terminal_takes_yes(cloud: Cloud) -> None:
    run = cloud.run("destroy")
    assert run.returncode == 2
    assert "add --yes" in run.stderr
    assert cloud.argv() in ([], [["version", '--format=value("Google Cloud SDK")']])
