"""Truncated float32 products in float32 lanes, by instructions that round toward zero (arithmetic.md section 6).

One body, two dialects: AVX-512 puts the rounding into each instruction; AVX2 has it in the control register MXCSR, so
products are computed a block at a time under rounding toward zero, staged in the first-level cache, and added under
rounding to nearest.
"""

from __future__ import annotations

from llvmlite import ir

from golden.catalogue import Multiplier
from golden.kernels.body import Body, Range, Streams, masked_part, one_binade, power, significand, split
from golden.kernels.double import Double
from golden.kernels.emit import F32, I32, Emitter, constant

__all__ = ["Avx2", "Avx512", "Directed"]


class Directed(Body):
    """r = the exponent of yh, the fraction of s (``halve``), or s (``widen``).

        yh = mul_toward_zero(c, t);  yl = fma(c, t, -yh)
        z  = fma_toward_zero(l, b, yl);  s = add_toward_zero(yh, z)

    In units of u = 2^(x+y-46), so that P is an integer: c t lies in [2^47, 2^48) (``one_binade``), hence yh is a
    multiple of 2^24 and yl = c t - yh, below 2^24, is exact. v = l b + yl is below 2^49; z truncates it to a multiple
    of 2^25 or a finer power of two, and s truncates yh + z to 24 bits: to a multiple of 2^24 while P < 2^48, else of
    2^25. Wherever z drops multiples of 2^25, v >= 2^48 makes P >= 2^48. Truncations to ever coarser powers of two nest,
    and yh is itself a multiple of 2^24; for P >= 2^48 the last truncation is that of yh + v to 2^25. So s = P truncated.
    Under ``halve`` the exponent is that of c t, carried beyond or not.

    Range, with e = ea + eb - 127: yl is exact if c t is a multiple of 2^-149. c's last bit is H's lowest, h, t's is
    T's lowest plus one, k + 1: 2^(x+y-46+h+k+1) >= 2^-149, e >= 23 - h - k: 19 for n = 4, 20 for n = 3, 21 for n = 2.
    Larger blocks keep the 19, which leaves z's truncation at multiples of 2^-149 far below 2^24 u. t is finite for
    eb <= 253, s for e + 2 <= 254. No specials; zeros give zeros of the right sign.

    The exact product is mul_toward_zero(a, b): 1 <= e, e + 1 <= 254.

    ``normalised`` instances work on significands and add 2^x 2^y s as ``Double`` does, which saves an instruction where
    no instruction selects bits, and all of the range conditions but 1 <= e and those of the sum.
    """

    normalised = False

    def __init__(self, m: Multiplier) -> None:
        super().__init__(m)
        self.exact = m.design.is_exact
        self.halve = m.carry == "halve"
        self.scaled = self.normalised and self.halve
        self.activations = self.weights = (F32,) if self.exact else (F32,) * (3 if self.scaled else 2)

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """What ``Double`` accepts."""
        return Double.accepts(m)

    def covers(self, a: Range, b: Range) -> bool:
        """See the class."""
        least, greatest = a.least + b.least - 127, a.greatest + b.greatest - 127
        if max(a.greatest, b.greatest) > 254:
            return False
        if self.exact or self.scaled:
            return least >= 1 and greatest + 1 <= 254
        lowest = (self.high & -self.high).bit_length() + (self.top & -self.top).bit_length() - 2
        return least >= max(19, 23 - lowest) and greatest + 2 <= 254 and b.greatest <= 253

    def activation(self, e: Emitter, a: ir.Value, scalar: bool) -> Streams:
        """l and c; normalised, 2^x too."""
        if self.exact:
            return (a,)
        if self.scaled:
            return (*split(e, significand(e, a), self.low, self.high), power(e, a))
        return split(e, a, self.low, self.high)

    def weight(self, e: Emitter, b: ir.Value, scalar: bool) -> Streams:
        """b and t; normalised, 2^y too."""
        if self.exact:
            return (b,)
        value = significand(e, b) if self.scaled else b
        t = masked_part(e, value, self.top)
        parts = value, e.builder.fadd(t, t)
        return (*parts, power(e, b)) if self.scaled else parts

    def product(self, e: Emitter, a: Streams, b: Streams) -> ir.Value:
        """r, or s where ``add`` scales it."""
        build = e.builder
        if self.exact:
            return self.toward_zero(e, "mul", a[0], b[0])
        yh = self.toward_zero(e, "mul", a[1], b[1])
        yl = self.toward_zero(e, "fma", a[1], b[1], build.fneg(yh))  # exact in any rounding
        s = self.toward_zero(e, "add", yh, self.toward_zero(e, "fma", a[0], b[0], yl))
        if not self.halve:
            return s
        bits = e.integer(s)
        if self.scaled:
            # s is in [2, 8): exponent fields 128 and 129; halving the second is clearing its last bit.
            return e.floating(build.and_(bits, e.like(bits, 0xFF7FFFFF)))
        fraction = build.and_(bits, e.like(bits, 0x7FFFFF))
        return e.floating(build.or_(fraction, e.integer(power(e, yh))))

    def add(self, e: Emitter, acc: ir.Value, r: ir.Value, a: Streams, b: Streams) -> ir.Value:
        """Add r, or 2^x 2^y r."""
        if not self.scaled:
            return super().add(e, acc, r, a, b)
        scale = e.builder.fmul(a[2], b[2])
        if e.element(acc) == F32:
            return e.call("llvm.fma", scale, r, acc)
        return super().add(e, acc, e.builder.fmul(scale, r), a, b)

    def toward_zero(self, e: Emitter, operation: str, *values: ir.Value) -> ir.Value:
        """``mul``, ``fma`` or ``add`` rounded toward zero."""
        raise NotImplementedError


class Avx512(Directed):
    """Embedded rounding: the mode is part of each instruction, no matter what MXCSR says."""

    name = kernel = "avx512"
    lanes = 16
    outputs = 6
    features = frozenset({"avx512f", "avx512dq", "avx512vl"})

    def toward_zero(self, e: Emitter, operation: str, *values: ir.Value) -> ir.Value:
        """{rz-sae} forms: rounding operand 3 (toward zero) plus 8 (suppress exceptions)."""
        symbol = {"mul": "mul.ps.512", "add": "add.ps.512", "fma": "vfmadd.ps.512"}[operation]
        return e.declared(f"llvm.x86.avx512.{symbol}", values[0].type, *values, constant(I32, 11))


class Avx2(Directed):
    """Phases: MXCSR toward zero for a block of products, to nearest for their sums.

    Constrained intrinsics tell LLVM that the mode is not the default, so that it keeps the operations where they are.
    """

    name = kernel = "avx2"
    outputs = 8
    phases = 64
    normalised = True
    features = frozenset({"avx2", "fma"})

    def begin(self, e: Emitter) -> None:
        """Round toward zero: all exceptions masked (0x1F80), rounding control 3, no FTZ, no DAZ."""
        _load_mxcsr(e, 0x7F80)

    def end(self, e: Emitter) -> None:
        """Round to nearest."""
        _load_mxcsr(e, 0x1F80)

    def toward_zero(self, e: Emitter, operation: str, *values: ir.Value) -> ir.Value:
        """Constrained operations under the mode that ``begin`` set."""
        return e.constrained({"mul": "fmul", "add": "fadd", "fma": "fma"}[operation], *values)


def _load_mxcsr(e: Emitter, value: int) -> None:
    slot = e.slot(I32)
    e.store(constant(I32, value), slot)
    e.declared("llvm.x86.sse.ldmxcsr", ir.VoidType(), slot)
