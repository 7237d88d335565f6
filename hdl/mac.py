"""A multiplier and an adder, and nothing else: what a processing element computes, without its weights and tags.

In: two words and the sum so far; out: the sum with their product. Registers stand where those of the processing element
do, so that what ``hdl.pe`` spends beside is its own.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.catalogue import Multiplier
from hdl.adder import FloatAdder
from hdl.bits import Word
from hdl.checks import CheckedComponent, check_multiplier
from hdl.limits import check_adder_stages
from hdl.multiplier import FloatMultiplier
from hdl.pe import delay
from hdl.pipeline import ENABLE

__all__ = ["MultiplyAdd"]


class MultiplyAdd(CheckedComponent):
    """y = add(c, mul(a, b)), rounded twice.

    Parameters
    ----------
    multiplier : Multiplier or str
        The multiplier, or its name.
    stages : int
        Registers in the multiplier, of which the last holds the product; 0 joins multiplier and adder.
    adder_stages : int, optional
        Registers in the adder, of which the last holds ``y``; by default as ``stages``. Where both are 0 the whole is
        combinational.
    tree : str
        Compressor tree, as for ``hdl.multiplier.FloatMultiplier``.

    Members
    -------
    a, b : In(word_bits)
        Activation and weight, words of ``multiplier.format``.
    c : In(word_bits)
        The sum so far, ``stages`` cycles after its activation: it meets the finished product.
    y : Out(word_bits)
        The sum with the product, ``latency`` cycles after ``a`` and ``b``.
    en : In(1)
        Present where there are registers: while it is 0 all of them keep their values.

    Raises
    ------
    InvalidInput
        If the multiplier or tree is unknown or has no hardware, or a number of registers is out of range.
    InvalidType
        If a number of registers is not a whole number.
    """

    a: Any
    b: Any
    c: Any
    y: Any
    en: Any

    def __init__(
        self, multiplier: Multiplier | str, *, stages: int = 0, adder_stages: int | None = None, tree: str = "dadda"
    ) -> None:
        self.multiplier = check_multiplier(multiplier, tree)
        self.stages, self.tree = stages, tree
        self.adder_stages = check_adder_stages(stages, adder_stages, least=0)
        width = self.multiplier.format.word_bits
        members: dict[str, Any] = {**{name: In(width) for name in "abc"}, "y": Out(width)}
        if self.latency:
            members["en"] = ENABLE
        super().__init__(wiring.Signature(members))

    @classmethod
    def check(
        cls, multiplier: Multiplier | str, *, stages: int = 0, adder_stages: int | None = None, tree: str = "dadda"
    ) -> None:
        """Raise unless it can be built."""
        check_multiplier(multiplier, tree)
        check_adder_stages(stages, adder_stages, least=0)

    @property
    def latency(self) -> int:
        """Cycles from ``a`` and ``b`` to ``y``."""
        return self.stages + self.adder_stages

    def elaborate(self, platform: object) -> Module:
        """Build the module."""
        m = Module()
        # Each unit's last register stands behind it, as in the processing element.
        m.submodules.multiplier = multiply = FloatMultiplier(
            self.multiplier, stages=max(self.stages - 1, 0), tree=self.tree
        )
        m.submodules.adder = add = FloatAdder(self.multiplier.format, stages=max(self.adder_stages - 1, 0))
        for unit in (multiply, add):
            if unit.stages:
                m.d.comb += unit.en.eq(self.en)

        def held(value: Word, stages: int, name: str) -> Word:
            return delay(m, value, 1, self.en, name) if stages else value

        m.d.comb += [
            multiply.a.eq(self.a),
            multiply.b.eq(self.b),
            add.a.eq(self.c),
            add.b.eq(held(multiply.y, self.stages, "product")),
            self.y.eq(held(add.y, self.adder_stages, "total")),
        ]
        return m
