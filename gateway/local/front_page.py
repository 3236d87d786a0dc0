"""Serves a page to people who open the server's address: that the gateway runs, and what to do next.

Bitrix24, monitors and everything else that does not ask for a page get the receiver's JSON.
"""

from collections.abc import Callable, Iterable
from html import escape
from typing import Any

from gateway import __version__
from gateway.local.inspector.access import PATH
from gateway.setting_values import WEBHOOK_PATH
from gateway.texts import say

App = Callable[..., Iterable[bytes]]


def before(app: App, language: str) -> App:
    """`app` with a page at `/` for browsers; both are WSGI applications (PEP 3333)."""
    page = _page(language).encode()

    def dispatch(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _from_a_browser(environ):
            return app(environ, start_response)
        start_response(
            "200 OK",
            [
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Length", str(len(page))),
                ("Cache-Control", "no-store"),
                ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
        return [page]

    return dispatch


def _from_a_browser(environ: dict[str, Any]) -> bool:
    """Whether it is a plain GET of `/` that asks for a page; any other request is the receiver's."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and environ.get("PATH_INFO", "") == "/"
        and not environ.get("QUERY_STRING")
        and environ.get("CONTENT_LENGTH", "") in ("", "0")
        and "HTTP_TRANSFER_ENCODING" not in environ
        and "text/html" in environ.get("HTTP_ACCEPT", "")
        and "Bitrix24" not in environ.get("HTTP_USER_AGENT", "")
    )


def _page(language: str) -> str:
    title, up, inspector, log = (
        escape(say(f"FRONT_{name}", language, path=WEBHOOK_PATH, version=__version__))
        for name in ("TITLE", "UP", "INSPECTOR", "LOG")
    )
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f'<h1>{title}</h1><p>{up}</p><p><a href="{PATH}">{inspector}</a></p><p>{log}</p></html>\n'
    )
