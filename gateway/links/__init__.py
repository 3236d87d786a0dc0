"""Who is linked to whom: what a bot asks, and the store behind it.

    from gateway.links import open_links

    people = open_links()  # DATABASE_URL and BITRIX24_DOMAIN, from the environment or `.env`
    link = people.of_telegram(telegram_id=message.from_user.id, telegram_username=message.from_user.username)
    if link is None: ...             # nobody, or no longer: answer as to a stranger
    elif link.by_name_only: ...      # only the name matches, and names change hands
    else: link.bitrix_user_id

Every look-up stays within one portal. Any of them raises `StoreUnavailable`
where the store does not answer, so None always means that nobody is linked.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.addresses import portal_given
from gateway.errors import GatewayError, SettingError, StoreUnavailable
from gateway.links.model import HistoryRow, Link, Store
from gateway.locations import FirestoreDatabase, SqliteFile, StoreLocation, is_missing
from gateway.texts import text_of

# What bots import, and the store behind it.
__all__ = ["HistoryRow", "Link", "Links", "SettingError", "StoreUnavailable", "open_links"]
__all__ += ["Store", "open_store"]

# What a bot that looks up links needs.
SETTINGS = (
    "DATABASE_URL",
    "BITRIX24_DOMAIN",
    "BITRIX24_WEBHOOK_TOKEN",
    "LOG_LANGUAGE",
    "RAILWAY_VOLUME_MOUNT_PATH",
)

log = logging.getLogger("gateway.links")


def open_store(location: StoreLocation) -> Store:
    """Open the store of links at that address; only what this kind of store needs is imported.

    Raises `StoreUnavailable` where it does not answer, `SettingError` where its
    schema is newer than this program.
    """
    if isinstance(location, FirestoreDatabase):
        from gateway.links.firestore_store import FirestoreStore  # cold start

        return FirestoreStore(location)
    from gateway.links.sql_store import SqlStore  # cold start

    return SqlStore(location)


@dataclass(frozen=True)
class Links:
    """The links of one portal, for reading."""

    store: Store
    portal: str

    def of_telegram(
        self, telegram_id: int | None = None, telegram_username: str | None = None
    ) -> Link | None:
        """Who this Telegram account is: by number, and only then by name (without `@`, in any case).

        Look at `by_name_only` before trusting a link with anything of value.
        """
        return self.store.find(self.portal, telegram_id=telegram_id, telegram_username=telegram_username)

    def of_user(self, bitrix_user_id: int) -> Link | None:
        """The row of this Bitrix24 user; both accounts are None where the user is not linked (any more)."""
        return self.store.get(self.portal, bitrix_user_id)

    def changes(self, since: datetime) -> Iterator[HistoryRow]:
        """The changes at or after `since` (with its zone), oldest first.

        Next time, ask from a minute before the last row's `recorded_at`, and skip the rows that you
        have had: of two writers, the one that began earlier may finish later.
        """
        return self.store.history(self.portal, since=since)

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def open_links(portal: str | None = None) -> Links:
    """Open the links of `portal`, by default those of `BITRIX24_DOMAIN`, else of the only portal there is.

    Only the settings of the store and the portal are read, so nothing else that is wrong in them stops a
    bot. Raises `SettingError` for a wrong one, and where the portal is not in the store while others are;
    `StoreUnavailable` where the store does not answer or the file is not there yet: no file is created,
    and a look-up never answers None because the wrong one is open.
    """
    from gateway.settings import language, load  # cold start

    try:
        settings = load(only=SETTINGS)
        for unread in settings.unread:
            log.warning(text_of(unread, settings.language))
        _expect_a_file(settings.database)
        store = open_store(settings.database)
        try:
            portal_name = settings.domain if portal is None else portal_given(portal)
            return Links(store, _portal_of(store, portal_name))
        except BaseException:
            store.close()
            raise
    except GatewayError as error:
        # A bot prints the traceback, and nothing else of ours prints the sentence.
        error.add_note(text_of(error, language()))
        raise


def _expect_a_file(location: StoreLocation) -> None:
    if isinstance(location, SqliteFile) and is_missing(location):
        raise StoreUnavailable("LINKS_NO_FILE", path=location.path.absolute())


def _portal_of(store: Store, portal_name: str) -> str:
    """The portal to look in; a store without any links accepts whichever is wanted."""
    portals = store.portals()
    if portal_name and (portal_name in portals or not portals):
        return portal_name
    if not portal_name:
        return only_portal(portals)
    raise SettingError(
        "BITRIX24_DOMAIN", "LINKS_OTHER_PORTAL", portal=portal_name, portals=", ".join(portals)
    )


def only_portal(portals: Sequence[str]) -> str:
    """The portal to look in where nobody names one. Raises `SettingError` unless exactly one has links."""
    if len(portals) == 1:
        return portals[0]
    raise SettingError("BITRIX24_DOMAIN", "LINKS_WHICH_PORTAL", portals=", ".join(portals) or "–")
