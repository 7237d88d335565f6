"""Parts of normalising and rounding by themselves; the whole is tested with the multiplier."""

import itertools
import random

import pytest

from hdl.normalise import any_low_bit


def low_bits(evaluate, p, count, pairs):
    return evaluate(lambda m, words: any_low_bit(m, *words, count=count), (p, p), pairs)


@pytest.mark.parametrize(("p", "count"), [(1, 1), (3, 1), (3, 3), (4, 2), (5, 3), (5, 5)])
def test_any_low_bit_exhaustively(evaluate, p, count):
    pairs = list(itertools.product(range(1 << p), repeat=2))
    assert low_bits(evaluate, p, count, pairs) == [int(a * b % (1 << count) != 0) for a, b in pairs]


def test_any_low_bit_with_every_pair_of_trailing_zeros(evaluate):
    rng = random.Random(0)
    zeros = itertools.product(range(25), repeat=2)
    pairs = [tuple((rng.getrandbits(24) | 1) << k & 0xFFFFFF for k in pair) for pair in zeros]
    found = low_bits(evaluate, 24, 22, pairs)
    assert found == [int(a * b % (1 << 22) != 0) for a, b in pairs]
    assert 200 < sum(found) < len(pairs) - 200
