"""The inspector: a page of `serve` that shows what came, what was refused, and why, as it happens.

It shows the journal, in which no secret stands. With `INSPECTOR_PASSWORD` it asks
everybody for it (HTTP Basic, RFC 7617, under any name); without one it is open to
this machine alone.

A tunnel or a proxy on this machine connects from loopback too, and a page elsewhere
may give its own name our address (DNS rebinding). So a request is of this machine
only where its `Host` says so as well, and nothing says that it was forwarded. A proxy
may say nothing at all: hence a password, once there is one, is asked on loopback too.
"""

import hmac
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import flask

from gateway.errors import PassingFailure
from gateway.events import rfc3339
from gateway.journal import Journal, Kind, Record
from gateway.settings import Settings
from gateway.startup import summary
from gateway.texts import say, state_key
from gateway.tools.sample_delivery import is_loopback

App = Callable[..., Iterable[bytes]]
PATH = "/inspector"
NEWEST = 50  # records on the page as it opens, and as many at most with each look for newer ones
FORWARDING = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
MARKS = {"delivery": "✅", "refusal": "⚠️", "capture": "🔎", "not_queued": "🛑"}


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


def beside(app: App, settings: Settings, journal: Journal) -> App:
    """`app` with the inspector at `PATH`; both are WSGI applications (PEP 3333)."""
    page = create_inspector(settings, journal)

    def dispatch(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path != PATH and not path.startswith(f"{PATH}/"):
            return app(environ, start_response)
        environ |= {"SCRIPT_NAME": PATH, "PATH_INFO": path.removeprefix(PATH) or "/"}
        return page(environ, start_response)

    return dispatch


def create_inspector(settings: Settings, journal: Journal) -> flask.Flask:
    """The page as a WSGI application of its own."""
    app = flask.Flask(__name__)
    app.jinja_env.globals |= {"say": lambda key: say(key, settings.language), "state_key": state_key}
    app.jinja_env.globals["lang"] = settings.language

    @app.before_request
    def admit() -> flask.Response | None:
        return None if _may_see(flask.request, settings) else _closed(settings)

    @app.after_request
    def protect(answer: flask.Response) -> flask.Response:
        answer.headers.update(HEADERS)
        return answer

    @app.get("/")
    def page() -> str:
        kind = _kind()
        newest = journal.newest(kind, NEWEST)
        told = {"kind": kind, "last": newest[0].id if newest else 0, "summary": summary(settings)}
        return flask.render_template("page.html", entries=[entry(record) for record in newest], **told)

    @app.get("/newer")
    def newer() -> flask.typing.ResponseReturnValue:
        kind = _kind()
        found = list(journal.records(kind, after=_after(), limit=NEWEST))
        if not found:
            return "", 204  # htmx leaves the page as it is
        entries = [entry(record) for record in reversed(found)]
        return flask.render_template("records.html", entries=entries, kind=kind, last=found[-1].id)

    @app.errorhandler(PassingFailure)
    def unreadable(failure: PassingFailure) -> flask.typing.ResponseReturnValue:
        return str(failure), 503, {"Content-Type": "text/plain; charset=utf-8"}

    return app


def entry(record: Record) -> Entry:
    """What the page shows of a record."""
    said = dict(record.record)
    places, causes = said.pop("places", []), said.pop("causes", [])
    if record.kind == "refusal":
        line = causes[0]["says"] if causes else said.get("message", "")
    else:
        names = ("event", "portal", "place", "method", "path")
        line = " · ".join(str(said[name]) for name in names if said.get(name))
    return Entry(
        id=record.id,
        at=rfc3339(record.at.replace(microsecond=0)),
        mark=MARKS[record.kind],
        code=str(said.get("code", record.kind.upper())),
        line=line,
        places=places,
        causes=causes,
        more=json.dumps(said, ensure_ascii=False, indent=2),
    )


def _kind() -> Kind | None:
    return "refusal" if flask.request.args.get("kind") == "refusal" else None


def _after() -> int:
    told = flask.request.args.get("after", "")
    return int(told) if re.fullmatch(r"[0-9]{1,18}", told) else 0  # what SQLite can compare


def _may_see(request: flask.Request, settings: Settings) -> bool:
    if settings.inspector_password:
        given = request.authorization.password if request.authorization else None
        expected = settings.inspector_password.encode("utf-8", "surrogateescape")
        return hmac.compare_digest((given or "").encode("utf-8", "replace"), expected)
    # No browser speaks HTTP/1.0, but nginx does to what stands behind it, unless told otherwise.
    forwarded = request.environ.get("SERVER_PROTOCOL") == "HTTP/1.0"
    forwarded = forwarded or any(name in request.headers for name in FORWARDING)
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
    except ValueError:  # `[`
        host = ""
    return is_loopback(request.remote_addr or "") and is_loopback(host) and not forwarded


def _closed(settings: Settings) -> flask.Response:
    if settings.inspector_password:
        asked = {"WWW-Authenticate": 'Basic realm="inspector", charset="UTF-8"'}
        return flask.Response(say("INSPECTOR_ASKS", settings.language), 401, asked, mimetype="text/plain")
    return flask.Response(say("INSPECTOR_CLOSED", settings.language), 403, mimetype="text/plain")
