"""`./b24 replay`: puts kept events and dead letters back on the queue."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import IO, Any

import click

from gateway.cli.since import parse_since
from gateway.errors import GatewayError
from gateway.journal import Journal, open_journal
from gateway.links import open_store
from gateway.links.model import Store
from gateway.locations import PubSubTopic
from gateway.queues import Publisher, open_publisher
from gateway.settings import Settings, load
from gateway.sqlite_file import is_there
from gateway.texts import say, text_of
from gateway.tools.recovery import (
    KeptMessage,
    journal_events,
    put_back,
    queue_letters,
    receiver_service,
    store_letters,
)
from gateway.tools.recovery_log import Parts, cloud_records, exported

EPILOG = """\b
Examples:
  ./b24 replay                 everything that is kept
  ./b24 replay --dry-run       look first
  ./b24 replay --event ONUSERADD --since 2h
  gcloud logging read 'jsonPayload.code="EVENT_NOT_QUEUED"' --format=json | ./b24 replay -
"""


@click.command(
    "replay",
    help="Put kept events and dead letters back on the queue, under their old event_id. "
    "With FILE (- for standard input): those in exported log entries instead. "
    "Safe to interrupt and to repeat: nothing is put back twice.",
    epilog=EPILOG,
)
@click.argument("file", type=click.File(encoding="utf-8", errors="replace"), required=False)
@click.option("--event", "events", multiple=True, metavar="NAME", help="Only this event; may be repeated.")
@click.option(
    "--event-id",
    "event_ids",
    multiple=True,
    metavar="ID",
    help="Only the event with this id; may be repeated.",
)
@click.option(
    "--since", metavar="TIME", help="Only what was kept since this time: RFC 3339, or 30m, 2h, 7d ago."
)
@click.option(
    "--subscription",
    metavar="NAME",
    help="Pub/Sub's subscription to dead letters (default: PREFIX-dead-letters).",
)
@click.option("--dry-run", is_flag=True, help="Print what would be put back; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the events as JSON.")
def command(
    file: IO[str] | None,
    events: tuple[str, ...],
    event_ids: tuple[str, ...],
    since: str | None,
    subscription: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Put the chosen messages back; 1 if some could not be, 2 if a source could not be read or holds none."""
    settings = load()
    begin = parse_since(since) if since else None
    names = {name.upper() for name in events}
    failures: list[GatewayError] = []
    parts = Parts("file" if file else "log", settings.tokens_of)
    text = file.read() if file else ""
    records = list(exported(text))
    if not records and text.strip() not in ("", "[]"):
        click.echo(say("REPLAY_NO_RECORDS", settings.language), err=True)
        return 2

    def is_selected(candidate: KeptMessage) -> bool:
        recent = begin is None or candidate.recorded_at is None or candidate.recorded_at >= begin
        return (
            recent
            and (not names or candidate.event in names)
            and (not event_ids or candidate.event_id in event_ids)
        )

    damaged: list[int] = []

    with ExitStack() as stack:
        store = stack.enter_context(closing(open_store(settings.database)))
        publisher = stack.enter_context(closing(open_publisher(settings)))
        run = Run(store, publisher, dry_run, journal=journal_of(settings))
        # Also after an interruption, because what was put back stays put back.
        stack.callback(_report, run, settings, as_json)
        if file is not None:
            events_to_replay = _joined(iter(records), parts)
        else:
            sources = (
                journal_events(open_journal(settings), begin, damaged.append),
                _from_cloud(settings, begin, parts),
                store_letters(store),
                queue_letters(settings, stack, subscription),
            )
            events_to_replay = chain.from_iterable(
                _as_far_as_readable(source, failures) for source in sources
            )
        advance = stack.enter_context(progress(say("REPLAY_TITLE", settings.language)))
        for message in filter(is_selected, events_to_replay):
            run.replay(message)
            advance()
    return _report_left_behind(parts, damaged, failures, settings)


def _report_left_behind(
    parts: Parts, damaged: list[int], failures: list[GatewayError], settings: Settings
) -> int:
    """Print what could not be put back and why, and return the exit code."""
    for event_id in parts.incomplete():
        click.echo(say("REPLAY_INCOMPLETE", settings.language, event_id=event_id), err=True)
    if parts.unsigned:
        click.echo(say("REPLAY_UNSIGNED", settings.language, count=parts.unsigned), err=True)
    for record in damaged:
        click.echo(say("REPLAY_DAMAGED", settings.language, id=record), err=True)
    for failure in dict.fromkeys(text_of(failure, settings.language) for failure in failures):
        click.echo(failure, err=True)
    if failures:
        return 2
    return 1 if parts.incomplete() or parts.unsigned or damaged else 0


def _as_far_as_readable(source: Iterator[KeptMessage], failures: list[GatewayError]) -> Iterator[KeptMessage]:
    """What can be read of a source, so that a damaged one does not hold back the others' events."""
    while True:
        try:
            letter = next(source)
        except StopIteration:
            return
        except GatewayError as error:
            failures.append(error)
            return
        yield letter


@dataclass
class Run:
    """One replay, with what it put back and how much it skipped."""

    store: Store
    publisher: Publisher
    dry: bool
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    replayed: list[dict[str, Any]] = field(default_factory=list)
    skipped: int = 0
    # Notes what was put back: its records then show what comes of these events.
    journal: Journal | None = None

    def replay(self, event: KeptMessage) -> None:
        """Put one message back, unless it was put back before."""
        never_queued = event.source in ("journal", "log", "file")
        if not never_queued and event.recorded_at and event.recorded_at >= self.started:
            # It was put back and failed again: replaying it without end would help nobody.
            return
        if never_queued and self.store.was_replayed(event.event_id):
            self.skipped += 1
            if not self.dry:
                event.settle()
            return
        if not self.dry:
            began = time.time()
            put_back(event, self.publisher)
            if self.journal is not None:
                self.journal.add_requeued(event.event, event.event_id, began, event.reason)
            if never_queued:
                self.store.mark_replayed(event.event_id)
        self.replayed.append({"event": event.event, "event_id": event.event_id, "from": event.source})


def journal_of(settings: Settings) -> Journal | None:
    """This machine's journal, if there is one: a tool creates none."""
    journal = open_journal(settings)
    return journal if is_there(journal.path) else None


def _from_cloud(settings: Settings, since: datetime | None, parts: Parts) -> Iterator[KeptMessage]:
    """What the functions kept in Cloud Logging; an emulator has no such log."""
    topic = settings.queue
    if isinstance(topic, PubSubTopic) and "PUBSUB_EMULATOR_HOST" not in os.environ:
        records = cloud_records(topic.project, receiver_service(topic), since)
        yield from _joined(records, parts)


def _joined(records: Iterable[Any], parts: Parts) -> Iterator[KeptMessage]:
    return (event for event in map(parts.add, records) if event is not None)


def _report(run: Run, settings: Settings, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(run.replayed, ensure_ascii=False, indent=2))
        return
    if run.dry:
        for event in run.replayed:
            click.echo(f"{event['event']}  {event['event_id']}  {event['from']}")
    key = "REPLAY_WOULD" if run.dry else "REPLAY_DONE"
    click.echo(say(key, settings.language, count=len(run.replayed), skipped=run.skipped))


@contextmanager
def progress(title: str) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error, if that is a terminal; each call of what it gives advances it."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # cold start
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda: bar.advance(task)
