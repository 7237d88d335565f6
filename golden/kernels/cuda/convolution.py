"""Convolutions on the device: the input unfolded, some of it at a time, then matrix products.

k runs over (input channel, kernel row, kernel column), and padding is a real +0, multiplied and added in order
(arithmetic.md section 5). Groups of channels are the products of a batch.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from golden.catalogue import Multiplier
from golden.kernels.cuda.launch import working_on
from golden.kernels.cuda.matrices import Plan, Weights, sums

__all__ = ["conv2d"]

UNFOLDED = 256 << 20
"""Bytes of unfolded input at a time, its streams included; one row of an image's output at least."""


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    m: Multiplier,
    accumulate: str,
    in_lanes: bool = True,
) -> Tensor:
    """(B, C, H, W) * (O, C / groups, R, S) -> (B, O, H', W'), float32, on one device.

    Parameters, result and errors are those of ``golden.kernels.cuda.matrices.matmul`` and of ``golden.sums.conv2d``,
    which has checked that shapes and settings fit.
    """
    plan = Plan.of(m, accumulate, in_lanes)
    windows = _windows(functional.pad(x, (padding[1],) * 2 + (padding[0],) * 2), weight, stride, dilation, groups)
    _, batch, height, width, *taps = windows.shape
    outputs, depth = len(weight) // groups, taps[0] * taps[1] * taps[2]
    out = torch.empty((batch, groups, outputs, height, width), dtype=torch.float32, device=x.device)
    row = groups * width * depth * 4 * 3  # bytes: unfolded, and two streams
    rows = max(1, min(height, UNFOLDED // max(row, 1)))
    images = max(1, min(batch, UNFOLDED // max(row * height, 1)))
    with working_on(x.device):
        if out.numel():
            start = None if bias is None else bias.reshape(groups, outputs)
            values = weight.reshape(groups, outputs, depth).mT
            weights = Weights.prepared(plan, values, start, images * rows * width)
            for image in range(0, batch, images):
                for top in range(0, height, rows):
                    part = windows[:, image : image + images, top : top + rows]
                    sizes = part.shape[1:4]
                    y = out.new_empty((groups, sizes.numel(), outputs))
                    sums(plan, part.reshape(groups, sizes.numel(), depth), weights, y)
                    y = y.reshape(groups, *sizes, outputs).permute(1, 0, 4, 2, 3)
                    out[image : image + images, :, :, top : top + rows] = y
    return out.reshape(batch, groups * outputs, height, width)


def _windows(x: Tensor, weight: Tensor, stride: tuple[int, int], dilation: tuple[int, int], groups: int) -> Tensor:
    """(groups, B, H', W', C / groups, R, S), a view: what each output sums over."""
    batch, _, height, width = x.shape
    channels, r, s = weight.shape[1:]
    high = (height - dilation[0] * (r - 1) - 1) // stride[0] + 1
    wide = (width - dilation[1] * (s - 1) - 1) // stride[1] + 1
    image, channel, row, column = x.stride()
    return x.as_strided(
        (groups, batch, high, wide, channels, r, s),
        (
            channels * channel, image, stride[0] * row, stride[1] * column,
            channel, dilation[0] * row, dilation[1] * column,
        ),
        x.storage_offset(),
    )  # fmt: skip
