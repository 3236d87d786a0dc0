"""Diagnoses why a request was rejected: causes from a closed catalogue, the most likely first.

    diagnose(judgement, settings) -> [Cause, …]      of one rejected request
    findings(judgement, settings) -> [Finding, …]    the same, not yet in words
    setting_causes(settings)      -> [Cause, …]      of the configured token, logged at start-up

To change a cause: when it is found, a rule in `request_rules`, `body_rules` or `token_rules`
(`rules` asks them), or in `token_setting` if the setting itself is odd; its rank, `ORDER` in
`finding`; what it says, `causes`; its section of the guide, `guide`; then a row in the tests' table
of scenarios. What the rules look at: `body_variants` (the body, mistakes undone), `event_shape` (what
fields are), `similarity` (how like a token), `sender` (who asks), gathered by `evidence`.

Pure, and nothing a sender controls makes it raise. No cause holds a value, only places, names
that are safe to show, lengths and fingerprints.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.diagnosis import token_setting
from gateway.diagnosis.finding import CODES, Finding
from gateway.functions import DOCS, IS_INSTALLED
from gateway.ingest.decision import Judgement
from gateway.settings import Settings

_LOCAL = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 — where a browser finds such a server
GUIDE = {"ru": "docs/token-not-found.ru.md", "en": "docs/token-not-found.md"}


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause in words: `detail` is the exact place, `says` what was seen, `do` the next action."""

    code: str
    detail: str
    says: str
    do: str

    def to_json(self) -> dict[str, str]:
        """The cause as logs and tools write it."""
        return asdict(self)


def diagnose(judgement: Judgement, settings: Settings) -> list[Cause]:
    """The causes of a rejection in the contract's order; empty for a request that was accepted."""
    if not judgement.refused:
        return []
    return _rendered(findings(judgement, settings), settings)


def findings(judgement: Judgement, settings: Settings) -> list[Finding]:
    """The causes as keys and facts, without words, as the journal keeps them."""
    # The log record of the refusal, the capture and the journal all ask for them.
    if judgement.diagnosed is None or judgement.diagnosed[0] is not settings:
        from gateway.diagnosis import rules  # cold start

        judgement.diagnosed = settings, rules.of_request(judgement, settings)
    cached: list[Finding] = judgement.diagnosed[1]
    return list(cached)


def setting_causes(settings: Settings) -> list[Cause]:
    """What is odd about the configured token, whether or not a request comes."""
    odd = [*token_setting.of_setting(settings), *token_setting.mixed_alphabets(settings)]
    return _rendered(odd, settings)


def in_words(facts: Iterable[Mapping[str, Any]], settings: Settings) -> list[Cause]:
    """The causes of a journal's record, which holds findings, in the language of `settings`."""
    from gateway.diagnosis.wording import sentences_of  # cold start

    causes = []
    for fact in facts:
        code, detail = str(fact.get("code", "")), str(fact.get("detail", ""))
        # A record of the journal's first edition already holds the sentences.
        if "says" in fact:
            causes.append(Cause(code, detail, str(fact["says"]), str(fact.get("do", ""))))
        elif code in CODES:
            values = {name: tuple(v) if isinstance(v, list) else v for name, v in fact["values"].items()}
            causes.append(Cause(code, detail, *sentences_of(code, str(fact["variant"]), values, settings)))
    return causes


def guide_section(code: str | None, language: str = "ru") -> str:
    """Where the guide explains a cause: file and anchor; without a `code` only the file.

    The file is the repository's or, in an installed package, the package's own copy.
    """
    file = str(DOCS / Path(GUIDE[language]).name) if IS_INSTALLED else GUIDE[language]
    return f"{file}#{code.lower()}" if code else file


def guide_link(code: str | None, settings: Settings) -> str:
    """The guide's section for a log or an answer: in an installed package the inspector's page."""
    if not IS_INSTALLED:
        return guide_section(code, settings.language)
    # There is no inspector there: the guide is where the operator's tools are.
    if settings.on_google_cloud:
        return f"{GUIDE[settings.language]}#{code.lower()}" if code else GUIDE[settings.language]
    origin = settings.webhook_url or f"http://{_LOCAL.get(settings.host, settings.host)}:{settings.port}"
    return f"{origin}/inspector/guide/token-not-found{f'#{code.lower()}' if code else ''}"


def _rendered(findings: list[Finding], settings: Settings) -> list[Cause]:
    if not findings:
        return []
    from gateway.diagnosis.wording import sentences_of  # cold start

    return [
        Cause(
            finding.code,
            finding.detail,
            *sentences_of(finding.code, finding.variant, finding.values, settings),
        )
        for finding in findings
    ]
