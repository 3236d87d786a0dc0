"""Publishing inside the request, on a clock of its own; what fails is kept whole."""

import json
import logging
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import journal as journals
from gateway.errors import QueueRefused, QueueUnavailable
from gateway.queues import publish
from gateway.queues.publish import PUBLISH_SECONDS, publish_within
from gateway.queues.unqueued import PART_BYTES, in_parts, is_signed, keep
from gateway.settings import Settings, load
from tests.support.errors import logged

ATTRIBUTES = {"event": "ONUSERADD", "event_id": "e-1", "portal": "p.bitrix24.ru", "source": "webhook"}


class World:
    """A queue whose attempts take time and end as told, and the clock that this time passes on."""

    def __init__(self, *outcomes: tuple[float, str | QueueUnavailable]) -> None:
        self.now, self.outcomes = 100.0, list(outcomes)
        self.timeouts: list[float] = []
        self.pauses: list[float] = []

    def wants(self, event: str) -> bool:
        return True

    def publish(self, data: bytes, attributes: Mapping[str, str], timeout: float) -> str:
        self.timeouts.append(timeout)
        seconds, outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        self.now += min(seconds, timeout)
        if isinstance(outcome, QueueUnavailable):
            raise outcome
        return outcome if seconds <= timeout else self._late()

    def _late(self) -> str:
        raise QueueUnavailable("timed out")

    def close(self) -> None:
        """Nothing to close."""

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def run(self, on_failure: Callable[[], None] = lambda: None) -> str:
        return publish_within(
            self, b"{}", ATTRIBUTES, 100.0 + PUBLISH_SECONDS, on_failure=on_failure,
            clock=lambda: self.now, sleep=self.sleep, jitter=lambda low, high: high,
        )  # fmt: skip


def test_the_first_success_is_the_answer() -> None:
    world = World((0.01, "m-1"))
    assert world.run() == "m-1"
    assert world.pauses == []


def test_passing_failures_are_tried_again_with_doubling_pauses() -> None:
    world = World(*[(0.0, QueueUnavailable("503"))] * 5, (0.0, "m-1"))
    assert world.run() == "m-1"
    assert world.pauses == [0.05, 0.1, 0.2, 0.4, 0.4]


def test_each_failure_is_announced_before_the_next_attempt() -> None:
    world = World(*[(0.0, QueueUnavailable("503"))] * 2, (0.0, "m-1"))
    attempts: list[int] = []
    assert world.run(lambda: attempts.append(len(world.timeouts))) == "m-1"
    assert attempts == [1, 2]


def test_a_stalled_attempt_leaves_time_for_another() -> None:
    world = World((60.0, "never"), (0.1, "m-1"))
    assert world.run() == "m-1"
    assert world.timeouts[0] == publish.ATTEMPT_SECONDS


def test_a_slow_queue_gets_all_the_time_that_is_left() -> None:
    world = World((60.0, "never"), (1.2, "m-1"))
    assert world.run() == "m-1"


@pytest.mark.parametrize(
    "outcome", [(60.0, "never"), (0.0, QueueUnavailable("refused")), (0.3, QueueUnavailable("500"))]
)
def test_publishing_ends_at_the_deadline_whatever_the_queue_does(
    outcome: tuple[float, str | QueueUnavailable],
) -> None:
    world = World(outcome)
    with pytest.raises(QueueUnavailable):
        world.run()
    assert world.now <= 100.0 + PUBLISH_SECONDS
    assert all(timeout > 0 for timeout in world.timeouts)


def test_a_permanent_refusal_is_not_tried_again() -> None:
    world = World((0.0, QueueRefused("no topic")))
    with pytest.raises(QueueRefused):
        world.run()
    assert len(world.timeouts) == 1


def cloud(**more: str) -> Settings:
    return load(
        {"K_SERVICE": "b24-bitrix-webhook", "BITRIX24_OUTGOING_WEBHOOK_TOKEN": "t" * 32, **more}, None
    )


def fields(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    records = [record for record in caplog.records if record.name == "gateway.queues.unqueued"]
    assert all(record.levelno == logging.CRITICAL for record in records)
    return [record.__dict__["json_fields"] for record in records]


MESSAGE = json.dumps(
    {"schema": 1, "event_id": "e-1", "data": {"NAME": 'Ёж 🦔 "\\', "ID": 2**60}}, ensure_ascii=False
)


def test_on_google_cloud_the_event_is_kept_in_the_log_as_text(caplog: pytest.LogCaptureFixture) -> None:
    keep(MESSAGE.encode(), ATTRIBUTES, cloud())
    [unqueued] = fields(caplog)
    assert is_signed(unqueued, cloud().tokens_of)
    assert not is_signed({**unqueued, "payload": "{}"}, cloud().tokens_of)
    assert len(unqueued.pop("signature")) == 64
    assert unqueued.pop("sha256") == sha256(MESSAGE.encode()).hexdigest()
    assert unqueued == {
        "code": "EVENT_NOT_QUEUED", "event": "ONUSERADD", "event_id": "e-1", "attributes": ATTRIBUTES,
        "part": 1, "parts": 1, "payload": MESSAGE,
    }  # fmt: skip
    assert "./b24 replay" in logged(caplog)


@pytest.mark.parametrize("letter", ["x", "я", "🎄", '"', "\\", "\x01"])
def test_a_large_event_is_kept_in_parts_that_an_entry_holds(
    caplog: pytest.LogCaptureFixture, letter: str
) -> None:
    text = letter * 300_000
    keep(text.encode(), ATTRIBUTES, cloud())
    parts = fields(caplog)
    assert [part["part"] for part in parts] == list(range(1, len(parts) + 1))
    assert {part["parts"] for part in parts} == {len(parts)}
    assert "".join(part["payload"] for part in parts) == text
    for part in parts:
        assert max(len(json.dumps(part)), len(json.dumps(part, ensure_ascii=False).encode())) < 200_000


@settings(deadline=None, max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_parts_are_short_and_join_to_the_text(seed: str) -> None:
    text = seed * 50_000
    parts = in_parts(text)
    assert "".join(parts) == text
    assert all(len(json.dumps(part)) <= PART_BYTES for part in parts)


def test_on_one_machine_the_event_is_kept_in_the_journal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    local = load({"JOURNAL_URL": f"sqlite:///{tmp_path}/var/journal.db"}, None)
    notice = keep(MESSAGE.encode(), ATTRIBUTES, local)
    assert notice is not None
    assert notice.facts["event_id"] == "e-1"
    [unqueued] = journals.open_journal(local).unqueued()
    assert unqueued.record["payload"] == MESSAGE
    assert unqueued.record["attributes"] == ATTRIBUTES
    assert fields(caplog) == []
    assert "Ёж" not in str(notice)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_if_the_journal_fails_too_the_event_is_kept_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, log_format: str
) -> None:
    (tmp_path / "var").write_text("a file where the directory should be")
    local = load({"JOURNAL_URL": f"sqlite:///{tmp_path}/var/journal.db", "LOG_FORMAT": log_format}, None)
    assert keep(MESSAGE.encode(), ATTRIBUTES, local) is None
    if log_format == "json":
        assert fields(caplog)[-1]["payload"] == MESSAGE
    else:
        line = logged(caplog).splitlines()[-1]
        assert json.loads(line[line.index("{") :])["payload"] == MESSAGE
        assert line.startswith("🛑")


def test_there_is_time_to_keep_and_to_answer() -> None:
    assert publish.PUBLISH_SECONDS + journals.WRITE_SECONDS < publish.ANSWER_SECONDS
