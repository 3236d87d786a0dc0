"""The inspector: a page of `serve` that shows what came, what was refused, and why, as it happens.

It shows the journal, which holds no secret, to anybody whom `access` admits. What surrounds every
view is in `frame`; each view is a separate module, and `VIEWS` is their order in the navigation.
"""

from collections.abc import Iterable
from typing import Any

import flask

from gateway.journal import Journal
from gateway.local.inspector import (
    check,
    dead_letters,
    explain_view,
    guide_view,
    links_view,
    overview,
    polling,
    request_list,
)
from gateway.local.inspector.access import PATH, Access
from gateway.local.inspector.frame import App, Inspector, Parts, View, prepare
from gateway.settings import Settings

VIEWS: tuple[View, ...] = (
    overview.VIEW,
    request_list.VIEW,
    links_view.VIEW,
    dead_letters.VIEW,
    polling.VIEW,
    explain_view.VIEW,
    check.VIEW,
    guide_view.VIEW,
)


def beside(app: App, settings: Settings, journal: Journal, access: Access, parts: Parts | None = None) -> App:
    """`app` with the inspector at `PATH`; both are WSGI applications (PEP 3333)."""
    page = create_inspector(settings, journal, access, parts)

    def dispatch(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path != PATH and not path.startswith(f"{PATH}/"):
            return app(environ, start_response)
        environ |= {"SCRIPT_NAME": PATH, "PATH_INFO": path.removeprefix(PATH) or "/"}
        return page(environ, start_response)

    return dispatch


def create_inspector(
    settings: Settings, journal: Journal, access: Access, parts: Parts | None = None
) -> flask.Flask:
    """The page as a WSGI application of its own."""
    page = Inspector(flask.Flask(__name__), settings, journal, access, parts or Parts(), VIEWS)
    prepare(page)
    for view in VIEWS:
        view.register(page)
    return page.app
