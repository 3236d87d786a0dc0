"""The transaction of one event in Firestore: what it reads and writes.

A transaction is one atomic commit, on the condition that every document it changes
is as it was read. Firestore's own transactions lock what they read, and two that
meet wait for each other.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from google.api_core.exceptions import InternalServerError, ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type
from google.cloud import firestore

from gateway.links.decide import NEWEST_CLAIMERS, Decision, Row
from gateway.links.facts import Known, names_of
from gateway.links.model import NO_ACCOUNT, Account, HistoryRow, Key, Observation

Document = dict[str, Any]

# In seconds, for one answer.
TIMEOUT = 20.0
RETRY = Retry(if_exception_type(ServiceUnavailable, InternalServerError), initial=0.1, timeout=TIMEOUT)
# How many of an account's newest claimers are kept.
_MAX_CLAIMERS = 200


class FirestoreEvent:
    """One attempt: each document is read once, and written if it is still the version that was read."""

    def __init__(
        self, client: firestore.Client, portal: str, observations: Sequence[Observation] = ()
    ) -> None:
        self._client, self._portal = client, portal
        # How many of an account's claimers may decide: an earlier observation of this event may add one.
        self._claimers_read = NEWEST_CLAIMERS + max(len(observations) - 1, 0)
        self._snapshots: dict[str, Any] = {}
        self._accounts: dict[str, Document] = {}
        self._batch = client.batch()
        self.likely_references = [
            link_of(client, portal, observation.bitrix_user_id) for observation in observations
        ]
        self.likely_references += [
            account
            for observation in observations
            for account in accounts_of(client, portal, observation.account)
        ]

    def fetch(self, references: Iterable[firestore.DocumentReference]) -> None:
        """Read the documents that have not been read yet, in one call."""
        missing = {
            reference.path: reference for reference in references if reference.path not in self._snapshots
        }
        if missing:
            for snapshot in self._client.get_all(list(missing.values()), retry=RETRY, timeout=TIMEOUT):
                self._snapshots[snapshot.reference.path] = snapshot

    def document(self, reference: firestore.DocumentReference) -> Document | None:
        """The fields of a document that was fetched; None if it does not exist."""
        document: Document | None = self._snapshots[reference.path].to_dict()
        return document

    def read(self, user: int, account: Account) -> Iterator[Row]:
        """Read as `decide.Read` requires."""
        accounts = accounts_of(self._client, self._portal, account)
        self.fetch([self._link(user), *accounts])
        documents = [document for reference in accounts if (document := self.document(reference))]
        others = {number for document in documents for number in _claimers(document)[: self._claimers_read]}
        others |= {document["bitrix_user_id"] for document in documents} - {None}
        references = [self._link(number) for number in {user, *others}]
        self.fetch(references)
        return (row_of(document) for reference in references if (document := self.document(reference)))

    def erase(self, user: int) -> bool:
        """Erase a user's link and claims; False if there are none."""
        link = self._link(user)
        self.fetch([link])
        if (document := self.document(link)) is None:
            return False
        row = row_of(document)
        for name in {*row.known.claims(), *names_of(row.account)}:
            _write_claim(self._account(name), user, None)
            self._release(name, user)
        self._batch.delete(link, self._as_read(link))
        return True

    def write(self, decision: Decision) -> None:
        """Write what was decided: links, claims, who holds each account, and the history."""
        for user, row in decision.rows.items():
            for name, at in decision.claims(user).items():
                _write_claim(self._account(name), user, at)
            before = decision.before[user]
            for name in names_of(before.account) if before else []:
                self._release(name, user)
            self.put(self._link(user), _document(self._portal, row))
        for user, row in decision.rows.items():
            for name in names_of(row.account):
                self._account(name)["bitrix_user_id"] = user
        for path, document in self._accounts.items():
            target = self._client.document(path)
            if document != self.document(target):
                self.put(target, document)
        for index, change in enumerate(decision.history):
            self._record(index, change)

    def put(self, target: firestore.DocumentReference, document: Document) -> None:
        """Create or replace a document, on the condition that it is as it was read."""
        if self._snapshots[target.path].exists:
            self._batch.update(target, document, self._as_read(target))
        else:
            self._batch.create(target, document)

    def commit(self) -> None:
        """Commit everything at once; raises if a document is no longer as it was read."""
        self._batch.commit(retry=RETRY, timeout=TIMEOUT)

    def _as_read(self, target: firestore.DocumentReference) -> Any:
        return self._client.write_option(last_update_time=self._snapshots[target.path].update_time)

    def _link(self, user: int) -> firestore.DocumentReference:
        return link_of(self._client, self._portal, user)

    def _account(self, name: str) -> Document:
        """The document of who holds this account and who claimed it, as it will be written."""
        target = _account_of(self._client, self._portal, name)
        if target.path not in self._accounts:
            self.fetch([target])
            stored = self.document(target) or {}
            holder, claims = stored.get("bitrix_user_id"), dict(stored.get("claims", {}))
            self._accounts[target.path] = {"bitrix_user_id": holder, "claims": claims}
        return self._accounts[target.path]

    def _release(self, name: str, user: int) -> None:
        if self._account(name)["bitrix_user_id"] == user:
            self._account(name)["bitrix_user_id"] = None

    def _record(self, index: int, change: HistoryRow) -> None:
        at = moment_text(change.recorded_at)
        order = f"{at} {index:04d} {change.event_id}"
        document = {name: getattr(change, name) for name in HistoryRow.__slots__}
        document |= {"order": order, "portal_order": f"{self._portal} {order}"}
        key = (self._portal, change.event_id, index)
        self._batch.set(reference(self._client, "link_history", *key), document)


def reference(client: firestore.Client, collection: str, *parts: object) -> firestore.DocumentReference:
    """The document for these parts of a key; its id is their hash."""
    name = sha256(json.dumps(parts).encode()).hexdigest()
    return client.collection(collection).document(name)


def link_of(client: firestore.Client, portal: str, user: int) -> firestore.DocumentReference:
    """The document of a user's link."""
    return reference(client, "links", portal, user)


def accounts_of(
    client: firestore.Client, portal: str, account: Account | None
) -> list[firestore.DocumentReference]:
    """The documents of this account: one by number, one by name."""
    return [_account_of(client, portal, name) for name in names_of(account or NO_ACCOUNT)]


def _account_of(client: firestore.Client, portal: str, name: str) -> firestore.DocumentReference:
    if name.startswith("@"):
        return reference(client, "accounts", portal, "name", name[1:])
    return reference(client, "accounts", portal, "id", int(name))


def walk_of(portal: str, user: int) -> str:
    """The text that orders links by portal, then by user."""
    # A space sorts before everything that a portal's name may hold.
    return f"{portal} {user:016d}"


def moment_text(moment: datetime) -> str:
    """A moment as text that sorts by time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def plain(value: Any) -> Any:
    """Firestore's subclass of datetime as a plain datetime; any other value as it is."""
    if isinstance(value, datetime):
        return datetime.combine(value.date(), value.time(), UTC)
    return value


def _claimers(document: Document) -> list[int]:
    """Who claimed this account, the newest claim first."""
    claims = document.get("claims", {})
    return sorted(map(int, claims), key=lambda user: (claims[str(user)], user), reverse=True)


def _write_claim(document: Document, user: int, at: Key | None) -> None:
    if at is None:
        document["claims"].pop(str(user), None)
        return
    document["claims"][str(user)] = list(at)
    for oldest in _claimers(document)[_MAX_CLAIMERS:]:
        del document["claims"][str(oldest)]


def _document(portal: str, row: Row) -> Document:
    return {
        "portal": portal,
        "bitrix_user_id": row.bitrix_user_id,
        **row.stored(),
        "walk": walk_of(portal, row.bitrix_user_id),
    }


def row_of(document: Document) -> Row:
    """The row that a link's document holds."""
    account = Account(document["telegram_id"], document["telegram_username"])
    observed_at = plain(document["observed_at"])
    return Row(
        bitrix_user_id=document["bitrix_user_id"],
        account=account,
        observed_at=observed_at,
        updated_at=plain(document["updated_at"]),
        known=Known.from_json(document["known"], account, observed_at),
    )
