"""Which token is plain: the start does not ask the diagnosis, which would find nothing odd in it."""

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.diagnosis import setting_causes
from gateway.settings import load
from gateway.startup import is_plain
from tests.support.deliveries import TOKEN


@given(st.from_regex(r"[A-Za-z0-9_-]{16,40}", fullmatch=True))
@example("51856fefc120afa4b628cc82d3935cce")
@example("your_outgoing_webhook_token_32_characters")
@example("bitrix24-token")
@example(TOKEN)
def test_a_token_classed_as_plain_has_nothing_odd(token: str) -> None:
    settings = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": token}, dotenv=None)
    assert not is_plain(settings) or setting_causes(settings) == []


def test_the_incoming_secret_is_never_plain() -> None:
    env = {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "BITRIX24_WEBHOOK_TOKEN": f"1/{TOKEN}"}
    assert is_plain(load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN}, dotenv=None))
    assert not is_plain(load(env, dotenv=None))
    assert not is_plain(load({}, dotenv=None))
