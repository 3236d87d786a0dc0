"""Recognises which program printed an object as text, by how the text begins.

A printout is not parsed here: in most of them names and values can't be distinguished. Naming the
program that printed it is what helps, as its own correct call can then be named too.
"""

import re

# In characters: a printout shows at its beginning what it is.
_LOOKED_AT = 320

# The first pattern that fits counts, so narrow ones come before wide ones.
_PRINTOUTS = (
    # A whole request: its line, headers and body.
    ("http", r"(?:POST|PUT|PATCH|GET) \S{1,299} HTTP/\d"),
    ("object", r"\[object \w"),  # JavaScript's String(object)
    # PHP's print_r, or an array used as a text.
    ("array", r"(?:<pre>\s*)?(?:Array)+\s*(?:\(|\Z)"),
    ("nothing", r"(?:None|[Nn]ull|NULL|nil|undefined|NaN|[Tt]rue|[Ff]alse|<n(?:il|ull)>|\(null\))\s*\Z"),
    ("1c", r"(?:Структура|ФиксированнаяСтруктура|Соответствие|ФиксированноеСоответствие|Массив"
           r"|HTTPСервисЗапрос|ДвоичныеДанные|Двоичные данные|Поток)\s*\Z"),
    ("bytes", r"b[\"']|bytearray\("),  # Python's str(bytes)
    ("buffer", r"<Buffer|Buffer\(|\{\s*\"type\"\s*:\s*\"Buffer\"|Uint8Array|\d{1,3}(?:,\d{1,3}){7}"),
    ("php", r"array\s?\(|array:\d+ \[|stdClass|object\(|\(object\) ?array|[aO]:\d{1,9}:[{\"]|[\w\\]+ (?:Object\s*\(|\{#\d)"
            # PHP's var_export, var_dump, serialize and dump().
            r"|\[\s*['\"][^'\"\n]{0,99}['\"]\s*=>"),
    ("perl", r"\$VAR\d+ = |\{\w[\w\[\]]{0,99} => |(?:HASH|ARRAY|CODE|SCALAR|GLOB)\(0x"),
    ("lua", r"(?:table|userdata|function): 0x"),
    ("elixir", r"%[A-Z][\w.]{0,99}\{|%\{|\[\{\"[^\"\n]{0,99}\", |#(?:PID|Reference|Port)<|#\{(?:<<|\w)"),
    ("ruby", r"\{\s*\"[^\"\n]{0,99}\"\s?=>|\{:\w[\w?!]{0,99}\s?=>|#<[A-Za-z][\w:]*|<ActionController"
             r"|\{\w{1,99}: [\"{\[:]"),
    ("clojure", r"\{:\S{1,99} |\{\"[^\"\n]{0,99}\" [\"{\[]|\{\w[\w\[\]]{0,99} [^,{}\n]{1,99}, \w"),
    ("go", r"[&*]?(?:[\w.]{1,99}\.)?(?:Values|map\[[\w.{} ]{0,99}\](?:\[\])?[\w.{} ]{0,99})\{|(?:&|url\.Values)?map\["
           r"|&?\{\w{1,99}:[^\s\"'{\[]|&?\{\w{1,99}:[{\[]\w|&\{|%!\w\(|[a-z]\w{0,99}\.[A-Z]\w{0,99}\{\w"
           # Go's fmt.Sprint and its verbs.
           r"|\[\d{1,3}(?: \d{1,3}){7}|\{\w{1,99} [\w{\[]"),
    ("python", r"[{\[(]+[bru]?'|<[A-Z][\w.]{0,99}[ (]?[{(\[]|(?:Immutable)?(?:Ordered)?(?:Multi)?Dict\w*\(|(?:dict_\w{1,9}|defaultdict|namespace)\("
               r"|FormData\(|QueryDict|<Query|<(?:(?:Multi|CI)\w*Dict|bound method |coroutine |generator |memory at )"
               r"|<[\w.]{1,99}(?: \w{1,99})? (?:object )?at 0x|\w{1,99}='[^'\n]{0,99}' \w{1,99}="
               r"|[A-Z]\w{0,99}\(\w{1,99}=['\"]"),
    ("node", r"\[Object: null prototype\]|\[\s{1,9}\[\s{1,9}'|(?:Map|Set|Headers|URLSearchParams|FormData|Promise|Blob|Request|Response"
             r"|ReadableStream|IncomingMessage|BodyInit|File|Readable|Symbol|Array|Object)\s?(?:\(\d+\) )?[{\[]\s"
             r"|\{\s{1,9}(?:'[^'\n]{1,99}'|\"[^\"\n]{1,99}\"|\w{1,99})\s?: ?(?:['{\[]|\"|<|undefined|null)"
             r"|\{\s*'?[\w\[\]]{1,99}'?: ['{\[]|[A-Z]\w{0,99} \{\s+\w{1,99}: '|[A-Z]\w{0,99} \{\s*\n"
             r"|(?:async )?(?:function\b|\([\w, ]{0,99}\) ?=>)|\[(?:Async)?Function"),
    ("rust", r"(?:Object|Array|String|Some|Ok|Err|Form|Json|Query|Bytes|Vec)\s?[({\[][\"\w{\[(]"
             r"|Object \{|[A-Z]\w{0,99} \{ \w{1,99}: "),
    ("swift", r"Optional\(|\[(?:AnyHashable\()?\"[^\"\n]{0,99}\"\)?: |\{\s*\n\s+\"?\w{1,99}\"? = "),
    ("csharp", r"(?:System|Microsoft|Newtonsoft)\.[A-Z][\w.`\[\],+ ]{2,}|@\{\w{1,99}=|\{ \w{1,99} = "
               r"|[A-Z]\w{0,99} \{ \w{1,99} = |\[[\w\[\]]{1,99}, [^\n]{0,99}\]"),
    ("scala", r"(?:List|Vector|Seq|ArrayBuffer|Map|Set)\(\(|(?:Hash|Tree|List|Vector)?(?:Map|List|Vector|Set)\([^\n]{0,99}? -> "),
    ("java", r"<?\{[^\s={}\"']{1,99}=|\[\w[\w\[\]]{0,99}=|[A-Z]\w{0,99}\s?[(\[]\w{1,99}=|\[L?[\w.]{0,99};?@[0-9a-f]{1,8}"
             r"|[\w.$]{1,199}(?:[(\[][^()\[\]\n]{0,200}[)\]])?@[0-9a-f]{5,8}(?:\Z|[\[({])|\[\w[\w\[\]]{0,99}:[^\]\s]"),  # Map.toString(), Kotlin, Groovy
    ("dart", r"\{\w[\w\[\]]{0,99}: [^\"'{\[\s]"),
    # JSON that is cut off or broken: if it were whole, it would have been read.
    ("json", r"[{\[]"),
)  # fmt: skip
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _PRINTOUTS)
KINDS = tuple(kind for kind, _ in _PRINTOUTS)


def printout(text: str) -> str:
    """The kind of printout that `text` is: `blank` or one of `KINDS`; "" if it is not a printout."""
    start = text[:_LOOKED_AT].lstrip("\ufeff \t\r\n") if text.strip() else ""
    if not start:
        return "blank"
    # The text of a printout may be written as JSON.
    start = start.removeprefix('"')
    return next((kind for kind, pattern in _PATTERNS if pattern.match(start)), "")
