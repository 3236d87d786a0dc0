"""Serves the guides of `docs/`, so that a cause can link to its section without the repository."""

import re
from functools import cache
from pathlib import Path

import flask
from markupsafe import Markup

from gateway.functions import DOCS
from gateway.local.inspector.frame import Inspector, View

FIRST = "token-not-found"
_NAME = re.compile(r"[a-z0-9-]{1,60}")
_PICTURE = re.compile(r"[a-z0-9.-]{1,80}\.(?P<kind>svg|png)")
_KINDS = {"svg": "image/svg+xml", "png": "image/png"}
# As GitHub shows a picture that has a dark twin; here the twin is found by its name.
_TWINS = re.compile(
    r'<picture>\s*<source[^>]*>\s*<img alt="(?P<alt>[^"]*)" src="(?P<src>[^"]*)">\s*</picture>'
)
_LOCAL = re.compile(r"(?P<name>[a-z0-9-]{1,60}?)(?:\.ru)?\.md(?P<anchor>#.*)?")


def register(page: Inspector) -> None:
    """Add the view's routes to the page."""

    @page.app.get("/guide", endpoint="guide")
    def guide() -> str:
        return show(FIRST)

    @page.app.get("/guide/<name>", endpoint="guide_page")
    def guide_page(name: str) -> str:
        return show(name)

    @page.app.get("/guide/pictures/<name>", endpoint="guide_picture")
    def guide_picture(name: str) -> flask.Response:
        path = DOCS / "pictures" / name
        match = _PICTURE.fullmatch(name)
        if match is None or not path.is_file():
            flask.abort(404)
        return flask.Response(path.read_bytes(), mimetype=_KINDS[match["kind"]])

    def show(name: str) -> str:
        path = _path(name, page.language)
        if path is None:
            flask.abort(404)
        base = flask.url_for("guide")
        return page.render("guide.html", view="guide", text=Markup(as_html(path, base)))  # noqa: S704 — escaped there


def _path(name: str, language: str) -> Path | None:
    """The path of the guide in the reader's language, or in the only language that it has."""
    if not _NAME.fullmatch(name):
        return None
    suffixes = (".ru.md", ".md") if language == "ru" else (".md", ".ru.md")
    return next((path for suffix in suffixes if (path := DOCS / f"{name}{suffix}").is_file()), None)


@cache
def as_html(path: Path, base: str) -> str:
    """A guide as HTML: markup in it is shown, headings have the anchors that links expect."""
    from markdown_it import MarkdownIt  # this view only

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(_TWINS.sub(r"![\g<alt>](\g<src>)", path.read_text(encoding="utf-8")))
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor_of(tokens[index + 1].content))
        for inner in token.children or ():
            if inner.type == "link_open":
                inner.attrSet("href", _address(str(inner.attrGet("href") or ""), base))
            if inner.type == "image":
                name = str(inner.attrGet("src") or "").rpartition("/")[2]
                inner.attrSet("src", f"{base}/pictures/{name}")
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    html = re.sub(r'<img src="[^"]*/(?P<name>[^"/]*)"[^>]*>', _with_dark_twin, html)
    return html.replace("<table>", '<div class="scroll"><table>').replace("</table>", "</table></div>")


def _with_dark_twin(picture: re.Match[str]) -> str:
    """A picture, with the dark one where there is one: `name-dark.png` beside `name.png`."""
    name = picture["name"]
    dark = re.sub(r"(?=(?:\.ru)?\.png$)", "-dark", name, count=1)
    if dark == name or not (DOCS / "pictures" / dark).is_file():
        return picture[0]
    source = picture[0].split('"')[1].replace(name, dark)
    return f'<picture><source media="(prefers-color-scheme: dark)" srcset="{source}">{picture[0]}</picture>'


def anchor_of(heading: str) -> str:
    """A heading's anchor as GitHub makes it: lower case, spaces as dashes, no punctuation."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _address(href: str, base: str) -> str:
    """A link's target on this page: another guide by its name; any other file in the repository."""
    if href.startswith(("#", "https://", "http://")):
        return href
    match = _LOCAL.fullmatch(href.removeprefix("./"))
    if match is None:
        return "#"
    return f"{base}/{match['name']}{match['anchor'] or ''}"


VIEW = View("guide", "h", register)
