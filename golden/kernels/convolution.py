"""Convolutions on compiled bodies, without unfolding the input: lanes over images, or over the pixels of a row.

A chunk of images, or a strip of a large one, is copied, prepared and padded, into a buffer that stays in the
second-level cache; the taps of the kernel are then offsets into it. Sums run over k in order, as in
``golden.kernels.products``.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from golden.kernels import geometry as layouts
from golden.kernels.functions import Functions, Planes, address, underived
from golden.kernels.geometry import Geometry, Window
from golden.kernels.pool import run_all, threads, wanted_tasks
from golden.kernels.products import PackedWeights, depth_blocks, shares

__all__ = ["conv2d", "pack_conv"]

Piece = tuple[int, int, int]
"""First image, first output row, group."""
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
    workers = threads() if tasks > 1 else 1

    def plan(f: Functions) -> tuple[int, int, list[Piece], int]:
        """Rows of a strip, units of a chunk, the pieces, and the bytes of those that are worked on at once."""
        element = sum(kind.itemsize for kind in f.stored)
        row_bytes = math.prod(layout(window(1), lanes, 1).shape) * element // reach
        strip = _strip(h, reach, stride[0], row_bytes, -(-tasks // (units * groups)))
        unit_bytes = ((strip - 1) * stride[0] + reach) * row_bytes
        chunk = 1 if strip < h else max(1, min(CHUNK // max(unit_bytes, 1), -(-units * groups // tasks)))
        tops = range(0, h, strip)
        pieces = [(first, top, g) for first in range(0, batch, chunk * unit) for top in tops for g in range(groups)]
        return strip, chunk, pieces, min(len(pieces), workers) * chunk * unit_bytes

    strip, chunk, pieces, size = plan(f)
    if f.body.derived and size > x.nbytes + out.nbytes:
        # Small but deep images: streams would take several times the layer's memory.
        f = underived(f)
        strip, chunk, pieces, _ = plan(f)
    output_groups = w.data.shape[1]
    start = np.zeros((groups, output_groups * f.body.outputs), np.float32)
    if bias is not None:
        start[:, : w.outputs] = bias.reshape(groups, w.outputs)

    def pack(first: int, top: int, g: int) -> tuple[Planes, Geometry, np.ndarray]:
        images = x[first : first + chunk * unit, g * channels_in : (g + 1) * channels_in]
        used = -(-len(images) // unit)
        geometry = layout(window(min(strip, h - top)), lanes, chunk)
        planes = Planes(f.stored, (used, *geometry.shape), lanes)
        copy(f, images, planes, padding[0] - top * stride[0], padding[1])
        counts = geometry.counts[: used * geometry.blocks]
        if by_image and len(images) % lanes:
            counts = counts.copy()
            counts[-geometry.blocks :] = len(images) % lanes
        return planes, geometry, counts

    def add(piece: Piece, outputs: tuple[int, int], planes: Planes, geometry: Geometry, counts: np.ndarray) -> None:
        first, top, g = piece
        # A task holds the arrays that it writes, whatever becomes of its caller.
        out_at, bias_at, records_at, counts_at = (address(array) for array in (out, start, w.data, counts))
        for k, stop in depth_blocks(w.depth, accumulate):
            f.sums(
                vectors=planes.at,
                elements=planes.elements,
                taps=geometry.taps_at + 8 * k,
                depth=stop - k,
                starts=geometry.starts_at,
                first_block=0,
                last_block=len(counts),
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

    split = min(output_groups, workers // len(pieces))
    if split < 2:

        def run(piece: Piece) -> None:
            add(piece, (0, output_groups), *pack(*piece))

        run_all([partial(run, piece) for piece in pieces])
        return out

    # Few and small images: the threads share out the output channels.
    packed: dict[Piece, Any] = {}

    def keep(piece: Piece) -> None:
        packed[piece] = pack(*piece)

    run_all([partial(keep, piece) for piece in pieces])
    parts = shares(output_groups, split)
    run_all([partial(add, piece, part, *packed[piece]) for piece in pieces for part in parts])
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
