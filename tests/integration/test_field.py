"""`./b24 field create` against a portal on loopback: what exists stays, what is refused is explained."""

from pathlib import Path

import pytest

from gateway.cli import main
from tests.support.portal import FIELD, HANG_UP, SECRET, Call, PortalSimulator, Reply


@pytest.fixture(autouse=True)
def in_own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portal: PortalSimulator) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in portal.environ().items():
        monkeypatch.setenv(name, value)
    portal.scopes = {"user", "user.userfield"}
    portal.field = None


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["field", "create", *arguments])
    output = "".join(capsys.readouterr())
    assert SECRET not in output
    return code, output


def test_the_field_is_created_once(portal: PortalSimulator, capsys: pytest.CaptureFixture[str]) -> None:
    code, output = run(capsys)
    assert (code, list(portal.custom)) == (0, [FIELD])
    assert portal.custom[FIELD]["USER_TYPE_ID"] == "string"
    assert portal.custom[FIELD]["MULTIPLE"] == "N"
    assert "was created" in output
    assert "./b24 resync" in output
    code, output = run(capsys)
    assert code == 0
    assert "exists" in output
    assert len(portal.custom) == 1


def test_the_operators_field_name_is_used_unless_rest_cannot_create_it(
    portal: PortalSimulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BITRIX24_TELEGRAM_FIELD_NAME", "UF_USR_TG")
    assert run(capsys)[0] == 0
    assert "UF_USR_TG" in portal.custom
    monkeypatch.setenv("BITRIX24_TELEGRAM_FIELD_NAME", "UF_TG")
    code, output = run(capsys)
    assert code == 2
    assert "BITRIX24_TELEGRAM_FIELD_NAME" in output
    assert list(portal.custom) == ["UF_USR_TG"]


def test_a_similar_existing_field_is_named_first(
    portal: PortalSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    portal.custom["UF_USR_TELEGRAM_ID"] = {"LABEL": "Telegram"}
    code, output = run(capsys)
    assert code == 1
    assert "BITRIX24_TELEGRAM_FIELD_NAME=UF_USR_TELEGRAM_ID" in output
    assert FIELD not in portal.custom
    assert run(capsys, "--anyway")[0] == 0
    assert FIELD in portal.custom


def test_a_refusal_says_which_right_is_missing(
    portal: PortalSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    portal.scopes = {"user"}
    code, output = run(capsys)
    assert code == 1
    assert "user.userfield" in output
    portal.scopes = {"user", "user.userfield"}
    portal.administrator = False
    code, output = run(capsys)
    assert code == 1
    assert "administrator" in output


def test_an_answer_that_was_lost_on_its_way_is_no_failure(
    portal: PortalSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    def lose_the_first(call: Call) -> Reply | None:
        if call.method == "user.userfield.add" and not portal.custom:
            portal.custom[FIELD] = {"LABEL": "Telegram"}
            return HANG_UP
        return None

    portal.faults.append(lose_the_first)
    code, output = run(capsys)
    assert code == 0
    assert "was created" in output


def test_without_an_incoming_webhook_or_a_portal_it_fails(
    portal: PortalSimulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.close()
    assert run(capsys)[0] == 2
    monkeypatch.delenv("BITRIX24_WEBHOOK_TOKEN")
    code, output = run(capsys)
    assert code == 2
    assert "BITRIX24_WEBHOOK_TOKEN" in output
