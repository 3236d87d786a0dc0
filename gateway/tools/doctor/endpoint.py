"""Checks the running address from outside: name, HTTPS, certificate, redirects, path, health, probes.

The right token goes only into `auth.application_token`, over HTTPS or to loopback, and
only to `WEBHOOK_URL`'s host unless the operator says `--send-token`; every other place
gets a random one. No redirect is ever followed.
"""

import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from gateway.destinations import PROBE_EVENT
from gateway.ingest.decision import STATUS
from gateway.ingest.php_form import build_query
from gateway.marks import probe_mark
from gateway.redaction import clean
from gateway.setting_values import WEBHOOK_PATH
from gateway.settings import Settings
from gateway.texts import say
from gateway.tools.doctor import Check, Scribe
from gateway.tools.http_call import ask
from gateway.tools.sample_delivery import VENDORS_PLACE, Address, parse, place_token, random_token
from verify import PLACES, fingerprint

# In characters, with the query: the vendor's limit for a handler's address.
MAX_ADDRESS = 255
_SECONDS = 15.0
_AGENT = "gateway-doctor"
_DAYS_LEFT = 14
# The gateway itself accepts 512 KiB.
_LARGE_BYTES = 500_000
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": _AGENT}


class Answer(NamedTuple):
    """An HTTP answer; `fields` is its JSON object or {}. If none came, `status` is 0 and `problem` is set."""

    status: int
    fields: dict[str, Any]
    location: str
    headers: Mapping[str, str] = {}
    problem: OSError | None = None

    @property
    def printable(self) -> object:
        """Status and code for a person, safe for a terminal."""
        if self.problem is not None:
            return self.problem
        code = str(self.fields.get("code", ""))
        return f"{self.status} {code if code in STATUS else clean(code, limit=40)}".strip()


def examine(settings: Settings, scribe: Scribe, url: str | None, send_token: bool) -> Iterator[Check]:
    """Check the address from the outside in; some failures leave nothing more to check."""
    text = url or settings.paste_url
    address = parse(text) if text else None
    if address is None:
        yield scribe.skipped("address", "NO_ADDRESS")
        return
    yield _as_bitrix24_needs_it(address, scribe)
    reached = _resolve(address, scribe)
    yield reached
    if reached.result == "failed":
        return
    certificate = _certificate(address, scribe)
    yield certificate
    if certificate.result == "failed" and address.secure:
        return
    may_know_mark = address.loopback or send_token or (address.secure and address.is_ours(settings))
    address = replace(address, headers=probe_mark(settings.tokens, time.time()) if may_know_mark else {})
    answer = _post(address, *_probe("", ""))
    if answer.status == 0:
        yield scribe.failed("connection", "NO_CONNECTION", address=address, problem=answer.problem)
        return
    if 300 <= answer.status < 400:
        yield scribe.failed("redirects", "REDIRECT", status=answer.status, to=clean(answer.location))
        return
    yield scribe.ok("redirects", "NO_REDIRECT")
    path = _path(address, answer, scribe)
    yield path
    yield _health(address, scribe)
    yield from _inspector(address, scribe)
    if path.result == "ok":
        yield _large_body(address, scribe)
        yield _places(address, settings, scribe, send_token)


def _as_bitrix24_needs_it(address: Address, scribe: Scribe) -> Check:
    if address.loopback:
        return scribe.skipped("public address", "LOOPBACK", address=address)
    if not address.secure:
        return scribe.failed("public address", "PLAIN_HTTP", address=address)
    if "." not in address.host:
        return scribe.failed("public address", "NO_DOT", host=address.host)
    if address.length > MAX_ADDRESS:
        return scribe.failed("public address", "TOO_LONG", length=address.length, limit=MAX_ADDRESS)
    return scribe.ok("public address", "PUBLIC", address=address)


def _resolve(address: Address, scribe: Scribe) -> Check:
    try:
        entries = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return scribe.failed("name", "NO_NAME", host=address.host)
    addresses = ", ".join(dict.fromkeys(str(entry[4][0]) for entry in entries))
    return scribe.ok("name", "NAME", host=address.host, addresses=addresses)


def _certificate(address: Address, scribe: Scribe) -> Check:
    if not address.secure:
        return (scribe.skipped if address.loopback else scribe.failed)(
            "certificate", "NO_TLS", address=address
        )
    try:
        with socket.create_connection((address.host, address.port), _SECONDS) as plain:
            context = ssl.create_default_context()
            with context.wrap_socket(plain, server_hostname=address.host) as secure:
                certificate = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return scribe.failed("certificate", "BAD_CERTIFICATE", problem=error)
    except (OSError, ssl.SSLError) as error:
        return scribe.failed("certificate", "NO_CONNECTION", address=address, problem=error)
    expiry = str(certificate.get("notAfter", ""))
    days = int((ssl.cert_time_to_seconds(expiry) - time.time()) // 86_400) if expiry else 0
    key = "CERTIFICATE" if days >= _DAYS_LEFT else "CERTIFICATE_ENDS"
    return scribe.ok("certificate", key, days=days)


def _path(address: Address, answer: Answer, scribe: Scribe) -> Check:
    code = answer.fields.get("code")
    if (answer.status, code) == (401, "TOKEN_NOT_FOUND"):
        return scribe.ok("path", "PATH", path=clean(address.path))
    if code == "TOKEN_NOT_CONFIGURED":
        return scribe.failed("path", "THERE_NO_TOKEN")
    # METHOD_NOT_ALLOWED answers a POST to /health.
    if code in ("NOT_FOUND", "METHOD_NOT_ALLOWED"):
        # The path is right, but the gateway got another one: something before it rewrites paths.
        key = "PATH_CHANGED" if address.path.rstrip("/") == WEBHOOK_PATH else "PATH_WRONG"
        return scribe.failed("path", key, path=clean(address.path), right=WEBHOOK_PATH)
    if (answer.status, code) == (200, "OK"):
        return scribe.failed("path", "POST_TO_GET", path=clean(address.path))
    if answer.status == 401 and not code and "www-authenticate" in answer.headers:
        return scribe.failed("path", "BASIC")
    if not code and _call(address, "POST", "", _FORM, b"event=" + PROBE_EVENT.encode()).fields.get("code"):
        return scribe.failed("path", "BRACKETS", answer=answer.printable)
    if answer.status == 403 and not code:
        return scribe.failed("path", "CLOSED")
    return scribe.failed("path", "STRANGE", answer=answer.printable)


def _health(address: Address, scribe: Scribe) -> Check:
    answer = _call(address, "GET", "", {"User-Agent": _AGENT}, None)
    if answer.status != 200 or "token_configured" not in answer.fields:
        return scribe.failed("health", "UNHEALTHY", answer=answer.printable)
    if answer.headers.get("age", "0") != "0" or "HIT" in answer.headers.get("x-cache", "").upper():
        return scribe.failed("health", "CACHED")
    if not answer.fields["token_configured"]:
        return scribe.failed("health", "THERE_NO_TOKEN")
    return scribe.ok("health", "HEALTH", queue=clean(str(answer.fields.get("queue"))))


def _inspector(address: Address, scribe: Scribe) -> Iterator[Check]:
    """Check that the inspector, which shows events, asks for its key or password from outside."""
    if address.loopback:
        return
    answer = _call(replace(address, path="/inspector"), "GET", "", {"User-Agent": _AGENT}, None)
    write = scribe.failed if answer.status == 200 else scribe.ok
    yield write("inspector", "INSPECTOR_OPEN" if answer.status == 200 else "INSPECTOR_CLOSED")


def _large_body(address: Address, scribe: Scribe) -> Check:
    """Post a large body: a bot's event in Russian may have hundreds of KB, which proxies may refuse."""
    query, headers, body = _probe("", "")
    answer = _post(address, query, headers, body + b"&data%5BNOTE%5D=" + b"x" * _LARGE_BYTES)
    if answer.fields.get("code") == "TOKEN_NOT_FOUND":
        return scribe.ok("large body", "LARGE_BODY", size=_LARGE_BYTES // 1000)
    key = "BODY_LIMITED" if answer.status == 413 else "BODY_LOST"
    return scribe.failed("large body", key, size=_LARGE_BYTES // 1000, answer=answer.printable)


def _places(address: Address, settings: Settings, scribe: Scribe, send_token: bool) -> Check:
    """Try all seven places: the right token in Bitrix24's own, a random one in each other."""
    checks = [*_right_token(address, settings, scribe, send_token), *_wrong_tokens(address, scribe)]
    failed = [check for check in checks if check.result == "failed"]
    if failed:
        saw = "; ".join(f"{check.check}: {check.saw}" for check in failed)
        return Check("places", "failed", saw, failed[0].do)
    right_token = checks[0]
    refused = sum(check.check != right_token.check for check in checks)
    sentence = say("DOCTOR_OTHERS", scribe.language, count=refused)
    return Check(
        "places", right_token.result, f"{right_token.check}: {right_token.saw}; {sentence}", right_token.do
    )


def _wrong_tokens(address: Address, scribe: Scribe) -> Iterator[Check]:
    answers = set()
    for place in PLACES:
        if place == VENDORS_PLACE:
            continue
        answer = _post(address, *_probe(place, random_token()))
        if answer.status == 403 and answer.fields.get("code") == "TOKEN_MISMATCH":
            answers.add(json.dumps({**answer.fields, "request_id": ""}, sort_keys=True))
            yield scribe.ok(place, "WRONG_REFUSED")
        elif answer.status == 401:
            yield scribe.ok(place, "WRONG_DROPPED", answer=answer.printable)
        else:
            key = "WRONG_ACCEPTED" if answer.status == 200 else "STRANGE"
            yield scribe.failed(place, key, answer=answer.printable)
    if len(answers) > 1:
        yield scribe.failed(", ".join(PLACES), "ANSWERS_DIFFER")


def _right_token(address: Address, settings: Settings, scribe: Scribe, send_token: bool) -> Iterator[Check]:
    check = VENDORS_PLACE
    if not settings.tokens:
        yield scribe.skipped(check, "NO_TOKEN_HERE")
    elif not (address.secure or address.loopback):
        yield scribe.skipped(check, "TOKEN_IN_CLEAR")
    elif not (send_token or address.is_ours(settings)):
        yield scribe.skipped(check, "STRANGER", host=address.host)
    else:
        for token in settings.tokens:
            portal = settings.portal_of(token) or "doctor.invalid"
            answer = _post(address, *_probe(VENDORS_PLACE, token.decode("utf-8", "surrogateescape"), portal))
            printed = fingerprint(token) or "-"
            yield _right_answer(check, answer, printed, scribe)


def _right_answer(check: str, answer: Answer, printed: str, scribe: Scribe) -> Check:
    keys = {
        "TOKEN_MISMATCH": "RIGHT_MISMATCH",
        "TOKEN_NOT_FOUND": "RIGHT_LOST",
        "QUEUE_UNAVAILABLE": "RIGHT_QUEUE",
    }
    code = str(answer.fields.get("code"))
    if answer.status == 200 and code == "EVENT_QUEUED":
        return scribe.ok(check, "RIGHT_QUEUED", print=printed)
    return scribe.failed(check, keys.get(code, "STRANGE"), print=printed, answer=answer.printable)


def _probe(place: str, token: str, portal: str = "doctor.invalid") -> tuple[str, Mapping[str, str], bytes]:
    """Query, headers and body of a probe, from a portal that does not exist unless a token is bound to one.

    Its event changes no link, whatever the portal.
    """
    fields: dict[str, Any] = {
        "event": PROBE_EVENT,
        "event_handler_id": "0",
        "ts": str(int(time.time())),
        "auth": {"domain": portal},
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    query = ""
    if place:
        headers, query = place_token(place, token, fields)
    return query, headers | {"User-Agent": _AGENT}, build_query(fields)


def _post(address: Address, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
    return _call(address, "POST", query, headers, body)


def _call(
    address: Address, method: str, query: str, headers: Mapping[str, str], body: bytes | None
) -> Answer:
    url = f"{address.origin}{address.path}{query}"
    try:
        reply = ask(method, url, body, {**headers, **address.headers}, _SECONDS)
    except OSError as error:
        return Answer(0, {}, "", problem=error)
    return Answer(reply.status, _object(reply.body), reply.headers.get("location", ""), reply.headers)


def _object(text: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
