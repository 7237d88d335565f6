# amaranth: UnusedElaboratable=no

import random

import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.sim import Simulator

from golden.errors import InvalidInput, InvalidType
from hdl.bits import wire
from hdl.limits import check_stages
from hdl.pipeline import Cut, alongside, pipeline, place_registers


def path(m, inputs):
    """(a + b) * 3 with cuts after the sum, the product, and nothing."""
    a, b = inputs["a"], inputs["b"]
    total = yield Cut(2.0, wire(m, a + b, "total"))
    product, flag = yield Cut(3.0, (wire(m, total * 3, "product"), 1))
    assert flag == 1
    return (yield Cut(1.0, [product]))[0]


def run(stages: int, steps: list[tuple[int, int, int]], domain_reset_at: int | None = None) -> list[int]:
    """Clock through (a, b, en) steps; return the output seen just before each clock edge."""
    m = Module()
    a, b, en, rst = Signal(8), Signal(8), Signal(), Signal()
    y = pipeline(m, path, {"a": a, "b": b}, stages=stages, en=en)
    seen = []

    async def bench(ctx) -> None:
        for k, (x, z, enable) in enumerate(steps):
            ctx.set(a, x)
            ctx.set(b, z)
            ctx.set(en, enable)
            ctx.set(rst, k == domain_reset_at)
            seen.append(ctx.get(y))
            if stages:
                await ctx.tick()

    simulator = Simulator(ResetInserter(rst)(m))
    if stages:
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


@pytest.mark.parametrize("stages", range(7))
def test_latency_and_stall(stages):
    rng = random.Random(stages)
    steps = [(rng.randrange(256), rng.randrange(256), int(rng.random() < 0.7)) for _ in range(80)]
    held = [0] * stages
    expected = []
    for a, b, enable in steps:
        result = (a + b) * 3
        expected.append(held[-1] if stages else result)
        if enable and stages:
            held = [result, *held[:-1]]
    seen = run(stages, steps)
    # Until the first operands arrive the output is that of registers at 0.
    assert seen == expected


def test_reset():
    steps = [(9, 9, 1)] * 8
    seen = run(3, steps, domain_reset_at=5)
    assert seen == [0, 0, 0, 54, 54, 54, 0, 0]


@pytest.mark.parametrize(
    ("delays", "stages", "places"),
    [
        ([4, 4, 4, 4], 0, [0, 0, 0, 0, 0]),
        ([4, 4, 4, 4], 1, [0, 0, 1, 0, 0]),
        ([4, 4, 4, 4], 3, [0, 1, 1, 1, 0]),
        ([1, 1, 1, 9], 1, [0, 0, 0, 1, 0]),
        ([9, 1, 1, 1], 2, [0, 1, 0, 1, 0]),
        ([4, 4], 2, [0, 1, 1]),
        ([4, 4], 5, [2, 1, 2]),
        ([4], 3, [1, 2]),
        ([], 2, [2]),
    ],
)
def test_place_registers(delays, stages, places):
    found = place_registers(delays, stages)
    assert sum(found) == stages
    if (delays, stages) == ([9, 1, 1, 1], 2):
        assert found[1] == 1  # the slow segment is cut off, the other register may go anywhere after it
    else:
        assert found == places


def test_alongside():
    def outer(m, inputs):
        product, tag = yield from alongside(path(m, inputs), {"tag": inputs["a"]})
        assert tag["tag"].name.count("a") == 1
        return product, tag["tag"]

    m = Module()
    a, b = Signal(8, name="a"), Signal(8, name="b")
    _, tag = pipeline(m, outer, {"a": a, "b": b}, stages=2)
    # One register at each of the two inner cuts: the value that rides along went through both.
    assert tag is not a
    assert tag.name == "r2_r1_a"


def test_check_stages():
    assert check_stages(0) == 0
    with pytest.raises(InvalidInput, match="stages=-1 is negative"):
        check_stages(-1)
    for wrong in (1.5, "2", True, None):
        with pytest.raises(InvalidType, match="stages is a whole number"):
            check_stages(wrong)  # pyright: ignore[reportArgumentType] - wrong on purpose
