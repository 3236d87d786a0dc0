"""Modules and functions stay small enough to be read at one go; the architecture's page lists each module."""

import ast
from pathlib import Path

from tests.support import rooms

ROOT = Path(__file__).parents[2]
MODULES = [ROOT / "main.py", ROOT / "verify.py", *ROOT.glob("handlers/*.py"), *ROOT.glob("gateway/**/*.py")]
# These are as long as they are.
CATALOGUES = {"gateway/texts.py", "gateway/diagnosis/causes.py"}
MODULE_LINES, FUNCTION_LINES = 400, 50


def test_modules_and_functions_are_short_enough_to_read() -> None:
    for module in MODULES:
        name, text = str(module.relative_to(ROOT)), module.read_text("utf-8")
        if name not in CATALOGUES:
            assert len(text.splitlines()) <= MODULE_LINES, name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.FunctionDef)]
                lines = length(node) - sum(map(length, inner))
                assert lines <= FUNCTION_LINES, f"{name}: {node.name} has {lines} lines"


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_the_architecture_lists_every_module() -> None:
    page = rooms.PAGE.read_text("utf-8")
    assert page == rooms.written(page), "make it anew: python -m tests.support.rooms"
