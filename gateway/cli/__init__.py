"""The command line: one module per command, imported only when it is called.

Exit codes of every command: 0 done, 1 it found something wrong, 2 it could not
do its work (a wrong setting, a wrong option, something that does not answer).
"""

import difflib
import importlib
import logging
import os
import sys
import warnings
from contextlib import suppress
from typing import TextIO

import click

from gateway import __version__, dotenv_file
from gateway.errors import GatewayError, PortalError, SettingError
from gateway.settings import language
from gateway.texts import Notice, os_texts_in, say, text_of

COMMANDS = {
    "serve": "Run everything on this machine: webhook, queue, worker.",
    "replay": "Put kept events and dead letters back on the queue.",
    "dead-letters": "Look at dead letters, edit or delete them.",
    "explain": "Explain why a request is rejected: paste the request, a curl line or a log record.",
    "doctor": "Check the settings and a running gateway.",
    "events": "Show what came and what came of it; resend an accepted event.",
    "inspector": "Open the inspector on this machine, with data from Cloud Logging.",
    "rejections": "Show why requests were rejected, grouped by cause.",
    "field": "Create the Telegram field in the portal's user profiles.",
    "resync": "Compare the portal's users with the links, and queue what changed.",
    "trigger": "Post an event as Bitrix24 would, with the token in any place.",
    "links": "Show who is linked to whom.",
}


class _Commands(click.Group):
    """Finds a command in `COMMANDS`; its module has it under the name `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module("gateway.cli." + cmd_name.replace("-", "_"))
        command: click.Command = module.command
        if language() == "ru":
            from gateway.cli import help_ru  # cold start

            return help_ru.in_russian(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = difflib.get_close_matches(args[0], COMMANDS, 1)
            if not close:
                raise
            suggestion = say("CLI_DID_YOU_MEAN", language(), name=close[0])
            raise click.UsageError(f"{error.message} {suggestion}", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from gateway.cli.help_ru import CLICK, HELP  # cold start

        translations = HELP | CLICK if language() == "ru" else {}
        with formatter.section(translations.get("Commands", "Commands")):
            formatter.write_dl([(name, translations.get(text, text)) for name, text in COMMANDS.items()])


@click.version_option(__version__, prog_name="b24", message="%(prog)s %(version)s")
@click.group(cls=_Commands, epilog="Example: ./b24 serve")
@click.pass_context
def cli(context: click.Context) -> None:
    """The Bitrix24 webhook gateway's tools."""
    if context.invoked_subcommand in ("serve", "doctor"):
        # These commands report the problems themselves: in the log, or as a check.
        return
    # Each command reports by itself a file that cannot be read at all.
    with suppress(SettingError):
        for problem in dotenv_file.read(".env").problems:
            print(text_of(problem, language()), file=sys.stderr)


class _OurRecords(logging.StreamHandler[TextIO]):
    """Prints what our modules log, in words; libraries' problems are reported by the commands themselves."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language
        self.addFilter(lambda record: record.name.startswith("gateway."))

    def format(self, record: logging.LogRecord) -> str:
        message = record.msg
        return (
            text_of(message, self._language)
            if isinstance(message, GatewayError | Notice)
            else record.getMessage()
        )


def quieten_libraries(language: str) -> None:
    """Hide libraries' own English warnings from people who run a command (`python -W default` shows them)."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    if not logging.root.handlers:
        logging.root.addHandler(_OurRecords(language))


def _forget_output() -> None:
    """Drop what could not be printed: Python would try again at its end, and print its own words of it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments: list[str] | None = None) -> int:
    """Run one command; every failure of ours is one line on standard error."""
    from gateway.cli import help_ru  # cold start

    lang = language()
    help_ru.translate_click(lang)
    commands = help_ru.in_russian(cli) if lang == "ru" else cli
    try:
        code = commands.main(arguments, prog_name="./b24", standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except SystemExit as stop:
        # click ends with 1 if the reader of a pipe (`| head`) went away, but 1 means that something is wrong.
        return 141 if stop.code == 1 else 2
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        # A group without its sub-command shows its help, which has nothing to translate again.
        if isinstance(error, click.UsageError) and not isinstance(error, click.exceptions.NoArgsIsHelpError):
            # A file that cannot be opened is quoted in the operating system's words.
            error = click.UsageError(os_texts_in(error.format_message(), lang), error.ctx)
        error.show()
        return error.exit_code
    except GatewayError as error:
        print(text_of(error, lang), file=sys.stderr)
        return 1 if isinstance(error, PortalError) else 2
    except OSError as error:
        # A full disk behind the output or a folder that is gone is not the program's fault.
        key = "FILE_FAILED" if error.filename else "OUTPUT_FAILED"
        with suppress(OSError):
            print(say(key, lang, path=error.filename, problem=error), file=sys.stderr)
        _forget_output()
        return 2
    return code if isinstance(code, int) else 0
