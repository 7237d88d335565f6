"""Whether the standard attack has done its work: more effort of the same kind gains nothing, none at all gains less.

The tests that authors of defences are asked for: iterative attacks are better than a single step, an unbounded attack
fools every image, and attacks have converged, in steps, restarts and step sizes (N. Carlini et al., "On Evaluating
Adversarial Robustness", 2019, sections 4 and 5; F. Tramer et al., "On Adaptive Attacks to Adversarial Example
Defenses", NeurIPS 2020).
"""

from __future__ import annotations

import numpy as np
import torch

from golden.robustness.adaptive.budgets import LinfBox
from golden.robustness.adaptive.descent import Found as Best, ascend
from golden.robustness.attacks import BATCH
from golden.robustness.attacks.best import margins
from golden.robustness.attacks.queries import seeded
from golden.robustness.audit.case import MORE_STEPS, RESTARTS, STEP_SIZES, STEPS, Case
from golden.robustness.audit.findings import FAIL, NOT_APPLICABLE, PASS, Evidence, Found
from golden.robustness.audit.tolerances import beyond, several

__all__ = ["more_restarts", "more_steps", "other_step_sizes", "single_step", "unbounded"]

EVERYTHING = 0.5
"""A budget in L-inf, whatever the norm audited, that holds an image of nothing but grey for every image: a model that
is a function of the image cannot tell what it was."""
RUNS = 4
"""Runs of the unbounded attack: from the image itself, then from random starts."""


def single_step(case: Case) -> Found:
    """Whether one step (FGSM) fools images that many steps do not.

    Each step of PGD may go where a single step goes, so that PGD with anything left to gain fools more. Where neither
    fools an image the comparison says nothing.
    """
    chosen = case.attack("fgsm")
    single, iterative = case.fooled(chosen), case.standard()
    found, least = int((single & ~iterative).sum()), several(len(case.images))
    numbers = {"single_step": int(single.sum()), "iterative": int(iterative.sum()), "single_step_alone": found}
    evidence = Evidence(
        f"FGSM fools {numbers['single_step']}, PGD {numbers['iterative']}; FGSM alone {found}",
        numbers,
        f"FGSM fools as many as PGD, and {least} that PGD does not",
        case.more(chosen, case.attack("pgd")),
    )
    if not (single.any() or iterative.any()):
        return Found(NOT_APPLICABLE, evidence)
    return Found(FAIL if found >= least and single.sum() >= iterative.sum() else PASS, evidence)


def unbounded(case: Case) -> Found:
    """Whether an attack along the gradient fools every image where every change is allowed.

    Up to four runs of 40 steps along the gradient of the margin, which saturates nowhere, so that inflated logits alone
    do not fail here. One survivor is a failure: there is always an example within the budget.
    """
    n = int(case.clean.sum())
    if not n:
        return Found(NOT_APPLICABLE, Evidence("no image is classified correctly", {}, more=case.again()))
    fooled, left = np.zeros(len(case.images), bool), np.flatnonzero(case.clean)
    for run in range(RUNS):
        if not len(left):
            break
        fooled |= case.keep(f"unbounded run {run}", _climb(case, left, run), left, "linf", EVERYTHING)
        left = np.flatnonzero(case.clean & ~fooled)
    evidence = Evidence(
        f"{n - len(left)} of {n} are fooled within L-inf {EVERYTHING:g}",
        {"fooled": n - len(left), "images": n, "eps": EVERYTHING},
        "an image survives",
        case.more(f"apgd-dlr:eps={EVERYTHING:g}", f"square:eps={EVERYTHING:g}"),
    )
    return Found(FAIL if len(left) else PASS, evidence)


def _climb(case: Case, rows: np.ndarray, run: int) -> np.ndarray:
    crafted = []
    for x, y in zip(case.x[rows].split(BATCH), case.y[rows].split(BATCH), strict=True):
        budget = LinfBox.around(x, EVERYTHING)
        with seeded(case.seed, run), torch.enable_grad():
            start = budget.random() if run else budget.home
            found: Best = ascend(case.module, start, y, budget, margins, steps=STEPS)
        crafted.append(found.images.detach().numpy())
    return np.concatenate(crafted)


def _gain(case: Case, more: np.ndarray, what: str, command: str) -> Found:
    standard = case.standard()
    gain, least = int((more & ~standard).sum()), beyond(case.robust(standard), len(case.images))
    evidence = Evidence(
        f"{what} fool {gain} images more than the standard attack's {int(standard.sum())}",
        {"fooled": int(standard.sum()), "more": gain, "images": len(case.images)},
        f"{least} images more (3 points, 2 standard errors)",
        command,
    )
    return Found(FAIL if gain >= least else PASS, evidence)


def more_steps(case: Case) -> Found:
    """Whether five times as many steps gain more than max(3 points, 2 standard errors)."""
    return _gain(case, case.steps(), f"{MORE_STEPS} steps", case.more(case.attack("pgd", steps=MORE_STEPS)))


def more_restarts(case: Case) -> Found:
    """Whether four more random starts gain more than max(3 points, 2 standard errors)."""
    return _gain(case, case.restarts(), f"{RESTARTS} restarts", case.more(case.attack("apgd-ce", restarts=RESTARTS)))


def other_step_sizes(case: Case) -> Found:
    """Whether steps a quarter and four times as long gain more than max(3 points, 2 standard errors)."""
    sizes = [case.attack("pgd", step=step) for step in STEP_SIZES]
    what = f"steps of {' and '.join(f'{step:g} eps' for step in STEP_SIZES)}"
    return _gain(case, case.step_sizes(), what, case.more(*sizes))
