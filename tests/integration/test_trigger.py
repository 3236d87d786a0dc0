"""`trigger` posts what Bitrix24 would; tried against a running server."""

import json
import subprocess
from collections.abc import Mapping

import pytest

from gateway.ingest.decode import decode
from gateway.ingest.php_form import build_query
from gateway.tools.sample_delivery import data_of, delivery, place_token
from tests.support.commands import run_command
from tests.support.deliveries import FORM, OTHER_TOKEN, TOKEN, form
from tests.support.processes import Running, Start, free_port, recorded, wait_for
from verify import PLACES, verify


@pytest.fixture(scope="module")
def server(start_module_serve: Start) -> Running:
    return start_module_serve()


def trigger(env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command("trigger", *arguments, env=env)


@pytest.mark.parametrize("place", PLACES)
def test_the_token_stands_in_the_place_asked_for(place: str) -> None:
    fields = delivery("ONUSERADD", {"ID": "1"}, "p.ru")
    headers, query = place_token(place, TOKEN, fields)
    raw = {name.lower(): value.encode() for name, value in headers.items()}
    token = {"token": query.partition("=")[2]} if query else {}
    assert verify(raw, token, decode(build_query(fields), FORM).fields, (TOKEN.encode(),)).place == place


def test_an_event_is_queued(server: Running) -> None:
    process = trigger(server.env, "OnUserUpdate", "--data", "ID=5", "--data", "TELEGRAM=@somebody", "--json")
    assert (process.returncode, json.loads(process.stdout)["event"]) == (0, "ONUSERUPDATE")
    assert trigger(server.env, "ONTASKCOMMENTADD", "--place", "query:token").returncode == 0


def test_the_outcome_of_the_event_is_printed(server: Running) -> None:
    data = ("--data", "ID=15", "--data", "UF_USR_TELEGRAM=@somebody")

    # The command waits three seconds at most, and a slow machine takes longer.
    def codes() -> set[str]:
        process = trigger(server.env, "ONUSERUPDATE", *data, "--json")
        return {outcome["code"] for outcome in json.loads(process.stdout)["outcomes"]}

    assert {code.partition("_")[0] for code in wait_for(codes, 60)} == {"LINK"}
    assert recorded(server, kinds=("probe",), event="ONUSERUPDATE")
    assert "LINK_" not in trigger(server.env, "ONUSERUPDATE", *data).stdout


@pytest.mark.parametrize("event", ["ONUSERADD", "ONUSERUPDATE"])
def test_a_test_event_leaves_nothing_among_the_links(server: Running, event: str) -> None:
    event_id = json.loads(trigger(server.env, event, "--json").stdout)["event_id"]

    def events() -> list[str]:
        whole = run_command("events", "show", event_id, "--json", env=server.env)
        return [outcome["code"] for outcome in json.loads(whole.stdout)["outcomes"]] if whole.stdout else []

    assert wait_for(events, 60) == ["LINK_UNCHANGED"]
    user = data_of(event)["ID"]
    rows = json.loads(run_command("links", "--json", env=server.env).stdout)
    assert user not in {str(row["bitrix_user_id"]) for row in rows}


def test_the_events_are_listed_and_an_unknown_one_is_named(server: Running) -> None:
    assert "ONUSERADD" in trigger(server.env, "--list").stdout.split()
    process = trigger(server.env, "ONUSERADDD")
    assert (process.returncode, "ONUSERADDD" in process.stderr, "--list" in process.stderr) == (0, True, True)
    assert trigger(server.env).returncode == 2


def test_names_in_brackets_nest_and_the_wrong_field_is_named(server: Running) -> None:
    process = trigger(
        server.env, "ONUSERUPDATE", "--data", "FIELDS[ID]=16", "--data", "FIELDS[TELEGRAM]=@nested"
    )
    assert (process.returncode, process.stdout.startswith("200 EVENT_QUEUED")) == (0, True)
    wait_for(lambda: '"nested"' in run_command("links", "--json", env=server.env).stdout, 60)
    process = trigger(server.env, "E" * 101)
    assert (process.returncode, "(field: event)" in process.stdout) == (1, True)


@pytest.mark.parametrize("pair", ["ID", "=7"])
def test_data_without_a_name_or_a_value_is_wrong_use(server: Running, pair: str) -> None:
    process = trigger({**server.env, "LOG_LANGUAGE": "ru"}, "ONUSERADD", "--data", pair)
    assert (process.returncode, "ИМЯ=ЗНАЧЕНИЕ" in process.stderr) == (2, True)


def test_a_wrong_token_is_refused(server: Running) -> None:
    process = trigger(server.env, "ONUSERADD", "--wrong-token")
    assert (process.returncode, "TOKEN_MISMATCH" in process.stdout) == (1, True)
    assert "--wrong-token" in process.stderr
    # A probe alarms nobody.
    assert "TOKEN_MISMATCH" not in server.log()
    assert server.post(form("ONUSERADD", token=OTHER_TOKEN)).status == 403
    assert "TOKEN_MISMATCH" in server.log()


def test_an_unknown_address_gets_no_token_and_a_silent_one_is_named(server: Running) -> None:
    process = trigger(server.env, "ONUSERADD", "--url", "http://example.invalid/")
    assert (process.returncode, "--send-token" in process.stderr) == (2, True)
    process = trigger(server.env, "ONUSERADD", "--url", f"http://127.0.0.1:{free_port()}/")
    assert (process.returncode, "make run" in process.stderr) == (2, True)
    assert TOKEN not in process.stdout + process.stderr
    process = trigger(server.env, "ONUSERADD", "--url", "http://[")
    assert (process.returncode, "--url" in process.stderr, "Traceback" in process.stderr) == (2, True, False)
    process = trigger(
        server.env, "ONUSERADD", "--url", f"http://127.0.0.1:{free_port()}/{TOKEN}?token={TOKEN}"
    )
    assert (process.returncode, TOKEN in process.stdout + process.stderr) == (2, False)
    process = trigger({**server.env, "BITRIX24_OUTGOING_WEBHOOK_TOKEN": ""}, "ONUSERADD")
    assert (process.returncode, "BITRIX24_OUTGOING_WEBHOOK_TOKEN" in process.stderr) == (2, True)
