"""Writes the tables and the plot of docs/performance.md from a run, in both languages."""

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.report import SIGNS, Bar, plot
from bench.sample import Result

BEGIN, END = "<!-- written by `make bench FIGURES=--docs` -->\n", "<!-- end -->\n"
HEADS = {
    "en": "| figure | ours | yardstick | ratio | aim |\n| --- | --- | --- | --- | --- |\n",
    "ru": "| показатель | у нас | эталон | отношение | цель |\n| --- | --- | --- | --- | --- |\n",
}
UNITS = {"ms": "мс", "s": "с", "/s": "/с", "MB": "МБ", "µs": "мкс"}
FIRST = "первая редакция (c0e427a)"
HELLO = "«hello, world»"
CORE = "те же транзакции на SQLAlchemy Core"

RUSSIAN = {
    "CPU of a large event": "процессор: тело в 10 раз больше",
    "CPU of an event, Cyrillic": "процессор: событие, кириллица",
    "CPU of an event, Latin": "процессор: событие, латиница",
    "CPU of the dearest request, judged": "процессор: самый дорогой запрос, вердикт",
    "CPU of the dearest request, judged, diagnosed and captured": (
        "процессор: самый дорогой запрос, вердикт, диагноз и запись"
    ),
    "a bare loop over the same pages": "простой цикл по тем же страницам",
    "a busy hour of a million events a day": "час пик при миллионе событий в день",
    "a destination that takes 10 a second": "получатель, который берёт 10 в секунду",
    "a healthy event": "обычное событие",
    "a queue that is nearly empty": "почти пустая очередь",
    "a store that was empty": "пустое хранилище",
    "a thousand portals, emulators": "тысяча порталов на эмуляторах",
    "after 1,000": "после 1 000",
    "an event, a grown portal, PostgreSQL": "событие, выросший портал, PostgreSQL",
    "an event, a grown portal, SQLite": "событие, выросший портал, SQLite",
    "cold start": "холодный старт, эмулятор Pub/Sub",
    "cold start, authenticated": "холодный старт с авторизацией Google",
    "consumers, PostgreSQL, 1 worker": "обработчики, PostgreSQL, 1 поток",
    "consumers, PostgreSQL, 4 workers": "обработчики, PostgreSQL, 4 потока",
    "consumers, SQLite, 1 worker": "обработчики, SQLite, 1 поток",
    "consumers, SQLite, 4 workers": "обработчики, SQLite, 4 потока",
    "hello-world": HELLO,
    "hello-world's": HELLO,
    "inspector: a cause and an event": "инспектор: причина и событие",
    "inspector: a person": "инспектор: человек",
    "inspector: a rare search": "инспектор: редкий поиск",
    "inspector: dead letters": "инспектор: недоставленное",
    "inspector: links": "инспектор: связи",
    "inspector: one request": "инспектор: один запрос",
    "inspector: overview": "инспектор: обзор",
    "inspector: polling": "инспектор: сверка",
    "inspector: rejected": "инспектор: отклонённые",
    "inspector: requests": "инспектор: запросы",
    "inspector: what the list polls": "инспектор: обновление списка",
    "lease and settle, a long queue": "взять и завершить, длинная очередь",
    "lease and settle, destination, a long queue": "то же для получателя, длинная очередь",
    "lone publish": "одиночная публикация",
    "memory": "память после 100 000 событий",
    "memory, a grown portal, PostgreSQL": "память, выросший портал, PostgreSQL",
    "memory, a grown portal, SQLite": "память, выросший портал, SQLite",
    "no waiting": "без ожидания",
    "one body": "одно тело",
    "over 20,000": "по 20 000",
    "over 50: one page": "по 50: одна страница",
    "p99": "p99 при половинной нагрузке",
    "parse_qsl": "parse_qsl",
    "posted → linked of the same run": "от запроса до связи в том же прогоне",
    "publish, a long queue": "публикация, длинная очередь",
    "resync, CPU": "сверка 100 000 пользователей, процессор",
    "resync, memory": "сверка, память",
    "serve: after kill -9": "serve: разбор после kill -9",
    "serve: answers": "serve: ответы",
    "serve: memory": "serve: память после 100 000 событий",
    "serve: memory, both editions": "serve: память, обе редакции",
    "serve: p99": "serve: p99 при половинной нагрузке",
    "serve: posted → delivered": "serve: от запроса до получателя",
    "serve: posted → linked": "serve: от запроса до связи",
    "the bare RPC": "сам вызов RPC",
    "the first edition (c0e427a)": FIRST,
    "the same transactions in SQLAlchemy Core": CORE,
    "throughput": "пропускная способность, очередь отвечает сразу",
    "throughput, emulator": "то же на эмуляторе",
    "what it takes": "сколько он берёт",
}


def write(results: Sequence[Result], docs: Path) -> list[Path]:
    """Put these results into both tables, beside the rows of other figures, and plot the whole table.

    Raises `LookupError` where a figure has no Russian name.
    """
    files = [docs / "performance.md", docs / "performance.ru.md", docs / "pictures/bench.svg"]
    bars: list[Bar] = []
    for path, language in zip(files, HEADS, strict=False):
        before, _, rest = path.read_text("utf-8").partition(BEGIN)
        old_rows, _, after = rest.partition(END)
        rows = {_figure(line): line for line in old_rows.splitlines(keepends=True)[2:]}
        rows |= {_figure(line): line for line in (_row(result, language) for result in results)}
        path.write_text("".join([before, BEGIN, HEADS[language], *rows.values(), END, after]), "utf-8")
        bars = bars or [_bar(row) for row in rows.values()]
    files[2].write_text(plot(bars), "utf-8")
    return files


def _figure(row: str) -> str:
    return row.split("|")[1].strip()


def _row(result: Result, language: str) -> str:
    def words(text: str) -> str:
        return text if language == "en" else RUSSIAN[text]

    unit = result.unit if language == "en" else UNITS[result.unit]
    ours, yardstick = (f"{_number(median(values))} {unit}" for values in (result.ours, result.yardstick))
    plus, sign = result.bound == "at most more", SIGNS[result.bound]
    behind = f" {unit}" if plus else " ×"
    compared = f"{median(result.compared):{'+' if plus else ''}.2f}{behind}"
    aim = "" if result.aim is None else f"{sign} {result.aim:g}{behind}"
    measured = f"**{compared}**" if result.reached is not False else f"**{compared}** ✗"
    cells = (words(result.figure), ours, f"{yardstick} ({words(result.yardstick_is)})", measured, aim)
    return f"| {' | '.join(cells)} |\n"


def _bar(row: str) -> Bar:
    """The figure of one row of the English table."""
    figure, _, _, ratio, aim_text = (cell.strip() for cell in row.strip("|\n ").split("|"))
    ratio_text = ratio.removesuffix("✗").strip(" *")
    aim = _first_number(aim_text) if aim_text else None
    reached = None if aim is None else not ratio.endswith("✗")
    return Bar(
        figure,
        _first_number(ratio_text),
        f"{ratio_text} (aim {aim_text})" if aim_text else ratio_text,
        aim,
        reached,
    )


def _first_number(cell: str) -> float:
    return float(re.sub(r"[^0-9.-]", "", cell))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
