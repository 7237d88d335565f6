r"""The processing element of a weight-stationary array: one multiplier, one adder, one weight and its successor.

::

                      w    p (sum from above)
                      |    |
                  [shadow] |
             swap --> |    |
                  [weight] |
                      |    |
    a --[reg]--+--> multiply --> add
               |                  |
               |                [reg]
               v                  |
             a_out                p_out (sum to below)

Activations go to the right, one register per element. Sums go down. The shadow register takes the next tile's weight
while this one is in use; an activation that is the first of its tile makes the shadow the weight.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.catalogue import Multiplier
from golden.formats import Format
from hdl.adder import FloatAdder
from hdl.bits import Word
from hdl.checks import CheckedComponent, check_multiplier
from hdl.limits import check_adder_stages
from hdl.multiplier import FloatMultiplier
from hdl.pipeline import ENABLE

__all__ = ["ProcessingElement", "delay", "pe_signature"]


def delay(m: Module, value: Word, cycles: int, en: Value, name: str) -> Word:
    """Delay a word by a number of enabled cycles; the registers reset to 0."""
    for k in range(cycles):
        register = Signal(Value.cast(value).shape(), name=f"{name}_{k + 1}")
        with m.If(en):
            m.d.sync += register.eq(value)
        value = register
    return value


def pe_signature(fmt: Format) -> wiring.Signature:
    """Ports of a processing element for words of a format."""
    word = fmt.word_bits
    return wiring.Signature(
        {
            "en": ENABLE,
            "a": In(word),
            "a_valid": In(1),
            "a_first": In(1),
            "a_bypass": In(1),
            "a_out": Out(word),
            "a_out_valid": Out(1),
            "a_out_first": Out(1),
            "a_out_bypass": Out(1),
            "p": In(word),
            "p_valid": In(1),
            "p_last": In(1),
            "p_out": Out(word),
            "p_out_valid": Out(1),
            "p_out_last": Out(1),
            "w": In(word),
            "w_load": In(1),
        }
    )


class ProcessingElement(CheckedComponent):
    """p_out = add(p, mul(a, weight)).

    Parameters
    ----------
    multiplier : Multiplier or str
        The multiplier, or its name.
    stages : int
        Registers in the multiplier, of which the last holds the product; 0 joins multiplier and adder.
    adder_stages : int, optional
        Registers in the adder, of which the last holds ``p_out``: at least 1. By default as ``stages``, at least 1.
    tree : str
        Compressor tree, as for ``hdl.multiplier.FloatMultiplier``.

    Members
    -------
    en : In(1)
        While it is 0, every register keeps its value; all times below are in cycles where it is 1.
    a, a_valid, a_first, a_bypass : In
        An activation word; whether there is one; whether it is the first of a tile, and so makes the shadow the weight;
        whether its product is replaced by -0, which leaves every sum as it is, one of -0 included.
    a_out, a_out_valid, a_out_first, a_out_bypass : Out
        The same, one cycle later, for the element to the right.
    p, p_valid, p_last : In
        The sum so far, which arrives ``1 + stages`` cycles after its activation, and tags that travel with it.
    p_out, p_out_valid, p_out_last : Out
        The sum with this element's product, ``adder_stages`` cycles after ``p``, and its tags.
    w, w_load : In
        A weight, and whether the shadow register takes it. In the very cycle of a first activation the weight that is
        replaced is still the one that goes into use.

    Raises
    ------
    InvalidInput
        If the multiplier or tree is unknown or has no hardware, or a number of registers is too small.
    InvalidType
        If a number of registers is not a whole number.
    """

    en: Any
    a: Any
    a_valid: Any
    a_first: Any
    a_bypass: Any
    a_out: Any
    a_out_valid: Any
    a_out_first: Any
    a_out_bypass: Any
    p: Any
    p_valid: Any
    p_last: Any
    p_out: Any
    p_out_valid: Any
    p_out_last: Any
    w: Any
    w_load: Any

    def __init__(
        self, multiplier: Multiplier | str, *, stages: int = 1, adder_stages: int | None = None, tree: str = "dadda"
    ) -> None:
        self.multiplier = check_multiplier(multiplier, tree)
        self.stages, self.tree = stages, tree
        self.adder_stages = check_adder_stages(stages, adder_stages)
        super().__init__(pe_signature(self.multiplier.format))

    @classmethod
    def check(
        cls, multiplier: Multiplier | str, *, stages: int = 1, adder_stages: int | None = None, tree: str = "dadda"
    ) -> None:
        """Raise unless the element can be built."""
        check_multiplier(multiplier, tree)
        check_adder_stages(stages, adder_stages)

    def elaborate(self, platform: object) -> Module:
        """Build the module."""
        m = Module()
        fmt = self.multiplier.format
        shadow, weight = Signal(fmt.word_bits), Signal(fmt.word_bits)
        # An activation is kept as its sign, whether it is 0, and the last magnitude that was not: zeros, which ReLU
        # makes of half of them, change nothing in the multiplier.
        magnitude, sign, zero = Signal(fmt.word_bits - 1), Signal(), Signal(init=1)
        nonzero = Signal()
        with m.If(self.en):
            m.d.sync += [
                self.a_out_valid.eq(self.a_valid),
                self.a_out_first.eq(self.a_first),
                self.a_out_bypass.eq(self.a_bypass),
            ]
            # Operands that do not count stay as they were: the multiplier then has nothing to do.
            with m.If(self.a_valid & ~self.a_bypass):
                m.d.sync += [sign.eq(self.a[-1]), zero.eq(~nonzero)]
                with m.If(nonzero):
                    m.d.sync += magnitude.eq(self.a[:-1])
            with m.If(self.a_valid & self.a_first):
                m.d.sync += weight.eq(shadow)
            with m.If(self.w_load):
                m.d.sync += shadow.eq(self.w)

        m.submodules.multiplier = multiply = FloatMultiplier(
            self.multiplier, stages=max(self.stages - 1, 0), tree=self.tree, overrides=True
        )
        m.submodules.adder = add = FloatAdder(fmt, stages=self.adder_stages - 1)
        for unit in (multiply, add):
            if unit.stages:
                m.d.comb += unit.en.eq(self.en)

        product = delay(m, multiply.y, min(self.stages, 1), self.en, "product")
        total = Signal(fmt.word_bits)
        m.d.comb += [
            multiply.a.eq(Cat(magnitude, sign)),
            multiply.b.eq(weight),
            multiply.zero.eq(zero),
            multiply.bypass.eq(self.a_out_bypass),
            nonzero.eq(self.a[:-1].any()),
            self.a_out.eq(Cat(magnitude & Cat(*[~zero] * len(magnitude)), sign)),
            add.a.eq(self.p),
            add.b.eq(product),
            total.eq(add.y),
        ]
        tags = delay(m, Cat(self.p_valid, self.p_last), self.adder_stages - 1, self.en, "tags")
        with m.If(self.en):
            m.d.sync += [self.p_out.eq(total), self.p_out_valid.eq(tags[0]), self.p_out_last.eq(tags[1])]
        return m
