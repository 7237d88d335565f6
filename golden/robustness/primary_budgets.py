"""Primary budgets: where the exact network withstands a preset's whole twin suite on half of its training images.

At a smaller budget nothing is decided because hardly any example succeeds, at a larger one because all do; and a budget
chosen on test images, or by one attack where the suite has ten, would be chosen with the verdict in view. Budgets are
tried on a grid, by bisection: the suite's robust accuracy falls as the budget grows, up to the attacks' own luck.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from golden.errors import InvalidInput
from golden.progress import Progress
from golden.robustness.attacks import attack
from golden.robustness.jobs import Workers
from golden.robustness.networks import Network
from golden.robustness.pipeline import evaluate_stages
from golden.robustness.plan import Stage
from golden.robustness.statistics import Proportion
from golden.robustness.targets import Fitted

__all__ = ["GRID", "PrimaryBudget", "fit_budgets", "halfway", "twin_suite"]

GRID = {"linf": 0.005, "l2": 0.05}
"""Budgets are multiples of these, in pixel values of [0, 1], where a preset has no finer ones."""
MOST = {"linf": 0.6, "l2": 8.0}
"""No budget is sought beyond."""


@dataclass(frozen=True)
class PrimaryBudget:
    """A fitted budget.

    Parameters
    ----------
    norm : str
        ``linf`` or ``l2``.
    budget : float
        Of those tried, the one whose robust accuracy is nearest to one half.
    tried : mapping of float to Proportion
        Budget to the exact network's robust accuracy under the suite, all networks together, in rising order.
    """

    norm: str
    budget: float
    tried: Mapping[float, Proportion]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: ``norm``, ``budget`` and the rows ``tried``."""
        rows = [{"budget": budget, "robust_accuracy": share.to_dict()} for budget, share in self.tried.items()]
        return {"norm": self.norm, "budget": self.budget, "tried": rows}


def halfway(
    measure: Callable[[float], Proportion], step: float, most: float, near: float
) -> tuple[float, dict[float, Proportion]]:
    """Find the multiple of ``step`` where a falling share is nearest to one half, beginning with ``near``.

    Returns
    -------
    (float, dict of float to Proportion)
        It, and everything measured, in rising order.

    Raises
    ------
    InvalidInput
        If the share is above one half at ``most``, or below at the first step.
    """
    found: dict[int, Proportion] = {}

    def rate(k: int) -> float:
        if k not in found:
            found[k] = measure(round(k * step, 6))
        return found[k].k / found[k].n

    low = high = max(1, round(near / step))
    while rate(low) < 0.5:
        if low == 1:
            raise InvalidInput(f"the exact network withstands less than half at {step:g}; give images it classifies")
        low, high = low * 3 // 4, low
    while rate(high) > 0.5:
        if high * step >= most:
            raise InvalidInput(f"the exact network withstands half of the attacks at {most:g}; add stronger ones")
        low, high = high, min(high * 4 // 3 + 1, round(most / step))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if rate(middle) > 0.5 else (low, middle)
    best = min((low, high), key=lambda k: abs(rate(k) - 0.5))
    return round(best * step, 6), {round(k * step, 6): found[k] for k in sorted(found)}


def twin_suite(stages: Sequence[Stage], norm: str, old: float, new: float) -> tuple[Stage, ...]:
    """The decisive twin stages, shown to the exact network alone, with attacks at budget ``old`` moved to ``new``.

    Attacks of the other norm with a budget are left out; what minimises a norm counts in each where it keeps within.
    """

    def moved(stage: Stage) -> Stage:
        kept = [a for a in stage.attacks if a.minimal or a.norm == norm]
        attacks = (
            attack(
                f"{a.kind.name}:" + ",".join(f"{k}={new if k == 'eps' and v == old else v}" for k, v in a.parameters)
            )
            for a in kept
        )
        return replace(stage, attacks=tuple(dict.fromkeys(attacks)), targets=(), shown=())

    return tuple(moved(stage) for stage in stages if stage.threat_model.name == "twin" and not stage.extra)


def fit_budgets(
    networks: Sequence[Network],
    images: np.ndarray,
    labels: np.ndarray,
    stages: Sequence[Stage],
    budgets: Mapping[str, float],
    *,
    grid: Mapping[str, float] = GRID,
    seed: int = 0,
    jobs: int | Workers = 1,
    cache: bool = True,
    progress: Progress | None = None,
) -> tuple[PrimaryBudget, ...]:
    """Fit the primary budget of each norm.

    Parameters
    ----------
    networks : sequence of Network
        Whose exact twins are attacked, all with equal weight.
    images, labels : ndarray
        Training images (N, C, H, W) float32 in [0, 1], and their classes (N,) int64.
    stages : sequence of Stage
        Of which the decisive ones of ``twin`` are the suite.
    budgets : mapping of str to float
        Norm to the budget that the stages are written for; its attacks are those that move.
    grid : mapping of str to float
        Norm to the number whose multiples are tried.
    seed, jobs, cache, progress
        As ``golden.robustness.pipeline.evaluate_stages`` takes them; progress starts again with each budget.

    Raises
    ------
    InvalidInput
        As ``halfway``; if there is no budget to fit, or no stage of ``twin`` decides.
    """
    if not budgets:
        raise InvalidInput("this evaluation has no primary budgets; choose a preset that has some")

    def measure(norm: str, budget: float) -> Proportion:
        suite = [replace(s, samples=None) for s in twin_suite(stages, norm, budgets[norm], budget)]
        if not suite:
            raise InvalidInput("no stage of the threat model twin decides; choose a preset that has one")
        results = evaluate_stages(
            networks,
            images,
            labels,
            suite,
            fitted=Fitted(torch.from_numpy(images)),
            budgets={norm: budget},
            seed=seed,
            jobs=jobs,
            cache=cache,
            progress=progress,
        )
        counts = [row.robust_accuracy for row in results.suites]
        return Proportion(sum(count.k for count in counts), sum(count.n for count in counts))

    fitted = []
    for norm in budgets:
        best, tried = halfway(partial(measure, norm), grid[norm], MOST[norm], budgets[norm])
        fitted.append(PrimaryBudget(norm, best, tried))
    return tuple(fitted)
