"""Mitchell's logarithmic multiplier: one integer addition of the words."""

from __future__ import annotations

from typing import Any

from golden.catalogue import Multiplier
from golden.designs import MITCHELL
from golden.kernels.bodies.body import INFINITY, SMALLEST, Body, Range, Streams
from golden.kernels.emit import I32, Emitter, Value

__all__ = ["Mitchell", "MitchellGeneral"]


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


class MitchellGeneral(Body):
    """Mitchell's multiplier on any operands: the words add, with saturation where the range ends.

    Magnitudes are below 2^31, so their sum fits 32 bits; less the bias it is the result's magnitude, unless an operand
    is zero or special, where IEEE multiplication of the prepared operands gives zero, infinity or NaN with its sign.
    """

    name = "mitchell-general"
    outputs = 4

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """Mitchell's multiplier on FP32."""
        return m.design == MITCHELL and m.precision == 24

    def covers(self, a: Range, b: Range) -> bool:
        """Everything."""
        return True

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """All steps."""
        build = e.builder
        x, y = e.integer(a[0]), e.integer(b[0])
        plain = build.fmul(a[0], b[0])
        size_x, size_y = (build.and_(v, e.like(v, 0x7FFFFFFF)) for v in (x, y))
        total = e.call("llvm.usub.sat", build.add(size_x, size_y), e.like(x, 0x3F800000))
        small = build.icmp_unsigned("<", total, e.like(x, SMALLEST))
        total = build.select(small, e.like(x, 0), e.call("llvm.umin", total, e.like(x, INFINITY)))
        signed = build.or_(total, build.and_(build.xor(x, y), e.like(x, 0x80000000)))
        least, greatest = e.call("llvm.umin", size_x, size_y), e.call("llvm.umax", size_x, size_y)
        zero = build.icmp_unsigned("==", least, e.like(x, 0))
        irregular = build.or_(zero, build.icmp_unsigned(">=", greatest, e.like(x, INFINITY)))
        return build.select(irregular, plain, e.floating(signed))
