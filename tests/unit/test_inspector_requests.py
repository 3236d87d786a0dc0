"""The inspector's requests: the list with its filters, one request, and what can be done with it again."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest

from gateway.journal import Journal, NewRequest
from gateway.local.inspector.frame import Parts
from gateway.local.recorder import Recorder
from gateway.queues import open_embedded
from gateway.settings import Settings, load
from tests.support.deliveries import OTHER_TOKEN, TOKEN, form
from tests.support.inspector import Browser, page_settings, record_request
from verify import PLACES

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return page_settings(tmp_path, FORWARD_TO="http://127.0.0.1:9/bot")


@pytest.fixture
def journal(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setattr("gateway.journal._journals", {})
    journal = Journal(settings.journal.path)
    yield journal
    journal.close()


@pytest.fixture
def recorder(settings: Settings, journal: Journal) -> Recorder:
    return Recorder(settings, journal)


@pytest.fixture
def browser(settings: Settings, journal: Journal, recorder: Recorder) -> Browser:
    return Browser(settings, journal, Parts(recorder=recorder))


def listed(browser: Browser, query: str = "") -> list[str]:
    return re.findall(r'id="row-([0-9a-f]{16})"', browser.get(f"/requests{query}").text)


def visible_text(page: str) -> str:
    """A page's text without its markup."""
    blocks = re.sub(r"</?(?:td|th|tr|p|div|section|li|h\d|option|button|summary|small)\b[^>]*>", " ", page)
    text = unescape(re.sub(r"<[^>]+>", "", blocks)).replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\s+", " ", text)


def test_a_row_says_who_what_and_why(browser: Browser, recorder: Recorder) -> None:
    record_request(recorder, form(token=OTHER_TOKEN))
    text = visible_text(browser.get("/requests").text)
    assert "rejected 403 ONUSERUPDATE · portal.bitrix24.ru · user 12" in text
    assert "Another webhook's token (fingerprint" in text
    browser.speak("ru")
    text = visible_text(browser.get("/requests").text)
    assert "отказ 403 ONUSERUPDATE · portal.bitrix24.ru · польз. 12" in text
    assert "Токен другого вебхука (отпечаток" in text


def test_an_unanswered_delivery_is_described_in_words(
    browser: Browser, recorder: Recorder, journal: Journal, settings: Settings
) -> None:
    [destination] = settings.destinations
    request = journal.request(record_request(recorder, form()))
    assert request is not None
    reason = json.dumps({"destination": destination.printable_url, "problem": "TIMED_OUT"})
    journal.add_outcome(
        {
            "code": "EVENT_FAILED", "subscription": f"forward-event-{destination.id}", "next": 30,
            "event_id": request.event_id, "reason": f"REASON_NO_ANSWER {reason}", "attempt": 2,
        }
    )  # fmt: skip
    for language, says in (
        ("en", "http://127.0.0.1:9/bot did not answer: "),
        ("ru", "http://127.0.0.1:9/bot не ответил: "),
    ):
        browser.speak(language)
        for path in ("", "/requests", f"/r/{request.request_id}"):
            text = visible_text(browser.get(path).text)
            assert says in text, path
            # The record as it is kept comes last.
            visible = text.partition("JSON")[0]
            assert "REASON_" not in visible
            assert "forward-event-" not in visible
    assert "попытка 2: http://127.0.0.1:9/bot не ответил: TIMED_OUT; следующая через 30 с" in text


def test_equal_rejections_fold_into_one_row(browser: Browser, recorder: Recorder) -> None:
    now = time.time()
    for back in (1500, 900, 5):
        record_request(recorder, form(token=OTHER_TOKEN), at=now - back)
    assert len(listed(browser)) == 1
    since = datetime.fromtimestamp(now - 1500, UTC).strftime("%H:%M")
    assert f"×3 since {since}" in visible_text(browser.get("/requests").text)


def test_filters_stand_in_the_address(browser: Browser, recorder: Recorder, journal: Journal) -> None:
    now = time.time()
    old = record_request(recorder, form("ONCRMDEALADD", {"FIELDS": {"ID": "9"}}), now - 3 * 86_400)
    refused = record_request(recorder, form(token=OTHER_TOKEN), now - 300)
    accepted = record_request(recorder, form(), now - 200)
    other = record_request(
        recorder, form("ONTASKADD", {"FIELDS": {"ID": "1"}}, domain="other.bitrix24.ru"), now - 100
    )
    assert listed(browser) == [other, accepted, refused]
    assert listed(browser, "?show=refused") == [refused]
    assert listed(browser, "?show=accepted") == [other, accepted]
    assert listed(browser, "?period=7d") == [other, accepted, refused, old]
    assert listed(browser, "?q=@ivan_petrov") == [accepted, refused]
    assert listed(browser, "?q=other.bitrix24.ru") == [other]
    assert listed(browser, f"?q={accepted}") == [accepted]
    assert listed(browser, "?cause=TOKEN_OTHER_WEBHOOK") == [refused]
    assert listed(browser, "?event=ONTASKADD") == [other]
    assert listed(browser, "?portal=other.bitrix24.ru") == [other]
    assert listed(browser, "?to=nobody") == []
    outcome = {"code": "EVENT_FORWARDED", "subscription": "forward-event-1", "ms": 4}
    event_id = journal.request(other).event_id  # type: ignore[union-attr]
    journal.add_outcome(outcome | {"event_id": event_id})
    assert listed(browser, "?to=forward-event-1") == [other]


def test_an_hour_of_the_chart_is_a_filter(browser: Browser, recorder: Recorder) -> None:
    hour = int(time.time() // 3600) - 3
    before, within, after = (
        record_request(recorder, form("ONTASKADD", {"ID": str(n)}), hour * 3600 + offset)
        for n, offset in enumerate((-1, 1800, 3600))
    )
    assert listed(browser, f"?hour={hour}") == [within]
    assert {before, after} & set(listed(browser)) == {before, after}


@pytest.mark.parametrize(
    "query",
    [
        "?show=x",
        "?period=9y",
        "?hour=x",
        "?hour=99999999999",
        "?below=-1",
        "?below=%00",
        "?q=%00%F0%9F",
        "?to=%27",
    ],
)
def test_an_odd_address_is_answered(browser: Browser, recorder: Recorder, query: str) -> None:
    record_request(recorder, form())
    assert browser.get(f"/requests{query}").status_code == 200
    assert browser.get(f"/requests/live{query}&top=x&change=x").status_code == 200


def test_probes_are_hidden_until_asked_for(browser: Browser, recorder: Recorder) -> None:
    probe = record_request(recorder, form("ONGATEWAYPROBE", {"FIELDS": {"ID": "1"}}))
    assert listed(browser) == []
    assert listed(browser, "?probes=1") == [probe]
    assert listed(browser, f"?q={probe}") == [probe]


def test_a_probe_without_a_configured_token_says_what_to_set(settings: Settings, journal: Journal) -> None:
    bare = load(
        {"LOG_LANGUAGE": "en", "JOURNAL_URL": str(settings.journal), "QUEUE_URL": str(settings.queue)}, None
    )
    name = record_request(Recorder(bare, journal), form("ONGATEWAYPROBE", {"FIELDS": {"ID": "1"}}))
    text = visible_text(Browser(bare, journal).get(f"/r/{name}").text)
    assert "No token is configured · SETTING_MISSING" in text
    assert "BITRIX24_OUTGOING_WEBHOOK_TOKEN in .env" in text


def test_a_probe_goes_to_nobody(browser: Browser, recorder: Recorder, journal: Journal) -> None:
    name = record_request(recorder, form("ONGATEWAYPROBE", {"FIELDS": {"ID": "1"}}))
    request = journal.request(name)
    assert request is not None
    journal.add_outcome({"code": "EVENT_IGNORED", "event_id": request.event_id, "probe": True})
    text = visible_text(browser.get(f"/r/{name}").text)
    assert "a probe: delivered to nobody" in text
    assert "FORWARD_TO" not in text


@pytest.mark.parametrize("body", [b"", form()])
def test_a_request_with_a_wrong_method_is_labelled_as_one(
    browser: Browser, recorder: Recorder, body: bytes
) -> None:
    name = record_request(recorder, body, method="DELETE")
    text = visible_text(browser.get(f"/r/{name}").text)
    assert "Wrong method · " in text
    assert "Wrong method" in visible_text(browser.get("/requests").text)
    assert "No token" not in text


def test_chips_count_requests_not_rows(browser: Browser, recorder: Recorder) -> None:
    for _ in range(3):
        record_request(recorder, form(token=OTHER_TOKEN))
    record_request(recorder, form())
    text = visible_text(browser.get("/requests").text)
    assert "All 4 Rejected 3 Accepted 1" in text
    assert "All 4" not in visible_text(browser.get("/requests?q=12").text)


def test_what_a_sender_writes_stays_text(browser: Browser, recorder: Recorder) -> None:
    first = record_request(
        recorder,
        form(HOSTILE, {"ID": HOSTILE, HOSTILE: "x"}, domain=HOSTILE),
        headers={"user-agent": HOSTILE},
    )
    two = record_request(recorder, HOSTILE.encode(), headers={"content-type": HOSTILE}, path=f"/{HOSTILE}")
    three = record_request(recorder, form("ONTASKADD", {"FIELDS": {"ID": HOSTILE, HOSTILE: HOSTILE}}))
    for path in ("/requests", f"/r/{first}", f"/r/{two}", f"/r/{three}", f"/requests?q={HOSTILE}", ""):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "<img" not in page
    assert "&lt;script&gt;" in browser.get(f"/r/{three}").text


def test_a_rejected_request_says_why_and_what_to_do(browser: Browser, recorder: Recorder) -> None:
    name = record_request(recorder, form(token=OTHER_TOKEN))
    page = browser.get(f"/r/{name}").text
    text = visible_text(page)
    assert "ONUSERUPDATE · rejected 403 TOKEN_MISMATCH" in text
    assert "Another webhook's token · TOKEN_OTHER_WEBHOOK" in text
    assert "→ " in text
    assert "body:auth.application_token another value 32" in text
    assert f"{len(PLACES) - 1} more places are empty" in text
    assert "content-type application/x-www-form-urlencoded" in text
    assert "data[ID] 12" in text
    assert "/resend" not in page
    assert OTHER_TOKEN not in page
    assert TOKEN not in page


def test_a_record_that_does_not_exist_is_a_404(browser: Browser) -> None:
    assert browser.get("/r/0123456789abcdef").status_code == 404
    assert browser.post("/r/0123456789abcdef/judge").status_code == 404
    assert browser.post("/r/0123456789abcdef/resend").status_code == 404


def test_text_copied_for_support_holds_no_personal_data(browser: Browser, recorder: Recorder) -> None:
    data = {"ID": "777123", "UF_USR_TELEGRAM": "@ivan_petrov", "EMAIL": "ivan@example.com"}
    name = record_request(recorder, form(data=data, token=OTHER_TOKEN))
    support_text = re.search(
        r'<pre id="support" hidden>(.*?)</pre>', browser.get(f"/r/{name}").text, re.DOTALL
    )
    assert support_text is not None
    for personal in ("777123", "ivan", "185.26.122.10", "portal.bitrix24.ru"):
        assert personal not in support_text[1]
    for useful in (name, "TOKEN_OTHER_WEBHOOK", "auth.application_token"):
        assert useful in support_text[1]


def test_a_rejected_request_is_judged_by_the_current_settings(
    settings: Settings, journal: Journal, recorder: Recorder
) -> None:
    name = record_request(recorder, form(token=OTHER_TOKEN))
    today = Browser(settings, journal).post(f"/r/{name}/judge")
    assert (today.status_code, "403 TOKEN_MISMATCH" in visible_text(today.text)) == (200, True)
    both_tokens = load({"BITRIX24_OUTGOING_WEBHOOK_TOKEN": f"{TOKEN},{OTHER_TOKEN}", "LOG_LANGUAGE": "en",
                 "JOURNAL_URL": str(settings.journal), "QUEUE_URL": str(settings.queue)}, None)  # fmt: skip
    mended = Browser(both_tokens, journal).post(f"/r/{name}/judge")
    assert "this request would pass" in visible_text(mended.text)
    assert open_embedded(settings).depth() == 0  # judged, never queued
    request = journal.request(name)
    assert request is not None
    assert request.kind == "refused"


@pytest.mark.parametrize(
    ("token", "cause"),
    [
        (TOKEN[:-1], "TOKEN_ALTERED"),
        (TOKEN.upper(), "TOKEN_ALTERED"),
        (TOKEN.replace("k", "к"), "TOKEN_LOOKALIKE"),
        ("0123456789abcdef" * 2, "TOKEN_APPLICATION"),
        (OTHER_TOKEN, "TOKEN_OTHER_WEBHOOK"),
    ],
)
def test_what_a_masked_value_showed_is_still_its_cause(
    token: str, cause: str, browser: Browser, recorder: Recorder
) -> None:
    name = record_request(recorder, form(token=token))
    for page in (browser.get(f"/r/{name}"), browser.post(f"/r/{name}/judge")):
        text = visible_text(page.text).replace("TOKEN_MISMATCH", "")
        assert re.findall(r"· (TOKEN_[A-Z_]+)", text) == [cause]


def test_an_accepted_event_is_resent_to_all_or_to_one(
    settings: Settings, browser: Browser, recorder: Recorder
) -> None:
    name = record_request(recorder, form())
    queue = open_embedded(settings)
    assert browser.post(f"/r/{name}/resend").status_code == 200
    all_of_them = queue.depths()
    assert set(all_of_them.values()) == {1}
    assert len(all_of_them) == 2
    subscription = next(name for name in all_of_them if name.startswith("forward-event"))
    assert browser.post(f"/r/{name}/resend", to=subscription).status_code == 200
    assert queue.depths() == all_of_them | {subscription: 2}
    queue.close()


def test_a_rejected_request_is_never_resent(settings: Settings, browser: Browser, recorder: Recorder) -> None:
    name = record_request(recorder, form(token=OTHER_TOKEN))
    assert browser.post(f"/r/{name}/resend").status_code == 409
    headers = {"Origin": "http://localhost", "X-Page-Token": browser.token(), "HX-Request": "true"}
    within = browser.client.post(f"/inspector/r/{name}/resend", headers=headers)
    assert (within.status_code, 'role="alert"' in within.text) == (200, True)
    assert open_embedded(settings).depth() == 0


def test_every_request_is_kept_whole_for_a_while(browser: Browser, recorder: Recorder) -> None:
    before = record_request(recorder, form())
    assert browser.post("/capture", on="1").status_code == 303
    during = record_request(recorder, form(data={"ID": "13"}))
    browser.post("/capture", on="0")
    after = record_request(recorder, form(data={"ID": "14"}))
    pages = [browser.get(f"/r/{name}").text for name in (before, during, after)]
    assert ["Headers and body are not kept" in page for page in pages] == [True, False, True]


def test_the_poll_brings_what_is_new_and_what_changed(
    browser: Browser, recorder: Recorder, journal: Journal
) -> None:
    first = record_request(recorder, form())
    page = browser.get("/requests").text
    address = unescape(re.findall(r'hx-get="/inspector(/requests/live[^"]*)"', page)[0])
    quiet = browser.get(address).text
    assert f"row-{first}" not in quiet
    assert "new: show" not in quiet
    record_request(recorder, form(token=OTHER_TOKEN))
    request = journal.request(first)
    assert request is not None
    journal.add_outcome({"code": "LINK_UNCHANGED", "reason": "same", "event_id": request.event_id,
                         "subscription": "on-user-update", "bitrix_user_id": 12})  # fmt: skip
    news = browser.get(address).text
    assert "1 new: show it" in visible_text(news)
    assert f'id="row-{first}"' in news
    assert "already known" in news
    assert 'id="badge-requests" data-count="1"' in news


def test_at_most_five_hundred_rows_on_a_page(browser: Browser, journal: Journal) -> None:
    now = time.time()
    journal.add_requests(
        [
            NewRequest(
                f"{n:016x}",
                now - 1000 + n,
                "accepted",
                "EVENT_QUEUED",
                200,
                event="ONX",
                record={"method": "POST"},
            )
            for n in range(600)
        ]
    )
    row_ids: list[str] = []
    page = browser.get("/requests").text
    while True:
        row_ids += re.findall(r'id="row-([0-9a-f]{16})"', page)
        more = re.search(r'class="more" href="/inspector([^"]*)"(?: hx-get="/inspector([^"]*)")?', page)
        assert more is not None
        if more[2] is None:
            break
        page = browser.get(unescape(more[2])).text
    assert len(row_ids) == len(set(row_ids)) == 500
    rest = browser.get(unescape(more[1])).text
    assert len(set(re.findall(r'id="row-([0-9a-f]{16})"', rest)) - set(row_ids)) == 50
