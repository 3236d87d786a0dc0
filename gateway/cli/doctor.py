"""`./b24 doctor`: checks the settings and a running address, and prints a line per check."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from gateway.errors import SettingError
from gateway.settings import language, load
from gateway.texts import say, text_of
from gateway.tools.doctor import Check, examine
from gateway.tools.sample_delivery import parse

_MARKS = {"ok": ("✓", "green"), "failed": ("✗", "bold red"), "skipped": ("–", "dim")}


@click.command(
    "doctor",
    help="Check the settings, the queue, the store, the incoming webhook and a running gateway (WEBHOOK_URL, "
    "or URL), one line per check. Exit code 1: a check failed.",
    epilog="Example: ./b24 doctor --url https://hooks.example.com",
)
@click.option("--url", metavar="URL", help="The address of the running gateway; default: WEBHOOK_URL.")
@click.option("--env", "env_file", metavar="FILE", help="Read settings from FILE instead of .env.")
@click.option("--send-token", is_flag=True, help="Send the token even to a host other than WEBHOOK_URL's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(url: str | None, env_file: str | None, send_token: bool, as_json: bool) -> int:
    """Print the checks; 1 if one failed."""
    lang = language(env_file or ".env")
    if url is not None and parse(url) is None:
        click.echo(say("DOCTOR_URL", lang), err=True)
        return 2
    if env_file is not None and not (Path(env_file).is_file() and os.access(env_file, os.R_OK)):
        click.echo(say("DOCTOR_ENV", lang, file=env_file), err=True)
        return 2
    checks: list[Check] = []
    for check in _checks(url, env_file or ".env", send_token, lang):
        checks.append(check)
        if not as_json:
            _print(check, lang)
    failed = [check for check in checks if check.result == "failed"]
    if as_json:
        click.echo(json.dumps([check._asdict() for check in checks], ensure_ascii=False, indent=2))
    elif failed:
        first_failed = say(f"DOCTOR_LABEL_{failed[0].check}", lang)
        click.echo("\n" + say("DOCTOR_SUMMARY", lang, count=len(failed), first=first_failed, do=failed[0].do))
    else:
        click.echo("\n" + say("DOCTOR_SUMMARY_OK", lang))
    return 1 if failed else 0


def _checks(url: str | None, dotenv: str, send_token: bool, lang: str) -> Iterator[Check]:
    try:
        settings = load(dotenv=dotenv)
    except SettingError as error:
        first, others = error, error.others
        # Each of the other problems gets a line of its own.
        error.others = ()
        for wrong_setting in (first, *others):
            is_closed = wrong_setting.key == "EXPECTED_READABLE"
            key = "DOCTOR_UNREADABLE_DO" if is_closed else "DOCTOR_SETTING_DO"
            do = say(key, lang, **{**wrong_setting.facts, "name": wrong_setting.name})
            yield Check("settings", "failed", text_of(wrong_setting, lang), do)
        return
    for unread in settings.unread:
        yield Check("settings", "failed", text_of(unread, lang), say("DOCTOR_AGAIN", lang))
    for name, like in settings.unknown:
        # Names that are like no setting of ours belong to other programs.
        if like:
            saw = say("UNKNOWN_SETTING_LIKE", lang, name=name, like=like)
            yield Check("settings", "failed", saw, say("DOCTOR_AGAIN", lang))
    yield from examine(settings, url, send_token)


def _print(check: Check, lang: str) -> None:
    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    mark, style = _MARKS[check.result]
    line = Text.assemble((f"{mark} {say(f'DOCTOR_LABEL_{check.check}', lang)}", style), f": {check.saw}")
    if check.do:
        line.append(f"\n  → {check.do}", style="bold" if check.result == "failed" else "")
    console.print(line, soft_wrap=not console.is_terminal)
