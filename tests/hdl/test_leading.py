import itertools
import random

import pytest

from golden.catalogue import CARRY_POLICIES, MULTIPLIERS, Multiplier, multiplier
from golden.cells import CELLS
from golden.designs import CellBlocks, Function, Masks, TableBlocks
from golden.formats import FORMATS, Format
from golden.reference import block_product, significand_product
from hdl.leading import _possible_range, block_table, leading_one
from hdl.significand import Hardware, register_hardware


def reached(m, pairs):
    """Leading-one positions over pairs of significands, -1 for P = 0."""
    modulus = 1 << (2 * m.precision + (m.carry != "wrap"))
    return {(significand_product(m.design, a, b, m.precision) % modulus).bit_length() - 1 for a, b in pairs}


def every_pair(p):
    return itertools.product(range(1 << (p - 1), 1 << p), repeat=2)


TOYS = {
    str(m): m
    for cell, n, carry in itertools.product(CELLS, (1, 2, 4), CARRY_POLICIES)
    for m in [multiplier(f"ax-fpm:format=toy,cell={cell},block={n},carry={carry}")]
}


@pytest.mark.parametrize("name", TOYS)
def test_toy_exhaustive(name):
    m, reach = TOYS[name], leading_one(TOYS[name])
    positions = reached(m, every_pair(4))
    assert positions <= {*range(reach.lowest, reach.highest + 1)} | ({-1} if reach.zero else set())
    # No more than needed: the ends occur, but where P = 0 opens the range downwards or bit 2p is dropped.
    assert reach.highest == max(positions)
    if m.carry != "wrap":
        assert reach.lowest == max(min(positions), 0)
        assert reach.zero == (-1 in positions)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("p", [6, 8])
def test_digits(cell, p):
    # Two and more digits: the bound is computed digit by digit, the truth pair by pair.
    fmt = Format("test", 4, p - 1, p - 1)
    for n in (n for n in range(1, p) if p % n == 0):
        m = Multiplier(fmt, CellBlocks(CELLS[cell], n), carry="widen")
        reach = leading_one(m)
        rng = random.Random(n)
        some = [(rng.randrange(1 << (p - 1), 1 << p), rng.randrange(1 << (p - 1), 1 << p)) for _ in range(400)]
        positions = reached(m, every_pair(p) if p == 6 else some)
        assert positions <= {*range(reach.lowest, reach.highest + 1)} | ({-1} if reach.zero else set())


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("exact", 46, 47),
        ("ax-fpm", 47, 48),
        ("ax-fpm-widen", 47, 48),
        ("ax-fpm-wrap", 0, 47),
        ("ax-array", 47, 47),
        ("ax-bf16", 15, 16),
        ("bf16", 14, 15),
        ("mitchell", 46, 47),
        ("ax-fpm:cell=AMA1", 0, 47),
        ("ax-fpm:cell=AMA2,block=24", 46, 47),
        ("ax-fpm:cell=AMA3,block=24", 47, 47),
    ],
)
def test_catalogue(name, lowest, highest):
    reach = leading_one(multiplier(name))
    assert (reach.lowest, reach.highest) == (lowest, highest)
    assert reach.zero == (lowest == 0)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_block_table(cell, n):
    expected = [block_product(CELLS[cell], n, a, b) for a, b in itertools.product(range(1 << n), repeat=2)]
    assert list(block_table(CELLS[cell], n)) == expected


@pytest.mark.parametrize("top", [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize("cell", CELLS)
def test_bounds_of_wide_blocks(cell, top):
    # The method for blocks too wide to tabulate, on blocks that are not.
    for n in (5, 6):
        table = block_table(CELLS[cell], n)
        low, high = _possible_range(CELLS[cell], n, *top)
        values = [
            table[a << n | b]
            for a, b in itertools.product(
                range(1 << (n - 1) if top[0] else 0, 1 << n), range(1 << (n - 1) if top[1] else 0, 1 << n)
            )
        ]
        assert low <= min(values)
        assert high >= max(values)


@pytest.mark.parametrize(
    "name", ["ax-fpm:block=12,cell=AMA2", "ax-fpm:block=24,cell=AMA3", "ax-fpm:block=12,cell=AMA4"]
)
def test_wide_blocks_sampled(name):
    m, rng = multiplier(name), random.Random(3)
    reach = leading_one(m)
    pairs = [(rng.getrandbits(23) | 1 << 23, rng.getrandbits(23) | 1 << 23) for _ in range(40)]
    ends = (1 << 23, (1 << 23) + 1, (1 << 24) - 1, (1 << 23) + (1 << 12))
    assert reached(m, [*pairs, *itertools.product(ends, repeat=2)]) <= set(range(reach.lowest, reach.highest + 1))


def test_other_designs():
    fmt = FORMATS["toy"]
    table = tuple(min(a * b + 1, 15) for a in range(4) for b in range(4))
    function = Function("test-leading", lambda a, b, p: a)
    register_hardware(function, Hardware(lambda m, a, b: a, lambda p: (1 << p, 3 << p)))
    for design in (TableBlocks("t", 2, table), Masks("m", 0b0110, 0b1001, 0b0100), Masks("z", 0b0110, 0b0001, 0b0100)):
        m = Multiplier(fmt, design, carry="widen")
        reach, positions = leading_one(m), reached(m, every_pair(4))
        assert (reach.lowest, reach.highest, reach.zero) == (max(min(positions), 0), max(positions), -1 in positions)
    reach = leading_one(Multiplier(fmt, function))
    assert (reach.lowest, reach.highest, reach.zero) == (4, 5, False)


def test_every_entry_has_a_range():
    for m in MULTIPLIERS.values():
        assert 0 <= leading_one(m).lowest <= leading_one(m).highest <= 2 * m.precision
