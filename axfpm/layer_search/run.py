"""``axfpm.search``: which multiplier each layer of a network should have."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from axfpm.layer_search.energies import LIBRARY, LayerEnergies, layer_energies
from axfpm.layer_search.final import budgets_of, on_test
from axfpm.layer_search.objectives import (
    front,
    objectives as look_up_objectives,
)
from axfpm.layer_search.result import SearchResult
from axfpm.layer_search.searches import Searches
from axfpm.layer_search.sensitivities import losses_alone
from axfpm.layer_search.space import Space, most_accurate
from axfpm.layer_search.strategies import STRATEGIES
from golden.catalogue import Multiplier, distinct, multiplier as look_up
from golden.checks import check_count, check_seed
from golden.cnn import checkpoint as checkpoints, data as datasets
from golden.cnn.trained import TrainedNetwork, trained_network
from golden.errors import InvalidInput, MissingTool
from golden.progress import Progress
from golden.pytorch.observing import product_names
from golden.registry import split_names
from golden.robustness.backends import workers as look_up_workers
from golden.robustness.jobs import one_thread
from golden.robustness.networks import Subject, networks, subject_of, subset
from golden.robustness.outcomes import right, share
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
        If pymoo is not installed, or Dask is asked for and is not.
    """
    _require_pymoo()
    check_count("budget", budget, 1, MOST_EVALUATIONS, "days of work")
    check_count("seeds", seeds, 1, MOST_SEEDS, "as many searches")
    check_count("attacked", attacked, 0)
    check_count("samples", SAMPLES if samples is None else samples)
    check_seed(seed)
    chosen = look_up_objectives(objectives)
    plan = STRATEGIES.look_up(strategy)
    names = split_names(candidates) if isinstance(candidates, str) else candidates
    multipliers = distinct(look_up(name) for name in names)
    if len(multipliers) < 2:
        raise InvalidInput(f"there is nothing to choose among {len(multipliers)} candidates; give two at least")
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
    where = Searches(space, subject, chosen, most_accurate(multipliers))
    with who:
        searches, volumes = where.run(plan, range(seed, seed + seeds), budget, who, cache, progress)
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
    settings = {
        "network": trained.name,
        "data": trained.data,
        "weights_sha256": checkpoints.weights_digest(trained.module),
        "training_images": len(subject.images),
        "test_images": len(test),
        "attacked_images": attacked,
        "budgets": budgets,
        **where.settings,
        "library": energies.library,
        "energies": energies.conditions,
        "excluded": energies.excluded,
        "strategy": next(name for name, each in STRATEGIES.items() if each is plan),
        "budget": budget,
        "seed": seed,
        "evaluated": len(seen),
        "cpu": ", ".join(who.cpus()),
        "versions": {package: version(package) for package in ("torch", "numpy", "pymoo")},
    }
    return SearchResult(
        settings=settings,
        exact_training=share(right(subject.logits, subject.labels)),
        exact_test=exact,
        front=tuple(where.found(choice, each) for choice, each in zip(best, measured, strict=True)),
        seeds=volumes,
        sensitivities=losses_alone(space, where.reference, where.known),
        seen=seen,
    )


def _require_pymoo() -> None:
    """Raise before any work: fronts are measured by it, whatever the strategy."""
    if find_spec("pymoo") is None:
        raise MissingTool("a search over layers needs pymoo; run `pip install 'axfpm[search]'`")


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
