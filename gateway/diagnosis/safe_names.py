"""Makes names that a sender chose safe to show, since a name may hold a secret or a piece of one."""

import re
from urllib.parse import unquote

from gateway.diagnosis.similarity import MAX_TEXT, fold
from gateway.ingest.incoming import Incoming
from gateway.settings import Settings

# No `%`, `&#` or `\\`: an encoded secret would not be recognised.
_NAME = re.compile(r"""[A-Za-z0-9А-Яа-яЁё_.:;/()\[\]{}'"$@ -]{1,100}""")
_LONG_RUN = re.compile(r"[\w-]{16,}")
# A run of 16 token characters is shown only if it consists of these words, or of short separated ones.
_WORDS = re.compile(
    "(?:x|bitrix(?:24)?|b24|tokens?|auth|authori[sz]ation|webhooks?|hook|applications?|app|secret|key|api|access"
    "|refresh|outgoing|outbound|incoming|inbound|events?|handler|id|original|url|uri|path|proxy|forwarded|for"
    "|signature|client|user|agent|custom|header|session|csrf|portal|member|domain|telegram|bot|verify|verification"
    "|gateway|request|my|data|fields|before|after|code|password|pass|value|real|ip|host|hub|sha|256|gitlab|github"
    "|accept|encoding|language|content|type|length|server|endpoint|document|body|payload|query|params?|shared"
    "|serverless|iap|jwt|assertion|goog|google|cloud|trace|context|method|override|status|scope|expires|in|_|-)+",
    re.IGNORECASE,
)

_SEPARATE_WORDS = re.compile(r"(?:[A-Z]?[a-z]{1,12}|[A-Z]{1,12})(?:[-_](?:[A-Z]?[a-z]{1,12}|[A-Z]{1,12}))+")


class Names:
    """Shows names, and hides those that hold 8 characters of a configured secret or look like one."""

    def __init__(self, settings: Settings) -> None:
        secrets = [token.decode("utf-8", "replace") for token in settings.tokens]
        secrets += [settings.rest_secret or "", settings.inspector_password or ""]
        secrets = [fold(secret) for secret in secrets if not _WORDS.fullmatch(secret)]  # not placeholders
        pieces = {secret[i : i + 8] for secret in secrets for i in range(max(1, len(secret) - 7))}
        self._pieces = tuple(piece for piece in pieces if piece)

    def place(self, source: str, name: str) -> str:
        """`source:name`, a header's as HTTP writes it."""
        if source == "header":
            name = "-".join(word.capitalize() for word in name.split("-"))
        return f"{source}:{self.safe(name)}" if name else source

    def path(self, path: str) -> str:
        """A path, each of its segments shown as a name."""
        safe_path = "/".join(self.safe(unquoted(part)) if part else "" for part in path[:2000].split("/"))
        return safe_path if len(safe_path) <= 200 else safe_path[:199] + "…"

    def host(self, host: str) -> str:
        """A portal's host name, or its size; unlike a name, it may hold runs as long as half a token."""
        is_plain = re.fullmatch(r"[a-z0-9.-]{1,253}", host) and not re.search(r"[a-z0-9-]{32}", host)
        return (
            host if is_plain and not self._hides(host) else f"<{len(host.encode('utf-8', 'replace'))} bytes>"
        )

    def safe(self, name: str) -> str:
        """The name if it is safe to show, else its size."""
        is_plain = _NAME.fullmatch(name) and all(
            _WORDS.fullmatch(run) or _SEPARATE_WORDS.fullmatch(run) for run in _LONG_RUN.findall(name)
        )
        return (
            name if is_plain and not self._hides(name) else f"<{len(name.encode('utf-8', 'replace'))} bytes>"
        )

    def _hides(self, name: str) -> bool:
        folded = fold(name[:MAX_TEXT])
        squeezed = re.sub(r"[\W_]+", "", folded)
        return sum(piece in folded or piece in squeezed for piece in self._pieces) > 0


def unquoted(text: str) -> str:
    """`text` percent-decoded, twice, since it may have been encoded twice."""
    return unquote(unquote(text, errors="replace"), errors="replace")


def safe_method(incoming: Incoming) -> str:
    """The method if it looks like one, else `?`."""
    return incoming.method if re.fullmatch("[A-Z]{3,10}", incoming.method) else "?"
