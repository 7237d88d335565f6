"""Products that float32 or integer lanes hold exactly: narrow formats, IEEE multiplication, Mitchell's logarithm."""

from __future__ import annotations

from typing import Any

from golden.catalogue import Multiplier
from golden.designs import MITCHELL
from golden.kernels.body import FULL, Body, Range, Streams, masked_part, one_binade, power, split
from golden.kernels.emit import F32, F64, I32, Emitter, Value
from golden.significand import closed_form

__all__ = ["Fused", "Mitchell", "Rounded", "Short"]


def _carried(m: Multiplier, x: Range) -> Range:
    """The range after operand rounding, which may carry into the next binade."""
    return Range(x.least, x.greatest + int(m.operands == "nearest" and m.format.dropped_bits > 0))


class Fused(Body):
    """acc = fma(a, b, acc): where a product of two significands fits 24 bits and is kept whole.

    The product is exact in float32 as long as its exponent is in range, so rounding acc + a b once is what adding the
    rounded product does. Range, after operand rounding: 1 <= ea + eb - 127 (nothing flushed), ea + eb - 126 <= 254 (no
    product infinite), and no operand beyond 254.
    """

    name = "fused"
    lanes = 16
    outputs = 6

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """Exact products kept whole."""
        return m.product == "exact" and m.design.is_exact and 2 * m.precision <= 24

    def covers(self, a: Range, b: Range) -> bool:
        """See the class."""
        a, b = _carried(self.m, a), _carried(self.m, b)
        return (
            a.least + b.least - 127 >= 1 and a.greatest + b.greatest - 126 <= 254 and max(a.greatest, b.greatest) <= 254
        )

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """a b, exact."""
        return e.builder.fmul(a[0], b[0])

    def add(self, e: Emitter, acc: Value, r: Value, a: Streams, b: Streams) -> Value:
        """One rounding for float32; float64 takes the exact product."""
        return super().add(e, acc, r, a, b) if e.element(acc) == F64 else e.multiply_add(a[0], b[0], acc)


class Rounded(Body):
    """r = a * b in float32: the ``exact`` multiplier.

    IEEE 754 rounds, overflows and treats specials as arithmetic.md section 3 does; only results that would be subnormal
    differ, and ea + eb - 127 >= 1 excludes them.
    """

    name = "rounded"
    lanes = 16
    outputs = 6

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """IEEE multiplication of float32."""
        return m.design.is_exact and m.product == "nearest" and m.precision == 24

    def covers(self, a: Range, b: Range) -> bool:
        """See the class."""
        return a.least + b.least - 127 >= 1

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """a b, rounded."""
        return e.builder.fmul(a[0], b[0])


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
        a, b = _carried(self.m, a), _carried(self.m, b)
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


class Mitchell(Body):
    """r = a + b - 127 2^23 on the words: exponents and fractions add, and a carry of the fractions is the next binade.

    Signs add modulo 2, as their xor, as long as the magnitudes neither overflow nor borrow. A zero operand travels as
    1.0 of its sign, with a mask that leaves only the sign of the sum.

    Range: 1 <= ea + eb - 127 and, for the carry, ea + eb - 126 <= 254; no specials.
    """

    name = "mitchell"
    activations = weights = (I32, I32)

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """Mitchell's multiplier on FP32, truncated (which drops nothing) or not."""
        return m.design == MITCHELL and m.precision == 24

    def covers(self, a: Range, b: Range) -> bool:
        """See the class."""
        e = a.least + b.least - 127, a.greatest + b.greatest - 126
        return e[0] >= 1 and e[1] <= 254 and max(a.greatest, b.greatest) <= 254

    def _word(self, e: Emitter, x: Value) -> tuple[Any, Any]:
        build = e.builder
        bits = e.integer(x)
        zero = build.icmp_unsigned("==", build.and_(bits, e.like(bits, 0x7FFFFFFF)), e.like(bits, 0))
        word = build.select(zero, build.or_(bits, e.like(bits, 0x3F800000)), bits)
        return word, build.select(zero, e.like(bits, 0x80000000), e.like(bits, 0xFFFFFFFF))

    def activation(self, e: Emitter, a: Value, scalar: bool) -> Streams:
        """The word and its mask."""
        return self._word(e, a)

    def weight(self, e: Emitter, b: Value, scalar: bool) -> Streams:
        """The word without the bias, and its mask."""
        word, mask = self._word(e, b)
        return e.builder.sub(word, e.like(word, 0x3F800000)), mask

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """The sum of the words."""
        build = e.builder
        return e.floating(build.and_(build.and_(build.add(a[0], b[0]), a[1]), b[1]))
