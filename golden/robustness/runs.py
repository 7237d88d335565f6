"""Evaluations as the command line asks for them: a preset, or attacks and targets of one's own on a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from golden.assignments import Assignment, assignment
from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_count
from golden.cnn import checkpoint as checkpoints, data as datasets
from golden.cnn.trained import TrainedNetwork, trained_network
from golden.errors import InvalidInput
from golden.progress import Progress
from golden.robustness.backends import check_backend, workers
from golden.robustness.evaluation import evaluate_networks
from golden.robustness.hypotheses import SUBJECT
from golden.robustness.networks import networks, subset
from golden.robustness.pipeline import evaluate_stages
from golden.robustness.plan import Stage
from golden.robustness.presets import PRESETS
from golden.robustness.primary_budgets import GRID, PrimaryBudget, fit_budgets
from golden.robustness.results import Results
from golden.robustness.subjects import of_subject
from golden.robustness.targets import Fitted, target, targets as look_up_targets
from golden.robustness.verdicts import ruling

__all__ = ["fit", "run"]

FIT, ATTACKERS = 200, 3000
"""Training images that targets are fitted on, and others that an attacker has."""
SAMPLES, ATTACKS = (
    150,
    {
        "digits": ("fgsm:eps=0.05", "fgsm:eps=0.1", "pgd:eps=0.05", "pgd:eps=0.1"),
        "mnist": ("fgsm:eps=0.1", "fgsm:eps=0.2", "fgsm:eps=0.3", "pgd:eps=0.1", "pgd:eps=0.2", "pgd:eps=0.3"),
        "cifar10": ("fgsm:eps=0.03", "pgd:eps=0.03"),
    },
)


def run(
    preset: str | None = None,
    *,
    subject: str | Multiplier | None = None,
    data: str | None = None,
    model: str | None = None,
    checkpoint: str | Path | None = None,
    multipliers: Sequence[str | Multiplier] | None = None,
    targets: str | Sequence[str] | None = None,
    layers: Sequence[str | Path | Assignment] = (),
    attacks: str | Sequence[str] | None = None,
    threat_models: str | Sequence[str] | None = None,
    samples: int | None = None,
    seed: int = 0,
    seeds: int | Sequence[int] | None = None,
    jobs: int = 1,
    backend: str = "processes",
    scheduler: str | Path | None = None,
    device: str | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> Results:
    """Run a preset, or what is asked for in its place on its data and network.

    A preset runs as it is, on fewer images and seeds where ``samples`` and ``seeds`` say so, unless multipliers,
    targets, attacks or threat models are given: then those. With no preset named, ``quick`` stands for the default of
    everything. A subject stands in a whole preset in the place of ax-fpm (``subjects``). The samples are drawn from the
    test images by ``seed``, those that targets are fitted on from the training images. Empty ``attacks`` mean clean
    images only. Assignments in ``layers`` are targets, beside no multiplier where none is named.

    Raises
    ------
    InvalidInput
        If a name is unknown, there is no checkpoint for model and data, they contradict the checkpoint given, a subject
        comes without a whole preset, an assignment cannot be read, or the samples are not between 1 and the number of
        test images; and as ``evaluate``.
    """
    chosen = None if preset is None else PRESETS.look_up(preset)
    assigned = tuple(target(assignment(each)) for each in layers)
    if chosen is not None and checkpoint is None:
        model, data = model or chosen.model, data or chosen.data
    found = trained_network(model, data, checkpoint)
    data = found.data
    packaged = found.checkpoint in checkpoints.available()
    network: TrainedNetwork | str = found.checkpoint if packaged else found
    if isinstance(targets, str):
        look_up_targets(targets)  # an empty text names none, and is no absence either
    own = bool(multipliers or targets or assigned) or threat_models is not None or attacks is not None
    if chosen is None and not own and (found.checkpoint, samples) == ("lenet5-digits", None):
        chosen = PRESETS["quick"]
    whole = chosen if chosen is not None and not own else None
    if subject is not None:
        if whole is None:
            raise InvalidInput(
                f"the subject {subject} takes the place of ax-fpm in a whole preset; name the preset, and give no "
                "multipliers, targets, attacks or threat models"
            )
        whole = of_subject(whole, subject)
    if seeds is None and whole is not None and packaged:
        seeds = whole.seeds
    check_backend(device, backend)
    evaluated = networks(network, seeds, device)
    images, labels = datasets.load(data, "test")
    number = samples if samples is not None else min(len(images), whole.samples if whole else SAMPLES)
    images, labels = datasets.sample(images, labels, number, seed)
    fitting, _, attackers = _training(data, seed)
    settings = {
        "data": f"{data} test",
        "fitted_on": f"{len(fitting)} images of {data} training",
        "preset": whole and whole.name,
    }
    asked = SUBJECT if subject is None else target(look_up(subject)).name
    if subject is not None:
        settings["subject"] = asked
    if whole is None:
        return evaluate_networks(
            evaluated,
            images,
            labels,
            multiplier=multipliers or (() if assigned else "ax-fpm"),
            targets=(*(look_up_targets(targets) if targets else ()), *assigned),
            attacks=ATTACKS[data] if attacks is None else attacks,
            threat_models="twin" if threat_models is None else threat_models,
            seed=seed,
            fit=fitting,
            attackers=torch.from_numpy(attackers),
            jobs=workers(jobs, backend, scheduler),
            data=f"{data} test",
            cache=cache,
            progress=progress,
        )
    return ruling(
        evaluate_stages(
            evaluated,
            images,
            labels,
            [_smaller(stage, number, len(evaluated)) for stage in whole.stages],
            fitted=Fitted(torch.from_numpy(fitting)),
            attackers=torch.from_numpy(attackers),
            clean=look_up_targets(whole.clean) if whole.clean else (),
            controls=whole.controls,
            budgets=whole.budgets,
            calibration=True,
            seed=seed,
            jobs=workers(jobs, backend, scheduler),
            settings=settings,
            cache=cache,
            progress=progress,
        ),
        subject=asked,
        others=[other for other in whole.subjects if other != asked],
    )


def _smaller(stage: Stage, samples: int, networks: int) -> Stage:
    return replace(
        stage,
        samples=min(stage.samples or samples, samples),
        networks=min(stage.networks or networks, networks),
    )


def fit(
    preset: str,
    *,
    samples: int | None = None,
    seed: int = 0,
    seeds: int | Sequence[int] | None = None,
    jobs: int = 1,
    backend: str = "processes",
    scheduler: str | Path | None = None,
    device: str | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> tuple[PrimaryBudget, ...]:
    """Fit the primary budgets of a preset on training images, as many as targets are fitted on where not said.

    Raises
    ------
    InvalidInput
        If the preset is unknown or has no budgets, or there are not so many images; and as ``run``.
    """
    chosen = PRESETS.look_up(preset)
    check_backend(device, backend)
    checkpoint = trained_network(chosen.model, chosen.data).checkpoint
    evaluated = networks(checkpoint, chosen.seeds if seeds is None else seeds, device)
    images, labels, _ = _training(chosen.data, seed)
    check_count("samples", len(images) if samples is None else samples, 1, len(images), "the training images set apart")
    return fit_budgets(
        evaluated,
        images[:samples],
        labels[:samples],
        chosen.stages,
        chosen.budgets,
        grid={**GRID, **chosen.grid},
        seed=seed,
        jobs=workers(jobs, backend, scheduler),
        cache=cache,
        progress=progress,
    )


def _training(data: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training images that targets are fitted on, their classes, and other images that an attacker has."""
    images, labels = datasets.load(data, "train")
    common = datasets.DATASETS[data].common
    images, labels = images[:common], labels[:common]
    images, labels = datasets.sample(images, labels, min(len(images), FIT + ATTACKERS), seed)
    chosen = subset(len(images), FIT)
    return images[chosen], labels[chosen], np.delete(images, chosen, axis=0)
