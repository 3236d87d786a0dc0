"""`./b24 rejections`: prints why requests were rejected, and how often."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from gateway.cli.since import parse_since
from gateway.events import rfc3339
from gateway.locations import PubSubTopic
from gateway.settings import Settings, load
from gateway.texts import say, state_key
from gateway.tools.rejections import Group, Refusal, grouped, of_cloud, of_journal


@click.command(
    "rejections",
    help="Show why requests were rejected, by cause, with the newest trace and what to do. From Cloud "
    "Logging if QUEUE_URL is pubsub:// (or PROJECT is given), else from the journal of this machine.",
    epilog="Example: ./b24 rejections --since 24h",
)
@click.option("--since", metavar="TIME", default="1h", show_default=True, help="How far to look back.")
@click.option("--follow", is_flag=True, help="Keep running, and print each new rejection as it comes.")
@click.option("--project", metavar="PROJECT", help="The Google Cloud project; default: from QUEUE_URL.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --follow, one rejection per line.")
def command(since: str, follow: bool, project: str | None, as_json: bool) -> None:
    """Print the refusals, grouped, or one after another with `--follow`."""
    settings = load()
    refusals = _refusals(settings, parse_since(since), follow, project)
    if follow:
        for refusal in refusals:
            click.echo(json.dumps(refusal.to_json(), ensure_ascii=False)) if as_json else _print(
                refusal, settings.language
            )
        return
    groups = grouped(refusals)
    if as_json:
        click.echo(json.dumps([group.to_json() for group in groups], ensure_ascii=False, indent=2))
    elif not groups:
        click.echo(say("REJECTIONS_NONE", settings.language))
    for group in groups if not as_json else []:
        _print(group.newest, settings.language, group)


def _refusals(settings: Settings, since: datetime, follow: bool, project: str | None) -> Iterator[Refusal]:
    if project is None and isinstance(settings.queue, PubSubTopic):
        project = settings.queue.project
    if project is not None:
        return of_cloud(project, since, follow)
    return of_journal(settings, since, follow)


def _print(refusal: Refusal, language: str, group: Group | None = None) -> None:
    """Print the cause, how often and when it occurred, what to do, and the newest trace."""
    console = Console(markup=False, highlight=False, emoji=False)
    fields = refusal.to_json()
    count = f"{group.count} × " if group else ""
    at = rfc3339(refusal.at.replace(microsecond=0))
    text = Text.assemble((f"{count}{fields['cause']}", "bold red"), f"  {fields['code']}  {at}")
    lines = [
        fields["says"],
        f"→ {fields['do']}" if fields["do"] else "",
        fields["guide"],
        _trace(fields["places"], language),
    ]
    for line in lines:
        if line:
            text.append(f"\n   {line}", style="bold" if line.startswith("→") else "")
    console.print(text, soft_wrap=not console.is_terminal)


def _trace(places: list[dict[str, Any]], language: str) -> str:
    """The places that were not empty, in one line."""
    filled = [trace for trace in places if trace.get("state") != "absent"]
    traces = []
    for trace in filled:
        state = say(state_key(trace["state"], trace.get("length")), language)
        facts = (trace["place"], state, trace.get("length"), trace.get("fingerprint"))
        traces.append(" ".join(str(fact) for fact in facts if fact is not None))
    return " · ".join(traces)
