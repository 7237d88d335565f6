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
    layer = _Layer(f.body.lanes, x, weight, out, stride, padding, dilation, groups)
    tasks = wanted_tasks(out.size * layer.depth)
    workers = threads() if tasks > 1 else 1
    plan = layer.plan(f, tasks, workers)
    if f.body.derived and plan.nbytes > x.nbytes + out.nbytes:
        # Small but deep images: streams would take several times the layer's memory.
        f = underived(f)
        plan = layer.plan(f, tasks, workers)
    work, pieces = _Work(f, layer, plan, x, weight, bias, out, accumulate), plan.pieces
    split = min(work.output_groups, workers // len(pieces))
    if split < 2:
        run_all([partial(work.run, piece) for piece in pieces], workers)
        return

    # Few and small images: the threads share out the output channels.
    packed: dict[Piece, Any] = {}

    def keep(piece: Piece) -> None:
        packed[piece] = work.pack(piece)

    run_all([partial(keep, piece) for piece in pieces], workers)
    parts = shares(work.output_groups, split)
    run_all([partial(work.add, piece, part, *packed[piece]) for piece in pieces for part in parts], workers)


class Piece(NamedTuple):
    """A task: where its images, output rows and groups begin, and how many groups it has."""

    image: int
    top: int
    group: int
    groups: int


class _Plan(NamedTuple):
    """How a layer is cut.

    Parameters
    ----------
    strip, chunk : int
        Output rows and units of a piece, at most.
    pieces : list of Piece
        All of them.
    nbytes : int
        Packed images of those that are worked on at once.
    """

    strip: int
    chunk: int
    pieces: list[Piece]
    nbytes: int


class _Layer:
    """The sizes of a convolution, and what its lanes go over: pixels, a unit for each image, or units of images.

    Parameters
    ----------
    lanes : int
        How many a body has.
    x, weight, out, stride, padding, dilation, groups
        As of ``conv2d``.
    """

    def __init__(
        self,
        lanes: int,
        x: np.ndarray,
        weight: np.ndarray,
        out: np.ndarray,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
    ) -> None:
        self.lanes, self.groups = lanes, groups
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.batch, _, _, width = x.shape
        outputs, self.channels, rows, columns = weight.shape
        self.outputs, self.depth, self.size = outputs // groups, math.prod(weight.shape[1:]), (rows, columns)
        self.width = width + 2 * padding[1]
        self.reach = dilation[0] * (rows - 1) + 1
        self.h, self.v = out.shape[2:]
        self.out_stride = out.strides[0] // 4
        batch, v = self.batch, self.v
        # Lanes over images store each output by itself, which costs about an eighth.
        self.by_image = 0.87 * batch / (-(-batch // lanes) * lanes) > v / (-(-v // lanes) * lanes)
        self.unit = lanes if self.by_image else 1

    def geometry(self, strip: int, units: int, groups: int = 1) -> Geometry:
        """Where lanes lie in a piece of so many output rows, units and groups."""
        padded, out = (self._height(strip), self.width), (strip, self.v)
        window = Window(self.channels, padded, self.size, out, self.stride, self.dilation, self.out_stride, groups)
        return (layouts.images if self.by_image else layouts.pixels)(window, self.lanes, units)

    def _height(self, strip: int) -> int:
        """Padded rows that so many output rows read."""
        return (strip - 1) * self.stride[0] + self.reach

    def plan(self, f: Functions, tasks: int, workers: int) -> _Plan:
        """Cut the layer into about so many tasks, whose packed images stay in the second-level cache."""
        h, groups, units = self.h, self.groups, -(-self.batch // self.unit)
        element = sum(kind.itemsize for kind in f.stored)
        row_bytes = math.prod(self.geometry(1, 1).shape) * element // self.reach
        strip = _strip(h, self.reach, self.stride[0], row_bytes, -(-tasks // (units * groups)))
        unit_bytes = self._height(strip) * row_bytes
        # As many units, of as many groups, as fit and leave enough pieces.
        fitting = 1 if strip < h else max(1, min(CHUNK // max(unit_bytes, 1), -(-units * groups // tasks)))
        chunk = min(fitting, units)
        together = min(fitting // chunk, groups)
        pieces = [
            Piece(image, top, group, min(together, groups - group))
            for image in range(0, self.batch, chunk * self.unit)
            for top in range(0, h, strip)
            for group in range(0, groups, together)
        ]
        return _Plan(strip, chunk, pieces, min(len(pieces), workers) * chunk * together * unit_bytes)


class _Work:
    """The pieces of a layer, computed one by one in any order.

    A task that holds a method of it holds the arrays that it writes, whatever becomes of its caller.
    """

    def __init__(
        self,
        f: Functions,
        layer: _Layer,
        plan: _Plan,
        x: np.ndarray,
        weight: np.ndarray,
        bias: np.ndarray,
        out: np.ndarray,
        accumulate: str,
    ) -> None:
        self.f, self.layer, self.plan, self.x, self.out, self.accumulate = f, layer, plan, x, out, accumulate
        groups, outputs = layer.groups, layer.outputs
        self.records = f.records(weight.reshape(groups, outputs, layer.depth))
        self.output_groups = self.records.shape[1]
        self.start = np.zeros((groups, self.output_groups * f.body.outputs), np.float32)
        self.start[:, :outputs] = bias.reshape(groups, outputs)

    def run(self, piece: Piece) -> None:
        """Compute a piece."""
        self.add(piece, (0, self.output_groups), *self.pack(piece))

    def pack(self, piece: Piece) -> tuple[Planes, Geometry, np.ndarray]:
        """The images of a piece, prepared and padded, where its lanes lie, and how many of each block there are."""
        f, layer, (strip, chunk, *_) = self.f, self.layer, self.plan
        channels = slice(piece.group * layer.channels, (piece.group + piece.groups) * layer.channels)
        images = self.x[piece.image : piece.image + chunk * layer.unit, channels]
        used = -(-len(images) // layer.unit)
        geometry = layer.geometry(min(strip, layer.h - piece.top), chunk, piece.groups)
        planes = Planes(f.stored, (used, piece.groups * layer.channels, *geometry.shape[1:]), layer.lanes)
        copy = _copy_images if layer.by_image else _copy_phases
        copy(f, images, planes, layer.padding[0] - piece.top * layer.stride[0], layer.padding[1])
        counts = geometry.counts[: used * geometry.blocks]
        if layer.by_image and len(images) % layer.lanes:
            counts = counts.copy()
            counts[-geometry.blocks :] = len(images) % layer.lanes
        return planes, geometry, counts

    def add(self, piece: Piece, some: tuple[int, int], planes: Planes, geometry: Geometry, counts: np.ndarray) -> None:
        """Sum the products of a packed piece, for some of its groups of outputs, first to last."""
        f, layer, records, start = self.f, self.layer, self.records, self.start
        out_at, bias_at, records_at, counts_at = (address(array) for array in (self.out, start, records, counts))
        pixels = layer.h * layer.v
        here = np.arange(piece.groups)
        there = piece.group + here
        place = piece.image * layer.out_stride + there * (layer.outputs * pixels) + piece.top * layer.v
        for k, stop in depth_blocks(layer.depth, self.accumulate):
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
                group_stride=layer.depth * f.record_size,
                first_group=some[0],
                last_group=some[1],
                out=out_at + 4 * place,
                out_starts=geometry.out_starts_at,
                counts=counts_at,
                lane_stride=geometry.lane_stride,
                output_stride=pixels,
                outputs=layer.outputs,
                bias=bias_at + there * start.strides[0],
                resume=int(k > 0),
            )
            f.sums.each(piece.groups, *sums)


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
