"""Decoding: by the Content-Type, by the look, within the limits, and never an exception."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest import decode as decoding
from gateway.ingest.decode import Payload, declared_type, decode, decode_query, repeated_places
from gateway.ingest.fields import cached_names
from gateway.ingest.limits import MAX_LEVELS, MAX_PARAMETERS, TooComplex
from gateway.ingest.multipart import read_parts
from gateway.ingest.php_form import build_query
from tests.support.deliveries import FORM, delivery, form


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """What an earlier test left in the caches must not answer for this one."""
    for cached in (cached_names, decoding.declared_type):
        cached.cache_clear()


JSON = "application/json"
EVENT = {"event": "ONUSERADD", "auth": {"application_token": "t"}}
AS_FORM = b"event=ONUSERADD&auth[application_token]=t"
AS_JSON = json.dumps(EVENT).encode()


def multipart(fields: list[tuple[str, str]], boundary: str = "b0undary", newline: str = "\r\n") -> bytes:
    parts = [
        f"--{boundary}{newline}Content-Disposition: form-data; {name}{newline}{newline}{text}"
        for name, text in fields
    ]
    return (newline.join([*parts, f"--{boundary}--", ""])).encode()


AS_MULTIPART = multipart([('name="event"', "ONUSERADD"), ('name="auth[application_token]"', "t")])


@pytest.mark.parametrize(
    ("body", "content_type", "decoded_as"),
    [
        (AS_FORM, FORM, "form"),
        (AS_FORM, FORM + "; charset=UTF-8", "form"),
        (AS_FORM, "", "form"),
        (AS_FORM, JSON, "form"),
        (AS_FORM, "text/plain", "form"),
        (AS_FORM, "multipart/form-data; boundary=x", "form"),
        (AS_JSON, JSON, "json"),
        (AS_JSON, "application/vnd.b24+json; charset=utf-8", "json"),
        (AS_JSON, "text/json", "json"),
        (AS_JSON, FORM, "json"),
        (AS_JSON, "", "json"),
        (AS_JSON, "application/octet-stream", "json"),
        (b"\xef\xbb\xbf" + AS_JSON, JSON, "json"),
        (b" \n" + AS_JSON, FORM, "json"),
        (AS_MULTIPART, "multipart/form-data; boundary=b0undary", "multipart"),
        (AS_MULTIPART, 'multipart/form-data; boundary="b0undary"', "multipart"),
        (AS_MULTIPART, "multipart/form-data", "multipart"),
        (AS_MULTIPART, "multipart/form-data; boundary=another", "multipart"),
        (AS_MULTIPART, "", "multipart"),
        (b"\r\n" + AS_MULTIPART, "multipart/form-data; boundary=b0undary", "multipart"),
        (b"\r\n" + AS_MULTIPART, "", "multipart"),
        (b"\xef\xbb\xbf" + AS_JSON, "", "json"),
        (b" " * 63 + AS_JSON, "", "json"),
        (b" " * 99 + AS_JSON, JSON, "json"),
        (b" " * 99 + AS_MULTIPART, "multipart/form-data", "multipart"),
        (AS_JSON[:-1] + b',"x=":"y"}', FORM, "json"),
    ],
)
def test_an_event_is_read_whatever_the_content_type_says(
    body: bytes, content_type: str, decoded_as: str
) -> None:
    payload = decode(body, content_type)
    fields = {name: value for name, value in payload.fields.items() if name != "x="}
    assert (payload.decoded_as, fields) == (decoded_as, EVENT)


@pytest.mark.parametrize(
    ("body", "content_type", "decoded_as"),
    [
        (b'{"a=1', FORM, "form"),  # as PHP reads
        (b'{"a=1', "", "unreadable"),
        # Nobody looks further than that.
        (b" " * 64 + b'{"a":1}', "", "unreadable"),
        (b"--x=1", "", "form"),
        (b"--x=1&y=form-data", FORM + "; x", "form"),
        (b"a=form-data", "", "form"),
        (b"[1]", "", "json"),
        (b"a=1", "multipart/form-data; boundary=x", "form"),
    ],
)
def test_appearance_and_declared_type_decide_together(
    body: bytes, content_type: str, decoded_as: str
) -> None:
    assert decode(body, content_type).decoded_as == decoded_as


def test_an_unreadable_body_gives_no_fields_and_keeps_the_declared_type() -> None:
    assert decode(b"\x1f\x8bxx", JSON) == Payload({}, "compressed", "json")
    assert decode(b"hello", JSON) == Payload({}, "unreadable", "json")
    assert decode(b"=1") == Payload({}, "form", "")


@pytest.mark.parametrize(("length", "decoded_as"), [(200, "multipart"), (201, "form")])
def test_a_boundary_may_have_at_most_its_allowed_length(length: int, decoded_as: str) -> None:
    assert decode(multipart([('name="a"', "1")], "b" * length)).decoded_as == decoded_as


def test_a_long_part_is_read_whole() -> None:
    text = "line\r\n" * 20_000
    assert decode(multipart([('name="a"', text)])).fields == {"a": text}


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b'"text"',
        b"5",
        b"\xff\xfe\x00",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": -1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"{'a': 1}",
        b'{"a": 1',
        AS_JSON.decode().encode("utf-16"),
        b"--",
        b"--\r\nform-data",
    ],
)
def test_a_body_that_is_neither_form_nor_json_is_unreadable(body: bytes) -> None:
    for content_type in ("", JSON, FORM, "multipart/form-data; boundary=b"):
        assert decode(body, content_type).decoded_as == "unreadable"


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nb",
        b"--" + b"b" * 300 + b"\r\nContent-Disposition: form-data; name=a\r\n\r\nb",
        b"--b\r\nNo colon form-data\r\n\r\nb\r\n--b--",
    ],
)
def test_a_broken_multipart_body_is_unreadable_unless_it_is_declared_a_form(body: bytes) -> None:
    assert decode(body, "multipart/form-data; boundary=b").fields != EVENT
    assert decode(body, FORM).decoded_as == ("form" if b"=" in body else "unreadable")


def test_an_empty_and_a_compressed_body_are_named() -> None:
    assert decode(b"", FORM) == Payload({}, "empty", "form")
    assert decode(AS_FORM, FORM, "gzip").decoded_as == "compressed"
    assert decode(b"\x1f\x8b\x08=", FORM).decoded_as == "compressed"
    assert decode(AS_FORM, FORM, "identity").decoded_as == "form"


def test_a_part_with_a_file_name_is_a_file_and_a_nameless_part_nothing() -> None:
    body = multipart(
        [
            ('name="auth[application_token]"; filename="a.txt"', "t"),
            ("x=y", "z"),
            ('name=" "', "q"),
            ('name="a"', "1"),
        ]
    )
    assert decode(body, "multipart/form-data; boundary=b0undary").fields == {"a": "1"}
    assert decode(multipart([('name="a"; filename="b"', "1")])) == Payload({}, "multipart")
    spoilt = multipart([('name="a"', "?")]).replace(b"?", b"\xff")
    assert decode(spoilt).fields == {"a": "\ufffd"}


def test_the_headers_of_a_part_may_be_written_in_many_ways() -> None:
    """Line ends of two kinds, a folded header, quotes in a name, a line that only begins as a boundary."""
    head = 'Content-Disposition: form-data; name="a"'
    parts = {
        f"--x\n{head}\n\n1\n--x--": {"a": "1"},
        f"--x \r\nX: y\r\n{head}\r\n\r\n1\r\n--x--": {"a": "1"},
        '--x\r\ncontent-disposition: form-data;\r\n name = "a"\r\n\r\n1\r\n--x--': {"a": "1"},
        f"--x\r\n{head}\r\n\r\n1\r\n--xy\r\n--x--": {"a": "1\r\n--xy"},
        f"--x\r\n{head}; x=y\r\n\r\n1\r\n--x--\r\nepilogue": {"a": "1"},
        '--x\r\nContent-Disposition: form-data; name="a\\"b%22"\r\n\r\n1\r\n--x--': {'a"b"': "1"},
        "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--x--": {"a": ""},
    }
    for body, fields in parts.items():
        assert decode(body.encode(), "multipart/form-data").fields == fields


@given(
    st.dictionaries(
        st.text("ab[]é;=\"' ", min_size=1, max_size=9), st.text("ab\r\n-x;é", max_size=9), max_size=5
    )
)
def test_parts_are_read_as_werkzeug_reads_them(fields: dict[str, str]) -> None:
    """As browsers write them: https://html.spec.whatwg.org/#multipart-form-data"""
    import io

    from werkzeug.formparser import parse_form_data

    dispositions = [('name="' + name.replace('"', "%22") + '"', text) for name, text in fields.items()]
    body = multipart(dispositions, "x" * 20)
    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": f"multipart/form-data; boundary={'x' * 20}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    expected = [(name, text.encode()) for name, text in parse_form_data(environ)[1].items()]
    assert read_parts(body) == (expected or None)


def test_a_names_backslashes_are_those_of_quoted_pairs() -> None:
    for quoted, name in (
        (r"a\\b", r"a\b"),
        (r"a\"b", 'a"b'),
        (r"a\\\"b", r"a\"b"),
        (r"\a\%22", 'a"'),
        ("\\\\" * 50, "\\" * 50),
    ):
        assert read_parts(multipart([(f'name="{quoted}"', "1")])) == [(name, b"1")]
    assert read_parts(multipart([('name="' + "\\\\" * 51 + '"', "1")])) is None


def test_a_part_with_too_many_attributes_is_not_read() -> None:
    assert read_parts(multipart([('name="a"' + "; x=y" * 99, "1")])) == [("a", b"1")]
    assert read_parts(multipart([('name="a"' + "; x=y" * 100, "1")])) is None


def test_a_name_that_is_given_twice_in_json_counts_twice() -> None:
    assert decode(b'{"a": 1, "a": 2, "b": {"c": 1, "c": 2}}', JSON).fields == {"a": 2, "b": {"c": 2}}
    with pytest.raises(TooComplex):
        decode(b"{" + b'"a": {},' * MAX_PARAMETERS + b'"a": {}}', JSON)
    with pytest.raises(TooComplex):
        decode(b"[" + b"1.5," * MAX_PARAMETERS + b"1.5]", JSON)


def test_a_name_with_brackets_goes_into_the_json_object_of_its_name() -> None:
    body = {"data[]": "x", "data": {"a": 1, "5": 2}, "data[b][]": 3, "data[c]": {}}
    assert decode(json.dumps(body).encode(), JSON).fields == {
        "data": {"a": 1, "5": 2, "6": "x", "b": [3], "c": {}}
    }


def test_a_thousand_lone_surrogates_are_text_and_more_are_no_json() -> None:
    assert decode(b'["' + b"\\ud800" * 1000 + b'"]', JSON).fields == ["\ufffd" * 1000]
    assert decode(b'["' + b"\\ud800" * 1001 + b'"]', JSON).decoded_as == "unreadable"


def test_places_beside_many_texts_are_given_twice() -> None:
    texts = b"&".join([b'auth={"x":1}'] * 4)
    assert decode(texts + b"&auth[token]=t", FORM).repeated == frozenset()
    places = {("auth", "token"), ("auth", "application_token")}
    assert decode(texts + b"&auth=1&auth[token]=t", FORM).repeated == places


def test_every_encoding_of_an_event_decodes_alike() -> None:
    data: dict[str, Any] = {"ids": ["7", "8"], "BOT": {"567": {"x": "y"}}, "before": "undefined"}
    fields: dict[str, Any] = {"data": data, "0": "a", "1": "b"}
    readings = [
        decode(build_query(fields), FORM).fields,
        decode(json.dumps({**fields, "data": {**data, "ids": {"0": "7", "1": "8"}}}).encode(), JSON).fields,
        decode(json.dumps(fields).encode(), JSON).fields,
        decode(multipart([(f'name="{n}"', v) for n, v in _flat_pairs(fields)]), "multipart/form-data").fields,
    ]
    expected = {**fields, "data": {**data, "before": None}}
    assert readings == [expected] * 4


def _flat_pairs(fields: dict[str, Any]) -> list[tuple[str, str]]:
    query = build_query(fields).decode()
    return [
        (name.replace("%5B", "[").replace("%5D", "]"), value)
        for name, _, value in (p.partition("=") for p in query.split("&"))
    ]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"a[1]=x&a[0]=y", {"a": {"1": "x", "0": "y"}}),
        (b"a[0]=x&a[1]=y", {"a": ["x", "y"]}),
        (b"a[0]=x&a[2]=y", {"a": {"0": "x", "2": "y"}}),
        (b"a[0][b]=undefined", {"a": [{"b": None}]}),
        (b"a[5]=x", {"a": {"5": "x"}}),
        (b"a[0][0]=x", {"a": [["x"]]}),
    ],
)
def test_indexes_in_order_become_a_list(body: bytes, fields: Any) -> None:
    assert decode(body, FORM).fields == fields


def test_lone_surrogates_become_the_replacement_character() -> None:
    assert decode(b'{"a\\udfff": ["\\ud800x"], "b": "\\u043a"}', JSON).fields == {
        "a\ufffd": ["\ufffdx"],
        "b": "к",
    }


@pytest.mark.parametrize(
    ("body", "places"),
    [
        (b"auth[application_token]=t&auth[application_token]=u", {("auth", "application_token")}),
        (b"auth[application_token]=t&auth%5Bapplication_token%5D=t", {("auth", "application_token")}),
        (b"token=a&x=b&token=a", {("token",)}),
        (b"data[token]=a&data[auth][token]=b", set()),
        (b'{"token": 1, "token": 1}', {("token",)}),
        (b'{"auth": {"token": "a", "token": "b"}}', {("auth", "token")}),
        (b'{"auth": {"token": "a"}, "auth": {"token": "b"}}', {("auth", "token")}),
        (b'{"x": {"token": 1, "token": 1}, "auth": "a", "x": 1}', set()),
        (b'{"y": 1, "y": 2, "auth": [1], "data": {"auth": 5}}', set()),
        (b'{"y": 1, "y": 2, "token": "t", "auth": {"token": "t"}}', set()),
        (b"data[token]=a&data[token]=b&token=c", {("data", "token")}),
        (b"y=1&y=2&token=t&auth[token]=t", set()),
        (b"token[x]=a&token=t", {("token",)}),
        (b"auth[token][]=a&auth[token]=t", {("auth", "token")}),
        (b"data[auth][token][a][b]=a&data[auth][token]=t", {("data", "auth", "token")}),
        (b'auth={"token":"a"}&auth={"token":"t"}', {("auth", "token")}),
        (b'auth=1&auth={"token":"t"}', set()),
        (b'data={"token":"t","auth":{"token":"a"},"auth":{"token":"t"}}', {("data", "auth", "token")}),
        (b'data={"auth":{"token":"a","token":"t"}}', {("data", "auth", "token")}),
        (
            b'{"auth": {"token": "a"}, "auth": "{\\"token\\":\\"t\\"}"}',
            {("auth", "token"), ("auth", "application_token")},
        ),
        (b'{"data[auth]": {"token": "a"}, "data[auth][token]": "t"}', {("data", "auth", "token")}),
        (b'{"data": {"auth": {"token": "a"}}, "data[auth]": {"token": "t"}}', {("data", "auth", "token")}),
    ],
)
def test_a_place_given_twice_is_known(body: bytes, places: set[tuple[str, ...]]) -> None:
    assert decode(body).repeated == places


def test_a_repeated_query_token_is_known() -> None:
    assert decode_query(b"token=a&x=1") == ({"token": "a", "x": "1"}, False)
    assert decode_query(b"token=a&token=a")[1]
    assert decode_query(b"token[]=a&token=b")[1]
    assert decode_query(b"") == ({}, False)
    assert repeated_places(Payload({}, "form"), False) == set()
    assert repeated_places(Payload({}, "form"), True) == {("query", ("token",))}
    twice = Payload({}, "form", repeated=frozenset({("token",)}))
    assert repeated_places(twice, False) == {("body", ("token",))}
    assert repeated_places(twice, True) == {("body", ("token",)), ("query", ("token",))}


def _levels(count: int) -> dict[str, bytes]:
    names = ["a"] * count
    return {
        FORM: ("a" + "[a]" * (count - 1) + "=1").encode(),
        JSON: ("".join('{"a":' for _ in names) + "1" + "}" * count).encode(),
        "multipart/form-data": multipart([('name="a' + "[a]" * (count - 1) + '"', "1")]),
    }


def _parameters(count: int) -> dict[str, bytes]:
    return {
        FORM: b"&".join(b"a%d=1" % n for n in range(count)),
        JSON: json.dumps({"a": [{}] * (count - 1), "b": [1]}).encode(),
        "multipart/form-data": multipart([(f'name="a{n}"', "1") for n in range(count)]),
    }


@pytest.mark.parametrize("content_type", [FORM, JSON, "multipart/form-data"])
def test_a_payload_at_the_limits_is_read_and_one_beyond_is_refused(content_type: str) -> None:
    for bodies, limit, allowed in (
        (_levels, "levels", MAX_LEVELS),
        (_parameters, "parameters", MAX_PARAMETERS),
    ):
        assert decode(bodies(allowed)[content_type], content_type).decoded_as != "unreadable"
        with pytest.raises(TooComplex) as over:
            decode(bodies(allowed + 1)[content_type], content_type)
        assert (over.value.limit, over.value.allowed) == (limit, allowed)
        assert over.value.received == allowed + 1
        assert str(over.value) == limit


def test_empty_pairs_are_no_parameters() -> None:
    assert decode(b"a=1" + b"&" * 5000 + b"b=2", FORM).fields == {"a": "1", "b": "2"}
    assert len(decode(b"".join(b"a%d=1&" % n for n in range(MAX_PARAMETERS)), FORM).fields) == MAX_PARAMETERS


def test_brackets_without_end_are_too_deep() -> None:
    with pytest.raises(TooComplex) as over:
        decode(b"[" * 500_000, JSON)
    assert (over.value.limit, over.value.received) == ("levels", MAX_LEVELS + 1)
    with pytest.raises(TooComplex):
        decode(b"[" * 40 + b"]" * 40, JSON)


@pytest.mark.parametrize("body", [b"data[0]=a&data[x]=b", b'{"data": {"0": "a", "x": "b"}, "e": {}}'])
def test_a_key_0_alone_makes_no_list(body: bytes) -> None:
    fields = decode(body).fields
    assert fields["data"] == {"0": "a", "x": "b"}
    assert fields.get("e", {}) == {}


def test_numbers_of_json_stay_numbers() -> None:
    assert decode(b'{"a": 1.5, "b": -3, "c": true, "d": null}', JSON).fields == {
        "a": 1.5,
        "b": -3,
        "c": True,
        "d": None,
    }


def test_a_list_at_the_top_is_readable_but_no_event() -> None:
    assert decode(b'[{"event": "X"}]', JSON) == Payload([{"event": "X"}], "json", "json")


@pytest.mark.parametrize(
    ("content_type", "declared"),
    [
        ("", ""),
        ("Application/JSON ; x=y", "json"),
        ("a/b+json", "json"),
        ("text/XML", "text/xml"),
        (FORM, "form"),
    ],
)
def test_the_declared_type_is_read_from_content_type(content_type: str, declared: str) -> None:
    assert declared_type(content_type) == declared


def test_a_portals_delivery_is_read_whole() -> None:
    assert decode(form(), FORM).fields == delivery()


BODIES = st.binary(max_size=200) | st.sampled_from([AS_FORM, AS_JSON, AS_MULTIPART, form()]).flatmap(
    lambda body: st.tuples(st.integers(0, len(body)), st.binary(max_size=4)).map(
        lambda piece: body[: piece[0]] + piece[1] + body[piece[0] :]
    )
)


@given(
    BODIES,
    st.sampled_from(["", FORM, JSON, "multipart/form-data; boundary=b0undary", "x/y"]) | st.text(max_size=30),
)
def test_no_body_raises_anything_but_too_complex(body: bytes, content_type: str) -> None:
    payload = decode(body, content_type)
    json.dumps(payload.fields, allow_nan=False).encode()
    json.dumps(payload.fields, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        (b"a[5]=1&a[]=2&a[3]=3&a[]=4", {"a": {"5": "1", "6": "2", "3": "3", "7": "4"}}),
        (b"a[][x]=1&a[0][y]=2&a[][x]=3", {"a": [{"x": "1", "y": "2"}, {"x": "3"}]}),
        (b"a[]=1&a=2&a[]=3", {"a": ["3"]}),
        (b"[x]=1&b[]=2", {"b": ["2"]}),
        (b"a[b]c]=1&a[ ]=2", {"a": {"b": "1", "0": "2"}}),
        (b"a" + b"[]" * 65 + b"=1&b=2", {"b": "2"}),
        (b"a=%G%%4%41", {"a": "%G%%4A"}),
    ],
)
def test_brackets_and_stray_percents_are_read_as_php_reads_them(form: bytes, fields: object) -> None:
    assert decode(form, "application/x-www-form-urlencoded").fields == fields
