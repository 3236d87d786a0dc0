"""Writes the index of all codes from the catalogues: `python -m gateway.diagnosis.codes [DIRECTORY]`.

One line per code, in both languages: what is answered, why it was rejected, what came of an
event. A test compares the files under docs/ with what this makes.
"""

import sys
from pathlib import Path

from gateway.diagnosis import GUIDE
from gateway.diagnosis.causes import SAYS
from gateway.diagnosis.finding import CODES
from gateway.diagnosis.guide import examples
from gateway.ingest.decision import STATUS
from gateway.texts import SENTENCES, Sentence

INDEX = {"en": "docs/codes.md", "ru": "docs/codes.ru.md"}

TITLE = Sentence("Все коды", "All codes")
INTRO = Sentence(
    "Коды одни и те же в ответах, журнале, инструментах и на странице. Этот файл собран командой "
    "`python -m gateway.diagnosis.codes`.",
    "The codes are the same in answers, logs, tools and on the page. This file is made by "
    "`python -m gateway.diagnosis.codes`.",
)
ANSWERS = Sentence("Ответы", "Answers")
CAUSES = Sentence("Причины отказа", "Causes of a rejection")
RECORDS = Sentence(
    "Что стало с событием, и другие записи журнала", "What came of an event, and other records of the log"
)
CODE = Sentence("код", "code")
MEANS = Sentence("что значит", "what it means")

# Codes of log records that are also the keys of their sentences.
OF_RECORDS = (
    "EVENT_FORWARDED",
    "EVENT_IGNORED",
    "EVENT_FAILED",
    "EVENT_DEAD",
    "EVENT_PUT_ASIDE",
    "EVENT_NOT_QUEUED",
    "EVENT_ODD",
    "LINK_SYNCED",
    "LINK_ENDED",
    "LINK_CONFLICT",
    *(name for name in SENTENCES if name.startswith("LINK_UNCHANGED_")),
    "FIELD_LIKE_TELEGRAM",
    "RESYNC_DONE",
    "RESYNC_FAILED",
)


def render(language: str) -> str:
    """The index in one language."""
    answers = [(f"`{code}` · {status}", SENTENCES[f"ANSWER_{code}"]) for code, status in STATUS.items()]
    guide = Path(GUIDE[language]).name
    causes = [(f"[`{code}`]({guide}#{code.lower()})", _example(code, language)) for code in CODES]
    records = [(f"`{code}`", SENTENCES[code]) for code in OF_RECORDS]
    tables = ((ANSWERS, answers), (CAUSES, causes), (RECORDS, records))
    parts = [f"# {TITLE.text(language)}", INTRO.text(language)]
    for heading, rows in tables:
        parts += [f"## {heading.text(language)}", _table(rows, language)]
    return "\n\n".join(parts) + "\n"


def _table(rows: list[tuple[str, Sentence]], language: str) -> str:
    lines = [f"| {CODE.text(language)} | {MEANS.text(language)} |", "| --- | --- |"]
    lines += [f"| {name} | {meaning.text(language).replace('|', chr(92) + '|')} |" for name, meaning in rows]
    return "\n".join(lines)


def _example(code: str, language: str) -> Sentence:
    text = SAYS[code].text(language).format_map(examples(code, language))
    return Sentence(text, text)


def main(directory: Path) -> None:
    """Write both indexes below `directory`."""
    for language, name in INDEX.items():
        (directory / name).write_text(render(language), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
