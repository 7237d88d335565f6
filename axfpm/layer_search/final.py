"""The front that a search ends with, on images that it has not seen: clean, and under the adaptive attack.

No attack takes part in a search: weak ones would select for masking, and strong ones take minutes for each assignment.
Here each assignment is attacked for itself with the whole of ``golden.robustness.adaptive``, and the exact network too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from golden.assignments import Assignment
from golden.progress import Progress
from golden.robustness.attacks import attacks
from golden.robustness.audit.case import default_eps
from golden.robustness.jobs import Workers
from golden.robustness.networks import Network
from golden.robustness.pipeline import evaluate_stages
from golden.robustness.plan import Stage
from golden.robustness.presets import PRESETS
from golden.robustness.row_types import EXACT
from golden.robustness.statistics import Proportion
from golden.robustness.targets import Fitted, target
from golden.robustness.threats import THREAT_MODELS

__all__ = ["OnTest", "budgets_of", "on_test"]

ATTACKS = {"linf": "adaptive", "l2": "adaptive-l2"}


@dataclass(frozen=True)
class OnTest:
    """A network on test images.

    Parameters
    ----------
    clean : Proportion
        Images classified correctly.
    robust : mapping of str to Proportion
        By norm: images that are, too, under the adaptive attack at that norm's budget; empty where none was asked for.
    """

    clean: Proportion
    robust: Mapping[str, Proportion]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {"clean": self.clean.to_dict(), "robust": {norm: p.to_dict() for norm, p in self.robust.items()}}


def budgets_of(data: str, model: str, shape: tuple[int, ...]) -> dict[str, float]:
    """Return the budgets of a network's attacks by norm: those of the verdict on its data, where there is one.

    Parameters
    ----------
    data, model : str
        Names of the data set and the architecture; a preset of both is preferred to one of the data alone.
    shape : tuple of int
        (C, H, W) of an image: without a preset the audit's budgets for such images are taken.
    """
    known = [preset for preset in PRESETS.values() if preset.data == data and preset.budgets]
    known.sort(key=lambda preset: preset.model != model)
    return dict(known[0].budgets) if known else {norm: default_eps(norm, shape)[0] for norm in ATTACKS}


def on_test(
    network: Network,
    images: np.ndarray,
    labels: np.ndarray,
    assignments: Sequence[Assignment],
    *,
    fit: np.ndarray,
    budgets: Mapping[str, float],
    attacked: int,
    seed: int,
    workers: Workers,
    cache: bool = True,
    progress: Progress | None = None,
) -> tuple[OnTest, list[OnTest]]:
    """Measure the exact network and each assignment.

    Parameters
    ----------
    network : Network
        The exact one.
    images, labels : numpy.ndarray
        Test images (N, C, H, W), float32, and their classes (N,).
    assignments : sequence of Assignment
        Each once.
    fit : numpy.ndarray
        Training images by which temperatures are fitted, without labels.
    budgets : mapping of str to float
        By norm.
    attacked : int
        How many of the images are attacked, spread evenly; none where 0.
    seed, workers, cache, progress
        As ``golden.robustness.pipeline.evaluate_stages`` takes them.

    Returns
    -------
    (OnTest, list of OnTest)
        Of the exact network, and of the assignments in their order.
    """
    exact, targets = target(EXACT), [target(each) for each in assignments]
    stages = []
    if attacked:
        chosen = attacks(",".join(f"{ATTACKS[norm]}:eps={eps}" for norm, eps in budgets.items()))
        stages = [Stage(THREAT_MODELS["white-box"], chosen, (exact, *targets), samples=attacked)]
    found = evaluate_stages(
        [network],
        images,
        labels,
        stages,
        fitted=Fitted(torch.from_numpy(fit)),
        clean=targets,
        budgets=budgets if attacked else {},
        seed=seed,
        jobs=workers,
        cache=cache,
        progress=progress,
    )
    clean = {row.target: row.accuracy for row in found.clean}
    robust = {(row.target, row.norm): row.robust_accuracy for row in found.suites}
    rows = [
        OnTest(clean[each.name], {norm: robust[each.name, norm] for norm in budgets if (each.name, norm) in robust})
        for each in (exact, *targets)
    ]
    return rows[0], rows[1:]
