"""The documents as a whole: both languages have equal content, and every link leads somewhere."""

import re
from collections import Counter
from pathlib import Path

import pytest

from gateway.cli import COMMANDS
from tests.support.pages import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PAIRS = [page for page in PAGES if page.with_name(f"{page.stem}.ru.md").exists()]
LINK = re.compile(r"""(?:\]\(|src="|srcset=")([^()\s"]+)[)"]""")
BLOCK = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def shape(page: Path) -> Counter[str]:
    """How many headings, rows, items, pictures, blocks and paragraphs a page has."""
    text = page.read_text("utf-8")
    prose = BLOCK.sub("", text)
    counts = Counter(blocks=len(BLOCK.findall(text)), paragraphs=len(re.split(r"\n\s*\n", prose.strip())))
    for part, begins in (("headings", r"#+ "), ("rows", r" *\|"), ("items", r" *([-*]|\d+\.) ")):
        counts[part] = len(re.findall(rf"^{begins}", prose, re.MULTILINE))
    counts["pictures"] = prose.count("![") + prose.count("<img")
    return counts


@pytest.mark.parametrize("page", PAIRS, ids=name)
def test_the_russian_page_has_what_the_english_one_has(page: Path) -> None:
    assert shape(page) == shape(page.with_name(f"{page.stem}.ru.md"))


def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken_links = []
    for link in LINK.findall(BLOCK.sub("", page.read_text("utf-8"))):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if re.match(r"https?:", link):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken_links.append(link)
    assert broken_links == []


def test_a_page_without_a_russian_one_says_so_where_it_is_listed() -> None:
    english_only = {page.name for page in ROOT.glob("docs/*.md") if ".ru" not in page.name} - {
        page.name for page in PAIRS
    }
    listed = (ROOT / "docs/README.ru.md").read_text("utf-8").splitlines()
    for page in english_only:
        [line] = [line for line in listed if f"({page})" in line]
        assert "по-английски" in line


@pytest.mark.parametrize("page", ["README.md", "README.ru.md"])
def test_the_first_page_names_every_command(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    # `make run` starts `serve`.
    assert [name for name in COMMANDS if name != "serve" and f"./b24 {name}" not in text] == []


def test_the_recipes_name_files_that_are_there_and_what_is_in_them() -> None:
    recipes = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## Where to add what")[2]
    folders = ("gateway", "handlers", "deploy", "tests", "docs")
    files = [*ROOT.glob("*.*"), *(file for folder in folders for file in (ROOT / folder).rglob("*.*"))]
    by_end = {"/" + str(file.relative_to(ROOT)): file for file in files}
    found = {
        path: next((file for end, file in by_end.items() if end.endswith(f"/{path}")), None)
        for path in re.findall(r"`([\w/.-]+\.(?:py|sh|html|css|md))`", recipes)
    }
    assert [path for path, file in found.items() if file is None] == []
    named = re.findall(r"`(\w+)`(?:,)? (?:of|in)\s+`([\w/]+\.(?:py|sh))`", recipes)
    assert len(named) > 10
    absent = [
        f"{name} in {path}"
        for name, path in named
        if (file := found[path]) and not re.search(rf"\b{name}\b", file.read_text("utf-8"))
    ]
    assert absent == []
