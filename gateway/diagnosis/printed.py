"""The sentences of `BODY_PRINTED` for the programs whose printouts can be recognised.

Each row: a kind of `gateway.ingest.printouts`, the program, the call that prints, the call that writes JSON.
"""

from gateway.texts import Sentence

_PROGRAMS = (
    ("csharp", "C#/PowerShell", "obj.ToString()", "JsonSerializer.Serialize(obj)"),
    ("rust", "Rust", 'format!("{{:?}}", obj)', "serde_json::to_string(&obj)"),
    ("perl", "Perl", "Dumper($obj)", "encode_json($obj)"),
    ("elixir", "Elixir", "inspect(map)", "Jason.encode!(map)"),
    ("lua", "Lua", "tostring(t)", "cjson.encode(t)"),
    ("scala", "Scala", "map.toString", "Json.toJson(map).toString"),
    ("swift", "Swift", "String(describing: obj)", "JSONEncoder().encode(obj)"),
    ("dart", "Dart", "map.toString()", "jsonEncode(map)"),
    ("clojure", "Clojure", "(str m)", "(json/write-str m)"),
)

SAYS = {
    f"BODY_PRINTED/{kind}": Sentence(
        f"Вместо данных пришла распечатка объекта из {program} ({{place}}): её пишет {prints}.",
        f"An object printed by {program} came instead of the data ({{place}}): {prints} writes it.",
    )
    for kind, program, prints, _ in _PROGRAMS
} | {
    "BODY_PRINTED/1c": Sentence(
        "Вместо данных пришло имя типа 1С ({place}): Строка(Структура) даёт слово, а не содержимое.",
        "The name of a 1C:Enterprise type came instead of the data ({place}): converting a structure to a string gives a word, not its contents.",
    ),
    "BODY_PRINTED/http": Sentence(
        "Вместо тела ({place}) пришёл целый HTTP-запрос, напечатанный как текст: первая строка, заголовки и тело. Так пишет $request->__toString() в Symfony и Guzzle, и так выглядит запрос, сохранённый в файл.",
        "A whole HTTP request printed as text came instead of the body ({place}): its first line, headers and body. That is what $request->__toString() writes in Symfony and Guzzle, and what a request saved to a file looks like.",
    ),
    "BODY_PRINTED/quoted": Sentence(
        "Каждое значение пришло в кавычках ({place}): так пишет JSON.stringify или json_encode, если вызвать его для каждого значения отдельно.",
        "Each value came in quotes ({place}): that is what JSON.stringify or json_encode writes when called for each value separately.",
    ),
    "BODY_PRINTED/nothing": Sentence(
        "Вместо объекта пришло слово None, null или true ({place}): программа, которая пересылает событие, не нашла там объекта.",
        "The word None, null or true came instead of an object ({place}): the program that passes the event on found no object there.",
    ),
}

DO = {
    f"BODY_PRINTED/{kind}": Sentence(
        f"Отправляйте {writes} с Content-Type: application/json или исходное тело байт в байт с его Content-Type.",
        f"Send {writes} with Content-Type: application/json, or the original body byte for byte with its own Content-Type.",
    )
    for kind, _, _, writes in _PROGRAMS
} | {
    "BODY_PRINTED/1c": Sentence(
        "Передавайте Запрос.ПолучитьТелоКакДвоичныеДанные() с Content-Type исходного запроса или текст ЗаписьJSON с application/json.",
        "Pass the request's body on as binary data (GetBodyAsBinaryData) with its own Content-Type, or send the text that JSONWriter makes, with application/json.",
    ),
    "BODY_PRINTED/http": Sentence(
        "Передавайте только тело, $request->getContent() или $request->getBody(), с его Content-Type.",
        "Pass on only the body, $request->getContent() or $request->getBody(), with its Content-Type.",
    ),
    "BODY_PRINTED/quoted": Sentence(
        "Отправляйте JSON.stringify(obj) от всего объекта с Content-Type: application/json или исходное тело байт в байт с его Content-Type.",
        "Send JSON.stringify(obj) of the whole object with Content-Type: application/json, or the original body byte for byte with its own Content-Type.",
    ),
    "BODY_PRINTED/nothing": Sentence(
        "Разберите форму до пересылки (express.urlencoded(), request.form, $_POST) или передавайте исходное тело байт в байт с его Content-Type.",
        "Parse the form before passing it on (express.urlencoded(), request.form, $_POST), or pass the original body on byte for byte with its Content-Type.",
    ),
}
