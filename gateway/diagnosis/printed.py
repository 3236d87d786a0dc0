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
        "Телом ({place}) пришёл целый HTTP-запрос, напечатанный текстом: строка, заголовки и тело. Так пишут $request->__toString() в Symfony и Guzzle и запись запроса в файл.",
        "A whole HTTP request printed as text came as the body ({place}): its line, its headers and its body. $request->__toString() in Symfony and Guzzle writes it so, and so does a request saved to a file.",
    ),
    "BODY_PRINTED/quoted": Sentence(
        "Каждое значение пришло в кавычках ({place}): так пишет JSON.stringify или json_encode каждого значения отдельно.",
        "Each value came in quotes ({place}): JSON.stringify or json_encode of one value after another writes it so.",
    ),
    "BODY_PRINTED/nothing": Sentence(
        "На месте {place} напечатано «пусто» (None, null, true): программа, которая пересылает, не нашла там объекта.",
        "A printed nothing (None, null, true) came ({place}): the program that passes the event on found no object there.",
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
        "Pass the request's body on as binary data (GetBodyAsBinaryData) with its own Content-Type, or a text made by JSONWriter with application/json.",
    ),
    "BODY_PRINTED/http": Sentence(
        "Передавайте только тело, $request->getContent() или $request->getBody(), с его Content-Type.",
        "Pass on the body alone, $request->getContent() or $request->getBody(), with its Content-Type.",
    ),
    "BODY_PRINTED/quoted": Sentence(
        "Отправляйте JSON.stringify(obj) всего объекта с Content-Type: application/json или исходное тело байт в байт с его Content-Type.",
        "Send JSON.stringify(obj) of the whole object with Content-Type: application/json, or the original body byte for byte with its own Content-Type.",
    ),
    "BODY_PRINTED/nothing": Sentence(
        "Разберите форму до пересылки (express.urlencoded(), request.form, $_POST) или передавайте исходное тело байт в байт с его Content-Type.",
        "Parse the form before passing it on (express.urlencoded(), request.form, $_POST), or pass the original body on byte for byte with its Content-Type.",
    ),
}
