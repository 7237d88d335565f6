"""Products of any operands, specials included, of every multiplier with a closed form or a table."""

from __future__ import annotations

from golden.catalogue import Multiplier
from golden.designs import MITCHELL
from golden.kernels.body import INFINITY, SMALLEST, Body, Range, Streams, masked_part
from golden.kernels.emit import F32, F64, Emitter, Value
from golden.significand import closed_form

__all__ = ["General", "MitchellGeneral"]

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
