"""The portal's REST, held against a simulated portal over real HTTP."""

import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.errors import GatewayError, PortalError, PortalSilent, PortalUnavailable, SettingError
from gateway.portal.client import Portal
from gateway.portal.rate_limit import BURST, RATE, Pace
from tests.support.clock import Clock
from tests.support.errors import logged, raises
from tests.support.portal import (
    BROKEN_OFF,
    EMPTY,
    FIELD,
    HANG_UP,
    HTML,
    SECRET,
    TRUNCATED,
    Call,
    PortalSimulator,
    Reply,
    always,
    error,
)


def client(portal: PortalSimulator, clock: Clock) -> Portal:
    return Portal(portal.settings(), clock, clock.sleep, clock)


def test_a_user_is_read_by_id(portal: PortalSimulator, clock: Clock) -> None:
    portal.add(7, "@seven")
    portal.add(8, None, active=False)
    rest = client(portal, clock)
    row = rest.user(7)
    assert row is not None
    assert (row["ID"], row["ACTIVE"], row[FIELD]) == ("7", True, "@seven")
    eight = rest.user(8)
    assert eight is not None
    assert eight["ACTIVE"] is False
    assert rest.user(9) is None


def test_another_person_is_not_taken_for_the_one_asked_for(portal: PortalSimulator, clock: Clock) -> None:
    """A dropped filter returns whoever comes first, with HTTP 200."""
    portal.add(1, "@first")
    portal.dropped = {"ID"}
    with raises(PortalError, match="7"):
        client(portal, clock).user(7)


def test_one_kept_connection_serves_many_calls(portal: PortalSimulator, clock: Clock) -> None:
    portal.add(1)
    rest = client(portal, clock)
    for _ in range(5):
        rest.user(1)
    assert portal.connections == 1


def test_fields_and_scope(portal: PortalSimulator, clock: Clock) -> None:
    rest = client(portal, clock)
    assert FIELD in rest.fields()
    assert rest.scope() == {"user"}


def test_both_settings_are_needed(portal: PortalSimulator) -> None:
    settings = portal.settings()
    for missing in (replace(settings, rest_origin=""), replace(settings, rest_webhook=None)):
        with pytest.raises(SettingError):
            Portal(missing)


# ---- pages ---------------------------------------------------------------


def test_pages_come_in_order_and_in_batches(portal: PortalSimulator, clock: Clock) -> None:
    for number in range(1, 701, 3):
        portal.add(number)
    rest = client(portal, clock)
    assert [number for number, _ in rest.users_page(0)] == list(range(1, 150, 3))
    pages = rest.users_pages(148, 10, ["ID", "ACTIVE", FIELD])
    assert [number for page in pages for number, _ in page] == list(range(151, 701, 3))
    assert [len(page) for page in pages] == [50, 50, 50, 34]
    assert len(portal.calls) == 2
    assert set(pages[0][0][1]) == {"ID", "ACTIVE", FIELD}


@pytest.mark.parametrize("lie", ["same", "back", "unordered", "too many"])
def test_a_page_that_contradicts_its_query_is_refused(
    portal: PortalSimulator, clock: Clock, lie: str
) -> None:
    for number in range(1, 201):
        portal.add(number)
    lies: dict[str, Callable[[list[Any]], list[Any]]] = {
        "same": lambda rows: rows[:1] * 2,
        "back": lambda rows: [{"ID": "50"}, *rows[1:]],
        "unordered": lambda rows: rows[::-1],
        "too many": lambda rows: [*rows, {"ID": "1000"}],
    }
    portal.page_faults.append(lambda params, rows: lies[lie](rows))
    with raises(PortalError, match="50"):
        client(portal, clock).users_page(50)


def test_a_batch_ends_before_a_page_that_cannot_be_believed(portal: PortalSimulator, clock: Clock) -> None:
    for number in range(1, 301):
        portal.add(number)
    portal.page_faults.append(
        lambda params, rows: rows[::-1] if str(params["FILTER"][">ID"]) == "100" else None
    )
    rest = client(portal, clock)
    assert [page[-1][0] for page in rest.users_pages(0, 5)] == [50, 100]
    with pytest.raises(PortalError):
        rest.users_pages(100, 5)


def test_a_dropped_date_is_noticed(portal: PortalSimulator, clock: Clock) -> None:
    portal.add(1, TIMESTAMP_X="2026-01-01T00:00:00+03:00")
    portal.add(2, TIMESTAMP_X="2026-03-01T00:00:00+03:00")
    portal.add(3, TIMESTAMP_X={})
    rest = client(portal, clock)
    since = datetime(2026, 2, 1, tzinfo=UTC)
    portal.users.pop(3)
    assert [number for number, _ in rest.users_page(0, since=since)] == [2]
    portal.dropped = {"TIMESTAMP_X"}
    with pytest.raises(PortalError):
        rest.users_page(0, since=since)


def test_known_users_are_read_by_their_ids(portal: PortalSimulator, clock: Clock) -> None:
    portal.add(1)
    portal.add(3)
    rest = client(portal, clock)
    assert rest.known([1, 2, 3, 4]) == {1, 3}
    portal.dropped = {"ID"}
    with pytest.raises(PortalError):
        rest.known([2])


@pytest.mark.parametrize("result", [{"ID": "1"}, [5], [{"NAME": "x"}], [{"ID": "0"}], [{"ID": True}], "x"])
def test_an_answer_without_users_is_wrong(portal: PortalSimulator, clock: Clock, result: object) -> None:
    portal.add(1)
    portal.page_faults.append(lambda params, rows: result)  # type: ignore[arg-type, return-value]
    with pytest.raises(PortalError):
        client(portal, clock).user(1)


# ---- limits --------------------------------------------------------------


def test_the_bucket_is_never_full(portal: PortalSimulator, clock: Clock) -> None:
    """The gateway drains 2 a second and bursts below 50, so the portal never refuses."""
    portal.add(1)
    rest = client(portal, clock)
    began = clock.now
    for _ in range(200):
        rest.user(1, None)
    assert portal.refused == 0
    assert clock.now - began == pytest.approx((200 - BURST) / RATE, abs=1)


def test_a_full_bucket_is_waited_for(portal: PortalSimulator, clock: Clock) -> None:
    portal.add(1)
    # Somebody else on this address fills the rest.
    portal.bucket = 5.0
    rest = client(portal, clock)
    for _ in range(30):
        assert rest.user(1, None) is not None
    assert 0 < portal.refused < 10


def test_many_consumers_share_one_pace(portal: PortalSimulator, clock: Clock) -> None:
    """Each has its own `Portal`; none waits beyond its patience, and the portal refuses nobody."""
    portal.add(1)
    slept: list[float] = []

    def consume(_: int) -> float | None:
        try:
            Portal(portal.settings(), lambda: 100.0, slept.append, clock).user(1, 4.9)
        except PortalUnavailable as failure:
            return failure.retry_after
        return 0.0

    # All at one moment, because the clock stands still.
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(consume, range(80)))
    assert waits.count(0.0) == BURST + 9
    assert sorted(slept) == [0.5 * number for number in range(1, 10)]
    assert all(wait is not None and wait >= 5 for wait in waits if wait != 0.0)
    assert portal.refused == 0


def test_a_blocked_method_is_not_called_until_its_reset(
    portal: PortalSimulator, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Not before `operating_reset_at` of the last successful answer."""
    portal.add(1)
    portal.operating_cost, portal.reset_after = 200.0, 300.0
    rest = client(portal, clock)
    began = clock.now
    for _ in range(4):
        assert rest.user(1, None) is not None
    assert portal.refused == 1
    assert clock.now - began >= 300
    assert "possible in 300 s" in logged(caplog)
    portal.operating_cost = 480.0
    rest.user(1, None)
    with pytest.raises(PortalUnavailable) as raised:
        rest.user(1, 20)
    assert raised.value.retry_after == pytest.approx(300, abs=5)
    calls = len(portal.calls)
    with pytest.raises(PortalUnavailable):
        rest.user(1, 20)
    # It does not even ask.
    assert len(portal.calls) == calls
    # Other methods go on.
    assert "user" in rest.scope()


def test_a_batch_says_until_when_its_method_is_blocked(portal: PortalSimulator, clock: Clock) -> None:
    for number in range(1, 401):
        portal.add(number)
    portal.operating_cost = 120.0
    rest = client(portal, clock)
    # Then the fifth is refused.
    assert len(rest.users_pages(0, 8)) == 4
    began = clock.now
    # It is asked for separately, after the reset.
    assert len(rest.users_pages(200, 4)) == 1
    assert clock.now - began >= 290


def test_limits_without_end_are_given_up(portal: PortalSimulator, clock: Clock) -> None:
    portal.faults.append(always(error("QUERY_LIMIT_EXCEEDED", 503)))
    with pytest.raises(PortalUnavailable) as raised:
        client(portal, clock).user(1, None)
    assert raised.value.retry_after is not None
    assert len(portal.calls) < 10


def test_those_who_wait_wake_one_by_one() -> None:
    pace = Pace()
    starts = [pace.reserve("user.get", 100.0, None) for _ in range(BURST + 3)]
    assert starts[:BURST] == [100.0] * BURST
    assert starts[BURST:] == [100.5, 101.0, 101.5]
    pace.refused(100.0, 10.0)
    assert [pace.reserve("user.get", 101.0, None) for _ in range(3)] == [110.0, 110.5, 111.0]
    assert pace.reserve("user.get", 101.0, 5.0) is None
    pace.succeeded("user.get", 500.0)
    pace.blocked("user.get", 101.0, 1.0)
    assert pace.reserve("user.get", 101.0, None) == 500.0
    assert pace.is_paused("user.get", 499.0)
    assert not pace.is_paused("user.get", 500.0)
    assert not pace.is_paused("scope", 120.0)


# ---- faults --------------------------------------------------------------

WRONG = {
    "html with 200": HTML,
    "truncated": TRUNCATED,
    "not an object": Reply(body=b"[1, 2]"),
    "a number": Reply(body=b"7"),
    "no result": Reply(body=b'{"time": {}}'),
    "a huge number": Reply(body=b'{"result": ' + b"9" * 5000 + b"}"),
    "deep": Reply(body=b'{"result": ' + b"[" * 100_000),
    "not text": Reply(body=b"\xff\xfe\x00"),
    "empty": Reply(body=b""),
    "500": Reply(500, b"<html>error</html>", "text/html"),
    "404": Reply(404, b"<html>Not found</html>", "text/html"),
    "scope": error("insufficient_scope", 401),
    "secret": error("INVALID_CREDENTIALS", 401),
    "expired": error("expired_token", 401),
    "plan": error("ACCESS_DENIED", 403),
    "error with 200": error("ERROR_CORE", 200),
    "code that quotes": error(SECRET.upper(), 400),
    "error that is an object": Reply(400, b'{"error": {"code": "X", "message": "' + SECRET.encode() + b'"}}'),
    "redirect": Reply(302, b"{}", headers={"Location": f"http://localhost/rest/1/{SECRET}/"}),
    "redirect with json": Reply(307, b'{"result": []}', headers={"Location": "https://elsewhere.example/"}),
}
UNREACHABLE = {
    "hangs up": HANG_UP,
    "breaks off": BROKEN_OFF,
    "bad gateway": Reply(502, b"<html>Bad Gateway</html>", "text/html"),
    "unavailable": Reply(503, b"<html>Unavailable</html>", "text/html"),
    "gateway timeout": Reply(504, b"", "text/html"),
}


def quotes_secret(failure: BaseException) -> bool:
    """Whether the secret stands anywhere a log, a handler or Flask could print it from."""
    printed = "".join(traceback.format_exception(failure)) + repr(failure) + repr(failure.args)
    assert failure.__context__ is None
    assert failure.__cause__ is None
    return SECRET in printed or SECRET.upper() in printed


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("method", ["user", "users_pages", "fields"])
def test_a_wrong_answer_is_reported_without_the_secret(
    portal: PortalSimulator, clock: Clock, caplog: pytest.LogCaptureFixture, name: str, method: str
) -> None:
    portal.faults.append(always(WRONG[name]))
    rest = client(portal, clock)
    calls: dict[str, Callable[[], object]] = {
        "user": lambda: rest.user(1),
        "users_pages": lambda: rest.users_pages(0, 3),
        "fields": rest.fields,
    }
    with caplog.at_level(logging.DEBUG), pytest.raises(PortalError) as raised:
        calls[method]()
    assert not quotes_secret(raised.value)
    assert SECRET not in caplog.text
    # A wrong answer is not asked for again.
    assert len(portal.calls) == 1


@pytest.mark.parametrize("name", UNREACHABLE)
def test_an_unreachable_portal_is_tried_again_and_reported_without_the_secret(
    portal: PortalSimulator, clock: Clock, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    portal.faults.append(always(UNREACHABLE[name]))
    with caplog.at_level(logging.DEBUG), pytest.raises(PortalUnavailable) as raised:
        client(portal, clock).user(1)
    assert not quotes_secret(raised.value)
    assert SECRET not in caplog.text
    assert len(portal.calls) == 3


MEANINGS: dict[str, tuple[Reply, type[GatewayError], str, int]] = {
    "a block made by hand": (error("OVERLOAD_LIMIT", 503), PortalError, "support", 1),
    "a deleted portal is a closed box": (
        error("PORTAL_DELETED", 500),
        PortalUnavailable,
        "temporarily closed",
        3,
    ),
    "maintenance": (
        Reply(503, b"<html>Works</html>", "text/html"),
        PortalUnavailable,
        "temporarily closed",
        3,
    ),
    "an internal error": (error("INTERNAL_SERVER_ERROR", 500), PortalUnavailable, "internal error", 3),
    "no code": (Reply(400, b'{"error":"","error_description":"x"}'), PortalError, "has no code", 1),
    "a dismissed owner": (
        Reply(401, b'{"error":"INVALID_CREDENTIALS","error_description":"Unable to authorize user"}'),
        PortalError,
        "owner",
        1,
    ),
    "hangs up": (HANG_UP, PortalUnavailable, "closed the connection", 3),
}


@pytest.mark.parametrize("name", MEANINGS)
def test_errors_are_reported_by_their_meaning(portal: PortalSimulator, clock: Clock, name: str) -> None:
    reply, kind, text, calls = MEANINGS[name]
    portal.faults.append(always(reply))
    with raises(kind, match=text) as raised:
        client(portal, clock).user(1)
    assert not quotes_secret(raised.value)
    assert len(portal.calls) == calls
    # The pauses are between the attempts: none of them is a limit.
    assert len(clock.slept) == calls - 1


def test_a_deleted_portal_in_the_cloud_is_gone(portal: PortalSimulator, clock: Clock) -> None:
    portal.faults.append(always(error("PORTAL_DELETED", 500)))
    settings = replace(portal.settings(), domain="p.bitrix24.com.br")
    with raises(PortalError, match="plan"):
        Portal(settings, clock, clock.sleep, clock).user(1)


@pytest.mark.parametrize(
    ("origin", "text"),
    [("https://no-such-name.invalid", "DNS"), ("https://127.0.0.1:{closed}", "port is closed")],
)
def test_a_failed_connection_is_reported_with_its_reason(
    portal: PortalSimulator, clock: Clock, monkeypatch: pytest.MonkeyPatch, origin: str, text: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    # It is bound but does not listen, so it refuses.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        settings = replace(portal.settings(), rest_origin=origin.format(closed=bound.getsockname()[1]))
        with raises(PortalUnavailable, match=text) as raised:
            Portal(settings, clock, clock.sleep, clock).user(1)
    assert not quotes_secret(raised.value)


def test_a_self_signed_certificate_is_reported(
    portal: PortalSimulator, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=shake_hands, args=(listener, context), daemon=True)
        thread.start()
        origin = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with raises(PortalUnavailable, match="certificate") as raised:
            Portal(replace(portal.settings(), rest_origin=origin), clock, clock.sleep, clock).user(1)
    assert not quotes_secret(raised.value)


def self_signed(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = directory / "certificate.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem)
    )
    return path


def shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Three times: so often an address that does not answer is tried."""
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with suppress(OSError), context.wrap_socket(connection, server_side=True):
                pass


@pytest.mark.parametrize(
    "before",
    [
        b"\xef\xbb\xbf",
        b"<br />\n<b>Warning</b>:  Undefined array key {1} in <b>/home/x.php</b> on line <b>3</b><br />\n",
        b"\nNotice: x in /home/x.php on line 3\n\xef\xbb\xbf",
    ],
)
def test_what_a_box_prints_before_its_answer_is_skipped(
    portal: PortalSimulator, clock: Clock, before: bytes
) -> None:
    portal.faults.append(always(Reply(body=before + b'{"result":[{"ID":"1","ACTIVE":true}],"time":{}}')))
    assert client(portal, clock).user(1) == {"ID": "1", "ACTIVE": True}


def test_a_portal_that_hangs_blocks_nobody(portal: PortalSimulator) -> None:
    """Two callers wait in vain; the others are turned away at once, until one may try again."""
    portal.add(1, 5)
    hangs = threading.Event()

    def hang(call: Call) -> None:
        hangs.wait(10)

    portal.faults.append(hang)
    now = [1000.0]
    rest = Portal(portal.settings(), lambda: now[0])
    counted = []
    for _ in range(2):
        with raises(PortalSilent, match="in time") as waited_in_vain:
            rest.user(1, 0.2)
        counted.append(waited_in_vain.value.counted)
    # From the second one on, the portal is known to hang.
    assert counted == [True, False]
    # It is not asked again at once.
    assert len(portal.calls) == 2
    for _ in range(20):
        with raises(PortalUnavailable, match="in time") as turned_away:
            rest.user(1, 20)
        assert (turned_away.value.retry_after, turned_away.value.counted) == (30, False)
    assert len(portal.calls) == 2
    hangs.set()
    now[0] += 31
    assert rest.user(1) is not None
    assert rest.user(1) is not None


def test_one_caller_tries_a_portal_that_hung() -> None:
    pace = Pace()
    for _ in range(2):
        assert pace.silent_for(100.0) == 0
        pace.silent(100.0)
    assert pace.silent_for(110.0) == 20
    assert pace.silent_for(130.0) == 0  # this one tries
    # The others wait for what comes of it.
    assert pace.silent_for(130.0) == 30
    pace.answered()
    assert pace.silent_for(131.0) == 0


def test_a_batch_over_its_time_rests_as_batch(portal: PortalSimulator, clock: Clock) -> None:
    """The 429 names its own reset; single pages go on meanwhile."""
    portal.add(1)
    reset_at = int(clock.now) + 200
    body = f'{{"error":"OPERATION_TIME_LIMIT","time":{{"operating_reset_at":{reset_at}}}}}'
    portal.faults.append(
        lambda call: Reply(429, body.encode()) if call.method == "batch" and clock.now < reset_at else None
    )
    rest = client(portal, clock)
    rest.user(1)
    assert clock.slept == []
    rest.users_pages(0, 2)
    assert clock.now == pytest.approx(reset_at, abs=1)
    assert [call.method for call in portal.calls] == ["user.get", "batch", "batch"]


def test_a_temporary_fault_is_tried_again(portal: PortalSimulator, clock: Clock) -> None:
    portal.add(1, 5)
    portal.faults.append(lambda call: HANG_UP if call.number < 3 else None)
    assert client(portal, clock).user(1) is not None


def test_a_closed_port_is_unreachable(portal: PortalSimulator, clock: Clock) -> None:
    rest = client(portal, clock)
    portal.close()
    with pytest.raises(PortalUnavailable) as raised:
        rest.user(1)
    assert not quotes_secret(raised.value)


def test_a_server_that_drips_bytes_does_not_block_a_consumer(portal: PortalSimulator) -> None:
    """Each byte comes in time, the answer never: the patience ends it."""
    portal.faults.append(always(replace(EMPTY, drip=0.2, body=b" " * 10_000)))
    began = time.monotonic()
    with pytest.raises(PortalUnavailable):
        Portal(portal.settings()).user(1, 1.0)
    # Not 2,000 seconds; the bound is loose for slow machines.
    assert time.monotonic() - began < 30


def test_a_slow_answer_is_waited_for(portal: PortalSimulator) -> None:
    portal.add(1, 5)
    released = threading.Event()

    def slow(call: Call) -> None:
        released.wait(0.5)

    portal.faults.append(slow)
    assert Portal(portal.settings()).user(1) is not None


def test_the_debug_log_of_urllib3_names_no_secret(
    portal: PortalSimulator, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    portal.add(1)
    with caplog.at_level(logging.DEBUG):
        client(portal, clock).user(1)
    # It does log the path: that is why.
    assert "/rest/***/***/user.get.json" in caplog.text
    assert SECRET not in caplog.text
    assert not any(SECRET in str(record.__dict__) for record in caplog.records)


def test_nothing_is_sent_to_another_host(portal: PortalSimulator, clock: Clock) -> None:
    other = PortalSimulator()
    try:
        portal.faults.append(
            always(Reply(302, b"", headers={"Location": f"{other.origin}/rest/1/x/user.get.json"}))
        )
        with pytest.raises(GatewayError):
            client(portal, clock).user(1)
        assert other.calls == []
    finally:
        other.close()


def test_a_proxy_is_not_asked_about_loopback(
    portal: PortalSimulator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    portal.add(1)
    assert client(portal, clock).user(1) is not None


def test_no_repr_holds_the_secret(portal: PortalSimulator, clock: Clock) -> None:
    rest = client(portal, clock)
    assert SECRET not in repr(rest)
    assert SECRET not in repr(portal.settings())
