"""The places, their order, and that only an accepted token verifies."""

import ast
import hashlib
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify import PLACES, Trace, Verdict, bearer, fingerprint, is_accepted, verify

TOKEN = b"w1e2b3h4o5o6k7t8o9k0e1n2a3b4c5d6"
WRONG = b"z9y8x7w6v5u4t3s2r1q0p9o8n7m6l5k4"
ORDER = (
    "header:X-Bitrix-Token",
    "header:Authorization",
    "query:token",
    "body:token",
    "body:data.token",
    "body:auth.token",
    "body:data.auth.token",
    "body:auth.application_token",
)


def request(places: dict[int, bytes]) -> dict[str, Any]:
    """A request with values in the places given by their number in the order."""
    headers: dict[str, bytes] = {}
    query: dict[str, Any] = {}
    body: dict[str, Any] = {}
    for number, value in places.items():
        place = ORDER[number]
        kind, _, name = place.partition(":")
        text = value.decode()
        if kind == "header":
            headers[name.lower()] = b"Bearer " + value if name == "Authorization" else value
        elif kind == "query":
            query[name] = text
        else:
            inner = body
            *path, last = name.split(".")
            for level in path:
                inner = inner.setdefault(level, {})
            inner[last] = text
    return {"headers": headers, "query": query, "body": body}


def judge(places: dict[int, bytes], tokens: tuple[bytes, ...] = (TOKEN,)) -> Verdict:
    return verify(**request(places), tokens=tokens)


def traces(verdict: Verdict) -> dict[str, Trace]:
    return {trace.place: trace for trace in verdict.places}


def states(verdict: Verdict) -> dict[str, str]:
    return {trace.place: trace.state for trace in verdict.places}


def test_the_core_imports_nothing_else_of_the_gateway() -> None:
    tree = ast.parse(Path(verify.__code__.co_filename).read_text("utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported == {"hmac", "collections.abc", "hashlib", "typing"}


def test_the_places_stand_in_the_contracts_order() -> None:
    assert PLACES == ORDER
    assert tuple(trace.place for trace in judge({}).places) == ORDER


@pytest.mark.parametrize("number", range(len(ORDER)))
def test_a_right_token_verifies_in_every_place(number: int) -> None:
    verdict = judge({number: TOKEN})
    assert (verdict.verified, verdict.place) == (True, ORDER[number])
    assert [trace.state for trace in verdict.places if trace.place != ORDER[number]] == ["absent"] * (
        len(ORDER) - 1
    )


@pytest.mark.parametrize(("higher", "lower"), list(itertools.combinations(range(len(ORDER)), 2)))
def test_the_first_right_place_is_reported_and_a_wrong_one_above_does_not_refuse(
    higher: int, lower: int
) -> None:
    assert judge({higher: TOKEN, lower: TOKEN}).place == ORDER[higher]
    verdict = judge({higher: WRONG, lower: TOKEN})
    assert verdict.place == ORDER[lower]
    assert states(verdict)[ORDER[higher]] == "mismatch"


def test_received_is_the_first_place_that_held_a_text() -> None:
    received = judge({2: WRONG, 7: WRONG[::-1]}).received
    assert received is not None
    assert (received.place, received.length) == (ORDER[2], 32)
    assert received.fingerprint == hashlib.sha256(WRONG).hexdigest()[:8]
    assert judge({}).received is None


def test_several_tokens_are_all_accepted() -> None:
    for token in (TOKEN, WRONG):
        assert judge({7: token}, (TOKEN, WRONG)).verified
    assert not judge({7: TOKEN + WRONG}, (TOKEN, WRONG)).verified


def test_every_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(value: bytes, token: bytes) -> bool:
        compared.append(token)
        return value == token

    monkeypatch.setattr("hmac.compare_digest", compare)
    assert is_accepted(TOKEN, (TOKEN, WRONG, b"short"))
    # A match stops nothing, because the time would tell which one it was.
    assert compared == [TOKEN, WRONG, b"short"]


def test_no_token_accepts_nothing() -> None:
    assert not judge({7: TOKEN}, ()).verified
    assert not judge({7: b" "}, (b"",)).verified
    assert not is_accepted(b"", (b"",))


@pytest.mark.parametrize("value", [None, 5, True, 1.5, [TOKEN.decode()], {"a": TOKEN.decode()}, []])
def test_anything_but_one_text_is_malformed(value: Any) -> None:
    verdict = verify({}, {"token": value}, {"auth": {"application_token": value}}, (TOKEN,))
    traces_by_place = {trace.place: trace for trace in verdict.places}
    for place in ("query:token", "body:auth.application_token"):
        assert (
            traces_by_place[place].state,
            traces_by_place[place].length,
            traces_by_place[place].fingerprint,
        ) == ("malformed", None, None)
    assert verdict.received is None


@pytest.mark.parametrize("blank", ["", " ", "\t\n "])
def test_a_blank_is_malformed_with_length_0(blank: str) -> None:
    traces_by_place = traces(verify({"x-bitrix-token": blank.encode()}, {}, {"token": blank}, (TOKEN,)))
    for trace in (traces_by_place["header:X-Bitrix-Token"], traces_by_place["body:token"]):
        assert (trace.state, trace.length, trace.fingerprint) == ("malformed", 0, None)


def test_a_repeated_place_is_malformed_whatever_was_kept_of_it() -> None:
    body = {"auth": {"application_token": TOKEN.decode()}}
    verdict = verify({}, {}, body, (TOKEN,), {("body", ("auth", "application_token"))})
    assert not verdict.verified
    assert states(verdict)["body:auth.application_token"] == "malformed"
    assert verify({}, {}, body, (TOKEN,), {("query", ("token",))}).verified
    twice = verify({}, {"token": TOKEN.decode()}, {}, (TOKEN,), {("query", ("token",))})
    assert (twice.verified, states(twice)["query:token"]) == (False, "malformed")


def test_a_text_that_no_utf_8_can_hold_is_a_wrong_token() -> None:
    assert states(verify({}, {"token": "\ud800"}, {}, (TOKEN,)))["query:token"] == "mismatch"


def test_two_joined_headers_are_malformed() -> None:
    joined = [
        {"x-bitrix-token": TOKEN + b", " + TOKEN},
        {"authorization": b"Bearer " + TOKEN + b",x"},
        {"authorization": b"Basic eA==,\tBEARER " + TOKEN},
        {"authorization": b'Digest a="b", c="d", Bearer'},
    ]
    for headers in joined:
        assert not verify(headers, {}, {}, (TOKEN,)).verified
        assert "malformed" in states(verify(headers, {}, {}, (TOKEN,))).values()


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER"])
@pytest.mark.parametrize("gap", [b" ", b"  ", b"\t"])
def test_the_scheme_is_read_in_any_case(scheme: bytes, gap: bytes) -> None:
    assert (
        verify({"authorization": scheme + gap + TOKEN + b" "}, {}, {}, (TOKEN,)).place
        == "header:Authorization"
    )


@pytest.mark.parametrize(
    "value",
    [b"Basic " + TOKEN, TOKEN, b"Token " + TOKEN, b"", b"   ", b"Bearer" + TOKEN, b'Digest a="b", c="d",',
     b"Basic x, Bearer" + TOKEN, b"Basic x Bearer " + TOKEN],
)  # fmt: skip
def test_another_scheme_holds_no_token(value: bytes) -> None:
    assert states(verify({"authorization": value}, {}, {}, (TOKEN,)))["header:Authorization"] == "absent"


def test_a_scheme_without_a_token_is_malformed() -> None:
    trace = traces(verify({"authorization": b"Bearer"}, {}, {}, (TOKEN,)))["header:Authorization"]
    assert (trace.state, trace.length) == ("malformed", 0)
    assert bearer(b"Bearer  ") == b""
    # It is nobody's token, and not two of them.
    assert bearer(b"Bearer a b") == b"a b"


def test_white_space_is_stripped_in_headers_only() -> None:
    padded = b" " + TOKEN + b"\t"
    assert verify({"x-bitrix-token": padded}, {}, {}, (TOKEN,)).verified
    assert not verify({}, {"token": padded.decode()}, {}, (TOKEN,)).verified
    assert not verify({}, {}, {"token": TOKEN.decode() + "\n"}, (TOKEN,)).verified
    # HTTP's white space is the space, the tab and the line's end.
    for other in (b"\v", b"X"):
        assert not verify({"x-bitrix-token": other + TOKEN}, {}, {}, (TOKEN,)).verified


def test_a_deeper_token_never_counts() -> None:
    body = {
        "data": {"BOT": {"567": {"application_token": TOKEN.decode()}}, "application_token": TOKEN.decode()}
    }
    verdict = verify({}, {}, {**body, "application_token": TOKEN.decode()}, (TOKEN,))
    assert set(states(verdict).values()) == {"absent"}


def test_a_short_value_has_a_length_and_no_fingerprint() -> None:
    assert fingerprint(b"a" * 15) is None
    assert fingerprint(b"a" * 16) == hashlib.sha256(b"a" * 16).hexdigest()[:8]
    trace = traces(verify({}, {"token": "123456"}, {}, (b"123456",)))["query:token"]
    assert (trace.state, trace.length, trace.fingerprint) == ("match", 6, None)


def test_the_result_never_holds_the_value() -> None:
    assert TOKEN.decode() not in repr(judge({0: TOKEN, 7: TOKEN}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(TOKEN.decode()),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["token", "auth", "data", "application_token"]) | st.text(), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from(["x-bitrix-token", "authorization"]), st.binary(max_size=80)),
    JSON,
    JSON,
    st.sets(
        st.sampled_from(
            [("query", ("token",)), ("body", ("token",)), ("body", ("auth", "application_token"))]
        )
    ),
)
def test_no_input_raises_and_only_an_accepted_token_verifies(
    headers: dict[str, bytes], query: Any, body: Any, repeated: set[tuple[str, tuple[str, ...]]]
) -> None:
    verdict = verify(headers, query, body, (TOKEN,), repeated)
    right = [trace for trace in verdict.places if trace.state == "match"]
    assert verdict.verified == bool(right)
    for trace in right:
        assert trace.fingerprint == fingerprint(TOKEN)
    assert not verify(headers, query, body, ()).verified


@given(st.lists(st.sampled_from([b"", TOKEN, WRONG, TOKEN[:-1], TOKEN + b"x"]), min_size=8, max_size=8))
def test_whatever_places_are_filled_only_the_token_verifies(values: list[bytes]) -> None:
    verdict = judge({number: value for number, value in enumerate(values) if value})
    assert verdict.verified == (TOKEN in values)
    assert verdict.place == (ORDER[values.index(TOKEN)] if TOKEN in values else None)
