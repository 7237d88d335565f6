# amaranth: UnusedElaboratable=no

import random

import pytest
from amaranth.hdl import Const, Module, Signal
from amaranth.sim import Simulator

from hdl.bits import wire
from hdl.delays import CELLS, TECHNOLOGIES, stage_delays
from hdl.pipeline import Cut, pipeline, survey
from hdl.segments import add_in_segments
from hdl.side_by_side import side_by_side


def thrice(m, inputs):
    """3 a, by two additions of segments that differ in length."""
    (a,) = inputs
    total = yield Cut(7.0, wire(m, a + a, "twice"))
    # The operand itself is gone: what is needed again has to go through the cut.
    return (yield Cut(1.0, wire(m, total + (total >> 1), "thrice")))


def long_sum(m, inputs):
    """A + b by an addition that offers places inside, of which most take no register."""
    a, b = inputs
    total = yield from add_in_segments(m, [*a, *[0] * 8], [*b, *[0] * 8], name="sum")
    return (yield Cut(0.5, total))


def both(m, inputs):
    """(3 a, a + b) beside each other, then their exclusive or."""
    a, b = inputs
    first, second = yield from side_by_side(m, (thrice, long_sum), ((a,), (a, b)))
    return (yield Cut(1.0, wire(m, first ^ second, "either")))


@pytest.mark.parametrize("stages", [*range(9), 20])
def test_both_arrive_together(stages):
    m, a, b = Module(), Signal(8), Signal(8)
    y = pipeline(m, both, (a, b), stages=stages)
    rng = random.Random(stages)
    operands = [(rng.randrange(256), rng.randrange(256)) for _ in range(60)]
    seen = []

    async def bench(ctx):
        for one, other in operands:
            ctx.set(a, one)
            ctx.set(b, other)
            seen.append(ctx.get(y))
            if stages:
                await ctx.tick()

    simulator = Simulator(m)
    if stages:
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    expected = [(3 * one) ^ (one + other) for one, other in operands]
    assert seen[stages:] == expected[: len(expected) - stages]


def constants(*delays):
    def path(m, inputs):
        word = inputs
        for delay in delays:
            word = yield Cut(delay, word)
        return word

    return path


def estimate(*ways):
    """Delays of ways side by side behind a segment of 10 gates, with one of 1 gate after them."""

    def path(m, inputs):
        words = yield Cut(10.0, inputs)
        words = yield from side_by_side(m, [constants(*way) for way in ways], words)
        return (yield Cut(1.0, words))

    return survey(path, [Const(0, 1) for _ in ways])[0]


def test_the_slower_way_counts():
    delays = estimate((2.0, 2.0), (3.0, 6.0))
    # Merged by when they end: 2, 3, 4, 9.
    table = stage_delays(delays)
    assert table[0][6] == 10.0 + 9.0 + 1.0
    assert [table[1][k] for k in range(2, 7)] == [2.0, 3.0, 4.0, 9.0, 10.0]
    # Behind a register after the first way's first segment, the second begins there, too: its first is not done.
    assert table[2][6] == 9.0 + 1.0
    assert table[4][6] == 6.0 + 1.0


def test_a_way_within_a_way():
    def inner(m, inputs):
        words = yield from side_by_side(m, (constants(4.0), constants(5.0)), (inputs, inputs))
        return (yield Cut(1.0, words[0]))

    def outer(m, inputs):
        words = yield from side_by_side(m, (inner, constants(2.0, 5.5)), (inputs, inputs))
        return (yield Cut(0.0, words))

    delays, _ = survey(outer, Const(0, 1))
    assert stage_delays(delays)[0][len(delays)] == 7.5


def test_what_comes_after_waits_for_both():
    def path(m, inputs):
        words = yield from side_by_side(m, (constants(4.0), constants(5.0, 6.0)), (inputs, inputs))
        # A ripple asks for its columns' times, and knows no way's.
        return (yield from add_in_segments(m, [words[0]], [words[1]]))

    def outer(m, inputs):
        return (yield from side_by_side(m, (path, constants(3.0, 4.0)), (inputs, inputs)))

    carry = CELLS.adder_delay(1)
    delays, _ = survey(path, Const(0, 1))
    assert stage_delays(delays)[0][4] == 11.0 + carry
    # Behind a register at the first way's end, 6 gates of the second are left.
    assert stage_delays(delays)[2][4] == 6.0 + carry
    delays, _ = survey(outer, Const(0, 1))
    assert stage_delays(delays)[0][len(delays)] == 11.0 + carry


@pytest.mark.parametrize("technology", TECHNOLOGIES.values(), ids=list(TECHNOLOGIES))
def test_the_order_is_the_technologys(technology):
    def path(m, inputs):
        return (yield from side_by_side(m, (long_sum, constants(9.0)), (inputs, inputs[0]), technology))

    delays, _ = survey(path, (Signal(8), Signal(8)))
    # Four of sixteen bits are summed within 9 gates of cells; an FPGA takes 8.6 for all of them.
    ends = [k for k, delay in enumerate(delays) if stage_delays([delay], technology)[0][1] == 9.0]
    assert len(ends) == 1
    assert ends[0] == (1 if technology is CELLS else len(delays) - 2)
