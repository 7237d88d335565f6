import random

import pytest

from hdl.bits import word_of
from hdl.pipeline import alongside, pipeline
from hdl.segments import SEGMENT, add_in_segments


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


@pytest.mark.parametrize("registered", [(), (1,), (0, 2, 3), (0, 1, 2, 3)])
@pytest.mark.parametrize("unread", [0, 3, 6, 20])
def test_any_cut_may_be_taken(evaluate, registered, unread):
    # What a register does is left to hdl.pipeline: here a cut that is taken passes its values on as they are.
    width, rng = 4 * SEGMENT + 2, random.Random(unread)
    vectors = [(rng.getrandbits(width), rng.getrandbits(width), 1) for _ in range(50)]
    adders = []

    def circuit(m, words):
        path = add_in_segments(m, list(words[0]), list(words[1]), words[2], unread=unread)
        cut, index = next(path), 0
        try:
            while True:
                lazy = callable(cut.state)
                adders.append(lazy)
                state = (cut.state() if index in registered else None) if lazy else cut.state
                cut, index = path.send(state), index + 1
        except StopIteration as stop:
            return stop.value

    kept = (1 << width) - (1 << min(unread, width))
    assert evaluate(circuit, (width, width, 1), vectors) == [(a + b + c) & kept for a, b, c in vectors]
    assert adders[:5] == [True] * 4 + [False]


def test_registers_hold_no_bits_that_nobody_reads(evaluate):
    from hdl.pipeline import register_bits

    def bits(unread):
        found = []

        def circuit(m, words):
            path = alongside(add_in_segments(m, list(words[0]), list(words[1]), unread=unread), words[2])
            cut = next(path)
            while callable(cut.state):
                found.append(register_bits(cut.state()))
                cut = path.send(None)
            return word_of([0])

        evaluate(circuit, (12, 12, 1), [(0, 0, 0)])
        return found

    # Two rows of what is left, the sum so far, its carry, and the bit that goes alongside.
    assert bits(0) == [8 + 8 + 4 + 1 + 1, 4 + 4 + 8 + 1 + 1]
    assert bits(6) == [8 + 8 + 0 + 1 + 1, 4 + 4 + 2 + 1 + 1]
