"""The inspector: a page of `serve` that shows what came, what was refused, and why, as it happens.

It shows the journal, in which no secret stands, to whom `door` admits.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import flask

from gateway.diagnosis import in_words
from gateway.errors import PassingFailure
from gateway.events import rfc3339
from gateway.journal import Filters, Journal, Request
from gateway.local.inspector.door import PATH, Door
from gateway.settings import Settings
from gateway.startup import summary
from gateway.texts import say, state_key

App = Callable[..., Iterable[bytes]]
NEWEST = 50  # records on the page as it opens, and as many at most with each look for newer ones
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
MARKS = {"accepted": "✅", "aside": "🛑", "refused": "⚠️", "probe": "🔎", "not_queued": "🛑"}


class Entry(NamedTuple):
    """A record as the page shows it: one line, and behind it the places, the causes and all the rest."""

    id: int
    at: str
    mark: str
    code: str
    line: str
    places: list[dict[str, Any]]
    causes: list[dict[str, str]]
    more: str


def beside(app: App, settings: Settings, journal: Journal, door: Door) -> App:
    """`app` with the inspector at `PATH`; both are WSGI applications (PEP 3333)."""
    page = create_inspector(settings, journal, door)

    def dispatch(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path != PATH and not path.startswith(f"{PATH}/"):
            return app(environ, start_response)
        environ |= {"SCRIPT_NAME": PATH, "PATH_INFO": path.removeprefix(PATH) or "/"}
        return page(environ, start_response)

    return dispatch


def create_inspector(settings: Settings, journal: Journal, door: Door) -> flask.Flask:
    """The page as a WSGI application of its own."""
    app = flask.Flask(__name__)
    app.jinja_env.globals |= {"say": lambda key: say(key, settings.language), "state_key": state_key}
    app.jinja_env.globals["lang"] = settings.language

    @app.before_request
    def admit() -> flask.Response | None:
        return door.admit(flask.request)

    @app.after_request
    def protect(answer: flask.Response) -> flask.Response:
        answer.headers.update(HEADERS)
        return answer

    @app.get("/")
    def page() -> str:
        kind = _kind()
        newest = journal.page(_wanted(kind), limit=NEWEST).requests
        told = {"kind": kind, "last": newest[0].n if newest else 0, "summary": summary(settings)}
        return flask.render_template("page.html", entries=[entry(one, settings) for one in newest], **told)

    @app.get("/newer")
    def newer() -> flask.typing.ResponseReturnValue:
        kind = _kind()
        found = list(journal.requests(_wanted(kind), after=_after(), limit=NEWEST))
        if not found:
            return "", 204  # htmx leaves the page as it is
        entries = [entry(one, settings) for one in reversed(found)]
        return flask.render_template("records.html", entries=entries, kind=kind, last=found[-1].n)

    @app.errorhandler(PassingFailure)
    def unreadable(failure: PassingFailure) -> flask.typing.ResponseReturnValue:
        return str(failure), 503, {"Content-Type": "text/plain; charset=utf-8"}

    return app


def entry(request: Request, settings: Settings) -> Entry:
    """What the page shows of a record."""
    facts = dict(request.record)
    places = facts.pop("places", [])
    causes = [cause.to_json() for cause in in_words(facts.pop("causes", []), settings)]
    facts |= {"event": request.event, "portal": request.portal, "request_id": request.request_id}
    line = causes[0]["says"] if causes else ""
    if request.kind != "refused":
        names = ("event", "portal", "place", "method", "path")
        line = " · ".join(str(facts[name]) for name in names if facts.get(name))
    return Entry(
        id=request.n,
        at=rfc3339(request.at.replace(microsecond=0)),
        mark=MARKS.get(request.kind, "🔎"),
        code=request.code,
        line=line,
        places=places,
        causes=causes,
        more=json.dumps(facts, ensure_ascii=False, indent=2),
    )


def _wanted(kind: str | None) -> Filters:
    return Filters(kinds=("refused",)) if kind else Filters()


def _kind() -> str | None:
    return "refusal" if flask.request.args.get("kind") == "refusal" else None


def _after() -> int:
    told = flask.request.args.get("after", "")
    return int(told) if re.fullmatch(r"[0-9]{1,18}", told) else 0  # what SQLite can compare
