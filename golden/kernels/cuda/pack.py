"""Operands as streams: flushed, rounded to the format, split, one row per term, as wide as whole tiles.

The streams of ``golden.kernels.bodies``, derived once per operand. Masks and roundings work on words of 32 bits; the
only floating-point operations are subtractions and doublings, which are exact.
"""

# pyright: reportMissingImports=false, reportOperatorIssue=false, reportAssignmentType=false
# pyright: reportGeneralTypeIssues=false
# Kernels compute with constants of Triton as with numbers, which its types do not say.

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["pack"]


@triton.jit
def pack(
    source,
    streams,
    extents,
    K,
    N,
    batch_source,
    step_k,
    step_n,
    pitch,
    plane,
    batch_streams,
    KIND: tl.constexpr,
    FIRST: tl.constexpr,
    SECOND: tl.constexpr,
    DROPPED: tl.constexpr,
    NEAREST: tl.constexpr,
    BLOCK_K: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    """Pack a tile of an operand, and widen its extents.

    Parameters
    ----------
    source
        int32 words of the operand: element n of term k of product b of a batch lies at ``b batch_source + k step_k +
        n step_n``.
    streams
        int32 words, (batch, K, pitch) in each plane; zeros from N on.
    extents
        int32 [2]: what ``extents`` says of it so far.
    K, N : int
        Terms and elements.
    batch_source, step_k, step_n, pitch, plane, batch_streams : int
        In elements.
    KIND
        ``one``: the operand; ``activation``: l and c, by the masks FIRST and SECOND; ``weight``: b and t, by the mask
        SECOND; ``word``: the word less FIRST, or 1.0 less it for a zero, and a mask that leaves a zero its sign.
    DROPPED, NEAREST
        Fraction bits that the format lacks, and whether dropping them rounds to nearest.
    BLOCK_K, BLOCK_N
        The tile.
    """
    columns, rows = tl.cdiv(pitch, BLOCK_N), tl.cdiv(K, BLOCK_K)
    tile = tl.program_id(0) % (columns * rows)
    batch = (tl.program_id(0) // (columns * rows)).to(tl.int64)
    k = ((tile // columns) * BLOCK_K + tl.arange(0, BLOCK_K))[:, None].to(tl.int64)
    n = ((tile % columns) * BLOCK_N + tl.arange(0, BLOCK_N))[None, :].to(tl.int64)
    word = tl.load(source + batch * batch_source + k * step_k + n * step_n, (k < K) & (n < N), 0)
    magnitude = word & 0x7FFFFFFF
    regular = magnitude >= 0x00800000
    if tl.max(regular.to(tl.int32)) != 0:
        tl.atomic_max(extents, tl.max(tl.where(regular, 0x7FFFFFFF - magnitude, 0)))
        tl.atomic_max(extents + 1, tl.max(tl.where(regular, magnitude, 0)))
    word = tl.where(regular, word, word & -0x80000000)
    if DROPPED > 0:
        if NEAREST:
            # Ties to even; what carries into an infinity is beyond the range of every family.
            word += ((1 << (DROPPED - 1)) - 1) + ((word >> DROPPED) & 1)
        word = word & (-1 << DROPPED)
    where, inside = streams + batch * batch_streams + k * pitch + n, (k < K) & (n < pitch)
    if KIND == "one":
        tl.store(where, word, inside)
    elif KIND == "word":
        tl.store(where, tl.where(regular, word, word | 0x3F800000) - FIRST, inside)
        tl.store(where + plane, tl.where(regular, -1, -0x80000000), inside)
    else:
        x = word.to(tl.float32, bitcast=True)
        second = _part(word, SECOND)
        if KIND == "weight":
            first, second = x, second + second
        elif FIRST + SECOND == 0xFFFFFF:
            first = x - second  # the masks are complementary
        else:
            first = _part(word, FIRST)
        tl.store(where, first.to(tl.int32, bitcast=True), inside)
        tl.store(where + plane, second.to(tl.int32, bitcast=True), inside)


@triton.jit
def _part(word, MASK: tl.constexpr):
    """The significand masked, as a value: without the hidden bit, that is one too many, and is taken away."""
    value = (word & (-0x800000 | (MASK & 0x7FFFFF))).to(tl.float32, bitcast=True)
    if MASK < 0x800000:
        value = value - (word & -0x800000).to(tl.float32, bitcast=True)
    return value
