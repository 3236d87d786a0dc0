"""One line of the table makes a function: tried by adding one, in a copy, and taking it out again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.functions import functions, of_kind
from gateway.local.serve import SERVED
from tests.support.processes import ROOT

HANDLER = """\
from gateway.events import Message
from handlers.context import Context


def handle(message: Message, context: Context) -> list:
    print("handled", message.event, message.data, flush=True)
    return []
"""
FUNCTION = '''

@functions_framework.cloud_event
def on_company_add(event: CloudEvent) -> None:
    """Handle `ONCRMCOMPANYADD`."""
    from handlers import companies, consume

    consume(event, "ONCRMCOMPANYADD", companies.handle)
'''
LINE = "on_company_add consumer ONCRMCOMPANYADD on-company-add\n"
ADDED = {"handlers/companies.py": HANDLER, "main.py": FUNCTION, "functions": LINE}
PROGRAM = """
from gateway.functions import of_kind
from gateway.links import open_store
from gateway.local import feed, worker
from gateway.queues.model import Delivery
from gateway.settings import load

calls = worker.load()
names = [function.name for function in of_kind("consumer")]
print(*names)
data = (
    '{"schema": 1, "event_id": "e", "event": "ONCRMCOMPANYADD", "event_handler_id": null, "ts": 1,'
    ' "received_at": "2026-01-01T00:00:00Z", "source": "webhook",'
    ' "portal": {"domain": "p.bitrix24.ru", "member_id": ""}, "data": {"FIELDS": {"ID": "7"}}}'
)
delivery = Delivery("1", data.encode(), {"event": "ONCRMCOMPANYADD", "event_id": "e"}, 1, 1.0, "lease")
print("failures:", [feed.deliver(delivery, calls[name]) for name in names])
for function in of_kind("consumer"):
    broken = Delivery(function.name, b"{}", {"event": function.event}, 1, 1.0, "lease")
    feed.deliver(broken, calls[function.name])
letters = open_store(load().database).dead_letters()
print("wanted and put aside:", *sorted(letter.event_id for letter in letters))
"""


def test_the_table_names_each_function_of_main_once() -> None:
    names = [function.name for function in functions()]
    main = (ROOT / "main.py").read_text("utf-8")
    assert sorted(names) == sorted(set(names)) == sorted(_functions_of(main))
    # Nothing is published before somebody listens.
    assert names[-1] == "bitrix_webhook"
    # A mistyped kind is nobody's: `serve` would not call the function, nor `deploy.sh` deploy it.
    assert {function.kind for function in functions()} <= {*SERVED, "consumer", "forwarder"}
    for function in functions():
        assert bool(function.subscription) == (function.kind not in SERVED), function.name


def _functions_of(main: str) -> list[str]:
    lines = main.splitlines()
    marked = [number for number, line in enumerate(lines) if line.startswith("@functions_framework.")]
    return [lines[number + 1].split("(")[0].removeprefix("def ") for number in marked]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("main.py", "verify.py", "functions"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("gateway", "handlers"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def run(tree: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tree,
        env={**env, "PYTHONPATH": str(tree), "DATABASE_URL": f"sqlite:///{tree}/links.db"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    return process.stdout


def test_a_function_is_a_module_an_entry_and_a_line(copy: Path) -> None:
    """Three files, and nothing in them but what is added."""
    before = run(copy)
    consumers = [function.name for function in of_kind("consumer")]
    assert before.splitlines()[0].split() == consumers
    assert "handled" not in before
    assert lines_wanted(before) == sorted(consumers), (
        "main.py and functions name another event for one of them"
    )

    edited = {name: (copy / name).read_text("utf-8") for name in ("main.py", "functions")}
    for name, text in ADDED.items():
        with (copy / name).open("a", encoding="utf-8") as file:
            file.write(text)
    after = run(copy)
    assert after.splitlines()[0] == f"{before.splitlines()[0]} on_company_add"
    assert "handled ONCRMCOMPANYADD {'FIELDS': {'ID': '7'}}" in after
    assert f"failures: {[None] * (len(consumers) + 1)}" in after
    assert lines_wanted(after) == sorted([*consumers, "on_company_add"])

    (copy / "links.db").unlink()
    for name, text in edited.items():
        (copy / name).write_text(text, "utf-8")
    assert run(copy) == before


def lines_wanted(output: str) -> list[str]:
    """The consumers that took an event of their line's name: each was sent one that nobody can read."""
    return output.splitlines()[-1].removeprefix("wanted and put aside: ").split()
