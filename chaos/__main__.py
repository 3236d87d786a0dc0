"""`python -m chaos`: break everything at random; nothing may be lost or take effect twice.

\b
    make chaos                                              both set-ups, 2,000 requests each
    make chaos ARGS="--events 20000 --setup pubsub"         longer
    make chaos ARGS="--seed 7 --mix kill-receiver=20,disk=0,duplicates=0.5"

Exit codes: 0 nothing differs, 1 something does (it is printed), 2 it could not run.
"""

import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from secrets import randbelow

import click
import pytest

from chaos import driver, faults, world
from tests.support.portal import PortalSimulator
from tests.support.postgres import running_postgres
from tests.support.pubsub import running_emulator

MIX = {**faults.RATES, "duplicates": 0.1, "reorder": 60.0, "rest-share": 0.01}


def read_mix(text: str) -> dict[str, float]:
    """Read `name=number,…` over the defaults. Raises `click.BadParameter`."""
    mix = dict(MIX)
    for part in filter(None, text.split(",")):
        name, _, number = part.partition("=")
        try:
            mix[name.strip()] = max(0.0, float(number))
        except ValueError:
            raise click.BadParameter(f"expected NAME=NUMBER, not {part}", param_hint="--mix") from None
    if unknown := mix.keys() - MIX.keys():
        raise click.BadParameter(
            f"unknown: {', '.join(unknown)}; there are {', '.join(MIX)}", param_hint="--mix"
        )
    return mix


@click.command(help=__doc__)
@click.option("--seed", type=int, help="Repeat the events and faults of the run that printed this seed.")
@click.option("--events", default=2000, show_default=True, help="Requests to send, in each set-up.")
@click.option("--setup", type=click.Choice(["embedded", "pubsub", "both"]), default="both", show_default=True)
@click.option(
    "--mix", default="", help=f"Rates over the defaults: {', '.join(f'{k}={v:g}' for k, v in MIX.items())}."
)
@click.option("--hurry", is_flag=True, help="Do not wait for the leases of killed workers to run out.")
@click.option("--keep", is_flag=True, help="Keep the files, and print where they are.")
def main(seed: int | None, events: int, setup: str, mix: str, hurry: bool, keep: bool) -> None:
    seed = randbelow(10**6) if seed is None else seed
    rates = read_mix(mix)
    differences = []
    for name in ("embedded", "pubsub") if setup == "both" else (setup,):
        directory = Path(tempfile.mkdtemp(prefix="chaos-"))
        print(f"{name}: seed {seed}, {events} requests", flush=True)
        try:
            differences += run(name, directory, seed, events, rates, hurry)
        except pytest.skip.Exception as missing:
            print(missing, file=sys.stderr)
            sys.exit(2)
        finally:
            print(f"files: {directory}") if keep else shutil.rmtree(directory, ignore_errors=True)
    for line in differences[:50]:
        print(line)
    print(f"{len(differences)} differences, seed {seed}" if differences else f"nothing differs, seed {seed}")
    sys.exit(1 if differences else 0)


def run(name: str, directory: Path, seed: int, events: int, mix: dict[str, float], hurry: bool) -> list[str]:
    """Run one set-up, starting and stopping its parts; return the differences."""
    began = time.monotonic()

    def report(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {name}: {text}", flush=True)

    with ExitStack() as parts:
        portal = PortalSimulator()
        parts.callback(portal.close)
        if name == "embedded":
            world_, postgres = world.embedded(directory, portal), None
        else:
            postgres = parts.enter_context(running_postgres())
            emulator = parts.enter_context(running_emulator())
            world_ = world.cloud(directory, portal, emulator, postgres)
        return driver.run(world_, seed, events, mix, postgres, hurry=hurry, report=report)


if __name__ == "__main__":
    main()
