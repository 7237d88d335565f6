"""The floating-point multiplier: unpack, significand product, normalise, round, pack.

Only the significand product differs between exact and approximate multipliers; the rest is shared, and the normaliser
is as small as the product allows. In: two words; out: their product, ``stages`` cycles later.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden import catalogue
from golden.catalogue import Multiplier
from golden.formats import Format
from hdl.bits import Bit, Word, and_, not_, or_, wire
from hdl.delays import TECHNOLOGIES, either, unpacked
from hdl.fields import pack, unpack
from hdl.leading import leading_one
from hdl.limits import check_stages
from hdl.normalise import any_low_bit, exponent_base, exponent_range, normalise, round_product, unread_bits
from hdl.pipeline import ENABLE, Cut, Path, alongside, pipeline
from hdl.significand import check_hardware, significand_product

__all__ = ["FloatMultiplier", "multiplier_path"]

# Estimated delays of the segments, in units of one two-input gate (hdl.delays).
EXPONENT_DELAY = 16.0
ROUND_OPERANDS_DELAY = 14.0
SHIFT_DELAY, SHIFT_LUTS_DELAY = 7.0, 4.0
DETECT_DELAY = 4.0
PACK_DELAY = 8.0
CHOOSE_DELAY = 4.0


def multiplier_path(
    m: Module, words: tuple[Word, Word], multiplier: Multiplier, *, tree: str = "dadda", zero: Bit = 0, bypass: Bit = 0
) -> Path:
    """Multiply two words: a datapath (see ``hdl.pipeline``) that returns y, for use inside larger datapaths.

    Parameters
    ----------
    m : Module
        Receives the logic.
    words : pair of Word
        Activation and weight.
    multiplier : Multiplier
        What to build.
    tree : str
        Compressor tree, as for ``FloatMultiplier``.
    zero : bit
        Makes the activation count as zero of its sign, whatever its magnitude.
    bypass : bit
        Makes the product -0, whatever the operands.

    Returns
    -------
    Word
        The product word.
    """
    fmt = multiplier.format
    reach = leading_one(multiplier)

    # Unpack. A NaN, or infinity times zero, gives NaN, which outweighs infinity.
    a, b = (unpack(m, word, fmt, multiplier.operands, name) for word, name in zip(words, "ab", strict=True))
    a = replace(a, special=and_(not_(zero), a.special), zero=or_(zero, a.zero))
    low, high = exponent_range(multiplier, reach)
    exponent = Signal(signed(max(low.bit_length(), high.bit_length()) + 1), name="exponent")
    m.d.comb += exponent.eq(a.exponent + b.exponent + a.carry + b.carry + exponent_base(multiplier, reach))
    nan = (a.special & (a.full | b.zero)) | (b.special & (b.full | a.zero))
    side = {
        "sign": wire(m, or_(bypass, a.sign ^ b.sign), "sign"),
        "nan": wire(m, and_(not_(bypass), nan), "nan"),
        "infinite": wire(m, and_(not_(bypass), a.special | b.special), "infinite"),
        "zero": wire(m, or_(bypass, a.zero | b.zero), "zero"),
    }
    fractions = [wire(m, a.fraction, "a_fraction"), wire(m, b.fraction, "b_fraction")]
    rounds = fmt.dropped_bits and multiplier.operands == "nearest"
    delay = unpacked(ROUND_OPERANDS_DELAY if rounds else 0.0, EXPONENT_DELAY)
    fractions, exponent, side = yield Cut(delay, (fractions, exponent, side))

    # The raw core. The hidden bit is a constant 1: an operand without it counts as zero.
    significands = [[*fraction, 1] for fraction in fractions]
    # Rounding to nearest reads the bits from p-2 on, and of those below whether one is 1: of an exact product that is
    # known beside it, and so nothing waits for their sums or keeps them.
    low = multiplier.precision - 2 if multiplier.design.is_exact and multiplier.product == "nearest" else 0
    low_bits: list[Word] = [any_low_bit(m, *significands, count=low)] if low else []
    unread = low or unread_bits(multiplier, reach)
    core = significand_product(m, multiplier.design, *significands, tree=tree, unread=unread)
    product, (exponent, side, low_bits) = yield from alongside(core, (exponent, side, low_bits))
    if low:
        product = Cat(Const(0, low - 1), *low_bits, product[low:])

    fraction, exponent, empty = normalise(m, multiplier, reach, product, exponent)
    fraction, empty = wire(m, fraction, "normalised_fraction"), wire(m, empty, "product_zero")
    steps = (reach.count - 1).bit_length()
    detect = DETECT_DELAY if steps > 1 else 0.0
    shift = either(steps * SHIFT_DELAY + detect, luts=steps * SHIFT_LUTS_DELAY + detect)
    (fraction, exponent, empty), side = yield Cut(shift, ((fraction, exponent, empty), side))

    rounding = round_product(m, multiplier, fraction, exponent)
    (fraction, exponent, carry), (empty, side) = yield from alongside(rounding, (empty, side))
    fraction = wire(m, fraction, "result_fraction")
    y = _pack(m, fmt, fraction, exponent, side, empty, 0)
    if carry is not None:
        # The fraction's carry comes last. With it the fraction is 0, whatever the exponent then says, so it only has to
        # choose between exponents.
        low = fmt.word_fraction_bits
        after = _pack(m, fmt, Const(0, low), exponent, side, empty, 1)
        y = Cat(y[:low], Mux(carry, after[low:-1], y[low:-1]), y[-1])
    y = wire(m, y, "y_packed")
    return (yield Cut(PACK_DELAY if carry is None else CHOOSE_DELAY, y))


def _pack(
    m: Module, fmt: Format, fraction: Word, exponent: dict, side: dict[str, Word], empty: Word, carry: int
) -> Word:
    """The result's word, where rounding carries or where it does not."""
    # Infinity and zero from the exponent, after rounding. An infinite operand outweighs both, a zero operand or product
    # outweighs overflow.
    empty = side["zero"] | empty
    overflow, underflow = exponent["overflow"][carry], exponent["underflow"][carry]
    return pack(
        fmt,
        sign=side["sign"],
        nan=side["nan"],
        infinite=side["infinite"] | (~empty & overflow),
        zero=~side["infinite"] & (empty | underflow),
        exponent=wire(m, (exponent["field"] + carry)[: fmt.exponent_bits], f"result_exponent_{carry}"),
        fraction=fraction,
    )


class FloatMultiplier(wiring.Component):
    """y = mul(a, b) for any multiplier of the catalogue.

    Parameters
    ----------
    multiplier : Multiplier or str
        What to build, or its name.
    stages : int
        Registers between operands and result: 0 is combinational, otherwise the latency in cycles of the ``sync``
        domain. A new pair is taken every cycle.
    tree : str
        Compressor tree: ``dadda``, ``wallace``, ``four-two`` or ``plain``; or, of an exact product, ``booth``, the rows
        of radix-4 digits in a Dadda tree, or ``operator``, which leaves it to the synthesiser.
    technology : str
        What it is to be built of, a name in ``hdl.delays.TECHNOLOGIES``: where registers go depends on it, and nothing
        else.
    overrides : bool
        Whether there are ports ``zero`` and ``bypass``.

    Members
    -------
    a, b : In(word_bits)
        Activation and weight, words of ``multiplier.format``.
    y : Out(word_bits)
        The product, ``stages`` cycles after its operands.
    zero, bypass : In(1)
        Present where ``overrides``. They come with the operands: the activation counts as zero whatever its magnitude,
        or the product is -0 whatever the operands.
    en : In(1)
        Present where ``stages > 0``: while it is 0 the whole pipeline stands still.

    Raises
    ------
    InvalidInput
        If the multiplier or tree is unknown, ``stages`` is negative, or the design has no hardware.
    InvalidType
        If ``stages`` is not a whole number.
    """

    a: Any
    b: Any
    y: Any
    zero: Any
    bypass: Any
    en: Any

    def __init__(
        self,
        multiplier: Multiplier | str,
        *,
        stages: int = 0,
        tree: str = "dadda",
        technology: str = "cells",
        overrides: bool = False,
    ) -> None:
        self.multiplier = catalogue.multiplier(multiplier)
        self.stages = check_stages(stages)
        check_hardware(self.multiplier.design, tree)
        self.tree = tree
        width = self.multiplier.format.word_bits
        members: dict[str, Any] = {"a": In(width), "b": In(width), "y": Out(width)}
        self.technology = TECHNOLOGIES.look_up(technology).name
        self.overrides = overrides
        if overrides:
            members |= {"zero": In(1), "bypass": In(1)}
        if stages:
            members["en"] = ENABLE
        super().__init__(wiring.Signature(members))

    def elaborate(self, platform: object) -> Module:
        """Build the module."""
        m = Module()

        def path(m: Module, inputs: tuple[Word, Word, Bit, Bit]) -> Path:
            a, b, zero, bypass = inputs
            return multiplier_path(m, (a, b), self.multiplier, tree=self.tree, zero=zero, bypass=bypass)

        y = pipeline(
            m,
            path,
            (self.a, self.b, *((self.zero, self.bypass) if self.overrides else (0, 0))),
            stages=self.stages,
            en=self.en if self.stages else None,
            technology=self.technology,
        )
        m.d.comb += self.y.eq(y)
        return m
