"""Which operands a kernel covers, decided on the device: both kernels of a product ask, and one of them works.

``pack`` leaves two words for each operand: the greatest magnitude of its non-zero normal values, specials included, and
0x7FFFFFFF less the least one. Both are maxima, and zeros before anything was packed. The host enqueues both kernels
without waiting for them.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["covered"]


@triton.jit
def covered(
    extents_a,
    extents_b,
    signed,
    LEAST: tl.constexpr,
    GREATEST: tl.constexpr,
    MOST_A: tl.constexpr,
    MOST_B: tl.constexpr,
    SIGNED: tl.constexpr,
):
    """Whether every product of these operands is in the range of a family, as an int1.

    With ea and eb the biased exponents: LEAST <= ea + eb - 127 <= GREATEST, ea <= MOST_A, eb <= MOST_B. An operand of
    zeros only leaves no range: its exponents count as 127. SIGNED: a word that is not zero, where a bias holds -0,
    leaves it too.
    """
    least_a, most_a = _exponents(extents_a)
    least_b, most_b = _exponents(extents_b)
    inside = (least_a + least_b - 127 >= LEAST) & (most_a + most_b - 127 <= GREATEST)
    inside = inside & (most_a <= MOST_A) & (most_b <= MOST_B)
    if SIGNED:
        inside = inside & (tl.load(signed) == 0)
    return inside


@triton.jit
def _exponents(extents):
    least, greatest = 0x7FFFFFFF - tl.load(extents), tl.load(extents + 1)
    return tl.where(greatest == 0, 127, least >> 23), tl.where(greatest == 0, 127, greatest >> 23)
