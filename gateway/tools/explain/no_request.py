"""Recognises what holds no request: a script, an access log, a browser's table, an answer, a page."""

import json
import re

from gateway.ingest.decision import STATUS
from gateway.setting_values import WEBHOOK_PATH
from gateway.settings import NAMES
from gateway.texts import SENTENCES
from gateway.tools.explain.captures import EVENT_PAIRS

_NO_REQUEST = (
    (
        "PASTED_POWERSHELL",
        r"(?:\$\w+\s*=\s*)?(?:New-Object|Invoke-(?:WebRequest|RestMethod)|iwr|irm)\b|\$session\b",
    ),
    (
        "PASTED_FETCH",
        r"(?:(?:const|let|var)\s+\w+\s*=\s*)?(?:await\s+)?"
        r"(?:fetch|axios(?:\.\w+)?|\$\.(?:post|ajax)|XMLHttpRequest)\s*\(",
    ),
    (
        "PASTED_SCRIPT",
        r"wget\s+\S|(?:httpie|https?|xh)\s+(?:--?\w|(?:POST|GET|PUT|PATCH|DELETE|HEAD)\b|:|[a-z][\w-]{0,99}[.:])"
        r"|(?:\w+\s*=\s*)?(?:requests|httpx|session)\.\w+\(|(?:import|using|package|require|use)\s+[\w'\"]"
        r"|<\?php|\$\w+\s*=\s*(?:curl_|new |Http)|curl_\w+\(|(?:\w+, ?\w+ :?= )?http\.(?:Post|New|Do)\w*\("
        r"|(?:var|final|val|let mut)\s+\w+\s*=|(?:\w+\s*=\s*)?(?:Http|Net::HTTP|Faraday|HTTParty|RestClient"
        r"|HTTPoison|Req|Tesla|reqwest)(?:::|\.)\w|(?:Http|Web|Rest)\w{1,40}\s+\w+\s*="
        r"|\w{1,99}\s*=\s*Новый\s|\w{1,40}\.(?:Post|Send)\w*\(",
    ),
)
_ACCESS_LOG = re.compile(
    r"\"(?:Downstream|EdgeResponse)Status\""
    r"|\"http\.log\.access|\"httpRequest\"\s?:|#Fields: [^\n]{0,400}cs-method"
    r"|(?m:^)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:\S{1,100} ){0,3}(?:GET|POST|PUT|HEAD) /[^\n]{1,9000}"
    r" [1-5]\d\d \d"
    r"|\bat=info method=[A-Z]|\b[1-5]\d\d \d{1,9} [^\n\"]{0,200}\"(?:GET|POST|PUT|HEAD) [^\s\"]{1,9000} HTTP/"
    r"|\"?(?:GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS) [^\s\"]{1,9000} HTTP/\d(?:\.\d)?\"?[^\n]{0,40}?"
    r"\b[1-5]\d\d\b"
)
_OUR_ANSWER = re.compile(
    r"\s*\{\s*(?:\"status\"\s*:\s*\"(?:error|ok)\"\s*,\s*\"code\"\s*:\s*\"[A-Z_]+\"|\"by_name_only\"\s*:)"
)
_DEVTOOLS = re.compile(
    r"(?m)^[ \t]*(?:event|event_handler_id|auth\[\w{1,40}\]|data\[[^\]\n]{1,100}\][^\s:]{0,100})"
    r"(?:: ?|\t[ \t]*)\S"
)
# A program's `console.log("req.body:", req.body)`.
_LABELLED = re.compile(r"\s*[$\w.]{1,80}:?\s{1,3}\{")
_LOG_LINE = re.compile(
    r"(?m)^[^\n]{0,200}?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,]\d{3}Z (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) "
)
# How the line of a rejection begins, in both languages.
_OPENINGS = tuple(
    re.split(r"[.:,{]", opening)[0]
    for key in ("TOKEN_REFUSED", "TOKEN_ALMOST", *(f"ANSWER_{code}" for code in ("METHOD_GET", *STATUS)))
    if key not in ("ANSWER_OK", "ANSWER_EVENT_QUEUED")
    for opening in SENTENCES[key]
)
_SETTING_LINE = re.compile(r"\s*(?:export\s+)?([A-Z][A-Z0-9_]{1,60})\s*=")
_ANSWER_HEAD = re.compile(r"\s*HTTP/\d(?:\.\d)? [1-5]\d\d\b")
_PAGE = re.compile(r"\s*(?:<\?xml[^>]{0,200}>\s*)?<(?:!doctype|html|head|body|center)\b", re.IGNORECASE)
# In characters: an access log's lines are shorter.
_MAX_LINE = 4000
_METHOD_WORD = re.compile(r"\b(?:POST|GET|PUT|HEAD)\b")
# The names that servers give to the status of an answer.
_STATUS = ("status", "httpStatus", "status_code", "statusCode", "response_code")


def no_request(text: str) -> str | None:
    """The key of the sentence for a text without a request, by its kind; None for an unknown kind."""
    for key, pattern in _NO_REQUEST:
        if re.match(rf"\s*(?:{pattern})", text, re.IGNORECASE):
            return key
    if len(_DEVTOOLS.findall(text[:100_000])) >= 2 and text.lstrip()[:1] not in ("{", "["):
        return "PASTED_FORM_DATA"
    if _OUR_ANSWER.match(text):
        return "PASTED_ANSWER"
    if _is_settings(text):
        return "PASTED_SETTINGS"
    if _is_access_entry(text):
        return "PASTED_ACCESS_LOG"
    is_log = _ACCESS_LOG.search(text[:1_000_000]) or any(map(_is_access_line, text.splitlines()[:200]))
    if is_log and not EVENT_PAIRS.search(text.encode("utf-8", "replace")):
        return "PASTED_ACCESS_LOG"
    return None


def is_labelled(text: str) -> bool:
    """Whether `text` may be a printed object after its name, which looks like a call of a library."""
    return _LABELLED.match(text) is not None


def answer_or_log(text: str) -> str | None:
    """The key of the sentence for an answer, a page or a log line of ours without a request in it."""
    if _ANSWER_HEAD.match(text):
        body = re.split(r"\r?\n[ \t]*\r?\n", text, maxsplit=1)[-1]
        return "PASTED_ANSWER" if _OUR_ANSWER.match(body) else "PASTED_OTHER_ANSWER"
    if _PAGE.match(text):
        return "PASTED_OTHER_ANSWER"
    if is_cut_line(text):
        return "PASTED_CUT_LINE"
    return "PASTED_LOG_LINE" if _LOG_LINE.search(text[:100_000]) else None


def is_cut_line(text: str) -> bool:
    """Whether a line of our log about a rejection begins in `text`, which holds no codes of such a line."""
    beginnings = _LOG_LINE.finditer(text[:100_000])
    return any(text.startswith(_OPENINGS, beginning.end()) for beginning in beginnings)


def _is_settings(text: str) -> bool:
    """Whether each line is a setting or a comment, and one of them a setting of ours."""
    lines = [line for line in text.splitlines()[:1000] if line.strip() and line.lstrip()[0] != "#"]
    matches = [_SETTING_LINE.match(line) for line in lines]
    return all(matches) and any(match[1] in NAMES for match in matches if match)


def _is_access_line(line: str) -> bool:
    """Whether a line holds a method and our path, which every server prints in an order of its own."""
    is_near = len(line) < _MAX_LINE and WEBHOOK_PATH in line and _METHOD_WORD.search(line) is not None
    return is_near and not _LOG_LINE.match(line)


def _is_access_entry(text: str) -> bool:
    """Whether `text` is a server's log entry in JSON: a method and a status, and no body."""
    start = text.find("{")
    try:
        entry = (
            json.JSONDecoder().raw_decode(text, start)[0] if start >= 0 and not text[:start].strip() else None
        )
    except (ValueError, RecursionError):
        return False
    if not isinstance(entry, dict) or entry.keys() & {"event", "data", "auth", "body"}:
        return False
    inner = entry.get("request")
    method = inner.get("method") if isinstance(inner, dict) else entry.get("method")
    status = next((entry[name] for name in _STATUS if name in entry), None)
    return isinstance(method, str) and re.fullmatch("[1-5][0-9]{2}", str(status)) is not None
