"""Sums of products of any operands, of every multiplier with a closed form or tables: arithmetic.md section 3 in words.

Step by step what ``golden.multiply`` does in NumPy: the significand product P in 64 bits, normalised by its conversion
to float64, which is exact below 2^53.
"""

# pyright: reportMissingImports=false, reportOperatorIssue=false, reportAssignmentType=false
# pyright: reportGeneralTypeIssues=false
# Kernels compute with constants of Triton as with numbers, which its types do not say.

from __future__ import annotations

import triton
import triton.language as tl

from golden.kernels.cuda.extents import covered
from golden.kernels.cuda.lanes import canonical

__all__ = ["integer"]


@triton.jit
def integer(
    activations,
    weights,
    table,
    bias,
    out,
    extents_a,
    extents_b,
    signed,
    M,
    N,
    K,
    batch_a,
    step_am,
    step_ak,
    batch_b,
    step_bk,
    step_bn,
    batch_bias,
    batch_out,
    step_m,
    RANGED: tl.constexpr,
    LEAST: tl.constexpr,
    GREATEST: tl.constexpr,
    MOST_A: tl.constexpr,
    MOST_B: tl.constexpr,
    SIGNED: tl.constexpr,
    DESIGN: tl.constexpr,
    LOW: tl.constexpr,
    HIGH: tl.constexpr,
    TOP: tl.constexpr,
    DIGIT: tl.constexpr,
    P: tl.constexpr,
    CARRY: tl.constexpr,
    OPERANDS: tl.constexpr,
    PRODUCT: tl.constexpr,
    BIAS: tl.constexpr,
    DOUBLE: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Store a tile of sums, unless ``lanes`` does: RANGED, and the operands are in its range.

    Parameters
    ----------
    activations, weights
        int32 words, of any strides: ``batch_a``, ``step_am``, ``step_ak`` and ``batch_b``, ``step_bk``, ``step_bn``.
    table
        int32 products of digits of DIGIT bits, the activation's digit first.
    bias, out, extents_a, extents_b, signed, M, N, K, batch_bias, batch_out, step_m
        As for ``lanes``.
    RANGED, LEAST, GREATEST, MOST_A, MOST_B, SIGNED
        Whether the range of ``lanes`` matters, and that range.
    DESIGN, LOW, HIGH, TOP, DIGIT
        ``masks``, of a closed form; ``tables``; or ``mitchell``.
    P, CARRY, OPERANDS, PRODUCT
        Traits of the multiplier.
    BIAS, DOUBLE, BLOCK_M, BLOCK_N
        As for ``lanes``.
    """
    if RANGED:
        if covered(extents_a, extents_b, signed, LEAST, GREATEST, MOST_A, MOST_B, SIGNED):
            return
    columns = tl.cdiv(N, BLOCK_N)
    tiles = tl.cdiv(M, BLOCK_M) * columns
    batch, tile = (tl.program_id(0) // tiles).to(tl.int64), tl.program_id(0) % tiles
    m = ((tile // columns) * BLOCK_M + tl.arange(0, BLOCK_M))[:, None]
    n = ((tile % columns) * BLOCK_N + tl.arange(0, BLOCK_N))[None, :]
    a = activations + batch * batch_a + m.to(tl.int64) * step_am
    b = weights + batch * batch_b + n.to(tl.int64) * step_bn
    start = tl.zeros((1, BLOCK_N), tl.float32)
    if BIAS:
        start = tl.load(bias + batch * batch_bias + n, n < N, 0.0)
    if DOUBLE:
        total = tl.zeros((BLOCK_M, BLOCK_N), tl.float64)
    else:
        total = tl.broadcast_to(start, (BLOCK_M, BLOCK_N))
    for _ in range(K):
        r = _product(
            tl.load(a, m < M, 0), tl.load(b, n < N, 0), table,
            DESIGN, LOW, HIGH, TOP, DIGIT, P, CARRY, OPERANDS, PRODUCT,
        )  # fmt: skip
        total += r.to(tl.float32, bitcast=True).to(total.dtype)
        a += step_ak
        b += step_bk
    if DOUBLE:
        total = (total + start.to(tl.float64)).to(tl.float32)
    tl.store(out + batch * batch_out + m.to(tl.int64) * step_m + n, canonical(total), (m < M) & (n < N))


@triton.jit
def _product(
    x,
    y,
    table,
    DESIGN: tl.constexpr,
    LOW: tl.constexpr,
    HIGH: tl.constexpr,
    TOP: tl.constexpr,
    DIGIT: tl.constexpr,
    P: tl.constexpr,
    CARRY: tl.constexpr,
    OPERANDS: tl.constexpr,
    PRODUCT: tl.constexpr,
):
    """Words of the products of words, (M, 1) and (1, N)."""
    # The words' fraction bits are 23; those of the format P - 1.
    DROPPED: tl.constexpr = 24 - P
    KEPT: tl.constexpr = 23 if PRODUCT == "exact" else P - 1
    full_x, full_y = (x & 0x7FFFFFFF).to(tl.int64), (y & 0x7FFFFFFF).to(tl.int64)
    rounded_x, rounded_y = _rounded(full_x, DROPPED, OPERANDS), _rounded(full_y, DROPPED, OPERANDS)
    hidden: tl.constexpr = 1 << (P - 1)
    A = (rounded_x >> DROPPED) & (hidden - 1) | hidden
    B = (rounded_y >> DROPPED) & (hidden - 1) | hidden
    if DESIGN == "masks":
        product = (A & LOW) * B
        if HIGH != 0:
            product += (A & HIGH) * ((B & TOP) << 1)
    elif DESIGN == "mitchell":
        fractions = (A - hidden) + (B - hidden)
        product = tl.where(fractions < hidden, (fractions + hidden) << (P - 1), fractions << P)
    else:
        product = (A & 0) * B
        for i in tl.static_range(0, P, DIGIT):
            row = ((A >> i) & ((1 << DIGIT) - 1)) << DIGIT
            for j in tl.static_range(0, P, DIGIT):
                column = (B >> j) & ((1 << DIGIT) - 1)
                product += tl.load(table + (row | column)).to(tl.int64) << (i + j)
    if CARRY == "wrap":
        product = product & ((1 << (2 * P)) - 1)
    # The float64's exponent field is t + 1023, t the index of the leading one; its top KEPT fraction bits are the
    # word's. e = ea + eb - 127 + t - (2P - 2) remains to be added. P = 0 has the field 0: the flush below.
    bits = product.to(tl.float64).to(tl.int64, bitcast=True)
    if PRODUCT == "nearest":
        bits += ((bits >> (52 - KEPT)) & 1) + ((1 << (51 - KEPT)) - 1)
    word = (bits >> (52 - KEPT)) << (23 - KEPT)
    word += ((rounded_x >> 23) + (rounded_y >> 23) - (127 + 2 * P - 2 + 1023)) << 23
    if CARRY == "halve":
        word -= (product >> (2 * P)) << 23
    word = tl.minimum(word, 0x7F800000)
    zero = (full_x < 0x00800000) | (full_y < 0x00800000)
    word = tl.where((word < 0x00800000) | zero, 0, word).to(tl.int32)
    infinite = (full_x >= 0x7F800000) | (full_y >= 0x7F800000)
    word = tl.where(infinite, 0x7F800000, word) | ((x ^ y) & -0x80000000)
    return tl.where((full_x > 0x7F800000) | (full_y > 0x7F800000) | (infinite & zero), 0x7FC00000, word)


@triton.jit
def _rounded(magnitude, DROPPED: tl.constexpr, OPERANDS: tl.constexpr):
    """A magnitude rounded to the format, its low bits undefined; a carry runs into the exponent."""
    if OPERANDS == "nearest":
        if DROPPED > 0:
            magnitude += ((1 << (DROPPED - 1)) - 1) + ((magnitude >> DROPPED) & 1)
    return magnitude
