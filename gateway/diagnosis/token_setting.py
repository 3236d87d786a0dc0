"""Finds what is odd about `BITRIX24_OUTGOING_WEBHOOK_TOKEN` itself, and what was probably meant.

Every start asks it, so it imports none of the rules that look at requests.
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from gateway.diagnosis.finding import Finding, ordered
from gateway.diagnosis.stray_characters import QUOTE_CHARACTERS, UNSEEN
from gateway.setting_values import MIXED_ALPHABETS, portals_without_token
from gateway.settings import Settings

WEBHOOK_SHAPE = re.compile(r"(?:custom)?[a-z0-9]{32}")
PLAIN_SHAPE = re.compile(r"[a-z0-9]{32}")

_WORDS = (
    "bitrix24|bitrix|b24|outgoing|outbound|incoming|inbound|webhook|hook|application|app|auth|token|secret|key"
    "|value|domain|portal|your|my|own|the|an|some|real|actual|valid|correct|new|random|long|default|string|text"
    "|characters|character|chars|char|32|goes|here|there|this|that|it|me|please|to|in|from|of|with|by|and|or|put|insert"
    "|paste|enter|add|set|fill|copy|change|changeme|replace|replaceme|placeholder|example|sample|dummy|todo|tbd"
    "|fixme|none|null|nil|undefined|empty|blank|unset|env|var|variable|setting|form|password|passwd|object|array|vash|syuda"
    "|ваш|вашего|ваша|ваше|твой|мой|свой|новый|токен|токена|секрет|ключ|код|значение|сюда|здесь|тут|вставьте|вставь"
    "|вставить|впишите|укажите|указать|введите|введи|замените|замени|заменить|измените|поменяйте|поменяй|меня|на"
    "|пример|примера|исходящего|исходящий|вебхука|вебхук|приложения|битрикс24|битрикс|портала|из|от|для|не|забудьте"
)
_WORD_SET = frozenset(_WORDS.split("|"))
_WORD_LENGTHS = sorted({len(word) for word in _WORD_SET})
_FILLER = re.compile(r"([xх*.\-_?#…])\1{2,}")
_TEMPLATE = re.compile(
    r"\$\w+|%\w+%|\$\{.*|\{\{.*|<[^>]*>|\[[^\]]*\]|\{[^}]*\}|projects/[^/]+/secrets/.*", re.DOTALL
)
# The application token of Bitrix24's own documentation.
_EXAMPLES = frozenset(["51856fefc120afa4b628cc82d3935cce"])
# A portal is removed from the token that it binds: if one with a port is still there, the port is impossible.
_IMPOSSIBLE_PORT = r"[\w.-]+:[0-9]+\s*="
_URL = re.compile(
    r"[a-z][a-z0-9+.-]{0,15}://|//|/api/|www\.|[\w.-]+\.bitrix24\.[a-z.]+|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?::\d+)?/"
    rf"|{_IMPOSSIBLE_PORT}",
    re.IGNORECASE,
)
# `https://p.bitrix24.ru=TOKEN` or `p.bitrix24.ru:TOKEN`, where `p.bitrix24.ru=TOKEN` was meant.
_PORTAL_AND_TOKEN = re.compile(
    rf"{_IMPOSSIBLE_PORT}.*|(?:https?://)?[\w-]+(?:\.[\w-]+)+/?\s*[=:]\s*(?:custom)?[a-z0-9]{{32}}",
    re.IGNORECASE | re.DOTALL,
)
_INCOMING = re.compile(r"/?(?:rest/)?[0-9]{1,9}/[A-Za-z0-9]{6,64}(?:/[A-Za-z0-9_.]*)?")
_NAMED = re.compile(
    r"\A(?:(?:export|set|env|-e|-h|-d|--header|--data)\s+)?\??['\"]?"
    r"(?=[\w.\-\[\] ]{0,60}?(?:token|auth|secret|hook|key|токен))"
    r"[\w.\-\[\]]{2,60}['\"]?\s*(?:=>|[=:])\s*",
    re.IGNORECASE,
)
# The name in front may be any, or missing.
_BEFORE = re.compile(r"\A[\w.-]{0,60}=(?=[^=\s])")
_SCHEME = re.compile(r"(?:bearer|token|basic)[\s:]+", re.IGNORECASE)
_ESCAPED_END = re.compile(r"(?:\\[nrt])+$|^(?:\\[nrt])+")
_LONG_RUN = re.compile(r"(?:custom)?[a-z0-9]{32}")
_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_PAIRS = ("<>", "[]", "{}", "()")


class Part(NamedTuple):
    """One of the configured tokens: what is odd about it, and the texts that were probably meant."""

    text: str
    # "" if nothing is odd.
    code: str
    detail: str
    candidates: tuple[str, ...]


def of_setting(settings: Settings) -> list[Finding]:
    """What is odd about the configured tokens, one finding per code."""
    portals = ", ".join(portals_without_token(settings.outgoing_token))
    missing = [Finding("SETTING_MISSING", portals, "portal", {"portals": portals})] if portals else []
    if not settings.tokens:
        blank = "blank" if settings.outgoing_token else ""
        return missing or [Finding("SETTING_MISSING", blank, blank)]
    configured = parts(settings)
    codes = {part.code for part in configured if part.code}
    return ordered([*missing, *(_odd(code, configured) for code in codes)])


def mixed_alphabets(settings: Settings) -> list[Finding]:
    """Tokens with Cyrillic letters among Latin ones and digits, as somebody types them by hand.

    A rejected request shows by comparison that they are wrong; without one only the mixture does.
    """
    configured = parts(settings)
    mixed = [
        number
        for number, part in enumerate(configured, 1)
        if not part.code and MIXED_ALPHABETS.search(part.text)
    ]
    if not mixed:
        return []
    numbers = mixed if len(configured) > 1 else []
    detail = ", ".join(["alphabet", *(f"{number}/{len(configured)}" for number in numbers)])
    return [Finding("SETTING_SHAPE", detail, "alphabet", {"numbers": numbers})]


def _odd(code: str, configured: list[Part]) -> Finding:
    """The finding of one kind of oddity, with the numbers of the tokens that have it."""
    odd = [(number, part.detail) for number, part in enumerate(configured, 1) if part.code == code]
    numbers = [number for number, _ in odd] if len(configured) > 1 else []
    details = [
        ": ".join(filter(None, (f"{n}/{len(configured)}" if numbers else "", alteration)))
        for n, alteration in odd
    ]
    alterations = tuple(dict.fromkeys(word for _, detail in odd for word in detail.split(", ")))
    is_portal = any(part.code == code and _PORTAL_AND_TOKEN.fullmatch(part.text) for part in configured)
    variant = "portal" if code == "SETTING_URL" and is_portal else ""
    values = {"how": alterations, "numbers": numbers}
    return Finding(code, "; ".join(filter(None, details)), variant, values)


def parts(settings: Settings) -> list[Part]:
    """Every configured token, judged by itself."""
    return [_judge(token.decode("utf-8", "replace"), settings) for token in settings.tokens]


def is_incoming(text: str, settings: Settings) -> bool:
    """Whether `text` is an incoming webhook's `USER_ID/SECRET`, or the configured one's SECRET."""
    is_configured = text in (settings.rest_secret, settings.rest_webhook) and bool(text)
    return is_configured or _INCOMING.fullmatch(text) is not None


def _judge(text: str, settings: Settings) -> Part:
    core, decorations = _undecorated(text)
    if is_placeholder(text) or is_placeholder(core):
        return Part(text, "SETTING_PLACEHOLDER", "", ())
    if _URL.match(core):
        return Part(text, "SETTING_URL", "", tuple(_LONG_RUN.findall(core)))
    if is_incoming(core, settings):
        return Part(text, "SETTING_INCOMING_SECRET", "", ())
    if decorations:
        candidates = dict.fromkeys([UNSEEN.sub("", core), *re.split(r"[\s;|]+", core)])
        return Part(
            text,
            "SETTING_DECORATED",
            ", ".join(dict.fromkeys(decorations)),
            tuple(m for m in candidates if m),
        )
    return Part(text, "", "", (text,))


def _undecorated(text: str) -> tuple[str, list[str]]:
    """`text` without what was copied with it, and the names of what was removed."""
    decorations: list[str] = []
    for _ in range(4):
        unchanged = text
        for name, undo in _UNDO:
            undone = undo(text)
            if undone != text:
                decorations.append(name)
                text = undone
        if text == unchanged:
            break
    if UNSEEN.search(text):
        decorations.append("white space")
    if re.search(r"\w[;|]+\w", text):
        decorations.append("separator")
    return text, decorations


def _unpaired(text: str) -> str:
    return text[1:-1] if len(text) > 2 and text[0] + text[-1] in _PAIRS else text.lstrip("[").rstrip("]")


def _unquoted(text: str) -> str:
    return text.replace('\\"', '"').strip(QUOTE_CHARACTERS)


def _decoded(text: str) -> str:
    return unquote(text, errors="replace") if re.search(r"%[0-9A-Fa-f]{2}", text) else text


_UNDO: list[tuple[str, Callable[[str], str]]] = [
    ("white space", lambda text: UNSEEN.sub("", text[:1]) + text[1:-1] + UNSEEN.sub("", text[1:][-1:])),
    ("quotes", _unquoted),
    ("brackets", _unpaired),
    ("Bearer", lambda text: _SCHEME.sub("", text, count=1) if _SCHEME.match(text) else text),
    ("NAME=", lambda text: (_NAMED if _NAMED.match(text) else _BEFORE).sub("", text, count=1)),
    ("\\n", lambda text: _ESCAPED_END.sub("", text)),
    ("percent-encoding", _decoded),
    (";", lambda text: text.rstrip(";")),
]


def is_placeholder(text: str) -> bool:
    """Whether `text` is a placeholder that somebody should have replaced by a token."""
    text = text.strip().strip(QUOTE_CHARACTERS).lower()
    if _TEMPLATE.fullmatch(text):
        return text[0] in "$%p" or _RUN.search(text) is None
    words = re.sub(r"[\W_]+", "", text)
    return (
        text in _EXAMPLES
        or any(_FILLER.fullmatch(filled) for filled in (text, words))
        or (len(words) <= 80 and _is_made_of_words(words))
        or (text != "" and words == "")
    )


def _is_made_of_words(text: str) -> bool:
    """Whether `text` is nothing but the words of placeholders run together.

    Position by position: a regular expression would try every way to split a text in which
    words are made of words, and there are exponentially many.
    """
    ends = {0}
    for start in range(len(text)):
        if start in ends:
            ends.update(
                start + length for length in _WORD_LENGTHS if text[start : start + length] in _WORD_SET
            )
    return text != "" and len(text) in ends
