"""Runs the attacks of attacks.toml by kind, and writes their results into docs/security.md."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
KINDS = ("slow", "work", "logs", "proxies")
START, END = "<!-- written by `make hostile` -->\n", "<!-- end -->\n"
INPUTS = "<!-- inputs, written by `make hostile` -->\n"
_INPUTS = {
    "en": "Of inputs that Hypothesis makes (requests, bodies, tokens), the last run tried {count}: "
    "none raised, was answered 500, took a second, or got through without the token.",
    "ru": "Hypothesis придумывает запросы, тела и токены; последний прогон проверил {count}: ни один не дал "
    "исключения или ответа 500, не занял секунды и не прошёл без токена.",
}
HEADS = {"en": "| attack | result | run by |", "ru": "| атака | итог | чем проверено |"}
DOCUMENTS = {"en": "docs/security.md", "ru": "docs/security.ru.md"}


class Tried(NamedTuple):
    """An attack that was tried: whether it was withstood, the numbers in its row, and the tests' report."""

    attack: dict[str, Any]
    held: bool
    figures: Mapping[str, int]
    report: str


def attacks() -> list[dict[str, Any]]:
    """Read attacks.toml."""
    rows: list[dict[str, Any]] = tomllib.loads((ROOT / "hostile/attacks.toml").read_text("utf-8"))["attack"]
    return rows


def run(kinds: Iterable[str]) -> list[Tried]:
    """Try every attack of these kinds, and print each result at once."""
    results = []
    for attack in attacks():
        if attack["kind"] in kinds:
            results.append(_measured(attack) if attack.get("measured") else _tested(attack))
            print(f"{'held' if results[-1].held else 'NOT HELD'}  {attack['kind']}: {row(results[-1], 'en')}")
            print(results[-1].report if not results[-1].held else "", end="", flush=True)
    return results


def _tested(attack: dict[str, Any]) -> Tried:
    files, _, chosen = attack["tests"].partition(" -k ")
    quiet = ("-o", "addopts=--import-mode=importlib", "-q", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *quiet, *shlex.split(files)]
    process = subprocess.run(
        [*command, "-k", chosen] if chosen else command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    passed = re.search(r"\d+ passed", process.stdout)
    skipped = re.search(r"\d+ skipped", process.stdout)
    has_passed = process.returncode == 0 and bool(passed) and not skipped
    return Tried(attack, has_passed, {}, process.stdout[-3000:])


def _measured(attack: dict[str, Any]) -> Tried:
    from bench.figures.worst import EXPLAINED, JUDGED, REQUESTS, dearest_requests
    from bench.parts import Bench

    judged, explained = (median(result.compared) for result in dearest_requests(Bench()))
    figures = {"count": len(REQUESTS), "judged": round(judged), "explained": round(explained)}
    return Tried(attack, judged <= JUDGED and explained <= EXPLAINED, figures, "")


def row(result_of_attack: Tried, language: str) -> str:
    """Write one row of the table."""
    suffix = "_ru" if language == "ru" else ""
    title, result = (
        result_of_attack.attack[name + suffix].format(
            **{name: _number(value, language) for name, value in result_of_attack.figures.items()}
        )
        for name in ("what", "result")
    )
    by = result_of_attack.attack.get("tests", "python -m bench worst").partition(" -k ")[0]
    run_by = ", ".join(f"`{file}`" for file in by.split()) if by.startswith("tests/") else f"`{by}`"
    return f"| {title} | {result} | {run_by} |"


def _number(value: int, language: str) -> str:
    return f"{value:,}" if language == "en" else f"{value:,}".replace(",", " ")


def write_inputs(count: int) -> None:
    """How many inputs were tried, under the tables of both languages."""
    for language, name in DOCUMENTS.items():
        path = ROOT / name
        before, _, rest = path.read_text("utf-8").partition(INPUTS)
        after = rest.partition(END)[2]
        sentence = _INPUTS[language].format(count=_number(count, language))
        path.write_text(f"{before}{INPUTS}{sentence}\n{END}{after}", "utf-8")


def write(results: list[Tried]) -> None:
    """Write the tables into the documents of both languages, between their marks."""
    for language, name in DOCUMENTS.items():
        path = ROOT / name
        before, _, rest = path.read_text("utf-8").partition(START)
        after = rest.partition(END)[2]
        rows = "\n".join(
            [HEADS[language], "| --- | --- | --- |", *(row(result, language) for result in results)]
        )
        path.write_text(f"{before}{START}{rows}\n{END}{after}", "utf-8")
