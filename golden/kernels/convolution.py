"""Convolutions on compiled bodies, without unfolding the input: lanes over images, or over the pixels of a row.

A chunk of images, or a strip of a large one, is copied, prepared and padded, into a buffer that stays in the
second-level cache; the taps of the kernel are then offsets into it. Sums run over k in order, as in
``golden.kernels.products``.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from golden.kernels import geometry as layouts
from golden.kernels.calls import address
from golden.kernels.functions import Functions, Planes, underived
from golden.kernels.geometry import Geometry, Window
from golden.kernels.pool import run_all, threads, wanted_tasks
from golden.kernels.products import depth_blocks, shares

__all__ = ["conv2d"]

CHUNK = 256 << 10
"""Bytes of packed images per task, where the rows of a kernel are not more."""
RECORDS = 32 << 20
"""Bytes of packed weights at a time."""


class Piece(NamedTuple):
    """A task: where its images, output rows and groups begin, and how many groups it has."""

    image: int
    top: int
    group: int
    groups: int


def conv2d(
    f: Functions,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    accumulate: str,
) -> np.ndarray:
    """(B, C, H, W) * (O, C / groups, R, S) -> (B, O, H', W')."""
    windows = zip(x.shape[2:], padding, dilation, weight.shape[2:], stride, strict=True)
    size = ((s + 2 * pad - gap * (reach - 1) - 1) // step + 1 for s, pad, gap, reach, step in windows)
    out = np.empty((x.shape[0], weight.shape[0], *size), np.float32)
    if out.size == 0:
        return out
    weight = np.ascontiguousarray(weight)
    bias = np.zeros(len(weight), np.float32) if bias is None else bias
    # Heavy weights are taken some groups, or within a group some outputs, at a time.
    outputs, channels = len(weight) // groups, x.shape[1] // groups
    each = max(1, outputs * math.prod(weight.shape[1:]) * f.record_size // f.body.outputs)
    together = max(1, RECORDS // each)
    least = max(1, outputs * RECORDS // each) if each > RECORDS else outputs
    for group in range(0, groups, together):
        some = min(together, groups - group)
        images = x[:, group * channels : (group + some) * channels]
        for first in range(group * outputs, (group + some) * outputs, some * least):
            part = slice(first, min(first + some * least, (group + some) * outputs))
            settings = (stride, padding, dilation, some, accumulate)
            _convolve(f, images, weight[part], bias[part], out[:, part], *settings)
    return out


def _convolve(
    f: Functions,
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray,
    out: np.ndarray,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    accumulate: str,
) -> None:
    """Convolve into some channels of the result."""
    batch, _, height, width = x.shape
    channels_out, channels_in, rows, columns = weight.shape
    padded = height + 2 * padding[0], width + 2 * padding[1]
    reach = dilation[0] * (rows - 1) + 1
    h, v = out.shape[2:]
    outputs, depth, out_stride = channels_out // groups, math.prod(weight.shape[1:]), out.strides[0] // 4
    lanes = f.body.lanes
    # Lanes over images store each output by itself, which costs about an eighth.
    by_image = 0.87 * batch / (-(-batch // lanes) * lanes) > v / (-(-v // lanes) * lanes)
    layout, unit = (layouts.images, lanes) if by_image else (layouts.pixels, 1)
    copy = _copy_images if by_image else _copy_phases

    def window(strip: int, together: int = 1) -> Window:
        size = (strip - 1) * stride[0] + reach, padded[1]
        return Window(channels_in, size, (rows, columns), (strip, v), stride, dilation, out_stride, together)

    units = -(-batch // unit)
    tasks = wanted_tasks(out.size * depth)
    workers = threads() if tasks > 1 else 1

    def plan(f: Functions) -> tuple[int, int, list[Piece], int]:
        """Rows of a strip, units of a chunk, the pieces, and the bytes of those that are worked on at once."""
        element = sum(kind.itemsize for kind in f.stored)
        row_bytes = math.prod(layout(window(1), lanes, 1).shape) * element // reach
        strip = _strip(h, reach, stride[0], row_bytes, -(-tasks // (units * groups)))
        unit_bytes = ((strip - 1) * stride[0] + reach) * row_bytes
        # As many units, of as many groups, as fit and leave enough pieces.
        fitting = 1 if strip < h else max(1, min(CHUNK // max(unit_bytes, 1), -(-units * groups // tasks)))
        chunk = min(fitting, units)
        together = min(fitting // chunk, groups)
        pieces = [
            Piece(image, top, group, min(together, groups - group))
            for image in range(0, batch, chunk * unit)
            for top in range(0, h, strip)
            for group in range(0, groups, together)
        ]
        return strip, chunk, pieces, min(len(pieces), workers) * chunk * together * unit_bytes

    strip, chunk, pieces, size = plan(f)
    if f.body.derived and size > x.nbytes + out.nbytes:
        # Small but deep images: streams would take several times the layer's memory.
        f = underived(f)
        strip, chunk, pieces, _ = plan(f)
    records = f.records(weight.reshape(groups, outputs, depth))
    output_groups = records.shape[1]
    start = np.zeros((groups, output_groups * f.body.outputs), np.float32)
    start[:, :outputs] = bias.reshape(groups, outputs)

    def pack(piece: Piece) -> tuple[Planes, Geometry, np.ndarray]:
        channels = slice(piece.group * channels_in, (piece.group + piece.groups) * channels_in)
        images = x[piece.image : piece.image + chunk * unit, channels]
        used = -(-len(images) // unit)
        geometry = layout(window(min(strip, h - piece.top), piece.groups), lanes, chunk)
        planes = Planes(f.stored, (used, piece.groups * channels_in, *geometry.shape[1:]), lanes)
        copy(f, images, planes, padding[0] - piece.top * stride[0], padding[1])
        counts = geometry.counts[: used * geometry.blocks]
        if by_image and len(images) % lanes:
            counts = counts.copy()
            counts[-geometry.blocks :] = len(images) % lanes
        return planes, geometry, counts

    def add(piece: Piece, some: tuple[int, int], planes: Planes, geometry: Geometry, counts: np.ndarray) -> None:
        # A task holds the arrays that it writes, whatever becomes of its caller.
        out_at, bias_at, records_at, counts_at = (address(array) for array in (out, start, records, counts))
        here = np.arange(piece.groups)
        there = piece.group + here
        for k, stop in depth_blocks(depth, accumulate):
            sums = f.arguments(
                vectors=planes.at,
                elements=planes.elements,
                taps=geometry.taps_at + 8 * k,
                depth=stop - k,
                starts=geometry.starts_at,
                origin=here * math.prod(geometry.shape),
                first_block=0,
                last_block=len(counts),
                records=records_at + there * records.strides[0] + k * f.record_size,
                group_stride=depth * f.record_size,
                first_group=some[0],
                last_group=some[1],
                out=out_at + 4 * (piece.image * out_stride + there * (outputs * h * v) + piece.top * v),
                out_starts=geometry.out_starts_at,
                counts=counts_at,
                lane_stride=geometry.lane_stride,
                output_stride=h * v,
                outputs=outputs,
                bias=bias_at + there * start.strides[0],
                resume=int(k > 0),
            )
            f.sums.each(piece.groups, *sums)

    split = min(output_groups, workers // len(pieces))
    if split < 2:

        def run(piece: Piece) -> None:
            add(piece, (0, output_groups), *pack(piece))

        run_all([partial(run, piece) for piece in pieces], workers)
        return

    # Few and small images: the threads share out the output channels.
    packed: dict[Piece, Any] = {}

    def keep(piece: Piece) -> None:
        packed[piece] = pack(piece)

    run_all([partial(keep, piece) for piece in pieces], workers)
    parts = shares(output_groups, split)
    run_all([partial(add, piece, part, *packed[piece]) for piece in pieces for part in parts], workers)


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
