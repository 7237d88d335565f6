"""``axfpm.search``: which multiplier each layer of a network should have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from axfpm.layer_search.energies import LIBRARY, LayerEnergies, layer_energies
from axfpm.layer_search.evaluations import Asked, Evaluations
from axfpm.layer_search.final import budgets_of, on_test
from axfpm.layer_search.objectives import (
    Objective,
    front,
    hypervolume,
    objectives as look_up_objectives,
    reference_point,
)
from axfpm.layer_search.result import Found, SearchResult, SeedResult
from axfpm.layer_search.sensitivities import losses_alone
from axfpm.layer_search.space import Choice, Space, most_accurate
from axfpm.layer_search.strategies import STRATEGIES, Strategy
from golden.catalogue import Multiplier, distinct, multiplier as look_up
from golden.checks import check_count, check_seed
from golden.cnn import checkpoint as checkpoints, data as datasets
from golden.cnn.trained import TrainedNetwork, trained_network
from golden.errors import InvalidInput
from golden.progress import Progress
from golden.pytorch.observing import product_names
from golden.registry import split_names
from golden.robustness.assigned import accuracy
from golden.robustness.backends import workers as look_up_workers
from golden.robustness.jobs import Meter, Workers, one_thread
from golden.robustness.networks import Subject, networks, subject_of, subset
from golden.robustness.outcomes import right, share
from golden.robustness.statistics import Proportion
from golden.robustness.store import Store
from golden.robustness.targets import Fitted

__all__ = ["ATTACKED", "BUDGET", "SAMPLES", "search"]

BUDGET, SAMPLES, ATTACKED = 60, 10_000, 100
"""Evaluations, training images of each, and test images under attack, where nothing is said."""
FIT = 200
"""Training images that temperatures are fitted on."""
MOST_EVALUATIONS, MOST_SEEDS = 100_000, 1000


def search(
    model: str | TrainedNetwork | None = None,
    *,
    candidates: str | Iterable[str | Multiplier],
    objectives: str | Iterable[str] = ("energy", "accuracy"),
    budget: int = BUDGET,
    data: str | None = None,
    checkpoint: str | Path | None = None,
    seed: int = 0,
    seeds: int = 1,
    strategy: str = "nsga2",
    samples: int | None = None,
    attacked: int = ATTACKED,
    energies: Iterable[str | Path] | LayerEnergies = (),
    library: str = LIBRARY,
    jobs: int = 1,
    backend: str = "processes",
    scheduler: str | Path | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> SearchResult:
    """Search for assignments of multipliers to layers that no other one dominates, and measure them on test images.

    The search sees training images only, and no attack. Its front is measured on all test images, and attacked
    adaptively on some of them. Finished evaluations are kept, so that an interrupted search goes on where it was.

    Parameters
    ----------
    model : str or TrainedNetwork, optional
        An architecture, as ``golden.cnn.trained.trained_network`` takes it, or a network that it returned.
    candidates : str, or several names or Multipliers
        What each layer may have: two at least, of float32 words; one string has commas between names.
    objectives : str or several
        Names in ``axfpm.layer_search.objectives.OBJECTIVES``; ``accuracy`` and one more.
    budget : int
        Assignments that each search may evaluate, sensitivities included. Where it reaches all, all are evaluated.
    data, checkpoint : str, str or Path, optional
        As for ``trained_network``.
    seed : int
        Of the training images that are drawn, of the attacks, and of the first search.
    seeds : int
        How many searches, from so many successive seeds, on the same images.
    strategy : str
        A name in ``axfpm.layer_search.strategies.STRATEGIES``.
    samples : int, optional
        Training images; ``SAMPLES``, or all where there are fewer.
    attacked : int
        Test images that are attacked; none where 0.
    energies : several files, or LayerEnergies
        Files of ``axfpm energy inference -o``, before those that come with the package.
    library : str
        The cell library whose energies are taken.
    jobs, backend, scheduler, cache, progress
        As ``axfpm.evaluate`` takes them; progress begins again with the test images.

    Returns
    -------
    SearchResult
        The front; its ``to_json`` is the file that ``layers=`` and ``--layers`` take.

    Raises
    ------
    InvalidInput
        If a name is unknown, a number out of range, a candidate's energy was not measured for this network, or the
        network's layers are not those that were measured; and as ``trained_network``.
    InvalidType
        If a number is of the wrong type.
    MissingTool
        If Dask is asked for and not installed.
    """
    check_count("budget", budget, 1, MOST_EVALUATIONS, "days of work")
    check_count("seeds", seeds, 1, MOST_SEEDS, "as many searches")
    check_count("attacked", attacked, 0)
    check_seed(seed)
    chosen = look_up_objectives(objectives)
    plan = STRATEGIES.look_up(strategy)
    names = split_names(candidates) if isinstance(candidates, str) else candidates
    multipliers = distinct(look_up(name) for name in names)
    trained = model if isinstance(model, TrainedNetwork) else trained_network(model, data, checkpoint)
    if not isinstance(energies, LayerEnergies):
        energies = layer_energies(trained.name, multipliers, files=energies, library=library)
    space = Space(energies.layers, multipliers, energies.energy, energies.area)
    if budget >= space.size:
        plan = STRATEGIES["exhaustive"]
    who = look_up_workers(jobs, backend, scheduler)
    subject = _subject(trained, samples, seed)
    test, truth = datasets.load(trained.data)
    check_count("attacked", attacked, 0, len(test), "which is all there are")
    _check_layers(subject, space)
    where = _Searched(space, subject, chosen, most_accurate(multipliers))
    with who:
        searches, volumes = where.searches(plan, range(seed, seed + seeds), budget, who, cache, progress)
    seen = {choice: values for each in searches for choice, values in each.seen.items()}
    best = [list(seen)[place] for place in front(np.array(list(seen.values())))]
    budgets = budgets_of(trained.data, trained.model, test.shape[1:])
    exact, measured = on_test(
        subject.network,
        test,
        truth,
        [space.assignment(choice) for choice in best],
        fit=subject.fitted.images.numpy(),
        budgets=budgets,
        attacked=attacked,
        seed=seed,
        workers=who,
        cache=cache,
        progress=progress,
    )
    found = [
        Found(space.assignment(choice), space.energy_of(choice), space.area_of(choice), where.training(choice), test_)
        for choice, test_ in zip(best, measured, strict=True)
    ]
    settings = {
        "network": trained.name,
        "data": trained.data,
        "weights_sha256": checkpoints.weights_digest(trained.module),
        "layers": list(space.layers),
        "candidates": [str(m) for m in multipliers],
        "most_accurate": str(multipliers[where.reference]),
        "objectives": {each.name: each.unit for each in chosen},
        "reference_point": list(where.most),
        "strategy": next(name for name, each in STRATEGIES.items() if each is plan),
        "budget": budget,
        "assignments": space.size,
        "evaluated": len(seen),
        "seed": seed,
        "training_images": len(subject.images),
        "test_images": len(test),
        "attacked_images": attacked,
        "budgets": budgets,
        "library": energies.library,
        "energies": energies.conditions,
        "excluded": energies.excluded,
        "cpu": ", ".join(who.cpus()),
        "versions": {package: version(package) for package in ("torch", "numpy", "pymoo")},
    }
    return SearchResult(
        settings=settings,
        exact_training=share(right(subject.logits, subject.labels)),
        exact_test=exact,
        front=tuple(found),
        seeds=volumes,
        sensitivities=where.sensitivities(),
        seen=seen,
    )


class _Searched:
    """One network and what is searched on it.

    Parameters
    ----------
    space, subject, chosen
        The assignments, the network with its training images, and the objectives.
    reference : int
        Place of the most accurate candidate.
    """

    def __init__(self, space: Space, subject: Subject, chosen: tuple[Objective, ...], reference: int) -> None:
        self.space, self.subject, self.chosen, self.reference = space, subject, chosen, reference
        self.known: dict[Choice, float] = {}
        self.most: tuple[float, ...] = ()

    def searches(
        self, plan: Strategy, seeds: Sequence[int], budget: int, who: Workers, cache: bool, progress: Progress | None
    ) -> tuple[list[Asked], tuple[SeedResult, ...]]:
        """Search from each seed; what one has evaluated, no other does again."""
        everywhere = self.space.alone(0, self.reference, self.reference)
        one = accuracy(self.subject, self.space.assignment(everywhere)).cost
        meter = Meter(progress, [one * len(seeds) * min(budget, self.space.size)])
        evaluations = Evaluations(self.space, self.subject, workers=who, store=Store(enabled=cache), meter=meter)
        found = []
        for seed in seeds:
            asked = Asked(evaluations, self.chosen, budget)
            plan(asked, self.reference, seed)
            found.append(asked)
        self.most = reference_point(self.space, self.chosen, evaluations.wrong([everywhere])[0])
        self.known = evaluations.known
        volumes = (
            SeedResult(seed, len(asked.seen), hypervolume(asked.values(), self.most))
            for seed, asked in zip(seeds, found, strict=True)
        )
        return found, tuple(volumes)

    def training(self, choice: Choice) -> Proportion:
        """How many training images are classified correctly on an assignment."""
        n = len(self.subject.images)
        return Proportion(n - round(self.known[choice] * n), n)

    def sensitivities(self) -> np.ndarray | None:
        """What each layer alone loses on each candidate, where all of that was evaluated."""
        return losses_alone(self.space, self.reference, self.known)


def _subject(trained: TrainedNetwork, samples: int | None, seed: int) -> Subject:
    """The network with the training images of the search; the first of the data set where copies may lack others."""
    images, labels = datasets.load(trained.data, "train")
    common = datasets.DATASETS[trained.data].common
    images, labels = images[:common], labels[:common]
    images, labels = datasets.sample(images, labels, min(SAMPLES, len(images)) if samples is None else samples, seed)
    fit = torch.from_numpy(images[subset(len(images), min(FIT, len(images)))])
    with one_thread():
        return subject_of(networks(trained)[0], images, labels, Fitted(fit))


def _check_layers(subject: Subject, space: Space) -> None:
    """Raise unless the network multiplies in the layers whose energies are known, and nowhere else."""
    found = product_names(subject.network.module, torch.from_numpy(subject.images[:1]))
    if set(found) != set(space.layers):
        raise InvalidInput(
            f"energies are of the layers {', '.join(space.layers)}, and the network multiplies in {', '.join(found)}; "
            "give energies of this network"
        )
