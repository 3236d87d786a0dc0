"""Finds letters that a middleman read as Latin-1 and wrote as UTF-8 again: `Ð\\x98` for `И`, `Ã©` for `é`.

Bottle's `request.forms`, Perl without `encode` and PHP's `utf8_encode` do it. Nobody writes such pairs of
characters: the second is a control character or a sign where a letter would follow.
"""

import re
from collections.abc import Callable
from typing import Any

MAX_NAMED = 20
# Characters of a key in a name: a thousand values under one long key would each repeat it.
MAX_KEY = 200
_PAIR = re.compile("[\xc2-\xf4][\x80-\xbf]")


def misread(fields: Any) -> tuple[str, ...]:
    """The names of the values whose letters were misread, as a form writes them."""
    return names_of_texts(fields, lambda text: _PAIR.search(text) is not None and _is_utf8(text))


def names_of_texts(fields: Any, is_wanted: Callable[[str], bool]) -> tuple[str, ...]:
    """The names of the texts that are wanted, at most `MAX_NAMED`, as a form writes them."""
    names: list[str] = []
    waiting: list[tuple[str, Any]] = [("", fields)]
    while waiting and len(names) < MAX_NAMED:
        name, value = waiting.pop()
        if isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            shortened = [(str(key)[:MAX_KEY], inner) for key, inner in items]
            waiting += [(f"{name}[{key}]" if name else key, inner) for key, inner in shortened]
        elif isinstance(value, str) and is_wanted(value):
            names.append(name)
    return tuple(sorted(names))


def _is_utf8(text: str) -> bool:
    try:
        text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return False
    return True
