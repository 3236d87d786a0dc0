"""`./b24 trigger EVENT`: post what Bitrix24 would, the token in any place."""

import json
import secrets
from typing import Any

import click
import urllib3

from gateway.ingest.php_form import build_query
from gateway.setting_values import WEBHOOK_PATH
from gateway.settings import Settings, load
from gateway.texts import say
from gateway.tools.sample_delivery import OURS, Address, data_of, delivery, here, parse, place_token
from verify import PLACES


@click.command(
    "trigger",
    help="Post a realistic EVENT (ONUSERUPDATE, ONCRMDEALUPDATE, …) to a running gateway, with the "
    "configured token, and show the answer. Exit code 0: queued, 1: refused, 2: nobody answered.",
    epilog="Example: ./b24 trigger ONUSERUPDATE --data ID=12 --data UF_USR_TELEGRAM=@ivan_petrov",
)
@click.argument("event")
@click.option("--url", help="Default: the server of these settings, on this machine.")
@click.option(
    "--place", type=click.Choice(PLACES), default=OURS, show_default=True, help="Where the token stands."
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
    address = parse(url or f"{here(settings.host, settings.port)}{WEBHOOK_PATH}")
    if address is None:
        raise click.UsageError(say("DOCTOR_URL", settings.language))
    token = secrets.token_hex(16) if wrong_token else _token(settings)
    if url and not (wrong_token or send_token or _may_know(address, settings)):
        raise click.UsageError(say("TRIGGER_STRANGER", settings.language))
    fields = delivery(event, _data(event, data), settings.domain or "portal.bitrix24.ru")
    headers, query = place_token(place, token, fields)
    try:
        answer = urllib3.PoolManager(retries=False, timeout=15).request(
            "POST",
            address.origin + address.path + query,
            body=build_query(fields),
            headers=headers,
            redirect=False,
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


def _data(event: str, given: tuple[str, ...]) -> Any:
    if wrong := [pair for pair in given if "=" not in pair]:
        raise click.BadParameter(wrong[0], param_hint="--data KEY=VALUE")
    if given:
        return {name: value for name, _, value in (pair.partition("=") for pair in given)}
    return data_of(event)


def _token(settings: Settings) -> str:
    if not settings.tokens:
        raise click.UsageError(say("ANSWER_TOKEN_NOT_CONFIGURED", settings.language))
    return settings.tokens[0].decode("utf-8", "surrogateescape")


def _may_know(address: Address, settings: Settings) -> bool:
    """Whether this address may see the token: this machine, or our own public address over HTTPS."""
    return address.loopback or (address.secure and address.is_ours(settings))


def _parsed(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
