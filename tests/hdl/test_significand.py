# amaranth: UnusedElaboratable=no

import itertools
import random

import pytest
from amaranth.hdl import Const, Module, Signal

from golden.catalogue import Multiplier, multiplier
from golden.cells import CELLS
from golden.designs import MITCHELL, CellBlocks, Function, Masks, TableBlocks
from golden.errors import InvalidInput, InvalidType
from golden.formats import FP32
from golden.reference import significand_product as reference
from hdl.compressor import TREES
from hdl.multiplier import FloatMultiplier
from hdl.pipeline import pipeline
from hdl.significand import Hardware, check_hardware, product_width, register_hardware, significand_product


def run(evaluate, design, p, pairs, tree="dadda"):
    """P of significand pairs; the hidden bit is a constant, as in the multiplier."""

    def circuit(m, words):
        a, b = ([*word, 1] for word in words)
        return pipeline(m, lambda m, ab: significand_product(m, design, *ab, tree=tree), (a, b), stages=0)

    low = (1 << (p - 1)) - 1
    return evaluate(circuit, (p - 1, p - 1), [(a & low, b & low) for a, b in pairs])


def every_pair(p):
    return list(itertools.product(range(1 << (p - 1), 1 << p), repeat=2))


DESIGNS = {
    **{f"{cell}-{n}": CellBlocks(CELLS[cell], n) for cell in CELLS for n in (1, 2, 4)},
    "table-2": TableBlocks("table", 2, tuple((a * 5 + b * b) % 16 for a in range(4) for b in range(4))),
    "masks": Masks("masks", 0b0101, 0b1010, 0b1000),
    "mitchell": MITCHELL,
}


@pytest.mark.parametrize("name", DESIGNS)
def test_exhaustive(evaluate, name):
    pairs = every_pair(4)
    assert run(evaluate, DESIGNS[name], 4, pairs) == [reference(DESIGNS[name], a, b, 4) for a, b in pairs]


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("name", ["exact", "ax-fpm", "ax-fpm:cell=AMA2,block=6"])
def test_wide(evaluate, name, tree):
    design, rng = multiplier(name).design, random.Random(5)
    pairs = [(rng.getrandbits(23) | 1 << 23, rng.getrandbits(23) | 1 << 23) for _ in range(15)]
    pairs += [((1 << 24) - 1, (1 << 24) - 1), (1 << 23, 1 << 23)]
    assert run(evaluate, design, 24, pairs, tree) == [reference(design, a, b, 24) for a, b in pairs]


@pytest.mark.parametrize(("name", "columns"), [("exact-trunc", 1), ("ax-fpm", 4), ("ax-fpm:block=2", 2)])
def test_columns_that_reach_no_other(name, columns):
    # With all bits 1 the columns below k sum up to 2^k and more, but for the lowest few: those alone can be left out
    # of a truncated product.
    a, b = ([*Signal(23), 1] for _ in range(2))
    heap = next(significand_product(Module(), multiplier(name).design, a, b)).state
    heights = {w: sum(not isinstance(bit, int) or bit == 1 for bit in bits) for w, bits in heap.items()}
    sums = [sum(heights[w] << w for w in range(k)) for k in range(25)]
    assert [k for k, total in enumerate(sums) if total < 1 << k] == list(range(columns + 1))


def test_product_width():
    assert product_width(multiplier("exact").design, 24) == 48
    assert product_width(multiplier("ax-fpm").design, 24) == 49
    assert product_width(MITCHELL, 24) == 48


def test_registered_hardware(evaluate):
    def constant(a, b, precision):
        raise AssertionError("hardware does not call the function")

    design = Function("mitchell", constant)
    with pytest.raises(InvalidInput, match="the design 'mitchell' has no hardware; add it with hdl"):
        check_hardware(design)
    hardware = Hardware(lambda m, a, b: a + Const(7, 4), lambda p: (0, 1 << (p + 1)))
    assert register_hardware(design, hardware) is hardware
    assert register_hardware(Function("the same", constant), hardware) is hardware
    check_hardware(design)
    assert run(evaluate, design, 4, [(9, 8), (15, 15)]) == [16, 22]
    with pytest.raises(InvalidInput, match="'mitchell' has other hardware already"):
        register_hardware(design, Hardware(lambda m, a, b: a, lambda p: (0, 1)))
    with pytest.raises(InvalidType, match="not to 'mitchell'; give the design itself"):
        register_hardware("mitchell", hardware)  # pyright: ignore[reportArgumentType] - wrong on purpose


def test_hardware_is_found_by_the_function(evaluate):
    # Mitchell's function under another name has Mitchell's circuit; others under his name have none, nor has his
    # function where the product is said to be one bit wider.
    renamed = Function("logarithmic", MITCHELL.function)
    pairs = every_pair(4)
    assert run(evaluate, renamed, 4, pairs) == [reference(MITCHELL, a, b, 4) for a, b in pairs]
    for impostor in (
        Function("mitchell", lambda a, b, p: a * b),
        Function("mitchell", MITCHELL.function, carries=True),
    ):
        with pytest.raises(InvalidInput, match="the design 'mitchell' has no hardware"):
            FloatMultiplier(Multiplier(FP32, impostor))


def test_function_without_hardware():
    path = significand_product(Module(), Function("soft", lambda a, b, p: a), [1], [1])
    with pytest.raises(InvalidInput, match=r"'soft' has no hardware; add it with hdl\.significand\.register_hardware"):
        next(path)
