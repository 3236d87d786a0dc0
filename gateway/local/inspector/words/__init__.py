"""The page's own words, in both languages, a module per view; texts shared with the tools are in `gateway.texts`."""

from gateway.local.inspector.words import (
    causes,
    check,
    dead,
    explain,
    frame,
    links,
    overview,
    polling,
    requests,
)
from gateway.texts import SENTENCES, Sentence

CATALOGUES = (frame, overview, requests, causes, links, dead, polling, explain, check)
WORDS: dict[str, Sentence] = {key: text for catalogue in CATALOGUES for key, text in catalogue.WORDS.items()}


def words(key: str, language: str, /, **values: object) -> str:
    """The text `key`, with its fields filled from `values`.

    A text in several forms, separated by `|`, is written for the number `n`:
    one, few, many in Russian (1, 2, 5), one and many in English.
    """
    text = (WORDS.get(key) or SENTENCES[key]).text(language)
    if "|" in text and "n" in values:
        forms = text.split("|")
        text = forms[min(_form(int(str(values["n"])), language), len(forms) - 1)]
        values["n"] = number(int(str(values["n"])), language)
    # A number and its noun stay on one line.
    return text.replace("{n} ", "{n}\N{NO-BREAK SPACE}").format(**values)


def number(n: int, language: str) -> str:
    """A whole number as it is written: 12 345 or 12,345."""
    return f"{n:,}".replace(",", "\N{NO-BREAK SPACE}" if language == "ru" else ",")


def milliseconds(ms: float, language: str) -> str:
    """A duration in milliseconds, with a decimal below ten: 12, 3.1, in Russian 3,1."""
    text = number(round(ms), language) if ms >= 10 or ms == round(ms) else f"{ms:.1f}"
    return text.replace(".", ",") if language == "ru" else text


def _form(n: int, language: str) -> int:
    if language == "en":
        return 0 if n == 1 else 1
    if n % 10 == 1 and n % 100 != 11:
        return 0
    return 1 if n % 10 in (2, 3, 4) and n % 100 not in (12, 13, 14) else 2
