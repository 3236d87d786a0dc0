"""`./b24 resync`: runs one round of polling by hand, with its progress on a terminal."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from gateway.cli.since import parse_since
from gateway.portal.reconcile import Progress
from gateway.portal.resync import run
from gateway.settings import load
from gateway.texts import say


@click.command(
    "resync",
    help="Compare all users of the portal with the links, and queue what changed. "
    "An interrupted round continues where it stopped.",
    epilog="Example: ./b24 resync --since 2h --dry-run",
)
@click.option(
    "--since",
    metavar="TIME",
    help="Only users changed since then (2026-01-31T12:00:00Z, or 90m, 2h, 1d ago). "
    "Quick, but it does not see users who are gone.",
)
@click.option("--dry-run", is_flag=True, help="Queue nothing; print how much would be queued.")
@click.option(
    "--confirm",
    "confirmed",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Let this round unlink up to N users, after it refused to unlink so many.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(since: str | None, dry_run: bool, confirmed: int, as_json: bool) -> None:
    """Run one round and print its summary."""
    settings = load()
    begin = parse_since(since) if since else None
    with _progress(settings.domain) as progress:
        summary = run(settings, since=begin, progress=progress, dry_run=dry_run, confirmed=confirmed)
    values = summary.as_json()
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False))
    else:
        key = "RESYNC_WOULD" if dry_run else "RESYNC_DONE"
        click.echo(say(key, settings.language, **values))
        for user in summary.unreadable_users:
            field = settings.telegram_field
            click.echo(say("RESYNC_UNREADABLE", settings.language, user=user, field=field))


@contextmanager
def _progress(domain: str) -> Iterator[Progress | None]:
    """Show a moving bar with the users seen so far; their total is not known."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # cold start
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    count = TextColumn("{task.completed} (ID {task.fields[last]})")
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(domain, total=None, last=0)
        yield lambda users, last: bar.update(task, completed=users, last=last)
