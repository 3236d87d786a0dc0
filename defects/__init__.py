"""Puts in defects on purpose, each to be caught by a test: `make defects`, or only those named in `ARGS`.

Each is tried in a copy of the tree: the edit is made, the tests that ought to notice run until one
fails, and the edit is undone. Exit codes: 0 every defect was caught, 1 one was not, or a test fails
without a defect, 2 an edit no longer applies (then correct the table). The last
results are in docs/faults.md.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
NOT_COPIED = (".git", ".venv", "var", ".*_cache", "__pycache__", "mutants")


@dataclass(frozen=True)
class Defect:
    """A defect; each of its `edits` is (file, the text that it has exactly once, the text to put there)."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    tests: str


def single_edit(name: str, file: str, old: str, new: str, tests: str) -> Defect:
    """A defect made by one edit."""
    return Defect(name, ((file, old, new),), tests)


FEED = "gateway/local/feed.py"
CONSUMER = "handlers/__init__.py"
USERS = "handlers/users.py"
EVENTS = "gateway/events.py"
VERIFY = "verify.py"
FIELDS = "gateway/ingest/fields.py"
JUDGE = "gateway/ingest/decision.py"
RECEIVER = "gateway/receiver/__init__.py"
EMBEDDED = "gateway/queues/sqlite.py"
DECIDE = "gateway/links/decide.py"
FACTS = "gateway/links/facts.py"
PREPARED = "gateway/links/sql_prepared.py"
WORLDS = "tests/unit/test_links_worlds.py"
HANDED_OVER = "            results.append(deliver(delivery, self._call))\n"
MARK = """        self._mark.run(cursor, {"event_id": event_id, "processed_at": datetime.now(UTC)})
        if cursor.rowcount != 1:
            return repeated()
"""
WRITE = """        self.write(cursor, portal, decision)
        return Changes(decision.reported)
"""

DEFECTS = [
    # Acknowledging, deduplicating, publishing
    single_edit(
        "acknowledge before commit",
        FEED,
        HANDED_OVER,
        f"            self._queue.acknowledge(delivery)\n{HANDED_OVER}",
        "tests/system/test_shutdown.py tests/system/test_chaos.py",
    ),
    single_edit(
        "a failed consumer acknowledges",
        CONSUMER,
        "    raise failure\n",
        "    _log.error('%s', failure)\n",
        "tests/unit/test_handlers.py",
    ),
    single_edit(
        "a consumer's passing failure is swallowed",
        CONSUMER,
        "        _report_failure(pushed, error)\n        raise\n",
        "        _report_failure(pushed, error)\n        return\n",
        "tests/unit/test_handlers.py tests/system/test_chaos.py",
    ),
    single_edit(
        "check-then-insert",
        PREPARED,
        MARK,
        """        cursor.execute("SELECT 1 FROM processed_events WHERE event_id = '" + event_id + "'")
        if cursor.fetchone():
            return repeated()
        self._mark.run(cursor, {"event_id": event_id, "processed_at": datetime.now(UTC)})
""",
        "tests/integration/test_links_store.py",
    ),
    Defect(
        "effect before deduplication",
        (
            (PREPARED, MARK, ""),
            (
                PREPARED,
                WRITE,
                WRITE.replace(
                    "        return",
                    MARK.replace("repeated()", "Changes(decision.reported)") + "        return",
                ),
            ),
        ),
        "tests/integration/test_links_store.py",
    ),
    single_edit(
        "the event's id and its effect in two transactions",
        PREPARED,
        "        newest = NEWEST_CLAIMERS +",
        "        cursor.connection.commit()\n        newest = NEWEST_CLAIMERS +",
        "tests/system/test_shutdown.py tests/integration/test_sql_store.py tests/system/test_chaos.py",
    ),
    single_edit(
        "publish not awaited",
        RECEIVER,
        "message_id = publish_within(_publisher(), data, attributes, deadline, on_failure=load_ahead)\n",
        "import threading\n\n"
        "        arguments = (_publisher(), data, attributes, deadline)\n"
        "        threading.Thread(target=publish_within, args=arguments).start()\n"
        '        message_id = "1"\n',
        "tests/integration/test_receiver.py tests/system/test_shutdown.py tests/system/test_chaos.py",
    ),
    single_edit(
        "the embedded queue answers before its commit is on the disk",
        EMBEDDED,
        'with self._file.opened("FULL", deadline)',
        'with self._file.opened("OFF", deadline)',
        "tests/integration/test_queue_sqlite.py",
    ),
    single_edit(
        "a lease that nobody respects",
        EMBEDDED,
        "until, leased = now + min(seconds, LONGEST_LEASE), ",
        "until, leased = now, ",
        "tests/integration/test_queue_sqlite.py tests/integration/test_queue_contract.py",
    ),
    single_edit(
        "an acknowledgement after the lease ran out",
        EMBEDDED,
        '                delete = "DELETE FROM messages WHERE id = ? AND lease = ?"\n',
        '                delete = "DELETE FROM messages WHERE id = ? AND ? IS NOT NULL"\n',
        "tests/integration/test_queue_sqlite.py tests/integration/test_queue_contract.py",
    ),
    single_edit(
        "retried without end",
        EMBEDDED,
        "        if delivery.attempt >= self._max_attempts:\n",
        "        if False:\n",
        "tests/integration/test_queue_sqlite.py tests/integration/test_queue_contract.py",
    ),
    single_edit(
        "the event is kept after the answer",
        RECEIVER,
        "    if notice := keep(data, attributes, config):\n",
        "    import threading\n\n"
        "    threading.Timer(1.0, keep, (data, attributes, config)).start()\n"
        "    if notice := None:\n",
        "tests/integration/test_receiver.py tests/system/test_shutdown.py",
    ),
    single_edit(
        "a large event is kept in one log entry",
        "gateway/queues/unqueued.py",
        "    if len(json.dumps(text)) <= PART_BYTES:\n",
        "    if True:\n",
        "tests/unit/test_publish.py",
    ),
    single_edit(
        "replay marks an event before it is back",
        "gateway/cli/replay.py",
        "            began = time.time()\n",
        "            began = time.time()\n            self.store.mark_replayed(kept.event_id)\n",
        "tests/integration/test_replay.py",
    ),
    single_edit(
        "SIGTERM ends the requests in flight",
        FEED,
        "STOP_SECONDS = 7.0",
        "STOP_SECONDS = 0.0",
        "tests/system/test_shutdown.py",
    ),
    # Identity, order, links
    single_edit(
        "a deduplication key without the user's id",
        EVENTS,
        "sha256(text.encode()).hexdigest()",
        "sha256(__import__('re').sub(r'\"ID\":\"[0-9]+\",?', '', text).encode()).hexdigest()",
        "tests/unit/test_events.py tests/system/test_chaos.py",
    ),
    single_edit(
        "an event without a time is a repetition",
        EVENTS,
        "    if contents.ts is None:\n",
        "    if False:\n",
        "tests/unit/test_events.py",
    ),
    single_edit(
        "an older observation replaces a newer one",
        FACTS,
        "accounts = tuple(sorted((*accounts, claim), key=lambda fact: (fact[0], _spelling(fact[1]))))",
        "accounts = (*accounts, claim)",
        "tests/unit/test_links_decide.py",
    ),
    single_edit(
        "of one second, what was received later does not count",
        "gateway/links/model.py",
        "(self.received_at - EPOCH) // MICROSECOND",
        "0",
        "tests/unit/test_links_decide.py tests/integration/test_links_store.py",
    ),
    single_edit(
        "a second user who claims an account is ignored",
        DECIDE,
        "(theirs[name], other) > mine for name in names_of(claim[1]))",
        "(theirs[name], other) < mine for name in names_of(claim[1]))",
        "tests/unit/test_links_decide.py",
    ),
    single_edit(
        "of equal moments both users have the account",
        DECIDE,
        "(theirs[name], other) > mine for name in names_of(claim[1]))",
        "theirs[name] > mine[0] for name in names_of(claim[1]))",
        WORLDS,
    ),
    single_edit(
        "a claim of a dismissed user counts",
        FACTS,
        "return before[-1] if before else True",
        "return True",
        WORLDS,
    ),
    single_edit(
        "a dismissal ends no claim before it",
        FACTS,
        "dismissed = any(at > moment and not active for at, active in self.states)",
        "dismissed = False",
        WORLDS,
    ),
    single_edit(
        "only being active again brings the account back",
        FACTS,
        "dismissed = any(at > moment and not active for at, active in self.states)",
        "dismissed = not self.active",
        WORLDS,
    ),
    single_edit(
        "a claim whose claimer has moved on ends no link",
        FACTS,
        "            for moment, account in self.accounts\n            if account and self.counts",
        "            for moment, account in self.accounts[-1:]\n            if account and self.counts",
        WORLDS,
    ),
    single_edit(
        "what was taken by a claim that counts no longer stays taken",
        DECIDE,
        'self._settle(other, self._rows[other].account, at, "conflict", "corrected")',
        "if self._rows[other].account:\n                self._settle(other, self._rows[other].account, at, "
        '"conflict", "corrected")',
        WORLDS,
    ),
    single_edit(
        "what a forgotten person had taken stays taken",
        DECIDE,
        "            others = self._affected(user, row.known, Known())\n",
        "            others: list[int] = []\n",
        f"{WORLDS} tests/integration/test_links_store.py",
    ),
    single_edit(
        "a void claim had made an older one forgotten",
        FACTS,
        "sorted(old.claims().values())",
        "sorted(self.claims().values())",
        "tests/unit/test_links_decide.py",
    ),
    single_edit(
        "a claim is written down once and never withdrawn",
        DECIDE,
        "return changed | dict.fromkeys(old.keys() - new.keys())",
        "return changed",
        "tests/integration/test_links_store.py",
    ),
    single_edit(
        "SQLite's transaction begins with a read",
        "gateway/links/sql_store.py",
        'cursor.execute("BEGIN IMMEDIATE")',
        'cursor.execute("BEGIN")',
        "tests/integration/test_links_store.py tests/integration/test_sql_store.py",
    ),
    single_edit(
        "PostgreSQL's rows are not locked",
        PREPARED,
        "    .with_for_update()\n",
        "",
        "tests/integration/test_links_store.py",
    ),
    single_edit(
        "an absent field is an empty one",
        USERS,
        "        if self._portal is None:\n            return _observation(user, None,",
        "        if self._portal is None:\n            return _observation(user, Account(),",
        "tests/unit/test_handlers_users.py",
    ),
    single_edit(
        "a message without a user is tried again",
        CONSUMER,
        "        _put_aside(pushed, poison)\n    else:\n        _report(outcomes,",
        "        raise PassingFailure(poison.key) from None\n    else:\n        _report(outcomes,",
        "tests/unit/test_handlers.py",
    ),
    single_edit(
        "another user's row of user.get is believed",
        "gateway/portal/client.py",
        "            if number == user_id:\n",
        "            if number:\n",
        "tests/integration/test_portal_client.py",
    ),
    # Verification
    single_edit(
        "the first of two duplicated tokens is taken",
        FIELDS,
        "count in counts.items() if count > 1 and None not in name)",
        "count in counts.items() if count > 9 and None not in name)",
        "tests/unit/test_decode.py tests/integration/test_receiver.py",
    ),
    single_edit(
        "of a key given twice in JSON, one is taken",
        "gateway/ingest/json_value.py",
        "        twice = twice or len(values) > 1\n",
        "        twice = False\n",
        "tests/unit/test_decode.py",
    ),
    single_edit(
        "of two joined headers, the first is taken",
        VERIFY,
        'return None if b"," in value else value.strip(b" \\t\\r\\n")',
        'return value.partition(b",")[0].strip(b" \\t\\r\\n")',
        "tests/unit/test_verify.py",
    ),
    Defect(
        "a secret store's outage is taken as an empty token",
        (
            ("gateway/setting_values.py", "        if token:\n", "        if True:\n"),
            (VERIFY, ' and token != b""', ""),
            (VERIFY, '    if not value.strip():\n        return Trace(place, "malformed", 0)\n', ""),
        ),
        "tests/unit/test_verify.py tests/unit/test_settings.py tests/integration/test_receiver.py",
    ),
    single_edit(
        "an empty setting is an accepted token",
        "gateway/setting_values.py",
        "        if token:\n",
        "        if True:\n",
        "tests/unit/test_settings.py",
    ),
    single_edit(
        "an empty token matches an empty one", VERIFY, ' and token != b""', "", "tests/unit/test_verify.py"
    ),
    single_edit(
        "no configured token lets everything in",
        JUDGE,
        '        return "TOKEN_NOT_CONFIGURED", None, None\n',
        '        return "EVENT_QUEUED", webhook_message(payload.fields, received_at, (), ""), None\n',
        "tests/integration/test_receiver.py",
    ),
    single_edit(
        "only the first place that holds a text counts",
        VERIFY,
        '    matching = next((trace.place for trace in traces if trace.state == "match"), None)\n',
        "    first = next((trace for trace in traces if trace.length), None)\n"
        '    matching = first.place if first and first.state == "match" else None\n',
        "tests/unit/test_verify.py",
    ),
    single_edit(
        "tokens are compared until the first match",
        VERIFY,
        "        accepted |= hmac.compare_digest(value, token) and",
        "        accepted = accepted or hmac.compare_digest(value, token) and",
        "tests/unit/test_verify.py",
    ),
    single_edit(
        "tokens are compared with ==",
        VERIFY,
        "hmac.compare_digest(value, token)",
        "(value == token)",
        "tests/unit/test_verify.py",
    ),
    single_edit(
        "a body is read to its end",
        JUDGE,
        "    body = incoming.read(MAX_BODY + 1)\n",
        "    body = incoming.read(1 << 40)\n",
        "tests/system/test_hostile.py",
    ),
    single_edit(
        "a plain answer, after which the host reads the body",
        "gateway/receiver/answers.py",
        "flask.Response(iter((body,)), status",
        "flask.Response(body, status",
        "tests/integration/test_receiver.py tests/system/test_hostile.py",
    ),
    # Secrets
    single_edit(
        "secrets are removed only from the top of data",
        EVENTS,
        "            key: _without_keys(inner) if isinstance(inner, (dict, list)) else _in_text(inner)\n",
        "            key: inner\n",
        "tests/unit/test_events.py tests/system/test_canaries.py",
    ),
    single_edit(
        "the store's error is chained to the consumer's",
        "gateway/links/sql_store.py",
        "            raise unavailable(error, self._engine) from None\n",
        "            raise unavailable(error, self._engine) from error\n",
        "tests/integration/test_sql_store.py tests/unit/test_handlers.py"
        " tests/integration/test_links_outage.py tests/system/test_canaries.py",
    ),
    single_edit(
        "a configured secret is masked only as it is",
        "gateway/redaction.py",
        '"|".join(f"({\'\'.join(map(_writings, secret))})" for secret in secrets)',
        '"|".join(f"({re.escape(secret)})" for secret in secrets)',
        "tests/unit/test_redaction.py tests/unit/test_capture.py tests/system/test_canaries.py",
    ),
    single_edit(
        "the log says the request's address",
        "gateway/logs.py",
        "            record.http_request = {}\n",
        "",
        "tests/integration/test_receiver.py tests/system/test_canaries.py",
    ),
]


def caught_by(defect: Defect, tree: Path) -> str | None:
    """The first test that fails with the defect in place; None if none does.

    Raises `LookupError` if an edit does not apply, or the tests do not run with it.
    """
    before = {file: (tree / file).read_text("utf-8") for file, _, _ in defect.edits}
    try:
        for file, old, new in defect.edits:
            text = (tree / file).read_text("utf-8")
            if text.count(old) != 1:
                raise LookupError(f"{file} must have this text exactly once: {old.strip()}")
            (tree / file).write_text(text.replace(old, new), "utf-8")
        return failing(defect.tests.split(), tree)
    finally:
        for file, text in before.items():
            (tree / file).write_text(text, "utf-8")


def failing(tests: Iterable[str], tree: Path) -> str | None:
    """The first test of these files that fails in `tree`. Raises `LookupError` if the tests do not run."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    if result.returncode > 1:
        raise LookupError(f"its tests do not run: {result.stdout[-300:]}{result.stderr[-300:]}")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", result.stdout, re.MULTILINE)
    return failed[1] if failed else None


@click.command(help=__doc__)
@click.argument("names", nargs=-1, metavar="[NAME]…")
def main(names: tuple[str, ...]) -> None:
    """Try the chosen defects one by one, and print which test caught each."""
    exit_code = 0
    chosen = [defect for defect in DEFECTS if not names or defect.name in names]
    with tempfile.TemporaryDirectory(prefix="defects-") as directory:
        tree = Path(directory) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))
        # A test that fails in the unchanged copy would seem to catch everything.
        try:
            failed = failing(dict.fromkeys(" ".join(defect.tests for defect in chosen).split()), tree)
        except LookupError as error:
            sys.exit(str(error))
        if failed:
            sys.exit(f"{failed} fails without a defect: fix that first")
        for defect in chosen:
            try:
                failed = caught_by(defect, tree)
            except LookupError as error:
                print(f"{defect.name}: {error}", flush=True)
                exit_code = 2
                continue
            print(f"{defect.name}: {failed or 'NOT CAUGHT'}", flush=True)
            exit_code = exit_code or int(failed is None)
    sys.exit(exit_code)
