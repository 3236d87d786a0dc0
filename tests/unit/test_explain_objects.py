"""Objects as other programs print them, read back to the event that they were."""

# ruff: noqa: E501 — printouts are long

import json
from typing import Any

import pytest

from gateway.tools.explain import Unreadable, read
from tests.unit.test_explain_finds import explained
from tests.unit.test_middlemen import TOKEN

LIST, USER, DEAL = {"ID": "7", "UF_DEPARTMENT": ["1", "5"]}, {"ID": "7"}, {"FIELDS": {"ID": "5"}}
NAMED = {"ID": "7", "NAME": "Иван Петров"}

# name: (what it is read as, the printout, its data); TOKEN stands for the token
PRINTED: dict[str, tuple[str, str, Any]] = {
    "java map": (
        "java",
        "{event=ONUSERADD, data={ID=7, NAME=Иван Петров, UF_DEPARTMENT=[1, 5]}, ts=1, auth={domain=p.bitrix24.ru, application_token=TOKEN}}",
        LIST | NAMED,
    ),
    "java fields": (
        "java",
        "{data={FIELDS={ID=5}}, event=ONCRMDEALUPDATE, auth={application_token=TOKEN}}",
        DEAL,
    ),
    "java multivalue": ("java", "{event=[ONUSERADD], data[ID]=[7], auth[application_token]=[TOKEN]}", USER),
    "java in log": (
        "java",
        "2026-11-27 10:00:00.123  INFO 1 --- [nio-8080-exec-1] c.e.HookController : payload={event=ONUSERADD, data={ID=7}, auth={application_token=TOKEN}}",
        USER,
    ),
    "kotlin": (
        "java",
        "Event(event=ONUSERADD, eventHandlerId=12, data=Data(ID=7), ts=1, auth=Auth(domain=p.bitrix24.ru, memberId=m, applicationToken=TOKEN))",
        USER,
    ),
    "java record": ("java", "Event[event=ONUSERADD, data={ID=7}, auth=Auth[applicationToken=TOKEN]]", USER),
    "go map": (
        "go",
        "map[auth:map[application_token:TOKEN domain:p.bitrix24.ru] data:map[ID:7 NAME:Иван Петров UF_DEPARTMENT:[1 5]] event:ONUSERADD ts:1]",
        LIST | NAMED,
    ),
    "go fields": (
        "go",
        "2026/11/27 10:00:00 body: map[auth:map[application_token:TOKEN] data:map[FIELDS:map[ID:5]] event:ONCRMDEALUPDATE]",
        DEAL,
    ),
    "go %+v": (
        "go",
        "{Event:ONUSERADD Data:{ID:7} Auth:{Domain:p.bitrix24.ru ApplicationToken:TOKEN}}",
        USER,
    ),
    "go %#v": (
        "go",
        'map[string]interface {}{"auth":map[string]interface {}{"application_token":"TOKEN"}, "data":map[string]interface {}{"ID":"7", "UF_DEPARTMENT":[]interface {}{"1", "5"}}, "event":"ONUSERADD"}',
        LIST,
    ),
    "go url.Values %#v": (
        "go",
        'url.Values{"auth[application_token]":[]string{"TOKEN"}, "data[ID]":[]string{"7"}, "event":[]string{"ONUSERADD"}}',
        USER,
    ),
    "rust value": (
        "rust",
        'Object {"event": String("ONUSERADD"), "data": Object {"ID": String("7"), "UF_DEPARTMENT": Array [String("1"), String("5")]}, "auth": Object {"application_token": String("TOKEN")}}',
        LIST,
    ),
    "rust struct": (
        "rust",
        'Event { event: "ONUSERADD", data: Data { ID: "7" }, auth: Auth { application_token: "TOKEN", domain: Some("p.bitrix24.ru") } }',
        USER,
    ),
    "rust pretty": (
        "rust",
        'Object {\n    "event": String(\n        "ONUSERADD",\n    ),\n    "data": Object {\n        "ID": String(\n            "7",\n        ),\n    },\n    "auth": Object {\n        "application_token": String(\n            "TOKEN",\n        ),\n    },\n}',
        USER,
    ),
    "csharp anon": (
        "csharp",
        "{ event = ONUSERADD, data = { ID = 7, NAME = Иван Петров }, auth = { application_token = TOKEN } }",
        NAMED,
    ),
    "csharp record": (
        "csharp",
        "Event { Event = ONUSERADD, Data = Data { ID = 7 }, Auth = Auth { ApplicationToken = TOKEN } }",
        USER,
    ),
    "csharp join": ("entries", "[event, ONUSERADD],[data[ID], 7],[auth[application_token], TOKEN]", USER),
    "csharp join2": ("entries", "[event, ONUSERADD], [data[ID], 7], [auth[application_token], TOKEN]", USER),
    "powershell": (
        "powershell",
        "@{event=ONUSERADD; data=@{ID=7; NAME=Иван Петров}; auth=@{application_token=TOKEN}}",
        NAMED,
    ),
    "scala": (
        "scala",
        "Map(event -> ONUSERADD, data -> Map(ID -> 7, UF_DEPARTMENT -> List(1, 5)), auth -> Map(application_token -> TOKEN))",
        LIST,
    ),
    "clojure": ("clojure", '{:event "ONUSERADD", :data {:ID "7"}, :auth {:application_token "TOKEN"}}', USER),
    "ring form-params": (
        "clojure",
        '{"event" "ONUSERADD", "data[ID]" "7", "auth[application_token]" "TOKEN"}',
        USER,
    ),
    "dart": (
        "dart",
        "{event: ONUSERADD, data: {ID: 7, NAME: Иван Петров}, auth: {application_token: TOKEN}}",
        NAMED,
    ),
    "groovy": (
        "groovy",
        "[event:ONUSERADD, data:[ID:7, NAME:Иван Петров], auth:[application_token:TOKEN]]",
        NAMED,
    ),
    "swift": (
        "swift",
        '["event": "ONUSERADD", "data": ["ID": "7"], "auth": ["application_token": "TOKEN"]]',
        USER,
    ),
    "objc": (
        "swift",
        '{\n    auth =     {\n        "application_token" = TOKEN;\n    };\n    data =     {\n        ID = 7;\n    };\n    event = ONUSERADD;\n}',
        USER,
    ),
    "ruby 3.4 sym": (
        "console.log",
        '{event: "ONUSERADD", data: {ID: "7"}, auth: {application_token: "TOKEN"}}',
        USER,
    ),
    "rails params": (
        "ruby",
        '#<ActionController::Parameters {"event"=>"ONUSERADD", "data"=>{"ID"=>"7"}, "auth"=>{"application_token"=>"TOKEN"}, "controller"=>"hooks", "action"=>"create"} permitted: false>',
        USER,
    ),
    "rails log": (
        "ruby",
        'Started POST "/hook" for 1.2.3.4 at 2026-11-27 10:00:00 +0300\nProcessing by HooksController#create as */*\n  Parameters: {"event"=>"ONUSERADD", "data"=>{"ID"=>"7"}, "auth"=>{"application_token"=>"TOKEN"}}\nCompleted 401 Unauthorized in 3ms',
        USER,
    ),
    "phoenix log": (
        "elixir",
        '[debug] Processing with HookWeb.HookController.create/2\n  Parameters: %{"auth" => %{"application_token" => "TOKEN"}, "data" => %{"ID" => "7"}, "event" => "ONUSERADD"}\n  Pipelines: [:api]',
        USER,
    ),
    "elixir atoms": (
        "elixir",
        '%{auth: %{application_token: "TOKEN"}, data: %{ID: "7"}, event: "ONUSERADD"}',
        USER,
    ),
    "xdebug": (
        "var_dump",
        "array (size=3)\n  'event' => string 'ONUSERADD' (length=9)\n  'data' => \n    array (size=2)\n      'ID' => string '7' (length=1)\n      'UF_DEPARTMENT' => \n        array (size=2)\n          0 => string '1' (length=1)\n          1 => string '5' (length=1)\n  'auth' => \n    array (size=1)\n      'application_token' => string 'TOKEN' (length=32)\n",
        LIST,
    ),
    "xdebug cli": (
        "var_dump",
        "array(3) {\n  'event' =>\n  string(9) \"ONUSERADD\"\n  'data' =>\n  array(1) {\n    'ID' =>\n    string(1) \"7\"\n  }\n  'auth' =>\n  array(1) {\n    'application_token' =>\n    string(32) \"TOKEN\"\n  }\n}",
        USER,
    ),
    "var_dump file": (
        "var_dump",
        "/var/www/html/hook.php:12:\narray(3) {\n  'event' =>\n  string(9) \"ONUSERADD\"\n  'data' =>\n  array(1) {\n    'ID' =>\n    string(1) \"7\"\n  }\n  'auth' =>\n  array(1) {\n    'application_token' =>\n    string(32) \"TOKEN\"\n  }\n}",
        USER,
    ),
    "laravel dump": (
        "php_array",
        'array:3 [ // routes/web.php:12\n  "event" => "ONUSERADD"\n  "data" => array:1 [\n    "ID" => "7"\n  ]\n  "auth" => array:1 [\n    "application_token" => "TOKEN"\n  ]\n]',
        USER,
    ),
    "laravel dump html": (
        "php_array",
        'array:3 [▼\n  "event" => "ONUSERADD"\n  "data" => array:1 [▼\n    "ID" => "7"\n  ]\n  "auth" => array:1 [▼\n    "application_token" => "TOKEN"\n  ]\n]',
        USER,
    ),
    "writeToLog": (
        "print_r",
        "\n------------------------\n2026.11.27 10:00:00\nwebhook\nArray\n(\n    [event] => ONUSERADD\n    [data] => Array\n        (\n            [ID] => 7\n        )\n\n    [auth] => Array\n        (\n            [application_token] => TOKEN\n        )\n\n)\n\n------------------------\n",
        USER,
    ),
    "print_r one line (docker)": (
        "print_r",
        "Array ( [event] => ONUSERADD [data] => Array ( [ID] => 7 ) [auth] => Array ( [application_token] => TOKEN ) )",
        USER,
    ),
    "console depth data": (
        "console.log",
        "{\n  event: 'ONCRMDEALADD',\n  data: { FIELDS: [Object] },\n  auth: { application_token: 'TOKEN' }\n}",
        None,
    ),
    "CombinedMultiDict": (
        "multidict",
        "CombinedMultiDict([ImmutableMultiDict([]), ImmutableMultiDict([('event', 'ONUSERADD'), ('data[ID]', '7'), ('auth[application_token]', 'TOKEN')])])",
        USER,
    ),
    "tornado args": (
        "python",
        "{'event': [b'ONUSERADD'], 'data[ID]': [b'7'], 'auth[application_token]': [b'TOKEN']}",
        USER,
    ),
    "sanic form": (
        "python",
        "{'event': ['ONUSERADD'], 'data[ID]': ['7'], 'auth[application_token]': ['TOKEN']}",
        USER,
    ),
    "pydantic": (
        "python",
        "event='ONUSERADD' data={'ID': '7'} auth=Auth(application_token='TOKEN', domain='p.bitrix24.ru')",
        USER,
    ),
    "pydantic repr": (
        "python",
        "Event(event='ONUSERADD', data={'ID': '7'}, auth=Auth(application_token='TOKEN'))",
        USER,
    ),
    "OrderedDict": (
        "python",
        "OrderedDict([('event', 'ONUSERADD'), ('data', OrderedDict([('ID', '7')])), ('auth', OrderedDict([('application_token', 'TOKEN')]))])",
        USER,
    ),
    "lua inspect": (
        "console.log",
        '{\n  auth = {\n    application_token = "TOKEN"\n  },\n  data = {\n    ID = "7"\n  },\n  event = "ONUSERADD"\n}',
        USER,
    ),
    "util.inspect Map": (
        "console.log",
        "Map(3) {\n  'event' => 'ONUSERADD',\n  'data[ID]' => '7',\n  'auth[application_token]' => 'TOKEN'\n}",
        USER,
    ),
    "URLSearchParams": (
        "console.log",
        "URLSearchParams {\n  'event' => 'ONUSERADD',\n  'data[ID]' => '7',\n  'auth[application_token]' => 'TOKEN' }",
        USER,
    ),
    "FormData node": (
        "rust",
        "FormData {\n  event: 'ONUSERADD',\n  'data[ID]': '7',\n  'auth[application_token]': 'TOKEN'\n}",
        USER,
    ),
    "ktor parameters": (
        "java",
        "Parameters [event=[ONUSERADD], data[ID]=[7], auth[application_token]=[TOKEN]]",
        USER,
    ),
    "spring form log": (
        "java",
        'o.s.w.s.DispatcherServlet : POST "/hook", parameters={event=[ONUSERADD], data[ID]=[7], auth[application_token]=[TOKEN]}',
        USER,
    ),
    "tomcat parameterMap": ("java", "[event=ONUSERADD, data[ID]=7, auth[application_token]=TOKEN]", USER),
    "hash rocket sym": (
        "ruby",
        '{:event=>"ONUSERADD", :data=>{:ID=>"7"}, :auth=>{:application_token=>"TOKEN"}}',
        USER,
    ),
    "sinatra indifferent": (
        "ruby",
        '{"event"=>"ONUSERADD", "data"=>{"ID"=>"7"}, "auth"=>{"application_token"=>"TOKEN"}, "splat"=>[]}',
        USER,
    ),
    "erlang proplist": (
        "erlang",
        '[{<<"event">>,<<"ONUSERADD">>},{<<"data[ID]">>,<<"7">>},{<<"auth[application_token]">>,<<"TOKEN">>}]',
        USER,
    ),
}


@pytest.mark.parametrize("name", PRINTED)
def test_a_printed_object_is_read_back(name: str) -> None:
    read_as, pasted, data = PRINTED[name]
    found = explained(pasted.replace("TOKEN", TOKEN))
    assert (found.read_as, found.code, found.causes) == (read_as, "EVENT_QUEUED", ())
    assert found.event is not None
    assert found.event["data"] == data


@pytest.mark.parametrize(
    "pasted", ["{ event: 'E', data: [Object], auth: [Object] }", "body {\n  event: 'E',\n  auth: [Object]\n}"]
)
def test_an_auth_that_console_log_left_out_is_said(pasted: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(pasted.encode())
    assert caught.value.key == "PASTED_DEPTH"


@pytest.mark.parametrize(
    "pasted",
    [
        "{event=E",
        "{event=E, data={ID=7}",
        "@{a=",
        "map[a:map[b:c",
        "{ a = b",
        "[a:b, c",
        "Map(a -> ",
        "{event: E",
    ],
)
def test_a_cut_object_is_no_object(pasted: str) -> None:
    try:
        found = explained(pasted)
    except Unreadable:
        return
    assert found.read_as == "body", json.dumps(found.to_json())
