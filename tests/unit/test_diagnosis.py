"""The diagnosis: the right cause first, none for the healthy, no secret in it, and nothing makes it raise."""

import json
import sys
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.diagnosis import diagnose, rules, setting_causes
from gateway.diagnosis.finding import CODES
from gateway.ingest.decision import judge
from gateway.ingest.incoming import Incoming
from gateway.settings import load
from tests.support.refusals import (
    CUSTOM,
    DOMAIN,
    FORM,
    HEX,
    INCOMING,
    JSON,
    JWT,
    NAME,
    OTHER,
    SCENARIOS,
    SECRET,
    TOKEN,
    Request,
    bare,
    configured,
    event,
    form,
    multipart,
    robot,
    typed,
)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_right_cause_comes_first(name: str) -> None:
    request, first = SCENARIOS[name]
    causes = request.causes()
    assert [cause.code for cause in causes][:1] == [first], causes
    assert all(cause.says and cause.do for cause in causes)


def test_causes_are_distinct_and_in_the_contracts_order() -> None:
    for name, (request, _) in SCENARIOS.items():
        codes = [code for code in request.codes() if not code.startswith("SETTING_")]
        if "path" not in name and name != "JWT, another webhook":
            assert codes == sorted(codes, key=CODES.index), name
        assert len(set(codes)) == len(codes), name


def test_no_cause_holds_a_secret_or_personal_data() -> None:
    secrets = [secret.lower() for secret in (TOKEN, OTHER, CUSTOM, HEX, SECRET, JWT)]
    pieces = {secret[at : at + 10] for secret in secrets for at in range(len(secret) - 9)}
    for name, (request, _) in SCENARIOS.items():
        judgement, config = request.judge()
        text = ""
        for language in ("ru", "en"):
            config = load({NAME: config.outgoing_token or "", "LOG_LANGUAGE": language, **INCOMING}, None)
            causes = [cause.to_json() for cause in diagnose(judgement, config)]
            text += json.dumps(causes, ensure_ascii=False).lower()
        assert not [piece for piece in pieces if piece in text], name


HEALTHY = {
    "form": Request(),
    "brackets as they are": Request(body=form(event(), encode=str)),
    "JSON": typed(event()),
    "JSON declared a form": Request(body=json.dumps(event()).encode()),
    "form declared JSON": Request(type=JSON),
    "form declared text": Request(type="text/plain"),
    "form, nothing declared": Request(type=None),
    "multipart": Request(body=multipart(event()), type="multipart/form-data; boundary=XyZ"),
    "multipart declared a form": Request(body=multipart(event())),
    "header": bare(headers={"X-Bitrix-Token": TOKEN}),
    "header with space": bare(headers={"X-Bitrix-Token": f" {TOKEN} "}),
    "bearer": bare(headers={"Authorization": f"bearer {TOKEN}"}),
    "query": bare(query=f"token={TOKEN}"),
    "a JWT over it": Request(headers={"Authorization": f"Bearer {JWT}"}),
    "Basic over it": Request(headers={"Authorization": "Basic dXNlcjpwYXNz"}),
    "a wrong one over it": Request(query=f"token={OTHER}"),
    "second of two": Request(body=form(event(OTHER)), env={NAME: f"{TOKEN}, {OTHER}"}),
    "custom": Request(body=form(event(CUSTOM)), env={NAME: CUSTOM}),
    "six digits": Request(body=form(event("482913")), env={NAME: "482913"}),
    "capitals configured": Request(body=form(event("AbC-1")), env={NAME: "AbC-1"}),
    "beside a placeholder": configured(f"changeme,{TOKEN}"),
    "another portal": Request(body=form(event()).replace(DOMAIN.encode(), b"second.bitrix24.ru")),
    "a look from outside": Request(method="GET", body=b"", agent="curl/8"),
    "a health check": Request(method="GET", body=b"", agent="GoogleHC/1.0", path="/health"),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_requests_have_no_cause(name: str) -> None:
    judgement, config = HEALTHY[name].judge()
    assert not judgement.refused
    assert diagnose(judgement, config) == []


@pytest.mark.parametrize(
    "value",
    [
        TOKEN,
        f"{TOKEN},{OTHER}",
        f" {TOKEN} , {OTHER}\n",
        CUSTOM,
        "482913",
        HEX,
        "550e8400-e29b-41d4-a716-446655440000",
        "local.5f2a7c1b9d3e48.90817263",
        "app.573ad8a0346747.09223434",
        "My-Bot_7",
        "a" * 32,
        "0" * 32,
        "test",
        "Qm9keQ==",
        "123456:AAH-bot",
    ],
)
def test_healthy_settings_have_no_cause(value: str) -> None:
    assert setting_causes(load({NAME: value, **INCOMING}, None)) == []


def test_each_odd_token_in_the_settings_is_reported_once_with_its_number() -> None:
    config = load({NAME: f'"{TOKEN}", changeme, https://h.example.com/, 1/{SECRET}, «{OTHER}»'}, None)
    assert [(cause.code, cause.detail) for cause in setting_causes(config)] == [
        ("SETTING_PLACEHOLDER", "2/5"),
        ("SETTING_DECORATED", "1/5: quotes; 5/5: quotes"),
        ("SETTING_URL", "3/5"),
        ("SETTING_INCOMING_SECRET", "4/5"),
    ]


@pytest.mark.parametrize(("length", "altered"), [(15, False), (16, True), (31, True)])
@pytest.mark.parametrize("end", ["head", "tail"])
def test_a_cut_token_is_recognised_from_16_equal_characters(length: int, altered: bool, end: str) -> None:
    piece = TOKEN[:length] if end == "head" else TOKEN[-length:]
    codes = Request(body=form(event(piece))).codes()
    assert ("TOKEN_ALTERED" in codes) == altered


def test_a_cut_token_is_recognised_only_if_half_of_it_is_there() -> None:
    long = TOKEN + OTHER
    for length, altered in ((31, False), (32, True)):
        codes = Request(body=form(event(long[:length])), env={NAME: long}).codes()
        assert ("TOKEN_ALTERED" in codes) == altered


ALTERED = {
    "case": TOKEN.upper(),
    "white space": f" {TOKEN}\n",
    "quotes": f"«{TOKEN}»",
    "percent-encoding": "%" + format(ord(TOKEN[0]), "x") + TOKEN[1:],
    "cut": TOKEN[:-3],
    "tail": TOKEN + "1",
    "prefix": "t" + TOKEN,
    "quotes, case": f'"{TOKEN.upper()}"',
    "white space, case": TOKEN.upper() + " ",
    "percent-encoding, white space": "%20" + TOKEN,
    "case, cut": TOKEN.upper()[:20],
    "case, tail": TOKEN.upper() + "x",
    "prefix, tail": f"<{TOKEN}>",
    "cut, tail": TOKEN[:20] + "zzz",
    "other characters: 1": TOKEN[:9] + "_" + TOKEN[10:],
}


def test_another_token_that_agrees_here_and_there_is_another_token() -> None:
    half_of_the_letters = "".join(
        letter if at % 2 else "z" if letter != "z" else "y" for at, letter in enumerate(TOKEN)
    )
    assert typed(event(half_of_the_letters)).codes() == ["TOKEN_OTHER_WEBHOOK"]


@pytest.mark.parametrize("agent", ["kube-probe/1.29", "UptimeRobot/2.0"])
def test_a_monitors_text_is_not_taken_for_a_lost_event(agent: str) -> None:
    assert Request(body=b"ping", type="text/plain", agent=agent).codes() == ["TOKEN_ABSENT"]


@pytest.mark.parametrize("alteration", ALTERED)
def test_each_alteration_of_a_token_is_named(alteration: str) -> None:
    (cause,) = typed(event(ALTERED[alteration])).causes()
    assert (cause.code, cause.detail) == ("TOKEN_ALTERED", f"body:auth.application_token: {alteration}")


@pytest.mark.parametrize(
    "around", ["{}\n&z=1", "{} &z=1", "{}\r\n&z=a b", "{}\t\n", " {}&z=1", "{}\n&z=a;b=c"]
)
def test_raw_white_space_around_a_token_is_no_unreadable_body(around: str) -> None:
    body = b"event=X&ts=1&data[ID]=1&auth[application_token]=" + around.format(TOKEN).encode()
    (cause,) = Request(body=body).causes()
    assert (cause.code, cause.detail) == ("TOKEN_ALTERED", "body:auth.application_token: white space")


@pytest.mark.parametrize("value", [f"{TOKEN}\n", f" {TOKEN}"])
def test_white_space_around_a_token_in_a_part_is_no_unreadable_body(value: str) -> None:
    parts = multipart({"event": "X", "data[ID]": "7", "auth[application_token]": value})
    (cause,) = Request(body=parts, type="multipart/form-data; boundary=XyZ").causes()
    assert (cause.code, cause.detail) == ("TOKEN_ALTERED", "body:auth.application_token: white space")


def test_a_form_on_lines_is_still_one_that_cannot_be_read() -> None:
    body = f"event=X\ndata[ID]=1\nauth[application_token]={TOKEN}\nts=1".encode()
    assert Request(body=body).codes() == ["BODY_UNREADABLE"]


ALL = {
    "another webhook, another portal": (
        Request(body=form(event(OTHER)).replace(DOMAIN.encode(), b"x.bitrix24.ru")),
        ["TOKEN_OTHER_PORTAL"],
    ),
    "a JWT over another webhook's": (
        Request(body=form(event(OTHER)), headers={"Authorization": f"Bearer {JWT}"}),
        ["TOKEN_OTHER_WEBHOOK", "AUTHORIZATION_GATEWAY"],
    ),
    "a word in the address of a boxed event": (
        Request(body=form(event(auth=None)), query="token=wrong-one"),
        ["AUTH_MISSING", "TOKEN_ABSENT"],
    ),
    "a JWT over a boxed event": (
        Request(body=form(event(auth=None)), headers={"Authorization": f"Bearer {JWT}"}),
        ["AUTHORIZATION_GATEWAY", "AUTH_MISSING"],
    ),
    "a robot with a blank token": (
        Request(body=form(robot()), query="token="),
        ["TOKEN_BLANK", "ROBOT_WITHOUT_TOKEN"],
    ),
    "a robot with another webhook's token": (
        Request(body=form(robot()), query=f"token={OTHER}"),
        ["TOKEN_OTHER_WEBHOOK"],
    ),
    "a verified robot": (Request(body=form(robot()), query=f"token={TOKEN}"), ["ROBOT_WITHOUT_TOKEN"]),
    "a verified body without event": (typed({"hello": 1}, query=f"token={TOKEN}"), ["BODY_FLATTENED"]),
    "a verified event of no portal": (
        typed(event(auth={"application_token": TOKEN, "domain": "?"})),
        ["BODY_UNREADABLE"],
    ),
    "nothing configured, no token": (bare(env={NAME: ""}), ["SETTING_MISSING", "AUTH_MISSING"]),
    "nothing configured, too complex": (
        typed(list(range(1001)), env={NAME: ""}),
        ["SETTING_MISSING", "LIMIT_EXCEEDED"],
    ),
    "decorated, and elsewhere": (
        bare(headers={"X-Auth-Token": TOKEN}, env={NAME: f'"{TOKEN}"'}),
        ["SETTING_DECORATED", "TOKEN_ELSEWHERE"],
    ),
    "placeholder, and another scheme": (
        bare(headers={"Authorization": f"Token {TOKEN}"}, env={NAME: "changeme"}),
        ["SETTING_PLACEHOLDER", "AUTHORIZATION_SCHEME", "AUTH_MISSING"],
    ),
    "placeholder, and a robot": (
        Request(body=form(robot()), env={NAME: "changeme"}),
        ["ROBOT_WITHOUT_TOKEN", "SETTING_PLACEHOLDER"],
    ),
    "a placeholder configured and a list sent": (
        typed(event([TOKEN]), env={NAME: "changeme"}),
        ["TOKEN_NOT_TEXT", "SETTING_PLACEHOLDER"],
    ),
    "flat, decorated": (
        Request(body=form({"event": "E", "auth.application_token": TOKEN}), env={NAME: f"'{TOKEN}'"}),
        ["SETTING_DECORATED", "BODY_FLATTENED"],
    ),
    "flat, beside a text of the same name": (
        Request(body=form({"auth": "x", "auth.application_token": TOKEN})),
        ["BODY_FLATTENED"],
    ),
    "a text, and parts under its name": (
        Request(body=multipart({"data": "1", "data_x": "2"}), type="multipart/form-data; boundary=XyZ"),
        ["TOKEN_ABSENT"],
    ),
    "empty body, other webhook's header": (
        Request(body=b"", headers={"X-Bitrix-Token": OTHER}),
        ["BODY_EMPTY", "TOKEN_OTHER_WEBHOOK"],
    ),
    "wrong path, token in another header": (
        bare(path="/x", headers={"X-Token": TOKEN}),
        ["PATH_WRONG", "TOKEN_ELSEWHERE"],
    ),
    "altered and of another alphabet": (
        typed(event(TOKEN.upper().replace("C", "С"))),
        ["TOKEN_ALTERED", "TOKEN_LOOKALIKE"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_combined_mistakes_have_all_their_causes(name: str) -> None:
    request, codes = ALL[name]
    assert request.codes() == codes


def test_the_exact_place_is_named() -> None:
    places = {
        "header:X-Api-Key": bare(headers={"X-Api-Key": TOKEN}),
        "query:secret": bare(query=f"secret={TOKEN}"),
        "path:4": bare(path=f"/api/bitrix/webhook/{quote(TOKEN)}"),
        "cookie:session": bare(headers={"Cookie": f"session={TOKEN}"}),
        "body:data.BOT.567.application_token": typed(
            event(None, data={"BOT": {"567": {"application_token": TOKEN}}})
        ),
        "header:X-Api-Key, query:key": bare(headers={"X-Api-Key": TOKEN}, query=f"key={TOKEN}"),
    }
    assert {place: request.causes()[0].detail for place, request in places.items()} == {p: p for p in places}


def test_a_short_token_is_looked_for_under_a_tokens_name_alone() -> None:
    short = {NAME: "482913"}
    assert "TOKEN_ELSEWHERE" not in typed(event(None, data={"ID": "482913"}), env=short).codes()
    assert typed({**event(None), "bot_token": "482913"}, env=short).codes()[0] == "TOKEN_ELSEWHERE"


hostile = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from([request.body for request, _ in SCENARIOS.values() if len(request.body) < 5000]),
    st.recursive(
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.text(max_size=40), st.just(TOKEN), st.just(OTHER)
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(
                st.one_of(
                    st.sampled_from(["event", "auth", "data", "token", "application_token"]),
                    st.text(max_size=40),
                ),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode()),
)
header = st.one_of(
    st.binary(max_size=100),
    st.sampled_from([TOKEN, OTHER, JWT, f"Bearer {TOKEN[:20]}", f"Basic {SECRET}", f"a={TOKEN}; b"]).map(
        str.encode
    ),
)


@given(
    body=hostile,
    headers=st.dictionaries(
        st.sampled_from(["authorization", "x-bitrix-token", "cookie", "content-encoding", "x-other", TOKEN]),
        header,
    ),
    kind=st.sampled_from([FORM, JSON, "", "multipart/form-data", "text/plain; charset=utf-16"]),
    query=st.one_of(st.binary(max_size=60), st.just(f"token={OTHER}&{TOKEN}=1".encode())),
    path=st.one_of(st.just("/"), st.text(max_size=40), st.just(f"/x/{TOKEN}")),
    method=st.sampled_from(["POST", "GET", "PUT", "\x00"]),
    agent=st.one_of(st.just(b"Bitrix24"), st.binary(max_size=30)),
    setting=st.one_of(
        st.just(TOKEN),
        st.sampled_from(["", TOKEN[:18], f'"{TOKEN}"', "482913", "токен"]),
        st.text(max_size=60),
    ),
)
@example(
    body=b"",
    headers={"cookie": TOKEN.encode()},
    kind=FORM,
    query=b"event=E&data[ID]=7",
    path="/elsewhere",
    method="GET",
    agent=b"",
    setting=TOKEN,
)
def test_no_request_makes_it_raise_or_reveal_a_secret(
    body: bytes,
    headers: dict[str, bytes],
    kind: str,
    query: bytes,
    path: str,
    method: str,
    agent: bytes,
    setting: str,
) -> None:
    config = load({NAME: setting, "BITRIX24_DOMAIN": DOMAIN, **INCOMING}, None)
    all_headers = {**headers, "user-agent": agent, "content-type": kind.encode()}
    incoming = Incoming(method, path, query, all_headers, lambda limit: body[:limit], len(body))
    judgement = judge(incoming, config, datetime(2026, 1, 1, tzinfo=UTC))
    causes = diagnose(judgement, config)
    text = json.dumps([cause.to_json() for cause in causes])
    assert TOKEN not in text
    assert OTHER not in text
    assert SECRET not in text
    assert all(cause.code in CODES and cause.says and cause.do for cause in causes)
    if judgement.refused and judgement.code != "EVENT_INVALID":
        assert causes


@pytest.mark.parametrize("name", [TOKEN, OTHER, f"x{TOKEN}"])
@pytest.mark.parametrize("inner", [event(OTHER), json.dumps(event(OTHER))], ids=["JSON", "text"])
def test_a_field_around_the_event_that_is_named_like_a_token_is_not_named(name: str, inner: object) -> None:
    causes = typed({name: inner}).causes()
    assert (causes[0].code, causes[0].detail) == ("BODY_NESTED", f"body:<{len(name)} bytes>")
    assert name not in json.dumps([cause.to_json() for cause in causes])


def test_a_flat_name_that_begins_with_a_token_is_not_named() -> None:
    request = Request(body=form({f"{TOKEN}.auth.application_token": "x"}))
    assert request.causes()[0].code == "BODY_FLATTENED"
    assert TOKEN not in json.dumps([cause.to_json() for cause in request.causes()])


NAMES = [
    *("event", "data", "auth", "token", "document_id", "auth.application_token", "auth_application_token"),
    *("data[token]", "auth[token]", "auth[domain]", "auth.domain", "data_x", "auth[]", "token[]"),
]


@given(
    pairs=st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from([TOKEN, OTHER, "x", "", "{}"])), max_size=6
    ),
    kind=st.sampled_from([FORM, JSON, "multipart/form-data; boundary=XyZ"]),
    file=st.sampled_from(["", "f"]),
)
def test_no_combination_of_names_makes_it_raise(pairs: list[tuple[str, str]], kind: str, file: str) -> None:
    fields = dict(pairs)
    body = {FORM: form(fields), JSON: json.dumps(fields).encode()}.get(kind, multipart(fields, file))
    request = Request(body=body, type=kind)
    judgement, _ = request.judge()
    assert request.causes() or not judgement.refused or judgement.code == "EVENT_INVALID"


def test_the_largest_accepted_request_is_diagnosed_in_bounded_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 leaves, half a megabyte: no more than 1,000 texts of 1 KiB are compared."""
    from gateway.diagnosis import evidence, similarity

    lengths: list[int] = []
    true_rank = similarity.rank

    def counted(text: str, needles: list[similarity.Needle]) -> int:
        lengths.append(len(text))
        return true_rank(text, needles)

    monkeypatch.setattr(similarity, "rank", counted)
    fields = {f"k{number}": "x" * 500 for number in range(999)}
    assert typed(fields).codes() == ["TOKEN_ABSENT"]
    assert len(lengths) <= evidence.MAX_LEAVES + evidence.MAX_OUTSIDE
    lengths.clear()
    assert typed({"a": "y" * 500_000}).codes() == ["TOKEN_ABSENT"]
    assert max(lengths) <= similarity.MAX_TEXT


@pytest.mark.parametrize("name", ["X-Acme-Webhook-Token", "X-Our-Own-Header-For-Bitrix"])
def test_a_header_with_the_token_is_named_under_any_name(name: str) -> None:
    (cause,) = bare(headers={name: TOKEN}).causes()
    assert (cause.code, cause.detail) == ("TOKEN_ELSEWHERE", f"header:{name}")
    assert name in cause.do


def _work(request: Request) -> int:
    """How many functions are called to find the causes: the same on every machine."""
    judgement, config = request.judge()
    # What is made only once is made here.
    rules.of_request(judgement, config)
    judgement, config = request.judge()
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        rules.of_request(judgement, config)
    finally:
        sys.setprofile(None)
    return calls


def test_a_near_token_is_no_more_and_no_less_work_than_a_far_one() -> None:
    """Time must not tell how much of a guess is right."""
    far = "m4zt8qjwe0y2nvr6b1xk9hs5c3gd7lfa"
    work = {
        right: _work(Request(body=form(event(token=TOKEN[:right] + far[right:]))))
        for right in (0, 8, 15, 16, 20, 24, 31)
    }
    assert work[0] > 1000
    assert max(work.values()) - min(work.values()) < work[0] / 100, work
