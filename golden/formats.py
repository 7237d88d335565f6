"""Floating-point formats as a table of traits."""

from __future__ import annotations

from dataclasses import dataclass

from golden.checks import check_count
from golden.registry import Registry

__all__ = ["FORMATS", "FP32", "Format"]


@dataclass(frozen=True)
class Format:
    """A binary floating-point format, and the word that carries its values.

    A word is sign, biased exponent, fraction. Formats narrower than their word keep the top ``fraction_bits`` of the
    word's fraction: bfloat16 and the ``e8m*`` formats travel in FP32 words.

    Parameters
    ----------
    name : str
        The name in the catalogue's dial.
    exponent_bits : int
        Width of the biased exponent, the same in format and word.
    fraction_bits : int
        Width of the fraction that takes part in a product (without the hidden bit).
    word_fraction_bits : int
        Width of the fraction field of the word that carries operands and results.
    """

    name: str
    exponent_bits: int
    fraction_bits: int
    word_fraction_bits: int

    def __post_init__(self) -> None:
        this = f"format {self.name!r}:"
        check_count(f"{this} exponent_bits", self.exponent_bits, 2, 8)
        check_count(f"{this} word_fraction_bits", self.word_fraction_bits, 1, 23)
        check_count(f"{this} fraction_bits", self.fraction_bits, 1, self.word_fraction_bits, "as its word has no more")

    @property
    def precision(self) -> int:
        """Significand bits p, the hidden bit included."""
        return self.fraction_bits + 1

    @property
    def bias(self) -> int:
        """Exponent bias."""
        return (1 << (self.exponent_bits - 1)) - 1

    @property
    def exponent_mask(self) -> int:
        """The all-ones biased exponent of infinities and NaNs (255 for FP32)."""
        return (1 << self.exponent_bits) - 1

    @property
    def dropped_bits(self) -> int:
        """Low fraction bits of the word that the format does not hold."""
        return self.word_fraction_bits - self.fraction_bits

    @property
    def word_bits(self) -> int:
        """Width of an operand or result word."""
        return 1 + self.exponent_bits + self.word_fraction_bits


FP32 = Format("fp32", 8, 23, 23)

FORMATS = Registry(
    "format",
    {
        f.name: f
        for f in (
            FP32,
            Format("bfloat16", 8, 7, 23),
            *(Format(f"e8m{m}", 8, m, 23) for m in range(1, 11)),
            # Small enough to try every operand pair; IEEE-style specials, unlike OCP's 8-bit formats.
            Format("toy", 4, 3, 3),
            Format("toy-m2", 4, 2, 3),
            Format("toy-m1", 4, 1, 3),
        )
    },
    of=Format,
)
"""Every named format. Those of 8 exponent bits are carried in FP32 words, the toy ones in 8-bit words."""
