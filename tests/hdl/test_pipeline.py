# amaranth: UnusedElaboratable=no

import itertools
import random

import pytest
from amaranth.hdl import Const, Module, ResetInserter, Signal
from amaranth.sim import Simulator

from golden.errors import InvalidInput, InvalidType
from hdl.bits import wire
from hdl.delays import stage_delays
from hdl.limits import check_stages
from hdl.pipeline import TOLERANCE, Cut, alongside, pipeline, place_registers, register_bits


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
        ([4, 4], 2, [0, 1, 1]),
        ([4, 4], 5, [2, 1, 2]),
        ([4], 3, [1, 2]),
        ([], 2, [2]),
    ],
)
def test_place_registers(delays, stages, places):
    assert place_registers(delays, stages) == places


def test_a_register_that_makes_nothing_faster_goes_to_an_end():
    assert place_registers([9, 1, 1, 1], 2, [9, 3, 2, 3, 1]) == [0, 1, 0, 0, 1]
    assert place_registers([9, 1, 1, 1], 2, [9, 3, 2, 3, 4]) == [0, 1, 1, 0, 0]


def test_fewer_bits_win_where_delays_are_nearly_the_same():
    assert place_registers([10, 0.2, 10], 1, [0, 50, 20, 0]) == [0, 0, 1, 0]
    assert place_registers([10, 0.2, 10], 1, [0, 20, 50, 0]) == [0, 1, 0, 0]
    # Beyond the tolerance the faster place wins, however many bits it has.
    assert place_registers([10, 1, 2, 9], 1, [0, 1, 500, 1, 0]) == [0, 0, 1, 0, 0]


def test_of_equal_bits_the_more_even_stages_win():
    # The first segment is the slowest stage either way.
    assert place_registers([9, 1, 3, 5], 2) == [0, 1, 0, 1, 0]


def slowest(delays, places):
    table = stage_delays(delays)
    cuts = [0, *(k for k in range(1, len(delays)) if places[k]), len(delays)]
    return max(table[i][j] for i, j in itertools.pairwise(cuts))


def test_placement_is_the_best_of_all():
    rng = random.Random(0)
    for _ in range(60):
        delays = [rng.randrange(1, 12) for _ in range(rng.randrange(2, 7))]
        bits = [rng.randrange(1, 50) for _ in range(len(delays) + 1)]
        reached = float("inf")
        for stages in range(8):
            places = place_registers(delays, stages, bits)
            assert sum(places) == stages
            inner = [c for n in range(stages + 1) for c in itertools.combinations(range(1, len(delays)), n)]
            best = min(slowest(delays, [int(k in cuts) for k in range(len(delays) + 1)]) for cuts in inner)
            found = slowest(delays, places)
            assert found <= best * (1 + TOLERANCE)
            assert best <= reached
            reached = best


def test_more_registers_never_make_the_slowest_stage_slower_than_what_fewer_could():
    # 10.2 is within the tolerance of 10, which two registers reach as well as one.
    delays = [10, 0.2, 9.8]
    assert slowest(delays, place_registers(delays, 1, [0, 50, 1, 0])) == pytest.approx(10.2)
    assert slowest(delays, place_registers(delays, 2, [0, 50, 1, 0])) <= 10


def lazy_path(m, inputs):
    """a + 1 + 1 as one addition or, where its cut is taken, as two."""
    (a,) = inputs
    made = wire(m, (a + 1)[:8], "first")
    resumed = yield Cut(2.0, lambda: [made])
    result = wire(m, (a + 2)[:8], "whole") if resumed is None else wire(m, (resumed[0] + 1)[:8], "second")
    return (yield Cut(2.0, result))


@pytest.mark.parametrize(("stages", "names"), [(0, "whole"), (1, "second"), (2, "r2_second")])
def test_a_cut_may_make_its_state_only_where_registers_go(stages, names):
    m = Module()
    a = Signal(8, name="a")
    assert pipeline(m, lazy_path, [a], stages=stages).name == names

    def outer(m, inputs):
        return (yield from alongside(lazy_path(m, inputs), inputs[0]))

    result, tag = pipeline(m, outer, [a], stages=stages)
    assert (result.name, tag.name) == (names, {0: "a", 1: "r1_a", 2: "r2_r1_a"}[stages])


def test_register_bits():
    a, b = Signal(8), Signal(3)
    assert register_bits({"x": [a, (b, 1)], "y": Const(5, 4), "z": a, "e": a ^ b}) == 8 + 3 + 8


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
