"""Reads literals of Python, JavaScript, PHP and similar languages, token by token."""

import re
from typing import Any, NamedTuple

MAX_DEPTH = 40
_TOKEN = re.compile(
    r"""\s*(?: (?P<text>[bBrRuU]{0,2}(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`))
      | (?P<lost>\[(?:Object|Array|Circular|Function)[^\]\n]{0,60}\](?!\s*[{\[]))
      | (?P<noise>\[Object:\ null\ prototype\]|(?:Array|Object)?\(\d+\)(?=\s*[\[{])
        |,?\ ?\[length\]:\ \d{1,9})
      | (?P<open>[A-Za-z_][\w.\\]*\s*\(|[(\[{]) | (?P<close>[)\]}>])
      | (?P<mark>=>|[,:;=]) | (?P<word>[-\w.]+) )""",
    re.VERBOSE | re.DOTALL,
)

_CONSTANTS = {
    "None": None,
    "nil": None,
    "null": None,
    "NULL": None,
    "undefined": None,
    "True": "1",
    "False": "0",
}
_CONSTANTS |= {"true": "1", "false": "0"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


# A pair of surrogates, which is one character.
_PAIR = r"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPED = re.compile(
    rf"\\({_PAIR}|x[0-9a-fA-F]{{2}}|[0-3][0-7]{{2}}|u[0-9a-fA-F]{{4}}|[xu]\{{[0-9a-fA-F]{{1,6}}\}}|.)",
    re.DOTALL,
)
_OCTET = re.compile(r"\\(?:x[89a-fA-F][0-9a-fA-F]|[23][0-7]{2})")


class LeftOut(dict[str, Any]):
    """An object that a program printed as `[Object]`."""


class Pair(NamedTuple):
    """A tuple of two: an entry of a MultiDict."""

    name: Any
    value: Any


class Literal:
    """A literal of Python's, JavaScript's or PHP's, read token by token."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 1 if text.startswith("<") else 0
        self.value: Any = None
        name = re.compile(r"\s*(?:\w+\.)*\w*(?:MultiDict\w*|QueryDict):?\s*(?=['{(\[])").match(text, self.at)
        if self.at and name:
            self.at = name.end()
            self.bare = text[self.at] == "'"
        else:
            self.bare = False

    def read(self) -> Any:
        """The value; None where the text is no literal."""
        try:
            return self._items(None, 0) if self.bare else self._value(0)
        except (ValueError, IndexError):
            return None

    def _next(self) -> tuple[str, str]:
        while token := _TOKEN.match(self.text, self.at):
            self.at = token.end()
            kind = token.lastgroup or ""
            if kind != "noise":
                return kind, token[kind]
        raise ValueError(self.at)

    def _peek(self) -> tuple[str, str]:
        before = self.at
        token = self._next()
        self.at = before
        return token

    def _value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError(depth)
        kind, text = self._next()
        if kind == "text":
            return unquoted(text)
        if kind == "lost":
            return LeftOut()
        if kind == "word":
            return _CONSTANTS.get(text, text)
        if kind == "open":
            return self._items(text, depth + 1)
        raise ValueError(text)

    def _items(self, opened: str | None, depth: int) -> Any:
        """The contents of a pair of brackets: names with values, or values."""
        by_name: dict[str, Any] = {}
        pairs: list[Pair] = []
        values: list[Any] = []
        while self._peek()[0] != "close":
            value = self._value(depth)
            if self._peek() in (("mark", ":"), ("mark", "=>"), ("mark", "=")):
                self._next()
                inner = self._value(depth)
                by_name[text_of(value)] = inner
                pairs.append(Pair(value, inner))
            else:
                values.append(value)
            if self._peek()[0] == "mark":
                self._next()
        self._next()
        if by_name:
            return pairs if opened is None else by_name
        called = opened is not None and len(opened) > 1
        if opened == "(" and len(values) == 2:
            return Pair(*values)
        if called and len(values) == 1 and not (opened or "").lower().startswith("array"):
            return values[0]  # MultiDict([…]), dict({…}), Markup('…')
        return values


def unquoted(text: str) -> str:
    """The text of a literal in quotes; octets that are escaped one by one are UTF-8."""
    plain = _ESCAPED.sub(_unescaped, text.lstrip("bBrRuU")[1:-1])
    if plain.isascii() or not _OCTET.search(text):
        return plain
    try:
        return plain.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return plain


def _unescaped(match: re.Match[str]) -> str:
    letter = match[1]
    if len(letter) == 1:
        return _ESCAPES.get(letter, letter)
    if letter.isdigit():
        return chr(int(letter, 8) & 255)
    if len(letter) == len("ud83d\\ude00"):
        high, low = (int(half, 16) for half in letter[1:].split("\\u"))
        return chr(0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00)
    code = int(letter[1:].strip("{}"), 16)
    # Half of a pair, which UTF-8 cannot hold.
    is_half = 0xD800 <= code < 0xE000
    return chr(code) if code < 0x110000 and not is_half else "\ufffd"


def in_order(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with lists that a hash shuffled, as Perl's and Go's do, in the order of their numbers."""
    fields = {name: in_order(value) if isinstance(value, dict) else value for name, value in fields.items()}
    # From `data[A]` by the number in the brackets behind it to the whole name.
    numbered: dict[str, dict[int, str]] = {}
    for name in fields:
        stem, _, last = name.rpartition("[")
        digits = last.removesuffix("]")
        if digits.isdigit() and len(digits) < 5:
            numbered.setdefault(stem, {})[int(digits)] = name
    for names in numbered.values():
        if sorted(names) == list(range(len(names))):
            for number in sorted(names):
                fields[names[number]] = fields.pop(names[number])
    return fields


def text_of(value: Any) -> str:
    return "" if value is None else str(value)
