"""The inspector's text box and its guide: judged and stored nowhere; every cause has its section."""

import re
from pathlib import Path

import pytest

from gateway.diagnosis.finding import CODES
from gateway.local.inspector.guide_view import anchor_of
from tests.support.deliveries import OTHER_TOKEN, PORTAL, form
from tests.support.inspector import Browser


def test_a_request_is_explained_in_the_readers_language_and_stored_nowhere(
    browser: Browser, tmp_path: Path
) -> None:
    pasted = form(token=OTHER_TOKEN).decode()
    answer = browser.post("/explain", pasted=pasted).text
    assert "Another webhook&#39;s token" in answer
    assert "/inspector/guide#token_other_webhook" in answer
    assert "body:auth.application_token" in answer
    assert "Read as" in answer
    browser.speak("ru")
    assert "Прочитано как" in browser.post("/explain", pasted=pasted).text
    assert not list(tmp_path.glob("*.db"))


def test_a_request_that_passes_shows_its_event(browser: Browser) -> None:
    answer = browser.post("/explain", pasted=form().decode()).text
    assert "why good" in answer
    assert PORTAL in answer
    assert "&#34;schema&#34;: 1" in answer


@pytest.mark.parametrize(
    "pasted", ["", " ", "GET /x HTTP/1.1", '1.2.3.4 - - [1/Jan/2026] "POST / HTTP/1.1" 200 1']
)
def test_text_without_a_request_is_reported(browser: Browser, pasted: str) -> None:
    answer = browser.post("/explain", pasted=pasted)
    assert answer.status_code == 200
    assert "why" in answer.text


def test_markup_that_is_pasted_is_shown_and_never_run(browser: Browser) -> None:
    answer = browser.post(
        "/explain", pasted="event=<script>alert(1)</script>&</textarea><script>x</script>"
    ).text
    assert not re.search(r"<script(?! src)", answer)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_cause_has_its_section_in_the_guide(browser: Browser, language: str) -> None:
    browser.speak(language)
    page = browser.get("/guide").text
    anchors = set(re.findall(r'<h\d id="([^"]+)"', page))
    assert {code.lower() for code in CODES} <= anchors
    assert "<table>" in browser.get("/guide/codes").text


def test_the_guides_lead_to_one_another(browser: Browser) -> None:
    page = browser.get("/guide/codes").text
    assert "/inspector/guide/token-not-found#token_absent" in page
    page = browser.get("/guide/bitrix24").text
    picture = re.search(r'src="(/inspector/guide/pictures/[^"]+)"', page)
    assert picture is not None
    assert browser.get(picture[1].removeprefix("/inspector")).status_code == 200


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_guides_picture_is_dark_where_the_readers_page_is(browser: Browser, language: str) -> None:
    browser.speak(language)
    page = browser.get("/guide/inspector").text
    assert "&lt;picture" not in page
    light = re.findall(r'<img src="(/inspector/guide/pictures/inspector-[^"]+)"', page)
    dark = re.findall(r'srcset="(/inspector/guide/pictures/inspector-[^"]+-dark[^"]*)"', page)
    assert len(light) == len(dark) == 3
    for address in (*light, *dark):
        assert browser.get(address.removeprefix("/inspector")).status_code == 200


@pytest.mark.parametrize("name", ["nothing", "..%2fREADME", "../../.env", "README", "pictures/../../main.py"])
def test_nothing_but_guides_is_served(browser: Browser, name: str) -> None:
    assert browser.get(f"/guide/{name}").status_code == 404
    assert browser.get(f"/guide/pictures/{name}").status_code == 404


def test_anchors_are_githubs() -> None:
    assert anchor_of("TOKEN_ABSENT") == "token_absent"
    assert anchor_of("What came of an event, and more") == "what-came-of-an-event-and-more"
    assert anchor_of("Ответы: все") == "ответы-все"
