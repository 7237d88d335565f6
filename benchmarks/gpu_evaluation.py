"""Evaluating networks on a GPU against all cores of the same machine: the figures in docs/emulation.md.

    python benchmarks/gpu_evaluation.py [--network lenet5-mnist ...] [--device cuda] [--jobs N] [-o FILE]

For each network: a forward pass of all test images on ax-fpm, on the GPU and on threads of the CPU, and whether the
logits are the same bits; a step of an attack, forward and backward, of a batch, as attacks take it, replayed, and
unrecorded; and `axfpm evaluate` of some images under PGD at eight budgets, white-box, on the GPU and in as many
processes as there are cores. Medians of runs in turn, but for the last, which is run once, after one that starts what
it needs.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch
from torch import nn

from golden.cnn import checkpoint, data
from golden.pytorch import ApproximateModule
from golden.pytorch.devices import check_device, ieee_products
from golden.pytorch.replaying import BEFORE, replayed
from golden.robustness.evaluation import evaluate

MULTIPLIER = "ax-fpm"
FITTED, BATCH = 500, 1000
CASES = {
    "lenet5-mnist": (1000, 40, (0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16)),
    "alexnet-cifar10": (500, 10, (0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008)),
}
"""Images under attack, steps of PGD, and its budgets."""


def median(*calls: Callable[[], Any]) -> list[float]:
    """Median seconds of each of some calls, in turn; the first of each warms up."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(4):
        for call, seconds in zip(calls, times, strict=True):
            start = time.perf_counter()
            call()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - start)
    return [statistics.median(seconds[1:]) for seconds in times]


def measured(name: str, device: str, jobs: int, most: int | None) -> dict[str, Any]:
    stored = checkpoint.load(name)[1]
    samples, steps, budgets = CASES[name]
    images, labels = data.load(stored.data, "test")
    images, labels = images[:most], labels[:most]
    modules = {
        where: ApproximateModule(checkpoint.load(name)[0].to(where).requires_grad_(False), MULTIPLIER)
        for where in (device, "cpu")
    }
    inputs = {where: torch.from_numpy(images).to(where) for where in modules}

    def forward(where: str) -> torch.Tensor:
        with torch.no_grad():
            return modules[where](inputs[where]).cpu()

    def step() -> None:
        x = inputs[device][:BATCH].clone().requires_grad_()
        wanted = torch.zeros(len(x), dtype=torch.long, device=x.device)
        nn.functional.cross_entropy(modules[device](x), wanted).backward()

    torch.set_num_threads(jobs)
    gpu, cpu = median(lambda: forward(device), lambda: forward("cpu"))
    same = torch.equal(forward(device).view(torch.int32), forward("cpu").view(torch.int32))
    (as_it_is,) = median(step)
    with replayed(modules[device]):
        for _ in range(BEFORE + 1):
            step()
        (one_step,) = median(step)

    def evaluated(where: str, processes: int, number: int, attacks: list[str]) -> tuple[float, list[int]]:
        start = time.perf_counter()
        results = evaluate(
            name,
            images[:number],
            labels[:number],
            multiplier=MULTIPLIER,
            attacks=attacks,
            threat_models="white-box",
            fit=data.load(stored.data, "train")[0][:FITTED],
            jobs=processes,
            device=where,
            cache=False,
        )
        return time.perf_counter() - start, [row.robust_accuracy.k for row in results.attacks]

    attacks = [f"pgd:eps={eps},steps={steps}" for eps in budgets]
    samples = min(samples, len(images))
    evaluated(device, 1, min(samples, 100), attacks[:1])
    on_gpu = evaluated(device, 1, samples, attacks)
    evaluated("cpu", jobs, min(samples, 64), [f"fgsm:eps={k / 100}" for k in range(1, jobs + 1)])
    on_cpu = evaluated("cpu", jobs, samples, attacks)
    return {
        "network": name,
        "images": len(images),
        "gpu_s": gpu,
        "cpu_s": cpu,
        "same_bits": same,
        "step_ms": one_step * 1e3,
        "unrecorded_step_ms": as_it_is * 1e3,
        "step_images": min(BATCH, len(images)),
        "attacked": {
            "images": samples,
            "attack": f"PGD, {steps} steps, {len(budgets)} budgets",
            "gpu_s": on_gpu[0],
            "cpu_s": on_cpu[0],
            "gpu_withstood": on_gpu[1],
            "cpu_withstood": on_cpu[1],
        },
    }


@click.command()
@click.option("--network", "networks", multiple=True, default=tuple(CASES))
@click.option("--device", default="cuda", show_default=True)
@click.option("--jobs", default=os.cpu_count() or 1, help="Threads and processes of the CPU; all cores else.")
@click.option("--images", type=int, help="Test images at most; all of them else.")
@click.option("-o", "output", type=click.Path(path_type=Path))
def main(networks: tuple[str, ...], device: str, jobs: int, images: int | None, output: Path | None) -> None:
    check_device(device)
    with ieee_products():
        rows = [measured(name, device, jobs, images) for name in networks]
    machine = {
        "gpu": torch.cuda.get_device_name(device) if device != "cpu" else None,
        "cpu_threads": jobs,
        "torch": torch.__version__,
    }
    text = json.dumps({"multiplier": MULTIPLIER, "machine": machine, "rows": rows}, indent=1)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
