"""`./b24 events`: prints what came and what came of it, and resends an accepted event."""

from collections.abc import Mapping
from typing import Any

import click

from gateway.cli.since import of_the_last_day, parse_since
from gateway.events import rfc3339
from gateway.journal import open_journal
from gateway.settings import Settings, load
from gateway.texts import say, state_key
from gateway.tools import events
from gateway.tools.events import ChosenFilters, Event
from gateway.tools.outcomes import tag_in_words
from gateway.tools.printing import as_json as json_text
from gateway.tools.printing import print_list, printable

EPILOG = """\b
Examples:
  ./b24 events
  ./b24 events --user 12 --since 7d
  ./b24 events --refused --follow
  ./b24 events show 5f2c9d01
  ./b24 events resend 5f2c9d01 --to https://bot.example.com/bitrix
"""


@click.group(
    "events",
    invoke_without_command=True,
    help="Show what came to this machine's gateway, oldest first: event, portal, user, and in one line why "
    "it was rejected or what came of it. From the journal (JOURNAL_URL).",
    epilog=EPILOG,
)
@click.option("--refused", is_flag=True, help="Only rejected requests.")
@click.option(
    "--probes", is_flag=True, help="Only the gateway's own probes (doctor, trigger); other lists hide them."
)
@click.option("--event", metavar="NAME", default="", help="Only this event.")
@click.option(
    "--user",
    metavar="USER",
    default="",
    help="Only this user: a Bitrix24 id, or the Telegram account that the event names.",
)
@click.option("--portal", metavar="DOMAIN", default="", help="Only this portal.")
@of_the_last_day
@click.option("--follow", is_flag=True, help="Keep running, and print each new request as it comes.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a list of JSON objects; with --follow, one per line."
)
@click.pass_context
def command(
    context: click.Context,
    refused: bool,
    probes: bool,
    event: str,
    user: str,
    portal: str,
    since: str,
    follow: bool,
    as_json: bool,
) -> None:
    """List requests, unless a sub-command follows."""
    settings = load()
    if context.invoked_subcommand is not None:
        context.obj = settings
        return
    filters = ChosenFilters(refused, event, user, portal, parse_since(since) if since else None, probes)
    journal = open_journal(settings)
    matching = events.listed(journal, filters)
    if as_json and not follow:
        print_list(match.to_json(settings) for match in matching)
        return
    last, count = 0, 0
    for match in matching:
        last, count = match.request.n, count + 1
        _print_line(match, settings, as_json)
    if not count and not follow:
        chosen = refused or probes or event or user or portal
        click.echo(say("EVENTS_NONE_LIKE" if chosen else "EVENTS_NONE", settings.language), err=True)
    for later in events.followed(journal, filters, settings, last) if follow else ():
        _print_line(later, settings, as_json)


@command.command(
    "show",
    help="Show one request in full: where the token was looked for, why it was rejected, what came of it "
    "at each subscription. ID: its id or event_id, or at least the first 6 characters of either.",
    short_help="Show one request in full.",
    epilog="Example: ./b24 events show 5f2c9d01",
)
@click.argument("request_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(settings: Settings, request_id: str, as_json: bool) -> None:
    """Print one request."""
    journal = open_journal(settings)
    event = events.find(journal, request_id)
    detail = events.details_of(journal, event, settings)
    if as_json:
        click.echo(json_text(detail))
        return
    _print_line(event, settings)
    for line in (*_causes(detail), *_places(detail, settings), *_outcome_lines(detail, settings)):
        click.echo(printable(line))
    for name in ("message", "headers", "query", "body"):
        if detail.get(name):
            text = detail[name] if isinstance(detail[name], str) else json_text(detail[name])
            click.echo(f"\n{say(f'EVENTS_PART_{name.upper()}', settings.language)}:")
            click.echo("\n".join(map(printable, text.splitlines())))


@command.command(
    "resend",
    help="Publish an accepted event again under a new event_id, to all that want it or to one. "
    "A rejected request is never published.",
    short_help="Publish an accepted event again.",
    epilog="Example: ./b24 events resend 5f2c9d01 --to https://bot.example.com/bitrix",
)
@click.argument("request_id", metavar="ID")
@click.option(
    "--to", metavar="DESTINATION", help="Only to this one: an address of FORWARD_TO, or a subscription."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def resend(settings: Settings, request_id: str, to: str | None, as_json: bool) -> None:
    """Publish an accepted event again."""
    event = events.find(open_journal(settings), request_id)
    name, event_id = event.request.event, events.resend(settings, event.request, to)
    if as_json:
        click.echo(json_text({"event": name, "event_id": event_id, "resent_from": event.request.event_id}))
        return
    click.echo(printable(say("EVENTS_RESENT", settings.language, event=name, event_id=event_id)))


def _print_line(event: Event, settings: Settings, as_json: bool = False) -> None:
    if as_json:
        click.echo(json_text(event.to_json(settings), None))
        return
    request = event.request
    tag = tag_in_words(request, settings.language)
    equal = ""
    if request.count > 1:
        first = rfc3339(request.first_at.replace(microsecond=0))
        equal = " · " + say("EVENTS_EQUAL", settings.language, count=request.count, at=first)
    at = rfc3339(request.at.replace(microsecond=0))
    click.echo(printable(f"{at}  {request.request_id}  {tag}  {event.line(settings)}{equal}"))


def _causes(detail: Mapping[str, Any]) -> list[str]:
    lines = []
    for cause in detail["causes"]:
        lines += [f"  {cause['code']}: {cause['says']}", f"  → {cause['do']}"]
    return [*lines, f"  {detail['guide']}"] if lines else []


def _places(detail: Mapping[str, Any], settings: Settings) -> list[str]:
    """A line for each place that held something."""
    lines = []
    for trace in detail.get("places", []):
        if trace["state"] != "absent":
            state = say(state_key(trace["state"], trace["length"]), settings.language)
            facts = (trace["place"], state, trace["length"], trace["fingerprint"])
            lines.append("  " + " · ".join(str(fact) for fact in facts if fact is not None))
    return lines


def _outcome_lines(detail: Mapping[str, Any], settings: Settings) -> list[str]:
    """What each subscription did with the event, and with what was resent, one line each."""
    lines = [f"{say('EVENTS_CAME', settings.language)}:"] if detail["outcomes"] else []
    resent = {entry["event_id"]: entry["at"] for entry in detail["resent"]}
    for event_id, at in resent.items():
        lines.append("  " + say("EVENTS_RESENDS", settings.language, at=at, event_id=event_id))
    for outcome in detail["outcomes"]:
        new_id = f" ({outcome['event_id'][:8]}…)" if outcome["event_id"] in resent else ""
        lines.append(f"  {outcome['at']}  {outcome['subscription'] or '–'}  {outcome['says']}{new_id}")
    return lines
