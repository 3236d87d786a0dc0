"""What a sender controls, as a log may show it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.redaction import MAX_KEYS, MAX_SHOWN, clean, clean_key, mask, may_be_secret, top_level_keys
from verify import PLACES

SECRET = "short-secret-1"
LONG = "w1e2b3h4o5o6k7t8o9k0e1n2a3b4c5d6"


def masked(value: str) -> str:
    return f"<masked {len(value)} {hashlib.sha256(value.encode()).hexdigest()[:8]}>"


@pytest.mark.parametrize("place", PLACES)
def test_each_place_of_a_token_is_called_as_a_secret(place: str) -> None:
    assert may_be_secret(place.partition(":")[2].split("."))


def test_a_mask_only_distinguishes_values() -> None:
    assert mask(LONG.encode()) == masked(LONG)
    assert mask(b"123456") == "<masked 6 ->"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bitrix24 Webhook Engine", "Bitrix24 Webhook Engine"),
        ("curl/8.5.0", "curl/8.5.0"),
        (f"/hook/{LONG}/x", f"/hook/{masked(LONG)}/x"),
        (f"a {SECRET} b", f"a <masked {len(SECRET)} -> b"),
        ("a\nb\tc\x1b[31m\u2028\x85", "a\\nb\\tc\\x1b[31m\\u2028\\x85"),
        ("exe.\u202egpj\u2066\u2069", "exe.\\u202egpj\\u2066\\u2069"),
        ("a\u200fb\u061cc\u200bd\ufeffe\xadf", "a\\u200fb\\u061cc\\u200bd\\ufeffe\\xadf"),
        ("👨\u200d👩", "👨\u200d👩"),
        (
            "application/x-www-form-urlencoded; charset=UTF-8",
            "application/x-www-form-urlencoded; charset=UTF-8",
        ),
        (masked(LONG), masked(LONG)),
        ("привет", "привет"),
    ],
)
def test_a_cleaned_text_is_one_line_without_secrets(text: str, expected: str) -> None:
    assert clean(text, [SECRET]) == expected


def test_keys_are_shown_where_they_look_like_keys() -> None:
    assert clean_key("event_handler_id") == "event_handler_id"
    assert clean_key("auth[application_token]") == "auth[application_token]"
    assert clean_key("имя") == "<6 bytes>"
    assert clean_key("a" * 65) == "<65 bytes>"
    assert clean_key(LONG) == masked(LONG)
    assert top_level_keys({str(n): 1 for n in range(50)}) == [str(n) for n in range(MAX_KEYS)]
    assert top_level_keys(["a"]) == []


@given(st.text(max_size=600), st.integers(0, 600))
def test_nothing_long_or_secret_is_shown(text: str, at: int) -> None:
    cleaned = clean(text[:at] + LONG + text[at:] + SECRET, [SECRET, LONG])
    assert LONG not in cleaned
    assert SECRET not in cleaned
    # An escape takes up to ten characters.
    assert len(cleaned) <= MAX_SHOWN * 10
    assert "\n" not in cleaned
    cleaned.encode("utf-8")
