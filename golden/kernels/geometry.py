"""Where the lanes of a layer lie in memory: the arrays that the tile loop reads, made once per layer shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from golden.kernels.calls import address

__all__ = ["Geometry", "Window", "columns", "images", "pixels"]


class Geometry:
    """Blocks of lanes, over one or more units of the vector operand.

    Parameters
    ----------
    shape : tuple of int
        Of one group of channels of a packed unit (an image, or one image per lane).
    taps : ndarray of int64
        Element k of a sum, relative to its block's start.
    starts, out_starts, counts : ndarray of int64
        First element, first output and lanes in use of each block of one unit.
    lane_stride : int
        From lane to lane in the output.
    units, out_stride : int
        How many units, and how far apart their outputs lie.
    groups : int
        Groups of channels in a unit; blocks are those of the first.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        taps: np.ndarray,
        starts: np.ndarray,
        out_starts: np.ndarray,
        counts: np.ndarray,
        lane_stride: int = 1,
        units: int = 1,
        out_stride: int = 0,
        groups: int = 1,
    ) -> None:
        self.shape = shape
        self.lane_stride = lane_stride
        self.blocks = len(starts)
        unit = np.arange(units, dtype=np.int64)[:, None]
        self.taps = np.ascontiguousarray(taps, np.int64)
        self.starts = (unit * (groups * int(np.prod(shape))) + starts).reshape(-1)
        self.out_starts = (unit * out_stride + out_starts).reshape(-1)
        self.counts = np.tile(counts, units)
        self.taps_at, self.starts_at = address(self.taps), address(self.starts)
        self.out_starts_at, self.counts_at = address(self.out_starts), address(self.counts)


@dataclass(frozen=True)
class Window:
    """A convolution, for one group of channels at a time.

    Parameters
    ----------
    channels : int
        Input channels of the group.
    padded, size, out : tuple of int
        Height and width: of the padded input, of the kernel, of the output.
    stride, dilation : tuple of int
        As in torch.
    out_stride : int
        Elements of all output channels of an image.
    groups : int
        Groups of channels that are packed together.
    """

    channels: int
    padded: tuple[int, int]
    size: tuple[int, int]
    out: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    out_stride: int
    groups: int = 1


@lru_cache(maxsize=256)
def columns(outputs: int, depth: int, lanes: int) -> Geometry:
    """Lanes over the columns of a matrix product: a panel of (depth, lanes) for each block."""
    block = np.arange(-(-outputs // lanes), dtype=np.int64)
    taps = np.arange(max(depth, 1), dtype=np.int64) * lanes
    return Geometry((), taps, block * (depth * lanes), block * lanes, np.minimum(lanes, outputs - block * lanes))


@lru_cache(maxsize=256)
def images(window: Window, lanes: int, units: int) -> Geometry:
    """Lanes over images: every output pixel is a block, (C, H, W, lanes) in memory."""
    w = window
    c, r, s = np.indices((w.channels, *w.size), np.int64).reshape(3, -1)
    taps = ((c * w.padded[0] + r * w.dilation[0]) * w.padded[1] + s * w.dilation[1]) * lanes
    y, x = np.indices(w.out, np.int64).reshape(2, -1)
    starts = (y * w.stride[0] * w.padded[1] + x * w.stride[1]) * lanes
    shape = (w.channels, *w.padded, lanes)
    counts = np.full(starts.size, lanes, np.int64)
    return Geometry(shape, taps, starts, y * w.out[1] + x, counts, w.out_stride, units, lanes * w.out_stride, w.groups)


@lru_cache(maxsize=256)
def pixels(window: Window, lanes: int, units: int) -> Geometry:
    """Lanes over pixels of an output row: (C, H, phase, W) in memory, columns x = phase (mod stride) side by side."""
    w = window
    phases = w.stride[1]
    # Blocks read, and ignore, what lies beyond the row, fewer elements than they have lanes: other rows, or memory
    # behind the last.
    pitch = -(-w.padded[1] // phases)
    c, r, s = np.indices((w.channels, *w.size), np.int64).reshape(3, -1)
    phase, column = (s * w.dilation[1]) % phases, (s * w.dilation[1]) // phases
    taps = ((c * w.padded[0] + r * w.dilation[0]) * phases + phase) * pitch + column
    y, block = np.indices((w.out[0], -(-w.out[1] // lanes)), np.int64).reshape(2, -1)
    starts = y * w.stride[0] * phases * pitch + block * lanes
    counts = np.minimum(lanes, w.out[1] - block * lanes)
    shape = (w.channels, w.padded[0], phases, pitch)
    return Geometry(
        shape, taps, starts, y * w.out[1] + block * lanes, counts, units=units, out_stride=w.out_stride, groups=w.groups
    )
