"""Error metrics of a multiplier: how far its products are from exact ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from golden.catalogue import Multiplier, multiplier as look_up
from golden.checks import check_count, check_seed
from golden.errors import InvalidInput
from golden.multiply import multiply
from golden.registry import Registry

__all__ = ["DISTRIBUTIONS", "ErrorReport", "error", "relative_errors", "sample_operands"]

STEP = 1 << 18


@dataclass(frozen=True)
class ErrorReport:
    """Error of a multiplier's products against exact real products of the same operands.

    Attributes
    ----------
    multiplier, distribution : str
        What was measured, on which operands.
    n, seed : int
        Operand pairs drawn, and the seed.
    excluded : int
        Pairs left out: an operand is not normal, or the exact product lies within two binades of overflow or underflow.
    mred : float
        Mean relative error distance, mean of abs(y - ab) / abs(ab).
    nmed : float
        Normalised mean error distance of significand products: mean of abs(y - ab) / 2^(ea + eb), with the operands'
        unbiased exponents, over the largest exact significand product, (2 - 2^-23)^2.
    bias : float
        Mean of (y - ab) / ab.
    worst : float
        Largest relative error distance seen.
    larger : float
        Share of products larger in magnitude than exact ones.
    mean_ratio, least_ratio, greatest_ratio : float
        y / ab: mean, least and greatest.
    """

    multiplier: str
    distribution: str
    n: int
    seed: int
    excluded: int
    mred: float
    nmed: float
    bias: float
    worst: float
    larger: float
    mean_ratio: float
    least_ratio: float
    greatest_ratio: float

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionary, for JSON."""
        return asdict(self)


def _significands(rng: np.random.Generator, n: int) -> np.ndarray:
    return (rng.integers(0, 1 << 23, n, dtype=np.uint32) | np.uint32(127 << 23)).view(np.float32)


def _uniform(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.uniform(-1, 1, n).astype(np.float32)


def _normal(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.standard_normal(n, np.float32)


def _bits(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(0, 1 << 32, n, dtype=np.uint32).view(np.float32)


DISTRIBUTIONS: Registry[Callable[[np.random.Generator, int], np.ndarray]] = Registry(
    "distribution", {"uniform-significand": _significands, "uniform": _uniform, "normal": _normal, "bits": _bits}
)
"""Operand distributions: significands uniform in [1, 2), values uniform in [-1, 1), standard normal, uniform words."""


def sample_operands(distribution: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """``n`` seeded operand pairs, float32."""
    draw = DISTRIBUTIONS.look_up(distribution)
    check_count("n", n)
    rng = np.random.default_rng(check_seed(seed))
    return draw(rng, n), draw(rng, n)


def _deviations(m: Multiplier, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(y / ab, |ab| / 2^(ea + eb)) of the pairs that are not excluded, float64."""
    tiny, huge = np.finfo(np.float32).tiny, np.finfo(np.float32).max
    with np.errstate(invalid="ignore"):
        exact = a.astype(np.float64) * b.astype(np.float64)  # 48 bits: exact in float64
        normal = (np.abs(a) >= tiny) & (np.abs(b) >= tiny) & np.isfinite(a) & np.isfinite(b)
        kept = normal & (np.abs(exact) >= 4 * np.float64(tiny)) & (np.abs(exact) <= np.float64(huge) / 4)
    a, b, exact = a[kept], b[kept], exact[kept]
    significand_a, _ = np.frexp(a.astype(np.float64))
    significand_b, _ = np.frexp(b.astype(np.float64))
    return multiply(a, b, m).astype(np.float64) / exact, np.abs(4 * significand_a * significand_b)


def relative_errors(
    multiplier: str | Multiplier, distribution: str = "uniform-significand", n: int = 1 << 18, seed: int = 0
) -> np.ndarray:
    """Signed relative errors (y - ab) / ab of ``n`` seeded pairs, less the excluded ones, float64."""
    ratios, _ = _deviations(look_up(multiplier), *sample_operands(distribution, n, seed))
    return ratios - 1


def error(
    multiplier: str | Multiplier, distribution: str = "uniform-significand", n: int = 1 << 20, seed: int = 0
) -> ErrorReport:
    """Measure a multiplier's error on seeded operands.

    Parameters
    ----------
    multiplier : str or Multiplier
        Catalogue or dial name, or a Multiplier.
    distribution : str
        ``uniform-significand``, ``uniform``, ``normal`` or ``bits``.
    n : int
        Operand pairs.
    seed : int
        Of the operands.

    Returns
    -------
    ErrorReport
        Frozen; see its members.

    Raises
    ------
    InvalidInput
        (a ValueError) If a name is unknown, n < 1, or every pair drawn is excluded.
    """
    m = look_up(multiplier)
    operands = sample_operands(distribution, n, seed)
    parts = [_deviations(m, *(x[i : i + STEP] for x in operands)) for i in range(0, n, STEP)]
    ratios, products = (np.concatenate(part) for part in zip(*parts, strict=True))
    if not ratios.size:
        raise InvalidInput(f"all {n} pairs drawn are zero, special or out of range; draw more")
    errors = ratios - 1
    return ErrorReport(
        multiplier=str(m),
        distribution=distribution,
        n=n,
        seed=seed,
        excluded=n - ratios.size,
        mred=float(np.abs(errors).mean()),
        nmed=float((np.abs(errors) * products).mean() / (2 - 2**-23) ** 2),
        bias=float(errors.mean()),
        worst=float(np.abs(errors).max()),
        larger=float((errors > 0).mean()),
        mean_ratio=float(ratios.mean()),
        least_ratio=float(ratios.min()),
        greatest_ratio=float(ratios.max()),
    )
