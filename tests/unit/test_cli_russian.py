"""Help and errors in the operator's language: no English words in Russian help."""

import re

import pytest

from gateway.cli import COMMANDS, main
from gateway.diagnosis.causes import DO, SAYS
from gateway.diagnosis.wording import PHRASES
from gateway.texts import SENTENCES
from tests.support.pages import ROOT

# What is no English word: names in capitals, options, files, addresses, values of settings.
_NAMES = re.compile(r"[A-Z_0-9]{2,}\b|--?[\w-]+|\S*[./:=@\[\]|<>]\S*|`[^`]*`|\b\d+[smhd]\b|[\w]*[A-Z_]\w*")
_WORD = re.compile(r"\b[a-z]{2,}\b")
_KNOWN = {
    "curl",
    "event_id",
    "mend",
    "serve",
    *COMMANDS,
    "dead",
    "letters",
    "drop",
    "show",
    "forget",
    "create",
    "resend",
    "gcloud",
}
_KNOWN |= {"logging", "read", "format", "json"}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        *([name] for name in COMMANDS),
        *(["dead-letters", name] for name in ("show", "mend", "drop")),
        ["links", "forget"],
        ["field", "create"],
        *(["events", name] for name in ("show", "resend")),
    ],
)
def test_russian_help_holds_no_english_words(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LANGUAGE", "ru")
    monkeypatch.setenv("COLUMNS", "400")
    main([*arguments, "--help"])
    text = capsys.readouterr().out
    assert "Использование" in text
    words = set(_WORD.findall(_NAMES.sub(" ", text)))
    assert words <= _KNOWN, words - _KNOWN
    values = set(re.findall(r"\b(?:FILE|NAME|TIME|USER|DOMAIN|PORTAL|EVENT|ACCOUNT|TEXT|KEY=VALUE)\b", text))
    assert not values, "the values of options and arguments have Russian names"


# Words that stand in Russian sentences as they are: commands, options' names, names in code.
_CODE = frozenset(
    _WORD.findall(
        """
        chmod chown journalctl nginx sudo systemctl
        cron ru en aiohttp alerts amp application auth base bash basic bitrix body buffer causes check
        cloud code content create createdb curl data dead deploy destroy dict doctor dump europe event events
        explain fetch field gcloud header http import inspect letters libpq login make map mend
        method multipart new ngrok null undefined obj os parameters params plan print pubsub query rejections
        replay resync rotate run serialize serve set show smoke source sslmode sslrootcert statement
        str tcpdump timedatectl token transaction trigger true ts ulimit url user verify view
        """
    )
)
_NO_WORDS = re.compile(r"\{\w+\}|\$\w+|\$\{[^}]*\}|gcloud(?: [\w-]+)+|make [\w-]+|sqlite3 .*")


def _english_in(text: str) -> set[str]:
    return set(_WORD.findall(_NAMES.sub(" ", _NO_WORDS.sub(" ", text)))) - _CODE - set(COMMANDS)


def test_what_the_gateway_says_in_russian_holds_no_english_words() -> None:
    """The log, answers, doctor, reasons of dead letters, the start of `serve`: all from the catalogues."""
    english_words = {
        (key, *_english_in(sentence[0]))
        for catalogue in (SENTENCES, SAYS, DO, PHRASES)
        for key, sentence in catalogue.items()
        if _english_in(sentence[0])
    }
    assert not english_words, "Russian words instead of these, or code's own names into _CODE"


def test_what_deploy_says_in_russian_holds_no_english_words() -> None:
    texts = (ROOT / "deploy" / "lib" / "texts.sh").read_text(encoding="utf-8")
    russian = re.findall(r'^\s*ru="((?:[^"\\]|\\.)*)"', texts, re.M)
    assert len(russian) > 50
    for text in russian:
        assert not _english_in(text), (_english_in(text), text)


def test_the_vendor_is_spelt_as_it_spells_itself() -> None:
    """Except where operators search their logs for a line that they know."""
    well_known = {"LINK_SYNCED"}
    for catalogue in (SENTENCES, SAYS, DO):
        for key, sentence in catalogue.items():
            text = _NAMES.sub(" ", sentence[0])
            assert "Bitrix24" not in text or key in well_known, (key, sentence[0])


def test_errors_and_headings_are_russian_too_and_english_stays_english(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LANGUAGE", "ru")
    assert main(["nothing"]) == 2
    assert "Нет такой команды" in capsys.readouterr().err
    assert main(["explain", "--nothing"]) == 2
    assert "Нет такого параметра" in capsys.readouterr().err
    assert main(["doctr"]) == 2
    assert "Может быть, doctor?" in capsys.readouterr().err
    assert main(["replay", "no-such-file"]) == 2
    assert "нет такого файла или папки" in capsys.readouterr().err
    assert main(["events", "--since", "yesterday"]) == 2
    assert "нужно 2026-01-31T12:00:00Z или 30m" in capsys.readouterr().err
    assert main(["links", "--telegram", "!"]) == 2
    assert "нужен Telegram ID, @имя или ссылка t.me" in capsys.readouterr().err
    assert main(["links", "--json", "--csv"]) == 2
    assert "не оба сразу" in capsys.readouterr().err
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    assert main(["explain", "--help"]) == 0
    assert "Usage: " in (text := capsys.readouterr().out)
    assert "Explain whether a request would pass" in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["replay", "--dryrun"], "Нет такого параметра: '--dryrun'. Может быть, '--dry-run'?"),
        (
            ["events", "--jsn"],
            "Нет такого параметра: '--jsn'. Может быть, одно из: '--json', '--since'?",
        ),
        (["events", "shw"], "Нет такой команды: 'shw'. Может быть, 'show'?"),
    ],
)
def test_a_mistyped_word_gets_its_likenesses_in_russian(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LANGUAGE", "ru")
    assert main(arguments) == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(("lang", "usage"), [("ru", "Использование:"), ("en", "Usage:")])
@pytest.mark.parametrize("arguments", [[], ["field"]])
def test_a_group_without_its_sub_command_shows_its_help_once(
    arguments: list[str],
    lang: str,
    usage: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOG_LANGUAGE", lang)
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert text.startswith(usage)
    assert text.count(usage) == 1
