"""Float32 operations that round toward zero, and some that round to nearest for certain, inside Triton kernels.

On a GPU each is one PTX instruction written inline: Triton has no rounding modes, its own ``mul`` may be contracted
with a sum that follows, and its libraries flush subnormals. PTX's instructions with a rounding mode are never
contracted, and flush nothing without ``.ftz``.

Triton's interpreter has no inline PTX. There each operation is computed in float64 and then rounded:

- a b is exact in float64: 48 bits, exponents within +-300.
- a b + c = s + e with s rounded to nearest and e what rounding took away, by Knuth's two-sum, which needs no order of
  its terms. Where e points to zero from s, s is beyond the true sum, and its word less one is the sum rounded toward
  zero to 53 bits; else s is that already.
- The float32 numbers, subnormals included, are among the float64 numbers, so rounding toward zero twice is rounding
  once. Conversion to float32 rounds to nearest; where that leaves a larger magnitude, its word less one is what we
  want: the largest finite number instead of infinity, too.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import triton
import triton.language as tl
from triton import knobs

__all__ = [
    "INTERPRETED",
    "blend",
    "fma_toward_zero",
    "multiply",
    "multiply_add",
    "multiply_toward_zero",
    "product_rest",
    "sum_toward_zero",
]

INTERPRETED = tl.constexpr(bool(knobs.runtime.interpret))
"""Whether kernels run in Triton's interpreter: TRITON_INTERPRET=1 when Triton was imported."""


@triton.jit
def multiply(a, b):
    """A b, rounded to nearest, whatever is added to it."""
    if INTERPRETED:
        return a * b
    return tl.inline_asm_elementwise("mul.rn.f32 $0, $1, $2;", "=f,f,f", [a, b], tl.float32, True, 1)


@triton.jit
def multiply_toward_zero(a, b):
    """A b, rounded toward zero."""
    if INTERPRETED:
        return _narrow(a.to(tl.float64) * b.to(tl.float64))
    return tl.inline_asm_elementwise("mul.rz.f32 $0, $1, $2;", "=f,f,f", [a, b], tl.float32, True, 1)


@triton.jit
def multiply_add(a, b, c):
    """A b + c, rounded once, to nearest, where a b is a float32."""
    if INTERPRETED:
        return a * b + c  # the interpreter's own loses the sign of a zero
    return tl.inline_asm_elementwise("fma.rn.f32 $0, $1, $2, $3;", "=f,f,f,f", [a, b, c], tl.float32, True, 1)


@triton.jit
def product_rest(a, b, product):
    """A b - product, exact in any rounding where the product is a b rounded."""
    if INTERPRETED:
        return (a.to(tl.float64) * b.to(tl.float64) - product.to(tl.float64)).to(tl.float32)
    return tl.inline_asm_elementwise(
        "{ .reg .f32 n; neg.f32 n, $3; fma.rn.f32 $0, $1, $2, n; }", "=f,f,f,f", [a, b, product], tl.float32, True, 1
    )


@triton.jit
def fma_toward_zero(a, b, c):
    """A b + c, rounded once, toward zero."""
    if INTERPRETED:
        return _narrow(_sum(a.to(tl.float64) * b.to(tl.float64), c.to(tl.float64)))
    return tl.inline_asm_elementwise("fma.rz.f32 $0, $1, $2, $3;", "=f,f,f,f", [a, b, c], tl.float32, True, 1)


@triton.jit
def sum_toward_zero(a, b):
    """A + b, rounded toward zero."""
    if INTERPRETED:
        return _narrow(_sum(a.to(tl.float64), b.to(tl.float64)))
    return tl.inline_asm_elementwise("add.rz.f32 $0, $1, $2;", "=f,f,f", [a, b], tl.float32, True, 1)


@triton.jit
def blend(power, fraction):
    """Sign and exponent of one float32, the fraction of another: one instruction on three inputs.

    0xE4 is the truth table of (x & m) | (y & ~m), with m = 0xFF800000.
    """
    x, y = power.to(tl.int32, bitcast=True), fraction.to(tl.int32, bitcast=True)
    if INTERPRETED:
        word = (x & -0x800000) | (y & 0x7FFFFF)
    else:
        word = tl.inline_asm_elementwise("lop3.b32 $0, $1, $2, 0xFF800000, 0xE4;", "=r,r,r", [x, y], tl.int32, True, 1)
    return word.to(tl.float32, bitcast=True)


@triton.jit
def _sum(a, b):
    """Two float64 summed toward zero."""
    s = a + b
    part = s - a
    rest = (a - (s - part)) + (b - part)
    beyond = ((rest < 0) & (s > 0)) | ((rest > 0) & (s < 0))
    return (s.to(tl.int64, bitcast=True) - beyond.to(tl.int64)).to(tl.float64, bitcast=True)


@triton.jit
def _narrow(x):
    """A float64 as float32, rounded toward zero."""
    y = x.to(tl.float32)
    beyond = tl.abs(y.to(tl.float64)) > tl.abs(x)
    return (y.to(tl.int32, bitcast=True) - beyond.to(tl.int32)).to(tl.float32, bitcast=True)
