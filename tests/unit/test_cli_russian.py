"""Help and errors in the operator's language: no English words in Russian help."""

import re

import pytest

from gateway.cli import COMMANDS, main

# What is no English sentence: names in capitals, options, files, addresses, values of settings.
_NAMES = re.compile(r"[A-Z_0-9]{2,}|--?[\w-]+|\S*[./:=@\[\]|<>]\S*|`[^`]*`|\b\d+[smhd]\b|[\w]*[A-Z_]\w*")
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
    shown = capsys.readouterr().out
    assert "Использование" in shown
    words = set(_WORD.findall(_NAMES.sub(" ", shown)))
    assert words <= _KNOWN, words - _KNOWN


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
    monkeypatch.setenv("LOG_LANGUAGE", "en")
    assert main(["explain", "--help"]) == 0
    assert "Usage: " in (shown := capsys.readouterr().out)
    assert "Say whether a request would pass" in shown
