"""The public sums of products: shapes, kinds, layers and errors; tests/golden/kernels/ holds the arithmetic itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from kernel_cases import canonical, literal_matmul, operands

from golden.catalogue import multiplier
from golden.errors import InvalidInput, InvalidType
from golden.multiply import multiply
from golden.sums import conv1d, conv2d, linear, matmul

RNG = np.random.default_rng(21)
X, W, BIAS = operands("normal", (3, 5), RNG), operands("normal", (5, 4), RNG), operands("normal", (4,), RNG)


def test_matmul_is_the_sum_of_products_in_order() -> None:
    expected = literal_matmul(X, W, BIAS, multiplier("ax-fpm"))
    assert np.array_equal(matmul(X, W, bias=BIAS).view(np.uint32), expected)
    assert not np.array_equal(matmul(X, W), X @ W)


def test_activation_comes_first() -> None:
    a, w = np.array([[0.856]], np.float32), np.array([[0.471]], np.float32)
    assert matmul(a, w)[0, 0] == np.float32(0.426080584526062)  # published
    assert matmul(w, a)[0, 0] != matmul(a, w)[0, 0]


def test_names_in_the_place_of_a_bias() -> None:
    for x, w, call in ((X[None, None], W[None, None, :2, :2], conv2d), (X, W.T, linear)):
        with pytest.raises(InvalidType, match="bias is the text 'ax-fpm'; by its name that is multiplier='ax-fpm'"):
            call(x, w, "ax-fpm")
    with pytest.raises(InvalidType, match="bias is the text 'float64'; by its name that is accumulate='float64'"):
        matmul(X, W, "exact", "float64")


def test_bias_first_or_last() -> None:
    # In float32 the small products vanish beside the bias one by one; in float64 they add up before it.
    x, w, bias = np.full((1, 64), 2.0**-13, np.float32), np.full((64, 1), 2.0**-13, np.float32), np.ones(1, np.float32)
    assert matmul(x, w, "exact", bias)[0, 0] == 1
    assert matmul(x, w, "exact", bias, accumulate="float64")[0, 0] == np.float32(1 + 2.0**-20)


@pytest.mark.parametrize("accumulate", ["float32", "float64"])
def test_no_terms_give_the_bias(accumulate: str) -> None:
    bias = np.array([1.5, -0.0, np.nan], np.float32)
    out = matmul(np.ones((2, 0), np.float32), np.ones((0, 3), np.float32), bias=bias, accumulate=accumulate)
    first = 0x80000000 if accumulate == "float32" else 0  # +0 as float64 accumulator, plus -0
    assert np.array_equal(out.view(np.uint32), [[0x3FC00000, first, 0x7FC00000]] * 2)
    assert not matmul(np.ones((2, 0), np.float32), np.ones((0, 3), np.float32)).view(np.uint32).any()


def test_same_kind_out() -> None:
    got = matmul(torch.from_numpy(X), torch.from_numpy(W), bias=torch.from_numpy(BIAS))
    assert isinstance(got, torch.Tensor)
    assert np.array_equal(got.numpy(), matmul(X, W, bias=BIAS))
    parameter = torch.nn.Parameter(torch.from_numpy(W))
    assert torch.equal(matmul(torch.from_numpy(X), parameter), torch.from_numpy(matmul(X, W)))


def test_batches_broadcast() -> None:
    x, w = operands("relu", (2, 1, 3, 7), RNG), operands("normal", (4, 7, 5), RNG)
    got = matmul(x, w)
    assert got.shape == (2, 4, 3, 5)
    for i, j in np.ndindex(2, 4):
        assert np.array_equal(got[i, j], matmul(x[i, 0], w[j]))
    assert np.array_equal(matmul(x, w[0])[1, 0], matmul(x[1, 0], w[0]))
    assert matmul(np.empty((0, 3, 7), np.float32), w[0]).shape == (0, 3, 5)
    assert matmul(np.empty((0, 3, 7), np.float32), w[:1]).shape == (0, 3, 5)


def test_linear() -> None:
    x = operands("normal", (2, 3, 5), RNG)
    got = linear(x, W.T, BIAS, multiplier="ax-bf16")
    assert np.array_equal(got, matmul(x.reshape(6, 5), W, "ax-bf16", BIAS).reshape(2, 3, 4))
    assert linear(x[0, 0], W.T).shape == (4,)
    tensor = linear(torch.from_numpy(x), torch.from_numpy(W.T.copy()), torch.from_numpy(BIAS), multiplier="ax-bf16")
    assert np.array_equal(tensor.numpy(), got)


def test_conv1d() -> None:
    x, weight = operands("normal", (2, 4, 11), RNG), operands("normal", (6, 2, 3), RNG)
    got = conv1d(x, weight, stride=2, padding=1, dilation=2, groups=2)
    assert got.shape == torch.conv1d(torch.from_numpy(x), torch.from_numpy(weight), None, 2, 1, 2, 2).shape
    acc = np.float32(0)
    for c in range(2):
        for s in range(3):  # output 3: the window starts at 2 * 3 - 1 and skips every other sample
            acc = acc + multiply(x[1, 2 + c, 5 + 2 * s], weight[4, c, s])
    assert got[1, 4, 3] == acc


@pytest.mark.parametrize("kernel", ["", "plain"])
def test_nan_is_canonical(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXFPM_KERNEL", kernel)
    odd = np.array([[0x7F800001, 0xFFC12345, 0x7F800000, 0x3F800000]], np.uint32).view(np.float32)
    ones = np.array([[1.0, 0.0]], np.float32)
    got = matmul(odd.T.copy(), ones).view(np.uint32)
    assert got.tolist() == [[0x7FC00000] * 2] * 2 + [[0x7F800000, 0x7FC00000], [0x40000000, 0]]
    # Infinity minus infinity is 0xFFC00000 on x86.
    both = matmul(np.array([[np.inf, -np.inf]], np.float32), np.ones((2, 1), np.float32), "exact")
    assert both.view(np.uint32)[0, 0] == 0x7FC00000
    bias = matmul(ones, np.zeros((2, 1), np.float32), bias=odd[0, 1:2])
    assert np.array_equal(canonical(bias), bias.view(np.uint32))


def test_fields_of_records() -> None:
    # Strides that are no multiples of the elements' size.
    x, w = (np.zeros(v.shape, [("tag", "u1"), ("value", "<f4")]) for v in (X, W))
    x["value"], w["value"] = X, W
    assert np.array_equal(matmul(x["value"], w["value"], bias=BIAS), matmul(X, W, bias=BIAS))


def test_whole_numbers_of_any_kind() -> None:
    image, kernel = operands("normal", (1, 1, 5, 5), RNG), operands("normal", (1, 1, 2, 2), RNG)
    expected = conv2d(image, kernel, stride=2, padding=(1, 0))
    settings: Any = {"stride": np.int64(2), "padding": np.array([1, 0])}
    assert np.array_equal(conv2d(image, kernel, **settings), expected)


def test_steps_beyond_the_input_take_no_memory() -> None:
    image, kernel = operands("normal", (1, 2, 3, 4), RNG), operands("normal", (3, 2, 1, 1), RNG)
    for huge in (10**30, 1 << 30):
        got = conv2d(image, kernel, stride=(2, huge), dilation=huge)
        assert np.array_equal(got, conv2d(image, kernel, stride=(2, 4)))
        assert got.shape == (1, 3, 2, 1)
    assert conv2d(image, kernel, stride=10**30, padding=1).shape == (1, 3, 1, 1)


def test_operands_are_not_changed() -> None:
    x, w = X.copy(), W.copy()
    x[0, 0], w[0, 0] = np.float32(1e-40), np.float32(1e-41)  # flushed in the packed copies only
    before = x.copy(), w.copy()
    matmul(x, w, "bf16")
    assert np.array_equal(x, before[0])
    assert np.array_equal(w, before[1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: matmul(X.astype(np.float64), W), InvalidType, r"a has dtype float64.*astype\('float32'\)"),
        (lambda: matmul(torch.ones(3, 5).double(), torch.ones(5, 4)), InvalidType, r"a has dtype float64.*float\(\)"),
        (lambda: matmul(X, torch.from_numpy(W)), InvalidType, "the activations are not a tensor and w is a tensor"),
        (lambda: matmul(X, W.T), InvalidInput, r"matmul takes shapes \(..., M, K\) and \(..., K, N\), not \(3, 5\)"),
        (lambda: matmul(np.ones((2, 3, 5), "f"), np.ones((3, 5, 4), "f")), InvalidInput, "leading dimensions"),
        (lambda: matmul(X, W, bias=BIAS[:2]), InvalidInput, r"the bias has shape \(2,\), and 4 outputs need \(4,\)"),
        (lambda: matmul(X, W, accumulate="float16"), InvalidInput, "unknown accumulate 'float16'; did you mean"),
        (lambda: matmul(X, W, "ax-fmp"), InvalidInput, "did you mean ax-fpm"),
        (lambda: linear(X, W), InvalidInput, r"linear takes \(..., K\) and \(N, K\), not \(3, 5\) and \(5, 4\)"),
        (lambda: conv1d(X, W), InvalidInput, r"conv1d takes \(B, C, L\)"),
        (lambda: conv2d(X, W), InvalidInput, r"conv2d takes \(B, C, H, W\)"),
        (lambda: conv2d(np.ones((1, 3, 5, 5), "f"), np.ones((2, 2, 1, 1), "f")), InvalidInput, "groups=1 does not fit"),
        (lambda: conv2d(np.ones((1, 1, 2, 5), "f"), np.ones((1, 1, 3, 3), "f")), InvalidInput, "window does not fit"),
        (lambda: conv2d(np.ones((1, 1, 5, 5), "f"), np.ones((1, 1, 3, 3), "f"), stride=0), InvalidInput, "stride=0"),
        (lambda: conv2d(X[None, None], W[None, None], groups=0), InvalidInput, "groups=0 is too small; give at"),
        (lambda: conv2d(X[None, None], W[None, None], groups=1.0), InvalidType, "groups is a whole number"),  # pyright: ignore
        (lambda: conv2d(np.ones((1, 1, 5, 5), "f"), np.ones((1, 1, 0, 3), "f")), InvalidInput, "0 x 3 has no weights"),
        (lambda: conv1d(np.ones((1, 1, 5), "f"), np.ones((1, 1, 0), "f"), dilation=2), InvalidInput, "1 x 0 has no w"),
    ],
)  # fmt: skip
def test_errors(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
