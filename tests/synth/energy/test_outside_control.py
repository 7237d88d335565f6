# amaranth: UnusedElaboratable=no
"""An exact 24 x 24 multiplier by others, through the same flow: our exact baseline is no straw man beside it."""

import io

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.catalogue import multiplier
from hdl.bits import wire
from hdl.pipeline import pipeline
from hdl.significand import significand_product
from hdl.verilog import component_verilog
from synth.energy.measure import measure
from synth.energy.variants import map_variant
from synth.liberty import read_liberty

pytestmark = pytest.mark.usefixtures("abc_tool", "simulator")

WIDTH, PAIRS = 24, 60


class Product(wiring.Component):
    """The significand product of ``exact``, alone."""

    a: Signal
    b: Signal
    y: Signal

    def __init__(self):
        super().__init__({"a": In(WIDTH), "b": In(WIDTH), "y": Out(2 * WIDTH)})

    def elaborate(self, platform):
        m = Module()
        words = [list(word) for word in (self.a, self.b)]
        design = multiplier("exact").design
        m.d.comb += self.y.eq(
            wire(m, pipeline(m, lambda m, ab: significand_product(m, design, *ab), tuple(words), stages=0), "p")
        )
        return m


def ours():
    return component_verilog(Product(), "product")


def theirs():
    dadda = pytest.importorskip("ariths_gen.multi_bit_circuits.multipliers", reason="ariths-gen is not installed")
    from ariths_gen.wire_components import Bus

    made = dadda.UnsignedDaddaMultiplier(Bus(N=WIDTH, prefix="a"), Bus(N=WIDTH, prefix="b"), name="product")
    text = io.StringIO()
    made.get_v_code_flat(text)
    return text.getvalue()


def mean_energy(text, output):
    library = read_liberty()
    netlist = map_variant(text, 0, top="product", library=library, period_ns=30.0)
    a, b = np.random.RandomState(1).randint(1 << (WIDTH - 1), 1 << WIDTH, (2, PAIRS)).astype(np.uint64)
    streams, expected = {"a": a, "b": b}, {output: a * b}
    return measure(
        netlist.netlist, top="product", library=library, streams=streams, expected=expected, period_ns=30.0
    ).energy_pj


@pytest.mark.long
def test_our_exact_product_takes_no_more_than_one_by_others():
    by_others, own = mean_energy(theirs(), "product_out"), mean_energy(ours(), "y")
    assert own < 1.1 * by_others
    assert own > 0.3 * by_others
