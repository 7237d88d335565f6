# amaranth: UnusedElaboratable=no

import random

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.errors import InvalidInput, InvalidType
from golden.sums import matmul
from hdl.array import SystolicArray

MINUS_ZERO = 0x80000000


def words(x):
    return np.ascontiguousarray(x, np.float32).view(np.uint32).tolist()


def order_sensitive(rng, *shape):
    """Values of both signs over many binades: another order of summation rounds differently."""
    magnitude = rng.uniform(1, 2, shape) * 2.0 ** rng.integers(-12, 13, shape)
    return (magnitude * rng.choice([-1, 1], shape)).astype(np.float32)


async def send(ctx, port, beats, rng, idle):
    """Offer beats in order; once valid is 1, the payload stays until it is taken."""
    for beat in beats:
        while rng.random() < idle:
            ctx.set(port.valid, 0)
            await ctx.tick()
        ctx.set(port.valid, 1)
        ctx.set(port.payload, beat)
        await ctx.tick().until(port.ready)
    ctx.set(port.valid, 0)


async def receive(ctx, port, count, rng, idle, limit, times):
    """Take beats; one that is refused must be offered again, unchanged. The cycle of each goes to ``times``."""
    got: list = []
    refused = None
    for cycle in range(limit):
        ready = rng.random() >= idle
        ctx.set(port.ready, ready)
        _, _, valid, payload = await ctx.tick().sample(port.valid, port.payload)
        beat = (list(payload.data), payload.last) if valid else None
        assert refused is None or beat == refused, "a waiting result changed"
        refused = beat if not ready else None
        if beat and ready:
            got.append(beat)
            times.append(cycle)
            if len(got) == count:
                break
    ctx.set(port.ready, 0)
    for _ in range(20):
        await ctx.tick()
        assert count == 0 or not ctx.get(port.valid), "more results than vectors"
    return got


def run(dut, tiles, *, idle=0.0, seed=0, limit=3000):
    """Run tiles of (activations, bypass masks, sums, weights), all words; return results and their cycles."""
    got: list = []
    times: list = []
    vectors, sums, weights = [], [], []
    for activations, bypass, starts, tile in tiles:
        for k, (row, mask) in enumerate(zip(activations, bypass, strict=True)):
            vectors.append({"data": row, "bypass": mask, "last": k == len(activations) - 1})
        sums += starts
        weights += tile

    async def main(ctx):
        got.extend(await receive(ctx, dut.results, len(sums), random.Random(seed), idle, limit, times))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(main)
    for k, (port, beats) in enumerate(((dut.activations, vectors), (dut.sums, sums), (dut.weights, weights))):

        async def feed(ctx, port=port, beats=beats, k=k):
            await send(ctx, port, beats, random.Random(seed * 4 + k + 1), idle)

        simulator.add_testbench(feed, background=True)
    simulator.run()
    assert len(got) == len(sums), "results are missing"
    return got, times


def tile(a, w, sums, bypass=0):
    return words(a), [bypass] * len(a), words(sums), words(w)


def expected(a, w, sums, multiplier):
    """Each row of ``sums`` is the bias of a product of one row."""
    rows = [matmul(a[k : k + 1], w, multiplier, bias=sums[k]) for k in range(len(a))]
    return words(np.concatenate(rows))


def random_tiles(rng, rows, columns, sizes):
    return [
        (order_sensitive(rng, size, rows), order_sensitive(rng, rows, columns), order_sensitive(rng, size, columns))
        for size in sizes
    ]


@pytest.mark.parametrize("idle", [0.0, 0.4])
@pytest.mark.parametrize(
    "name, rows, columns, stages, adder_stages",
    [
        ("e8m2", 2, 2, 0, 1),
        ("e8m2", 3, 2, 1, None),
        ("e8m2", 3, 2, 2, 1),
        ("e8m2", 2, 3, 1, 3),
        ("e8m2", 1, 1, 1, 2),
        ("ax-fpm", 2, 2, 1, 1),
    ],
)
def test_tiles(name, rows, columns, stages, adder_stages, idle):
    rng = np.random.default_rng(rows * 8 + columns)
    tiles = random_tiles(rng, rows, columns, [5, 1, 2, 9, 1, 6])
    dut = SystolicArray(name, rows=rows, columns=columns, stages=stages, adder_stages=adder_stages)
    got, _ = run(dut, [tile(*t) for t in tiles], idle=idle, seed=rows)
    want = [row for a, w, sums in tiles for row in expected(a, w, sums, name)]
    assert [row for row, _ in got] == want
    ends = np.cumsum([len(a) for a, _, _ in tiles]) - 1
    assert [k for k, (_, last) in enumerate(got) if last] == ends.tolist()


def test_steady_state():
    # No back-pressure: one result per cycle across tiles that are no shorter than the tile interval, the first one
    # after the loads of all rows and the latency.
    rng = np.random.default_rng(7)
    dut = SystolicArray("e8m1", rows=3, columns=2, stages=1, adder_stages=2)
    assert (dut.latency, dut.tile_interval) == (1 + 1 + 3 * 2 + 1, 2 * 2 + 1)
    tiles = random_tiles(rng, 3, 2, [5, 5, 8, 5])
    _, times = run(dut, [tile(*t) for t in tiles])
    assert times == list(range(times[0], times[0] + 23))
    assert times[0] == dut.rows + dut.latency


def test_short_tiles_wait_for_weights():
    rng = np.random.default_rng(8)
    dut = SystolicArray("e8m1", rows=3, columns=2, stages=1, adder_stages=2)
    _, times = run(dut, [tile(*t) for t in random_tiles(rng, 3, 2, [1, 1, 1, 1])])
    assert np.diff(times).tolist() == [dut.tile_interval] * 3


def test_bypass_adds_nothing():
    # -0 survives a bypassed element and does not survive an added +0; a product of infinity or NaN is left out as well.
    dut = SystolicArray("e8m2", rows=2, columns=2)
    sums = [[MINUS_ZERO, 0x00000001], [MINUS_ZERO, 0x7F800000]]
    weights = [[0x3F800000, 0x3F800000], [0x7FC00000, 0x7F800000]]
    vectors = [[0x00000000, 0x7F800000], [0x00000000, 0x00000000]]
    both, lower, none = (
        (vectors, [3, 3], sums, weights),
        (vectors, [2, 2], sums, weights),
        (vectors, [0], sums, weights),
    )
    none = ([[0x00000000, 0x00000000]], [0], [[MINUS_ZERO, MINUS_ZERO]], [[0x3F800000, 0xBF800000], [0, MINUS_ZERO]])
    got, _ = run(dut, [both, lower, none])
    assert [row for row, _ in got] == [
        *sums,
        [0x00000000, 0x00000001],
        [0x00000000, 0x7F800000],
        # (-0) + (+0) = +0 stays; (-0) + (-0) stays -0 until +0 * -0 = -0 is added.
        [0x00000000, MINUS_ZERO],
    ]


def test_k_tiles_in_sequence():
    # Results fed back as the next tile's sums: the same bits as one pass over all of K, and only in that order.
    rng = np.random.default_rng(9)
    a, w, bias = order_sensitive(rng, 6, 7), order_sensitive(rng, 7, 2), order_sensitive(rng, 2)
    sums = words(np.tile(bias, (6, 1)))
    a_filled, w_filled = np.zeros((6, 8), np.float32), np.zeros((8, 2), np.float32)
    a_filled[:, :7], w_filled[:7] = a, w
    for start in range(0, 8, 2):
        dut = SystolicArray("e8m3", rows=2, columns=2, stages=1)
        mask = 0b10 if start == 6 else 0
        part = (words(a_filled[:, start : start + 2]), [mask] * 6, sums, words(w_filled[start : start + 2]))
        got, _ = run(dut, [part])
        sums = [row for row, _ in got]
    assert sums == words(matmul(a, w, "e8m3", bias=bias))
    assert sums != words(matmul(a[:, ::-1].copy(), w[::-1].copy(), "e8m3", bias=bias))


@pytest.mark.parametrize("argument", ["rows", "columns"])
def test_init_wrong_size(argument):
    with pytest.raises(InvalidInput, match=f"{argument}=0 is too small; give at least 1"):
        SystolicArray("ax-fpm", **{"rows": 2, "columns": 2, argument: 0})
    with pytest.raises(InvalidType, match=f"{argument} is a whole number, not float"):
        SystolicArray("ax-fpm", **{"rows": 2, "columns": 2, argument: 2.0})


def test_init_wrong_stages():
    with pytest.raises(InvalidInput, match="stages=-1 is negative"):
        SystolicArray("ax-fpm", rows=2, columns=2, stages=-1)
    with pytest.raises(InvalidInput, match="adder_stages=0 is too small; give at least 1"):
        SystolicArray("ax-fpm", rows=2, columns=2, adder_stages=0)


def test_init_wrong_multiplier():
    with pytest.raises(InvalidInput, match="unknown multiplier 'ax-fmp'"):
        SystolicArray("ax-fmp", rows=2, columns=2)
