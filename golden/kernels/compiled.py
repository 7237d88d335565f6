"""Matrix products and convolutions on compiled bodies: packing, blocking, threads.

Every sum runs over its k in order, whatever the blocks: a block of k continues from the float32 accumulators that the
one before it stored. Results therefore do not depend on block sizes, batch or threads.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from golden.kernels.functions import Functions
from golden.kernels.pool import run_all, threads

__all__ = ["PackedWeights", "conv2d", "matmul", "pack_conv", "pack_matmul"]

DEPTH = 256
"""Terms of a sum per block: a block's records and lanes stay in the first-level cache."""
ROWS = 64
COLUMNS = 256
"""Outputs per call of the tile loop: its lanes stay in the second-level cache."""


@dataclass(frozen=True)
class PackedWeights:
    """Weights as a kernel reads them."""

    data: np.ndarray
    outputs: int
    depth: int

    @property
    def size(self) -> int:
        """Bytes held."""
        return self.data.nbytes


def _panels(f: Functions, w: np.ndarray) -> np.ndarray:
    """(K, N) -> (blocks, K, lanes), prepared, zeros beyond N."""
    depth, outputs = w.shape
    lanes = f.body.lanes
    whole, rest = divmod(outputs, lanes)
    panels = np.zeros((whole + (rest > 0), depth, lanes), f.dtype)
    if whole:
        source = w[:, : whole * lanes]
        step_k, step_n = source.strides
        blocks = np.lib.stride_tricks.as_strided(source, (whole, depth, lanes), (lanes * step_n, step_k, step_n))
        f.prepare(blocks, panels[:whole])
    if rest:
        f.prepare(w[:, whole * lanes :], panels[whole, :, :rest])
    return panels


def pack_matmul(f: Functions, w: np.ndarray) -> PackedWeights:
    """Pack weights (K, N) for ``matmul``."""
    return PackedWeights(_panels(f, w), w.shape[1], w.shape[0])


def _depth_blocks(depth: int, accumulate: str) -> list[tuple[int, int]]:
    # A float64 accumulator does not survive in a float32 output, so those sums run in one go. Depth 0 is one block too:
    # it stores the bias.
    step = DEPTH if accumulate == "float32" else max(depth, 1)
    return [(k, min(k + step, depth)) for k in range(0, max(depth, 1), step)]


class _Geometry:
    """Where the lanes of a layer lie in memory.

    Parameters
    ----------
    shape : tuple of int
        Of the packed vector operand, for one unit (an image, or one image per lane).
    taps : ndarray of int64
        Element k of a sum, relative to its block's start.
    starts, out_starts, counts : ndarray of int64
        First element, first output and lanes in use of each block.
    lane_stride : int
        From lane to lane in the output.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        taps: np.ndarray,
        starts: np.ndarray,
        out_starts: np.ndarray,
        counts: np.ndarray,
        lane_stride: int,
    ) -> None:
        self.shape = shape
        self.lane_stride = lane_stride
        self.taps, self.starts = np.ascontiguousarray(taps), np.ascontiguousarray(starts)
        self.out_starts, self.counts = np.ascontiguousarray(out_starts), np.ascontiguousarray(counts)
        self.taps_at, self.starts_at = address(self.taps), address(self.starts)
        self.out_starts_at, self.counts_at = address(self.out_starts), address(self.counts)


@lru_cache(maxsize=256)
def _columns(outputs: int, depth: int, lanes: int) -> _Geometry:
    """Lanes over the columns of a product: a panel of (depth, lanes) for each block."""
    block = np.arange(-(-outputs // lanes), dtype=np.int64)
    counts = np.minimum(lanes, outputs - block * lanes)
    taps = np.arange(max(depth, 1), dtype=np.int64) * lanes
    return _Geometry((), taps, block * (depth * lanes), block * lanes, counts, 1)


def matmul(f: Functions, x: np.ndarray, w: PackedWeights, bias: np.ndarray | None, accumulate: str) -> np.ndarray:
    """(M, K) x packed (K, N) -> (M, N), lanes over N."""
    rows, depth = x.shape
    out = np.empty((rows, w.outputs), np.float32)
    if out.size == 0:
        return out
    lanes, group = f.body.lanes, f.body.outputs
    geometry = _columns(w.outputs, depth, lanes)
    blocks = len(geometry.starts)
    start = np.zeros(blocks * lanes, np.float32)
    if bias is not None:
        start[: w.outputs] = bias
    lane_blocks = max(1, COLUMNS // lanes)
    vectors, out_at, bias_at = address(w.data), address(out), address(start)

    def task(first: int, last: int, first_block: int, last_block: int) -> None:
        records = f.records(x[first:last])
        records_at = address(records)
        for k, stop in _depth_blocks(depth, accumulate):
            for block in range(first_block, last_block, lane_blocks):
                f.sums(
                    vectors=vectors,
                    taps=geometry.taps_at + 8 * k,
                    depth=stop - k,
                    starts=geometry.starts_at,
                    first_block=block,
                    last_block=min(block + lane_blocks, last_block),
                    records=records_at + k * f.record_size,
                    group_stride=depth * f.record_size,
                    first_group=0,
                    last_group=records.shape[0],
                    out=out_at + 4 * first * w.outputs,
                    out_starts=geometry.out_starts_at,
                    counts=geometry.counts_at,
                    lane_stride=1,
                    output_stride=w.outputs,
                    outputs=last - first,
                    bias=bias_at,
                    resume=int(k > 0),
                )

    step = max(group, min(ROWS, -(-rows // threads() // group) * group))
    pieces = [(row, min(row + step, rows)) for row in range(0, rows, step)]
    # Few rows: the threads share out the columns instead.
    split = max(1, min(blocks, threads() // len(pieces))) if len(pieces) < threads() else 1
    run_all([partial(task, *piece, *part) for piece in pieces for part in _shares(blocks, split)])
    return out


def _shares(total: int, parts: int) -> list[tuple[int, int]]:
    """(first, last) of ``parts`` nearly equal parts."""
    return [(total * i // parts, total * (i + 1) // parts) for i in range(parts)]


def pack_conv(f: Functions, weight: np.ndarray, groups: int) -> PackedWeights:
    """Pack weights (O, C / groups, R, S) for ``conv2d``: records of shape (groups, output groups, k, bytes)."""
    outputs = weight.shape[0] // groups
    depth = int(np.prod(weight.shape[1:]))
    rows = weight.reshape(groups, outputs, depth)
    packed = [f.records(part) for part in rows]
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
    """(B, C, H, W) with packed weights -> (B, O, H', W'), lanes over pixels of a row or over images."""
    batch, _channels, height, width = x.shape
    channels_out, channels_in, rows, columns = weight_shape
    padded = height + 2 * padding[0], width + 2 * padding[1]
    h = (padded[0] - dilation[0] * (rows - 1) - 1) // stride[0] + 1
    v = (padded[1] - dilation[1] * (columns - 1) - 1) // stride[1] + 1
    out = np.empty((batch, channels_out, h, v), np.float32)
    if out.size == 0:
        return out
    lanes = f.body.lanes
    # Lanes over images store each output by itself, which costs about an eighth.
    by_image = 0.85 * batch / (-(-batch // lanes) * lanes) > v / (-(-v // lanes) * lanes)
    unit = lanes if by_image else 1
    layout = _images if by_image else _pixels
    out_size = channels_out * h * v
    place = (channels_in, padded, (rows, columns), stride, dilation, (h, v), out_size, lanes)
    unit_bytes = math.prod(layout(*place, 1).shape) * f.dtype.itemsize
    units = -(-batch // unit)
    chunk = max(1, min(CHUNK_BYTES // unit_bytes, -(-units // threads())))
    geometry = layout(*place, chunk)
    start = np.zeros((groups, w.data.shape[1] * f.body.outputs), np.float32)
    if bias is not None:
        start[:, : w.outputs] = bias.reshape(groups, w.outputs)
    out_at, bias_at, records_at = address(out), address(start), address(w.data)
    output_groups = w.data.shape[1]

    def task(first: int, g: int, groups_of_outputs: tuple[int, int]) -> None:
        images = x[first : first + chunk * unit, g * channels_in : (g + 1) * channels_in]
        used = -(-len(images) // unit)
        buffer = np.zeros((used, *geometry.shape), f.dtype)
        counts = geometry.counts
        if by_image:
            counts = _image_counts(f, images, buffer, padding, counts)
        else:
            _copy_phases(f, images, buffer, padding, stride[1])
        for k, stop in _depth_blocks(w.depth, accumulate):
            f.sums(
                vectors=address(buffer),
                taps=geometry.taps_at + 8 * k,
                depth=stop - k,
                starts=geometry.starts_at,
                first_block=0,
                last_block=len(geometry.starts) // chunk * used,
                records=records_at + (g * output_groups * w.depth + k) * f.record_size,
                group_stride=w.depth * f.record_size,
                first_group=groups_of_outputs[0],
                last_group=groups_of_outputs[1],
                out=out_at + 4 * (first * out_size + g * w.outputs * h * v),
                out_starts=geometry.out_starts_at,
                counts=address(counts),
                lane_stride=geometry.lane_stride,
                output_stride=h * v,
                outputs=w.outputs,
                bias=bias_at + 4 * g * start.shape[1],
                resume=int(k > 0),
            )

    pieces = [(first, g) for first in range(0, batch, chunk * unit) for g in range(groups)]
    split = max(1, min(output_groups, threads() // len(pieces))) if len(pieces) < threads() else 1
    run_all([partial(task, *piece, part) for piece in pieces for part in _shares(output_groups, split)])
    return out


def _image_counts(
    f: Functions, images: np.ndarray, buffer: np.ndarray, padding: tuple[int, int], counts: np.ndarray
) -> np.ndarray:
    """Copy images into (units, C, H, W, lanes), and return how many lanes each block uses."""
    top, left = padding
    height, width = images.shape[2:]
    lanes = buffer.shape[-1]
    for index, first in enumerate(range(0, len(images), lanes)):
        part = images[first : first + lanes]
        f.prepare(part.transpose(1, 2, 3, 0), buffer[index, :, top : top + height, left : left + width, : len(part)])
    rest = len(images) % lanes
    if not rest:
        return counts
    counts = counts.copy()
    blocks = len(counts) // max(1, counts_units(counts, buffer))
    counts[(len(buffer) - 1) * blocks : len(buffer) * blocks] = rest
    return counts


def _images(
    channels: int,
    padded: tuple[int, int],
    window: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    size: tuple[int, int],
    image_stride: int,
    lanes: int,
) -> _Geometry:
    """Lanes over images: every pixel is a block, (C, H, W, lanes) in memory."""
    c, r, s = np.indices((channels, *window), np.int64).reshape(3, -1)
    taps = ((c * padded[0] + r * dilation[0]) * padded[1] + s * dilation[1]) * lanes
    y, z = np.indices(size, np.int64).reshape(2, -1)
    starts = (y * stride[0] * padded[1] + z * stride[1]) * lanes
    return _Geometry(
        (channels, *padded, lanes), taps, starts, y * size[1] + z, np.zeros(starts.size, np.int64), image_stride
    )


def _pixels(
    channels: int,
    padded: tuple[int, int],
    window: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    size: tuple[int, int],
    image_stride: int,
    lanes: int,
) -> _Geometry:
    """Lanes over pixels of an output row: (C, H, phase, W) in memory, columns x = phase (mod stride) side by side."""
    phases = stride[1]
    # Blocks may read, and ignore, what lies beyond the row; the last rows need that much memory behind them.
    pitch = -(-padded[1] // phases) + lanes
    c, r, s = np.indices((channels, *window), np.int64).reshape(3, -1)
    phase, column = (s * dilation[1]) % phases, (s * dilation[1]) // phases
    taps = ((c * padded[0] + r * dilation[0]) * phases + phase) * pitch + column
    y, block = np.indices((size[0], -(-size[1] // lanes)), np.int64).reshape(2, -1)
    starts = y * stride[0] * phases * pitch + block * lanes
    counts = np.minimum(lanes, size[1] - block * lanes)
    return _Geometry((channels, padded[0], phases, pitch), taps, starts, y * size[1] + block * lanes, counts, 1)


def _copy_phases(f: Functions, image: np.ndarray, buffer: np.ndarray, padding: tuple[int, int], phases: int) -> None:
    top, left = padding
    height, width = image.shape[1:]
    for phase in range(phases):
        # Padded column left + i has phase (left + i) mod phases: the first i of this phase, then every phases-th.
        first = (phase - left) % phases
        if first < width:
            part = image[:, :, first::phases]
            column = (left + first) // phases
            f.prepare(part, buffer[:, top : top + height, phase, column : column + part.shape[2]])
