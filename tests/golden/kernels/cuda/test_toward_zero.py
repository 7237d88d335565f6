"""Operations that round toward zero, against rational arithmetic: a GPU's instructions, or the interpreter's emulation.

``test_compiled.py`` finds the instructions in the compiled text.
"""

# pyright: reportMissingImports=false
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("triton", reason="Triton is not installed: pip install 'axfpm[gpu]'")
pytest.importorskip("torch")

import torch
import triton
import triton.language as tl

from golden.kernels.cuda import toward_zero
from golden.kernels.cuda.launch import launch

pytestmark = pytest.mark.long

SPACING = Fraction(1, 1 << 149)
LARGEST = Fraction(np.float64(np.finfo(np.float32).max))


def rounded(x: Fraction) -> Fraction:
    """Toward zero, to float32, by the definition."""
    size = abs(x)
    if size > LARGEST:
        size = LARGEST
    elif size:
        exponent = size.numerator.bit_length() - size.denominator.bit_length()
        exponent -= size < Fraction(2) ** exponent
        unit = max(Fraction(2) ** (exponent - 23), SPACING)
        size = size // unit * unit
    return size if x >= 0 else -size


@triton.jit
def run(a, b, c, out, SIZE: tl.constexpr, WHICH: tl.constexpr):
    i = tl.arange(0, SIZE)
    x, y, z = tl.load(a + i), tl.load(b + i), tl.load(c + i)
    if WHICH == "multiply":
        r = toward_zero.multiply_toward_zero(x, y)
    elif WHICH == "fma":
        r = toward_zero.fma_toward_zero(x, y, z)
    elif WHICH == "sum":
        r = toward_zero.sum_toward_zero(x, y)
    elif WHICH == "rest":
        r = toward_zero.product_rest(x, y, toward_zero.multiply_toward_zero(x, y))
    else:
        r = toward_zero.blend(x, y)
    tl.store(out + i, r)


@pytest.fixture
def operated(device):
    """The results of an operation on arrays."""

    def operate(which: str, *operands: np.ndarray) -> np.ndarray:
        size = len(operands[0])
        tensors = [torch.from_numpy(x).to(device) for x in (*operands, *operands)[:3]]
        out = torch.empty(size, device=device)
        with np.errstate(all="ignore"):
            launch(run, 1, *tensors, out, SIZE=size, WHICH=which)
        return out.cpu().numpy()

    return operate


def cases(rng: np.random.Generator, size: int) -> list[np.ndarray]:
    """Significands near each other's ends, exponents that cancel, underflow to subnormals, or overflow."""
    words = rng.integers(0, 1 << 32, (3, size), dtype=np.uint32)
    words[0, ::3] = (words[0, ::3] & 0x807FFFFF) | (rng.integers(100, 150, len(words[0, ::3])) << 23).astype(np.uint32)
    words[1, ::3] = words[0, ::3] ^ 0x80000000 ^ rng.integers(0, 4, len(words[1, ::3]), dtype=np.uint32)
    words[:, 1::6] = (words[:, 1::6] & 0x807FFFFF) | 0x1F800000  # 2^-64: products near the least subnormal
    words[2, 1::6] &= 0x8000FFFF
    words[:2, 2::6] = (words[:2, 2::6] & 0x807FFFFF) | 0x5F800000  # 2^64: products beyond the largest
    words[:2, 4::6] = (words[:2, 4::6] & 0x807FFFFF) | 0x00800000  # the least: sums may be subnormal
    words[:2, 5::6] = (words[:2, 5::6] & 0x807FFFFF) | 0x7F000000  # the greatest: sums may overflow
    words[(words & 0x7F800000) == 0x7F800000] &= 0xBFFFFFFF
    return list(words.view(np.float32))


@pytest.mark.parametrize("which", ["multiply", "fma", "sum"])
def test_an_operation_is_the_rational_one_rounded_toward_zero(operated, which):
    a, b, c = cases(np.random.default_rng(3), 1 << 14)
    if which == "fma":  # sums that all but cancel, so that the product's low bits decide
        c[::2] = -(a[::2].astype(np.float64) * b[::2]).clip(-3e38, 3e38).astype(np.float32)
    exact = {
        "multiply": lambda x, y, z: x * y,
        "fma": lambda x, y, z: x * y + z,
        "sum": lambda x, y, z: x + y,
    }[which]
    got = operated(which, a, b, c)
    expected = [rounded(exact(*(Fraction(float(v)) for v in row))) for row in zip(a, b, c, strict=True)]
    assert [Fraction(float(v)) for v in got] == expected
    ends = np.abs(got[got != 0])
    assert (ends < 2.0**-126).any() and (ends == np.finfo(np.float32).max).any()  # the cases reach both


def test_zeros_infinities_and_nan_as_ieee_754_has_them(operated):
    inf, nan = np.float32("inf"), np.float32("nan")
    a = np.array([0.0, -0.0, -0.0, inf, -inf, inf, nan, 1e-30, -1e-30], np.float32)
    b = np.array([-0.0, -0.0, 0.0, -2, -inf, 0.0, 1.0, 1e-30, 1e-30], np.float32)
    pad = np.ones(16 - len(a), np.float32)
    a, b = (np.concatenate([v, pad]) for v in (a, b))
    product = operated("multiply", a, b)[:9]
    expected = np.array([-0.0, 0.0, -0.0, -inf, inf, nan, nan, 0.0, -0.0], np.float32)
    assert np.array_equal(product, expected, equal_nan=True)
    assert np.array_equal(np.signbit(product[:5]), np.signbit(expected[:5])) and np.signbit(product[8])
    total = operated("sum", a, b)[:9]
    with np.errstate(all="ignore"):
        assert np.array_equal(total[:7], (a + b)[:7], equal_nan=True)
    assert np.array_equal(np.signbit(total[:3]), np.signbit((a + b)[:3]))


def test_the_rest_of_a_product(operated):
    rng = np.random.default_rng(5)
    words = (rng.integers(0, 1 << 32, (2, 1 << 12), dtype=np.uint32) & 0x807FFFFF) | 0x3F800000
    a, b = words.view(np.float32)
    exact = [Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a, b, strict=True)]
    assert [Fraction(float(v)) for v in operated("rest", a, b)] == [x - rounded(x) for x in exact]


def test_blending_takes_sign_and_exponent_from_the_first(operated):
    rng = np.random.default_rng(6)
    x, y = rng.integers(0, 1 << 32, (2, 1 << 10), dtype=np.uint32)
    got = operated("blend", x.view(np.float32), y.view(np.float32)).view(np.uint32)
    assert np.array_equal(got, (x & 0xFF800000) | (y & 0x7FFFFF))
