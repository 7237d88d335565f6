"""``axfpm evaluate``: clean accuracy, attacks, threat models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from axfpm.completion import Name
from axfpm.console import (
    MULTIPLIER,
    InputPath,
    OutputFolder,
    emit,
    if_interrupted,
    json_option,
    layers_option,
    multipliers_option,
    print_table,
    progress_bar,
    seed_option,
    workers_options,
)
from golden.cache import writable
from golden.errors import InvalidInput
from golden.files import write_folder


@click.command("evaluate")
@click.option("--data", type=Name("golden.cnn.data:DATASETS"), help="digits, mnist or cifar10.")
@click.option("--model", help="Architecture.")
@click.option("--checkpoint", type=InputPath(), help="Weights; those that come with the package else.")
@multipliers_option
@layers_option
@click.option("--attacks", help="Names with budgets, by commas: fgsm:eps=0.1,pgd:eps=0.1")
@click.option("--targets", help="What else is attacked, by commas: ax-fpm+calibrated,noise,companding,image8")
@click.option("--threat-models", help="Names, by commas: twin,aware,proxy,query,white-box,corruption")
@click.option("--samples", type=int, help="Test images.")
@seed_option
@click.option("--seeds", type=int, help="Networks trained alike, from the seeds 0, 1, ...")
@click.option("--preset", help="All of it: quick (a minute), mnist (45 minutes), cifar10 (75 minutes), cifar10-vgg11.")
@click.option("--subject", type=MULTIPLIER, metavar="NAME", help="A multiplier in the place of ax-fpm in the preset.")
@click.option(
    "--fit-budgets", is_flag=True, help="Only say at which budgets the preset's exact network keeps half of its images."
)
@workers_options
@click.option("--device", help="Where networks compute: cpu, or an NVIDIA GPU: cuda, cuda:1.")
@click.option("-o", "output", type=OutputFolder(), help="Folder for results.jsonl, results.json and table.txt.")
@json_option
def command(
    data: str | None,
    model: str | None,
    checkpoint: Path | None,
    multipliers: tuple[str, ...],
    layers: tuple[Path, ...],
    attacks: str | None,
    targets: str | None,
    threat_models: str | None,
    samples: int | None,
    seed: int,
    seeds: int | None,
    preset: str | None,
    subject: str | None,
    fit_budgets: bool,
    jobs: int,
    backend: str,
    scheduler: str | None,
    device: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Compare a network run exactly with itself on approximate multipliers, clean and under attack.

    Example: axfpm evaluate --data digits --multiplier ax-fpm --attacks pgd:eps=0.1 --samples 100
    """
    from golden.robustness.records import to_lines
    from golden.robustness.runs import fit, run

    if_interrupted(
        "finished parts are kept, and the same command goes on from there", true=lambda: writable("evaluation")
    )
    who: dict[str, Any] = {"jobs": jobs, "backend": backend, "scheduler": scheduler, "device": device}
    if fit_budgets:
        given = {"--data": data, "--model": model, "--checkpoint": checkpoint, "--multiplier": multipliers or None}
        given |= {
            "--attacks": attacks,
            "--targets": targets,
            "--layers": layers or None,
            "--threat-models": threat_models,
            "-o": output,
            "--subject": subject,
        }
        beside = next((option for option, value in given.items() if value is not None), None)
        if preset is None or beside is not None:
            what = (
                "names a preset's budgets; give --preset"
                if preset is None
                else f"has no use for {beside}; leave it out"
            )
            raise InvalidInput(f"--fit-budgets {what}")
        with progress_bar("fitting") as progress:
            fitted = fit(preset, samples=samples, seed=seed, seeds=seeds, **who, progress=progress)
        rows = [
            (one.norm, budget, f"{share.k}/{share.n}", f"{share.rate:.1%}", "<-" if budget == one.budget else "")
            for one in fitted
            for budget, share in one.tried.items()
        ]
        head = ("norm", "budget", "withstood", "robust accuracy", "fitted")
        title = f"{preset}: the exact network on training images, under the twin suite"
        emit([one.to_dict() for one in fitted], as_json=as_json, text=lambda: print_table(title, head, rows))
        return
    with progress_bar("evaluating") as progress:
        results = run(
            preset,
            subject=subject,
            data=data,
            model=model,
            checkpoint=checkpoint,
            multipliers=multipliers or None,
            layers=layers,
            attacks=attacks,
            targets=targets,
            threat_models=threat_models,
            samples=samples,
            seed=seed,
            seeds=seeds,
            **who,
            progress=progress,
        )
    if output is not None:
        files = {"results.jsonl": to_lines(results), "results.json": results.to_json() + "\n"}
        write_folder(output, {**files, "table.txt": results.table()})
    emit(results.to_dict(), as_json=as_json, text=lambda: click.echo(results.table(), nl=False))
