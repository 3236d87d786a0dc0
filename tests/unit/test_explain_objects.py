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
    "ruby struct": (
        "ruby",
        '#<struct event="ONUSERADD", data={"ID"=>"7"}, auth={"application_token"=>"TOKEN"}>',
        USER,
    ),
    "ruby OpenStruct": (
        "ruby",
        '#<OpenStruct event="ONUSERADD", data={:ID=>"7", :"0"=>"x"}, auth={"application_token"=>"TOKEN"}>',
        {"ID": "7", "0": "x"},
    ),
    "sidekiq": (
        "ruby",
        '2026-11-27T10:00:00.000Z pid=1 tid=abc class=HookJob INFO: start {"retry"=>true, "args"=>[{"event"=>"ONUSERADD", "data"=>{"ID"=>"7"}, "auth"=>{"application_token"=>"TOKEN"}}]}',
        USER,
    ),
    "structlog, whose own message is its event": (
        "python",
        "event='got' level='info' form={'event': 'ONUSERADD', 'data[ID]': '7', 'auth[application_token]': 'TOKEN'}",
        USER,
    ),
    "labelled console.log": (
        "console.log",
        "body: {\n  event: 'ONUSERADD',\n  data: { ID: '7', UF_DEPARTMENT: [ '1', '5', [length]: 2 ] },\n  auth: { application_token: 'TOKEN' }\n}",
        LIST,
    ),
    "console.log of headers and body": (
        "console.log",
        "{\n  headers: { host: 'x' },\n  body: {\n    event: 'ONUSERADD',\n    data: { ID: '7' },\n    auth: { application_token: 'TOKEN' }\n  }\n}",
        USER,
    ),
    "twisted args": (
        "console.log",
        "{b'event': [b'ONUSERADD'], b'data[ID]': [b'7'], b'data[NAME]': [b'\\xd0\\x98\\xd0\\xb2\\xd0\\xb0\\xd0\\xbd \\xd0\\x9f\\xd0\\xb5\\xd1\\x82\\xd1\\x80\\xd0\\xbe\\xd0\\xb2'], b'auth[application_token]': [b'TOKEN']}",
        NAMED,
    ),
    "elixir keywords": (
        "elixir",
        '[event: "ONUSERADD", data: [ID: "7"], auth: [application_token: "TOKEN"]]',
        USER,
    ),
    "erlang, not ASCII": (
        "erlang",
        '[{<<"event">>,<<"ONUSERADD">>},{<<"data[ID]">>,<<"7">>},{<<"data[NAME]">>,<<208,152,208,178,208,176,208,189,32,208,159,208,181,209,130,209,128,208,190,208,178>>},{<<"auth[application_token]">>,<<"TOKEN">>}]',
        NAMED,
    ),
    "go request %+v": (
        "go",
        "&{Method:POST Header:map[Host:[x]] Form:map[auth[application_token]:[TOKEN] data[ID]:[7] data[NAME]:[Иван Петров] event:[ONUSERADD]] PostForm:map[auth[application_token]:[TOKEN] data[ID]:[7] data[NAME]:[Иван Петров] event:[ONUSERADD]] MultipartForm:<nil>}",
        NAMED,
    ),
    "go map of lists %#v": (
        "go",
        'map[string][]string{"auth[application_token]":[]string{"TOKEN"}, "data[ID]":[]string{"7"}, "event":[]string{"ONUSERADD"}}',
        USER,
    ),
    "go slog": (
        "json_in_text",
        '{"time":"2026-11-27T10:00:00+03:00","level":"INFO","msg":"x","form":{"auth[application_token]":["TOKEN"],"data[ID]":["7"],"event":["ONUSERADD"]}}',
        USER,
    ),
    "django's traceback": (
        "form_names",
        "Request Method: POST\nDjango Version: 5.2\n\nPOST:\nevent = 'ONUSERADD'\ndata[ID] = '7'\ndata[NAME] = 'Иван Петров'\nauth[application_token] = 'TOKEN'\n\nFILES: No FILES data\n",
        NAMED,
    ),
    "django's page": (
        "form_names",
        "<!DOCTYPE html>\n<html><body><h3>POST</h3><table><tr>\n<td>event</td>\n<td class='code'><pre>&#x27;ONUSERADD&#x27;</pre></td>\n</tr><tr>\n<td>data[ID]</td>\n<td class='code'><pre>&#x27;7&#x27;</pre></td>\n</tr><tr>\n<td>auth[application_token]</td>\n<td class='code'><pre>&#x27;TOKEN&#x27;</pre></td></tr></table></body></html>",
        USER,
    ),
    "django's table, copied": (
        "form_names",
        "Variable\tValue\nevent\t'ONUSERADD'\ndata[ID]\t'7'\nauth[application_token]\t'TOKEN'\n",
        USER,
    ),
    "Spring's HttpEntity": (
        "form_names",
        '<{event=[ONUSERADD], data[ID]=[7], auth[application_token]=[TOKEN]},[Content-Type:"application/x-www-form-urlencoded"]>',
        USER,
    ),
    "Akka's FormData": (
        "form_in_text",
        "FormData(event=ONUSERADD&data%5BID%5D=7&auth%5Bapplication_token%5D=TOKEN)",
        USER,
    ),
    "pairs of Rust": (
        "form_names",
        '[("event", "ONUSERADD"), ("data[ID]", "7"), ("data[NAME]", "Иван Петров"), ("auth[application_token]", "TOKEN")]',
        NAMED,
    ),
    "pairs of JavaScript": (
        "form_names",
        "[\n  [ 'event', 'ONUSERADD' ],\n  [ 'data[ID]', '7' ],\n  [ 'auth[application_token]', 'TOKEN' ]\n]",
        USER,
    ),
    "Mojolicious": (
        "form_names",
        "$VAR1 = bless( {\n 'pairs' => [\n   'event',\n   'ONUSERADD',\n   'data[ID]',\n   '7',\n   'data[NAME]',\n   \"\\x{418}\\x{432}\\x{430}\\x{43d} \\x{41f}\\x{435}\\x{442}\\x{440}\\x{43e}\\x{432}\",\n   'auth[application_token]',\n   'TOKEN'\n ]\n}, 'Mojo::Parameters' );",
        NAMED,
    ),
    "Lua, its keys in brackets": (
        "form_names",
        '{ ["auth[application_token]"] = "TOKEN", ["data[ID]"] = "7", event = "ONUSERADD" }',
        USER,
    ),
    "logfmt": (
        "form_names",
        'ts=2026-11-27T10:00:00Z level=info event=ONUSERADD data[ID]=7 data[NAME]="Иван Петров" auth[application_token]=TOKEN',
        NAMED,
    ),
    "pairs joined by commas": (
        "form_names",
        "event=ONUSERADD, data[ID]=7, data[NAME]=Иван Петров, auth[application_token]=TOKEN",
        NAMED,
    ),
    "an older event before it": (
        "form_names",
        "form: event=ONUSERADD, data[ID]=6, data[NAME]=x, auth[application_token]=TOKEN\nform: event=ONUSERADD, data[ID]=7, auth[application_token]=TOKEN\n",
        USER,
    ),
    "perl, whose hashes have no order, its octets escaped": (
        "perl",
        '$VAR1 = {\n  "data[NAME]" => "\\320\\230\\320\\262\\320\\260\\320\\275 \\320\\237\\320\\265\\321\\202\\321\\200\\320\\276\\320\\262",\n  "data[UF_DEPARTMENT][1]" => "5",\n  "event" => "ONUSERADD",\n  "data[UF_DEPARTMENT][0]" => "1",\n  "auth[application_token]" => "TOKEN",\n  "data[ID]" => "7"\n};',
        LIST | NAMED,
    ),
    "Laravel's page of dd()": (
        "php_array",
        '<script> Sfdump = window.Sfdump </script><pre class=sf-dump id=sf-dump-1><span class=sf-dump-note>array:3</span> [<samp>\n  "<span class=sf-dump-key>event</span>" => "<span class=sf-dump-str title="9 characters">ONUSERADD</span>"\n  "<span class=sf-dump-key>data</span>" => <span class=sf-dump-note>array:1</span> [<samp>\n    "<span class=sf-dump-key>ID</span>" => "<span class=sf-dump-str>7</span>"\n  </samp>]\n  "<span class=sf-dump-key>auth</span>" => <span class=sf-dump-note>array:1</span> [<samp>\n    "<span class=sf-dump-key>application_token</span>" => "<span class=sf-dump-str>TOKEN</span>"\n  </samp>]\n</samp>]\n</pre><script>Sfdump("sf-dump-1")</script>\n',
        USER,
    ),
    "java map with brackets in a value": (
        "java",
        '{event=ONUSERADD, data[ID]=7, data[NOTES]=a = 100% "ok" {x}, [y]; <z>, auth[application_token]=TOKEN}',
        USER | {"NOTES": 'a = 100% "ok" {x}, [y]; <z>'},
    ),
    "go form with brackets in a value": (
        "go",
        "body: map[auth[application_token]:[TOKEN] auth[client_endpoint]:[https://p.bitrix24.ru/rest/] data[ID]:[7] data[NOTES]:[{x}, [y] <z>] event:[ONUSERADD]]",
        USER | {"NOTES": "{x}, [y] <z>"},
    ),
    "java properties, in no order": (
        "form_names",
        "-- listing properties --\nauth[application_token]=TOKEN\nevent=ONUSERADD\ndata[NAME]=Иван Петров\ndata[ID]=7\n",
        NAMED,
    ),
    "a servlet's loop": (
        "form_names",
        "Parameter Name - event, Value - ONUSERADD\nParameter Name - data[ID], Value - 7\nParameter Name - auth[application_token], Value - TOKEN",
        USER,
    ),
    "camel with its own headers between": (
        "java",
        "Exchange[\n  Id: 5C0F9\n  Headers: {auth[application_token]=TOKEN, CamelHttpMethod=POST, data[ID]=7, event=ONUSERADD}\n  BodyType: null\n  Body: [Body is null]\n]",
        USER,
    ),
    "camel with a map as its body": (
        "java",
        "Exchange[ExchangePattern: InOut, BodyType: java.util.LinkedHashMap, Body: {event=ONUSERADD, data={ID=7}, auth={application_token=TOKEN}}]",
        USER,
    ),
    "elixir, pretty": (
        "elixir",
        '%{\n  "auth" => %{"application_token" => "TOKEN"},\n  "data" => %{"ID" => "7"},\n  "event" => "ONUSERADD"\n}',
        USER,
    ),
    "elixir's pairs": (
        "form_names",
        '[{"event", "ONUSERADD"}, {"data[ID]", "7"}, {"auth[application_token]", "TOKEN"}]',
        USER,
    ),
    "groovy's inspect": (
        "groovy",
        "['event':'ONUSERADD', 'data':['ID':'7', 'UF_DEPARTMENT':['1', '5']], 'auth':['application_token':'TOKEN']]",
        LIST,
    ),
    "scala tuples": (
        "form_names",
        "List((event,ONUSERADD), (data[ID],7), (data[NAME],Иван Петров), (auth[application_token],TOKEN))",
        NAMED,
    ),
    "clojure with a vector, pretty": (
        "clojure",
        '{:event "ONUSERADD",\n :data\n {:ID "7", :UF_DEPARTMENT ["1" "5"]},\n :auth {:application_token "TOKEN"}}',
        LIST,
    ),
    "clojure with quotes in a value": (
        "clojure",
        '{:event "ONUSERADD", :data {:ID "7", :NOTES "say \\"ok\\" {x}"}, :auth {:application_token "TOKEN"}}',
        USER | {"NOTES": 'say "ok" {x}'},
    ),
    "R's dput": (
        "r",
        'list(event = "ONUSERADD", data = list(ID = "7"), auth = list(application_token = "TOKEN"))',
        USER,
    ),
    "R's print": (
        "form_names",
        '$event\n[1] "ONUSERADD"\n\n$`data[ID]`\n[1] "7"\n\n$`auth[application_token]`\n[1] "TOKEN"\n\n',
        USER,
    ),
    "R's str, its names aligned": (
        "form_names",
        'List of 3\n $ event                  : chr "ONUSERADD"\n $ data[ID]               : chr "7"\n $ auth[application_token]: chr "TOKEN"\n',
        USER,
    ),
    "a table of Markdown": (
        "form_names",
        "| event | ONUSERADD |\n| data[ID] | 7 |\n| data[NAME] | Иван Петров |\n| auth[application_token] | TOKEN |",
        NAMED,
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
    explanation = explained(pasted.replace("TOKEN", TOKEN))
    assert (explanation.read_as, explanation.code, explanation.causes) == (read_as, "EVENT_QUEUED", ())
    assert explanation.event is not None
    assert explanation.event["data"] == data


def test_a_token_that_is_printed_in_a_way_of_its_own_is_not_called_missing() -> None:
    with pytest.raises(Unreadable):
        read(f'x event is "ONUSERADD", data[ID] is "7", auth[application_token] has {TOKEN}'.encode())


@pytest.mark.parametrize(
    "prose",
    [
        "event ONUSERADD came but data[ID] is empty and auth[application_token] missing",
        "The event: ONUSERADD. The fields: data[ID], data[NAME], auth[application_token].",
        "SELECT * FROM log WHERE event = 'ONUSERADD' AND data[ID] = '7'",
        "$event = $_POST['event']; // 'ONUSERADD'\n$token = $_POST['auth']['application_token'];",
        "У нас событие event=ONUSERADD приходит, но auth[application_token] пустой, data[ID] есть",
    ],
)
def test_words_about_an_event_are_no_event(prose: str) -> None:
    with pytest.raises(Unreadable):
        read(prose.encode())


def test_an_event_without_auth_takes_none_from_the_one_before_it() -> None:
    older = "event=ONUSERADD, data[ID]=6, auth[application_token]=TOKEN".replace("TOKEN", TOKEN)
    explanation = explained(f"form: {older}\nform: event=ONUSERADD, data[ID]=7, data[NAME]=x\n")
    assert (explanation.read_as, explanation.code, explanation.causes[0]["code"]) == (
        "form_names",
        "TOKEN_NOT_FOUND",
        "AUTH_MISSING",
    )


@pytest.mark.parametrize(
    "pasted",
    [
        "{ event: 'E', data: [Object], auth: [Object] }",
        "{ req: { body: { event: 'E', data: [Object], auth: [Object] } } }",
        "body {\n  event: 'E',\n  auth: [Object]\n}",
    ],
)
def test_a_part_that_console_log_left_out_is_reported(pasted: str) -> None:
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
def test_a_cut_object_is_not_read(pasted: str) -> None:
    try:
        explanation = explained(pasted)
    except Unreadable:
        return
    assert explanation.read_as == "body", json.dumps(explanation.to_json())
