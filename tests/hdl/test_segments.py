import random

import pytest

from hdl.pipeline import pipeline, place_registers
from hdl.segments import SEGMENT, add_in_segments, adder_delay


def run(evaluate, width, vectors, carry=None):
    def circuit(m, words):
        first, second, cin = words
        bit = cin if carry is None else carry
        return pipeline(m, lambda m, ab: add_in_segments(m, ab[0], ab[1], bit), (list(first), list(second)), stages=0)

    return evaluate(circuit, (width, width, 1), vectors)


@pytest.mark.parametrize("width", [1, 3])
def test_exhaustive(evaluate, width):
    values = range(1 << width)
    vectors = [(a, b, c) for a in values for b in values for c in (0, 1)]
    assert run(evaluate, width, vectors) == [(a + b + c) % (1 << width) for a, b, c in vectors]


@pytest.mark.parametrize("width", [SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 49])
def test_carries_cross_segments(evaluate, width):
    rng, ones = random.Random(width), (1 << width) - 1
    vectors = [(ones, 0, 1), (ones, 1, 0), (ones, ones, 1), (0, 0, 0)]
    vectors += [(rng.getrandbits(width), rng.getrandbits(width), rng.getrandbits(1)) for _ in range(100)]
    assert run(evaluate, width, vectors) == [(a + b + c) & ones for a, b, c in vectors]
    assert run(evaluate, width, vectors, carry=1) == [(a + b + 1) & ones for a, b, _ in vectors]


def test_long_additions_can_be_split():
    # 48 bits offer two places inside; three registers more than that go to the ends.
    delays = [adder_delay(SEGMENT)] * 3
    assert place_registers(delays, 2) == [0, 1, 1, 0]
    assert place_registers(delays, 5) == [1, 1, 1, 2]
