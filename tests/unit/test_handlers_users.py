"""User events: every shape and value of the contract, what is absent, what is fetched, and since when."""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.errors import PoisonMessage, PortalUnavailable
from gateway.events import Message, Portal
from gateway.journal.model import OutcomeRecord
from gateway.links import open_store
from gateway.links.model import Link, Store
from gateway.locations import store_location
from gateway.outcome import About, Outcome, report
from gateway.settings import Settings
from gateway.tools.outcomes import in_a_line
from handlers import users
from handlers.context import Context
from tests.support.errors import logged

TS = 1767225600  # 2026-01-01T00:00:00Z
P = "p.bitrix24.ru"
SETTINGS = Settings(domain=P, rest_webhook="1/secret", language="en")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(store_location(f"sqlite:///{tmp_path}/links.db"))
    yield opened
    opened.close()


Handle = Callable[..., Link | None]
# Those of the last message.
OUTCOMES: list[Outcome] = []


@pytest.fixture
def handle(store: Store) -> Handle:
    """Handles one message with this `data`, and returns the link of `user` afterwards."""
    count = iter(range(1_000_000))

    def run(
        data: object,
        ts: int | None = TS,
        received: float | None = None,
        row: Mapping[str, Any] | Exception | None = None,
        asked_at: float = TS + 60,
        user: int = 7,
        source: str = "webhook",
        portal: str = P,
        settings: Settings = SETTINGS,
        fetch: bool = False,
    ) -> Link | None:
        def fetch_user(user_id: int) -> Mapping[str, Any] | None:
            if not fetch and row is None:
                pytest.fail(f"user {user_id} was asked for")
            if isinstance(row, Exception):
                raise row
            return row

        arrived = received if received is not None else (TS if ts is None else ts) + 1
        message = Message(
            event_id=f"e{next(count)}",
            event="ONUSERUPDATE",
            ts=ts,
            received_at=datetime.fromtimestamp(arrived, UTC),
            source=source,  # type: ignore[arg-type]
            portal=Portal(domain=portal),
            data=data,
        )
        client: Any = SimpleNamespace(user=fetch_user)
        context = Context(settings, store, lambda: client, lambda: datetime.fromtimestamp(asked_at, UTC))
        OUTCOMES[:] = users.handle(message, context)
        return store.get(portal, user)

    return run


def account(link: Link | None) -> int | str | None:
    assert link is not None
    return link.telegram_id if link.telegram_id is not None else link.telegram_username


@pytest.mark.parametrize(
    "data",
    [
        {"ID": "7", "UF_USR_TELEGRAM": "123456789"},
        {"id": 7, "uf_usr_telegram": 123456789},
        {"FIELDS": {"ID": "7", "UF_USR_TELEGRAM": "123456789"}},
        {"fields": {"Id": "7", "Uf_Usr_Telegram": " 123456789 "}},
        {"FIELDS": [{"ID": "7", "UF_USR_TELEGRAM": "123456789"}]},
        {"FIELDS": [{"ID": "8", "UF_USR_TELEGRAM": "1"}, {"ID": "7", "UF_USR_TELEGRAM": "123456789"}]},
        [{"ID": "7", "UF_USR_TELEGRAM": "123456789"}],
        [{"FIELDS": {"ID": "7", "UF_USR_TELEGRAM": "123456789"}}],
        {"ID": "7", "FIELDS": {"UF_USR_TELEGRAM": "123456789"}},
        {"ID": "7", "FIELDS": "", "UF_USR_TELEGRAM": "123456789"},
        {"ID": "7", "TELEGRAM_ID": "123456789", "TELEGRAM": "5"},
        {"ID": "7", "TELEGRAM": "123456789"},
        {"ID": "7", "UF_USR_TELEGRAM": None, "TELEGRAM": "123456789"},
    ],
)
def test_the_user_is_found_in_every_shape(handle: Handle, data: object) -> None:
    assert account(handle(data)) == 123456789


def test_each_user_of_a_list_is_an_observation_of_its_own(handle: Handle, store: Store) -> None:
    handle({"FIELDS": [{"ID": str(user), "UF_USR_TELEGRAM": str(user * 10)} for user in (5, 6, 7)]})
    assert [(link.bitrix_user_id, link.telegram_id) for link in store.links(P)] == [(5, 50), (6, 60), (7, 70)]


def test_the_configured_field_is_looked_at_first_and_decides_even_when_empty(handle: Handle) -> None:
    settings = Settings(telegram_field="uf_tg", domain=P)
    assert account(handle({"ID": "7", "UF_TG": "11", "UF_USR_TELEGRAM": "22"}, settings=settings)) == 11
    assert (
        account(handle({"ID": "7", "UF_TG": " ", "UF_USR_TELEGRAM": "22"}, TS + 1, settings=settings)) is None
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", 1),
        (str(2**52), 2**52),
        (2**52, 2**52),
        ("@Ivan_P", "Ivan_P"),
        ("t.me/Ivan_P", "Ivan_P"),
        ("https://t.me/Ivan_P/", "Ivan_P"),
        ("https://telegram.me/Ivan_P?start=1", "Ivan_P"),
    ],
)
def test_values_that_name_an_account(handle: Handle, value: object, expected: object) -> None:
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": value})) == expected


@pytest.mark.parametrize(
    "value",
    ["0", "-5", str(2**52 + 1), "٣٤٥", "+79991234567", "Ivan_P", "@abc", "https://t.me/+AbCdEf",
     "t.me/joinchat/AbC", "1.5", 1.5, True, ["5", "6"], {"a": "5"}, -5],
)  # fmt: skip
def test_other_values_change_nothing_and_are_logged_without_the_value(handle: Handle, value: object) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "55"})
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": value}, TS + 1)) == 55
    [outcome] = OUTCOMES
    assert (outcome.code, outcome.reason, outcome.bitrix_user_id) == ("LINK_UNCHANGED", "unreadable", 7)
    assert str(value) not in str(outcome.values) + str(outcome.facts)


def test_a_field_that_looks_like_telegrams_is_named_once(
    handle: Handle, caplog: pytest.LogCaptureFixture
) -> None:
    for user in (7, 8):
        handle({"ID": user, "UF_TELEGRAM_ID": "55", "WORK_TGV": "5", "UF_TG_OLD": ""}, fetch=True)
    handle({"ID": 9}, row={"ID": "9", "UF_CRM_TELEGRAM1": "@ivan_petrov"})
    handle({"ID": 10, "UF_TG_NICK": "5", "UF_USR_TELEGRAM": "55"})
    [warning, _] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "BITRIX24_TELEGRAM_FIELD_NAME=UF_TELEGRAM_ID" in logged(caplog)
    assert "BITRIX24_TELEGRAM_FIELD_NAME=UF_CRM_TELEGRAM1" in logged(caplog)
    assert "55" not in logged(caplog)
    assert vars(warning)["json_fields"] == {
        "code": "FIELD_LIKE_TELEGRAM",
        "field": "UF_TELEGRAM_ID",
        "bitrix_user_id": 7,
    }


@pytest.mark.parametrize("row", [{"ID": "7", "UF_USR_TELEGRAM": None}, {"ID": "7", "UF_USR_TELEGRAM": ""}])
def test_a_new_user_without_an_account_is_reported_with_the_empty_field(
    handle: Handle, row: dict[str, object]
) -> None:
    handle({"ID": "7", "NAME": "A"}, row=row)
    [outcome] = OUTCOMES
    assert (outcome.code, outcome.reason, outcome.text) == ("LINK_UNCHANGED", "empty", "LINK_UNCHANGED_EMPTY")
    handle({"ID": "7", "ACTIVE": "N"}, TS + 1, row=row)
    assert OUTCOMES[0].reason == "inactive"


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize(("portal", "reason"), [(P, "no_webhook"), ("q.bitrix24.ru", "other_portal")])
def test_a_linked_user_is_never_reported_as_not_linked(
    store: Store, caplog: pytest.LogCaptureFixture, portal: str, reason: str, language: str
) -> None:
    """In the log, and in the line of a journal's record."""
    caplog.set_level(logging.INFO, "gateway.outcome")
    words = {"ru": ("не связан", "остаётся прежней"), "en": ("not linked", "stays as it is")}[language]
    now = datetime.fromtimestamp(TS, UTC)
    context = Context(SETTINGS, store, None, lambda: now)

    def handled(event_id: str, **more: str) -> Outcome:
        data = {"ID": "7", "NAME": "A", **more}
        [outcome] = users.handle(
            Message(
                event_id=event_id,
                event="ONUSERUPDATE",
                ts=TS,
                received_at=now,
                source="webhook",
                portal=Portal(domain=portal),
                data=data,
            ),
            context,
        )
        return outcome

    for linked in (False, True):
        caplog.clear()
        outcome = handled(f"e{linked}")
        assert (outcome.code, outcome.reason) == ("LINK_UNCHANGED", reason)
        report(outcome, About("ONUSERUPDATE", "e1"))
        outcome_row = OutcomeRecord(
            now, "e1", "s", outcome.code, reason, 1, None, portal, 7, dict(outcome.facts)
        )
        for text in (logged(caplog, language), in_a_line(outcome_row, language)):
            assert [word in text for word in words] == [not linked, linked]
        if not linked:
            assert handled("linking", UF_USR_TELEGRAM="55").code == "LINK_SYNCED"


def test_a_changed_links_outcome_holds_the_account(handle: Handle) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "@ivan_petrov"})
    assert OUTCOMES[0].facts["account"] == "@ivan_petrov"
    handle({"ID": "7", "UF_USR_TELEGRAM": ""}, TS + 1)
    assert (OUTCOMES[0].code, OUTCOMES[0].facts["account"]) == ("LINK_ENDED", "@ivan_petrov")


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("code", ["EVENT_DEAD", "EVENT_PUT_ASIDE"])
def test_what_ends_as_a_dead_letter_is_an_error_with_the_command_that_brings_it_back(
    caplog: pytest.LogCaptureFixture, code: str, language: str
) -> None:
    values = {"subscription": "on-user-add", "reason": "no user in data"}
    report(Outcome(code, "no user in data", values=values), About("ONUSERADD", "e1"))
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "./b24 replay --event-id e1" in logged(caplog, language)
    assert ("./b24 dead-letters mend e1" in logged(caplog, language)) == (code == "EVENT_PUT_ASIDE")


@pytest.mark.parametrize("value", ["0", "N", "n", "false", "FALSE", False, 0, " N "])
def test_an_inactive_user_is_unlinked(handle: Handle, value: object) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "55"})
    link = handle({"ID": "7", "ACTIVE": value, "UF_USR_TELEGRAM": "55"}, TS + 1)
    assert account(link) is None
    assert link is not None
    assert link.active is False


@pytest.mark.parametrize("value", ["1", "Y", "true", True])
def test_being_active_again_alone_restores_no_link(handle: Handle, value: object) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "55"})
    handle({"ID": "7", "ACTIVE": "N", "UF_USR_TELEGRAM": "55"}, TS + 1)
    settings = Settings()
    link = handle({"ID": "7", "ACTIVE": value}, TS + 2, settings=settings)
    assert account(link) is None
    assert link is not None
    assert link.active is True
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "55"}, TS + 3)) == 55


def test_an_absent_field_is_not_an_empty_one(handle: Handle) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "55"})
    for data in ({"ID": "7", "NAME": "Ivan"}, {"ID": "7", "UF_USR_TELEGRAM": None}):
        assert account(handle(data, TS + 1, settings=Settings())) == 55
        assert account(handle(data, TS + 1, portal=P, settings=Settings(domain="other.ru"))) == 55
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": " \t"}, TS + 2)) is None


def test_an_absent_account_is_read_from_the_portal_at_the_moment_of_asking(handle: Handle) -> None:
    link = handle({"ID": "7", "NAME": "Ivan"}, row={"ID": "7", "UF_USR_TELEGRAM": "66", "ACTIVE": True})
    assert account(link) == 66
    assert link is not None
    assert link.observed_at == datetime.fromtimestamp(TS + 60, UTC)
    # It is older than the asking.
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "77"}, TS + 59)) == 66
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "77"}, TS + 61)) == 77


@pytest.mark.parametrize("value", [None, "", " "])
def test_an_empty_field_of_a_fetched_row_unlinks(handle: Handle, value: object) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "55"})
    assert account(handle({"ID": "7"}, TS + 1, row={"ID": "7", "UF_USR_TELEGRAM": value})) is None


def test_a_fetched_row_without_the_field_leaves_the_link(handle: Handle) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "55"})
    assert account(handle({"ID": "7"}, TS + 1, row={"ID": "7", "ACTIVE": True})) == 55


@pytest.mark.parametrize("data", [{}, {"ACTIVE": "1"}])
@pytest.mark.parametrize("ahead", [0, 200])
def test_a_fetched_inactive_row_unlinks_whatever_the_event_said(
    handle: Handle, data: dict[str, Any], ahead: int
) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "55"})
    row = {"ID": "7", "ACTIVE": False, "UF_USR_TELEGRAM": "55"}
    link = handle({"ID": "7", **data}, TS + 1 + ahead, received=TS + 1, row=row, asked_at=TS + 2)
    assert account(link) is None
    assert link is not None
    assert not link.active


def test_no_such_user_leaves_the_link_but_not_what_the_event_said(handle: Handle) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "55"})
    assert account(handle({"ID": "7"}, TS + 1, fetch=True)) == 55
    assert account(handle({"ID": "7", "ACTIVE": "0"}, TS + 1, fetch=True)) is None


def test_an_unreachable_portal_asks_for_redelivery_and_changes_nothing(handle: Handle, store: Store) -> None:
    with pytest.raises(PortalUnavailable):
        handle({"ID": "7", "ACTIVE": "0"}, row=PortalUnavailable("away"))
    assert list(store.links()) == []


def test_a_polled_user_is_not_asked_for_again(handle: Handle) -> None:
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "55", "ACTIVE": "Y"}, source="resync")) == 55
    assert account(handle({"ID": "7", "ACTIVE": "N"}, TS + 1, source="resync")) is None


def test_a_missing_or_far_future_time_counts_as_the_time_of_arrival(handle: Handle) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "1"}, ts=TS + 301, received=TS)
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "2"}, ts=None, received=TS + 1)) == 2
    handle({"ID": "7", "UF_USR_TELEGRAM": "3"}, ts=TS + 302, received=TS + 1.5)
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "4"}, ts=TS + 300, received=TS + 2)) == 4
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "5"}, ts=TS + 299, received=TS + 299)) == 4


@pytest.mark.parametrize("ts", [-(10**12), 10**12, 0, -1])
def test_no_whole_number_as_a_time_makes_it_fail(handle: Handle, ts: int) -> None:
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "1"}, ts=ts, received=TS)) == 1


def test_a_time_before_1970_is_a_time(handle: Handle) -> None:
    link = handle({"ID": "7", "UF_USR_TELEGRAM": "1"}, ts=-5, received=TS)
    assert link is not None
    assert link.observed_at == datetime(1969, 12, 31, 23, 59, 55, tzinfo=UTC)
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "2"}, ts=-6, received=TS + 1)) == 1
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "3"}, ts=-4, received=TS + 2)) == 3


def test_within_a_second_what_was_received_later_wins(handle: Handle) -> None:
    handle({"ID": "7", "UF_USR_TELEGRAM": "2"}, ts=TS, received=TS + 0.7)
    assert account(handle({"ID": "7", "UF_USR_TELEGRAM": "1"}, ts=TS, received=TS + 0.2)) == 2


@pytest.mark.parametrize(
    ("value", "number"),
    [("007", 7), (" 7 ", 7), (2**52, 2**52), (str(2**52 + 1), 2**52 + 1), (10**16 - 1, 10**16 - 1)],
)
def test_a_user_id_is_any_whole_number_from_1(handle: Handle, value: object, number: int) -> None:
    assert account(handle({"ID": value, "UF_USR_TELEGRAM": "5"}, user=number)) == 5


@pytest.mark.parametrize(
    "data",
    [None, "107", [], {}, {"UF_USR_TELEGRAM": "5"}, {"ID": "0"}, {"ID": "-1"}, {"ID": "1.0"}, {"ID": "seven"},
     {"ID": True}, {"ID": 10**16},
     {"ID": "9" * 40}, {"ID": "٧"}, {"ID": ["7"]}, [{"ID": "7", "UF_USR_TELEGRAM": "5"}, {"NAME": "x"}]],
)  # fmt: skip
def test_no_user_id_is_poison_and_changes_nothing(handle: Handle, store: Store, data: object) -> None:
    with pytest.raises(PoisonMessage):
        handle(data)
    assert list(store.links()) == []


def test_every_outcome_is_logged_in_a_sentence(handle: Handle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    stories: list[tuple[dict[str, str], int, str, int]] = [
        ({"ID": "7", "UF_USR_TELEGRAM": "55"}, 0, "Telegram ID 55 → Bitrix24 User ID 7", logging.INFO),
        ({"ID": "7", "UF_USR_TELEGRAM": "55"}, 1, "holds nothing new", logging.INFO),
        (
            {"ID": "8", "UF_USR_TELEGRAM": "55"},
            2,
            "User ID 7 is left without",
            logging.WARNING,
        ),
        (
            {"ID": "9", "UF_USR_TELEGRAM": "55"},
            1,
            "User ID 9 is left without",
            logging.WARNING,
        ),
        ({"ID": "8", "UF_USR_TELEGRAM": ""}, 3, "Link ended", logging.INFO),
        ({"ID": "8", "UF_USR_TELEGRAM": "56"}, 1, "older than what is already known", logging.INFO),
        ({"ID": "8", "ACTIVE": "N", "UF_USR_TELEGRAM": ""}, 5, "", logging.INFO),
        ({"ID": "8", "UF_USR_TELEGRAM": "57"}, 6, "dismissed or inactive", logging.INFO),
    ]
    for data, later, words, level in stories:
        caplog.clear()
        handle(data, TS + later)
        for outcome in OUTCOMES:
            report(outcome, About("ONUSERUPDATE", "e", P, "on-user-update"))
        record = caplog.records[0]
        fields = record.__dict__["json_fields"]
        assert (words in logged(caplog), record.levelno) == (True, level), (data, logged(caplog))
        assert (fields["event"], fields["portal"]) == ("ONUSERUPDATE", P)


def test_the_moment_of_a_message_is_in_utc() -> None:
    zone = datetime(2026, 1, 1, 3, 0, 1).astimezone().tzinfo
    message = Message(
        event_id="e",
        event="ONUSERADD",
        received_at=datetime(2026, 1, 1, tzinfo=zone),
        source="webhook",
        portal=Portal(domain=P),
    )
    moment = users.observed_at(message)
    assert moment.at == moment.received_at
    assert moment.at.utcoffset() == timedelta(0)
