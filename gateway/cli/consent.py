"""A question before what cannot be undone, answered in either language."""

import sys

import click

_YES = {"y", "yes", "д", "да"}


def consents(question: str, language: str) -> bool:
    """Whether the person says yes; no answer, as where nobody is there to give one, is a no."""
    click.echo(f"{question} [{'д/н' if language == 'ru' else 'y/n'}]: ", nl=False, err=True)
    try:
        answer = sys.stdin.readline()
    except UnicodeDecodeError:  # of another keyboard's encoding
        answer = ""
    if not answer.endswith("\n"):
        click.echo(err=True)  # the input ended on the question's line
    return answer.strip().lower() in _YES
