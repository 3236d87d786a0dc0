"""Works out how a captured request would be answered, and why: the data behind `explain`.

A request is judged exactly as the function judges it. A log record's verdict stands
unless the settings have changed: a place whose fingerprint belongs to a token that is
accepted today matches today.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from string import Formatter
from typing import Any

from gateway.diagnosis import diagnose
from gateway.diagnosis.causes import DO, SAYS
from gateway.diagnosis.wording import sentences_of, text_values
from gateway.events import EventInvalid, webhook_message
from gateway.ingest.decision import STATUS, Judgement, judge
from gateway.receiver.capture import mask_leaf, mask_name
from gateway.receiver.oddities import oddities_of
from gateway.settings import Settings
from gateway.tools.explain import Record, Request
from gateway.tools.explain.masks import as_masked, causes_as_masked, mask_again, unmask
from gateway.tools.explain.sentences import LEFT_OUT, Sentences, closest, safe, sentence_of
from verify import Trace, fingerprint

_VERDICTS = frozenset(["TOKEN_NOT_CONFIGURED", "TOKEN_MISMATCH", "EVENT_INVALID", "EVENT_QUEUED"])
# Only a verified request gets these.
_VERIFIED = frozenset(["EVENT_INVALID", "QUEUE_UNAVAILABLE", "EVENT_QUEUED"])


@dataclass(frozen=True)
class Explanation:
    """The explanation of a request or a record.

    `passes`: nothing is wrong with it. `causes`: `{code, detail, says, do}`, most likely first.
    `invalid` and `hint`: as in `Judgement`.
    """

    code: str
    passes: bool
    verified: bool
    place: str | None
    decoded_as: str | None
    places: tuple[Trace, ...]
    causes: tuple[dict[str, Any], ...] = ()
    event: dict[str, Any] | None = field(default=None, repr=False)
    recorded: bool = False
    invalid: str | None = None
    hint: str = ""
    # What the event lost on its way.
    oddities: tuple[str, ...] = ()
    # The name of the reader that recognised the text.
    read_as: str = ""

    @property
    def status(self) -> int | None:
        """The answer's HTTP status; None for a record that is not of an answer."""
        return STATUS.get(self.code)

    def to_json(self) -> dict[str, Any]:
        """The explanation as `explain --json` prints it."""
        return {
            "verified": self.verified,
            "code": self.code,
            "place": self.place,
            "decoded_as": self.decoded_as,
            "places": [trace._asdict() for trace in self.places],
            "causes": list(self.causes),
            "event": self.event,
            "read_as": self.read_as,
            "notes": list(self.oddities),
        }


def explain(pasted: Request | Record, settings: Settings, now: datetime) -> Explanation:
    """Judge a request, or a record by today's settings."""
    explanation = (
        _of_request(pasted, settings, now)
        if isinstance(pasted, Request)
        else _of_record(pasted, settings, now)
    )
    return replace(explanation, read_as=pasted.read_as)


def _of_request(request: Request, settings: Settings, now: datetime) -> Explanation:
    request, stand_ins = unmask(request, settings)
    judgement = judge(request.incoming(), settings, now)
    causes = [cause.to_json() for cause in diagnose(judgement, settings)] if judgement.refused else []
    return Explanation(
        code=judgement.code,
        passes=not judgement.refused,
        verified=judgement.verdict.verified,
        place=judgement.verdict.place,
        decoded_as=judgement.payload.decoded_as,
        places=as_masked(judgement.verdict.places, stand_ins),
        causes=tuple(causes_as_masked(causes, stand_ins)),
        event=_event(judgement, settings, now, stand_ins),
        invalid=judgement.invalid,
        hint=judgement.hint,
        oddities=tuple(mask_again(oddities_of(judgement, settings), stand_ins)),
    )


def _event(
    judgement: Judgement, settings: Settings, now: datetime, stand_ins: Mapping[str, str]
) -> dict[str, Any] | None:
    """The event as it would be published; if it is not verified, without anything that looks like a token."""
    try:
        secrets = settings.secrets()
        message = judgement.message or webhook_message(
            judgement.payload.fields, now, secrets, settings.domain
        )
    except EventInvalid:
        return None
    event: dict[str, Any] = mask_again(json.loads(message.to_bytes()), stand_ins)
    if not judgement.verdict.verified:
        event |= {
            name: _without_tokens(event[name], (name,))
            for name in ("event", "event_handler_id", "portal", "data")
        }
    return event


def _without_tokens(value: Any, names: tuple[str, ...] = ()) -> Any:
    if isinstance(value, dict):
        return {mask_name(name): _without_tokens(inner, (*names, name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_tokens(inner, names) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    masked = mask_leaf(names, str(value))
    return value if masked == str(value) else masked


def _of_record(record: Record, settings: Settings, now: datetime) -> Explanation:
    places = _by_todays_tokens(record.places, settings)
    recorded = _as_recorded(record, settings)
    changed = _place(places) != recorded.place or (
        record.code == "TOKEN_NOT_CONFIGURED" and bool(settings.tokens)
    )
    if record.code not in _VERDICTS or not record.places:
        changed = False
    if not changed and not record.has_whole_request:
        return recorded
    today = _of_request(record.request, settings, now)
    if not changed:
        return replace(recorded, event=today.event)
    if record.has_whole_request:
        return replace(today, recorded=True)
    # The record holds no event to show.
    if _place(places):
        return replace(
            recorded,
            code="EVENT_QUEUED",
            passes=True,
            verified=True,
            place=_place(places),
            places=places,
            causes=(),
        )
    return replace(today, decoded_as=record.decoded_as, places=places, event=None, recorded=True)


def _as_recorded(record: Record, settings: Settings) -> Explanation:
    place = _place(record.places)
    return Explanation(
        code=record.code,
        passes=record.code in ("EVENT_QUEUED", "OK") and not record.causes,
        verified=place is not None or record.code in _VERIFIED,
        place=place,
        decoded_as=record.decoded_as,
        places=record.places,
        causes=tuple(
            _in_words(cause, settings, "" if number else record.line)
            for number, cause in enumerate(record.causes)
        ),
        recorded=True,
        invalid=record.invalid,
    )


def _in_words(cause: dict[str, Any], settings: Settings, line: str) -> dict[str, Any]:
    """A record's cause in the catalogue's sentences; the record's own text only helps to recognise them."""
    code = str(cause["code"])
    if code not in SAYS:
        return {"code": safe(code), "detail": "", "says": "", "do": ""}
    says, do = (str(cause.get(name) or line) for name in ("says", "do"))
    sentences = sentence_of(code, says, do, settings.language, text_values(settings))
    if sentences is None:
        variant = closest(code, says)
        keys = (code, f"{code}/{variant}")
        texts = (text for table in (SAYS, DO) for key in keys if key in table for text in table[key])
        unknown = {name: LEFT_OUT for text in texts for _, name, _, _ in Formatter().parse(text) if name}
        sentences = Sentences(*sentences_of(code, variant, unknown, settings))
    # A line of text has the place only in its sentence.
    detail = cause.get("detail") or sentences.place
    detail = safe(detail) if isinstance(detail, str) else ""
    return {
        "code": code,
        "detail": "" if detail == LEFT_OUT else detail,
        "says": sentences.says,
        "do": sentences.do,
    }


def _by_todays_tokens(places: tuple[Trace, ...], settings: Settings) -> tuple[Trace, ...]:
    """The places compared with today's tokens; values too short for a fingerprint stay as recorded."""
    accepted = {(len(token), fingerprint(token)) for token in settings.tokens}
    if not accepted:
        return places
    return tuple(
        trace._replace(state="match" if (trace.length, trace.fingerprint) in accepted else "mismatch")
        if trace.state in ("match", "mismatch") and trace.fingerprint
        else trace
        for trace in places
    )


def _place(places: tuple[Trace, ...]) -> str | None:
    return next((trace.place for trace in places if trace.state == "match"), None)
