"""`./b24 links`: prints who is linked to whom and what changed, and forgets a person."""

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import islice
from typing import Any

import click

from gateway.addresses import portal_given
from gateway.cli.consent import consents
from gateway.errors import GatewayError
from gateway.functions import of_kind
from gateway.links import open_store
from gateway.links.model import Account, HistoryRow, Link, Store
from gateway.links.rows import csv_values, json_values
from gateway.links.telegram_account import parse_account
from gateway.locations import is_missing
from gateway.queues import open_embedded
from gateway.settings import Settings, language, load
from gateway.texts import say

# In characters: a host name has at most 253.
_PIPE_WIDTH = 1000

EPILOG = """\b
Examples:
  ./b24 links
  ./b24 links --telegram @somebody --json
  ./b24 links --history --user 42
  ./b24 links forget p.bitrix24.ru 42
"""
LINK = Link.__slots__
HISTORY = HistoryRow.__slots__
Row = dict[str, Any]


@click.group(
    "links",
    invoke_without_command=True,
    help="The links in DATABASE_URL: which Telegram account is which Bitrix24 user. "
    "Users without an account are listed too: their link ended, or there never was one.",
    epilog=EPILOG,
)
@click.option("--portal", metavar="DOMAIN", help="Only this portal.")
@click.option("--user", metavar="ID", type=click.IntRange(1), help="Only this Bitrix24 user.")
@click.option("--telegram", metavar="ACCOUNT", help="Only this Telegram account: an id, @name or t.me link.")
@click.option("--history", is_flag=True, help="Print the changes instead of the links, oldest first.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of JSON objects.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a header row.")
@click.pass_context
def command(
    context: click.Context,
    portal: str | None,
    user: int | None,
    telegram: str | None,
    history: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Print the links or their history, unless a sub-command follows."""
    if context.invoked_subcommand is not None:
        return
    if as_json and as_csv:
        raise click.UsageError(say("LINKS_JSON_OR_CSV", language()))
    account = parse_account(telegram) if telegram is not None else None
    if telegram is not None and not account:
        raise click.BadParameter(say("LINKS_ACCOUNT_EXPECTED", language()), param_hint="--telegram")
    settings = load()
    names = HISTORY if history else LINK
    if is_missing(settings.database):
        _print(iter(()), names, as_json, as_csv, settings)
        return
    with closing(open_store(settings.database)) as store:
        rows = _history(store, portal, user, account) if history else _links(store, portal, user, account)
        _print(map(json_values, rows), names, as_json, as_csv, settings)


@command.command(
    "forget",
    help="Erase a person: link, history, dead letters, journal records and queued messages.",
    short_help="Erase a person everywhere.",
    epilog="Example: ./b24 links forget p.bitrix24.ru 42",
)
@click.argument("portal")
@click.argument("user", type=click.IntRange(1))
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def forget(portal: str, user: int, yes: bool) -> int:
    """Erase a person after asking; 1 if the answer is no."""
    settings = load()
    portal = portal_given(portal)
    if not yes:
        question = say("LINKS_FORGET_ASK", settings.language, user=user, portal=portal)
        if not consents(question, settings.language):
            click.echo(say("LINKS_NOT_FORGOTTEN", settings.language), err=True)
            return 1
    # Imported here because only this command opens the queue.
    from gateway.tools.forgetting import forget_person

    erased = forget_person(settings, portal, user)
    key = "LINKS_FORGOTTEN" if erased else "LINKS_NOTHING_TO_FORGET"
    click.echo(say(key, settings.language, count=erased, user=user, portal=portal))
    return 0


def _links(store: Store, portal: str | None, user: int | None, account: Account | None) -> Iterator[Link]:
    after = 0 if user is None else user - 1
    for link in store.links(None if portal is None else portal_given(portal), after):
        if user is not None and link.bitrix_user_id != user:
            if portal is not None:
                # Links come in the order of users, so there are no more of this one.
                return
            continue
        if account is None or _is(account, link.telegram_id, link.telegram_username):
            yield link


def _history(
    store: Store, portal: str | None, user: int | None, account: Account | None
) -> Iterator[HistoryRow]:
    for row in store.history(None if portal is None else portal_given(portal), bitrix_user_id=user):
        has_account = account is None or _is(account, row.telegram_id, row.telegram_username)
        if has_account or _is(account, row.previous_telegram_id, row.previous_telegram_username):
            yield row


def _is(account: Account | None, telegram_id: int | None, telegram_username: str | None) -> bool:
    if account is None or account.telegram_id is not None:
        return account is not None and account.telegram_id == telegram_id
    return (account.telegram_username or "").lower() == (telegram_username or "").lower()


def _print(
    rows: Iterator[Row], names: tuple[str, ...], as_json: bool, as_csv: bool, settings: Settings
) -> None:
    if as_json:
        _print_json(rows)
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(csv_values, rows))
    else:
        _print_table(rows, names == HISTORY, settings)


def _print_json(rows: Iterator[Row]) -> None:
    """Print one object per line, so that a long list needs no memory."""
    separator = "["
    for row in rows:
        click.echo(f"{separator}{json.dumps(row, ensure_ascii=False)}", nl=False)
        separator = ",\n "
    click.echo("[]" if separator == "[" else "]")


def _print_table(rows: Iterator[Row], history: bool, settings: Settings) -> None:
    """What a person looks for: the account in one column, times in seconds.

    Nothing is cut: a narrow terminal folds it, and in a pipe, where `grep` reads it, each row is one line.
    """
    from rich.console import Console  # cold start
    from rich.table import Column, Table

    lang = settings.language
    console = Console(markup=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    heading = say("LINKS_HISTORY_HEADING" if history else "LINKS_HEADING", lang).split(", ")
    is_first_page = True
    while page := list(islice(rows, 1000)):
        columns = [Column(name, overflow="fold") for name in heading]
        table = Table(*columns, box=None, show_header=is_first_page)
        for row in page:
            table.add_row(*(_history_line(row, lang) if history else _link_line(row)))
        console.print(table)
        is_first_page = False
    if is_first_page:
        click.echo(_no_links(settings), err=True)


def _no_links(settings: Settings) -> str:
    """What to do where no link was found: events that make links may still wait on this machine's queue."""
    waiting = 0
    if settings.queue_kind == "local" and not is_missing(settings.queue):
        # If the queue cannot be read, it is still true that there is no link.
        with suppress(GatewayError):
            depths = open_embedded(settings).depths()
            waiting = sum(depths.get(consumer.subscription, 0) for consumer in of_kind("consumer"))
    return say("NO_LINKS_YET" if waiting else "NO_LINKS", settings.language, count=waiting)


def _link_line(row: Row) -> tuple[str, ...]:
    account = _account(row["telegram_id"], row["telegram_username"])
    return (
        row["portal"],
        str(row["bitrix_user_id"]),
        account,
        "✓" if row["active"] else "✗",
        _time(row["observed_at"]),
    )


def _history_line(row: Row, lang: str) -> tuple[str, ...]:
    before = _account(row["previous_telegram_id"], row["previous_telegram_username"])
    account = _account(row["telegram_id"], row["telegram_username"])
    change = say(f"LINKS_CHANGE_{row['change'].upper()}", lang)
    return _time(row["recorded_at"]), row["portal"], str(row["bitrix_user_id"]), change, before, account


def _account(telegram_id: int | None, telegram_username: str | None) -> str:
    return str(Account(telegram_id, telegram_username)) or "–"


def _time(text: str) -> str:
    return text[:19].replace("T", " ") + "Z"
