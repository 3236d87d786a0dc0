"""Makes text that a sender controls safe for a log: cut, escaped, and without anything like a secret."""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from verify import fingerprint

MAX_SHOWN = 200  # characters
MAX_KEYS = 20
# In characters: the end of a name is enough, and whole ones of half a megabyte would fill the cache.
_NAME_END = 100
# In characters: longer texts are not cached, as they are rarely sent twice.
_CACHED_TEXT = 80

SECRET_NAMES = (
    "application_token",
    "access_token",
    "refresh_token",
    "client_secret",
    "client_id",
    "event_token",
    "token",
    "auth",
    "auth_id",
    "refresh_id",
)
_ENDS = tuple(f"_{name}" for name in SECRET_NAMES)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_APART = re.compile(r"[^A-Za-z0-9]+")

# What operators and proxies call a secret, beside Bitrix24's own names.
_LIKE_SECRET = re.compile(
    r"token|secret|passw|pwd|cookie|api[-_]?key|session|sessid|credential|signature|jwt"
    r"|client[-_]?id|(?:auth|refresh)[-_]?id",
    re.IGNORECASE,
)
_LIKE_SECRET_LEAF = re.compile(r"(?:\A|[^a-z])(?:auth|authorization|sid)\Z", re.IGNORECASE)

_TOKEN_RUN = re.compile(r"[A-Za-z0-9_-]{16,}")
MASK_START = "<masked "
MASK = re.compile(MASK_START + r"\d{1,7} (?:[0-9a-f]{8}|-)>")
# What a terminal, a log viewer or a page obeys: C0 and C1, line ends of Unicode's, changes of direction;
# and what nobody sees: a soft hyphen, spaces and joins without width. Emoji need U+200D.
CONTROLS = (
    *(*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),
    *(0xAD, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, *range(0x2060, 0x2066), 0xFEFF, *range(0xFFF9, 0xFFFC)),
)
_CONTROL = re.compile(f"[{re.escape(''.join(map(chr, CONTROLS)))}\ud800-\udfff]")
_KEY = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}")
# Names of the vendor and of HTTP that are as long as a token.
_KNOWN = frozenset(
    ("event_handler_id", "application_token", "auth_application_token", "x-www-form-urlencoded")
)


def is_secret_name(name: str) -> bool:
    """Whether a key names a secret: one of `SECRET_NAMES` in any case, or a flat name that ends in one.

    `BOT[567][access_token]`, `USER_AUTH_ID` and `accessToken` are such names.
    """
    return _ends_in_secret_name(name[-_NAME_END:])


@lru_cache(maxsize=4096)
def _ends_in_secret_name(name: str) -> bool:
    words = "_".join(_APART.sub("_", _HUMP.sub("_", name)).strip("_").lower().split("_"))
    return words in SECRET_NAMES or words.endswith(_ENDS)


def may_be_secret(names: Iterable[str]) -> bool:
    """Whether the keys on the way to a value may name a secret; then the value is never shown.

    This is wider than `is_secret_name`, which decides what goes on the queue, where a value that
    is not a secret must not be lost. `auth` itself counts as a secret, its fields do not.
    """
    levels = [name for name in names if name]
    return any(map(_LIKE_SECRET.search, levels)) or bool(levels and _LIKE_SECRET_LEAF.search(levels[-1]))


def names_secret(text: str) -> bool:
    """Whether a key in the JSON `text` may name a secret: a quick test before the JSON is parsed."""
    lower = text.lower()
    return any(name in lower for name in ("token", "auth", "secret", "client_id", "refresh_id"))


def mask(value: bytes) -> str:
    """`<masked LENGTH FINGERPRINT>`: enough to compare two values, not to learn one."""
    return mask_of(len(value), fingerprint(value))


def mask_of(length: int, printed: str | None) -> str:
    """The mask of a value of which only length and fingerprint are known."""
    return f"{MASK_START}{length} {printed or '-'}>"


def mask_text(text: str) -> str:
    """`mask` for text."""
    return mask(text.encode("utf-8", "surrogatepass"))


def mask_secrets(text: str, secrets: tuple[str, ...]) -> str:
    """`text` with `secrets` masked, each character as it is, percent-encoded, or escaped as in JSON."""
    return _finder(secrets).sub(lambda match: mask_text(secrets[(match.lastindex or 1) - 1]), text)


@lru_cache(maxsize=8)
def _finder(secrets: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"({''.join(map(_writings, secret))})" for secret in secrets) or "(?!)")


def _writings(char: str) -> str:
    """A pattern for one character of a secret in all its spellings, bounded so that it stays linear."""
    encoded = "".join(f"%(?:25){{0,4}}{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
    plus = r"|\+" if char == " " else ""
    return rf"(?:\\{{0,4}}{re.escape(char)}|(?i:{encoded})|\\{{1,4}}u(?i:{ord(char):04x}){plus})"


def clean(text: str, secrets: Collection[str] = (), limit: int = MAX_SHOWN) -> str:
    """`text` cut and escaped, with secrets and runs of 16 and more token characters masked."""
    # The same paths, agents and names of fields come with every event.
    cleaned = _known_clean if len(text) <= _CACHED_TEXT else _clean
    return cleaned(text, tuple(secrets), limit)


def _clean(text: str, secrets: tuple[str, ...], limit: int) -> str:
    masked = _outside_masks(mask_secrets(text, secrets))
    if len(masked) > limit:
        masked = masked[: limit - 1] + "…"
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), masked)


_known_clean = lru_cache(maxsize=1024)(_clean)


def clean_key(key: str, secrets: Collection[str] = ()) -> str:
    """A key if it looks like one, else its size: keys carry values when a body is misread."""
    if _KEY.fullmatch(key):
        return clean(key, secrets)
    return f"<{len(key.encode('utf-8', 'replace'))} bytes>"


def top_level_keys(fields: object, secrets: Collection[str] = ()) -> list[str]:
    """At most 20 names of the body's top level."""
    names = list(fields)[:MAX_KEYS] if isinstance(fields, dict) else []
    return [clean_key(str(name), secrets) for name in names]


def _outside_masks(text: str) -> str:
    parts: list[str] = []
    end = 0
    for match in MASK.finditer(text):
        parts += [_TOKEN_RUN.sub(_mask_run, text[end : match.start()]), match[0]]
        end = match.end()
    return "".join(parts) + _TOKEN_RUN.sub(_mask_run, text[end:])


def _mask_run(match: re.Match[str]) -> str:
    return match[0] if match[0] in _KNOWN else mask_text(match[0])
