"""Narrow exact products that a float32 holds whole: one fused multiply-add each."""

from __future__ import annotations

from golden.catalogue import Multiplier
from golden.kernels.bodies.body import Body, Range, Streams, after_rounding
from golden.kernels.emit import F64, Emitter, Value

__all__ = ["Fused"]


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
        a, b = after_rounding(self.m, a), after_rounding(self.m, b)
        return (
            a.least + b.least - 127 >= 1 and a.greatest + b.greatest - 126 <= 254 and max(a.greatest, b.greatest) <= 254
        )

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """a b, exact."""
        return e.builder.fmul(a[0], b[0])

    def add(self, e: Emitter, acc: Value, r: Value, a: Streams, b: Streams) -> Value:
        """One rounding for float32; float64 takes the exact product."""
        return super().add(e, acc, r, a, b) if e.element(acc) == F64 else e.multiply_add(a[0], b[0], acc)
