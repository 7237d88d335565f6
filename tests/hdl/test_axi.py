# amaranth: UnusedElaboratable=no

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.errors import InvalidInput
from golden.sums import matmul
from hdl.axi import AxiStreamEngine


def packed(words):
    return sum(int(word) << 32 * k for k, word in enumerate(words))


def test_product():
    # M = 3, K = 2, N = 3 on 2 x 2: one K tile, two N tiles, the second half empty.
    dut = AxiStreamEngine("e8m2", rows=2, columns=2, depth=4, accumulators=8, biases=2)
    rng = np.random.default_rng(0)
    a, w, bias = (rng.standard_normal(shape).astype(np.float32) for shape in ((3, 2), (2, 3), (3,)))
    padded, start = np.zeros((2, 4), np.float32), np.zeros(4, np.float32)
    padded[:, :3], start[:3] = w, bias
    a_words, w_words, b_words = (x.view(np.uint32) for x in (a, padded, start))
    feeds = {
        "command": [3 | 2 << 16 | 3 << 32 | 0xABCD << 48],
        "activations": [packed(row) for row in a_words],
        "weights": [packed(w_words[r, j : j + 2]) for j in (0, 2) for r in (0, 1)],
        "biases": [packed(b_words[j : j + 2]) for j in (0, 2)],
    }
    want = matmul(a, w, "e8m2", bias=bias).view(np.uint32)
    got = []

    async def feed(ctx, name):
        for beat in feeds[name]:
            ctx.set(getattr(dut, f"s_axis_{name}_tdata"), beat)
            ctx.set(getattr(dut, f"s_axis_{name}_tvalid"), 1)
            await ctx.tick().until(getattr(dut, f"s_axis_{name}_tready"))
        ctx.set(getattr(dut, f"s_axis_{name}_tvalid"), 0)

    async def main(ctx):
        ctx.set(dut.m_axis_results_tready, 1)
        fields = (
            dut.m_axis_results_tvalid,
            dut.m_axis_results_tdata,
            dut.m_axis_results_tkeep,
            dut.m_axis_results_tlast,
        )
        for _ in range(200):
            _, _, valid, *beat = await ctx.tick().sample(*fields)
            if valid:
                got.append(tuple(beat))
        assert not ctx.get(dut.busy)
        assert ctx.get(dut.cycles) > 6

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(main)
    for name in feeds:

        async def run(ctx, name=name):
            await feed(ctx, name)

        simulator.add_testbench(run, background=True)
    simulator.run()
    assert got == [
        *((packed(row[:2]), 0xFF, 0) for row in want),
        *((packed(row[2:]), 0x0F, int(m == 2)) for m, row in enumerate(want)),
    ]


def test_init_wrong():
    with pytest.raises(InvalidInput, match="rows=0 is too small"):
        AxiStreamEngine("e8m2", rows=0, columns=2)
