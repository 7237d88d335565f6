"""What is on the ports of a block, by hand."""

import numpy as np

from golden.catalogue import multiplier
from hdl.verilog import build
from synth.energy.blocks import BLOCKS


def words(*values):
    return np.array(values, np.float32).view(np.uint32)


def streams(block, name, a, b):
    return [each.tolist() for each in BLOCKS[block].streams(a, b, multiplier(name))]


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


def test_every_block_is_a_circuit_with_these_ports():
    for block in BLOCKS:
        component = build(block, multiplier="mitchell").component
        assert set(component.signature.members) == {"a", "b", "y"}
