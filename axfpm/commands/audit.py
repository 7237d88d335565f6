"""``axfpm audit``: the checks that a reviewer of a defence asks for."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from axfpm.completion import Name
from axfpm.console import MULTIPLIER, MULTIPLIER_NAMES, InputPath, emit, json_option, progress_bar, seed_option

__all__ = ["command"]


@click.command("audit")
@click.option("--data", type=Name("golden.cnn.data:DATASETS"), help="digits, mnist or cifar10.")
@click.option("--model", help="Architecture.")
@click.option("--checkpoint", type=InputPath(), help="Weights; those that come with the package else.")
@click.option(
    "--multiplier", type=MULTIPLIER, metavar="NAME", help=f"{MULTIPLIER_NAMES}; the exact network without it."
)
@click.option("--norm", default="linf", show_default=True, help="linf or l2.")
@click.option("--eps", type=float, help="Budget in pixel values; by the kind of images where left out.")
@click.option("--samples", default=100, show_default=True, type=int, help="Test images.")
@seed_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    data: str | None,
    model: str | None,
    checkpoint: Path | None,
    multiplier: str | None,
    norm: str,
    eps: float | None,
    samples: int,
    seed: int,
    as_json: bool,
) -> None:
    """Check whether a network hides from attacks, and how robust it is to better ones.

    Exit code 1 where a check of the group masking fails: then an evaluation by the standard attack cannot be trusted.

    Example: axfpm audit --data digits --multiplier bf16 --samples 40
    """
    from golden.cnn import data as datasets
    from golden.cnn.trained import trained_network
    from golden.robustness.audit import audit

    found = trained_network(model, data, checkpoint)
    images, labels = datasets.sample(*datasets.load(found.data, "test"), samples, seed)
    named = {"--data": found.data, "--model": model, "--checkpoint": checkpoint, "--multiplier": multiplier}
    options = [part for option, value in named.items() if value is not None for part in (option, str(value))]
    with progress_bar("auditing") as progress:
        result = audit(
            found.module,
            images,
            labels,
            multiplier=multiplier,
            norm=norm,
            eps=eps,
            seed=seed,
            name=found.name,
            command=shlex.join([*options, "--samples", str(samples)]),
            progress=progress,
        )
    emit(result.to_dict(), as_json=as_json, text=lambda: click.echo(result.table(), nl=False))
    if result.masked:
        ctx.exit(1)
