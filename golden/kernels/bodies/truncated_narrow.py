"""Truncated products of narrow formats, exact in float32 lanes before they are truncated."""

from __future__ import annotations

from golden.catalogue import Multiplier
from golden.kernels.bodies.body import FULL, Body, Range, Streams, after_rounding, masked_part, one_binade, power, split
from golden.kernels.emit import F32, Emitter, Value
from golden.significand import closed_form

__all__ = ["Short"]


class Short(Body):
    """Truncated products of narrow formats: P < 2^(2p+1) is exact in float32 for p <= 11.

    p = fma(l, b, c t), then the p - 1 fraction bits that the format keeps. Under ``halve`` the exponent is that of bit
    2p-1, carried beyond or not: the product of the powers of two 2^x and 2 * 2^y, signed zero where an operand is zero.
    That needs P to lead with bit 2p-1 or 2p, which ``one_binade`` asks of the masks.

    Range, with e = ea + eb - 127 after operand rounding: 1 <= e; the carry adds 2 at most, without approximation 1:
    e + 2 <= 254; 2 * 2^y is finite: eb <= 253.
    """

    name = "short"
    outputs = 6

    def __init__(self, m: Multiplier) -> None:
        super().__init__(m)
        self.halve = m.carry == "halve"
        self.kept = -1 << (24 - m.precision)
        if not self.high:
            self.activations = self.weights = (F32,)
        elif self.halve:
            self.activations = self.weights = (F32, F32, F32)
        else:
            self.activations = self.weights = (F32, F32)

    @property
    def signs_zeros(self) -> bool:
        """Under ``widen`` -0 comes out as +0, a sum of zeros of both signs; ``halve`` has its sign from 2^x 2^y."""
        return self.halve or not self.high

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """Closed forms truncated to the format, under ``halve``, ``widen`` or without carry."""
        masks = closed_form(m.design, m.precision)
        if masks is None or m.precision > 11 or m.product != "truncate" or m.carry == "wrap":
            return False
        return m.design.is_exact or one_binade(*(mask << m.format.dropped_bits for mask in masks))

    def covers(self, a: Range, b: Range) -> bool:
        """See the class."""
        a, b = after_rounding(self.m, a), after_rounding(self.m, b)
        e = a.greatest + b.greatest - 127
        return a.least + b.least - 127 >= 1 and e + 2 <= 254 and a.greatest <= 254 and b.greatest <= 253

    def activation(self, e: Emitter, a: Value, scalar: bool) -> Streams:
        """l, c and the power of two."""
        if not self.high:
            return (a,)
        # The masks cover the format's bits; a prepared operand has no others.
        low = self.low | FULL >> self.m.precision
        parts = split(e, a, low, self.high)
        return (*parts, power(e, a)) if self.halve else parts

    def weight(self, e: Emitter, b: Value, scalar: bool) -> Streams:
        """b, t and the power of two."""
        if not self.high:
            return (b,)
        t = masked_part(e, b, self.top)
        parts = b, e.builder.fadd(t, t)
        return (*parts, power(e, e.builder.fadd(b, b))) if self.halve else parts

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """The truncated product."""
        build = e.builder
        if not self.high:
            return e.masked(build.fmul(a[0], b[0]), 0xFFFFFFFF & self.kept)
        value = e.multiply_add(a[0], b[0], build.fmul(a[1], b[1]))
        if not self.halve:
            return e.masked(value, 0xFFFFFFFF & self.kept)
        bits = e.integer(value)
        fraction = build.and_(bits, e.like(bits, 0x7FFFFF & self.kept))
        return e.floating(build.or_(fraction, e.integer(build.fmul(a[2], b[2]))))
