"""What every view of the inspector needs: the reader's language, the page's token, the server's parts.

A view is a module with a `VIEW`: its name, its address, the letter that opens it, and a
function that adds its routes to the page. Changes are POSTs; no view has to check
their token and Origin, because the frame refuses every POST that is not the page's own.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, NamedTuple, cast
from urllib.parse import urlsplit

import flask
from markupsafe import Markup

from gateway.diagnosis.finding import CODES
from gateway.errors import GatewayError, PassingFailure
from gateway.journal import Journal
from gateway.links import Store, open_store
from gateway.local.inspector.access import PATH, Access
from gateway.local.inspector.words import WORDS, milliseconds, number, words
from gateway.local.recorder import Recorder
from gateway.locations import is_missing
from gateway.settings import Settings
from gateway.texts import reason_text, text_of

App = Callable[..., Iterable[bytes]]
LANGUAGES = {"ru": "Русский", "en": "English"}
LANGUAGE_COOKIE = "inspector_language"
LONG_WORD = 24  # characters
YEAR = 365 * 86_400
# In bytes: a request that is pasted to be explained.
MAX_FORM = 1024 * 1024
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    # Not `no-referrer`: with it a browser sends `Origin: null` for our own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Parts:
    """The parts of the running server that the page shows and controls; None for a missing one."""

    webhook: App | None = None
    recorder: Recorder | None = None
    worker_alive: Callable[[], bool] | None = None


class View(NamedTuple):
    """One view: `name` is its endpoint and the key of its title (`NAV_NAME`), `key` the letter after g.

    `badge` counts what waits for a person in the view; it is called often, so it must be quick.
    """

    name: str
    key: str
    register: Callable[["Inspector"], None]
    badge: Callable[["Inspector"], int] | None = None


@dataclass
class Inspector:
    """The page: its application, and what its views read and change."""

    app: flask.Flask
    settings: Settings
    journal: Journal
    access: Access
    parts: Parts = field(default_factory=Parts)
    views: tuple[View, ...] = ()
    # Why a part did not answer when it was last asked for a badge.
    problems: tuple[GatewayError, ...] = ()

    def __post_init__(self) -> None:
        self.started = time.time()
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._settings = {language: replace(self.settings, language=language) for language in LANGUAGES}

    @property
    def language(self) -> str:
        """The reader's language: the one chosen on the page, else `LOG_LANGUAGE`."""
        # Every word of a page needs the language.
        if "language" not in flask.g:
            chosen = flask.request.cookies.get(LANGUAGE_COOKIE, "")
            flask.g.language = chosen if chosen in LANGUAGES else self.settings.language
        return str(flask.g.language)

    @property
    def settings_here(self) -> Settings:
        """The settings in the reader's language, for putting causes and errors into words."""
        return self._settings[self.language]

    def words(self, key: str, /, **values: object) -> str:
        """A text of the page in the reader's language."""
        return words(key, self.language, **values)

    def render(self, template: str, **values: Any) -> str:
        """The HTML of a template."""
        return flask.render_template(template, **values)

    def age(self, seconds: float) -> str:
        """A span of time in its largest unit."""
        for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
            if seconds >= size:
                return self.words(f"AGE_{unit}", n=int(seconds // size))
        return self.words("AGE_s", n=int(seconds))

    def store(self) -> Store | None:
        """The store of links, opened once; None if nothing has created it yet."""
        with self._lock:
            if self._store is None and not is_missing(self.settings.database):
                self._store = open_store(self.settings.database)
            return self._store

    def cause_title(self, code: str, detail: str = "") -> str:
        """A cause in a few words; for a DELETE or PUT the wrong method comes before anything it lacks."""
        by_method = detail.startswith("method: ") if code == "TOKEN_ABSENT" else False
        if code == "METHOD_GET":
            by_method = bool(detail) and not detail.startswith(("GET", "HEAD"))
        key = "WRONG_METHOD" if by_method else f"CAUSE_{code}"
        return self.words(key) if key in WORDS else code

    def guide_of(self, code: str) -> str:
        """Where the page's own guide explains a cause."""
        if code not in CODES or "guide" not in self.app.view_functions:
            return ""
        return flask.url_for("guide", _anchor=code.lower())

    def badges(self) -> dict[str, int]:
        """What waits in each view, counted once per answer; 0 if a store does not answer."""
        if "badges" in flask.g:
            return cast(dict[str, int], flask.g.badges)
        counts: dict[str, int] = {}
        for view in self.views:
            if view.badge is not None:
                try:
                    counts[view.name] = view.badge(self)
                except PassingFailure:
                    counts[view.name] = 0
        flask.g.badges = counts
        return counts


def prepare(page: Inspector) -> None:
    """Add the frame's own routes, the functions for templates, and the check of who may enter."""
    app = page.app
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM
    app.jinja_env.filters |= {"breakable": breakable, "sentence": sentence}
    app.jinja_env.globals["moment"] = moment
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.before_request
    def admit() -> flask.typing.ResponseReturnValue | None:
        answer = page.access.admit(flask.request)
        if answer is None and flask.request.method not in ("GET", "HEAD") and not is_own_post(page):
            return page.words("NOT_OWN"), 403, {"Content-Type": "text/plain; charset=utf-8"}
        return answer

    @app.context_processor
    def names() -> dict[str, Any]:
        return {
            "page": page,
            "lang": page.language,
            "languages": LANGUAGES,
            # Hundreds of words would each ask for the language.
            "t": partial(_words_in, page.language),
            "reason_text": lambda reason: reason_text(reason, page.language),
            "cause_title": page.cause_title,
            "number": lambda n: number(n, page.language),
            "milliseconds": lambda ms: milliseconds(ms, page.language),
            "guide_of": page.guide_of,
            "age": page.age,
            "moment_of_hour": lambda hour: datetime.fromtimestamp(hour * 3600, UTC),
            "page_token": page.access.page_token(flask.request),
        }

    @app.after_request
    def protect(answer: flask.Response) -> flask.Response:
        answer.headers.update(HEADERS)
        return answer

    @app.post("/language")
    def language() -> flask.typing.ResponseReturnValue:
        answer = flask.redirect(own_path(flask.request.form.get("next", "")), 303)
        chosen = flask.request.form.get("language", "")
        if chosen in LANGUAGES:
            answer.set_cookie(LANGUAGE_COOKIE, chosen, max_age=YEAR, path=PATH, httponly=True, samesite="Lax")
        return answer

    @app.get("/live")
    def live() -> str:
        return page.render("live.html")

    @app.errorhandler(PassingFailure)
    def unavailable(failure: PassingFailure) -> flask.typing.ResponseReturnValue:
        return page.render("failure.html", problem=text_of(failure, page.language)), 503

    @app.errorhandler(404)
    def answer_not_found(_: Exception) -> flask.typing.ResponseReturnValue:
        return page.render("failure.html", problem=page.words("NOTHING_HERE")), 404


def _words_in(language: str, key: str, /, **values: object) -> str:
    return words(key, language, **values)


def moment(at: datetime, show: Literal["time", "minute", "full"] = "time") -> Markup:
    """A moment in UTC, which the page's script shows in the browser's own zone."""
    text = at.strftime("%Y-%m-%d %H:%M:%S")
    date, time_of_day = text.split()
    shown = {"time": time_of_day, "minute": time_of_day[:5], "full": text}[show]
    # Only digits and our own words: nothing in it needs escaping.
    return Markup(  # noqa: S704
        f'<time datetime="{date}T{time_of_day}Z" title="{text} UTC" data-show="{show}">{shown} UTC</time>'
    )


def breakable(text: str) -> Markup:
    """A long name that may break into a new line only after its separators."""
    return _with_breaks(text, r"(?<=[:._/\]\[-])(?=.)")


def sentence(text: str) -> Markup:
    """A sentence whose long words, addresses and paths, break only after a slash or a dot."""
    parts = re.split(rf"(\S{{{LONG_WORD},}})", str(text))
    return Markup().join(
        _with_breaks(part, r"(?<=[/?&=.])(?=\w)") if place % 2 else part for place, part in enumerate(parts)
    )


def _with_breaks(text: str, after: str) -> Markup:
    return Markup("<wbr>").join(re.split(after, str(text)))


def is_own_post(page: Inspector) -> bool:
    """Whether our own page sent this POST, by its token and by the origin that the browser names."""
    token = flask.request.headers.get("X-Page-Token") or flask.request.form.get("token", "")
    return page.access.is_page_token(flask.request, token) and _is_own_origin(page)


def _is_own_origin(page: Inspector) -> bool:
    request = flask.request
    origin = urlsplit(request.headers.get("Origin", "")).netloc.lower()
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin" or not origin:
        return False
    # A proxy may pass on another host; then the browser's origin is compared with our public address.
    public = urlsplit(page.settings.webhook_url or "").netloc.lower()
    hosts = (request.host, request.headers.get("X-Forwarded-Host", ""), public)
    return origin in (host.lower() for host in hosts) or "Sec-Fetch-Site" in request.headers


def own_path(path: str) -> str:
    """The path that a form names if it is one of the page's; else the page's start."""
    parts = urlsplit(path)
    inside = parts.path == PATH or parts.path.startswith(f"{PATH}/")
    if parts.scheme or parts.netloc or not inside or "\\" in path or ".." in path:
        return PATH
    return path
