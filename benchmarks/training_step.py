"""A step of training on a multiplier against an exact one: the figures in docs/training.md.

    python benchmarks/training_step.py [--multiplier NAME ...] [--gradient NAME] [--threads N ...] [--json]

A step is a forward pass in training mode, cross-entropy, a backward pass and Adam's step, on one batch of random
images. Both sides start from the same parameters, and take turns; figures are medians.
"""

from __future__ import annotations

import json
import os
from functools import partial

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: its threads would spin between calls

import click
import torch
from torch import nn

from axfpm.console import print_table
from golden.catalogue import multiplier as look_up
from golden.cnn import models
from golden.pytorch import ApproximateModule
from golden.speed.running import interleaved

BATCH = 128
NETWORKS = ("lenet5", "alexnet", "vgg11")
COLUMNS = ("network", "multiplier", "gradient", "threads", "ms", "exact torch ms", "times slower")
BUDGET = 6.0
"""Seconds of each comparison."""


def step(module: nn.Module, optimiser: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor) -> None:
    optimiser.zero_grad()
    nn.functional.cross_entropy(module(images), labels).backward()
    optimiser.step()


def prepared(name: str, multiplier: str | None, gradient: str) -> partial[None]:
    """A step of a network in the form in which it is trained; exact without a multiplier."""
    model = models.look_up(name)
    torch.manual_seed(0)
    module = models.build_trainable(model).train()
    images, labels = torch.rand(BATCH, *model.input_shape), torch.randint(model.classes, (BATCH,))
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-4)
    computed = module if multiplier is None else ApproximateModule(module, multiplier, gradient=gradient)
    return partial(step, computed, optimiser, images, labels)


@click.command()
@click.option("--network", "networks", multiple=True, default=NETWORKS)
@click.option("--multiplier", "multipliers", multiple=True, default=("ax-fpm", "mitchell", "e8m1"))
@click.option("--gradient", default="scaled", show_default=True)
@click.option("--threads", multiple=True, type=int, default=(1, 2))
@click.option("--json", "as_json", is_flag=True)
def main(
    networks: tuple[str, ...], multipliers: tuple[str, ...], gradient: str, threads: tuple[int, ...], as_json: bool
) -> None:
    rows = []
    for network in networks:
        for name in multipliers:
            for count in threads:
                torch.set_num_threads(count)
                emulated, exact = (prepared(network, each, gradient) for each in (str(look_up(name)), None))
                seconds = interleaved(emulated, exact, count, BUDGET)[:2]  # those on one thread beside come last
                milliseconds = [1000 * each for each in seconds]
                rows.append((network, name, gradient, count, *milliseconds, milliseconds[0] / milliseconds[1]))
    if as_json:
        click.echo(json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows], indent=1))
    else:
        print_table(f"A step of training, {BATCH} images", COLUMNS, rows)


if __name__ == "__main__":
    main()
