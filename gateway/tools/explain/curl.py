"""Reads a curl command as people copy it: from Chrome, Firefox, Postman, PowerShell, documentation.

Its words are split as the shell it was copied for would split them, then its options are
read as curl reads them. Neither shlex (no `$'…'`, no cmd) nor argparse (which mistakes a value
that starts with a dash for an option, as a multipart body does) can read such lines.
"""

import base64
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, unquote

from gateway.redaction import MASK_START, clean
from gateway.tools.explain.request import Request, Unreadable, relative

_COMMAND = re.compile(
    r"\s*(?:[^\n'\"={\[]{0,60}?[$#>%]\s*)?(?:(?:sudo|time)\s+)?(?:[\w.:/\\-]*[/\\])?curl(?:\.exe)?(?=\s)",
    re.IGNORECASE,
)
_CMD = re.compile(r"\^(?:\r?\n|\s*\Z|[\"%&{}\[\]<>|!#$@\\])")
_POWERSHELL = re.compile(r"`\r?\n|\bcurl\.exe\b", re.IGNORECASE)
_WORD = re.compile(
    r"""\$'(?P<ansi>(?:\\.|[^'\\])*)' | '(?P<single>[^']*)' | "(?P<double>(?:\\.|[^"\\])*)"
      | \\(?P<escaped>\r?\n|.) | (?P<space>\s+) | (?P<plain>[^\s'"\\$]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_POWERSHELL_WORD = re.compile(
    r"""'(?P<single>(?:''|[^'])*)' | "(?P<double>(?:`.|""|\\"|[^"`])*)"
      | `(?P<escaped>\r?\n|.) | (?P<space>\s+) | (?P<plain>[^\s'"`]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_ANSI = re.compile(
    r"((?:\\u[0-9A-Fa-f]{1,4})+)|\\U([0-9A-Fa-f]{1,8})|\\x([0-9A-Fa-f]{1,2})|\\([0-7]{1,3})|\\(.)", re.DOTALL
)
_ANSI_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}

_SHORT_WITH_VALUE = frozenset("AbcCdDeEFHKmoPQrtTuUwxXyYz")
_LONG_NAMES = {
    "user-agent": "A", "cookie": "b", "data": "d", "data-ascii": "d", "form": "F", "header": "H",
    "head": "I", "get": "G", "request": "X", "user": "u", "upload-file": "T", "referer": "e",
}  # fmt: skip
_LONG_WITH_VALUE = frozenset(
    """
    abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config connect-timeout
    connect-to continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary
    data-raw data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url
    dump-header ech egd-file engine etag-compare etag-save expect100-timeout form form-string ftp-account
    ftp-alternative-to-user ftp-method ftp-port ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip
    header hostpubmd5 hostpubsha256 hsts interface ip-tos ipfs-gateway json keepalive-cnt keepalive-time key
    key-type krb libcurl limit-rate local-port login-options mail-auth mail-from mail-rcpt max-filesize
    max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir parallel-max pass pinnedpubkey
    preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert proxy-cert-type
    proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey
    proxy-service-name proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-user
    proxy1.0 pubkey quote random-file range rate referer request request-target resolve retry retry-delay
    retry-max-time sasl-authzid service-name socks4 socks4a socks5 socks5-gssapi-service socks5-hostname
    speed-limit speed-time stderr telnet-option tftp-blksize time-cond tls-max tls13-ciphers tlsauthtype
    tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file url url-query user user-agent
    variable vlan-priority write-out
    """.split()  # noqa: SIM905 — a list literal would fill two screens
)
_BOUNDARY = "------------------------bitrix24gateway"


def is_curl(text: str) -> bool:
    """Whether this is a curl command, with or without a prompt before it."""
    return _COMMAND.match(text) is not None


def read_curl(text: str) -> Request:
    """The request that a curl command makes. Raises `Unreadable`; files it names are not read."""
    text = _as_typed(text)
    match = _COMMAND.match(text)
    words = _words(text[match.end() if match else 0 :], powershell=bool(_POWERSHELL.search(text)))
    command = _Command()
    for name, value in _options(words):
        action = _ACTIONS.get(name)
        if action is not None:
            action(command, value)
    return command.request()


def _as_typed(text: str) -> str:
    """The command as it was typed, before a messenger made quotes curly and two hyphens a dash."""
    if not _CURLY.search(text):
        return text
    text = re.sub(r"(?<=\s)[\u2013\u2014](\w+)", lambda match: "-" * min(2, len(match[1])) + match[1], text)
    return text.translate(_STRAIGHT)


_CURLY = re.compile("[\u2018-\u201f\u2013\u2014«»]")
_STRAIGHT = {ord(mark): '"' for mark in "\u201c\u201d\u201e\u201f«»"} | {
    ord(mark): "'" for mark in "\u2018\u2019\u201a\u201b"
}


def _words(text: str, *, powershell: bool) -> list[str]:
    if _CMD.search(text):
        # A caret before a line end keeps it inside a value.
        text = re.sub(r"\^(\r?\n)\r?\n", r"\1", text.replace("^\r\n", "^\n"))
        text = re.sub(r"\^\n\s*", " ", text) if "^\n" in text else text
        text, powershell = re.sub(r"\^(.?)", r"\1", text, flags=re.DOTALL), False
    words: list[str] = []
    inside = False
    for match in (_POWERSHELL_WORD if powershell else _WORD).finditer(text):
        kind, part = match.lastgroup or "", match[match.lastgroup or 0]
        if kind == "space" or (kind == "escaped" and part in ("\n", "\r\n")):
            inside = inside and kind != "space"
            continue
        if kind == "plain" and part in ("'", '"'):
            raise Unreadable("PASTED_CURL_QUOTE")
        if kind == "plain" and not inside and part in ("|", ";", "&&", ">", "2>"):
            break
        value = _POWERSHELL_PARTS[kind](part) if powershell else _PARTS[kind](part)
        if inside:
            words[-1] += value
        else:
            words.append(value)
        inside = True
    return words


def _double(part: str) -> str:
    return re.sub(r"\\(\r?\n)|\\([\"\\$`])", lambda match: match[2] or "", part)


def _ansi(part: str) -> str:
    """`$'…'` of bash: `\\x` is a byte; Chrome writes characters beyond U+FFFF as two `\\u`."""

    def decode(match: re.Match[str]) -> str:
        units, long, byte, octal, letter = match.groups()
        if units:
            codes = b"".join(int(code, 16).to_bytes(2, "big") for code in units.split("\\u")[1:])
            return codes.decode("utf-16-be", "replace")
        if long:
            return chr(min(int(long, 16), 0x10FFFF))
        if byte or octal:
            code = int(byte, 16) if byte else int(octal, 8) & 0xFF
            return bytes([code]).decode("ascii", "surrogateescape")
        return _ANSI_LETTERS.get(letter, letter)

    return _ANSI.sub(decode, part).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _powershell_quoted(part: str) -> str:
    # Windows programs take `\"`, and PowerShell passes it on.
    return part.replace('\\"', '"')


_Part = Callable[[str], str]
_PARTS: dict[str, _Part] = {"ansi": _ansi, "single": str, "double": _double, "escaped": str, "plain": str}
_POWERSHELL_PARTS: dict[str, _Part] = {
    "single": lambda part: _powershell_quoted(part.replace("''", "'")),
    "double": lambda part: _powershell_quoted(re.sub(r"`(.)", r"\1", part, flags=re.DOTALL)),
    "escaped": str,
    "plain": str,
}


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Options and their values; an address is the option `url`."""
    remaining = iter(words)
    for word in remaining:
        if word in ("--next", "-:"):
            return
        if word.startswith("--"):
            name, has_value, value = word[2:].partition("=")
            if not has_value and name in _LONG_WITH_VALUE:
                value = next(remaining, "")
            yield _LONG_NAMES.get(name, name), value
        elif word.startswith("-") and len(word) > 1:
            yield from _short_options(word[1:], remaining)
        else:
            yield "url", word


def _short_options(letters: str, remaining: Iterator[str]) -> Iterator[tuple[str, str]]:
    for index, letter in enumerate(letters):
        if letter in _SHORT_WITH_VALUE:
            yield letter, letters[index + 1 :] or next(remaining, "")
            return
        yield letter, ""


class _Command:
    """Collects what the options mean for the request."""

    def __init__(self) -> None:
        self.url = ""
        self.method = ""
        self.headers: list[tuple[str, str]] = []
        self.data: list[str] = []
        self.query: list[str] = []
        self.parts: list[str] = []
        self.json: list[str] = []
        self.get = self.head = False

    def add_header(self, line: str) -> None:
        name, colon, value = _not_a_file(line, line).partition(":")
        if colon and value.strip():
            self.headers.append((name.strip(), value.strip()))
        elif line.rstrip().endswith(";"):  # an empty header
            self.headers.append((line.rstrip()[:-1].strip(), ""))

    def add_data(self, value: str) -> None:
        self.data.append(_not_a_file(value, value))

    def add_json(self, value: str) -> None:
        self.json.append(_not_a_file(value, value))

    def add_form(self, value: str, *, literal: bool = False) -> None:
        name, _, content = value.partition("=")
        filename = ""
        if not literal and content[:1] == "@":
            filename, content = f'; filename="{content[1:].partition(";")[0].rpartition("/")[2]}"', ""
        elif not literal:
            # With `<` the value would be a file's content.
            if content[:1] == "<" and not content.startswith(MASK_START):
                _not_a_file("@", value)
            content = (
                re.sub(r";\s*(?:type|headers|encoder)=.*\Z", "", content).removeprefix('"').removesuffix('"')
            )
        self.parts.append(
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n{content}\r\n'
        )

    def request(self) -> Request:
        if not self.url:
            raise Unreadable("PASTED_CURL_ADDRESS")
        target = relative(self.url) if "://" in self.url else re.sub(r"\A[^/?]*", "", self.url)
        target = target if target.startswith("/") else "/" + target
        body, media = self._body()
        query = [*self.query, *([body] if self.get and body else [])]
        if query:
            address, mark, existing = target.partition("#")[0].partition("?")
            target = f"{address}?{'&'.join([*([existing] if mark and existing else []), *query])}"
        if self.get:
            body, media = "", ""
        names = {name.lower() for name, _ in self.headers}
        defaults = (("User-Agent", "curl"), ("Content-Type", media))
        headers = [*self.headers, *((n, v) for n, v in defaults if v and n.lower() not in names)]
        method = self.method or ("HEAD" if self.head else "POST" if body or media else "GET")
        target = quote(target, safe="!#$%&'()*+,/:;=?@[]~\"<>\\^`{|}", errors="surrogateescape")
        return Request(
            method.upper(), target, tuple((name, _bytes(value)) for name, value in headers), _bytes(body)
        )

    def _body(self) -> tuple[str, str]:
        if self.parts:
            return "".join(self.parts) + f"--{_BOUNDARY}--\r\n", f"multipart/form-data; boundary={_BOUNDARY}"
        if self.json:
            return "".join(self.json), "application/json"
        return "&".join(self.data), "application/x-www-form-urlencoded" if self.data else ""


def _urlencoded(value: str) -> str:
    """`--data-urlencode`: `content`, `=content`, `name=content`; with `@` a file."""
    name, equals, content = value.partition("=")
    if not equals:
        file = value.partition("@")
        return quote_plus(_not_a_file("@" if file[1] else "", value) or value, errors="surrogateescape")
    return (f"{name}=" if name else "") + quote_plus(content, errors="surrogateescape")


def _not_a_file(value: str, option: str) -> str:
    if value.startswith("@"):
        raise Unreadable("PASTED_CURL_FILE", file=clean(option, limit=100))
    return value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _basic(command: _Command, value: str) -> None:
    credentials = value if ":" in value else f"{value}:"
    command.headers.append(("Authorization", "Basic " + base64.b64encode(_bytes(credentials)).decode()))


def _cookie(command: _Command, value: str) -> None:
    # Without `=` the value names a file.
    if "=" in value:
        command.headers.append(("Cookie", value))


def _url(command: _Command, value: str) -> None:
    command.url = command.url or value
    if user := re.match(r"(?:\w+://)?([^/?#@]+)@", value):
        _basic(command, unquote(user[1], errors="surrogateescape"))


_ACTIONS: dict[str, Callable[[_Command, str], None]] = {
    "url": _url,
    "X": lambda command, value: setattr(command, "method", value),
    "I": lambda command, _: setattr(command, "head", True),
    "G": lambda command, _: setattr(command, "get", True),
    "T": lambda command, _: setattr(command, "method", command.method or "PUT"),
    "H": _Command.add_header,
    "A": lambda command, value: command.headers.append(("User-Agent", value)),
    "e": lambda command, value: command.headers.append(("Referer", value)),
    "b": _cookie,
    "u": _basic,
    "oauth2-bearer": lambda command, value: command.headers.append(("Authorization", f"Bearer {value}")),
    "d": _Command.add_data,
    "data-binary": _Command.add_data,
    "data-raw": lambda command, value: command.data.append(value),
    "data-urlencode": lambda command, value: command.data.append(_urlencoded(value)),
    "url-query": lambda command, value: command.query.append(_urlencoded(value)),
    "json": _Command.add_json,
    "F": _Command.add_form,
    "form-string": lambda command, value: command.add_form(value, literal=True),
}
