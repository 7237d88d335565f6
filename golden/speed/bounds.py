"""What the ports of the vector units allow, and what they and the memory of this machine reach."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from golden.catalogue import Multiplier

__all__ = ["Peaks", "measure_peaks", "measure_products", "operations"]


@dataclass(frozen=True)
class Peaks:
    """The roofs of a roofline.

    Parameters
    ----------
    threads : int
        Threads at work.
    gmacs : float
        10^9 float32 multiply-adds per second, by a loop of nothing else.
    gbytes : float
        10^9 bytes per second read from memory beyond the caches.
    """

    threads: int
    gmacs: float
    gbytes: float


def measure_peaks(threads: int) -> Peaks:
    """Measure both on as many threads as torch is set to."""
    from golden.kernels import peaks

    return Peaks(threads, _best(peaks.multiply_adds, threads), _best(peaks.read, threads))


def measure_products(body: Any, m: Multiplier, threads: int) -> float | None:
    """Measure how many 10^9 products per second the ports allow: by a loop of a product's operations, without operands.

    Counting ports instead would need to know them: with AVX-512 some processors multiply and add on one port and some
    on two, while bits are worked on by two on both, so that the ratio to a multiply-add is 3 there and 6 here. None
    where no count of the operations has been made.
    """
    from golden.kernels import peaks

    count = operations(body, m)
    return None if count is None else _best(lambda n: peaks.repeated(count, n), threads)


def _best(run: Callable[[int], int], threads: int) -> float:
    """The best rate of five runs of some milliseconds, in 10^9 per second."""
    run(threads)
    rates = []
    for _ in range(5):
        before = time.perf_counter()
        done = run(threads)
        rates.append(done / (time.perf_counter() - before) / 1e9)
    return max(rates)


def operations(body: Any, m: Multiplier) -> tuple[int, int] | None:
    """Operations of one product and its sum on a vector of float32: in floating point, and on bits or integers."""
    name, halve = getattr(body, "name", None), m.carry == "halve"
    if name in ("avx512", "avx2"):
        # mul, fma, fma, add toward zero and the sum; the exponent's selection is one instruction or three.
        return (2, 0) if m.design.is_exact else (5, halve * (1 if name == "avx512" else 3))
    if name == "double":
        # Two halves of product and shift, blend, power of two, sum; clearing a bit under `halve`.
        return (3, 4) if m.design.is_exact else (5, 4 + halve)
    if name == "short":
        return (2, 1) if m.design.is_exact else (3 + halve, 1 + halve)
    return {"fused": (1, 0), "rounded": (2, 0), "mitchell": (1, 3)}.get(name or "")
