"""`./b24 trigger EVENT`: posts an event as Bitrix24 would, with the token in any place."""

import json
import time
from typing import Any
from urllib.parse import quote

import click

from gateway.ingest.php_form import build_query, parse_str
from gateway.journal import OutcomeRecord, open_journal
from gateway.marks import probe_mark
from gateway.setting_values import WEBHOOK_PATH
from gateway.settings import Settings, load
from gateway.texts import reason_text, say
from gateway.tools.http_call import ask
from gateway.tools.outcomes import in_a_line
from gateway.tools.printing import as_json as as_json_text
from gateway.tools.printing import printable
from gateway.tools.sample_delivery import (
    VENDORS_PLACE,
    Address,
    data_of,
    delivery,
    local_url,
    own_token,
    parse,
    place_token,
    random_token,
)
from gateway.vocabulary import EVENTS
from verify import PLACES

WAIT_SECONDS = 3


@click.command(
    "trigger",
    help="Post a realistic EVENT (ONUSERUPDATE, ONCRMDEALUPDATE, …) to a running gateway, with the "
    "configured token, and show the answer. Exit code 0: queued, 1: rejected, 2: nobody answered.",
    epilog="\b\nExample:\n  ./b24 trigger ONUSERUPDATE --data ID=12 --data UF_USR_TELEGRAM=@ivan_petrov",
)
@click.argument("event", required=False)
@click.option("--list", "as_list", is_flag=True, help="List the events that the gateway knows.")
@click.option(
    "--url",
    metavar="URL",
    help="The gateway's address; default: the one that runs with these settings on this machine.",
)
@click.option(
    "--place",
    type=click.Choice(PLACES),
    default=VENDORS_PLACE,
    show_default=True,
    help="Where to put the token.",
)
@click.option("--data", "data", multiple=True, metavar="KEY=VALUE", help="The event's data; may be repeated.")
@click.option("--wrong-token", is_flag=True, help="Send a random token, to see the rejection.")
@click.option("--send-token", is_flag=True, help="Send the token even to a host other than WEBHOOK_URL's.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def command(
    event: str | None,
    as_list: bool,
    url: str | None,
    place: str,
    data: tuple[str, ...],
    wrong_token: bool,
    send_token: bool,
    as_json: bool,
) -> int:
    """Post the event and print the answer; 0 if it was queued, 1 if rejected, 2 if nobody answered."""
    settings = load()
    if as_list:
        click.echo("\n".join(EVENTS))
        return 0
    if event is None:
        raise click.UsageError(say("TRIGGER_NO_EVENT", settings.language))
    address = parse(url or f"{local_url(settings.host, settings.port)}{WEBHOOK_PATH}")
    if address is None:
        raise click.UsageError(say("DOCTOR_URL", settings.language))
    token = random_token() if wrong_token else _token(settings)
    if url and not (wrong_token or send_token or _may_know(address, settings)):
        raise click.UsageError(say("TRIGGER_STRANGER", settings.language))
    if event.upper() not in EVENTS:
        click.echo(say("TRIGGER_UNKNOWN", settings.language, event=printable(event.upper())), err=True)
    fields = delivery(event, _data(event, data, settings.language), own_token(settings)[1])
    headers, query = place_token(place, token, fields)
    if _may_know(address, settings) or send_token:
        headers |= probe_mark(settings.tokens, time.time())
    try:
        answer = ask("POST", address.origin + address.path + query, build_query(fields), headers)
    except OSError as error:
        click.echo(say("TRIGGER_NOBODY", settings.language, url=address, problem=error), err=True)
        return 2
    text = answer.body.decode("utf-8", "replace")
    queued = _report(event, answer.status, text, settings, address.loopback, as_json)
    if wrong_token and not as_json and _parsed(text).get("code") == "TOKEN_MISMATCH":
        click.echo(say("TRIGGER_WRONG", settings.language), err=True)
    return 0 if queued else 1


def _report(event: str, status: int, text: str, settings: Settings, waits: bool, as_json: bool) -> bool:
    """Print the answer, and if `waits` what came of the event; return whether it was queued."""
    answer = _parsed(text)
    queued = status == 200 and answer.get("code") == "EVENT_QUEUED"
    outcomes = _outcomes_of(str(answer.get("event_id")), settings) if queued and waits else []
    if as_json:
        click.echo(
            as_json_text(
                {**answer, "outcomes": [_as_json(outcome, settings.language) for outcome in outcomes]}
                if answer
                else text
            )
        )
        return queued
    field = f" (field: {answer['field']})" if "field" in answer else ""
    click.echo(printable(f"{status} {answer.get('code', '')} {answer.get('message', text[:200])}{field}"))
    for outcome in outcomes:
        click.echo(_in_words(outcome, event, settings))
    if queued and waits and not outcomes:
        # The beginning is enough to find it by.
        event_id = printable(str(answer.get("event_id")))[:12]
        click.echo(
            say("TRIGGER_WAITED", settings.language, seconds=WAIT_SECONDS, event_id=event_id), err=True
        )
    return queued


def _outcomes_of(event_id: str, settings: Settings) -> list[OutcomeRecord]:
    """What came of the event, by this machine's journal; empty if that takes longer than we wait."""
    journal = open_journal(settings)
    deadline = time.monotonic() + WAIT_SECONDS
    outcomes: list[OutcomeRecord] = []
    while time.monotonic() < deadline:
        newer = journal.outcomes([event_id]).get(event_id, [])
        if newer and len(newer) == len(outcomes):
            # No further subscription has answered meanwhile.
            return outcomes
        outcomes = newer
        time.sleep(0.2)
    return outcomes


def _as_json(outcome: OutcomeRecord, language: str) -> dict[str, str]:
    reason = reason_text(outcome.reason, language)
    return {"subscription": outcome.subscription, "code": outcome.code, "reason": reason}


def _in_words(outcome: OutcomeRecord, event: str, settings: Settings) -> str:
    # It reached no subscription.
    if outcome.code == "EVENT_IGNORED" and not outcome.facts.get("probe"):
        return say("EVENT_IGNORED", settings.language, event=printable(event.upper())) + " [EVENT_IGNORED]"
    return printable(in_a_line(outcome, settings.language))


def _data(event: str, pairs: tuple[str, ...], lang: str) -> Any:
    if malformed := [pair for pair in pairs if "=" not in pair[1:]]:
        raise click.BadParameter(say("TRIGGER_DATA", lang, given=malformed[0]), param_hint="--data")
    # `FIELDS[ID]=7` nests, as Bitrix24's own names do.
    if pairs:
        parts = (pair.partition("=") for pair in pairs)
        return parse_str("&".join(f"{quote(name)}={quote(value)}" for name, _, value in parts).encode())
    return data_of(event)


def _token(settings: Settings) -> str:
    if not settings.tokens:
        raise click.UsageError(say("ANSWER_TOKEN_NOT_CONFIGURED", settings.language))
    return own_token(settings)[0]


def _may_know(address: Address, settings: Settings) -> bool:
    """Whether this address may see the token: this machine, or our own public address over HTTPS."""
    return address.loopback or (address.secure and address.is_ours(settings))


def _parsed(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
