"""Convolutions against a naive loop, for random geometry and every lane layout."""

from __future__ import annotations

import tracemalloc
from functools import partial

import numpy as np
import pytest
from kernel_cases import canonical, operands

from golden import kernels
from golden.catalogue import Multiplier, multiplier
from golden.kernels import convolution, plain, pool
from golden.kernels.bodies.body import instance
from golden.kernels.packing import BYTES
from golden.multiply import multiply_words

Pair = tuple[int, int]


def _naive(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    m: Multiplier,
) -> np.ndarray:
    """One output at a time, its window gathered pixel by pixel."""
    batch, _, height, width = x.shape
    channels_out, depth, rows, columns = weight.shape
    h = (height + 2 * padding[0] - dilation[0] * (rows - 1) - 1) // stride[0] + 1
    v = (width + 2 * padding[1] - dilation[1] * (columns - 1) - 1) // stride[1] + 1
    out = np.empty((batch, channels_out, h, v), np.float32)
    for n, o, i, j in np.ndindex(*out.shape):
        group = o // (channels_out // groups)
        window = np.zeros((depth, rows, columns), np.float32)
        for c, r, s in np.ndindex(*window.shape):
            y, z = i * stride[0] + r * dilation[0] - padding[0], j * stride[1] + s * dilation[1] - padding[1]
            if 0 <= y < height and 0 <= z < width:
                window[c, r, s] = x[n, group * depth + c, y, z]
        products = multiply_words(window.view(np.uint32).ravel(), weight[o].view(np.uint32).ravel(), m)
        acc = np.float32(0) if bias is None else bias[o]
        for product in products.view(np.float32):
            acc = acc + product
        out[n, o, i, j] = acc
    return out


def _pair(rng: np.random.Generator, least: int) -> Pair:
    return int(rng.integers(least, 4)), int(rng.integers(least, 4))


@pytest.mark.parametrize("name", ["ax-fpm", "ax-fpm-widen", "bf16", "ax-bf16", "mitchell", "ax-fpm-wrap", "exact"])
@pytest.mark.parametrize("strips", [False, True])
def test_equals_naive_loop(name: str, strips: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if strips:  # as low as they may be; with windows of one row some hold nothing but padding
        monkeypatch.setattr(convolution, "CHUNK", 1)
    m = multiplier(name)
    rng = np.random.default_rng(sum(name.encode()))
    for case in range(8):
        groups = int(rng.integers(1, 4))
        channels, outputs = groups * int(rng.integers(1, 4)), groups * int(rng.integers(1, 9))
        rows, columns = (int(n) for n in rng.integers(1, 4, 2))
        stride, dilation, padding = _pair(rng, 1), _pair(rng, 1), _pair(rng, 0)
        height = dilation[0] * (rows - 1) + 1 + int(rng.integers(0, 4))
        width = dilation[1] * (columns - 1) + 1 + int(rng.integers(0, 20))
        batch = (1, 2, 8, 9)[case % 4]  # lanes over pixels, and over images with and without a rest
        x = operands("special" if case == 7 else "relu", (batch, channels, height, width), rng)
        weight = operands("normal", (outputs, channels // groups, rows, columns), rng)
        bias = operands("normal", (outputs,), rng) if case % 2 else None
        settings = (stride, padding, dilation, groups)
        with np.errstate(all="ignore"):
            expected = canonical(_naive(x, weight, bias, *settings, m))
        got = kernels.conv2d(x, weight, bias, *settings, m, "float32")
        assert np.array_equal(got.view(np.uint32), expected), (x.shape, weight.shape, settings)


@pytest.mark.parametrize("accumulate", ["float32", "float64"])
def test_depthwise_and_deep_equal_plain(accumulate: str) -> None:
    m = multiplier("ax-fpm")
    rng = np.random.default_rng(9)
    for shape, weights, groups in (((2, 12, 9, 9), (24, 1, 3, 3), 12), ((3, 64, 5, 6), (7, 64, 3, 3), 1)):
        x, weight, bias = (operands("relu", s, rng) for s in (shape, weights, weights[:1]))
        settings = ((1, 2), (1, 1), (1, 1), groups)
        got = kernels.conv2d(x, weight, bias, *settings, m, accumulate)
        with np.errstate(all="ignore"):
            expected = plain.conv2d(x, weight, bias, *settings, m, accumulate)
        assert np.array_equal(got.view(np.uint32), canonical(expected))


@pytest.mark.parametrize("kernel", ["", "portable"])
@pytest.mark.parametrize("batch", [1, 8])
def test_strips_of_large_images_equal_plain(batch: int, kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AXFPM_KERNEL", kernel)
    m = multiplier("ax-fpm")
    rng = np.random.default_rng(13)
    x, weight = operands("relu", (batch, 9, 300, 33), rng), operands("normal", (3, 9, 3, 3), rng)
    tops: list[int] = []
    original = convolution._inside
    monkeypatch.setattr(
        convolution, "_inside", lambda size, first, limit: tops.append(first) or original(size, first, limit)
    )
    for settings in (((1, 1), (1, 1), (1, 1), 1), ((2, 1), (0, 2), (3, 1), 1)):
        got = kernels.conv2d(x, weight, None, *settings, m, "float32")
        with np.errstate(all="ignore"):
            expected = plain.conv2d(x, weight, None, *settings, m, "float32")
        assert np.array_equal(got.view(np.uint32), canonical(expected))
    assert len(set(tops)) > 2, "no strips"


def test_empty() -> None:
    m = multiplier("ax-fpm")
    ones = np.ones((2, 3, 4, 4), np.float32)
    settings = ((1, 1), (0, 0), (1, 1), 1)
    assert kernels.conv2d(ones[:0], np.ones((5, 3, 2, 2), np.float32), None, *settings, m, "float32").shape == (
        0,
        5,
        3,
        3,
    )
    assert kernels.conv2d(ones, np.ones((0, 3, 2, 2), np.float32), None, *settings, m, "float32").shape == (2, 0, 3, 3)
    bias = np.array([1.5, np.nan], np.float32)
    got = kernels.conv2d(ones[:, :0], np.ones((2, 0, 2, 2), np.float32), bias, *settings, m, "float32")
    assert np.array_equal(got[:, 0], np.full((2, 3, 3), 1.5, np.float32))
    assert (got[:, 1].view(np.uint32) == 0x7FC00000).all()


def test_strided_and_permuted_inputs() -> None:
    m = multiplier("ax-fpm")
    rng = np.random.default_rng(10)
    settings = ((1, 1), (1, 1), (1, 1), 1)
    x = operands("normal", (4, 6, 6, 3), rng).transpose(0, 3, 1, 2)[::2, ::-1]  # channels last, every other image
    weight = operands("normal", (3, 3, 4, 3), rng).transpose(2, 3, 0, 1)
    got = kernels.conv2d(x, weight, None, *settings, m, "float32")
    packed = kernels.conv2d(np.ascontiguousarray(x), np.ascontiguousarray(weight), None, *settings, m, "float32")
    assert np.array_equal(got, packed)


@pytest.mark.parametrize("kernel", ["", "portable"])
@pytest.mark.parametrize("workers", [1, 2, 16])
@pytest.mark.parametrize(
    ("shape", "outputs"),
    [
        ((8, 16, 40, 40), 16),
        ((1, 16, 96, 96), 16),
        ((1, 16, 300, 300), 16),
        ((8, 16, 64, 8), 16),
        ((1, 64, 128, 128), 8),
        ((1, 512, 7, 7), 512),
        ((1, 64, 8, 8), 64),
    ],
)
def test_extra_memory_is_bounded(
    shape: tuple[int, ...], outputs: int, workers: int, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AXFPM_KERNEL", kernel)
    for module in (pool, convolution):
        monkeypatch.setattr(module, "threads", lambda: workers)
    m = multiplier("ax-fpm")
    x = np.ones(shape, np.float32)
    weight = np.ones((outputs, shape[1], 3, 3), np.float32)
    run = partial(kernels.conv2d, x, weight, None, (1, 1), (1, 1), (1, 1), 1, m, "float32")
    result = run()
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Streams of the weights, of as many outputs as are packed at a time.
    body = kernels.select(m, "float32")
    assert body is not None
    streams = sum(BYTES[kind] for kind in instance(body, m).weights)
    records = min(streams * weight.size, convolution.RECORDS)
    assert peak - result.nbytes <= 2 * (x.nbytes + result.nbytes) + 1.1 * records


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_heavy_weights_are_taken_in_parts(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    m = multiplier("ax-fpm")
    rng = np.random.default_rng(21)
    x, weight = operands("relu", (3, 12, 6, 5), rng), operands("normal", (36, 12 // groups, 2, 3), rng)
    bias = operands("normal", (36,), rng)
    settings = ((1, 1), (1, 0), (1, 1), groups)
    whole = kernels.conv2d(x, weight, bias, *settings, m, "float32")
    parts = []
    convolve = convolution._convolve
    monkeypatch.setattr(convolution, "_convolve", lambda f, *rest: (parts.append(rest[1].shape[0]), convolve(f, *rest)))
    for limit in (1, 2000, 20_000):
        monkeypatch.setattr(convolution, "RECORDS", limit)
        assert np.array_equal(kernels.conv2d(x, weight, bias, *settings, m, "float32"), whole)
    assert sum(parts) == 3 * 36
    assert len(parts) > 6
