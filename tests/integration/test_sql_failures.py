"""PostgreSQL as operators have it: behind PgBouncer, with several hosts, and with what they set wrong."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg
import pytest

from gateway.errors import SettingError, StoreUnavailable
from gateway.links import open_store
from gateway.links.model import Account, Moment, Observation
from gateway.locations import store_location
from gateway.postgres_url import PARAMETERS
from gateway.settings import load
from tests.support.errors import raises
from tests.support.pgbouncer import PASSWORD, running_pgbouncer
from tests.support.postgres import Postgres

AT = Moment(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LANGUAGE", "en")


def name_of(url: str) -> str:
    return urlsplit(url).path.strip("/")


def fails(url: str, text: str) -> None:
    with raises(StoreUnavailable, match=text) as raised:
        open_store(load({"DATABASE_URL": url}, None).database).check()
    assert PASSWORD not in str(raised.value)


@pytest.fixture
def pooled(postgres: Postgres, postgres_url: str) -> Iterator[str]:
    """Behind PgBouncer in transaction mode."""
    with running_pgbouncer(postgres, name_of(postgres_url), "transaction") as address:
        yield f"postgresql://{postgres.user}:{PASSWORD}@{address}/{name_of(postgres_url)}"


def test_events_are_applied_behind_a_pooler(pooled: str) -> None:
    """Each transaction may meet another of the two servers, which has prepared nothing.

    No question stands between the events: its rollback makes psycopg forget what it would prepare.
    """
    store = open_store(store_location(pooled))

    def apply(user: int) -> None:
        for turn in range(20):
            observation = Observation(user, Account(user * 100 + turn), AT, True, AT)
            store.apply("p.bitrix24.ru", f"event-{user}-{turn}", [observation])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(apply, range(1, 9)))
    assert len(list(store.links())) == 8
    store.check()
    store.close()


def test_several_hosts_and_the_driver_in_the_scheme(pooled: str) -> None:
    """The first host refuses; libpq goes on to the next."""
    address = pooled.partition("@")[2]
    url = pooled.replace("postgresql:", "postgresql+psycopg:").replace(address, f"127.0.0.1:1,{address}")
    store = open_store(load({"DATABASE_URL": url}, None).database)
    store.check()
    store.close()
    assert PASSWORD in load({"DATABASE_URL": url}, None).secrets()


def test_wrong_settings_of_a_pooler(pooled: str) -> None:
    fails(pooled.replace(PASSWORD, "not-the-password"), "user or password is wrong")
    fails(f"{pooled}?sslmode=require", "SSL")
    fails(f"{pooled}_else", "no such database")


def test_statement_pooling(postgres: Postgres, postgres_url: str) -> None:
    with running_pgbouncer(postgres, name_of(postgres_url), "statement") as address:
        url = f"postgresql://{postgres.user}:{PASSWORD}@{address}/{name_of(postgres_url)}"
        fails(url, "pool_mode = transaction")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgresql://u@127.0.0.1:1/d", "Start PostgreSQL"),
        ("postgresql://u@no-such-name.invalid/d", "DNS"),
        ("postgresql://u@/d?host=/nowhere", "Start PostgreSQL"),
    ],
)
def test_a_failed_connection_is_described(url: str, text: str) -> None:
    fails(url, text)


def test_each_refusal_of_the_server_is_described(postgres: Postgres, postgres_url: str) -> None:
    fails(postgres_url.replace("/test_", "/no_"), "no such database")
    database = name_of(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE poor_{database[:20]} LOGIN")
        connection.execute(f"CREATE ROLE many_{database[:20]} LOGIN CONNECTION LIMIT 0")
    user = f"//{postgres.user}@"
    fails(postgres_url.replace(user, f"//poor_{database[:20]}@"), "lacks privileges")
    fails(postgres_url.replace(user, f"//many_{database[:20]}@"), "no connections left")
    fails(postgres_url.replace(user, "//nobody_here@"), "user or password is wrong")


def test_a_read_only_database_fails_its_check(postgres_url: str) -> None:
    """Its tables are there and questions are answered, but no event could be applied."""
    open_store(store_location(postgres_url)).close()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name_of(postgres_url)} SET default_transaction_read_only = on")
    store = open_store(store_location(postgres_url))
    assert store.get("p", 1) is None
    with raises(StoreUnavailable, match="read-only"):
        store.check()
    store.close()


def test_a_check_leaves_nothing(postgres_url: str) -> None:
    store = open_store(store_location(postgres_url))
    store.check()
    store.close()
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM state").fetchone() == (0,)


@pytest.mark.parametrize("name", ["prepare_threshold", "row_factory", "plugin", "autocommit"])
def test_parameters_of_drivers_are_no_parameters(name: str) -> None:
    with raises(SettingError, match=f"no parameter {name}"):
        load({"DATABASE_URL": f"postgresql://u:{PASSWORD}@h/d?{name}=1", "LOG_LANGUAGE": "en"}, None)


def test_parameters_are_those_of_libpq() -> None:
    """Every one that we accept; those of a newer library may be missing from our list."""
    parameters = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    assert PARAMETERS - {"gssdelegation", "sslnegotiation", "sslcertmode", "require_auth"} <= parameters
