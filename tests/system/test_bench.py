"""The benchmark's own arithmetic and its report, from made-up numbers: nothing here depends on time."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from bench import bodies, documents, report
from bench.__main__ import main
from bench.figures import FIGURES
from bench.figures.cpu import whole_way
from bench.instances import EventLost, is_whole
from bench.parts import check_arrived
from bench.sample import Result, alternate, spread

REACHED = Result(
    figure="cold start",
    what="to the first 200",
    yardstick_is="hello-world",
    unit="ms",
    ours=[210.0, 220.0, 400.0],
    yardstick=[150.0, 160.0, 300.0],
    aim=1.40,
    rivals={"naive": [480.0, 480.0, 480.0]},
)
MISSED = Result("throughput", "instant", "hello-world", "/s", [700.0], [1000.0], 0.75, "at least")
ADDED = Result("lone publish", "one event", "the bare RPC", "ms", [1.3, 1.4], [1.0, 1.2], 0.5, "at most more")
NO_AIM = Result("something", "else", "a yardstick", "s", [2.0], [1.0])
RESULTS = [REACHED, MISSED, ADDED, NO_AIM]


def test_a_result_is_the_median_of_its_pairs() -> None:
    assert REACHED.compared == [1.4, 1.375, pytest.approx(4 / 3)]
    assert (REACHED.reached, MISSED.reached, ADDED.reached, NO_AIM.reached) == (True, False, True, None)
    assert REACHED.against("naive") == 3.0
    assert ADDED.compared == [pytest.approx(0.3), pytest.approx(0.2)]
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 4.0)
    assert spread([7.0]) == (7.0, 7.0)


def test_ours_and_the_yardstick_alternate() -> None:
    order: list[str] = []
    figures = alternate(3, ours=lambda: order.append("o"), hello=lambda: order.append("h"))
    assert "".join(order) == "ohhooh"
    assert figures == {"ours": [None] * 3, "hello": [None] * 3}


def test_a_run_replaces_its_own_rows_of_the_documents(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for name in ("performance.md", "performance.ru.md"):
        (tmp_path / name).write_text(f"above\n{documents.BEGIN}{documents.END}below\n", "utf-8")
    documents.write([REACHED, replace(MISSED, yardstick_is="hello-world")], tmp_path)
    documents.write([replace(REACHED, ours=[300.0, 320.0, 600.0])], tmp_path)
    english, russian = (
        (tmp_path / name).read_text("utf-8") for name in ("performance.md", "performance.ru.md")
    )
    assert "| cold start | 320 ms | 160 ms (hello-world) | **2.00 ×** ✗ | ≤ 1.4 × |\n" in english
    assert "| throughput | 700 /s | 1,000 /s (hello-world) | **0.70 ×** ✗ | ≥ 0.75 × |\n" in english
    assert "| холодный старт, эмулятор Pub/Sub | 320 мс | 160 мс («hello, world») |" in russian
    assert english.count("| cold start |") == 1
    assert english.startswith("above\n")
    assert russian.endswith("below\n")
    plot = (tmp_path / "pictures/bench.svg").read_text("utf-8")
    # The earlier run's figure stays too.
    for text in ("2.00 × (aim ≤ 1.4 ×)", "0.70 × (aim ≥ 0.75 ×)"):
        assert text in plot
    assert plot.count('fill="#c0392b"') == 2


def test_the_table_the_json_and_the_plot(tmp_path: Path) -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(report.table(RESULTS, {"emulator": "not installed"}))
    text = console.export_text()
    for part in ("1.38 ×", "≤ 1.4 ×", "naive: 3.00 ×", "0.70 ×", "+0.25 ms", "skipped: not installed"):
        assert part in text
    files = report.write(RESULTS, {"emulator": "not installed"}, tmp_path / "results")
    results = json.loads(files[0].read_text("utf-8"))
    assert [result["reached"] for result in results["results"]] == [True, False, True, None]
    assert results["results"][0]["ours"] == [210.0, 220.0, 400.0]
    assert results["skipped"] == {"emulator": "not installed"}
    assert files[1].read_text("utf-8").count("<rect") == len(RESULTS) + 1


def test_a_lost_event_fails_the_run() -> None:
    check_arrived(5, 5)
    with pytest.raises(EventLost, match="5 events were answered with 200, 4 are on the queue"):
        check_arrived(5, 4)
    assert is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert not is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")


def test_every_event_is_different() -> None:
    first, second = bodies.numbered(0, 2)
    assert len(first) == len(second) == len(bodies.event())
    assert json.loads(whole_way(first)[0])["event_id"] != json.loads(whole_way(second)[0])["event_id"]
    assert len(bodies.event().split(b"&")) == len(bodies.latin_event().split(b"&")) == 15


def test_the_command_names_its_figures() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.output for name in FIGURES)
    assert CliRunner().invoke(main, ["unheard-of"]).exit_code == 2
