"""`./b24 rejections`: why requests were refused, and how often."""

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
    help="Why requests were refused: grouped by cause, with the newest trace and what to do. From Cloud "
    "Logging where QUEUE_URL is pubsub:// (or PROJECT is given), else from the journal of this machine.",
    epilog="Example: ./b24 rejections --since 24h",
)
@click.option("--since", metavar="TIME", default="1h", show_default=True, help="How far to look back.")
@click.option("--follow", is_flag=True, help="Then go on, with each refusal as it comes.")
@click.option("--project", metavar="PROJECT", help="The Google Cloud project; default: QUEUE_URL's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with --follow one refusal a line.")
def command(since: str, follow: bool, project: str | None, as_json: bool) -> None:
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
    """The cause, how often and when, what was seen, what to do, and the newest trace."""
    console = Console(markup=False, highlight=False, emoji=False)
    shown = refusal.to_json()
    count = f"{group.count} × " if group else ""
    at = rfc3339(refusal.at.replace(microsecond=0))
    head = Text.assemble((f"{count}{shown['cause']}", "bold red"), f"  {shown['code']}  {at}")
    lines = [
        shown["says"],
        f"→ {shown['do']}" if shown["do"] else "",
        shown["guide"],
        _trace(shown["places"], language),
    ]
    for line in lines:
        if line:
            head.append(f"\n   {line}", style="bold" if line.startswith("→") else "")
    console.print(head, soft_wrap=not console.is_terminal)


def _trace(places: list[dict[str, Any]], language: str) -> str:
    """The places that were not empty, in one line."""
    filled = [seen for seen in places if seen.get("state") != "absent"]
    traces = []
    for seen in filled:
        state = say(state_key(seen["state"], seen.get("length")), language)
        parts = (seen["place"], state, seen.get("length"), seen.get("fingerprint"))
        traces.append(" ".join(str(part) for part in parts if part is not None))
    return " · ".join(traces)
