"""The inspector's frame: who may change what, in which language, and what a browser may load."""

import ast
import re
import string
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from gateway.journal import Journal
from gateway.local import inspector
from gateway.local.inspector import VIEWS
from gateway.local.inspector.frame import sentence
from gateway.local.inspector.words import CATALOGUES, WORDS, words
from gateway.settings import Settings
from gateway.texts import SENTENCES
from tests.support.inspector import Browser

ROOM = Path(inspector.__file__).parent
HERE = "http://localhost"
FORBIDDEN = r"<style|\sstyle=|<script(?! src)|\son[a-z]+=|(?:src|href)=\"https?:"
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_every_view_opens_in_both_languages_and_loads_nothing_from_elsewhere(
    browser: Browser, view: str
) -> None:
    path = "" if view == "overview" else f"/{view}"
    for language in ("en", "ru"):
        browser.speak(language)
        answer = browser.get(path)
        assert answer.status_code == 200
        assert f'<html lang="{language}">' in answer.text
        assert 'aria-current="page"' in answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(
            r"<style|\sstyle=|<script(?! src)|\son[a-z]+=|(?:src|href)=\"https?:", answer.text
        )


def test_a_change_needs_the_pages_token_and_its_origin(browser: Browser) -> None:
    def change(token: str, **headers: str) -> int:
        form = {"language": "ru", "next": "/inspector/requests", "token": token}
        http_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return browser.client.post("/inspector/language", data=form, headers=http_headers).status_code

    right = browser.token()
    assert change("", Origin=HERE) == 403
    assert change("0" * 64, Origin=HERE) == 403
    assert change(right) == 403
    for origin in ("http://evil.example", "null", "http://localhost.evil.example"):
        assert change(right, Origin=origin) == 403
    assert change(right, Origin=HERE, Sec_Fetch_Site="cross-site") == 403
    assert change(right, Origin="https://evil.example", Sec_Fetch_Site="cross-site") == 403
    assert '<html lang="en">' in browser.get("/requests").text
    assert change(right, Origin=HERE) == 303
    assert '<html lang="ru">' in browser.get("/requests").text


def test_another_sessions_page_token_opens_nothing(settings: Settings, journal: Journal) -> None:
    browser, other = Browser(settings, journal), Browser(settings, journal)
    assert browser.post("/language", language="ru", token=other.token()).status_code == 403


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/", "/inspector/../x", "/inspectors", "\\\\evil"]
)
def test_the_language_leads_nowhere_else(browser: Browser, elsewhere: str) -> None:
    assert browser.post("/language", language="ru", next=elsewhere).location == "/inspector"


def test_every_word_stands_in_both_languages() -> None:
    assert sum(len(catalogue.WORDS) for catalogue in CATALOGUES) == len(WORDS), (
        "a key stands in two catalogues"
    )
    for key, text in WORDS.items():
        assert text.ru.strip(), key
        assert text.en.strip(), key
        assert not CYRILLIC.search(text.en), key
        assert _fields(text.ru) == _fields(text.en), key
        if "|" in text.ru:
            assert (text.ru.count("|"), text.en.count("|")) == (2, 1), key


def test_every_word_is_used_and_every_used_word_exists() -> None:
    used, keys_in_code = set(), set()
    for template in (ROOM / "templates").glob("*.html"):
        tree = Environment(extensions=["jinja2.ext.do"], autoescape=True).parse(template.read_text("utf-8"))
        used |= {node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str)}
        for call in tree.find_all(nodes.Call):
            is_word = isinstance(call.node, nodes.Name) and call.node.name == "t"
            if is_word and isinstance(call.args[0], nodes.Const):
                keys_in_code.add(call.args[0].value)
    for module in ROOM.glob("*.py"):
        parsed = ast.walk(ast.parse(module.read_text("utf-8")))
        used |= {
            node.value for node in parsed if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    beginnings = tuple(text for text in used if text.endswith("_") and len(text) > 1)
    assert {key for key in WORDS if key not in used and not key.startswith(beginnings)} == set()
    assert keys_in_code <= {*WORDS, *SENTENCES}


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("n", "ru", "en"),
    [
        (1, "1 новый отказ", "1 new rejection"),
        (2, "2 новых отказа", "2 new rejections"),
        (5, "5 новых отказов", "5 new rejections"),
        (11, "11 новых отказов", "11 new rejections"),
        (21, "21 новый отказ", "21 new rejections"),
        (1112, "1 112 новых отказов", "1,112 new rejections"),
    ],
)
def test_numbers_are_written_as_each_language_does(n: int, ru: str, en: str) -> None:
    assert words("NEW_REFUSED", "ru", n=n).replace("\N{NO-BREAK SPACE}", " ") == ru
    assert words("NEW_REFUSED", "en", n=n).replace("\N{NO-BREAK SPACE}", " ") == en


def test_a_missing_page_is_reported_within_the_page(browser: Browser) -> None:
    answer = browser.get("/nowhere")
    assert (answer.status_code, words("NOTHING_HERE", "en") in answer.text) == (404, True)


def test_an_unreadable_journal_is_reported_within_the_page(browser: Browser, journal: Journal) -> None:
    journal.path.write_bytes(b"this is no database, and long enough to be looked at" * 100)
    answer = browser.get("/requests")
    assert (answer.status_code, str(journal.path) in answer.text.replace("<wbr>", "")) == (503, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Short words stay. Also a/b.", "Short words stay. Also a/b."),
        ("<b> & so on", "&lt;b&gt; &amp; so on"),
        (
            "POST to https://hooks.example.com/api/bitrix, please.",
            "POST to https://<wbr>hooks.<wbr>example.<wbr>com/<wbr>api/<wbr>bitrix, please.",
        ),
        ("Set BITRIX24_OUTGOING_WEBHOOK_TOKEN.", "Set BITRIX24_OUTGOING_WEBHOOK_TOKEN."),
        ("https://<script>alert(1)</script>/", "https://&lt;script&gt;alert(1)&lt;/<wbr>script&gt;/"),
    ],
)
def test_only_addresses_break_and_only_after_their_separators(text: str, expected: str) -> None:
    assert sentence(text) == expected
