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


# (M, K, N) on 2 x 2 with M <= 4, ceil(N / 2) <= 2, M ceil(N / 2) <= 8, and the beats that each takes of every stream.
SEQUENCE = [
    ((0, 2, 3), (0, 0, 0, 0)),
    ((3, 2, 0), (0, 0, 0, 0)),
    ((0, 0, 0), (0, 0, 0, 0)),
    ((3, 3, 3), (6, 8, 2, 6)),
    ((0, 5, 5), (0, 0, 0, 0)),
    ((2, 0, 3), (2, 4, 2, 4)),
    ((5, 1, 1), (0, 0, 0, 0)),
    ((1, 1, 5), (0, 0, 0, 0)),
    ((3, 1, 0), (0, 0, 0, 0)),
    ((1, 1, 1), (1, 2, 1, 1)),
]


def test_what_commands_take():
    dut = AxiStreamEngine("e8m2", rows=2, columns=2, depth=4, accumulators=8, biases=2)
    rng = np.random.default_rng(1)
    streams = ("activations", "weights", "biases")
    feeds = {name: [] for name in streams}
    want = []
    for (m, k, n), taken in SEQUENCE:
        if not any(taken):
            continue
        k_tiles, n_tiles = max(-(-k // 2), 1), -(-n // 2)
        a, w, bias = (rng.standard_normal(s).astype(np.float32) for s in ((m, 2 * k_tiles), (2 * k_tiles, 4), (4,)))
        y = np.zeros((m, 4), np.float32)
        y[:, :n] = matmul(a[:, :k].copy(), w[:k, :n].copy(), "e8m2", bias=bias[:n].copy())
        a, w, bias, y = (x.view(np.uint32) for x in (a, w, bias, y))
        feeds["activations"] += [packed(a[row, 2 * i : 2 * i + 2]) for i in range(k_tiles) for row in range(m)]
        feeds["weights"] += [
            packed(w[2 * i + r, 2 * j : 2 * j + 2]) for i in range(k_tiles) for j in range(n_tiles) for r in (0, 1)
        ]
        feeds["biases"] += [packed(bias[2 * j : 2 * j + 2]) for j in range(n_tiles)]
        want += [packed(y[row, 2 * j : 2 * j + 2]) for j in range(n_tiles) for row in range(m)]
    assert [len(feeds[name]) for name in streams] == [sum(taken[k] for _, taken in SEQUENCE) for k in range(3)]
    for beats in feeds.values():
        beats += [0xDEAD] * 12  # offered all the time, for whoever takes too much
    seen = dict.fromkeys(streams, 0)
    got, counts = [], []

    async def cycle(ctx):
        for name in streams:
            ctx.set(getattr(dut, f"s_axis_{name}_tdata"), feeds[name][seen[name]])
        sampled = [getattr(dut, f"s_axis_{name}_tready") for name in (*streams, "command")]
        sampled += [dut.done, dut.m_axis_results_tvalid, dut.m_axis_results_tdata]
        *ready, command_ready, done, valid, word = (await ctx.tick().sample(*sampled))[2:]
        for name, taken in zip(streams, ready, strict=True):
            seen[name] += taken
        if valid:
            got.append(word)
        return command_ready, done

    async def main(ctx):
        for name in streams:
            ctx.set(getattr(dut, f"s_axis_{name}_tvalid"), 1)
        ctx.set(dut.m_axis_results_tready, 1)
        for _ in range(20):
            await cycle(ctx)
        # Three tiles of weights are let in before any command, nothing else is.
        assert seen == {"activations": 0, "weights": 6, "biases": 0}
        for (m, k, n), _ in SEQUENCE:
            before = (seen["activations"], seen["biases"], len(got))
            ctx.set(dut.s_axis_command_tdata, m | k << 16 | n << 32 | 0xFFFF << 48)
            ctx.set(dut.s_axis_command_tvalid, 1)
            while not (await cycle(ctx))[0]:
                pass
            ctx.set(dut.s_axis_command_tvalid, 0)
            while not (await cycle(ctx))[1]:
                pass
            for _ in range(12):
                await cycle(ctx)
            after = (seen["activations"], seen["biases"], len(got))
            counts.append(tuple(y - x for x, y in zip(before, after, strict=True)))
            assert ctx.get(dut.error) == ((m, k, n) in ((5, 1, 1), (1, 1, 5)))
        # Weights that no command has taken are three tiles again.
        assert seen["weights"] == 6 + sum(taken[1] for _, taken in SEQUENCE)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(main)
    simulator.run()
    assert counts == [(taken[0], taken[2], taken[3]) for _, taken in SEQUENCE]
    assert got == want


def test_init_wrong():
    with pytest.raises(InvalidInput, match="rows=0 is too small"):
        AxiStreamEngine("e8m2", rows=0, columns=2)
