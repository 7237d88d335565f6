import numpy as np
import pytest

from golden.catalogue import MULTIPLIERS, multiplier
from golden.multiply import multiply_words
from sim.stimulus.corners import bit_lengths, multiplier_corners
from sim.stimulus.stimulus import multiplier_operands

ALWAYS = {
    "NaN activation",
    "NaN weight",
    "both NaN",
    "signalling NaN",
    "NaN with a payload in the low bits alone",
    "infinity x zero",
    "infinity x subnormal",
    "infinity x finite",
    "infinity x infinity",
    "subnormal activation",
    "subnormal weight",
    "negative zero",
    "overflow",
    "negative overflow",
    "flush to zero",
    "negative flush to zero",
    "smallest exponent",
    "largest exponent",
}
LOW = {"leading one at 2p - 2", "leading one at 2p - 1"}
TIES = {"product tie, even below", "product tie, odd below"}
CARRIES = {"carry out", "leading one at 2p - 1"}
OPERANDS = {"operand tie", "operand rounds to a power"}
EXTRA = {
    "exact": LOW | TIES,
    "exact-trunc": LOW,
    "ax-fpm": CARRIES,
    "ax-fpm-widen": CARRIES,
    "ax-fpm-wrap": CARRIES,
    "ax-array": {"leading one at 2p - 1"},
    "bf16": LOW | OPERANDS,
    "bf16-trunc": LOW,
    "ax-bf16": CARRIES,
    "mitchell": LOW,
    **{f"e8m{m}": LOW | OPERANDS for m in range(1, 11)},
}


def corners_of(name, n, seed=0):
    m = multiplier(name)
    operands = multiplier_operands(m, n, seed)
    return multiplier_corners(operands.a, operands.b, multiply_words(operands.a, operands.b, m), m)


@pytest.mark.parametrize("name", MULTIPLIERS)
def test_every_corner_of_the_catalogue_is_met(name):
    corners = corners_of(name, 1000)
    missed = {corner for corner in ALWAYS | EXTRA[name] if corners[corner] == 0}
    assert not missed


@pytest.mark.parametrize("name", ["ax-fpm", "ax-bf16", "exact", "bf16"])
def test_three_hundred_vectors_meet_them_too(name):
    corners = corners_of(name, 300)
    assert not {corner for corner in ALWAYS | EXTRA[name] if corners[corner] == 0}


def test_counts_of_a_hand_made_list():
    m = multiplier("ax-fpm")
    a = np.array([0x7F800001, 0x3FFFFFFF, 0x7F000000, 0x3E800000, 0x00000001], np.uint32)
    b = np.array([0x3F800000, 0x3FFFFFFF, 0x3F800000, 0x80800000, 0x3F800000], np.uint32)
    corners = multiplier_corners(a, b, multiply_words(a, b, m), m)
    met = {name: count for name, count in corners.items() if count}
    assert met == {
        "NaN activation": 1,
        "signalling NaN": 1,
        "NaN with a payload in the low bits alone": 1,
        "subnormal activation": 1,
        "overflow": 1,
        "flush to zero": 1,
        "negative flush to zero": 1,
        "carry out": 1,
        "leading one at 2p - 1": 2,
    }


def test_bit_lengths():
    values = [0, 1, 2, 3, (1 << 49) - 1, 1 << 49, (1 << 53) - 1]
    assert bit_lengths(np.array(values, np.uint64)).tolist() == [value.bit_length() for value in values]
