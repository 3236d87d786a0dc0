"""Every regular expression is linear in what it reads: whoever writes the text must not choose the time.

The patterns are found by looking into the modules, so that a new one cannot be forgotten. Each is
held against texts made of its own literals and letters, of growing length, by the
methods that its module calls.
"""

import ast
import importlib
import random
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import gateway

SEARCHING = frozenset(["search", "sub", "subn", "finditer", "findall", "split"])
METHODS = SEARCHING | {"match", "fullmatch"}
# In characters: half of the widest window, where a square is already noticeable.
LONGEST = 4 * 1024
# Seconds of CPU: what stays below is cheap, whatever its growth.
NOTICEABLE = 0.01
# Times the CPU for twice the text; 4 is a square.
LINEAR = 2.9


class Found(NamedTuple):
    """A pattern, where it stands, and the methods by which it is used: all, where that is not plain."""

    pattern: re.Pattern[Any]
    module: str
    where: str
    methods: frozenset[str]


PACKAGE = Path(gateway.__file__).parent
MODULES = ["verify"] + [
    ".".join(("gateway", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__main__.py"
]


def inside(value: Any, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict | tuple | list | set | frozenset):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from inside(inner, depth - 1)


def calls(tree: ast.AST) -> Iterator[tuple[str, str, ast.Call | None]]:
    """(the name that a method of patterns belongs to, the method, the call where it is one)."""
    for node in ast.walk(tree):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        method = node.func if is_call else node  # type: ignore[attr-defined]
        if (
            isinstance(method, ast.Attribute)
            and method.attr in METHODS
            and isinstance(method.value, ast.Name)
        ):
            yield method.value.id, method.attr, node if is_call else None  # type: ignore[misc]


@cache
def all_patterns() -> list[Found]:
    by_pattern: dict[tuple[Any, int], Found] = {}
    used: dict[int, set[str]] = {}  # by pattern
    # By module: what is called of names that are no patterns.
    loose: dict[str, set[str]] = {}
    loaded: list[Any] = [importlib.import_module(name) for name in MODULES]
    for module in loaded:
        for name, method, call in calls(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(pattern := getattr(module, name, None), re.Pattern):
                used.setdefault(id(pattern), set()).add(method)
            elif name != "re" and method != "split":
                loose.setdefault(module.__name__, set()).add(method)
            if name == "re" and call and call.args and isinstance(call.args[0], ast.Constant):
                pattern = re.compile(call.args[0].value)
                where = f"{module.__name__}:{call.lineno}"
                by_pattern[pattern.pattern, pattern.flags] = Found(
                    pattern, module.__name__, where, frozenset([method])
                )
    for module in loaded:
        for name, value in vars(module).items():
            for pattern in inside(value):
                plain = used.get(id(pattern)) if value is pattern else loose.get(module.__name__)
                methods = frozenset(plain or METHODS)
                where = f"{module.__name__}.{name}"
                use = Found(pattern, module.__name__, where, methods)
                by_pattern.setdefault((pattern.pattern, pattern.flags), use)
    return list(by_pattern.values())


def pieces(pattern: re.Pattern[Any]) -> list[str]:
    """The literals of a pattern, and a letter of each class that it knows."""
    import re._parser as parser  # type: ignore[import-not-found]

    letters, words = set("a1 =.\n"), set()

    def walk(parsed: Any) -> None:
        run = ""
        for operation, value in parsed:
            name = str(operation)
            if name == "LITERAL":
                run += chr(value)
                letters.add(chr(value))
                continue
            words.add(run)
            run = ""
            if name == "RANGE":
                letters.update(map(chr, value))
            elif name == "NOT_LITERAL":
                letters.add(chr(value))
            elif name == "CATEGORY":
                letters.add({"CATEGORY_SPACE": " ", "CATEGORY_DIGIT": "1"}.get(str(value), "a"))
            elif name == "BRANCH":
                for branch in value[1]:
                    walk(branch)
            elif name in ("IN", "ATOMIC_GROUP"):
                walk(value)
            elif "REPEAT" in name or name == "SUBPATTERN":
                walk(value[-1])
            elif name in ("ASSERT", "ASSERT_NOT"):
                walk(value[1])
        words.add(run)

    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    walk(parser.parse(text, pattern.flags & ~re.UNICODE))
    return [*sorted(letters)[:40], *sorted(word for word in words if len(word) > 1)[:40]]


def texts(pattern: re.Pattern[Any]) -> Iterator[Callable[[int], Any]]:
    """Writers of texts of a given length: a start, one unit again and again, an end that fits nothing."""
    chance = random.Random(1)
    known_pieces = pieces(pattern)
    units = known_pieces + ["".join(chance.choices(known_pieces, k=chance.randint(2, 3))) for _ in range(12)]
    leads = ["", *[piece for piece in known_pieces if len(piece) > 1][:4]]
    as_bytes = isinstance(pattern.pattern, bytes)
    for unit in dict.fromkeys(units):
        for lead in leads:

            def write(length: int, unit: str = unit, lead: str = lead) -> Any:
                text = lead + (unit * (length // len(unit) + 1))[:length] + "\x01"
                return text.encode("utf-8", "replace") if as_bytes else text

            yield write


def cost(run: Callable[[Any], Any], text: Any) -> float:
    started = time.process_time()
    run(text)
    return time.process_time() - started


def runs(use: Found) -> Iterator[Callable[[Any], Any]]:
    if use.methods & SEARCHING:
        yield lambda text: deque(use.pattern.finditer(text), maxlen=0)
    for method in use.methods & {"match", "fullmatch"}:
        yield getattr(use.pattern, method)


def is_linear(run: Callable[[Any], Any], write: Callable[[int], Any], length: int) -> bool:
    """Measured up to five times: another process may have been in the way."""
    for _ in range(5):
        half, whole = (min(cost(run, write(size)) for _ in range(3)) for size in (length // 2, length))
        if whole < LINEAR * half:
            return True
    return False


def check_linear(use: Found) -> None:
    for write in texts(use.pattern):
        for run in runs(use):
            length = 16
            # Slowly at first: what grows exponentially must be noticed before it takes a minute.
            while length < LONGEST and cost(run, write(length)) < NOTICEABLE:
                length = length * 5 // 4 if length < 256 else LONGEST
            if length == LONGEST and cost(run, write(length)) < NOTICEABLE:
                continue
            assert is_linear(run, write, length), (use.where, length, write(40))


@pytest.mark.parametrize("module", MODULES)
def test_a_modules_patterns_are_linear_in_what_they_read(module: str) -> None:
    for use in all_patterns():
        if use.module == module:
            check_linear(use)


def test_the_measurement_detects_quadratic_and_exponential_patterns() -> None:
    for slow in (re.compile(r"\s*\Z"), re.compile(r"(?:a|aa)+b")):
        use = Found(slow, "here", "here", frozenset(["search"]))
        # A busy machine may hide it once: what is asked is whether it can be seen at all.
        assert any(is_seen(use) for _ in range(5))


def is_seen(use: Found) -> bool:
    try:
        check_linear(use)
    except AssertionError:
        return True
    return False
