"""Truncated float32 products in float32 lanes, by instructions that round toward zero (arithmetic.md section 6).

One body, two dialects: AVX-512 puts the rounding into each instruction; AVX2 has it in the control register MXCSR, so
products are computed a block at a time under rounding toward zero, staged in the first-level cache, and added under
rounding to nearest.
"""

from __future__ import annotations

from llvmlite import ir

from golden.catalogue import Multiplier
from golden.kernels.bodies.body import Body, Range, Streams, masked_part, power, split
from golden.kernels.bodies.float64_lanes import Double
from golden.kernels.emit import F32, I32, Emitter, Value, constant

__all__ = ["Avx2", "Avx512", "Directed"]


class Directed(Body):
    """r = the exponent of yh, the fraction of s (``halve``), or s (``widen``).

        yh = mul_toward_zero(c, t);  yl = fma(c, t, -yh)
        z  = fma_toward_zero(l, b, yl);  s = add_toward_zero(yh, z)

    In units of u = 2^(x+y-46), so that P is an integer: c t lies in [2^47, 2^48) (``one_binade``), hence yh is a
    multiple of 2^24 and yl = c t - yh, below 2^24, is exact. v = l b + yl is below 2^49, so z drops at most its bits
    below 2^24, or below 2^25 if v >= 2^48. s = trunc(yh + z) drops the bits of the sum below 2^24, or below 2^25 from
    2^48 on, where v >= 2^48 takes it in any case. Truncations to ever coarser powers of two nest, and yh has no bits
    below 2^24 that z's truncation could have hidden: s is P = yh + v, truncated to 24 bits.
    Under ``halve`` the exponent is that of c t, carried beyond or not.

    Range, with e = ea + eb - 127: yl is exact if c t is a multiple of 2^-149. c's last bit is H's lowest, h, t's is
    T's lowest plus one, k + 1: 2^(x+y-46+h+k+1) >= 2^-149, e >= 23 - h - k: 19 for n = 4, 20 for n = 3, 21 for n = 2.
    Larger blocks keep the 19, which leaves z's truncation at multiples of 2^-149 far below 2^24 u. t is finite for
    eb <= 253, s for e + 2 <= 254. No specials.

    The exact product is mul_toward_zero(a, b): 1 <= e, e + 1 <= 254.
    """

    def __init__(self, m: Multiplier) -> None:
        super().__init__(m)
        self.exact = m.design.is_exact
        self.halve = m.carry == "halve"
        self.activations = self.weights = (F32,) if self.exact else (F32, F32)

    @property
    def signs_zeros(self) -> bool:
        """Under ``widen`` -0 comes out as +0 (yl = x - x is +0, and +0 - 0 too); ``halve`` has its sign from yh."""
        return self.halve or self.exact

    @classmethod
    def accepts(cls, m: Multiplier) -> bool:
        """What ``Double`` accepts."""
        return Double.accepts(m)

    def covers(self, a: Range, b: Range) -> bool:
        """See the class."""
        least, greatest = a.least + b.least - 127, a.greatest + b.greatest - 127
        if max(a.greatest, b.greatest) > 254:
            return False
        if self.exact:
            return least >= 1 and greatest + 1 <= 254
        lowest = (self.high & -self.high).bit_length() + (self.top & -self.top).bit_length() - 2
        return least >= max(19, 23 - lowest) and greatest + 2 <= 254 and b.greatest <= 253

    def activation(self, e: Emitter, a: Value, scalar: bool) -> Streams:
        """l and c."""
        return (a,) if self.exact else split(e, a, self.low, self.high)

    def weight(self, e: Emitter, b: Value, scalar: bool) -> Streams:
        """b and t."""
        if self.exact:
            return (b,)
        t = masked_part(e, b, self.top)
        return b, e.builder.fadd(t, t)

    def product(self, e: Emitter, a: Streams, b: Streams) -> Value:
        """r."""
        build = e.builder
        if self.exact:
            return self.toward_zero(e, "mul", a[0], b[0])
        yh = self.toward_zero(e, "mul", a[1], b[1])
        yl = self.toward_zero(e, "fma", a[1], b[1], build.fneg(yh))  # exact in any rounding
        s = self.toward_zero(e, "add", yh, self.toward_zero(e, "fma", a[0], b[0], yl))
        if not self.halve:
            return s
        bits = e.integer(s)
        fraction = build.and_(bits, e.like(bits, 0x7FFFFF))
        return e.floating(build.or_(fraction, e.integer(power(e, yh))))

    def toward_zero(self, e: Emitter, operation: str, *values: Value) -> Value:
        """``mul``, ``fma`` or ``add`` rounded toward zero."""
        raise NotImplementedError


class Avx512(Directed):
    """Embedded rounding: the mode is part of each instruction, no matter what MXCSR says."""

    name = kernel = "avx512"
    lanes = 16
    outputs = 8
    derives_from = 160
    features = frozenset({"avx512f", "avx512dq", "avx512vl"})

    def toward_zero(self, e: Emitter, operation: str, *values: Value) -> Value:
        """{rz-sae} forms: rounding operand 3 (toward zero) plus 8 (suppress exceptions)."""
        symbol = {"mul": "mul.ps.512", "add": "add.ps.512", "fma": "vfmadd.ps.512"}[operation]
        return e.declared(f"llvm.x86.avx512.{symbol}", values[0].type, *values, constant(I32, 11))


class Avx2(Directed):
    """Phases: MXCSR toward zero for a block of products, to nearest for their sums.

    Constrained intrinsics tell LLVM that the mode is not the default, so that it keeps the operations where they are.
    """

    name = kernel = "avx2"
    lanes = 16  # two vectors: independent operations side by side, and half the broadcasts
    outputs = 4
    phases = 32
    features = frozenset({"avx2", "fma"})

    def begin(self, e: Emitter) -> None:
        """Round toward zero: all exceptions masked (0x1F80), rounding control 3, no FTZ, no DAZ."""
        _load_mxcsr(e, 0x7F80)

    def end(self, e: Emitter) -> None:
        """Round to nearest."""
        _load_mxcsr(e, 0x1F80)

    def toward_zero(self, e: Emitter, operation: str, *values: Value) -> Value:
        """Constrained operations under the mode that ``begin`` set."""
        return e.constrained({"mul": "fmul", "add": "fadd", "fma": "fma"}[operation], *values)


def _load_mxcsr(e: Emitter, value: int) -> None:
    slot = e.slot(I32)
    e.store(constant(I32, value), slot)
    e.declared("llvm.x86.sse.ldmxcsr", ir.VoidType(), slot)
