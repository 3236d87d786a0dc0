"""`python -m gateway trigger EVENT`: post what Bitrix24 would, the token in any place."""

import json
import secrets
import time
from typing import Any
from urllib.parse import quote, urlsplit

import click
import urllib3

from gateway.messages import say
from gateway.phpform import build_query
from gateway.settings import WEBHOOK_PATH, Settings, load
from verify import PLACES

AGENT = "Bitrix24 Webhook Engine"
BODY = "body:auth.application_token"
LOOPBACK = ("127.0.0.1", "::1", "localhost")

# What the vendor's events carry, by the beginning of their names; the first that fits.
DATA: list[tuple[str, Any]] = [
    ("ONUSERUPDATE", {"ID": "12", "ACTIVE": "1", "UF_USR_TELEGRAM": "@ivan_petrov"}),
    (
        "ONUSER",
        {"ID": "12", "ACTIVE": "1", "EMAIL": "ivan@example.com", "NAME": "Иван", "LAST_NAME": "Петров"},
    ),
    (
        "ONTASKCOMMENT",
        {"FIELDS_BEFORE": "undefined", "FIELDS_AFTER": {"ID": "0", "TASK_ID": "7", "MESSAGE_ID": "31"}},
    ),
    ("ONTASK", {"FIELDS_BEFORE": {"ID": "7"}, "FIELDS_AFTER": {"ID": "7"}, "IS_ACCESSIBLE_BEFORE": "Y"}),
    ("ON", {"FIELDS": {"ID": "7405"}}),
]


@click.command(
    "trigger",
    help="Post a realistic EVENT (ONUSERUPDATE, ONCRMDEALUPDATE, …) to a running gateway, with the "
    "configured token, and show the answer. Exit code 0: queued, 1: refused, 2: nobody answered.",
    epilog="Example: python -m gateway trigger ONUSERUPDATE --data ID=12 --data UF_USR_TELEGRAM=@ivan_petrov",
)
@click.argument("event")
@click.option("--url", help="Default: the server of these settings, on this machine.")
@click.option(
    "--place", type=click.Choice(PLACES), default=BODY, show_default=True, help="Where the token stands."
)
@click.option(
    "--data", "data", multiple=True, metavar="KEY=VALUE", help="The event's data; repeat it for more."
)
@click.option("--wrong-token", is_flag=True, help="Send a random token, to see the refusal.")
@click.option("--send-token", is_flag=True, help="Send the token even to another host than WEBHOOK_URL's.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def command(
    event: str,
    url: str | None,
    place: str,
    data: tuple[str, ...],
    wrong_token: bool,
    send_token: bool,
    as_json: bool,
) -> int:
    settings = load()
    address = url or f"http://{_here(settings.host)}:{settings.port}{WEBHOOK_PATH}"
    token = secrets.token_hex(16) if wrong_token else _token(settings)
    if url and not (wrong_token or send_token or _may_know(url, settings)):
        raise click.UsageError(say("TRIGGER_STRANGER", settings.language))
    fields = delivery(event, _data(event, data), settings.domain or "portal.bitrix24.ru")
    headers, query = place_token(place, token, fields)
    try:
        answer = urllib3.PoolManager(retries=False, timeout=15).request(
            "POST", address + query, body=build_query(fields), headers=headers, redirect=False
        )
    except urllib3.exceptions.HTTPError as error:
        click.echo(
            say("TRIGGER_NOBODY", settings.language, url=address, problem=type(error).__name__), err=True
        )
        return 2
    text = answer.data.decode("utf-8", "replace")
    said = _parsed(text)
    click.echo(
        text if as_json else f"{answer.status} {said.get('code', '')} {said.get('message', text[:200])}"
    )
    return 0 if answer.status == 200 and said.get("code") == "EVENT_QUEUED" else 1


def delivery(event: str, data: Any, domain: str) -> dict[str, Any]:
    """A webhook's delivery as nested values, keys in the vendor's order, without its token."""
    member_id = secrets.token_hex(16)
    auth = {"domain": domain, "client_endpoint": f"https://{domain}/rest/"}
    auth |= {"server_endpoint": "https://oauth.bitrix.info/rest/", "member_id": member_id}
    return {"event": event, "event_handler_id": "1", "data": data, "ts": str(int(time.time())), "auth": auth}


def place_token(place: str, token: str, fields: dict[str, Any]) -> tuple[dict[str, str], str]:
    """Put the token into its place; returns the headers and the query."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": AGENT}
    where, _, name = place.partition(":")
    if where == "header":
        headers[name] = f"Bearer {token}" if name == "Authorization" else token
    elif where == "query":
        return headers, f"?token={quote(token)}"
    else:
        *path, last = name.split(".")
        inner = fields
        for level in path:
            inner = inner.setdefault(level, {}) if isinstance(inner.get(level, {}), dict) else inner
        inner[last] = token
    return headers, ""


def _data(event: str, given: tuple[str, ...]) -> Any:
    if given:
        return {name: value for name, _, value in (pair.partition("=") for pair in given)}
    return next((data for start, data in DATA if event.upper().startswith(start)), {"FIELDS": {"ID": "1"}})


def _token(settings: Settings) -> str:
    if not settings.tokens:
        raise click.UsageError(say("ANSWER_TOKEN_NOT_CONFIGURED", settings.language))
    return settings.tokens[0].decode("utf-8", "surrogateescape")


def _may_know(url: str, settings: Settings) -> bool:
    """Whether this address may see the token: this machine, or our own public address over HTTPS."""
    parts = urlsplit(url)
    ours = settings.webhook_url is not None and parts.hostname == urlsplit(settings.webhook_url).hostname
    return parts.hostname in LOOPBACK or (ours and parts.scheme == "https")


def _here(host: str) -> str:
    """The host of a URL at which a server that listens on `host` is reached from here."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 — compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _parsed(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
