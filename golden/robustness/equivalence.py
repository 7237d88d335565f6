"""Whether two accuracies are the same but for a margin: on each network, and on all of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from golden.errors import InvalidInput, InvalidType
from golden.robustness.hypotheses import FAILS, HOLDS, OPEN
from golden.robustness.intervals import ends
from golden.robustness.statistics import CONFIDENCE

__all__ = ["MARGIN", "AccuracyKept", "Equivalence", "accuracy_kept", "equivalence"]

MARGIN = 1.0
"""Accuracies that differ by less count as the same, in points."""
TWO_TESTS = 0.90
"""Of the interval that lies within the margin where each of the two one-sided tests rejects at 5%."""


@dataclass(frozen=True)
class Equivalence:
    """Whether two accuracies are the same but for a margin, by two one-sided tests on paired images.

    Members
    -------
    seeds, images : int
        What went in.
    difference : float
        Accuracy of the target less that of the control, in points.
    interval : (float, float)
        Of the difference, in points.
    margin : float
        In points.
    equivalent : bool
        Whether the interval lies within -margin .. margin: both one-sided tests reject at half of what the interval
        leaves out.
    errors : (int, int)
        Images that the target and the control misclassify, over all seeds.
    error_ratio : float or None
        The first over the second; None where the control makes no error.
    ratio_interval : (float, float) or None
        At 95%; None where either makes no error.
    """

    seeds: int
    images: int
    difference: float
    interval: tuple[float, float]
    margin: float
    equivalent: bool
    errors: tuple[int, int]
    error_ratio: float | None
    ratio_interval: tuple[float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the members by name."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def equivalence(
    target: np.ndarray,
    control: np.ndarray,
    *,
    margin: float = MARGIN,
    confidence: float = TWO_TESTS,
) -> Equivalence:
    """Whether the target's accuracy is within the margin of the control's: paired TOST.

    The interval is Student's, of the mean over images of the paired difference (a mean over seeds where there are
    several), and as in ``simultaneous_intervals`` never narrower than what images unseen allow, here with half of
    1 - ``confidence`` on each side. D. J. Schuirmann, "A Comparison of the Two One-Sided Tests Procedure and the Power
    Approach for Assessing the Equivalence of Average Bioavailability", J. Pharmacokin. Biopharm. 15, 1987.

    A difference of points hides that errors double where there are few of them, hence their ratio, with an interval by
    the delta method: the logarithm of x1 / x0 has the variance of the mean over images of e1 / m1 - e0 / m0, with an
    image's errors e and their mean m; for one seed that is (b + c) / (x1 x0), with b + c images on which they differ.
    D. G. Bonett and R. M. Price, "Confidence Intervals for a Ratio of Binomial Proportions Based on Paired Data",
    Statistics in Medicine 25, 2006.

    Parameters
    ----------
    target, control : ndarray of bool, (images,) or (seeds, images)
        Whether each image is classified correctly, for the same images and seeds; at least two images.
    margin : float
        In points, positive.
    confidence : float
        Of the interval of the difference; 0.90 belongs to tests at 5%.

    Raises
    ------
    InvalidInput
        If the shapes cannot be used, or margin or confidence.
    InvalidType
        If the arrays are not of dtype bool.
    """
    from scipy.stats import norm, t

    if target.dtype != np.bool_ or control.dtype != np.bool_:
        raise InvalidType(f"correctness is of dtype bool, not {target.dtype} and {control.dtype}")
    if target.shape != control.shape or target.ndim not in (1, 2) or target.shape[-1] < 2 or not target.size:
        raise InvalidInput(
            f"correctness of shapes {target.shape} and {control.shape} cannot be compared; give both the same images, "
            "two at least"
        )
    if not 0 < margin < math.inf or not 0 < confidence < 1:
        raise InvalidInput(f"margin={margin:g} and confidence={confidence:g}: give points above 0, and a share")
    correct, correct_control = np.atleast_2d(target), np.atleast_2d(control)
    seeds, n = correct.shape
    wrong, wrong_control = (~correct).sum(0), (~correct_control).sum(0)
    x1, x0 = int(wrong.sum()), int(wrong_control.sum())
    d = (wrong_control - wrong) / seeds
    mean, side = (x0 - x1) / (seeds * n), (1 - confidence) / 2
    half = float(t.ppf(1 - side, n - 1) * d.std(ddof=1)) / math.sqrt(n)
    low, high = (100 * float(end) for end in ends(np.asarray(mean), half, n, side))
    ratio_interval = None
    if x1 and x0:
        # The terms have mean 0, so that n times their variance is the sum of their squares.
        variance = float(((wrong / x1 - wrong_control / x0) ** 2).sum())
        factor = math.exp(float(norm.ppf((1 + CONFIDENCE) / 2)) * math.sqrt(variance))
        ratio_interval = x1 / x0 / factor, x1 / x0 * factor
    return Equivalence(
        seeds,
        n,
        100 * (x0 - x1) / (seeds * n),
        (low, high),
        margin,
        -margin < low and high < margin,
        (x1, x0),
        x1 / x0 if x0 else None,
        ratio_interval,
    )


@dataclass(frozen=True)
class AccuracyKept:
    """Whether clean accuracy is kept, on every seed.

    Members
    -------
    verdict : str
        ``holds`` where every 90% interval lies within the margin, each seed's and that of all seeds together; ``does
        not hold`` where one of them, at a confidence raised by Bonferroni to their number, lies outside of it;
        ``undecided`` otherwise.
    per_seed : tuple of Equivalence
        Each seed alone.
    together : Equivalence
        All of them.
    """

    verdict: str
    per_seed: tuple[Equivalence, ...]
    together: Equivalence

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: the members by name."""
        return {
            "verdict": self.verdict,
            "per_seed": [seed.to_dict() for seed in self.per_seed],
            "together": self.together.to_dict(),
        }


def accuracy_kept(target: np.ndarray, control: np.ndarray, *, margin: float = MARGIN) -> AccuracyKept:
    """Judge whether the target classifies clean images as well as the control, but for the margin.

    All must hold, so none needs adjusting; any may refute, so there the intervals are adjusted to their number.

    Parameters
    ----------
    target, control : ndarray of bool, (seeds, images)
        Whether each unperturbed image is classified correctly.
    margin : float
        In points.

    Raises
    ------
    InvalidInput
        If the shapes cannot be used, or the margin.
    InvalidType
        If the arrays are not of dtype bool.
    """
    if target.ndim != 2 or target.shape != control.shape:
        raise InvalidInput(f"correctness of shapes {target.shape} and {control.shape}; give both as (seeds, images)")
    parts = [*zip(target, control, strict=True), (target, control)]
    *per_seed, together = (equivalence(t, c, margin=margin) for t, c in parts)
    raised = 1 - (1 - TWO_TESTS) / len(parts)
    wide = [equivalence(t, c, margin=margin, confidence=raised).interval for t, c in parts]
    if all(part.equivalent for part in (*per_seed, together)):
        verdict = HOLDS
    else:
        verdict = FAILS if any(low > margin or high < -margin for low, high in wide) else OPEN
    return AccuracyKept(verdict, tuple(per_seed), together)
