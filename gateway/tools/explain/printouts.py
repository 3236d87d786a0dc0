"""Reads printed structures back: PHP's print_r, var_export and var_dump, Python's and JavaScript's literals.

Each is read in one pass from the left. An object that console.log left out (`[Object]`) is not the same
as an empty one: an event without its `auth` can't be judged.
"""

import re
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from gateway.ingest.hollow import is_of_event
from gateway.ingest.php_form import build_query
from gateway.setting_values import WEBHOOK_PATH
from gateway.tools.explain import objects
from gateway.tools.explain.form_names import fields_in, has_quotes
from gateway.tools.explain.literals import MAX_DEPTH, LeftOut, Literal, Pair, in_order, text_of
from gateway.tools.explain.request import Request, Unreadable

_MAX_TEXT, _MAX_WRAPPED = 1024 * 1024, 6
# What pydantic and dataclasses print.
_OF_TYPES = ("python", r"\w{1,99}='[^'\n]{0,200}' \w{1,99}=|[A-Z]\w{0,99}\(\w{1,99}=['\"]")
_STRUCT = r"#<(?:struct |OpenStruct )(?:[A-Z][\w:]{0,99} )?"
_NAMED_KINDS = (
    ("print_r", r"(?:Array|stdClass Object)\s{1,80}\("),
    ("var_dump", r"array(?:\(\d+\)\s?\{| \(size=\d+\))"),
    ("var_export", r"array\s?\("),
    # Symfony's dump() is the first of these.
    ("php_array", r"array:\d+ ?\[|\[\s{0,9}['\"][^'\"\n]{0,200}['\"]\s?=>"),
    ("serialize", r"a:\d{1,4}:\{[si]:"),
    ("multidict", r"<?(?:\w{1,40}\.){0,3}\w{0,40}(?:MultiDict\w*|QueryDict|FormData)\b"),
    ("python", r"(?:OrderedDict|dict|defaultdict)\(|\{\s{0,9}'[^'\n]{0,200}'\s?:"),
    _OF_TYPES,
    ("ruby", rf"{_STRUCT}\w{{1,99}}="),
    ("ruby", r"\{\s?\"[^\"\n]{0,200}\"\s?=>|\{\s?:\w{1,99}\s?=>"),
    ("perl", r"\$VAR\d{1,3} = \{"),
    ("r", r"list\(\w{1,99} = "),
    ("elixir", r"%\{\s{0,9}[\"\w]|\[\w{1,99}: [\"\[%]"),
    ("go", r"map\[[^\s:]{1,300}:\["),
    *((kind, pattern) for kind, pattern, _ in objects.QUOTED),
    *objects.BEGINS,
    ("console.log", r"(?:\[Object: null prototype\]\s?)?\{\s{0,9}['\w]"),
)
# What parse_qsl returns; among other text it is the contents of a MultiDict.
_PAIRS = ("python", r"\[\s?\('")
_KINDS = tuple((kind, re.compile(pattern)) for kind, pattern in (*_NAMED_KINDS, _PAIRS))
_INSIDE = re.compile("|".join(rf"(?<=[\s=:>\"(])(?:{pattern})" for _, pattern in _NAMED_KINDS))
# How many printouts among other text are tried.
_MAX_STARTS = 20
_WITHOUT_QUOTES = dict(objects.BEGINS)
_FORM_NAME = re.compile(r"(?:data|auth)\[[^\]\s]{1,99}\]")


def read_printout(text: str) -> Request | None:
    """The event in a printout, as the form that it was printed from; None if there is none."""
    text = text[:_MAX_TEXT].strip().rstrip(";")
    # If the whole text is a printout, those inside it are parts of it.
    is_printout = any(pattern.match(text) for _, pattern in _KINDS)
    starts = (match.start() for match in _INSIDE.finditer(text))
    inside = deque((start for start in starts if not is_printout or text[start - 1] == "\n"), _MAX_STARTS)
    if flat := _flat(text, [0, *inside]):
        return flat
    # The newest is last.
    for start in (*reversed(inside), 0):
        candidate = text[start:]
        for kind in dict.fromkeys(name for name, pattern in _KINDS if pattern.match(candidate)):
            value = _read(kind, candidate)
            body = _form(_event_in(value) or value)
            # Among other text only an event counts; a printout by itself is judged whatever it holds.
            if body is not None and (not start or re.search(rb"(?:^|&)event=", body)):
                return _posted(body, kind)
    return None


def _posted(body: bytes, kind: str) -> Request:
    form = b"application/x-www-form-urlencoded"
    return Request("POST", WEBHOOK_PATH, (("Content-Type", form),), body, kind)


def _flat(text: str, starts: list[int]) -> Request | None:
    """The event of a printout without quotes whose names are a form's, which tell its values apart."""
    fields = fields_in(text) if _FORM_NAME.search(text) and not has_quotes(text) else None
    if not fields:
        return None
    kinds = (
        kind
        for start in starts
        for kind, pattern in _KINDS
        if kind in _WITHOUT_QUOTES and pattern.match(text[start : start + 1000])
    )
    kind = next(kinds, None)
    return _posted(build_query(fields), kind) if kind else None


def _read(kind: str, text: str) -> Any:
    """The structure that `text` begins with."""
    for name, pattern, plain in objects.QUOTED:
        if name == kind and re.match(pattern, text):
            return objects.with_known_names(Literal(plain(text)).read())
    if kind in dict(objects.BEGINS):
        return objects.read_object(kind, text)
    if kind in _READERS:
        return _READERS[kind](text)
    if kind == "ruby":
        text = re.sub(r":\"?(\w{1,99})\"?\s?=>", r'"\1"=>', re.sub(_STRUCT, "{", text))
    if kind == "python" and re.match(_OF_TYPES[1], text):
        return objects.with_known_names(
            Literal(text if "(" in text.partition("=")[0] else f"{{{text}}}").read()
        )
    if kind == "perl":
        text = text.partition(" = ")[2]
    if kind in ("elixir", "php_array"):
        text = re.sub(r"%\{", "{", re.sub(r"array:\d{1,9} ?\[(?:[▼▶]| // [^\n]{0,300})?", "[", text))
    return Literal(text).read()


def _form(value: Any) -> bytes | None:
    """A form body of the values; None if they don't have the structure of an event."""
    if isinstance(value, dict):
        return _form_of_fields(value) if value and all(isinstance(name, str) for name in value) else None
    if isinstance(value, list) and value and all(isinstance(inner, list) for inner in value):
        value = [pair for inner in value for pair in inner]  # a CombinedMultiDict
    return _form_of_pairs(value) if _are_pairs(value) else None


def _form_of_fields(fields: dict[str, Any]) -> bytes | None:
    if isinstance(fields.get("auth"), LeftOut):
        raise Unreadable("PASTED_DEPTH")
    flat = any("[" in name for name in fields)
    if flat and any(isinstance(inner, list) for inner in fields.values()):  # a QueryDict, parse_qs
        pairs = [Pair(name, inner) for name, contents in fields.items() for inner in _as_list(contents)]
        return _form_of_pairs(pairs) if pairs else None
    single = {name: inner[0] if _is_single(name, inner) else inner for name, inner in fields.items()}
    return build_query(in_order(single))


def _form_of_pairs(pairs: list[Pair]) -> bytes | None:
    if any(_are_pairs(pair.value) or isinstance(pair.value, dict) for pair in pairs):
        return _form(_nested(pairs))
    texts = [(str(pair.name), text_of(pair.value)) for pair in pairs]
    return urlencode(texts, errors="surrogateescape").encode()


def _event_in(value: Any, depth: int = 0) -> Any:
    """The event in a structure: itself or, under a log's or a queue's own names, one of its parts."""
    if depth > _MAX_WRAPPED:
        return None
    names = (
        [item.name for item in value] if _are_pairs(value) else list(value) if isinstance(value, dict) else []
    )
    if "event" in names and any(is_of_event(str(name)) for name in names):
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    events = (_event_in(item.value if isinstance(item, Pair) else item, depth + 1) for item in inner)
    return next((item for item in events if item is not None), None)


def _are_pairs(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Pair) for item in value)


def _nested(value: Any) -> Any:
    """An OrderedDict, which is a list of pairs, as the dict that it is."""
    return {str(pair.name): _nested(pair.value) for pair in value} if _are_pairs(value) else value


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_single(name: str, value: Any) -> bool:
    """Whether `event` or its like came as a list of one: the vendor's events have no such lists."""
    return name in ("event", "ts", "event_handler_id") and isinstance(value, list) and len(value) == 1


def _print_r(text: str) -> Any:
    """Read print_r, whose levels begin and end with `(` and `)` on lines of their own, in the same column."""
    root: dict[str, Any] = {}
    levels: list[tuple[int, dict[str, Any]]] = []
    name = ""
    # A logger may have put all of it on one line.
    if "\n" not in text:
        text = re.sub(r" (\(|\))(?=\s|\Z)", r"\n\1\n", re.sub(r" (?=\[[^\]\n]{1,200}\] => )", "\n", text))
    for line in text.splitlines():
        stripped = line.strip()
        column = len(line) - len(line.lstrip())
        current, fields = levels[-1] if levels else (column, {})
        if stripped == "(" and not isinstance(fields.get(name), str):
            if len(levels) > MAX_DEPTH:
                return None
            levels.append((column, fields.setdefault(name, {}) if levels else root))
        elif stripped == ")" and levels and column == current:
            levels.pop()
            if not levels:
                break
        elif (match := re.match(r"\[([^\n]{1,200}?)\] => ?(.*)", stripped)) and column >= current:
            if not levels:
                return None
            name = match[1].partition(":protected")[0]
            fields[name] = {} if match[2] in ("Array", "stdClass Object") else match[2]
        elif stripped and stripped != "Array" and isinstance(fields.get(name), str):
            fields[name] += "\n" + stripped
    if _has_lost_token(root, text):
        raise Unreadable("PASTED_PRINT_R")
    return root or None


def _has_lost_token(root: dict[str, Any], text: str) -> bool:
    """Whether a value that looks like the end of a level has taken the token out of its place."""
    event = _event_in(root)
    if not event or "[application_token] =>" not in text:
        return False
    auth = event.get("auth")
    return "application_token" not in event and not (isinstance(auth, dict) and "application_token" in auth)


def _var_dump(text: str) -> Any:
    """var_dump's lines: `["name"]=>`, then the value with its type. Xdebug prints `'name' =>`."""
    if text.startswith("array (size="):
        return _xdebug(text)
    root: dict[str, Any] = {}
    levels: list[dict[str, Any]] = []
    name = ""
    for line in text.splitlines():
        stripped = line.strip()
        if match := _DUMPED_NAME.match(stripped):
            name = next(part for part in match.groups() if part is not None)
            stripped = stripped[match.end() :].strip()
        if re.match(r"(?:array|object)\(", stripped):
            inner: dict[str, Any] = {} if levels else root
            if len(levels) > MAX_DEPTH:
                return None
            if levels:
                levels[-1][name] = inner
            levels.append(inner)
        elif stripped == "}" and levels:
            levels.pop()
        elif (
            match := re.match(
                r'(?:string\(\d+\) "(.*)"|(?:int|float|double)\((.*)\)|bool\((\w+)\)|NULL)\Z', stripped
            )
        ) and levels:
            levels[-1][name] = next((part for part in match.groups() if part is not None), None)
    return root or None


def _xdebug(text: str) -> Any:
    """Read Xdebug's var_dump for browsers, whose levels are shown by their indent."""
    root: dict[str, Any] = {}
    levels: list[tuple[int, dict[str, Any]]] = [(-1, root)]
    for line in text.splitlines()[1:]:
        match = _XDEBUG.match(line)
        if match is None:
            if line.strip() and not line.strip().startswith("array"):
                break
            continue
        indent, name, value = len(match[1]), match[2] or match[3], match[4].strip()
        while indent <= levels[-1][0]:
            levels.pop()
        if len(levels) > MAX_DEPTH:
            return None
        scalar = re.match(r"(?:string '(.*)' \(length=\d+\)|(?:int|float|boolean) (\S+)|null)\Z", value)
        if scalar:
            levels[-1][1][name] = scalar[1] if scalar[1] is not None else scalar[2]
        else:
            inner: dict[str, Any] = {}
            levels[-1][1][name] = inner
            levels.append((indent, inner))
    return root or None


_DUMPED_NAME = re.compile(r"(?:\[(?:\"([^\n]{0,200})\"|(\d+))\]|'([^'\n]{0,200})'|(\d{1,9})) ?=>")
_XDEBUG = re.compile(r"(\s{1,200})(?:'([^'\n]{0,200})'|(\d{1,9})) => ?(.*)")


def _serialize(text: str) -> Any:
    """PHP's serialize: `a:COUNT:{KEY VALUE …}`, `s:BYTES:"…";`, `i:7;`, `N;`."""
    raw = text.encode("utf-8", "surrogateescape")
    at = 0

    def value(depth: int) -> Any:
        nonlocal at
        if depth > MAX_DEPTH:
            raise ValueError(depth)
        match = _SERIALIZED.match(raw, at)
        if match is None:
            raise ValueError(at)
        at = match.end()
        if match["count"]:
            items = [(value(depth + 1), value(depth + 1)) for _ in range(min(int(match["count"]), 1000))]
            at += 1
            return {str(name): inner for name, inner in items}
        if match["bytes"]:
            size = int(match["bytes"])
            content, at = raw[at : at + size], at + size + 2
            return content.decode("utf-8", "surrogateescape")
        return match["plain"].decode() if match["plain"] else None

    try:
        return value(0)
    except ValueError:
        return None


_SERIALIZED = re.compile(
    rb'a:(?P<count>\d{1,4}):\{|s:(?P<bytes>\d{1,7}):"|[ibd]:(?P<plain>[-\d.E+]{1,40});|N;'
)
_READERS: dict[str, Callable[[str], Any]] = {
    "print_r": _print_r,
    "var_dump": _var_dump,
    "serialize": _serialize,
}
