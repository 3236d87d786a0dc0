"""Finds in the catalogue the sentence that a log line holds, by the cause's code.

The catalogue's text is shown, never the line's: anybody who can write into a log could
put any advice into it. Only short values are taken from the line, and those that could
hold an instruction are left out.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import Formatter
from typing import NamedTuple

from gateway.diagnosis.causes import DO, SAYS
from gateway.diagnosis.wording import PHRASES
from gateway.texts import Sentence
from gateway.tools.explain.former_wordings import FORMER_DO, FORMER_SAYS

# How many characters of a line are looked at.
MAX_TEXT = 16 * 1024
LEFT_OUT = "…"
_PART = re.compile(r"[\w.:;/()\[\]<>=%→…@{}'\"$#+*?&-]{1,100}")
_MASK = re.compile(r"<(?:[0-9]+ bytes|masked [0-9]+ [0-9a-f-]+)>")
_CUT = re.compile(r"[0-9]+")
_WORD = re.compile(r"\w+")
_TAIL = re.compile(r" — |\n|\Z")


class Sentences(NamedTuple):
    """A cause's two sentences with the values that a text holds, and the place among these, or ""."""

    says: str
    do: str
    place: str = ""


def sentence_of(code: str, says: str, do: str, language: str, today: Mapping[str, str]) -> Sentences | None:
    """A cause's sentences with the values that the texts hold; None if they hold none of that cause's.

    `today` has the values that the settings decide, which are never taken from a line.
    """
    wordings = ((SAYS, FORMER_SAYS, says), (DO, FORMER_DO, do))
    matches = [_best(code, table, former, text[:MAX_TEXT]) for table, former, text in wordings]
    if matches[0] is None:
        return None
    texts = []
    for table, match in zip((SAYS, DO), matches, strict=True):
        # Advice in words that nobody knows any more is the advice of the sentence before it.
        key, values = match or (matches[0][0], {})
        template = (table.get(key) or table[code]).text(language)
        values = matches[0][1] | values | dict(today)
        names = {name for _, name, _, _ in Formatter().parse(template) if name}
        texts.append(template.format_map({name: values.get(name, LEFT_OUT) for name in names}))
    return Sentences(texts[0], texts[1], matches[0][1].get("place", "").replace(LEFT_OUT, ""))


def closest(code: str, text: str) -> str:
    """The variant of a cause that shares the most words with `text`, which an older edition wrote."""
    words = set(_WORD.findall(text[:MAX_TEXT]))
    shares = {
        key.partition("/")[2]: max(_shared(template, words) for template in sentence)
        for key, sentence in SAYS.items()
        if key.partition("/")[0] == code
    }
    return max(shares, key=lambda variant: (shares[variant], variant == ""))


def _shared(template: str, words: set[str]) -> float:
    template_words = {word for literal, *_ in Formatter().parse(template) for word in _WORD.findall(literal)}
    return len(template_words & words) / max(len(template_words), 1)


def safe(value: str) -> str:
    """The value if it cannot hold an instruction (words of ours, or no spaces), else `LEFT_OUT`."""
    parts = re.split(r", |: |; | \(|\)", _MASK.sub("<>", value))
    is_short = len(value) <= 300 and "//" not in value
    return value if is_short and all(_is_known(part) for part in parts if part) else LEFT_OUT


def _is_known(part: str) -> bool:
    return _PART.fullmatch(part) is not None or _CUT.sub("#", part.strip()) in _phrases()


@lru_cache(1)
def _phrases() -> frozenset[str]:
    # A cause's `detail` holds the end of a phrase's key: "white space".
    texts = (text for key, phrase in PHRASES.items() for text in (key.partition("/")[2], *phrase))
    parts = (part for text in texts for part in re.split(r", |: |; ", text))
    return frozenset(_CUT.sub("#", re.sub(r"\{\w+\}", "#", part.strip())) for part in parts)


def _best(
    code: str, table: Mapping[str, Sentence], former: Mapping[str, tuple[str, ...]], text: str
) -> tuple[str, dict[str, str]] | None:
    """The longest sentence of `code` that is in `text`, by its key, with its values."""
    best: tuple[int, str, dict[str, str]] | None = None
    for key, sentence in table.items():
        if key.partition("/")[0] != code:
            continue
        for template in (*sentence, *former.get(key, ())):
            parts = [(literal, name) for literal, name, _, _ in Formatter().parse(template)]
            size = sum(len(literal) for literal, _ in parts)
            if (best is None or size > best[0]) and (values := _values(parts, text)) is not None:
                best = (size, key, values)
    return best and best[1:]


def _ending(literal: str, text: str, at: int) -> int:
    """Where a sentence's last words begin: they end at a space or the end, since a value may hold dots."""
    match = re.compile(re.escape(literal) + r"(?=\s|\Z)").search(text, at)
    return match.start() if match else -1


def _values(parts: Sequence[tuple[str, str | None]], text: str) -> dict[str, str] | None:
    """The values of a template that is in `text`, found by searching for its literals in order."""
    values: dict[str, str] = {}
    at, open_name, is_past_first = 0, "", False
    for number, (literal, name) in enumerate(parts, 1):
        if literal:
            position = _ending(literal, text, at) if number == len(parts) else text.find(literal, at)
            if position < 0:
                return None
            if open_name:
                dash = text.rfind(" — ", 0, position)
                start = at if is_past_first else dash + 3 if dash >= 0 else 0
                values[open_name] = safe(text[start:position])
            at, is_past_first = position + len(literal), True
        open_name = name or ""
    if open_name and (tail := _TAIL.search(text, at)):
        values[open_name] = safe(text[at : tail.start()])
    return values
