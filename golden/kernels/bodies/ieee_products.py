"""IEEE 754 multiplication, as every processor has it."""

from __future__ import annotations

from golden.catalogue import Multiplier
from golden.kernels.bodies.body import Body, Range, Streams
from golden.kernels.emit import Emitter, Value

__all__ = ["Rounded"]


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
