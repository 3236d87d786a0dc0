"""Asks for consent before something that cannot be undone; answers may be in either language."""

import sys

import click

_YES = {"y", "yes", "д", "да"}


def consents(question: str, language: str) -> bool:
    """Ask a question and return whether the person says yes; no answer counts as no."""
    click.echo(f"{question} [{'д/н' if language == 'ru' else 'y/n'}]: ", nl=False, err=True)
    try:
        answer = sys.stdin.readline()
    except UnicodeDecodeError:
        # The answer was typed in another keyboard's encoding.
        answer = ""
    if not answer.endswith("\n"):
        # The input ended on the question's line.
        click.echo(err=True)
    return answer.strip().lower() in _YES
