"""Products in vector registers: one class per way to compute r = mul(a, b) and add it to the accumulators.

Each body holds the derivation of its arithmetic and of the operands it accepts. Words are prepared when packed
(``prepare``): subnormals become zeros of their sign, fractions are rounded to the format. Every body then derives
*streams* from an operand, once, and combines the streams of one activation and one weight into r.

With p significand bits, masks L, H, T over the significand and values a = A 2^x, b = B 2^y, the closed form reads

    P 2^(x+y) = l b + c t,     l = (A & L) 2^x,  c = (A & H) 2^x,  t = 2 (B & T) 2^y
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from golden.catalogue import Multiplier
from golden.kernels.emit import F32, F64, I32, I64, Emitter, vector
from golden.significand import closed_form

__all__ = ["BODIES", "Body", "Double", "Fused", "General", "Range", "Rounded", "prepare"]

SIGN_EXPONENT = 0xFF800000
INFINITY = 0x7F800000
SMALLEST = 0x00800000
WIDE = 29  # fraction bits of a float64 below those of a float32


@dataclass(frozen=True)
class Range:
    """Biased exponents of an operand's non-zero values: the least and the greatest; 255 with specials."""

    least: int
    greatest: int


def prepare(e: Emitter, word: ir.Value, m: Multiplier, element: Any) -> ir.Value:
    """The operand that takes part in products: zero for subnormals, the fraction rounded to the format.

    Rounding to nearest may carry to 2^128, which a float32 cannot hold, so it is done in ``element``: float64 holds it
    as a finite value, and bodies on float32 require exponents that cannot carry that far. Infinities and NaNs pass.
    """
    b = e.builder
    drop = m.format.dropped_bits
    bits = e.integer(word)
    magnitude = b.and_(bits, e.like(bits, 0x7FFFFFFF))
    zero = b.icmp_unsigned("<", magnitude, e.like(bits, SMALLEST))
    bits = b.select(zero, b.and_(bits, e.like(bits, 0x80000000)), bits)
    if drop == 0:
        return e.to(e.floating(bits), element)
    special = b.icmp_unsigned(">=", magnitude, e.like(bits, INFINITY))
    value = e.to(e.floating(bits), element)
    drop += WIDE if element == F64 else 0
    wide = e.integer(value)
    rounded = wide
    if m.operands == "nearest":
        # Ties to even: half a unit less one, plus the last kept bit; a carry runs into the exponent by itself.
        odd = b.and_(b.lshr(wide, e.like(wide, drop)), e.like(wide, 1))
        rounded = b.add(b.add(wide, e.like(wide, (1 << (drop - 1)) - 1)), odd)
    rounded = b.and_(rounded, e.like(wide, -(1 << drop)))
    return b.select(special, value, e.floating(rounded))


class Body:
    """One way to compute products.

    Parameters
    ----------
    m : Multiplier
        The multiplier, of a format carried in FP32 words.
    """

    name = "body"
    lanes = 8
    element: Any = F32
    """Type of prepared operands."""
    features: tuple[str, ...] = ()
    """What the CPU must offer."""
    activations: tuple[Any, ...] = (F32,)
    weights: tuple[Any, ...] = (F32,)
    """Types of the streams."""
    outputs = 4
    """Outputs of the scalar operand that share one load of the vector operand."""

    def __init__(self, m: Multiplier) -> None:
        self.m = m
        masks = closed_form(m.design, m.precision)
        assert masks is not None
        self.low, self.high, self.top = (mask << m.format.dropped_bits for mask in masks)

    @property
    def order(self) -> tuple[int, ...]:
        """Which element of the operand each lane of r belongs to."""
        return tuple(range(self.lanes))

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """Whether the body computes this multiplier at all."""
        raise NotImplementedError

    def covers(self, a: Range, b: Range) -> bool:
        """Whether every product of operands in these ranges comes out right."""
        raise NotImplementedError

    def activation(self, e: Emitter, a: ir.Value) -> tuple[ir.Value, ...]:
        """Streams of prepared activations."""
        return (a,)

    def weight(self, e: Emitter, b: ir.Value) -> tuple[ir.Value, ...]:
        """Streams of prepared weights."""
        return (b,)

    def product(self, e: Emitter, a: tuple[ir.Value, ...], b: tuple[ir.Value, ...]) -> ir.Value:
        """r, a vector of float32."""
        raise NotImplementedError

    def add(self, e: Emitter, acc: ir.Value, a: tuple[ir.Value, ...], b: tuple[ir.Value, ...]) -> ir.Value:
        """The accumulators, float32 or float64, after one more product."""
        element = acc.type.element
        return e.builder.fadd(acc, e.to(self.product(e, a, b), element))

    def bits(self, mask: int) -> int:
        """A mask over the 24-bit significand as one over the word: sign and exponent always stay.

        Without the hidden bit the result would have to be renormalised; ``part`` subtracts it where a mask lacks it.
        """
        return SIGN_EXPONENT | mask & 0x7FFFFF

    def part(self, e: Emitter, x: ir.Value, mask: int) -> ir.Value:
        """(X & mask) 2^x, exactly, for a prepared x; zeros keep their sign where the mask has the hidden bit."""
        wide = x.type == F64 or (isinstance(x.type, ir.VectorType) and x.type.element == F64)
        ones, power = self.bits(mask), SIGN_EXPONENT
        if wide:
            # The sign and the eleven exponent bits, then the fraction's mask at the top of the 52 fraction bits.
            ones, power = 0xFFF << 52 | (mask & 0x7FFFFF) << WIDE, 0xFFF << 52
        value = e.masked(x, ones)
        return value if mask >> 23 & 1 else e.builder.fsub(value, e.masked(x, power))


class Fused(Body):
    """acc = fma(a, b, acc): where a product of two significands fits 24 bits and is kept whole.

    The product is exact in float32 as long as its exponent is in range, so rounding acc + a b once is what adding the
    rounded product does. Tested range: 1 <= ea + eb - 127 (no flush) and ea + eb - 126 <= 254 (no infinity), one more
    per operand where rounding may carry.
    """

    name = "fused"

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        return m.product == "exact" and m.design.is_exact and 2 * m.precision <= 24

    def covers(self, a: Range, b: Range) -> bool:
        carry = int(self.m.operands == "nearest" and self.m.format.dropped_bits > 0)
        top = max(a.greatest, b.greatest) + carry
        return a.least + b.least - 127 >= 1 and a.greatest + b.greatest + 2 * carry - 126 <= 254 and top <= 254

    def product(self, e: Emitter, a: tuple[ir.Value, ...], b: tuple[ir.Value, ...]) -> ir.Value:
        return e.builder.fmul(a[0], b[0])

    def add(self, e: Emitter, acc: ir.Value, a: tuple[ir.Value, ...], b: tuple[ir.Value, ...]) -> ir.Value:
        if acc.type.element == F64:
            return super().add(e, acc, a, b)
        return e.call("llvm.fma", a[0], b[0], acc)


class Rounded(Body):
    """r = a * b in float32: the ``exact`` multiplier.

    IEEE 754 rounds, overflows and handles specials as arithmetic.md section 3 does; only results that would be
    subnormal differ, and ea + eb - 127 >= 1 excludes them.
    """

    name = "rounded"

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        return m.design.is_exact and m.product == "nearest" and m.precision == 24

    def covers(self, a: Range, b: Range) -> bool:
        return a.least + b.least - 127 >= 1

    def product(self, e: Emitter, a: tuple[ir.Value, ...], b: tuple[ir.Value, ...]) -> ir.Value:
        return e.builder.fmul(a[0], b[0])


class Double(Body):
    """Truncated products of a closed form in float64 lanes, under ``halve``, ``widen`` or without carry.

    p = fma(l, b, c t) is exact: P < 2^(2p+1) <= 2^49 needs at most 49 of the 53 bits. Weights are scaled by 2^-896,
    exactly, which makes the exponent field of a float64 equal the biased exponent of the float32 it stands for
    (1023 - 896 = 127). That field is below 256, so its upper three bits are zero, and p's bits shifted left by three
    hold a 0, the biased exponent and the fraction truncated to 23 bits in their upper half: a float32 without its sign.
    Nothing underflows on the way: P's last bit weighs 46 bits less than the hidden ones, and the result's exponent
    field is at least 1, so every bit is a multiple of 2^-1074.

    ``widen`` and the exact product take that word, with the sign xor. Under ``halve`` the result's exponent is that of
    bit 2p-1, whether P carries beyond it or not. With t always 2p-1 or 2p that is ea + eb - 126: the float32 product of
    the two powers of two 2^x and 2 * 2^y, which brings the sign along and is a signed zero where an operand is.
    The condition on the masks, P >= 2^(2p-1) for all normal operands: (A & H)(B & T) alone reaches 2^(2p-2) when both
    masks hold the hidden bit. Without carry (L all ones, H = 0) t is 2p-2 or 2p-1 and the word is right as it is.

    Range, for e = ea + eb - 127: ``halve`` 1 <= e + 1 <= 254 and eb <= 253 (2 * 2^y is finite); ``widen`` the same with
    e + 2 <= 254 for the carry; without carry 1 <= e and e + 1 <= 254. No specials.
    """

    name = "double"

    def __init__(self, m: Multiplier) -> None:
        super().__init__(m)
        self.split = self.high != 0
        self.halve = m.carry == "halve"
        if self.halve:
            self.activations, self.weights = (F32, F64, F64), (F32, F64, F64)
        elif self.split:
            self.activations, self.weights = (I32, F64, F64), (I32, F64, F64)
        else:
            self.activations, self.weights = (I32, F64), (I32, F64)

    @property
    def order(self) -> tuple[int, ...]:
        # The odd 32-bit words of two vectors of four float64, taken within 128-bit lanes: one instruction.
        return 0, 1, 4, 5, 2, 3, 6, 7

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        masks = closed_form(m.design, m.precision)
        if masks is None or m.precision != 24 or m.product != "truncate":
            return False
        if masks[1] == 0:
            return masks[0] == 0xFFFFFF and not m.design.carries
        hidden = masks[1] & masks[2] & 0x800000
        return bool(hidden) and m.carry in ("halve", "widen")

    def covers(self, a: Range, b: Range) -> bool:
        least, greatest = a.least + b.least - 127, a.greatest + b.greatest - 127
        if max(a.greatest, b.greatest) > 254:
            return False
        if not self.split:
            return least >= 1 and greatest + 1 <= 254
        if self.halve:
            return least + 1 >= 1 and greatest + 1 <= 254 and b.greatest <= 253
        return least + 1 >= 1 and greatest + 2 <= 254

    def _sign_or_power(self, e: Emitter, x: ir.Value, factor: float) -> ir.Value:
        if not self.halve:
            return e.builder.and_(e.integer(x), e.like(e.integer(x), 0x80000000))
        power = e.masked(x, SIGN_EXPONENT)
        return power if factor == 1 else e.builder.fmul(power, e.like(power, factor))

    def activation(self, e: Emitter, a: ir.Value) -> tuple[ir.Value, ...]:
        first = self._sign_or_power(e, a, 1)
        if not self.split:
            return first, e.to(a, F64)
        c = self.part(e, a, self.high)
        # A is the sum of its parts where L and H are complementary, and the subtraction is exact.
        low = e.builder.fsub(a, c) if self.low ^ self.high == 0xFFFFFF else self.part(e, a, self.low)
        return first, e.to(low, F64), e.to(c, F64)

    def weight(self, e: Emitter, b: ir.Value) -> tuple[ir.Value, ...]:
        first = self._sign_or_power(e, b, 2)
        wide = e.to(b, F64)
        scaled = e.builder.fmul(wide, e.like(wide, 2.0**-896))
        if not self.split:
            return first, scaled
        t = e.to(self.part(e, b, self.top), F64)
        return first, scaled, e.builder.fmul(t, e.like(t, 2.0**-895))

    def product(self, e: Emitter, a: tuple[ir.Value, ...], b: tuple[ir.Value, ...]) -> ir.Value:
        halves = []
        for half in ((0, 1, 2, 3), (4, 5, 6, 7)):
            wide_a = [e.shuffle(x, x, half) for x in a[1:]]
            wide_b = [e.shuffle(x, x, half) for x in b[1:]]
            if self.split:
                (l, c), (s, t) = wide_a, wide_b
                p = e.call("llvm.fma", l, s, e.builder.fmul(c, t))
            else:
                p = e.builder.fmul(wide_a[0], wide_b[0])
            bits = e.integer(p)
            halves.append(e.builder.bitcast(e.builder.shl(bits, e.like(bits, 3)), vector(I32, 8)))
        word = e.shuffle(halves[0], halves[1], (1, 3, 9, 11, 5, 7, 13, 15))
        first_a, first_b = (e.shuffle(x, x, self.order) for x in (a[0], b[0]))
        if self.halve:
            power = e.integer(e.builder.fmul(first_a, first_b))
            word = e.builder.or_(e.builder.and_(word, e.like(word, 0x7FFFFF)), power)
        else:
            word = e.builder.or_(word, e.builder.xor(first_a, first_b))
        return e.floating(word)


class General(Body):
    """Any closed form, format, carry and rounding, any operands: arithmetic.md section 3 step by step in float64.

    P 2^(x+y) = l b + c t is exact (49 bits at most) and in range: exponents stay within +-260 of zero. ``a b`` serves
    for the specials: it is infinite or NaN exactly where the result is, zero exactly where an operand is, and has the
    result's sign.
    """

    name = "general"
    element = F64

    def __init__(self, m: Multiplier) -> None:
        super().__init__(m)
        self.activations = self.weights = (F64,)

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        return closed_form(m.design, m.precision) is not None

    def covers(self, a: Range, b: Range) -> bool:
        return True

    def product(self, e: Emitter, a: tuple[ir.Value, ...], b: tuple[ir.Value, ...]) -> ir.Value:
        build = e.builder
        x, y = a[0], b[0]
        plain = build.fmul(x, y)
        value = plain
        if self.high or self.low != 0xFFFFFF:
            t = self.part(e, y, self.top)
            first = build.fmul(self.part(e, x, self.low), y)
            value = build.fadd(first, build.fmul(self.part(e, x, self.high), build.fadd(t, t)))
        return _finish(e, self.m, value, plain, build.fmul(e.masked(x, 0xFFF << 52), e.masked(y, 0xFFF << 52)))


def _finish(e: Emitter, m: Multiplier, value: ir.Value, plain: ir.Value, power: ir.Value) -> ir.Value:
    """Carry, rounding and range of exact signed significand products scaled to float64.

    ``plain`` is a * b as float64, ``power`` the product of the operands' powers of two.
    """
    b = e.builder

    def magnitude(v: ir.Value) -> ir.Value:
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
    regular = b.and_(
        b.fcmp_ordered(">", size, e.like(size, 0.0)), b.fcmp_ordered("<", size, e.like(size, float("inf")))
    )
    return e.to(b.select(regular, value, plain), F32)


BODIES: tuple[type[Body], ...] = (Fused, Rounded, Double, General)
"""Fastest first."""

BodyFactory = Callable[[Multiplier], Body]
