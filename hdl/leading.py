"""Where the leading one of a significand product can be, so that hardware elaborates no more normaliser than needed.

All bounds are sound: a position outside the range cannot occur. They are computed from the array itself, bit by bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from golden.catalogue import Multiplier
from golden.cells import Cell
from golden.designs import CellBlocks, Function, Masks, TableBlocks
from hdl.digits import row_ripple
from hdl.significand import hardware_of

__all__ = ["LeadingOne", "block_table", "leading_one"]

TABULATED = 8
"""Widest digit whose block is tabulated; wider ones are bounded by what their bits can be."""

WINDOW = 5
"""Top bits of the running sum that are followed jointly in such a block."""


@dataclass(frozen=True)
class LeadingOne:
    """Reachable positions of the leading one: every t in ``lowest .. highest``, and P = 0 where ``zero``."""

    lowest: int
    highest: int
    zero: bool

    @property
    def count(self) -> int:
        """Number of positions."""
        return self.highest - self.lowest + 1


def leading_one(multiplier: Multiplier) -> LeadingOne:
    """Bound the position of the leading one of P, after the carry policy ``wrap`` where that applies."""
    p = multiplier.precision
    lowest, highest = _product_range(multiplier)
    if multiplier.carry == "wrap" and highest >> 2 * p:
        # Bit 2p is dropped: what remains is anything up to the excess or, without the carry, up to all ones.
        lowest, highest = 0, (1 << 2 * p) - 1
    return LeadingOne(max(lowest.bit_length() - 1, 0), max(highest.bit_length() - 1, 0), lowest == 0)


def _product_range(multiplier: Multiplier) -> tuple[int, int]:
    p, design = multiplier.precision, multiplier.design
    one, ones = 1 << (p - 1), (1 << p) - 1
    if isinstance(design, Function):
        return hardware_of(design).range(p)
    if isinstance(design, Masks):
        # P grows with every bit of A and B, so the extremes are 1.00..0 and 1.11..1.
        low, high = ((x & design.low) * x + 2 * (x & design.high) * (x & design.top) for x in (one, ones))
        return low, high
    if design.is_exact:
        return one * one, ones * ones
    if design.block <= TABULATED:
        table = design.table if isinstance(design, TableBlocks) else block_table(design.cell, design.block)
        return _tabulated_range(table, design.block, p // design.block)
    assert isinstance(design, CellBlocks)
    return _untabulated_range(design.cell, design.block, p // design.block)


def _tabulated_range(table: tuple[int, ...], n: int, digits: int) -> tuple[int, int]:
    # P = sum_ij T(a_i, b_j) 2^(n(i+j)). With one digit of A fixed, its row sum_j T(a_i, b_j) 2^(nj) is separable in the
    # digits of B, so the best digit of A bounds the row, and the rows bound P; the same for the columns of B. Both
    # bounds hold, and the tighter one is taken. The top digits have their top bit set.
    size = 1 << n

    def bound(entry, best) -> int:
        total = 0
        for i in range(digits):
            first = range(size // 2, size) if i == digits - 1 else range(size)
            row = best(
                sum(
                    best(entry(x, y) for y in (range(size // 2, size) if j == digits - 1 else range(size))) << n * j
                    for j in range(digits)
                )
                for x in first
            )
            total += row << n * i
        return total

    def by_rows(x: int, y: int) -> int:
        return table[x << n | y]

    def by_columns(x: int, y: int) -> int:
        return table[y << n | x]

    return (
        max(bound(by_rows, min), bound(by_columns, min)),
        min(bound(by_rows, max), bound(by_columns, max)),
    )


@cache
def block_table(cell: Cell, n: int) -> tuple[int, ...]:
    """Tabulate the n x n array of a cell.

    Parameters
    ----------
    cell : Cell
        The full adder.
    n : int
        Digit width, at most 8.

    Returns
    -------
    tuple of int
        Entry ``a << n | b`` is the product of the digits a and b.
    """
    # One Python integer holds one wire of the array for all 2^(2n) inputs: bit r is its value for a << n | b = r.
    rows = 1 << 2 * n
    everything = (1 << rows) - 1

    def variable(weight: int) -> int:
        # 0..01..1 of period 2^(weight+1), repeated over all rows
        half = 1 << weight
        return ((1 << half) - 1 << half) * (everything // ((1 << 2 * half) - 1))

    def evaluate(a: int, b: int, cin: int, i: int, j: int) -> tuple[int, int]:
        total = carry = 0
        for row in range(8):
            minterm = everything
            for column, value in ((a, row >> 2), (b, row >> 1), (cin, row)):
                minterm &= column if value & 1 else everything ^ column
            outputs = cell(row >> 2, row >> 1 & 1, row & 1)
            total |= minterm * outputs[0]
            carry |= minterm * outputs[1]
        return total, carry

    columns = row_ripple(n, lambda i, j: variable(n + i) & variable(j), evaluate, 0)
    texts = [bin(column | 1 << rows)[3:] for column in columns]
    return tuple(int("".join(bits), 2) for bits in zip(*reversed(texts), strict=True))[::-1]


def _untabulated_range(cell: Cell, n: int, digits: int) -> tuple[int, int]:
    low = high = 0
    for i in range(digits):
        for j in range(digits):
            smallest, largest = _possible_range(cell, n, i == digits - 1, j == digits - 1)
            low += smallest << n * (i + j)
            high += largest << n * (i + j)
    return low, high


@cache
def _possible_range(cell: Cell, n: int, top_a: bool, top_b: bool) -> tuple[int, int]:
    """Bound one block too wide to tabulate; top digits have their top bit set.

    Two bounds hold, and the tighter one is taken: the values that each wire can take, and the joint values that the top
    bits of the running sum can take.
    """
    low, high = _wire_range(cell, n, top_a, top_b)
    windows = _windows(cell, n, top_a, top_b)
    below = 2 * n - WINDOW
    return max(low, min(windows) << below), min(high, (max(windows) + 1 << below) - 1)


def _wire_range(cell: Cell, n: int, top_a: bool, top_b: bool) -> tuple[int, int]:
    either, one = frozenset((0, 1)), frozenset((1,))

    def product(i: int, j: int) -> frozenset[int]:
        known_a, known_b = top_a and i == n - 1, top_b and j == n - 1
        return one if known_a and known_b else either

    def evaluate(a: frozenset[int], b: frozenset[int], cin: frozenset[int], i: int, j: int) -> tuple:
        outputs = [cell(x, y, z) for x in a for y in b for z in cin]
        return frozenset(total for total, _ in outputs), frozenset(carry for _, carry in outputs)

    bits = row_ripple(n, product, evaluate, frozenset((0,)))
    return sum(min(bit) << w for w, bit in enumerate(bits)), sum(max(bit) << w for w, bit in enumerate(bits))


def _windows(cell: Cell, n: int, top_a: bool, top_b: bool) -> set[int]:
    """Possible values of the product's top ``WINDOW`` bits, at least those that occur."""
    # Before row i the window is the running sum's bits of weight i+n-WINDOW .. i+n-1, which are the B inputs of the
    # last WINDOW cells. Their carry from the right may be anything; row i's sums but the lowest, and its last carry,
    # are the next window. The top bits of b are the same in every row, so they are tried one value at a time.
    rows = [cell(row >> 2, row >> 1 & 1, row & 1) for row in range(8)]

    def row(window: int, a: int, b: int, carry: int) -> int:
        sums = 0
        for k in range(WINDOW):
            total, carry = rows[(a & b >> k) << 2 | (window >> k & 1) << 1 | carry]
            sums |= total << k
        return (sums | carry << WINDOW) >> 1

    reached: set[int] = set()
    for b in range(1 << WINDOW - 1 if top_b else 0, 1 << WINDOW):
        # Row 0 is the partial products a_0 & b_j; the window before row 1 starts one weight above it.
        windows = {0, b >> 1}
        for i in range(1, n):
            digits = (1,) if top_a and i == n - 1 else (0, 1)
            windows = {row(window, a, b, carry) for window in windows for a in digits for carry in (0, 1)}
        reached |= windows
    return reached
