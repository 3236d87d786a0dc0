"""Keeps the links in Firestore, which needs no server; or in its emulator at `FIRESTORE_EMULATOR_HOST`.

Collections: `links`, `accounts` (who holds which Telegram account: what makes
accounts unique), `link_history`, `processed_events` (`expires_at` is for a TTL
policy), `dead_letters`, `replayed_events`, `state`, `meta`. Document ids are
hashes: a portal may be empty or hold a slash. Ordered walks need one field each
(`walk`, `order`, `portal_order`), so there is no composite index to create.
An event's transaction is in `firestore_event`, and repeated here if somebody got in between.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from google.api_core.exceptions import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    GoogleAPIError,
    NotFound,
    PermissionDenied,
)
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from gateway.errors import SettingError, StoreUnavailable
from gateway.links import user_record
from gateway.links.dead_letters import letter_handle, letter_id, read_handle, to_json
from gateway.links.decide import decide, forget
from gateway.links.firestore_event import (
    RETRY,
    TIMEOUT,
    Document,
    FirestoreEvent,
    accounts_of,
    link_of,
    moment_text,
    plain,
    reference,
    row_of,
    walk_of,
)
from gateway.links.firestore_failures import sentence_key
from gateway.links.model import (
    Account,
    Changes,
    DeadLetter,
    HistoryRow,
    Link,
    Observation,
    repeated,
)
from gateway.locations import FirestoreDatabase
from gateway.retry import retry

T = TypeVar("T")

VERSION = 3
# How long processed event ids are remembered.
KEPT = timedelta(days=30)
_PAGE = 300
_ATTEMPTS = 20
# A field may hold 1 MiB, its name included.
_STRING_BYTES = 1_000_000
# `Conflict`: the document is there already, or the transaction was aborted.
_OVERTAKEN = (Conflict, FailedPrecondition, NotFound)


class FirestoreStore:
    """A `Store` in Firestore; safe to share between threads."""

    def __init__(self, location: FirestoreDatabase) -> None:
        """Raises `StoreUnavailable`, and `SettingError` where its data is newer than this program."""
        with _failures():
            self._client = firestore.Client(project=location.project, database=location.name)
            self._check_version()

    def apply(self, portal: str, event_id: str, observations: Sequence[Observation]) -> Changes:
        processed = reference(self._client, "processed_events", event_id)

        def attempt() -> Changes:
            event = FirestoreEvent(self._client, portal, observations)
            # In one call, nearly always everything that is needed.
            event.fetch([processed, *event.likely_references])
            if event.document(processed) is not None:
                return repeated()
            decision = decide(portal, event_id, observations, event.read)
            event.put(processed, {"expires_at": datetime.now(UTC) + KEPT})
            event.write(decision)
            event.commit()
            return Changes(decision.reported)

        return self._repeat(attempt)

    def get(self, portal: str, bitrix_user_id: int) -> Link | None:
        document = self._read(link_of(self._client, portal, bitrix_user_id))
        return row_of(document).link(portal) if document else None

    def find(
        self, portal: str, *, telegram_id: int | None = None, telegram_username: str | None = None
    ) -> Link | None:
        for account in accounts_of(self._client, portal, Account(telegram_id, telegram_username)):
            claim = self._read(account)
            holder = claim["bitrix_user_id"] if claim else None
            link = self.get(portal, holder) if holder is not None else None
            by_id = link is not None and telegram_id is not None and link.telegram_id == telegram_id
            name = (link.telegram_username or "").lower() if link is not None else ""
            if by_id or (name and name == (telegram_username or "").lower()):
                return link
        return None

    def links(self, portal: str | None = None, after: int = 0) -> Iterator[Link]:
        span = (walk_of(portal, after), f"{portal}!") if portal is not None else ("", None)
        for document in self._ordered("links", "walk", *span):
            if document["bitrix_user_id"] > after:
                yield row_of(document).link(document["portal"])

    def portals(self) -> list[str]:
        portals: list[str] = []
        start = ""
        while (document := next(self._ordered("links", "walk", start, None), None)) is not None:
            portals.append(str(document["portal"]))
            # This sorts after all of the portal's users.
            start = f"{portals[-1]}!"
        return portals

    def history(
        self, portal: str | None = None, *, bitrix_user_id: int | None = None, since: datetime | None = None
    ) -> Iterator[HistoryRow]:
        start = moment_text(since) if since else ""
        if bitrix_user_id is not None:
            documents = self._equal("link_history", "bitrix_user_id", bitrix_user_id)
            chosen = [d for d in documents if portal in (None, d["portal"]) and d["order"] >= start]
            rows: Iterable[Document] = sorted(chosen, key=lambda document: str(document["order"]))
        elif portal is not None:
            rows = self._ordered("link_history", "portal_order", f"{portal} {start}", f"{portal}!")
        else:
            rows = self._ordered("link_history", "order", start, None)
        for row in rows:
            yield HistoryRow(**{name: plain(row[name]) for name in HistoryRow.__slots__})

    def forget(self, portal: str, bitrix_user_id: int) -> int:
        letters = [
            letter
            for letter in self.dead_letters()
            if user_record.is_about(letter.message, portal, bitrix_user_id)
        ]
        for letter in letters:
            self.remove_dead_letter(letter.id)
        history = [
            self._client.collection("link_history").document(document["id"])
            for document in self._equal("link_history", "bitrix_user_id", bitrix_user_id)
            if document["portal"] == portal
        ]
        self._delete(history)

        event_id = f"forget-{uuid4()}"

        def attempt() -> int:
            event = FirestoreEvent(self._client, portal)
            returned = forget(portal, event_id, bitrix_user_id, event.read)
            if not event.erase(bitrix_user_id):
                return 0
            event.write(returned)
            event.commit()
            return 1

        return self._repeat(attempt) + len(history) + len(letters)

    def add_dead_letter(self, letter: DeadLetter) -> None:
        message = to_json(letter.message)
        packed = message.encode()
        document = {
            "event": letter.event,
            "event_id": letter.event_id,
            "reason": letter.reason,
            "attempts": letter.attempts,
            "message": message if len(packed) < _STRING_BYTES else zlib.compress(packed),
            "recorded_at": letter.recorded_at,
            "subscription": letter.subscription,
        }
        name = letter_id(letter.event_id, message, letter.subscription)
        document["order"] = f"{moment_text(letter.recorded_at)} {name}"
        self._set(self._client.collection("dead_letters").document(name), document)

    def dead_letters(self) -> Iterator[DeadLetter]:
        for document in self._ordered("dead_letters", "order", "", None):
            stored = document.pop("message")
            message = json.loads(stored if isinstance(stored, str) else zlib.decompress(stored))
            recorded_at = plain(document.pop("recorded_at"))
            document.pop("order")
            document["id"] = letter_handle(document["id"], recorded_at)
            yield DeadLetter(message=message, recorded_at=recorded_at, **document)

    def remove_dead_letter(self, letter_id: str) -> None:
        name, recorded_at = read_handle(letter_id)
        letter = self._client.collection("dead_letters").document(name)
        # The letter was put aside again since, or is gone.
        with _failures(), suppress(FailedPrecondition, NotFound):
            snapshot = letter.get(retry=RETRY, timeout=TIMEOUT)
            if snapshot.exists and plain(snapshot.get("recorded_at")) == recorded_at:
                as_read = self._client.write_option(last_update_time=snapshot.update_time)
                letter.delete(as_read, retry=RETRY, timeout=TIMEOUT)

    def was_replayed(self, event_id: str) -> bool:
        return self._read(reference(self._client, "replayed_events", event_id)) is not None

    def mark_replayed(self, event_id: str) -> None:
        self._set(reference(self._client, "replayed_events", event_id), {"replayed_at": datetime.now(UTC)})

    def read_state(self, name: str) -> dict[str, Any] | None:
        document = self._read(reference(self._client, "state", name))
        value: dict[str, Any] | None = json.loads(document["value"]) if document else None
        return value

    def write_state(self, name: str, value: dict[str, Any] | None) -> None:
        state = reference(self._client, "state", name)
        if value is None:
            self._delete([state])
        else:
            self._set(state, {"name": name, "value": to_json(value)})

    def purge_processed(self, before: datetime) -> int:
        removed = 0
        query = self._client.collection("processed_events")
        old = query.where(filter=FieldFilter("expires_at", "<", before + KEPT)).limit(_PAGE)
        while True:
            with _failures():
                references = [snapshot.reference for snapshot in old.stream(retry=RETRY, timeout=TIMEOUT)]
            if not references:
                return removed
            self._delete(references)
            removed += len(references)

    def check(self) -> None:
        schema = self._client.collection("meta").document("schema")
        # It already exists: the answer says whether we may write, and nothing changes.
        with _failures(), suppress(AlreadyExists):
            schema.create({"version": VERSION}, retry=RETRY, timeout=TIMEOUT)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def _check_version(self) -> None:
        schema = self._client.collection("meta").document("schema")
        document = self._read(schema)
        if document is None:
            # A new store. `find_link` runs with an account that only reads: whoever writes first records it.
            with _failures(), suppress(PermissionDenied):
                schema.set({"version": VERSION}, retry=RETRY, timeout=TIMEOUT)
        elif document["version"] < VERSION:
            # Its rows and accounts are read as they are, and written anew when an event touches them.
            with _failures(), suppress(PermissionDenied):
                schema.set({"version": VERSION}, retry=RETRY, timeout=TIMEOUT)
        elif document["version"] > VERSION:
            newer = document["version"]
            raise SettingError("DATABASE_URL", "STORE_NEWER", version=newer, known=VERSION)

    def _repeat(self, attempt: Callable[[], T]) -> T:
        """Run `attempt` until nobody got in between its reads and its one atomic commit."""
        with _failures():
            try:
                return retry(attempt, _is_overtaken, attempts=_ATTEMPTS, first=0.02, longest=1.0)
            except _OVERTAKEN:
                raise StoreUnavailable("STORE_CROWDED") from None

    def _read(self, reference: firestore.DocumentReference) -> Document | None:
        with _failures():
            document: Document | None = reference.get(retry=RETRY, timeout=TIMEOUT).to_dict()
            return document

    def _set(self, reference: firestore.DocumentReference, document: Document) -> None:
        with _failures():
            reference.set(document, retry=RETRY, timeout=TIMEOUT)

    def _delete(self, references: Sequence[firestore.DocumentReference]) -> None:
        for start in range(0, len(references), _PAGE):
            with _failures():
                batch = self._client.batch()
                for reference in references[start : start + _PAGE]:
                    batch.delete(reference)
                batch.commit(retry=RETRY, timeout=TIMEOUT)

    def _ordered(self, collection: str, field: str, start: str, end: str | None) -> Iterator[Document]:
        """The documents of a collection in the order of `field`, from `start` (inclusive) up to `end`."""
        query = self._client.collection(collection).order_by(field).limit(_PAGE)
        if end is not None:
            query = query.where(filter=FieldFilter(field, "<", end))
        page = query.where(filter=FieldFilter(field, ">=", start))
        while True:
            with _failures():
                snapshots = list(page.stream(retry=RETRY, timeout=TIMEOUT))
            for snapshot in snapshots:
                yield {**(snapshot.to_dict() or {}), "id": snapshot.id}
            if len(snapshots) < _PAGE:
                return
            page = query.where(filter=FieldFilter(field, ">", snapshots[-1].get(field)))

    def _equal(self, collection: str, field: str, value: object) -> list[Document]:
        query = self._client.collection(collection).where(filter=FieldFilter(field, "==", value))
        with _failures():
            snapshots = list(query.stream(retry=RETRY, timeout=TIMEOUT))
        return [{**(snapshot.to_dict() or {}), "id": snapshot.id} for snapshot in snapshots]


def _is_overtaken(failure: Exception) -> bool:
    return isinstance(failure, _OVERTAKEN)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (GoogleAPIError, GoogleAuthError) as error:
        raise StoreUnavailable(sentence_key(error), problem=type(error).__name__) from None
