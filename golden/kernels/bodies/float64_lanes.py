"""Truncated float32 products in float64 lanes: vector instructions that every CPU has, no directed rounding."""

from __future__ import annotations

from golden.catalogue import Multiplier
from golden.kernels.bodies.body import ONE, Body, Range, Streams, exponent, masked_part, one_binade, significand, split
from golden.kernels.emit import F64, I32, Emitter, Value, vector
from golden.significand import closed_form

__all__ = ["Double"]

SCALE = 2.0**-896
CARRY = 0xFF7FFFFF


class Double(Body):
    """acc = fma(2^x 2^y, s, acc), s the truncated significand product from float64 lanes.

    A = a's significand in [1, 2), B = b's; p = fma(A & L, B, 2 (A & H)(B & T)) is exact: P < 2^(2p+1) <= 2^49 needs at
    most 49 of 53 bits. The scalar operand carries a factor of 2^-896, exactly, which makes a float64's exponent field
    that of the float32 of the same value (1023 - 896 = 127): at most 129 here, so that its upper bits are zero. Shifted
    left by three, p's upper half is then the float32 s: a sign of 0, the exponent, the fraction truncated to 23 bits.
    The other vector is shifted right by 29, which brings the same bits to its lower half, and a blend joins the two.

    P / 2^46 = s lies in [2, 8) (``one_binade``), or in [1, 4) for the exact product. r = 2^x 2^y s, with s halved where
    it is 4 or more under ``halve``: exponent fields of 128 and 129 differ in their last bit, so clearing it is enough.
    The words of 2^x and 2^y, less one bias, add up to that of 2^x 2^y: signs modulo 2, fields without carry. Zeros have
    significands of zero and the field of 1. r is representable, so one fma adds it.

    Range, with e = ea + eb - 127: 2^x 2^y is normal for 1 <= e <= 254; r is finite for e + 1 <= 254 under ``halve`` and
    for the exact product, e + 2 <= 254 under ``widen``; no specials.
    """

    name = "double"
    derives_images = True
    derives_from = 17

    def __init__(self, m: Multiplier) -> None:
        super().__init__(m)
        self.exact = m.design.is_exact
        self.activations = self.weights = (I32, F64) if self.exact else (I32, F64, F64)

    @property
    def order(self) -> tuple[int, ...]:
        """Of every eight elements, lower halves come from 0 .. 3 and upper halves from 4 .. 7."""
        return tuple(lane for pair in zip(*self._halves(), strict=True) for lane in pair)

    def _halves(self) -> tuple[list[int], list[int]]:
        lanes = range(self.lanes)
        return [lane for lane in lanes if lane % 8 < 4], [lane for lane in lanes if lane % 8 >= 4]

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """Closed forms on FP32, truncated, under ``halve``, ``widen`` or without carry."""
        masks = closed_form(m.design, m.precision)
        if masks is None or m.precision != 24 or m.product != "truncate" or m.carry == "wrap":
            return False
        return m.design.is_exact or one_binade(*masks)

    def covers(self, a: Range, b: Range) -> bool:
        """See the class."""
        top = 2 if self.m.carry == "widen" else 1
        return (
            a.least + b.least - 127 >= 1
            and a.greatest + b.greatest - 127 + top <= 254
            and max(a.greatest, b.greatest) <= 254
        )

    def _streams(self, e: Emitter, x: Value, parts: Streams, factors: Streams, scalar: bool) -> Streams:
        wide = [e.to(part, F64) for part in parts]
        scaled = [
            part if factor == 1 else e.builder.fmul(part, e.like(part, factor))
            for part, factor in zip(wide, factors, strict=True)
        ]
        field = exponent(e, x)
        # One of the two goes without its bias, the vector's: zeros, of padding too, are then words of zeros.
        return (field if scalar else e.builder.sub(field, e.like(field, ONE)), *scaled)

    def activation(self, e: Emitter, a: Value, scalar: bool) -> Streams:
        """The word of 2^x, A & L and A & H."""
        value = significand(e, a)
        parts = (value,) if self.exact else split(e, value, self.low, self.high)
        factors = (SCALE, 2 * SCALE)[: len(parts)] if scalar else (1,) * len(parts)
        return self._streams(e, a, parts, factors, scalar)

    def weight(self, e: Emitter, b: Value, scalar: bool) -> Streams:
        """The word of 2^y, B and B & T."""
        value = significand(e, b)
        parts = (value,) if self.exact else (value, masked_part(e, value, self.top))
        factors = (SCALE, 2 * SCALE)[: len(parts)] if scalar else (1,) * len(parts)
        return self._streams(e, b, parts, factors, scalar)

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """s, before its power of two."""
        build = e.builder
        words = []
        for half, lanes in enumerate(self._halves()):
            (x, *more_x), (y, *more_y) = ([e.shuffle(v, v, lanes) for v in s[1:]] for s in (a, b))
            p = build.fmul(x, y) if self.exact else e.multiply_add(x, y, build.fmul(more_x[0], more_y[0]))
            bits = e.integer(p)
            moved = build.lshr(bits, e.like(bits, 29)) if half == 0 else build.shl(bits, e.like(bits, 3))
            words.append(build.bitcast(moved, vector(I32, self.lanes)))
        word = e.shuffle(words[0], words[1], [lane + self.lanes * (lane % 2) for lane in range(self.lanes)])
        if self.m.carry == "halve":
            word = build.and_(word, e.like(word, CARRY))
        return e.floating(word)

    def add(self, e: Emitter, acc: Value, r: Value, a: Streams, b: Streams) -> Value:
        """Add 2^x 2^y s."""
        x, y = (e.shuffle(field, field, self.order) for field in (a[0], b[0]))
        scale = e.floating(e.builder.add(x, y))
        if e.element(acc) == F64:
            return super().add(e, acc, e.builder.fmul(scale, r), a, b)
        return e.multiply_add(scale, r, acc)
