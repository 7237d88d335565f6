"""What is on the ports of a block, by hand."""

import numpy as np
import pytest

from golden.catalogue import multiplier
from golden.errors import InvalidInput
from golden.reference import add_word, multiply_word
from hdl.verilog import build, parameters_of
from synth.energy.blocks import BLOCKS, Build
from synth.energy.stimulus import Operands, draw


def words(*values):
    return np.array(values, np.float32).view(np.uint32)


NO_SUMS = np.zeros(0, np.uint32)


def streams(block, name, a, b, sums=NO_SUMS, **build_):
    operands = Operands(a, b, "by hand", lambda m: sums)
    found = BLOCKS[block].streams(operands, Build(name, **build_))
    return [each.tolist() for each in (*found.inputs.values(), *found.expected.values())]


def test_words():
    one_half, three = words(1.5), words(-3)
    assert streams("multiplier", "exact", one_half, three) == [one_half.tolist(), three.tolist(), words(-4.5).tolist()]


def test_fractions_and_their_product():
    # 1.5 is 110 in three bits, 1.25 is 101: 10 and 01 at the ports, 30 as product. Signs and exponents do not matter.
    a, b = words(1.5, -6.0), words(1.25, 0.3125)
    assert streams("significand", "e8m2", a, b) == [[2, 2], [1, 1], [30, 30]]
    # 1.9999 rounds to 2: 100, with a carry into the exponent.
    assert streams("significand", "e8m2", words(1.9999), words(1.0)) == [[0], [0], [16]]
    # A zero of ReLU is a product all the same: 1.0 times 1.75 inside.
    assert streams("significand", "e8m2", words(0.0), words(1.75)) == [[0], [3], [28]]
    (a24,), (b24,), (product,) = streams("significand", "exact", words(1.5), words(1.75))
    assert (a24, b24, product) == (1 << 22, 3 << 21, 21 << 43)


def test_an_adder_gets_the_sum_and_the_product():
    # ax-fpm doubles 1 x 1: 0.5 + 2.
    assert streams("adder", "ax-fpm", words(1), words(1), words(0.5)) == [w.tolist() for w in map(words, (0.5, 2, 2.5))]
    assert streams("adder", "exact", words(1), words(1), words(0.5))[2] == words(1.5).tolist()
    # The circuit has no multiplier, and its format is that of the words.
    assert BLOCKS["adder"].parameters(Build("e8m2", stages=2)) == {"format": "fp32", "stages": 2}
    assert not BLOCKS["adder"].has_multiplier


def test_a_mac_gets_the_sum_when_its_product_is_there():
    a, b, c = words(1, 2, 3, 4), words(1, 1, 1, 1), words(10, 20, 30, 40)
    y = words(11, 22, 33, 44).tolist()
    assert streams("mac", "exact", a, b, c) == [a.tolist(), b.tolist(), c.tolist(), y]
    assert streams("mac", "exact", a, b, c, stages=2) == [a.tolist(), b.tolist(), words(10, 10, 10, 20).tolist(), y]


@pytest.mark.parametrize(
    ("block", "stages", "adder_stages", "latency"),
    [
        ("multiplier", 2, None, 2),
        ("adder", 3, None, 3),
        ("mac", 0, None, 0),
        ("mac", 2, None, 4),
        ("mac", 2, 1, 3),
        ("pe", 0, None, 2),
        ("pe", 2, 3, 6),
    ],
)
def test_latency(block, stages, adder_stages, latency):
    assert BLOCKS[block].latency(Build("exact", "dadda", stages, adder_stages)) == latency


def test_stages_that_an_adder_cannot_have():
    with pytest.raises(InvalidInput, match="adder_stages=-1 is too small"):
        BLOCKS["mac"].latency(Build("exact", adder_stages=-1))


@pytest.mark.parametrize("name", ["ax-fpm", "bf16"])
def test_sums_and_products_by_the_literal_reference(name):
    operands = draw("relu", 30, seed=2)
    found = BLOCKS["mac"].streams(operands, Build(name))
    m = multiplier(name)
    for a, b, c, y in zip(*found.inputs.values(), found.expected["y"], strict=True):
        assert y == add_word(int(c), multiply_word(int(a), int(b), m), m.format)


def test_stages_are_the_circuits_own():
    for name, block in BLOCKS.items():
        takes = parameters_of(name)
        assert block.stages == takes["stages"]
        assert block.has_adder == ("adder_stages" in takes)
        assert block.has_multiplier == ("multiplier" in takes)


def test_every_block_is_a_circuit_with_these_ports():
    operands = draw("relu", 3)
    for name, block in BLOCKS.items():
        own = Build("mitchell", stages=block.stages)
        component = build(name, **block.parameters(own)).component
        found = block.streams(operands, own)
        assert set(component.signature.members) - {"en"} == {*found.inputs, *found.expected}
