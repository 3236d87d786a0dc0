"""Take figures and print them: `python -m bench [FIGURE …] [--quick]`."""

import compileall
import sys
from pathlib import Path

import click

from bench import documents
from bench.figures import FIGURES
from bench.instances import ROOT, EventLost
from bench.parts import Bench, PartMissing
from bench.report import show, write
from bench.sample import Result

OUT = ROOT / "bench/results"


@click.command(epilog=f"Figures: {', '.join(FIGURES)}. Example: python -m bench cold throughput --quick")
@click.argument("figures", nargs=-1, type=click.Choice(list(FIGURES)), metavar="[FIGURE]...")
@click.option(
    "--quick", is_flag=True, help="Fewer rounds and smaller loads: for a quick look, not for results."
)
@click.option("--docs", is_flag=True, help="Write the tables and the plot of docs/performance.md too.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=OUT,
    help="Where the JSON and the plot go.",
)
def main(figures: tuple[str, ...], quick: bool, docs: bool, out: Path) -> None:
    """Take every figure (or those named) beside its yardstick, in one run.

    Exit codes: 0 all aims reached, 1 some are not, or an event was lost, 2 wrong use.
    """
    for package in ("main.py", "verify.py", "gateway", "handlers", "bench"):
        compile_ = compileall.compile_dir if (ROOT / package).is_dir() else compileall.compile_file
        compile_(str(ROOT / package), quiet=2)
    bench = Bench(quick=quick)
    results: list[Result] = []
    skipped: dict[str, str] = {}
    missed = 0
    with bench.stack:
        for name in figures or FIGURES:
            click.echo(f"{name} …", err=True)
            try:
                results += FIGURES[name](bench)
            except PartMissing as missing:
                skipped[name] = str(missing)
            except EventLost as loss:
                click.echo(f"{name}: a good event was lost or refused: {loss}", err=True)
                missed += 1
    files = write(results, skipped, out)
    if docs and not missed:
        files += documents.write(results, ROOT / "docs")
    show(results, skipped, files)
    sys.exit(1 if missed or any(result.reached is False for result in results) else 0)


if __name__ == "__main__":
    main(prog_name="python -m bench")
