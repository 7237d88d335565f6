"""One term of every sum of a tile: the product of an activation's streams and a weight's, and its addition.

======== ================================== ======= =======================================================
family   multipliers                        streams the CPU's body, which derives the arithmetic and range
======== ================================== ======= =======================================================
fused    narrow exact products, kept whole  a; b    ``golden.kernels.bodies.whole_products``
nearest  ``exact``                          a; b    ``golden.kernels.bodies.ieee_products``
truncate ``exact-trunc``                    a; b    ``golden.kernels.bodies.toward_zero``
halve    AMA5 blocks in FP32, halved        l, c;   ``golden.kernels.bodies.toward_zero``
widen    the same, carry kept               b, t    ``golden.kernels.bodies.toward_zero``
short    narrow exact products, truncated   a; b    ``golden.kernels.bodies.truncated_narrow``
short-*  narrow AMA5 blocks                 l, c;   ``golden.kernels.bodies.truncated_narrow``
                                            b, t
mitchell ``mitchell``                       word,   ``golden.kernels.bodies.mitchell``
                                            mask
======== ================================== ======= =======================================================

``short-halve`` takes the result's exponent from c t: it holds both hidden bits, so that it leads with bit 2p-1, as the
product of the powers of two does on the CPU, and is a signed zero where an operand is zero. c t is exact, as 2p bits
fit a float32.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import triton
import triton.language as tl

from golden.kernels.cuda.toward_zero import (
    blend,
    fma_toward_zero,
    multiply,
    multiply_add,
    multiply_toward_zero,
    product_rest,
    sum_toward_zero,
)

__all__ = ["add_product"]


@triton.jit
def add_product(total, x, y, x2, y2, FAMILY: tl.constexpr, KEPT: tl.constexpr, DOUBLE: tl.constexpr):
    """The sums with one term added.

    Parameters
    ----------
    total : float32 or float64, (M, N)
        The sums.
    x, x2 : float32, (M, 1)
        The activations' streams at this term; families of one stream read the first alone.
    y, y2 : float32, (1, N)
        The weights'.
    FAMILY, KEPT
        Of ``families.Family``.
    DOUBLE
        Whether sums are float64.
    """
    if FAMILY == "fused":
        if DOUBLE:
            total += multiply(x, y).to(tl.float64)
        else:
            total = multiply_add(x, y, total)
        return total
    if FAMILY == "nearest":
        r = multiply(x, y)
    elif FAMILY == "truncate":
        r = multiply_toward_zero(x, y)
    elif FAMILY == "short":
        r = _kept(multiply(x, y), KEPT)
    else:
        if FAMILY == "mitchell":
            word = x.to(tl.int32, bitcast=True) + y.to(tl.int32, bitcast=True)
            mask = x2.to(tl.int32, bitcast=True) & y2.to(tl.int32, bitcast=True)
            r = (word & mask).to(tl.float32, bitcast=True)
        elif FAMILY == "short-halve":
            high = multiply(x2, y2)
            r = _kept(blend(high, multiply_add(x, y, high)), KEPT)
        elif FAMILY == "short-widen":
            r = _kept(multiply_add(x, y, multiply(x2, y2)), KEPT)
        else:
            high = multiply_toward_zero(x2, y2)
            rest = product_rest(x2, y2, high)
            r = sum_toward_zero(high, fma_toward_zero(x, y, rest))
            if FAMILY == "halve":
                r = blend(high, r)
    if DOUBLE:
        r = r.to(tl.float64)
    return total + r


@triton.jit
def _kept(x, KEPT: tl.constexpr):
    """A float32 without the fraction bits that its format lacks."""
    return (x.to(tl.int32, bitcast=True) & KEPT).to(tl.float32, bitcast=True)
