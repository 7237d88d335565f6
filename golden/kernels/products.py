"""Matrix products on compiled bodies: packing, blocking, threads.

Every sum runs over its k in order, whatever the blocks: a block of k continues from the float32 accumulators that the
one before it stored. Results therefore do not depend on block sizes, batch or threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from golden.kernels.functions import Functions, Planes, address
from golden.kernels.geometry import Geometry, columns
from golden.kernels.pool import run_all, wanted_tasks

__all__ = ["PackedWeights", "depth_blocks", "matmul", "pack_matmul", "shares"]

DEPTH = 512
"""Terms of a sum per block: the records of a group and a block of lanes stay close to the core."""
ROWS = 64
COLUMNS = 256
"""Outputs per call of the tile loop: its lanes stay in the second-level cache."""
DERIVED_ROWS = 512
DERIVED = 256 << 10
"""Where streams are derived from packed words: rows that make up for the work, and bytes of streams per call."""


@dataclass(frozen=True)
class PackedWeights:
    """Weights as a kernel reads them: planes, records, or words that streams are derived from."""

    data: Any
    outputs: int
    depth: int

    @property
    def size(self) -> int:
        """Bytes held."""
        return self.data.nbytes


def pack_matmul(f: Functions, w: np.ndarray) -> PackedWeights:
    """Pack weights (K, N) for ``matmul``: panels of shape (blocks, K, lanes), zeros beyond N."""
    depth, outputs = w.shape
    lanes = f.body.lanes
    whole, rest = divmod(outputs, lanes)
    shape = (whole + (rest > 0), depth, lanes)
    # Streams take several times the memory: those of a panel are derived when its turn comes.
    data = np.zeros(shape, np.float32) if f.body.derived else Planes(f.stored, shape)
    for first, last, width in ((0, whole, lanes), (whole, whole + (rest > 0), rest)):
        if first == last:
            continue
        source = w[:, first * lanes : first * lanes + (last - first) * width]
        step_k, step_n = source.strides
        blocks = np.lib.stride_tricks.as_strided(
            source, (last - first, depth, width), (width * step_n, step_k, step_n), writeable=False
        )
        if isinstance(data, Planes):
            f.prepare(blocks, data, data.first[first:last, :, :width])
        else:
            data[first:last, :, :width] = blocks
    return PackedWeights(data, outputs, depth)


def depth_blocks(depth: int, accumulate: str) -> list[tuple[int, int]]:
    """(first, last) terms of each pass over the sums."""
    # A float64 accumulator does not survive in a float32 output, so those sums run in one go. Depth 0 is one block too:
    # it stores the bias.
    step = DEPTH if accumulate == "float32" else max(depth, 1)
    return [(k, min(k + step, depth)) for k in range(0, max(depth, 1), step)]


def matmul(f: Functions, x: np.ndarray, w: PackedWeights, bias: np.ndarray | None, accumulate: str) -> np.ndarray:
    """(M, K) x packed (K, N) -> (M, N), lanes over N."""
    rows, depth = x.shape
    out = np.empty((rows, w.outputs), np.float32)
    if out.size == 0:
        return out
    lanes, group = f.body.lanes, f.body.outputs
    blocks = -(-w.outputs // lanes)
    start = np.zeros(blocks * lanes, np.float32)
    if bias is not None:
        start[: w.outputs] = bias
    panels = _derived_panels(f, w) if f.body.derived else _panels(w, lanes)

    def task(first: int, last: int, first_block: int, last_block: int) -> None:
        # A task holds the arrays that it writes, whatever becomes of its caller.
        out_at, bias_at = address(out), address(start)
        for k, stop in depth_blocks(depth, accumulate):
            records = f.records(x[first:last, k:stop])
            records_at = address(records)
            for panel in panels(k, stop, first_block, last_block):
                f.sums(
                    vectors=panel.planes.at,
                    elements=panel.planes.elements,
                    taps=panel.geometry.taps_at + 8 * panel.tap,
                    depth=stop - k,
                    starts=panel.geometry.starts_at,
                    first_block=panel.first,
                    last_block=panel.last,
                    records=records_at,
                    group_stride=(stop - k) * f.record_size,
                    first_group=0,
                    last_group=records.shape[0],
                    out=out_at + 4 * (first * w.outputs + panel.origin * lanes),
                    out_starts=panel.geometry.out_starts_at,
                    counts=panel.geometry.counts_at,
                    lane_stride=1,
                    output_stride=w.outputs,
                    outputs=last - first,
                    bias=bias_at + 4 * panel.origin * lanes,
                    resume=int(k > 0),
                )

    # Pieces are whole groups of rows; columns are split where that leaves too few pieces.
    groups, tasks = -(-rows // group), wanted_tasks(rows * w.outputs * depth)
    count = -(-groups // max(1, (DERIVED_ROWS if f.body.derived else ROWS) // group))
    split = min(blocks, -(-tasks // count))
    pieces = [(first * group, min(last * group, rows)) for first, last in shares(groups, count)]
    run_all([partial(task, *piece, *part) for piece in pieces for part in shares(blocks, split)])
    return out


@dataclass(frozen=True)
class _Panel:
    """Blocks ``first`` to ``last`` of a geometry whose block 0 is block ``origin`` of the product."""

    planes: Planes
    geometry: Geometry
    tap: int
    first: int
    last: int
    origin: int


_Panels = Callable[[int, int, int, int], Iterator[_Panel]]


def _panels(w: PackedWeights, lanes: int) -> _Panels:
    """Panels in place."""
    geometry = columns(w.outputs, w.depth, lanes)
    step = max(1, COLUMNS // lanes)

    def panels(k: int, stop: int, first_block: int, last_block: int) -> Iterator[_Panel]:
        for first in range(first_block, last_block, step):
            yield _Panel(w.data, geometry, k, first, min(first + step, last_block), 0)

    return panels


def _derived_panels(f: Functions, w: PackedWeights) -> _Panels:
    """Panels whose streams are derived now."""
    lanes = f.body.lanes
    words = w.data.reshape(len(w.data), -1)
    term = lanes * sum(kind.itemsize for kind in f.stored)

    def panels(k: int, stop: int, first_block: int, last_block: int) -> Iterator[_Panel]:
        step = min(max(1, DERIVED // (term * max(stop - k, 1))), last_block - first_block)
        planes = Planes(f.stored, (step, (stop - k) * lanes))
        for first in range(first_block, last_block, step):
            last = min(first + step, last_block)
            f.prepare(words[first:last, k * lanes : stop * lanes], planes, planes.first[: last - first])
            outputs = min(w.outputs, last * lanes) - first * lanes
            yield _Panel(planes, columns(outputs, stop - k, lanes), 0, 0, last - first, first)

    return panels


def shares(total: int, parts: int) -> list[tuple[int, int]]:
    """(first, last) of ``parts`` nearly equal parts."""
    return [(total * i // parts, total * (i + 1) // parts) for i in range(parts)]
