"""`./b24 dead-letters`: prints what could not be handled and why, requeues it edited, or drops it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import chain
from typing import IO, Any

import click

from gateway.cli.replay import journal_of, progress
from gateway.errors import GatewayError, PoisonMessage
from gateway.events import read_message, rfc3339
from gateway.links import open_store
from gateway.locations import is_missing
from gateway.queues import open_publisher
from gateway.settings import Settings, load
from gateway.texts import reason_text, say
from gateway.tools import printing
from gateway.tools.printing import print_list, printable
from gateway.tools.recovery import KeptMessage, corrected, put_back, queue_letters, store_letters

# How many ids are named if several match.
_MAX_IDS = 5

EPILOG = """\b
Examples:
  ./b24 dead-letters
  ./b24 dead-letters show 5f2c9d --message > letter.json
  ./b24 dead-letters mend 5f2c9d letter.json
  ./b24 replay                 all of them, as they are
"""


@click.group(
    "dead-letters",
    invoke_without_command=True,
    help="Messages that a consumer could never handle (from DATABASE_URL) or that ran out of attempts "
    "(from QUEUE_URL), each with the reason. Without a sub-command: list them.",
    epilog=EPILOG,
)
@click.option("--event", metavar="NAME", help="Only this event.")
@click.option(
    "--subscription",
    metavar="NAME",
    help="Pub/Sub's subscription to dead letters (default: PREFIX-dead-letters).",
)
@click.option("--json", "as_json", is_flag=True, help="Print a list of JSON objects.")
@click.pass_context
def command(context: click.Context, event: str | None, subscription: str | None, as_json: bool) -> None:
    """List the dead letters, unless a sub-command follows."""
    settings = load()
    context.obj = (settings, subscription)
    if context.invoked_subcommand is not None:
        return
    letters = _letters(settings, subscription)
    chosen = (letter for letter in letters if event is None or letter.event == event.upper())
    if as_json:
        print_list(_as_json(letter, settings.language) for letter in chosen)
        return
    count = 0
    for letter in chosen:
        count += 1
        reason = reason_text(letter.reason, settings.language)
        click.echo(printable(f"{letter.event_id or letter.id}  {letter.event}  {letter.attempts}  {reason}"))
    if not count:
        click.echo(say("NO_DEAD_LETTERS", settings.language), err=True)


@command.command(
    "show",
    help="Show one dead letter in full. ID: its id or event_id, or the beginning of either.",
    short_help="Show one dead letter in full.",
    epilog="Example: ./b24 dead-letters show 5f2c9d --message > letter.json",
)
@click.argument("letter_id", metavar="ID")
@click.option(
    "--message", "only_message", is_flag=True, help="Only the message, to edit it and pass it to `mend`."
)
@click.pass_obj
def show(context: tuple[Settings, str | None], letter_id: str, only_message: bool) -> None:
    """Print one dead letter."""
    letter = _letter_with_id(*context, letter_id)
    printed = letter.message if only_message else _as_json(letter, context[0].language)
    click.echo(printing.as_json(printed))


@command.command(
    "mend",
    help="Put an edited message (JSON in FILE or on standard input) on the queue in place of a dead letter.",
    short_help="Put an edited message on the queue.",
    epilog="Example: ./b24 dead-letters mend 5f2c9d letter.json",
)
@click.argument("letter_id", metavar="ID")
@click.argument("file", type=click.File("rb"), default="-")
@click.pass_obj
def mend(context: tuple[Settings, str | None], letter_id: str, file: IO[bytes]) -> int:
    """Put an edited message on the queue in place of a letter; 1 if it can't be read."""
    settings = context[0]
    letter = _letter_with_id(*context, letter_id)
    try:
        message = read_message(file.read())
    except PoisonMessage as poison:
        click.echo(say("MEND_UNREADABLE", settings.language, reason=poison), err=True)
        return 1
    began = time.time()
    with closing(open_publisher(settings)) as publisher:
        put_back(corrected(letter, message), publisher)
    if (journal := journal_of(settings)) is not None:
        journal.add_requeued(message.event, message.event_id, began, letter.reason)
    click.echo(
        say("MENDED", settings.language, event=printable(message.event), event_id=printable(message.event_id))
    )
    return 0


@command.command(
    "drop",
    help="Delete dead letters for good: the given ones, or all with --all.",
    short_help="Delete dead letters for good.",
    epilog="Example: ./b24 dead-letters drop 5f2c9d",
)
@click.argument("letter_ids", metavar="[ID]…", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@click.pass_obj
def drop(context: tuple[Settings, str | None], letter_ids: tuple[str, ...], everything: bool) -> None:
    """Delete the given dead letters, or all."""
    if everything == bool(letter_ids):
        raise click.UsageError(say("DROP_WHICH", context[0].language))
    settings = context[0]
    # All named letters are found before the first is dropped, so that a wrong id drops nothing.
    chosen = [_letter_with_id(*context, letter_id) for letter_id in letter_ids]
    count = 0
    with progress(say("DROP_TITLE", settings.language)) as advance:
        for letter in _letters(*context) if everything else chosen:
            count += 1
            letter.settle()
            advance()
    click.echo(say("DROPPED", settings.language, count=count))


def _letters(settings: Settings, subscription: str | None) -> Iterator[KeptMessage]:
    """All dead letters; their sources stay open until the command ends."""
    stack = click.get_current_context().with_resource(ExitStack())
    put_aside: Iterator[KeptMessage] = iter(())
    if not is_missing(settings.database):
        put_aside = store_letters(stack.enter_context(closing(open_store(settings.database))))
    return chain(put_aside, queue_letters(settings, stack, subscription))


def _letter_with_id(settings: Settings, subscription: str | None, letter_id: str) -> KeptMessage:
    """The letter with this id; an exact match counts before a beginning. Raises `GatewayError`."""
    exact: list[KeptMessage] = []
    begin: list[KeptMessage] = []
    for letter in _letters(settings, subscription):
        if letter_id in (letter.id, letter.event_id):
            exact.append(letter)
        elif len(begin) < _MAX_IDS and (
            letter.id.startswith(letter_id) or letter.event_id.startswith(letter_id)
        ):
            begin.append(letter)
    matching = exact or begin
    if not matching:
        raise GatewayError("NO_SUCH_LETTER", id=letter_id)
    if len(matching) > 1:
        ids = ", ".join(letter.id for letter in matching[:_MAX_IDS])
        raise GatewayError("MANY_SUCH_LETTERS", id=letter_id, ids=ids)
    return matching[0]


def _as_json(letter: KeptMessage, language: str) -> dict[str, Any]:
    return {
        "id": letter.id,
        "event": letter.event,
        "event_id": letter.event_id,
        "reason": reason_text(letter.reason, language),
        "attempts": letter.attempts,
        "recorded_at": letter.recorded_at and rfc3339(letter.recorded_at),
        "from": letter.source,
        "message": letter.message,
    }
