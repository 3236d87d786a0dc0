"""Writes the journal of `serve`: after the answer, by one thread with a bounded queue.

The receiver hands over each answered request as it is, which costs it an append; the
thread masks, diagnoses and writes. What consumers and polling report comes through the
log: `attach` is called in every process of `serve`, and the processes share the file.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import flask

from gateway import receiver
from gateway.destinations import PROBE_EVENT
from gateway.diagnosis import findings
from gateway.diagnosis.finding import Finding
from gateway.ingest.decision import Judgement, judge
from gateway.journal import Journal, JournalUnavailable, NewRequest, Report
from gateway.links import user_record
from gateway.links.telegram_account import parse_account
from gateway.local.backlog import Backlog, Item
from gateway.local.client_address import sender_address, sender_network
from gateway.receiver import Answered
from gateway.receiver.answers import new_request_id
from gateway.receiver.refusals import MAX_CAUSES, shape_of
from gateway.receiver.wsgi import incoming_of
from gateway.redaction import clean, clean_key
from gateway.settings import Settings
from gateway.texts import Notice
from verify import Trace

# Characters of a body.
BODY_TEXT = 16 * 1024
MAX_USERS = 20
# Records in one transaction: if more arrived during GATHER_SECONDS, the thread would fall behind.
BATCH = 500
# How long the thread collects records, because each transaction costs some pages.
GATHER_SECONDS = 0.1
# When records that the journal's file did not take are offered to it again.
RETRY_SECONDS = 0.5
# Between two reports of how many records were dropped.
REPORT_SECONDS = 60.0
# How long the page can have every request kept whole.
CAPTURE_SECONDS = 30 * 60.0

log = logging.getLogger("gateway.recorder")


class Recorder:
    """Writes what happens in this process into the journal; never raises into the code it observes."""

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        self._backlog = Backlog()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._handler = _Handler(self)
        self._closing = threading.Event()
        # Whether the file took no records while this process ended.
        self._gave_up = False
        # Whether the file did not take the last records at once.
        self._was_stuck = False
        # Why the file did not take the last records.
        self._problem: JournalUnavailable | None = None
        # Records that came too fast since the last report of them.
        self._dropped = 0
        # Records that the file did not take.
        self._unwritten = 0
        self._report_at = 0.0
        # Of the rejected requests that are being written together.
        self._folds: dict[str, str] = {}
        # On the clock of `time.time()`: until then every request is kept whole.
        self.whole_until = 0.0

    def attach(self) -> None:
        """Observe the receiver and the logs of this process from now on."""
        self._thread.start()
        receiver.observers.append(self.observe)
        for name in ("gateway.outcome", "gateway.portal.resync"):
            logging.getLogger(name).addHandler(self._handler)
        # What came of a probe is logged at this level.
        logging.getLogger("gateway.outcome").setLevel(logging.DEBUG)

    def close(self) -> None:
        """Write what still waits, for at most two seconds."""
        with suppress(ValueError):
            receiver.observers.remove(self.observe)
        for name in ("gateway.outcome", "gateway.portal.resync"):
            logging.getLogger(name).removeHandler(self._handler)
        logging.getLogger("gateway.outcome").setLevel(logging.NOTSET)
        self._closing.set()
        self._backlog.end()
        self._thread.join(2)

    def observe(self, answered: Answered) -> None:
        """Queue an answered request for the journal; a monitor's healthy GET is left out."""
        judgement = answered.judgement
        if judgement.code == "OK" and not judgement.refused:
            return  # a monitor's GET
        item = Item("request", time.time(), (answered, time.monotonic() - answered.began))
        refused = judgement.message is None and not answered.probe
        sender = sender_network(sender_address(answered.environ)) if refused else None
        self._backlog.add(item, len(judgement.body), sender)

    def observe_unjudged(self, environ: Mapping[str, Any], size: int) -> None:
        """Record a request that broke off after `size` bytes of its body, one of too many to judge each."""
        item = Item("unjudged", time.time(), (environ, size))
        self._backlog.add(item, 0, sender_network(sender_address(environ)))

    def say(self, kind: str, fields: Mapping[str, Any]) -> None:
        self._backlog.add(Item(kind, time.time(), dict(fields)))

    def keep_whole(self, seconds: float = CAPTURE_SECONDS) -> None:
        """Keep headers and body of every request for a while, whatever `JOURNAL_BODIES` says."""
        self.whole_until = time.time() + seconds if seconds > 0 else 0.0

    def _work(self) -> None:
        while True:
            batch = deque([self._backlog.take(wait=True)])
            if batch[0] is not None:
                time.sleep(GATHER_SECONDS)
            with suppress(queue.Empty):
                while len(batch) < BATCH:
                    batch.append(self._backlog.take(wait=False))
            has_ended = None in batch
            self._write(batch)
            if has_ended:
                self._report(at_once=True)
                return

    def _write(self, batch: deque[tuple[Item, int] | None]) -> None:
        """Write the items of `batch`, and take them out of it."""
        items: list[NewRequest | Report] = []
        self._folds.clear()
        size = sum(entry[1] for entry in batch if entry is not None)
        while batch:
            # Let go as soon as it is prepared: a request holds its environment and its body.
            if (entry := batch.popleft()) is not None:
                items += self._prepared(entry[0])
        counted, dropped = self._backlog.note_written(size)
        for sender, first, count in counted:
            items += [
                replace(new, fold=f"flood {sender}".strip(), count=count)
                for new in self._prepared(first)
                if isinstance(new, NewRequest)
            ]
        # They found no room because this thread was waiting for the file.
        if self._was_stuck:
            self._unwritten += dropped
        else:
            self._dropped += dropped
        if items:
            self._store(items)
        self._report()

    def _store(self, items: Sequence[NewRequest | Report]) -> None:
        """Write records. While the file takes none they wait, and what comes meanwhile fills the backlog."""
        self._was_stuck = self._gave_up
        while not self._gave_up and not self._journal.write(items):
            self._was_stuck, self._problem = True, self._journal.failure or self._problem
            self._gave_up = self._closing.is_set()
            self._closing.wait(RETRY_SECONDS)
        if self._gave_up:
            self._unwritten += sum(item.count if isinstance(item, NewRequest) else 1 for item in items)

    def _report(self, at_once: bool = False) -> None:
        """Log how many records were dropped and why, once a minute and at the end."""
        now = time.monotonic()
        if not (self._dropped or self._unwritten):
            return
        if at_once or (now >= self._report_at and not self._gave_up):
            if self._dropped:
                log.warning(Notice("JOURNAL_BEHIND", count=self._dropped))
            if self._unwritten:
                log.warning(Notice("JOURNAL_UNWRITTEN", count=self._unwritten, problem=self._problem))
            self._dropped, self._unwritten, self._report_at = 0, 0, now + REPORT_SECONDS

    def _prepared(self, item: Item) -> list[NewRequest | Report]:
        """What is to be written of an item; nothing if that fails: one odd request can't end the journal."""
        try:
            if item.kind == "request":
                answered, seconds = item.value
                return [self._new_request(item.at, answered, seconds)]
            if item.kind == "unjudged":
                environ, size = item.value
                return [self._new_request(item.at, _unjudged(environ, size, self._settings), 0.0)]
        except Exception as error:  # noqa: BLE001 — whatever a request's own values run into
            log.error("a request was not recorded: %s", type(error).__name__)
            return []
        return [Report(*item)]

    def _new_request(self, at: float, answered: Answered, seconds: float) -> NewRequest:
        judgement, settings = answered.judgement, self._settings
        not_queued = judgement.message is not None and answered.status != 200
        record = _record(answered, seconds, settings)
        event, portal = _event_and_portal(judgement, settings)
        kind = "probe" if answered.probe else _kind_of(judgement, event, not_queued)
        code = _code(judgement, not_queued)
        # The receiver's log has asked for them already.
        causes = findings(judgement, settings)[:MAX_CAUSES] if kind == "refused" else []
        fold, is_known = None, False
        if kind in ("refused", "probe"):
            key = _fold(code, event, portal, record, judgement, causes)
            is_known = key in self._folds
            if not is_known:
                self._folds[key], is_known = self._journal.fold_of(key, sender_network(record["address"]), at)
            fold = self._folds[key]
        return NewRequest(
            request_id=answered.request_id,
            at=at,
            kind=kind,
            code=code,
            status=answered.status,
            cause=causes[0].code if causes else "",
            event=event,
            event_id=judgement.message.event_id if judgement.message else "",
            portal=portal,
            fold=fold,
            terms=_terms(record),
            # As keys and facts, which `in_words` puts into the reader's words.
            record={**record, "causes": [] if is_known else [asdict(cause) for cause in causes]},
            whole={} if is_known else self._details(judgement, kind, at),
            message=judgement.message.to_bytes() if judgement.message and kind != "probe" else b"",
        )

    def _details(self, judgement: Judgement, kind: str, at: float) -> dict[str, Any]:
        if not self._keeps_body(kind, at):
            return {}
        from gateway.receiver.capture import masked_request  # cold start

        return masked_request(judgement.incoming, judgement.body, self._settings, BODY_TEXT)

    def _keeps_body(self, kind: str, at: float) -> bool:
        if at < self.whole_until:
            return True
        setting = self._settings.journal_bodies
        return setting == "on" or (setting == "refused" and kind in ("refused", "not_queued"))


class _Handler(logging.Handler):
    """Records what consumers and polling log, by the fields of their log records."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(logging.DEBUG)
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = getattr(record, "json_fields", {})
        if record.name == "gateway.outcome" and fields.get("code"):
            # A key and its facts, since the journal's reader chooses the language.
            self._recorder.say("outcome", {**fields, "reason": str(fields.get("reason", ""))})
        elif str(fields.get("code", "")).startswith(("RESYNC_", "LINKS_AT_RISK")):
            self._recorder.say("round", fields)


def _unjudged(environ: Mapping[str, Any], size: int, settings: Settings) -> Answered:
    """A broken-off request, judged by its head without its body."""
    incoming = incoming_of(flask.Request(dict(environ), populate_request=False))
    incoming.cut, incoming.read = True, lambda _limit: b""
    judgement = judge(incoming, settings, datetime.now(UTC))
    judgement.body_bytes = size
    return Answered(judgement, new_request_id(), 408, environ, time.monotonic())


def _kind_of(judgement: Judgement, event: str, not_queued: bool) -> str:
    if event == PROBE_EVENT:
        return "probe"
    if judgement.message is None:
        return "refused"
    return "not_queued" if not_queued else "accepted"


def _fold(
    code: str,
    event: str,
    portal: str,
    record: Mapping[str, Any],
    judgement: Judgement,
    causes: Sequence[Finding],
) -> str:
    """The key that equal rejections share: sender, contents, path, token, answer and causes.

    Somebody who tries one header after another sends the same body each time, and reads each cause.
    """
    received = judgement.verdict.received
    token = received and (received.fingerprint or received.length)
    names = ("method", "path", "address", "user_agent", "content_type", "body_bytes", "users")
    named_causes = (f"{cause.code} {cause.detail}" for cause in causes)
    return "\n".join(map(str, (code, event, portal, token, *(record[name] for name in names), *named_causes)))


def _code(judgement: Judgement, not_queued: bool) -> str:
    if not_queued:
        return "QUEUE_UNAVAILABLE"
    return "METHOD_GET" if judgement.code == "OK" else judgement.code


def _record(answered: Answered, seconds: float, settings: Settings) -> dict[str, Any]:
    judgement = answered.judgement
    return {
        "ms": round(seconds * 1000, 1),
        "address": sender_address(answered.environ),
        **shape_of(judgement, settings.secrets())._asdict(),
        "place": judgement.verdict.place,
        "places": _places(judgement.verdict.places),
        **({"field": judgement.invalid} if judgement.invalid else {}),
        **({"hint": judgement.hint} if judgement.hint else {}),
        **({"limit": list(judgement.limit)} if judgement.limit else {}),
        **_people(judgement, settings),
    }


@lru_cache(maxsize=64)
def _places(traces: tuple[Trace, ...]) -> list[dict[str, Any]]:
    """The traces as JSON keeps them; those of a webhook are the same in every delivery."""
    return [trace._asdict() for trace in traces]


def _people(judgement: Judgement, settings: Settings) -> dict[str, Any]:
    """The users that an event is about, and the Telegram accounts it names."""
    fields = judgement.payload.fields
    event = str(fields.get("event", "")) if isinstance(fields, dict) else ""
    if not event.strip().upper().startswith("ONUSER"):
        return {"users": [], "accounts": []}
    people = user_record.records(fields.get("data"))[:MAX_USERS]
    users = [user for person in people if (user := user_record.user_id(person)) is not None]
    telegram_fields = user_record.telegram_fields(settings.telegram_field)
    accounts_named = (_account_text(person.get(name)) for person in people for name in telegram_fields)
    accounts = [clean(account, settings.secrets(), 80) for account in accounts_named if account]
    # Only verified events name a user: a stranger could give anybody any name.
    names_by_user = _names(people, settings) if judgement.message is not None else {}
    return {"users": users, "accounts": accounts, **({"names": names_by_user} if names_by_user else {})}


def _account_text(value: object) -> str:
    """The Telegram account in a field as links write it, by which people look for it; else the value."""
    account = parse_account(value)
    if account is not None:
        return str(account)
    return str(value).strip() if isinstance(value, str | int) else ""


def _names(people: Sequence[user_record.Record], settings: Settings) -> dict[str, str]:
    """First and last names by the users' ids, as JSON keeps them."""
    names = {}
    for person in people:
        parts = (person.get(name) for name in ("NAME", "LAST_NAME"))
        name = " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())
        if (user := user_record.user_id(person)) is not None and name:
            names[str(user)] = clean(name, settings.secrets(), 80)
    return names


def _event_and_portal(judgement: Judgement, settings: Settings) -> tuple[str, str]:
    """The event's name and portal: as published, or as a refused request claims them."""
    if judgement.message is not None:
        return judgement.message.event, judgement.message.portal.domain
    fields = judgement.payload.fields
    if not isinstance(fields, dict):
        return "", ""
    event, auth = fields.get("event"), fields.get("auth")
    domain = auth.get("domain") if isinstance(auth, dict) else None
    name = clean(event.strip(), settings.secrets(), 100).upper() if isinstance(event, str) else ""
    portal = clean_key(domain.strip(), settings.secrets()).lower() if isinstance(domain, str) else ""
    return name, portal


def _terms(record: Mapping[str, Any]) -> tuple[str, ...]:
    fingerprints = [trace["fingerprint"] for trace in record["places"] if trace["fingerprint"]]
    users = [str(user) for user in record["users"]]
    names = record.get("names", {}).values()
    words = [word for name in names for word in (name, *name.split())]
    accounts = [name for account in record["accounts"] for name in (account, account.removeprefix("@"))]
    return (*fingerprints, *users, *accounts, *words, record["address"])
