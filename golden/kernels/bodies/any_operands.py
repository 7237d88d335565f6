"""Products of any operands, specials included, of every multiplier with a closed form or a table."""

from __future__ import annotations

from golden.catalogue import Multiplier
from golden.kernels.bodies.body import Body, Range, Streams, masked_part
from golden.kernels.emit import F32, F64, Emitter, Value
from golden.significand import closed_form

__all__ = ["General", "finish"]

POWER = 0xFFF << 52


class General(Body):
    """Any closed form, carry and rounding: arithmetic.md section 3 step by step in float64.

    P 2^(x+y) = l b + c t is exact (49 bits at most) and in range: exponents stay within +-260 of zero. ``a b`` serves
    for the specials: it is infinite or NaN exactly where the result is by class, zero exactly where an operand is, and
    has the result's sign.
    """

    name = "general"
    element = F64
    outputs = 4
    activations = weights = (F64,)

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """Every closed form."""
        return closed_form(m.design, m.precision) is not None

    def covers(self, a: Range, b: Range) -> bool:
        """Everything."""
        return True

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """All steps."""
        build = e.builder
        x, y = a[0], b[0]
        plain = build.fmul(x, y)
        value = plain
        if not self.m.design.is_exact:
            t = masked_part(e, y, self.top)
            first = build.fmul(masked_part(e, x, self.low), y)
            value = build.fadd(first, build.fmul(masked_part(e, x, self.high), build.fadd(t, t)))
        power = build.fmul(e.masked(x, POWER), e.masked(y, POWER))
        return finish(e, self.m, value, plain, power)


def finish(e: Emitter, m: Multiplier, value: Value, plain: Value, power: Value) -> Value:
    """Carry, rounding and range of an exact P 2^(x+y).

    ``plain`` is a * b, ``power`` the product of the operands' signed powers of two, all float64.
    """
    b = e.builder

    def magnitude(v: Value) -> Value:
        return e.call("llvm.fabs", v)

    if m.carry in ("halve", "wrap"):
        # Hidden bit times hidden bit weighs 2^(2p-2) in P, so bit 2p weighs four times ``power``.
        bit = b.fmul(power, e.like(power, 4.0))
        carried = b.fcmp_ordered(">=", magnitude(value), magnitude(bit))
        without = b.fmul(value, e.like(value, 0.5)) if m.carry == "halve" else b.fsub(value, bit)
        value = b.select(carried, without, value)
    if m.product != "exact":
        drop = 53 - m.precision
        bits = e.integer(value)
        if m.product == "nearest":
            odd = b.and_(b.lshr(bits, e.like(bits, drop)), e.like(bits, 1))
            bits = b.add(b.add(bits, e.like(bits, (1 << (drop - 1)) - 1)), odd)
        value = e.floating(b.and_(bits, e.like(bits, -(1 << drop))))
    # Now at most 24 bits: narrowing is exact, or overflows to infinity as it should; what would be subnormal is zero.
    tiny = b.fcmp_ordered("<", magnitude(value), e.like(value, 2.0**-126))
    value = b.select(tiny, e.like(value, 0.0), value)
    value = e.call("llvm.copysign", value, plain)
    size = magnitude(plain)
    finite = b.fcmp_ordered("<", size, e.like(size, float("inf")))
    regular = b.and_(b.fcmp_ordered(">", size, e.like(size, 0.0)), finite)
    return e.to(b.select(regular, value, plain), F32)
