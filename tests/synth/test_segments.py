import itertools

import pytest
from amaranth.hdl import Const, Signal

from hdl.pipeline import Cut
from hdl.verilog import generate
from synth.flow import synthesise
from synth.segments import measure_segments

pytestmark = pytest.mark.usefixtures("flow_tools")


def long_then_short(m, inputs):
    """The parity of eight bits by a chain, and one of them that goes along; then one gate."""
    (word,) = inputs
    total = Signal(9)
    m.d.comb += total.eq(word + (word << 1)[:8])
    state = yield Cut(9.0, {"total": total, "along": [word[0], total], "constant": Const(1, 4)})
    return (yield Cut(1.0, state["total"][8] & state["along"][0]))


def inside_an_addition(m, inputs):
    """A place that depends on registers is none here: what is before and after it is one segment."""
    (word,) = inputs
    resumed = yield Cut(lambda times, technology: times, lambda: word)
    assert resumed is None
    return (yield Cut(2.0, word[0] ^ word[7]))


def test_each_segment_is_measured_alone():
    first, second = measure_segments(long_then_short, (8,))
    # Nine bits of the sum and one beside it; each value once, constants never.
    assert (first.bits, second.bits) == (10, 1)
    assert (first.estimate, second.estimate) == (9.0, 1.0)
    assert first.delay_ns > 3 * second.delay_ns > 0


def test_places_inside_an_addition_are_left_out():
    (only,) = measure_segments(inside_an_addition, (8,))
    assert (only.estimate, only.bits) == (2.0, 1)


@pytest.mark.long
def test_more_stages_never_slow_the_adder():
    # Mapping scatters by some percent; a badly placed register costs tens of them.
    paths = [synthesise(generate("adder", stages=k), top="adder").critical_path_ns for k in range(7)]
    assert all(after <= 1.03 * before for before, after in itertools.pairwise(paths)), paths
    assert paths[6] < paths[0] / 3
