"""Forms exactly as PHP reads them: the table of cases, and real PHP on random bodies."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.ingest.php_form import build_query, decoded, pairs, parse_str, split_name
from tests.support.php import Php

CASES = json.loads((Path(__file__).parents[1] / "support" / "php_cases.json").read_text("utf-8"))

PIECES = [
    *(
        b"a",
        b"b",
        b"0",
        b"1",
        b"-1",
        b"01",
        b"token",
        b"auth",
        b"data[",
        b"9223372036854775807",
        b"-9223372036854775808",
    ),
    *(b"[", b"]", b"[]", b"][", b"[0]", b"[-3]", b"[ ]", b"[\t]", b"[a]", b"%5B", b"%5D", b"%5b%5d"),
    *(b"=", b"&", b"&&", b".", b" ", b"+", b"%20", b"_", b";", b"\t", b"\n", b"%00", b"\0", b"%26", b"%3D"),
    *(b"\xd0", b"%90", b"\xff", b"%D0%90", b"%", b"%2", b"%zz", b"undefined", "ключ".encode()),
]
BODIES = st.lists(st.sampled_from(PIECES) | st.binary(min_size=1, max_size=2), max_size=25).map(b"".join)


def as_php(value: Any) -> Any:
    """A value of the table as PHP's arrays: a list is an array with integer keys."""
    if isinstance(value, list):
        return {str(index): as_php(inner) for index, inner in enumerate(value)}
    if isinstance(value, dict):
        return {key: as_php(inner) for key, inner in value.items()}
    return value


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_table_of_cases(case: dict[str, Any]) -> None:
    assert json.dumps(parse_str(case["body"].encode())) == json.dumps(as_php(case["php"]))


@given(body=BODIES)
@settings(max_examples=200)
def test_random_bodies_are_read_as_php_reads_them(php: Php, body: bytes) -> None:
    names = [name for name, _ in pairs(body)]
    assume(not any("\ufffd" in (level or "") for name in names for level in name) or len(names) < 2)
    assert json.dumps(parse_str(body)) == json.dumps(php.parse_str(body))


def test_what_the_builder_leaves_out(php: Php) -> None:
    value = {"a": None, "b": [], "c": True, "d": {"e": False, "f": {}}, "g": [None, 1], "h": 1.5}
    assert build_query(value) == php.http_build_query(value) == b"c=1&d%5Be%5D=0&g%5B1%5D=1&h=1.5"


def test_levels_end_where_phps_do(php: Php) -> None:
    for levels in (63, 64, 65, 300):
        body = b"a" + b"[x]" * levels + b"=1&b=2"
        assert parse_str(body) == php.parse_str(body)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
ARRAYS = st.recursive(
    TEXTS.filter(bool),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4) | st.dictionaries(NAMES, inner, min_size=1, max_size=4)
    ),
    max_leaves=15,
)


@given(st.dictionaries(NAMES, ARRAYS, min_size=1, max_size=5))
def test_what_http_build_query_writes_is_read_back(value: dict[str, Any]) -> None:
    assert parse_str(build_query(value)) == as_php(value)


@given(st.dictionaries(NAMES, ARRAYS, min_size=1, max_size=3))
def test_our_builder_writes_what_phps_writes(php: Php, value: dict[str, Any]) -> None:
    assert parse_str(php.http_build_query(value)) == parse_str(build_query(value)) == as_php(value)


@given(st.text(max_size=60))
def test_a_name_never_raises(name: str) -> None:
    levels = split_name(name)
    assert levels == () or levels[0]


@pytest.mark.parametrize(
    "body",
    [
        b"a[9223372036854775807]=1&a[]=2",
        b"a[9223372036854775807]=1&a[][b]=2",
        b"a[-9223372036854775808]=1&a[]=2",
        b"a[9223372036854775808]=1&a[]=2",
        b"a[-0]=1&a[00]=2&a[]=3",
        b"a[-9223372036854775809]=1&a[]=2",
        b"a[-5]=1&a[]=2",
        b"a[x]=1&a[]=2",
        # This is a digit, but not PHP's.
        "a[\u0663]=1&a[]=2".encode(),
        b"=1&[x]=2&%20=3&a=4",
    ],
)
def test_indexes_at_the_ends_of_phps_integers(php: Php, body: bytes) -> None:
    assert json.dumps(parse_str(body)) == json.dumps(php.parse_str(body))


def test_a_plus_alone_is_a_space() -> None:
    assert parse_str(b"a=b+c") == {"a": "b c"}


def test_a_long_name_is_read_like_a_short_one() -> None:
    name = b"a" * 200
    assert parse_str(name + b"[b]=1") == {name.decode(): {"b": "1"}}


@given(st.text(alphabet="%\\4f1xuN{\n=+é\0", max_size=12))
def test_percent_signs_are_decoded_as_the_library_does(raw: str) -> None:
    octets = raw.encode()
    assert decoded(octets) == unquote_to_bytes(octets.replace(b"+", b" ")).decode("utf-8", "replace")
