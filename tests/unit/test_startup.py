"""Which token is plain: the start does not ask the diagnosis, which would find nothing odd in it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.diagnosis import setting_causes
from gateway.settings import load
from gateway.startup import _announce, is_plain
from tests.support.deliveries import TOKEN


@given(st.from_regex(r"[A-Za-z0-9_-]{16,40}", fullmatch=True))
@example("51856fefc120afa4b628cc82d3935cce")
@example("your_outgoing_webhook_token_32_characters")
@example("bitrix24-token")
@example(TOKEN)
def test_a_token_classed_as_plain_has_nothing_odd(token: str) -> None:
    settings = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": token}, dotenv=None)
    assert not is_plain(settings) or setting_causes(settings) == []


@pytest.mark.parametrize(
    ("events", "misspelt"),
    [
        ("ONUSERADDD", [("ONUSERADDD", "ONUSERADD")]),
        ("onuseradd,OnTaskUpdat", [("ONTASKUPDAT", "ONTASKUPDATE")]),
        ("ONUSREADD,ONUSREADD", [("ONUSREADD", "ONUSERADD")]),
        ("ONUSERADD,ONCRMDEALUPDATE", []),
        ("ONTASK*,ONCRMDEALAD*,*", []),
        # The vendor's own events that are not in the list of the known ones.
        ("ONIMBOTV2MESSAGEADD,ONIMBOTMESSAGEUPDATE,ONCRMDYNAMICITEMADD_128,ONCRMINVOICEADD", []),
        ("ONAPPUSERREADY,ONAPPMETHODCONFIRM,ONOFFLINEEVENT,ONIMCONNECTORLINEDELETE", []),
        ("ONCRMDEALMOVETOCATEGORY,ONCALENDARSECTIONADD,ONIMBOTCONTEXTGET,ONCRMREQUISITEUPDATE", []),
        ("", []),
    ],
)
def test_only_an_event_that_is_surely_mistyped_is_named_at_the_start(
    events: str, misspelt: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    env = {"FORWARD_TO": f"https://bot.example.com/#{events}", "LOG_LANGUAGE": "en"}
    _announce(load(env, dotenv=None))
    lines = [text for log_record in caplog.records if "known events" in (text := log_record.getMessage())]
    assert lines == [
        f"FORWARD_TO: {event} is not among the known events. Perhaps {like} was meant"
        for event, like in misspelt
    ]


def test_the_incoming_secret_is_never_plain() -> None:
    env = {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "BITRIX24_WEBHOOK_TOKEN": f"1/{TOKEN}"}
    assert is_plain(load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN}, dotenv=None))
    assert not is_plain(load(env, dotenv=None))
    assert not is_plain(load({}, dotenv=None))
