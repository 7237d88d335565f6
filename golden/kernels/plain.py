"""The plain kernel: vectorised products, added one k after the other. Runs every multiplier on every machine."""

from __future__ import annotations

import numpy as np

from golden.catalogue import Multiplier
from golden.multiply import multiply_words

__all__ = ["conv2d", "matmul"]


def _products(a: np.ndarray, w: np.ndarray, m: Multiplier) -> np.ndarray:
    return multiply_words(a.view(np.uint32), w.view(np.uint32), m).view(np.float32)


def _start(shape: tuple[int, ...], bias: np.ndarray | None, accumulate: str) -> np.ndarray:
    # float32: the bias is the first term of the sum; float64: it is the last (arithmetic.md section 5).
    acc = np.zeros(shape, accumulate)
    if bias is not None and accumulate == "float32":
        acc[...] = bias
    return acc


def _finish(acc: np.ndarray, bias: np.ndarray | None, accumulate: str) -> np.ndarray:
    if bias is not None and accumulate == "float64":
        acc += bias
    return acc.astype(np.float32, copy=False)


def matmul(a: np.ndarray, w: np.ndarray, bias: np.ndarray | None, m: Multiplier, accumulate: str) -> np.ndarray:
    """(M, K) x (K, N) -> (M, N), all contiguous float32; the bias of shape (N,) or None."""
    acc = _start((a.shape[0], w.shape[1]), bias, accumulate)
    for k in range(a.shape[1]):
        acc += _products(a[:, k : k + 1].copy(), w[k : k + 1], m)
    return _finish(acc, bias, accumulate)


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    m: Multiplier,
    accumulate: str,
) -> np.ndarray:
    """(B, C, H, W) * (O, C / groups, R, S) -> (B, O, H', W'), float32; k runs over input channel, row, column."""
    batch, _, height, width = x.shape
    channels_out, channels_in, rows, columns = weight.shape
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    h = (height + 2 * padding[0] - dilation[0] * (rows - 1) - 1) // stride[0] + 1
    v = (width + 2 * padding[1] - dilation[1] * (columns - 1) - 1) // stride[1] + 1
    per_channel = None if bias is None else bias[:, None, None]
    acc = _start((batch, channels_out, h, v), per_channel, accumulate)
    outputs = channels_out // groups
    for g in range(groups):
        out = slice(g * outputs, (g + 1) * outputs)
        for c, r, s in np.ndindex(channels_in, rows, columns):
            top, left = r * dilation[0], s * dilation[1]
            pixels = x[
                :,
                g * channels_in + c,
                top : top + stride[0] * (h - 1) + 1 : stride[0],
                left : left + stride[1] * (v - 1) + 1 : stride[1],
            ]
            acc[:, out] += _products(pixels[:, None].copy(), weight[out, c, r, s].copy()[:, None, None], m)
    return _finish(acc, per_channel, accumulate)
