# amaranth: UnusedElaboratable=no

import itertools
import random
from fractions import Fraction
from pathlib import Path

import pytest
from amaranth.hdl import Fragment, Signal
from amaranth.sim import Simulator

from golden.catalogue import MULTIPLIERS, Multiplier, multiplier
from golden.designs import Function, Masks, TableBlocks
from golden.errors import InvalidInput, InvalidType
from golden.formats import FORMATS
from golden.reference import multiply_word
from hdl.delays import TECHNOLOGIES, stage_delays
from hdl.multiplier import FloatMultiplier, multiplier_path
from hdl.pipeline import place_registers, survey
from hdl.significand import check_hardware

ANCHORS = [
    line.split()
    for line in (Path(__file__).parents[1] / "golden" / "anchors.hex").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]

# Zeros, subnormals, the ends of the exponent range, infinities, NaNs, carries out of the fraction.
CORNERS = [
    *(0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x00800000, 0x00FFFFFF, 0x7F7FFFFF, 0xFF000000),
    *(0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001, 0x3F800000, 0xBFFFFFFF, 0x3F7FFFFF, 0x20000000),
]


def run(dut, pairs, enables=None):
    """Clock pairs through; return the output before each edge (or of each pair, if combinational)."""
    seen = []

    async def bench(ctx) -> None:
        for k, (a, b) in enumerate(pairs):
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            if dut.stages:
                ctx.set(dut.en, 1 if enables is None else enables[k])
            seen.append(ctx.get(dut.y))
            if dut.stages:
                await ctx.tick()

    simulator = Simulator(dut)
    if dut.stages:
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


def words(m, count, seed=0):
    rng = random.Random(seed)
    return [(rng.getrandbits(m.format.word_bits), rng.getrandbits(m.format.word_bits)) for _ in range(count)]


def expected(m, pairs):
    return [multiply_word(a, b, m) for a, b in pairs]


def test_init():
    dut = FloatMultiplier("ax-fpm:block=2", stages=3, tree="wallace")
    assert dut.multiplier is not None
    assert dut.multiplier == multiplier("ax-fpm:block=2")
    assert (dut.stages, dut.tree) == (3, "wallace")
    assert {name: member.shape for name, member in dut.signature.members.items()} == {
        "a": 32,
        "b": 32,
        "y": 32,
        "en": 1,
    }
    toy = FloatMultiplier(multiplier("exact:format=toy"))
    assert {name: member.shape for name, member in toy.signature.members.items()} == {"a": 8, "b": 8, "y": 8}


def test_init_wrong_multiplier():
    with pytest.raises(InvalidInput, match="unknown multiplier 'ax-fpn'; did you mean"):
        FloatMultiplier("ax-fpn")
    with pytest.raises(InvalidType, match="a multiplier is a name or a Multiplier, not int"):
        FloatMultiplier(4)  # pyright: ignore[reportArgumentType] - wrong on purpose
    soft = Multiplier(FORMATS["fp32"], Function("only-software", lambda a, b, p: a))
    with pytest.raises(InvalidInput, match="'only-software' has no hardware"):
        FloatMultiplier(soft)


def test_init_wrong_stages():
    with pytest.raises(InvalidInput, match="stages=-1 is negative; give 0"):
        FloatMultiplier("ax-fpm", stages=-1)
    with pytest.raises(InvalidType, match="stages is a whole number, not float"):
        FloatMultiplier("ax-fpm", stages=1.0)  # pyright: ignore[reportArgumentType] - wrong on purpose


def test_init_wrong_tree():
    with pytest.raises(InvalidInput, match="unknown compressor tree 'oak'"):
        FloatMultiplier("ax-fpm", tree="oak")


@pytest.mark.parametrize("stages", [0, 2])
@pytest.mark.parametrize("name", MULTIPLIERS)
def test_every_entry_elaborates(name, stages):
    Fragment.get(FloatMultiplier(name, stages=stages), None)


@pytest.mark.parametrize("name", sorted({name for *_, name in ANCHORS}))
def test_anchors(name):
    rows = [(int(a, 16), int(b, 16), int(y, 16)) for a, b, y, entry in ANCHORS if entry == name]
    assert run(FloatMultiplier(name), [(a, b) for a, b, _ in rows]) == [y for *_, y in rows]


@pytest.mark.parametrize("name", ["exact", "ax-fpm", "ax-fpm-wrap", "e8m3", "ax-bf16"])
def test_corners(name):
    m = multiplier(name)
    pairs = list(itertools.product(CORNERS, repeat=2))
    assert run(FloatMultiplier(m), pairs) == expected(m, pairs)


@pytest.mark.parametrize(
    "name",
    [
        "exact:format=toy",
        "ax-fpm:format=toy",
        "ax-fpm:format=toy,block=2,carry=widen,product=nearest",
        "ax-fpm:format=toy,carry=wrap,cell=AMA1",
        "ax-fpm:format=toy,cell=AMA1,product=nearest",
        "mitchell:format=toy",
        "bf16:format=toy-m1",
        "bf16:format=toy-m2,product=nearest",
        "ax-fpm:format=toy-m2,block=3,operands=nearest",
    ],
)
def test_toy(name):
    # Every operand pair runs in Verilator (tests/sim); here every 37th, so that all words meet many others.
    m = multiplier(name)
    pairs = list(itertools.product(range(256), repeat=2))[::37]
    assert run(FloatMultiplier(m), pairs) == expected(m, pairs)


def test_designs_from_outside():
    table = tuple((a * b) & ~1 for a in range(4) for b in range(4))
    for design in (TableBlocks("even", 2, table), Masks("masks", 0b0111, 0b1000, 0b1100)):
        m = Multiplier(FORMATS["toy"], design)
        pairs = words(m, 400)
        assert run(FloatMultiplier(m), pairs) == expected(m, pairs)


@pytest.mark.parametrize(("tree", "name"), [("wallace", "ax-fpm"), ("plain", "ax-fpm"), ("operator", "exact")])
def test_trees(tree, name):
    m = multiplier(name)
    pairs = words(m, 60)
    assert run(FloatMultiplier(m, tree=tree), pairs) == expected(m, pairs)


def test_only_exact_products_are_operators():
    with pytest.raises(InvalidInput, match="4 x 4 blocks of AMA5 cells cannot be written as an operator; choose from"):
        check_hardware(multiplier("ax-fpm").design, "operator")


@pytest.mark.parametrize("stages", [1, 2, 3, 4, 9, 15])
def test_stages(stages):
    m = multiplier("ax-fpm:format=toy,block=2,product=nearest")
    pairs = words(m, 150, stages)
    rng = random.Random(stages)
    enables = [int(rng.random() < 0.75) for _ in pairs]
    held = [None] * stages
    outputs = []
    for result, enable in zip(expected(m, pairs), enables, strict=True):
        outputs.append(held[-1])
        if enable:
            held = [result, *held[:-1]]
    seen = run(FloatMultiplier(m, stages=stages), pairs, enables)
    first = outputs.index(next(y for y in outputs if y is not None))
    assert seen[first:] == outputs[first:]


@pytest.mark.parametrize("technology", TECHNOLOGIES)
@pytest.mark.parametrize(
    ("name", "tree"),
    [("ax-fpm", "dadda"), ("exact", "dadda"), ("exact", "operator"), ("exact-trunc", "booth"), ("mitchell", "dadda")],
)
def test_stages_fp32(name, tree, technology):
    m = multiplier(name)
    pairs = words(m, 40)
    dut = FloatMultiplier(m, stages=3, tree=tree, technology=technology)
    assert run(dut, [*pairs, (0, 0), (0, 0), (0, 0)])[3:] == expected(m, pairs)


def placements(name, tree, technology, most=6):
    """Slowest stage, by estimate, and register bits of 0 to ``most`` stages."""
    m = multiplier(name)
    inputs = Signal(m.format.word_bits), Signal(m.format.word_bits)
    delays, bits = survey(lambda module, words: multiplier_path(module, words, m, tree=tree), inputs)
    table = stage_delays(delays, TECHNOLOGIES[technology])
    found = []
    for stages in range(most + 1):
        places = place_registers(delays, stages, bits, TECHNOLOGIES[technology])
        cuts = [0, *(k for k in range(1, len(delays)) if places[k]), len(delays)]
        slowest = max(table[i][j] for i, j in itertools.pairwise(cuts))
        found.append((slowest, sum(count * held for count, held in zip(places, bits, strict=True))))
    return found


CASES = [(n, "dadda") for n in ("exact", "exact-trunc", "ax-fpm", "bf16", "e8m2", "mitchell")]
CASES += [("exact", "booth"), ("exact-trunc", "booth"), ("exact", "operator")]


@pytest.mark.parametrize("technology", TECHNOLOGIES)
@pytest.mark.parametrize(("name", "tree"), CASES)
def test_more_stages_are_no_slower_by_estimate(name, tree, technology):
    slowest = [each for each, _ in placements(name, tree, technology)]
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(slowest))
    assert slowest[2] < 0.6 * slowest[0]


def test_a_truncated_baseline_is_not_handicapped():
    # Its sums of low columns have no reader: no register holds them, and it is as fast with about as many bits.
    rounded, truncated = placements("exact", "dadda", "cells"), placements("exact-trunc", "dadda", "cells")
    for (slow, bits), (fast, fewer) in list(zip(rounded, truncated, strict=True))[1:4]:
        assert fast <= slow
        assert fewer <= 1.6 * bits


def test_init_wrong_technology():
    with pytest.raises(InvalidInput, match="unknown technology 'vacuum'; choose from cells, luts"):
        FloatMultiplier("exact", technology="vacuum")


@pytest.mark.parametrize("stages", [0, 2])
@pytest.mark.parametrize("name", ["ax-fpm:format=toy", "exact:format=toy"])
def test_overrides(name, stages):
    m = multiplier(name)
    dut = FloatMultiplier(m, stages=stages, overrides=True)
    rng = random.Random(stages)
    # Every class of operand with each override: zero takes the activation's magnitude away, bypass everything.
    steps = [(a, b, zero, bypass) for a, b in words(m, 60) for zero in (0, 1) for bypass in (0, 1)]
    rng.shuffle(steps)
    sign = 1 << m.format.word_bits - 1
    right = [sign if bypass else multiply_word(a & sign if zero else a, b, m) for a, b, zero, bypass in steps]
    found = []

    async def bench(ctx) -> None:
        for a, b, zero, bypass in [*steps, *[(0, 0, 0, 0)] * stages]:
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            ctx.set(dut.zero, zero)
            ctx.set(dut.bypass, bypass)
            if stages:
                found.append(ctx.get(dut.y))
                await ctx.tick()
            else:
                await ctx.delay(1e-9)
                found.append(ctx.get(dut.y))

    simulator = Simulator(dut)
    if stages:
        simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert found[stages:] == right


def value(word, f):
    """A normal word's value."""
    fraction = word & ((1 << f.word_fraction_bits) - 1)
    exponent = (word >> f.word_fraction_bits & f.exponent_mask) - f.bias - f.word_fraction_bits
    return (-1) ** (word >> (f.word_bits - 1)) * (fraction + (1 << f.word_fraction_bits)) * Fraction(2) ** exponent


def ieee_at_the_bottom(product, f):
    """The word of a product up to the smallest normal number: rounded to even on the grid of subnormals."""
    grid = Fraction(2) ** (1 - f.bias - f.word_fraction_bits)
    return round(abs(product) / grid) | (product < 0) << (f.word_bits - 1)


# Products near 2^-126: significands 2^23 + i and 2^24 - 2 i + d, so that P is 2^47 + 2^23 d - i (2 i - d).
JUST_BELOW = [
    (87 << 23 | i, 40 << 23 | (1 << 31 if i & 1 else 0) | (1 << 24) - 2 * i + d - (1 << 23))
    for i in (1, 2, 3, 1447, 1448, 1449, 1450, 1700, 2047, 2048, 2049, 2100, 3000)
    for d in (-2, -1, 0, 1)
] + [(0x3F000000, 0x00FFFFFF), (0x00FFFFFF, 0xBF000000), (0x3F000000, 0x01000000), (0x3F000001, 0x00FFFFFF)]


@pytest.mark.parametrize("name", ["exact", "exact:format=toy"])
def test_where_ieee_rounds_up_to_the_smallest_normal_number(name):
    # The interval that the header of the Verilog states; elsewhere below, both give zero or a subnormal number.
    m = multiplier(name)
    f = m.format
    least = Fraction(2) ** (1 - f.bias)
    half = least / (1 << f.precision)
    pairs = JUST_BELOW
    if name != "exact":
        normal = range(1 << f.word_fraction_bits, f.exponent_mask << f.word_fraction_bits)
        pairs = [(a, b) for a in normal for b in normal if value(a, f) * value(b, f) <= least]
    products = [value(a, f) * value(b, f) for a, b in pairs]
    stated = [least - half <= abs(p) < least - half / 2 for p in products]
    assert 0 < sum(stated) < len(pairs)
    smallest = 1 << f.word_fraction_bits
    magnitudes = [y & (1 << (f.word_bits - 1)) - 1 for y in run(FloatMultiplier(m), pairs)]
    for pair, product, inside, y in zip(pairs, products, stated, magnitudes, strict=True):
        ieee = ieee_at_the_bottom(abs(product), f)
        if ieee > smallest:
            continue
        assert y == (0 if inside or ieee < smallest else smallest), [hex(word) for word in pair]
        assert inside == (ieee == smallest and y == 0)
