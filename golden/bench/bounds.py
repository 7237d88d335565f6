"""What the ports of the vector units allow, and what they and the memory of this machine reach."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from golden.catalogue import Multiplier

__all__ = ["Peaks", "measure_peaks", "port_bound"]


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
    """Measure both on as many threads as torch is set to: the best of five runs of some milliseconds."""
    from golden.kernels import peaks

    def best(run: Callable[[int], int]) -> float:
        run(threads)
        rates = []
        for _ in range(5):
            before = time.perf_counter()
            done = run(threads)
            rates.append(done / (time.perf_counter() - before) / 1e9)
        return max(rates)

    return Peaks(threads, best(peaks.multiply_adds), best(peaks.read))


def port_bound(body: Any, m: Multiplier) -> float | None:
    """Least ratio to exact torch that the execution ports allow: cycles per product over those of a fused multiply-add.

    Counted per vector of float32. AVX-512: vector operations spread over two ports, and an exact multiply-add takes a
    cycle (measured 1.04, arithmetic.md section 6). Elsewhere: four ports, as on current AVX2 machines (with three, the
    bound is a third higher), and two multiply-adds a cycle. None where no count has been made.
    """
    operations = _operations(body, m)
    ports, exact = (2, 1.0) if body is not None and body.kernel == "avx512" else (4, 0.5)
    return None if operations is None else max(operations / ports / exact, 1.0)


def _operations(body: Any, m: Multiplier) -> int | None:
    name, halve = getattr(body, "name", None), m.carry == "halve"
    if name in ("avx512", "avx2"):
        # mul, fma, fma, add toward zero and the sum; the exponent's selection is one instruction or three.
        return 2 if m.design.is_exact else 5 + halve * (1 if name == "avx512" else 3)
    if name == "double":
        # Two halves of product and shift, blend, power of two, sum; clearing a bit under `halve`.
        return 7 if m.design.is_exact else 9 + halve
    if name == "short":
        return 3 if m.design.is_exact else 4 + 2 * halve
    return {"fused": 1, "rounded": 2, "mitchell": 4}.get(name or "")
