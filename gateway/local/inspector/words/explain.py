"""The words of the view that explains a pasted request."""

from gateway.texts import Sentence

WORDS: dict[str, Sentence] = {
    "EXPLAIN_LABEL": Sentence(
        "Вставьте запрос целиком, строку curl, HAR, запись журнала, тело или один токен",
        "Paste a whole request, a curl line, a HAR, a log record, a body, or just a token",
    ),
    "EXPLAIN_DO": Sentence("Разобрать", "Explain"),
    "EXPLAIN_STORED": Sentence("Нигде не сохраняется.", "Nothing is stored."),
    "EXPLAIN_NOTHING": Sentence("Поле пустое: вставьте запрос.", "The box is empty: paste a request."),
    "EXPLAIN_EVENT": Sentence("Событие, как оно попало бы в очередь", "The event as it would be queued"),
}
