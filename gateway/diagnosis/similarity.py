"""Measures how similar a text is to an accepted token, and what was changed on its way.

Every text is compared with every token by the same steps, even after a match, because
stopping early would show in the time of an answer.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.diagnosis.stray_characters import QUOTE_CHARACTERS, UNSEEN
from gateway.ingest.php_form import decoded
from gateway.settings import SECRET_BYTES

# How many characters of a value are compared.
MAX_TEXT = 1024
# A quarter of a token may be mistyped. Half is too much: any two tokens may agree in half.
FEW = 4

PERCENT = "percent-encoding"
SPACE = "white space"
QUOTES = "quotes"
ALPHABET = "alphabet"
CASE = "case"
_STEPS = (PERCENT, SPACE, QUOTES, ALPHABET, CASE)

_QUOTES = re.compile(f"[{QUOTE_CHARACTERS}]|&(?:quot|apos|#34|#39);|\\\\(?=[\"'])")
# Characters that NFKC writes out as words, eighteen letters at most: a text of them would grow by as much.
_SEVERAL = re.compile("[\u3200-\u33ff\ufb00-\ufdff\ufe70-\ufefc\U0001f100-\U0001f2ff]")
_LOOKALIKES = str.maketrans(
    # Cyrillic, then Greek letters that look like a Latin one. Others are recognised by their position.
    "авсԁеһіјкӏмнорԛгѕтуԝхзьАВСԀЕНІЈКМОРԚЅТУԜХЁё" + "αβεικνορτυχωγΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abcdehijklmhopqrstywx3bABCDEHIJKMOPQSTYWXEe" + "abeikvoptuxwyABEZHIKMNOPTYX",
)


class Likeness(NamedTuple):
    """How a text resembles a token: `exact`, or altered; `foreign` counts letters of another alphabet."""

    exact: bool
    alterations: tuple[str, ...] = ()
    foreign: int = 0


@dataclass(frozen=True)
class Needle:
    """A token to look for, folded, and folded with each step left out."""

    text: str
    folds: dict[str, str]
    # How many characters have to agree: at least 16, and half the token.
    need: int
    # The token's pieces of that length.
    windows: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Needle":
        """The needle for a token."""
        text = text[:MAX_TEXT]
        folds = {step: fold(text, skip=step) for step in ("", *_STEPS)}
        whole = folds[""]
        need = max(SECRET_BYTES, (len(whole) + 1) // 2)
        return cls(text, folds, need, tuple(whole[i : i + need] for i in range(len(whole) - need + 1)))

    @property
    def short(self) -> bool:
        """Whether it is so short that a number or a word could equal it by chance."""
        return len(self.text) < SECRET_BYTES


def fold(text: str, skip: str = "") -> str:
    """`text` without what mistakes alter (encoding, white space, quotes, alphabet, case), except `skip`."""
    if skip != PERCENT and "%" in text:
        for _ in range(3):
            if "%" not in text:
                break
            text = decoded(text.replace("+", "%2B").encode("utf-8", "surrogatepass"))
    if skip != SPACE:
        ascii_only = text.isascii() and text.isprintable()
        text = text.replace(" ", "") if ascii_only else UNSEEN.sub("", text)
    if skip != QUOTES:
        text = _QUOTES.sub("", text)
    if skip != ALPHABET and not text.isascii():
        single = _SEVERAL.sub("?", _read_again(text))
        text = unicodedata.normalize("NFKC", single).translate(_LOOKALIKES)
    return text if skip == CASE else text.lower()


def rank(text: str, needles: Sequence[Needle]) -> int:
    """How much of a token `text` holds: 3 one as a word, 2 an altered one, 1 a piece of one, 0 nothing."""
    folded = fold(text)
    ranks = [0]
    for needle in needles:
        whole = needle.folds[""]
        word = _is_word(text, needle.text)
        holds = whole != "" and whole in folded
        piece = len(folded) >= needle.need and folded in whole
        if needle.short:
            word, holds, piece = text == needle.text, folded == whole, False
        ranks.append(3 * word or 2 * holds or int(piece))
    return max(ranks)


def likeness(text: str, needles: Sequence[Needle]) -> Likeness | None:
    """How `text` resembles the nearest of `needles`; None if it resembles none."""
    folds = {step: fold(text, skip=step) for step in ("", *_STEPS)}
    near = [like for like in [_compare(text, folds, needle) for needle in needles] if like]
    return min(near, key=lambda like: (not like.exact, len(like.alterations)), default=None)


def _read_again(text: str) -> str:
    """The text read as UTF-8, if it was UTF-8 read as Latin-1, as some proxies do with headers."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _compare(text: str, folds: dict[str, str], needle: Needle) -> Likeness | None:
    relations = {step: _relation(folds[step], needle.folds[step], needle) for step in folds}
    mattered = [step for step in _STEPS if relations[step] != relations[""]]
    relation = relations[""]
    foreign = _foreign(folds[ALPHABET], needle)
    if text == needle.text:
        return Likeness(True)
    if foreign:
        relation = ()
    elif relation is None:
        return None
    elif ALPHABET in mattered:
        foreign = max(_count_foreign(folds[ALPHABET]), _count_foreign(needle.folds[ALPHABET]))
    return Likeness(False, (*(step for step in mattered if step != ALPHABET), *relation), foreign)


def _relation(value: str, token: str, needle: Needle) -> tuple[str, ...] | None:
    """() if equal, else what `value` lacks or adds compared with `token`; None if they are not similar."""
    start = value.find(token)
    is_part_of_token = len(value) >= needle.need and value in token
    pieces = sum([window in value for window in needle.windows])
    agreeing = sum(map(str.__eq__, value, token)) if len(value) == len(token) else 0
    if not token or (needle.short and value != token):
        return None
    if start >= 0:
        before, after = start > 0, start + len(token) < len(value)
        return (*(("prefix",) if before else ()), *(("tail",) if after else ()))
    if is_part_of_token:
        return ("cut",)
    if agreeing >= needle.need and len(token) - agreeing <= len(token) // FEW:
        return (f"other characters: {len(token) - agreeing}",)
    return ("cut", "tail") if pieces else None


def _foreign(value: str, needle: Needle) -> int:
    """How many letters of either are foreign, if all the other letters agree; else 0."""
    token = needle.folds[ALPHABET]
    if needle.short or len(value) != len(token):
        return 0
    pairs = list(zip(value, token, strict=True))
    foreign = sum(not (a.isascii() and b.isascii()) for a, b in pairs)
    # In this order the work is the same whatever agrees.
    agreeing = sum(a.isascii() and a == b for a, b in pairs)
    return foreign if agreeing >= needle.need and foreign + agreeing == len(token) else 0


def _count_foreign(text: str) -> int:
    return sum(not char.isascii() for char in text)


def _is_word(text: str, token: str) -> bool:
    before, match, after = text.partition(token)
    return bool(match) and not before[-1:].isalnum() and not after[:1].isalnum()


def nearest(
    texts: Iterable[tuple[str, str]], needles: Sequence[Needle], limit: int
) -> list[tuple[str, Likeness]]:
    """At most `limit` of the named texts, those that hold most of a token, with their likeness."""
    ranked = sorted([(-rank(text, needles), name, text) for name, text in texts], key=lambda entry: entry[0])
    nearest_texts = []
    for negative, name, text in ranked[:limit]:
        like = likeness(text, needles)
        if negative == -3:
            like = Likeness(True)
        if like and negative:
            nearest_texts.append((name, like))
    return nearest_texts
