"""Whether gradients say where the loss grows.

Attacks by gradients stop where the gradient is exactly zero, and go astray where it is not the slope of what the model
computes (N. Carlini et al., "On Evaluating Adversarial Robustness", 2019, section 3; AutoAttack's flag of zero
gradients; the silent and the wrong gradients of M. Pintor et al., "Indicators of Attack Failure", arXiv 2106.09947).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from golden.robustness.adaptive.descent import gradient
from golden.robustness.attacks import BATCH
from golden.robustness.audit.case import Case
from golden.robustness.audit.findings import FAIL, NOT_APPLICABLE, PASS, Evidence, Found
from golden.robustness.audit.tolerances import several
from golden.robustness.networks import subset

__all__ = ["finite_differences", "zero_gradients"]

IMAGES, DIRECTIONS = 8, 256
"""Images, and directions around each, in which slopes are measured: cosines over so many err by 1/16."""
LEAST_COSINE = 0.5
"""The median cosine below which gradients mislead. A step of a fixed length along the gradient gains the cosine's share
of what it could; 0.5 is a direction within 60 degrees. LeNet-5, trained against PGD or not, has 0.97 and more, exactly
and on bfloat16, and 0.74 to 0.88 on ``e8m4``; on ``e8m2`` 0.14 to 0.49, on ``ax-fpm`` 0.23 to 0.42."""
PART_OF_BUDGET = 0.25
"""Half-width of a difference, in units of a value's budget: at the scale of an attack's steps."""


def zero_gradients(case: Case) -> Found:
    """Whether the gradient of the cross-entropy is exactly zero, or not a number, for correctly classified images.

    float32 softmax of logits 104 and more apart is exactly 0 and 1. Undefended networks are not that sure: one image
    alone is let pass, 2 and 1% are not.
    """

    def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, reduction="none")

    n = int(case.clean.sum())
    if not n:
        return _nothing(case)
    parts = [gradient(case.module, x, y, cross_entropy)[0] for x, y in case.batches()]
    zero = (torch.cat(parts) == 0).flatten(1).all(1).numpy() & case.clean
    count, least = int(zero.sum()), several(n)
    evidence = Evidence(
        f"{count} of {n} images have a gradient of exactly zero",
        {"zero": count, "images": n},
        f"{least} images",
        case.more(case.attack("pgd"), case.attack("adaptive")),
    )
    return Found(FAIL if count >= least else PASS, evidence)


def finite_differences(case: Case) -> Found:
    """Cosine between what gradients promise and what the model does, along random directions around some images.

    For a direction d of random signs, and the images x+ and x- at x + h d and x - h d, cut off at 0 and 1, the gradient
    g promises a difference of g (x+ - x-) and the model makes f(x+) - f(x-). Over many directions the cosine of the two
    is that of g with the slope of f, up to curvature. All values move at once, since of one alone the grain of float32
    or bfloat16 in later layers would hide the effect: h is a quarter of a value's budget. f is the logit of the true
    class less that of the runner-up at x, which saturates nowhere. Where the module runs on a multiplier, all kinds of
    gradient are tried and the best one decides, since the attacker may choose.
    """
    rows = np.flatnonzero(case.clean)
    if not len(rows):
        return _nothing(case)
    rows = rows[subset(len(rows), min(IMAGES, len(rows)))]
    cosines: dict[str, list[float]] = {}
    width = PART_OF_BUDGET * (case.eps if case.norm == "linf" else case.eps / case.images[0].size ** 0.5)
    draws = torch.Generator().manual_seed(case.seed)
    for row in rows:
        x, y = case.x[row : row + 1], case.y[row : row + 1]
        other = int(np.argsort(np.where(np.arange(case.logits.shape[1]) == int(y), -np.inf, case.logits[row]))[-1])
        loss = _difference(int(y), other)
        signs = torch.randint(0, 2, (DIRECTIONS, *x.shape[1:]), generator=draws) * 2 - 1
        high, low = (x + width * signs).clamp(0, 1), (x - width * signs).clamp(0, 1)
        made = _values(case, high, loss) - _values(case, low, loss)
        moves = (high.double() - low.double()).flatten(1)
        for kind in case.variants.gradients:
            with case.variants.using(kind):
                found = gradient(case.module, x, y, loss)[0].flatten().double()
            cosines.setdefault(kind.get("gradient", "own"), []).append(_cosine(moves @ found, made))
    medians = {kind: round(float(np.median(found)), 4) for kind, found in cosines.items()}
    best = max(medians, key=lambda kind: medians[kind])
    of = f" ({best})" if len(medians) > 1 else ""
    evidence = Evidence(
        f"median cosine {medians[best]:.2f}{of} on {len(rows)} images",
        {"median_cosine": medians, "images": len(rows), "directions": DIRECTIONS, "half_width": width},
        f"below {LEAST_COSINE:g}",
        case.more(case.attack("adaptive")),
    )
    return Found(FAIL if medians[best] < LEAST_COSINE else PASS, evidence)


def _difference(first: int, second: int) -> Callable[[Tensor, Tensor], Tensor]:
    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        return logits[:, first] - logits[:, second]

    return loss


def _values(case: Case, images: Tensor, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return the loss at images, float64 (N,)."""
    with torch.no_grad():
        return torch.cat([loss(case.module(part).double(), case.y[:1]) for part in images.split(BATCH)])


def _cosine(first: Tensor, second: Tensor) -> float:
    """Cosine of two vectors; 0 where one of them is zero or not finite."""
    lengths = float(first.norm() * second.norm())
    return float(first @ second) / lengths if 0 < lengths < float("inf") else 0.0


def _nothing(case: Case) -> Found:
    return Found(NOT_APPLICABLE, Evidence("no image is classified correctly", {}, more=case.again()))
