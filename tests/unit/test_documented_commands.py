"""For every command that a document prints, the test that tries it, or why it cannot be tried here.

A new command in a document fails until it is in the table. What is checked of a test is that there is one of
this very name: the tests of the quick start, the emulators, the functions, the bots and the VM take their
commands from the page itself; the others run the same command with values of their own.
"""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from gateway.cli import COMMANDS, cli
from gateway.diagnosis.causes import DO, SAYS
from gateway.texts import SENTENCES
from tests.support.pages import ROOT, commands, pages, shell_blocks

QUICK_START = "tests/system/test_quick_start.py::test_the_quick_start_works_as_printed"
EMULATORS = "tests/system/test_emulators.py::test_the_pages_commands_do_what_the_page_says"
FUNCTIONS = "tests/deploy/test_functions_framework_page.py::"
BACKUP = "tests/system/test_vm_page.py::test_a_backup_of_a_running_gateway_restores"
NGINX = "tests/system/test_vm_page.py::test_an_event_passes_nginx_and_a_body_that_is_too_large_is_explained"
CADDY = "tests/system/test_vm_page.py::test_caddy_takes_its_file"
IMAGE = "tests/system/test_vm_page.py::test_what_the_image_copies_is_enough_to_serve"
DEPLOY = "tests/deploy/test_deploy.py::"
ROTATE = "tests/deploy/test_deploy_commands.py::test_rotation_accepts_both_tokens_and_then_the_new_one_alone"

CHAOS = "tests/system/test_chaos.py::test_nothing_is_lost_and_nothing_happens_twice_on_one_machine"
HOSTILE = "tests/system/test_hostile.py::test_no_input_raises_or_hangs"

MACHINE = "not runnable here: it changes its machine; tried by hand in clean Debian 12 and 13"
INIT = "not runnable here: it needs systemd as the first process"
PUBLIC = "not runnable here: it needs a public name"
DOCKER = (
    "not runnable here: there is no container daemon; by hand buildah made the image from the Containerfile, "
    "and serve, doctor and trigger ran in it; the image's own steps are: " + IMAGE
)
RAILWAY = "not runnable here: it needs a project at Railway; the tests start the gateway with its variables"
LONG = "not runnable here: minutes to hours; a short run is "
SELF = "not runnable here: it would run this test; CI runs it"


class Tried(NamedTuple):
    """Which commands of which page (both by pattern), and where they are tried: a test, or why not."""

    page: str
    command: str
    where: str


TRIED = [
    Tried(
        r"README",
        r"cat > \.env|echo BITRIX24_\w+=\w+ > \.env|chmod 600 \.env|make run|curl |\./b24 links",
        QUICK_START,
    ),
    Tried(r"README|CONTRIBUTING", r"make (test|lint|check)", SELF),
    Tried(
        r"bitrix24", r"\./b24 field create", "tests/integration/test_field.py::test_the_field_is_created_once"
    ),
    Tried(r"bot", r"curl .*/api/links", "tests/system/test_bot_page.py::test_the_bots_as_printed"),
    Tried(
        r"deploy",
        r"\./deploy\.sh plan --offline",
        DEPLOY + "test_an_offline_plan_is_the_plan_of_a_new_project",
    ),
    Tried(r"deploy", r"\./deploy\.sh check", DEPLOY + "test_check_ticks_what_is_there"),
    Tried(r"deploy", r"\./deploy\.sh plan", DEPLOY + "test_a_plan_on_a_new_project_changes_nothing"),
    Tried(r"deploy", r"\./deploy\.sh deploy", DEPLOY + "test_a_deployment_prints_the_address_alone"),
    Tried(
        r"deploy",
        r"\./deploy\.sh smoke",
        "tests/deploy/test_deploy_commands.py::test_smoke_sends_real_requests",
    ),
    Tried(
        r"deploy",
        r"\./deploy\.sh alerts",
        "tests/deploy/test_deploy_destinations.py::test_alerts_are_installed_once_and_destroy_keeps_firestore_and_secrets",
    ),
    Tried(r"deploy", r"\./deploy\.sh rotate", ROTATE),
    Tried(
        r"deploy",
        r"read -rs BITRIX24_WEBHOOK_TOKEN",
        "tests/deploy/test_deploy_commands.py::test_the_incoming_webhook_is_replaced_in_all_that_hold_it",
    ),
    Tried(
        r"deploy",
        r"gcloud run services add-iam-policy-binding",
        "tests/deploy/test_deploy_destinations.py::test_the_bot_is_let_in_by_the_command_that_the_guide_prints",
    ),
    Tried(r"deploy", r"curl \"https://ADDRESS", "not runnable here: it asks a deployed function of Google's"),
    Tried(
        r"deploy",
        r"export QUEUE_URL|\./b24 (inspector|links|rejections|dead-letters|replay)",
        "not runnable here: it needs a project of Google's; on the emulators: " + EMULATORS,
    ),
    Tried(r"faults", r"make chaos", LONG + CHAOS),
    Tried(r"faults", r"make hostile", LONG + HOSTILE),
    Tried(r"functions", r"python3 -m venv", FUNCTIONS + "test_both_languages_have_the_same_commands"),
    Tried(
        r"functions",
        r"([A-Z_0-9]+=\S+ )*\.venv/bin/functions-framework|curl http://127.0.0.1:8080/",
        FUNCTIONS + "test_the_receiver_takes_an_event",
    ),
    Tried(
        r"functions",
        r"cat > (message|push)|curl http://127.0.0.1:8081/|\./b24 links",
        FUNCTIONS + "test_a_push_makes_a_link",
    ),
    Tried(
        r"functions",
        r"id=|sed |curl 'http://127.0.0.1:8085/|curl http://127.0.0.1:8084/",
        FUNCTIONS + "test_a_bot_asks_and_gets_the_event",
    ),
    Tried(r"functions", r"curl --request POST", FUNCTIONS + "test_polling_says_what_it_lacks"),
    Tried(r"functions", r"gcloud |printf %s", FUNCTIONS + "test_a_receiver_alone_goes_to_google_cloud"),
    Tried(r"emulators", r"BITRIX24_\S+ make emulators|curl |set -a|\./b24 (links|dead-letters)", EMULATORS),
    Tried(r"railway", r"railway ssh", RAILWAY),
    Tried(r"railway", r"\./b24 (doctor|events|links)", QUICK_START),
    Tried(r"railway", r"python -c", "tests/system/test_vm_page.py::test_railways_backup_is_one_whole_file"),
    Tried(r"scale", r"gcloud firestore", "not runnable here: it changes a database of Google's"),
    Tried(r"vm", r"apt-get |useradd |git |cd |make |install |ln -s|cp deploy/vm|ufw ", MACHINE),
    Tried(r"vm", r"systemctl |journalctl ", INIT),
    Tried(r"vm", r"certbot ", PUBLIC),
    Tried(r"vm", r"sed .*Caddyfile", CADDY),
    Tried(r"vm", r"sed .*nginx|nginx -t", NGINX),
    Tried(r"vm", r"runuser -u bitrix24-gateway -- \./b24", QUICK_START),
    Tried(r"vm", r"mkdir |for name|rm -f var|cp backup|chown ", BACKUP),
    Tried(r"vm", r"runuser -u postgres", "not runnable here: it needs Debian's own cluster of PostgreSQL"),
    Tried(r"vm", r"docker ", DOCKER),
]


def printed() -> Iterator[tuple[str, str]]:
    for page in pages():
        for block in shell_blocks(page):
            for command in commands(block.text):
                yield page, command


def tried(page: str, command: str) -> Tried | None:
    return next(
        (row for row in TRIED if re.search(row.page, Path(page).name) and re.match(row.command, command)),
        None,
    )


def test_every_documented_command_is_tried_or_listed_as_untried() -> None:
    untried = [f"{page}: {command}" for page, command in printed() if tried(page, command) is None]
    assert not untried, "try them, and say in TRIED where:\n" + "\n".join(untried)


def test_every_listed_command_is_printed_on_a_page() -> None:
    used = {tried(page, command) for page, command in printed()}
    assert [row for row in TRIED if row not in used] == []


def defined_tests(file: Path) -> set[str]:
    """The names of a module's tests."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {name for name in names if name.startswith("test_")}


def test_the_tests_that_try_them_exist() -> None:
    for row in TRIED:
        for file, name in re.findall(r"(tests/\S+\.py)::(\w+)", row.where):
            assert name in defined_tests(ROOT / file), row
        assert "::" in row.where or row.where.startswith("not runnable here: ")


# ---- tests that pages name ------------------------------------------------------


def test_the_tests_that_pages_name_exist() -> None:
    files = {path.name: defined_tests(path) for path in (ROOT / "tests").rglob("test_*.py")}
    missing = []
    for page in pages():
        text = (ROOT / page).read_text(encoding="utf-8")
        missing += [f"{page}: {file}" for file in re.findall(r"\btest_\w+\.py\b", text) if file not in files]
        for name in re.findall(r"\btest_\w+\b(?!\.py)", text):
            if not any(name in tests for tests in files.values()):
                missing.append(f"{page}: {name}")
        for file, name in re.findall(r"\b(test_\w+\.py)` `(test_\w+)`", text):
            if name not in files.get(file, ()):
                missing.append(f"{page}: {name} in {file}")
    assert not missing, "\n".join(missing)


# ---- commands in sentences ----------------------------------------------------

_NAMED = re.compile(r"\./b24((?: (?:--?[\w-]+|[a-z][\w-]*|[A-Z][\w=.-]*|[\w@=.:/]+))*)")


def commands_named() -> Iterator[tuple[str, str]]:
    """Every `./b24 …` in documents and in what the gateway says, and where it stands."""
    for page in pages():
        for span in re.findall(r"`([^`\n]+)`", (ROOT / page).read_text(encoding="utf-8")):
            if span.startswith("./b24 "):
                yield page, span
    for catalogue in (SENTENCES, SAYS, DO):
        for key, sentence in catalogue.items():
            for text in sentence:
                for match in _NAMED.finditer(text):
                    yield key, match[0]


def test_each_command_that_is_named_exists() -> None:
    for source, text in sorted(set(commands_named())):
        check_command(source, text)


def check_command(source: str, text: str) -> None:
    words = text.removeprefix("./b24").replace("…", " ").split()
    if not words or words[0] in ("--help", "--version"):
        return
    assert words[0] in COMMANDS, f"{source}: {text}"
    context = click.Context(cli)
    command = cli.get_command(context, words[0])
    assert command is not None
    if isinstance(command, click.Group) and len(words) > 1 and words[1] in command.commands:
        command = command.commands[words[1]]
    known_options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    used_options = {word.partition("=")[0] for word in words if word.startswith("-")}
    assert used_options <= known_options, f"{source}: {text}"


# ---- commands of other programs in sentences -----------------------------------

_PROGRAMS = (
    *(r"python3?", r"\.venv/bin/\S+", "make", "docker", "gcloud", "cloudflared", "ngrok", "ssh", "systemctl"),
    *("journalctl", "railway", "pg_dump", "git"),
)
_SPAN = re.compile(rf"(?:\./deploy\.sh|(?:{'|'.join(_PROGRAMS)})(?= ))[^\n]*")
DEPLOY_COMMANDS = ("check", "plan", "deploy", "smoke", "url", "rotate", "alerts", "destroy", "--help")
# What an operator runs in sentences of the documents and is none of ours, and why no test runs it.
OTHERS = [
    (r"cloudflared tunnel|ngrok http|ssh -R", "not runnable here: tunnels need the internet"),
    (r"docker compose", DOCKER),
    (r"journalctl ", INIT),
    (r"railway (run|ssh)", RAILWAY),
    (r"pg_dump gateway", "not runnable here: it needs Debian's own cluster of PostgreSQL"),
    (r"gcloud (auth|components) ", "not runnable here: it logs in at Google, or downloads from there"),
    (
        r"gcloud pubsub subscriptions create",
        "tests/deploy/test_deploy_destinations.py::test_a_second_run_changes_nothing_and_check_ticks_all",
    ),
    (r"git (pull|grep|config) ", "not runnable here: it changes or searches the reader's own repository"),
    (r"git pull$", "not runnable here: it changes or searches the reader's own repository"),
]


def spans() -> Iterator[tuple[str, str]]:
    """Every command in a sentence that begins with another program than `./b24`, and its page."""
    for page in pages():
        text = (ROOT / page).read_text(encoding="utf-8")
        for span in re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)):
            if _SPAN.fullmatch(span):
                yield page, span


def exists(command: str) -> bool:
    """Whether a command of ours names what is there: a target, a sub-command or a module."""
    program, *words = shlex.split(command)
    if program == "make":
        targets = [word for word in words if word.islower()]
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        return all(re.search(rf"^{re.escape(target)}:", makefile, re.M) for target in targets)
    if program == "./deploy.sh":
        return not words or words[0] in DEPLOY_COMMANDS
    if words[:1] == ["-m"] and len(words) > 1:
        module = ROOT.joinpath(*words[1].split("."))
        return module.is_dir() or module.with_suffix(".py").is_file()
    return False


def test_each_command_in_a_sentence_exists_or_is_said_to_be_another_programs() -> None:
    for page, command in sorted(set(spans())):
        assert exists(command) or any(re.match(pattern, command) for pattern, _ in OTHERS), (page, command)


def test_where_another_programs_command_is_tried_exists() -> None:
    for pattern, test_name in OTHERS:
        for file, name in re.findall(r"(tests/\S+\.py)::(\w+)", test_name):
            assert f"def {name}" in (ROOT / file).read_text(encoding="utf-8"), pattern


def test_no_other_program_is_listed_that_no_sentence_names() -> None:
    named_ones = {command for _, command in spans()}
    unused = [pattern for pattern, _ in OTHERS if not any(re.match(pattern, text) for text in named_ones)]
    assert unused == []
