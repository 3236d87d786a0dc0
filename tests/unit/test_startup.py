"""What the start says about settings that are odd."""

import pytest

from gateway.settings import load
from gateway.startup import _announce
from tests.support.deliveries import TOKEN


@pytest.mark.parametrize(
    ("events", "misspelt"),
    [
        ("ONUSERADDD", [("ONUSERADDD", "ONUSERADD")]),
        ("onuseradd,OnTaskUpdat", [("ONTASKUPDAT", "ONTASKUPDATE")]),
        ("ONUSREADD,ONUSREADD", [("ONUSREADD", "ONUSERADD")]),
        ("ONUSERADD,ONCRMDEALUPDATE", []),
        ("ONTASK*,ONCRMDEALAD*,*", []),
        ("ONTSK*,ontaks*", [("ONTSK*", "ONTASK*"), ("ONTAKS*", "ONTASK*")]),
        ("ONCRMDEL*,ONTTASK*", [("ONCRMDEL*", "ONCRMDEAL*"), ("ONTTASK*", "ONTASK*")]),
        ("ONCALUNDAR*,ONTASKAD*", [("ONCALUNDAR*", "ONCALENDAR*")]),
        # Beginnings of the vendor's own events that are not in the list.
        ("ONIMBOTV2*,ONCRMINVOICE*,ONCRMTYPE*,ONCRMDEALRE*,ONCALENDARSE*,ONTASKRESULT*", []),
        ("ONOFFLINE*,ONIMCONNECTOR*,ONSONET*,ONBOOKING*,ONAI*,ONX*,ON*", []),
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


@pytest.mark.parametrize(
    ("env", "codes"),
    [
        ({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN}, []),
        ({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": "changeme"}, ["SETTING_PLACEHOLDER"]),
        ({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": f"{TOKEN}с"}, ["SETTING_SHAPE"]),
        ({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": "наш-собственный-токен2026"}, []),
        (
            {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "BITRIX24_WEBHOOK_TOKEN": f"1/{TOKEN}"},
            ["SETTING_INCOMING_SECRET"],
        ),
        ({}, ["SETTING_MISSING"]),
    ],
)
def test_an_odd_token_is_named_at_the_start(
    env: dict[str, str], codes: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    _announce(load(env, dotenv=None))
    logged = [getattr(log_record, "json_fields", {}).get("code") for log_record in caplog.records]
    assert [code for code in logged if code] == codes


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, "BITRIX24_WEBHOOK_TOKEN"),
        ({"BITRIX24_DOMAIN": "p.bitrix24.ru"}, "BITRIX24_WEBHOOK_TOKEN"),
        ({"BITRIX24_WEBHOOK_TOKEN": "1/abcd1234"}, "BITRIX24_DOMAIN"),
        ({"BITRIX24_WEBHOOK_TOKEN": "1/abcd1234", "BITRIX24_DOMAIN": "p.bitrix24.ru"}, ""),
        ({"BITRIX24_WEBHOOK_TOKEN": "https://p.bitrix24.ru/rest/1/abcd1234/"}, ""),
    ],
)
def test_the_half_of_the_incoming_webhook_that_is_missing_is_named_at_the_start(
    env: dict[str, str], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load(env | {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": TOKEN, "LOG_LANGUAGE": "en"}, dotenv=None)
    _announce(settings)
    warnings = [line.getMessage() for line in caplog.records if line.levelname == "WARNING"]
    missing = [text for text in warnings if "shorter than" not in text]
    assert all(named in text for text in missing)
    assert (len(missing), settings.can_ask_portal) == ((1, False) if named else (0, True))
