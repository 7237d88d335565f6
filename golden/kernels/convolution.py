"""Convolutions on compiled bodies, without unfolding the input: lanes over images, or over the pixels of a row.

A chunk of images, or a strip of a large one, is copied, prepared and padded, into a buffer that stays in the
second-level cache; the taps of the kernel are then offsets into it. Sums run over k in order, as in
``golden.kernels.products``.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from golden.kernels import geometry as layouts
from golden.kernels.functions import Functions, Planes, address
from golden.kernels.geometry import Window
from golden.kernels.pool import run_all, threads, wanted_tasks
from golden.kernels.products import PackedWeights, depth_blocks, shares

__all__ = ["conv2d", "pack_conv"]

CHUNK = 256 << 10
"""Bytes of packed images per task, where the rows of a kernel are not more."""


def pack_conv(f: Functions, weight: np.ndarray, groups: int) -> PackedWeights:
    """Pack weights (O, C / groups, R, S) for ``conv2d``: records of shape (groups, output groups, k, bytes)."""
    outputs = weight.shape[0] // groups
    depth = math.prod(weight.shape[1:])
    packed = [f.records(part) for part in weight.reshape(groups, outputs, depth)]
    return PackedWeights(np.stack(packed), outputs, depth)


def conv2d(
    f: Functions,
    x: np.ndarray,
    weight_shape: tuple[int, ...],
    w: PackedWeights,
    bias: np.ndarray | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    accumulate: str,
) -> np.ndarray:
    """(B, C, H, W) with packed weights -> (B, O, H', W')."""
    batch, _, height, width = x.shape
    channels_out, channels_in, rows, columns = weight_shape
    padded = height + 2 * padding[0], width + 2 * padding[1]
    reach = dilation[0] * (rows - 1) + 1
    h = (padded[0] - reach) // stride[0] + 1
    v = (padded[1] - dilation[1] * (columns - 1) - 1) // stride[1] + 1
    out = np.empty((batch, channels_out, h, v), np.float32)
    if out.size == 0:
        return out
    out_stride = channels_out * h * v
    lanes = f.body.lanes
    # Lanes over images store each output by itself, which costs about an eighth.
    by_image = 0.87 * batch / (-(-batch // lanes) * lanes) > v / (-(-v // lanes) * lanes)
    layout, unit = (layouts.images, lanes) if by_image else (layouts.pixels, 1)
    copy = _copy_images if by_image else _copy_phases

    def window(strip: int) -> Window:
        size = (strip - 1) * stride[0] + reach, padded[1]
        return Window(channels_in, size, (rows, columns), (strip, v), stride, dilation, out_stride)

    units = -(-batch // unit)
    tasks = wanted_tasks(out.size * w.depth)
    element = sum(kind.itemsize for kind in f.stored)
    row_bytes = math.prod(layout(window(1), lanes, 1).shape) * element // reach
    strip = _strip(h, reach, stride[0], row_bytes, -(-tasks // (units * groups)))
    unit_bytes = ((strip - 1) * stride[0] + reach) * row_bytes
    chunk = 1 if strip < h else max(1, min(CHUNK // max(unit_bytes, 1), -(-units * groups // tasks)))
    output_groups = w.data.shape[1]
    start = np.zeros((groups, output_groups * f.body.outputs), np.float32)
    if bias is not None:
        start[:, : w.outputs] = bias.reshape(groups, w.outputs)
    out_at, bias_at, records_at = address(out), address(start), address(w.data)

    def task(first: int, top: int, g: int, outputs: tuple[int, int]) -> None:
        images = x[first : first + chunk * unit, g * channels_in : (g + 1) * channels_in]
        used = -(-len(images) // unit)
        geometry = layout(window(min(strip, h - top)), lanes, chunk)
        planes = Planes(f.stored, (used, *geometry.shape))
        copy(f, images, planes, padding[0] - top * stride[0], padding[1])
        counts = geometry.counts
        if by_image and len(images) % lanes:
            counts = counts[: used * geometry.blocks].copy()
            counts[-geometry.blocks :] = len(images) % lanes
        counts_at = address(counts)
        for k, stop in depth_blocks(w.depth, accumulate):
            f.sums(
                vectors=planes.at,
                elements=planes.elements,
                taps=geometry.taps_at + 8 * k,
                depth=stop - k,
                starts=geometry.starts_at,
                first_block=0,
                last_block=geometry.blocks * used,
                records=records_at + (g * output_groups * w.depth + k) * f.record_size,
                group_stride=w.depth * f.record_size,
                first_group=outputs[0],
                last_group=outputs[1],
                out=out_at + 4 * (first * out_stride + g * w.outputs * h * v + top * v),
                out_starts=geometry.out_starts_at,
                counts=counts_at,
                lane_stride=geometry.lane_stride,
                output_stride=h * v,
                outputs=w.outputs,
                bias=bias_at + 4 * g * start.shape[1],
                resume=int(k > 0),
            )

    pieces = [
        (first, top, g) for first in range(0, batch, chunk * unit) for top in range(0, h, strip) for g in range(groups)
    ]
    # Few and small images: the threads share out the output channels, each with its own copy of the input.
    split = max(1, min(output_groups, threads() // len(pieces))) if tasks > 1 else 1
    run_all([partial(task, *piece, part) for piece in pieces for part in shares(output_groups, split)])
    return out


def _strip(h: int, reach: int, stride: int, row_bytes: int, strips: int) -> int:
    """Output rows per task: all of them, unless the rows they read exceed ``CHUNK`` or more strips are wanted.

    Strips read ``reach - stride`` rows more than their share, so they are not lower than that.
    """
    fitting = (CHUNK // max(row_bytes, 1) - reach) // stride + 1
    return min(h, max(1, -(-reach // stride), min(fitting, -(-h // strips))))


def _inside(size: int, first: int, limit: int) -> tuple[slice, slice]:
    """Which of ``size`` rows lie in a buffer of ``limit`` rows that has row 0 at ``first``, and where there."""
    start = max(0, -first)
    stop = max(start, min(size, limit - first))
    return slice(start, stop), slice(start + first, stop + first)


def _copy_images(f: Functions, images: np.ndarray, planes: Planes, top: int, left: int) -> None:
    """(N, C, H, W) -> (units, C, H, W, lanes), with row 0 at row ``top``."""
    width = images.shape[3]
    source, rows = _inside(images.shape[2], top, planes.first.shape[2])
    lanes = planes.first.shape[-1]
    for target, first in zip(planes.first, range(0, len(images), lanes), strict=True):
        part = images[first : first + lanes, :, source]
        inside = target[:, rows, left : left + width, : len(part)]
        f.prepare(part.transpose(1, 2, 3, 0), planes, inside)


def _copy_phases(f: Functions, images: np.ndarray, planes: Planes, top: int, left: int) -> None:
    """(N, C, H, W) -> (N, C, H, phase, W), with row 0 at row ``top``."""
    width = images.shape[3]
    source, rows = _inside(images.shape[2], top, planes.first.shape[2])
    phases = planes.first.shape[3]
    for phase in range(phases):
        # Padded column left + i has phase (left + i) mod phases: the first i of this phase, then every phases-th.
        first = (phase - left) % phases
        if first < width:
            part = images[:, :, source, first::phases]
            column = (left + first) // phases
            inside = planes.first[:, :, rows, phase, column : column + part.shape[3]]
            f.prepare(part, planes, inside)
