"""Measure the joint fronts: energy of an image, clean accuracy, accuracy under the adaptive attack.

    python benchmarks/joint_front.py --data mnist [--energies FILE ...] [--attacked N] [--entries N] [-o FILE]
    python benchmarks/joint_front.py --data mnist --energies-only [--energies FILE ...] [-o FILE]

Without ``-o`` the file is the one that comes with the package; ``python -m axfpm.pages`` writes the tables of
docs/front.md from it. Interrupted, the same command goes on with the network that it was at. Networks are trained,
attacked and measured gate by gate: an hour or two of one core for each front. ``--energies-only`` is for circuits that
have changed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: its threads would spin between calls

import click

from axfpm.console import progress_bar
from axfpm.joint_front.measure import measure, with_energies
from axfpm.joint_front.result import MEASURED, read, save


@click.command()
@click.option("--data", default="mnist", show_default=True, help="Which front: mnist or cifar10.")
@click.option("--attacked", type=int, help="Test images that are attacked; the front's own number without it.")
@click.option("--entries", type=int, help="The first ones only.")
@click.option("--energies", multiple=True, type=click.Path(path_type=Path), help="Of axfpm energy inference -o.")
@click.option("--known-energies", is_flag=True, help="Measure none: a trained network has that of its start.")
@click.option("--energies-only", is_flag=True, help="Take energies anew, and all else from the package's file.")
@click.option("--jobs", default=1, show_default=True, type=int)
@click.option("-o", "output", type=click.Path(path_type=Path, dir_okay=False))
def main(
    data: str,
    attacked: int | None,
    entries: int | None,
    energies: tuple[Path, ...],
    known_energies: bool,
    energies_only: bool,
    jobs: int,
    output: Path | None,
) -> None:
    if energies_only and (attacked is not None or entries is not None):
        raise click.UsageError(
            "--energies-only attacks nothing and keeps all entries; leave --attacked and --entries out"
        )
    path = output or MEASURED / f"{data}.json"
    with progress_bar("measuring") as progress:
        asked: Any = {"energies": energies, "measure_energies": not known_energies, "progress": progress}
        if energies_only:
            found = with_energies(read(MEASURED / f"{data}.json"), **asked)
        else:
            found = measure(data, attacked=attacked, entries=entries, jobs=jobs, **asked)
    save(path, found)
    for each in found.networks:
        robust = ", ".join(f"{norm} {images.k}/{images.n}" for norm, images in each.robust.items())
        energy = "" if each.energy is None else f", {each.energy.image_uj:.4g} uJ"
        click.echo(f"{each.name}: clean {each.clean.k}/{each.clean.n}, {robust}{energy}")


if __name__ == "__main__":
    main()
