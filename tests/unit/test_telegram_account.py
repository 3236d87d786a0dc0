"""How a field's value is read as a Telegram account: the table of the rule."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.links.model import NO_ACCOUNT, Account
from gateway.links.telegram_account import MAX_TELEGRAM_ID, parse_account
from gateway.links.user_record import telegram_fields

CONTRACT = Path(__file__).parents[2] / "docs" / "contract.md"


def test_the_contract_names_every_field_that_may_hold_an_account() -> None:
    contract = CONTRACT.read_text("utf-8")
    assert [field for field in telegram_fields("UF_USR_TELEGRAM") if f"`{field}`" not in contract] == []


@pytest.mark.parametrize("value", [None, "", " ", "\t\n", "\u00a0", [], False, [""], [False]])
def test_an_empty_value_is_no_account(value: object) -> None:
    assert parse_account(value) == NO_ACCOUNT


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1),
        ("1", 1),
        (" 123456789 ", 123456789),
        (MAX_TELEGRAM_ID, 2**52),
        (str(2**52), 2**52),
        ([5], 5),
        (["5"], 5),
    ],
)
def test_a_number_is_an_id(value: object, number: int) -> None:
    assert parse_account(value) == Account(telegram_id=number)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("@abcd", "abcd"),
        (" @Some_Name1 ", "Some_Name1"),
        ("@" + "a" * 32, "a" * 32),
        ("t.me/some_name", "some_name"),
        ("T.ME/Some_Name/", "Some_Name"),
        ("https://t.me/some_name", "some_name"),
        ("HTTPS://telegram.me/some_name/?start=1", "some_name"),
        ("telegram.me/some_name?x=%2F", "some_name"),
        ("http://t.me/some_name", "some_name"),
        ("www.telegram.me/some_name", "some_name"),
        ("Https://WWW.t.me/some_name/", "some_name"),
        (["@abcd"], "abcd"),
        (["https://t.me/some_name"], "some_name"),
    ],
)
def test_a_name_or_a_link_is_a_name(value: object, name: str) -> None:
    assert parse_account(value) == Account(telegram_username=name)


@pytest.mark.parametrize(
    "value",
    [
        0, -5, 2**52 + 1, "0", "-5", str(2**52 + 1), "9" * 40, 1.0, True,
        ["@abcd", "@efgh"], [["@abcd"]], [None], [0], {"ID": 1}, {},
        "some_name", "@abc", "@" + "a" * 33, "@имя_пользователя", "@some-name", "@@abcd", "@ab cd",
        "+79001234567", "8 900 123-45-67", "t.me/+AbCdEf123", "t.me/joinchat/AbCdEf", "t.me/abc",
        "https://t.me/some_name/12", "https://evil.example/t.me/some_name", "https://t.me.example/some_name",
        "xt.me/some_name", "ftp://t.me/some_name",
        "//t.me/some_name", "http://www.www.t.me/some_name", "http:/t.me/some_name", "t.me/some_name#x", "https://t.me:443/some_name",
        "１２３", "٣٤٥", "1e5", "0x10", "12 34",
        "@ſome_name", "t.me/ſome_name",
    ],
)  # fmt: skip
def test_anything_else_is_not_understood(value: object) -> None:
    assert parse_account(value) is None


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.lists(st.text()), st.binary()))
def test_any_value_is_read_without_an_error(value: object) -> None:
    account = parse_account(value)
    if account:
        assert account.telegram_id is None or 1 <= account.telegram_id <= 2**52
        name = account.telegram_username
        assert name is None or (4 <= len(name) <= 32 and name.isascii())
