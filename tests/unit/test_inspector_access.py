"""Who may open the inspector: who gets in, who does not, and what trying costs."""

import logging
import re
from contextlib import closing

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import TestResponse

from gateway.local import inspector
from gateway.local.inspector.access import ALL_TRIES, PATH, SESSION_SECONDS, STYLES, TRIES, Access
from gateway.local.serve import _inspector_addresses
from gateway.settings import Settings, load
from tests.support.clock import Clock

PASSWORD = "пароль inspector 7"
FROM_HERE = {"Host": "localhost:8080"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(access: Access) -> FlaskClient:
    """A page that asks for access, as `serve` mounts it."""
    app = flask.Flask(inspector.__name__)
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    app.before_request(lambda: access.admit(flask.request))
    app.add_url_rule("/", view_func=lambda: "what came")
    app.wsgi_app = DispatcherMiddleware(NotFound(), {PATH: app.wsgi_app})  # type: ignore[method-assign]
    return app.test_client()


def guarded(clock: Clock) -> FlaskClient:
    return client(Access(Settings(inspector_password=PASSWORD), clock))


def log_in(browser: FlaskClient, password: str, sender: str = "127.0.0.1", **headers: str) -> TestResponse:
    http_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return browser.post(
        "/inspector",
        data={"password": password},
        headers=http_headers,
        environ_base={"REMOTE_ADDR": sender},
    )


def test_nobody_gets_in_without_the_key_wherever_they_come_from(clock: Clock) -> None:
    browser = client(Access(Settings(), clock))
    for headers in ({}, FROM_HERE, {"Host": "127.0.0.1"}, {"Cookie": "inspector=9999999999.x"}):
        answer = browser.get("/inspector", headers=headers)
        assert (answer.status_code, "key" in answer.text) == (401, True)
        assert "what came" not in answer.text


def test_the_printed_link_opens_it_and_leaves_the_address(clock: Clock) -> None:
    access = Access(Settings(), clock)
    browser = client(access)
    answer = browser.get(access.link)
    assert (answer.status_code, answer.location) == (303, "/inspector")
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/inspector"} <= set(cookie.split("; "))
    assert access.link.partition("=")[2] not in cookie
    assert browser.get("/inspector").text == "what came"
    assert browser.get(access.link).location == "/inspector"


def test_a_link_to_one_request_leads_there_after_the_door(clock: Clock) -> None:
    access = Access(Settings(), clock)
    browser = client(access)
    key = access.link.partition("?")[2]
    assert browser.get(f"/inspector/r/0123?pane=1&{key}").location == "/inspector/r/0123?pane=1"
    visitor = guarded(clock)
    page = visitor.get("/inspector/r/0123")
    assert (page.status_code, 'action="/inspector/r/0123"' in page.text) == (401, True)
    assert visitor.post("/inspector/r/0123", data={"password": PASSWORD}).location == "/inspector/r/0123"
    script = guarded(clock).get("/inspector/live", headers={"HX-Request": "true"})
    assert (script.status_code, script.mimetype) == (401, "text/plain")


def test_a_session_ends(clock: Clock) -> None:
    access = Access(Settings(), clock)
    browser = client(access)
    browser.get(access.link)
    clock.now += SESSION_SECONDS - 1
    assert browser.get("/inspector").status_code == 200
    clock.now += 2
    assert browser.get("/inspector").status_code == 401


def test_a_session_of_another_process_or_changed_by_hand_opens_nothing(clock: Clock) -> None:
    other = client(Access(Settings(), clock))
    access = Access(Settings(), clock)
    browser = client(access)
    browser.get(access.link)
    cookie = browser.get_cookie("inspector", path="/inspector")
    assert cookie is not None
    until, _, signature = cookie.value.partition(".")
    assert other.get("/inspector", headers={"Cookie": f"inspector={cookie.value}"}).status_code == 401
    for forged in (f"{int(until) + 1}.{signature}", f"{until}.{signature[:-1]}", until, ".", "²", "x" * 9000):
        stranger = client(access)
        assert stranger.get("/inspector", headers={"Cookie": f"inspector={forged}"}).status_code == 401


@pytest.mark.parametrize("key", ["", "x", "%00", "ы", "a" * 5000])
def test_a_wrong_key_opens_nothing_and_locks_nobody_out(key: str, clock: Clock) -> None:
    access = Access(Settings(), clock)
    browser = client(access)
    for _ in range(20):
        assert browser.get(f"/inspector?key={key}").status_code == 403
    assert browser.get(access.link).status_code == 303


def test_the_right_password_opens_the_inspector(clock: Clock) -> None:
    browser = guarded(clock)
    answer = browser.get("/inspector")
    assert (answer.status_code, 'type="password"' in answer.text) == (401, True)
    assert log_in(browser, PASSWORD).location == "/inspector"
    assert browser.get("/inspector").text == "what came"


def test_a_password_is_taken_by_post_only(clock: Clock) -> None:
    assert guarded(clock).get(f"/inspector?password={PASSWORD}&key={PASSWORD}").status_code == 401


def test_at_most_five_wrong_passwords_a_minute_are_checked_and_each_is_logged(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    browser = guarded(clock)
    with caplog.at_level(logging.WARNING):
        for number in range(TRIES):
            assert log_in(browser, f"{PASSWORD}{number}").status_code == (429 if number == TRIES - 1 else 403)
        locked = log_in(browser, PASSWORD)
    assert (locked.status_code, locked.headers["Retry-After"]) == (429, "60")
    assert [message for message in caplog.messages if "127.0.0.1" in message] == caplog.messages
    # The sixth was not checked: such tries have no bound, and only one in a while is logged.
    assert len(caplog.messages) == TRIES + 1
    assert PASSWORD not in caplog.text
    clock.now += 61
    assert log_in(browser, PASSWORD).status_code == 303


def test_a_strangers_tries_lock_nobody_else_out(clock: Clock) -> None:
    browser = guarded(clock)
    for _ in range(50):
        log_in(browser, "wrong", sender="203.0.113.7")
    assert log_in(browser, PASSWORD, sender="198.51.100.2").status_code == 303


def test_behind_a_proxy_tries_count_by_the_address_that_the_proxy_saw(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    browser = guarded(clock)
    for number in range(TRIES):
        # What the stranger writes into the header comes before what the proxy adds.
        forged = f"77.88.55.{number}, 93.184.216.7"
        last = log_in(browser, "wrong", X_Forwarded_For=forged)
    assert last.status_code == 429
    assert log_in(browser, PASSWORD, X_Forwarded_For="93.184.216.7").status_code == 429
    assert log_in(browser, PASSWORD, X_Forwarded_For="77.88.55.2").status_code == 303
    assert "93.184.216.7" in caplog.text


def test_addresses_of_one_ipv6_network_count_together(clock: Clock) -> None:
    browser = guarded(clock)
    for number in range(TRIES):
        log_in(browser, "wrong", sender=f"2a02:6b8::{number + 1:x}")
    assert log_in(browser, PASSWORD, sender="2a02:6b8::ff").status_code == 429


def test_ipv4_senders_of_a_server_that_listens_on_both_count_apart(clock: Clock) -> None:
    browser = guarded(clock)
    for _ in range(TRIES):
        last = log_in(browser, "wrong", sender="::ffff:93.184.216.7")
    assert last.status_code == 429
    assert log_in(browser, PASSWORD, sender="::ffff:77.88.55.2").status_code == 303


def test_made_up_addresses_give_a_hundred_guesses_a_minute_and_no_more(clock: Clock) -> None:
    browser = guarded(clock)
    for number in range(ALL_TRIES):
        assert log_in(browser, "wrong", X_Forwarded_For=f"93.184.216.{number}").status_code in (403, 429)
    assert log_in(browser, PASSWORD, X_Forwarded_For="77.88.55.2").status_code == 429


def test_an_open_session_stays_open_while_others_try(clock: Clock) -> None:
    browser = guarded(clock)
    log_in(browser, PASSWORD)
    for _ in range(10):
        log_in(guarded(clock), "wrong")
    assert browser.get("/inspector").status_code == 200


def test_a_browser_that_was_in_has_tries_of_its_own(clock: Clock) -> None:
    """Whoever shares its proxy's address can't lock it out. It has five tries a minute, as an address has."""
    access = Access(Settings(inspector_password=PASSWORD), clock)
    browser, stranger = client(access), client(access)
    log_in(browser, PASSWORD)
    clock.now += SESSION_SECONDS + 1
    assert browser.get("/inspector").status_code == 401
    for number in range(ALL_TRIES):
        log_in(stranger, "wrong", X_Forwarded_For=f"93.184.216.{number}")
    assert log_in(client(access), PASSWORD).status_code == 429
    for _ in range(TRIES - 1):
        assert log_in(browser, "wrong").status_code == 403
    assert log_in(browser, PASSWORD).status_code == 303
    assert browser.get("/inspector").status_code == 200
    clock.now += SESSION_SECONDS + 1
    for _ in range(TRIES):
        last = log_in(browser, "wrong")
    assert (last.status_code, log_in(browser, PASSWORD).status_code) == (429, 429)


def test_another_sites_page_tries_no_passwords_through_a_browser(clock: Clock) -> None:
    assert log_in(guarded(clock), PASSWORD, Sec_Fetch_Site="cross-site").status_code == 403


def test_before_the_password_only_the_forms_own_style_is_served(clock: Clock) -> None:
    def status(visitor: FlaskClient, path: str) -> int:
        with closing(visitor.get(f"{PATH}{path}")) as answer:
            return answer.status_code

    visitor = guarded(clock)
    assert [status(visitor, path) for path in STYLES] == [200, 200]
    for path in ("/static/page.js", "/static/../access.py", "/static/", "/static/style.css/x", "/"):
        assert status(visitor, path) == 401, path
    # Without a form there are no files of it.
    assert status(client(Access(Settings(), clock)), STYLES[0]) == 401


def test_the_password_form_gives_nothing_away(clock: Clock) -> None:
    page = log_in(guarded(clock), "<script>alert(1)</script>").text
    assert "<script" not in page
    assert not re.search(r"https?://", page)


@pytest.mark.parametrize(
    ("environ", "origins"),
    [
        ({}, ["http://127.0.0.1:8080"]),
        (
            {"WEBHOOK_URL": "https://hooks.example.com"},
            ["http://127.0.0.1:8080", "https://hooks.example.com"],
        ),
        ({"RAILWAY_PUBLIC_DOMAIN": "x.up.railway.app"}, ["https://x.up.railway.app"]),
        ({"RAILWAY_ENVIRONMENT": "production"}, ["http://127.0.0.1:8080"]),
    ],
)
def test_the_link_that_is_printed_opens_where_its_reader_is(
    environ: dict[str, str], origins: list[str]
) -> None:
    settings = load(environ, dotenv=None)
    access = Access(settings)
    links = _inspector_addresses(settings, "http://127.0.0.1:8080", access).split(" · ")
    assert links == [origin + access.link for origin in origins]
