"""Significand products over arrays: a closed form, a table or a bit-sliced cell array, whichever the design admits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from golden.cells import Cell
from golden.designs import CellBlocks, Design, Function, Masks, TableBlocks

__all__ = [
    "ama5_masks",
    "bit_planes",
    "block_table",
    "chunk_size",
    "closed_form",
    "from_bit_planes",
    "significand_products",
]

Product = Callable[[np.ndarray, np.ndarray], np.ndarray]

TABLE_DIGIT = 8
"""Widest digit served from a table: 2^16 entries of 4 bytes stay in the second-level cache."""

_AMA5 = ("00110011", "00001111")


def ama5_masks(block: int, precision: int) -> tuple[int, int, int]:
    """(L, H, T) of the closed form of ``block`` x ``block`` AMA5 arrays.

    With Sum = B the running sum of a block never changes after row 0, and with Cout = A the carry that leaves row
    i > 0 is its leftmost partial product a_i & b_(n-1), of weight i + n. So a block is

        (a_0 ? b : 0) + (b_(n-1) ? (a without bit 0) << n : 0)

    Over all digits i, j of A and B, with weights 2^(n(i+j)): bit 0 of every digit of A multiplies the whole of B, and
    every other bit of A at weight w multiplies the top bits of B's digits, T = sum 2^(nj+n-1), at weight w + n - (n-1):

        P = (A & L) * B + 2 * (A & H) * (B & T),   L = sum 2^(ni),  H = 2^p - 1 - L
    """
    low = sum(1 << i for i in range(0, precision, block))
    return low, (1 << precision) - 1 - low, low << (block - 1)


def closed_form(design: Design, precision: int) -> tuple[int, int, int] | None:
    """(L, H, T) such that P = (A & L) * B + 2 * (A & H) * (B & T), or None where the design has no such form.

    The exact product is L = all ones, H = 0.
    """
    if isinstance(design, Masks):
        return design.low, design.high, design.top
    if isinstance(design, CellBlocks):
        if design.is_exact:
            return (1 << precision) - 1, 0, 0
        if (design.cell.sum, design.cell.carry) == _AMA5:
            return ama5_masks(design.block, precision)
    return None


def significand_products(design: Design, a: np.ndarray, b: np.ndarray, precision: int) -> np.ndarray:
    """P of significand arrays.

    Parameters
    ----------
    design : Design
        What multiplies.
    a, b : ndarray of uint64
        Significands below 2^precision, of equal one-dimensional shape: activation and weight.
    precision : int
        Significand bits p.

    Returns
    -------
    ndarray of uint64
        Products below 2^(2p+1).
    """
    return _product_function(design, precision)(a, b)


def chunk_size(design: Design) -> int:
    """How many products to compute at a time.

    Closed forms and tables want their 64-bit temporaries in the second-level cache; a bit-sliced array or circuit makes
    thousands of passes over words of 64 products, so that longer arrays pay.
    """
    bit_sliced = isinstance(design, CellBlocks) and design.block > TABLE_DIGIT and closed_form(design, 1) is None
    bit_sliced |= isinstance(design, Function) and design.circuit is not None
    return 1 << 18 if bit_sliced else 1 << 13


@lru_cache(maxsize=64)
def _product_function(design: Design, precision: int) -> Product:
    masks = closed_form(design, precision)
    if masks is not None:
        return _masked(*masks)
    if isinstance(design, Function):
        return lambda a, b: design.function(a, b, precision)
    assert isinstance(design, CellBlocks | TableBlocks)
    if design.block > TABLE_DIGIT:
        return _cell_array(design, precision)
    return _tabulated(block_table(design), design.block, precision)


def _masked(low: int, high: int, top: int) -> Product:
    if high == 0:
        return lambda a, b: (a & np.uint64(low)) * b
    # 2 * (A & H) * (B & T) as (A & H) * ((B & T) << 1), the shift moved into the mask's operand.
    return lambda a, b: (a & np.uint64(low)) * b + (a & np.uint64(high)) * ((b & np.uint64(top)) << np.uint64(1))


def block_table(design: CellBlocks | TableBlocks) -> np.ndarray:
    """Digit products, uint64 of shape (2^n, 2^n), the activation's digit first."""
    n = design.block
    if isinstance(design, TableBlocks):
        return np.array(design.table, np.uint64).reshape(1 << n, 1 << n)
    digits = np.arange(1 << n, dtype=np.uint64)
    a, b = np.repeat(digits, 1 << n), np.tile(digits, 1 << n)
    return _bit_sliced_block(design.cell, n, a, b).reshape(1 << n, 1 << n)


def _widen_table(table: np.ndarray, n: int, wide: int) -> np.ndarray:
    """The table of ``wide``-bit digits whose n-bit digits multiply by ``table``."""
    digits = np.arange(1 << wide, dtype=np.uint64)
    mask = np.uint64((1 << n) - 1)
    parts = [(digits >> np.uint64(k)) & mask for k in range(0, wide, n)]
    total = np.zeros((1 << wide, 1 << wide), np.uint64)
    for i, a in enumerate(parts):
        for j, b in enumerate(parts):
            total += table[np.ix_(a, b)] << np.uint64(n * (i + j))
    return total


def _tabulated(table: np.ndarray, n: int, precision: int) -> Product:
    # Digit products are added exactly, so neighbouring digits may share one wider table.
    wide = max(w for w in range(n, TABLE_DIGIT + 1, n) if precision % w == 0)
    flat = _widen_table(table, n, wide).astype(np.uint32).ravel()
    mask = np.uint64((1 << wide) - 1)
    shifts = [np.uint64(k) for k in range(0, precision, wide)]

    def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        rows = [((a >> s & mask) << np.uint64(wide)).astype(np.intp) for s in shifts]
        columns = [(b >> s & mask).astype(np.intp) for s in shifts]
        total = np.zeros(a.shape, np.uint64)
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                total += flat.take(row | column).astype(np.uint64) << np.uint64(wide * (i + j))
        return total

    return product


def _cell_array(design: Design, precision: int) -> Product:
    assert isinstance(design, CellBlocks)
    n = design.block
    mask = np.uint64((1 << n) - 1)
    shifts = [np.uint64(k) for k in range(0, precision, n)]

    def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        total = np.zeros(a.shape, np.uint64)
        for s in shifts:
            for r in shifts:
                total += _bit_sliced_block(design.cell, n, a >> s & mask, b >> r & mask) << (s + r)
        return total

    return product


def _bit_sliced_block(cell: Cell, n: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The n x n row-ripple array on bit planes: one machine word carries the same wire of 64 products."""
    planes_a, planes_b = bit_planes(a, n), bit_planes(b, n)
    zero = np.zeros_like(planes_a[0])
    running = [planes_a[0] & plane for plane in planes_b] + [zero] * n
    for i in range(1, n):
        carry = zero
        for j in range(n):
            running[i + j], carry = _cell_on_planes(cell, planes_a[i] & planes_b[j], running[i + j], carry)
        running[i + n] = carry
    return from_bit_planes(running, a.size)


def from_bit_planes(planes: Sequence[np.ndarray], size: int) -> np.ndarray:
    """The first ``size`` values of bit planes, lowest bit first, as uint64."""
    total = np.zeros(size, np.uint64)
    for weight, plane in enumerate(planes):
        bits = np.unpackbits(plane.view(np.uint8), count=size)
        total |= bits.astype(np.uint64) << np.uint64(weight)
    return total


def bit_planes(values: np.ndarray, n: int) -> list[np.ndarray]:
    """The n low bits of one-dimensional uint64 values, lowest first, each packed into uint64, 64 values to a word."""
    padded = np.zeros(-(-values.size // 64) * 64, np.uint64)
    padded[: values.size] = values
    return [np.packbits((padded >> np.uint64(i)).astype(np.uint8) & 1).view(np.uint64) for i in range(n)]


def _cell_on_planes(cell: Cell, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum and Cout planes: the disjunction of the truth table's true rows."""
    b_and_c = b & c
    rest = [~(b | c), c & ~b, b & ~c, b_and_c]
    outputs = []
    for table in (cell.sum, cell.carry):
        halves = []
        for half in (table[:4], table[4:]):
            rows = [minterm for minterm, bit in zip(rest, half, strict=True) if bit == "1"]
            halves.append(np.bitwise_or.reduce(rows) if rows else np.zeros_like(a))
        outputs.append((~a & halves[0]) | (a & halves[1]))
    return outputs[0], outputs[1]
