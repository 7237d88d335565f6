# amaranth: UnusedElaboratable=no

import random

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.errors import InvalidInput
from golden.reference import multiply_word
from hdl.pe import ProcessingElement

MINUS_ZERO = 0x80000000


def add(x, y):
    with np.errstate(all="ignore"):
        total = np.array(x, np.uint32).view(np.float32) + np.array(y, np.uint32).view(np.float32)
    return 0x7FC00000 if np.isnan(total) else int(total.view(np.uint32))


def word(rng):
    return rng.choice([MINUS_ZERO, 0, 0x7F800000, rng.getrandbits(32), rng.randrange(0x3E000000, 0x42000000)])


def model(m, stages, adder_stages, cycles):
    """What p_out, its tags and a_out should be after each enabled cycle, in plain Python."""
    shadow = weight = 0
    products, sums, passed = [None] * stages, [None] * (adder_stages - 1), None
    outputs = []
    for a, valid, first, bypass, p, p_valid, p_last, w, load in cycles:
        # The product that meets p now is of the activation taken 1 + stages cycles ago.
        product = products[-1] if stages else passed
        done = (add(p, product) if product is not None else None, p_valid, p_last)
        sums, products = [done, *sums], [passed, *products]
        result = sums.pop()
        products.pop()
        if valid and first:
            weight = shadow
        if load:
            shadow = w
        passed = (MINUS_ZERO if bypass else multiply_word(a, weight, m)) if valid else None
        outputs.append((result, (a, valid, first, bypass)))
    return outputs


@pytest.mark.parametrize("stages, adder_stages", [(0, 1), (1, 1), (2, 1), (1, 3), (3, 2)])
def test_random(stages, adder_stages):
    dut = ProcessingElement("e8m2", stages=stages, adder_stages=adder_stages)
    rng = random.Random(stages)
    cycles = [
        (
            word(rng),
            int(rng.random() < 0.8),
            int(rng.random() < 0.2),
            int(rng.random() < 0.2),
            word(rng),
            rng.getrandbits(1),
            rng.getrandbits(1),
            word(rng),
            int(rng.random() < 0.3),
        )
        for _ in range(400)
    ]
    ports = (dut.a, dut.a_valid, dut.a_first, dut.a_bypass, dut.p, dut.p_valid, dut.p_last, dut.w, dut.w_load)
    seen = []

    async def bench(ctx):
        for values in cycles:
            for port, value in zip(ports, values, strict=True):
                ctx.set(port, value)
            while rng.random() < 0.3:
                before = [ctx.get(dut.p_out), ctx.get(dut.a_out)]
                ctx.set(dut.en, 0)
                await ctx.tick()
                assert [ctx.get(dut.p_out), ctx.get(dut.a_out)] == before
            ctx.set(dut.en, 1)
            await ctx.tick()
            outputs = (dut.p_out, dut.p_out_valid, dut.p_out_last, dut.a_out)
            tags = (dut.a_out_valid, dut.a_out_first, dut.a_out_bypass)
            seen.append((*(ctx.get(port) for port in outputs), *(ctx.get(port) for port in tags)))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    compared = 0
    for (result, (a, valid, first, bypass)), (p_out, p_valid, p_last, a_out, *tags) in zip(
        model(dut.multiplier, stages, adder_stages, cycles), seen, strict=True
    ):
        assert tags == [valid, first, bypass]
        if valid and not bypass:
            assert a_out == a
        if result is not None:
            assert (p_valid, p_last) == result[1:]
            if result[0] is not None:
                assert p_out == result[0]
                compared += 1
    assert compared > 250


def test_init_wrong():
    with pytest.raises(InvalidInput, match="stages=-1 is negative"):
        ProcessingElement("ax-fpm", stages=-1)
    with pytest.raises(InvalidInput, match="adder_stages=0 is too small"):
        ProcessingElement("ax-fpm", adder_stages=0)


def test_trees_and_technologies_are_checked_first():
    with pytest.raises(InvalidInput, match="unknown compressor tree 'oak'"):
        ProcessingElement("exact", tree="oak")
    with pytest.raises(InvalidInput, match="unknown technology 'vacuum'"):
        ProcessingElement("exact", technology="vacuum")
    assert ProcessingElement("exact", tree="operator", technology="luts").tree == "operator"
