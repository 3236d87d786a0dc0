"""`./b24 explain [FILE]`: explains why a request is rejected, and what to change."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.diagnosis import guide_section
from gateway.ingest.decision import UNREAD
from gateway.settings import Settings, load
from gateway.texts import say, state_key, text_of
from gateway.tools.explain import Unreadable, read
from gateway.tools.explain.verdict import Explanation, explain

# In bytes: a list of log entries may be long.
_MAX_INPUT = 16 * 1024 * 1024
_STYLES = {"match": "green", "mismatch": "red", "malformed": "yellow", "absent": "dim"}


@click.command(
    "explain",
    help="Explain whether a request would pass, where its token was looked for, why it was rejected and what "
    "to change. FILE (or standard input) holds a raw HTTP request, a curl command, a log record or a body.",
    epilog="Example: ./b24 explain request.txt",
)
@click.argument("file", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: str | None, as_json: bool) -> int:
    """Print the explanation; 0 if the request would pass, 1 if not, 2 if it can't be read."""
    settings = load()
    try:
        pasted = read(_input(file, settings))
    except Unreadable as error:
        click.echo(text_of(error, settings.language), err=True)
        if error.key in ("PASTED_REQUEST", "PASTED_NO_REFUSAL"):
            click.echo(say("PASTED_TAKES", settings.language), err=True)
        return 2
    explanation = explain(pasted, settings, datetime.now(UTC))
    if as_json:
        printed = explanation.to_json()
        if explanation.read_as == "old_bot_line":
            printed["note"] = say(_old_bot_line(explanation), settings.language)
        click.echo(json.dumps(printed, ensure_ascii=False, indent=2))
    else:
        render(explanation, settings)
    return 0 if explanation.passes else 1


def _old_bot_line(explanation: Explanation) -> str:
    return "OLD_BOT_LINE_WRONG" if explanation.code == "TOKEN_MISMATCH" else "OLD_BOT_LINE"


def _input(file: str | None, settings: Settings) -> bytes:
    try:
        if file is None or file == "-":
            if sys.stdin.isatty():
                click.echo(say("PASTE_NOW", settings.language), err=True)
            return sys.stdin.buffer.read(_MAX_INPUT)
        with Path(file).open("rb") as opened:
            pasted = opened.read(_MAX_INPUT)
    except OSError as error:
        raise Unreadable("PASTED_NO_FILE", file=file or "-", problem=error) from None
    if not pasted.strip():
        raise Unreadable("PASTED_EMPTY_FILE", file=file)
    return pasted


def render(explanation: Explanation, settings: Settings, console: Console | None = None) -> None:
    """Print the verdict, then what to do, then the places, in the order in which a person needs them."""
    console = console or Console(markup=False, highlight=False, emoji=False)
    tell: Callable[..., str] = partial(_tell, settings.language)
    # A pipe gets whole lines.
    show = partial(console.print, soft_wrap=not console.is_terminal)
    # Such a line has no trace, so only its meaning can be explained.
    if explanation.read_as == "old_bot_line":
        show(Text(tell(_old_bot_line(explanation))))
        return
    show(_verdict(explanation, tell))
    for number, cause in enumerate(explanation.causes, 1):
        is_first = number == 1
        detail = f" ({_as_text(cause['detail'])})" if cause["detail"] else ""
        show()
        show(Text(f"{number}. {cause['code']}{detail}", style="bold red" if is_first else "bold"))
        if cause["says"]:
            show(Text(f"   {cause['says']}"))
        if cause["do"]:
            show(Text(f"   → {cause['do']}", style="bold green" if is_first else ""))
        if is_first:
            show(Text(f"   {tell('EXPLAIN_GUIDE', section=guide_section(cause['code'], settings.language))}"))
    for oddity in explanation.oddities:
        show(Text(f"   {oddity}", style="yellow"))
    if not explanation.passes and not explanation.causes:
        show(Text(f"   {_answer(explanation, tell)}"))
    if explanation.places:
        show()
        console.print(_table(explanation, tell))
    if explanation.read_as:
        show(Text(tell("READ_AS", kind=tell(f"READ_AS_{explanation.read_as}")), style="dim"))
    show(
        Text(tell("EXPLAIN_ACCEPTED", count=len(settings.tokens), prints=settings.fingerprints), style="dim")
    )


def _tell(language: str, key: str, **values: object) -> str:
    return say(key, language, **values)


def _verdict(explanation: Explanation, tell: Callable[..., str]) -> Text:
    answer = f"{explanation.status or ''} {explanation.code}".strip()
    if explanation.recorded and not explanation.passes:
        key = "EXPLAIN_RECORDED"
    elif not explanation.passes:
        key = "EXPLAIN_REFUSED"
    else:
        key = "EXPLAIN_HEALTH" if explanation.code == "OK" else "EXPLAIN_PASSES"
    return Text(
        tell(key, answer=answer, place=explanation.place or "-"),
        style="bold green" if explanation.passes else "bold red",
    )


def _answer(explanation: Explanation, tell: Callable[..., str]) -> str:
    """What the sender was answered, for a refusal that has no cause."""
    if explanation.hint == "robot":
        return tell("ROBOT_ANSWER")
    answer = tell(f"ANSWER_{explanation.code}") if explanation.status else ""
    return f"{answer}: {explanation.invalid}" if explanation.invalid else answer


def _table(explanation: Explanation, tell: Callable[..., str]) -> Table:
    decoded_as = explanation.decoded_as or "-"
    if decoded_as == UNREAD.decoded_as:
        decoded_as = tell("EXPLAIN_UNREAD")
    table = Table(title=tell("EXPLAIN_PLACES", decoded_as=decoded_as), title_justify="left")
    for heading in ("PLACE", "STATE", "LENGTH", "FINGERPRINT"):
        table.add_column(
            tell(f"EXPLAIN_{heading}"),
            no_wrap=heading == "PLACE",
            justify="right" if heading == "LENGTH" else "left",
        )
    for trace in explanation.places:
        length = "" if trace.length is None else str(trace.length)
        cells = (trace.place, tell(state_key(trace.state, trace.length)), length, trace.fingerprint or "")
        table.add_row(*(Text(cell) for cell in cells), style=_STYLES[trace.state])
    return table


def _as_text(detail: object) -> str:
    return detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
