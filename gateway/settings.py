"""Reads the settings from the environment, checks them once, and freezes them.

The environment takes precedence over `.env`. A wrong value stops the start with one line
that names the setting and what it expects; the value is never printed, as it may be a
secret. Only `BITRIX24_OUTGOING_WEBHOOK_TOKEN` is never wrong: the diagnosis says what is
odd about its value.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gateway import dotenv_file
from gateway.addresses import portal_name
from gateway.errors import GatewayError, SettingError
from gateway.locations import (
    QueueLocation,
    SqliteFile,
    StoreLocation,
    queue_location,
    sqlite_file,
    store_location,
)
from gateway.setting_values import (
    WEBHOOK_PATH,
    accepted_tokens,
    capture_until,
    choice,
    copied_along,
    destinations,
    forward_secret,
    incoming_address,
    incoming_webhook,
    interval,
    portal,
    webhook_url,
    whole_number,
)
from verify import fingerprint

if TYPE_CHECKING:
    from gateway.destinations import Destination

T = TypeVar("T")
ANYWHERE = "0.0.0.0"  # noqa: S104 — Railway routes to it

# Shorter secrets are masked only by key name: a token `123456` would also mask ids.
SECRET_BYTES = 16

# In letters: shorter names are words of their own (HOSTS, PORTS, POST), not misspellings.
_LONG = 9
# The beginnings of names that look like ours.
_PREFIXES = ("BITRIX", "WEBHOOK", "QUEUE", "FORWARD", "RESYNC", "INSPECTOR")
# Names that begin like ours, but belong to the containers, the emulators and gunicorn.
_OTHERS = (
    *("POSTGRES_PASSWORD", "PUBLIC_HOST", "PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST"),
    "FORWARDED_ALLOW_IPS",
)
NAMES = (
    "BITRIX24_OUTGOING_WEBHOOK_TOKEN",
    "FORWARD_TO",
    "FORWARD_SECRET",
    "LINKS_API_TOKEN",
    "JOURNAL_BODIES",
    "WEBHOOK_URL",
    "BITRIX24_DOMAIN",
    "BITRIX24_WEBHOOK_TOKEN",
    "BITRIX24_TELEGRAM_FIELD_NAME",
    "QUEUE_URL",
    "QUEUE_MAX_ATTEMPTS",
    "DATABASE_URL",
    "JOURNAL_URL",
    "WEBHOOK_CAPTURE_UNTIL",
    "LOG_LANGUAGE",
    "LOG_FORMAT",
    "HOST",
    "PORT",
    "INSPECTOR_PASSWORD",
    "RESYNC_EVERY",
)


@dataclass(frozen=True)
class Settings:
    """The settings, parsed. Secrets are kept out of `repr`."""

    outgoing_token: str | None = field(default=None, repr=False)  # as configured
    tokens: tuple[bytes, ...] = field(default=(), repr=False)  # bound ones too
    bound_tokens: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)  # (portal, token)
    unbound_tokens: tuple[bytes, ...] = field(default=(), repr=False)
    webhook_url: str | None = None
    domain: str = ""
    # Scheme and host of the portal's REST: `http` only for loopback hosts.
    rest_origin: str = ""
    rest_webhook: str | None = field(default=None, repr=False)  # USER_ID/SECRET
    # The domain in the incoming webhook's address, if that is given whole.
    rest_portal: str = ""
    telegram_field: str = "UF_USR_TELEGRAM"
    queue: QueueLocation = field(default=SqliteFile(Path("var/queue.db")))  # of QUEUE_URL
    queue_max_attempts: int = 10
    database: StoreLocation = field(default=SqliteFile(Path("var/links.db")))  # of DATABASE_URL
    journal: SqliteFile = field(default=SqliteFile(Path("var/journal.db")))  # of JOURNAL_URL
    # The requests whose headers and body the journal keeps.
    journal_bodies: str = "refused"
    destinations: "tuple[Destination, ...]" = ()  # of FORWARD_TO
    forward_secret: str | None = field(default=None, repr=False)
    links_api_token: str | None = field(default=None, repr=False)
    capture_until: datetime | None = None
    language: str = "ru"
    log_format: str = "text"
    host: str = "127.0.0.1"
    port: int = 8080
    inspector_password: str | None = field(default=None, repr=False)
    resync_every: int | None = None  # seconds
    on_railway: bool = False
    on_google_cloud: bool = False
    # Names that are not settings, each with a similar setting or "".
    unknown: tuple[tuple[str, str], ...] = ()
    # What is wrong with `.env`: its lines that have no effect.
    unread: tuple[GatewayError, ...] = ()

    def tokens_of(self, portal: str) -> tuple[bytes, ...]:
        """The tokens that are valid for `portal`: those bound to it, else the unbound ones.

        An unbound token is valid for every portal that no other item names. An event that names no
        portal ("") comes from a bound token's portal, or from that of `BITRIX24_DOMAIN`.
        """
        if not self.bound_tokens:
            return self.tokens
        if not portal:
            bound_portals = {bound_to for bound_to, _ in self.bound_tokens}
            bound = tuple(token for _, token in self.bound_tokens)
            return bound if self.domain in bound_portals else bound + self.unbound_tokens
        return (
            tuple(token for bound_to, token in self.bound_tokens if bound_to == portal) or self.unbound_tokens
        )

    def portal_of(self, token: bytes) -> str:
        """The first portal that a token is bound to; "" for an unbound one."""
        return next((portal for portal, bound in self.bound_tokens if bound == token), "")

    @property
    def fingerprints(self) -> str:
        """The fingerprints of all accepted tokens, for people; `-` for one too short to have one."""
        return ", ".join(fingerprint(token) or "-" for token in self.tokens) or "-"

    @property
    def queue_kind(self) -> str:
        """`local` for the embedded queue, else the kind of its address."""
        return "local" if isinstance(self.queue, SqliteFile) else self.queue.kind

    @property
    def files(self) -> dict[str, Path]:
        """The files of one machine, by the settings that name them."""
        locations = {"QUEUE_URL": self.queue, "DATABASE_URL": self.database, "JOURNAL_URL": self.journal}
        return {
            name: location.path for name, location in locations.items() if isinstance(location, SqliteFile)
        }

    @property
    def paste_url(self) -> str | None:
        """The address to paste into Bitrix24's webhook form, where it is known."""
        return self.webhook_url + WEBHOOK_PATH if self.webhook_url else None

    @property
    def rest_secret(self) -> str | None:
        """The secret part of the incoming webhook; None if it is not set."""
        return self.rest_webhook.partition("/")[2] if self.rest_webhook else None

    @property
    def can_ask_portal(self) -> bool:
        """Whether users can be read: the incoming webhook is set, and so is its portal."""
        return bool(self.rest_webhook and self.domain)

    @property
    def portals_differ(self) -> bool:
        """Whether `BITRIX24_DOMAIN` names another portal than the incoming webhook's address."""
        return bool(self.rest_portal) and self.rest_portal != self.domain

    def secrets(self) -> tuple[str, ...]:
        """Configured secrets long enough to be searched for by value, longest first."""
        return self._secrets

    def misspelt_events(self) -> list[tuple[str, str]]:
        """The events of `FORWARD_TO` that are surely mistyped, each with the one that was meant."""
        if not (
            patterns := [pattern for destination in self.destinations for pattern in destination.patterns]
        ):
            return []
        from gateway.vocabulary import misspelt  # cold start

        return list(misspelt(patterns))

    def short_secrets(self) -> tuple[str, ...]:
        """The settings with a secret too short to be searched for by value."""
        return tuple(
            dict.fromkeys(
                name for name, secret in self._secrets_by_setting if secret and not _is_long(secret)
            )
        )

    @cached_property
    def _secrets_by_setting(self) -> tuple[tuple[str, str], ...]:
        """Each secret with its setting's name."""
        tokens = (token.decode("utf-8", "surrogateescape") for token in self.tokens)
        return (
            *(("BITRIX24_OUTGOING_WEBHOOK_TOKEN", token) for token in tokens),
            ("BITRIX24_WEBHOOK_TOKEN", self.rest_secret or ""),
            ("INSPECTOR_PASSWORD", self.inspector_password or ""),
            ("FORWARD_SECRET", self.forward_secret or ""),
            ("LINKS_API_TOKEN", self.links_api_token or ""),
            *(("FORWARD_TO", secret) for destination in self.destinations for secret in destination.secrets),
            *(("DATABASE_URL", password) for password in self.database.passwords),
        )

    @cached_property
    def _secrets(self) -> tuple[str, ...]:
        long_ones = {secret for _, secret in self._secrets_by_setting if _is_long(secret)}
        return tuple(sorted(long_ones, key=lambda secret: (-len(secret), secret)))


def load(
    environ: Mapping[str, str] | None = None,
    dotenv: str | Path | None = ".env",
    only: Collection[str] | None = None,
) -> Settings:
    """Read the settings from `environ` (default: the process's) above the file `dotenv`.

    `only`: read only these names, and ignore mistakes in the others.
    Raises one `SettingError` for all settings whose values are wrong.
    """
    environment = os.environ if environ is None else environ
    try:
        in_file, unread = dotenv_file.read(dotenv)
        if only is not None:
            in_file = {name: value for name, value in in_file.items() if name in only}
            environment = {name: value for name, value in environment.items() if name in only}
        values = in_file | dict(environment)
        text = {name: value.strip() for name, value in values.items() if value.strip()}
        reading = _Reading(text)
        loaded = reading.settings(
            values.get("BITRIX24_OUTGOING_WEBHOOK_TOKEN"), _unknown(in_file, environment)
        )
        errors = reading.wrong
    except SettingError as unreadable:
        errors, values = [unreadable], {}
    if errors:
        for error in errors:
            # The exception that caused it may quote the value.
            error.__context__ = None
            error.hint = copied_along(values.get(error.name, "").strip())
        errors[0].others = tuple(errors[1:])
        raise errors[0]
    return replace(loaded, unread=unread)


def _unknown(in_file: Iterable[str], environment: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Names that are not settings, each with a similar setting or "".

    All of `.env` is meant for us. The environment belongs to everybody: there a name counts
    only if it begins like ours or is a misspelling of one of ours.
    """
    similar = (name for name in environment if name.startswith(_PREFIXES) or _misspelt(name, environment))
    unknown = sorted({name for name in (*in_file, *similar) if name not in NAMES and name not in _OTHERS})
    # `TOKEN` or `BITRIX24_TOKEN`, where the one setting that is required is missing.
    fallback = "" if NAMES[0] in in_file or NAMES[0] in environment else NAMES[0]
    return tuple(
        (name, _most_like(name, 0.9) or (name.endswith("TOKEN") and fallback) or _most_like(name, 0.75))
        for name in unknown
    )


def _misspelt(name: str, environment: Collection[str]) -> bool:
    """Whether a variable is a misspelling of one of our settings that is not given as well.

    A name that holds the whole of ours, as `DATABASE_URL_2` does, is a name of its own.
    """
    upper = name.upper()
    alike = any(
        # `difflib` takes milliseconds of a cold start: almost no name gets as far as that.
        abs(len(name) - len(setting)) <= 2 and len({*upper} ^ {*setting}) <= 2
        for setting in NAMES
        if len(setting) >= _LONG
    )
    like = _most_like(name, 0.9) if alike and name not in NAMES else ""
    return len(like) >= _LONG and like not in environment and (like not in name)


def _most_like(name: str, cutoff: float) -> str:
    from gateway.vocabulary import most_like  # cold start

    return most_like(name, NAMES, cutoff)


def _is_long(secret: str) -> bool:
    return len(secret.encode("utf-8", "replace")) >= SECRET_BYTES


class _Reading:
    """Reads the settings one by one, and keeps what is wrong with each."""

    def __init__(self, text: Mapping[str, str]) -> None:
        self._text = text
        self.wrong: list[SettingError] = []

    def settings(self, token: str | None, unknown: tuple[tuple[str, str], ...]) -> Settings:
        text = self._text
        on_railway = any(name.startswith("RAILWAY_") for name in text)
        on_google_cloud = "K_SERVICE" in text or "FUNCTION_NAME" in text
        volume = text.get("RAILWAY_VOLUME_MOUNT_PATH", "var").rstrip("/")
        queue: QueueLocation = SqliteFile(Path(f"{volume}/queue.db"))
        links: StoreLocation = SqliteFile(Path(f"{volume}/links.db"))
        journal = SqliteFile(Path(f"{volume}/journal.db"))
        address = self._take("", incoming_address, text.get("BITRIX24_WEBHOOK_TOKEN", ""))
        domain, origin = self._take(("", ""), portal, text.get("BITRIX24_DOMAIN", address))
        items = accepted_tokens(token)
        loaded = Settings(
            outgoing_token=token,
            tokens=tuple(dict.fromkeys(value for _, value in items)),
            bound_tokens=tuple(item for item in items if item[0]),
            unbound_tokens=tuple(value for portal, value in items if not portal),
            webhook_url=self._take(None, webhook_url, text),
            domain=domain,
            rest_origin=origin,
            rest_portal=portal_name(address) or "" if address else "",
            rest_webhook=self._take(None, incoming_webhook, text.get("BITRIX24_WEBHOOK_TOKEN")),
            telegram_field=self._matching(
                "BITRIX24_TELEGRAM_FIELD_NAME", r"[A-Za-z]\w{0,99}", "EXPECTED_FIELD"
            )
            or Settings.telegram_field,
            queue=self._take(queue, queue_location, text.get("QUEUE_URL", str(queue))),
            queue_max_attempts=self._whole("QUEUE_MAX_ATTEMPTS", Settings.queue_max_attempts, 1, 1000),
            database=self._take(links, store_location, text.get("DATABASE_URL", str(links))),
            journal=self._take(journal, sqlite_file, "JOURNAL_URL", text.get("JOURNAL_URL", str(journal))),
            journal_bodies=self._choice("JOURNAL_BODIES", Settings.journal_bodies, "refused", "on", "off"),
            destinations=self._take((), destinations, text.get("FORWARD_TO", "")),
            forward_secret=self._take(None, forward_secret, text),
            links_api_token=self._matching("LINKS_API_TOKEN", r"\S{16,}", "EXPECTED_API_TOKEN"),
            capture_until=self._take(None, capture_until, text.get("WEBHOOK_CAPTURE_UNTIL")),
            language=self._choice("LOG_LANGUAGE", Settings.language, "ru", "en"),
            log_format=self._choice("LOG_FORMAT", "json" if on_google_cloud else "text", "json", "text"),
            host=text.get("HOST", ANYWHERE if on_railway else Settings.host),
            port=self._whole("PORT", Settings.port, 0, 65535),
            inspector_password=self._matching("INSPECTOR_PASSWORD", r".{12,}", "EXPECTED_PASSWORD"),
            resync_every=self._take(None, interval, text.get("RESYNC_EVERY")),
            on_railway=on_railway,
            on_google_cloud=on_google_cloud,
            unknown=unknown,
        )
        self._take(None, _distinct_files, loaded)
        return loaded

    def _take(self, default: T, parse: Callable[..., T], *arguments: Any) -> T:
        try:
            return parse(*arguments)
        except SettingError as error:
            self.wrong.append(error)
        return default

    def _whole(self, name: str, default: int, low: int, high: int) -> int:
        return self._take(default, whole_number, self._text, name, default, low, high)

    def _choice(self, name: str, default: str, *choices: str) -> str:
        return self._take(default, choice, self._text, name, default, choices)

    def _matching(self, name: str, pattern: str, expected: str) -> str | None:
        value = self._text.get(name)
        if value is not None and not re.fullmatch(pattern, value, re.ASCII | re.DOTALL):
            self.wrong.append(SettingError(name, expected))
        return value


def _distinct_files(settings: Settings) -> None:
    """Refuse one file for two stores, which would lock each other out and mistake each other's tables."""
    names_by_path: dict[str, str] = {}
    for name, file in settings.files.items():
        path = os.path.abspath(file)
        if path in names_by_path:
            raise SettingError(name, "EXPECTED_OTHER_FILE", other=names_by_path[path])
        names_by_path[path] = name


def language(dotenv: str | Path = ".env") -> str:
    """The process's `LOG_LANGUAGE`, for sentences where no settings were loaded."""
    try:
        text = (dotenv_file.read(dotenv).values | dict(os.environ)).get("LOG_LANGUAGE", "")
    except SettingError:
        text = os.environ.get("LOG_LANGUAGE", "")
    return _known_language(text)


def _known_language(text: str) -> str:
    return "en" if text.strip().lower() == "en" else "ru"
