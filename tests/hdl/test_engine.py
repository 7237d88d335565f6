# amaranth: UnusedElaboratable=no

import random

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.errors import InvalidInput, InvalidType
from golden.sums import matmul
from hdl.engine import MatrixEngine


def words(x):
    return np.ascontiguousarray(x, np.float32).view(np.uint32).tolist()


def order_sensitive(rng, *shape):
    """Values of both signs over many binades: another order of summation rounds differently."""
    magnitude = rng.uniform(1, 2, shape) * 2.0 ** rng.integers(-12, 13, shape)
    return (magnitude * rng.choice([-1, 1], shape)).astype(np.float32)


def filled(x, shape):
    """Padded with NaN, so that a word past the edge shows wherever it is used."""
    out = np.full(shape, np.nan, np.float32)
    out[tuple(slice(size) for size in x.shape)] = x
    return out


def beats_of(a, w, bias, rows, columns):
    """Order the operands of one command as the engine's docstring says."""
    M, K = a.shape
    N = w.shape[1]
    k_tiles, n_tiles = max(-(-K // rows), 1), -(-N // columns)
    a, w = filled(a, (M, k_tiles * rows)), filled(w, (k_tiles * rows, n_tiles * columns))
    activations = [words(a[m, i * rows :][:rows]) for i in range(k_tiles) for m in range(M)]
    weights = [
        words(w[i * rows + r, j * columns :][:columns])
        for i in range(k_tiles)
        for j in range(n_tiles)
        for r in range(rows)
    ]
    biases = [words(filled(bias, (n_tiles * columns,))[j * columns :][:columns]) for j in range(n_tiles)]
    return activations, weights, biases


async def send(ctx, port, beats, rng, idle):
    for beat in beats:
        while rng.random() < idle:
            ctx.set(port.valid, 0)
            await ctx.tick()
        ctx.set(port.valid, 1)
        ctx.set(port.payload, beat)
        await ctx.tick().until(port.ready)
    ctx.set(port.valid, 0)


def run(dut, products, *, idle=0.0, seed=0, limit=4000):
    """Run commands (a, w, bias) back to back; return each one's result words and its status."""
    commands = [{"m": a.shape[0], "k": a.shape[1], "n": w.shape[1]} for a, w, _ in products]
    feeds = [(dut.command, commands), (dut.activations, []), (dut.weights, []), (dut.biases, [])]
    for product in products:
        a, w, bias = product
        for (_, beats), more in zip(feeds[1:], beats_of(a, w, bias, dut.rows, dut.columns), strict=True):
            beats += more
    outputs = []

    async def main(ctx):
        rng = random.Random(seed)
        refused = None
        for a, w, _ in products:
            M, N = a.shape[0], w.shape[1]
            out = np.zeros((M, -(-N // dut.columns) * dut.columns), np.uint32)
            count = kept = 0
            for _ in range(limit):
                ready = rng.random() >= idle
                ctx.set(dut.results.ready, ready)
                valid, payload = (await ctx.tick().sample(dut.results.valid, dut.results.payload))[2:]
                beat = (list(payload.data), payload.keep, payload.last) if valid else None
                assert refused is None or beat == refused, "a waiting result changed"
                refused = None if ready else beat
                if beat and ready:
                    j, m = divmod(count, M)
                    out[m, j * dut.columns :][: dut.columns] = beat[0]
                    kept += bin(beat[1]).count("1")
                    assert all(beat[1] >> c & 1 == (j * dut.columns + c < N) for c in range(dut.columns))
                    count += 1
                    assert beat[2] == (count == M * -(-N // dut.columns))
                    if beat[2]:
                        break
            ctx.set(dut.results.ready, 0)
            assert kept == M * N, "results are missing"
            assert not out[:, N:].any()
            assert (ctx.get(dut.done), ctx.get(dut.busy), ctx.get(dut.error)) == (1, 0, 0)
            outputs.append((out[:, :N].tolist(), ctx.get(dut.cycles), ctx.get(dut.stalled)))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(main)
    for k, (port, beats) in enumerate(feeds):

        async def feed(ctx, port=port, beats=beats, k=k):
            await send(ctx, port, beats, random.Random(seed * 4 + k + 1), idle)

        simulator.add_testbench(feed, background=True)
    simulator.run()
    return outputs


def random_product(rng, M, K, N):
    return order_sensitive(rng, M, K), order_sensitive(rng, K, N), order_sensitive(rng, N)


SHAPES = [(3, 5, 3), (1, 1, 1), (6, 2, 4), (1, 7, 5), (5, 0, 3), (2, 4, 1), (8, 9, 2)]


@pytest.mark.parametrize("idle", [0.0, 0.35])
@pytest.mark.parametrize("rows, columns, stages, adder_stages", [(2, 2, 1, 1), (3, 2, 0, 2), (1, 2, 2, 1)])
def test_products(rows, columns, stages, adder_stages, idle):
    rng = np.random.default_rng(rows)
    dut = MatrixEngine(
        "e8m2",
        rows=rows,
        columns=columns,
        stages=stages,
        adder_stages=adder_stages,
        depth=8,
        accumulators=24,
        biases=3,
    )
    products = [random_product(rng, *shape) for shape in SHAPES]
    outputs = run(dut, products, idle=idle, seed=rows)
    for (a, w, bias), (out, _, _) in zip(products, outputs, strict=True):
        assert out == words(matmul(a, w, "e8m2", bias=bias))


def test_minus_zero_survives_edge_tiles():
    # -0 + (-0) = -0 in every product below K, and nothing is added past it; +0 added anywhere would show.
    dut = MatrixEngine("e8m2", rows=2, columns=2, depth=4, accumulators=4, biases=1)
    a, w = np.ones((3, 3), np.float32), np.full((3, 2), -0.0, np.float32)
    bias = np.array([-0.0, 0.0], np.float32)
    ((out, _, _), (nothing, _, _)) = run(dut, [(a, w, bias), (a[:, :0], w[:0], bias)])
    assert out == nothing == [[0x80000000, 0]] * 3


def test_no_bubble():
    # N tiles interleave: M * ceil(N / C) = loop latency is enough, one less costs one cycle per K tile.
    dut = MatrixEngine("e8m1", rows=2, columns=2, stages=1, adder_stages=1, depth=16, accumulators=64, biases=4)
    rng = np.random.default_rng(1)
    loop = dut.loop_latency
    assert loop == 1 + 1 + 2 + 1 + 2
    lengths = {}
    for M, N in ((loop, 2), (loop - 1, 2), (4, 4), (4, 3), (3, 4)):
        short, long = (run(dut, [random_product(rng, M, K, N)])[0] for K in (8, 16))
        assert long[2] - short[2] == 4 * max(loop - M * -(-N // 2), 0)
        lengths[M, N] = long[1]
        # Every vector enters in one cycle; the others are counted as stalled.
        assert long[1] - long[2] == 8 * M * -(-N // 2)
    # Set-up, the first weights, the way through the array.
    assert lengths[loop, 2] - 8 * loop <= 2 + 3 + 2 + loop


def test_refusals_and_nothing_to_do():
    dut = MatrixEngine("e8m1", rows=2, columns=2, depth=4, accumulators=6, biases=2)
    rng = np.random.default_rng(2)
    product = random_product(rng, 3, 2, 4)

    async def bench(ctx):
        # (M, K, N): M past depth, N past the bias rows, both within but M N tiles past the accumulators.
        for sizes, error in (((5, 2, 2), 1), ((1, 2, 5), 1), ((4, 2, 3), 1), ((0, 2, 2), 0), ((2, 2, 0), 0)):
            ctx.set(dut.command.payload, dict(zip("mkn", sizes, strict=True)))
            ctx.set(dut.command.valid, 1)
            await ctx.tick().until(dut.command.ready)
            ctx.set(dut.command.valid, 0)
            assert ctx.get(dut.busy)
            for _ in range(6):
                assert not ctx.get(dut.activations.ready | dut.biases.ready | dut.results.valid)
                if ctx.get(dut.done):
                    break
                await ctx.tick()
            assert (ctx.get(dut.done), ctx.get(dut.busy), ctx.get(dut.error)) == (1, 0, error)
            await ctx.tick()
            assert not ctx.get(dut.done)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    a, w, bias = product
    assert run(dut, [product])[0][0] == words(matmul(a, w, "e8m1", bias=bias))


def test_least_buffers():
    dut = MatrixEngine("e8m1", rows=1, columns=1, depth=1, accumulators=1, biases=1)
    products = [random_product(np.random.default_rng(3), 1, K, 1) for K in (3, 0, 1)]
    for (a, w, bias), (out, _, _) in zip(products, run(dut, products), strict=True):
        assert out == words(matmul(a, w, "e8m1", bias=bias))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 10**12}, "depth=1000000000000 is too large; give at most 65535, as M has 16 bits"),
        ({"biases": 1 << 16}, "biases=65536 is too large; give at most 65535, as N has 16 bits"),
        ({"accumulators": 10**12}, "accumulators=1000000000000 is too large"),
        ({"depth": 60000, "rows": 8}, "make buffers of .* bits with 8 rows and 2 columns; give less, 8388608 bits"),
        ({"stages": 257}, "stages=257 is too large; give at most 256"),
        ({"adder_stages": 257}, "adder_stages=257 is too large"),
        ({"rows": 4096, "columns": 4096}, "50331648 elements and skewing registers would take about 70 hours"),
        ({"columns": 256}, "columns=256 is too large: "),
    ],
)
def test_init_too_large(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        MatrixEngine("ax-fpm", **{"rows": 2, "columns": 2, **arguments})


@pytest.mark.parametrize("argument", ["rows", "columns", "depth", "accumulators", "biases"])
def test_init_wrong_size(argument):
    with pytest.raises(InvalidInput, match=f"{argument}=0 is too small; give at least 1"):
        MatrixEngine("ax-fpm", **{"rows": 2, "columns": 2, argument: 0})
    with pytest.raises(InvalidType, match=f"{argument} is a whole number, not str"):
        MatrixEngine("ax-fpm", **{"rows": 2, "columns": 2, argument: "2"})
