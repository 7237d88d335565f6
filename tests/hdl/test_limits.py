import pytest

from golden.errors import InvalidInput, InvalidType
from hdl.limits import MOST_MEMORY_BITS, check_adder_stages, check_buffers, check_shape, check_stages


def test_stages():
    assert [check_stages(n) for n in (0, 1, 256)] == [0, 1, 256]
    for wrong, message in ((-1, "is negative; give 0"), (257, "is too large; give at most 256")):
        with pytest.raises(InvalidInput, match=f"stages={wrong} {message}"):
            check_stages(wrong)
    assert (check_adder_stages(0, None), check_adder_stages(3, None), check_adder_stages(3, 1)) == (1, 3, 1)


def test_shapes():
    check_shape(128, 128)
    check_shape(1, 200, 0)
    check_shape(350, 1)
    for shape in ((160, 160), (1, 256, 0), (400, 1), (200, 1, 0, 8), (2, 190, 256)):
        with pytest.raises(InvalidInput, match="is too large: "):
            check_shape(*shape)
    with pytest.raises(InvalidType, match="rows is a whole number, not float"):
        check_shape(2.0, 2)  # pyright: ignore[reportArgumentType] - wrong on purpose


def test_buffers_have_so_many_bits():
    # Two banks of 256 vectors of 4 words, then sums and biases of 2.
    rest = MOST_MEMORY_BITS // 32 - 2 * 256 * 4
    check_buffers(200, rest // 2 - 10, 10, rows=4, columns=2, word_bits=32)
    with pytest.raises(InvalidInput, match=f"make buffers of {MOST_MEMORY_BITS + 64} bits"):
        check_buffers(200, rest // 2 - 10, 11, rows=4, columns=2, word_bits=32)
