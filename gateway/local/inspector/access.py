"""Decides who may open the inspector: anybody who has the printed key, or knows `INSPECTOR_PASSWORD`.

Nothing about a request proves that it comes from this machine: a proxy beside the
gateway connects from loopback, may pass on any `Host`, and need not say that it
forwards. So everybody is asked, wherever they come from.

The key opens once as `/inspector?key=…`, which is answered with a cookie and a page
that goes on to the address without the key; a password is asked for by a form. The
cookie holds no secret: a time, signed with a key of this process. When that time is over, the
cookie still shows that this browser once knew the password: it has five tries of its own, so that
nobody behind the same proxy can use up its owner's.
"""

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections.abc import Callable
from html import escape
from urllib.parse import quote, urlencode

import flask

from gateway.local.client_address import sender_address, sender_network
from gateway.rate_limited import RateLimited
from gateway.redaction import clean
from gateway.settings import Settings
from gateway.texts import say

PATH = "/inspector"
COOKIE = "inspector"
SESSION_SECONDS = 12 * 3600
# How long a browser keeps the cookie.
BROWSER_SECONDS = 90 * 86_400
# Wrong passwords a minute from one address, and from all of them.
TRIES = 5
ALL_TRIES = 100
MAX_FORM = 4096  # bytes
# The files of the form that asks for the password: the same for everybody, with nothing private in them.
STYLES = ("/static/style.css", "/static/icon.svg")
_BROWSER = "browser "

log = logging.getLogger("gateway.inspector")


class Access:
    """Admits requests to the inspector; `link` is the address that opens it, where no password is set."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._password = settings.inspector_password
        self._key = None if self._password else secrets.token_urlsafe(24)
        self._signing = secrets.token_bytes(32)
        self._expected = (self._password or "").encode("utf-8", "surrogateescape")
        self._failures: list[tuple[float, str]] = []
        self._lock = threading.Lock()
        self._reports = RateLimited(log, 10.0)

    @property
    def link(self) -> str:
        """The path to print at start."""
        return f"{PATH}?key={self._key}" if self._key else PATH

    def admit(self, request: flask.Request) -> flask.Response | None:
        """None if the request may see the inspector, else the answer that it gets instead."""
        if self._password and request.path in STYLES:
            return None
        cookie = request.cookies.get(COOKIE, "")
        session_ends = self._session_end(cookie)
        if session_ends > self._clock():
            # Redirected, so that no history and no screenshot keeps an address with the key.
            return self._go_on(None) if "key" in request.args else None
        offered = self._offered(request)
        if offered is None:
            return self._closed(request)
        sender = sender_address(request.environ)
        tries_of = f"{_BROWSER}{cookie}" if session_ends else sender_network(sender)
        is_right, counts = self._check(offered, tries_of)
        return self._go_on(self._session()) if is_right else self._refused(sender, tries_of, counts)

    def page_token(self, request: flask.Request) -> str:
        """The token of the page's own forms, bound to this session, so that no other site knows it."""
        return self._sign(f"page {request.cookies.get(COOKIE, '')}")

    def is_page_token(self, request: flask.Request, token: str) -> bool:
        """Whether `token` is this session's `page_token`."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.page_token(request).encode())

    def _offered(self, request: flask.Request) -> str | None:
        """The key or password that the request brings; None if it brings none, "" if it can't be used."""
        if self._key:
            return request.args.get("key")
        if request.method != "POST":
            return None
        if not self._is_own_form(request):
            return ""
        request.max_content_length = MAX_FORM
        return request.form.get("password", "")

    def _check(self, offered: str, tries_of: str) -> tuple[bool, bool]:
        """Whether key or password is right, and if not, whether that counts as one of five tries a minute.

        A key can't be guessed, so its tries are not counted.
        """
        if self._key:
            return hmac.compare_digest(offered.encode("utf-8", "replace"), self._key.encode()), False
        with self._lock:
            if self._is_locked(tries_of):
                return False, False
            if hmac.compare_digest(offered.encode("utf-8", "replace"), self._expected):
                return True, False
            self._failures.append((self._clock(), tries_of))
            return False, True

    def _is_locked(self, tries_of: str) -> bool:
        """Whether wrong tries lock this address or browser out, or the tries of all are too many.

        The limit for all is against made-up addresses, where no proxy adds the real one.
        """
        now = self._clock()
        self._failures = [failure for failure in self._failures if now - failure[0] < 60]
        failures_of_sender = sum(1 for _, other in self._failures if other == tries_of)
        return failures_of_sender >= TRIES or (
            len(self._failures) >= ALL_TRIES and not tries_of.startswith(_BROWSER)
        )

    def _is_own_form(self, request: flask.Request) -> bool:
        """Whether our own page sent the form: no other page may try passwords through a browser."""
        return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")

    def _session(self) -> str:
        until = str(int(self._clock()) + SESSION_SECONDS)
        return f"{until}.{self._sign(until)}"

    def _sign(self, text: str) -> str:
        return hmac.new(self._signing, text.encode(), hashlib.sha256).hexdigest()

    def _session_end(self, cookie: str) -> int:
        """When the session of this cookie ends, or has ended; 0 if the cookie is not ours."""
        until, _, signature = cookie.partition(".")
        signature_bytes, expected = signature.encode("utf-8", "replace"), self._sign(until[:20]).encode()
        return int(until) if hmac.compare_digest(signature_bytes, expected) else 0

    def _go_on(self, session: str | None) -> flask.Response:
        """Redirect to the page that was asked for, without a key in the address."""
        answer = flask.Response("", 303, {"Location": _asked_for(flask.request)})
        if session:
            secure = flask.request.is_secure or flask.request.headers.get("X-Forwarded-Proto") == "https"
            answer.set_cookie(
                COOKIE,
                session,
                max_age=BROWSER_SECONDS,
                path=PATH,
                httponly=True,
                # Lax, not Strict: the key's link is opened from a chat or a terminal.
                samesite="Lax",
                secure=secure,
            )
        return answer

    def _closed(self, request: flask.Request) -> flask.Response:
        # A link to one request, sent by a colleague, asks for the password too; a script's request does not.
        shows_form = (
            self._password and request.method in ("GET", "HEAD") and "HX-Request" not in request.headers
        )
        return self._page(401) if shows_form else self._text(401, "INSPECTOR_CLOSED")

    def _refused(self, sender: str, tries_of: str, counts: bool) -> flask.Response:
        text = say("INSPECTOR_REFUSED_ENTRY", self._settings.language, sender=clean(sender or "?"))
        # Every password that was checked is logged, because their number is bounded; only some of the others.
        if counts:
            log.warning(text)
        else:
            self._reports.warning(sender, text)
        with self._lock:
            locked = self._is_locked(tries_of)
        if locked and self._password:
            answer = self._text(429, "INSPECTOR_LOCKED")
            answer.headers["Retry-After"] = "60"
            return answer
        return self._page(403) if self._password else self._text(403, "INSPECTOR_CLOSED")

    def _text(self, status: int, key: str) -> flask.Response:
        return flask.Response(say(key, self._settings.language) + "\n", status, mimetype="text/plain")

    def _page(self, status: int) -> flask.Response:
        """The form that asks for the password; the answer's policy lets it post only to this server."""
        language = self._settings.language
        label_key = "INSPECTOR_ASKS" if status == 401 else "INSPECTOR_WRONG_PASSWORD"
        title, label, send = (
            escape(say(key, language)) for key in ("INSPECTOR_TITLE", label_key, "INSPECTOR_OPEN")
        )
        page = (
            f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width">'
            f"<title>{title}</title>"
            f'<link rel="icon" href="{PATH}{STYLES[1]}"><link rel="stylesheet" href="{PATH}{STYLES[0]}">'
            f'<main class="door"><h1>{title}</h1>'
            f'<form class="stack" method="post" action="{escape(_asked_for(flask.request))}">'
            f'<label for="password">{label}</label>'
            '<input type="password" id="password" name="password" autocomplete="current-password" '
            f'required autofocus><button class="primary">{send}</button></form></main></html>'
        )
        return flask.Response(page, status, mimetype="text/html")


def _asked_for(request: flask.Request) -> str:
    """The address of the page that this request is for, without the key."""
    path = PATH if request.path in ("", "/") else PATH + quote(request.path)
    query = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != "key"])
    return f"{path}?{query}" if query else path
