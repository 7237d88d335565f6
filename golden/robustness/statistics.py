"""Shares of a sample with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from golden.errors import InvalidInput

__all__ = ["CONFIDENCE", "Proportion"]

CONFIDENCE = 0.95


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
        from scipy.stats import binomtest

        interval = binomtest(self.k, self.n).proportion_ci(CONFIDENCE, method="wilson")
        return float(interval.low), float(interval.high)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: k, n, rate (null where n = 0), interval."""
        return {"k": self.k, "n": self.n, "rate": self.rate, "interval": list(self.interval)}

    def __str__(self) -> str:
        if self.rate is None:
            return "0/0: no case"
        low, high = self.interval
        return f"{self.k}/{self.n} = {100 * self.rate:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"
