"""Products in vector registers: one class per way to compute r = mul(a, b) and add it to the accumulators.

Each body holds the derivation of its arithmetic and of the operands it accepts. Words are prepared when packed
(``prepare``): subnormals become zeros of their sign, fractions are rounded to the format. Every body then derives
*streams* from an operand, once, and combines the streams of one activation and one weight into r.

With p significand bits, masks L, H, T over the significand and values a = A 2^x, b = B 2^y, the closed form reads

    P 2^(x+y) = l b + c t,     l = (A & L) 2^x,  c = (A & H) 2^x,  t = 2 (B & T) 2^y
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from golden.catalogue import Multiplier
from golden.kernels.emit import F32, F64, Emitter, Value
from golden.significand import closed_form

__all__ = [
    "FULL",
    "INFINITY",
    "ONE",
    "SIGN_EXPONENT",
    "SMALLEST",
    "Body",
    "Range",
    "Streams",
    "after_rounding",
    "exponent",
    "instance",
    "masked_part",
    "one_binade",
    "power",
    "prepare",
    "significand",
    "split",
]

Streams = tuple[Any, ...]


SIGN_EXPONENT = 0xFF800000
INFINITY = 0x7F800000
SMALLEST = 0x00800000
FULL, HIDDEN = 0xFFFFFF, 0x800000
ONE = 0x3F800000
WIDE = 29  # fraction bits of a float64 below those of a float32


@dataclass(frozen=True)
class Range:
    """Biased exponents of an operand's non-zero values: the least and the greatest; 255 with specials."""

    least: int
    greatest: int


def after_rounding(m: Multiplier, x: Range) -> Range:
    """The range after operand rounding, which may carry into the next binade."""
    return Range(x.least, x.greatest + int(m.operands == "nearest" and m.format.dropped_bits > 0))


def prepare(e: Emitter, word: Value, m: Multiplier, element: Any) -> Value:
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
    kernel = "portable"
    """The name that AXFPM_KERNEL knows it by."""
    lanes = 8
    element: Any = F32
    """Type of prepared operands."""
    features: frozenset[str] = frozenset()
    """What the CPU must offer, in LLVM's names."""
    activations: tuple[Any, ...] = (F32,)
    weights: tuple[Any, ...] = (F32,)
    """Types of the streams."""
    outputs = 8
    """Most outputs of the scalar operand that share one load of the vector operand."""
    derived = False
    """Whether the vector operand is stored as its streams, derived once, rather than as its prepared value."""
    derives_images = False
    """Whether that pays in convolutions, whose taps use an element again and again."""
    derives_from: float = float("inf")
    """From how many rows on it pays in matrix products, where each group of rows uses an element once."""
    table: np.ndarray | None = None
    """uint32 that ``product`` looks up."""
    phases = 0
    """Terms whose products are staged in memory, computed under another rounding mode than their sums; 0: none."""

    def __init__(self, m: Multiplier) -> None:
        self.m = m
        masks = closed_form(m.design, m.precision) or (0, 0, 0)
        self.low, self.high, self.top = (mask << m.format.dropped_bits for mask in masks)

    def streams(self, scalar_is_weight: bool, scalar: bool) -> tuple[Any, ...]:
        """Types of the streams of the scalar or of the vector operand."""
        return self.weights if scalar_is_weight == scalar else self.activations

    def stored(self, scalar_is_weight: bool) -> tuple[Any, ...]:
        """Types of what is stored of an element of the vector operand."""
        return self.streams(scalar_is_weight, False) if self.derived else (self.element,)

    @property
    def signs_zeros(self) -> bool:
        """Whether zero products have the right sign.

        It shows only in sums that start from -0: a sum rounded to nearest is -0 only where both terms are.
        """
        return True

    @property
    def order(self) -> tuple[int, ...]:
        """Which element of the vector operand each lane of the sums belongs to."""
        return tuple(range(self.lanes))

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """Whether the body computes this multiplier at all."""
        raise NotImplementedError

    def covers(self, a: Range, b: Range) -> bool:
        """Whether every product of operands in these ranges comes out right."""
        raise NotImplementedError

    def activation(self, e: Emitter, a: Value, scalar: bool) -> tuple[Value, ...]:
        """Streams of prepared activations; ``scalar`` operands are packed once and may carry constant factors."""
        return (a,)

    def weight(self, e: Emitter, b: Value, scalar: bool) -> tuple[Value, ...]:
        """Streams of prepared weights."""
        return (b,)

    def derive(self, e: Emitter, value: Value, scalar_is_weight: bool) -> Streams:
        """Streams of the vector operand's prepared value."""
        return (self.activation if scalar_is_weight else self.weight)(e, value, False)

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """r, a vector of float32, its lanes in ``order``; what is staged, for bodies with phases."""
        raise NotImplementedError

    def add(self, e: Emitter, acc: Value, r: Value, a: Streams, b: Streams) -> Value:
        """The accumulators, float32 or float64, with the product ``r`` added."""
        return e.builder.fadd(acc, e.to(r, acc.type.element))

    def begin(self, e: Emitter) -> None:
        """Before the products of a phase."""

    def end(self, e: Emitter) -> None:
        """Before the sums of a phase."""


@lru_cache(maxsize=256)
def instance(kind: type[Body], m: Multiplier) -> Body:
    """The body of a multiplier, made once."""
    return kind(m)


def masked_part(e: Emitter, x: Value, mask: int) -> Value:
    """(X & mask) 2^x, exactly, for a prepared x and a mask over the 24-bit significand.

    The mask falls on the fraction. A mask without the hidden bit leaves a hidden bit too many, which the subtraction
    takes away again.
    """
    wide = e.element(x) == F64
    power = 0xFFF << 52 if wide else SIGN_EXPONENT
    value = e.masked(x, power | (mask & 0x7FFFFF) << (WIDE if wide else 0))
    return value if mask >> 23 & 1 else e.builder.fsub(value, e.masked(x, power))


def split(e: Emitter, a: Value, low: int, high: int) -> tuple[Value, Value]:
    """(l, c) of an activation; where the masks are complementary, l = a - c is exact."""
    c = masked_part(e, a, high)
    return (e.builder.fsub(a, c) if low ^ high == FULL else masked_part(e, a, low)), c


def significand(e: Emitter, x: Value) -> Value:
    """The significand of a prepared float32 as a value in [1, 2); 0 for zeros."""
    bits = e.integer(x)
    fraction = e.builder.and_(bits, e.like(bits, 0x7FFFFF))
    value = e.builder.or_(fraction, e.like(bits, 0x3F800000))
    return e.floating(e.builder.select(_is_zero(e, bits), e.like(bits, 0), value))


def power(e: Emitter, x: Value) -> Value:
    """Sign and power of two of a float32: x = power * significand. A signed zero for zeros."""
    return e.masked(x, SIGN_EXPONENT)


def exponent(e: Emitter, x: Value) -> Value:
    """The word of ``power``, with the exponent field of 1 for zeros."""
    bits = e.integer(x)
    field = e.builder.and_(bits, e.like(bits, SIGN_EXPONENT))
    one = e.builder.or_(field, e.like(bits, ONE))
    return e.builder.select(_is_zero(e, bits), one, field)


def _is_zero(e: Emitter, bits: Value) -> Value:
    return e.builder.icmp_unsigned("==", e.builder.and_(bits, e.like(bits, 0x7FFFFFFF)), e.like(bits, 0))


def one_binade(low: int, high: int, top: int) -> bool:
    """Whether (A & H)(B & T) of 24-bit significands always leads with bit 46, and P with bit 47 or 48.

    2 (A & H)(B & T) is then in [2^47, 2^48): it holds both hidden bits, and the largest one stays below.
    """
    return bool(high & top & HIDDEN) and high * top < 1 << 47 and low & high == 0
