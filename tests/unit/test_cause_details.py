"""What a cause names: the portal as the receiver reads it, a field as it was sent, what really broke off."""

import pytest

from gateway.diagnosis import Cause, diagnose
from gateway.ingest.decision import judge
from gateway.ingest.incoming import Incoming
from tests.support.refusals import JSON, NAME, NOW, OTHER, TOKEN, Request


def vendors(endpoint: str, token: str) -> bytes:
    auth = f"auth[domain]=oauth.bitrix.info&auth[client_endpoint]={endpoint}&auth[application_token]={token}"
    return f"event=ONUSERADD&data[ID]=7&ts=1&{auth}".encode()


def test_the_vendors_server_is_not_reported_as_another_portal() -> None:
    request = Request(body=vendors("https://p.ru/rest/", OTHER), env={"BITRIX24_DOMAIN": "p.ru"})
    assert request.codes() == ["TOKEN_OTHER_WEBHOOK"]


@pytest.mark.parametrize("bound", [True, False])
def test_another_portal_is_named_as_the_sender_wrote_it(bound: bool) -> None:
    env = {NAME: f"p.ru={TOKEN}"} if bound else {"BITRIX24_DOMAIN": "p.ru"}
    request = Request(body=vendors("https://q.ru/rest/", TOKEN if bound else OTHER), env=env)
    cause = request.causes()[0]
    assert cause.code == "TOKEN_OTHER_PORTAL"
    assert "q.ru" in cause.detail
    assert "q.ru" in cause.says
    assert "oauth" not in str(cause)
    assert ("q.ru=TOKEN" in cause.do) is bound


@pytest.mark.parametrize(
    ("items", "variant", "advice_names"),
    [
        (f"a.ru={OTHER}, b.ru={TOKEN}, c.ru={TOKEN}, q.ru={OTHER}", "bound", "bound to b.ru, c.ru."),
        (f"{TOKEN}, b.ru={OTHER}, q.ru={OTHER}", "unbound", "not bound to a portal"),
    ],
)
def test_only_the_portals_of_this_token_are_named(items: str, variant: str, advice_names: str) -> None:
    cause = Request(body=vendors("https://q.ru/rest/", TOKEN), env={NAME: items}).causes()[0]
    assert cause.code == "TOKEN_OTHER_PORTAL"
    assert advice_names in cause.says
    assert "a.ru" not in cause.says + cause.do
    assert ("b.ru" in cause.says) is (variant == "bound")
    assert ("q.ru=TOKEN" in cause.do) is (variant == "bound")


def test_a_flat_field_of_data_is_named_as_it_was_sent() -> None:
    request = Request(body=b"event=ONUSERADD&data.ID=7&auth.domain=p.ru", query=f"token={TOKEN}")
    cause = request.causes()[0]
    assert (cause.code, cause.detail) == ("BODY_FLATTENED", "body:data.ID")
    assert "data[ID]" in cause.says
    assert "data[ID]" in cause.do
    assert "application_token" not in cause.says + cause.do


@pytest.mark.parametrize(
    ("body", "advice_names"), [(b"[]", "an empty JSON list"), (b"{}", "an empty JSON object")]
)
def test_an_empty_json_value_as_body_is_named(body: bytes, advice_names: str) -> None:
    cause = Request(body=body, type=JSON).causes()[0]
    assert cause.code == "BODY_PRINTED"
    assert advice_names in cause.says
    assert ("JSON.stringify" in cause.says) is (body == b"{}")


@pytest.mark.parametrize("received", [b"event=ONUSERADD&da", b""])
def test_a_chunked_body_that_breaks_off_is_incomplete(received: bytes) -> None:
    _, settings = Request().judge()
    incoming = Incoming("POST", "/", b"", {}, lambda limit: received[:limit], None, cut=True)
    causes: list[Cause] = diagnose(judge(incoming, settings, NOW), settings)
    assert causes[0].code == "BODY_INCOMPLETE"
    assert f"Bytes received: {len(received)}." in causes[0].says
    assert "Content-Length" not in causes[0].says + causes[0].do


@pytest.mark.parametrize("before", ["", "event: ONUSERADD\n", "event: ONUSERADD\nauth:\n  "])
def test_yaml_is_unreadable_and_its_lines_are_not_taken_for_field_names(before: str) -> None:
    causes = Request(body=f"{before}token = {TOKEN}\n".encode(), type="application/yaml").causes()
    assert causes[0].code == "BODY_UNREADABLE"
    assert "YAML" in causes[0].says
    assert not any("<" in cause.do for cause in causes)


def test_a_name_that_cannot_be_shown_is_not_to_be_renamed() -> None:
    causes = Request(body=f"event=ONUSERADD&x%0Ay%25z={TOKEN}".encode()).causes()
    assert causes[0].code == "TOKEN_ELSEWHERE"
    assert "bytes>" in causes[0].detail
    assert "bytes>" not in causes[0].do
