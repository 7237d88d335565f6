import random

import pytest
from amaranth.hdl import Cat, Const

from hdl.shifters import count_leading_zeros, lost_ones, shift_left, shift_right


def whole(path):
    """Run a datapath without registers; its result."""
    state = None
    try:
        while True:
            state = path.send(state).state
    except StopIteration as stop:
        return stop.value


@pytest.mark.parametrize("width", [5, 8, 11])
def test_shifters(evaluate, width):
    # One circuit holds all three: right shift, its sticky bit, leading-zero count, and the left shift by that count.
    rng = random.Random(width)
    bits = (width - 1).bit_length() + 1
    vectors = [(rng.getrandbits(width), rng.randrange(1 << bits)) for _ in range(200)] + [(1, 0), ((1 << width) - 1, 0)]

    def build(m, inputs):
        value, distance = inputs
        right = whole(shift_right(m, value, distance, "right"))
        sticky = whole(lost_ones(m, value, distance, "sticky"))
        zeros = whole(count_leading_zeros(m, value, "zeros"))
        left = whole(shift_left(m, value, zeros, "left"))
        return Cat(Cat(right, Const(0, 11 - width)), sticky, Cat(zeros, Const(0, 8 - len(zeros))), left)

    for (value, distance), out in zip(vectors, evaluate(build, [width, bits], vectors), strict=True):
        assert out & 0x7FF == value >> distance
        assert out >> 11 & 1 == (value & (1 << distance) - 1 != 0)
        if value:
            assert out >> 12 & 0xFF == width - value.bit_length()
            assert out >> 20 == value << (width - value.bit_length())
