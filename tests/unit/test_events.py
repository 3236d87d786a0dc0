"""The event model: identity, canonical form, and no secret on the queue."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from gateway.errors import PoisonMessage
from gateway.events import (
    EventInvalid,
    Message,
    observed_message,
    read_message,
    webhook_message,
    without_secrets,
)
from gateway.ingest.decode import decode
from gateway.ingest.php_form import build_query
from gateway.redaction import SECRET_NAMES
from gateway.texts import text_of
from tests.support.deliveries import FORM, PORTAL, TOKEN, delivery

NOW = datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=UTC)
# A token may be such a number, and come as a JSON number.
DIGITS = "1234567890123456"
LATER = datetime(2026, 11, 24, 10, 0, 1, tzinfo=UTC)

KINDS: dict[str, Any] = {
    "ONUSERADD": {
        "ID": "123",
        "ACTIVE": "1",
        "EMAIL": "i@example.com",
        "NAME": "Иван",
        "UF_DEPARTMENT": ["1", "5"],
    },
    "onCrmTimelineCommentAdd": {"FIELDS": {"ID": "5"}},
    "ONCRMDEALUPDATE": {"FIELDS": {"ID": "7405"}},
    "ONTASKADD": {
        "FIELDS_BEFORE": "undefined",
        "FIELDS_AFTER": {"ID": "11"},
        "IS_ACCESSIBLE_BEFORE": "undefined",
    },
    "ONTASKDELETE": {"FIELDS_BEFORE": {"ID": "11"}, "FIELDS_AFTER": "undefined"},
    "ONTASKCOMMENTADD": {"FIELDS_AFTER": {"ID": "0", "TASK_ID": "11", "MESSAGE_ID": "99"}},
    "ONIMCONNECTORLINEDELETE": "107",
    "ONOFFLINEEVENT": None,
    "ONAPPMETHODCONFIRM": {"TOKEN": "q" * 32, "METHOD": "user.get", "CONFIRMED": "1"},
    "ONAPPUSERREADY": {"access_token": "a" * 32, "refresh_token": "r" * 32, "USER_ID": "1"},
    "ONIMBOTMESSAGEADD": {
        "BOT": {
            "567": {
                "access_token": "a" * 32,
                "application_token": TOKEN,
                "client_id": "c",
                "AUTH": {"x": "y"},
                "BOT_ID": "567",
            }
        },
        "PARAMS": {"MESSAGE": "привет", "CHAT_ID": "1"},
    },
    "ONIMBOTV2MESSAGEADD": {"bot": {"id": "5", "auth": {"access_token": "a" * 32}}, "message": {"text": ""}},
}


def message(
    fields: Any, now: datetime = NOW, secrets: tuple[str, ...] = (TOKEN,), domain: str = ""
) -> Message:
    return webhook_message(fields, now, secrets, domain)


@pytest.mark.parametrize("event", KINDS)
def test_every_kind_of_event_has_one_identity_and_no_secret(event: str) -> None:
    fields = delivery(event, data=KINDS[event] if KINDS[event] is not None else {})
    as_form = message(decode(build_query(fields), FORM).fields)
    fields["data"] = decode(build_query(fields), FORM).fields.get("data")
    as_json = message(decode(json.dumps(fields).encode(), "application/json").fields)
    assert as_form == as_json
    assert as_form.event == event.upper()
    text = as_form.to_bytes().decode()
    for secret in (TOKEN, "a" * 32, "r" * 32, "q" * 32, "application_token", "access_token", "AUTH"):
        assert secret not in text


def test_the_message_has_the_fields_of_the_contract() -> None:
    published = message(decode(build_query(delivery(data={"ID": "12"})), FORM).fields)
    fields = json.loads(published.to_bytes())
    assert list(fields) == [
        "schema",
        "event_id",
        "event",
        "event_handler_id",
        "ts",
        "received_at",
        "source",
        "portal",
        "data",
    ]
    assert fields["schema"] == 1
    assert (fields["event_handler_id"], fields["ts"], fields["source"]) == ("41", 1_750_000_000, "webhook")
    assert fields["received_at"] == "2026-11-24T10:00:00.123456Z"
    assert fields["portal"] == {"domain": PORTAL, "member_id": "a223c6b3710f85df22e9377d6c4f7553"}
    assert fields["data"] == {"ID": "12"}
    assert published.attributes("query:token") == {
        "event": "ONUSERUPDATE",
        "event_id": fields["event_id"],
        "portal": PORTAL,
        "source": "webhook",
        "token_place": "query:token",
    }
    assert read_message(published.to_bytes()) == published


def test_the_schema_that_is_written_out_is_the_one_of_the_annotations() -> None:
    annotated = TypeAdapter(Message)
    for event, data in KINDS.items():
        for published in (message(delivery(event, data=data)), message({"event": event})):
            assert annotated.validate_json(published.to_bytes()) == published
            assert annotated.dump_json(published) == published.to_bytes()


def test_the_identity_depends_on_the_events_content_alone() -> None:
    base = delivery()
    same_event = [
        message(base, LATER),
        message({**base, "auth": {"domain": PORTAL.upper(), "member_id": base["auth"]["member_id"]}}),
        message({**base, "event": " onuserupdate ", "token": TOKEN}),
    ]
    other_events = [
        message({**base, "event": "ONUSERADD"}),
        message({**base, "ts": "1750000001"}),
        message({**base, "event_handler_id": "42"}),
        message({**base, "data": {**base["data"], "ID": "13"}}),
        message({**base, "auth": {**base["auth"], "domain": "other.bitrix24.ru"}}),
    ]
    assert {event.event_id for event in same_event} == {message(base).event_id}
    assert len({event.event_id for event in [*other_events, message(base)]}) == len(other_events) + 1


def test_an_event_without_a_time_is_never_a_repetition() -> None:
    untimed = delivery(ts=None)
    assert message(untimed).event_id != message(untimed, LATER).event_id
    assert message(untimed).event_id == message(untimed).event_id


GOOD_TIMES: list[tuple[Any, int | None]] = [
    *(("1750000000", 1_750_000_000), (5, 5), ("-5", -5), (" 5 ", 5), ("+5", 5), ("1000000000000", 10**12))
]
NO_TIMES: list[Any] = ["", "soon", "1.5", 1.5, True, None, [], {}, "1" * 14, "1000000000001", 10**13, "٣"]


@pytest.mark.parametrize(("ts", "expected"), GOOD_TIMES + [(bad, None) for bad in NO_TIMES])
def test_the_time_is_a_whole_number_or_null(ts: Any, expected: int | None) -> None:
    assert message({**delivery(), "ts": ts}).ts == expected


@pytest.mark.parametrize(
    ("domain", "portal"),
    [
        ("P.Bitrix24.RU", "p.bitrix24.ru"),
        ("p.ru:8443", "p.ru:8443"),
        ("https://P.ru/rest/", "p.ru"),
        ("p.ru:443", "p.ru"),
        ("p.ru.", "p.ru"),
        ("my_box.local", "my_box.local"),
        ("портал.рф", "xn--80awhdgm.xn--p1ai"),
        (None, "default.ru"),
        (" ", "default.ru"),
    ],
)
def test_the_portal_comes_from_the_event_or_else_from_the_settings(domain: str | None, portal: str) -> None:
    assert message({**delivery(), "auth": {"domain": domain}}, domain="default.ru").portal.domain == portal
    assert message({"event": "X", "auth": "no dict"}).portal.domain == ""


@pytest.mark.parametrize("server", ["oauth.bitrix.info", "oauth.bitrix24.tech", "OAUTH.bitrix24.ru"])
def test_the_vendors_server_is_not_taken_for_a_portal(server: str) -> None:
    auth = {"domain": server, "client_endpoint": "https://p.bitrix24.ru/rest/"}
    assert message({**delivery(), "auth": auth}, domain="default.ru").portal.domain == "p.bitrix24.ru"
    assert (
        message({**delivery(), "auth": {"domain": server}}, domain="default.ru").portal.domain == "default.ru"
    )


@pytest.mark.parametrize(
    "domain", ["a b", "имя рф", "x" * 254, 5, ["p.ru"], "ftp://p.ru", "p.ru:", f"{TOKEN}.ru"]
)
def test_a_domain_that_is_not_a_host_name_is_invalid(domain: Any) -> None:
    with pytest.raises(EventInvalid) as invalid:
        message({**delivery(), "auth": {"domain": domain}})
    assert invalid.value.field == "auth.domain"


@pytest.mark.parametrize("event", [None, "", "  ", "X" * 101, 5, ["X"], {"a": "X"}, f"ON{TOKEN}"])
def test_an_event_name_must_be_a_text_of_1_to_100_characters(event: Any) -> None:
    with pytest.raises(EventInvalid) as invalid:
        message({**delivery(), "event": event})
    assert (invalid.value.field, invalid.value.hint) == ("event", "")


def test_a_robots_call_and_a_list_are_no_events() -> None:
    with pytest.raises(EventInvalid) as robot:
        message({"document_id": ["crm"], "auth": {}})
    assert (robot.value.field, robot.value.hint) == ("event", "robot")
    with pytest.raises(EventInvalid):
        message([{"event": "X"}])


def test_secrets_are_removed_by_key_at_every_depth_and_by_value() -> None:
    data = {
        "list": [{"Auth_Id": "1", "keep": "1"}, f"see {TOKEN} here", "keep"],
        "deep": {"a": {"REFRESH_ID": {"x": "y"}, "b": f"x{TOKEN}"}},
        f"key {TOKEN}": "gone",
        "short": "123456",
        "token_like": "stays",
        "number": int(DIGITS) * 10,
    }
    cleaned = without_secrets(data, (TOKEN, DIGITS))
    assert cleaned == {
        "list": [{"keep": "1"}, "keep"],
        "deep": {"a": {}},
        "short": "123456",
        "token_like": "stays",
    }
    assert without_secrets(TOKEN, (TOKEN,)) is None
    assert without_secrets(5, (TOKEN,)) == 5
    assert without_secrets({"a": "b"}, ()) == {"a": "b"}


def test_a_secret_as_a_handler_or_member_id_is_dropped() -> None:
    published = message({**delivery(), "event_handler_id": TOKEN, "auth": {"member_id": f"m{TOKEN}"}})
    assert (published.event_handler_id, published.portal.member_id) == (None, None)
    assert message({**delivery(), "event_handler_id": 41}).event_handler_id == "41"


def test_a_polled_user_is_a_message_of_its_own_source() -> None:
    published = observed_message("p.ru", {"ID": 5, "ACTIVE": "N", "UF_USR_TELEGRAM": ""}, NOW, LATER)
    fields = json.loads(published.to_bytes())
    assert (fields["event"], fields["source"], fields["ts"]) == (
        "ONUSERUPDATE",
        "resync",
        int(NOW.timestamp()),
    )
    assert (fields["portal"], fields["data"]["ACTIVE"]) == ({"domain": "p.ru", "member_id": None}, "N")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        "{}",
        '{"schema": 2}',
        json.dumps({**json.loads(message(delivery()).to_bytes()), "schema": 2}),
        json.dumps({**json.loads(message(delivery()).to_bytes()), "schema": None}),
        message(delivery()).to_bytes().replace(b'"schema":1,', b"").decode(),
        json.dumps({**json.loads(message(delivery()).to_bytes()), "portal": "x"}),
        json.dumps({**json.loads(message(delivery()).to_bytes()), "received_at": "2026-01-01T00:00:00"}),
    ],
)
def test_a_message_of_another_schema_is_poison_and_quotes_no_value(text: str) -> None:
    with pytest.raises(PoisonMessage) as poison:
        read_message(text)
    assert "schema" in text_of(poison.value, "en")
    assert "ivan" not in str(poison.value)


@pytest.mark.parametrize("ts", ["soon", "", 1.5, True, [], 10**13, -(10**18)])
def test_a_queued_time_that_is_no_number_becomes_none(ts: object) -> None:
    """Whoever puts it there: the moment of arrival counts then, and the event is no dead letter."""
    fields = {**json.loads(message(delivery()).to_bytes()), "ts": ts}
    assert read_message(json.dumps(fields)).ts is None


def test_a_later_schemas_new_fields_are_ignored() -> None:
    fields = {**json.loads(message(delivery()).to_bytes()), "new": 1}
    assert read_message(json.dumps(fields)) == message(delivery())


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
    | st.just(f"x{TOKEN}y"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(sorted(SECRET_NAMES)) | st.text(st.characters(codec="utf-8"), max_size=8),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_secret_survives_and_the_message_is_read_back(data: Any) -> None:
    published = message({"event": "E", "data": data, "ts": 1})
    text = published.to_bytes().decode()
    assert TOKEN not in text
    assert read_message(text) == published
    _assert_clean(json.loads(text)["data"])


def _assert_clean(value: Any) -> None:
    if isinstance(value, dict):
        assert not {key.lower() for key in value} & set(SECRET_NAMES)
        for inner in value.values():
            _assert_clean(inner)
    elif isinstance(value, list):
        for inner in value:
            _assert_clean(inner)


@pytest.mark.parametrize(
    "text",
    [
        "[USER=5]Bot[/USER], authorize me: my token is lost",
        "[B]Author:[/B] Ivan, client_id: ask him",
        "[/token]",
        "{author}: {text}",
        '"Secret: a novel", says the author',
        "token: 5",
        '["author", "token of esteem"]',
    ],
)
def test_what_a_person_writes_is_no_secret(text: str) -> None:
    assert without_secrets({"MESSAGE": text}, ()) == {"MESSAGE": text}


@pytest.mark.parametrize(
    "text",
    [
        ' {"access_token": "s3cret", "a": 1}',
        '\ufeff\r\n{"access_token": "s3cret", "a": 1}',
        json.dumps('{"access_token": "s3cret", "a": 1}'),
        '[{"b": {"access_token": "s3cret"}}]',
        '{"access_token": "s3cret',
        "{'access_token': 's3cret'}",
        "{access_token: s3cret}",
        "[{'client_secret' => 's3cret'}]",
        '["access_token", "s3cret"',
    ],
)
def test_a_secret_in_json_or_nearly_json_is_not_kept(text: str) -> None:
    cleaned = without_secrets({"MESSAGE": text, "x": [text]}, ())
    assert "s3cret" not in json.dumps(cleaned)
    assert set(cleaned) == {"MESSAGE", "x"}
