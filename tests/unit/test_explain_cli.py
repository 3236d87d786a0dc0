"""`./b24 explain`: what a person reads, what a script reads, and what neither must see."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.settings import SECRET_BYTES
from verify import PLACES, fingerprint

TOKEN = "k3v9x2m8q1w7e5r4t6y0u1i2o3p4a5s6"
OTHER = "b0n7c4l2h9g5j8d3f6z1w0v2x4m6k8q9"
INCOMING = "7/in2c0ming5s3cr3tx9"
AGENT = "User-Agent: Bitrix24 Webhook Engine"
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # No .env of whoever runs the tests is there.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", TOKEN)
    monkeypatch.setenv("BITRIX24_WEBHOOK_TOKEN", INCOMING)
    monkeypatch.setenv("BITRIX24_DOMAIN", "p.bitrix24.ru")
    monkeypatch.setenv("LOG_LANGUAGE", "en")


def post(body: str, *headers: str, line: str = "POST /api/bitrix/webhook HTTP/1.1") -> str:
    return "\r\n".join([line, "Host: hooks.example.com", AGENT, *(headers or (FORM,)), "", body])


def explained(tmp_path: Path, capsys: pytest.CaptureFixture[str], pasted: str) -> tuple[int, dict[str, Any]]:
    path = tmp_path / "pasted.txt"
    path.write_bytes(pasted.encode())
    code = main(["explain", str(path), "--json"])
    output = capsys.readouterr()
    assert output.err == ""
    return code, json.loads(output.out)


def auth(token: str) -> str:
    return f"event=ONUSERADD&data[ID]=1&ts=1&auth[domain]=p.bitrix24.ru&auth[application_token]={token}"


@pytest.mark.parametrize(
    ("pasted", "exit_code", "code", "cause"),
    [
        (post(auth(TOKEN)), 0, "EVENT_QUEUED", None),
        (post(auth(OTHER)), 1, "TOKEN_MISMATCH", "TOKEN_OTHER_WEBHOOK"),
        (post(auth(TOKEN.upper())), 1, "TOKEN_MISMATCH", "TOKEN_ALTERED"),
        (post("event=A", FORM, f"X-Hook: {TOKEN}"), 1, "TOKEN_NOT_FOUND", "TOKEN_ELSEWHERE"),
        (post("event=A", f"Authorization: Bearer {TOKEN}"), 0, "EVENT_QUEUED", None),
        (post("", FORM), 1, "TOKEN_NOT_FOUND", "BODY_EMPTY"),
        (post(auth(TOKEN), line="POST /wrong HTTP/1.1"), 1, "NOT_FOUND", "PATH_WRONG"),
        (post("x", line=f"POST /hook/{TOKEN} HTTP/1.1"), 1, "NOT_FOUND", "TOKEN_ELSEWHERE"),
        (post("", line="DELETE / HTTP/1.1"), 1, "METHOD_NOT_ALLOWED", None),
        (post("", line="GET /api/bitrix/webhook HTTP/1.1"), 1, "OK", "METHOD_GET"),
        ("GET /health HTTP/1.1\n", 0, "OK", None),
        (post("a" * 600_000), 1, "BODY_TOO_LARGE", "LIMIT_EXCEEDED"),
        (post("&".join(f"a[]={n}" for n in range(1001))), 1, "BODY_TOO_COMPLEX", "LIMIT_EXCEEDED"),
        (post("", line=f"POST /?{'a' * 9000} HTTP/1.1"), 1, "QUERY_TOO_LONG", "LIMIT_EXCEEDED"),
        (post(f"token={TOKEN}&document_id[0]=crm"), 1, "EVENT_INVALID", None),
        (auth(TOKEN), 0, "EVENT_QUEUED", None),
        (json.dumps({"event": "ONUSERADD", "auth": {"application_token": TOKEN}}), 0, "EVENT_QUEUED", None),
        (f"curl https://x.y/api/bitrix/webhook -d '{auth(TOKEN)}'", 0, "EVENT_QUEUED", None),
    ],
)
def test_the_exit_code_and_the_first_cause_of_each_request(
    pasted: str,
    exit_code: int,
    code: str,
    cause: str | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exit_status, explanation = explained(tmp_path, capsys, pasted)
    assert (exit_status, explanation["code"]) == (exit_code, code)
    assert [trace["place"] for trace in explanation["places"]] == list(PLACES)
    if cause:
        assert explanation["causes"][0]["code"] == cause
        assert set(explanation["causes"][0]) == {"code", "detail", "says", "do"}
    if exit_code == 0:
        assert explanation["causes"] == []


def test_the_json_names_what_was_dropped_and_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line_end, repeated = auth(TOKEN) + "\r\n", auth(TOKEN) + "&data[A]=1&data[A]=2"
    for pasted, part in ((line_end, "end of the body were dropped"), (repeated, "data[A] ×2")):
        _, explanation = explained(tmp_path, capsys, post(pasted, FORM, f"Content-Length: {len(pasted)}"))
        (note,) = explanation["notes"]
        assert part in note


def test_the_json_has_the_fields_of_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, explanation = explained(tmp_path, capsys, post(auth(TOKEN)))
    fields = {"verified", "code", "place", "decoded_as", "places", "causes", "event", "read_as", "notes"}
    assert set(explanation) == fields
    assert explanation["notes"] == []
    assert explanation["verified"] is True
    assert (explanation["place"], explanation["decoded_as"]) == ("body:auth.application_token", "form")
    assert explanation["places"][-1] == {
        "place": "body:auth.application_token",
        "state": "match",
        "length": 32,
        "fingerprint": fingerprint(TOKEN.encode()),
    }
    assert explanation["event"]["event"] == "ONUSERADD"
    assert explanation["event"]["data"] == {"ID": "1"}


def test_an_unverified_event_is_shown_with_anything_like_a_token_masked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = auth(OTHER) + f"&data[NAME]=Anna&data[hook]={OTHER}&data[my_secret]=short&data[{OTHER}]=1"
    _, explanation = explained(tmp_path, capsys, post(body))
    mask = f"<masked 32 {fingerprint(OTHER.encode())}>"
    assert explanation["event"]["data"] == {
        "ID": "1",
        "NAME": "Anna",
        "hook": mask,
        "my_secret": "<masked 5 ->",
        mask: "1",
    }


def refusal(capsys: pytest.CaptureFixture[str], token: str) -> dict[str, Any]:
    """A refusal as the receiver logs it."""
    path = Path("request.txt")
    path.write_text(post(auth(token)))
    main(["explain", str(path), "--json"])
    explanation = json.loads(capsys.readouterr().out)
    keys = ("code", "places", "causes", "decoded_as")
    return {
        "severity": "WARNING",
        "message": "⚠️",
        **{key: explanation[key] for key in keys},
        "method": "POST",
    }


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_log_record_is_explained_as_it_was_logged(
    wrapped: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = refusal(capsys, OTHER)
    entry = [{"jsonPayload": record, "timestamp": "2026-01-31T12:00:00Z"}] if wrapped else record
    exit_status, explanation = explained(tmp_path, capsys, json.dumps(entry))
    assert (exit_status, explanation["code"], explanation["verified"]) == (1, "TOKEN_MISMATCH", False)
    assert {key: explanation[key] for key in ("places", "causes", "decoded_as")} == {
        key: record[key] for key in ("places", "causes", "decoded_as")
    }


def test_a_log_record_is_also_judged_by_the_current_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = refusal(capsys, OTHER)
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", f"{TOKEN},{OTHER}")
    exit_status, explanation = explained(tmp_path, capsys, json.dumps(record))
    assert (exit_status, explanation["code"], explanation["place"]) == (
        0,
        "EVENT_QUEUED",
        "body:auth.application_token",
    )
    monkeypatch.delenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN")
    exit_status, explanation = explained(tmp_path, capsys, json.dumps(record))
    assert (exit_status, explanation["code"], explanation["causes"]) == (
        1,
        "TOKEN_MISMATCH",
        record["causes"],
    )


def test_a_record_from_before_a_token_was_set_is_judged_by_the_current_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN")
    record = refusal(capsys, TOKEN)
    assert record["code"] == "TOKEN_NOT_CONFIGURED"
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", OTHER)
    exit_status, explanation = explained(tmp_path, capsys, json.dumps(record))
    assert (exit_status, explanation["code"], explanation["causes"][0]["code"]) == (
        1,
        "TOKEN_MISMATCH",
        "TOKEN_OTHER_WEBHOOK",
    )
    monkeypatch.setenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN", TOKEN)
    assert explained(tmp_path, capsys, json.dumps(record))[0] == 0


def test_a_line_of_the_text_log_gets_its_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "2026-01-31T12:00:00.000Z WARNING ⚠️ … [TOKEN_NOT_FOUND: BODY_COMPRESSED, TOKEN_ABSENT]"
    exit_status, explanation = explained(tmp_path, capsys, line)
    assert (exit_status, explanation["code"], explanation["places"]) == (1, "TOKEN_NOT_FOUND", [])
    assert [cause["code"] for cause in explanation["causes"]] == ["BODY_COMPRESSED", "TOKEN_ABSENT"]
    assert all(cause["says"] and cause["do"] and "{" not in cause["says"] for cause in explanation["causes"])


def test_masks_are_read_as_the_values_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right, wrong = (f"<masked 32 {fingerprint(token.encode())}>" for token in (TOKEN, OTHER))
    exit_status, explanation = explained(tmp_path, capsys, post(auth(right)))
    assert (exit_status, explanation["code"]) == (0, "EVENT_QUEUED")
    exit_status, explanation = explained(tmp_path, capsys, post(auth(wrong) + "&data[x]=" + wrong))
    assert (exit_status, explanation["code"]) == (1, "TOKEN_MISMATCH")
    assert explanation["places"][-1]["fingerprint"] == fingerprint(OTHER.encode())
    assert explanation["event"]["data"]["x"] == wrong
    exit_status, explanation = explained(tmp_path, capsys, post("event=A", f"X-Hook: {right}"))
    assert explanation["causes"][0]["code"] == "TOKEN_ELSEWHERE"
    _, explanation = explained(tmp_path, capsys, post(auth("<masked 6 ->")))
    assert explanation["places"][-1] == {
        "place": PLACES[-1],
        "state": "mismatch",
        "length": 6,
        "fingerprint": None,
    }


@pytest.mark.parametrize(
    ("arguments", "pasted", "sentence"),
    [
        (["nowhere.txt"], None, "nowhere.txt"),
        (["."], None, "directory"),
        ([], "hello", "curl"),
        ([], "", "curl"),
        ([], "curl -d @body.json https://x.y", "body.json"),
        ([], "POST / HTTP/1.1\nBad Header: 1\n\n", "illegal header line"),
    ],
)
def test_unreadable_input_is_wrong_use(
    arguments: list[str],
    pasted: str | None,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", pipe(pasted or ""))
    assert main(["explain", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert sentence in printed.err.lower()
    if pasted is None:
        assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_is_named(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "request.txt").write_text(content)
    assert main(["explain", "request.txt"]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.splitlines()) == (
        "",
        ["request.txt is empty. Save a whole request, a curl command or a log record in it"],
    )


def pipe(text: str) -> io.TextIOWrapper:
    """Standard input that is no terminal."""
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")


@pytest.mark.parametrize(
    ("pasted", "sentence"),
    [
        (post(f"token={TOKEN}"), "event"),
        (post(auth(TOKEN) + "&event=E&auth[domain]=a%20b"), "auth.domain"),
        (post(f"token={TOKEN}&document_id[0]=crm"), "automation rule"),
        (json.dumps({"code": "EVENT_INVALID", "causes": [], "field": "body"}), "`field`: body"),
        ("2026-01-31T12:00:00.000Z WARNING busy [QUEUE_UNAVAILABLE]", "./b24 replay"),
    ],
)
def test_a_refusal_without_a_cause_shows_the_answer_to_the_sender(
    pasted: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pasted.txt").write_text(pasted)
    assert main(["explain", "pasted.txt"]) == 1
    assert sentence in capsys.readouterr().out
    assert explained(tmp_path, capsys, pasted)[1]["verified"] is True


def test_it_reads_dotenv_as_the_server_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BITRIX24_OUTGOING_WEBHOOK_TOKEN")
    (tmp_path / ".env").write_text(f"BITRIX24_OUTGOING_WEBHOOK_TOKEN={OTHER}\n")
    monkeypatch.setattr("sys.stdin", pipe(post(auth(OTHER))))
    assert main(["explain"]) == 0


@pytest.mark.parametrize("as_json", [False, True])
def test_no_secret_is_shown(as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    incoming = INCOMING.partition("/")[2]
    spoiled = [TOKEN, TOKEN.upper(), f'"{TOKEN}"', TOKEN[:20], TOKEN + "x", OTHER, INCOMING, incoming]
    bodies = [
        "event=A&auth[application_token]={}",
        "event=A&data[x]={}&data[{}]=1",
        "event=A&data[token]=1&data[BOT][5][access_token]={}&auth[member_id]={}&event_handler_id={}",
        "{}=1",
        '{{"event": "A", "x": ["{}"], "{}": 1}}',
        '{{"event": "{}"}}',
    ]
    for value in spoiled:
        for body in bodies:
            filled = body.format(*[value] * 3)
            for pasted in (
                post(filled),
                post(filled, f"X-{value.strip(chr(34)).replace('/', '')}: {value}"),
                filled,
            ):
                Path("pasted.txt").write_text(pasted)
                main(["explain", "pasted.txt", *(["--json"] if as_json else [])])
                output = capsys.readouterr()
                for secret in (TOKEN, OTHER, incoming, value.strip('"')):
                    assert secret not in output.out + output.err, body
                    assert secret[:SECRET_BYTES] not in output.out + output.err, body
