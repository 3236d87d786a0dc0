"""What programs print in place of an object: each is named, as the body and in `data` and `auth`."""

import json
from itertools import product

import pytest

from gateway.diagnosis.causes import DO, SAYS
from gateway.ingest.php_form import build_query
from gateway.ingest.printouts import KINDS, printout
from tests.unit.test_middlemen import EVENT, FORM, JSON, TOKEN, verdict

PRINTED: dict[str, list[str]] = {
    "http": ["POST /hook HTTP/1.1\r\nHost: x\r\n\r\nevent=ONUSERADD&data%5BID%5D=7"],
    "object": ["[object Object]", "[object Map]", "[object Promise]", "[object Object],[object Object]"],
    "array": [
        "Array",
        "Array\n(\n    [ID] => 7\n)\n",
        "<pre>Array\n(\n    [ID] => 7\n)\n</pre>",
        "ArrayArray",
    ],
    "nothing": ["None", "null", "nil", "True", "NaN", "<nil>"],
    "1c": ["Структура", "Соответствие"],
    "bytes": ["b'event=ONUSERADD&data%5BID%5D=7'", 'b"ID=7"', "bytearray(b'ID=7')"],
    "buffer": [
        "<Buffer 65 76 65 6e 74>",
        "101,118,101,110,116,61,79,78,85",
        "Uint8Array(247) [\n  101, 118\n]",
    ],
    "php": [
        "array (\n  'ID' => '7',\n)",
        'array(1) {\n  ["ID"]=>\n  string(1) "7"\n}\n',
        'a:1:{s:2:"ID";s:1:"7";}',
        "['ID' => '7']",
        'array:1 [\n  "ID" => "7"\n]',
        "stdClass Object\n(\n    [ID] => 7\n)\n",
        'object(stdClass)#3 (1) {\n  ["ID"]=>\n}\n',
        "(object) array(\n   'ID' => '7',\n)",
        'O:8:"stdClass":0:{}',
        'Symfony\\Component\\HttpFoundation\\InputBag {#12\n  #parameters: array:1 [\n    "ID" => "7"]\n}',
        "Illuminate\\Http\\Request Object\n(\n)\n",
    ],
    "perl": ["{ID => 7}", "$VAR1 = {\n          'ID' => '7'\n        };\n", "HASH(0x55d0c8a0e2a8)"],
    "lua": ["table: 0x55f1d6f0a2c0"],
    "elixir": [
        '%{"ID" => "7"}',
        '%{ID: "7"}',
        "%Plug.Conn{adapter: 1}",
        '[{"ID", "7"}]',
        '#{<<"ID">> => <<"7">>}',
    ],
    "ruby": [
        '{"ID"=>"7"}',
        '{"ID" => "7"}',
        '{:ID=>"7"}',
        '{ID: "7"}',
        '#<struct ID="7">',
        "#<StringIO:0x000078a1b8a0d9c8>",
        '#<ActionController::Parameters {"ID"=>"7"} permitted: false>',
    ],
    "go": [
        "map[ID:7]",
        "map[data[ID]:[7]]",
        'map[string]interface {}{"ID":"7"}',
        'url.Values{"ID":[]string{"7"}}',
        "{ID:7 Department:[1 5]}",
        "&{ID:7}",
        'main.Event{Event:"ONUSERADD"}',
        "{ONUSERADD 12 {7 [1 5]}}",
        "[101 118 101 110 116 61 79 78 85]",
        "&{%!s(*http.body=&{0xc0001})}",
    ],
    "python": [
        "{'ID': '7'}",
        "[('ID', '7')]",
        "{b'ID': [b'7']}",
        "<Storage {'ID': '7'}>",
        "<FormMultiDict('ID': '7')>",
        "ImmutableMultiDict([('ID', '7')])",
        "<QueryDict: {'ID': ['7']}>",
        "<MultiDictProxy('ID': '7')>",
        "defaultdict(<class 'list'>, {'ID': ['7']})",
        "dict_items([('ID', '7')])",
        "<coroutine object Request.body at 0x7f3e1c>",
        "<starlette.requests.Request object at 0x7f3e1c0d>",
        "event='ONUSERADD' data={'ID': '7'}",
        "Event(event='ONUSERADD')",
        "<bound method Request.get_json of 1>",
    ],
    "node": [
        "{ ID: '7' }",
        "[ [ 'ID', '7' ] ]",
        "{\n  ID: '7'\n}",
        "{ 'data[ID]': '7' }",
        "[Object: null prototype] { ID: '7' }",
        "Map(1) { 'ID' => '7' }",
        "URLSearchParams { 'ID' => '7' }",
        "Promise { <pending> }",
        "IncomingMessage {\n  _readableState: 1",
        "async () => await req.text()",
        '{ ID: "7" }',
    ],
    "rust": ['Object {"ID": String("7")}', 'Data { id: "7" }', 'Some(Data { id: "7" })', 'Ok("ID=7")'],
    "swift": ['["ID": "7"]', 'Optional(["ID": "7"])', "{\n    ID = 7;\n}"],
    "csharp": [
        "System.Collections.Generic.Dictionary`2[System.String,System.Object]",
        "System.Byte[]",
        "Microsoft.AspNetCore.Http.FormCollection",
        "{ ID = 7 }",
        "Data { Id = 7 }",
        "@{ID=7}",
        "[event, ONUSERADD],[data[ID], 7]",
    ],
    "scala": ["Map(ID -> 7)", "List((ID,7), (NAME,x))", "HashMap(ID -> 7)"],
    "java": [
        "{ID=7}",
        "{data[ID]=7}",
        "{data[ID]=[7]}",
        "Data(id=7)",
        "Data[id=7]",
        "com.example.EventDto@1b6d3586",
        "[B@7852e922",
        "<{ID=[7]},[]>",
        "[ID=7, NAME=x]",
        "HttpInputOverHTTP@43b07f6c[c=562,q=0,[0]=null,s=EOF]",
        "Request[POST //x/hook]@3f64d45c",
        "{event=[Ljava.lang.String;@1b2c3d4e}",
        "[ID:7, NAME:x]",
    ],
    "clojure": ['{:ID "7"}', '{"ID" "7"}', "{ID 7, NAME x}"],
    "dart": ["{ID: 7, NAME: x}"],
}
TEXTS = [(kind, text) for kind, texts in PRINTED.items() for text in texts]


def test_every_kind_has_texts_and_sentences() -> None:
    assert set(PRINTED) == set(KINDS) - {"json"}
    assert {f"BODY_PRINTED/{kind}" for kind in KINDS} <= set(SAYS)
    assert {f"BODY_PRINTED/{kind}" for kind in PRINTED} <= set(DO)


@pytest.mark.parametrize(("kind", "text"), TEXTS)
def test_a_printout_is_named(kind: str, text: str) -> None:
    assert printout(text) == kind


def test_a_printed_data_is_never_queued() -> None:
    place = "body:data, body:auth"
    no_header: dict[str, str] = {}
    answers = ((no_header, "TOKEN_NOT_FOUND"), ({"x_bitrix_token": TOKEN}, "EVENT_INVALID"))
    for (kind, text), (headers, code) in product(TEXTS, answers):
        event = EVENT | {"data": text, "auth": text}
        for body, media in ((json.dumps(event), JSON), (build_query(event), FORM)):
            result = verdict(body, media, **headers)  # type: ignore[arg-type]
            judged = result.judgement.code, result.judgement.message, result.first
            assert judged == (code, None, "BODY_PRINTED"), (text, media)
            assert result.causes[0].says == SAYS[f"BODY_PRINTED/{kind}"].en.format(place=place), text


def test_a_printed_body_is_named() -> None:
    texts = [text for kind, text in TEXTS if kind != "nothing"]
    answers = (("", "TOKEN_NOT_FOUND"), (f"token={TOKEN}", "EVENT_INVALID"))
    for text, media, (query, code) in product(texts, (FORM, JSON, "text/plain", ""), answers):
        result = verdict(text, media, query)
        assert (result.judgement.code, result.first) == (code, "BODY_PRINTED"), (text, media)
        assert "TOKEN_ABSENT" not in [cause.code for cause in result.causes], (text, media)


@pytest.mark.parametrize(
    ("kind", "printed"),
    [("python", str(EVENT)), ("ruby", '{"event"=>"ONUSERADD", "auth"=>{"x"=>"' + TOKEN + '"}}')],
)
@pytest.mark.parametrize("media", [FORM, JSON])
def test_an_event_printed_into_a_field_is_named(kind: str, printed: str, media: str) -> None:
    body = (
        json.dumps({"job": {"payload": printed}})
        if media == JSON
        else build_query({"job": {"payload": printed}})
    )
    for query, code in (("", "TOKEN_NOT_FOUND"), (f"token={TOKEN}", "EVENT_INVALID")):
        result = verdict(body, media, query)
        assert (result.judgement.code, result.first) == (code, "BODY_PRINTED")
        assert result.causes[0].says == SAYS[f"BODY_PRINTED/{kind}"].en.format(place="body:job.payload")


def test_json_in_a_field_is_no_printout() -> None:
    result = verdict({"chat_id": 1, "text": json.dumps(EVENT, indent=1)})
    assert (result.judgement.code, result.first) == ("TOKEN_NOT_FOUND", "BODY_NESTED")


@pytest.mark.parametrize(
    "bytes_of", [list, lambda body: dict(enumerate(body)), lambda body: {"type": "Buffer", "data": [*body]}]
)
def test_bytes_printed_as_numbers_are_named(bytes_of) -> None:  # type: ignore[no-untyped-def]
    result = verdict(bytes_of(build_query(EVENT)), query=f"token={TOKEN}")
    assert (result.judgement.code, result.first) == ("EVENT_INVALID", "BODY_PRINTED")
    hollow = verdict(EVENT | {"data": bytes_of(b"ID=7&NAME=x")})
    assert (hollow.judgement.code, hollow.first) == ("EVENT_INVALID", "BODY_PRINTED")


@pytest.mark.parametrize(
    "text",
    [
        "107",
        "event=ONUSERADD&data[ID]=7",
        "DATA[ID]=7&X=1",
        "auth[domain]=p.bitrix24.ru",
        "a.b@c.ru",
        "chat12",
        "+7 495",
    ],
)
def test_a_text_that_is_no_printout_is_not_named_one(text: str) -> None:
    assert printout(text) == ""


@pytest.mark.parametrize("text", ["[object Object]", "Array", "{'a': 1}", "{a=1}", "System.Byte[]", "None"])
def test_a_person_may_write_texts_like_printouts(text: str) -> None:
    result = verdict(build_query(EVENT | {"data": {"ID": "7", "NAME": text}}))
    assert (result.judgement.code, result.judgement.payload.notes) == ("EVENT_QUEUED", ())
