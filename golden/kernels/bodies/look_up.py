"""Products of multipliers without a closed form, from tables of digit products."""

from __future__ import annotations

from typing import Any

import numpy as np

from golden.catalogue import Multiplier
from golden.designs import CellBlocks, TableBlocks
from golden.kernels.bodies.any_operands import POWER, General, finish
from golden.kernels.bodies.body import Streams
from golden.kernels.emit import F64, I32, I64, Emitter, Value, constant, vector
from golden.significand import closed_form, significand_products

__all__ = ["Tables"]

DIGIT = 8
"""Widest digit looked up: 2^16 entries of 4 bytes stay in the second-level cache."""


class Tables(General):
    """P = sum of digit products, each read from a table; carry, rounding and range as in ``General``.

    Blocks are added exactly, so neighbouring digits share one table of up to 8-bit digits: at 24 bits, nine look-ups.
    An operand's digits are extracted once, the activation's already shifted to its half of the index. P < 2^(2p+1) is
    exact as float64.
    """

    name = kernel = "tables"
    outputs = 2

    def __init__(self, m: Multiplier) -> None:
        super().__init__(m)
        design = m.design
        assert isinstance(design, CellBlocks | TableBlocks)
        n, p = design.block, m.precision
        self.digit = max(w for w in range(n, DIGIT + 1, n) if p % w == 0)
        self.shifts = range(0, p, self.digit)
        digits = np.arange(1 << self.digit, dtype=np.uint64)
        # A design at a precision of one wide digit is the table of that digit.
        products = significand_products(
            design, np.repeat(digits, digits.size), np.tile(digits, digits.size), self.digit
        )
        self.table = products.astype(np.uint32)
        self.activations = self.weights = (F64, *(I32 for _ in self.shifts))

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """Blocks of up to 8 bits without a closed form."""
        blocks = isinstance(m.design, CellBlocks | TableBlocks) and m.design.block <= DIGIT
        return blocks and closed_form(m.design, m.precision) is None

    def _digits(self, e: Emitter, x: Value, place: int) -> Streams:
        b = e.builder
        bits = e.integer(x)
        fraction = b.and_(b.lshr(bits, e.like(bits, 53 - self.m.precision)), e.like(bits, (1 << 52) - 1))
        hidden = 1 << (self.m.precision - 1)
        whole = b.or_(b.and_(fraction, e.like(bits, hidden - 1)), e.like(bits, hidden))
        lanes = x.type.count if e.is_vector(x) else 0
        digits: list[Any] = []
        for shift in self.shifts:
            digit = b.and_(b.lshr(whole, e.like(whole, shift)), e.like(whole, (1 << self.digit) - 1))
            digits.append(b.trunc(b.shl(digit, e.like(digit, place)), vector(I32, lanes)))
        return (x, *digits)

    def activation(self, e: Emitter, a: Value, scalar: bool) -> Streams:
        """The value, and its digits as rows of the table."""
        return self._digits(e, a, self.digit)

    def weight(self, e: Emitter, b: Value, scalar: bool) -> Streams:
        """The value, and its digits as columns."""
        return self._digits(e, b, 0)

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """All steps."""
        build = e.builder
        wide = vector(I64, self.lanes)
        total = constant(wide, 0)
        for i, row in zip(self.shifts, a[1:], strict=True):
            for j, column in zip(self.shifts, b[1:], strict=True):
                found = build.zext(e.gather(e.table, build.or_(row, column), 4, I32), wide)
                total = build.add(total, build.shl(found, constant(wide, i + j)))
        x, y = a[0], b[0]
        power = build.fmul(e.masked(x, POWER), e.masked(y, POWER))
        # Bit 2p-2 of P weighs as much as the two powers of two.
        unit = build.fmul(power, e.like(power, 2.0 ** -(2 * self.m.precision - 2)))
        value = build.fmul(build.uitofp(total, vector(F64, self.lanes)), unit)
        return finish(e, self.m, value, build.fmul(x, y), power)
