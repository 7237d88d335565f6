"""Intervals of mean energies and of their ratios, over units that were drawn alike: netlist variants, or batches.

Within a unit operations follow one another and resemble each other, so a unit's mean is one observation. Units are
drawn anew with replacement (the bootstrap), the same ones for both sides of a ratio: what both share, their operands,
cancels as it does in the ratio itself.

With few units n percentiles of the bootstrap are too narrow: its spread is that of a variance over n instead of n - 1,
and it knows no Student's t. Percentiles are therefore taken at

    alpha' / 2 = Phi(-sqrt(n / (n - 1)) t(1 - alpha / 2; n - 1))

which is exact for means of normal observations (T. Hesterberg, "What Teachers Should Know About the Bootstrap", The
American Statistician 69(4), 2015, "expanded percentile interval").
"""

from __future__ import annotations

import functools
import math

import numpy as np

from golden.errors import InvalidInput, MissingTool

__all__ = ["FEWEST_UNITS", "mean_interval", "ratio_interval"]

FEWEST_UNITS = 5
LEVEL = 0.95
DRAWS = 20_000


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95% interval of the mean of units.

    Parameters
    ----------
    values : numpy.ndarray
        float64, (units,): the mean of each.

    Raises
    ------
    InvalidInput
        If there are fewer than ``FEWEST_UNITS``.
    MissingTool
        If scipy is not installed.
    """
    return _between(values[_drawn(values.size)].mean(1), values.size)


def ratio_interval(values: np.ndarray, base: np.ndarray) -> tuple[float, float]:
    """Return the 95% interval of the ratio of two means over the same units.

    Parameters
    ----------
    values, base : numpy.ndarray
        float64, (units,): means of the numerator and of the denominator, unit by unit.

    Raises
    ------
    InvalidInput
        If there are fewer than ``FEWEST_UNITS``, or not as many of both.
    MissingTool
        If scipy is not installed.
    """
    if values.shape != base.shape:
        raise InvalidInput(f"there are {values.size} and {base.size} units; give the same ones for both")
    units = _drawn(values.size)
    return _between(values[units].mean(1) / base[units].mean(1), values.size)


@functools.lru_cache(maxsize=8)
def _drawn(n: int) -> np.ndarray:
    if n < FEWEST_UNITS:
        raise InvalidInput(f"{n} units are too few for an interval; give at least {FEWEST_UNITS}")
    return np.random.RandomState(n).randint(0, n, (DRAWS, n))


def _between(drawn: np.ndarray, n: int) -> tuple[float, float]:
    tail = _tail(n)
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


@functools.lru_cache(maxsize=8)
def _tail(n: int) -> float:
    try:
        from scipy.stats import norm, t
    except ImportError:
        raise MissingTool("intervals need scipy; run `pip install scipy`") from None
    return float(norm.cdf(-math.sqrt(n / (n - 1)) * t.ppf((1 + LEVEL) / 2, n - 1)))
