"""The whole catalogue: both languages alike, every key used, every used key there with its facts."""

import ast
import asyncio
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest

import gateway
import handlers
from gateway.errors import GatewayError, PassingFailure, SettingError
from gateway.local.http_request import BadRequest, long_query, parse_head
from gateway.local.inspector.words import WORDS
from gateway.texts import SENTENCES, Notice, Sentence, reason_text, say, text_of

ROOT = Path(__file__).parents[2]
CATALOGUE = SENTENCES | WORDS
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:[_/][A-Z0-9]+)*")
QUOTED = re.compile(r"""["']([A-Za-z][\w/]*)["']""")
# Functions whose first argument is a key.
SAYING = {"say", "words", "Notice"}


def modules() -> Iterator[ModuleType]:
    for package in (gateway, handlers):
        yield package
        for module_info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module_info.name.endswith("__main__"):
                yield importlib.import_module(module_info.name)


@cache
def errors() -> frozenset[str]:
    """The names of all our exceptions, once every module that defines one is imported."""
    list(modules())
    waiting, names = [GatewayError], set()
    while waiting:
        kind = waiting.pop()
        names.add(kind.__name__)
        waiting += kind.__subclasses__()
    return frozenset(names)


@cache
def trees() -> tuple[tuple[Path, ast.Module], ...]:
    files = [*ROOT.glob("gateway/**/*.py"), *ROOT.glob("handlers/*.py"), ROOT / "main.py"]
    return tuple((file, ast.parse(file.read_text("utf-8"))) for file in files)


def catalogued(tree: ast.Module) -> set[int]:
    """The constants that are keys of the catalogue itself: having a key is not using it."""
    return {
        id(key)
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Sentence"
    }


@cache
def literals_in_code() -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    """All texts in the code and the page's templates that may be keys or parts of keys; and the patterns
    of those that are put together: `f"DOCTOR_{key}_DO"` is `DOCTOR_(.+)_DO`."""
    texts: set[str] = set()
    patterns: set[str] = set()
    for _, tree in trees():
        own = catalogued(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in own:
                texts |= {node.value, *node.value.split()}
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
                if any(part and NAME.match(str(part)) and "_" in str(part) for part in parts):
                    patterns.add("".join("(.+)" if part is None else re.escape(str(part)) for part in parts))
    for template in ROOT.glob("gateway/local/inspector/templates/*.html"):
        html = template.read_text("utf-8")
        texts |= set(QUOTED.findall(html))
        for prefix in re.findall(r'"([A-Z][A-Z_]*_)" ?(?:~|\+)', html):
            patterns.add(f"{prefix}(.+)")
    return frozenset(text.upper() for text in texts) | frozenset(texts), tuple(map(re.compile, patterns))


def is_used(key: str) -> bool:
    """Written as it is, or put together from a pattern and words that are written somewhere."""
    texts, patterns = literals_in_code()
    if key in texts:
        return True
    matches = [match for pattern in patterns if (match := pattern.fullmatch(key))]
    return any(all(part in texts or part.isdigit() for part in match.groups()) for match in matches)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def saying_calls() -> Iterator[tuple[str, str, ast.Call]]:
    """(where, key, call) of each call whose key is written in it; of `a if b else c`, both."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if (
                name in SAYING and not (name == "say" and isinstance(node.func, ast.Attribute))
            ) or name in errors():
                place = 1 if name == "SettingError" else 0
                for key in keys(node.args[place : place + 1]):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", key, node


def keys(arguments: Iterable[ast.expr]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument, ast.IfExp):
            yield from keys((argument.body, argument.orelse))
        elif isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def test_each_text_has_both_languages_with_equal_fields() -> None:
    for key, text in CATALOGUE.items():
        assert text.ru.strip(), key
        assert text.en.strip(), key
        assert fields(text.ru) == fields(text.en), key
        assert "Битрикс 24" not in text.ru, key


def test_every_key_is_used() -> None:
    unused = sorted(key for key in CATALOGUE if not is_used(key))
    assert unused == []


def test_every_used_key_exists_with_its_facts() -> None:
    wrong = []
    for source, key, call in saying_calls():
        text: Sentence | None = CATALOGUE.get(key)
        fact_names = {keyword.arg for keyword in call.keywords}
        if text is None:
            wrong.append(f"{source}: no text {key}")
        elif None not in fact_names and (missing := fields(text.en) - fact_names):
            wrong.append(f"{source}: {key} lacks {', '.join(sorted(missing))}")
    assert wrong == []


def outcomes() -> Iterator[tuple[str, ast.Call]]:
    """(where, call) of each `Outcome` whose code is written in the call."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Outcome":
                yield f"{file.relative_to(ROOT)}:{node.lineno}", node


def test_an_outcome_has_a_sentence_for_the_log_and_one_for_the_lists() -> None:
    wrong = []
    for source, call in outcomes():
        has_own_text = len(call.args) > 3 or any(keyword.arg == "text" for keyword in call.keywords)
        for code in keys(call.args[:1]):
            lists = [key for key in SENTENCES if key.startswith(f"CAME_{code.removeprefix('LINK_')}")]
            if not (has_own_text or code in SENTENCES):
                wrong.append(f"{source}: no text {code}")
            if not (lists or f"CAME_{code}" in SENTENCES):
                wrong.append(f"{source}: no text CAME_{code}")
    assert wrong == []


def test_errors_are_put_into_words_with_the_errors_inside_them() -> None:
    inner = PassingFailure("PUBSUB_UNREADABLE")
    outer = Notice("RESYNC_FAILED", problem=inner)
    for language in ("ru", "en"):
        assert say("PUBSUB_UNREADABLE", language) in text_of(outer, language)
        assert reason_text(str(outer), language) == text_of(outer, language)


@pytest.mark.parametrize("notice", [Notice("NO_SUCH_KEY", deal=7), Notice("EVENT_FAILED_PUSHED", deal=7)])
def test_what_has_no_sentence_is_shown_by_its_key_and_facts(notice: Notice) -> None:
    """The work is done when its outcome is put into words: an error here would have it done again."""
    assert text_of(notice, "en") == f'{notice.key} {{"deal": 7}}'


def test_wrong_settings_are_a_line_each() -> None:
    error = SettingError("PORT", "EXPECTED_WHOLE", low=0, high=9)
    error.others = (SettingError("HOST", "EXPECTED_HOST"),)
    first, second = text_of(error, "en").splitlines()
    assert first.startswith("PORT: expected")
    assert second.startswith("HOST: expected")


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "older",
        "anything else",
        "REASON_SCHEMA",
        "REASON_SCHEMA {",
        "REASON_SCHEMA []",
        'REASON_SCHEMA {"a": 1}',
    ],
)
def test_a_stored_reason_that_is_no_key_with_its_facts_is_shown_as_it_is(reason: str) -> None:
    assert reason_text(reason, "en") == reason


def test_a_fact_of_the_systems_is_kept_without_its_path() -> None:
    error = PassingFailure("STORE_CLOSED", problem=PermissionError(13, "Permission denied", "/secret/path"))
    assert "Permission denied" in str(error)
    assert "/secret" not in str(error)
    assert "нет прав доступа" in text_of(error, "ru")


@pytest.mark.parametrize(
    ("problem", "russian", "english"),
    [
        (
            "[Errno 30] Read-only file system: 'q.db'",
            "диск только для чтения",
            "Read-only file system",
        ),
        ("[Errno 2] No such file or directory", "нет такого файла или папки", "No such file or directory"),
        ("unable to open database file", "файл базы данных не открывается", "unable to open database file"),
        ("OperationalError", "соединение не удалось или оборвалось", "the connection failed or broke"),
    ],
)
def test_a_librarys_problem_is_put_into_words(problem: str, russian: str, english: str) -> None:
    error = PassingFailure("STORE_SILENT", problem=problem)
    assert f"({russian})" in text_of(error, "ru")
    assert f"({english})" in text_of(error, "en")
    assert russian in reason_text(str(error), "ru")


def test_a_missing_login_is_not_described_by_a_class_name() -> None:
    assert text_of(PassingFailure("TOKEN_NO_LOGIN", kind="DefaultCredentialsError"), "ru").startswith(
        "учётные"
    )


@pytest.mark.parametrize(
    ("stored", "key", "facts"),
    [
        ("no user in data", "REASON_NO_USER", {}),
        ("a user without an ID that is a whole number from 1", "REASON_NO_USER_ID", {}),
        ("no data in base64", "REASON_NO_DATA", {}),
        ("an event_id or portal with a NUL", "REASON_NUL", {}),
        ("not a message of schema 1: event, ts", "REASON_SCHEMA", {"fields": "event, ts"}),
        ("https://b.example/in: 410 Gone", "REASON_GONE", {"destination": "https://b.example/in"}),
    ],
)
def test_reasons_of_the_first_edition_in_words(stored: str, key: str, facts: dict[str, str]) -> None:
    for language in ("ru", "en"):
        assert reason_text(stored, language) == say(key, language, **facts)


@pytest.mark.parametrize("length", [8193, 60_000, 100_000])
def test_a_head_that_is_too_long_says_how_much_of_the_query_came(length: int) -> None:
    start = b"POST /?" + b"a" * length
    assert len(long_query(start, asyncio.Transport()).environ["QUERY_STRING"]) == length


def test_a_malformed_request_is_described_in_the_operators_language() -> None:
    with pytest.raises(BadRequest) as caught:
        parse_head(b"GARBAGE\r\n\r\n", asyncio.Transport())
    assert "строки запроса" in say("HTTP_REFUSED", "ru", problem=caught.value.reason)
