"""The tables of the SQL stores, and the migrations from older versions."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

VERSION = 4
# By version: the statements that migrate it to the next.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    # A first-edition row's moments become facts when it is next read; its holder is found by the link.
    1: (
        """CREATE TABLE claims (
            portal TEXT NOT NULL, bitrix_user_id BIGINT NOT NULL, account TEXT NOT NULL,
            at BIGINT NOT NULL, received_at BIGINT NOT NULL,
            PRIMARY KEY (portal, bitrix_user_id, account))""",
        "CREATE INDEX claims_newest ON claims (portal, account, at, received_at, bitrix_user_id)",
    ),
    2: ("CREATE INDEX dead_letters_time ON dead_letters (recorded_at, id)",),
    3: ("ALTER TABLE dead_letters ADD COLUMN subscription TEXT NOT NULL DEFAULT ''",),
}


class Utc(sa.types.TypeDecorator[datetime]):
    """A time with its zone, stored in UTC; SQLite has no zones, so none is written there."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Convert a time to UTC for the database."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Give a time from the database its zone, UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sa.MetaData()

schema_version = sa.Table("schema_version", metadata, sa.Column("version", sa.Integer, nullable=False))

links = sa.Table(
    "links",
    metadata,
    sa.Column("portal", sa.Text, primary_key=True),
    sa.Column("bitrix_user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("telegram_id", sa.BigInteger),
    sa.Column("telegram_username", sa.Text),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("observed_at", Utc, nullable=False),
    sa.Column("updated_at", Utc, nullable=False),
    # `facts.Known` as JSON; a link that somebody imported with SQL has no facts
    sa.Column("known", sa.Text, nullable=False, server_default="[null, null, null, null, null, null]"),
)
sa.Index("links_telegram_id", links.c.portal, links.c.telegram_id, unique=True)
sa.Index("links_telegram_name", links.c.portal, sa.func.lower(links.c.telegram_username), unique=True)

# Each user's newest valid claim of each account (`Known.claims`), by which an account's claimers are found.
claims = sa.Table(
    "claims",
    metadata,
    sa.Column("portal", sa.Text, primary_key=True),
    sa.Column("bitrix_user_id", sa.BigInteger, primary_key=True, autoincrement=False),
    # The number, or @ and the name in lower case.
    sa.Column("account", sa.Text, primary_key=True),
    # In seconds, as in `model.Key`.
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),  # microseconds
)

sa.Index(
    "claims_newest",
    claims.c.portal,
    claims.c.account,
    claims.c.at,
    claims.c.received_at,
    claims.c.bitrix_user_id,
)

link_history = sa.Table(
    "link_history",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("portal", sa.Text, nullable=False),
    sa.Column("bitrix_user_id", sa.BigInteger, nullable=False),
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("telegram_id", sa.BigInteger),
    sa.Column("telegram_username", sa.Text),
    sa.Column("previous_telegram_id", sa.BigInteger),
    sa.Column("previous_telegram_username", sa.Text),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("observed_at", Utc, nullable=False),
    sa.Column("recorded_at", Utc, nullable=False),
)
sa.Index("link_history_user", link_history.c.portal, link_history.c.bitrix_user_id)
sa.Index("link_history_time", link_history.c.recorded_at, link_history.c.id)

processed_events = sa.Table(
    "processed_events",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("processed_at", Utc, nullable=False, index=True),
)

dead_letters = sa.Table(
    "dead_letters",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("message", sa.Text, nullable=False),  # JSON
    sa.Column("recorded_at", Utc, nullable=False),
    sa.Column("subscription", sa.Text, nullable=False, server_default=""),
)
sa.Index("dead_letters_time", dead_letters.c.recorded_at, dead_letters.c.id)

replayed_events = sa.Table(
    "replayed_events",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("replayed_at", Utc, nullable=False),
)

state = sa.Table(
    "state",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),  # a JSON object
)
