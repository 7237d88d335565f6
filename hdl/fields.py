"""The fields of a floating-point word: unpacking operands, packing results."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux

from golden.formats import Format
from hdl.bits import Word, wire

__all__ = ["Operand", "pack", "unpack"]


@dataclass(frozen=True)
class Operand:
    """An unpacked operand: its class, decided on the full word, and the number that the significand product sees.

    Parameters
    ----------
    sign : Word
        Sign bit.
    special, full, zero : Word
        Whether the exponent is that of infinity and NaN; whether the fraction, unrounded, is not 0; whether the operand
        counts as zero, as subnormals do.
    exponent : Word
        Biased exponent of the word.
    fraction : Word
        The p-1 fraction bits of the format.
    carry : Word
        Whether rounding the fraction carried into the exponent, which is left to the sum of exponents.
    """

    sign: Word
    special: Word
    full: Word
    zero: Word
    exponent: Word
    fraction: Word
    carry: Word


def unpack(m: Module, word: Word, fmt: Format, rounding: str, name: str) -> Operand:
    """Split a word into its class, biased exponent and fraction, rounded to the format.

    Parameters
    ----------
    m : Module
        Receives the logic.
    word : Word
        ``fmt.word_bits`` bits.
    fmt : Format
        Traits of the format.
    rounding : str
        ``truncate``, or ``nearest`` (ties to even).
    name : str
        Prefix of the wires.
    """
    low, dropped = fmt.word_fraction_bits, fmt.dropped_bits
    fraction, exponent, sign = word[:low], word[low:-1], word[-1]
    special = wire(m, exponent.all(), f"{name}_special")
    full = wire(m, fraction.any(), f"{name}_full")
    zero = wire(m, ~exponent.any(), f"{name}_zero")

    kept, carry = fraction[dropped:], Const(0, 1)
    if dropped and rounding == "nearest":
        # Half of the last place, plus the last place itself where it is odd, makes ties go to even.
        half, odd = word[dropped - 1], word[dropped]
        sticky = word[: dropped - 1].any() if dropped > 1 else 0
        # It carries where all kept bits are 1, the odd one among them: known without the sum.
        carry = wire(m, kept.all() & half, f"{name}_carry")
        kept = wire(m, (kept + (half & (sticky | odd)))[: len(kept)], f"{name}_rounded")
    return Operand(sign=sign, special=special, full=full, zero=zero, exponent=exponent, fraction=kept, carry=carry)


def pack(fmt: Format, *, sign: Word, nan: Word, infinite: Word, zero: Word, exponent: Word, fraction: Word) -> Word:
    """Assemble the result word.

    Parameters
    ----------
    fmt : Format
        Traits of the format.
    sign : Word
        Sign of the result.
    nan, infinite, zero : Word
        Classes; ``nan`` goes before the others, of which at most one is set.
    exponent, fraction : Word
        The fields of any other result.
    """
    # NaN is quiet and positive: 0x7FC00000 in an FP32 word.
    special: Word = nan | infinite
    blank: Word = special | zero
    low = fmt.word_fraction_bits
    exponent_field = Mux(blank, Cat(*[special] * fmt.exponent_bits), exponent[: fmt.exponent_bits])
    fraction_field = Mux(blank, Cat(Const(0, low - 1), nan), fraction)
    return Cat(fraction_field, exponent_field, sign & ~nan)
