from itertools import product

import numpy as np
import pytest

from golden.catalogue import MULTIPLIERS, Multiplier, multiplier
from golden.cells import CELLS, Cell
from golden.designs import CellBlocks
from golden.errors import InvalidInput, InvalidType
from golden.multiply import multiply, multiply_words
from golden.reference import multiply_word

NAMES = [
    *MULTIPLIERS,
    *("ax-fpm:cell=AMA1", "ax-fpm:cell=AMA2,block=2,product=nearest", "ax-fpm:cell=AMA3,block=3,carry=widen"),
    *("ax-fpm:cell=AMA4,block=6,carry=wrap", "ax-fpm:cell=AMA1,block=24", "ax-fpm:product=nearest,carry=widen"),
    *("bf16:cell=AMA5,block=4", "bf16:product=nearest", "exact:operands=nearest,format=e8m10"),
]


def reference(a, b, m):
    return np.array([multiply_word(int(x), int(y), m) for x, y in zip(a, b, strict=True)], np.uint32)


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_literal_reference(name, fp32_pairs):
    a, b = fp32_pairs
    if multiplier(name).block == 24:  # the literal 24 x 24 array takes a millisecond a product
        a, b = a[::5], b[::5]
    m = multiplier(name)
    np.testing.assert_array_equal(multiply_words(a, b, m), reference(a, b, m))


def toys():
    for form, blocks in (("toy", (1, 2, 4)), ("toy-m2", (1, 3)), ("toy-m1", (2,))):
        for n, cell, carry in product(blocks, CELLS, ("halve", "widen", "wrap")):
            for operands, rounding in product(("truncate", "nearest"), ("truncate", "nearest", "exact")):
                dial = f"exact:format={form},block={n},cell={cell},carry={carry}"
                try:
                    yield multiplier(f"{dial},operands={operands},product={rounding}")
                except InvalidInput:
                    assert rounding == "exact"


TOYS = sorted(set(toys()) | {multiplier("mitchell:format=toy")}, key=str)


def test_toy_formats_on_all_operand_pairs():
    a, b = (g.ravel().astype(np.uint32) for g in np.meshgrid(range(256), range(256), indexing="ij"))
    # Signs are independent of all else: the reference is asked for all quadrants of a few, for one of the rest.
    positive = (a < 128) & (b < 128)
    for index, m in enumerate(TOYS):
        part = slice(None) if index % 16 == 0 else positive
        y = multiply_words(a, b, m)
        np.testing.assert_array_equal(y[part], reference(a[part], b[part], m), err_msg=str(m))
        quadrants = y.reshape(2, 128, 2, 128)
        magnitudes, canonical = quadrants & 0x7F, quadrants[0, :, 0] == 0x7C
        for i, j in np.ndindex(2, 2):
            np.testing.assert_array_equal(magnitudes[i, :, j], magnitudes[0, :, 0], err_msg=str(m))
            signs = np.where(canonical, 0, i ^ j)
            np.testing.assert_array_equal(quadrants[i, :, j] >> 7, signs, err_msg=str(m))


def test_exact_is_ieee_with_flush(fp32_pairs):
    a, b = fp32_pairs
    with np.errstate(all="ignore"):
        x, w = (v.view(np.float32).astype(np.float64) for v in (a, b))
        x, w = (np.where(np.abs(v) < 2.0**-126, np.copysign(0, v), v) for v in (x, w))
        # Tininess is judged after rounding to 24 bits with an unbounded exponent, which float64 has room for.
        significand, exponent = np.frexp(x * w)
        rounded = np.ldexp(significand.astype(np.float32).astype(np.float64), exponent)
        y = np.where(np.abs(rounded) < 2.0**-126, np.copysign(0, rounded), rounded).astype(np.float32)
    words = np.where(np.isnan(y), np.uint32(0x7FC00000), y.view(np.uint32))
    np.testing.assert_array_equal(multiply_words(a, b, multiplier("exact")), words)


def test_bf16_is_torch_bfloat16_multiplied_in_float32(fp32_pairs):
    torch = pytest.importorskip("torch")
    a, b = (torch.from_numpy(v.view(np.float32).copy()) for v in fp32_pairs)
    tiny = np.float32(np.finfo(np.float32).tiny)
    kept = (a.abs() >= tiny) & (b.abs() >= tiny) & (a.abs() < 1e38) & (b.abs() < 1e38)
    y = a.bfloat16().float() * b.bfloat16().float()
    y = torch.where(y.abs() < tiny, torch.copysign(torch.zeros(()), y), y)
    ours = torch.from_numpy(multiply(a.numpy(), b.numpy(), "bf16"))
    assert kept.sum() > 2000
    assert torch.equal(ours[kept], y[kept])


def test_broken_cell_is_noticed(fp32_pairs):
    a, b = fp32_pairs
    broken = Multiplier(multiplier("ax-fpm").format, CellBlocks(Cell("broken", "00110011", "00001110"), 4))
    assert (multiply_words(a, b, broken) != reference(a, b, multiplier("ax-fpm"))).any()


def test_broadcast_and_scalars():
    a = np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3, 1)
    b = np.array([0.5, 1.5, 3.0, -1.0], np.float32)
    y = multiply(a, b, "ax-fpm")
    assert y.shape == (2, 3, 4)
    assert y[1, 2, 3] == multiply(a[1, 2, 0], b[3], "ax-fpm")
    assert multiply(1.0, 1, "ax-fpm") == 2.0
    assert multiply(1e300, 1.0, "exact") == np.inf
    assert multiply(a, 0.1, "exact")[0, 0, 0] == np.float32(-2) * np.float32(0.1)
    assert multiply(np.zeros((0, 3), np.float32), np.zeros((1, 3), np.float32)).shape == (0, 3)
    assert multiply(a[::-1].transpose(2, 1, 0), np.float32(1), "exact").shape == (1, 3, 2)


def test_default_is_ax_fpm():
    assert multiply(np.float32(0.856), np.float32(0.471)) == np.float32(0.426080584526062)
    assert multiply(1, 2) == 4.0


@pytest.mark.parametrize("bad", [np.ones(2), np.ones(2, np.int32), np.ones(2, np.float16), np.float64(1), "1.0", None])
def test_wrong_dtype(bad):
    with pytest.raises(TypeError, match="defined on float32"):
        multiply(bad, np.ones(2, np.float32))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0.5, 1.0], r"a is of type list, .*; give numpy\.asarray\(a, 'float32'\)$"),
        (np.ones(2), r"a has dtype float64, .*; convert it with \.astype\('float32'\)$"),
        ("1.0", "a is of type str, .*; give an array of float32$"),
        (None, "a is of type NoneType, .*; give an array of float32$"),
        ([[1], [1, 2]], r"a is no array \(setting an array element with a sequence\); give one of float32$"),
    ],
)
def test_advice_that_can_be_followed(bad, message):
    with pytest.raises(InvalidType, match=message):
        multiply(bad, np.ones(2, np.float32))


def test_python_numbers_beyond_every_range_are_infinite():
    assert multiply(10**400, 1.0, "exact") == np.inf and multiply(-(10**400), 1, "exact") == -np.inf
    assert multiply(1e300, 1.0, "exact") == np.inf


def test_wrong_shapes():
    with pytest.raises(InvalidInput, match=r"shapes \(2,\) and \(3,\) do not broadcast"):
        multiply(np.ones(2, np.float32), np.ones(3, np.float32))


def test_toy_needs_words():
    with pytest.raises(InvalidInput, match="works on 8-bit words"):
        multiply(np.float32(1), np.float32(1), "exact:format=toy")
    with pytest.raises(InvalidInput, match="has 8 bits"):
        multiply_words(np.array([256], np.uint32), np.array([0], np.uint32), multiplier("exact:format=toy"))
    with pytest.raises(InvalidType, match="uint32"):
        multiply_words(np.array([1]), np.array([0], np.uint32), multiplier("exact"))
