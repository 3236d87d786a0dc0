"""`pip install` of the repository, outside of it: what a bot imports, and the tools under one name."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files in a directory of their own; the packages it needs are the tests'."""
    directory = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    install = ["install", "--no-build-isolation", "--no-deps", "--no-compile", "--target", str(directory)]
    subprocess.run([*pip, *install, str(ROOT)], check=True)
    return directory


def run(
    installed: Path, cwd: Path, *command: str, stdin: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    env |= {"PYTHONPATH": str(installed), "LOG_LANGUAGE": "en", **settings}
    return subprocess.run(command, env=env, cwd=cwd, input=stdin, capture_output=True, text=True, check=False)


def test_a_bot_imports_the_links_and_their_types(installed: Path, tmp_path: Path) -> None:
    code = "import gateway.links; print(gateway.links.__file__)"
    output = run(installed, tmp_path, sys.executable, "-c", code)
    assert output.stdout.strip() == str(installed / "gateway/links/__init__.py"), output.stderr
    assert (installed / "gateway/py.typed").exists()


def test_nothing_but_ours_is_put_beside_other_peoples_modules(installed: Path) -> None:
    names = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert names - {"__pycache__"} == {"bin", "gateway", "handlers", "verify.py"}


def test_the_tools_are_there_under_one_name(installed: Path, tmp_path: Path) -> None:
    b24 = str(installed / "bin/b24")
    output = run(installed, tmp_path, b24, "--version")
    assert output.stdout.startswith("b24 "), output.stderr
    curl = "curl -H 'X-Bitrix-Token: 0123456789abcdefghijklmnopqrstuv' -d event=ONUSERADD http://h/"
    token = "0123456789abcdefghijklmnopqrstuv"
    explained = run(
        installed, tmp_path, b24, "explain", "--json", stdin=curl, BITRIX24_OUTGOING_WEBHOOK_TOKEN=token
    )
    assert json.loads(explained.stdout)["verified"] is True, explained.stderr
    assert json.loads(run(installed, tmp_path, b24, "links", "--json").stdout) == []


def test_the_functions_are_those_of_the_repository(installed: Path, tmp_path: Path) -> None:
    """As the worker and `serve` load them."""
    code = "from gateway.local.worker import load; print(*load())"
    token = "0123456789abcdefghijklmnopqrstuv"
    output = run(installed, tmp_path, sys.executable, "-c", code, BITRIX24_OUTGOING_WEBHOOK_TOKEN=token)
    table = [line.split()[0] for line in (ROOT / "functions").read_text().splitlines() if line[0] != "#"]
    assert output.stdout.split() == table, output.stderr


def test_the_pinned_versions_are_within_the_packages_ranges() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras: Mapping[str, list[str]] = project["optional-dependencies"]
    assert set(extras) == {"postgres", "firestore"}
    lines = (line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    pinned = dict(line.split("==") for line in lines if line)
    for text in [*project["dependencies"], *extras["postgres"], *extras["firestore"]]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pinned[requirement.name]), text


def test_the_guide_that_the_inspector_serves_is_part_of_it(installed: Path, tmp_path: Path) -> None:
    code = "from gateway.local.inspector.guide_view import DOCS; print((DOCS / 'codes.ru.md').exists())"
    output = run(installed, tmp_path, sys.executable, "-c", code)
    assert output.stdout.strip() == "True", output.stderr


def test_a_link_into_the_guide_opens_where_no_repository_is(installed: Path, tmp_path: Path) -> None:
    code = (
        "from gateway.diagnosis import guide_link, guide_section; from gateway.settings import load;"
        "print(guide_section('TOKEN_ABSENT', 'en')); print(guide_link('TOKEN_ABSENT', load({}, None)));"
        "print(guide_link('TOKEN_ABSENT', load({'WEBHOOK_URL': 'https://hooks.example.com'}, None)))"
    )
    output = run(installed, tmp_path, sys.executable, "-c", code)
    file, path, public = output.stdout.split()
    assert "## TOKEN_ABSENT" in Path(file.partition("#")[0]).read_text("utf-8"), output.stderr
    assert path == "http://127.0.0.1:8080/inspector/guide/token-not-found#token_absent"
    assert public == "https://hooks.example.com/inspector/guide/token-not-found#token_absent"
