"""Reads printed objects back: of Java and its kin, .NET, PowerShell, Swift, Go, Dart, Rust and others.

Most of these languages print texts without quotes, so a value ends where the next name begins,
or where its object closes. Each object is read in one pass from the left.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

_MAX_DEPTH = 40
_NAME = r"(?:\"[^\"\n]{1,300}\"|[\w.$%-]{1,300}(?:\[[^\[\]\s]{0,300}\]){0,20})"
_TYPE = re.compile(r"\s{0,99}&?@?(?:[A-Za-z_][\w.$<>]{0,99}\s?)?([\[({])")
_CLOSE = r"\s{0,99}[\])}]"
_QUOTED = re.compile(r"\s{0,9}\"((?:[^\"\\]|\\.){0,100000})\"")
_TEXT = r"\"(?:[^\"\\\\\n]|\\\\.){1,300}\""
_CONSTANTS = {"null": None, "nil": None, "<nil>": None, "None": None, "true": "1", "false": "0"}
_TOP = ("event", "event_handler_id", "data", "ts", "auth")
_AUTH = ("domain", "member_id", "application_token", "client_endpoint", "server_endpoint")


class _Dialect(NamedTuple):
    """What separates a name from its value, and one pair from the next."""

    kind: str
    begins: str
    mark: str
    between: str


_DIALECTS = (
    _Dialect("powershell", r"@\{[\w\[\]]{1,300}=", "=", r"; ?"),
    _Dialect("csharp", r"(?:[A-Z]\w{0,99} )?\{ [\w\[\]]{1,300} = ", " = ", ", "),
    _Dialect("swift", r"\{\s{0,99}\n\s{1,99}\"?[\w\[\]]{1,300}\"? = ", " = ", r";\s{0,99}"),
    _Dialect("scala", r"(?:Hash|Tree|List|Vector)?Map\([^\n]{0,300}? -> ", " -> ", ", "),
    _Dialect("go", r"map\[[^\s:]{1,300}:|&?\{[A-Z]\w{0,99}:", ":", " "),
    _Dialect("java", r"\{[^\s={}\"']{1,300}=|(?:[A-Z]\w{0,99} ?[(\[]|\[)[\w\[\]]{1,300}=", "=", ", "),
    _Dialect("groovy", r"\[\w[\w\[\]]{0,300}:[^\]\s\"]", ":", ", "),
    _Dialect("dart", r"\{\w[\w\[\]]{0,300}: [^\"'\s]", ": ", ", "),
)
BEGINS = (*((dialect.kind, dialect.begins) for dialect in _DIALECTS), ("entries", r"\[event, "))


def read_object(kind: str, text: str) -> Any:
    """The structure that `text` begins with; None if there is none."""
    # .NET's dictionaries: `[event, ONUSERADD], [data[ID], 7]`.
    if kind == "entries":
        line = text.partition("\n")[0].strip()
        entries = [entry.partition(", ") for entry in re.split(r"\], ?\[", line[1:-1])]
        return {name: value for name, _, value in entries} if line.endswith("]") else None
    dialect = next((candidate for candidate in _DIALECTS if candidate.kind == kind), None)
    try:
        return with_known_names(_Bare(text, dialect).value(0)) if dialect else None
    except (ValueError, IndexError):
        return None


class _Bare:
    """Reads an object in one dialect, from the left."""

    def __init__(self, text: str, dialect: _Dialect) -> None:
        self.text, self.at = text, 0
        self._name = re.compile(rf"\s{{0,99}}({_NAME}){dialect.mark}")
        self._between = re.compile(dialect.between)
        self._item_ends = re.compile(rf"{dialect.between}|{_CLOSE}")
        self._value_ends = re.compile(
            rf"(?:{dialect.between})(?=\s{{0,99}}{_NAME}{dialect.mark})|(?:{dialect.between})?{_CLOSE}"
            rf"(?=\s{{0,99}}(?:{dialect.between}|[\])}};\"]|\Z|\n))"
        )

    def value(self, depth: int, is_named: bool = True) -> Any:
        if depth > _MAX_DEPTH:
            raise ValueError(depth)
        if opened := _TYPE.match(self.text, self.at):
            self.at = opened.end()
            return self._items(depth + 1)
        if quoted := _QUOTED.match(self.text, self.at):
            self.at = quoted.end()
            return re.sub(r"\\(.)", r"\1", quoted[1])
        end = (self._value_ends if is_named else self._item_ends).search(self.text, self.at)
        if end is None:
            raise ValueError(self.at)
        text, self.at = self.text[self.at : end.start()].strip(), end.start()
        return _CONSTANTS.get(text, text)

    def _items(self, depth: int) -> Any:
        pairs: dict[str, Any] = {}
        values: list[Any] = []
        while not (closed := re.compile(_CLOSE).match(self.text, self.at)):
            if name := self._name.match(self.text, self.at):
                self.at = name.end()
                pairs[name[1].strip('"')] = self.value(depth)
            else:
                values.append(self.value(depth, is_named=False))
            if separator := self._between.match(self.text, self.at):
                self.at = separator.end()
            elif not re.compile(_CLOSE).match(self.text, self.at):
                raise ValueError(self.at)
        self.at = closed.end()
        return pairs or values


def with_known_names(value: Any) -> Any:
    """The value with Bitrix24's names where a program's type spells them `Event` or `applicationToken`."""
    if not isinstance(value, dict):
        return value
    renamed = _with_spelling(value, _TOP)
    if isinstance(renamed.get("auth"), dict):
        renamed["auth"] = _with_spelling(renamed["auth"], _AUTH)
    return renamed


def _with_spelling(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    by_lower_name = {name.replace("_", ""): name for name in names}
    return {by_lower_name.get(name.replace("_", "").lower(), name): inner for name, inner in value.items()}


def _rust(text: str) -> str:
    return re.sub(r"\b[A-Z]\w{0,99}\s?(?=[{\[])", "", text)


def _go_syntax(text: str) -> str:
    """Go's `%#v` without the types in front of the braces."""
    return re.sub(
        r"(?:\*|&|\[\]|map\[\w{1,99}\]){0,9}(?:interface ?\{\}|[A-Za-z_][\w.]{0,99})\{(?=[\"\w}])", "{", text
    )


def _clojure(text: str) -> str:
    text = re.sub(
        rf"\[({_TEXT}(?: {_TEXT}){{0,1000}})\]",
        lambda match: f"[{', '.join(re.findall(_TEXT, match[1]))}]",
        text,
    )
    return re.sub(
        rf"({_TEXT}) (?=[\"{{\[])", r"\1: ", re.sub(r"(?<=[{\s,]):([\w-]{1,300})\s{1,99}", r'"\1": ', text)
    )


def _octets(match: re.Match[str]) -> str:
    """A binary that Erlang printed as numbers, because it is not ASCII."""
    octets = bytes(int(octet) & 255 for octet in match[1].split(","))
    return f'<<"{octets.decode("utf-8", "replace")}">>'


def _erlang(text: str) -> str:
    text = re.sub(r"<<(\d{1,3}(?:,\s{0,99}\d{1,3}){0,100000})>>", _octets, text)
    plain = re.sub(r'<<"([^"\n]{0,100000})"(?:/utf8)?>>', r'"\1"', text)
    return plain.replace("#{", "{") if plain.startswith("#{") else plain.translate(str.maketrans("{}", "()"))


# Languages that quote their texts; each function removes the types in front of a literal's braces.
QUOTED: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("rust", r"(?:Object|[A-Z]\w{0,99}) \{\s{0,99}\"?\w{1,300}\"?: ", _rust),
    ("go", r"&?(?:map\[string\][^\s{]{0,99}(?: \{\})?|[a-z]\w{0,99}\.[A-Z]\w{0,99})\{[\"A-Z]", _go_syntax),
    ("clojure", r"\{:[\w-]{1,99} [\"{]|\{\"[^\"\n]{1,300}\" \"", _clojure),
    ("erlang", r"\[\{<<\"|#\{<<\"", _erlang),
    ("groovy", r"\['\w[\w\[\]]{0,299}':", lambda text: text),
    ("swift", r"\[\s?(?:AnyHashable\()?\"[^\"\n]{1,300}\"\)?: ", lambda text: text),
)
