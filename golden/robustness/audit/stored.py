"""Whether examples are within their budgets as they are stored: an attack that leaves them claims too much.

What is judged is what was stored, float32 images of [0, 1] (N. Carlini et al., "On Evaluating Adversarial Robustness",
2019, section 5: verify that adversarial examples are valid).
"""

from __future__ import annotations

import numpy as np

from golden.robustness.audit.case import Case
from golden.robustness.audit.findings import FAIL, NOT_APPLICABLE, PASS, Evidence, Found
from golden.robustness.outcomes import distances

__all__ = ["budgets"]

PIXEL = 2.0**-23
"""By how much a pixel may lie outside: the difference to the clean one, and their sum, are each rounded to float32, and
below 1 a rounding errs by 2^-25 at most; four of them."""
LENGTH = 1e-6
"""By which share an L2 norm may be exceeded: libraries compute it in float32, over some thousand pixels."""


def budgets(case: Case) -> Found:
    """Whether every example crafted so far lies in [0, 1], is a number, and is within its budget up to roundings."""
    outside, furthest, images = [], -np.inf, 0
    for shown in case.shown:
        images += len(shown.images)
        if not len(shown.images):
            continue
        legal = np.isfinite(shown.images).all() and shown.images.min() >= 0 and shown.images.max() <= 1
        excess = -np.inf
        if shown.eps is not None and legal:
            allowance = PIXEL if shown.norm == "linf" else LENGTH * shown.eps
            excess = float(distances(shown.clean, shown.images, shown.norm).max() - shown.eps)
            legal = excess <= allowance
        furthest = max(furthest, excess)
        if not legal:
            outside.append(shown.name)
    numbers = {
        "examples": images,
        "sets": len(case.shown),
        "sets_outside": outside,
        "largest_excess": furthest if np.isfinite(furthest) else None,
    }
    said = f"{len(outside)} of {len(case.shown)} sets of examples leave [0, 1] or their budget"
    evidence = Evidence(
        said + (f": {', '.join(outside)}" if outside else f", {images} examples"),
        numbers,
        f"L-inf exceeded by {PIXEL:.2g}, L2 by {LENGTH:g} of it",
        case.again(),
    )
    if not images:
        return Found(NOT_APPLICABLE, evidence)
    return Found(FAIL if outside else PASS, evidence)
