"""``axfpm search``: which multiplier each layer of a network should have."""

from __future__ import annotations

from pathlib import Path

import click

from axfpm.completion import Name
from axfpm.console import (
    MULTIPLIER,
    RESUMES,
    InputPath,
    OutputFile,
    check_apart,
    emit,
    if_interrupted,
    json_option,
    note,
    print_table,
    progress_bar,
    seed_option,
    workers_options,
)
from golden.cache import writable
from golden.files import write

__all__ = ["command"]


@click.command("search")
@click.option("--data", type=Name("golden.cnn.data:DATASETS"), help="digits, mnist or cifar10.")
@click.option("--model", help="Architecture.")
@click.option("--checkpoint", type=InputPath(), help="Weights; those that come with the package else.")
@click.option(
    "--candidates",
    type=MULTIPLIER,
    required=True,
    metavar="NAMES",
    help="What each layer may have, by commas.",
)
@click.option("--objectives", default="energy,accuracy", show_default=True, help="By commas: accuracy, energy, area.")
@click.option("--budget", type=int, default=60, show_default=True, help="Assignments that are evaluated.")
@click.option(
    "--strategy",
    type=Name("axfpm.layer_search.strategies:STRATEGIES"),
    default="nsga2",
    show_default=True,
    help="nsga2, greedy, random or exhaustive.",
)
@click.option("--samples", type=int, help="Training images; 10000 without it.")
@seed_option
@click.option("--seeds", type=int, default=1, show_default=True, help="Searches, from so many successive seeds.")
@click.option("--attacked", type=int, default=100, show_default=True, help="Test images under attack at the end.")
@click.option("--energies", type=InputPath(), multiple=True, help="A file of `axfpm energy inference -o`; repeatable.")
@click.option(
    "--library", type=Name("synth.libraries:LIBRARIES"), default="osu018", show_default=True, help="Whose energies."
)
@workers_options
@click.option("-o", "output", type=OutputFile(), help="File for the assignments of the front, which --layers takes.")
@json_option
def command(
    data: str | None,
    model: str | None,
    checkpoint: Path | None,
    candidates: str,
    objectives: str,
    budget: int,
    strategy: str,
    samples: int | None,
    seed: int,
    seeds: int,
    attacked: int,
    energies: tuple[Path, ...],
    library: str,
    jobs: int,
    backend: str,
    scheduler: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Search for the multipliers that each layer should have, on training images.

    What no other assignment dominates is then measured on test images, and attacked adaptively there.

    Example: axfpm search --data mnist --candidates exact,e8m2,ax-fpm --budget 60 --jobs 2 -o front.json
    """
    from axfpm.layer_search.result import SearchResult
    from axfpm.layer_search.run import search
    from synth.libraries import LIBRARIES

    if output is not None:
        check_apart(output, as_json=as_json)
    if_interrupted(RESUMES, true=lambda: writable("evaluation"))
    with progress_bar("searching") as progress:
        result = search(
            model,
            candidates=candidates,
            objectives=objectives,
            budget=budget,
            data=data,
            checkpoint=checkpoint,
            seed=seed,
            seeds=seeds,
            strategy=strategy,
            samples=samples,
            attacked=attacked,
            energies=energies,
            library=LIBRARIES.look_up(library).name,
            jobs=jobs,
            backend=backend,
            scheduler=scheduler,
            progress=progress,
        )
    if output is not None:
        write(output, result.to_json())
        note(f"wrote {output}", output=output)

    def show(found: SearchResult = result) -> None:
        said = found.settings
        if found.sensitivities is not None:
            title = f"{said['network']}: points of training accuracy lost with one layer alone on a multiplier"
            print_table(title, found.sensitivity_columns, found.sensitivity_table())
        title = f"{said['network']}: {len(found.front)} assignments that none of {said['evaluated']} others dominates"
        print_table(title, found.columns, found.table(), found.note, optional=("um^2",))

    emit(result.to_dict(), as_json=as_json, text=show)
