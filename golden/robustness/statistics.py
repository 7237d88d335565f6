"""Shares of a sample with their intervals, and p-values of comparisons.

``intervals`` bounds differences between targets, ``rule`` makes verdicts of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from golden.errors import InvalidInput, InvalidType

__all__ = ["CONFIDENCE", "Proportion", "holm", "mcnemar", "rank_p"]

CONFIDENCE = 0.95


@cache
def _wilson(k: int, n: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    interval = binomtest(k, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Proportion:
    """k of n, with the Wilson interval at 95% confidence.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927: unlike the
    textbook interval it keeps its coverage for small n and near 0 and 1.

    Parameters
    ----------
    k, n : int
        Successes and trials, 0 <= k <= n. n = 0 is a share of nothing: it has no rate.
    """

    k: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.k <= self.n:
            raise InvalidInput(f"{self.k} of {self.n} is not a proportion; give 0 <= k <= n")

    @property
    def rate(self) -> float | None:
        """k / n, or None where n = 0."""
        return self.k / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the interval; (0, 1) where n = 0."""
        if not self.n:
            return 0.0, 1.0
        return _wilson(self.k, self.n)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: k, n, rate (null where n = 0), interval."""
        return {"k": self.k, "n": self.n, "rate": self.rate, "interval": list(self.interval)}

    def __str__(self) -> str:
        if self.rate is None:
            return "0/0: no case"
        low, high = self.interval
        return f"{self.k}/{self.n} = {100 * self.rate:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"


def mcnemar(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Exact two-sided p-values of McNemar's test that two models are correct equally often, on the same images.

    Of the b + c images on which exactly one of the two is correct, the number b that only the first gets right is
    binomial with probability 1/2 if both are correct equally often; p = min(1, 2 P(X <= min(b, c))), and 1 where
    b + c = 0. Q. McNemar, "Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages",
    Psychometrika 12, 1947. Images are the sample: networks with other seeds see the same ones, so each has a test of
    its own.

    Parameters
    ----------
    first, second : ndarray of bool, (..., images)
        Whether each image is classified correctly, for the same images.

    Returns
    -------
    ndarray of float64, (...)
        One p-value for each row.

    Raises
    ------
    InvalidInput
        If the shapes differ.
    InvalidType
        If they are not of dtype bool.
    """
    from scipy.stats import binom

    if first.dtype != np.bool_ or second.dtype != np.bool_:
        raise InvalidType(
            f"correctness is of dtype bool, not {first.dtype} and {second.dtype}; compare with the labels"
        )
    if first.shape != second.shape or not first.ndim:
        raise InvalidInput(
            f"correctness of shapes {first.shape} and {second.shape} does not pair up; give both the same images"
        )
    b, c = (first & ~second).sum(-1), (second & ~first).sum(-1)
    # The distribution is symmetric: twice the smaller tail is the sum of all outcomes that are no likelier.
    return np.minimum(1.0, 2 * np.asarray(binom.cdf(np.minimum(b, c), b + c, 0.5)))


def holm(p: ArrayLike) -> np.ndarray:
    """P-values adjusted for their number by Holm's step-down procedure.

    The i-th smallest of m becomes the largest of (m - j + 1) p_j over j <= i, at most 1. Rejecting where the adjusted
    value is at most alpha errs on any true hypothesis with probability alpha at most, however the tests depend on each
    other. S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scand. J. Statistics 6, 1979.

    Parameters
    ----------
    p : array_like of float, (m,)
        In [0, 1].

    Returns
    -------
    ndarray of float64, (m,)
        In the order given.

    Raises
    ------
    InvalidInput
        If a value is not in [0, 1], or they are not in one row.
    """
    values = np.asarray(p, np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise InvalidInput("p-values to adjust are numbers in [0, 1], in one row")
    order = np.argsort(values, kind="stable")
    steps = np.arange(len(values), 0, -1) * values[order]
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def rank_p(value: float, draws: ArrayLike) -> float:
    """P-value of a value by its rank among draws of a random control, large values being remarkable.

    p = r / (m + 1) for m draws, where r - 1 of them are at least as large: ties count against the value. If the value
    were one more draw, every rank would be equally likely, so P(p <= alpha) <= alpha without any assumption about their
    distribution. 39 draws can show p = 0.025. G. A. Barnard, discussion of M. S. Bartlett, JRSS B 25, 1963.

    Parameters
    ----------
    value : float
        Of the target.
    draws : array_like of float, (m,)
        Of the draws.

    Raises
    ------
    InvalidInput
        If there are no draws, or a number is NaN.
    """
    drawn = np.asarray(draws, np.float64)
    if drawn.ndim != 1 or not drawn.size or np.isnan(drawn).any() or np.isnan(value):
        raise InvalidInput("a rank needs a number and at least one draw, none of them NaN")
    return (1 + int((drawn >= value).sum())) / (drawn.size + 1)
