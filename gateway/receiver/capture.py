"""Records what arrived for a person to look at: headers, query and the start of the body, no secret.

Secrets are removed by name at every depth (keys of JSON, bracketed keys of a form, encoded or
not, headers, cookies), by value (the configured ones), and by their look: every run of
16 or more token characters outside of a name. What a value was stays readable to
`explain`, as `<masked LENGTH FINGERPRINT>`. On for as long as `WEBHOOK_CAPTURE_UNTIL`
says; a capture changes no verdict and never raises.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_plus

from gateway.ingest.decision import Judgement
from gateway.ingest.incoming import Incoming
from gateway.ingest.limits import MAX_LEVELS
from gateway.redaction import MASK, MAX_SHOWN, clean, mask_secrets, mask_text, may_be_secret
from gateway.settings import Settings

# Characters of the body, and of the query.
MAX_TEXT = 1000
# How many characters are looked at: a value that is cut off is masked whole.
_WINDOW = 8 * MAX_TEXT
_MAX_HEADERS = 60
# A form in JSON in a form; deeper values are masked only by what they look like.
_DEPTH = 4

_EVENT_NAME = re.compile(r"on[a-z]{2,40}(?:v2[a-z]{0,40})?", re.IGNORECASE)
# Token characters, also percent-encoded: letters of any alphabet, digits, - and _.
_RUN = re.compile(r"(?:[\w-]|%(?:25)*(?:2[dD]|3\d|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff])){16,}")
_WORDS = re.compile(r"[_-]*[A-Za-z]{1,15}(?:[_-]+[A-Za-z0-9]{1,15})*[_-]*")
_MASKS = re.compile(f"({MASK.pattern})")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_JSON_TOKEN = re.compile(r'("(?:\\.|[^"\\])*"?)(\s*:)?|[{}\[\]]|[^\s{}\[\]:,"]+', re.DOTALL)
_PAIR = re.compile(r"([^&;=]*)(=?)([^&;]*)(?:[&;]|\Z)")
_DISPOSITION = re.compile(r"content-disposition:[^\r\n]*", re.IGNORECASE)
_PART_NAME = re.compile(r"\bname=\"?([^\"\r\n;]*)", re.IGNORECASE)
_BLANK_LINE = re.compile(r"\r?\n\r?\n")
_BOUNDARY = re.compile(r"\r?\n--|\Z")
_FILE_NAME = re.compile(r"\bfilename\*?=\"?([^\"\r\n;]*)", re.IGNORECASE)


class _Edit(NamedTuple):
    """A piece of a text, and what is written in its place."""

    start: int
    end: int
    text: str


_Reader = Callable[[str, int], Iterator[_Edit]]


def capture_record(
    incoming: Incoming, body: bytes, settings: Settings, judgement: Judgement, now: datetime | None = None
) -> dict[str, Any] | None:
    """The fields of a capture's log record; None if no capture is due, or the record could not be made.

    `answer`, `places` and `causes` are those of the refusal's own record, so that
    `explain` says the same of both.
    """
    until = settings.capture_until
    if until is None or (now or datetime.now(UTC)) >= until:
        return None
    try:
        return _record(incoming, body, settings, judgement)
    except Exception:  # noqa: BLE001 — whatever the request holds, capturing it must not fail it
        return None


def _record(incoming: Incoming, body: bytes, settings: Settings, judgement: Judgement) -> dict[str, Any]:
    from gateway.diagnosis import diagnose  # cold start

    text = body.decode("utf-8", "replace")
    masker = _Masker(settings)
    causes = diagnose(judgement, settings) if judgement.refused else []
    return {
        "code": "CAPTURE",
        "answer": judgement.code,
        "method": clean(incoming.method, masker.secrets),
        "path": masker.short(incoming.path),
        "query": masker.text(incoming.query.decode("utf-8", "replace"), _form),
        "headers": masker.headers(incoming.headers.items()),
        "body": masker.text(text, _reader(text)),
        "body_bytes": judgement.body_bytes,
        "body_cut": len(text) > MAX_TEXT or judgement.body_bytes > len(body),
        "decoded_as": judgement.payload.decoded_as,
        "places": [trace._asdict() for trace in judgement.verdict.places],
        "causes": [cause.to_json() for cause in causes],
    }


def masked_request(incoming: Incoming, body: bytes, settings: Settings, max_chars: int) -> dict[str, Any]:
    """Headers, query and the first `max_chars` characters of the body, masked: what the journal keeps."""
    text = body[: 4 * max_chars].decode("utf-8", "replace")
    masker = _Masker(settings)
    return {
        "headers": masker.headers(incoming.headers.items()),
        "query": masker.text(incoming.query.decode("utf-8", "replace"), _form),
        "body": masker.text(text, _reader(text), max_chars),
        "body_cut": len(text) > max_chars or len(body) > 4 * max_chars,
    }


class _Masker:
    """Masks by name, by look, and by the values of the configured secrets."""

    def __init__(self, settings: Settings) -> None:
        self.secrets = settings.secrets()
        self._no_runs = tuple(secret for secret in self.secrets if not _RUN.fullmatch(secret))

    def text(self, text: str, reader: _Reader, max_chars: int = MAX_TEXT) -> str:
        """The first `max_chars` characters of `text`, masked."""
        text = mask_secrets(text[: max(_WINDOW, max_chars + MAX_TEXT)], self._no_runs)
        return mask_secrets(_edited(text, reader(text, _DEPTH), max_chars), self.secrets)

    def short(self, text: str) -> str:
        return clean(mask_tokens(mask_secrets(text[:_WINDOW], self.secrets)), self.secrets)

    def headers(self, headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
        masked = {}
        for name, value in list(headers)[:_MAX_HEADERS]:
            text = value[:_WINDOW].decode("utf-8", "replace")
            if name == "function-execution-id":
                # functions-framework adds it here; nobody sent it.
                continue
            if name == "content-type":
                masked[name] = clean(text, self.secrets)
            else:
                # Not by `clean`, which masks any sixteen characters: `x-forwarded-proto` is a name.
                masked[mask_secrets(mask_name(name[:MAX_SHOWN]), self.secrets)] = self.short(
                    _header(name, text)
                )
        return masked


def mask_name(name: str) -> str:
    """A key in which whatever looks like a token is masked; names made of words stay."""
    return _RUN.sub(lambda run: run[0] if _WORDS.fullmatch(run[0]) else _mask_run(run), name)


def mask_value(value: str) -> str:
    """The mask of a secret value; a blank stays, and so do masks in it."""
    pieces = _MASKS.split(value)
    return "".join(
        piece if index % 2 or not piece.strip() else mask_text(piece) for index, piece in enumerate(pieces)
    )


def mask_tokens(text: str, depth: int = _DEPTH) -> str:
    """`text` with its secrets masked: those that a form or JSON in it names, and what looks like one."""
    if not depth:
        return _RUN.sub(_mask_run, text)
    if _ESCAPE.search(text):
        decoded = unquote_plus(text)
        masked = mask_tokens(decoded, depth - 1)
        if masked != decoded:
            return masked
    return _edited(text, _reader(text)(text, depth - 1), len(text))


def _mask_run(run: re.Match[str]) -> str:
    return mask_text(_decoded(run[0]) if "%" in run[0] else run[0])


def _edited(text: str, edits: Iterator[_Edit], limit: int) -> str:
    """`text` up to `limit` with its edits; an edit that crosses the limit is written whole."""
    pieces: list[str] = []
    end = 0
    for edit in edits:
        if edit.start >= limit:
            break
        pieces += [text[end : edit.start], edit.text]
        end = edit.end
    return "".join([*pieces, text[end:limit]])


def _reader(text: str) -> _Reader:
    start = text[:64].lstrip("\ufeff \t\r\n")[:2]
    if start[:1] in ("{", "["):
        return _json
    if start == "--" and "form-data" in text[:_WINDOW]:
        return _multipart
    return _form if "=" in text else _plain


def _plain(text: str, _depth: int) -> Iterator[_Edit]:
    for run in _RUN.finditer(text):
        yield _Edit(run.start(), run.end(), _mask_run(run))


def _form(text: str, depth: int) -> Iterator[_Edit]:
    """The edits of the pairs of a form, cookies or an address: names stay, values are masked."""
    for pair in _PAIR.finditer(text):
        raw_name, equals, raw_value = pair.groups()
        name, value = _decoded(raw_name), unquote_plus(raw_value)
        if not equals:
            yield _Edit(pair.start(1), pair.end(1), mask_tokens(raw_name, 0))
            continue
        if mask_name(name) != name:
            yield _Edit(pair.start(1), pair.end(1), mask_name(name))
        masked = mask_leaf(re.split(r"[\[\].]+", name), value, depth)
        if masked != value:
            yield _Edit(pair.start(3), pair.end(3), re.sub(r"[%&+;#]", lambda char: quote(char[0]), masked))


def _decoded(name: str) -> str:
    """A key without its percent-encoding, however many times it was applied."""
    for _ in range(3):
        name = unquote_plus(name)
    return name


def mask_leaf(names: Sequence[str], value: str, depth: int = _DEPTH) -> str:
    """A value, masked if a key above it (`names`) or its own look requires it; an event's name stays."""
    if may_be_secret(names):
        return mask_value(value)
    if [name for name in names if name] == ["event"] and _EVENT_NAME.fullmatch(value.strip()):
        return value
    return mask_tokens(value, max(0, depth - 1))


def _json(text: str, depth: int) -> Iterator[_Edit]:
    """The edits of JSON, found token by token, so that a cut or an error does not hide the rest."""
    # Of each open object or list: the names to it, and its key.
    above: list[tuple[tuple[str, ...], str]] = []
    names: tuple[str, ...] = ()
    key = ""
    for match in _JSON_TOKEN.finditer(text):
        token = match[1] or match[0]
        if token in ("{", "["):
            above.append((names, key))
            names, key = _names_below(names, key), ""
        elif token in ("}", "]"):
            names, key = above.pop() if above else ((), "")
        elif match[2]:
            key = _unescaped(token)
            if mask_name(key) != key:
                yield _Edit(match.start(1), match.end(1), _text(mask_name(key)))
        elif token != "null":  # noqa: S105
            value = _unescaped(token)
            masked = mask_leaf([*names, key], value, depth)
            if masked != value:
                end = match.start() + len(token)
                yield _Edit(match.start(), end, _text(masked))


def _names_below(names: tuple[str, ...], key: str) -> tuple[str, ...]:
    """The names on the way to a value; of thousands those that decide whether it is masked.

    All names above each leaf are looked at: without a bound, twice the text would take four times as long.
    """
    if not key:
        return names
    if len(names) < MAX_LEVELS:
        return (*names, key)
    secret = [name for name in names[:-1] if may_be_secret([name])][:1]
    return (*secret, names[-1], key)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _unescaped(token: str) -> str:
    """A JSON string's text, also of one that is cut off; a number as it stands."""
    if token[:1] != '"':
        return token
    for candidate in (token, token + '"'):
        try:
            return str(json.loads(candidate, strict=False))
        except ValueError:
            continue
    return token[1:]


def _multipart(text: str, depth: int) -> Iterator[_Edit]:
    """The edits of a multipart body's names, file names and values, found in one pass."""
    at = 0
    while (head := _DISPOSITION.search(text, at)) and (blank := _BLANK_LINE.search(text, head.end())):
        boundary = _BOUNDARY.search(text, blank.end())
        end = at = boundary.start() if boundary else len(text)
        name_match = _PART_NAME.search(text, head.start(), head.end())
        name = name_match[1] if name_match else ""
        edits = [
            _Edit(file.start(1), file.end(1), mask_value(file[1]))
            for file in _FILE_NAME.finditer(text, head.start(), blank.start())
        ]
        if name_match and mask_name(name) != name:
            edits.append(_Edit(name_match.start(1), name_match.end(1), mask_name(name)))
        yield from sorted(edits)
        value = text[blank.end() : end]
        yield _Edit(blank.end(), end, mask_leaf(re.split(r"[\[\].]+", name), value, depth))


def _header(name: str, value: str) -> str:
    """A header's value, masked; the scheme before credentials stays, and so do the names of cookies."""
    if name == "cookie":
        return "; ".join(
            f"{mask_name(key)}{equals}{mask_value(secret)}"
            for key, equals, secret in (part.strip().partition("=") for part in value.split(";"))
        )
    if name in ("authorization", "proxy-authorization"):
        scheme, space, rest = value.strip().partition(" ")
        is_scheme = space and re.fullmatch(r"[A-Za-z-]{1,12}", scheme)
        return f"{scheme} {mask_value(rest.strip())}" if is_scheme else mask_value(value)
    if may_be_secret([name]):
        return ",".join(mask_value(part.strip()) for part in value.split(","))
    return value
