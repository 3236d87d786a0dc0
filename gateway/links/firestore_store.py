"""Links in Firestore: nothing to run. Honours `FIRESTORE_EMULATOR_HOST`, as Google's client does.

Collections: `links`, `accounts` (who holds which Telegram account: what makes
accounts unique), `link_history`, `processed_events` (`expires_at` is for a TTL
policy), `dead_letters`, `replayed_events`, `state`, `meta`. Document ids are
hashes: a portal may be empty or hold a slash. Ordered walks need one field each
(`walk`, `order`, `portal_order`), so there is no composite index to create.

A transaction here is one atomic commit, on the condition that every document it
changes is as it was read, made again where it is not. Firestore's own
transactions lock what they read, and two that meet wait for each other.
"""

import json
import random
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from google.api_core.exceptions import (
    AlreadyExists,
    Conflict,
    FailedPrecondition,
    GoogleAPIError,
    InternalServerError,
    NotFound,
    PermissionDenied,
    ServiceUnavailable,
)
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from gateway.errors import SettingError, StoreUnavailable
from gateway.links import user_record
from gateway.links.dead_letters import handle, letter_id, read_handle, to_json
from gateway.links.decide import NEWEST_CLAIMERS, Decision, Row, decide
from gateway.links.facts import Known, names_of
from gateway.links.model import (
    NO_ACCOUNT,
    Account,
    Changes,
    DeadLetter,
    HistoryRow,
    Key,
    Link,
    Observation,
    repeated,
)
from gateway.settings import language
from gateway.texts import say

T = TypeVar("T")
Document = dict[str, Any]

VERSION = 2
_CLAIMERS = 200  # how many newest claimers of one account are kept
KEPT = timedelta(days=30)  # how long processed event ids are remembered
_PAGE = 300
_ATTEMPTS = 20
_STRING_BYTES = 1_000_000  # a field holds 1 MiB less its name
_TIMEOUT = 20.0  # seconds for one answer
_OVERTAKEN = (Conflict, FailedPrecondition, NotFound)  # `Conflict`: already there, or aborted
_RETRY = Retry(if_exception_type(ServiceUnavailable, InternalServerError), initial=0.1, timeout=_TIMEOUT)


class FirestoreStore:
    """A `Store` at `firestore://PROJECT/DATABASE`; safe to share between threads."""

    def __init__(self, database_url: str) -> None:
        """Raises `StoreUnavailable`, and `SettingError` where its data is newer than this program."""
        project, _, database = database_url.removeprefix("firestore://").partition("/")
        with _failures():
            self._client = firestore.Client(project=project, database=database)
            self._check_version()

    def apply(self, portal: str, event_id: str, observations: Sequence[Observation]) -> Changes:
        processed = self._reference("processed_events", event_id)
        wanted = [self._link(portal, seen.bitrix_user_id) for seen in observations]
        wanted += [claim for seen in observations for claim in self._claims(portal, seen.account)]

        def attempt() -> Changes:
            reads = _Reads(self._client)
            reads.fetch([processed, *wanted])  # nearly always all that is needed, in one call
            if reads.document(processed) is not None:
                return repeated()

            def read(user: int, account: Account) -> Iterator[Row]:
                claims = self._claims(portal, account)
                reads.fetch([self._link(portal, user), *claims])
                found = [document for claim in claims if (document := reads.document(claim))]
                newest = NEWEST_CLAIMERS + len(observations) - 1
                others = {number for document in found for number in _claimers(document)[:newest]}
                others |= {document["bitrix_user_id"] for document in found} - {None}
                references = [self._link(portal, number) for number in {user, *others}]
                reads.fetch(references)
                return (_row(document) for one in references if (document := reads.document(one)))

            decision = decide(portal, event_id, observations, read)
            batch = self._client.batch()
            batch.create(processed, {"expires_at": datetime.now(UTC) + KEPT})
            self._write(batch, reads, portal, decision)
            batch.commit(retry=_RETRY, timeout=_TIMEOUT)
            return Changes(decision.told)

        return self._repeat(attempt)

    def get(self, portal: str, bitrix_user_id: int) -> Link | None:
        document = self._read(self._link(portal, bitrix_user_id))
        return _row(document).link(portal) if document else None

    def find(
        self, portal: str, *, telegram_id: int | None = None, telegram_username: str | None = None
    ) -> Link | None:
        for claim in self._claims(portal, Account(telegram_id, telegram_username)):
            held = self._read(claim)
            holder = held["bitrix_user_id"] if held else None
            link = self.get(portal, holder) if holder is not None else None
            by_id = link is not None and telegram_id is not None and link.telegram_id == telegram_id
            name = (link.telegram_username or "").lower() if link is not None else ""
            if by_id or (name and name == (telegram_username or "").lower()):
                return link
        return None

    def links(self, portal: str | None = None, after: int = 0) -> Iterator[Link]:
        span = (_walk(portal, after), f"{portal}!") if portal is not None else ("", None)
        for document in self._ordered("links", "walk", *span):
            if document["bitrix_user_id"] > after:
                yield _row(document).link(document["portal"])

    def portals(self) -> list[str]:
        found: list[str] = []
        start = ""
        while (document := next(self._ordered("links", "walk", start, None), None)) is not None:
            found.append(str(document["portal"]))
            start = f"{found[-1]}!"  # behind all of its users
        return found

    def history(
        self, portal: str | None = None, *, bitrix_user_id: int | None = None, since: datetime | None = None
    ) -> Iterator[HistoryRow]:
        start = _moment(since) if since else ""
        if bitrix_user_id is not None:
            documents = self._equal("link_history", "bitrix_user_id", bitrix_user_id)
            chosen = [d for d in documents if portal in (None, d["portal"]) and d["order"] >= start]
            rows: Iterable[Document] = sorted(chosen, key=lambda document: str(document["order"]))
        elif portal is not None:
            rows = self._ordered("link_history", "portal_order", f"{portal} {start}", f"{portal}!")
        else:
            rows = self._ordered("link_history", "order", start, None)
        for row in rows:
            yield HistoryRow(**{name: _plain(row[name]) for name in HistoryRow.__slots__})

    def forget(self, portal: str, bitrix_user_id: int) -> int:
        letters = [
            one for one in self.dead_letters() if user_record.speaks_of(one.message, portal, bitrix_user_id)
        ]
        for letter in letters:
            self.remove_dead_letter(letter.id)
        history = [
            self._client.collection("link_history").document(document["id"])
            for document in self._equal("link_history", "bitrix_user_id", bitrix_user_id)
            if document["portal"] == portal
        ]
        self._delete(history)

        link = self._link(portal, bitrix_user_id)

        def attempt() -> int:
            found = link.get(retry=_RETRY, timeout=_TIMEOUT)
            document = found.to_dict()
            if document is None:
                return 0
            batch = self._client.batch()
            batch.delete(link, self._client.write_option(last_update_time=found.update_time))
            reads = _Reads(self._client)
            claims = [self._account(portal, name) for name in _names(_row(document))]
            reads.fetch(claims)
            for claim in claims:
                if reads.document(claim) is not None:
                    kept: Document = {"claims": {}, **(reads.document(claim) or {})}
                    _write_claim(kept, bitrix_user_id, None)
                    if kept["bitrix_user_id"] == bitrix_user_id:
                        kept["bitrix_user_id"] = None
                    reads.put(batch, claim, kept)
            batch.commit(retry=_RETRY, timeout=_TIMEOUT)
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
        }
        name = letter_id(letter.event_id, message)
        document["order"] = f"{_moment(letter.recorded_at)} {name}"
        self._set(self._client.collection("dead_letters").document(name), document)

    def dead_letters(self) -> Iterator[DeadLetter]:
        for document in self._ordered("dead_letters", "order", "", None):
            kept = document.pop("message")
            message = json.loads(kept if isinstance(kept, str) else zlib.decompress(kept))
            recorded_at = _plain(document.pop("recorded_at"))
            document.pop("order")
            document["id"] = handle(document["id"], recorded_at)
            yield DeadLetter(message=message, recorded_at=recorded_at, **document)

    def remove_dead_letter(self, letter_id: str) -> None:
        name, recorded_at = read_handle(letter_id)
        reference = self._client.collection("dead_letters").document(name)
        with _failures(), suppress(FailedPrecondition, NotFound):  # put aside again meanwhile, or gone
            found = reference.get(retry=_RETRY, timeout=_TIMEOUT)
            if found.exists and _plain(found.get("recorded_at")) == recorded_at:
                seen = self._client.write_option(last_update_time=found.update_time)
                reference.delete(seen, retry=_RETRY, timeout=_TIMEOUT)

    def was_replayed(self, event_id: str) -> bool:
        return self._read(self._reference("replayed_events", event_id)) is not None

    def mark_replayed(self, event_id: str) -> None:
        self._set(self._reference("replayed_events", event_id), {"replayed_at": datetime.now(UTC)})

    def read_state(self, name: str) -> dict[str, Any] | None:
        document = self._read(self._reference("state", name))
        value: dict[str, Any] | None = json.loads(document["value"]) if document else None
        return value

    def write_state(self, name: str, value: dict[str, Any] | None) -> None:
        reference = self._reference("state", name)
        if value is None:
            self._delete([reference])
        else:
            self._set(reference, {"name": name, "value": to_json(value)})

    def purge_processed(self, before: datetime) -> int:
        gone = 0
        query = self._client.collection("processed_events")
        old = query.where(filter=FieldFilter("expires_at", "<", before + KEPT)).limit(_PAGE)
        while True:
            with _failures():
                references = [found.reference for found in old.stream(retry=_RETRY, timeout=_TIMEOUT)]
            if not references:
                return gone
            self._delete(references)
            gone += len(references)

    def check(self) -> None:
        schema = self._client.collection("meta").document("schema")
        # It is there already: the answer says whether we may write, and nothing changes.
        with _failures(), suppress(AlreadyExists):
            schema.create({"version": VERSION}, retry=_RETRY, timeout=_TIMEOUT)

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def _check_version(self) -> None:
        reference = self._client.collection("meta").document("schema")
        document = self._read(reference)
        if document is None:
            # A new store. `find_link` runs with an account that only reads: whoever writes first records it.
            with _failures(), suppress(PermissionDenied):
                reference.set({"version": VERSION}, retry=_RETRY, timeout=_TIMEOUT)
        elif document["version"] < VERSION:
            # Its rows and accounts are read as they are, and written anew when an event touches them.
            with _failures(), suppress(PermissionDenied):
                reference.set({"version": VERSION}, retry=_RETRY, timeout=_TIMEOUT)
        elif document["version"] > VERSION:
            found = document["version"]
            told = say("STORE_NEWER", language(), version=found, known=VERSION)
            raise SettingError("DATABASE_URL", told)

    def _reference(self, collection: str, *parts: object) -> firestore.DocumentReference:
        name = sha256(json.dumps(parts).encode()).hexdigest()
        return self._client.collection(collection).document(name)

    def _link(self, portal: str, user: int) -> firestore.DocumentReference:
        return self._reference("links", portal, user)

    def _claims(self, portal: str, account: Account | None) -> list[firestore.DocumentReference]:
        """The documents that say who holds this account: one by number, one by name."""
        return [self._account(portal, name) for name in names_of(account or NO_ACCOUNT)]

    def _account(self, portal: str, name: str) -> firestore.DocumentReference:
        if name.startswith("@"):
            return self._reference("accounts", portal, "name", name[1:])
        return self._reference("accounts", portal, "id", int(name))

    def _write(self, batch: firestore.WriteBatch, reads: "_Reads", portal: str, decision: Decision) -> None:
        """Write the decision, on the condition that what it rests on is still as it was read."""
        accounts: dict[str, Document] = {}

        def account(name: str) -> Document:
            reference = self._account(portal, name)
            if reference.path not in accounts:
                reads.fetch([reference])
                kept = reads.document(reference) or {}
                kept_claims = dict(kept.get("claims", {}))
                accounts[reference.path] = {
                    "bitrix_user_id": kept.get("bitrix_user_id"),
                    "claims": kept_claims,
                }
            return accounts[reference.path]

        for user, row in decision.rows.items():
            for name, at in decision.claims(user).items():
                _write_claim(account(name), user, at)
            before = decision.before[user]
            for name in names_of(before.account) if before else []:
                if account(name)["bitrix_user_id"] == user:
                    account(name)["bitrix_user_id"] = None
            reads.put(batch, self._link(portal, user), _document(portal, row))
        for user, row in decision.rows.items():
            for name in names_of(row.account):
                account(name)["bitrix_user_id"] = user
        for path, document in accounts.items():
            reference = self._client.document(path)
            if document != reads.document(reference):
                reads.put(batch, reference, document)
        for index, change in enumerate(decision.history):
            order = f"{_moment(change.recorded_at)} {index:04d} {change.event_id}"
            document = {name: getattr(change, name) for name in HistoryRow.__slots__}
            document |= {"order": order, "portal_order": f"{portal} {order}"}
            batch.set(self._reference("link_history", portal, change.event_id, index), document)

    def _repeat(self, attempt: Callable[[], T]) -> T:
        """Run `attempt` until nobody got in between its reads and its one atomic commit."""
        for tries in range(_ATTEMPTS):
            with _failures():
                try:
                    return attempt()
                except _OVERTAKEN:
                    time.sleep(random.uniform(0, min(0.02 * 2**tries, 1.0)))  # noqa: S311 — jitter
        raise StoreUnavailable(say("STORE_CROWDED", language()))

    def _read(self, reference: firestore.DocumentReference) -> Document | None:
        with _failures():
            found: Document | None = reference.get(retry=_RETRY, timeout=_TIMEOUT).to_dict()
            return found

    def _set(self, reference: firestore.DocumentReference, document: Document) -> None:
        with _failures():
            reference.set(document, retry=_RETRY, timeout=_TIMEOUT)

    def _delete(self, references: Sequence[firestore.DocumentReference]) -> None:
        for start in range(0, len(references), _PAGE):
            with _failures():
                batch = self._client.batch()
                for reference in references[start : start + _PAGE]:
                    batch.delete(reference)
                batch.commit(retry=_RETRY, timeout=_TIMEOUT)

    def _ordered(self, collection: str, field: str, start: str, end: str | None) -> Iterator[Document]:
        """The documents of a collection in the order of `field`, from `start` (inclusive) up to `end`."""
        query = self._client.collection(collection).order_by(field).limit(_PAGE)
        if end is not None:
            query = query.where(filter=FieldFilter(field, "<", end))
        page = query.where(filter=FieldFilter(field, ">=", start))
        while True:
            with _failures():
                found = list(page.stream(retry=_RETRY, timeout=_TIMEOUT))
            for snapshot in found:
                yield {**(snapshot.to_dict() or {}), "id": snapshot.id}
            if len(found) < _PAGE:
                return
            page = query.where(filter=FieldFilter(field, ">", found[-1].get(field)))

    def _equal(self, collection: str, field: str, value: object) -> list[Document]:
        query = self._client.collection(collection).where(filter=FieldFilter(field, "==", value))
        with _failures():
            found = list(query.stream(retry=_RETRY, timeout=_TIMEOUT))
        return [{**(snapshot.to_dict() or {}), "id": snapshot.id} for snapshot in found]


class _Reads:
    """What one attempt has read: each document once, with the version that was seen."""

    def __init__(self, client: firestore.Client) -> None:
        self._client = client
        self._found: dict[str, Any] = {}

    def fetch(self, references: Iterable[firestore.DocumentReference]) -> None:
        missing = {one.path: one for one in references if one.path not in self._found}
        if missing:
            for snapshot in self._client.get_all(list(missing.values()), retry=_RETRY, timeout=_TIMEOUT):
                self._found[snapshot.reference.path] = snapshot

    def document(self, reference: firestore.DocumentReference) -> Document | None:
        found: Document | None = self._found[reference.path].to_dict()
        return found

    def put(
        self, batch: firestore.WriteBatch, reference: firestore.DocumentReference, document: Document
    ) -> None:
        """Write the document if it is still the version that was read, or still absent."""
        seen = self._found[reference.path]
        if seen.exists:
            batch.update(reference, document, self._client.write_option(last_update_time=seen.update_time))
        else:
            batch.create(reference, document)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (GoogleAPIError, GoogleAuthError) as error:
        told = say("FIRESTORE_SILENT", language(), problem=type(error).__name__)
        raise StoreUnavailable(told) from None


def _walk(portal: str, user: int) -> str:
    return f"{portal} {user:016d}"  # a space sorts before everything a portal's name may hold


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _plain(value: Any) -> Any:
    """Firestore's time is a datetime of its own kind; everything else is as it is."""
    if isinstance(value, datetime):
        return datetime.combine(value.date(), value.time(), UTC)
    return value


def _names(row: Row) -> list[str]:
    return sorted({*row.known.claims(), *names_of(row.account)})


def _claimers(document: Document) -> list[int]:
    """Who claimed this account, the newest claim first."""
    claims = document.get("claims", {})
    return sorted(map(int, claims), key=lambda user: (claims[str(user)], user), reverse=True)


def _write_claim(document: Document, user: int, at: Key | None) -> None:
    if at is None:
        document["claims"].pop(str(user), None)
        return
    document["claims"][str(user)] = list(at)
    for oldest in _claimers(document)[_CLAIMERS:]:
        del document["claims"][str(oldest)]


def _document(portal: str, row: Row) -> Document:
    return {
        "portal": portal,
        "bitrix_user_id": row.bitrix_user_id,
        **row.stored(),
        "walk": _walk(portal, row.bitrix_user_id),
    }


def _row(document: Document) -> Row:
    account = Account(document["telegram_id"], document["telegram_username"])
    observed_at = _plain(document["observed_at"])
    return Row(
        bitrix_user_id=document["bitrix_user_id"],
        account=account,
        observed_at=observed_at,
        updated_at=_plain(document["updated_at"]),
        known=Known.from_json(document["known"], account, observed_at),
    )
