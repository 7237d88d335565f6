# amaranth: UnusedElaboratable=no

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest
from amaranth.hdl import Signal
from amaranth.sim import Simulator

from golden.errors import InvalidInput, InvalidType
from golden.formats import FORMATS, FP32
from hdl.adder import FloatAdder, adder_path
from hdl.delays import TECHNOLOGIES, stage_delays
from hdl.pipeline import place_registers, survey

TOY = FORMATS["toy"]

# Zeros, subnormals, the ends of the exponent range, infinities, NaNs, ones of either sign, all-ones fractions.
CORNERS = [
    *(0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x807FFFFF, 0x00800000, 0x80800001),
    *(0x7F7FFFFF, 0xFF7FFFFF, 0x7F000000, 0x73000000, 0x72FFFFFF, 0xF3000001, 0x7F800000, 0xFF800000),
    *(0x7FC00000, 0x7F800001, 0xFFFFFFFF, 0x3F800000, 0xBF800000, 0x3F800001, 0xBF7FFFFF, 0x33800000),
    *(0x33800001, 0x33FFFFFF, 0x33000000, 0xB3000001, 0x4B800000, 0x4B7FFFFF, 0xCB7FFFFF, 0x01000000),
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


def numpy_sums(pairs):
    a, b = np.array(pairs, dtype=np.uint32).T.copy().view(np.float32)
    with np.errstate(all="ignore"):
        total = a + b
    return np.where(np.isnan(total), np.uint32(0x7FC00000), total.view(np.uint32)).tolist()


def toy_value(word):
    """The exact value of a finite toy word."""
    exponent, fraction = word >> 3 & 15, word & 7
    magnitude = Fraction(fraction, 512) if exponent == 0 else Fraction(8 + fraction, 8) * Fraction(2) ** (exponent - 7)
    return -magnitude if word >> 7 else magnitude


def toy_sum(x, y):
    """Add two toy words by definition: the nearest of all finite words, the even one of two, infinity past the end."""
    if x & 0x7F > 0x78 or y & 0x7F > 0x78:
        return 0x7C
    if x & 0x7F == 0x78 or y & 0x7F == 0x78:
        if x & 0x7F == y & 0x7F:
            return x if x == y else 0x7C
        return x if x & 0x7F == 0x78 else y
    total = toy_value(x) + toy_value(y)
    if total == 0:
        return 0x80 if x & y & 0x80 else 0
    sign = 0x80 if total < 0 else 0
    # Infinity takes part as the number that would follow the largest finite one: 0x78 read as a finite word.
    return sign | min(range(0x79), key=lambda word: (abs(abs(total) - toy_value(word)), word & 1))


def test_init():
    dut = FloatAdder(stages=2)
    assert {name: member.shape for name, member in dut.signature.members.items()} == {
        "a": 32,
        "b": 32,
        "y": 32,
        "en": 1,
    }
    assert {name: member.shape for name, member in FloatAdder(TOY).signature.members.items()} == {
        "a": 8,
        "b": 8,
        "y": 8,
    }


def test_init_wrong_stages():
    with pytest.raises(InvalidInput, match="stages=-1 is negative; give 0"):
        FloatAdder(stages=-1)
    with pytest.raises(InvalidType, match="stages is a whole number, not str"):
        FloatAdder(stages="2")  # pyright: ignore[reportArgumentType] - wrong on purpose


def test_init_wrong_format():
    with pytest.raises(InvalidType, match=r"fmt is a Format of golden\.formats, not str"):
        FloatAdder("fp32")  # pyright: ignore[reportArgumentType] - wrong on purpose


@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_toy(technology):
    # Every pair runs in Verilator (tests/sim); here every 29th, so that all words meet many others.
    pairs = list(itertools.product(range(256), repeat=2))[::29]
    assert run(FloatAdder(TOY, technology=technology), pairs) == [toy_sum(x, y) for x, y in pairs]


@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_corners(technology):
    pairs = list(itertools.product(CORNERS, repeat=2))
    assert run(FloatAdder(FP32, technology=technology), pairs) == numpy_sums(pairs)


def near_pairs(count, seed=0):
    """Random pairs of close exponents, so that the significands meet; a few differ in the last bits only."""
    rng = random.Random(seed)
    pairs = []
    for k in range(count):
        a = rng.getrandbits(32)
        exponent = min(max((a >> 23 & 255) + rng.randint(-27, 27), 0), 255)
        b = rng.getrandbits(32) & 0x807FFFFF | exponent << 23
        if k % 8 == 0:
            b = (a ^ 0x80000000 ^ rng.getrandbits(3)) & 0xFFFFFFFF
        if k % 8 == 1:
            a, b = a & 0x80FFFFFF, b & 0x81FFFFFF
        pairs.append((a, b))
    return pairs


@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_random(technology):
    pairs = near_pairs(1500)
    assert run(FloatAdder(technology=technology), pairs) == numpy_sums(pairs)


@pytest.mark.parametrize("name", ["bfloat16", "e8m3"])
def test_narrow_formats_are_added_in_their_words(name):
    pairs = near_pairs(40, seed=3)
    assert run(FloatAdder(FORMATS[name]), pairs) == numpy_sums(pairs)


@pytest.mark.parametrize("technology", TECHNOLOGIES)
@pytest.mark.parametrize("stages", [1, 2, 3, 4, 5, 6, 7, 15, 60])
def test_stages(stages, technology):
    rng = random.Random(stages)
    pairs = [(rng.getrandbits(8), rng.getrandbits(8)) for _ in range(120 + 2 * stages)]
    enables = [int(rng.random() < 0.75) for _ in pairs]
    held: list[int | None] = [None] * stages
    outputs = []
    for (x, y), enable in zip(pairs, enables, strict=True):
        outputs.append(held[-1])
        if enable:
            held = [toy_sum(x, y), *held[:-1]]
    seen = run(FloatAdder(TOY, stages=stages, technology=technology), pairs, enables)
    first = outputs.index(next(y for y in outputs if y is not None))
    assert seen[first:] == outputs[first:]


@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_stages_fp32(technology):
    pairs = near_pairs(60, seed=5)
    seen = run(FloatAdder(stages=4, technology=technology), [*pairs, *[(0, 0)] * 4])
    assert seen[4:] == numpy_sums(pairs)


@pytest.mark.parametrize("technology", TECHNOLOGIES)
def test_the_near_way_and_the_far_way(technology):
    # 2 - (2 - 1 ulp): near, by 24 places. 1.5 - 1: near, a subtrahend of the same exponent. 2 - 0.75: near by the
    # exponents, but the leading one stays: far, rounded. Differences of 2 places in the exponents: far, moved down.
    # Subnormals: no place to move; the smallest normal number less a subnormal; a sum that becomes normal.
    pairs = [
        *((0x40000000, 0xBFFFFFFF), (0x3FC00000, 0xBF800000), (0x40000000, 0xBF400001), (0x3FFFFFFF, 0xBF000001)),
        *((0x40000000, 0xBEFFFFFF), (0x40800000, 0xBF7FFFFF), (0x3F800000, 0xB3000000), (0x3F800000, 0xB2800001)),
        *((0x00000003, 0x80000001), (0x00800000, 0x80000001), (0x007FFFFF, 0x00000001), (0x00C00000, 0x80800001)),
        *((0x7F7FFFFF, 0x7F7FFFFF), (0x7F7FFFFF, 0x73000000), (0x7F7FFFFF, 0x72FFFFFF), (0x7F800000, 0xFF7FFFFF)),
    ]
    pairs += [(b, a) for a, b in pairs]
    assert run(FloatAdder(technology=technology), pairs) == numpy_sums(pairs)


@pytest.mark.parametrize("zero", [0x00000000, 0x80000000])
def test_zeros_leave_the_other_operand(zero):
    words = [0x3F800000, 0xBF800001, 0x00000001, 0x80000001, 0x7F7FFFFF, 0x80800000]
    assert run(FloatAdder(), [(word, zero) for word in words]) == words
    assert run(FloatAdder(), [(zero, word) for word in words]) == words


@pytest.mark.parametrize("technology", TECHNOLOGIES.values(), ids=list(TECHNOLOGIES))
@pytest.mark.parametrize("fmt", [TOY, FP32], ids=str)
def test_more_stages_are_no_slower_by_estimate(fmt, technology):
    words = Signal(fmt.word_bits), Signal(fmt.word_bits)
    delays, bits = survey(lambda m, words: adder_path(m, words, fmt, technology), words)
    table, slowest = stage_delays(delays, technology), []
    for stages in range(9):
        places = place_registers(delays, stages, bits, technology)
        cuts = [0, *(k for k in range(1, len(delays)) if places[k]), len(delays)]
        slowest.append(max(table[i][j] for i, j in itertools.pairwise(cuts)))
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(slowest))
    # Cuts stand close enough for two registers to make three stages of about the same length.
    assert slowest[2] < 0.4 * slowest[0]
