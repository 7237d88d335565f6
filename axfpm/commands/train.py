"""``axfpm train``: a checkpoint and its accuracy."""

from __future__ import annotations

from pathlib import Path

import click

from axfpm.completion import Name
from axfpm.console import OutputFile, check_apart, emit, if_interrupted, json_option, progress_bar, seed_option
from golden.files import is_stream


@click.command("train")
@click.option(
    "--data",
    type=Name("golden.cnn.data:DATASETS"),
    default="digits",
    show_default=True,
    help="digits, mnist or cifar10.",
)
@click.option("--model", help="lenet5, guesmi2021, alexnet, vgg11, or your package.module:name; the data's own else.")
@seed_option
@click.option("--epochs", type=int, help="Passes over the training images; by default what suits the data.")
@click.option("--adversarial", metavar="EPS", type=float, help="Train on images that PGD perturbs within Linf EPS.")
@click.option("-o", "output", required=True, type=OutputFile(), help="Checkpoint to write (safetensors).")
@json_option
def command(
    data: str,
    model: str | None,
    seed: int,
    epochs: int | None,
    adversarial: float | None,
    output: Path,
    as_json: bool,
) -> None:
    """Train MODEL on DATA and write a checkpoint; an interrupted run goes on where it was.

    MODEL may be a class, or a function without arguments, that gives a torch.nn.Module, by its import path.

    Example: axfpm train --data mnist --model lenet5 --seed 0 -o lenet5-mnist.safetensors
    """
    from dataclasses import asdict

    from golden.cnn.training import train

    check_apart(output, as_json=as_json)
    kept = f"finished epochs are kept in {output}.training, and the same command goes on from there"
    if_interrupted(kept, true=lambda: not is_stream(output) and Path(f"{output}.training").exists())
    with progress_bar("training") as progress:
        _, checkpoint = train(
            data, model, seed=seed, epochs=epochs, adversarial=adversarial, output=output, progress=progress
        )
    result = asdict(checkpoint) | {"accuracy": checkpoint.accuracy, "file": output}
    sentence = f"wrote {output}: {checkpoint.correct}/{checkpoint.samples} test images correct"
    emit(result, as_json=as_json, text=lambda: click.echo(sentence, err=is_stream(output)))
