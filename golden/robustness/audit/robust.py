"""How robust the model is to attackers who do better than the standard attack: for information.

The adaptive attack (F. Tramer et al., NeurIPS 2020: attacks are made for the defence), examples of high confidence
(N. Carlini, D. Wagner, S&P 2017: those transfer where minimal ones stop just across the boundary), and blind search
around what survives (N. Carlini et al., "On Evaluating Adversarial Robustness", 2019, section 5: nothing that is found
by chance may be missed by an attack).
"""

from __future__ import annotations

import numpy as np
import torch

from golden.robustness.adaptive.budgets import Budget, L2Ball, LinfBox
from golden.robustness.adaptive.losses import logit_scale
from golden.robustness.attacks import BATCH, attack
from golden.robustness.attacks.queries import seeded
from golden.robustness.audit.case import Case
from golden.robustness.audit.findings import FAIL, NOT_APPLICABLE, PASS, Evidence, Found
from golden.robustness.audit.tolerances import beyond
from golden.robustness.networks import logits_of
from golden.robustness.outcomes import distances, right, share
from golden.robustness.statistics import Proportion

__all__ = ["adaptive", "high_confidence", "random_perturbations"]

PERTURBATIONS = 1000
"""Random perturbations of each survivor, of which half lie on the outside of the budget."""
CONFIDENCE = 0.5
"""Margin that confident examples reach on the twin, in units of the mean distance of its two largest logits."""


def adaptive(case: Case) -> Found:
    """Robust accuracy under ``golden.robustness.adaptive``; fails where the standard attack says a good deal more."""
    chosen, n = case.attack("adaptive"), len(case.images)
    standard, found = case.standard(), case.fooled(case.attack("adaptive"))
    before, after = Proportion(case.robust(standard), n), Proportion(case.robust(found), n)
    least = beyond(before.k, n)
    evidence = Evidence(
        f"robust accuracy {after}; by the standard attack {before.k}/{n}",
        {"robust_accuracy": after.to_dict(), "robust_accuracy_standard": before.to_dict()},
        f"{least} images fewer than by the standard attack",
        case.more(chosen),
    )
    return Found(FAIL if before.k - after.k >= least else PASS, evidence)


def high_confidence(case: Case) -> Found:
    """Transfer from the exact twin of examples that stop at the boundary, and of such that go on (C&W, kappa).

    Fails where the latter transfer more by max(3 points, 2 standard errors): the low transfer of the former was a
    matter of where the attack stops. Neither has a budget.
    """
    twins = [twin for twin in case.variants.twins if twin["compute"] == "torch"]
    if not twins:
        return Found(NOT_APPLICABLE, Evidence("no multiplier, so no twin", {}, more=case.again()))
    with case.variants.using(twins[0]):
        clean = logits_of(case.module, case.images)
    kappa = CONFIDENCE * logit_scale(torch.from_numpy(clean))
    rates, medians = [], []
    for value in (0.0, kappa):
        chosen = attack(f"cw:kappa={value!r}")
        with case.variants.using(twins[0]):
            crafted = chosen.craft(case.module, case.images, case.labels, seed=case.seed)
            succeeded = ~right(logits_of(case.module, crafted), case.labels)
        fooled = case.keep(f"{chosen} on the exact twin", crafted, np.arange(len(crafted)), "l2", None)
        counted = succeeded & right(clean, case.labels) & case.clean
        rates.append(share(fooled, counted))
        lengths = distances(case.images, crafted, "l2")[counted]
        medians.append(float(np.median(lengths)) if len(lengths) else None)
    low, high = rates
    numbers = {
        "kappa": kappa,
        "transfer": {"0": low.to_dict(), f"{kappa:.4g}": high.to_dict()},
        "median_l2": {"0": medians[0], f"{kappa:.4g}": medians[1]},
    }
    if low.rate is None or high.rate is None:
        nothing = "the attack fools no image on the exact twin"
        return Found(NOT_APPLICABLE, Evidence(nothing, numbers, more=case.again()))
    least = beyond(low.k, low.n) / low.n
    evidence = Evidence(
        f"C&W on the exact twin transfers {low.k}/{low.n}; with kappa = {kappa:.3g} {high.k}/{high.n}",
        numbers,
        f"{100 * least:.1f} points more with confidence",
        case.more(f"cw:kappa={kappa:.4g}", threat_model="twin"),
    )
    return Found(FAIL if high.rate - low.rate >= least else PASS, evidence)


def random_perturbations(case: Case) -> Found:
    """Blind search: 1000 random perturbations of every image that the adaptive and the standard attacks left.

    Fails where one of them is misclassified: the attacks should have found what chance finds.
    """
    fooled = case.white_box() | case.fooled(case.attack("adaptive"))
    left = np.flatnonzero(case.clean & ~fooled)
    around = LinfBox.around if case.norm == "linf" else L2Ball.around
    broken = 0
    with seeded(case.seed):
        for row in left:
            broken += _broken(case, around(case.x[row].expand(BATCH, -1, -1, -1), case.eps), int(row))
    evidence = Evidence(
        f"{broken} of {len(left)} survivors fall to {PERTURBATIONS} random perturbations each",
        {"survivors": len(left), "found": broken, "perturbations": PERTURBATIONS},
        "one survivor falls",
        case.more(case.attack("square", queries=10 * PERTURBATIONS)),
    )
    if not len(left):
        return Found(NOT_APPLICABLE, evidence)
    return Found(FAIL if broken else PASS, evidence)


def _broken(case: Case, budget: Budget, row: int) -> bool:
    """Whether one of the perturbations of an image is misclassified."""
    for turn in range(PERTURBATIONS // BATCH):
        if turn % 2:
            points = budget.random()
        else:
            points = budget.project(budget.clean + budget.step(torch.randn_like(budget.clean)))
        if not right(logits_of(case.module, points.numpy()), np.full(BATCH, case.labels[row])).all():
            return True
    return False
