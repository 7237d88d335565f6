"""How near searches come to the truth with a quarter of its evaluations: the table in docs/search.md.

    python benchmarks/search.py [--budget N] [--seeds N] [--json]
    python benchmarks/search.py --truth [--jobs N]    # all assignments, on training images: some minutes of a core
    python benchmarks/search.py --energies            # what an image takes on e8m1: some minutes, and synthesis

LeNet-5 on MNIST, three candidates for each of its five layers: 3^5 = 243 assignments. The truth is how many of 10 000
training images each of them gets wrong, counted once and kept in benchmarks/search_truth.json: for the candidates that
the strategies were tried on while they were written, and for others, on other images, that they were not. Every
strategy searches from several seeds with the same budget; what it asks is answered from the file, so that all see the
same.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from axfpm.console import print_table, progress_bar
from axfpm.layer_search.energies import layer_energies
from axfpm.layer_search.evaluations import Asked
from axfpm.layer_search.objectives import front, hypervolume, objectives, reference_point
from axfpm.layer_search.space import Choice, Space, most_accurate
from axfpm.layer_search.strategies import STRATEGIES
from golden.catalogue import multiplier
from golden.files import write

NETWORK, DATA, SAMPLES = "lenet5", "mnist", 10_000
CASES = (("exact", "ax-fpm", "e8m1"), 0), (("ax-fpm", "bf16", "e8m1"), 1)
"""Candidates, and the seed by which training images are drawn."""
TRUTH = Path(__file__).with_name("search_truth.json")
ENERGIES = Path(__file__).with_name("search_energies.json")
"""Of e8m1, of which the package has none; beside e8m2, which it has, to hold the two files against each other."""
HELD = ("nsga2", "greedy", "random")
NEAR = 0.1
"""The second reference point lies beyond the worst of the true front by this share of its range, in each objective."""


class Answers:
    """The truth, which answers searches as evaluations do."""

    def __init__(self, space: Space, wrong: Sequence[int]) -> None:
        self.space = space
        self.known = dict(zip(choices_of(space), np.array(wrong) / SAMPLES, strict=True))

    def wrong(self, choices: Sequence[Choice]) -> list[float]:
        """Return misclassified shares."""
        return [float(self.known[choice]) for choice in choices]


def choices_of(space: Space) -> list[Choice]:
    return list(itertools.product(range(len(space.candidates)), repeat=len(space.layers)))


def space_of(candidates: Sequence[str]) -> Space:
    multipliers = tuple(multiplier(name) for name in candidates)
    found = layer_energies(f"{NETWORK} ({NETWORK}-{DATA})", multipliers, files=[ENERGIES])
    return Space(found.layers, multipliers, found.energy, found.area)


def count(candidates: Sequence[str], seed: int, jobs: int) -> dict[str, Any]:
    """Classify the training images on every assignment."""
    import axfpm
    from axfpm.layer_search.energies import LayerEnergies

    layers = ("conv1", "conv2", "fc1", "fc2", "fc3")
    none = LayerEnergies("", "", layers, np.ones((len(layers), len(candidates))), np.ones(len(candidates)), "")
    with progress_bar("counting") as progress:
        found = axfpm.search(
            NETWORK,
            data=DATA,
            candidates=candidates,
            seed=seed,
            strategy="exhaustive",
            budget=len(candidates) ** len(layers),
            samples=SAMPLES,
            attacked=0,
            energies=none,
            jobs=jobs,
            progress=progress,
        )
    wrong = [round(float(values[1]) * SAMPLES) for _, values in sorted(found.seen.items())]
    said = found.settings
    return {
        "network": said["network"],
        "weights_sha256": said["weights_sha256"],
        "candidates": said["candidates"],
        "layers": said["layers"],
        "training_images": SAMPLES,
        "seed": said["seed"],
        "versions": said["versions"],
        "wrong": wrong,
    }


def measure() -> str:
    """Measure what an image takes on e8m1, as the package's own files were measured, but for the exact baselines."""
    from synth.energy.inference.comparison import inference_energy
    from synth.energy.inference.technologies import Inferences
    from synth.energy.rows import Design

    with progress_bar("measuring") as progress:
        found = inference_energy(
            f"{NETWORK}-{DATA}",
            multiplier="e8m1",
            baselines=[Design("e8m2", baseline=True)],
            accuracy=False,
            progress=progress,
        )
    return Inferences((found,)).to_json()


def compare(known: dict[str, Any], budget: int, seeds: int) -> dict[str, Any]:
    """Search by every strategy, from every seed; hypervolumes as shares of the truth's."""
    space, chosen = space_of(known["candidates"]), objectives("energy,accuracy")
    answers: Any = Answers(space, known["wrong"])
    reference = most_accurate(space.candidates)
    truth = Asked(answers, chosen, space.size)
    STRATEGIES["exhaustive"](truth, reference, 0)
    values = truth.values()
    best = values[front(values)]
    point = reference_point(space, chosen, answers.wrong([space.alone(0, reference, reference)])[0])
    near = best.max(0) + NEAR * (best.max(0) - best.min(0))
    rows = {}
    for name in HELD:
        shares = []
        for seed in range(seeds):
            asked = Asked(answers, chosen, budget)
            STRATEGIES[name](asked, reference, seed)
            assert len(asked.seen) == budget
            shares.append([hypervolume(asked.values(), each) / hypervolume(values, each) for each in (point, near)])
        rows[name] = {"fixed": [share[0] for share in shares], "near": [share[1] for share in shares]}
    return {
        "candidates": known["candidates"],
        "assignments": space.size,
        "budget": budget,
        "fixed_point": list(point),
        "near_point": near.tolist(),
        "true_front": best.tolist(),
        "strategies": rows,
    }


@click.command()
@click.option("--budget", type=int, default=60, show_default=True)
@click.option("--seeds", type=int, default=5, show_default=True)
@click.option("--truth", is_flag=True, help="Count the truth, and write it.")
@click.option("--energies", is_flag=True, help="Measure the energies, and write them.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Of --truth.")
@click.option("--json", "as_json", is_flag=True)
def main(budget: int, seeds: int, truth: bool, energies: bool, jobs: int, as_json: bool) -> None:
    if energies:
        write(ENERGIES, measure())
    if truth:
        lines = ",\n".join(json.dumps(count(candidates, seed, jobs)) for candidates, seed in CASES)
        write(TRUTH, f"[\n{lines}\n]\n")
    if energies or truth:
        return
    results = [compare(known, budget, seeds) for known in json.loads(TRUTH.read_text(encoding="utf-8"))]
    if as_json:
        click.echo(json.dumps(results, indent=1))
        return
    for result in results:
        rows = [
            (name, where, *(f"{share:.4f}" for share in shares), f"{min(shares):.4f}")
            for name, each in result["strategies"].items()
            for where, shares in each.items()
        ]
        head = ("strategy", "reference point", *(f"seed {seed}" for seed in range(seeds)), "least")
        what = ", ".join(result["candidates"])
        title = f"{what}: share of the truth's hypervolume, {budget} of {result['assignments']} assignments evaluated"
        points = (f"{name}: {result[f'{name}_point']}" for name in ("fixed", "near"))
        print_table(title, head, rows, ", ".join(points))


if __name__ == "__main__":
    main()
