"""``axfpm train``: a checkpoint and its accuracy."""

from __future__ import annotations

from pathlib import Path

import click

from axfpm.completion import Name
from axfpm.console import (
    MULTIPLIER,
    MULTIPLIER_NAMES,
    InputPath,
    OutputFile,
    check_apart,
    emit,
    if_interrupted,
    json_option,
    progress_bar,
    seed_option,
)
from golden.files import is_stream


@click.command("train")
@click.option(
    "--data", type=Name("golden.cnn.data:DATASETS"), help="digits, mnist or cifar10; that of --from, or digits, else."
)
@click.option("--model", help="lenet5, guesmi2021, alexnet, vgg11, or your package.module:name; the data's own else.")
@click.option(
    "--from", "start", type=InputPath(), metavar="FILE", help="Checkpoint to train further, by default for one epoch."
)
@click.option(
    "--multiplier", type=MULTIPLIER, metavar="NAME", help=f"Train on it, bit for bit. {MULTIPLIER_NAMES}; exact else."
)
@click.option(
    "--gradient",
    type=Name("golden.pytorch.rules:GRADIENTS"),
    help="What products on it are differentiated as: scaled (default), straight-through or masked.",
)
@click.option("--adversarial", metavar="EPS", type=float, help="Train on images that PGD perturbs within Linf EPS.")
@click.option("--epochs", type=int, help="Passes over the training images; by default what suits the data.")
@click.option("--learning-rate", type=float, help="Peak of its one cycle; by default what suits the data.")
@seed_option
@click.option("-o", "output", required=True, type=OutputFile(), help="Checkpoint to write (safetensors).")
@json_option
def command(
    data: str | None,
    model: str | None,
    start: Path | None,
    multiplier: str | None,
    gradient: str | None,
    adversarial: float | None,
    epochs: int | None,
    learning_rate: float | None,
    seed: int,
    output: Path,
    as_json: bool,
) -> None:
    """Train MODEL on DATA, exactly or on a multiplier, and write a checkpoint.

    An interrupted run goes on where it was. MODEL may be a class, or a function without arguments, that gives a
    torch.nn.Module, by its import path.

    Example: axfpm train --from lenet5-digits --multiplier ax-fpm -o tuned.safetensors
    """
    from dataclasses import asdict

    from golden.cnn.training import train

    check_apart(output, as_json=as_json)
    kept = f"finished epochs are kept in {output}.training, and the same command goes on from there"
    if_interrupted(kept, true=lambda: not is_stream(output) and Path(f"{output}.training").exists())
    with progress_bar("training") as progress:
        _, checkpoint = train(
            data,
            model,
            seed=seed,
            epochs=epochs,
            adversarial=adversarial,
            multiplier=multiplier,
            gradient=gradient,
            start=start,
            learning_rate=learning_rate,
            output=output,
            progress=progress,
        )
    result = asdict(checkpoint) | {"accuracy": checkpoint.accuracy, "file": output}
    on = "".join(f", {correct} on {name}" for name, correct in checkpoint.correct_on.items())
    sentence = f"wrote {output}: {checkpoint.correct}/{checkpoint.samples} test images correct{on}"
    emit(result, as_json=as_json, text=lambda: click.echo(sentence, err=is_stream(output)))
