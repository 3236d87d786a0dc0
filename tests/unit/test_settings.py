"""Settings: defaults, precedence, and one helpful line for each wrong value."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.diagnosis import setting_causes
from gateway.errors import SettingError
from gateway.locations import FirestoreDatabase, PostgresDatabase, PubSubTopic, SqliteFile, StoreLocation
from gateway.setting_values import accepted_tokens
from gateway.settings import NAMES, Settings, _unknown, load
from gateway.texts import say, text_of
from gateway.tools.sample_delivery import own_token
from tests.support import environment_names
from tests.support.deliveries import OTHER_TOKEN as OTHER
from tests.support.deliveries import TOKEN
from tests.support.errors import raises

CANARY = "canary0secret1canary2secret3cana"
EXAMPLE = Path(__file__).parents[2] / ".env.example"
CONTRACT = Path(__file__).parents[2] / "docs/contract.md"


def load_settings(**environ: str) -> Settings:
    return load(environ, dotenv=None)


def test_the_defaults_are_the_embedded_parts() -> None:
    settings = load_settings()
    assert settings.tokens == ()
    assert str(settings.queue) == "sqlite:///var/queue.db"
    assert str(settings.database) == "sqlite:///var/links.db"
    assert str(settings.journal) == "sqlite:///var/journal.db"
    assert (settings.host, settings.port, settings.language, settings.log_format) == (
        "127.0.0.1",
        8080,
        "ru",
        "text",
    )
    assert (settings.telegram_field, settings.queue_max_attempts) == ("UF_USR_TELEGRAM", 10)
    assert (settings.webhook_url, settings.paste_url, settings.resync_every) == (None, None, None)


@pytest.mark.parametrize(
    ("setting", "tokens"),
    [
        (None, ()),
        ("", ()),
        (" , ,", ()),
        ("a", (b"a",)),
        (" a , b\n,a,", (b"a", b"b")),
        ("токен", ("токен".encode(),)),
        ("\udcff", (b"\xff",)),
    ],
)
def test_tokens_are_separated_by_commas_and_trimmed(setting: str | None, tokens: tuple[bytes, ...]) -> None:
    assert accepted_tokens(setting) == tuple(("", token) for token in tokens)


def test_a_token_may_be_bound_to_a_portal() -> None:
    setting = "free, P.bitrix24.ru=first,p.bitrix24.ru=second, box:8443=third, a=b=c, https://x.y/?z=w"
    settings = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": setting}, None)
    assert settings.tokens == (b"free", b"first", b"second", b"third", b"a=b=c", b"https://x.y/?z=w")
    assert settings.tokens_of("p.bitrix24.ru") == (b"first", b"second")
    assert settings.tokens_of("box:8443") == (b"third",)
    assert settings.tokens_of("other.bitrix24.ru") == (b"free", b"a=b=c", b"https://x.y/?z=w")


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text('PORT=9000\nBITRIX24_OUTGOING_WEBHOOK_TOKEN="a$b"\nLOG_LANGUAGE=en\n')
    settings = load({"PORT": "9001"}, dotenv)
    assert (settings.port, settings.tokens, settings.language) == (9001, (b"a$b",), "en")
    assert load({}, tmp_path / "absent").port == 8080


@pytest.mark.parametrize(("value", "seconds"), [("90s", 90), ("30m", 1800), ("off", None), ("OFF", None)])
def test_polling_may_be_off_in_so_many_words(value: str, seconds: int | None) -> None:
    assert load({"RESYNC_EVERY": value}, None).resync_every == seconds


def test_the_contract_names_every_setting() -> None:
    rows = CONTRACT.read_text("utf-8").partition("\n## Settings\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in rows.splitlines() if line.startswith("| `")]
    assert set(re.findall("[A-Z0-9_]+", " ".join(cells))) == set(NAMES)


def test_the_example_file_names_every_setting_and_is_valid() -> None:
    names = set(re.findall(r"^#? ?([A-Z0-9_]{4,})=", EXAMPLE.read_text("utf-8"), re.MULTILINE))
    assert names == set(NAMES)
    assert load({}, EXAMPLE) == load_settings(BITRIX24_OUTGOING_WEBHOOK_TOKEN="")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_URL", "hooks.example.com"),
        ("WEBHOOK_URL", "https://u:p@hooks.example.com"),
        ("WEBHOOK_URL", "https://:p@hooks.example.com"),
        ("WEBHOOK_URL", "https://hooks.example.com/?x=1"),
        ("WEBHOOK_URL", "https://hooks.example.com/?"),
        ("WEBHOOK_URL", "https://hooks.example.com/#"),
        ("WEBHOOK_URL", "https://hooks .example.com"),
        ("WEBHOOK_URL", "https://a.example.com https://b.example.com"),
        ("WEBHOOK_URL", "https://[hooks"),
        ("BITRIX24_DOMAIN", "portal"),
        ("BITRIX24_WEBHOOK_TOKEN", CANARY),
        ("BITRIX24_WEBHOOK_TOKEN", f"https://p.bitrix24.ru/{CANARY}/"),
        ("INSPECTOR_PASSWORD", CANARY[:11]),
        ("LINKS_API_TOKEN", "short"),
        ("FORWARD_SECRET", CANARY),
        ("FORWARD_SECRET", "whsec_AAAA"),
        ("FORWARD_TO", "http://bot.example.com/x"),
        ("FORWARD_TO", "bot.example.com"),
        ("FORWARD_TO", "http://134744072/x"),
        ("FORWARD_TO", "http://0x08080808/x"),
        ("FORWARD_TO", "http://example\u3002com/x"),
        ("FORWARD_TO", "http://b\u043et/x"),
        ("FORWARD_TO", "http://8.8.8.8%00.internal/x"),
        ("FORWARD_TO", "http://[::ffff:8.8.8.8]/x"),
        ("FORWARD_TO", "https://bot.example.com/#ON TASK"),
        ("FORWARD_TO", "https://bot.example.com/#ON-TASK"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("WEBHOOK_CAPTURE_UNTIL", "2h"),
        ("BITRIX24_TELEGRAM_FIELD_NAME", "1-x"),
        ("QUEUE_URL", "redis://x"),
        ("QUEUE_URL", "pubsub://project"),
        ("QUEUE_URL", "sqlite:///"),
        ("QUEUE_MAX_ATTEMPTS", "0"),
        ("QUEUE_MAX_ATTEMPTS", "ten"),
        ("DATABASE_URL", "mysql://x/y"),
        ("DATABASE_URL", f"postgresql://u:{CANARY}@host"),
        ("DATABASE_URL", "firestore://project"),
        ("DATABASE_URL", "postgresql://[x/y"),
        ("JOURNAL_URL", "postgresql://x/y"),
        ("WEBHOOK_CAPTURE_UNTIL", "tomorrow"),
        ("WEBHOOK_CAPTURE_UNTIL", "2026-01-31T12:00:00"),
        ("WEBHOOK_CAPTURE_UNTIL", "2999-01-01T00:00:00Z"),
        ("BITRIX24_DOMAIN", "http://ex.com/a b"),
        ("BITRIX24_DOMAIN", "http://ex.com:80"),
        ("BITRIX24_DOMAIN", "ex.com:0"),
        ("BITRIX24_DOMAIN", "https://ex.com:65536/"),
        ("BITRIX24_DOMAIN", "http://127.0.0.1:99999"),
        ("FORWARD_TO", "https://bot.example.com:65536/"),
        ("LOG_LANGUAGE", "de"),
        ("LOG_FORMAT", "xml"),
        ("PORT", "70000"),
        ("PORT", "http"),
        ("RESYNC_EVERY", "30"),
        ("RESYNC_EVERY", "0m"),
        ("RESYNC_EVERY", "1d"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_setting_and_never_the_value(name: str, value: str) -> None:
    for language, word in (("ru", "ожидается"), ("en", "expected")):
        with pytest.raises(SettingError) as wrong:
            load_settings(**{"LOG_LANGUAGE": language, name: value})
        line = text_of(wrong.value, language)
        assert line.startswith(f"{name}: {word}") or name == "LOG_LANGUAGE"
        assert "\n" not in line
        assert CANARY not in line
        assert CANARY not in repr(wrong.value.__context__)


def test_a_token_never_stops_the_start() -> None:
    for value in ("", "'x'", "https://x", "a" * 10_000, "\udcff"):
        assert load_settings(BITRIX24_OUTGOING_WEBHOOK_TOKEN=value).outgoing_token == value


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({"WEBHOOK_URL": "https://h.example.com"}, "https://h.example.com/api/bitrix/webhook"),
        ({"WEBHOOK_URL": "https://h.example.com/x/"}, "https://h.example.com/x/api/bitrix/webhook"),
        (
            {"WEBHOOK_URL": "https://h.example.com/api/bitrix/webhook"},
            "https://h.example.com/api/bitrix/webhook",
        ),
        ({"RAILWAY_PUBLIC_DOMAIN": "x.up.railway.app"}, "https://x.up.railway.app/api/bitrix/webhook"),
    ],
)
def test_the_address_to_paste(environ: dict[str, str], address: str) -> None:
    assert load_settings(**environ).paste_url == address


def test_railway_and_google_cloud_are_known_by_their_variables() -> None:
    assert load_settings(RAILWAY_PUBLIC_DOMAIN="x.up.railway.app").host == "0.0.0.0"  # noqa: S104
    assert load_settings(RAILWAY_ENVIRONMENT="production", HOST="127.0.0.1").host == "127.0.0.1"
    assert load_settings(K_SERVICE="b24-bitrix-webhook").log_format == "json"
    assert load_settings(K_SERVICE="b24-bitrix-webhook", LOG_FORMAT="text").log_format == "text"


@pytest.mark.parametrize(
    ("value", "domain", "origin"),
    [
        ("P.Bitrix24.ru", "p.bitrix24.ru", "https://p.bitrix24.ru"),
        ("portal.example.com:8443", "portal.example.com:8443", "https://portal.example.com:8443"),
        ("http://127.0.0.1:8001/", "127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("", "", ""),
    ],
)
def test_the_portal(value: str, domain: str, origin: str) -> None:
    settings = load_settings(BITRIX24_DOMAIN=value)
    assert (settings.domain, settings.rest_origin) == (domain, origin)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("postgres://u:p@h/n", PostgresDatabase("postgresql://u:p@h/n")),
        ("postgresql+psycopg://u@h/n", PostgresDatabase("postgresql://u@h/n")),
        ("postgres+asyncpg://u@h/n", PostgresDatabase("postgresql://u@h/n")),
        ("sqlite:///~/links.db", SqliteFile(Path.home() / "links.db")),
        ("postgresql://u@h/n?sslmode=require", PostgresDatabase("postgresql://u@h/n?sslmode=require")),
        ("firestore://my-project/(default)", FirestoreDatabase("my-project", "(default)")),
        ("firestore://my-project/b24", FirestoreDatabase("my-project", "b24")),
        # An emulator takes a name of any length.
        ("firestore://p/d", FirestoreDatabase("p", "d")),
        ("sqlite:////data/links.db", SqliteFile(Path("/data/links.db"))),
    ],
)
def test_addresses_of_stores(value: str, expected: StoreLocation) -> None:
    assert load_settings(DATABASE_URL=value).database == expected


def test_a_project_of_an_emulator_may_be_short() -> None:
    assert load_settings(QUEUE_URL="pubsub://p/topic").queue == PubSubTopic("p", "topic")


def test_secrets_are_known_by_value_from_16_bytes_on_and_kept_out_of_repr() -> None:
    settings = load_settings(
        BITRIX24_OUTGOING_WEBHOOK_TOKEN=f"{CANARY},123456",
        BITRIX24_WEBHOOK_TOKEN=f"1/{CANARY[::-1]}",
        DATABASE_URL=f"postgresql://u:pass%2F{CANARY[:20]}@h/n",
        INSPECTOR_PASSWORD="inspector-password-canary",
    )
    assert set(settings.secrets()) == {
        CANARY,
        CANARY[::-1],
        f"pass%2F{CANARY[:20]}",
        f"pass/{CANARY[:20]}",
        "inspector-password-canary",
    }
    for secret in settings.secrets():
        assert secret not in repr(settings)
    assert settings.short_secrets() == ("BITRIX24_OUTGOING_WEBHOOK_TOKEN",)
    assert load_settings(DATABASE_URL="postgresql://u:short@h/n").short_secrets() == ("DATABASE_URL",)
    assert load_settings(BITRIX24_OUTGOING_WEBHOOK_TOKEN=CANARY).short_secrets() == ()


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16"])
def test_a_dotenv_in_another_encoding_is_reported_without_its_values(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"BITRIX24_OUTGOING_WEBHOOK_TOKEN={CANARY}\n# токен\n", encoding)
    with raises(SettingError, match="UTF-8") as failure:
        load({"LOG_LANGUAGE": "en"}, file)
    assert failure.value.name == str(file)
    assert CANARY not in str(failure.value)
    assert failure.value.__context__ is None


def test_a_dotenv_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=9000\n", "utf-8-sig")
    assert load({}, file).port == 9000


def test_all_wrong_settings_are_reported_at_once() -> None:
    with pytest.raises(SettingError) as wrong:
        load_settings(
            PORT="x", RESYNC_EVERY="never", QUEUE_URL="sqlite:///a.db", JOURNAL_URL="sqlite:///./a.db"
        )
    lines = str(wrong.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["PORT", "RESYNC_EVERY", "JOURNAL_URL"]


@pytest.mark.parametrize(
    "address",
    [
        "https://P.bitrix24.ru/rest/1/abcd1234/",
        "p.bitrix24.ru/rest/1/abcd1234/profile.json",
        "https://p.bitrix24.ru/rest/1/abcd1234/crm.lead.add.json?FIELDS[TITLE]=a&x=/",
        "1/abcd1234",
        "/1/abcd1234/",
    ],
)
def test_the_incoming_webhook_may_be_its_whole_address(address: str) -> None:
    settings = load_settings(BITRIX24_WEBHOOK_TOKEN=address)
    assert settings.rest_webhook == "1/abcd1234"
    assert settings.domain == ("p.bitrix24.ru" if "bitrix24" in address.lower() else "")
    assert load_settings(BITRIX24_WEBHOOK_TOKEN=address, BITRIX24_DOMAIN="o.ru").domain == "o.ru"


@pytest.mark.parametrize(
    "domain", ["https://P.bitrix24.ru/", "http://p.bitrix24.ru", "p.bitrix24.ru:443", "p.bitrix24.ru."]
)
def test_a_domain_is_read_out_of_what_people_paste(domain: str) -> None:
    settings = load_settings(BITRIX24_DOMAIN=domain)
    assert (settings.domain, settings.rest_origin) == ("p.bitrix24.ru", "https://p.bitrix24.ru")


def test_a_capture_may_be_given_as_a_span() -> None:
    until = load_settings(WEBHOOK_CAPTURE_UNTIL="30m").capture_until
    assert until is not None
    assert timedelta(minutes=29) < until - datetime.now(UTC) <= timedelta(minutes=30)


def test_a_name_that_is_no_setting_is_reported_with_the_one_it_is_like(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("BITRIX24_OUTGOING_TOKEN=x\nTELEGRAM_BOT=1\nPUBLIC_HOST=h\n")
    settings = load({"RESYNC_EVRY": "30m", "PATH": "/bin", "QUEUE_MAX_ATTEMPTS": "3"}, dotenv)
    assert dict(settings.unknown) == {
        "BITRIX24_OUTGOING_TOKEN": "BITRIX24_OUTGOING_WEBHOOK_TOKEN",
        "RESYNC_EVRY": "RESYNC_EVERY",
        "TELEGRAM_BOT": "",
    }


@pytest.mark.parametrize("name", ["TOKEN", "WEBHOOK_TOKEN", "BITRIX24_TOKEN", "APPLICATION_TOKEN"])
def test_any_token_is_taken_for_the_required_one_while_that_is_missing(name: str, tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"{name}=x\n")
    assert load({}, dotenv).unknown == ((name, "BITRIX24_OUTGOING_WEBHOOK_TOKEN"),)
    unknown = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": CANARY}, dotenv).unknown
    assert unknown[0][1] != "BITRIX24_OUTGOING_WEBHOOK_TOKEN"


def test_a_name_in_lower_case_is_like_the_setting(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("log_language=en\n")
    assert load({}, dotenv).unknown == (("log_language", "LOG_LANGUAGE"),)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LOG_LANGUGE", "LOG_LANGUAGE"),
        ("log_language", "LOG_LANGUAGE"),
        ("LOGFORMAT", "LOG_FORMAT"),
        ("DATABASE_ULR", "DATABASE_URL"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("JURNAL_URL", "JOURNAL_URL"),
        ("LINK_API_TOKEN", "LINKS_API_TOKEN"),
        ("BITIRX24_DOMAIN", "BITRIX24_DOMAIN"),
        ("BTIRIX24_OUTGOING_WEBHOOK_TOKEN", "BITRIX24_OUTGOING_WEBHOOK_TOKEN"),
        ("FOWARD_TO", "FORWARD_TO"),
        ("WEBHOK_URL", "WEBHOOK_URL"),
        ("RESNYC_EVERY", "RESYNC_EVERY"),
    ],
)
def test_a_slip_in_a_variables_name_is_reported(name: str, expected: str) -> None:
    assert load_settings(**{name: "x"}).unknown == ((name, expected),)


@pytest.mark.parametrize("origin", environment_names.NAMES)
def test_nobody_elses_variable_is_taken_for_a_slip(origin: str) -> None:
    names = environment_names.NAMES[origin].split()
    # Each alone: where a setting is given, nothing is taken for a slip in its name.
    unknown = [_unknown((), [name]) for name in names]
    assert [sentence for sentence in unknown if sentence] == []


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("PORT", '"8080"', "VALUE_QUOTED"),
        ("PORT", "«8080»", "VALUE_QUOTED"),
        ("PORT", "8080 # the port", "VALUE_COMMENTED"),
        ("PORT", "8080# the port", "VALUE_COMMENTED"),
        ("DATABASE_URL", "'sqlite:///links.db'", "VALUE_QUOTED"),
        ("FORWARD_TO", "https://bot.ru/in # the bot", "VALUE_COMMENTED"),
        ("FORWARD_TO", "https://bot.ru/in #ONTASK*,ONCRM*", "VALUE_FILTER_APART"),
        ("PORT", "8О80", "VALUE_CYRILLIC"),
        ("RESYNC_EVERY", "30м", "VALUE_CYRILLIC"),
        ("LOG_LANGUAGE", "еn", "VALUE_CYRILLIC"),
        ("BITRIX24_DOMAIN", "рortal.bitrix24.ru", "VALUE_CYRILLIC"),
        ("BITRIX24_TELEGRAM_FIELD_NAME", "UF_USR_ТELEGRAM", "VALUE_CYRILLIC"),
        ("PORT", "a", ""),
        ("LOG_LANGUAGE", "русский", ""),
        ("INSPECTOR_PASSWORD", "пароль1", ""),
        ("FORWARD_TO", "http://бот2.рф/x", ""),
        ("FORWARD_TO", "bot.ru#ONTASK*", ""),
    ],
)
def test_what_was_copied_into_a_wrong_value_is_said(name: str, value: str, hint: str) -> None:
    with raises(SettingError, f"^{name}: ") as wrong:
        load_settings(**{name: value})
    assert wrong.value.hint == hint
    for language in ("ru", "en"):
        sentence = text_of(wrong.value, language)
        assert sentence.startswith(f"{name}: ")
        assert not hint or sentence.endswith(say(hint, language))


@pytest.mark.parametrize(
    "value",
    ["https://a.ru/b,https://c.ru/d", "https://a.ru/b#ONTASK*,http://bot/d", "https://a.ru/b;https://c.ru/d"],
)
def test_addresses_without_a_space_between_are_not_one_address(value: str) -> None:
    with raises(SettingError, "separated by spaces, not commas or semicolons"):
        load_settings(FORWARD_TO=value)


def test_a_password_with_an_at_sign_is_told_how_to_write_it() -> None:
    with raises(SettingError, "%40") as wrong:
        load_settings(DATABASE_URL=f"postgresql://u:{CANARY}@ss@h/d")
    assert CANARY not in text_of(wrong.value, "ru")


def test_a_setting_that_is_given_was_not_misspelt_beside() -> None:
    assert load_settings(DATABASE_URI="x", DATABASE_URL="sqlite:///links.db").unknown == ()


@pytest.mark.parametrize(
    ("address", "domain", "origin"),
    [
        ("http://127.0.0.1:9000/rest/1/abcd1234/", "127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("HTTP://localhost:9000/rest/1/abcd1234/", "localhost:9000", "http://localhost:9000"),
        ("http://[::1]:9000/rest/1/abcd1234/", "[::1]:9000", "http://[::1]:9000"),
        ("https://127.0.0.1:9000/rest/1/abcd1234/", "127.0.0.1:9000", "https://127.0.0.1:9000"),
        ("http://p.bitrix24.ru/rest/1/abcd1234/", "p.bitrix24.ru", "https://p.bitrix24.ru"),
        ("https://портал.рф/rest/1/abcd1234/", "xn--80awhdgm.xn--p1ai", "https://xn--80awhdgm.xn--p1ai"),
    ],
)
def test_http_stays_in_an_incoming_webhooks_address_only_for_this_machine(
    address: str, domain: str, origin: str
) -> None:
    settings = load_settings(BITRIX24_WEBHOOK_TOKEN=address)
    assert (settings.domain, settings.rest_origin, settings.rest_webhook) == (domain, origin, "1/abcd1234")
    assert not settings.portals_differ


def test_an_incoming_webhook_of_another_portal_is_noticed() -> None:
    address = "https://p.bitrix24.ru/rest/1/abcd1234/"
    assert load_settings(BITRIX24_WEBHOOK_TOKEN=address, BITRIX24_DOMAIN="o.ru").portals_differ
    assert not load_settings(BITRIX24_WEBHOOK_TOKEN=address, BITRIX24_DOMAIN="P.bitrix24.ru").portals_differ
    assert not load_settings(BITRIX24_WEBHOOK_TOKEN=address).portals_differ
    assert not load_settings(BITRIX24_WEBHOOK_TOKEN="1/abcd1234", BITRIX24_DOMAIN="o.ru").portals_differ


def test_a_plain_value_in_an_address_is_not_taken_for_a_short_secret() -> None:
    assert load_settings(FORWARD_TO="https://b.ru/in?x=1").short_secrets() == ()
    assert load_settings(FORWARD_TO="https://b.ru/in?token=1").short_secrets() == ("FORWARD_TO",)


@pytest.mark.parametrize(
    ("setting", "codes", "says"),
    [
        ("p.bitrix24.ru=", ["SETTING_MISSING"], "p.bitrix24.ru"),
        (f"{CANARY}, p.bitrix24.ru= ", ["SETTING_MISSING"], "p.bitrix24.ru"),
        (f"{CANARY},=abc", ["SETTING_DECORATED"], "the variable's name"),
        (f"https://p.bitrix24.ru={TOKEN}", ["SETTING_URL"], "the portal in front of the token"),
        (f"p.bitrix24.ru:{TOKEN}", ["SETTING_URL"], "the portal in front of the token"),
        (f"p.bitrix24.ru:99999={TOKEN}", ["SETTING_URL"], "the portal in front of the token"),
        (f"{CANARY},portal:0 = {TOKEN}", ["SETTING_URL"], "(no. 2 in the list) has the portal in front"),
        (f"{CANARY},127.0.0.1:65536=x", ["SETTING_URL"], "(no. 2 in the list) has the portal in front"),
        (f"portal.example.com:100000={TOKEN}", ["SETTING_URL"], "the portal in front of the token"),
        ("p.example.com:99999=", ["SETTING_MISSING"], "p.example.com:99999"),
        (f"p.example.com:65535={TOKEN},p.example.com:1={CANARY}", [], ""),
        ("https://p.bitrix24.ru/", ["SETTING_URL"], "holds an address"),
        (f"{CANARY}с", ["SETTING_SHAPE"], "Cyrillic letters among Latin ones"),
        (f"{CANARY},{CANARY}с", ["SETTING_SHAPE"], "(no. 2 in the list) has Cyrillic"),
        ("foo=bar", ["SETTING_DECORATED"], "the variable's name"),
    ],
)
def test_an_item_that_is_no_token_is_reported(setting: str, codes: list[str], says: str) -> None:
    settings = load_settings(BITRIX24_OUTGOING_WEBHOOK_TOKEN=setting, LOG_LANGUAGE="en")
    causes = setting_causes(settings)
    assert [cause.code for cause in causes] == codes
    assert not says or says in causes[0].says
    assert TOKEN not in str(causes)


def test_railways_volume_is_where_the_files_are() -> None:
    settings = load_settings(RAILWAY_VOLUME_MOUNT_PATH="/data/", RAILWAY_PUBLIC_DOMAIN="x.up.railway.app")
    assert settings.files == {
        "QUEUE_URL": Path("/data/queue.db"),
        "DATABASE_URL": Path("/data/links.db"),
        "JOURNAL_URL": Path("/data/journal.db"),
    }
    assert settings.webhook_url == "https://x.up.railway.app"


def test_an_address_named_twice_gets_the_events_of_both() -> None:
    [destination] = load_settings(
        FORWARD_TO="https://b.ru/x#ONTASK* https://b.ru/x#ONCRMDEALADD"
    ).destinations
    assert [destination.wants(event) for event in ("ONTASKADD", "ONCRMDEALADD", "ONUSERADD")] == [
        True,
        True,
        False,
    ]
    [destination] = load_settings(FORWARD_TO="https://b.ru/x#ONTASK* https://b.ru/x").destinations
    assert destination.wants("ONUSERADD")


@pytest.mark.parametrize(
    ("url", "event", "expected"),
    [
        ("https://b.ru/x", "ONANYTHING", True),
        ("https://b.ru/x", "ONGATEWAYPROBE", False),
        ("https://b.ru/x#ontask*,ONCRMDEALADD", "ONTASKUPDATE", True),
        ("https://b.ru/x#ontask*,ONCRMDEALADD", "ONCRMDEALADD", True),
        ("https://b.ru/x#ontask*,ONCRMDEALADD", "ONCRMDEALADDED", False),
        ("http://bot:8080/x#*", "E", True),
        ("http://10.0.0.7/", "E", True),
        ("http://bot.railway.internal:8080/", "E", True),
    ],
)
def test_a_destination_gets_the_events_that_it_names(url: str, event: str, expected: bool) -> None:
    [destination] = load_settings(FORWARD_TO=url).destinations
    assert destination.wants(event) is expected
    assert len(destination.id) == 8


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/abcd1234efgh5678ijkl9012mnop3456", "/<masked 32 "),
        ("/services/T0123/B0123/Zm9vYmFyYmF6cXV4MTIzNDU2", "/services/T0123/B0123/<masked 24 "),
        ("/webhook/0f8fad5b-d9cb-469f-a165-70867728950e/in", "/webhook/<masked 36 "),
        ("/bitrix/hook", "/bitrix/hook"),
    ],
)
def test_a_possible_secret_in_an_addresss_path_is_masked(path: str, expected: str) -> None:
    url = f"https://hook.eu1.make.com{path}"
    [destination] = load_settings(FORWARD_TO=url).destinations
    assert destination.printable_url.startswith(f"https://hook.eu1.make.com{expected}")
    assert (destination.url, destination.id) == (url, sha256(url.encode()).hexdigest()[:8])


def test_an_ipv6_address_is_shown_as_it_is_written() -> None:
    settings = load_settings(FORWARD_TO="http://[FD00::1]:8080/in https://[::1]/")
    shown = [destination.printable_url for destination in settings.destinations]
    assert shown == ["http://[fd00::1]:8080/in", "https://[::1]/"]


def test_an_addresss_password_is_a_secret() -> None:
    settings = load_settings(FORWARD_TO="https://u:canary0secret1canary@b.ru/x?key=canary9secret9canary")
    assert settings.destinations[0].printable_url == "https://b.ru/x"
    assert {"canary0secret1canary", "canary9secret9canary"} <= set(settings.secrets())
    assert "canary" not in repr(settings)


@pytest.mark.parametrize("domain", ["", "a.bitrix24.ru", "b.bitrix24.ru", "c.bitrix24.ru"])
@pytest.mark.parametrize(
    "items",
    [
        f"{TOKEN}",
        f"a.bitrix24.ru={TOKEN}",
        f"a.bitrix24.ru={OTHER},b.bitrix24.ru={TOKEN}",
        f"{OTHER},b.bitrix24.ru={TOKEN}",
    ],
)
def test_a_tools_own_event_is_of_a_portal_that_its_token_is_valid_for(items: str, domain: str) -> None:
    env = {"BITRIX24_OUTGOING_WEBHOOK_TOKEN": items} | ({"BITRIX24_DOMAIN": domain} if domain else {})
    settings = load(env, None)
    token, portal = own_token(settings)
    assert token.encode() in settings.tokens_of(portal)
    if settings.tokens_of(domain) and domain:
        assert portal == domain
