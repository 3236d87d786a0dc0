"""A paste inside a log's JSON records is judged as it is judged bare, and the records never are."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.tools.explain import Unreadable, read
from tests.unit.test_explain_finds import explained
from tests.unit.test_middlemen import TOKEN

FILES = Path(__file__).parents[1] / "support" / "pasted"
TEXTS = sorted(path.name for path in FILES.glob("*.txt"))
TIME = "2025-12-10T11:20:03.513Z"
FORM = f"event=ONUSERADD&data[ID]=7&ts=1750000000&auth[application_token]={TOKEN}"
OLD_LINE = "2025-12-10 11:20:03,512 - WARNING - ⚠️ Неверный токен исходящего вебхука. Получен: None..."
Records = list[Any]


def docker(lines: list[str]) -> Records:
    return [{"log": line + "\n", "stream": "stderr", "time": TIME} for line in lines]


def journald(lines: list[str]) -> Records:
    beside = {"PRIORITY": "6", "_PID": "1", "__REALTIME_TIMESTAMP": "1765354803513000"}
    return [{"MESSAGE": line, **beside} for line in lines]


def journald_octets(lines: list[str]) -> Records:
    return [
        {**record, "MESSAGE": list(line.encode("utf-8", "surrogateescape"))}
        for record, line in zip(journald(lines), lines, strict=True)
    ]


def grafana(lines: list[str]) -> Records:
    numbered = [(str(1765354803513000000 + number), line) for number, line in enumerate(lines)]
    return [[{"line": line, "timestamp": stamp, "fields": {"c": "bot"}} for stamp, line in numbered]]


def loki(lines: list[str]) -> Records:
    values = [[str(1765354803513000000 + number), line] for number, line in enumerate(lines)]
    other = {"stream": {"app": "db"}, "values": [["1765354803512000002", ""], ["1765354803512000001", ""]]}
    # The newest is first.
    result = [other, {"stream": {"app": "bot"}, "values": values[::-1]}]
    return [{"status": "success", "data": {"resultType": "streams", "result": result}}]


def railway(lines: list[str]) -> Records:
    beside = {"severity": "error", "timestamp": TIME, "attributes": [{"key": "level", "value": "error"}]}
    return [[{"message": line, **beside, "tags": {"service": "bot"}} for line in lines]]


def cloudwatch(lines: list[str]) -> Records:
    return [{"events": [{"timestamp": 1, "message": line, "ingestionTime": 2} for line in lines]}]


WRAPPERS = (docker, journald, journald_octets, grafana, loki, railway, cloudwatch)


def log_text(records: Records, *, compact: bool) -> str:
    """The records as Python writes them, or as Go does: without spaces, and without `\\u` escapes."""
    separators = (",", ":") if compact else None
    return "\n".join(
        json.dumps(record, ensure_ascii=not compact, separators=separators) for record in records
    )


def verdict(pasted: str | bytes) -> tuple[str, list[Any]]:
    try:
        explanation = explained(pasted)
    except Unreadable:
        return "no request", []
    return explanation.code, [cause["code"] for cause in explanation.causes[:1]]


@pytest.mark.parametrize("compact", [True, False], ids=["compact", "escaped"])
@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize("name", TEXTS)
def test_a_paste_in_a_log_is_judged_as_it_is_judged_bare(
    name: str, wrap: Callable[[list[str]], Records], compact: bool
) -> None:
    bare = (FILES / name).read_bytes()
    text = bare.decode("utf-16" if bare.startswith(b"\xff\xfe") else "utf-8", "surrogateescape")
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    pasted = log_text(wrap(lines), compact=compact)
    assert verdict(pasted.encode("utf-8", "surrogateescape")) == verdict(bare)


@pytest.mark.parametrize("compact", [True, False], ids=["compact", "escaped"])
@pytest.mark.parametrize("wrap", WRAPPERS)
def test_the_old_bots_line_is_read_in_every_log(wrap: Callable[[list[str]], Records], compact: bool) -> None:
    pasted = read(log_text(wrap([OLD_LINE]), compact=compact).encode())
    assert pasted.read_as == "old_bot_line"


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize(
    "line",
    [
        "hello world",
        "got body token=T event",
        '{"msg": "started"}',
        'time=12:00 level=info msg="a token"',
        "HOME=/root",
        "event=started level=info",
        "",
    ],
)
def test_a_log_without_a_request_is_not_judged(line: str, wrap: Callable[[list[str]], Records]) -> None:
    for lines in ([line], ["started", line, "stopped"]):
        with pytest.raises(Unreadable):
            read(log_text(wrap(lines), compact=True).encode())


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_the_newest_of_several_events_is_judged(wrap: Callable[[list[str]], Records]) -> None:
    lines = ["body " + FORM.replace(TOKEN, "x" * 32), "answered 401", "body " + FORM]
    assert verdict(log_text(wrap(lines), compact=True))[0] == "EVENT_QUEUED"


def test_records_are_found_among_a_terminals_lines_and_on_several_lines() -> None:
    lines = FORM.replace("&", "&\n").split("\n")
    in_a_terminal = "$ docker logs bot\n" + log_text(docker(lines), compact=True) + "\n$"
    pretty = "\n".join(json.dumps(record, indent=8) for record in journald(lines))
    assert verdict(in_a_terminal)[0] == verdict(pretty)[0] == "EVENT_QUEUED"


def test_a_line_that_docker_broke_is_put_together() -> None:
    line = f"body {FORM}&data[TITLE]={'x' * 20_000}&auth[domain]=p.bitrix24.ru\n"
    records = [
        {"log": line[at : at + 16384], "stream": "stdout", "time": TIME} for at in range(0, len(line), 16384)
    ]
    explanation = explained(log_text(records, compact=True))
    assert explanation.code == "EVENT_QUEUED"
    assert explanation.event is not None
    assert "p.bitrix24.ru" in json.dumps(explanation.event)


@pytest.mark.parametrize("hostile", ['{"event":', "data[&", "event=", '{"log":', "[", "{'event':"])
def test_hostile_records_take_no_long_time(hostile: str) -> None:
    record = {"log": hostile * (50_000 // len(hostile)), "stream": "stdout"}
    with contextlib.suppress(Unreadable):
        read(json.dumps(record).encode())


def test_an_event_beside_a_records_text_is_judged() -> None:
    body = {"event": "ONUSERADD", "data": {"ID": "7"}, "auth": {"application_token": TOKEN}}
    record = {"level": "info", "message": "got it", "timestamp": TIME, "body": body}
    assert verdict(json.dumps(record))[0] == "EVENT_QUEUED"
