"""Puts a cause into the operator's language: fields filled in, machine words replaced by plain ones."""

from collections.abc import Mapping
from typing import Any

from gateway.diagnosis.causes import DO, SAYS
from gateway.setting_values import WEBHOOK_PATH
from gateway.settings import Settings
from gateway.texts import Sentence
from verify import fingerprint

PHRASES: dict[str, Sentence] = {
    "setting/cloud": Sentence(
        "./deploy.sh rotate BITRIX24_OUTGOING_WEBHOOK_TOKEN",
        "./deploy.sh rotate BITRIX24_OUTGOING_WEBHOOK_TOKEN",
    ),
    "setting/railway": Sentence(
        "Railway → Variables → BITRIX24_OUTGOING_WEBHOOK_TOKEN, затем Deploy",
        "Railway → Variables → BITRIX24_OUTGOING_WEBHOOK_TOKEN, then Deploy",
    ),
    "setting/local": Sentence(
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN в .env или в окружении, затем перезапустите шлюз",
        "BITRIX24_OUTGOING_WEBHOOK_TOKEN in .env or the environment, then restart the gateway",
    ),
    "url/unknown": Sentence("https://ВАШ-АДРЕС", "https://YOUR-ADDRESS"),
    "how/white space": Sentence(
        "пробелы, переводы строк или невидимые знаки", "white space or invisible characters"
    ),
    "how/quotes": Sentence("кавычки", "quotes"),
    "how/brackets": Sentence("скобки", "brackets"),
    "how/percent-encoding": Sentence("кодирование %XX", "percent-encoding"),
    "how/case": Sentence("регистр букв", "letter case"),
    "how/cut": Sentence("обрезан", "cut short"),
    "how/tail": Sentence("лишнее в конце", "something extra at the end"),
    "how/prefix": Sentence("лишнее в начале", "something extra at the beginning"),
    "how/other characters": Sentence("другие символы", "other characters"),
    "how/separators": Sentence(
        "переводы строк, точки с запятой, запятые или пробелы вместо &",
        "line breaks, semicolons, commas or spaces instead of &",
    ),
    "how/HTML entities": Sentence(
        "знаки заменены на HTML-сущности, &amp; вместо &", "HTML entities, &amp; instead of &"
    ),
    "how/BOM": Sentence("знак BOM перед формой", "a BOM before the form"),
    "how/multipart": Sentence("multipart оборван", "multipart that breaks off"),
    "how/separator": Sentence("разделитель — не запятая", "a separator other than a comma"),
    "how/Bearer": Sentence("слово Bearer", "the word Bearer"),
    "how/NAME=": Sentence("имя переменной", "the variable's name"),
    "which": Sentence(" (№ {numbers} в списке)", " (no. {numbers} in the list)"),
    "place/path": Sentence("часть {part} пути", "part {part} of the path"),
    "sender/bitrix24": Sentence(
        "называет себя Битрикс24, но это не событие", "calls itself Bitrix24, but this is not an event"
    ),
    "sender/browser": Sentence("браузер", "a browser"),
    "sender/monitor": Sentence("мониторинг", "an uptime monitor"),
    "sender/health": Sentence("проверка работоспособности", "a health check"),
    "sender/test": Sentence("тест или программа", "a test or a program"),
    "sender/webhook": Sentence("вебхук другого сервиса", "another service's webhook"),
    "sender/relay": Sentence("сервис, который пересылает события", "a service that passes events on"),
    "sender/placement": Sentence(
        "страница приложения Битрикс24, открытая в портале, а не событие",
        "a page of a Bitrix24 application opened in the portal, not an event",
    ),
    "sender/google": Sentence("служба Google Cloud", "a service of Google Cloud"),
    "sender/preview": Sentence("предпросмотр ссылки в мессенджере", "a messenger's link preview"),
    "sender/crawler": Sentence("поисковый робот", "a crawler"),
    "sender/scanner": Sentence("сканер уязвимостей", "a scanner"),
    "sender/unknown": Sentence("неизвестен", "unknown"),
}


def sentences_of(code: str, variant: str, values: Mapping[str, Any], settings: Settings) -> tuple[str, str]:
    """What a cause says, and what to do, in the settings' language."""
    language = settings.language
    filled = _filled(values, settings)
    sentences = [table.get(f"{code}/{variant}") or table[code] for table in (SAYS, DO)]
    says, do = (sentence.text(language).format_map(filled) for sentence in sentences)
    return says, do


def phrase(key: str, language: str) -> str:
    """A phrase of `PHRASES` in a language."""
    return PHRASES[key].text(language)


def _filled(values: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    language = settings.language
    filled = dict(values) | text_values(settings)
    filled["accepted"] = ", ".join(fingerprint(token) or "-" for token in settings.tokens[:5])
    filled["name"] = str(values.get("place", "")).partition(":")[2] or "…"
    numbers = ", ".join(map(str, values.get("numbers", ())))
    filled["which"] = phrase("which", language).format(numbers=numbers) if numbers else ""
    if str(values.get("place", "")).startswith("path:"):
        filled["place"] = phrase("place/path", language).format(part=str(values["place"])[5:])
    if "how" in values:
        filled["how"] = alterations_in_words(values["how"], language)
    if "kind" in values:
        sender = phrase(f"sender/{values['kind']}", language)
        service = values.get("name")
        filled["sender"] = f"{sender} ({service})" if service and values["kind"] != "bitrix24" else sender
        if service and values["kind"] == "relay":
            filled["sender"] = service
    return filled


def text_values(settings: Settings) -> dict[str, str]:
    """The values that depend only on the settings."""
    place = "cloud" if settings.on_google_cloud else "railway" if settings.on_railway else "local"
    return {
        "setting": phrase(f"setting/{place}", settings.language),
        "url": settings.paste_url or phrase("url/unknown", settings.language) + WEBHOOK_PATH,
    }


def alterations_in_words(alterations: Any, language: str) -> str:
    """The alterations in the operator's language; one without a phrase is shown as it is."""
    words = alterations if isinstance(alterations, tuple) else [alterations]
    phrases = []
    for word in words:
        for part in str(word).split(", "):
            name, colon, number = part.partition(": ")
            sentence = PHRASES.get(f"how/{name}")
            phrases.append((sentence.text(language) if sentence else name) + colon + number)
    return ", ".join(phrases)
