"""What an epoch of training on a multiplier recovers: the tables in docs/training.md.

    python benchmarks/fine_tuning.py --network lenet5-mnist [--multiplier NAME ...] [--seeds N] [--epochs N] [-o FILE]

Without ``-o`` the file is the one that comes with the package; ``python -m axfpm.pages`` writes its tables.
Interrupted, it goes on with the training it was at. Networks of MNIST take minutes, of CIFAR-10 an hour or so on two
cores.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: its threads would spin between calls

import click

from axfpm.console import json_option, progress_bar
from golden.robustness.recovery import MEASURED, recovery, save


@click.command()
@click.option("--network", default="lenet5-mnist", show_default=True, help="A checkpoint of the package, of seed 0.")
@click.option("--multiplier", "multipliers", multiple=True, default=("exact", "ax-fpm", "mitchell", "e8m1"))
@click.option("--seeds", default=3, show_default=True, type=int)
@click.option("--epochs", default=1, show_default=True, type=int)
@click.option("-o", "output", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def main(
    network: str, multipliers: tuple[str, ...], seeds: int, epochs: int, output: Path | None, as_json: bool
) -> None:
    with progress_bar("training") as progress:
        found = recovery(network, multipliers, seeds=seeds, epochs=epochs, progress=progress)
    save(output or MEASURED / f"{network}.json", found)
    click.echo(found.to_json() if as_json else found.table(), nl=as_json)


if __name__ == "__main__":
    main()
