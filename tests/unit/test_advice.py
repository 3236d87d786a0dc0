"""Advice, followed to the letter, ends in a passing request: it is applied, and the request posted again."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest

from gateway.diagnosis import findings
from gateway.diagnosis.finding import CODES, Finding
from gateway.ingest.php_form import build_query
from tests.support.refusals import CUSTOM, FORM, JSON, NAME, OTHER, SCENARIOS, TOKEN, Request, event, form
from tests.unit.test_printouts import PRINTED
from verify import BODY_PATHS

# A scenario may have a fault in the request, and one in the setting.
MOST_STEPS = 4
SHORT = "482913"
PATH = "/api/bitrix/webhook"

Follow = Callable[[Request, Finding], Request]


def original(request: Request, _cause: Finding) -> Request:
    """The body as Bitrix24 sent it, byte for byte, with its Content-Type."""
    headers = {name: value for name, value in request.headers.items() if name.lower() != "content-encoding"}
    return replace(request, body=form(event()), type=FORM, length=None, headers=headers)


def as_json(request: Request, _cause: Finding) -> Request:
    return replace(request, body=json.dumps(event()).encode(), type=JSON, length=None)


def by_post(request: Request, cause: Finding) -> Request:
    return replace(original(request, cause), method="POST", path=PATH)


def configured(request: Request, _cause: Finding) -> Request:
    """The token of the webhook's form, which is what the request carries, in the setting."""
    return replace(request, env={**request.env, NAME: carried(request)})


def carried(request: Request) -> str:
    """The token that the request carries where Bitrix24 puts it, as the webhook's form shows it."""
    judgement, _ = request.judge()
    fields = judgement.payload.fields
    token = fields.get("auth", {}).get("application_token") if isinstance(fields, dict) else None
    return token if isinstance(token, str) else TOKEN


def listed(request: Request, cause: Finding) -> Request:
    """The token of the cause's place, behind a comma."""
    token = value_at(request, str(cause.values.get("place", "body:auth.application_token")))
    configured = request.judge()[1].outgoing_token
    return replace(request, env={**request.env, NAME: f"{configured},{token}", "BITRIX24_DOMAIN": ""})


def bound(request: Request, cause: Finding) -> Request:
    token = request.judge()[1].outgoing_token
    return put(replace(request, env={**request.env, NAME: f"{token}, {cause.values['theirs']}={OTHER}"}),
               str(cause.values["place"]), OTHER)  # fmt: skip


def bound_too(request: Request, cause: Finding) -> Request:
    items = str(request.judge()[1].outgoing_token).split(", ")
    token = value_at(request, str(cause.values["place"]))
    items_bound = [f"{cause.values['theirs']}={item}" if item == token else item for item in items]
    return replace(request, env={**request.env, NAME: ", ".join(items_bound)})


def value_at(request: Request, place: str) -> str:
    kind, _, name = place.partition(":")
    if kind == "header":
        header = next(value for key, value in request.headers.items() if key.lower() == name.lower())
        text = header.decode() if isinstance(header, bytes) else header
        return text.partition(" ")[2] if name == "Authorization" else text
    if kind == "query":
        return dict(parse_qsl(request.query))[name]
    value = request.judge()[0].payload.fields
    for level in BODY_PATHS[place]:
        value = value[level]
    return str(value)


def accepted(request: Request) -> str:
    """The token of the webhook's form."""
    first = request.judge()[1].tokens
    return first[0].decode() if first and request.env.get(NAME) in (None, CUSTOM, SHORT) else TOKEN


def put(request: Request, place: str, token: str = "") -> Request:
    """`token`, whole and alone, in a place; what stood there goes."""
    token = token or accepted(request)
    kind, _, name = place.removesuffix(": file").partition(":")
    if kind == "header":
        other_headers = {key: value for key, value in request.headers.items() if key.lower() != name.lower()}
        return replace(
            request, headers={**other_headers, name: f"Bearer {token}" if name == "Authorization" else token}
        )
    if kind == "query":
        pairs = [(key, value) for key, value in parse_qsl(request.query) if key.partition("[")[0] != name]
        return replace(request, query="&".join(f"{quote(k)}={quote(v)}" for k, v in [*pairs, (name, token)]))
    fields = request.judge()[0].payload.fields
    is_event = isinstance(fields, dict) and "event" in fields
    # Of files and the like: as it was meant.
    changed = json.loads(json.dumps(fields if is_event else event()))
    path = tuple(name.split("."))
    inner = changed
    for level in path[:-1]:
        if not isinstance(inner.get(level), dict):
            inner[level] = {}
        inner = inner[level]
    inner[path[-1]] = token
    return replace(request, body=build_query(changed), type=FORM, length=None)


def anew(request: Request, cause: Finding) -> Request:
    """The token pasted anew where the request has it from; it must be a place where the gateway looks."""
    return put(request, str(cause.values["place"]))


def moved(request: Request, cause: Finding) -> Request:
    """From where it is to where the gateway looks."""
    kind, _, name = str(cause.values["place"]).partition(":")
    if kind == "path":
        return replace(request, path=PATH, query=f"token={TOKEN}")
    if kind == "query":
        return replace(request, query=f"token={TOKEN}")
    if kind == "header":
        other_headers = {key: value for key, value in request.headers.items() if key.lower() != name.lower()}
        return replace(request, headers={**other_headers, "X-Bitrix-Token": TOKEN})
    if kind == "body" and name:
        return put(request, "body:auth.application_token")
    return replace(request, headers={"X-Bitrix-Token": TOKEN})


def content(request: Request, cause: Finding) -> Request:
    """The content of the field that holds the event, as the body itself."""
    value: Any = request.judge()[0].payload.fields
    path = cause.detail.removeprefix("body").removeprefix(":")
    if not isinstance(value, dict | list) or not path or request.type == "multipart/form-data; boundary=XyZ":
        return original(request, cause)
    while path:
        level = next(
            key for key in (value if isinstance(value, dict) else range(len(value)))
            if path == str(key) or path.startswith(f"{key}.")
        )  # fmt: skip
        value, path = value[level], path[len(str(level)) + 1 :]
    if isinstance(value, str):
        if cause.variant == "base64":
            # The sentence of that variant says so.
            value = base64.b64decode(value).decode()
        return replace(request, body=value.encode(), type=JSON if value[:1] in '{["' else FORM)
    return replace(request, body=json.dumps(value).encode(), type=JSON)


def in_address(request: Request, _cause: Finding) -> Request:
    return replace(request, query=f"token={TOKEN}")


def bearer(request: Request, _cause: Finding) -> Request:
    return put(request, "header:Authorization")


def short_address(request: Request, _cause: Finding) -> Request:
    return replace(request, query="")


# What the sentence of a code, or of `CODE/variant`, says; a code's own stands for its other variants.
ADVICE: dict[str, Follow] = {
    "SETTING_MISSING": configured,
    "SETTING_PLACEHOLDER": configured,
    "SETTING_DECORATED": configured,
    "SETTING_URL": configured,
    "SETTING_URL/portal": configured,
    "SETTING_INCOMING_SECRET": configured,
    "SETTING_SHAPE": configured,
    "METHOD_GET": by_post,
    "PATH_WRONG": lambda request, _: replace(request, path=PATH),
    "LIMIT_EXCEEDED": original,
    "LIMIT_EXCEEDED/query": short_address,
    "BODY_EMPTY": original,
    "BODY_COMPRESSED": original,
    "BODY_MISDECLARED": original,
    "BODY_ENCODED_TWICE": original,
    "BODY_FLATTENED": original,
    "BODY_FLATTENED/pairs": as_json,
    "BODY_NESTED": content,
    "BODY_UNREADABLE": original,
    "BODY_INCOMPLETE": original,
    "BODY_PRINTED": as_json,
    "BODY_IN_QUERY": lambda request, _: replace(request, query="", body=request.query.encode(), type=FORM),
    "TOKEN_BLANK": anew,
    "TOKEN_REPEATED": anew,
    "TOKEN_NOT_TEXT": anew,
    "TOKEN_NOT_TEXT/file": original,
    "TOKEN_NOT_TEXT/null": anew,
    "TOKEN_ALTERED": anew,
    "TOKEN_ALTERED/setting": configured,
    "TOKEN_LOOKALIKE": anew,
    "TOKEN_LOOKALIKE/setting": configured,
    "TOKEN_ALTERED/elsewhere": moved,
    "TOKEN_LOOKALIKE/elsewhere": moved,
    "TOKEN_INCOMING_SECRET/elsewhere": moved,
    "BODY_NESTED/part": original,
    "TOKEN_ELSEWHERE": moved,
    "TOKEN_INCOMING_SECRET": anew,
    "TOKEN_OTHER_PORTAL": listed,
    "TOKEN_OTHER_PORTAL/bound": bound,
    "TOKEN_OTHER_PORTAL/unbound": bound_too,
    "TOKEN_APPLICATION": listed,
    "TOKEN_OTHER_WEBHOOK": listed,
    "AUTHORIZATION_SCHEME": bearer,
    "AUTHORIZATION_GATEWAY": original,
    "ROBOT_WITHOUT_TOKEN": in_address,
    "ROBOT_WITHOUT_TOKEN/verified": original,
    "AUTH_MISSING": original,
    "TOKEN_ABSENT": by_post,
    "TOKEN_ABSENT/placeholder": anew,
    "TOKEN_ABSENT/text": anew,
    "TOKEN_ABSENT/bot": listed,
}


def follow(request: Request) -> list[Finding]:
    """Follow the first cause's advice until the request passes; what was followed, in order."""
    followed: list[Finding] = []
    while True:
        judgement, settings = request.judge()
        if judgement.code == "EVENT_QUEUED":
            return followed
        assert len(followed) < MOST_STEPS, [
            (finding.code, finding.variant, finding.detail) for finding in followed
        ]
        cause = findings(judgement, settings)[0]
        advice = (cause.code, cause.variant, cause.detail)
        before = [(finding.code, finding.variant, finding.detail) for finding in followed]
        assert advice not in before, f"{advice}: the advice did not help"
        step = ADVICE.get(f"{cause.code}/{cause.variant}") or ADVICE[cause.code]
        request = step(request, cause)
        followed.append(cause)


# Requests with a second fault, which the first cause's advice cannot know of.
TWICE_WRONG = {
    "setting placeholder, token in another header": "TOKEN_ELSEWHERE",
    "setting placeholder, a browser": "SETTING_PLACEHOLDER",
    "GET, nothing configured": "SETTING_MISSING",
    "wrong path, nothing configured": "SETTING_MISSING",
    "twice in JSON": "BODY_NESTED",
    # A robot's call is verified by its address, and still no event: the sentence says so.
    "robot": "ROBOT_WITHOUT_TOKEN",
    "robot in JSON": "ROBOT_WITHOUT_TOKEN",
    "robot, id as text": "ROBOT_WITHOUT_TOKEN",
    "robot with ?secret=": "ROBOT_WITHOUT_TOKEN",
    # Trials by hand, whose body is no event.
    "another webhook, by curl": "BODY_FLATTENED",
    "a placeholder sent": "BODY_FLATTENED",
    "a template not filled in": "BODY_FLATTENED",
    "a word for a token": "BODY_FLATTENED",
    # The token is there, but no event.
    "a file under another name": "BODY_FLATTENED",
    "behind a zero byte": "BODY_FLATTENED",
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_following_the_advice_exactly_makes_the_request_pass(name: str) -> None:
    request, first = SCENARIOS[name]
    second = TWICE_WRONG.get(name)
    assert [cause.code for cause in follow(request)] == [first, *([second] if second else [])]


@pytest.mark.parametrize("kind", PRINTED)
def test_following_the_advice_for_a_printout_makes_the_request_pass(kind: str) -> None:
    text = PRINTED[kind][0]
    for request in (
        Request(body=text.encode(), type="text/plain"),
        Request(body=form(event(data=text, auth=text))),
    ):
        assert follow(request)[0].code in ("BODY_PRINTED", "BODY_EMPTY")


def test_every_cause_has_advice_that_was_followed() -> None:
    assert {key.partition("/")[0] for key in ADVICE} == set(CODES)
