"""Sums of products in float32 lanes (arithmetic.md section 6): a tile of sums for each program, its terms in order.

Every sum belongs to one thread, which adds its products one k after the other: nothing of k is split, padded or
reordered. Streams are as wide as whole tiles, so that the loop loads without masks; what sums beyond the last row or
column hold is not stored.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import triton
import triton.language as tl

from golden.kernels.cuda.extents import covered
from golden.kernels.cuda.products import add_product

__all__ = ["canonical", "lanes"]


@triton.jit
def lanes(
    activations,
    weights,
    bias,
    out,
    extents_a,
    extents_b,
    signed,
    M,
    N,
    K,
    pitch_a,
    pitch_b,
    plane_a,
    plane_b,
    batch_a,
    batch_b,
    batch_bias,
    batch_out,
    step_m,
    FAMILY: tl.constexpr,
    KEPT: tl.constexpr,
    LEAST: tl.constexpr,
    GREATEST: tl.constexpr,
    MOST_A: tl.constexpr,
    MOST_B: tl.constexpr,
    SIGNED: tl.constexpr,
    BIAS: tl.constexpr,
    TWO: tl.constexpr,
    DOUBLE: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Store a tile of sums, unless the operands leave the range of the family.

    Parameters
    ----------
    activations, weights
        Streams as ``pack`` leaves them: (batch, K, pitch) in each plane.
    bias
        float32, where sums start, or what float64 sums end with.
    out
        float32, (batch, M, N), rows ``step_m`` apart.
    extents_a, extents_b, signed
        What ``covered`` reads.
    M, N, K : int
        Rows, columns, terms.
    pitch_a, pitch_b, plane_a, plane_b, batch_a, batch_b, batch_bias, batch_out : int
        Elements from term to term, from stream to stream, from product to product of a batch.
    FAMILY, KEPT
        Of ``families.Family``.
    LEAST, GREATEST, MOST_A, MOST_B, SIGNED
        The range, as ``covered`` takes it.
    BIAS, DOUBLE
        Whether there is a bias, and whether sums are float64.
    BLOCK_M, BLOCK_N
        The tile.
    """
    if covered(extents_a, extents_b, signed, LEAST, GREATEST, MOST_A, MOST_B, SIGNED) == 0:
        return
    columns = tl.cdiv(N, BLOCK_N)
    tiles = tl.cdiv(M, BLOCK_M) * columns
    batch, tile = (tl.program_id(0) // tiles).to(tl.int64), tl.program_id(0) % tiles
    first_m, first_n = (tile // columns) * BLOCK_M, (tile % columns) * BLOCK_N
    m, n = tl.arange(0, BLOCK_M), tl.arange(0, BLOCK_N)
    # Of a term only its address changes, the same for all threads of the tile.
    a = activations + batch * batch_a + first_m
    b = weights + batch * batch_b + first_n
    start = tl.zeros((1, BLOCK_N), tl.float32)
    if BIAS:
        start = tl.load(bias + batch * batch_bias + (first_n + n)[None, :], (first_n + n)[None, :] < N, 0.0)
    if DOUBLE:
        total = tl.zeros((BLOCK_M, BLOCK_N), tl.float64)
    else:
        total = tl.broadcast_to(start, (BLOCK_M, BLOCK_N))  # a sum with +0 would lose a bias of -0
    a, b = a + m, b + n
    x, y = tl.load(a), tl.load(b)
    x2, y2 = x, y
    if TWO:
        x2, y2 = tl.load(a + plane_a), tl.load(b + plane_b)
    for _ in range(K):
        a += pitch_a
        b += pitch_b
        u, v = tl.load(a), tl.load(b)
        u2, v2 = u, v
        if TWO:
            u2, v2 = tl.load(a + plane_a), tl.load(b + plane_b)
        total = add_product(total, x[:, None], y[None, :], x2[:, None], y2[None, :], FAMILY, KEPT, DOUBLE)
        x, y, x2, y2 = u, v, u2, v2
    if DOUBLE:
        total = (total + start.to(tl.float64)).to(tl.float32)
    m, n = (first_m + m)[:, None], (first_n + n)[None, :]
    where = out + batch * batch_out + m.to(tl.int64) * step_m + n
    tl.store(where, canonical(total), (m < M) & (n < N))


@triton.jit
def canonical(total):
    """A float32 with 0x7FC00000 for every NaN."""
    word = total.to(tl.int32, bitcast=True)
    return tl.where((word & 0x7FFFFFFF) > 0x7F800000, 0x7FC00000, word).to(tl.float32, bitcast=True)
